import Glibc

/// Functions of text. Lengths and positions count characters (code points), as PostgreSQL's do.
enum TextFunctions {
    typealias Bytes = UnsafeBufferPointer<UInt8>

    static let all: [ScalarFunction] =
        [
            text2("||", "Concatenation.") { a, b, out in
                out.append(contentsOf: a)
                out.append(contentsOf: b)
            },
            length("length"), length("char_length"), length("character_length"),
            ScalarFunction("octet_length", [.text], .integer, "Bytes of UTF-8.") { arguments, count, _, _ in
                integers(arguments[0], count) { Int32($0.count) }
            },
            cases("upper", "Upper case, by Unicode's simple mappings.") { $0.properties.uppercaseMapping },
            cases("lower", "Lower case, by Unicode's simple mappings.") { $0.properties.lowercaseMapping },
            substring("substring"), substring("substr"), substringFrom("substring"), substringFrom("substr"),
            side("left", "The first n characters; all but the last −n if n is negative.", fromLeft: true),
            side("right", "The last n characters; all but the first −n if n is negative.", fromLeft: false),
            trim("btrim", true, true), trim("ltrim", true, false), trim("rtrim", false, true),
            trimOf("btrim", true, true), trimOf("ltrim", true, false), trimOf("rtrim", false, true),
            ScalarFunction(
                "replace", [.text, .text, .text], .text, "Every occurrence of the second replaced by the third."
            ) {
                arguments, count, validity, errors in
                Kernels.text(count, validity, &errors) { (row, out) throws(Kernels.Failure) in
                    with3(arguments, row) { text, from, to in replace(text, from, to, &out) }
                }
            },
            ScalarFunction(
                "strpos", [.text, .text], .integer,
                "The position of the second in the first, from 1; 0 if it is not there."
            ) {
                arguments, count, _, _ in
                Column(type: .integer, count: count) { (out: UnsafeMutableBufferPointer<Int32>) in
                    for row in 0..<count {
                        Kernels.withBytes(arguments[0], row) { text in
                            Kernels.withBytes(arguments[1], row) { part in
                                out[row] =
                                    find(part, in: text, from: 0).map {
                                        Int32(characters(Bytes(rebasing: text[0..<$0])) + 1)
                                    } ?? 0
                            }
                        }
                    }
                }
            },
            ScalarFunction(
                "split_part", [.text, .text, .integer], .text, "The n-th field of a text split at a delimiter."
            ) {
                arguments, count, validity, errors in
                arguments[2].withValues(as: Int32.self) { numbers in
                    Kernels.text(count, validity, &errors) { (row, out) throws(Kernels.Failure) in
                        let number = Int(numbers[row])
                        if number == 0 {
                            throw Kernels.Failure(code: "22023", message: "field position must not be zero")
                        }
                        Kernels.withBytes(arguments[0], row) { text in
                            Kernels.withBytes(arguments[1], row) { delimiter in splitPart(text, delimiter, number, &out)
                            }
                        }
                    }
                }
            },
            ScalarFunction("repeat", [.text, .integer], .text, "The text n times.") {
                arguments, count, validity, errors in
                arguments[1].withValues(as: Int32.self) { times in
                    Kernels.text(count, validity, &errors) { (row, out) throws(Kernels.Failure) in
                        let size = Kernels.withBytes(arguments[0], row) { $0.count }
                        guard size * Int(max(times[row], 0)) <= bytesMax else {
                            throw Kernels.Failure(
                                code: "54000", message: "the text would be longer than \(bytesMax) bytes")
                        }
                        Kernels.withBytes(arguments[0], row) { text in
                            for _ in 0..<max(times[row], 0) { out.append(contentsOf: text) }
                        }
                    }
                }
            },
            text1("reverse", "The characters in reverse order.") { text, out in
                for scalar in String(decoding: text, as: UTF8.self).unicodeScalars.reversed() {
                    out.append(contentsOf: String(scalar).utf8)
                }
            },
            predicate("starts_with", "Whether the first begins with the second.") { text, part in
                part.count <= text.count && text.prefix(part.count).elementsEqual(part)
            },
            predicate("~~", "LIKE.") { like($0, $1, foldCase: false) ?? false },
            predicate("!~~", "NOT LIKE.") { !(like($0, $1, foldCase: false) ?? false) },
            predicate("~~*", "ILIKE.") { like($0, $1, foldCase: true) ?? false },
            predicate("!~~*", "NOT ILIKE.") { !(like($0, $1, foldCase: true) ?? false) },
            pad("lpad", onLeft: true), pad("rpad", onLeft: false),
            ScalarFunction("ascii", [.text], .integer, "The code point of the first character; 0 of an empty text.") {
                arguments, count, _, _ in
                integers(arguments[0], count) { text in
                    String(decoding: text.prefix(4), as: UTF8.self).unicodeScalars.first.map { Int32($0.value) } ?? 0
                }
            },
            ScalarFunction("chr", [.integer], .text, "The character of a code point.") {
                arguments, count, validity, errors in
                arguments[0].withValues(as: Int32.self) { codes in
                    Kernels.text(count, validity, &errors) { (row, out) throws(Kernels.Failure) in
                        guard codes[row] > 0, let scalar = Unicode.Scalar(UInt32(codes[row])) else {
                            throw Kernels.Failure(
                                code: "54000", message: "requested character not valid for encoding: \(codes[row])")
                        }
                        out.append(contentsOf: String(scalar).utf8)
                    }
                }
            },
        ] + (2...8).map(concat)

    /// No function makes a longer text.
    static let bytesMax = 64 << 20
    // MARK: makers

    private static func text1(
        _ name: String, _ documentation: String, _ body: @escaping @Sendable (Bytes, inout [UInt8]) -> Void
    )
        -> ScalarFunction
    {
        ScalarFunction(name, [.text], .text, documentation) { arguments, count, validity, errors in
            Kernels.text(count, validity, &errors) { (row, out) throws(Kernels.Failure) in
                Kernels.withBytes(arguments[0], row) { body($0, &out) }
            }
        }
    }

    private static func text2(
        _ name: String, _ documentation: String, _ body: @escaping @Sendable (Bytes, Bytes, inout [UInt8]) -> Void
    ) -> ScalarFunction {
        ScalarFunction(name, [.text, .text], .text, documentation) { arguments, count, validity, errors in
            Kernels.text(count, validity, &errors) { (row, out) throws(Kernels.Failure) in
                Kernels.withBytes(arguments[0], row) { a in
                    Kernels.withBytes(arguments[1], row) { b in body(a, b, &out) }
                }
            }
        }
    }

    private static func predicate(
        _ name: String, _ documentation: String, _ body: @escaping @Sendable (Bytes, Bytes) -> Bool
    )
        -> ScalarFunction
    {
        ScalarFunction(name, [.text, .text], .boolean, documentation) { arguments, count, _, _ in
            Column(type: .boolean, count: count) { (out: UnsafeMutableBufferPointer<UInt8>) in
                for row in 0..<count {
                    out[row] = Kernels.withBytes(arguments[0], row) { a in
                        Kernels.withBytes(arguments[1], row) { b in body(a, b) ? 1 : 0 }
                    }
                }
            }
        }
    }

    private static func integers(_ column: Column, _ count: Int, _ body: (Bytes) -> Int32) -> Column {
        Column(type: .integer, count: count) { (out: UnsafeMutableBufferPointer<Int32>) in
            for row in 0..<count { out[row] = Kernels.withBytes(column, row, body) }
        }
    }

    private static func with3(_ arguments: [Column], _ row: Int, _ body: (Bytes, Bytes, Bytes) -> Void) {
        Kernels.withBytes(arguments[0], row) { a in
            Kernels.withBytes(arguments[1], row) { b in Kernels.withBytes(arguments[2], row) { c in body(a, b, c) } }
        }
    }

    private static func length(_ name: String) -> ScalarFunction {
        ScalarFunction(name, [.text], .integer, "Characters.") { arguments, count, _, _ in
            integers(arguments[0], count) { Int32(characters($0)) }
        }
    }

    private static func cases(
        _ name: String, _ documentation: String, _ map: @escaping @Sendable (Unicode.Scalar) -> String
    )
        -> ScalarFunction
    {
        text1(name, documentation) { text, out in
            let isUpper = name == "upper"
            if text.allSatisfy({ $0 < 0x80 }) {
                for byte in text {
                    let isLetter = isUpper ? byte >= 0x61 && byte <= 0x7A : byte >= 0x41 && byte <= 0x5A
                    out.append(isLetter ? byte ^ 0x20 : byte)
                }
                return
            }
            for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
                let mapped = map(scalar)
                // A simple mapping is of one character; where Unicode has only a longer one, the character stays.
                out.append(contentsOf: (mapped.unicodeScalars.count == 1 ? mapped : String(scalar)).utf8)
            }
        }
    }

    private static func substring(_ name: String) -> ScalarFunction {
        ScalarFunction(name, [.text, .integer, .integer], .text, "Characters from a position (from 1), so many.") {
            arguments, count, validity, errors in
            arguments[1].withValues(as: Int32.self) { starts in
                arguments[2].withValues(as: Int32.self) { lengths in
                    Kernels.text(count, validity, &errors) { (row, out) throws(Kernels.Failure) in
                        if lengths[row] < 0 {
                            throw Kernels.Failure(code: "22011", message: "negative substring length not allowed")
                        }
                        let start = Int(starts[row])
                        Kernels.withBytes(arguments[0], row) {
                            slice($0, start - 1, start - 1 + Int(lengths[row]), &out)
                        }
                    }
                }
            }
        }
    }

    private static func substringFrom(_ name: String) -> ScalarFunction {
        ScalarFunction(name, [.text, .integer], .text, "Characters from a position (from 1) to the end.") {
            arguments, count, validity, errors in
            arguments[1].withValues(as: Int32.self) { starts in
                Kernels.text(count, validity, &errors) { (row, out) throws(Kernels.Failure) in
                    Kernels.withBytes(arguments[0], row) { slice($0, Int(starts[row]) - 1, .max, &out) }
                }
            }
        }
    }

    private static func side(_ name: String, _ documentation: String, fromLeft: Bool) -> ScalarFunction {
        ScalarFunction(name, [.text, .integer], .text, documentation) { arguments, count, validity, errors in
            arguments[1].withValues(as: Int32.self) { numbers in
                Kernels.text(count, validity, &errors) { (row, out) throws(Kernels.Failure) in
                    let number = Int(numbers[row])
                    Kernels.withBytes(arguments[0], row) { text in
                        let total = number < 0 || !fromLeft ? characters(text) : 0
                        if fromLeft {
                            slice(text, 0, number >= 0 ? number : total + number, &out)
                        } else {
                            slice(text, number >= 0 ? total - number : -number, .max, &out)
                        }
                    }
                }
            }
        }
    }

    private static func trim(_ name: String, _ left: Bool, _ right: Bool) -> ScalarFunction {
        text1(name, "Without spaces at the \(left && right ? "ends" : left ? "start" : "end").") { text, out in
            var (start, end) = (0, text.count)
            while left, start < end, text[start] == 0x20 { start += 1 }
            while right, end > start, text[end - 1] == 0x20 { end -= 1 }
            out.append(contentsOf: text[start..<end])
        }
    }

    private static func trimOf(_ name: String, _ left: Bool, _ right: Bool) -> ScalarFunction {
        text2(name, "Without any of the second's characters at the \(left && right ? "ends" : left ? "start" : "end").")
        { text, set, out in
            let removed = Set(String(decoding: set, as: UTF8.self).unicodeScalars)
            var scalars = Substring(String(decoding: text, as: UTF8.self)).unicodeScalars
            while left, let first = scalars.first, removed.contains(first) { scalars.removeFirst() }
            while right, let last = scalars.last, removed.contains(last) { scalars.removeLast() }
            out.append(contentsOf: String(scalars).utf8)
        }
    }

    private static func pad(_ name: String, onLeft: Bool) -> ScalarFunction {
        ScalarFunction(name, [.text, .integer, .text], .text, "Filled up or cut to so many characters.") {
            arguments, count, validity, errors in
            arguments[1].withValues(as: Int32.self) { widths in
                Kernels.text(count, validity, &errors) { (row, out) throws(Kernels.Failure) in
                    let width = Int(max(widths[row], 0))
                    guard width <= bytesMax / 4 else {
                        throw Kernels.Failure(code: "54000", message: "the text would be longer than \(bytesMax) bytes")
                    }
                    Kernels.withBytes(arguments[0], row) { text in
                        Kernels.withBytes(arguments[2], row) { fill in
                            let have = characters(text)
                            if have >= width || fill.isEmpty { return slice(text, 0, width, &out) }
                            if !onLeft { out.append(contentsOf: text) }
                            let scalars = Array(String(decoding: fill, as: UTF8.self).unicodeScalars)
                            for index in 0..<(width - have) {
                                out.append(contentsOf: String(scalars[index % scalars.count]).utf8)
                            }
                            if onLeft { out.append(contentsOf: text) }
                        }
                    }
                }
            }
        }
    }

    /// concat of `count` texts: NULLs count as empty.
    private static func concat(_ count: Int) -> ScalarFunction {
        ScalarFunction(
            "concat", [DataType](repeating: .text, count: count), .text, isStrict: false,
            "Concatenation; NULL counts as empty."
        ) { arguments, rows, _, errors in
            Kernels.text(rows, nil, &errors) { (row, out) throws(Kernels.Failure) in
                for argument in arguments where !argument.isNull(row) {
                    Kernels.withBytes(argument, row) { out.append(contentsOf: $0) }
                }
            }
        }
    }

    // MARK: one row

    @inline(__always)
    static func characters(_ text: Bytes) -> Int {
        var count = 0
        for byte in text where byte & 0xC0 != 0x80 { count += 1 }
        return count
    }

    /// Characters `from ..< to` (from 0), as far as they exist.
    private static func slice(_ text: Bytes, _ from: Int, _ to: Int, _ out: inout [UInt8]) {
        guard to > max(from, 0) else { return }
        var index = -1
        var start: Int?
        var end = text.count
        for (position, byte) in text.enumerated() where byte & 0xC0 != 0x80 {
            index += 1
            if index >= from, start == nil { start = position }
            if index == to {
                end = position
                break
            }
        }
        if let start { out.append(contentsOf: text[start..<end]) }
    }

    private static func find(_ part: Bytes, in text: Bytes, from: Int) -> Int? {
        guard let partBase = part.baseAddress, part.count > 0 else { return from }
        guard let textBase = text.baseAddress else { return nil }
        var position = from
        while position + part.count <= text.count {
            guard let found = memchr(textBase + position, Int32(part[0]), text.count - part.count - position + 1) else {
                return nil
            }
            position = UnsafeRawPointer(found) - UnsafeRawPointer(textBase)
            if memcmp(found, partBase, part.count) == 0 { return position }
            position += 1
        }
        return nil
    }

    private static func replace(_ text: Bytes, _ from: Bytes, _ to: Bytes, _ out: inout [UInt8]) {
        var position = 0
        while from.count > 0, let found = find(from, in: text, from: position) {
            out.append(contentsOf: text[position..<found])
            out.append(contentsOf: to)
            position = found + from.count
        }
        out.append(contentsOf: text[position...])
    }

    private static func splitPart(_ text: Bytes, _ delimiter: Bytes, _ number: Int, _ out: inout [UInt8]) {
        var fields: [Range<Int>] = []
        var position = 0
        while delimiter.count > 0, let found = find(delimiter, in: text, from: position) {
            fields.append(position..<found)
            if fields.count == number { break }
            position = found + delimiter.count
        }
        if fields.count != number { fields.append(position..<text.count) }
        let index = number > 0 ? number - 1 : fields.count + number
        if fields.indices.contains(index) { out.append(contentsOf: text[fields[index]]) }
    }

    /// LIKE with `%`, `_` and the escape `\`; linear in text × wildcards. nil if the pattern ends with its escape.
    static func like(_ text: Bytes, _ pattern: Bytes, foldCase: Bool) -> Bool? {
        if foldCase {
            var folded = (lowered(text), lowered(pattern))
            return folded.0.withUTF8 { a in folded.1.withUTF8 { b in like(a, b, foldCase: false) } }
        }
        var (t, p) = (0, 0)
        var retry: (text: Int, pattern: Int)?
        while t < text.count {
            if p < pattern.count, pattern[p] == UInt8(ascii: "%") {
                p += 1
                retry = (t, p)
                continue
            }
            if p < pattern.count, pattern[p] == UInt8(ascii: "_") {
                t += 1
                while t < text.count, text[t] & 0xC0 == 0x80 { t += 1 }
                p += 1
                continue
            }
            let escaped = p < pattern.count && pattern[p] == UInt8(ascii: "\\")
            if escaped, p + 1 >= pattern.count { return nil }
            let literal = escaped ? p + 1 : p
            if literal < pattern.count, pattern[literal] == text[t] {
                t += 1
                p = literal + 1
                continue
            }
            guard let (start, after) = retry else { return false }
            // The last % takes one more character.
            var next = start + 1
            while next < text.count, text[next] & 0xC0 == 0x80 { next += 1 }
            retry = (next, after)
            (t, p) = (next, after)
        }
        while p < pattern.count, pattern[p] == UInt8(ascii: "%") { p += 1 }
        return p == pattern.count
    }

    private static func lowered(_ text: Bytes) -> String { String(decoding: text, as: UTF8.self).lowercased() }
}

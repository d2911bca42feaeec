import Glibc

/// Functions of text. Lengths and positions count characters (code points), as PostgreSQL's do.
enum TextFunctions {
    typealias Bytes = TextKernels.Bytes

    static let all: [ScalarFunction] =
        [
            TextKernels.text2("||", "Concatenation.") { (a, b, out) throws(RowFailure) in
                out.append(a)
                out.append(b)
            }
        ] + lengths + cutting + trimming + searching + building + more

    private static let lengths: [ScalarFunction] = [
        TextKernels.measure("length", .integer, "Characters.") { Int32(truncatingIfNeeded: characters($0)) },
        TextKernels.measure("char_length", .integer, "Characters.") { Int32(truncatingIfNeeded: characters($0)) },
        TextKernels.measure("character_length", .integer, "Characters.") { Int32(truncatingIfNeeded: characters($0)) },
        TextKernels.measure("octet_length", .integer, "Bytes of UTF-8.") { Int32(truncatingIfNeeded: $0.count) },
        RowKernels.value("octet_length", [.character], .integer, "Bytes of UTF-8, with the blanks at the end.") {
            (row) throws(RowFailure) -> Int32? in Int32(truncatingIfNeeded: row.text(0).count)
        },
        TextKernels.measure("bit_length", .integer, "Bits of UTF-8.") { Int32(truncatingIfNeeded: $0.count &* 8) },
        TextKernels.measure("ascii", .integer, "The code point of the first character; 0 of an empty text.") { text in
            String(decoding: text.prefix(4), as: UTF8.self).unicodeScalars.first.map { Int32($0.value) } ?? 0
        },
    ]

    // MARK: parts

    private static let cutting: [ScalarFunction] = [
        substring("substring"), substring("substr"), substringFrom("substring"), substringFrom("substr"),
        TextKernels.textInteger("left", "The first n characters; all but the last −n if n is negative.") {
            (text, number, out) throws(RowFailure) in
            out.append(slice(text, 0, number >= 0 ? number : characters(text) + number))
        },
        TextKernels.textInteger("right", "The last n characters; all but the first −n if n is negative.") {
            (text, number, out) throws(RowFailure) in
            out.append(slice(text, number >= 0 ? characters(text) - number : -number, .max))
        },
        ScalarFunction("split_part", [.text, .text, .integer], .text, "The n-th field of a text split at a delimiter.")
        {
            arguments, count, validity, errors in
            arguments[0].withText { offsets, bytes in
                arguments[1].withText { partOffsets, partBytes in
                    arguments[2].withValues(as: Int32.self) { numbers in
                        TextKernels.rows(count, validity, Int(offsets[count]), &errors) { (i, out) throws(RowFailure) in
                            if numbers[i] == 0 { throw RowFailure("22023", "field position must not be zero") }
                            let text = TextKernels.slice(offsets, bytes, i)
                            let delimiter = TextKernels.slice(partOffsets, partBytes, i)
                            if let field = field(text, delimiter, Int(numbers[i])) { out.append(text[field]) }
                        }
                    }
                }
            }
        },
    ]

    private static func substring(_ name: String) -> ScalarFunction {
        ScalarFunction(name, [.text, .integer, .integer], .text, "Characters from a position (from 1), so many.") {
            arguments, count, validity, errors in
            arguments[0].withText { offsets, bytes in
                arguments[1].withValues(as: Int32.self) { starts in
                    arguments[2].withValues(as: Int32.self) { lengths in
                        TextKernels.rows(count, validity, Int(offsets[count]), &errors) { (i, out) throws(RowFailure) in
                            let start = Int(starts[i]) - 1
                            let length = Int(lengths[i])
                            if length < 0 { throw RowFailure("22011", "negative substring length not allowed") }
                            out.append(slice(TextKernels.slice(offsets, bytes, i), start, start + length))
                        }
                    }
                }
            }
        }
    }

    private static func substringFrom(_ name: String) -> ScalarFunction {
        TextKernels.textInteger(name, "Characters from a position (from 1) to the end.") {
            (text, start, out) throws(RowFailure) in
            out.append(slice(text, start - 1, .max))
        }
    }

    // MARK: ends

    private static let trimming: [ScalarFunction] =
        [("btrim", true, true), ("ltrim", true, false), ("rtrim", false, true)].flatMap { name, left, right in
            let ends = left && right ? "both ends" : left ? "the start" : "the end"
            return [
                TextKernels.text1(name, "Without spaces at \(ends).") { (text, out) throws(RowFailure) in
                    var (start, end) = (0, text.count)
                    while left, start < end, text[start] == 0x20 { start += 1 }
                    while right, end > start, text[end - 1] == 0x20 { end -= 1 }
                    out.append(text[start..<end])
                },
                TextKernels.text2(name, "Without any of the second's characters at \(ends).") {
                    (text, set, out) throws(RowFailure) in
                    var (start, end) = (0, text.count)
                    while left, start < end {
                        let next = after(text, start)
                        guard contains(set, Bytes(rebasing: text[start..<min(next, end)])) else { break }
                        start = next
                    }
                    while right, end > start {
                        let last = before(text, end)
                        guard contains(set, Bytes(rebasing: text[last..<end])) else { break }
                        end = last
                    }
                    out.append(text[start..<max(start, end)])
                },
            ]
        }

    /// Whether `set` has the character, which is given by its bytes.
    private static func contains(_ set: Bytes, _ character: Bytes) -> Bool {
        // UTF-8 is self-synchronising: the bytes of a character are found only where it stands.
        find(character, in: set, from: 0) != nil
    }

    // MARK: searching

    private static let searching: [ScalarFunction] =
        [
            position("strpos"), position("position"),
            TextKernels.predicate2("starts_with", "Whether the first begins with the second.") { text, part in
                guard part.count <= text.count, let x = text.baseAddress, let y = part.baseAddress else {
                    return part.isEmpty
                }
                return memcmp(x, y, part.count) == 0
            },
        ]
        + [DataType.text, .character].flatMap { type in
            // The blanks at the end of a character value count.
            [
                like("~~", type, "LIKE.", foldCase: false, negated: false),
                like("!~~", type, "NOT LIKE.", foldCase: false, negated: true),
                like("~~*", type, "ILIKE.", foldCase: true, negated: false),
                like("!~~*", type, "NOT ILIKE.", foldCase: true, negated: true),
            ]
        }

    private static func position(_ name: String) -> ScalarFunction {
        TextKernels.measure2(name, .integer, "The position of the second in the first, from 1; 0 if it is not there.") {
            (text, part) throws(RowFailure) -> Int32 in
            guard let found = find(part, in: text, from: 0) else { return 0 }
            return Int32(truncatingIfNeeded: characters(Bytes(rebasing: text[0..<found])) + 1)
        }
    }

    private static func like(
        _ name: String, _ type: DataType, _ documentation: String, foldCase: Bool, negated: Bool
    ) -> ScalarFunction {
        RowKernels.predicate(name, [type, .text], documentation, state: { TextPattern() }) {
            (row, pattern) throws(RowFailure) in
            pattern.use(row.text(1), foldsCase: foldCase)
            guard let matches = pattern.matches(row.text(0)) else {
                throw RowFailure("22025", "LIKE pattern must not end with escape character")
            }
            return matches != negated
        }
    }

    // MARK: building

    private static let building: [ScalarFunction] = [
        TextKernels.text1("upper", "Upper case, by Unicode's simple mappings.") { (text, out) throws(RowFailure) in
            UnicodeCase.append(text, isUpper: true, to: &out)
        },
        TextKernels.text1("lower", "Lower case, by Unicode's simple mappings.") { (text, out) throws(RowFailure) in
            UnicodeCase.append(text, isUpper: false, to: &out)
        },
        TextKernels.text1("reverse", "The characters in reverse order.") { (text, out) throws(RowFailure) in
            var end = text.count
            while end > 0 {
                let start = before(text, end)
                out.append(text[start..<end])
                end = start
            }
        },
        TextKernels.text3("replace", "Every occurrence of the second replaced by the third.") {
            (text, from, to, out) throws(RowFailure) in
            var position = 0
            while !from.isEmpty, let found = find(from, in: text, from: position) {
                out.append(text[position..<found])
                out.append(to)
                position = found + from.count
                if out.rowByteCount > TextKernels.bytesMax { throw RowFailure.textTooLong }
            }
            out.append(text[position...])
        },
        TextKernels.text3(
            "translate", "Each character of the second replaced by the one at its place in the third, if any."
        ) {
            (text, from, to, out) throws(RowFailure) in
            var position = 0
            while position < text.count {
                let next = after(text, position)
                let character = Bytes(rebasing: text[position..<next])
                if let found = find(character, in: from, from: 0) {
                    let place = characters(Bytes(rebasing: from[0..<found]))
                    out.append(slice(to, place, place + 1))
                } else {
                    out.append(character)
                }
                position = next
            }
        },
        TextKernels.textInteger("repeat", "The text n times.") { (text, times, out) throws(RowFailure) in
            guard times > 0 else { return }
            if text.count * times > TextKernels.bytesMax { throw RowFailure.textTooLong }
            for _ in 0..<times { out.append(text) }
        },
        pad("lpad", onLeft: true), pad("rpad", onLeft: false), padWithBlanks("lpad", onLeft: true),
        padWithBlanks("rpad", onLeft: false),
        ScalarFunction("chr", [.integer], .text, "The character of a code point.") {
            arguments, count, validity, errors in
            arguments[0].withValues(as: Int32.self) { codes in
                TextKernels.rows(count, validity, count * 4, &errors) { (i, out) throws(RowFailure) in
                    if codes[i] == 0 { throw RowFailure("54000", "null character not permitted") }
                    if codes[i] < 0 { throw RowFailure("22023", "character number must be positive") }
                    guard let scalar = Unicode.Scalar(UInt32(codes[i])) else {
                        let reason = codes[i] > 0x10FFFF ? "too large" : "not valid"
                        throw RowFailure("54000", "requested character \(reason) for encoding: \(codes[i])")
                    }
                    out.append(scalar)
                }
            }
        },
    ]

    private static func pad(_ name: String, onLeft: Bool) -> ScalarFunction {
        ScalarFunction(name, [.text, .integer, .text], .text, "Filled up or cut to so many characters.") {
            arguments, count, validity, errors in
            arguments[0].withText { offsets, bytes in
                arguments[1].withValues(as: Int32.self) { widths in
                    arguments[2].withText { fillOffsets, fillBytes in
                        TextKernels.rows(count, validity, Int(offsets[count]), &errors) { (i, out) throws(RowFailure) in
                            let fill = TextKernels.slice(fillOffsets, fillBytes, i)
                            try pad(TextKernels.slice(offsets, bytes, i), Int(widths[i]), fill, onLeft, &out)
                        }
                    }
                }
            }
        }
    }

    private static func padWithBlanks(_ name: String, onLeft: Bool) -> ScalarFunction {
        TextKernels.textInteger(name, "Filled up with spaces or cut to so many characters.") {
            (text, width, out) throws(RowFailure) in
            var blank: UInt8 = 0x20
            try withUnsafePointer(to: &blank) { blank throws(RowFailure) in
                try pad(text, width, Bytes(start: blank, count: 1), onLeft, &out)
            }
        }
    }

    private static func pad(
        _ text: Bytes, _ width: Int, _ fill: Bytes, _ onLeft: Bool, _ out: inout TextWriter
    ) throws(RowFailure) {
        let have = characters(text)
        if have >= width || fill.isEmpty { return out.append(slice(text, 0, width)) }
        if width > TextKernels.bytesMax { throw .textTooLong }
        if !onLeft { out.append(text) }
        var position = 0
        for _ in 0..<(width - have) {
            let next = after(fill, position)
            out.append(fill[position..<next])
            position = next == fill.count ? 0 : next
        }
        if onLeft { out.append(text) }
    }

    // MARK: one row

    /// Code points: the bytes that do not continue one.
    @inline(__always)
    static func characters(_ text: Bytes) -> Int {
        guard let base = UnsafeRawPointer(text.baseAddress) else { return 0 }
        var continuing = 0
        var position = 0
        // Eight bytes at a time: the top bit set and the one below it clear.
        while position &+ 8 <= text.count {
            let word = base.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            continuing &+= (word & ~(word << 1) & 0x8080_8080_8080_8080).nonzeroBitCount
            position &+= 8
        }
        while position < text.count {
            continuing &+= text[position] & 0xC0 == 0x80 ? 1 : 0
            position &+= 1
        }
        return text.count &- continuing
    }

    /// Where the character at `position` ends.
    @inline(__always)
    static func after(_ text: Bytes, _ position: Int) -> Int {
        var next = position + 1
        while next < text.count, text[next] & 0xC0 == 0x80 { next += 1 }
        return next
    }

    /// Where the character that ends at `position` starts.
    @inline(__always)
    private static func before(_ text: Bytes, _ position: Int) -> Int {
        var start = position - 1
        while start > 0, text[start] & 0xC0 == 0x80 { start -= 1 }
        return start
    }

    /// Characters `from ..< to` (from 0), as far as they exist.
    static func slice(_ text: Bytes, _ from: Int, _ to: Int) -> Bytes {
        guard to > from, to > 0 else { return Bytes(start: nil, count: 0) }
        var start = 0
        var index = 0
        while index < from, start < text.count {
            start = after(text, start)
            index += 1
        }
        if to == .max { return Bytes(rebasing: text[start...]) }
        var end = start
        while index < to, end < text.count {
            end = after(text, end)
            index += 1
        }
        return Bytes(rebasing: text[start..<end])
    }

    /// The first place of `part` at or after `from`.
    static func find(_ part: Bytes, in text: Bytes, from: Int) -> Int? {
        guard let partBase = part.baseAddress, part.count > 0 else { return from }
        guard let textBase = text.baseAddress else { return nil }
        var position = from
        while position + part.count <= text.count {
            let room = text.count - part.count - position + 1
            guard let found = memchr(textBase + position, Int32(part[0]), room) else { return nil }
            if memcmp(found, partBase, part.count) == 0 { return UnsafeRawPointer(found) - UnsafeRawPointer(textBase) }
            position = UnsafeRawPointer(found) - UnsafeRawPointer(textBase) + 1
        }
        return nil
    }

    /// The range of field `number`, from 1, or from −1 at the end.
    private static func field(_ text: Bytes, _ delimiter: Bytes, _ number: Int) -> Range<Int>? {
        if text.isEmpty { return nil }
        if delimiter.isEmpty { return number == 1 || number == -1 ? 0..<text.count : nil }
        var wanted = number
        if number < 0 {
            var total = 1
            var position = 0
            while let found = find(delimiter, in: text, from: position) {
                total += 1
                position = found + delimiter.count
            }
            wanted = total + number + 1
        }
        guard wanted > 0 else { return nil }
        var start = 0
        for _ in 1..<wanted {
            guard let found = find(delimiter, in: text, from: start) else { return nil }
            start = found + delimiter.count
        }
        return start..<(find(delimiter, in: text, from: start) ?? text.count)
    }
}

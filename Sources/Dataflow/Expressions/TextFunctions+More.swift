/// Text functions of less common kinds: overlay, initcap, hexadecimal, escapes of patterns and of Unicode.
extension TextFunctions {
    static let more: [ScalarFunction] = [
        RowKernels.bytes(
            "overlay", [.text, .text, .integer, .integer],
            "The second put over so many characters of the first, from a position."
        ) {
            (row, out) throws(RowFailure) in
            try overlay(row.text(0), row.text(1), row.integer(2), row.integer(3), &out)
        },
        RowKernels.bytes(
            "overlay", [.text, .text, .integer], "The second put over as many characters of the first, from a position."
        ) {
            (row, out) throws(RowFailure) in
            try overlay(row.text(0), row.text(1), row.integer(2), characters(row.text(1)), &out)
        },
        RowKernels.bytes("initcap", [.text], "The first letter of each word in upper case, the others in lower case.") {
            row, out in
            var isInWord = false
            for scalar in row.string(0).unicodeScalars {
                out.append(isInWord ? UnicodeCase.simpleLower(scalar) : UnicodeCase.simpleUpper(scalar))
                isInWord = isWordCharacter(scalar)
            }
        },
        hexadecimal(.integer) { UInt64(UInt32(bitPattern: $0.value(0, as: Int32.self))) },
        hexadecimal(.bigint) { UInt64(bitPattern: $0.bigint(0)) },
        RowKernels.predicate("^@", [.text, .text], "Whether the first starts with the second.") { row in
            row.text(0).starts(with: row.text(1))
        },
        RowKernels.bytes(
            "like_escape", [.text, .text], "A LIKE pattern with another escape character, as one with backslash."
        ) {
            (row, out) throws(RowFailure) in
            try likeEscape(row.text(0), row.text(1), &out)
        },
        RowKernels.bytes(
            "unistr", [.text],
            "The text with \\XXXX, \\+XXXXXX, \\uXXXX and \\UXXXXXXXX as the characters that they name."
        ) {
            (row, out) throws(RowFailure) in
            try unistr(row.text(0), &out)
        },
        RowKernels.bytes("pg_client_encoding", [], "UTF8, the encoding of all texts.") { _, out in
            out.append(Array("UTF8".utf8))
        },
    ]

    private static func overlay(
        _ text: Bytes, _ part: Bytes, _ start: Int, _ length: Int, _ out: inout TextWriter
    ) throws(RowFailure) {
        if start <= 0 { throw RowFailure("22011", "negative substring length not allowed") }
        let end = start + length
        guard end <= Int(Int32.max) else { throw .outOfRange(.integer) }
        out.append(slice(text, 0, start - 1))
        out.append(part)
        out.append(slice(text, max(end - 1, 0), .max))
    }

    private static func isWordCharacter(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII {
            let letter = scalar.value | 0x20
            return letter >= 0x61 && letter <= 0x7A || scalar.value >= 0x30 && scalar.value <= 0x39
        }
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .letterNumber,
            .decimalNumber:
            return true
        default: return false
        }
    }

    private static func hexadecimal(
        _ type: DataType, _ bits: @escaping @Sendable (ArgumentRow) -> UInt64
    ) -> ScalarFunction {
        RowKernels.bytes("to_hex", [type], "The number in hexadecimal digits, a negative one by its two's complement.")
        {
            row, out in
            out.append(Array(String(bits(row), radix: 16).utf8))
        }
    }

    private static func likeEscape(_ pattern: Bytes, _ escape: Bytes, _ out: inout TextWriter) throws(RowFailure) {
        let backslash = UInt8(ascii: "\\")
        if escape.count > 1, after(escape, 0) < escape.count {
            throw RowFailure("22025", "invalid escape string")
        }
        if escape.count == 1, escape[0] == backslash { return out.append(pattern) }
        var position = 0
        var isEscaped = false
        while position < pattern.count {
            let next = after(pattern, position)
            let character = Bytes(rebasing: pattern[position..<next])
            position = next
            if !isEscaped, !escape.isEmpty, character.elementsEqual(escape) {
                out.append(backslash)
                isEscaped = true
                continue
            }
            if character[0] == backslash, !isEscaped { out.append(backslash) }
            out.append(character)
            isEscaped = false
        }
    }

    private static func unistr(_ text: Bytes, _ out: inout TextWriter) throws(RowFailure) {
        let backslash = UInt8(ascii: "\\")
        var position = 0
        /// The first half of a surrogate pair.
        var high: UInt32?
        while position < text.count {
            guard text[position] == backslash else {
                if high != nil { throw RowFailure("42601", "invalid Unicode surrogate pair") }
                out.append(text[position])
                position += 1
                continue
            }
            if position + 1 < text.count, text[position + 1] == backslash {
                if high != nil { throw RowFailure("42601", "invalid Unicode surrogate pair") }
                out.append(backslash)
                position += 2
                continue
            }
            guard let (code, length) = escape(text, position) else {
                throw RowFailure("42601", "invalid Unicode escape")
            }
            position += length
            if let first = high {
                guard code >= 0xDC00, code <= 0xDFFF,
                    let scalar = Unicode.Scalar((first - 0xD800) << 10 + (code - 0xDC00) + 0x10000)
                else { throw RowFailure("42601", "invalid Unicode surrogate pair") }
                out.append(scalar)
                high = nil
            } else if code >= 0xD800, code <= 0xDBFF {
                high = code
            } else if code >= 0xDC00, code <= 0xDFFF {
                throw RowFailure("42601", "invalid Unicode surrogate pair")
            } else {
                guard code > 0, let scalar = Unicode.Scalar(code) else {
                    throw RowFailure("22023", "invalid Unicode code point: \(paddedHex(code))")
                }
                out.append(scalar)
            }
        }
        if high != nil { throw RowFailure("42601", "invalid Unicode surrogate pair") }
    }

    private static func paddedHex(_ code: UInt32) -> String {
        let digits = String(code, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(4 - digits.utf8.count, 0)) + digits
    }

    /// The code point of an escape and the bytes that it takes.
    private static func escape(_ text: Bytes, _ position: Int) -> (UInt32, Int)? {
        func hex(_ start: Int, _ count: Int) -> UInt32? {
            guard start + count <= text.count else { return nil }
            var value: UInt32 = 0
            for index in start..<(start + count) {
                guard let digit = Character(Unicode.Scalar(text[index])).hexDigitValue, text[index] < 0x80 else {
                    return nil
                }
                value = value << 4 | UInt32(digit)
            }
            return value
        }
        guard position + 1 < text.count else { return nil }
        switch text[position + 1] {
        case UInt8(ascii: "+"): return hex(position + 2, 6).map { ($0, 8) }
        case UInt8(ascii: "u"): return hex(position + 2, 4).map { ($0, 6) }
        case UInt8(ascii: "U"): return hex(position + 2, 8).map { ($0, 10) }
        default: return hex(position + 1, 4).map { ($0, 5) }
        }
    }
}

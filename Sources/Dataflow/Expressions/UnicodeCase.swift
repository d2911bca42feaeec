/// Upper and lower case by Unicode's simple mappings: one character becomes one character.
enum UnicodeCase {
    /// The mappings of the planes that have letters with case (everything below U+1F000), made on first use.
    private static let upperTable = table { upper($0) }
    private static let lowerTable = table { lower($0) }
    private static let tableCount = 0x1F000

    private static func table(_ map: (Unicode.Scalar) -> Unicode.Scalar) -> [Unicode.Scalar] {
        (0..<UInt32(tableCount)).map { code in Unicode.Scalar(code).map(map) ?? "\u{FFFD}" }
    }

    /// Appends the text in upper or lower case.
    static func append(_ text: TextKernels.Bytes, isUpper: Bool, to out: inout TextWriter) {
        let target = out.reserve(text.count)
        let first: UInt8 = isUpper ? 0x61 : 0x41
        var nonASCII: UInt8 = 0
        for (index, byte) in text.enumerated() {
            nonASCII |= byte
            target[index] = byte &- first < 26 ? byte ^ 0x20 : byte
        }
        if nonASCII < 0x80 { return out.advance(text.count) }
        for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
            out.append(isUpper ? simpleUpper(scalar) : simpleLower(scalar))
        }
    }

    static func simpleUpper(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        scalar.value < UInt32(tableCount) ? upperTable[Int(scalar.value)] : scalar
    }

    static func simpleLower(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        scalar.value < UInt32(tableCount) ? lowerTable[Int(scalar.value)] : scalar
    }

    /// Swift offers the full mappings. Where that is longer than one character, the simple one is the title case if that
    /// is one (ᾳ → ᾼ), else the character itself (ß).
    private static func upper(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        single(scalar.properties.uppercaseMapping) ?? single(scalar.properties.titlecaseMapping) ?? scalar
    }

    private static func lower(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        // The only one whose full mapping is longer: İ becomes i and a combining dot.
        scalar == "\u{130}" ? "i" : single(scalar.properties.lowercaseMapping) ?? scalar
    }

    private static func single(_ mapping: String) -> Unicode.Scalar? {
        let scalars = mapping.unicodeScalars
        return scalars.index(after: scalars.startIndex) == scalars.endIndex ? scalars.first : nil
    }
}

/// The text forms of encode and decode.
enum BinaryEncoding {
    case base64, hex, escape

    typealias Bytes = TextKernels.Bytes

    static func named(_ name: Bytes) throws(RowFailure) -> BinaryEncoding {
        let shown = String(decoding: name, as: UTF8.self)
        switch shown.lowercased() {
        case "base64": return .base64
        case "hex": return .hex
        case "escape": return .escape
        default: throw RowFailure("22023", "unrecognized encoding: \"\(shown)\"")
        }
    }

    func encode(_ bytes: Bytes) -> [UInt8] {
        var text: [UInt8] = []
        switch self {
        case .hex: for byte in bytes { ByteaText.appendHexadecimal(byte, to: &text) }
        case .escape:
            for byte in bytes {
                if byte == 0 || byte >= 0x80 {
                    text.append(contentsOf: [
                        UInt8(ascii: "\\"), 0x30 + (byte >> 6), 0x30 + (byte >> 3 & 7), 0x30 + (byte & 7),
                    ])
                } else {
                    if byte == UInt8(ascii: "\\") { text.append(byte) }
                    text.append(byte)
                }
            }
        case .base64: Self.appendBase64(bytes, &text)
        }
        return text
    }

    func decode(_ text: Bytes) throws(RowFailure) -> [UInt8] {
        switch self {
        case .hex: try Self.decodeHex(text)
        case .escape: try Self.decodeEscape(text)
        case .base64: try Self.decodeBase64(text)
        }
    }

    private static func character(_ text: Bytes, _ position: Int) -> String {
        String(decoding: text[position..<TextFunctions.after(text, position)], as: UTF8.self)
    }

    private static func decodeHex(_ text: Bytes) throws(RowFailure) -> [UInt8] {
        var bytes: [UInt8] = []
        var high: UInt8?
        for (position, byte) in text.enumerated() {
            // Between two digits a blank is wrong, too.
            if high == nil, [0x20, 0x0A, 0x09, 0x0D].contains(byte) { continue }
            guard let digit = ByteaText.hexadecimal(byte) else {
                throw RowFailure("22023", "invalid hexadecimal digit: \"\(character(text, position))\"")
            }
            if let first = high {
                bytes.append(first << 4 | UInt8(digit))
                high = nil
            } else {
                high = UInt8(digit)
            }
        }
        if high != nil { throw RowFailure("22023", "invalid hexadecimal data: odd number of digits") }
        return bytes
    }

    private static func decodeEscape(_ text: Bytes) throws(RowFailure) -> [UInt8] {
        var bytes: [UInt8] = []
        var position = 0
        func octal(_ offset: Int, _ most: UInt8) -> UInt8? {
            guard position + offset < text.count else { return nil }
            let digit = text[position + offset] &- 0x30
            return digit <= most ? digit : nil
        }
        while position < text.count {
            if text[position] != UInt8(ascii: "\\") {
                bytes.append(text[position])
                position += 1
            } else if let a = octal(1, 3), let b = octal(2, 7), let c = octal(3, 7) {
                bytes.append(a << 6 | b << 3 | c)
                position += 4
            } else if position + 1 < text.count, text[position + 1] == UInt8(ascii: "\\") {
                bytes.append(UInt8(ascii: "\\"))
                position += 2
            } else {
                throw RowFailure("22P02", "invalid input syntax for type bytea")
            }
        }
        return bytes
    }

    // MARK: base64

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// Digits of a line, as MIME has them.
    private static let lineMax = 76

    private static func appendBase64(_ bytes: Bytes, _ text: inout [UInt8]) {
        var line = 0
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let rest = min(3, bytes.count - start)
            var word: UInt32 = 0
            for index in 0..<3 { word = word << 8 | (index < rest ? UInt32(bytes[start + index]) : 0) }
            for index in 0..<4 {
                text.append(index <= rest ? alphabet[Int(word >> UInt32(18 - index * 6) & 63)] : UInt8(ascii: "="))
            }
            line += 4
            if line >= lineMax, rest == 3 {
                text.append(UInt8(ascii: "\n"))
                line = 0
            }
        }
    }

    private static func decodeBase64(_ text: Bytes) throws(RowFailure) -> [UInt8] {
        var bytes: [UInt8] = []
        var word: UInt32 = 0
        var count = 0
        /// Equals signs seen: how many of the last bytes there are not.
        var end = 0
        for (position, byte) in text.enumerated() {
            if [0x20, 0x09, 0x0A, 0x0D].contains(byte) { continue }
            var digit: UInt32 = 0
            if byte == UInt8(ascii: "=") {
                if end == 0 {
                    guard count == 2 || count == 3 else {
                        throw RowFailure("22023", "unexpected \"=\" while decoding base64 sequence")
                    }
                    end = count == 2 ? 1 : 2
                }
            } else if let value = alphabet.firstIndex(of: byte) {
                digit = UInt32(value)
            } else {
                throw RowFailure(
                    "22023", "invalid symbol \"\(character(text, position))\" found while decoding base64 sequence")
            }
            word = word << 6 | digit
            count += 1
            if count == 4 {
                bytes.append(UInt8(truncatingIfNeeded: word >> 16))
                if end == 0 || end > 1 { bytes.append(UInt8(truncatingIfNeeded: word >> 8)) }
                if end == 0 || end > 2 { bytes.append(UInt8(truncatingIfNeeded: word)) }
                word = 0
                count = 0
            }
        }
        if count != 0 { throw RowFailure("22023", "invalid base64 end sequence") }
        return bytes
    }

    /// Where bytes are no UTF-8 (or hold a 0, which a text cannot), and how many of them a message shows.
    static func invalidUTF8(_ bytes: Bytes) -> (Int, Int)? {
        var position = 0
        while position < bytes.count {
            let first = bytes[position]
            let length =
                first < 0x80 ? 1 : first & 0xE0 == 0xC0 ? 2 : first & 0xF0 == 0xE0 ? 3 : first & 0xF8 == 0xF0 ? 4 : 1
            if first == 0 { return (position, 1) }
            if first >= 0x80 {
                guard length > 1, position + length <= bytes.count else { return (position, length) }
                for index in 1..<length where bytes[position + index] & 0xC0 != 0x80 { return (position, length) }
                let second = bytes[position + 1]
                let isOverlong = first == 0xE0 && second < 0xA0 || first == 0xF0 && second < 0x90 || first < 0xC2
                let isOutside = first == 0xED && second > 0x9F || first == 0xF4 && second > 0x8F || first > 0xF4
                if isOverlong || isOutside { return (position, length) }
            }
            position += length
        }
        return nil
    }
}

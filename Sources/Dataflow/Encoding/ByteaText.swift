/// The text of byte strings: out in hexadecimal (`\x0aff`), in also in PostgreSQL's escape form.
package enum ByteaText {
    private static let digits = Array("0123456789abcdef".utf8)

    package static func append(_ bytes: UnsafeBufferPointer<UInt8>, to text: inout [UInt8]) {
        text.append(contentsOf: "\\x".utf8)
        for byte in bytes { appendHexadecimal(byte, to: &text) }
    }

    package static func appendHexadecimal(_ byte: UInt8, to text: inout [UInt8]) {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
    }

    /// The value of a hexadecimal digit.
    @inline(__always)
    package static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }

    package static func parse(_ text: UnsafeBufferPointer<UInt8>) throws(RowFailure) -> [UInt8] {
        if text.count >= 2, text[0] == UInt8(ascii: "\\"), text[1] == UInt8(ascii: "x") {
            return try parseHexadecimal(UnsafeBufferPointer(rebasing: text[2...]))
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var position = 0
        while position < text.count {
            let byte = text[position]
            if byte != UInt8(ascii: "\\") {
                bytes.append(byte)
                position += 1
            } else if position + 1 < text.count, text[position + 1] == UInt8(ascii: "\\") {
                bytes.append(byte)
                position += 2
            } else if position + 3 < text.count, text[position + 1] >= 0x30, text[position + 1] <= 0x33,
                text[position + 2] >= 0x30, text[position + 2] <= 0x37, text[position + 3] >= 0x30,
                text[position + 3] <= 0x37
            {
                let (high, middle, low) = (text[position + 1], text[position + 2], text[position + 3])
                bytes.append((high - 0x30) << 6 | (middle - 0x30) << 3 | (low - 0x30))
                position += 4
            } else {
                throw RowFailure("22P02", "invalid input syntax for type bytea")
            }
        }
        return bytes
    }

    /// Pairs of digits, with blanks between them.
    private static func parseHexadecimal(_ text: UnsafeBufferPointer<UInt8>) throws(RowFailure) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 2)
        var position = 0
        func digit() throws(RowFailure) -> UInt8 {
            guard let value = hexadecimal(text[position]) else {
                let rest = UnsafeBufferPointer(rebasing: text[position...].prefix(4))
                let shown = String(decoding: rest, as: UTF8.self).prefix(1)
                throw RowFailure("22023", "invalid hexadecimal digit: \"\(shown)\"")
            }
            return value
        }
        while position < text.count {
            if [0x20, 0x09, 0x0A, 0x0D].contains(text[position]) {
                position += 1
                continue
            }
            let high = try digit()
            position += 1
            guard position < text.count else {
                throw RowFailure("22023", "invalid hexadecimal data: odd number of digits")
            }
            bytes.append(high << 4 | (try digit()))
            position += 1
        }
        return bytes
    }
}

/// A value of SQL's `uuid`: its 16 bytes as two big-endian words, so that words compare as bytes do.
package struct UUIDValue: Hashable, Sendable, BitwiseCopyable, Codable, Comparable {
    package var high: UInt64
    package var low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package static func < (first: UUIDValue, second: UUIDValue) -> Bool {
        first.high != second.high ? first.high < second.high : first.low < second.low
    }
}

/// The text of uuids.
package enum UUIDText {
    /// Appends the 36 characters, in lower case.
    package static func append(_ value: UUIDValue, to text: inout [UInt8]) {
        for byte in 0..<16 {
            if byte == 4 || byte == 6 || byte == 8 || byte == 10 { text.append(UInt8(ascii: "-")) }
            let word = byte < 8 ? value.high : value.low
            ByteaText.appendHexadecimal(UInt8(truncatingIfNeeded: word >> UInt64(56 - (byte & 7) * 8)), to: &text)
        }
    }

    /// 32 hexadecimal digits in any case, with or without a hyphen after every fourth, in braces or not; nil for another text.
    package static func parse(_ text: UnsafeBufferPointer<UInt8>) -> UUIDValue? {
        var (position, end) = (0, text.count)
        if end > 0, text[0] == UInt8(ascii: "{") {
            guard text[end - 1] == UInt8(ascii: "}"), end > 1 else { return nil }
            position = 1
            end -= 1
        }
        var words: (UInt64, UInt64) = (0, 0)
        for digit in 0..<32 {
            if digit > 0, digit % 4 == 0, position < end, text[position] == UInt8(ascii: "-") { position += 1 }
            guard position < end, let value = ByteaText.hexadecimal(text[position]) else { return nil }
            if digit < 16 { words.0 = words.0 << 4 | UInt64(value) } else { words.1 = words.1 << 4 | UInt64(value) }
            position += 1
        }
        return position == end ? UUIDValue(high: words.0, low: words.1) : nil
    }
}

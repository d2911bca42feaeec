/// Writes RFC 8949 (CBOR) items: definite lengths, shortest heads.
struct CBORWriter {
    private(set) var output: [UInt8] = []

    /// The major types.
    enum Major: UInt8 {
        case unsigned = 0
        case negative = 1
        case bytes = 2
        case text = 3
        case array = 4
        case map = 5
        case simple = 7
    }

    mutating func head(_ major: Major, _ argument: UInt64) {
        let high = major.rawValue << 5
        switch argument {
        case 0..<24: output.append(high | UInt8(argument))
        case 24...0xff: output += [high | 24, UInt8(argument)]
        case 0x100...0xffff: bigEndian(high | 25, UInt16(argument))
        case 0x1_0000...0xffff_ffff: bigEndian(high | 26, UInt32(argument))
        default: bigEndian(high | 27, argument)
        }
    }

    private mutating func bigEndian<Value: FixedWidthInteger>(_ head: UInt8, _ value: Value) {
        output.append(head)
        withUnsafeBytes(of: value.bigEndian) { output.append(contentsOf: $0) }
    }

    mutating func write(_ value: CBORValue) {
        switch value {
        case .null: output.append(0xf6)
        case .boolean(let flag): output.append(flag ? 0xf5 : 0xf4)
        case .unsigned(let number): head(.unsigned, number)
        case .negative(let complement): head(.negative, complement)
        case .double(let number): bigEndian(0xfb, number.bitPattern)
        case .text(let text):
            head(.text, UInt64(text.utf8.count))
            output.append(contentsOf: text.utf8)
        case .bytes(let bytes):
            head(.bytes, UInt64(bytes.count))
            output += bytes
        case .array(let items):
            head(.array, UInt64(items.count))
            for item in items { write(item) }
        case .map(let entries):
            head(.map, UInt64(entries.count))
            for (key, value) in entries {
                head(.text, UInt64(key.utf8.count))
                output.append(contentsOf: key.utf8)
                write(value)
            }
        }
    }
}

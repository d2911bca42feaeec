/// Appends big-endian integers and texts.
struct ByteWriter {
    var bytes: [UInt8] = []

    mutating func put(_ value: some FixedWidthInteger) {
        var shift = type(of: value).bitWidth - 8
        while shift >= 0 {
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
            shift -= 8
        }
    }

    /// A length byte and the text, which has at most 255 bytes.
    mutating func put(name: String) {
        put(UInt8(name.utf8.count))
        bytes += name.utf8
    }
}

/// Reads what ``ByteWriter`` wrote; no length is trusted.
struct ByteReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    var remaining: Int { bytes.count - position }
    var isAtEnd: Bool { remaining == 0 }

    mutating func byte() throws(MembershipCodecError) -> UInt8 {
        guard position < bytes.count else { throw .truncated }
        position += 1
        return bytes[position - 1]
    }

    mutating func uint16() throws(MembershipCodecError) -> UInt16 { UInt16(try integer(2)) }
    mutating func uint32() throws(MembershipCodecError) -> UInt32 { UInt32(try integer(4)) }
    mutating func uint64() throws(MembershipCodecError) -> UInt64 { try integer(8) }

    private mutating func integer(_ count: Int) throws(MembershipCodecError) -> UInt64 {
        guard remaining >= count else { throw .truncated }
        var value: UInt64 = 0
        for _ in 0..<count {
            value = value << 8 | UInt64(bytes[position])
            position += 1
        }
        return value
    }

    mutating func text(_ count: Int) throws(MembershipCodecError) -> String {
        guard remaining >= count else { throw .truncated }
        defer { position += count }
        return String(decoding: bytes[position..<position + count], as: UTF8.self)
    }

    mutating func skip(_ count: Int) throws(MembershipCodecError) {
        guard remaining >= count else { throw .truncated }
        position += count
    }
}

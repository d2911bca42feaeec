/// Writes the messages of the transport: little-endian numbers, and byte strings with a `u16` length.
struct WireWriter {
    private(set) var output: [UInt8] = []

    mutating func raw(_ bytes: [UInt8]) { output.append(contentsOf: bytes) }

    mutating func integer<Value: FixedWidthInteger>(_ value: Value) {
        withUnsafeBytes(of: value.littleEndian) { output.append(contentsOf: $0) }
    }

    mutating func bytes(_ bytes: [UInt8]) {
        precondition(bytes.count <= UInt16.max, "a hand-shake field of \(bytes.count) bytes")
        integer(UInt16(bytes.count))
        raw(bytes)
    }

    mutating func text(_ text: String) { bytes(Array(text.utf8)) }
}

/// Reads what ``WireWriter`` wrote; every length is checked before it is used.
struct WireReader {
    private let input: [UInt8]
    private var position = 0
    private let what: String

    init(_ input: [UInt8], _ what: String) {
        self.input = input
        self.what = what
    }

    mutating func raw(_ count: Int) throws(CallError) -> [UInt8] {
        guard count <= input.count - position else {
            throw CallError(.corrupt, "a \(what) of \(input.count) bytes ends too early")
        }
        defer { position += count }
        return Array(input[position..<position + count])
    }

    mutating func integer<Value: FixedWidthInteger>() throws(CallError) -> Value {
        var value: Value = 0
        for (index, byte) in try raw(MemoryLayout<Value>.size).enumerated() {
            value |= Value(truncatingIfNeeded: byte) << Value(truncatingIfNeeded: 8 * index)
        }
        return value
    }

    mutating func bytes() throws(CallError) -> [UInt8] {
        let count: UInt16 = try integer()
        return try raw(Int(count))
    }

    mutating func text() throws(CallError) -> String {
        guard let text = String(validating: try bytes(), as: UTF8.self) else {
            throw CallError(.corrupt, "a \(what) with text that is not UTF-8")
        }
        return text
    }

    /// A node's name and life.
    mutating func node() throws(CallError) -> NodeID {
        let text = try text()
        guard let name = NodeName(text) else {
            throw CallError(.corrupt, "a \(what) whose node name is not 1 to \(NodeName.lengthMax) of a-z, 0-9, - _ .")
        }
        return NodeID(name, Incarnation(try integer()))
    }
}

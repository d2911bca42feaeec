/// Turns CBOR back into `Codable` values. Keys that the type does not ask for are ignored: they are of a later version.
package struct CBORDecoder {
    private let limits: CBORValue.Limits

    package init(limits: CBORValue.Limits = CBORValue.Limits()) { self.limits = limits }

    /// - Throws: `invalidArgument` or `tooLarge` for bytes that are no such value, or what the value's own `init(from:)` throws.
    package func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value {
        try decode(type, from: try CBORValue.decode(bytes, limits: limits))
    }

    /// The same of an item that has been read.
    package func decode<Value: Decodable>(_ type: Value.Type, from value: CBORValue) throws -> Value {
        try ValueDecoder(value: value, codingPath: []).unbox(type)
    }
}

private struct ValueDecoder: Decoder {
    let value: CBORValue
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard case .map(let entries) = value else { throw mismatch("a map") }
        return KeyedDecodingContainer(
            KeyedDecoding<Key>(entries: Dictionary(entries) { first, _ in first }, codingPath: codingPath))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard case .array(let items) = value else { throw mismatch("an array") }
        return UnkeyedDecoding(items: items, codingPath: codingPath)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { SingleDecoding(decoder: self) }

    func mismatch(_ expected: String) -> CallError {
        let path = codingPath.map(\.stringValue).joined(separator: ".")
        return CallError(
            .invalidArgument,
            "\(path.isEmpty ? "an argument" : "the field \(path.prefix(128))") is \(value.kind), not \(expected)")
    }

    func unbox<Value: Decodable>(_ type: Value.Type) throws -> Value {
        if type == [UInt8].self {
            guard case .bytes(let bytes) = value, let bytes = bytes as? Value else { throw mismatch("bytes") }
            return bytes
        }
        if let scalar = try scalar(type), let value = scalar as? Value { return value }
        return try Value(from: self)
    }

    private func scalar(_ type: any Any.Type) throws -> Any? {
        switch type {
        case is Bool.Type:
            guard case .boolean(let flag) = value else { throw mismatch("a boolean") }
            return flag
        case is String.Type:
            guard case .text(let text) = value else { throw mismatch("a text") }
            return text
        case is Double.Type: return try double()
        case is Float.Type: return Float(try double())
        case is Int.Type: return try integer(Int.self)
        case is Int64.Type: return try integer(Int64.self)
        case is Int32.Type: return try integer(Int32.self)
        case is Int16.Type: return try integer(Int16.self)
        case is Int8.Type: return try integer(Int8.self)
        case is UInt.Type: return try integer(UInt.self)
        case is UInt64.Type: return try integer(UInt64.self)
        case is UInt32.Type: return try integer(UInt32.self)
        case is UInt16.Type: return try integer(UInt16.self)
        case is UInt8.Type: return try integer(UInt8.self)
        case is Int128.Type: return try wide()
        default: return nil
        }
    }

    func wide() throws -> Int128 {
        switch value {
        case .unsigned(let number): return Int128(number)
        case .negative(let complement): return -1 - Int128(complement)
        case .bytes(let bytes) where bytes.count == 16:
            return Int128(truncatingIfNeeded: bytes.reduce(0 as UInt128) { $0 << 8 | UInt128($1) })
        default: throw mismatch("an integer of 128 bits")
        }
    }

    private func double() throws -> Double {
        guard case .double(let number) = value else { throw mismatch("a float") }
        return number
    }

    private func integer<Value: FixedWidthInteger>(_: Value.Type) throws -> Value {
        switch value {
        case .unsigned(let number):
            if let exact = Value(exactly: number) { return exact }
        case .negative(let complement):
            // −1 − the number, without leaving what 64 bits hold.
            if let number = Int64(exactly: complement), let exact = Value(exactly: -1 - number) { return exact }
        default: break
        }
        throw mismatch("an integer of type \(Value.self)")
    }
}

private struct KeyedDecoding<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let entries: [String: CBORValue]
    let codingPath: [any CodingKey]
    var allKeys: [Key] { entries.keys.sorted().compactMap { Key(stringValue: $0) } }

    func contains(_ key: Key) -> Bool { entries[key.stringValue] != nil }

    private func decoder(_ key: any CodingKey) throws -> ValueDecoder {
        guard let value = entries[key.stringValue] else {
            throw CallError(.invalidArgument, "the field \(key.stringValue) is missing")
        }
        return ValueDecoder(value: value, codingPath: codingPath + [key])
    }

    func decodeNil(forKey key: Key) throws -> Bool {
        if case .null = try decoder(key).value { return true }
        return false
    }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value { try decoder(key).unbox(type) }
    // The protocol's own refuses 128 bits.
    func decode(_ type: Int128.Type, forKey key: Key) throws -> Int128 { try decoder(key).wide() }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> { try decoder(key).container(keyedBy: type) }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try decoder(key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder { try decoder(PlainKey(stringValue: "super")) }
    func superDecoder(forKey key: Key) throws -> any Decoder { try decoder(key) }
}

private struct UnkeyedDecoding: UnkeyedDecodingContainer {
    let items: [CBORValue]
    let codingPath: [any CodingKey]
    private(set) var currentIndex = 0
    var count: Int? { items.count }
    var isAtEnd: Bool { currentIndex == items.count }

    init(items: [CBORValue], codingPath: [any CodingKey]) {
        self.items = items
        self.codingPath = codingPath
    }

    private mutating func next() throws -> ValueDecoder {
        guard currentIndex < items.count else {
            throw CallError(.invalidArgument, "an array of \(items.count) elements is too short")
        }
        defer { currentIndex += 1 }
        return ValueDecoder(value: items[currentIndex], codingPath: codingPath)
    }

    mutating func decodeNil() throws -> Bool {
        guard currentIndex < items.count, case .null = items[currentIndex] else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try next().unbox(type) }
    mutating func decode(_ type: Int128.Type) throws -> Int128 { try next().wide() }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> { try next().container(keyedBy: type) }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { try next().unkeyedContainer() }
    mutating func superDecoder() throws -> any Decoder { try next() }
}

private struct SingleDecoding: SingleValueDecodingContainer {
    let decoder: ValueDecoder
    var codingPath: [any CodingKey] { decoder.codingPath }

    func decodeNil() -> Bool {
        if case .null = decoder.value { return true }
        return false
    }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try decoder.unbox(type) }
    func decode(_ type: Int128.Type) throws -> Int128 { try decoder.wide() }
}

/// Turns `Codable` values into CBOR: keyed containers are maps by name, so that fields can be added; `[UInt8]` are bytes.
package struct CBOREncoder {
    private let limits: CBORValue.Limits

    package init(limits: CBORValue.Limits = CBORValue.Limits()) { self.limits = limits }

    /// - Throws: `tooLarge` or `invalidArgument` when the value exceeds a limit, or what the value's own `encode` throws.
    package func encode(_ value: some Encodable) throws -> [UInt8] {
        let bytes = try item(value).written
        guard bytes.count <= limits.bytesMax else {
            throw CallError(.tooLarge, "a message of \(bytes.count) bytes exceeds the limit of \(limits.bytesMax)")
        }
        return bytes
    }

    /// The value as an item, before it is written.
    package func item(_ value: some Encodable) throws -> CBORValue { try Self.box(value, depth: 0, limits: limits) }

    fileprivate static func box(_ value: some Encodable, depth: Int, limits: CBORValue.Limits) throws -> CBORValue {
        // The type is asked as well: an empty array casts to an array of anything.
        if type(of: value) == [UInt8].self, let bytes = value as? [UInt8] { return .bytes(bytes) }
        if let scalar = scalar(of: value) { return scalar }
        guard depth <= limits.depthMax else {
            throw CallError(.invalidArgument, "an argument is nested deeper than \(limits.depthMax)")
        }
        let node = EncodingNode()
        try value.encode(to: NodeEncoder(node: node, codingPath: [], depth: depth, limits: limits))
        return node.value
    }

    private static func scalar(of value: some Encodable) -> CBORValue? {
        switch value {
        case let value as Bool: .boolean(value)
        case let value as Int: CBORValue(Int64(value))
        case let value as Int64: CBORValue(value)
        case let value as Int32: CBORValue(Int64(value))
        case let value as Int16: CBORValue(Int64(value))
        case let value as Int8: CBORValue(Int64(value))
        case let value as UInt: .unsigned(UInt64(value))
        case let value as UInt64: .unsigned(value)
        case let value as UInt32: .unsigned(UInt64(value))
        case let value as UInt16: .unsigned(UInt64(value))
        case let value as UInt8: .unsigned(UInt64(value))
        case let value as Double: .double(value)
        case let value as Float: .double(Double(value))
        case let value as String: .text(value)
        case let value as Int128: CBORValue(value)
        default: nil
        }
    }
}

/// A value that is being put together; containers of one encoder share it.
private final class EncodingNode {
    enum Content {
        case empty
        case value(CBORValue)
        case items([EncodingNode])
        case entries([(String, EncodingNode)])
    }

    var content = Content.empty

    init() {}

    init(_ value: CBORValue) { content = .value(value) }

    func set(_ key: String, _ node: EncodingNode) {
        guard case .entries(var entries) = content else { preconditionFailure("a key in what is not a map") }
        content = .empty
        if let index = entries.firstIndex(where: { $0.0 == key }) {
            entries[index].1 = node
        } else {
            entries.append((key, node))
        }
        content = .entries(entries)
    }

    func append(_ node: EncodingNode) {
        guard case .items(var items) = content else { preconditionFailure("an element in what is not an array") }
        content = .empty
        items.append(node)
        content = .items(items)
    }

    var value: CBORValue {
        switch content {
        case .empty: .map([])
        case .value(let value): value
        case .items(let items): .array(items.map(\.value))
        case .entries(let entries): .map(entries.map { ($0.0, $0.1.value) })
        }
    }
}

private struct NodeEncoder: Encoder {
    let node: EncodingNode
    let codingPath: [any CodingKey]
    let depth: Int
    let limits: CBORValue.Limits
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        if case .entries = node.content {} else { node.content = .entries([]) }
        return KeyedEncodingContainer(KeyedEncoding<Key>(encoder: self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        if case .items = node.content {} else { node.content = .items([]) }
        return UnkeyedEncoding(encoder: self)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { SingleEncoding(encoder: self) }

    func box(_ value: some Encodable) throws -> EncodingNode {
        EncodingNode(try CBOREncoder.box(value, depth: depth + 1, limits: limits))
    }

    func child(_ node: EncodingNode) -> NodeEncoder {
        NodeEncoder(node: node, codingPath: codingPath, depth: depth + 1, limits: limits)
    }
}

private struct KeyedEncoding<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let encoder: NodeEncoder
    var codingPath: [any CodingKey] { encoder.codingPath }

    mutating func encodeNil(forKey key: Key) throws { encoder.node.set(key.stringValue, EncodingNode(.null)) }

    mutating func encode(_ value: some Encodable, forKey key: Key) throws {
        encoder.node.set(key.stringValue, try encoder.box(value))
    }

    // The protocol's own refuses 128 bits.
    mutating func encode(_ value: Int128, forKey key: Key) throws {
        encoder.node.set(key.stringValue, EncodingNode(CBORValue(value)))
    }

    private func nested(_ key: any CodingKey) -> NodeEncoder {
        let node = EncodingNode()
        encoder.node.set(key.stringValue, node)
        return encoder.child(node)
    }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> { nested(key).container(keyedBy: type) }

    mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        nested(key).unkeyedContainer()
    }

    mutating func superEncoder() -> any Encoder { nested(PlainKey(stringValue: "super")) }
    mutating func superEncoder(forKey key: Key) -> any Encoder { nested(key) }
}

private struct UnkeyedEncoding: UnkeyedEncodingContainer {
    let encoder: NodeEncoder
    var codingPath: [any CodingKey] { encoder.codingPath }
    private(set) var count = 0

    init(encoder: NodeEncoder) { self.encoder = encoder }

    private mutating func add(_ node: EncodingNode) {
        encoder.node.append(node)
        count += 1
    }

    mutating func encodeNil() throws { add(EncodingNode(.null)) }
    mutating func encode(_ value: some Encodable) throws { add(try encoder.box(value)) }
    mutating func encode(_ value: Int128) throws { add(EncodingNode(CBORValue(value))) }

    private mutating func nested() -> NodeEncoder {
        let node = EncodingNode()
        add(node)
        return encoder.child(node)
    }

    mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
        nested().container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { nested().unkeyedContainer() }
    mutating func superEncoder() -> any Encoder { nested() }
}

private struct SingleEncoding: SingleValueEncodingContainer {
    let encoder: NodeEncoder
    var codingPath: [any CodingKey] { encoder.codingPath }

    mutating func encodeNil() throws { encoder.node.content = .value(.null) }
    mutating func encode(_ value: some Encodable) throws { encoder.node.content = try encoder.box(value).content }
    mutating func encode(_ value: Int128) throws { encoder.node.content = .value(CBORValue(value)) }
}

/// A key by its name.
struct PlainKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { return nil }
}

/// A node's name: what an operator calls it. Lower case letters, digits, `-`, `_` and `.`, 1 to 63 of them.
package struct NodeName: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let text: String

    /// Longer names are refused.
    package static let lengthMax = 63

    /// nil unless the text is a name.
    package init?(_ text: String) {
        let bytes = text.utf8
        guard (1...Self.lengthMax).contains(bytes.count), bytes.allSatisfy(Self.isAllowed) else { return nil }
        self.text = text
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
            UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    package static func < (first: NodeName, second: NodeName) -> Bool { first.text < second.text }

    package var description: String { text }
}

extension NodeName: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let name = NodeName(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a node's name: \(text)")
        }
        self = name
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

/// One life of a node: the offset of its accepted `Join` in the control log, so a later life has a higher one.
package struct Incarnation: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: Int64

    package init(_ rawValue: Int64) {
        self.rawValue = rawValue
    }

    package static func < (first: Incarnation, second: Incarnation) -> Bool { first.rawValue < second.rawValue }

    package var description: String { "\(rawValue)" }
}

extension Incarnation: Codable {
    package init(from decoder: any Decoder) throws {
        rawValue = try decoder.singleValueContainer().decode(Int64.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}

/// A node in one of its lives. Ordered by name, then by life.
package struct NodeID: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    package let name: NodeName
    package let incarnation: Incarnation

    package init(_ name: NodeName, _ incarnation: Incarnation) {
        self.name = name
        self.incarnation = incarnation
    }

    package static func == (first: NodeID, second: NodeID) -> Bool {
        first.incarnation == second.incarnation && first.name == second.name
    }

    package static func < (first: NodeID, second: NodeID) -> Bool {
        first.name == second.name ? first.incarnation < second.incarnation : first.name < second.name
    }

    package var description: String { "\(name)#\(incarnation)" }
}

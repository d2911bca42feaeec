/// One offset per partition: a version of the whole input.
///
/// The offset is that of the next record, so a frontier covers a record at *o* if its offset is above *o*. Partitions
/// that are not named are at 0. Virtual topics have partitions too.
package struct Frontier: Sendable, Hashable, Codable {
    package private(set) var offsets: [TopicPartition: Int64]

    package init(_ offsets: [TopicPartition: Int64] = [:]) {
        self.offsets = offsets.filter { $0.value > 0 }
    }

    package subscript(partition: TopicPartition) -> Int64 {
        get { offsets[partition] ?? 0 }
        set { offsets[partition] = newValue > 0 ? newValue : nil }
    }

    /// Whether every offset is at least that of `other`.
    package func covers(_ other: Frontier) -> Bool {
        other.offsets.allSatisfy { self[$0.key] >= $0.value }
    }

    /// The maximum per partition.
    package func merging(_ other: Frontier) -> Frontier {
        Frontier(offsets.merging(other.offsets, uniquingKeysWith: max))
    }

    /// The partitions named, in order.
    package var partitions: [TopicPartition] { offsets.keys.sorted() }

    /// The opaque text that clients carry: printable ASCII without spaces or quotes, the same for equal frontiers.
    package var token: String {
        var text = "f1"
        for partition in partitions {
            text +=
                "~" + Self.escape(partition.topic) + "." + String(partition.partition) + "." + String(self[partition])
        }
        return text
    }

    /// Reads a token; nil if it is not one.
    package init?(token: String) {
        guard token.utf8.count <= Self.tokenBytesMax else { return nil }
        let parts = token.split(separator: "~", omittingEmptySubsequences: false)
        guard parts.first == "f1" else { return nil }
        var offsets: [TopicPartition: Int64] = [:]
        for part in parts.dropFirst() {
            let fields = part.split(separator: ".", omittingEmptySubsequences: false)
            guard fields.count == 3, let topic = Self.unescape(fields[0]), let partition = Int(fields[1]),
                partition >= 0,
                let offset = Int64(fields[2]), offset >= 0
            else { return nil }
            offsets[TopicPartition(topic, partition)] = offset
        }
        self.init(offsets)
    }

    /// A longer token is refused.
    package static let tokenBytesMax = 65_536

    private static func escape(_ topic: String) -> String {
        var text = ""
        for byte in topic.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                text += "*" + (digits.utf8.count == 1 ? "0" + digits : digits)
            }
        }
        return text
    }

    private static func unescape(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "*") {
                guard rest.count >= 2, let value = UInt8(Substring(rest.prefix(2)), radix: 16) else { return nil }
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

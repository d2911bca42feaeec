import Cluster
import Testing

/// Bytes of version 1 decode for ever; damaged ones are refused and never trap.
@Suite struct MembershipCodecTests {
    private static func node(_ name: String, _ incarnation: Int64) -> NodeID {
        guard let name = NodeName(name) else { preconditionFailure("\(name) is a name") }
        return NodeID(name, Incarnation(incarnation))
    }

    private static let a = node("a", 1)
    private static let b = node("b.2", 770)

    private static func message(_ kind: MembershipMessage.Kind) -> MembershipMessage {
        MembershipMessage(
            sender: a, vitals: Vitals(controlVersion: 5, committedEpoch: 6, lag: 7, load: 8), kind: kind,
            claims: [Claim(node: b, refutation: 9, status: .suspect, accuser: a.name)])
    }

    private static let head =
        "0122334455667788" + "01610000000000000001" + "000000000000000500000000000000060000000000000007" + "0008"
    private static let tail = "0001" + "03622e320000000000000302" + "00000009" + "01" + "0161" + "00"

    /// Written down once; never to be changed.
    private static let golden: [(MembershipMessage.Kind, String)] = [
        (.ping(sequence: 10, target: b), "01" + "01" + head + "0000000a" + "03622e320000000000000302" + tail),
        (.ack(sequence: 11), "01" + "02" + head + "0000000b" + tail),
        (.nack(sequence: 12), "01" + "03" + head + "0000000c" + tail),
        (.pingRequest(sequence: 13, target: b), "01" + "04" + head + "0000000d" + "03622e320000000000000302" + tail),
        (.exchange(isRequest: true), "01" + "05" + head + "01" + tail),
        (.gossip, "01" + "06" + head + tail),
    ]

    private static let cluster: UInt64 = 0x0122_3344_5566_7788

    private static func bytes(_ hex: String) -> [UInt8] {
        let digits = Array(hex.utf8)
        return stride(from: 0, to: digits.count, by: 2).map { index in
            UInt8(String(decoding: digits[index..<index + 2], as: UTF8.self), radix: 16) ?? 0
        }
    }

    @Test func goldenBytes() throws {
        for (kind, hex) in Self.golden {
            let bytes = Self.bytes(hex)
            #expect(MembershipCodec.encode(Self.message(kind), cluster: Self.cluster) == bytes)
            #expect(try MembershipCodec.decode(bytes, cluster: Self.cluster) == Self.message(kind))
        }
    }

    @Test func aLaterVersionsFieldIsSkipped() throws {
        let message = Self.message(.ack(sequence: 1))
        let bytes = MembershipCodec.encode(
            message, cluster: Self.cluster, version: 2, fields: [.init(tag: 200, bytes: [1, 2, 3])])
        #expect(try MembershipCodec.decode(bytes, cluster: Self.cluster) == message)
    }

    @Test func anotherClustersMessageIsRefused() {
        let bytes = MembershipCodec.encode(Self.message(.gossip), cluster: Self.cluster)
        #expect(throws: MembershipCodecError.otherCluster) { try MembershipCodec.decode(bytes, cluster: 1) }
    }

    @Test func damagedBytesNeverTrap() {
        for (_, hex) in Self.golden {
            let bytes = Self.bytes(hex)
            for length in bytes.indices {
                #expect(throws: MembershipCodecError.self) {
                    try MembershipCodec.decode(Array(bytes[..<length]), cluster: Self.cluster)
                }
            }
            for position in bytes.indices {
                for bit in 0..<8 {
                    var damaged = bytes
                    damaged[position] ^= 1 << UInt8(bit)
                    do throws(MembershipCodecError) {
                        // A flip may make another valid message; it must be one that encodes.
                        let message = try MembershipCodec.decode(damaged, cluster: Self.cluster)
                        #expect(MembershipCodec.encode(message, cluster: Self.cluster).count <= bytes.count)
                    } catch {
                        #expect(!error.description.isEmpty)
                    }
                }
            }
        }
    }
}

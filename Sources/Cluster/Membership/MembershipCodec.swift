/// Membership messages as bytes, version 1. Integers are big-endian; names have a length byte before them.
///
/// ```
/// version u8 │ kind u8 │ cluster u64 │ sender │ vitals: version i64, epoch i64, lag i64, load u16
/// │ ping, pingRequest: sequence u32, target │ ack, nack: sequence u32 │ exchange: isRequest u8
/// │ claims u16 × (node, refutation u32, status u8, accuser name) │ fields u8 × (tag u8, length u16, bytes)
/// node: name, incarnation i64
/// ```
/// Later versions add fields at the end, which a reader that does not know their tag skips. These bytes decode for ever.
package enum MembershipCodec {
    package static let version: UInt8 = 1
    /// A longer message is refused: 1 024 claims with the longest names fit.
    package static let bytesMax = 256 << 10

    /// A field that this version has no meaning for.
    package struct Field: Hashable, Sendable {
        package var tag: UInt8
        package var bytes: [UInt8]

        package init(tag: UInt8, bytes: [UInt8]) {
            self.tag = tag
            self.bytes = bytes
        }
    }

    /// As this process writes: one that stands for the next version adds a field.
    package static func encodeAsUsed(_ message: MembershipMessage, cluster: UInt64) -> [UInt8] {
        guard WireVersions.isNext else { return encode(message, cluster: cluster) }
        return encode(
            message, cluster: cluster, version: version + 1, fields: [Field(tag: 1, bytes: Array("next".utf8))])
    }

    /// - Parameters:
    ///   - cluster: a hash of the cluster's id.
    ///   - fields: what a later version adds; at most 255, each shorter than 64 KiB.
    package static func encode(
        _ message: MembershipMessage, cluster: UInt64, version: UInt8 = Self.version, fields: [Field] = []
    ) -> [UInt8] {
        var writer = ByteWriter()
        writer.put(version)
        writer.put(number(of: message.kind))
        writer.put(cluster)
        put(message.sender, into: &writer)
        writer.put(UInt64(bitPattern: message.vitals.controlVersion))
        writer.put(UInt64(bitPattern: message.vitals.committedEpoch))
        writer.put(UInt64(bitPattern: message.vitals.lag))
        writer.put(message.vitals.load)
        switch message.kind {
        case .ping(let sequence, let target), .pingRequest(let sequence, let target):
            writer.put(sequence)
            put(target, into: &writer)
        case .ack(let sequence), .nack(let sequence):
            writer.put(sequence)
        case .exchange(let isRequest):
            writer.put(isRequest ? 1 : 0 as UInt8)
        case .gossip:
            break
        }
        precondition(message.claims.count <= MembershipSettings.membersMax, "\(message.claims.count) claims")
        writer.put(UInt16(message.claims.count))
        for claim in message.claims {
            put(claim.node, into: &writer)
            writer.put(claim.refutation)
            writer.put(claim.status.rawValue)
            writer.put(name: claim.accuser.text)
        }
        writer.put(UInt8(fields.count))
        for field in fields {
            writer.put(field.tag)
            writer.put(UInt16(field.bytes.count))
            writer.bytes += field.bytes
        }
        return writer.bytes
    }

    /// Reads a message of this version or a later one.
    ///
    /// - Throws: ``MembershipCodecError``, naming what is wrong; nothing of the message counts then.
    package static func decode(
        _ bytes: [UInt8], cluster: UInt64
    ) throws(MembershipCodecError) -> MembershipMessage {
        guard bytes.count <= bytesMax else { throw .tooLong(bytes.count) }
        var reader = ByteReader(bytes)
        let version = try reader.byte()
        guard version >= 1 else { throw .versionUnknown(version) }
        let number = try reader.byte()
        let found = try reader.uint64()
        guard found == cluster else { throw .otherCluster }
        let sender = try node(&reader)
        var vitals = Vitals()
        vitals.controlVersion = Int64(bitPattern: try reader.uint64())
        vitals.committedEpoch = Int64(bitPattern: try reader.uint64())
        vitals.lag = Int64(bitPattern: try reader.uint64())
        vitals.load = try reader.uint16()
        let kind = try kind(number, &reader)
        let count = Int(try reader.uint16())
        guard count <= MembershipSettings.membersMax else { throw .tooManyClaims(count) }
        var claims: [Claim] = []
        for _ in 0..<count { claims.append(try claim(&reader)) }
        for _ in 0..<(try reader.byte()) {
            _ = try reader.byte()
            try reader.skip(Int(try reader.uint16()))
        }
        // A version that is not known may end in what it alone understands.
        guard reader.isAtEnd || version > Self.version else { throw .trailing(reader.remaining) }
        return MembershipMessage(sender: sender, vitals: vitals, kind: kind, claims: claims)
    }

    private static func number(of kind: MembershipMessage.Kind) -> UInt8 {
        switch kind {
        case .ping: 1
        case .ack: 2
        case .nack: 3
        case .pingRequest: 4
        case .exchange: 5
        case .gossip: 6
        }
    }

    private static func kind(
        _ number: UInt8, _ reader: inout ByteReader
    ) throws(MembershipCodecError) -> MembershipMessage.Kind {
        switch number {
        case 1: return .ping(sequence: try reader.uint32(), target: try node(&reader))
        case 2: return .ack(sequence: try reader.uint32())
        case 3: return .nack(sequence: try reader.uint32())
        case 4: return .pingRequest(sequence: try reader.uint32(), target: try node(&reader))
        case 5: return .exchange(isRequest: try reader.byte() != 0)
        case 6: return .gossip
        default: throw .kindUnknown(number)
        }
    }

    private static func claim(_ reader: inout ByteReader) throws(MembershipCodecError) -> Claim {
        let node = try node(&reader)
        let refutation = try reader.uint32()
        let number = try reader.byte()
        guard let status = MemberStatus(rawValue: number) else { throw .statusUnknown(number) }
        return Claim(node: node, refutation: refutation, status: status, accuser: try name(&reader))
    }

    private static func put(_ node: NodeID, into writer: inout ByteWriter) {
        writer.put(name: node.name.text)
        writer.put(UInt64(bitPattern: node.incarnation.rawValue))
    }

    private static func node(_ reader: inout ByteReader) throws(MembershipCodecError) -> NodeID {
        NodeID(try name(&reader), Incarnation(Int64(bitPattern: try reader.uint64())))
    }

    private static func name(_ reader: inout ByteReader) throws(MembershipCodecError) -> NodeName {
        let text = try reader.text(Int(try reader.byte()))
        guard let name = NodeName(text) else { throw .nameInvalid }
        return name
    }
}

/// Why bytes are not a membership message.
package enum MembershipCodecError: Error, Equatable, CustomStringConvertible {
    case truncated
    case tooLong(Int)
    case trailing(Int)
    case versionUnknown(UInt8)
    case kindUnknown(UInt8)
    case statusUnknown(UInt8)
    case nameInvalid
    case tooManyClaims(Int)
    case otherCluster

    package var description: String {
        switch self {
        case .truncated: "the message ends too early"
        case .tooLong(let count): "the message has \(count) bytes, more than \(MembershipCodec.bytesMax)"
        case .trailing(let count): "\(count) bytes follow the message"
        case .versionUnknown(let version): "version \(version) is not known"
        case .kindUnknown(let kind): "kind \(kind) is not known"
        case .statusUnknown(let status): "status \(status) is not known"
        case .nameInvalid: "a node's name is not one"
        case .tooManyClaims(let count): "\(count) claims, more than \(MembershipSettings.membersMax)"
        case .otherCluster: "the message is of another cluster"
        }
    }
}

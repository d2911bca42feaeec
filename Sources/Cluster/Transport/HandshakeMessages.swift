/// The client's first message. Its bytes are frozen: they are read before a version is agreed on.
///
/// ```
/// "DPH1" | cluster | node | incarnation: i64 | lowest: u16 | highest: u16 | purpose: u8 | secret: u8 | nonce | …
/// ```
/// Texts and the nonce have a `u16` length before them; numbers are little-endian. What follows is for later versions and is
/// ignored.
struct HandshakeHello: Sendable, Equatable {
    static let magic: [UInt8] = Array("DPH1".utf8)
    static let nonceBytes = 32

    var clusterID: String
    var node: NodeID
    var wireVersions: WireVersions
    var purpose: ConnectionPurpose
    var hasSecret: Bool
    var nonce: [UInt8]

    init(
        clusterID: String, node: NodeID, wireVersions: WireVersions, purpose: ConnectionPurpose, hasSecret: Bool,
        nonce: [UInt8]
    ) {
        precondition(nonce.count == Self.nonceBytes)
        self.clusterID = clusterID
        self.node = node
        self.wireVersions = wireVersions
        self.purpose = purpose
        self.hasSecret = hasSecret
        self.nonce = nonce
    }

    var encoded: [UInt8] {
        var writer = WireWriter()
        writer.raw(Self.magic)
        writer.text(clusterID)
        writer.text(node.name.text)
        writer.integer(node.incarnation.rawValue)
        writer.integer(UInt16(clamping: wireVersions.lowest))
        writer.integer(UInt16(clamping: wireVersions.highest))
        writer.integer(purpose.rawValue)
        writer.integer(hasSecret ? 1 as UInt8 : 0)
        writer.bytes(nonce)
        return writer.output
    }

    init(decoding bytes: [UInt8]) throws(CallError) {
        var reader = WireReader(bytes, "hello")
        guard try reader.raw(Self.magic.count) == Self.magic else {
            throw CallError(.refused, "the peer does not speak Dataprism's hand-shake")
        }
        clusterID = try reader.text()
        node = try reader.node()
        let lowest: UInt16 = try reader.integer()
        let highest: UInt16 = try reader.integer()
        guard 1 <= lowest, lowest <= highest else {
            throw CallError(.corrupt, "a hello with wire versions \(lowest) to \(highest)")
        }
        wireVersions = WireVersions(lowest: Int(lowest), highest: Int(highest))
        let code: UInt8 = try reader.integer()
        guard let purpose = ConnectionPurpose(rawValue: code) else {
            throw CallError(.refused, "node \(node.name) opens a connection of unknown purpose \(code)")
        }
        self.purpose = purpose
        let flag: UInt8 = try reader.integer()
        hasSecret = flag != 0
        nonce = try reader.bytes()
        guard nonce.count == Self.nonceBytes else {
            throw CallError(.corrupt, "a hello with a nonce of \(nonce.count) bytes; it has \(Self.nonceBytes)")
        }
    }
}

/// The server's answer. Its bytes are frozen as well.
///
/// ```
/// "DPW1" | cluster | node | incarnation: i64 | version: u16 | nonce | proof | …
/// ```
struct HandshakeWelcome: Sendable, Equatable {
    static let magic: [UInt8] = Array("DPW1".utf8)

    var clusterID: String
    var node: NodeID
    var wireVersion: Int
    var nonce: [UInt8]

    /// - Parameter proof: empty without a secret, and in the transcript.
    func encoded(proof: [UInt8]) -> [UInt8] {
        var writer = WireWriter()
        writer.raw(Self.magic)
        writer.text(clusterID)
        writer.text(node.name.text)
        writer.integer(node.incarnation.rawValue)
        writer.integer(UInt16(clamping: wireVersion))
        writer.bytes(nonce)
        writer.bytes(proof)
        return writer.output
    }

    static func decode(_ bytes: [UInt8]) throws(CallError) -> (HandshakeWelcome, proof: [UInt8]) {
        var reader = WireReader(bytes, "welcome")
        guard try reader.raw(magic.count) == magic else {
            throw CallError(.refused, "the peer does not speak Dataprism's hand-shake")
        }
        let clusterID = try reader.text()
        let node = try reader.node()
        let version: UInt16 = try reader.integer()
        let welcome = HandshakeWelcome(
            clusterID: clusterID, node: node, wireVersion: Int(version), nonce: try reader.bytes())
        return (welcome, try reader.bytes())
    }
}

internal import Crypto

/// A cluster's shared secret. It is never sent: both sides prove that they have it.
package struct ClusterSecret: Sendable {
    /// Shorter ones could be guessed from one recorded hand-shake.
    package static let bytesMin = 16

    private let key: [UInt8]

    /// - Throws: `invalidArgument` when it is too short.
    package init(_ bytes: [UInt8]) throws(CallError) {
        guard bytes.count >= Self.bytesMin else {
            throw CallError(
                .invalidArgument, "the cluster secret has \(bytes.count) bytes; it needs at least \(Self.bytesMin)")
        }
        key = bytes
    }

    fileprivate func proof(_ role: String, _ transcript: [UInt8]) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: Array(role.utf8) + transcript, using: SymmetricKey(data: key)))
    }

    fileprivate func isProof(_ proof: [UInt8], _ role: String, _ transcript: [UInt8]) -> Bool {
        HMAC<SHA256>.isValidAuthenticationCode(
            proof, authenticating: Array(role.utf8) + transcript, using: SymmetricKey(data: key))
    }
}

/// The side of a hand-shake that a node brings.
package struct HandshakeLocal: Sendable {
    /// Two clusters never talk: the identifier is made with a cluster's log.
    package var clusterID: String
    package var node: NodeID
    package var wireVersions: WireVersions
    package var secret: ClusterSecret?

    package init(
        clusterID: String, node: NodeID, wireVersions: WireVersions = .used, secret: ClusterSecret? = nil
    ) {
        self.clusterID = clusterID
        self.node = node
        self.wireVersions = wireVersions
        self.secret = secret
    }
}

/// Who opens a connection, and who answers: the first thing that is said on it.
///
/// ```
/// client                                              server
///   Hello{cluster, node, incarnation, versions,
///         purpose, nonce}                        ──►  another cluster, no common version: refused
///   proof wrong: hang up                         ◄──  Welcome{cluster, node, incarnation, version, nonce}, HMAC₁
///   HMAC₂                                        ──►  wrong: refused
///                                                ◄──  ok: the connection is open
/// ```
/// HMAC₁ and HMAC₂ are over both messages (the transcript) with the secret and a label per side, so neither can be replayed
/// or reflected. Without a secret (TLS, or loopback) there is no proof and the second exchange is left out; if only one
/// side has a secret, the hand-shake fails. It authenticates the hand-shake, not what follows: only TLS protects from
/// someone who can write into the connection.
package struct ServerHandshake: Sendable {
    private enum Phase: Sendable {
        case waiting
        case proving(HandshakeHello, transcript: [UInt8], version: Int)
        case done
    }

    package enum Answer: Sendable, Equatable {
        /// Send this; the peer still has to prove itself.
        case prove([UInt8])
        /// Send this; the connection is open.
        case open([UInt8], PeerIdentity, ConnectionPurpose)
    }

    private let local: HandshakeLocal
    private let nonce: [UInt8]
    private var phase = Phase.waiting

    /// - Parameter nonce: 32 random bytes, used once.
    package init(local: HandshakeLocal, nonce: [UInt8]) {
        self.local = local
        self.nonce = nonce
    }

    /// The name that the peer gives, once it has: for log lines, believed by nobody before the end.
    package private(set) var claimedName: NodeName?

    /// Why the peer is refused, as it should read it there; what is thrown is for this side's log.
    package private(set) var toldReason: String?

    private mutating func refuse(_ reason: String, told: String) -> CallError {
        toldReason = told
        return CallError(.refused, reason)
    }

    /// - Throws: `refused` with the reason, or `corrupt`.
    package mutating func receiveHello(_ bytes: [UInt8]) throws(CallError) -> Answer {
        guard case .waiting = phase else { throw CallError(.refused, "a second hello on one connection") }
        let hello = try HandshakeHello(decoding: bytes)
        claimedName = hello.node.name
        let (peerName, ownName) = (hello.node.name, local.node.name)
        guard hello.clusterID == local.clusterID else {
            throw refuse(
                "node \(peerName) belongs to another cluster", told: "node \(ownName) belongs to another cluster")
        }
        guard peerName != ownName else {
            throw refuse(
                "the peer has this node's own name, \(peerName)",
                told: "the node there has this node's own name, \(peerName): give this one another --name")
        }
        guard let version = local.wireVersions.negotiated(with: hello.wireVersions) else {
            throw refuse(
                "node \(peerName) speaks wire versions \(hello.wireVersions), this node \(local.wireVersions)",
                told: "node \(ownName) speaks wire versions \(local.wireVersions), this node \(hello.wireVersions)")
        }
        guard hello.hasSecret == (local.secret != nil) else {
            throw hello.hasSecret
                ? refuse(
                    "node \(peerName) asks for a cluster secret and this node has none",
                    told: "node \(ownName) has no cluster secret and this node asks for one")
                : refuse(
                    "node \(peerName) has no cluster secret and this node asks for one",
                    told:
                        "this node has no cluster secret and node \(ownName) asks for one: give it --cluster-secret-file"
                )
        }
        let welcome = HandshakeWelcome(
            clusterID: local.clusterID, node: local.node, wireVersion: version, nonce: nonce)
        let peer = PeerIdentity(node: hello.node, wireVersion: version)
        guard let secret = local.secret else {
            phase = .done
            return .open(welcome.encoded(proof: []), peer, hello.purpose)
        }
        let transcript = HandshakeTranscript.of(hello: bytes, welcome: welcome.encoded(proof: []))
        phase = .proving(hello, transcript: transcript, version: version)
        return .prove(welcome.encoded(proof: secret.proof(HandshakeTranscript.server, transcript)))
    }

    /// - Throws: `refused` with the reason.
    package mutating func receiveProof(_ bytes: [UInt8]) throws(CallError) -> Answer {
        guard case .proving(let hello, let transcript, let version) = phase, let secret = local.secret else {
            throw CallError(.refused, "a proof that nobody asked for")
        }
        phase = .done
        guard secret.isProof(bytes, HandshakeTranscript.client, transcript) else {
            throw refuse(
                "node \(hello.node.name) has another cluster secret",
                told: "node \(local.node.name) has another cluster secret")
        }
        return .open(
            [], PeerIdentity(node: hello.node, wireVersion: version), hello.purpose)
    }
}

/// The other side of ``ServerHandshake``.
package struct ClientHandshake: Sendable {
    package enum Answer: Sendable, Equatable {
        /// Send this proof; the connection is open once it was accepted.
        case prove([UInt8], PeerIdentity)
        case open(PeerIdentity)
    }

    private let local: HandshakeLocal
    /// The first message to send.
    package let hello: [UInt8]

    /// - Parameter nonce: 32 random bytes, used once.
    package init(local: HandshakeLocal, purpose: ConnectionPurpose, nonce: [UInt8]) {
        self.local = local
        hello =
            HandshakeHello(
                clusterID: local.clusterID, node: local.node, wireVersions: local.wireVersions, purpose: purpose,
                hasSecret: local.secret != nil, nonce: nonce
            ).encoded
    }

    /// - Throws: `refused` with the reason, or `corrupt`.
    package func receiveWelcome(_ bytes: [UInt8]) throws(CallError) -> Answer {
        let (welcome, proof) = try HandshakeWelcome.decode(bytes)
        guard welcome.clusterID == local.clusterID else {
            throw CallError(.refused, "node \(welcome.node.name) belongs to another cluster")
        }
        guard (local.wireVersions.lowest...local.wireVersions.highest).contains(welcome.wireVersion) else {
            throw CallError(
                .refused,
                "node \(welcome.node.name) chose wire version \(welcome.wireVersion), this node speaks \(local.wireVersions)"
            )
        }
        let peer = PeerIdentity(node: welcome.node, wireVersion: welcome.wireVersion)
        guard let secret = local.secret else { return .open(peer) }
        let transcript = HandshakeTranscript.of(hello: hello, welcome: welcome.encoded(proof: []))
        guard secret.isProof(proof, HandshakeTranscript.server, transcript) else {
            throw CallError(.refused, "node \(welcome.node.name) has another cluster secret")
        }
        return .prove(secret.proof(HandshakeTranscript.client, transcript), peer)
    }
}

/// What both proofs are over.
enum HandshakeTranscript {
    static let server = "dataprism server v1"
    static let client = "dataprism client v1"

    static func of(hello: [UInt8], welcome: [UInt8]) -> [UInt8] {
        var writer = WireWriter()
        writer.bytes(hello)
        writer.bytes(welcome)
        return writer.output
    }
}

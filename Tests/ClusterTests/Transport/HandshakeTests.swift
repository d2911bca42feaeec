import Cluster
import Testing

/// The hand-shake as values: who is let in, what each side says otherwise, and its bytes.
struct HandshakeTests {
    private static let clientNonce = [UInt8](0..<32)
    private static let serverNonce = [UInt8](100..<132)

    private static func local(_ name: String, _ secret: String? = nil) throws -> HandshakeLocal {
        HandshakeLocal(
            clusterID: "c1", node: TransportFixture.node(name, 7),
            secret: try secret.map { try ClusterSecret(Array($0.utf8)) })
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    @Test("with a secret both sides prove it, and neither proof opens anything alone")
    func secret() throws {
        let client = ClientHandshake(
            local: try Self.local("a", "a secret of the cluster"), purpose: .data, nonce: Self.clientNonce)
        var server = ServerHandshake(local: try Self.local("b", "a secret of the cluster"), nonce: Self.serverNonce)
        guard case .prove(let welcome) = try server.receiveHello(client.hello) else {
            Issue.record("the server opens before the client has proved itself")
            return
        }
        guard case .prove(let proof, let peer) = try client.receiveWelcome(welcome) else {
            Issue.record("the client sends no proof")
            return
        }
        #expect(peer == PeerIdentity(node: TransportFixture.node("b", 7), wireVersion: 1))
        #expect(
            try server.receiveProof(proof)
                == .open([], PeerIdentity(node: TransportFixture.node("a", 7), wireVersion: 1), .data))
        let text = welcome + client.hello + proof
        #expect(!Self.hex(text).contains(Self.hex(Array("a secret of the cluster".utf8))))
    }

    @Test("a proof is of use once: not in another hand-shake, not sent back to its maker")
    func replay() throws {
        let local = try Self.local("a", "a secret of the cluster")
        let client = ClientHandshake(local: local, purpose: .control, nonce: Self.clientNonce)
        var first = ServerHandshake(local: try Self.local("b", "a secret of the cluster"), nonce: Self.serverNonce)
        guard case .prove(let welcome) = try first.receiveHello(client.hello),
            case .prove(let proof, _) = try client.receiveWelcome(welcome)
        else {
            Issue.record("no hand-shake")
            return
        }
        // The same hello and proof to a server that has drawn another nonce.
        var second = ServerHandshake(
            local: try Self.local("b", "a secret of the cluster"), nonce: [UInt8](repeating: 5, count: 32))
        _ = try second.receiveHello(client.hello)
        #expect(throws: CallError.self) { try second.receiveProof(proof) }
        // The server's own proof as the client's.
        var third = ServerHandshake(local: try Self.local("b", "a secret of the cluster"), nonce: Self.serverNonce)
        guard case .prove(let again) = try third.receiveHello(client.hello) else {
            Issue.record("no hand-shake")
            return
        }
        #expect(throws: CallError.self) { try third.receiveProof(Array(again.suffix(32))) }
        // A second try after a wrong one.
        #expect(throws: CallError.self) { try third.receiveProof(proof) }
    }

    @Test("whoever is refused is told why from its own side")
    func toldReasons() throws {
        let secret = "a secret of the cluster"
        let cases: [(client: HandshakeLocal, server: HandshakeLocal, logged: String, told: String)] = [
            (
                try Self.local("a", nil), try Self.local("b", secret),
                "node a has no cluster secret and this node asks for one",
                "this node has no cluster secret and node b asks for one: give it --cluster-secret-file"
            ),
            (
                try Self.local("a", secret), try Self.local("b", nil),
                "node a asks for a cluster secret and this node has none",
                "node b has no cluster secret and this node asks for one"
            ),
            (
                try Self.local("a", nil), try Self.local("a", nil), "the peer has this node's own name, a",
                "the node there has this node's own name, a: give this one another --name"
            ),
        ]
        for test in cases {
            let client = ClientHandshake(local: test.client, purpose: .control, nonce: Self.clientNonce)
            var server = ServerHandshake(local: test.server, nonce: Self.serverNonce)
            do throws(CallError) {
                _ = try server.receiveHello(client.hello)
                Issue.record("not refused: \(test.logged)")
            } catch {
                #expect(error.message == test.logged && server.toldReason == test.told)
            }
        }
    }

    @Test("a changed byte of the welcome is refused by a client with a secret")
    func changedWelcome() throws {
        let client = ClientHandshake(
            local: try Self.local("a", "a secret of the cluster"), purpose: .control, nonce: Self.clientNonce)
        var server = ServerHandshake(local: try Self.local("b", "a secret of the cluster"), nonce: Self.serverNonce)
        guard case .prove(let welcome) = try server.receiveHello(client.hello) else {
            Issue.record("no hand-shake")
            return
        }
        for index in welcome.indices {
            var changed = welcome
            changed[index] ^= 1
            #expect(throws: CallError.self, "byte \(index)") { try client.receiveWelcome(changed) }
        }
    }

    @Test("every truncation of either message is refused and none traps")
    func truncation() throws {
        let client = ClientHandshake(local: try Self.local("a"), purpose: .control, nonce: Self.clientNonce)
        for count in 0..<client.hello.count {
            var server = ServerHandshake(local: try Self.local("b"), nonce: Self.serverNonce)
            #expect(throws: CallError.self) { try server.receiveHello(Array(client.hello.prefix(count))) }
        }
        var server = ServerHandshake(local: try Self.local("b"), nonce: Self.serverNonce)
        guard case .open(let welcome, _, _) = try server.receiveHello(client.hello) else {
            Issue.record("no hand-shake")
            return
        }
        for count in 0..<welcome.count {
            #expect(throws: CallError.self) { try client.receiveWelcome(Array(welcome.prefix(count))) }
        }
    }

    @Test("the newest version that both speak is taken")
    func versions() throws {
        for (mine, theirs, common) in [((1, 3), (2, 5), 3), ((2, 5), (1, 3), 3), ((4, 4), (1, 9), 4)] {
            var local = try Self.local("a")
            local.wireVersions = WireVersions(lowest: mine.0, highest: mine.1)
            let client = ClientHandshake(local: local, purpose: .control, nonce: Self.clientNonce)
            var other = try Self.local("b")
            other.wireVersions = WireVersions(lowest: theirs.0, highest: theirs.1)
            var server = ServerHandshake(local: other, nonce: Self.serverNonce)
            guard case .open(let welcome, let peer, _) = try server.receiveHello(client.hello) else {
                Issue.record("no hand-shake")
                return
            }
            #expect(peer.wireVersion == common)
            #expect(
                try client.receiveWelcome(welcome)
                    == .open(PeerIdentity(node: TransportFixture.node("b", 7), wireVersion: common)))
        }
    }

    /// The bytes of version 1, as computed by hand and by an independent HMAC (Python's hmac module); they must decode for ever.
    @Test("golden bytes")
    func golden() throws {
        let hello =
            "44504831" + "02006331" + "010061" + "0700000000000000" + "0100" + "0100" + "03" + "01"
            + "2000" + Self.hex(Self.clientNonce)
        let client = ClientHandshake(
            local: try Self.local("a", "a secret of the cluster"), purpose: .data, nonce: Self.clientNonce)
        #expect(Self.hex(client.hello) == hello)
        var server = ServerHandshake(local: try Self.local("b", "a secret of the cluster"), nonce: Self.serverNonce)
        guard case .prove(let welcome) = try server.receiveHello(client.hello),
            case .prove(let proof, _) = try client.receiveWelcome(welcome)
        else {
            Issue.record("no hand-shake")
            return
        }
        #expect(
            Self.hex(welcome) == "44505731" + "02006331" + "010062" + "0700000000000000" + "0100" + "2000"
                + Self.hex(Self.serverNonce) + "2000"
                + "3a0330e0f3388b2dca78ce08ddd92480b29067570f77559c0a4122347a61d059")
        #expect(Self.hex(proof) == "d4b370f48c2487082e79e08372d62a2ff15132ca579c1fb390e2cb52a309cbb2")
        // What a later version appends is ignored.
        var later = ServerHandshake(local: try Self.local("b", "a secret of the cluster"), nonce: Self.serverNonce)
        guard case .prove = try later.receiveHello(client.hello + [1, 2, 3]) else {
            Issue.record("a longer hello is refused")
            return
        }
    }
}

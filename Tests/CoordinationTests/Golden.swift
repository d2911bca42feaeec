import Actors
import Cluster
import Coordination
import Dataflow
import Log

/// Everything that nodes of version 1 send to each other, but for calls (``GoldenCalls``), and write to the cluster's topics.
enum Golden {
    static func node(_ name: String, _ life: Int64) throws -> NodeID {
        guard let name = NodeName(name) else { throw GoldenSample.Mismatch("\(name) is not a name") }
        return NodeID(name, Incarnation(life))
    }

    static func samples() async throws -> [GoldenSample] {
        try handshake() + gossip() + rows() + exchange() + records() + GoldenPlans.samples() + numbers()
            + (await GoldenCalls.samples()) + (await GoldenCalls.errors())
    }

    // MARK: Hand-shake

    private static let nonces = (client: [UInt8](0..<32), server: [UInt8](100..<132))

    private static func handshake() throws -> [GoldenSample] {
        let secret = try ClusterSecret(Array("a secret of the cluster".utf8))
        return try ConnectionPurpose.allCases.flatMap { try handshake($0, nil, "\($0)") }
            + (try handshake(.control, secret, "secret"))
    }

    /// Hello, welcome and, with a secret, proof. Each is read by the other side, which must come to the answer that is written down.
    private static func handshake(
        _ purpose: ConnectionPurpose, _ secret: ClusterSecret?, _ name: String
    ) throws -> [GoldenSample] {
        let (a, b) = (try node("a", 3), try node("b", 4))
        func local(_ node: NodeID) -> HandshakeLocal {
            HandshakeLocal(
                clusterID: "c1", node: node, wireVersions: WireVersions(lowest: 1, highest: 1), secret: secret)
        }
        let client = ClientHandshake(local: local(a), purpose: purpose, nonce: nonces.client)
        func answer(_ hello: [UInt8]) throws -> (welcome: [UInt8], server: ServerHandshake) {
            var server = ServerHandshake(local: local(b), nonce: nonces.server)
            switch try server.receiveHello(hello) {
            case .prove(let welcome) where secret != nil: return (welcome, server)
            case .open(let welcome, PeerIdentity(node: a, wireVersion: 1), purpose) where secret == nil:
                return (welcome, server)
            case let other: throw GoldenSample.Mismatch("\(other) to the hello")
            }
        }
        func proof(_ welcome: [UInt8]) throws -> [UInt8] {
            switch try client.receiveWelcome(welcome) {
            case .prove(let proof, PeerIdentity(node: b, wireVersion: 1)) where secret != nil: return proof
            case .open(PeerIdentity(node: b, wireVersion: 1)) where secret == nil: return []
            case let other: throw GoldenSample.Mismatch("\(other) to the welcome")
            }
        }
        let (welcome, _) = try answer(client.hello)
        // A proof covers all bytes of hello and welcome, so they can be told to be longer only where there is no secret.
        let more: [UInt8] = [1, 2, 3]
        var samples = [
            GoldenSample(
                name: "hello \(name)", bytes: client.hello, next: secret == nil ? client.hello + more : nil
            ) { bytes in
                let (found, _) = try answer(bytes)
                if secret == nil || bytes == client.hello { try GoldenSample.check(found, welcome) }
                return client.hello
            },
            GoldenSample(name: "welcome \(name)", bytes: welcome, next: secret == nil ? welcome + more : nil) { bytes in
                _ = try proof(bytes)
                return welcome
            },
        ]
        if secret != nil {
            let proof = try proof(welcome)
            samples.append(
                GoldenSample(name: "proof \(name)", bytes: proof, next: nil) { bytes in
                    var (_, server) = try answer(client.hello)
                    try GoldenSample.check(
                        try server.receiveProof(bytes), .open([], PeerIdentity(node: a, wireVersion: 1), purpose))
                    return proof
                })
        }
        return samples
    }

    // MARK: Gossip

    private static let cluster: UInt64 = 0x0123_4567_89AB_CDEF
    /// Where a message has the number of its kind.
    private static let kindOffset = 1

    private static func gossip() throws -> [GoldenSample] {
        let (a, b) = (try node("a", 3), try node("b", 4))
        let kinds: [(String, MembershipMessage.Kind)] = [
            ("ping", .ping(sequence: 7, target: b)), ("ack", .ack(sequence: 8)), ("nack", .nack(sequence: 9)),
            ("pingRequest", .pingRequest(sequence: 10, target: b)), ("exchange", .exchange(isRequest: true)),
            ("gossip", .gossip),
        ]
        var vitals = Vitals()
        (vitals.controlVersion, vitals.committedEpoch, vitals.lag, vitals.load) = (5, 9, 6, 70)
        let claims = MemberStatus.allCases.map { Claim(node: b, refutation: 2, status: $0, accuser: a.name) }
        let samples = kinds.map { name, kind in
            let message = MembershipMessage(sender: a, vitals: vitals, kind: kind, claims: claims)
            let next = MembershipCodec.encode(
                message, cluster: cluster, version: MembershipCodec.version + 1,
                fields: [MembershipCodec.Field(tag: 1, bytes: [1, 2])])
            return GoldenSample(
                name: "gossip \(name)", bytes: MembershipCodec.encode(message, cluster: cluster), next: next + [9, 9]
            ) { bytes in
                let found = try MembershipCodec.decode(bytes, cluster: cluster)
                try GoldenSample.check(found, message)
                return MembershipCodec.encode(found, cluster: cluster)
            }
        }
        // Every kind that a reader knows is among them.
        let known = (0...UInt8.max).filter { number in
            var bytes = samples[0].bytes
            bytes[kindOffset] = number
            do throws(MembershipCodecError) {
                _ = try MembershipCodec.decode(bytes, cluster: cluster)
            } catch .kindUnknown {
                return false
            } catch {
                return true
            }
            return true
        }
        try GoldenSample.check(samples.map { $0.bytes[kindOffset] }.sorted(), known)
        return samples
    }

    // MARK: Rows

    /// Two rows, the second all null, of every type.
    private static func delta() throws -> Delta {
        let element = Datum.array([.null, .integer(5)], .integer)
        let values: [Datum] = [
            .boolean(true), .smallint(-2), .integer(-3), .bigint(4),
            .numeric(Decimal(mantissa: -12_345_678_901_234_567_890_123, scale: 3)), .real(1.5), .double(-0.1),
            .text("grüße"), .character("c "), .bytea([0, 255]),
            .uuid(UUIDValue(high: 0x0011_2233_4455_6677, low: 0x8899_AABB_CCDD_EEFF)), .date(20_000),
            .time(1), .timestamp(2), .timestamptz(-3), .interval(Interval(months: 1, days: -2, microseconds: 3)),
            .jsonb(#"{"a": 1}"#), element,
        ]
        let types = DataType.scalars + [.array(of: .integer)]
        try GoldenSample.check(values.count, types.count)
        let columns = zip(types, values).map { type, value in
            let builder = ColumnBuilder(type: type)
            builder.append(value)
            builder.appendNull()
            return builder.finish()
        }
        let weights = ColumnBuilder(type: .bigint)
        weights.append(Int64(1))
        weights.append(Int64(-2))
        return Delta(columns: columns, weights: weights.finish(), count: 2)
    }

    private static func texts(_ delta: Delta) -> [String] {
        (0..<delta.count).map { row in
            "\(delta.weight(at: row)): \(delta.columns.map { "\($0.type.name) \($0.datum(at: row))" })"
        }
    }

    private static func rows() throws -> [GoldenSample] {
        let delta = try delta()
        var bytes: [UInt8] = []
        DeltaCodec.encode(delta, to: &bytes)
        // Rows are written by the version that the hand-shake has agreed on.
        let answer = GoldenSample(name: "rows", bytes: bytes, next: nil) { bytes in
            let found = try DeltaCodec.decodeAll(bytes)
            try GoldenSample.check(found.count, 1)
            try GoldenSample.check(texts(found[0]), texts(delta))
            var again: [UInt8] = []
            for delta in found { DeltaCodec.encode(delta, to: &again) }
            return again
        }
        return [answer]
            + (try ShardSet.Kind.allCases.map { kind in
                let request = RowsRequest(generation: 6, kind: kind, name: "v", epoch: 9)
                let bytes = try request.encoded()
                return GoldenSample(
                    name: "rows of \(kind.rawValue)", bytes: bytes,
                    next: GoldenSample.extended(try CBORValue.decode(bytes)).written
                ) { bytes in
                    let found = try RowsRequest(bytes)
                    try GoldenSample.check(found, request)
                    return try found.encoded()
                }
            })
    }

    private static func exchange() throws -> [GoldenSample] {
        let delta = try delta()
        let entries = [
            ExchangeFrame.Entry(lane: LaneID(2), step: 7, message: .rows(edge: OperatorID(3), delta)),
            ExchangeFrame.Entry(lane: LaneID(2), step: 7, message: .barrier(edge: OperatorID(4))),
        ]
        func text(_ entry: ExchangeFrame.Entry) -> String {
            let head = "\(entry.lane.rawValue) \(entry.step) "
            return switch entry.message {
            case .rows(let edge, let delta): head + "rows \(edge.rawValue) \(texts(delta))"
            case .barrier(let edge): head + "barrier \(edge.rawValue)"
            }
        }
        let frames = entries.map { entry in
            // Frames are written by the version that the hand-shake has agreed on.
            GoldenSample(
                name: "exchange \(text(entry).split(separator: " ")[2])", bytes: ExchangeFrame.encode([entry]),
                next: nil
            ) { bytes in
                let found = try ExchangeFrame.decode(bytes)
                try GoldenSample.check(found.map(text), [text(entry)])
                return ExchangeFrame.encode(found)
            }
        }
        // Every kind that a reader knows is among them.
        let known = (0...UInt8.max).filter { number in
            var bytes = frames[1].bytes
            bytes[1] = number
            do throws(DeltaCodecError) {
                _ = try ExchangeFrame.decode(bytes)
            } catch {
                return !error.message.contains("of kind")
            }
            return true
        }
        try GoldenSample.check(frames.map { $0.bytes[1] }.sorted(), known)
        let edge = RemoteExchange.Edge(generation: 6, sender: 1, receiver: 2)
        return frames + [
            GoldenSample(name: "exchange edge", bytes: edge.bytes, next: nil) { bytes in
                guard let found = RemoteExchange.Edge(bytes) else { throw GoldenSample.Mismatch("no edge") }
                try GoldenSample.check(found, edge)
                return found.bytes
            }
        ]
    }

    // MARK: Topics

    private static func records() throws -> [GoldenSample] {
        let a = try node("a", 3)
        let table = Fixture.table("t", id: 1)
        let deploy = ControlRecord.Deploy(
            after: -1, deployments: [table, Fixture.count("c", id: 2, of: table)],
            start: Frontier([TopicPartition("t", 1): 2]),
            partitions: ["t": 2], files: ["f": ["f.csv"]], author: a.incarnation)
        let description = NodeDescription(
            cluster: Endpoint(host: "127.0.0.1", port: 7_701), http: Endpoint(host: "127.0.0.1", port: 7_070),
            workers: 2, zone: "z", build: "1", wire: WireVersions(lowest: 1, highest: 1))
        let assignment = AssignmentPlanner.plan(
            candidates: [.init(node: a, workers: 2)], tasks: ["t"], previous: nil, start: .beginning)
        let (author, reason) = (a.incarnation, "r")
        let join = ClusterRecord.Join(
            name: a.name, directory: "d", nonce: "n", after: Incarnation(1), description: description)
        let records: [(ControlCodec.Kind, ControlRecord)] = [
            (.deploy, .deploy(deploy)), (.drop, .drop(.init(after: 0, names: ["c"], author: author))),
            (.state, .state(try folded(join, deploy, assignment))),
            (.found, .cluster(.found(.init(id: "c1", tzdata: "2025b")))), (.join, .cluster(.join(join))),
            (.admit, .cluster(.admit(.init(life: Incarnation(1), author: author, term: 2)))),
            (.leave, .cluster(.leave(.init(author: author, reason: reason)))),
            (.remove, .cluster(.remove(.init(life: Incarnation(1), reason: reason, author: author, term: 2)))),
            (.lead, .cluster(.lead(.init(term: 2, after: 1, author: author, reason: reason)))),
            (
                .assign,
                .cluster(
                    .assign(.init(assignment: assignment, after: 0, author: author, term: 2, reason: reason)))
            ),
            (
                .place,
                .cluster(
                    .place(
                        .init(
                            tasks: assignment.tasks, generation: 1, author: author, term: 2, reason: reason)))
            ),
            (
                .drain,
                .cluster(.drain(.init(life: Incarnation(1), isDraining: true, author: author, reason: reason)))
            ),
            (.moveLead, .cluster(.moveLead(.init(to: Incarnation(1), author: author, reason: reason)))),
            (.rebalance, .cluster(.rebalance(.init(author: author, reason: reason)))),
        ]
        try GoldenSample.check(
            Set(records.map(\.0)), Set(ControlCodec.Kind.allCases).subtracting([.epoch]))
        return try records.map { try GoldenSample.record($0.0, $0.1) } + [try epoch(), try sign()]
    }

    /// A node's fold with a bit of everything.
    private static func folded(
        _ join: ClusterRecord.Join, _ deploy: ControlRecord.Deploy, _ assignment: Assignment
    ) throws -> FoldedState {
        var state = ControlState()
        let life = Incarnation(1)
        var (join, deploy, assignment) = (join, deploy, assignment)
        join.after = nil
        (deploy.after, deploy.author) = (-1, life)
        let node = NodeID(join.name, life)
        assignment = AssignmentPlanner.plan(
            candidates: [.init(node: node, workers: 2)], tasks: [], previous: nil, start: .beginning)
        let records: [ControlRecord] = [
            .cluster(.found(.init(id: "c1", tzdata: "2025b"))), .cluster(.join(join)),
            .cluster(.lead(.init(term: 1, after: 0, author: life, reason: "r"))),
            .cluster(.assign(.init(assignment: assignment, after: 0, author: life, term: 1, reason: "r"))),
            .deploy(deploy),
        ]
        for (offset, record) in records.enumerated() {
            try GoldenSample.check(state.apply(.record(record), offset: Int64(offset), appendTime: 1), .accepted)
        }
        var folded = state.folded
        // The catalog's own nodes are not coded: they are made of the state's.
        folded.catalog.restore(nodes: [])
        return folded
    }

    private static func epoch() throws -> GoldenSample {
        let epoch = EpochRecord(
            epoch: 9, frontier: Frontier([TopicPartition("t", 1): 4]), controlVersion: 5, generation: 6, term: 2)
        let bytes = try ControlCodec.encode(epoch)
        return GoldenSample(name: "record epoch", bytes: bytes, next: try GoldenSample.extendedRecord(bytes)) { bytes in
            guard let found = ControlCodec.decodeEpoch(bytes) else { throw GoldenSample.Mismatch("no epoch") }
            try GoldenSample.check(found, epoch)
            return try ControlCodec.encode(found)
        }
    }

    /// Of the topic of the coordinator's signs. A tick of the clock has no bytes: its append time is all of it.
    private static func sign() throws -> GoldenSample {
        let bytes = ControlCodec.encodeSign(term: 7)
        return GoldenSample(
            name: "sign", bytes: bytes, next: Array(#"{"term":7,"unheardOf":8}"#.utf8)
        ) { bytes in
            guard let term = ControlCodec.decodeSign(bytes) else { throw GoldenSample.Mismatch("no sign") }
            try GoldenSample.check(term, 7)
            return ControlCodec.encodeSign(term: term)
        }
    }

    // MARK: Numbers

    /// Numbers that stand for words on the wire.
    private static func numbers() -> [GoldenSample] {
        let lists: [(String, [String])] = [
            ("statuses", CallStatus.allCases.map { "\($0.rawValue) \($0)" }),
            ("purposes", ConnectionPurpose.allCases.map { "\($0.rawValue) \($0)" }),
            ("members", MemberStatus.allCases.map { "\($0.rawValue) \($0)" }),
        ]
        return lists.map { name, words in
            let bytes = Array(words.joined(separator: ", ").utf8)
            return GoldenSample(name: "numbers of \(name)", bytes: bytes, next: nil) { _ in bytes }
        }
    }
}

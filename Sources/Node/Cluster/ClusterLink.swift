internal import Actors
internal import Cluster
internal import Coordination
internal import Logging
internal import NIOPosix

/// This node's ways to the others: calls, gossip and exchange edges over one transport.
///
/// The coordinator is made with it; it begins to work with ``run(_:)``.
final class ClusterLink: Sendable {
    private struct State {
        var peers: PeerDirectory?
        var transport: ClusterTransport?
        var exchange: RemoteExchange?
        /// The lives that the control log has.
        var listed: Set<NodeID> = []
    }

    private let settings: ClusterSettings
    private let logger: Logger
    private let state = Mutexed(State())
    /// What nodes may call on each other, and throw.
    private let table: ActorMethodTable

    private static let gossipPath = "/dataprism/gossip"
    private static let rowsPath = "/dataprism/rows"
    /// No call may take longer, whatever its caller says.
    private static let callLimit = Duration.seconds(3_600)
    /// The rows that one node holds of a view travel as one answer.
    private static let bodyBytesMax = 256 << 20
    /// A pipeline's whole plan is one argument of a call, expressions within expressions.
    private static let argumentLimits: CBORValue.Limits = {
        var limits = CBORValue.Limits()
        limits.bytesMax = 64 << 20
        limits.depthMax = 512
        limits.itemsMax = 8_000_000
        return limits
    }()
    /// How long a new node tries to reach those that it is told to join.
    private static let joinLimit = Duration.seconds(10)

    init(_ settings: ClusterSettings, logger: Logger) async {
        self.settings = settings
        self.logger = logger
        table = await MemberPort.table()
    }

    /// The seat of a node in `directory` that serves clients at `http`.
    func seat(directory: String, http: Endpoint, workers: Int) -> ClusterSeat {
        let actors = ClusterActorSystem(node: unjoined, table: table, limits: Self.argumentLimits) {
            [weak self] (node) async throws(CallError) in
            guard let self else { throw CallError(.unavailable, "this node is stopping") }
            return try await peers().connection(to: node, for: .control)
        }
        return ClusterSeat(
            name: settings.name, directory: directory,
            description: NodeDescription(
                cluster: settings.listen, http: http, workers: workers, zone: settings.zone, build: Dataprism.build),
            actors: actors,
            fetchRows: { [weak self] (request, node, limit) async throws(CoordinationError) in
                guard let self else { throw CoordinationError(.stopped, "this node is stopping") }
                return try await fetchRows(request, from: node, within: limit)
            },
            gossip: { [weak self] bytes, sequence, node in self?.gossip(bytes, sequence, to: node) },
            located: { [weak self] own, nodes in self?.locate(own, nodes, actors) },
            acceptEdges: { [weak self] exchange in self?.state.with { $0.exchange = exchange } },
            openEdges: { [weak self] (exchange, nodes) async throws(CoordinationError) in
                try await self?.openEdges(exchange, nodes)
            })
    }

    private var unjoined: NodeID { NodeID(settings.name, PeerIdentity.noIncarnation) }

    /// Takes over where nodes are: calls to lives that are not listed any more fail from now on.
    private func locate(_ own: NodeID?, _ nodes: [NodeID: Endpoint], _ actors: ClusterActorSystem) {
        actors.setNode(own ?? unjoined)
        let gone = state.with { state in
            defer { state.listed = Set(nodes.keys) }
            return state.listed.subtracting(nodes.keys)
        }
        for node in nodes.keys { actors.observed(node) }
        for node in gone { actors.removed(node) }
        located.continuation.yield((own: own, nodes: nodes))
    }

    private typealias Location = (own: NodeID?, nodes: [NodeID: Endpoint])

    private let located = AsyncStream.makeStream(of: Location.self, bufferingPolicy: .bufferingNewest(1))
    private let failures = AsyncStream.makeStream(of: UInt32.self, bufferingPolicy: .bufferingNewest(1_024))
    private let closed = AsyncStream.makeStream(of: NodeName.self, bufferingPolicy: .bufferingNewest(1_024))

    /// Serves and connects while `coordinator` runs; returns when it has ended.
    func run(_ coordinator: Coordinator) async throws {
        guard let actors = coordinator.actors else { preconditionFailure("a coordinator without a seat") }
        let port = actors.named(MemberPort.name) { MemberPort(coordinator, actorSystem: $0) }
        defer { withExtendedLifetime(port) {} }
        let id = try await coordinator.clusterID()
        var limits = TransportLimits()
        limits.callTimeoutMax = Self.callLimit
        limits.bodyBytesMax = Self.bodyBytesMax
        let local = HandshakeLocal(
            clusterID: id, node: unjoined, secret: settings.secret)
        let closed = closed.continuation
        let transport = try ClusterTransport(
            TransportConfiguration(local: local, listen: settings.listen, tls: settings.tls, limits: limits),
            routes: routes(coordinator, actors),
            events: TransportEvents(closed: { connection in
                if let name = connection.peer?.node.name { closed.yield(name) }
            }),
            group: MultiThreadedEventLoopGroup.singleton, logger: logger)
        do {
            _ = try await transport.start()
        } catch {
            throw CommandFailure("cannot listen on \(settings.listen): \(error.message)")
        }
        let peers = PeerDirectory(transport)
        state.with {
            $0.peers = peers
            $0.transport = transport
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask(priority: .high) { await transport.run() }
            group.addTask(priority: .high) { await peers.run() }
            group.addTask { [located] in
                for await (own, nodes) in located.stream { await peers.update(own: own, endpoints: nodes) }
            }
            group.addTask { [failures] in
                for await sequence in failures.stream { await coordinator.gossipFailed(sequence: sequence) }
            }
            group.addTask { [closed = self.closed] in
                for await name in closed.stream { await coordinator.connectionClosed(name) }
            }
            try await reach(transport)
            try await coordinator.run()
            group.cancelAll()
        }
    }

    /// Shakes hands with the nodes that this one is told to join, so that another cluster's log is found out at once.
    private func reach(_ transport: ClusterTransport) async throws {
        for endpoint in settings.join {
            let limit = ContinuousClock.now + Self.joinLimit
            while true {
                do throws(CallError) {
                    let connection = try await transport.connect(to: endpoint, purpose: .control)
                    connection.drain(reason: "reached")
                    break
                } catch {
                    guard error.status == .unavailable, ContinuousClock.now < limit else {
                        throw CommandFailure("cannot join \(endpoint): \(error.message)")
                    }
                }
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    // MARK: Serving

    private func routes(_ coordinator: Coordinator, _ actors: ClusterActorSystem) -> TransportRoutes {
        var routes = TransportRoutes()
        routes.call(Self.gossipPath) { (_, bytes) async throws(CallError) in
            do throws(CoordinationError) {
                try await coordinator.receiveGossip(bytes)
            } catch {
                throw CallError(.invalidArgument, error.message)
            }
            return []
        }
        actors.install(in: &routes)
        routes.call(Self.rowsPath) { [table] (_, bytes) async throws(CallError) in
            do throws(CoordinationError) {
                return try await coordinator.serveRows(bytes)
            } catch {
                throw table.answer(to: error)
            }
        }
        routes.stream(RemoteExchange.path) { [weak self] (stream, metadata) throws(CallError) in
            guard let edge = RemoteExchange.Edge(metadata) else {
                throw CallError(.invalidArgument, "the metadata names no exchange edge")
            }
            guard let exchange = self?.state.with({ $0.exchange }) else {
                throw CallError(.stale, "this node takes part in no generation")
            }
            return try exchange.accept(edge, stream)
        }
        return routes
    }

    /// What the transport has counted.
    var counts: TransportCounts { state.with { $0.transport }?.counts ?? TransportCounts() }

    // MARK: Calling

    private func fetchRows(
        _ request: [UInt8], from node: NodeID, within limit: Duration
    ) async throws(CoordinationError) -> [UInt8] {
        do throws(CallError) {
            return try await peers().connection(to: node, for: .data).call(Self.rowsPath, request, within: limit)
        } catch {
            if let thrown = table.thrown(error) as? CoordinationError { throw thrown }
            throw CoordinationError(.superseded, "\(node): \(error.message)")
        }
    }

    private func peers() throws(CallError) -> PeerDirectory {
        guard let peers = state.with({ $0.peers }) else { throw CallError(.unavailable, "the transport has not begun") }
        return peers
    }

    private func gossip(_ bytes: [UInt8], _ sequence: UInt32?, to node: NodeID) {
        let failures = failures.continuation
        state.with { $0.peers }?.post(Self.gossipPath, bytes, to: node) {
            if let sequence { failures.yield(sequence) }
        }
    }

    private func openEdges(_ exchange: RemoteExchange, _ nodes: [NodeID]) async throws(CoordinationError) {
        for (index, node) in nodes.enumerated() where node.name != settings.name {
            do throws(CallError) {
                let connection = try await peers().connection(to: node, for: .data)
                for edge in exchange.edges(toMember: index) { exchange.open(edge, on: connection) }
            } catch {
                throw CoordinationError(.superseded, "no edges to \(node): \(error.message)")
            }
        }
    }
}

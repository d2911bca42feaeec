import Actors
import Cluster
import Coordination
import Log
import Logging
import NIOPosix
import Testing

/// The only node of a cluster, whose ``MemberPort`` others can call.
struct ClusterNode: Sendable {
    let coordinator: Coordinator
    let actors: ClusterActorSystem
    let port: MemberPort

    /// The process of a node `name` on `log` that does not run yet.
    static func made(
        _ log: any EventLog, name: String = "only", directory: String = "d",
        configure: (inout CoordinatorConfiguration) -> Void = { _ in }
    ) async throws -> ClusterNode {
        let name = try #require(NodeName(name))
        let unjoined = NodeID(name, PeerIdentity.noIncarnation)
        let actors = ClusterActorSystem(node: unjoined, table: await MemberPort.table()) { (_) throws(CallError) in
            throw CallError(.unavailable, "there is no other node")
        }
        let seat = ClusterSeat(
            name: name, directory: directory,
            description: NodeDescription(cluster: Endpoint(host: "127.0.0.1", port: 1), workers: 2), actors: actors,
            fetchRows: { (_, _, _) async throws(CoordinationError) in
                throw CoordinationError(.superseded, "there is no other node")
            },
            gossip: { _, _, _ in }, located: { own, _ in actors.setNode(own ?? unjoined) }, acceptEdges: { _ in },
            openEdges: { (_, _) async throws(CoordinationError) in })
        var configuration = CoordinatorConfiguration(workers: 2)
        configure(&configuration)
        let coordinator = Coordinator(log: log, configuration: configuration, logger: Self.logger, cluster: seat)
        let port = actors.named(MemberPort.name) { MemberPort(coordinator, actorSystem: $0) }
        return ClusterNode(coordinator: coordinator, actors: actors, port: port)
    }

    /// Runs the node `name` on `log` for the length of `body`.
    static func with<Result: Sendable>(
        _ log: any EventLog, name: String = "only", configure: (inout CoordinatorConfiguration) -> Void = { _ in },
        _ body: @Sendable (ClusterNode) async throws -> Result
    ) async throws -> Result {
        let node = try await made(log, name: name, configure: configure)
        let coordinator = node.coordinator
        _ = try await coordinator.clusterID()
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await coordinator.run() }
            guard await coordinator.waitUntilReady(atMost: .seconds(60)) else {
                try await group.next()
                throw CoordinationError(.timeout, "the coordinator did not become ready")
            }
            let result = try await body(node)
            group.cancelAll()
            return result
        }
    }

    /// Calls this node as `caller`, over a connection on the loop-back interface.
    func call(as caller: NodeID, _ body: (MemberPort) async throws -> Void) async throws {
        var routes = TransportRoutes()
        actors.install(in: &routes)
        try await Self.connected(from: caller, to: actors.node, routes) { connection in
            let system = ClusterActorSystem(node: caller, table: actors.table) { (_) throws(CallError) in connection }
            let id = ClusterActorID(node: actors.node, name: MemberPort.name)
            try await body(try MemberPort.resolve(id: id, using: system))
        }
    }

    /// Runs `body` with a connection of `caller` to `node`, which serves `routes`.
    static func connected(
        from caller: NodeID, to node: NodeID, _ routes: TransportRoutes, purpose: ConnectionPurpose = .control,
        _ body: (PeerConnection) async throws -> Void
    ) async throws {
        let server = try transport(node, listen: Endpoint(host: "127.0.0.1", port: 0), routes: routes)
        let client = try transport(caller, listen: nil, routes: TransportRoutes())
        let endpoint = try await server.start()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await server.run() }
            let outcome: Swift.Result<Void, any Error>
            do {
                outcome = .success(try await body(try await client.connect(to: endpoint, purpose: purpose)))
            } catch {
                outcome = .failure(error)
            }
            await client.shutDown()
            await server.shutDown()
            try await group.waitForAll()
            try outcome.get()
        }
    }

    private static func transport(
        _ node: NodeID, listen: Endpoint?, routes: TransportRoutes
    ) throws -> ClusterTransport {
        try ClusterTransport(
            TransportConfiguration(local: HandshakeLocal(clusterID: "c-test", node: node), listen: listen),
            routes: routes, group: MultiThreadedEventLoopGroup.singleton, logger: logger)
    }

    private static var logger: Logger {
        var logger = Logger(label: "test")
        logger.logLevel = .error
        return logger
    }
}

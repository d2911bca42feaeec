internal import Actors
internal import Cluster
internal import Coordination
internal import Foundation
internal import Logging
internal import NIOPosix

/// This node's ways to the others: calls, gossip and exchange edges over one transport.
///
/// The coordinator is made with it; it begins to work with ``run(_:)``.
final class ClusterLink: NodeCaller {
    private struct State {
        var peers: PeerDirectory?
        var transport: ClusterTransport?
        var exchange: RemoteExchange?
    }

    private let settings: ClusterSettings
    private let logger: Logger
    private let state = Mutexed(State())

    private static let gossipPath = "/dataprism/gossip"
    /// A step of a large replay may take long; that its node is gone is found by gossip, not by a deadline.
    private static let callLimit = Duration.seconds(3_600)
    /// The rows that one node holds of a view travel as one answer.
    private static let bodyBytesMax = 256 << 20
    /// How long a new node tries to reach those that it is told to join.
    private static let joinLimit = Duration.seconds(10)

    init(_ settings: ClusterSettings, logger: Logger) {
        self.settings = settings
        self.logger = logger
    }

    /// The seat of a node in `directory` that serves clients at `http`.
    func seat(directory: String, http: Endpoint, workers: Int) -> ClusterSeat {
        ClusterSeat(
            name: settings.name, directory: directory,
            description: NodeDescription(
                cluster: settings.listen, http: http, workers: workers, zone: settings.zone, build: Dataprism.build),
            caller: self,
            gossip: { [weak self] bytes, sequence, node in self?.gossip(bytes, sequence, to: node) },
            located: { [weak self] own, nodes in self?.located.continuation.yield((own: own, nodes: nodes)) },
            acceptEdges: { [weak self] exchange in self?.state.with { $0.exchange = exchange } },
            openEdges: { [weak self] (exchange, nodes) async throws(CoordinationError) in
                try await self?.openEdges(exchange, nodes)
            })
    }

    private typealias Location = (own: NodeID?, nodes: [NodeID: Endpoint])

    private let located = AsyncStream.makeStream(of: Location.self, bufferingPolicy: .bufferingNewest(1))
    private let failures = AsyncStream.makeStream(of: UInt32.self, bufferingPolicy: .bufferingNewest(1_024))
    private let closed = AsyncStream.makeStream(of: NodeName.self, bufferingPolicy: .bufferingNewest(1_024))

    /// Serves and connects while `coordinator` runs; returns when it has ended.
    func run(_ coordinator: Coordinator) async throws {
        let id = try await coordinator.clusterID()
        var limits = TransportLimits()
        limits.callTimeoutMax = Self.callLimit
        limits.bodyBytesMax = Self.bodyBytesMax
        let local = HandshakeLocal(
            clusterID: id, node: NodeID(settings.name, PeerIdentity.noIncarnation), secret: settings.secret)
        let closed = closed.continuation
        let transport = try ClusterTransport(
            TransportConfiguration(local: local, listen: settings.listen, tls: settings.tls, limits: limits),
            routes: routes(coordinator),
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
            group.addTask { await transport.run() }
            group.addTask { await peers.run() }
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

    private func routes(_ coordinator: Coordinator) -> TransportRoutes {
        var routes = TransportRoutes()
        routes.call(Self.gossipPath) { (_, bytes) async throws(CallError) in
            do throws(CoordinationError) {
                try await coordinator.receiveGossip(bytes)
            } catch {
                throw CallError(.invalidArgument, error.message)
            }
            return []
        }
        for method in NodeMethod.allCases {
            routes.call(Self.path(method)) { (context, bytes) async throws(CallError) in
                do throws(CoordinationError) {
                    return try await coordinator.serve(method, bytes, from: context.peer.node)
                } catch {
                    throw CallError(.failed, error.message, payload: Self.encode(error))
                }
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

    private static func path(_ method: NodeMethod) -> String { "/dataprism/" + method.rawValue }

    private static func encode(_ error: CoordinationError) -> [UInt8] {
        do {
            return Array(try JSONEncoder().encode(error))
        } catch {
            // The message says it too.
            return []
        }
    }

    // MARK: Calling

    func call(
        _ node: NodeID, _ method: NodeMethod, _ body: [UInt8], timeout: Duration?
    ) async throws(CoordinationError) -> [UInt8] {
        do throws(CallError) {
            let connection = try await peers().connection(to: node, for: method == .rows ? .data : .control)
            return try await connection.call(Self.path(method), body, within: timeout ?? Self.callLimit)
        } catch {
            if error.status == .failed, !error.payload.isEmpty {
                do {
                    throw try JSONDecoder().decode(CoordinationError.self, from: Data(error.payload))
                } catch let error as CoordinationError {
                    throw error
                } catch {
                    throw CoordinationError(.superseded, "\(node) failed in a way that cannot be read: \(error)")
                }
            }
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

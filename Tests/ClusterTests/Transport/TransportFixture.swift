import Cluster
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// Log lines of a test, to look for what a refusal says.
final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    func contains(_ text: String) -> Bool { all.contains { $0.contains(text) } }

    var logger: Logger {
        Logger(label: "test") { _ in Handler(lines: self) }
    }

    private struct Handler: LogHandler {
        let lines: LogLines
        var logLevel = Logger.Level.debug
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let fields = (event.metadata ?? [:]).map { "\($0.key)=\($0.value)" }.sorted().joined(separator: " ")
            lines.lines.withLock { $0.append("\(event.message) \(fields)") }
        }
    }
}

/// A cluster's nodes of one test, each on a free port of loopback, gone when the test ends.
struct TransportFixture: Sendable {
    static let cluster = "c-test"

    let group: any EventLoopGroup
    let log: LogLines

    /// Runs `body` with an event loop group and a log; both are over afterwards.
    static func with(_ body: (TransportFixture) async throws -> Void) async throws {
        let fixture = TransportFixture(group: MultiThreadedEventLoopGroup.singleton, log: LogLines())
        try await body(fixture)
    }

    static func node(_ name: String, _ incarnation: Int64 = 1) -> NodeID {
        guard let name = NodeName(name) else { preconditionFailure("not a name: \(name)") }
        return NodeID(name, Incarnation(incarnation))
    }

    func transport(
        _ name: String, routes: TransportRoutes = TransportRoutes(), listens: Bool = true,
        events: TransportEvents = TransportEvents(), _ change: (inout TransportConfiguration) -> Void = { _ in }
    ) throws -> ClusterTransport {
        var configuration = TransportConfiguration(
            local: HandshakeLocal(clusterID: Self.cluster, node: Self.node(name)),
            listen: listens ? Endpoint(host: "127.0.0.1", port: 0) : nil)
        change(&configuration)
        return try ClusterTransport(configuration, routes: routes, events: events, group: group, logger: log.logger)
    }

    /// Starts and runs a server and a client, connects them, and ends both after `body`.
    func withPair(
        routes: TransportRoutes, purpose: ConnectionPurpose = .control,
        server changeServer: (inout TransportConfiguration) -> Void = { _ in },
        client changeClient: (inout TransportConfiguration) -> Void = { _ in },
        _ body: (ClusterTransport, PeerConnection, Endpoint) async throws -> Void
    ) async throws {
        let server = try transport("server", routes: routes, changeServer)
        let client = try transport("client", listens: false, changeClient)
        let endpoint = try await server.start()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await server.run() }
            do {
                let connection = try await client.connect(to: endpoint, purpose: purpose)
                try await body(server, connection, endpoint)
            } catch {
                await client.shutDown()
                await server.shutDown()
                throw error
            }
            await client.shutDown()
            await server.shutDown()
            try await group.waitForAll()
        }
    }
}

/// A value that tests wait for from callbacks.
final class Waiting<Value: Sendable>: Sendable {
    private struct State {
        var values: [Value] = []
        var waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    func add(_ value: Value) {
        let ready = state.withLock { state in
            state.values.append(value)
            let count = state.values.count
            let ready = state.waiters.filter { $0.count <= count }
            state.waiters.removeAll { $0.count <= count }
            return ready
        }
        for waiter in ready { waiter.continuation.resume() }
    }

    var values: [Value] { state.withLock { $0.values } }

    /// Waits until there are as many values.
    func wait(for count: Int) async -> [Value] {
        await withCheckedContinuation { continuation in
            let isReady = state.withLock { state in
                guard state.values.count < count else { return true }
                state.waiters.append((count, continuation))
                return false
            }
            if isReady { continuation.resume() }
        }
        return values
    }
}

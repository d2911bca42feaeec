import Coordination
import Dataflow
import Log
import Logging

/// Runs a coordinator for the length of a test body.
enum Pipeline {
    /// Starts a coordinator on `log`, waits until it is ready, runs `body`, and cancels it: what a kill leaves is what the log has.
    static func with<Result: Sendable>(
        _ log: any EventLog, workers: Int = 2, configure: (inout CoordinatorConfiguration) -> Void = { _ in },
        _ body: @Sendable (Coordinator) async throws -> Result
    ) async throws -> Result {
        var configuration = CoordinatorConfiguration(workers: workers)
        configure(&configuration)
        var logger = Logger(label: "test")
        logger.logLevel = .error
        let coordinator = Coordinator(log: log, configuration: configuration, logger: logger)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await coordinator.run() }
            guard await coordinator.waitUntilReady(atMost: .seconds(30)) else {
                try await group.next()
                throw CoordinationError(.timeout, "the coordinator did not become ready")
            }
            let result = try await body(coordinator)
            group.cancelAll()
            return result
        }
    }

    /// Creates relations in one go.
    static func deploy(_ deployments: [Deployment], to coordinator: Coordinator) async throws {
        let (_, version) = await coordinator.catalog()
        _ = try await coordinator.deploy(deployments, after: version)
    }

    static func drop(_ names: [String], from coordinator: Coordinator) async throws {
        let (_, version) = await coordinator.catalog()
        _ = try await coordinator.drop(names, after: version)
    }

    /// Appends JSON lines to a topic.
    static func append(
        _ lines: [String], to topic: String, of coordinator: Coordinator, key: Coordinator.AppendKey? = nil
    ) async throws -> AppendReceipt {
        var records = RecordSet()
        for line in lines { records.append(value: Array(line.utf8)) }
        return try await coordinator.append(topic: topic, records: records, idempotency: key)
    }

    /// Rows of the table fixtures as texts `k:v`, sorted, each as often as its weight says.
    static func rows(_ name: String, in read: ViewRead) -> [String] {
        var texts: [String] = []
        for delta in read.rows[name] ?? [] {
            for row in 0..<delta.count {
                let text = delta.columns.prefix(2).map { Self.text($0.datum(at: row)) }.joined(separator: ":")
                for _ in 0..<max(0, delta.weight(at: row)) { texts.append(text) }
            }
        }
        return texts.sorted()
    }

    private static func text(_ datum: Datum) -> String {
        datum.isNull ? "null" : TextFormat.string(datum)
    }
}

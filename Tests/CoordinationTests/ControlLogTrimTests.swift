import Cluster
import Coordination
import Dataflow
import Log
import Logging
import Simulation
import Testing

/// The control log of a long life: it begins with a folded state, from which a new process comes to the same fold.
@Suite(.timeLimit(.minutes(2))) struct ControlLogTrimTests {
    private struct Nobody: NodeCaller {
        func call(
            _ node: NodeID, _ method: NodeMethod, _ body: [UInt8], timeout: Duration?
        ) async throws(CoordinationError) -> [UInt8] {
            throw CoordinationError(.superseded, "there is no other node")
        }
    }

    /// Runs the only node of a cluster for the length of `body`.
    private static func with<Result: Sendable>(
        _ log: MemoryLog, kept: Int64, _ body: @Sendable (Coordinator) async throws -> Result
    ) async throws -> Result {
        let name = try #require(NodeName("only"))
        let seat = ClusterSeat(
            name: name, directory: "d",
            description: NodeDescription(cluster: Endpoint(host: "127.0.0.1", port: 1), workers: 1), caller: Nobody(),
            gossip: { _, _, _ in }, located: { _, _ in }, acceptEdges: { _ in },
            openEdges: { (_, _) async throws(CoordinationError) in })
        var configuration = CoordinatorConfiguration(workers: 1)
        configuration.controlRecordsKept = kept
        var logger = Logger(label: "test")
        logger.logLevel = .error
        let coordinator = Coordinator(log: log, configuration: configuration, logger: logger, cluster: seat)
        _ = try await coordinator.clusterID()
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await coordinator.run() }
            guard await coordinator.waitUntilReady(atMost: .seconds(60)) else {
                try await group.next()
                throw CoordinationError(.timeout, "the coordinator did not become ready")
            }
            let result = try await body(coordinator)
            group.cancelAll()
            return result
        }
    }

    private static func begin(of log: MemoryLog) async throws -> Int64 {
        let partition = TopicPartition("_dataprism.control", 0)
        return try await log.bounds([partition])[partition]?.earliest ?? 0
    }

    @Test func trimsBehindAFoldedStateAndBeginsFromIt() async throws {
        let log = MemoryLog()
        let first = try await Self.with(log, kept: 8) { coordinator in
            try await Pipeline.deploy([Fixture.table("t", id: 1)], to: coordinator)
            while try await Self.begin(of: log) == 0 {
                try await coordinator.perform(.rebalance, reason: "again")
            }
            return await coordinator.clusterStatus()
        }
        let earliest = try await Self.begin(of: log)
        #expect(earliest > 0)
        try await Self.with(log, kept: 1_000) { coordinator in
            let (catalog, _) = await coordinator.catalog()
            #expect(catalog.ordered.map(\.name) == ["t"])
            let status = await coordinator.clusterStatus()
            #expect(status.id == first.id && status.controlVersion > first.controlVersion)
            let (entries, state) = try await coordinator.history()
            #expect(
                entries.first?.kind == "state" && entries.first?.offset == earliest && entries.first?.refusal == nil)
            // A life before the trim is known: the name's next one follows it.
            #expect(state.cluster.lives.map(\.node.name.text) == ["only"])
        }
    }
}

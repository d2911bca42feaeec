import Cluster
import Coordination
import Dataflow
import FoundationEssentials
import Log
import Simulation
import Testing

/// A control log that begins with a folded state: a node comes to the same fold from it, and what is not there any more is missed plainly.
@Suite(.timeLimit(.minutes(1))) struct TrimmedControlLogTests {
    private static let control = TopicPartition("_dataprism.control", 0)

    private static func withLog(_ body: (EmbeddedLog) async throws -> Void) async throws {
        let path = FileManager.default.temporaryDirectory.path + "/dataprism-\(UUID().uuidString)"
        defer { do { try FileManager.default.removeItem(atPath: path) } catch { Issue.record("\(error)") } }
        let log = try EmbeddedLog(directory: path)
        try await body(log)
        await log.close()
    }

    /// Appends the fold of the log's records as a record; its offset.
    private static func appendFold(_ folded: FoldedState, to log: EmbeddedLog) async throws -> Int64 {
        let writer = try await log.openWriter("test")
        var records = RecordSet()
        records.append(value: try ControlCodec.encode(.state(folded)))
        let result = try await writer.append(
            [PartitionAppend(partition: control, records: records)], idempotency: nil)
        return try #require(result.firstOffsets.first)
    }

    @Test func aNodeBeginsFromTheFoldedState() async throws {
        try await Self.withLog { log in
            let rows = (0..<20).map { #"{"k":\#($0),"v":"x"}"# }
            let table = Fixture.table("t", id: 1)
            let view = Fixture.view("v", id: 2, of: table)
            let (first, folded) = try await ClusterNode.with(log) { (node: ClusterNode) in
                try await Pipeline.deploy([table, view], to: node.coordinator)
                let receipt = try await Pipeline.append(rows, to: "t", of: node.coordinator)
                _ = try await node.coordinator.read(["v"], after: receipt.frontier)
                return (await node.coordinator.clusterStatus(), try await node.coordinator.history().state.folded)
            }
            let offset = try await Self.appendFold(folded, to: log)
            try await log.trim(Self.control, below: offset)
            try await ClusterNode.with(log) { node in
                let coordinator = node.coordinator
                #expect(await coordinator.catalog().0.ordered.map(\.name) == ["t", "v"])
                let status = await coordinator.clusterStatus()
                #expect(status.id == first.id && status.controlVersion > first.controlVersion)
                #expect(status.generation > first.generation)
                #expect(Pipeline.rows("v", in: try await coordinator.read(["v"])).count == rows.count)
                let (entries, state) = try await coordinator.history(asOf: offset)
                #expect(entries.map(\.kind) == ["state"] && entries.map(\.refusal) == [nil])
                #expect(state.hash != 0 && state.cluster == folded.cluster && state.catalog == folded.catalog)
                let error = await #expect(throws: CoordinationError.self) {
                    _ = try await coordinator.history(asOf: offset - 1)
                }
                #expect(error?.code == .refused && error?.message.contains("begins at offset \(offset)") == true)
            }
            // Without the state nobody knows what was decided.
            try await log.trim(Self.control, below: offset + 1)
            let error = await #expect(throws: CoordinationError.self) {
                try await ClusterNode.with(log) { _ in }
            }
            #expect(error?.code == .log && error?.message.contains("folded state") == true)
        }
    }

    /// A new generation of the same shares, which the interface for operators would not make.
    private static func rebalance(_ node: ClusterNode, _ log: any EventLog, _ reason: String) async throws {
        let record = ClusterRecord.rebalance(.init(author: node.actors.node.incarnation, reason: reason))
        var records = RecordSet()
        records.append(value: try ControlCodec.encode(.cluster(record)))
        _ = try await log.openWriter("operator").append(
            [PartitionAppend(partition: control, records: records)], idempotency: nil)
    }

    /// The coordinator writes folded states and trims behind them; whoever comes later finds the same.
    @Test func theCoordinatorKeepsTheLogShort() async throws {
        try await Self.withLog { log in
            let interval: Int64 = 10
            let short = { @Sendable (configuration: inout CoordinatorConfiguration) in
                configuration.node.decisions.foldInterval = interval
            }
            let table = Fixture.table("t", id: 1)
            let (hash, kept) = try await ClusterNode.with(log, configure: short) { (node: ClusterNode) in
                let coordinator = node.coordinator
                try await Pipeline.deploy([table], to: coordinator)
                for index in 0..<30 {
                    try await Self.rebalance(node, log, "round \(index)")
                    // Each must be followed by its generation, or they would all count as one.
                    while try await coordinator.history().state.cluster.generation < Int64(index) + 2, !Task.isCancelled
                    {}
                }
                let bounds = try #require(try await log.bounds([Self.control])[Self.control])
                let (entries, state) = try await coordinator.history()
                #expect(bounds.earliest > 0, "nothing was trimmed")
                #expect(entries.first?.kind == "state" && entries.first?.refusal == nil)
                #expect(entries.first?.offset == bounds.earliest)
                // The next folded state and its trimming may be under way.
                #expect(bounds.end - bounds.earliest <= 3 * interval)
                // A reader that has the older of two folded states before it must not miss what follows it.
                #expect(
                    entries.filter { $0.kind == "state" && $0.refusal == nil }.count >= 2,
                    "trimmed behind a folded state that no later one stands behind")
                return (state.hash, state.folded)
            }
            try await ClusterNode.with(log, configure: short) { node in
                #expect(await node.coordinator.catalog().0.ordered.map(\.name) == ["t"])
                let state = try await node.coordinator.history().state
                #expect(state.version > kept.version && state.hash != hash && state.catalog == kept.catalog)
                #expect(state.cluster.generation > kept.cluster.generation && state.cluster.id == kept.cluster.id)
            }
        }
    }

    /// What was decided meanwhile is not there any more, so that the node cannot go on from where it is.
    @Test func aNodeThatWasHeldUpForTooLongSaysSo() async throws {
        let log = MemoryLog()
        let node = try await ClusterNode.made(log)
        let coordinator = node.coordinator
        _ = try await coordinator.clusterID()
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await coordinator.run() }
            #expect(await coordinator.waitUntilReady(atMost: .seconds(60)))
            log.skip(Self.control, 10)
            let error = await #expect(throws: CoordinationError.self) { try await group.next() }
            #expect(error?.code == .stopped && error?.message.contains("start the node again") == true)
        }
    }

    /// A record of a later release may say what this build's fold lacks: such a fold must not stand for it.
    @Test func aFoldThatLacksSomethingIsNotWritten() async throws {
        try await Self.withLog { log in
            try await ClusterNode.with(log, configure: { $0.node.decisions.foldInterval = 5 }) { node in
                let writer = try await log.openWriter("later")
                var records = RecordSet()
                records.append(value: Array(#"{"kind":"teleport","version":2}"#.utf8))
                _ = try await writer.append(
                    [PartitionAppend(partition: Self.control, records: records)], idempotency: nil)
                for index in 0..<20 {
                    try await Self.rebalance(node, log, "round \(index)")
                }
                let (entries, state) = try await node.coordinator.history()
                #expect(!state.isComplete && state.foldedAt == nil && !entries.contains { $0.kind == "state" })
                #expect(try await log.bounds([Self.control])[Self.control]?.earliest == 0)
            }
        }
    }
}

import Actors
import Cluster
import Coordination
import Dataflow
import Foundation
import Log
import Simulation
import Testing

/// What operators see of all nodes, and what they ask for.
@Suite(.timeLimit(.minutes(1))) struct ReportTests {
    private let table = Fixture.table("t", id: 1, options: ["partitions": "2"])

    @Test func theOnlyNodeTellsOfItsWorkersAndHowFarItIs() async throws {
        let view = Fixture.view("v", id: 2, of: table)
        let viewless = Fixture.table("u", id: 5, options: ["partitions": "1"])
        try await ClusterNode.with(MemoryLog()) { node in
            let coordinator = node.coordinator
            try await Pipeline.deploy([table, view, viewless], to: coordinator)
            let lines = (0..<9).map { #"{"k":\#($0),"v":"x"}"# }
            let receipt = try await Pipeline.append(lines, to: "t", of: coordinator)
            let other = try await Pipeline.append(lines, to: "u", of: coordinator)
            let read = try await coordinator.read(["v"], after: receipt.frontier.merging(other.frontier))
            let workers = await coordinator.workerLines()
            #expect(workers.map(\.worker) == [0, 1] && workers.allSatisfy { $0.node == "only" && $0.error == nil })
            #expect(workers.map(\.vnodes) == [128, 128])
            #expect(workers.allSatisfy { $0.busyShare.map { (0...1).contains($0) } ?? false })
            let generation = await coordinator.clusterStatus().generation
            let epochs = await coordinator.epochLines()
            #expect(epochs.map(\.node) == ["only"] && epochs[0].drives && epochs[0].isReady)
            #expect(epochs[0].committedEpoch ?? 0 >= read.epoch && epochs[0].generation == generation)
            #expect(epochs[0].lag == 0)
            let lag = try await coordinator.lagLines()
            #expect(lag.map { "\($0.topic)/\($0.partition)" } == ["t/0", "t/1", "u/0"])
            #expect(lag.filter { $0.topic == "t" }.reduce(0) { $0 + $1.end } == 9)
            #expect(lag.last?.end == 9 && lag.allSatisfy { $0.covered == $0.end && $0.lag == 0 })
            // Another node may ask, too.
            let stranger = NodeID(try #require(NodeName("other")), Incarnation(5))
            try await node.call(as: stranger) { port in
                let report = try await port.report()
                #expect(report.generation == generation && report.drives)
                #expect(report.workers.map(\.vnodes) == [128, 128])
                #expect(report.ends["u/0"] == 9)
            }
        }
    }

    @Test func aConnectorIsToldOfWithItsNodeAndItsError() async throws {
        let passive = Fixture.table("p", id: 1)
        let broken = Fixture.table(
            "b", id: 2, connector: "file", options: ["path": "/nowhere/\(UUID().uuidString).json", "partitions": "1"])
        try await ClusterNode.with(MemoryLog()) { node in
            try await Pipeline.deploy([passive, broken], to: node.coordinator)
            var lines = await node.coordinator.connectorLines()
            while lines.first(where: { $0.table == "b" })?.error == nil {
                await Task.yield()
                lines = await node.coordinator.connectorLines()
            }
            #expect(lines.map(\.table) == ["b", "p"])
            #expect(lines[0].node == "only" && lines[0].state != .passive)
            #expect(lines[1].node == nil && lines[1].state == .passive && lines[1].error == nil)
            let status = await node.coordinator.status()
            #expect(status.connectors["b"]?.node == "only" && status.connectors["b"]?.lastError == lines[0].error)
        }
    }

    @Test func theStatusHasTheCoordinatorsTerm() async throws {
        let log = MemoryLog()
        for term in Int64(1)...2 {
            try await ClusterNode.with(log) { node in
                let cluster = await node.coordinator.clusterStatus()
                #expect(await node.coordinator.status().term == cluster.term && cluster.term == term)
            }
        }
    }

    @Test func equalSharesAreNotMadeAnew() async throws {
        try await ClusterNode.with(MemoryLog()) { node in
            let before = await node.coordinator.clusterStatus()
            let isDone = try await node.coordinator.perform(.rebalance, reason: "r")
            #expect(!isDone)
            let after = await node.coordinator.clusterStatus()
            #expect(after.generation == before.generation && after.controlVersion == before.controlVersion)
            let entries = try await node.coordinator.history().entries
            #expect(!entries.contains { $0.kind == "rebalance" })
        }
    }

    @Test func theHistoryBeyondItsEndIsRefused() async throws {
        try await ClusterNode.with(MemoryLog()) { node in
            let newest = try #require(try await node.coordinator.history().entries.last?.offset)
            let whole = try await node.coordinator.history(asOf: newest)
            #expect(whole.entries.last?.offset == newest)
            let error = await #expect(throws: CoordinationError.self) {
                _ = try await node.coordinator.history(asOf: newest + 1_000)
            }
            #expect(error?.code == .refused && error?.message.contains("newest offset") == true)
        }
    }
}

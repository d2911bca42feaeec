import Coordination
import Simulation
import Testing

/// A process becomes a node, or does not.
@Suite(.timeLimit(.minutes(1))) struct SeatTests {
    private static func joins(_ node: ClusterNode) async throws -> [String] {
        try await node.coordinator.history().entries.filter { $0.kind == "join" && $0.refusal == nil }.map(\.who)
    }

    @Test func aProcessThatClaimsTheNameOfANodeDoesNotDisturbIt() async throws {
        let log = MemoryLog()
        try await ClusterNode.with(log) { node in
            try await Pipeline.deploy([Fixture.table("t", id: 1)], to: node.coordinator)
            let imposter = try await ClusterNode.made(log, directory: "another")
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await imposter.coordinator.run() }
                // It has read the log and knows that it is refused.
                while await imposter.coordinator.refusal == nil, !Task.isCancelled { await Task.yield() }
                let receipt = try await Pipeline.append([#"{"k":1,"v":"x"}"#], to: "t", of: node.coordinator)
                #expect(receipt.locations.count == 1)
                try await node.coordinator.perform(.rebalance, reason: "the control log takes its records, too")
                // Asked to stop, it has nothing to hand over.
                await imposter.coordinator.leave("asked to stop")
                try await group.waitForAll()
            }
            #expect(try await Self.joins(node).count == 1)
        }
    }

    @Test func aStopThatComesBeforeTheSeatIsNotLost() async throws {
        let log = MemoryLog()
        let node = try await ClusterNode.made(log)
        await node.coordinator.leave("asked to stop")
        try await node.coordinator.run()
        #expect(try await Self.joins(node).isEmpty)
    }
}

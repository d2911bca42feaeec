import Actors
import Cluster
import Coordination
import Dataflow
import Simulation
import Testing

/// What another node may have a member do, over a real connection.
@Suite(.timeLimit(.minutes(1))) struct MemberPortTests {
    private static func node(_ name: String, _ life: Int64) throws -> NodeID {
        NodeID(try #require(NodeName(name)), Incarnation(life))
    }

    private static func expect(_ code: CoordinationError.Code, _ body: () async throws -> Void) async throws {
        let error = await #expect(throws: CoordinationError.self) { try await body() }
        #expect(error?.code == code)
    }

    @Test func onlyTheDriverOfTheGenerationCommands() async throws {
        try await ClusterNode.with(MemoryLog()) { node in
            let generation = await node.coordinator.clusterStatus().generation
            // The node itself drives.
            try await ClusterActorSystem.$caller.withValue(node.actors.node) {
                try await node.port.begin(generation)
                try await Self.expect(.superseded) { try await node.port.begin(generation + 1) }
                try await node.port.openLane(generation, LaneID(7))
                try await node.port.closeLane(generation, LaneID(7))
            }
            // Everybody else may look.
            for stranger in [try Self.node("other", 5), try Self.node("other", node.actors.node.incarnation.rawValue)] {
                try await node.call(as: stranger) { port in
                    try await Self.expect(.superseded) { try await port.begin(generation) }
                    try await Self.expect(.superseded) { try await port.openLane(generation, LaneID(8)) }
                    var notice = GoldenCalls.notice
                    notice.generation = generation
                    let error = await #expect(throws: CoordinationError.self) { try await port.commit(notice) }
                    #expect(error?.message.contains("does not drive generation \(generation)") == true)
                    let plan = StepPlan(lane: .main, step: 1, epoch: 1, bounds: [:])
                    try await Self.expect(.superseded) { _ = try await port.run(generation, plan) }
                    let facts = try await port.facts(generation)
                    #expect(facts.workers.map(\.worker) == [0, 1])
                    try await Self.expect(.superseded) { _ = try await port.facts(generation + 1) }
                    let status = try await port.status()
                    #expect(status.isReady)
                }
            }
            // A call from this process is nobody's.
            try await Self.expect(.superseded) { try await node.port.begin(generation) }
        }
    }

    @Test func aChangeIsDecidedForAnotherNode() async throws {
        try await ClusterNode.with(MemoryLog()) { node in
            let table = Fixture.table("t", id: 1)
            try await node.call(as: try Self.node("other", 5)) { port in
                let (_, version) = await node.coordinator.catalog()
                let asked = Incarnation(5)
                let answer = try await port.change(ChangeRequest(after: version, deployments: [table], askedOf: asked))
                #expect(answer.version > version)
                #expect(await node.coordinator.catalog().0.ordered.map(\.name) == ["t"])
                try await Self.expect(.conflict) {
                    _ = try await port.change(ChangeRequest(after: version, drops: ["t"]))
                }
                // Who decided it and who was asked are in the history.
                let entry = try #require(
                    try await node.coordinator.history().entries.first { $0.offset == answer.version })
                #expect(entry.who == "\(node.actors.node)" && entry.why == "asked of life 5")
            }
        }
    }
}

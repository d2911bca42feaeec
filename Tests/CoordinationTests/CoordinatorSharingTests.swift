import Coordination
import Dataflow
import Log
import Simulation
import Testing

/// Views that read an operator of another view: what they show must not depend on who keeps it, also after the keeper is dropped
/// and after a restart. And tables that queries read themselves, which must show what a view of them shows.
@Suite(.timeLimit(.minutes(1))) struct CoordinatorSharingTests {
    private let table = Fixture.table("t", id: 1)

    private func lines(_ range: Range<Int>) -> [String] {
        range.map { #"{"k":\#($0 % 3),"v":"x\#($0)"}"# }
    }

    /// A view of the rows of another view's aggregate.
    private func sharer(_ name: String, id: Int, of counts: Deployment) -> Deployment {
        let aggregate = counts.graph.nodes[1]
        let view = GraphNode(
            id: OperatorID(id), kind: .view(.init(name: name, key: [0])), inputs: [aggregate.id],
            types: aggregate.types, owner: name)
        let relation = Relation(
            name: name, kind: .materializedView, columns: counts.relation.columns, node: view.id, dependencies: ["t"],
            statement: "CREATE MATERIALIZED VIEW \(name)")
        return Deployment(relation: relation, graph: Graph(nodes: [view]))
    }

    @Test(arguments: [1, 2]) func aSharedAggregateOutlivesItsView(workers: Int) async throws {
        let counts = Fixture.count("counts", id: 2, of: table)
        let other = sharer("other", id: 5, of: counts)
        let log = MemoryLog()
        try await Pipeline.with(log, workers: workers) { coordinator in
            try await Pipeline.deploy([table, counts], to: coordinator)
            _ = try await Pipeline.append(lines(0..<30), to: "t", of: coordinator)
            // It is built aside, from records that are there already.
            try await Pipeline.deploy([other], to: coordinator)
            var receipt = try await Pipeline.append(lines(30..<33), to: "t", of: coordinator)
            var read = try await coordinator.read(["counts", "other"], after: receipt.frontier)
            #expect(Pipeline.rows("other", in: read) == ["0:11", "1:11", "2:11"])
            #expect(Pipeline.rows("counts", in: read) == Pipeline.rows("other", in: read))
            try await Pipeline.drop(["counts"], from: coordinator)
            receipt = try await Pipeline.append(lines(33..<34), to: "t", of: coordinator)
            read = try await coordinator.read(["other"], after: receipt.frontier)
            #expect(Pipeline.rows("other", in: read) == ["0:12", "1:11", "2:11"])
        }
        try await Pipeline.with(log, workers: 3 - workers) { coordinator in
            let read = try await coordinator.read(["other"])
            #expect(Pipeline.rows("other", in: read) == ["0:12", "1:11", "2:11"])
            let facts = await coordinator.operators(of: ["other"])
            #expect(facts.nodes == 1 && facts.nodesAnswered == 1)
            let operators = facts.views["other"] ?? []
            #expect(operators.map(\.kind) == ["exchange", "aggregate", "view"])
            #expect(operators.last?.rowsIn ?? 0 >= 3)
            try await Pipeline.drop(["other"], from: coordinator)
            #expect(await coordinator.operators(of: ["other"]).views["other"] == [])
        }
    }

    @Test(arguments: [1, 2]) func aTableIsReadAtTheEpochOfTheViews(workers: Int) async throws {
        let view = Fixture.view("v", id: 2, of: table)
        try await Pipeline.with(MemoryLog(), workers: workers) { coordinator in
            try await Pipeline.deploy([table, view], to: coordinator)
            for first in stride(from: 0, to: 40, by: 10) {
                let receipt = try await Pipeline.append(lines(first..<first + 10), to: "t", of: coordinator)
                let read = try await coordinator.read(["t", "v"], after: receipt.frontier)
                #expect(Pipeline.rows("t", in: read) == Pipeline.rows("v", in: read))
                #expect(Pipeline.rows("t", in: read).count == first + 10)
            }
        }
    }

    @Test func aTableOfMoreRowsThanAQueryMayTakeIsRefused() async throws {
        try await Pipeline.with(MemoryLog(), configure: { $0.tableReadBytesMax = 100 }) { coordinator in
            try await Pipeline.deploy([table], to: coordinator)
            let receipt = try await Pipeline.append(lines(0..<50), to: "t", of: coordinator)
            let error = await #expect(throws: CoordinationError.self) {
                _ = try await coordinator.read(["t"], after: receipt.frontier)
            }
            #expect(error?.code == .tooLarge)
        }
    }
}

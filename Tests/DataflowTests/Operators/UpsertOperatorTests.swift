// The latest row per key against a dictionary, after every epoch: finds rows retracted twice, or values of a moment within the epoch.
import Dataflow
import Testing

@Suite struct UpsertOperatorTests {
    static let source = OperatorID(1)

    @Test(arguments: Values.types, [1, 2, 4])
    func theLatestRowOfEachKey(_ type: DataType, _ workers: Int) throws {
        let types: [DataType] = [type, .bigint, .text]
        for seed in UInt64(1)...10 {
            let cluster = Cluster(workers: workers, seed: seed)
            try cluster.install(
                [
                    GraphNode(id: Self.source, kind: .source(table: "t"), inputs: [], types: types, owner: "t"),
                    GraphNode(
                        id: OperatorID(2), kind: .exchange(key: [0]), inputs: [Self.source], types: types, owner: "t"),
                    GraphNode(
                        id: OperatorID(3), kind: .upsert(key: [0]), inputs: [OperatorID(2)], types: types, owner: "t"),
                    GraphNode(
                        id: OperatorID(4), kind: .view(.init(name: "v", key: [0])), inputs: [OperatorID(3)],
                        types: types, owner: "t"),
                ], orderedBy: [Self.source: [0]])
            var rng = EngineRandom(seed: seed)
            var latest: [String: Row] = [:]
            for epoch in 1...8 {
                let before = Bag(Array(latest.values))
                let changes = (0..<rng.below(40)).map { _ -> (row: Row, weight: Int64) in
                    let key = Values.random(type, using: &rng)
                    if rng.chance(25) { return ([key, .null, .null], -1) }
                    return ([key, Values.random(.bigint, using: &rng), Values.random(.text, using: &rng)], 1)
                }
                for (row, weight) in changes { latest[Values.key(row[0])] = weight > 0 ? row : nil }
                cluster.run([Self.source: changes])
                let (rows, expected) = (cluster.rows("v"), Bag(Array(latest.values)))
                let isRight = rows == expected
                #expect(isRight, "seed \(seed), epoch \(epoch): \(rows.difference(from: expected))")
                guard isRight else { return }
                let emitted = cluster.lastBatches("v").reduce(0) { $0 + $1.count }
                let came = expected.entries.count { before.entries[$0.key] == nil }
                let went = before.entries.count { expected.entries[$0.key] == nil }
                #expect(emitted == came + went)
            }
            #expect(cluster.stateEntries == latest.count)
        }
    }
}

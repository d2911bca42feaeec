// The join against nested loops over all rows, after every epoch: finds pairs that are missed or doubled when both sides change in one
// epoch, when rows come back, and when rows cancel in the order in which messages happen to arrive.
import Dataflow
import Testing

@Suite struct JoinOperatorTests {
    static let left = OperatorID(1)
    static let right = OperatorID(2)

    static func graph(_ spec: OperatorKind.Join, _ leftTypes: [DataType], _ rightTypes: [DataType]) -> [GraphNode] {
        [
            GraphNode(id: left, kind: .source(table: "l"), inputs: [], types: leftTypes, owner: "l"),
            GraphNode(id: right, kind: .source(table: "r"), inputs: [], types: rightTypes, owner: "r"),
            GraphNode(
                id: OperatorID(3), kind: .exchange(key: spec.leftKeys), inputs: [left], types: leftTypes, owner: "v"),
            GraphNode(
                id: OperatorID(4), kind: .exchange(key: spec.rightKeys), inputs: [right], types: rightTypes, owner: "v"),
            GraphNode(
                id: OperatorID(5), kind: .join(spec), inputs: [OperatorID(3), OperatorID(4)],
                types: leftTypes + rightTypes, owner: "v"),
            GraphNode(
                id: OperatorID(6), kind: .view(.init(name: "v", key: [])), inputs: [OperatorID(5)],
                types: leftTypes + rightTypes,
                owner: "v"),
        ]
    }

    static func joined(_ spec: OperatorKind.Join, _ left: Bag, _ right: Bag) -> Bag {
        var output = Bag()
        for a in left.entries.values {
            let key = spec.leftKeys.map { a.row[$0] }
            if key.contains(where: \.isNull) { continue }
            for b in right.entries.values {
                let other = spec.rightKeys.map { b.row[$0] }
                if !other.contains(where: \.isNull), Values.key(key) == Values.key(other) {
                    output.add(a.row + b.row, a.weight * b.weight)
                }
            }
        }
        return output
    }

    @Test(arguments: Values.types, [1, 2, 4])
    func pairsOfEveryKeyType(_ type: DataType, _ workers: Int) throws {
        let (leftTypes, rightTypes): ([DataType], [DataType]) = ([.text, type], [type, .bigint])
        for seed in UInt64(1)...8 {
            let spec = OperatorKind.Join(leftKeys: [1], rightKeys: [0])
            let cluster = Cluster(workers: workers, seed: seed)
            try cluster.install(Self.graph(spec, leftTypes, rightTypes))
            var (a, b) = (
                Changes(leftTypes, isAppendOnly: seed % 3 == 0, seed: seed),
                Changes(rightTypes, isAppendOnly: seed % 2 == 0, seed: seed + 100)
            )
            for epoch in 1...6 {
                cluster.run([Self.left: a.epoch(25), Self.right: b.epoch(25)])
                let (rows, expected) = (cluster.rows("v"), Self.joined(spec, a.current, b.current))
                let isRight = rows == expected
                #expect(isRight, "seed \(seed), epoch \(epoch): \(rows.difference(from: expected))")
                guard isRight else { return }
            }
            // Nothing is kept of what is gone.
            cluster.run([
                Self.left: a.current.entries.values.map { ($0.row, -$0.weight) },
                Self.right: b.current.entries.values.map { ($0.row, -$0.weight) },
            ])
            #expect(cluster.rows("v") == Bag())
            #expect(cluster.stateEntries == 0)
        }
    }

    @Test(arguments: [1, 2])
    func aTableJoinedWithItself(_ workers: Int) throws {
        let types: [DataType] = [.bigint, .text]
        let spec = OperatorKind.Join(leftKeys: [0], rightKeys: [0])
        let cluster = Cluster(workers: workers, seed: 9)
        try cluster.install([
            GraphNode(id: Self.left, kind: .source(table: "l"), inputs: [], types: types, owner: "l"),
            GraphNode(id: OperatorID(3), kind: .exchange(key: [0]), inputs: [Self.left], types: types, owner: "v"),
            GraphNode(
                id: OperatorID(5), kind: .join(spec), inputs: [OperatorID(3), OperatorID(3)], types: types + types,
                owner: "v"),
            GraphNode(
                id: OperatorID(6), kind: .view(.init(name: "v", key: [])), inputs: [OperatorID(5)],
                types: types + types, owner: "v"),
        ])
        var changes = Changes(types, isAppendOnly: false, seed: 4)
        for _ in 1...10 {
            cluster.run([Self.left: changes.epoch(30)])
            let (rows, expected) = (cluster.rows("v"), Self.joined(spec, changes.current, changes.current))
            let isRight = rows == expected
            #expect(isRight, "\(rows.difference(from: expected))")
        }
    }

    @Test func aKeyWithManyRowsGoesOutInBatches() throws {
        let spec = OperatorKind.Join(leftKeys: [0], rightKeys: [0])
        let cluster = Cluster(workers: 1, seed: 1)
        try cluster.install(Self.graph(spec, [.bigint, .bigint], [.bigint]))
        cluster.run([Self.left: (0..<6000).map { ([.bigint(7), .bigint(Int64($0))], 1) }])
        cluster.run([Self.right: [([.bigint(7)], 1), ([.bigint(7)], 1), ([.bigint(8)], 1)]])
        let batches = cluster.lastBatches("v")
        #expect(batches.reduce(0) { $0 + $1.count } == 12_000)
        #expect(batches.allSatisfy { $0.count <= Delta.rowsMax })
    }

    @Test(arguments: [1, 2])
    func stateGoesWithTheWatermark(_ workers: Int) throws {
        let types: [DataType] = [.timestamp, .bigint]
        let spec = OperatorKind.Join(
            leftKeys: [0], rightKeys: [0], leftExpiry: Expiry(column: 0, offset: 5, sources: ["r"]),
            rightExpiry: Expiry(column: 0, offset: 5, sources: ["l"]))
        let cluster = Cluster(workers: workers, seed: 5)
        try cluster.install(Self.graph(spec, types, types))
        var (left, right) = (Bag(), Bag())
        for step in 0..<40 {
            // A row is late below the watermark less five, not at it.
            let rows = { (offset: Int) -> [Row] in
                (0..<4).map { [.timestamp(Int64(max(step - ($0 + offset) % 7, 0))), .bigint(Int64($0))] }
            }
            rows(0).forEach { left.add($0, 1) }
            rows(step).forEach { right.add($0, 1) }
            cluster.run(
                [Self.left: rows(0).map { ($0, 1) }, Self.right: rows(step).map { ($0, 1) }],
                watermarks: step == 0 ? [:] : ["l": Int64(step - 1), "r": Int64(step - 1)])
            let (now, expected) = (cluster.rows("v"), Self.joined(spec, left, right))
            let isRight = now == expected
            #expect(isRight, "step \(step): \(now.difference(from: expected))")
        }
        #expect(cluster.stateEntries < 2 * 4 * 10)
    }

    @Test func keysOfDifferentTypesAreRefused() {
        let cluster = Cluster(workers: 1, seed: 1)
        #expect(throws: GraphError.self) {
            try cluster.install(Self.graph(.init(leftKeys: [0], rightKeys: [0]), [.bigint], [.integer]))
        }
    }
}

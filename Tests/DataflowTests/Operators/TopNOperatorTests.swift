// The first rows per partition against sorting all rows, after every epoch: finds rows that do not move up after a retraction, ties
// broken by arrival, copies counted once, and rows told again that did not move.
import Dataflow
import Testing

@Suite struct TopNOperatorTests {
    static let source = OperatorID(1)

    static func graph(_ spec: OperatorKind.TopN, _ types: [DataType]) -> [GraphNode] {
        let output = spec.emitsRowNumber ? types + [.bigint] : types
        return [
            GraphNode(id: source, kind: .source(table: "t"), inputs: [], types: types, owner: "t"),
            GraphNode(
                id: OperatorID(2), kind: .exchange(key: spec.partitionBy), inputs: [source], types: types, owner: "v"),
            GraphNode(id: OperatorID(3), kind: .topN(spec), inputs: [OperatorID(2)], types: output, owner: "v"),
            GraphNode(
                id: OperatorID(4), kind: .view(.init(name: "v", key: [])), inputs: [OperatorID(3)], types: output,
                owner: "v"),
        ]
    }

    static func precedes(_ spec: OperatorKind.TopN, _ a: Row, _ b: Row) -> Bool {
        for key in spec.orderBy {
            let (x, y) = (a[key.column], b[key.column])
            if x.isNull || y.isNull {
                if x.isNull == y.isNull { continue }
                return x.isNull == key.nullsFirst
            }
            let order = Values.compare(x, y)
            if order != 0 { return key.descending ? order > 0 : order < 0 }
        }
        for (x, y) in zip(a, b) {
            let order = Values.compare(x, y)
            if order != 0 { return order < 0 }
        }
        for (x, y) in zip(a, b) {
            let order = Values.compareEncoding(x, y)
            if order != 0 { return order < 0 }
        }
        return false
    }

    static func first(_ spec: OperatorKind.TopN, _ input: Bag) -> Bag {
        var output = Bag()
        for rows in Dictionary(grouping: input.rows, by: { row in Values.key(spec.partitionBy.map { row[$0] }) }).values
        {
            for (index, row) in rows.sorted(by: { precedes(spec, $0, $1) }).prefix(spec.limit).enumerated() {
                output.add(spec.emitsRowNumber ? row + [.bigint(Int64(index + 1))] : row, 1)
            }
        }
        return output
    }

    @Test(arguments: Values.types, [1, 2, 4])
    func ordersByEveryType(_ type: DataType, _ workers: Int) throws {
        let types: [DataType] = [.text, type, .numeric]
        for seed in UInt64(1)...10 {
            let keys = [
                SortKey(column: 1, descending: seed % 2 == 0, nullsFirst: seed % 3 == 0),
                SortKey(column: 2, descending: true, nullsFirst: true),
            ]
            let spec = OperatorKind.TopN(
                partitionBy: seed % 5 == 0 ? [] : [0], orderBy: Array(keys.prefix(seed % 4 == 0 ? 1 : 2)),
                limit: [1, 2, 3, 7, 0][Int(seed % 5)],
                emitsRowNumber: seed % 2 == 1, inputIsAppendOnly: seed > 7)
            let cluster = Cluster(workers: workers, seed: seed)
            try cluster.install(Self.graph(spec, types))
            var changes = Changes(types, isAppendOnly: spec.inputIsAppendOnly, seed: seed)
            for epoch in 1...8 {
                let before = cluster.rows("v")
                cluster.run([Self.source: changes.epoch(40)])
                let (rows, expected) = (cluster.rows("v"), Self.first(spec, changes.current))
                let isRight = rows == expected
                #expect(isRight, "seed \(seed), epoch \(epoch): \(rows.difference(from: expected))")
                guard isRight else { return }
                let emitted = cluster.lastBatches("v").reduce(0) { $0 + $1.count }
                let moved = Set(before.entries.keys).union(expected.entries.keys).reduce(0) {
                    $0 + abs(Int((before.entries[$1]?.weight ?? 0) - (expected.entries[$1]?.weight ?? 0)))
                }
                #expect(emitted == moved, "seed \(seed), epoch \(epoch)")
            }
            if !spec.inputIsAppendOnly {
                // Nothing is kept of what is gone.
                cluster.run([Self.source: changes.current.entries.values.map { ($0.row, -$0.weight) }])
                #expect(cluster.rows("v") == Bag() && cluster.stateEntries == 0)
            }
        }
    }

    @Test func appendOnlyInputKeepsOnlyWhatIsShown() throws {
        let spec = OperatorKind.TopN(
            partitionBy: [0], orderBy: [SortKey(column: 1, descending: true, nullsFirst: true)], limit: 3,
            emitsRowNumber: true,
            inputIsAppendOnly: true)
        let cluster = Cluster(workers: 1, seed: 1)
        try cluster.install(Self.graph(spec, [.bigint, .bigint]))
        for epoch in 0..<20 {
            cluster.run([
                Self.source: (0..<50).map { ([.bigint(Int64($0 % 4)), .bigint(Int64($0 * 7919 % 101 + epoch))], 1) }
            ])
        }
        // Twelve rows are shown; equal ones are kept once.
        #expect((4...12).contains(cluster.stateEntries))
    }

    @Test func partitionsGoWithTheWatermark() throws {
        let spec = OperatorKind.TopN(
            partitionBy: [0], orderBy: [SortKey(column: 1, descending: false, nullsFirst: false)], limit: 2,
            emitsRowNumber: false,
            inputIsAppendOnly: true, expiry: Expiry(column: 0, offset: 3, sources: ["t"]))
        let cluster = Cluster(workers: 2, seed: 2)
        try cluster.install(Self.graph(spec, [.timestamp, .bigint]))
        var all = Bag()
        for step in 0..<30 {
            let rows: [Row] = (0..<4).map { [.timestamp(Int64(max(0, step - $0))), .bigint(Int64($0 * step % 7))] }
            rows.forEach { all.add($0, 1) }
            cluster.run([Self.source: rows.map { ($0, 1) }], watermarks: step == 0 ? [:] : ["t": Int64(step - 1)])
            #expect(cluster.rows("v") == Self.first(spec, all))
        }
        #expect(cluster.stateEntries <= 2 * 7)
    }
}

// The worker: whole graphs on several workers, errors of rows, nodes that come and go between epochs, seeding and adoption.
import Dataflow
import Testing

@Suite struct WorkerTests {
    static let types: [DataType] = [.bigint, .bigint, .text]
    static let source = GraphNode(id: OperatorID(1), kind: .source(table: "t"), inputs: [], types: types, owner: "t")
    static let positive = Expression.call(
        ">(bigint,bigint)", [.column(0, type: .bigint), .literal(.bigint(0), type: .bigint)], type: .boolean)
    static let quotient = Expression.call(
        "/(bigint,bigint)", [.literal(.bigint(100), type: .bigint), .column(1, type: .bigint)], type: .bigint)

    static func node(_ id: Int, _ kind: OperatorKind, _ inputs: [Int], _ types: [DataType], _ owner: String = "v")
        -> GraphNode
    {
        GraphNode(id: OperatorID(id), kind: kind, inputs: inputs.map { OperatorID($0) }, types: types, owner: owner)
    }

    static func isPositive(_ datum: Datum) -> Bool { if case .bigint(let value) = datum { value > 0 } else { false } }

    @Test(arguments: [1, 2, 4])
    func filterProjectUnionAndTheirErrors(_ workers: Int) throws {
        for seed in UInt64(1)...10 {
            let cluster = Cluster(workers: workers, seed: seed)
            try cluster.install([
                Self.source,
                Self.node(2, .filter(Self.positive), [1], Self.types),
                Self.node(3, .project([Self.quotient, .column(2, type: .text)]), [2], [.bigint, .text]),
                Self.node(4, .project([.column(0, type: .bigint), .column(2, type: .text)]), [1], [.bigint, .text]),
                Self.node(5, .unionAll, [3, 4, 4], [.bigint, .text]),
                Self.node(6, .view(.init(name: "v", key: [])), [5], [.bigint, .text]),
                Self.node(7, .sink(.init(name: "s", connector: "c", options: [:])), [3], [.bigint, .text], "s"),
            ])
            var changes = Changes(Self.types, isAppendOnly: false, seed: seed)
            for _ in 1...6 {
                cluster.run([Self.source.id: changes.epoch(40)])
                var (view, sink, failed) = (Bag(), Bag(), Bag())
                for (row, weight) in changes.current.entries.values {
                    view.add([row[0], row[2]], 2 * weight)
                    guard Self.isPositive(row[0]) else { continue }
                    switch row[1] {
                    case .bigint(0): failed.add(row, weight)
                    case .bigint(let divisor):
                        view.add([.bigint(100 / divisor), row[2]], weight)
                        sink.add([.bigint(100 / divisor), row[2]], weight)
                    default:
                        view.add([.null, row[2]], weight)
                        sink.add([.null, row[2]], weight)
                    }
                }
                #expect(cluster.rows("v") == view && cluster.rows("s") == sink, "seed \(seed)")
                // A failing row is told with its weight, and taken back with the row.
                let errors = cluster.errors.entries.values
                #expect(errors.allSatisfy { $0.row[0] == .text("22012") && $0.row[1] == .text("division by zero") })
                #expect(errors.map(\.weight).sorted() == failed.entries.values.map(\.weight).sorted())
            }
        }
    }

    /// A view on a view on a join with an aggregate: barriers pass through exchanges in a row.
    @Test(arguments: [1, 2, 4])
    func viewsOnViews(_ workers: Int) throws {
        let count = OperatorKind.Aggregate(
            groupBy: [1], calls: [AggregateCall(function: .count, argument: nil, type: .bigint)],
            inputIsAppendOnly: false)
        let join = OperatorKind.Join(leftKeys: [0], rightKeys: [1])
        let top = OperatorKind.TopN(
            partitionBy: [], orderBy: [SortKey(column: 0, descending: true, nullsFirst: false)], limit: 4,
            emitsRowNumber: true,
            inputIsAppendOnly: false)
        let pair: [DataType] = [.bigint, .bigint]
        let graph = [
            Self.source,
            Self.node(2, .exchange(key: [1]), [1], Self.types), Self.node(3, .aggregate(count), [2], pair),
            Self.node(4, .view(.init(name: "counts", key: [0])), [3], pair),
            Self.node(5, .exchange(key: [0]), [4], pair), Self.node(6, .join(join), [5, 2], pair + Self.types),
            Self.node(7, .project([.column(1, type: .bigint), .column(2, type: .bigint)]), [6], pair),
            Self.node(8, .exchange(key: []), [7], pair), Self.node(9, .topN(top), [8], pair + [.bigint]),
            Self.node(10, .view(.init(name: "top", key: [])), [9], pair + [.bigint]),
        ]
        for seed in UInt64(1)...8 {
            let cluster = Cluster(workers: workers, seed: seed)
            try cluster.install(graph)
            var changes = Changes(Self.types, isAppendOnly: false, seed: seed)
            for _ in 1...6 {
                cluster.run([Self.source.id: changes.epoch(30)])
                let counts = AggregateReference.rows(count, changes.current)
                var projected = Bag()
                for (row, weight) in JoinOperatorTests.joined(join, counts, changes.current).entries.values {
                    projected.add([row[1], row[2]], weight)
                }
                #expect(cluster.rows("counts") == counts, "seed \(seed)")
                let (rows, expected) = (cluster.rows("top"), TopNOperatorTests.first(top, projected))
                let isRight = rows == expected
                #expect(isRight, "seed \(seed): \(rows.difference(from: expected))")
            }
        }
    }

    @Test(arguments: [1, 2, 4])
    func aNewConsumerIsSeededAndAnOldOneRemoved(_ workers: Int) throws {
        let sum = OperatorKind.Aggregate(
            groupBy: [2], calls: [AggregateCall(function: .sum, argument: 1, type: .numeric)], inputIsAppendOnly: false)
        let cluster = Cluster(workers: workers, seed: 3)
        try cluster.install([Self.source, Self.node(2, .view(.init(name: "v", key: [])), [1], Self.types)])
        var changes = Changes(Self.types, isAppendOnly: false, seed: 3)
        for _ in 1...3 { cluster.run([Self.source.id: changes.epoch(30)]) }
        // The rows of the view on each worker, as its shard would give them.
        let shares = (0..<workers).map { cluster.deltas("v", worker: $0) }
        let output: [DataType] = [.text, .numeric]
        try cluster.install([
            Self.node(3, .exchange(key: [2]), [2], Self.types), Self.node(4, .aggregate(sum), [3], output),
            Self.node(5, .view(.init(name: "sums", key: [0])), [4], output),
        ])
        cluster.run([Self.source.id: changes.epoch(30)]) { index, worker in
            worker.seed(shares[index], output: OperatorID(2), into: [OperatorID(3)])
        }
        #expect(cluster.rows("sums") == AggregateReference.rows(sum, changes.current))
        #expect(cluster.rows("v") == changes.current)
        cluster.run([Self.source.id: changes.epoch(30)])
        #expect(cluster.rows("sums") == AggregateReference.rows(sum, changes.current))
        for worker in cluster.workers {
            worker.remove([OperatorID(3), OperatorID(4), OperatorID(5)])
            #expect(worker.statistics().map(\.id.rawValue) == [1, 2])
        }
        cluster.run([Self.source.id: changes.epoch(30)])
        #expect(cluster.rows("v") == changes.current)
    }

    @Test(arguments: [1, 2, 4])
    func nodesBuiltAsideAreAdoptedWithTheirState(_ workers: Int) throws {
        let sum = OperatorKind.Aggregate(
            groupBy: [0], calls: [AggregateCall(function: .sum, argument: 1, type: .numeric)], inputIsAppendOnly: false)
        let output: [DataType] = [.bigint, .numeric]
        let (main, aside) = (Cluster(workers: workers, seed: 3), Cluster(workers: workers, seed: 4))
        try main.install([Self.source, Self.node(2, .view(.init(name: "v", key: [])), [1], Self.types)])
        let built = [
            Self.node(3, .exchange(key: [0]), [1], Self.types), Self.node(4, .aggregate(sum), [3], output),
            Self.node(5, .view(.init(name: "sums", key: [0])), [4], output),
        ]
        try aside.install([Self.source] + built)
        var changes = Changes(Self.types, isAppendOnly: false, seed: 3)
        for _ in 1...4 {
            let input = changes.epoch(40)
            main.run([Self.source.id: input])
            aside.run([Self.source.id: input])
        }
        for (worker, other) in zip(main.workers, aside.workers) { worker.adopt(Set(built.map(\.id)), from: other) }
        for _ in 1...3 {
            main.run([Self.source.id: changes.epoch(40)])
            #expect(main.rows("v") == changes.current)
            // The outlets came along.
            #expect(aside.rows("sums") == AggregateReference.rows(sum, changes.current))
        }
        #expect(aside.workers.allSatisfy { $0.statistics().map(\.id.rawValue) == [1] })
    }

    @Test func requiredColumnsAreThoseThatConsumersRead() throws {
        let cluster = Cluster(workers: 1, seed: 1)
        try cluster.install([
            Self.source, Self.node(2, .filter(Self.positive), [1], Self.types),
            Self.node(3, .project([.column(2, type: .text)]), [2], [.text]),
            Self.node(4, .view(.init(name: "v", key: [])), [3], [.text]),
        ])
        #expect(cluster.workers[0].requiredColumns(of: OperatorID(1)) == [0, 2])
        try cluster.install([Self.node(5, .view(.init(name: "w", key: [])), [1], Self.types)])
        #expect(cluster.workers[0].requiredColumns(of: OperatorID(1)) == [0, 1, 2])
    }

    @Test func statisticsCountRows() throws {
        let cluster = Cluster(workers: 2, seed: 1)
        try cluster.install([
            Self.source, Self.node(2, .exchange(key: [0]), [1], Self.types),
            Self.node(3, .view(.init(name: "v", key: [])), [2], Self.types),
        ])
        cluster.run([Self.source.id: (0..<500).map { ([.bigint(Int64($0)), .null, .null], 1) }])
        let all = cluster.workers.flatMap { $0.statistics() }
        #expect(all.filter { $0.kind == "source" }.reduce(0) { $0 + $1.rowsIn } == 500)
        #expect(all.filter { $0.kind == "view" }.reduce(0) { $0 + $1.rowsIn } == 500)
        #expect(all.filter { $0.kind == "view" }.allSatisfy { $0.rowsIn > 150 })
    }

    @Test func vnodesAreSharedEvenly() {
        for count in 1...8 {
            let owners = (0..<VNode.count).map { Worker.owner(ofVNode: $0, workerCount: count) }
            #expect(Set(owners) == Set(0..<count) && zip(owners, owners.dropFirst()).allSatisfy { $0 <= $1 })
        }
    }
}

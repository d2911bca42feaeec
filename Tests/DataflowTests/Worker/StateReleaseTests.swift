// Operators whose rows have all gone: finds state that stays as large as it was, and answers that are wrong after it was made anew.
import Dataflow
import Testing

@Suite struct StateReleaseTests {
    static let types: [DataType] = [.bigint, .timestamp, .text]
    static let rowCount = 30_000
    /// What an operator without rows may keep, as the worker and the join allow it.
    static let keptBytesMax = 3 << 20

    static let cases: [(name: String, kind: OperatorKind, output: [DataType])] = [
        (
            "group-by",
            .aggregate(
                .init(
                    groupBy: [0],
                    calls: [
                        AggregateCall(function: .count, argument: nil, type: .bigint),
                        AggregateCall(function: .max, argument: 2, type: .text),
                    ], inputIsAppendOnly: false)), [.bigint, .bigint, .text]
        ),
        (
            "count of distinct values of all rows",
            .aggregate(
                .init(
                    groupBy: [],
                    calls: [AggregateCall(function: .count, argument: 2, isDistinct: true, type: .bigint)],
                    inputIsAppendOnly: false)), [.bigint]
        ),
        ("distinct", .aggregate(.init(groupBy: [0, 1, 2], calls: [], inputIsAppendOnly: false)), types),
        ("join", .join(.init(leftKeys: [0], rightKeys: [0])), types + types),
        ("left join", .join(.init(kind: .left, leftKeys: [0], rightKeys: [0])), types + types),
        (
            "top-n",
            .topN(
                .init(
                    partitionBy: [0], orderBy: [SortKey(column: 1, descending: true, nullsFirst: true)], limit: 2,
                    emitsRowNumber: true, inputIsAppendOnly: false)), types + [.bigint]
        ),
        (
            "session", .session(.init(partitionBy: [0], time: 1, gap: 10, emitsEnd: true)),
            types + [.timestamp, .timestamp]
        ),
        (
            "over",
            .over(
                .init(
                    partitionBy: [0], orderBy: [SortKey(column: 1, descending: false, nullsFirst: false)],
                    calls: [OverCall(function: .rowNumber, arguments: [], frame: .standard, type: .bigint)])),
            types + [.bigint]
        ),
        ("upsert", .upsert(key: [0, 2]), types),
        ("temporal filter", .temporal(.init(bounds: [.init(kind: .until, column: 1, offset: 1_000_000_000)])), types),
    ]

    private static func batches(_ weight: Int64) -> [Delta] {
        stride(from: 0, to: rowCount, by: Delta.rowsMax).map { start in
            let rows = (start..<min(start + Delta.rowsMax, rowCount)).map { number -> Row in
                [.bigint(Int64(number / 2)), .timestamp(Int64(number % 7)), .text("value number \(number)")]
            }
            return Values.delta(rows, types, weights: rows.map { _ in weight })
        }
    }

    @Test(arguments: cases.indices)
    func stateOfNoRowsIsSmall(_ index: Int) throws {
        let (name, kind, output) = Self.cases[index]
        let worker = Worker(index: 0, workerCount: 1)
        let outlets = Cluster.Outlets()
        var inputs = [OperatorID(1)]
        if case .join = kind { inputs.append(OperatorID(1)) }
        try worker.install(
            [
                GraphNode(id: OperatorID(1), kind: .source(table: "t"), inputs: [], types: Self.types, owner: "t"),
                GraphNode(id: OperatorID(2), kind: kind, inputs: inputs, types: output, owner: "v"),
                GraphNode(
                    id: OperatorID(3), kind: .view(.init(name: "v", key: [])), inputs: [OperatorID(2)], types: output,
                    owner: "v"),
            ], outlets: outlets)
        func state() -> Int { worker.statistics().reduce(0) { $0 + $1.stateBytes } }
        func run(_ batches: [Delta], clock: Int64) {
            worker.beginEpoch(watermarks: [:], clock: clock)
            for delta in batches { worker.push(delta, source: OperatorID(1)) }
            worker.finishSources()
            #expect(worker.isEpochComplete)
        }
        func rows() -> Bag {
            var bag = Bag()
            bag.add(outlets.views["v"] ?? [])
            return bag
        }
        run([], clock: 1)
        let before = rows()
        run(Self.batches(1), clock: 2)
        let (full, fullBytes) = (rows(), state())
        #expect(full != before && fullBytes > Self.keptBytesMax / 2, "\(name) has \(fullBytes) bytes")
        for _ in 1...2 {
            run(Self.batches(-1), clock: 3)
            // What a filter by the clock takes back is taken back later.
            run([], clock: 2_000_000_000)
            #expect(rows() == before, "\(name) after everything has gone")
            #expect(state() < min(fullBytes, Self.keptBytesMax), "\(name): \(fullBytes) bytes became \(state())")
            if case .temporal = kind { break }
            run(Self.batches(1), clock: 2_000_000_000)
            #expect(rows() == full, "\(name) after everything has come back")
        }
        // A clock that was told before the state was made anew is known after it.
        worker.beginEpoch(watermarks: [:])
        for delta in Self.batches(1) { worker.push(delta, source: OperatorID(1)) }
        worker.finishSources()
        if case .temporal = kind { #expect(rows() == before, "the time of these rows is over") }
    }
}

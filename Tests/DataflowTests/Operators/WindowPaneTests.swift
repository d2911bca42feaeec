// Rows put together by panes before they are copied to their windows, against the rows themselves: finds a row in another window, a sum
// or a weight that is lost, a time without windows that gets some.
import Dataflow
import Testing

@Suite struct WindowPaneTests {
    static let types: [DataType] = [.integer, .timestamp, .bigint, .text]

    static func graph(slide: Int64, size: Int64, hasPanes: Bool) -> [GraphNode] {
        var expand = OperatorKind.Expand(functions: [
            .init(
                key: "hop_windows(\(DataType.timestamp.name),interval,interval)",
                arguments: [
                    .column(1, type: .timestamp), .literal(.interval(Interval(microseconds: slide)), type: .interval),
                    .literal(.interval(Interval(microseconds: size)), type: .interval),
                ], types: [.timestamp, .timestamp])
        ])
        if hasPanes {
            expand.panes = .init(
                time: 1, step: slide, combine: OperatorKind.Combine(roles: [.kept, .kept, .sum, .presence]))
        }
        let expanded = types + [.timestamp, .timestamp]
        let spec = OperatorKind.Aggregate(
            groupBy: [0, 4, 5],
            calls: [
                AggregateCall(function: .count, argument: nil, type: .bigint),
                AggregateCall(function: .sum, argument: 2, type: .numeric),
                AggregateCall(function: .count, argument: 3, type: .bigint),
            ], inputIsAppendOnly: false)
        let output: [DataType] = [.integer, .timestamp, .timestamp, .bigint, .numeric, .bigint]
        return [
            WorkerTests.node(1, .source(table: "t"), [], types, "t"),
            WorkerTests.node(2, .expand(expand), [1], expanded),
            WorkerTests.node(3, .exchange(key: [0]), [2], expanded),
            WorkerTests.node(4, .aggregate(spec), [3], output),
            WorkerTests.node(5, .view(.init(name: "v", key: [])), [4], output),
        ]
    }

    @Test(arguments: [1, 2] as [Int], 1...6 as ClosedRange<UInt64>)
    func windowsHaveTheSameRows(workers: Int, seed: UInt64) throws {
        var rng = EngineRandom(seed: seed)
        let slide = Int64(1 + rng.below(1000))
        let size = slide * Int64(1 + rng.below(5))
        // Also few that agree: then rows go as they are.
        let spread = [3, 40, 100_000][rng.below(3)]
        let (paned, plain) = (Cluster(workers: workers, seed: seed), Cluster(workers: workers, seed: seed))
        try paned.install(Self.graph(slide: slide, size: size, hasPanes: true))
        try plain.install(Self.graph(slide: slide, size: size, hasPanes: false))
        var current: [Row] = []
        for epoch in 1...4 {
            var changes: [(row: Row, weight: Int64)] = []
            for _ in 0..<400 {
                let time = rng.below(40) == 0 ? Datum.null : .timestamp(Int64(rng.below(5 * spread)) - 1000)
                let infinite = rng.below(60) == 0 ? Datum.timestamp(rng.chance(50) ? .max : .min) : time
                let row: Row = [
                    .integer(Int32(rng.below(spread))), infinite,
                    rng.below(9) == 0 ? .null : .bigint(rng.below(9) == 0 ? .max : Int64(rng.below(100))),
                    rng.below(3) == 0 ? .null : .text("t"),
                ]
                changes.append((row, 1))
                current.append(row)
                if rng.chance(30) {
                    let place = rng.below(current.count)
                    changes.append((current.remove(at: place), -1))
                }
            }
            paned.run([OperatorID(1): changes])
            plain.run([OperatorID(1): changes])
            #expect(
                paned.rows("v") == plain.rows("v"),
                "seed \(seed), epoch \(epoch): \(paned.rows("v").difference(from: plain.rows("v")))")
        }
        #expect(!plain.rows("v").entries.isEmpty)
    }
}

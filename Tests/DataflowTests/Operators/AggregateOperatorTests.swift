// Grouping against a recomputation from all rows, after every epoch: finds a retraction that takes back something else than the
// insertion gave, a group that stays, a result that depends on order, batches or the number of workers.
import Dataflow
import Testing

@Suite struct AggregateOperatorTests {
    static let source = OperatorID(1)
    static let seeds: [UInt64] = Array(1...12)

    static func graph(_ spec: OperatorKind.Aggregate, _ types: [DataType]) -> [GraphNode] {
        let output = spec.groupBy.map { types[$0] } + spec.calls.map(\.type)
        return [
            GraphNode(id: source, kind: .source(table: "t"), inputs: [], types: types, owner: "t"),
            GraphNode(
                id: OperatorID(2), kind: .exchange(key: spec.groupBy), inputs: [source], types: types, owner: "v"),
            GraphNode(id: OperatorID(3), kind: .aggregate(spec), inputs: [OperatorID(2)], types: output, owner: "v"),
            GraphNode(
                id: OperatorID(4), kind: .view(.init(name: "v", key: [])), inputs: [OperatorID(3)], types: output,
                owner: "v"),
        ]
    }

    /// All calls over an argument of a type.
    static func calls(of type: DataType, argument: Int, filter: Int) -> [AggregateCall] {
        let sum: (DataType, DataType)? =
            switch type {
            case .smallint, .integer: (.bigint, .numeric)
            case .bigint, .numeric: (.numeric, .numeric)
            case .double: (.double, .double)
            case .interval: (.interval, .interval)
            default: nil
            }
        var calls: [AggregateCall] = [AggregateCall(function: .count, argument: nil, type: .bigint)]
        for distinct in [false, true] {
            for filter in [nil, filter] {
                func call(_ function: AggregateCall.Function, _ type: DataType) {
                    calls.append(
                        AggregateCall(
                            function: function, argument: argument, isDistinct: distinct, filter: filter, type: type))
                }
                call(.count, .bigint)
                call(.min, type)
                call(.max, type)
                if let sum {
                    call(.sum, sum.0)
                    call(.avg, sum.1)
                }
            }
        }
        return calls
    }

    static func check(
        _ spec: OperatorKind.Aggregate, _ types: [DataType], workers: Int, seed: UInt64, epochs: Int = 8
    ) throws {
        let cluster = Cluster(workers: workers, seed: seed)
        try cluster.install(graph(spec, types))
        var changes = Changes(types, isAppendOnly: spec.inputIsAppendOnly, seed: seed &* 77)
        for epoch in 1...epochs {
            let before = cluster.rows("v")
            let input = changes.epoch(40)
            cluster.run([source: input])
            let expected = AggregateReference.rows(spec, changes.current)
            let rows = cluster.rows("v")
            let isRight = rows == expected
            #expect(isRight, "seed \(seed), \(workers) workers, epoch \(epoch): \(rows.difference(from: expected))")
            guard isRight else { return }
            // One retraction and one insertion at most, and nothing where nothing changed.
            let emitted = cluster.lastBatches("v").reduce(0) { $0 + $1.count }
            let came = expected.entries.count { before.entries[$0.key] == nil }
            let went = before.entries.count { expected.entries[$0.key] == nil }
            #expect(emitted == came + went, "seed \(seed), epoch \(epoch)")
        }
        #expect(cluster.errors.entries.isEmpty)
    }

    @Test(arguments: Values.types, [1, 2, 4])
    func everyAggregateOfEveryType(_ type: DataType, _ workers: Int) throws {
        let types: [DataType] = [.bigint, type, .boolean]
        for seed in Self.seeds {
            let spec = OperatorKind.Aggregate(
                groupBy: [0], calls: Self.calls(of: type, argument: 1, filter: 2), inputIsAppendOnly: seed % 3 == 0)
            try Self.check(spec, types, workers: workers, seed: seed)
        }
    }

    @Test(arguments: Values.types, [1, 4])
    func groupsByEveryType(_ type: DataType, _ workers: Int) throws {
        let types: [DataType] = [type, .bigint, .text]
        for seed in Self.seeds {
            let spec = OperatorKind.Aggregate(
                groupBy: seed % 2 == 0 ? [0] : [2, 0],
                calls: seed % 4 == 0 ? [] : [AggregateCall(function: .sum, argument: 1, type: .numeric)],
                inputIsAppendOnly: seed % 3 == 0)
            try Self.check(spec, types, workers: workers, seed: seed)
        }
    }

    @Test(arguments: [1, 2, 4])
    func withoutGroupsThereIsAlwaysOneRow(_ workers: Int) throws {
        for seed in Self.seeds {
            let spec = OperatorKind.Aggregate(
                groupBy: [],
                calls: [
                    AggregateCall(function: .count, argument: nil, type: .bigint),
                    AggregateCall(function: .max, argument: 0, type: .bigint),
                    AggregateCall(function: .sum, argument: 0, type: .numeric),
                ], inputIsAppendOnly: false)
            try Self.check(spec, [.bigint], workers: workers, seed: seed)
        }
    }

    @Test func theRowOfAnEmptyInputComesInTheFirstEpoch() throws {
        let spec = OperatorKind.Aggregate(
            groupBy: [], calls: [AggregateCall(function: .count, argument: nil, type: .bigint)],
            inputIsAppendOnly: false)
        let cluster = Cluster(workers: 4, seed: 1)
        try cluster.install(Self.graph(spec, [.bigint]))
        cluster.run([:])
        #expect(cluster.rows("v") == Bag([[.bigint(0)]]))
        cluster.run([:])
        #expect(cluster.rows("v") == Bag([[.bigint(0)]]))
    }

    /// Each worker aggregates its own rows, and one puts the results together: a worker without rows shows none, but the owner does.
    @Test(arguments: [1, 2, 4])
    func partialResultsOfTheWholeInput(_ workers: Int) throws {
        let types: [DataType] = [.bigint, .bigint]
        let partial = OperatorKind.Aggregate(
            groupBy: [],
            calls: [
                AggregateCall(function: .count, argument: nil, type: .bigint),
                AggregateCall(function: .max, argument: 0, type: .bigint),
            ], inputIsAppendOnly: false)
        let final = OperatorKind.Aggregate(
            groupBy: [],
            calls: [
                AggregateCall(function: .sum, argument: 0, type: .numeric),
                AggregateCall(function: .max, argument: 1, type: .bigint),
                AggregateCall(function: .count, argument: nil, type: .bigint),
            ], inputIsAppendOnly: false)
        let output: [DataType] = [.numeric, .bigint, .bigint]
        func node(_ id: Int, _ kind: OperatorKind, _ types: [DataType]) -> GraphNode {
            GraphNode(
                id: OperatorID(id), kind: kind, inputs: id == 1 ? [] : [OperatorID(id - 1)], types: types, owner: "v")
        }
        for seed in Self.seeds {
            let cluster = Cluster(workers: workers, seed: seed)
            // Rows stay with the worker that read them first, as those of a partition do.
            try cluster.install(
                [
                    node(1, .source(table: "t"), types), node(2, .aggregate(partial), types),
                    node(3, .view(.init(name: "partial", key: [])), types), node(4, .exchange(key: []), types),
                    node(5, .aggregate(final), output), node(6, .view(.init(name: "v", key: [])), output),
                ], orderedBy: [Self.source: [0, 1]])
            var changes = Changes(types, isAppendOnly: false, seed: seed)
            for epoch in 1...8 {
                cluster.run([Self.source: epoch == 1 ? [] : changes.epoch(12)])
                #expect(
                    cluster.rows("partial").entries.values.allSatisfy { $0.weight > 0 }, "seed \(seed), epoch \(epoch)")
                let parts = cluster.rows("partial").rows
                #expect(parts.count <= workers && !parts.isEmpty)
                let whole = AggregateReference.rows(partial, changes.current).rows[0]
                let row = try #require(cluster.rows("v").rows.first)
                guard case .bigint(let count) = whole[0] else { return }
                #expect(
                    row == [
                        .numeric(Decimal(mantissa: Int128(count), scale: 0)), whole[1], .bigint(Int64(parts.count)),
                    ])
            }
        }
    }

    @Test func anOverflowIsAnErrorOfItsGroupUntilItFits() throws {
        let spec = OperatorKind.Aggregate(
            groupBy: [0], calls: [AggregateCall(function: .sum, argument: 1, type: .bigint)], inputIsAppendOnly: false)
        let cluster = Cluster(workers: 2, seed: 3)
        try cluster.install(Self.graph(spec, [.integer, .integer]))
        // Weights make a sum of integers overflow without 2^32 rows.
        let huge: Row = [.integer(1), .integer(.max)]
        cluster.run([Self.source: [(huge, 1 << 32), ([.integer(2), .integer(5)], 1)]])
        #expect(
            cluster.rows("v") == Bag([[.integer(1), .bigint(9_223_372_032_559_808_512)], [.integer(2), .bigint(5)]]))
        cluster.run([Self.source: [(huge, 5)]])
        #expect(cluster.rows("v") == Bag([[.integer(2), .bigint(5)]]))
        let error = try #require(cluster.errors.rows.first)
        #expect(error[0] == .text("22003") && error[1] == .text("bigint out of range"))
        cluster.run([Self.source: [(huge, 1)]])
        #expect(cluster.errors.rows.count == 1)
        cluster.run([Self.source: [(huge, -6)]])
        #expect(
            cluster.rows("v") == Bag([[.integer(1), .bigint(9_223_372_032_559_808_512)], [.integer(2), .bigint(5)]]))
        #expect(cluster.errors.entries.isEmpty)
    }

    @Test func aSumOfDoublesThatOverflowsIsAnError() throws {
        let spec = OperatorKind.Aggregate(
            groupBy: [0], calls: [AggregateCall(function: .sum, argument: 1, type: .double)], inputIsAppendOnly: false)
        let cluster = Cluster(workers: 1, seed: 3)
        try cluster.install(Self.graph(spec, [.integer, .double]))
        let huge: Row = [.integer(1), .double(1.7e308)]
        cluster.run([Self.source: [(huge, 2)]])
        #expect(cluster.rows("v") == Bag())
        #expect(cluster.errors.rows.first?.prefix(2) == [.text("22003"), .text("value out of range: overflow")])
        cluster.run([Self.source: [(huge, -1)]])
        #expect(cluster.rows("v") == Bag([huge]))
        #expect(cluster.errors.entries.isEmpty)
    }

    /// What PostgreSQL 16 prints for these averages.
    @Test(
        arguments: [
            ([1, 2], "1.5000000000000000"), ([1, 2, 2], "1.6666666666666667"), ([0, 1, 0], "0.33333333333333333333"),
            ([100_000, 200_000, 200_000], "166666.666666666667"), ([-1, 0], "-0.50000000000000000000"),
            ([7], "7.0000000000000000"),
            ([0], "0.00000000000000000000"),
        ] as [([Int32], String)])
    func averagesHaveTheScaleOfPostgreSQL(_ values: [Int32], _ printed: String) throws {
        let spec = OperatorKind.Aggregate(
            groupBy: [], calls: [AggregateCall(function: .avg, argument: 0, type: .numeric)], inputIsAppendOnly: true)
        let cluster = Cluster(workers: 1, seed: 1)
        try cluster.install(Self.graph(spec, [.integer]))
        cluster.run([Self.source: values.map { ([.integer($0)], 1) }])
        #expect(cluster.rows("v").rows.map { TextFormat.string($0[0]) } == [printed])
    }

    @Test func stateGoesWithTheWatermarkAndAnswersStay() throws {
        let spec = OperatorKind.Aggregate(
            groupBy: [0, 1],
            calls: [
                AggregateCall(function: .count, argument: nil, type: .bigint),
                AggregateCall(function: .count, argument: 1, isDistinct: true, type: .bigint),
            ], inputIsAppendOnly: true, expiry: Expiry(column: 0, offset: 10, sources: ["t", "u"]))
        let cluster = Cluster(workers: 2, seed: 5)
        try cluster.install(Self.graph(spec, [.timestamp, .bigint]))
        var all = Bag()
        for step in 0..<30 {
            let rows: [Row] = (0..<5).map { [.timestamp(Int64(step)), .bigint(Int64($0))] } + [[.null, .bigint(1)]]
            rows.forEach { all.add($0, 1) }
            cluster.run(
                [Self.source: rows.map { ($0, 1) }],
                watermarks: step == 0 ? [:] : ["t": Int64(step - 1), "u": Int64(step)])
            #expect(cluster.rows("v") == AggregateReference.rows(spec, all), "step \(step)")
        }
        // Per live second five groups with a count and a distinct value, and the group of NULL, which never goes.
        #expect(cluster.stateEntries <= 2 * (5 * 13 + 1))
        #expect(cluster.stateEntries >= 2 * (5 * 11 + 1))
    }
}

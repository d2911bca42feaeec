// Rows that the clock lets in and out, against judging all rows anew at every tick: finds rows that are told twice or never, bounds
// that are off by one, retractions of rows that are due later, and state that stays when all is over.
import Dataflow
import Testing

@Suite struct TemporalOperatorTests {
    static let source = OperatorID(1)
    static let types: [DataType] = [.bigint, .timestamp, .timestamp]

    static func graph(_ bounds: [OperatorKind.Temporal.Bound]) -> [GraphNode] {
        [
            GraphNode(id: source, kind: .source(table: "t"), inputs: [], types: types, owner: "t"),
            GraphNode(
                id: OperatorID(2), kind: .temporal(.init(bounds: bounds)), inputs: [source], types: types, owner: "v"),
            GraphNode(
                id: OperatorID(3), kind: .view(.init(name: "v", key: [])), inputs: [OperatorID(2)], types: types,
                owner: "v"),
        ]
    }

    static func isSeen(_ row: Row, _ bounds: [OperatorKind.Temporal.Bound], _ now: Int64) -> Bool {
        bounds.allSatisfy { bound in
            guard case .timestamp(let value) = row[bound.column] else { return false }
            let isFixed = value == .max || value == .min
            let time = isFixed ? value : value + bound.offset
            switch bound.kind {
            case .from: return now >= time && time != .max
            case .after: return now > time
            case .before: return now < time
            case .until: return now <= time
            }
        }
    }

    @Test(arguments: [1, 3])
    func followsTheClock(workers: Int) throws {
        for seed in UInt64(1)...40 {
            var rng = EngineRandom(seed: seed)
            let kinds: [OperatorKind.Temporal.Bound.Kind] = [.from, .after, .before, .until]
            let bounds = (0..<(1 + rng.below(3))).map { _ in
                OperatorKind.Temporal.Bound(
                    kind: rng.pick(kinds), column: 1 + rng.below(2), offset: Int64(rng.below(9) - 4))
            }
            let cluster = Cluster(workers: workers, seed: seed)
            try cluster.install(Self.graph(bounds))
            var current = Bag()
            var now: Int64?
            for epoch in 1...14 {
                var changes: [(row: Row, weight: Int64)] = []
                for _ in 0..<rng.below(20) {
                    func time() -> Datum {
                        rng.pick(
                            [.null, .timestamp(.max), .timestamp(.min)]
                                + (0..<9).map { _ in .timestamp(Int64(rng.below(40))) })
                    }
                    changes.append(([.bigint(Int64(rng.below(4))), time(), time()], Int64(1 + rng.below(2))))
                }
                for entry in current.entries.sorted(by: { $0.key < $1.key }) where rng.chance(15) {
                    changes.append((entry.value.row, -entry.value.weight))
                }
                for change in changes { current.add(change.row, change.weight) }
                // The first epochs are before the first tick; a tick that is not above the last one is ignored.
                let tick = epoch < 3 ? nil : Int64(epoch * 3 + rng.below(9) - 6)
                if let tick { now = max(now ?? .min, tick) }
                cluster.run([Self.source: changes], clock: tick)
                var expected = Bag()
                if let now {
                    for row in current.rows where Self.isSeen(row, bounds, now) { expected.add(row, 1) }
                }
                let rows = cluster.rows("v")
                let isRight = rows == expected
                #expect(isRight, "seed \(seed), epoch \(epoch): \(rows.difference(from: expected))")
                guard isRight else { return }
            }
            cluster.run([:], clock: 1_000)
            cluster.run([Self.source: current.entries.values.map { ($0.row, -$0.weight) }], clock: 1_001)
            #expect(cluster.rows("v") == Bag(), "seed \(seed)")
        }
    }

    @Test func forgetsWhatIsOver() throws {
        let cluster = Cluster(workers: 1, seed: 1)
        try cluster.install(Self.graph([.init(kind: .before, column: 1, offset: 10)]))
        let rows = (0..<5_000).map { (row: [.bigint($0), .timestamp($0), .null] as Row, weight: Int64(1)) }
        cluster.run([Self.source: rows], clock: 0)
        #expect(cluster.stateEntries == 5_000)
        // Rows that are retracted take their changes to come with them.
        cluster.run([Self.source: rows.prefix(3_000).map { ($0.row, -1) }], clock: 1)
        #expect(cluster.stateEntries < 4_500)
        cluster.run([:], clock: 6_000)
        #expect(cluster.stateEntries == 0)
        #expect(cluster.rows("v") == Bag())
    }
}

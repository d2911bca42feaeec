// Rows put together before an exchange against the rows themselves: finds a sum that overflows its type or counts a row twice, a NULL
// that becomes a value, a retraction that is lost, and rows put together that differ in what must stay.
import Dataflow
import Testing

@Suite struct CombinerTests {
    static let types: [DataType] = [.integer, .boolean, .smallint, .bigint, .text, .timestamp, .integer, .double]
    static let roles: [OperatorKind.Combine.Role] = [
        .kept, .kept, .sum, .sum, .presence, .least, .greatest, .ignored,
    ]

    /// What the aggregates behind the exchange ask of a group.
    struct Answer: Equatable {
        var rows: Int64 = 0
        var counts: [Int64] = [0, 0, 0, 0, 0]
        var sums: [Int64] = [0, 0]
        var least = Int64.max
        var greatest = Int64.min
    }

    static func delta(_ count: Int, share: Int, appendOnly: Bool, _ rng: inout EngineRandom) -> Delta {
        let builders = types.map { ColumnBuilder(type: $0) }
        let weights = ColumnBuilder(type: .bigint)
        for _ in 0..<count {
            let isFrequent = rng.below(100) < share
            func put(_ index: Int, _ datum: Datum) { builders[index].append(rng.below(30) == 0 ? .null : datum) }
            builders[0].append(.integer(isFrequent ? 7 : Int32(rng.below(100_000))))
            put(1, .boolean(rng.below(2) == 0))
            put(2, .smallint(Int16(rng.below(600) - 300)))
            put(3, .bigint(rng.below(50) == 0 ? .max - Int64(rng.below(9)) : Int64(rng.below(1000)) - 500))
            put(4, .text("x\(rng.below(5))"))
            put(5, .timestamp(Int64(rng.below(1_000_000))))
            put(6, .integer(Int32(rng.below(1000)) - 500))
            put(7, .double(Double(rng.below(100))))
            weights.append(appendOnly ? Int64(1 + rng.below(3)) : [-2, -1, 1, 1, 1, 3][rng.below(6)])
        }
        return Delta(columns: builders.map { $0.finish() }, weights: weights.finish(), count: count)
    }

    static func answers(_ deltas: [Delta], appendOnly: Bool) -> [[Datum]: Answer] {
        var answers: [[Datum]: Answer] = [:]
        for delta in deltas {
            for row in 0..<delta.count {
                let values = delta.columns.map { $0.datum(at: row) }
                let weight = delta.weight(at: row)
                var answer = answers[[values[0], values[1]]] ?? Answer()
                answer.rows += weight
                for index in 0..<5 where !values[index + 2].isNull { answer.counts[index] += weight }
                if case .smallint(let value) = values[2] { answer.sums[0] &+= Int64(value) &* weight }
                if case .bigint(let value) = values[3] { answer.sums[1] &+= value &* weight }
                if appendOnly, case .timestamp(let value) = values[5] { answer.least = min(answer.least, value) }
                if appendOnly, case .integer(let value) = values[6] {
                    answer.greatest = max(answer.greatest, Int64(value))
                }
                answers[[values[0], values[1]]] = answer
            }
        }
        return answers.filter { $0.value != Answer() }
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>) func aggregatesSeeTheSame(seed: UInt64) throws {
        var rng = EngineRandom(seed: seed)
        let appendOnly = seed % 2 == 0
        var roles = Self.roles
        if !appendOnly { (roles[5], roles[6]) = (.presence, .presence) }
        let combiner = Combiner(OperatorKind.Combine(roles: roles), types: Self.types)
        let encoder = KeyEncoder(types: [.integer], equality: .sql)
        for share in [0, 50, 100] {
            let delta = Self.delta(1500 + rng.below(3000), share: share, appendOnly: appendOnly, &rng)
            let keys = encoder.encode([delta.columns[0]], count: delta.count)
            let made = withExtendedLifetime(keys) { combiner.combined(delta, hashes: keys.hashes) }
            guard share > 0 else {
                #expect(made == nil, "no key is frequent")
                continue
            }
            let combined = try #require(made)
            #expect(
                Self.answers(combined, appendOnly: appendOnly) == Self.answers([delta], appendOnly: appendOnly),
                "seed \(seed), \(share) % on one key")
            let count = combined.reduce(0) { $0 + $1.count }
            #expect(count < delta.count - delta.count * share / 200, "\(delta.count) rows became \(count)")
        }
    }
}

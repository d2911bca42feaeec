import Testing

/// Random pipelines over random events against SQLite, in process.
///
/// Method: from a seed come six views (some over other views) and a few hundred records: inserts, upserts, deletes by key,
/// NULLs, ties, out-of-order, late and malformed ones. Workers process them in random batches, with messages between them delivered in random
/// order. After every epoch each view must equal the same query in SQLite over the same prefix. It finds what unit
/// tests of one operator miss: a retraction lost between two operators, state dropped too early, a barrier that passes
/// rows, a plan that changes an answer.
@Suite("Views against SQLite")
struct ViewOracleTests {
    /// Seeds per worker count; each is one pipeline with five epochs and its replay in one.
    static let seedCount = 2_400

    @Test("equal at every epoch, for 1, 2 and 4 workers, and after a replay", arguments: 0..<UInt64(seedCount))
    func viewsEqualOracle(seed: UInt64) throws {
        _ = try Self.check(seed: seed)
    }

    @Test("the generator reaches every feature")
    func coverage() {
        var counts: [String: Int] = [:]
        for seed in 0..<UInt64(Self.seedCount) {
            for view in Self.pipeline(seed: seed) {
                for feature in view.features { counts[feature, default: 0] += 1 }
            }
        }
        let wanted = [
            "projection", "grouping", "tumble", "top-n", "union all", "join", "join on two keys", "distinct",
            "view on view", "window join", "window top-n", "left join", "right join", "full join", "join condition",
            "in (select)", "not in (select)", "correlated in", "exists", "not exists", "exists with <>",
            "exists over groups",
            "scalar sub-query", "correlated scalar sub-query", "sub-query in OR", "sub-query as a value", "union",
            "intersect", "except", "intersect all", "except all", "rollup", "cube",
            "upsert table", "event time", "sub-query", "global aggregate", "having", "filter clause", "row number",
            "case", "coalesce",
            "nullif", "like", "in", "between", "is null", "+", "-", "*", "/", "%", "||", "sum(numeric)", "sum(double)",
            "avg(bigint)", "min(text)", "max(timestamp)", "count distinct(text)",
        ]
        for feature in wanted {
            #expect((counts[feature] ?? 0) >= 3, "\(feature) occurs \(counts[feature] ?? 0) times")
        }
    }

    static func pipeline(seed: UInt64) -> [GeneratedView] {
        var generator = QueryGenerator(seed: seed)
        var views: [GeneratedView] = []
        for index in 0..<6 { views.append(generator.view(named: "view\(index)", over: views)) }
        return views
    }

    /// Runs one seed; returns the number of rows compared.
    static func check(seed: UInt64) throws -> Int {
        let views = pipeline(seed: seed)
        var rng = SeededGenerator(seed: seed ^ 0xA5A5_A5A5)
        var epochs: [[(table: Workload.Table, record: Workload.Record)]] = []
        var position = 0
        for _ in 0..<5 {
            epochs.append(
                (0..<(10 + rng.below(60))).map { _ in
                    position += 1
                    let table = rng.pick(Workload.tables)
                    return (table, Workload.record(of: table, position: position, using: &rng))
                })
        }
        var harnesses: [(name: String, harness: PipelineHarness)] = []
        for workers in [1, 2, 4] {
            harnesses.append(("\(workers) workers", PipelineHarness(workers: workers, seed: seed &+ UInt64(workers))))
        }
        let declarations = Workload.tables.map(\.declaration)
        let statements = declarations + views.map { "CREATE MATERIALIZED VIEW \($0.name) AS \($0.sql)" }
        for (name, harness) in harnesses {
            for statement in statements {
                do {
                    try harness.create(statement)
                } catch {
                    throw OracleError(message: "seed \(seed), \(name): \(error)\n\(statement)")
                }
            }
        }
        var reference = Reference()
        var compared = 0
        for (number, records) in epochs.enumerated() {
            for (table, record) in records { reference.apply(record, to: table) }
            let oracle = try reference.load()
            for (name, harness) in harnesses {
                try harness.run(records)
                compared += try compare(views, harness, oracle, "seed \(seed), \(name), epoch \(number + 1)")
            }
        }
        let replay = PipelineHarness(workers: 2, seed: seed &+ 77)
        for statement in statements { try replay.create(statement) }
        try replay.run(epochs.flatMap { $0 })
        compared += try compare(views, replay, try reference.load(), "seed \(seed), replay in one epoch")
        return compared
    }

    private static func compare(
        _ views: [GeneratedView], _ harness: PipelineHarness, _ oracle: SQLiteOracle, _ place: String
    ) throws -> Int {
        var compared = 0
        for view in views {
            let expected = try oracle.rows(view.oracle)
            let actual = harness.rows(view.name)
            compared += expected.count
            guard expected != actual else { continue }
            let missing = subtract(actual, from: expected)
            let extra = subtract(expected, from: actual)
            Issue.record(
                """
                \(place): \(view.name) differs in \(missing.count) missing and \(extra.count) extra of \(expected.count) rows
                missing: \(missing.prefix(4))
                extra:   \(extra.prefix(4))
                query:   \(view.sql)
                oracle:  \(view.oracle)
                """)
        }
        #expect(harness.errorCount == 0, "\(place): row errors where none can be")
        return compared
    }

    /// The elements of `rows` that are not in `other`, counting repeats.
    private static func subtract(_ other: [String], from rows: [String]) -> [String] {
        var counts: [String: Int] = [:]
        for row in other { counts[row, default: 0] += 1 }
        return rows.filter { row in
            guard let count = counts[row], count > 0 else { return true }
            counts[row] = count - 1
            return false
        }
    }
}

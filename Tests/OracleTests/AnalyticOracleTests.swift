import Dataflow
import PostgresOracle
import SQL
import Testing

/// Window functions, sessions, hops, functions that return sets and all aggregates as maintained views, against PostgreSQL.
///
/// Method: two tables, one that grows and one with a key whose rows change and go, get random rows with NULLs, ties, out-of-order
/// and late times. Per seed a handful of the query templates below are views, with parameters drawn from the seed; after every
/// epoch each must equal PostgreSQL's answer over the same rows, for 1, 2 and 4 workers, and after a replay in one epoch. It finds
/// results that are not taken back, partitions that are not told anew, frames that are off by one, sessions that do not merge or
/// split, and state that is dropped too early.
@Suite("Analytic views against PostgreSQL")
struct AnalyticOracleTests {
    static let seedCount = OracleScale.isFull ? 400 : 100

    @Test("equal at every epoch, for 1, 2 and 4 workers, and after a replay", arguments: 0..<UInt64(seedCount))
    func equal(seed: UInt64) throws { try Self.check(seed: seed) }

    @Test("every template is used, and has rows")
    func coverage() {
        var used: Set<Int> = []
        for seed in 0..<UInt64(Self.seedCount) {
            var rng = SeededGenerator(seed: seed)
            used.formUnion(Self.choice(seed, &rng))
        }
        #expect(used.count == AnalyticQueries.templates.count)
    }

    /// The templates of a seed: two in their turn, so that each is somewhere, and others at random.
    static func choice(_ seed: UInt64, _ rng: inout SeededGenerator) -> [Int] {
        let count = AnalyticQueries.templates.count
        var chosen: Set<Int> = [Int(seed % UInt64(count)) * 2 % count, (Int(seed % UInt64(count)) * 2 + 1) % count]
        while chosen.count < min(8, AnalyticQueries.templates.count) {
            chosen.insert(rng.below(AnalyticQueries.templates.count))
        }
        return chosen.sorted()
    }

    static let columns: [StreamTable.Column] = [
        .init(name: "id", type: "integer"), .init(name: "k", type: "integer"), .init(name: "g", type: "text"),
        .init(name: "v", type: "bigint"), .init(name: "n", type: "numeric"), .init(name: "d", type: "double precision"),
        .init(name: "b", type: "boolean"), .init(name: "ts", type: "timestamp"),
    ]
    static let tables = [
        StreamTable(name: "grown", columns: columns, partitions: 2, eventTime: (column: 7, lateness: 5)),
        StreamTable(name: "keyed", columns: columns, key: [0], partitions: 2),
    ]

    static func check(seed: UInt64) throws {
        var rng = SeededGenerator(seed: seed)
        var views: [(name: String, sql: String, oracle: String)] = []
        for index in choice(seed, &rng) {
            let query = AnalyticQueries.make(index, using: &rng)
            views.append(("view\(index)", query.sql, query.oracle))
        }
        var epochs: [[StreamChange]] = []
        var position = 0
        for _ in 0..<4 {
            epochs.append(
                (0..<(8 + rng.below(40))).map { _ in
                    position += 1
                    return change(position, using: &rng)
                })
        }
        let postgres = try PostgresOracle()
        var state = StreamState(tables)
        var harnesses = try [1, 2, 4].map { workers in
            try harness(workers, seed &+ UInt64(workers), views, "seed \(seed)")
        }
        for (number, changes) in epochs.enumerated() {
            for change in changes { state.apply(change, microseconds: microseconds) }
            try state.load(into: postgres)
            if number == epochs.count - 1 {
                // A replay sees everything in one epoch.
                let replay = try harness(2, seed &+ 77, views, "seed \(seed)")
                try replay.run(epochs[..<number].flatMap { $0 }.map { $0.record(of: tables[$0.table]) })
                harnesses.append(replay)
            }
            let expected = try views.map { view in
                do {
                    return RowTexts.rows(try postgres.query(view.oracle))
                } catch {
                    throw OracleError(message: "seed \(seed): PostgreSQL refuses \(error): \(view.oracle)")
                }
            }
            for harness in harnesses {
                try harness.run(changes.map { $0.record(of: tables[$0.table]) })
                for (view, expected) in zip(views, expected) {
                    let actual = RowTexts.rows(harness.deltas(view.name))
                    guard let difference = RowTexts.difference(expected: expected, actual: actual) else { continue }
                    throw OracleError(
                        message: """
                            seed \(seed), epoch \(number + 1), \(harness.workerCount) workers: \(view.name): \(difference)
                            query:  \(view.sql)
                            oracle: \(view.oracle)
                            """)
                }
                if harness.errorCount > 0 { throw OracleError(message: "seed \(seed): row errors where none can be") }
            }
        }
    }

    private static func harness(
        _ workers: Int, _ seed: UInt64, _ views: [(name: String, sql: String, oracle: String)], _ place: String
    ) throws -> PipelineHarness {
        let harness = PipelineHarness(
            workers: workers, seed: seed,
            partitions: Dictionary(uniqueKeysWithValues: tables.map { ($0.name, $0.partitions) }))
        for statement in tables.map(\.declaration)
            + views.map({ "CREATE MATERIALIZED VIEW \($0.name) AS \($0.sql)" })
        {
            do {
                try harness.create(statement)
            } catch {
                throw OracleError(message: "\(place): \(error)\n\(statement)")
            }
        }
        return harness
    }

    // MARK: rows

    private static func microseconds(_ text: String) -> Int64 {
        let parts = text.split { " -:.".contains($0) }.compactMap { Int64($0) }
        return ((parts[3] * 60 + parts[4]) * 60 + parts[5]) * 1_000_000 + parts[6]
    }

    /// `position` grows from row to row and moves event time on.
    private static func change(_ position: Int, using rng: inout SeededGenerator) -> StreamChange {
        let table = rng.below(2)
        func orNull(_ text: String) -> String? { rng.chance(12) ? nil : text }
        // In steps of which the lateness is a multiple: some events lie on the limit itself.
        let jitter = (rng.chance(8) ? rng.below(600) : rng.below(60)) * 50
        // Pauses cut sessions.
        let milliseconds = 40_000 + position * 150 + position / 25 * 4_000 - jitter
        let seconds = milliseconds / 1000
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let fraction = String(1_000 + milliseconds % 1000).dropFirst()
        let time = "2024-01-01 \(two(seconds / 3600)):\(two(seconds / 60 % 60)):\(two(seconds % 60)).\(fraction)000"
        let cents = rng.below(4000) - 1000
        let key = rng.below(20)
        let digits = ["\(cents / 100).\(two(abs(cents) % 100))", "\(cents / 100).5", "\(cents / 100)"]
        let row: [String?] = [
            String(table == 0 ? position : key), orNull(String(rng.below(4))),
            orNull(rng.pick(["a", "b", "ab", "Zoë", ""])), orNull(String(rng.below(12) - 3)),
            orNull(cents < 0 && cents > -100 ? "-0.5" : rng.pick(digits)),
            orNull(String(Double(rng.below(400) - 100) / 8)),
            orNull(rng.chance(50) ? "true" : "false"), time,
        ]
        return StreamChange(
            table: table, partition: table == 0 ? rng.below(2) : key % 2, row: row,
            isDelete: table == 1 && rng.chance(25))
    }
}

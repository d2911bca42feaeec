import Dataflow
import PostgresOracle
import SQL
import Testing

/// The benchmark's queries (bench/nexmark) as maintained views over the generator's events, against PostgreSQL.
///
/// Method: the events go to both sides in four epochs; after each every view must equal PostgreSQL's answer over the same
/// events. So what the benchmark measures is what the queries ask for.
@Suite("Nexmark against PostgreSQL")
struct NexmarkOracleTests {
    static let queries = [
        "q0", "q1", "q2", "q3", "q4", "q7", "q8", "q9", "q10", "q12", "q14", "q15", "q16", "q17", "q18", "q19", "q20",
        "q21", "q22",
    ]
    static let tables = ["person", "auction", "bid"]

    @Test("every query is equal at every epoch, with 1 and 3 workers", arguments: [1, 3])
    func equal(workers: Int) throws {
        try Self.check(events: OracleScale.isFull ? 200_000 : 20_000, workers: workers, seed: UInt64(workers))
    }

    static func check(events: Int, workers: Int, seed: UInt64) throws {
        let harness = PipelineHarness(workers: workers, seed: seed)
        let sources = try Files.read("bench/nexmark/sources.sql").split(
            separator: "{events}", omittingEmptySubsequences: false)
        try harness.create(sources.joined(separator: String(events)))
        let postgres = try PostgresOracle()
        for table in tables { try postgres.run("CREATE TABLE \(table) (\(declaration(table)))") }
        var views: [(name: String, query: String)] = []
        for name in queries {
            for statement in try SQLCompiler.parse(try Files.read("bench/nexmark/\(name).sql"))
            where !statement.text.hasPrefix("CREATE SINK") {
                let (view, query) = try parts(statement.text)
                do {
                    try harness.create("CREATE MATERIALIZED VIEW \(view) AS \(query)")
                    try postgres.run("CREATE VIEW \(view) AS \(WindowRewrite.postgres(query))")
                    views.append((view, deterministic[view] ?? "SELECT * FROM \(view)"))
                } catch {
                    Issue.record("\(name): \(error)")
                }
            }
        }
        try run(harness, postgres, views, events)
    }

    /// Where the query leaves ties open, ours breaks them by all columns of the sub-query, left to right: PostgreSQL is told so.
    static let deterministic = [
        "q9": """
        SELECT id, item_name, description, initial_bid, reserve, date_time, expires, seller, category, extra,
            auction, bidder, price, bid_date_time, bid_extra
        FROM (
            SELECT a.*, b.auction, b.bidder, b.price, b.date_time AS bid_date_time, b.extra AS bid_extra,
                row_number() OVER (PARTITION BY a.id ORDER BY b.price DESC, b.date_time, b.bidder, b.extra) AS place
            FROM auction AS a JOIN bid AS b ON a.id = b.auction
            WHERE b.date_time BETWEEN a.date_time AND a.expires
        ) AS ranked
        WHERE place <= 1
        """,
        "q18": """
        SELECT auction, bidder, price, channel, url, date_time, extra
        FROM (SELECT *, row_number() OVER (PARTITION BY bidder, auction ORDER BY date_time DESC, price, channel, url, extra) AS place
            FROM bid) AS ranked
        WHERE place <= 1
        """,
        "q19": """
        SELECT auction, bidder, price, channel, url, date_time, extra, place FROM (
            SELECT *, row_number() OVER (PARTITION BY auction ORDER BY price DESC, bidder, channel, url, date_time, extra) AS place FROM bid
        ) AS ranked
        WHERE place <= 10
        """,
    ]

    /// The name and the query of `CREATE VIEW name AS query`.
    private static func parts(_ text: String) throws -> (view: String, query: String) {
        let words = text.split(maxSplits: 4, omittingEmptySubsequences: true) { $0 == " " || $0 == "\n" }
        guard words.count == 5, words[0] == "CREATE", words[1] == "VIEW", words[3] == "AS" else {
            throw OracleError(message: "not a view: \(text)")
        }
        return (String(words[2]), String(words[4]))
    }

    /// The declared columns and those that every source has.
    private static func declaration(_ table: String) -> String {
        ((NexmarkGenerator.schemas[table] ?? []) + TableSchema.metadataColumns).map { "\($0.name) \($0.type.name)" }
            .joined(separator: ", ")
    }

    private static func run(
        _ harness: PipelineHarness, _ postgres: PostgresOracle, _ views: [(name: String, query: String)], _ events: Int
    ) throws {
        let generator = NexmarkGenerator(
            NexmarkConfiguration(seed: 1, baseTime: 1_704_067_200_000_000, partitions: 2))
        let workers = harness.workerCount
        let epochs = 4
        let share = events / 2 / epochs
        for epoch in 0..<epochs {
            var batches = [[(OperatorID, Delta)]](repeating: [], count: workers)
            for partition in 0..<2 {
                for start in stride(from: epoch * share, to: (epoch + 1) * share, by: 1000) {
                    let count = min(1000, (epoch + 1) * share - start)
                    let batch = generator.generate(partition: partition, from: Int64(start), count: count)
                    for (table, delta) in zip(tables, [batch.person, batch.auction, batch.bid]) {
                        guard let delta, let source = harness.sourceNode(of: table) else { continue }
                        batches[partition % workers].append((source, delta))
                        try postgres.copy(into: table, rows: texts(delta))
                    }
                }
            }
            // No event before the epoch's first ones is still to come.
            let watermark = generator.configuration.baseTime + Int64(epoch * share * 2) * 100
            harness.run(
                batches: batches,
                watermarks: Dictionary(uniqueKeysWithValues: tables.map { ($0, watermark - 1_000_000) }))
            for view in views {
                let expected = RowTexts.rows(try postgres.query(view.query))
                let actual = RowTexts.rows(harness.deltas(view.name))
                if let difference = RowTexts.difference(expected: expected, actual: actual) {
                    Issue.record("\(view.name), epoch \(epoch + 1), \(workers) workers: \(difference)")
                }
                #expect(epoch < epochs - 1 || !expected.isEmpty, "\(view.name) has no rows")
            }
        }
        #expect(harness.errorCount == 0)
    }

    private static func texts(_ delta: Delta) -> [[String?]] {
        (0..<delta.count).map { row in
            delta.columns.map { column in
                guard !column.isNull(row) else { return nil }
                var bytes: [UInt8] = []
                TextFormat.append(column, row: row, to: &bytes)
                return String(decoding: bytes, as: UTF8.self)
            }
        }
    }
}

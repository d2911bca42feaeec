import Coordination
import Dataflow
import Log
import Logging
import Simulation
import Testing

@testable import Node

/// Views that compare times of their rows with `now()`, from SQL to rows: they shrink and grow as ticks come, and a replay gives the same.
///
/// The log's time stands until the test moves it, so every tick is known; the rows expected are judged one by one in Swift. It finds a
/// bound that is off by its interval or its kind, a time with a zone that is moved, rows that come back or stay, and a replay that
/// sees another clock.
@Suite(.timeLimit(.minutes(1))) struct ClockTests {
    private static let minute: Int64 = 60_000_000

    private static let statements = """
        CREATE TABLE e (id bigint, z timestamptz, t timestamp) WITH (connector = 'http', partitions = 2);
        CREATE TABLE u (id bigint PRIMARY KEY, z timestamptz, t timestamp) WITH (connector = 'http', partitions = 2);
        CREATE MATERIALIZED VIEW recent AS SELECT id FROM u WHERE z > now() - INTERVAL '1 hour';
        CREATE MATERIALIZED VIEW near AS SELECT id FROM u
          WHERE t <= localtimestamp + INTERVAL '10 minutes' AND localtimestamp - t < INTERVAL '30 minutes' AND id > 1;
        CREATE MATERIALIZED VIEW counts AS SELECT count(*) AS n, max(id) AS m FROM e WHERE now() - INTERVAL '1 hour' < z;
        CREATE MATERIALIZED VIEW paired AS SELECT e.id FROM e JOIN recent r ON r.id = e.id;
        """

    /// Per id the minutes of a time, changed later; the times of `e` are those of the first row.
    private struct Row {
        var id: Int64
        var minutes: Int64
    }

    private func expected(_ kept: [Row], _ all: [Row], now: Int64) -> [String: [[Datum]]] {
        func time(_ row: Row) -> Int64 { row.minutes * Self.minute }
        func ids(_ rows: [Row]) -> [[Datum]] { rows.map(\.id).sorted().map { [.bigint($0)] } }
        let recent = kept.filter { time($0) > now - 60 * Self.minute }
        let counted = all.filter { now - 60 * Self.minute < time($0) }
        let ends = Set(recent.map(\.id))
        return [
            "recent": ids(recent),
            "near": ids(
                kept.filter {
                    time($0) <= now + 10 * Self.minute && now - time($0) < 30 * Self.minute && $0.id > 1
                }),
            "counts": [[.bigint(Int64(counted.count)), counted.map(\.id).max().map { .bigint($0) } ?? .null]],
            "paired": ids(all.filter { ends.contains($0.id) }),
        ]
    }

    @Test(arguments: [1, 2]) func viewsFollowTheClockAndAReplayGivesTheSame(workers: Int) async throws {
        let log = MemoryLog()
        // Half a minute beside the rows' times.
        log.advance(to: 100 * Self.minute + Self.minute / 2)
        let first = (0..<12).map { Row(id: $0, minutes: 30 + $0 * 15) }
        // Of every third row a newer time.
        let second = first.map { Row(id: $0.id, minutes: $0.id % 3 == 0 ? $0.minutes + 50 : $0.minutes) }
        var sizes: Set<Int> = []
        try await run(log, workers) { gateway in
            _ = try await gateway.execute(Self.statements)
            try await insert(first, into: ["e", "u"], gateway)
            try await check(gateway, first, first, at: 100, &sizes)
            log.advance(to: 131 * Self.minute + Self.minute / 2)
            try await check(gateway, first, first, at: 131, &sizes)
            try await insert(second.filter { $0.id % 3 == 0 }, into: ["u"], gateway)
            for at in [132, 160, 171, 205, 230] as [Int64] {
                log.advance(to: at * Self.minute + Self.minute / 2)
                try await check(gateway, second, first, at: at, &sizes)
            }
        }
        try await run(log, 3 - workers) { gateway in
            try await check(gateway, second, first, at: 230, &sizes)
            log.advance(to: 400 * Self.minute + Self.minute / 2)
            try await check(gateway, second, first, at: 400, &sizes)
        }
        #expect(sizes.count > 4 && sizes.contains(0), "the views had these numbers of rows: \(sizes.sorted())")
    }

    private func insert(_ rows: [Row], into tables: [String], _ gateway: Gateway) async throws {
        let values = rows.map { row in
            let two = { (value: Int64) in value < 10 ? "0\(value)" : "\(value)" }
            let text = "1970-01-01 \(two(row.minutes / 60)):\(two(row.minutes % 60)):00"
            // The same instant, written in a zone an hour ahead.
            let zoned = "1970-01-01 \(two(row.minutes / 60 + 1)):\(two(row.minutes % 60)):00+01"
            return "(\(row.id), '\(zoned)', '\(text)')"
        }
        for table in tables {
            _ = try await gateway.execute("INSERT INTO \(table) VALUES \(values.joined(separator: ", "))")
        }
    }

    /// All views after a tick at half a minute past `minutes`.
    private func check(
        _ gateway: Gateway, _ kept: [Row], _ all: [Row], at minutes: Int64, _ sizes: inout Set<Int>
    ) async throws {
        let expected = expected(kept, all, now: minutes * Self.minute + Self.minute / 2)
        for (view, rows) in expected {
            let answer = try await gateway.execute("SELECT * FROM \(view) WHERE now() IS NOT NULL ORDER BY 1")
            let found = answer.result.batches.flatMap { batch in
                (0..<batch.count).map { row in batch.columns.map { $0.datum(at: row) } }
            }
            #expect(found == rows, "\(view) at minute \(minutes)")
            if view == "recent" { sizes.insert(found.count) }
        }
    }

    private func run(
        _ log: MemoryLog, _ workers: Int, _ body: (Gateway) async throws -> Void
    ) async throws {
        var logger = Logger(label: "test")
        logger.logLevel = .error
        let coordinator = Coordinator(
            log: log, configuration: CoordinatorConfiguration(workers: workers), logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await coordinator.run() }
            guard await coordinator.waitUntilReady(atMost: .seconds(30)) else { return try await group.next() ?? () }
            try await body(Gateway(coordinator: coordinator))
            group.cancelAll()
        }
    }
}

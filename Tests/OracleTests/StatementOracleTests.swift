import Dataflow
import Glibc
import PostgresOracle
import SQL
import Testing

/// Statements as users write them, over three tables whose rows come, change and go: as a query and as a maintained view, against PostgreSQL.
///
/// After each of three epochs the rows must be PostgreSQL's, and of a query the columns' names and types too; what PostgreSQL refuses must be
/// refused with its SQLSTATE, and what fails for a row must be that row's error in the view. It finds a construct that is bound to another
/// meaning, typed or named otherwise, or not taken back. `STATEMENTS=path` adds the lines of a file, for reviews.
@Suite("Statements against PostgreSQL", .timeLimit(.minutes(10)))
struct StatementOracleTests {
    @Test("the same rows, names, types and errors", arguments: Statements.groups)
    func equal(group: Statements.Group) throws {
        var group = group
        if let path = getenv("STATEMENTS"), group.name == Statements.groups[0].name {
            group = Statements.Group(name: "review", statements: try Self.lines(String(cString: path)))
        }
        let postgres = try Self.epochs.indices.map { epoch in try Self.loaded(Array(Self.epochs[...epoch])) }
        let queries = try Self.harness(
            Self.tables.map {
                "CREATE MATERIALIZED VIEW \($0.name)_rows AS SELECT *, _partition, _offset, _append_time FROM \($0.name)"
            })
        var expected: [[Answer]] = []
        for (number, changes) in Self.epochs.enumerated() {
            try queries.run(changes.map { $0.record(of: Self.tables[$0.table]) })
            var answers: [Answer] = []
            for sql in group.statements {
                let answer = Self.answer(of: postgres[number], sql)
                let ours = Self.answer(of: queries, sql)
                if ours != answer {
                    Issue.record("query, epoch \(number + 1): \(sql)\n\(answer.difference(from: ours))")
                }
                answers.append(answer)
            }
            expected.append(answers)
        }
        for (index, sql) in group.statements.enumerated() where !Statements.isQueryOnly(sql) {
            try Self.checkView(sql, expected.map { $0[index] })
        }
    }

    // MARK: answers

    enum Answer: Equatable {
        case rows(columns: [String], [String])
        /// The position where the statement itself is wrong.
        case error(String, position: Int?, message: String)

        static func == (a: Answer, b: Answer) -> Bool {
            switch (a, b) {
            case (.rows(let names, let rows), .rows(let others, let otherRows)): names == others && rows == otherRows
            case (.error(let code, let position, _), .error(let other, let otherPosition, _)):
                code == other && position == otherPosition
            default: false
            }
        }

        func difference(from other: Answer) -> String {
            guard case .rows(let columns, let rows) = self, case .rows(columns, let others) = other else {
                return "PostgreSQL: \(self.text)\nours:       \(other.text)"
            }
            return RowTexts.difference(expected: rows, actual: others) ?? ""
        }

        private var text: String {
            switch self {
            case .rows(let columns, let rows): "\(columns) \(rows.prefix(4))"
            case .error(let code, let position, let message): "error \(code) at \(position ?? 0): \(message)"
            }
        }
    }

    private static func answer(of postgres: PostgresOracle, _ sql: String) -> Answer {
        do throws(PostgresError) {
            let rows = try postgres.query(WindowRewrite.postgres(sql))
            let columns = zip(rows.columns, rows.types).map { "\($0) \(types[$1] ?? "type \($1)")" }
            return .rows(columns: columns, RowTexts.rows(rows, ordered: sql.hasSuffix("-- ordered")))
        } catch {
            return .error(error.sqlState, position: error.position, message: error.message)
        }
    }

    private static func answer(of harness: PipelineHarness, _ sql: String) -> Answer {
        do {
            let plan = try harness.plan(sql)
            var scans: [String: [Delta]] = [:]
            for node in plan.graph.nodes {
                if case .scan(let table) = node.kind { scans[table] = harness.deltas("\(table)_rows") }
            }
            let result = try QueryRunner.run(plan, scans: scans)
            return .rows(
                columns: result.columns.map { "\($0.name) \($0.type.name)" },
                RowTexts.rows(result.batches, ordered: sql.hasSuffix("-- ordered")))
        } catch let error as SQLError {
            return .error(error.code, position: error.position, message: error.message)
        } catch let error as QueryError {
            return .error(error.code, position: nil, message: error.message)
        } catch {
            return .error("", position: nil, message: "\(error)")
        }
    }

    private static func checkView(_ sql: String, _ expected: [Answer]) throws {
        let harness = try harness([])
        // A view's columns have different names.
        var names = ""
        if case .rows(let columns, _)? = expected.last {
            names = "(\(columns.indices.map { "c\($0)" }.joined(separator: ", ")))"
        }
        do {
            try harness.create("CREATE MATERIALIZED VIEW view \(names) AS \(sql)")
        } catch let error as SQLError {
            let isRefused = expected.allSatisfy { if case .error(error.code, _, _) = $0 { true } else { false } }
            // An error of constants is one of the rows that meet it, of which there may be none yet.
            if !isRefused { Issue.record("view: \(sql)\n\(error)") }
            return
        }
        for (number, (changes, answer)) in zip(epochs, expected).enumerated() {
            try harness.run(changes.map { $0.record(of: tables[$0.table]) })
            switch answer {
            case .rows(_, let rows):
                let actual = RowTexts.rows(harness.deltas("view"))
                if let difference = RowTexts.difference(expected: rows.sorted(), actual: actual) {
                    Issue.record("view, epoch \(number + 1): \(sql)\n\(difference)")
                }
                if harness.errorCount > 0 { Issue.record("view, epoch \(number + 1): row errors: \(sql)") }
            case .error(let code, _, _):
                if !harness.errors.contains(where: { RowTexts.rows([$0]).contains { $0.hasPrefix(code) } }) {
                    Issue.record("view, epoch \(number + 1): no row error \(code): \(sql)")
                }
            }
        }
    }

    private static let types: [UInt32: String] = [
        16: "boolean", 17: "bytea", 20: "bigint", 21: "smallint", 23: "integer", 25: "text", 1043: "text", 700: "real",
        701: "double precision", 1042: "character", 1082: "date", 1083: "time without time zone",
        1114: "timestamp without time zone", 1184: "timestamp with time zone", 1186: "interval", 1700: "numeric",
        2950: "uuid", 3802: "jsonb", 1007: "integer[]", 1016: "bigint[]", 1009: "text[]", 1231: "numeric[]",
        1022: "double precision[]", 1000: "boolean[]", 1115: "timestamp without time zone[]", 3807: "jsonb[]",
        1182: "date[]", 2206: "text",
    ]

    // MARK: tables and rows

    static let tables = [
        StreamTable(
            name: "t",
            columns: [
                .init(name: "id", type: "bigint"), .init(name: "a", type: "integer"), .init(name: "b", type: "integer"),
                .init(name: "s", type: "text"), .init(name: "n", type: "numeric"), .init(name: "ts", type: "timestamp"),
                .init(name: "arr", type: "integer[]"), .init(name: "j", type: "jsonb"),
            ], key: [0]),
        StreamTable(
            name: "u",
            columns: [
                .init(name: "id", type: "bigint"), .init(name: "a", type: "integer"), .init(name: "c", type: "integer"),
                .init(name: "s", type: "text"),
            ], key: [0]),
        StreamTable(
            name: "e",
            columns: [
                .init(name: "k", type: "integer"), .init(name: "v", type: "bigint"),
                .init(name: "d", type: "double precision"), .init(name: "tag", type: "text"),
                .init(name: "ts", type: "timestamp"),
            ], eventTime: (column: 4, lateness: 86_400)),
    ]

    /// Rows of three epochs: `table|cells`, `-` before a deleted key, `∅` for NULL.
    static let epochs: [[StreamChange]] = [
        """
        t|1|1|10|x|1.50|2024-01-01 00:00:01|{1,2}|{"k": "a", "v": [1, 2], "o": {"p": 1}}
        t|2|2|20|y|2.5|2024-01-01 00:00:05|{3}|{"k": "b", "v": [3]}
        t|3|∅|30|x|∅|2024-01-01 00:00:11|{}|∅
        t|4|1|∅|∅|-0.25|∅|∅|{"k": "a", "v": []}
        t|5|3|10|z|100|2024-01-01 00:01:00|{2,2,NULL}|[1, "two", null]
        u|1|1|7|x
        u|2|1|9|y
        u|3|2|4|x
        u|4|∅|5|∅
        u|6|9|1|q
        e|1|10|0.5|p|2024-01-01 00:00:00
        e|1|20|1.5|q|2024-01-01 00:00:03
        e|2|5|∅|p|2024-01-01 00:00:04
        e|2|∅|2.25|∅|2024-01-01 00:00:12
        e|∅|7|-1|q|2024-01-01 00:00:13
        """,
        """
        t|2|2|25|y|2.50|2024-01-01 00:00:06|{3,4}|{"k": "b", "v": [3, 4]}
        t|6|2|20|y|7|2024-01-01 00:00:20|{1}|{"k": "c"}
        -t|5
        u|5|2|4|y
        u|1|3|7|x
        -u|6
        e|1|10|0.5|p|2024-01-01 00:00:21
        e|3|1|8|r|2024-01-01 00:00:22
        e|1|20|1.5|q|2024-01-01 00:00:03
        """,
        """
        -t|1
        t|3|1|30|w|3.125|2024-01-01 00:00:11|{5,6,7}|{"k": "a", "v": [9]}
        t|7|∅|∅|∅|∅|∅|∅|∅
        -u|2
        u|7|∅|∅|∅
        e|2|40|4|p|2024-01-01 00:01:30
        e|∅|∅|∅|∅|2024-01-01 00:01:31
        """,
    ].map { text in text.split(separator: "\n").map(change) }

    private static func change(_ line: Substring) -> StreamChange {
        let isDelete = line.hasPrefix("-")
        let cells = line.drop { $0 == "-" }.split(separator: "|", omittingEmptySubsequences: false)
        let table = tables.firstIndex { $0.name == cells[0] } ?? 0
        var row: [String?] = cells.dropFirst().map { $0 == "∅" ? nil : String($0) }
        row += [String?](repeating: nil, count: tables[table].columns.count - row.count)
        return StreamChange(table: table, partition: (row[0]?.utf8.count ?? 0) % 2, row: row, isDelete: isDelete)
    }

    private static func microseconds(_ text: String) -> Int64 {
        let parts = text.split { " -:.".contains($0) }.compactMap { Int64($0) }
        return ((parts[3] * 60 + parts[4]) * 60 + parts[5]) * 1_000_000
    }

    private static func loaded(_ epochs: [[StreamChange]]) throws -> PostgresOracle {
        let postgres = try PostgresOracle()
        var state = StreamState(tables)
        for change in epochs.joined() { state.apply(change, microseconds: microseconds) }
        try state.load(into: postgres)
        try postgres.run("ALTER TABLE t ADD PRIMARY KEY (id); ALTER TABLE u ADD PRIMARY KEY (id)")
        return postgres
    }

    private static func harness(_ views: [String]) throws -> PipelineHarness {
        let harness = PipelineHarness(
            workers: 2, seed: 7,
            partitions: Dictionary(uniqueKeysWithValues: tables.map { ($0.name, $0.partitions) }))
        for statement in tables.map(\.declaration) + views { try harness.create(statement) }
        return harness
    }

    private static func lines(_ path: String) throws -> [String] {
        guard let file = fopen(path, "r") else { throw OracleError(message: "no file \(path)") }
        defer { fclose(file) }
        var text: [UInt8] = []
        while case let byte = getc(file), byte != EOF { text.append(UInt8(byte)) }
        return String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}

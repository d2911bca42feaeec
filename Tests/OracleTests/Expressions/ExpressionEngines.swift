import Dataflow
import PostgresOracle
import SQL

/// Both engines over ``ExpressionValues``: what an expression gives for each row.
final class ExpressionEngines {
    /// Of one row.
    enum Cell: CustomStringConvertible {
        /// An output text, or ``RowTexts/null``.
        case value(String)
        case error(code: String, message: String)

        var description: String {
            switch self {
            case .value(let text): text
            case .error(let code, let message): "\(code) \(message)"
            }
        }
    }

    enum Outcome {
        case equal(hasValues: Bool)
        case different(String)
    }

    private let postgres: PostgresOracle
    private let harness: PipelineHarness

    init(seed: UInt64) throws {
        let table = ExpressionValues.table
        let rows = ExpressionValues.rows(seed: seed)
        postgres = try PostgresOracle()
        var state = StreamState([table])
        for row in rows { state.apply(row) }
        try state.load(into: postgres)
        harness = PipelineHarness(workers: 1, seed: seed, partitions: [table.name: 1])
        try harness.create(table.declaration)
        try harness.create("CREATE MATERIALIZED VIEW v AS SELECT * FROM \(table.name)")
        try harness.run(rows.map { $0.record(of: table) })
        try postgres.run("CREATE VIEW v AS SELECT * FROM \(table.name)")
        try postgres.run(Self.outcomes)
        let expected = RowTexts.rows(try postgres.query("SELECT * FROM v"), exact: true)
        if let difference = RowTexts.difference(
            expected: expected, actual: RowTexts.rows(harness.deltas("v"), exact: true))
        {
            throw OracleError(message: "the table itself differs: \(difference)\n\(harness.refusals.prefix(3))")
        }
    }

    /// PostgreSQL's answer row by row, where one of them is an error.
    private static let outcomes = """
        CREATE FUNCTION outcomes(expression text) RETURNS TABLE (code text, answer text) LANGUAGE plpgsql AS $$
        BEGIN
          FOR number IN 0..\(ExpressionValues.rowCount - 1) LOOP
            BEGIN
              code := NULL;
              EXECUTE format('SELECT CASE WHEN x IS NULL THEN %L ELSE format(''%%s'', x) END FROM (SELECT %s AS x FROM v WHERE id = %s) AS q',
                '\(RowTexts.null)', expression, number) INTO answer;
            EXCEPTION WHEN OTHERS THEN
              code := SQLSTATE;
              answer := SQLERRM;
            END;
            RETURN NEXT;
          END LOOP;
        END $$
        """

    func compare(_ expression: GeneratedExpression) -> Outcome {
        let (expected, actual) = (theirs(expression.sql), ours(expression.sql))
        var hasValues = false
        var parts: [Answers]?
        /// Whether what differs comes of an argument that the one engine looks at, and the other does not.
        func isOf(_ test: (Answers) -> Bool) -> Bool {
            let answers = parts ?? answersOfCalls(in: expression)
            parts = answers
            return answers.contains(where: test)
        }
        func isSkipped(_ row: Int) -> Bool { isOf { $0.isSkipped(row) } }
        for (row, (first, second)) in zip(expected, actual).enumerated() {
            switch (first, second) {
            case (.value(let text), .value(let other)) where text == other:
                hasValues = hasValues || text != RowTexts.null
            case (.error(let code, _), .error(let other, _))
            where code == other
                // Of two wrong parts, which is looked at first is open.
                || Self.isOfValues(code) && Self.isOfValues(other) && expression.parts.contains { $0.key != nil }:
                continue
            case (_, .error(_, let message)) where ExpressionDifferences.isDeliberate(expression, message): continue
            case _ where expression.calls("width_bucket") && isOf({ $0.isNextBucket(row) }): continue
            case (.value(let text), .error(let code, let message))
            where ExpressionDifferences.isUnread(text, code, message): continue
            // An argument that PostgreSQL does not look at, since another one is NULL.
            case (.value(RowTexts.null), .error(let code, _))
            where Self.isOfValues(code) && expression.parts.contains { $0.key != nil }:
                continue
            case (_, .error(let code, _)) where Self.isOfValues(code) && isSkipped(row): continue
            case (.error(let code, _), .value) where Self.isOfValues(code) && isSkipped(row): continue
            default:
                return .different("\(expression.sql), row \(row): PostgreSQL \(first), ours \(second)")
            }
        }
        return .equal(hasValues: hasValues)
    }

    /// Both engines' answers for a call within an expression.
    private struct Answers {
        var theirs: [Cell]
        var ours: [Cell]
        var key: String

        /// PostgreSQL leaves out the other arguments of what is NULL by a constant; ours looks at them.
        func isSkipped(_ row: Int) -> Bool {
            switch (theirs[row], ours[row]) {
            case (.value(RowTexts.null), .error): true
            // This one PostgreSQL writes in SQL, and looks at its other arguments before it finds that one is NULL.
            case (.error, .value(RowTexts.null)): key == "substring(text,text,text)"
            default: false
            }
        }

        /// Of a call of width_bucket, PostgreSQL's quotient has rounded up to the next bucket.
        func isNextBucket(_ row: Int) -> Bool {
            guard key.hasPrefix("width_bucket("), case .value(let text) = theirs[row],
                case .value(let other) = ours[row]
            else { return false }
            return ExpressionDifferences.isBucket(text, other)
        }
    }

    private func answersOfCalls(in expression: GeneratedExpression) -> [Answers] {
        guard let key = expression.key else { return [] }
        let mine = Answers(theirs: theirs(expression.sql), ours: ours(expression.sql), key: key)
        return [mine] + expression.parts.flatMap { answersOfCalls(in: $0) }
    }

    /// Errors of values, and of what is not supported of a value.
    private static func isOfValues(_ code: String) -> Bool { code.hasPrefix("22") || code == "0A000" }

    /// The smallest part of a wrong expression that is wrong itself, and how.
    func smallest(_ expression: GeneratedExpression) -> (GeneratedExpression, String) {
        for part in expression.parts where part.key != nil {
            if case .different = compare(part) { return smallest(part) }
        }
        guard case .different(let text) = compare(expression) else {
            return (expression, "\(expression.sql): equal when run again")
        }
        return (expression, text)
    }

    private func theirs(_ sql: String) -> [Cell] {
        do throws(PostgresError) {
            let answer = try postgres.query("SELECT \(sql) FROM v ORDER BY id")
            return RowTexts.rows(answer, ordered: true, exact: true).map { .value($0) }
        } catch {
            // An error of the text has a position; of a value, none.
            guard error.position == nil else {
                return Self.everyRow(.error(code: error.sqlState, message: error.message))
            }
        }
        do throws(PostgresError) {
            return try postgres.query("SELECT * FROM outcomes(\(SQLTypes.quoted(sql)))").rows.map { row in
                row[0].map { .error(code: $0, message: row[1] ?? "") } ?? .value(row[1] ?? RowTexts.null)
            }
        } catch {
            return Self.everyRow(.error(code: error.sqlState, message: "row by row: \(error.message)"))
        }
    }

    private static func everyRow(_ cell: Cell) -> [Cell] {
        [Cell](repeating: cell, count: ExpressionValues.rowCount)
    }

    private func ours(_ sql: String) -> [Cell] {
        do {
            let plan = try harness.plan("SELECT id, \(sql) FROM v")
            let whole = try RowOutcomes.run(plan, harness.deltas("v"))
            // A batch of one row each must say the same.
            let single = try RowOutcomes.run(plan, harness.deltas("v").flatMap(RowOutcomes.rows))
            var cells = Self.everyRow(.error(code: "", message: "no answer"))
            for (id, text) in single.values { cells[id] = .value(text) }
            for (id, error) in single.errors { cells[id] = .error(code: error.code, message: error.message) }
            if whole.values != single.values || whole.errorCount != single.errors.count {
                return Self.everyRow(.error(code: "", message: "a batch and single rows have other answers"))
            }
            return cells
        } catch let error as SQLError {
            return Self.everyRow(.error(code: error.code, message: error.message))
        } catch {
            return Self.everyRow(.error(code: "", message: "\(error)"))
        }
    }
}

/// Differences on purpose, by what their errors say (docs/sql.md, "Differences from PostgreSQL").
enum ExpressionDifferences {
    private static let deliberate = [
        "(at most 38 digits)", "numeric cannot hold", "NaN and infinity cannot be converted to numeric",
        "(options b and e)", "invalid input syntax for type numeric: \"NaN\"",
        "invalid input syntax for type numeric: \"Infinity\"", "invalid input syntax for type numeric: \"-Infinity\"",
    ]
    /// Where PostgreSQL counts on with what does not fit, or with infinity as a number.
    private static let checked: [(name: String, message: String)] = [
        ("age", "timestamp out of range"), ("make_interval", "interval out of range"),
        ("to_char", "integer out of range"), ("timezone", "time zone displacement out of range"),
    ]

    /// Texts that only PostgreSQL reads: dates and times that are not written as ISO 8601 has them.
    static func isUnread(_ text: String, _ code: String, _ message: String) -> Bool {
        code == "22007"
            && ["time", "date"].contains { message.hasPrefix("invalid input syntax for type \($0)") }
    }

    /// PostgreSQL's bucket where its quotient was rounded up to the next, or did not fit.
    static func isBucket(_ theirs: String, _ ours: String) -> Bool {
        guard let theirs = Int64(theirs), let ours = Int64(ours) else { return false }
        return theirs == ours + 1 || theirs < 0 && ours > 0
    }

    static func isDeliberate(_ expression: GeneratedExpression, _ message: String) -> Bool {
        deliberate.contains { message.firstRange(of: $0) != nil }
            || checked.contains { expression.calls($0.name) && message == $0.message }
    }
}

/// What a query of an id and a value gives for each row, where ``QueryRunner`` stops at the first error.
private final class RowOutcomes: OutletProvider {
    private(set) var values: [Int: String] = [:]
    private(set) var errors: [Int: (code: String, message: String)] = [:]
    private(set) var errorCount = 0
    /// The id of the row that is being processed; of a batch, nil.
    private var current: Int?

    private final class Rows: Outlet {
        unowned let owner: RowOutcomes

        init(_ owner: RowOutcomes) { self.owner = owner }

        func consume(_ delta: Delta) {
            for (row, text) in RowTexts.rows(
                [Delta(columns: [delta.columns[1]], count: delta.count)], ordered: true, exact: true
            ).enumerated() {
                guard case .bigint(let id) = delta.columns[0].datum(at: row) else { continue }
                owner.values[Int(id)] = text
            }
        }
    }

    private final class Errors: Outlet {
        unowned let owner: RowOutcomes

        init(_ owner: RowOutcomes) { self.owner = owner }

        func consume(_ delta: Delta) {
            owner.errorCount += delta.count
            guard let id = owner.current, case .text(let code) = delta.columns[0].datum(at: 0),
                case .text(let message) = delta.columns[1].datum(at: 0)
            else { return }
            owner.errors[id] = (code, message)
        }
    }

    func outlet(view: OperatorKind.View, types: [DataType]) -> any Outlet { Rows(self) }

    func outlet(sink: OperatorKind.Sink, types: [DataType]) -> any Outlet { Rows(self) }

    func errorOutlet(owner: String) -> any Outlet { Errors(self) }

    /// Each row as a batch of its own.
    static func rows(_ delta: Delta) -> [Delta] {
        (0..<Int32(delta.count)).map { row in
            withUnsafePointer(to: row) { delta.gather(UnsafeBufferPointer(start: $0, count: 1)) }
        }
    }

    /// Outlets must live as long as the worker, which this keeps.
    static func run(_ plan: QueryPlan, _ batches: [Delta]) throws -> RowOutcomes {
        let outcomes = RowOutcomes()
        let types = plan.graph.nodes.first { $0.id == plan.output }?.types ?? []
        var graph = plan.graph.nodes
        let outlet = OperatorID((graph.map(\.id.rawValue).max() ?? 0) + 1)
        graph.append(
            GraphNode(id: outlet, kind: .view(.init(name: "", key: [])), inputs: [plan.output], types: types, owner: "")
        )
        let worker = Worker(index: 0, workerCount: 1)
        try worker.install(graph, outlets: outcomes)
        worker.beginEpoch(watermarks: [:])
        for delta in batches {
            if delta.count == 1, case .bigint(let id) = delta.columns[0].datum(at: 0) { outcomes.current = Int(id) }
            for node in plan.graph.nodes {
                if case .scan = node.kind { worker.push(delta, source: node.id) }
            }
        }
        worker.finishSources()
        return outcomes
    }
}

extension String {
    /// Split at a text, without Foundation.
    func components(_ separator: String) -> [Substring] {
        split(separator: separator, omittingEmptySubsequences: false)
    }
}

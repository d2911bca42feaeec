import Dataflow
import PostgresOracle
import SQL
import Testing

/// Each numbered rule of docs/sql.md ("Differences from PostgreSQL") with what both engines say.
///
/// It finds a rule that is no longer true, on either side, and a rule without a test.
@Suite("Deliberate differences from PostgreSQL")
struct RuleOracleTests {
    struct Rule {
        var number: Int
        var sql: String
        /// A value's text or an SQLSTATE.
        var ours: String
        var postgres: String
    }

    static let rulesMax = 15

    static let rules = [
        Rule(number: 1, sql: "'NaN'::numeric", ours: "22P02", postgres: "NaN"),
        Rule(
            number: 1, sql: "'12345678901234567890123456789012345678'::numeric * 10", ours: "22003",
            postgres: "123456789012345678901234567890123456780"),
        Rule(
            number: 1, sql: "(SELECT sum(x) FROM (VALUES (99999999999999999999999999999999999999), (1)) AS t (x))",
            ours: "22003", postgres: "100000000000000000000000000000000000000"),
        Rule(number: 2, sql: "'{{1},{2}}'::integer[]", ours: "0A000", postgres: "{{1},{2}}"),
        Rule(number: 2, sql: "'[0:1]={1,2}'::integer[]", ours: "0A000", postgres: "[0:1]={1,2}"),
        Rule(number: 3, sql: "'294276-12-31'::timestamp", ours: "22008", postgres: "294276-12-31 00:00:00"),
        Rule(number: 4, sql: "'January 8, 1999'::date", ours: "22007", postgres: "1999-01-08"),
        Rule(number: 5, sql: "'aa' ~ '(a)\\1'", ours: "0A000", postgres: "t"),
        Rule(
            number: 6, sql: "age(timestamp 'infinity', timestamp '2000-01-01') > interval '1 year'", ours: "22008",
            postgres: "t"),
        Rule(number: 6, sql: "to_char(2147483647, '99V9')", ours: "22003", postgres: " -10"),
        Rule(
            number: 6, sql: "timezone(interval '-596523:14:09', timestamptz '2000-01-01 00:00:00+00')", ours: "22009",
            postgres: "2068-01-19 03:14:07"),
        Rule(number: 6, sql: "right('abc', -2147483648)", ours: "", postgres: "abc"),
        Rule(
            number: 6, sql: "width_bucket('1e300'::float8, '1e100', '5e301', 2147483647)", ours: "42949673",
            postgres: "-2147483648"),
        Rule(
            number: 6, sql: "width_bucket(12345678901234567890, 0.5, 12345678901234567897.25, 3)", ours: "3",
            postgres: "4"
        ),
        Rule(number: 7, sql: "jsonb_path_exists('{\"a\": 1}', '$.**')", ours: "0A000", postgres: "t"),
        Rule(
            number: 8, sql: "(SELECT sum(x) FROM (VALUES (1e20::float8), (1), (-1e20)) AS t (x))", ours: "1",
            postgres: "0"),
        Rule(
            number: 8, sql: "(SELECT array_agg(x) FROM generate_series(3, 1, -1) AS t (x))", ours: "{1,2,3}",
            postgres: "{3,2,1}"),
        Rule(
            number: 8, sql: "(SELECT min(x) FROM (VALUES (interval '30 days'), (interval '1 month')) AS t (x))",
            ours: "30 days", postgres: "1 mon"),
        Rule(
            number: 9, sql: "pg_typeof(current_time)", ours: "time without time zone", postgres: "time with time zone"),
        Rule(
            number: 10, sql: "(SELECT \(longName) FROM (SELECT 1 AS \(longName)) AS t)", ours: "42622", postgres: "1"),
        Rule(
            number: 11, sql: "length((repeat('[', 600) || repeat(']', 600))::jsonb::text)", ours: "54001",
            postgres: "1200"
        ),
        Rule(number: 13, sql: "length(repeat('a', 2000000))", ours: "54000", postgres: "2000000"),
        Rule(number: 13, sql: "(SELECT count(*) FROM generate_series(1, 1000001))", ours: "54000", postgres: "1000001"),
    ]

    private static let longName = String(repeating: "a", count: 64)
    /// The rule about the value `null` of jsonb, which has a test of its own.
    private static let nullRule = 12

    @Test("in an INSERT, as in a record, the jsonb value null is NULL")
    func jsonNull() throws {
        let postgres = try PostgresOracle()
        try postgres.run("CREATE TABLE t (a jsonb); INSERT INTO t VALUES ('null'), (NULL), ('[null]')")
        #expect(
            RowTexts.rows(try postgres.query("SELECT a FROM t"), ordered: true) == ["null", RowTexts.null, "[null]"])
        let rows = try Self.inserted("CREATE TABLE t (a jsonb)", "INSERT INTO t VALUES ('null'), (NULL), ('[null]')")
        #expect(rows == [[.null], [.null], [.jsonb("[null]")]])
        #expect(throws: SQLError.self) {
            _ = try Self.inserted("CREATE TABLE t (a jsonb NOT NULL)", "INSERT INTO t VALUES ('null')")
        }
    }

    /// The rows that an INSERT appends.
    static func inserted(_ table: String, _ insert: String) throws -> [[Datum]] {
        var catalog = Catalog()
        for statement in try SQLCompiler.parse(table) {
            if case .create(let deployment, _) = try SQLCompiler.bind(statement, catalog: catalog) {
                catalog.apply(deployment)
            }
        }
        guard let statement = try SQLCompiler.parse(insert).first,
            case .insert(let plan) = try SQLCompiler.bind(statement, catalog: catalog)
        else { throw OracleError(message: "not an INSERT: \(insert)") }
        return plan.rows
    }

    @Test("each rule has a test, and each test both answers")
    func answers() throws {
        let postgres = try PostgresOracle()
        let harness = PipelineHarness(workers: 1, seed: 0, partitions: [:])
        for rule in Self.rules {
            #expect(Self.theirs(rule.sql, postgres) == rule.postgres, "rule \(rule.number): \(rule.sql)")
            #expect(Self.ours(rule.sql, harness) == rule.ours, "rule \(rule.number): \(rule.sql)")
        }
        let written = try Self.written()
        #expect(written == Array(1...written.count) && written.count <= Self.rulesMax)
        #expect(Set(written) == Set(Self.rules.map(\.number) + [Self.nullRule]))
    }

    private static func theirs(_ sql: String, _ postgres: PostgresOracle) -> String {
        do throws(PostgresError) {
            return RowTexts.rows(try postgres.query("SELECT \(sql)"))[0]
        } catch {
            return error.sqlState
        }
    }

    private static func ours(_ sql: String, _ harness: PipelineHarness) -> String {
        do {
            return RowTexts.rows(try harness.query("SELECT \(sql)").batches)[0]
        } catch let error as SQLError {
            return error.code
        } catch let error as QueryError {
            return error.code
        } catch {
            return "\(error)"
        }
    }

    /// The numbers of the rules, in the order of the page.
    private static func written() throws -> [Int] {
        let page = try Files.read("docs/sql.md")
        guard let start = page.firstRange(of: "## Differences from PostgreSQL\n") else { return [] }
        let rest = page[start.upperBound...]
        let section = rest[..<(rest.firstRange(of: "\n## ")?.lowerBound ?? rest.endIndex)]
        return section.split(separator: "\n").compactMap { line in line.firstIndex(of: ".").flatMap { Int(line[..<$0]) }
        }
    }
}

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
        Rule(number: 7, sql: "jsonb_path_exists('{\"a\": 1}', '$.**')", ours: "0A000", postgres: "t"),
    ]

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
        #expect(Set(written) == Set(Self.rules.map(\.number)))
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

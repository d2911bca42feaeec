import Dataflow
import PostgresOracle
import SQL
import Testing

/// Expressions with edge values, written by hand, against PostgreSQL: each function family with empty, NULL, extreme, negative,
/// infinite and malformed arguments, beyond what random values meet.
///
/// Method: each line of the `.txt` files beside this one is what stands behind SELECT; both engines must give the same text or the
/// same SQLSTATE. A line that begins with `~N ` differs on purpose, by the rule N of docs/sql.md, and must go on doing so.
@Suite("Edge values against PostgreSQL")
struct EdgeOracleTests {
    private static let folder = "Tests/OracleTests/Edges"

    @Test(
        "equal values and SQLSTATEs, but for numbered rules",
        arguments: Files.list(folder).filter { $0.hasSuffix(".txt") })
    func equal(file: String) throws {
        let postgres = try PostgresOracle()
        let harness = PipelineHarness(workers: 1, seed: 0, partitions: [:])
        var count = 0
        for line in try Files.read(file).split(separator: "\n") where !line.hasPrefix("# ") {
            let (rule, expression) = Self.parts(line)
            // A trap would take the process and leave this as the last line.
            if OracleScale.isVerbose { print("edge: \(expression)") }
            let theirs = Self.theirs(expression, postgres)
            let ours = Self.ours(expression, harness)
            count += 1
            if let rule {
                #expect(ours != theirs, "rule \(rule) does not hold: \(expression)")
                #expect(rule >= 1 && rule <= RuleOracleTests.rulesMax)
            } else {
                #expect(ours == theirs, "\(expression)")
            }
        }
        #expect(count > 100)
    }

    /// The rule's number, if the line names one, and the rest.
    private static func parts(_ line: Substring) -> (rule: Int?, expression: Substring) {
        guard line.hasPrefix("~"), let end = line.firstIndex(of: " "), let rule = Int(line[..<end].dropFirst()) else {
            return (nil, line)
        }
        return (rule, line[line.index(after: end)...])
    }

    private static func theirs(_ expression: Substring, _ postgres: PostgresOracle) -> String {
        do throws(PostgresError) {
            return RowTexts.rows(try postgres.query("SELECT \(expression)"), ordered: true, exact: true)
                .joined(separator: "\n")
        } catch {
            return "ERROR \(error.sqlState)"
        }
    }

    private static func ours(_ expression: Substring, _ harness: PipelineHarness) -> String {
        do {
            return RowTexts.rows(try harness.query("SELECT \(expression)").batches, ordered: true, exact: true)
                .joined(separator: "\n")
        } catch let error as SQLError {
            return "ERROR \(error.code)"
        } catch let error as QueryError {
            return "ERROR \(error.code)"
        } catch {
            return "ERROR \(error)"
        }
    }
}

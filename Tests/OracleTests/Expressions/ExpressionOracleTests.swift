import Dataflow
import PostgresOracle
import SQL
import Testing

/// Random expressions over a table of nasty values, against PostgreSQL.
///
/// Method: every function of the registry in turn is called with columns, constants and other calls, up to three levels deep. Values must have
/// PostgreSQL's text; where a row fails it must fail in both, with the same SQLSTATE. A wrong expression is cut down to the
/// smallest part of it that is wrong. Coverage is counted: each function must have given values that are not NULL.
@Suite("Expressions against PostgreSQL")
struct ExpressionOracleTests {
    static let count = OracleScale.count("ORACLE_EXPRESSIONS", quick: 4_000, full: 100_000)
    /// Each function's calls that gave a value; the full run has enough draws for it.
    static let exercisedMin = OracleScale.isFull ? 20 : 0
    @Test("values, errors and coverage")
    func equal() throws {
        let seed = OracleScale.seed
        print("expressions: \(Self.count) from seed \(seed)")
        var generator = ExpressionGenerator(seed: seed)
        let engines = try ExpressionEngines(seed: seed)
        let functions = generator.functions
        var exercised: [String: Int] = [:]
        var failures: [String: String] = [:]
        for position in 0..<Self.count {
            let expression = generator.call(functions[position % functions.count], depth: 1 + generator.rng.below(3))
            let key = expression.key ?? ""
            switch engines.compare(expression) {
            case .equal(let hasValues): exercised[key, default: 0] += hasValues ? 1 : 0
            case .different:
                let (part, text) = engines.smallest(expression)
                failures[part.key ?? key, default: text] = text
            }
        }
        for (key, text) in failures.sorted(by: { $0.key < $1.key }) { Issue.record("\(key): \(text)") }
        let rare = functions.map(\.key).filter {
            (exercised[$0] ?? 0) < Self.exercisedMin && !Self.valueless.contains($0)
        }
        #expect(rare.isEmpty, "seldom exercised: \(rare)")
    }

    /// Functions whose every value is NULL or an error.
    static let valueless: Set<String> = []
}

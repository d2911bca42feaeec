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
    static let count = OracleScale.count("ORACLE_EXPRESSIONS", quick: 8_000, full: 100_000)
    /// Each function's calls that gave a value.
    static let exercisedMin = OracleScale.isFull ? 20 : 1
    /// More calls that a function may have, beyond its turns, until it has given so many.
    static let drawsMax = 30 * exercisedMin
    @Test("values, errors and coverage")
    func equal() throws {
        let seed = OracleScale.seed
        print("expressions: \(Self.count) from seed \(seed)")
        var generator = ExpressionGenerator(seed: seed)
        let engines = try ExpressionEngines(seed: seed)
        let functions = generator.functions
        var exercised: [String: Int] = [:]
        var failures: [String: String] = [:]
        func check(_ function: ScalarFunction) {
            let expression = generator.call(function, depth: 1 + generator.rng.below(3))
            let key = function.key
            switch engines.compare(expression) {
            case .equal(let hasValues): exercised[key, default: 0] += hasValues ? 1 : 0
            case .different:
                let (part, text) = engines.smallest(expression)
                failures[part.key ?? key, default: text] = text
            }
        }
        for position in 0..<Self.count { check(functions[position % functions.count]) }
        for function in functions where !Self.isValueless(function) {
            var draws = 0
            while exercised[function.key, default: 0] < Self.exercisedMin, draws < Self.drawsMax {
                check(function)
                draws += 1
            }
        }
        for (key, text) in failures.sorted(by: { $0.key < $1.key }) { Issue.record("\(key): \(text)") }
        let rare = functions.filter { exercised[$0.key, default: 0] < Self.exercisedMin && !Self.isValueless($0) }
        #expect(rare.isEmpty, "seldom exercised: \(rare.map(\.key))")
    }

    /// Signatures whose every answer is an error: an object of an odd number of keys and values, or whose keys are documents.
    private static func isValueless(_ function: ScalarFunction) -> Bool {
        function.name == "jsonb_build_object"
            && (function.arguments.count % 2 == 1 || function.arguments.first == .jsonb)
    }
}

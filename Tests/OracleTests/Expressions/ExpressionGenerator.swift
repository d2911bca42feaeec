import Dataflow

/// A random expression as a tree, so that a wrong one can be cut down to the part that is wrong.
struct GeneratedExpression {
    var sql: String
    /// Of what it calls at its top: a function's key; nil for a column or a constant.
    var key: String?
    var parts: [GeneratedExpression] = []

    /// Whether a function of the name is called anywhere in it.
    func calls(_ name: String) -> Bool {
        key?.hasPrefix("\(name)(") == true || parts.contains { $0.calls(name) }
    }
}

/// Calls of the registry's functions with columns of ``ExpressionValues``, constants and other calls as arguments.
struct ExpressionGenerator {
    var rng: SeededGenerator
    /// Functions that can be written in SQL and whose arguments there are values for, by the type of their result.
    private let byResult: [String: [ScalarFunction]]
    let functions: [ScalarFunction]

    init(seed: UInt64) {
        rng = SeededGenerator(seed: seed)
        functions = ExpressionSignatures.all
        byResult = Dictionary(grouping: functions) { $0.result.name }
    }

    mutating func call(_ function: ScalarFunction, depth: Int) -> GeneratedExpression {
        let parts = function.arguments.enumerated().map { position, type in
            argument(of: function, position, type.name, depth: depth - 1)
        }
        return GeneratedExpression(
            sql: ExpressionSignatures.text(function, parts.map(\.sql)), key: function.key, parts: parts)
    }

    private mutating func argument(of function: ScalarFunction, _ position: Int, _ type: String, depth: Int)
        -> GeneratedExpression
    {
        if let words = ArgumentWords.of(function.name, position, function.arguments.map(\.name)) {
            let word = rng.pick(words)
            // PostgreSQL's type of a path is one of its own, which an untyped constant becomes.
            let isPath = function.name.hasPrefix("jsonb_path_") || ["@?", "@@"].contains(function.name)
            return GeneratedExpression(
                sql: isPath && position == 1 ? SQLTypes.quoted(word) : SQLTypes.literal(word, type))
        }
        if function.name.hasPrefix("cast_"), ["text", "character"].contains(type), rng.chance(60),
            let texts = ExpressionValues.texts(of: function.result)
        {
            return GeneratedExpression(sql: SQLTypes.literal(rng.pick(texts), type))
        }
        if depth > 0, rng.chance(30), let functions = byResult[type], !functions.isEmpty {
            return call(rng.pick(functions), depth: depth)
        }
        if rng.chance(25) {
            return GeneratedExpression(sql: SQLTypes.literal(rng.pick(ExpressionValues.values[type] ?? ["0"]), type))
        }
        return GeneratedExpression(sql: ExpressionValues.columns[type] ?? "NULL")
    }
}

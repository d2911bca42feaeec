import Dataflow

/// The signatures that expressions call: every function of the registry, and each template made for the types that it takes.
enum ExpressionSignatures {
    static let all: [ScalarFunction] =
        FunctionRegistry.all.filter { !internalNames.contains($0.name) && isWritable($0) }
        + FunctionRegistry.templates.flatMap(made)

    /// What SQL reaches by other ways only: windows in FROM, and checks that sub-queries put in.
    static let internalNames: Set<String> = ["tumble_start", "tumble_end", "single_row", "row_check"]

    /// The types that templates are made for: arrays of them are columns, too.
    private static let elements: [DataType] = [
        .integer, .bigint, .numeric, .double, .boolean, .text, .jsonb, .date, .timestamp, .uuid,
    ].filter { hasColumn($0) && hasColumn(.array(of: $0)) }

    private static func hasColumn(_ type: DataType) -> Bool { ExpressionValues.columns[type.name] != nil }

    private static func isWritable(_ function: ScalarFunction) -> Bool { function.arguments.allSatisfy(hasColumn) }

    private static func made(_ template: FunctionTemplate) -> [ScalarFunction] {
        let isQuantified = template.name.hasSuffix(" any") || template.name.hasSuffix(" all")
        var seen: Set<String> = []
        return elements.flatMap { element -> [[DataType]] in
            let repeated = template.isVariadic ? template.variadicMin...(template.variadicMin + 1) : 0...0
            return repeated.flatMap { count in
                var parameters = template.parameters
                if template.isVariadic, let last = parameters.popLast() {
                    parameters += [FunctionTemplate.Parameter](repeating: last, count: count)
                }
                let types = parameters.map { parameter in
                    switch parameter {
                    case .type(let type): type
                    case .any, .element: element
                    case .array: DataType.array(of: element)
                    }
                }
                guard isQuantified else { return [types] }
                return elements.map { [element, .array(of: $0)] }
            }
        }
        .compactMap(template.make)
        .filter { isWritable($0) && seen.insert($0.key).inserted }
    }

    /// How SQL writes a call; `arguments` are whole expressions.
    static func text(_ function: ScalarFunction, _ arguments: [String]) -> String {
        let name = function.name
        func list(_ items: some Sequence<String>) -> String { items.joined(separator: ", ") }
        switch name {
        case "{}": return "ARRAY[\(list(arguments))]"
        case "[]": return "(\(arguments[0]))[\(arguments[1])]"
        case "[:]": return "(\(arguments[0]))[\(arguments[1]):\(arguments[2])]"
        case "position": return "position(\(arguments[0]) IN \(arguments[1]))"
        case "extract": return "extract(\(word(arguments[0])) FROM \(arguments[1]))"
        case "is_distinct": return "(\(arguments[0]) IS DISTINCT FROM \(arguments[1]))"
        case "cast_length", "cast_fraction", "cast_fields", "numeric_scale":
            let cast = "CAST(\(arguments[0]) AS \(modified(function, arguments.dropFirst().map(word))))"
            // PostgreSQL's varchar[] has no operators with text[].
            return function.result == .array(of: .text) ? "\(cast)::text[]" : cast
        case _ where name.hasPrefix("cast_"): return "CAST(\(arguments[0]) AS \(SQLTypes.name(function.result.name)))"
        case _ where name.hasSuffix(" any") || name.hasSuffix(" all"):
            let quantifier = name.hasSuffix(" any") ? "ANY" : "ALL"
            return "(\(arguments[0]) \(name.dropLast(4)) \(quantifier) (\(arguments[1])))"
        case _ where name.first.map { $0.isLetter || $0 == "_" } == true: return "\(name)(\(list(arguments)))"
        case _ where arguments.count == 1: return "(\(name) \(arguments[0]))"
        default: return "(\(arguments[0]) \(name) \(arguments[1]))"
        }
    }

    /// What stands between the quotes of a constant.
    private static func word(_ constant: String) -> String { String(constant.components("'").dropFirst().first ?? "") }

    /// The type with its modifiers.
    private static func modified(_ function: ScalarFunction, _ values: [String]) -> String {
        let type = function.result
        let suffix = type.element == nil ? "" : "[]"
        let base = type.element ?? type
        switch (function.name, base) {
        case ("cast_fields", _):
            let fields = ["year", "month", "day", "hour", "minute", "second(\(values[1]))"]
            return "interval \(fields[Int(values[0]) ?? 0])\(suffix)"
        case ("numeric_scale", _): return "numeric(\(values[0]),\(values[1]))\(suffix)"
        case ("cast_length", .text): return "varchar(\(values[0]))\(suffix)"
        case ("cast_length", _): return "char(\(values[0]))\(suffix)"
        default:
            let words = base.name.split(separator: " ", maxSplits: 1)
            return "\(words[0])(\(values[0])) \(words.count > 1 ? words[1] : "")\(suffix)"
        }
    }
}

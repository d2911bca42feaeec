internal import Dataflow

/// Expressions as SQL, for EXPLAIN.
enum ExpressionText {
    static func describe(_ expression: Expression, _ names: [String]) -> String {
        text(expression, names, isNested: false)
    }

    private static func text(_ expression: Expression, _ names: [String], isNested: Bool) -> String {
        func inner(_ operand: Expression) -> String { text(operand, names, isNested: true) }
        func bracketed(_ text: String) -> String { isNested ? "(\(text))" : text }
        switch expression {
        case .column(let index, _): return index < names.count ? names[index] : "#\(index)"
        case .literal(let datum, let type): return literal(datum, type)
        case .call(let key, let operands, let type):
            let name = String(key.prefix { $0 != "(" })
            if name.hasPrefix("cast_") { return "\(inner(operands[0]))::\(type.name)" }
            let list = { operands.map { text($0, names, isNested: false) }.joined(separator: ", ") }
            switch name {
            case "{}": return "ARRAY[\(list())]"
            case "[]": return "\(inner(operands[0]))[\(text(operands[1], names, isNested: false))]"
            case "[:]":
                let bounds = operands.dropFirst().map { text($0, names, isNested: false) }
                return "\(inner(operands[0]))[\(bounds.joined(separator: ":"))]"
            case _ where name.hasSuffix(" any") || name.hasSuffix(" all"):
                let quantifier = "\(name.dropLast(3))\(name.suffix(3).uppercased())"
                return bracketed("\(inner(operands[0])) \(quantifier) (\(text(operands[1], names, isNested: false)))")
            default: break
            }
            if name.first?.isLetter == true {
                return "\(name)(\(operands.map { text($0, names, isNested: false) }.joined(separator: ", ")))"
            }
            return operands.count == 1
                ? "\(name)\(inner(operands[0]))" : bracketed("\(inner(operands[0])) \(name) \(inner(operands[1]))")
        case .and(let operands): return bracketed(operands.map(inner).joined(separator: " AND "))
        case .or(let operands): return bracketed(operands.map(inner).joined(separator: " OR "))
        case .not(.isNull(let operand)): return bracketed("\(inner(operand)) IS NOT NULL")
        case .not(let operand): return bracketed("NOT \(inner(operand))")
        case .isNull(let operand): return bracketed("\(inner(operand)) IS NULL")
        case .coalesce(let operands, _):
            return "coalesce(\(operands.map { text($0, names, isNested: false) }.joined(separator: ", ")))"
        case .branches(let branches, let otherwise, _):
            let cases = branches.map {
                "WHEN \(text($0.condition, names, isNested: false)) THEN \(text($0.value, names, isNested: false))"
            }
            return "CASE \(cases.joined(separator: " ")) ELSE \(text(otherwise, names, isNested: false)) END"
        }
    }

    private static func literal(_ datum: Datum, _ type: DataType) -> String {
        switch datum {
        case .null: "NULL"
        case .boolean(let value): value ? "true" : "false"
        case .smallint, .integer, .bigint, .numeric, .real, .double: TextFormat.string(datum)
        default: quoted(TextFormat.string(datum))
        }
    }

    private static func quoted(_ text: String) -> String {
        "'\(text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''"))'"
    }
}

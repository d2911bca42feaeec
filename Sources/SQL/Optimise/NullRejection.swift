internal import Dataflow

/// Says of a condition that it is not true where some columns are NULL, as far as that is easily seen.
enum NullRejection {
    private enum Value { case null, notTrue, unknown }

    static func isNeverTrue(_ condition: Expression, whereNull columns: Set<Int>) -> Bool {
        value(condition, columns) != .unknown
    }

    private static func value(_ expression: Expression, _ columns: Set<Int>) -> Value {
        switch expression {
        case .column(let index, _): return columns.contains(index) ? .null : .unknown
        case .literal(.null, _): return .null
        case .literal(.boolean(false), _): return .notTrue
        case .literal: return .unknown
        case .call(let key, let operands, _):
            guard FunctionRegistry.function(key: key)?.isStrict == true else { return .unknown }
            return operands.contains { value($0, columns) == .null } ? .null : .unknown
        case .and(let operands): return operands.contains { value($0, columns) != .unknown } ? .notTrue : .unknown
        case .or(let operands): return operands.allSatisfy { value($0, columns) != .unknown } ? .notTrue : .unknown
        case .not(let operand): return value(operand, columns) == .null ? .null : .unknown
        case .coalesce(let operands, _): return operands.allSatisfy { value($0, columns) == .null } ? .null : .unknown
        case .isNull, .branches: return .unknown
        }
    }
}

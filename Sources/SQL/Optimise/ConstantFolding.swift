internal import Dataflow

/// Rule: a call of constants is its value; logic with a deciding constant is decided.
///
/// A call that fails stays as it is, so that the error belongs to the rows that meet it.
enum ConstantFolding {
    /// Folds one operation whose operands are folded already.
    static func fold(_ expression: Expression) -> Expression {
        switch expression {
        case .column, .literal: return expression
        case .call(_, let arguments, _):
            guard arguments.allSatisfy({ $0.literalValue != nil }) else { return expression }
            return evaluate(expression) ?? expression
        case .not(let operand):
            if case .literal(.boolean(let value), _) = operand { return .literal(.boolean(!value), type: .boolean) }
            return operand.literalValue == .null ? .literal(.null, type: .boolean) : expression
        case .isNull(let operand):
            return operand.literalValue.map { .literal(.boolean($0.isNull), type: .boolean) } ?? expression
        case .and(let operands): return logic(operands, deciding: false)
        case .or(let operands): return logic(operands, deciding: true)
        case .coalesce(let operands, let type):
            var kept: [Expression] = []
            for operand in operands where operand.literalValue != .null {
                kept.append(operand)
                if operand.literalValue != nil { break }
            }
            if kept.isEmpty { return .literal(.null, type: type) }
            return kept.count == 1 ? kept[0] : .coalesce(kept, type: type)
        case .branches(let branches, let otherwise, let type):
            var kept: [Expression.Branch] = []
            for branch in branches {
                if branch.condition.literalValue == .boolean(true) {
                    return kept.isEmpty ? branch.value : .branches(kept, otherwise: branch.value, type: type)
                }
                if branch.condition.literalValue == nil { kept.append(branch) }
            }
            return kept.isEmpty ? otherwise : .branches(kept, otherwise: otherwise, type: type)
        }
    }

    /// Folds a whole tree.
    static func foldAll(_ expression: Expression) -> Expression {
        let children = expression.children
        return children.isEmpty ? expression : fold(expression.with(children: children.map(foldAll)))
    }

    /// The value of an expression without columns; nil if it fails.
    static func evaluate(_ expression: Expression) -> Expression? {
        switch value(of: expression) {
        case .success(let datum): .literal(datum, type: expression.type)
        case .failure: nil
        }
    }

    /// Computes an expression without columns; one with columns fails.
    static func value(of expression: Expression) -> Result<Datum, RowError> {
        if let datum = expression.literalValue { return .success(datum) }
        guard expression.columnsUsed.isEmpty else {
            return .failure(
                RowError(row: 0, code: "0A000", message: "an expression that is not a constant is not supported"))
        }
        do throws(GraphError) {
            var errors: [RowError] = []
            let column = try CompiledExpression(expression).evaluate([], count: 1, errors: &errors)
            if let error = errors.first { return .failure(error) }
            return .success(column.datum(at: 0))
        } catch {
            return .failure(RowError(row: 0, code: "XX000", message: error.message))
        }
    }

    private static func logic(_ operands: [Expression], deciding: Bool) -> Expression {
        var kept: [Expression] = []
        for operand in operands {
            // A deciding operand hides the errors behind it, not those before it.
            if operand.literalValue == .boolean(deciding) {
                if kept.isEmpty { return operand }
                kept.append(operand)
                break
            }
            if operand.literalValue == .boolean(!deciding) { continue }
            kept.append(operand)
        }
        if kept.isEmpty { return .literal(.boolean(!deciding), type: .boolean) }
        if kept.count == 1 { return kept[0] }
        return deciding ? .or(kept) : .and(kept)
    }
}

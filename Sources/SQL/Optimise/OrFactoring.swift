internal import Dataflow

/// Rule: what all alternatives demand is demanded once: `a AND b OR a AND c` is `a AND (b OR c)`, so that `a` may become a join's key
/// or go below.
///
/// Both forms have the same value; the second meets no error that the first does not, since `a` is checked first in all alternatives
/// or cannot fail.
enum OrFactoring {
    static func apply(_ condition: Expression) -> Expression {
        guard case .or(let alternatives) = condition else {
            guard case .and(let operands) = condition else { return condition }
            return .and(operands.map(apply))
        }
        let lists = alternatives.map { apply($0).conjuncts }
        let common = lists[0].filter { conjunct in
            canMove(conjunct) && lists.allSatisfy { $0.contains(conjunct) }
        }
        guard !common.isEmpty else { return condition }
        let rest = lists.map { list in list.filter { !common.contains($0) } }
        if rest.contains(where: \.isEmpty) { return Plan.conjunction(common) ?? condition }
        return .and(common + [.or(rest.map { Plan.conjunction($0) ?? .literal(.boolean(true), type: .boolean) })])
    }

    /// Comparisons of columns and constants do not fail.
    static func canMove(_ expression: Expression) -> Bool {
        switch expression {
        case .column, .literal: true
        case .call(let key, let operands, _):
            key.first?.isLetter != true && comparisons.contains(String(key.prefix { $0 != "(" }))
                && operands.allSatisfy(canMove)
        case .and(let operands), .or(let operands): operands.allSatisfy(canMove)
        case .not(let operand), .isNull(let operand): canMove(operand)
        case .branches, .coalesce: false
        }
    }

    private static let comparisons: Set<String> = ["=", "<>", "<", "<=", ">", ">="]
}

internal import Dataflow

/// Checks that every expression of a plan reads columns that its input has.
///
/// While a query is bound, aggregates, windows, sets, sub-queries and outer columns stand in expressions as columns of high numbers, and
/// each has to be put in before the plan is lowered. Where one can stand that no rule puts in, it is refused here, by name.
enum PlanCheck {
    /// `binder` is that of the SELECT that the plan is of; nil for a whole query, where no outer column may be left.
    static func check(_ plan: Plan, _ binder: ExpressionBinder?) throws(Failure) {
        _ = try width(plan, binder)
    }

    private static func width(_ plan: Plan, _ binder: ExpressionBinder?) throws(Failure) -> Int {
        switch plan {
        case .leaf(let leaf): return leaf.types.count
        case .values(_, let types): return types.count
        case .filter(let input, let condition):
            let count = try width(input, binder)
            try check([condition], count, binder)
            return count
        case .project(let input, let expressions):
            try check(expressions, try width(input, binder), binder)
            return expressions.count
        case .cross(let left, let right, _): return try width(left, binder) + width(right, binder)
        case .join(let left, let right, let join):
            let own = try width(left, binder)
            let count = try own + width(right, binder)
            if let condition = join.condition { try check([condition], count, binder) }
            return join.kind.isWide ? count : own
        case .aggregate(let input, let groupBy, let calls):
            _ = try width(input, binder)
            return groupBy.count + calls.count
        case .rowNumber(let input, _, _, _): return try width(input, binder) + 1
        case .topN(let input, _, _, _, let emitsRowNumber): return try width(input, binder) + (emitsRowNumber ? 1 : 0)
        case .unionAll(let inputs):
            var count = 0
            for input in inputs { count = try width(input, binder) }
            return count
        case .repeated(let input): return try width(input, binder) - 1
        // Checked where it was bound.
        case .shared(let input): return input.types.count
        case .analytic(let input, let analytic):
            let count = try width(input, binder)
            if case .expand(let expand) = analytic {
                try check(expand.functions.flatMap(\.arguments), count, binder)
            }
            return plan.types.count
        }
    }

    private static func check(_ expressions: [Expression], _ count: Int, _ binder: ExpressionBinder?) throws(Failure) {
        for expression in expressions {
            for column in expression.columnsUsed where column < 0 || column >= count {
                if binder != nil, ExpressionBinder.isOuter(column) { continue }
                throw stray(column, binder)
            }
        }
    }

    private static func stray(_ column: Int, _ binder: ExpressionBinder?) -> Failure {
        if ExpressionBinder.isSubquery(column) {
            let uses = binder?.subqueries ?? []
            let number = column - ExpressionBinder.subqueryBase
            return .unsupported(
                "a sub-query in this place", at: uses.indices.contains(number) ? uses[number].location : nil)
        }
        if ExpressionBinder.isOuter(column) {
            return .unsupported("an outer column in this place of a sub-query", at: nil)
        }
        if ExpressionBinder.isSet(column) {
            return .unsupported("a function that returns a set in this place", at: nil)
        }
        if ExpressionBinder.isWindow(column) {
            let uses = binder?.windows ?? []
            let number = column - ExpressionBinder.windowBase
            return .unsupported(
                "a window function in this place", at: uses.indices.contains(number) ? uses[number].location : nil)
        }
        return .unsupported("this expression in this place", at: nil)
    }
}

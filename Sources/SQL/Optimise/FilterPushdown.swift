internal import Dataflow

/// Rule: a condition is checked as early as its columns are there. On the way a bound on a row number makes a top-n
/// (``RowNumberBound``), and equalities over a product make a join (``JoinKeys``).
enum FilterPushdown {
    static func apply(_ plan: Plan) throws(Failure) -> Plan { try push([], into: plan) }

    /// The plan with `conditions`, in order, at the lowest places they can have. An earlier one that is false hides the
    /// errors of those behind it, so their order is kept.
    static func push(_ conditions: [Expression], into plan: Plan) throws(Failure) -> Plan {
        switch plan {
        case .leaf, .values: return .filtered(plan, conditions)
        case .filter(let input, let condition):
            return try push(OrFactoring.apply(condition).conjuncts + conditions, into: input)
        case .project(let input, let expressions):
            let moved = conditions.flatMap { ConstantFolding.foldAll($0.substituting(expressions)).conjuncts }
            return .project(try push(moved, into: input), expressions)
        case .cross: return try JoinKeys.join(plan, conditions)
        case .join(let left, let right, let join): return try JoinPushdown.push(conditions, left, right, join)
        case .repeated(let input): return .repeated(try push(conditions, into: input))
        case .shared(let input): return .filtered(.shared(try push([], into: input)), conditions)
        case .aggregate(let input, let groupBy, let calls):
            let types = input.types
            let (below, above) = split(conditions) {
                $0.columnsUsed.allSatisfy { $0 < groupBy.count } && !groupBy.isEmpty
            }
            let moved = below.map { $0.substituting(groupBy.map { .column($0, type: types[$0]) }) }
            return .filtered(.aggregate(try push(moved, into: input), groupBy: groupBy, calls: calls), above)
        case .rowNumber(let input, let partitionBy, let orderBy, let location):
            let (below, above) = split(conditions) {
                $0.columnsUsed.isSubset(of: partitionBy) && !$0.columnsUsed.isEmpty
            }
            return RowNumberBound.apply(
                try push(below, into: input), partitionBy: partitionBy, orderBy: orderBy, location: location,
                conditions: above)
        case .topN(let input, let partitionBy, let orderBy, let limit, let emitsRowNumber):
            let (below, above) = split(conditions) {
                $0.columnsUsed.isSubset(of: partitionBy) && !$0.columnsUsed.isEmpty
            }
            return .filtered(
                .topN(
                    try push(below, into: input), partitionBy: partitionBy, orderBy: orderBy, limit: limit,
                    emitsRowNumber: emitsRowNumber), above)
        case .unionAll(let inputs):
            var pushed: [Plan] = []
            for input in inputs { pushed.append(try push(conditions, into: input)) }
            return .unionAll(pushed)
        case .analytic(let input, let analytic): return try push(conditions, into: input, below: analytic)
        }
    }

    private static func push(_ conditions: [Expression], into input: Plan, below analytic: Analytic) throws(Failure)
        -> Plan
    {
        let count = input.types.count
        let (below, above) = split(conditions) { analytic.isBelow($0, inputCount: count) }
        let pushed = try push(below, into: input)
        if case .over(let over) = analytic, let top = RowNumberBound.apply(pushed, over, conditions: above) {
            return top
        }
        return .filtered(.analytic(pushed, analytic), above)
    }

    private static func split(
        _ conditions: [Expression], _ isBelow: (Expression) -> Bool
    ) -> (below: [Expression], above: [Expression]) {
        (conditions.filter(isBelow), conditions.filter { !isBelow($0) })
    }
}

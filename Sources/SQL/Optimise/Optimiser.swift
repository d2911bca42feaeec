internal import Dataflow

/// The rules, in the order in which they run: each is a function from a plan to an equal plan.
enum Optimiser {
    static func optimise(_ plan: Plan, for mode: QueryBinder.Mode) throws(Failure) -> Plan {
        var plan = SharedPlans.apply(plan)
        plan = try FilterPushdown.apply(plan)
        plan = try ProductRule.apply(plan, mode)
        plan = GroupKeyReduction.apply(plan)
        plan = ColumnPruning.apply(plan)
        plan = ProjectMerge.apply(plan)
        return try UnboundedRowNumber.apply(plan, mode)
    }
}

/// Rule: a row number that nothing bounds is a top-n of all rows in a query, and refused in a view, where every change would
/// number the rows behind it anew.
enum UnboundedRowNumber {
    static func apply(_ plan: Plan, _ mode: QueryBinder.Mode) throws(Failure) -> Plan {
        var inputs: [Plan] = []
        for input in plan.inputs { inputs.append(try apply(input, mode)) }
        guard case .rowNumber(_, let partitionBy, let orderBy, let location) = plan else {
            return plan.with(inputs: inputs)
        }
        guard mode == .adHoc else {
            throw .unsupported(
                "row_number() without a bound", at: location,
                hint:
                    "Keep the first rows in an outer query: SELECT … FROM (SELECT …, row_number() OVER (…) AS rn …) WHERE rn <= 10."
            )
        }
        return .topN(inputs[0], partitionBy: partitionBy, orderBy: orderBy, limit: .max, emitsRowNumber: true)
    }
}

extension Plan {
    var inputs: [Plan] {
        switch self {
        case .leaf, .values: []
        case .filter(let input, _), .project(let input, _), .aggregate(let input, _, _), .rowNumber(let input, _, _, _),
            .topN(let input, _, _, _, _), .repeated(let input), .shared(let input):
            [input]
        case .cross(let left, let right, _), .join(let left, let right, _): [left, right]
        case .unionAll(let inputs): inputs
        }
    }

    /// The same operation over other inputs.
    func with(inputs: [Plan]) -> Plan {
        switch self {
        case .leaf, .values: self
        case .filter(_, let condition): .filter(inputs[0], condition)
        case .project(_, let expressions): .project(inputs[0], expressions)
        case .cross(_, _, let location): .cross(inputs[0], inputs[1], location: location)
        case .join(_, _, let join): .join(inputs[0], inputs[1], join)
        case .repeated: .repeated(inputs[0])
        case .shared: .shared(inputs[0])
        case .aggregate(_, let groupBy, let calls): .aggregate(inputs[0], groupBy: groupBy, calls: calls)
        case .rowNumber(_, let partitionBy, let orderBy, let location):
            .rowNumber(inputs[0], partitionBy: partitionBy, orderBy: orderBy, location: location)
        case .topN(_, let partitionBy, let orderBy, let limit, let emitsRowNumber):
            .topN(inputs[0], partitionBy: partitionBy, orderBy: orderBy, limit: limit, emitsRowNumber: emitsRowNumber)
        case .unionAll: .unionAll(inputs)
        }
    }
}

internal import Dataflow

/// The rules, in the order in which they run: each is a function from a plan to an equal plan.
enum Optimiser {
    static func optimise(_ plan: Plan, for mode: QueryBinder.Mode) throws(Failure) -> Plan {
        var plan = SharedPlans.apply(plan)
        plan = try FilterPushdown.apply(plan)
        plan = try ProductRule.apply(plan, mode)
        if mode == .maintained { plan = try TemporalFilters.apply(plan) }
        plan = GroupKeyReduction.apply(plan)
        plan = ColumnPruning.apply(plan)
        plan = ProjectMerge.apply(plan)
        return SessionGroups.apply(UnboundedRowNumber.apply(plan))
    }
}

/// Rule: a row number that nothing bounds is a window function like any other.
enum UnboundedRowNumber {
    static func apply(_ plan: Plan) -> Plan {
        let inputs = plan.inputs.map(apply)
        guard case .rowNumber(_, let partitionBy, let orderBy, _) = plan else { return plan.with(inputs: inputs) }
        let call = OverCall(function: .rowNumber, arguments: [], frame: .standard, type: .bigint)
        return .analytic(
            inputs[0], .over(OperatorKind.Over(partitionBy: partitionBy, orderBy: orderBy, calls: [call])))
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
        case .analytic(let input, _): [input]
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
        case .analytic(_, let analytic): .analytic(inputs[0], analytic)
        }
    }
}

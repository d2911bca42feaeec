internal import Dataflow

/// Rule: a window's end in GROUP BY says nothing that its start does not, so only the start is a key: smaller keys, and
/// rows partitioned by it need no second exchange. The end is computed from the start afterwards.
enum GroupKeyReduction {
    static func apply(_ plan: Plan) -> Plan {
        let plan = plan.with(inputs: plan.inputs.map(apply))
        guard case .aggregate(let input, let groupBy, let calls) = plan, groupBy.count > 1 else { return plan }
        let origins = groupBy.map { origin(of: $0, in: input) }
        // For each end, the key that is the start of the same window.
        var starts: [Int: (key: Int, size: Expression)] = [:]
        for (index, origin) in origins.enumerated() {
            guard case .call(let name, let arguments, let type) = origin, name == "tumble_end(\(type.name),interval)"
            else { continue }
            let start = Expression.call("tumble_start(\(type.name),interval)", arguments, type: type)
            guard let key = origins.firstIndex(of: start) else { continue }
            starts[index] = (key, arguments[1])
        }
        guard !starts.isEmpty else { return plan }
        let kept = groupBy.indices.filter { starts[$0] == nil }
        let types = plan.types
        func place(_ key: Int) -> Expression { .column(kept.firstIndex(of: key) ?? 0, type: types[key]) }
        let keys = groupBy.indices.map { index in
            starts[index].map { start in
                let time = place(start.key)
                return Expression.call("+(\(time.type.name),interval)", [time, hours(start.size)], type: time.type)
            } ?? place(index)
        }
        let results = calls.indices.map { Expression.column(kept.count + $0, type: calls[$0].type) }
        return .project(.aggregate(input, groupBy: kept.map { groupBy[$0] }, calls: calls), keys + results)
    }

    /// A size's days as hours: a window's day is 24 of them, also of a time with a zone.
    private static func hours(_ size: Expression) -> Expression {
        guard case .literal(.interval(let interval), _) = size, interval.days != 0 else { return size }
        return .literal(.interval(Interval(microseconds: Int64(interval.span))), type: .interval)
    }

    /// What a column is computed as, in terms of the lowest plan that the chain of projections and filters reaches.
    private static func origin(of column: Int, in plan: Plan) -> Expression {
        var expression = Expression.column(column, type: plan.types[column])
        var current = plan
        while true {
            switch current {
            case .project(let input, let expressions):
                expression = expression.substituting(expressions)
                current = input
            case .filter(let input, _): current = input
            default: return expression
            }
        }
    }
}

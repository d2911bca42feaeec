internal import Dataflow

/// Rule: a window's end in GROUP BY says nothing that its start does not, so only the start is a key: smaller keys, and
/// rows partitioned by it need no second exchange. The end is computed from the start afterwards.
enum GroupKeyReduction {
    private static let start = "tumble_start(\(DataType.timestamp.name),interval)"
    private static let end = "tumble_end(\(DataType.timestamp.name),interval)"
    private static let plus = "+(\(DataType.timestamp.name),interval)"

    static func apply(_ plan: Plan) -> Plan {
        let plan = plan.with(inputs: plan.inputs.map(apply))
        guard case .aggregate(let input, let groupBy, let calls) = plan, groupBy.count > 1 else { return plan }
        let origins = groupBy.map { origin(of: $0, in: input) }
        // For each end, the key that is the start of the same window.
        var starts: [Int: (key: Int, size: Expression)] = [:]
        for (index, origin) in origins.enumerated() {
            guard case .call(end, let arguments, _) = origin else { continue }
            guard let key = origins.firstIndex(where: { $0 == .call(start, arguments, type: .timestamp) }) else {
                continue
            }
            starts[index] = (key, arguments[1])
        }
        guard !starts.isEmpty else { return plan }
        let kept = groupBy.indices.filter { starts[$0] == nil }
        let types = plan.types
        func place(_ key: Int) -> Expression { .column(kept.firstIndex(of: key) ?? 0, type: types[key]) }
        let keys = groupBy.indices.map { index in
            starts[index].map { Expression.call(plus, [place($0.key), $0.size], type: .timestamp) } ?? place(index)
        }
        let results = calls.indices.map { Expression.column(kept.count + $0, type: calls[$0].type) }
        return .project(.aggregate(input, groupBy: kept.map { groupBy[$0] }, calls: calls), keys + results)
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

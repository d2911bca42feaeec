internal import Dataflow

/// Rule: groups that are whole sessions are found by the session's start alone; its end is the last of the group's times plus the
/// gap. So the rows of a session need not be told again whenever it grows, and the group ends with the session.
enum SessionGroups {
    static func apply(_ plan: Plan) -> Plan {
        let plan = plan.with(inputs: plan.inputs.map(apply))
        guard case .aggregate(let input, let groupBy, let calls) = plan,
            case (.analytic(let source, .session(let session)), var expressions)? = parts(input)
        else { return plan }
        let (start, end) = (source.types.count, source.types.count + 1)
        let origins = groupBy.map { expressions[$0].columnIndex }
        guard origins.contains(start), session.partitionBy.allSatisfy({ origins.contains($0) }) else { return plan }
        // Nothing but the groups may need the end.
        let ends = groupBy.indices.filter { origins[$0] == end }
        let others = expressions.indices.filter {
            !groupBy.contains($0) || origins[groupBy.firstIndex(of: $0) ?? 0] != end
        }
        guard !others.contains(where: { expressions[$0].columnsUsed.contains(end) }) else { return plan }
        let type = source.types[session.time]
        expressions.append(.column(session.time, type: type))
        let dropped = Set(ends.map { groupBy[$0] })
        var place: [Int: Int] = [:]
        for index in expressions.indices where !dropped.contains(index) { place[index] = place.count }
        var narrow = session
        narrow.emitsEnd = false
        let kept = groupBy.indices.filter { !ends.contains($0) }
        let last = AggregateCall(function: .max, argument: expressions.count - 1, type: type)
        let aggregate = Plan.aggregate(
            .project(
                .analytic(source, .session(narrow)),
                expressions.indices.filter { !dropped.contains($0) }.map { expressions[$0] }),
            groupBy: kept.map { place[groupBy[$0]] ?? 0 },
            calls: (calls + [last]).map { $0.mappingColumns { place[$0] ?? 0 } })
        let types = aggregate.types
        let windowEnd = Expression.call(
            "+(\(type.name),interval)",
            [
                .column(types.count - 1, type: type),
                .literal(.interval(Interval(microseconds: session.gap)), type: .interval),
            ], type: type)
        let keys = groupBy.indices.map { index -> Expression in
            kept.firstIndex(of: index).map { .column($0, type: types[$0]) } ?? windowEnd
        }
        return .project(
            aggregate, keys + calls.indices.map { .column(kept.count + $0, type: calls[$0].type) })
    }

    /// A session and the expressions over it that the aggregate reads.
    private static func parts(_ input: Plan) -> (session: Plan, expressions: [Expression])? {
        switch input {
        case .project(.analytic(let source, .session(let session)), let expressions):
            (.analytic(source, .session(session)), expressions)
        case .analytic(_, .session): (input, input.columns)
        default: nil
        }
    }
}

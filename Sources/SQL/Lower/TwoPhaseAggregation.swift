internal import Dataflow

/// Rule: groups that are windows alone are few, and without GROUP BY there is one, so each worker aggregates its own rows first
/// and sends only the results.
///
/// Without it every row of a window would go to the one worker that owns the window. Sums of doubles are left out: they
/// must be rounded once.
enum TwoPhaseAggregation {
    static func applies(to input: Lowered, _ groupBy: [Int], _ calls: [AggregateCall]) -> Bool {
        !calls.isEmpty && Set(groupBy).isSubset(of: input.windowBounds)
            && calls.allSatisfy { call in
                switch call.function {
                case .min, .max, .boolAnd, .boolOr, .bitAnd, .bitOr: true
                case .bitXor: !call.isDistinct
                case .count: !call.isDistinct
                case .sum: !call.isDistinct && call.type != .double
                default: false
                }
            }
    }

    /// The call that puts partial results together, and whether its result has to be cast back to the call's type.
    static func final(_ call: AggregateCall, argument: Int) -> (call: AggregateCall, isCast: Bool) {
        switch call.function {
        case .count, .sum: (AggregateCall(function: .sum, argument: argument, type: .numeric), call.type != .numeric)
        default: (AggregateCall(function: call.function, argument: argument, type: call.type), false)
        }
    }
}

extension Lowering {
    func twoPhase(_ input: Lowered, _ groupBy: [Int], _ calls: [AggregateCall]) -> Lowered {
        let keys = Array(groupBy.indices)
        let partial = exchange(aggregated(input, groupBy, calls, phase: "partial"), keys)
        let finals = calls.indices.map { TwoPhaseAggregation.final(calls[$0], argument: keys.count + $0) }
        var result = aggregated(partial, keys, finals.map(\.call), phase: "final")
        guard finals.contains(where: \.isCast) else { return result }
        let expressions = calls.indices.map { index -> Expression in
            let column = Expression.column(keys.count + index, type: finals[index].call.type)
            guard finals[index].isCast else { return column }
            let type = calls[index].type
            let cast = Expression.call(Cast.functionName(to: type) + "(numeric)", [column], type: type)
            // A count of nothing is zero, but a sum of no counts is NULL.
            return calls[index].function == .count
                ? .coalesce([cast, .literal(.bigint(0), type: .bigint)], type: type) : cast
        }
        let types = keys.map { result.types[$0] } + expressions.map(\.type)
        let all = keys.map { Expression.column($0, type: types[$0]) } + expressions
        result.id = node(
            .project(all), [result.id], types,
            "Project: \(all.map { ExpressionText.describe($0, result.names) }.joined(separator: ", "))")
        result.types = types
        result.isNullable = keys.map { input.isNullable[groupBy[$0]] } + calls.map { $0.function != .count }
        return result
    }
}

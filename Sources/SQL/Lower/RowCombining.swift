internal import Dataflow

/// Rule: before an exchange by the keys of counts, sums and averages of integers, and of least and greatest ones of what only grows,
/// rows of frequent keys are put together: half of all rows on one key cost its worker a few rows per batch.
///
/// Other aggregates need their rows as they are; sums of numerics and doubles are rounded once, with the digits that all values have.
enum RowCombining {
    /// nil if a call needs its rows as they are.
    static func combine(_ input: Lowered, _ groupBy: [Int], _ calls: [AggregateCall]) -> OperatorKind.Combine? {
        combine(input.types, isAppendOnly: input.isAppendOnly, groupBy, calls)
    }

    static func combine(
        _ types: [DataType], isAppendOnly: Bool, _ groupBy: [Int], _ calls: [AggregateCall]
    ) -> OperatorKind.Combine? {
        var roles = [OperatorKind.Combine.Role](repeating: .ignored, count: types.count)
        for call in calls {
            guard !call.isDistinct, call.arguments.count <= 1, call.orderBy?.isEmpty ?? true else { return nil }
            if let filter = call.filter { roles[filter] = .kept }
            guard let argument = call.arguments.first else { continue }
            guard let role = role(of: call, types[argument], isAppendOnly: isAppendOnly),
                let both = merged(roles[argument], role)
            else { return nil }
            roles[argument] = both
        }
        for column in groupBy { roles[column] = .kept }
        return OperatorKind.Combine(roles: roles)
    }

    private static func role(
        of call: AggregateCall, _ type: DataType, isAppendOnly: Bool
    ) -> OperatorKind.Combine.Role? {
        switch (call.function, type) {
        case (.count, _): .presence
        case (.sum, .smallint), (.sum, .integer), (.sum, .bigint), (.avg, .smallint), (.avg, .integer), (.avg, .bigint):
            .sum
        case (.min, .smallint), (.min, .integer), (.min, .bigint), (.min, .date), (.min, .time), (.min, .timestamp),
            (.min, .timestamptz):
            isAppendOnly ? .least : nil
        case (.max, .smallint), (.max, .integer), (.max, .bigint), (.max, .date), (.max, .time), (.max, .timestamp),
            (.max, .timestamptz):
            isAppendOnly ? .greatest : nil
        default: nil
        }
    }

    /// What serves both uses of a column; nil if nothing does.
    static func merged(_ first: OperatorKind.Combine.Role, _ second: OperatorKind.Combine.Role)
        -> OperatorKind.Combine.Role?
    {
        switch (first, second) {
        case (.ignored, let other), (.presence, let other), (let other, .presence): other
        case (.kept, _): .kept
        default: first == second ? first : nil
        }
    }
}

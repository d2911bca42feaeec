internal import Dataflow

/// UNION, INTERSECT and EXCEPT.
extension QueryBinder {
    func set(_ operation: SetOperation, isAll: Bool, _ left: BoundQuery, _ right: BoundQuery) throws(Failure)
        -> BoundQuery
    {
        var (first, second) = try sameTypes(operation, left, right)
        first.orderBy = []
        let width = first.columns.count
        let all = Array(0..<width)
        switch (operation, isAll) {
        case (.union, true): first.plan = .unionAll(Self.parts(first.plan) + Self.parts(second.plan))
        case (.union, false):
            first.plan = .aggregate(
                .unionAll(Self.parts(first.plan, isDistinct: true) + Self.parts(second.plan, isDistinct: true)),
                groupBy: all, calls: [])
        case (.intersect, _), (.except, _):
            first.plan = Self.counted(operation, isAll: isAll, first.plan, second.plan, width)
        }
        if operation != .union {
            for index in first.columns.indices where operation == .intersect {
                // A row is in both.
                first.columns[index].isNullable = first.columns[index].isNullable && second.columns[index].isNullable
            }
        } else {
            for index in first.columns.indices where second.columns[index].isNullable {
                first.columns[index].isNullable = true
            }
        }
        return first
    }

    /// Both queries with the columns' common types.
    private func sameTypes(_ operation: SetOperation, _ left: BoundQuery, _ right: BoundQuery) throws(Failure) -> (
        BoundQuery, BoundQuery
    ) {
        var (first, second) = (left, right)
        let word = operation.rawValue
        guard first.columns.count == second.columns.count else {
            throw Failure(
                "42601", "each \(word) query must have the same number of columns", at: second.columns.first?.location)
        }
        var plans = [first.plan.columns, second.plan.columns]
        for index in first.columns.indices {
            let operands = zip(plans, [first, second]).map { plan, query in
                Self.open(plan[index], in: query, index)
            }
            let (values, type) = try Coercion.unify(operands, in: word)
            // An unknown literal is a constant column.
            plans[0][index] = values[0]
            plans[1][index] = values[1]
            first.columns[index].type = type
            second.columns[index].type = type
        }
        first.plan = .project(first.plan, Array(plans[0].prefix(first.columns.count)))
        second.plan = .project(second.plan, Array(plans[1].prefix(first.columns.count)))
        return (first, second)
    }

    /// A chain of unions is one; of a UNION without ALL, those in its operands make no difference.
    private static func parts(_ plan: Plan, isDistinct: Bool = false) -> [Plan] {
        guard case .project(let input, let expressions) = plan,
            expressions.map(\.columnIndex) == Array(input.types.indices)
        else { return [plan] }
        switch input {
        case .unionAll(let inputs): return inputs
        case .aggregate(.unionAll(let inputs), let groupBy, let calls)
        where isDistinct && calls.isEmpty && groupBy == Array(input.types.indices):
            return inputs
        default: return [plan]
        }
    }

    /// How often each row is in either query says how often it is in the result.
    private static func counted(_ operation: SetOperation, isAll: Bool, _ first: Plan, _ second: Plan, _ width: Int)
        -> Plan
    {
        let (yes, no) = (
            Expression.literal(.boolean(true), type: .boolean), Expression.literal(.boolean(false), type: .boolean)
        )
        let tagged = Plan.unionAll([
            .project(first, first.columns + [yes, no]), .project(second, second.columns + [no, yes]),
        ])
        let all = Array(0..<width)
        let calls = [width, width + 1].map { AggregateCall(function: .count, argument: nil, filter: $0, type: .bigint) }
        let grouped = Plan.aggregate(tagged, groupBy: all, calls: calls)
        let (own, other) = (Expression.column(width, type: .bigint), Expression.column(width + 1, type: .bigint))
        let zero = Expression.literal(.bigint(0), type: .bigint)
        func compare(_ symbol: String, _ a: Expression, _ b: Expression) -> Expression {
            .call("\(symbol)(bigint,bigint)", [a, b], type: .boolean)
        }
        let isIn = compare(">", own, zero)
        guard isAll else {
            let test = compare(operation == .intersect ? ">" : "=", other, zero)
            return .selecting(.filtered(grouped, [isIn, test]), all)
        }
        if operation == .intersect {
            let least = Expression.branches(
                [Expression.Branch(condition: compare("<", own, other), value: own)], otherwise: other, type: .bigint)
            let both = Plan.filtered(grouped, [isIn, compare(">", other, zero)])
            return .repeated(.project(both, both.columns.prefix(width) + [least]))
        }
        let more = Plan.filtered(grouped, [compare(">", own, other)])
        let rest = Expression.call("-(bigint,bigint)", [own, other], type: .bigint)
        return .repeated(.project(more, more.columns.prefix(width) + [rest]))
    }

    /// A column of an operand; one that is a quoted literal there has an open type.
    private static func open(_ column: Expression, in query: BoundQuery, _ index: Int) -> Bound {
        let location = query.columns[index].location
        if case .project(_, let expressions) = query.plan, query.openColumns.contains(index),
            let datum = expressions[index].literalValue
        {
            return Bound(expression: .literal(datum, type: .text), isUnknown: true, location: location)
        }
        return Bound(expression: column, location: location)
    }
}

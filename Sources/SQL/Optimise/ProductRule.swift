internal import Dataflow

/// Rule: what becomes of a join without an equality in a view, where the pairs of two growing sides would grow without bound.
///
/// - One side has at most one row: it is sent to all workers.
/// - A condition keeps two times within a span of each other: the span's windows become the key (``BandJoin``).
/// - No condition at all, `a CROSS JOIN b`: b must have one row, which is checked as the rows come. (Of an outer join the rows that were
///   kept would show meanwhile, without a partner.)
/// - Else it is refused. A query computes any product within its limits.
enum ProductRule {
    static func apply(_ plan: Plan, _ mode: QueryBinder.Mode) throws(Failure) -> Plan {
        guard mode == .maintained else { return plan }
        var inputs: [Plan] = []
        for input in plan.inputs { inputs.append(try apply(input, mode)) }
        let plan = plan.with(inputs: inputs)
        guard case .join(let left, var right, let join) = plan, join.leftKeys.isEmpty else { return plan }
        if right.isAtMostOneRow || left.isAtMostOneRow && join.kind != .semi && join.kind != .anti { return plan }
        if let banded = BandJoin.apply(left, right, join) { return banded }
        guard join.condition == nil, join.kind == .inner, join.location != Plan.unwritten else {
            throw .unsupported(
                "a join without an equality between its sides", at: join.location,
                hint:
                    "Add a condition such as a.id = b.id, bound it by time: a.ts BETWEEN b.ts AND b.ts + INTERVAL '1 minute', or join one row: (SELECT … LIMIT 1)."
            )
        }
        right = SingleRow.checked(
            right, message: "more than one row in a side of a CROSS JOIN that must have at most one")
        return .join(left, right, join)
    }
}

/// A plan of any rows as one of at most one: a second row is an error of the rows.
enum SingleRow {
    /// PostgreSQL's words for a scalar sub-query.
    static let subquery = "more than one row returned by a subquery used as an expression"

    /// The same columns; no row where there was none.
    static func checked(_ input: Plan, message: String) -> Plan {
        let width = input.types.count
        let groups = groups(input, by: [], values: Array(0..<width))
        let grouped = Plan.project(groups.plan, groups.values + [groups.rows])
        let count = Expression.column(width, type: .bigint)
        let isThere = Expression.call(">(bigint,bigint)", [count, .literal(.bigint(0), type: .bigint)], type: .boolean)
        // In the filter, which stays also where no column is asked for.
        return .selecting(.filter(grouped, .and([isThere, check(count, message: message)])), Array(0..<width))
    }

    static let functionKey = "single_row(bigint,text)"

    /// True of a number of rows up to one, NULL of none known; of more it is an error.
    static func check(_ rows: Expression, message: String) -> Expression {
        .call(functionKey, [rows, .literal(.text(message), type: .text)], type: .boolean)
    }

    /// A plan by groups before it is known which of them are asked for: the group columns come first.
    struct Groups {
        var plan: Plan
        /// The values of the group's only row, over the plan.
        var values: [Expression]
        var rows: Expression
    }

    static func groups(_ input: Plan, by groupBy: [Int], values: [Int]) -> Groups {
        let types = input.types
        // Types that have no least value travel as text.
        var columns = groupBy.map { Expression.column($0, type: types[$0]) }
        for value in values { columns.append(minimal(.column(value, type: types[value]))) }
        var calls = values.indices.map {
            AggregateCall(function: .min, argument: groupBy.count + $0, type: columns[groupBy.count + $0].type)
        }
        calls.append(AggregateCall(function: .count, argument: nil, type: .bigint))
        let aggregate = Plan.aggregate(
            .project(input, columns), groupBy: Array(groupBy.indices), calls: calls)
        return Groups(
            plan: aggregate,
            values: values.indices.map { index in
                original(.column(groupBy.count + index, type: calls[index].type), type: types[values[index]])
            }, rows: .column(groupBy.count + values.count, type: .bigint))
    }

    private static func hasLeast(_ type: DataType) -> Bool { type != .boolean }

    private static func minimal(_ value: Expression) -> Expression {
        guard !hasLeast(value.type), let cast = FunctionRegistry.cast(from: value.type, to: .text) else { return value }
        return .call(cast.functionKey, [value], type: .text)
    }

    private static func original(_ value: Expression, type: DataType) -> Expression {
        guard value.type != type, let cast = FunctionRegistry.cast(from: value.type, to: type) else { return value }
        return .call(cast.functionKey, [value], type: type)
    }
}

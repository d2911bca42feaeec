internal import Dataflow

/// Rule: `rn <= n`, `rn < n`, `n >= rn`, `rn = 1` or `rn BETWEEN 1 AND n` over a row number, a rank or a dense rank make it a top-n.
enum RowNumberBound {
    static func apply(
        _ input: Plan, partitionBy: [Int], orderBy: [SortKey], location: Int, conditions: [Expression]
    ) -> Plan {
        let (limit, kept) = split(conditions, on: input.types.count)
        guard let limit else {
            return .filtered(
                .rowNumber(input, partitionBy: partitionBy, orderBy: orderBy, location: location), conditions)
        }
        if limit <= 0 { return none(of: input) }
        return .filtered(
            .topN(input, partitionBy: partitionBy, orderBy: orderBy, limit: Int(clamping: limit), emitsRowNumber: true),
            kept)
    }

    /// The same over a rank or a dense rank; nil where there is another function or no bound.
    static func apply(_ input: Plan, _ over: OperatorKind.Over, conditions: [Expression]) -> Plan? {
        let ranking: OperatorKind.TopN.Ranking
        switch over.calls.map(\.function) {
        case [.rank]: ranking = .rank
        case [.denseRank]: ranking = .denseRank
        default: return nil
        }
        let (limit, kept) = split(conditions, on: input.types.count)
        guard let limit else { return nil }
        if limit <= 0 { return none(of: input) }
        let top = OperatorKind.TopN(
            partitionBy: over.partitionBy, orderBy: over.orderBy, limit: Int(clamping: limit), ranking: ranking,
            emitsRowNumber: true, inputIsAppendOnly: false)
        return .filtered(.analytic(input, .top(top)), kept)
    }

    private static func none(of input: Plan) -> Plan {
        .project(
            .filter(input, .literal(.boolean(false), type: .boolean)),
            input.columns + [.literal(.null, type: .bigint)])
    }

    /// The least bound on the number that the conditions hold, and those that say more.
    private static func split(_ conditions: [Expression], on number: Int) -> (limit: Int64?, kept: [Expression]) {
        var limit: Int64?
        var kept: [Expression] = []
        for condition in conditions {
            guard let bound = upperBound(of: condition, on: number) else {
                kept.append(condition)
                continue
            }
            limit = min(limit ?? .max, bound.limit)
            if !bound.isAll { kept.append(condition) }
        }
        return (limit, kept)
    }

    /// The largest row number that the condition lets through, and whether it lets through all up to it; nil if it is no bound.
    private static func upperBound(of condition: Expression, on number: Int) -> (limit: Int64, isAll: Bool)? {
        guard case .call(let key, let operands, _) = condition, operands.count == 2 else { return nil }
        let symbol = String(key.prefix { $0 != "(" })
        if operands[0].columnIndex == number, let value = integer(operands[1]) { return bound(symbol, value) }
        if operands[1].columnIndex == number, let value = integer(operands[0]) {
            let mirrored = ["<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="]
            return mirrored[symbol].flatMap { bound($0, value) }
        }
        return nil
    }

    private static func bound(_ symbol: String, _ value: Int64) -> (limit: Int64, isAll: Bool)? {
        switch symbol {
        case "<=": (value, true)
        case "<": (value == .min ? value : value - 1, true)
        case "=": (value, value == 1)
        default: nil
        }
    }

    private static func integer(_ expression: Expression) -> Int64? {
        if case .literal(.bigint(let value), _) = expression { return value }
        return nil
    }
}

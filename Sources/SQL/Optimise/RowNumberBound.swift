internal import Dataflow

/// Rule: `rn <= n`, `rn < n`, `n >= rn`, `rn = 1` or `rn BETWEEN 1 AND n` over a row number make it a top-n.
enum RowNumberBound {
    static func apply(
        _ input: Plan, partitionBy: [Int], orderBy: [SortKey], location: Int, conditions: [Expression]
    ) -> Plan {
        let number = input.types.count
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
        guard let limit else {
            return .filtered(
                .rowNumber(input, partitionBy: partitionBy, orderBy: orderBy, location: location), conditions)
        }
        if limit <= 0 {
            let none = Plan.filter(input, .literal(.boolean(false), type: .boolean))
            return .project(none, input.columns + [.literal(.null, type: .bigint)])
        }
        return .filtered(
            .topN(input, partitionBy: partitionBy, orderBy: orderBy, limit: Int(clamping: limit), emitsRowNumber: true),
            kept)
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

internal import Dataflow

/// Rule: a join on times that lie within a span of each other, such as `a.ts BETWEEN b.ts - INTERVAL '1 minute' AND b.ts`, is an
/// equi-join on windows of that span.
///
/// With `b.t + low <= a.t <= b.t + high`, a's window of size `high − low` holds one of the span's two ends or both, so each row of b
/// stands for the windows of both ends, once if they are the same one. The condition itself is still checked.
enum BandJoin {
    /// nil if the condition is no such span.
    static func apply(_ left: Plan, _ right: Plan, _ join: Plan.Join) -> Plan? {
        guard join.kind != .full else { return nil }
        let width = left.types.count
        var spans: [Pair: (low: Int64?, high: Int64?)] = [:]
        var order: [Pair] = []
        for condition in join.condition?.conjuncts ?? [] {
            guard let bound = bound(of: condition, width) else { continue }
            if spans[bound.pair] == nil { order.append(bound.pair) }
            var span = spans[bound.pair] ?? (nil, nil)
            if let low = bound.low { span.low = max(span.low ?? low, low) }
            if let high = bound.high { span.high = min(span.high ?? high, high) }
            spans[bound.pair] = span
        }
        for pair in order {
            guard let span = spans[pair], let low = span.low, let high = span.high, high >= low else { continue }
            return joined(left, right, join, pair, low, high)
        }
        return nil
    }

    /// Columns of the left and the right side.
    private struct Pair: Hashable {
        var left: Int
        var right: Int
        var type: DataType
    }

    private static func joined(
        _ left: Plan, _ right: Plan, _ join: Plan.Join, _ pair: Pair, _ low: Int64, _ high: Int64
    ) -> Plan {
        let size = Expression.literal(
            .interval(Interval(microseconds: max(high - low, 1))), type: .interval)
        func window(_ column: Int, moved: Int64) -> Expression {
            var time = Expression.column(column, type: pair.type)
            if moved != 0 {
                time = .call(
                    "+(\(pair.type.name),interval)",
                    [time, .literal(.interval(Interval(microseconds: moved)), type: .interval)], type: pair.type)
            }
            return .call("tumble_start(\(pair.type.name),interval)", [time, size], type: pair.type)
        }
        let (leftWidth, rightWidth) = (left.types.count, right.types.count)
        let (first, last) = (window(pair.right, moved: low), window(pair.right, moved: high))
        let differs = Expression.call(
            "<>(\(pair.type.name),\(pair.type.name))", [first, last], type: .boolean)
        let windows = Plan.unionAll([
            .project(right, right.columns + [first]), .project(.filter(right, differs), right.columns + [last]),
        ])
        var keyed = join
        keyed.leftKeys = [leftWidth]
        keyed.rightKeys = [rightWidth]
        func place(_ column: Int) -> Int { column < leftWidth ? column : column + 1 }
        keyed.condition = join.condition?.mappingColumns(place)
        let result = Plan.join(.project(left, left.columns + [window(pair.left, moved: 0)]), windows, keyed)
        let columns = join.kind.isWide ? leftWidth + rightWidth : leftWidth
        return .selecting(result, (0..<columns).map(place))
    }

    /// What a comparison says of `left − right` in microseconds.
    private static func bound(of condition: Expression, _ width: Int) -> (pair: Pair, low: Int64?, high: Int64?)? {
        guard case .call(let key, let operands, _) = condition, operands.count == 2,
            operands[0].type == operands[1].type, let first = time(operands[0]), let second = time(operands[1])
        else { return nil }
        let symbol = String(key.prefix { $0 != "(" })
        let isMirrored = first.column >= width
        let (own, other) = isMirrored ? (second, first) : (first, second)
        guard own.column < width, other.column >= width else { return nil }
        // own + a ? other + b is own − other ? b − a.
        let (distance, overflow) = other.offset.subtractingReportingOverflow(own.offset)
        guard !overflow, abs(distance) < .max / 4 else { return nil }
        let pair = Pair(left: own.column, right: other.column - width, type: operands[0].type)
        switch (symbol, isMirrored) {
        case ("<", false), (">", true): return (pair, nil, distance - 1)
        case ("<=", false), (">=", true): return (pair, nil, distance)
        case (">", false), ("<", true): return (pair, distance + 1, nil)
        case (">=", false), ("<=", true): return (pair, distance, nil)
        default: return nil
        }
    }

    /// A column of times, moved by a constant without months; nor days, where a zone's calendar may count them.
    private static func time(_ expression: Expression) -> (column: Int, offset: Int64)? {
        switch expression {
        case .column(let column, .timestamp), .column(let column, .timestamptz): return (column, 0)
        case .call(let key, let operands, let type) where operands.count == 2 && ClockTypes.all.contains(type):
            guard case .literal(.interval(let interval), _) = operands[1], interval.months == 0,
                type == .timestamp || interval.days == 0,
                let (column, offset) = time(operands[0])
            else { return nil }
            let days = Int64(interval.days) * Timestamp.microsecondsPerDay
            let (size, overflow) = days.addingReportingOverflow(interval.microseconds)
            if overflow || abs(size) > .max / 8 { return nil }
            switch key.prefix(while: { $0 != "(" }) {
            case "+": return (column, offset + size)
            case "-": return (column, offset - size)
            default: return nil
            }
        default: return nil
        }
    }
}

internal import Dataflow

/// Rule: conditions on the clock make a filter that rows enter and leave as it moves.
///
/// A condition compares the clock, moved by constants, with a time that the row has. AND may combine such conditions with others;
/// nothing else may name the clock, since a row would have to change with every tick.
enum TemporalFilters {
    static func apply(_ plan: Plan) throws(Failure) -> Plan {
        var inputs: [Plan] = []
        for input in plan.inputs { inputs.append(try apply(input)) }
        guard case .filter(_, let condition) = plan, condition.readsClock else { return plan.with(inputs: inputs) }
        let input = inputs[0]
        var kept: [Expression] = []
        var found: [(kind: OperatorKind.Temporal.Bound.Kind, time: Expression, offset: Int64)] = []
        for conjunct in condition.conjuncts {
            if conjunct.readsClock { found += try bounds(conjunct) } else { kept.append(conjunct) }
        }
        var columns = input.columns
        let bounds = found.map { bound in
            let column = columns.firstIndex(of: bound.time) ?? columns.count
            if column == columns.count { columns.append(bound.time) }
            return OperatorKind.Temporal.Bound(kind: bound.kind, column: column, offset: bound.offset)
        }
        let width = input.types.count
        let filtered = Plan.filtered(input, kept)
        let temporal = Plan.analytic(
            columns.count == width ? filtered : .project(filtered, columns),
            .temporal(OperatorKind.Temporal(bounds: bounds)))
        return .selecting(temporal, Array(0..<width))
    }

    static let hint =
        "A view may compare now() with a time of the row, alone or under AND: ts > now() - INTERVAL '1 hour'."

    private static func refusal(_ what: String) -> Failure { .unsupported(what, at: nil, hint: hint) }

    private static func bounds(_ condition: Expression) throws(Failure) -> [(
        kind: OperatorKind.Temporal.Bound.Kind, time: Expression, offset: Int64
    )] {
        guard case .call(let key, let operands, _) = condition, operands.count == 2 else {
            throw refusal("now() in this condition of a view")
        }
        var symbol = String(key.prefix { $0 != "(" })
        var (time, clock) = (operands[0], operands[1])
        if time.readsClock {
            guard let mirrored = ["<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="][symbol] else {
                throw refusal("now() with \(symbol) in a view")
            }
            (time, clock, symbol) = (clock, time, mirrored)
        }
        // now() - time < interval says the same as time > now() - interval.
        if case .literal(.interval(let age), _) = time, case .call(let minus, let difference, _) = clock,
            minus.hasPrefix("-("), difference.count == 2, difference[0].readsClock != difference[1].readsClock
        {
            let microseconds = try length(age)
            let isClockFirst = difference[0].readsClock
            (time, clock) = isClockFirst ? (difference[1], difference[0]) : (difference[0], difference[1])
            if isClockFirst {
                // age < clock - time: time < clock - age.
                return try bounds(symbol, time, clock, moved: -microseconds)
            }
            guard let mirrored = ["<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="][symbol] else {
                throw refusal("now() with \(symbol) in a view")
            }
            // age < time - clock: time > clock + age.
            return try bounds(mirrored, time, clock, moved: microseconds)
        }
        return try bounds(symbol, time, clock, moved: 0)
    }

    /// `time symbol clock + moved` as bounds on the clock.
    private static func bounds(_ symbol: String, _ time: Expression, _ clock: Expression, moved: Int64) throws(Failure)
        -> [(kind: OperatorKind.Temporal.Bound.Kind, time: Expression, offset: Int64)]
    {
        guard !time.readsClock, ClockTypes.all.contains(time.type) else {
            throw refusal("now() in this condition of a view")
        }
        let offset = -(try offset(clock) + moved)
        return switch symbol {
        case ">": [(.before, time, offset)]
        case ">=": [(.until, time, offset)]
        case "<": [(.after, time, offset)]
        case "<=": [(.from, time, offset)]
        case "=": [(.from, time, offset), (.until, time, offset)]
        default: throw refusal("now() with \(symbol) in a view")
        }
    }

    /// By how much an expression is ahead of the clock, in microseconds.
    private static func offset(_ clock: Expression) throws(Failure) -> Int64 {
        guard case .call(let key, let operands, _) = clock else { throw refusal("this use of now() in a view") }
        let name = String(key.prefix { $0 != "(" })
        switch (name, operands.count) {
        case ("now", 0): return 0
        case ("+", 2):
            if case .literal(.interval(let interval), _) = operands[1] {
                return try offset(operands[0]) + (try length(interval))
            }
            if case .literal(.interval(let interval), _) = operands[0] {
                return try offset(operands[1]) + (try length(interval))
            }
        case ("-", 2):
            if case .literal(.interval(let interval), _) = operands[1] {
                return try offset(operands[0]) - (try length(interval))
            }
        case ("cast_timestamp", 1), ("cast_timestamptz", 1):
            // The session's zone is UTC, so that both have the same microseconds.
            return try offset(operands[0])
        default: break
        }
        throw refusal("this use of now() in a view")
    }

    private static func length(_ interval: Interval) throws(Failure) -> Int64 {
        guard interval.months == 0, let span = Int64(exactly: interval.span), abs(span) < 1 << 60 else {
            throw .unsupported(
                "an interval with months beside now() in a view", at: nil,
                hint: "Months have different lengths: use days, as in INTERVAL '30 days'.")
        }
        return span
    }
}

/// The types that a time of a row may have where it is compared with the clock, makes windows or is event time.
enum ClockTypes {
    static let all: Set<DataType> = [.timestamp, .timestamptz]
}

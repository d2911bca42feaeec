internal import Dataflow

/// Window table functions: the table's columns, then the bounds of the window that a row is in.
extension QueryBinder {
    static let windowNames = ["tumble", "hop", "session"]

    static func isWindow(_ function: TableFunctionSyntax) -> Bool {
        function.calls.count == 1
            && (windowNames.contains(function.calls[0].name) || function.calls[0].name == "cumulate")
    }

    /// How each is called.
    private static let usage = [
        "tumble": "tumble(table, time column, INTERVAL '10 seconds')",
        "hop": "hop(table, time column, INTERVAL '2 seconds', INTERVAL '10 seconds')",
        "session": "session(table PARTITION BY column, time column, INTERVAL '10 seconds')",
    ]

    func window(_ syntax: TableFunctionSyntax, _ alias: AliasSyntax?, _ location: Int) throws(Failure) -> (
        plan: Plan, scope: Scope
    ) {
        let call = syntax.calls[0]
        if syntax.hasOrdinality { throw .unsupported("WITH ORDINALITY of a window", at: location) }
        let counts: ClosedRange<Int> =
            switch call.name {
            case "tumble": 3...4
            case "hop": 4...5
            case "session": 3...(3 + 32)
            default:
                throw .unsupported(
                    "window table function \(call.name)", at: location, hint: "There are tumble, hop and session.")
            }
        guard counts.contains(call.arguments.count) else {
            throw Failure(
                "42883", "\(call.name) does not take \(call.arguments.count) arguments", at: location,
                hint: Self.usage[call.name])
        }
        let (input, columns, name) = try windowInput(call.arguments[0])
        let binder = ExpressionBinder(scope: Scope(columns: columns), clause: "a window")
        let timeIndex = call.name == "session" ? call.arguments.count - 2 : 1
        let time = try binder.bind(call.arguments[timeIndex])
        guard let type = time.type, ClockTypes.all.contains(type) else {
            throw Failure(
                "42804",
                "the time of a window must be type \(DataType.timestamp.name) or \(DataType.timestamptz.name), not type \(time.typeName)",
                at: call.arguments[timeIndex].location)
        }
        let isNullable = time.expression.columnIndex.map { columns[$0].isNullable } ?? true
        let all =
            columns
            + ["window_start", "window_end"].map { Scope.Column(name: $0, type: type, isNullable: isNullable) }
        let scope = try Self.scope(all, alias, default: name, at: location)
        switch call.name {
        case "tumble": return (try tumble(call, input, time.expression, binder), scope)
        case "hop": return (try hop(call, input, time.expression, binder), scope)
        default: return (try session(call, input, time.expression, binder), scope)
        }
    }

    private func tumble(_ call: CallSyntax, _ input: Plan, _ time: Expression, _ binder: ExpressionBinder)
        throws(Failure) -> Plan
    {
        let size = Expression.literal(.interval(try length(call.arguments[2], "size", binder)), type: .interval)
        let offset = try self.offset(call.arguments.count > 3 ? call.arguments[3] : nil, binder)
        let bounds = ["tumble_start", "tumble_end"].map { function in
            offset.later(
                Expression.call(
                    "\(function)(\(time.type.name),interval)", [offset.earlier(time), size], type: time.type))
        }
        return .project(input, input.columns + bounds)
    }

    private func hop(_ call: CallSyntax, _ input: Plan, _ time: Expression, _ binder: ExpressionBinder) throws(Failure)
        -> Plan
    {
        let slide = try length(call.arguments[2], "slide", binder)
        let size = try length(call.arguments[3], "size", binder)
        guard size.span / slide.span < Int128(WindowLimits.hopsMax) else {
            throw Failure(
                "22023", "a row would be in more than \(WindowLimits.hopsMax) windows", at: call.arguments[3].location,
                hint: "hop takes the slide first, then the size.")
        }
        let offset = try self.offset(call.arguments.count > 4 ? call.arguments[4] : nil, binder)
        let windows = OperatorKind.Expand.Call(
            key: "hop_windows(\(time.type.name),interval,interval)",
            arguments: [
                offset.earlier(time), .literal(.interval(slide), type: .interval),
                .literal(.interval(size), type: .interval),
            ], types: [time.type, time.type])
        let plan = Plan.analytic(input, .expand(OperatorKind.Expand(functions: [windows])))
        guard !offset.isZero else { return plan }
        let columns = plan.columns
        return .project(plan, columns.dropLast(2) + columns.suffix(2).map(offset.later))
    }

    private func session(_ call: CallSyntax, _ input: Plan, _ time: Expression, _ binder: ExpressionBinder)
        throws(Failure) -> Plan
    {
        let gap = try length(call.arguments[call.arguments.count - 1], "gap", binder)
        var expressions = input.columns
        func column(_ expression: Expression) -> Int {
            if let index = expressions.firstIndex(of: expression) { return index }
            expressions.append(expression)
            return expressions.count - 1
        }
        var partitionBy: [Int] = []
        for argument in call.arguments.dropFirst().dropLast(2) {
            let key = column(try binder.value(argument))
            if !partitionBy.contains(key) { partitionBy.append(key) }
        }
        let session = OperatorKind.Session(
            partitionBy: partitionBy, time: column(time), gap: Int64(gap.span), emitsEnd: true)
        let width = input.types.count
        let plan = Plan.analytic(
            expressions.count == width ? input : .project(input, expressions), .session(session))
        if expressions.count == width { return plan }
        return .selecting(plan, Array(0..<width) + [expressions.count, expressions.count + 1])
    }

    // MARK: arguments

    private func windowInput(_ syntax: ExpressionSyntax) throws(Failure) -> (
        plan: Plan, columns: [Scope.Column], name: String?
    ) {
        switch syntax.kind {
        case .column(let qualifier, let name):
            let (plan, columns) = try relation(NameSyntax(qualifier: qualifier, name: name, location: syntax.location))
            return (plan, columns, name)
        case .subquery(let query):
            let (plan, columns) = try subquery(query)
            return (plan, columns, nil)
        default:
            throw Failure(
                "42601", "the first argument of a window must be a table, a view or a sub-query", at: syntax.location)
        }
    }

    /// A size, slide or gap: a positive constant.
    private func length(_ syntax: ExpressionSyntax, _ what: String, _ binder: ExpressionBinder) throws(Failure)
        -> Interval
    {
        let value = try interval(syntax, what, binder)
        guard value.months == 0, value.span > 0, value.span < 1 << 60 else {
            throw Failure("22023", "a window's \(what) must be positive and without months", at: syntax.location)
        }
        return value
    }

    private func interval(_ syntax: ExpressionSyntax, _ what: String, _ binder: ExpressionBinder) throws(Failure)
        -> Interval
    {
        let bound = try binder.bind(syntax)
        guard let size = try Coercion.coerce(bound, to: .interval) else {
            throw Failure(
                "42804", "the \(what) of a window must be type interval, not type \(bound.typeName)",
                at: syntax.location)
        }
        guard case .literal(.interval(let value), _) = size else {
            throw Failure("42601", "the \(what) of a window must be a constant", at: syntax.location)
        }
        return value
    }

    /// By how much windows begin later than the multiples of their step.
    private struct Offset {
        var value: Interval

        var isZero: Bool { value.span == 0 }

        func earlier(_ time: Expression) -> Expression { moved(time, "-") }
        func later(_ time: Expression) -> Expression { moved(time, "+") }

        private func moved(_ time: Expression, _ symbol: String) -> Expression {
            if isZero { return time }
            // A day is 24 hours here, whatever the clocks of a zone do.
            let span = time.type == .timestamptz ? Interval(microseconds: Int64(value.span)) : value
            return .call(
                "\(symbol)(\(time.type.name),interval)", [time, .literal(.interval(span), type: .interval)],
                type: time.type)
        }
    }

    private func offset(_ syntax: ExpressionSyntax?, _ binder: ExpressionBinder) throws(Failure) -> Offset {
        guard let syntax else { return Offset(value: Interval()) }
        let value = try interval(syntax, "offset", binder)
        guard value.months == 0, abs(value.span) < 1 << 60 else {
            throw Failure("22023", "a window's offset must be without months", at: syntax.location)
        }
        return Offset(value: value)
    }
}

enum WindowLimits {
    /// The most windows of a hop that one row may be in: each is a copy of the row.
    static let hopsMax = 1000
}

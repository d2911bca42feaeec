internal import Dataflow

/// Functions, aggregates and window functions.
extension ExpressionBinder {
    private static let aggregateNames: Set<String> = ["count", "sum", "min", "max", "avg"]

    /// PostgreSQL's that are not there yet.
    private static let laterAggregates: Set<String> = [
        "array_agg", "string_agg", "bool_and", "bool_or", "every", "stddev", "stddev_pop", "stddev_samp", "variance",
        "var_pop",
        "var_samp", "corr", "json_agg", "jsonb_agg", "json_object_agg", "jsonb_object_agg", "bit_and", "bit_or",
        "percentile_cont",
        "percentile_disc", "mode", "regr_slope",
    ]
    private static let laterWindows: Set<String> = [
        "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "lag", "lead", "first_value", "last_value",
        "nth_value",
    ]
    private static let clocks: Set<String> = [
        "now", "current_timestamp", "statement_timestamp", "transaction_timestamp", "clock_timestamp", "timeofday",
    ]
    private static let volatile: Set<String> = ["random", "gen_random_uuid", "nextval", "pg_sleep", "setseed"]

    func call(_ call: CallSyntax, _ location: Int) throws(Failure) -> Bound {
        if call.over != nil { return Bound(expression: try window(call, location), location: location) }
        if Self.aggregateNames.contains(call.name) {
            return Bound(expression: try aggregate(call, location), location: location)
        }
        if Self.laterAggregates.contains(call.name) {
            throw .unsupported("aggregate function \(call.name)", at: location)
        }
        if Self.laterWindows.contains(call.name) || call.name == "row_number" {
            throw Failure("42P20", "window function \(call.name) requires an OVER clause", at: location)
        }
        if Self.clocks.contains(call.name) {
            throw .unsupported(
                "function \(call.name)()", at: location,
                hint: "A view is a function of the log; use the records' _append_time.")
        }
        if Self.volatile.contains(call.name) {
            throw .unsupported(
                "function \(call.name)()", at: location,
                hint: "A view is a function of the log: nothing in it may be random.")
        }
        if call.isStar || call.isDistinct || call.filter != nil {
            let what =
                call.isDistinct ? "DISTINCT specified" : call.isStar ? "\(call.name)(*) specified" : "FILTER specified"
            throw Failure("42809", "\(what), but \(call.name) is not an aggregate function", at: location)
        }
        return Bound(expression: ConstantFolding.fold(try function(call, location)), location: location)
    }

    private func function(_ call: CallSyntax, _ location: Int) throws(Failure) -> Expression {
        // position(a IN b) arrives as position(b, a).
        let name = call.name == "position" ? "strpos" : call.name
        var operands = try bindAll(call.arguments)
        if name == "concat" { return try concat(operands, location) }
        if name == "tumble_start" || name == "tumble_end" { try checkWindowSize(operands, name) }
        let isCallable =
            !name.hasPrefix("cast_") && name != "numeric_scale" && name != "is_distinct" && name != "single_row"
        let candidates =
            isCallable && name.first.map { $0.isLetter || $0 == "_" } == true
            ? FunctionRegistry.candidates(named: name) : []
        switch Resolution.choose(candidates, operands.map(\.type), isOperator: false) {
        case .found(let function):
            for index in operands.indices where operands[index].isUnknown {
                operands[index].location = call.arguments[index].location
            }
            let expression = Expression.call(function.key, try arguments(operands, function), type: function.result)
            try checkTemplate(expression, name, location)
            return expression
        case .ambiguous:
            throw Failure(
                "42725", "function \(signature(call.name, operands)) is not unique", at: location,
                hint: "Could not choose a best candidate function. You might need to add explicit type casts.")
        case .none:
            let hint =
                candidates.isEmpty
                ? Suggestion.hint(for: name, among: FunctionRegistry.functionNames + Self.aggregateNames.sorted())
                : nil
            throw Failure(
                "42883", "function \(signature(call.name, operands)) does not exist", at: location,
                hint: hint
                    ?? "No function matches the given name and argument types. You might need to add explicit type casts."
            )
        }
    }

    /// Functions one of whose arguments says what they do.
    private static let templates: Set<String> = ["extract", "date_part", "date_trunc", "to_char"]

    /// A constant unit or template that the function does not know would be an error of every row, so it is one now.
    private func checkTemplate(_ expression: Expression, _ name: String, _ location: Int) throws(Failure) {
        guard Self.templates.contains(name) else { return }
        let sample = expression.with(
            children: expression.children.map { operand in
                switch operand.type {
                case .timestamp where operand.literalValue == nil: .literal(.timestamp(0), type: .timestamp)
                case .timestamptz where operand.literalValue == nil: .literal(.timestamptz(0), type: .timestamptz)
                case .date where operand.literalValue == nil: .literal(.date(0), type: .date)
                case .time where operand.literalValue == nil: .literal(.time(0), type: .time)
                case .interval where operand.literalValue == nil: .literal(.interval(Interval()), type: .interval)
                default: operand
                }
            })
        guard sample.columnsUsed.isEmpty, case .failure(let error) = ConstantFolding.value(of: sample) else { return }
        if error.code == "22023" || error.code == "0A000" { throw Failure(error.code, error.message, at: location) }
    }

    private func signature(_ name: String, _ operands: [Bound]) -> String {
        "\(name)(\(operands.map(\.typeName).joined(separator: ", ")))"
    }

    /// concat takes any number of values of any type; booleans print as t and f there.
    private func concat(_ operands: [Bound], _ location: Int) throws(Failure) -> Expression {
        var texts: [Expression] = []
        for operand in operands {
            guard let text = try Coercion.coerce(operand, to: .text, .explicit) else {
                throw Failure("42883", "function \(signature("concat", operands)) does not exist", at: location)
            }
            if operand.type == .boolean {
                texts.append(.call("left(text,integer)", [text, .literal(.integer(1), type: .integer)], type: .text))
            } else {
                texts.append(text)
            }
        }
        if texts.isEmpty { throw Failure("42883", "function concat() does not exist", at: location) }
        if texts.count == 1 { texts.append(.literal(.text(""), type: .text)) }
        while texts.count > 1 {
            let group = Array(texts.prefix(8))
            let key = "concat(\(group.map { _ in "text" }.joined(separator: ",")))"
            texts = [.call(key, group, type: .text)] + texts.dropFirst(group.count)
        }
        return texts[0]
    }

    private func checkWindowSize(_ operands: [Bound], _ name: String) throws(Failure) {
        guard operands.count == 2, !operands[1].isUnknown,
            case .literal(.interval(let size), _) = operands[1].expression
        else { return }
        guard size.months == 0, size.days > 0 || size.days == 0 && size.microseconds > 0 else {
            throw Failure("22023", "a window's size must be positive and without months", at: operands[1].location)
        }
    }

    // MARK: aggregates

    private func aggregate(_ call: CallSyntax, _ location: Int) throws(Failure) -> Expression {
        if isInAggregate { throw Failure("42803", "aggregate function calls cannot be nested", at: location) }
        guard allowsAggregates else {
            throw Failure("42803", "aggregate functions are not allowed in \(clause)", at: location)
        }
        isInAggregate = true
        defer { isInAggregate = false }
        var arguments = try bindAll(call.arguments)
        for index in arguments.indices {
            try refuseNested(arguments[index].expression, location)
            let used = arguments[index].expression.columnsUsed
            if !used.isEmpty, used.allSatisfy(Self.isOuter) {
                throw .unsupported("an aggregate of the outer query's columns in a sub-query", at: location)
            }
            arguments[index].location = call.arguments[index].location
        }
        let filter = try call.filter.map { (syntax) throws(Failure) in
            let before = clause
            clause = "FILTER"
            defer { clause = before }
            return try condition(syntax, "FILTER")
        }
        if call.isStar {
            guard call.name == "count" else {
                throw Failure(
                    "42883", "function \(call.name)() does not exist", at: location,
                    hint:
                        "No function matches the given name and argument types. You might need to add explicit type casts."
                )
            }
            return add(AggregateUse(function: .count, argument: nil, isDistinct: false, filter: filter, type: .bigint))
        }
        if call.name == "count", arguments.isEmpty {
            throw Failure("42809", "count(*) must be used to call a parameterless aggregate function", at: location)
        }
        guard arguments.count == 1, let function = AggregateCall.Function(rawValue: call.name),
            let type = try resultType(function, arguments[0], location)
        else {
            throw Failure(
                "42883", "function \(signature(call.name, arguments)) does not exist", at: location,
                hint:
                    "No function matches the given name and argument types. You might need to add explicit type casts.")
        }
        let isDistinct = call.isDistinct && function != .min && function != .max
        return add(
            AggregateUse(
                function: function, argument: arguments[0].expression, isDistinct: isDistinct, filter: filter,
                type: type))
    }

    private func refuseNested(_ expression: Expression, _ location: Int) throws(Failure) {
        if expression.columnsUsed.contains(where: Self.isWindow) {
            throw Failure("42803", "aggregate function calls cannot contain window function calls", at: location)
        }
    }

    /// PostgreSQL's result types; nil if there is no such aggregate.
    private func resultType(_ function: AggregateCall.Function, _ argument: Bound, _ location: Int) throws(Failure)
        -> DataType?
    {
        let type = argument.expression.type
        switch function {
        case .count: return .bigint
        case .min, .max:
            switch type {
            case .boolean, .bytea, .uuid, .jsonb: return nil
            default: return type
            }
        case .sum, .avg:
            if type == .interval { throw .unsupported("\(function.rawValue)(interval)", at: location) }
            if argument.isUnknown {
                throw Failure(
                    "42725", "function \(function.rawValue)(unknown) is not unique", at: location,
                    hint: "Could not choose a best candidate function. You might need to add explicit type casts.")
            }
            switch type {
            case .smallint, .integer: return function == .sum ? .bigint : .numeric
            case .bigint, .numeric: return .numeric
            case .real: throw .unsupported("\(function.rawValue)(real)", at: location)
            case .double: return .double
            default: return nil
            }
        }
    }

    // MARK: windows

    private func window(_ call: CallSyntax, _ location: Int) throws(Failure) -> Expression {
        guard allowsWindows, let over = call.over else {
            throw Failure("42P20", "window functions are not allowed in \(clause)", at: location)
        }
        if isInAggregate {
            throw Failure("42803", "aggregate function calls cannot contain window function calls", at: location)
        }
        guard call.name == "row_number", call.arguments.isEmpty, !call.isStar, call.filter == nil else {
            if Self.laterWindows.contains(call.name) || Self.aggregateNames.contains(call.name)
                || Self.laterAggregates.contains(call.name)
            {
                throw .unsupported(
                    "window function \(call.name)", at: location, hint: "Only row_number() is, as a top-n.")
            }
            throw Failure(
                "42809", "OVER specified, but \(call.name) is not a window function nor an aggregate function",
                at: location)
        }
        allowsWindows = false
        defer { allowsWindows = true }
        var partitionBy: [Expression] = []
        for item in over.partitionBy { partitionBy.append(try value(item)) }
        var orderBy: [(expression: Expression, descending: Bool, nullsFirst: Bool)] = []
        for item in over.orderBy {
            orderBy.append((try value(item.expression), item.descending, item.nullsFirst ?? item.descending))
        }
        return add(WindowUse(partitionBy: partitionBy, orderBy: orderBy, location: location))
    }
}

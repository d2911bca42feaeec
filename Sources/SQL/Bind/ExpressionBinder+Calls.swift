internal import Dataflow

/// Functions, aggregates and window functions.
extension ExpressionBinder {
    /// All of a statement's times are one: the clock's.
    private static let clocks: Set<String> = [
        "now", "current_timestamp", "localtimestamp", "statement_timestamp", "transaction_timestamp", "current_date",
        "localtime", "current_time",
    ]
    private static let volatile: Set<String> = [
        "random", "gen_random_uuid", "nextval", "pg_sleep", "setseed", "clock_timestamp", "timeofday",
    ]

    func call(_ written: CallSyntax, _ location: Int) throws(Failure) -> Bound {
        if let instead = Self.jsonInstead(of: written.name) {
            throw .unsupported(
                "function \(written.name)()", at: location, hint: "There is no type json: use \(instead)().")
        }
        let call = try withoutWholeRows(written, location)
        if call.isVariadic {
            return Bound(expression: ConstantFolding.fold(try variadic(call, location)), location: location)
        }
        if call.over != nil { return Bound(expression: try window(call, location), location: location) }
        if AggregateNames.isKnown(call.name) {
            return Bound(expression: try aggregate(call, location), location: location)
        }
        if WindowNames.all.contains(call.name) {
            throw Failure("42809", "window function \(call.name) requires an OVER clause", at: location)
        }
        if !TableFunctionRegistry.candidates(named: call.name).isEmpty, !call.name.hasPrefix("hop_") {
            return Bound(expression: try set(call, location), location: location)
        }
        if Self.clocks.contains(call.name), call.arguments.isEmpty {
            return Bound(expression: try clock(call.name, location), location: location)
        }
        if call.name == "pg_typeof", call.arguments.count == 1 {
            let operand = try bind(call.arguments[0])
            return Bound(expression: .literal(.text(operand.typeName), type: .text), location: location)
        }
        if Self.volatile.contains(call.name) {
            throw .unsupported(
                "function \(call.name)()", at: location,
                hint: "A view is a function of the log: nothing in it may be random.")
        }
        if call.isStar {
            throw Failure(
                "42883", "function \(call.name)() does not exist", at: location,
                hint: "\(call.name)(*) is no aggregate; what stands in the brackets must be written out.")
        }
        if call.isDistinct || call.filter != nil || call.isWithinGroup || !call.orderBy.isEmpty {
            let what =
                call.isDistinct
                ? "DISTINCT specified"
                : call.isWithinGroup
                    ? "WITHIN GROUP specified"
                    : call.filter == nil ? "ORDER BY specified" : "FILTER specified"
            throw Failure("42809", "\(what), but \(call.name) is not an aggregate function", at: location)
        }
        return Bound(expression: ConstantFolding.fold(try function(call, location)), location: location)
    }

    /// What gives a jsonb where PostgreSQL has a function of type json.
    static func jsonInstead(of name: String) -> String? {
        if name == "row_to_json" || name == "to_json" || name == "array_to_json" { return "to_jsonb" }
        guard name.hasPrefix("json_"), !AggregateNames.isKnown(name) else { return nil }
        let other = "jsonb_" + name.dropFirst("json_".count)
        let isKnown =
            !FunctionRegistry.candidates(named: other, for: []).isEmpty
            || FunctionRegistry.functionNames.contains(other)
            || !TableFunctionRegistry.candidates(named: other).isEmpty
        return isKnown ? other : nil
    }

    /// The clock's time as what a name of it gives.
    private func clock(_ name: String, _ location: Int) throws(Failure) -> Expression {
        let type: DataType =
            switch name {
            case "localtimestamp": .timestamp
            case "current_date": .date
            // There is no time with time zone: the time of day in UTC.
            case "localtime", "current_time": .time
            default: .timestamptz
            }
        guard let value = try Coercion.coerce(Bound(expression: .now, location: location), to: type, .explicit) else {
            throw .unsupported(name, at: location, hint: "now() and current_timestamp are the clock.")
        }
        return value
    }

    /// Names of types that can be called to cast their argument, as PostgreSQL allows where no function of the name takes it.
    private static let castNames: Set<String> = [
        "bool", "int2", "int4", "int8", "numeric", "float4", "float8", "text", "date", "timestamptz", "jsonb", "uuid",
        "bytea",
    ]

    private func castCall(_ name: String, _ operands: [Bound], _ location: Int) throws(Failure) -> Expression? {
        guard operands.count == 1, Self.castNames.contains(name) else { return nil }
        let type = try TypeNames.resolve(TypeSyntax(name: name, modifiers: [], location: location)).type
        return try Coercion.coerce(operands[0], to: type, .explicit)
    }

    private func function(_ call: CallSyntax, _ location: Int) throws(Failure) -> Expression {
        let name = call.name
        var operands = try placed(call, try bindAll(call.arguments), location)
        if name == "age", operands.count == 1 {
            // Since the midnight before.
            let type = operands[0].type == .timestamp ? DataType.timestamp : .timestamptz
            let today = Bound(expression: try clock("current_date", location), location: location)
            guard let midnight = try Coercion.coerce(today, to: type, .explicit) else {
                throw .unsupported("age() of one time", at: location)
            }
            operands.insert(Bound(expression: midnight, location: location), at: 0)
        }
        if name == "tumble_start" || name == "tumble_end" { try checkWindowSize(operands, name) }
        return try apply(name, operands, location)
    }

    /// Functions that only plans call.
    private static let hidden: Set<String> = ["numeric_scale", "is_distinct", "single_row", "row_check"]

    /// The function of a name that PostgreSQL would choose for operands.
    func apply(_ name: String, _ operands: [Bound], _ location: Int) throws(Failure) -> Expression {
        let isCallable = !name.hasPrefix("cast_") && !Self.hidden.contains(name)
        let candidates =
            isCallable && name.first.map { $0.isLetter || $0 == "_" } == true
            ? FunctionRegistry.candidates(named: name, for: operands.map(\.type)) : []
        switch Resolution.choose(candidates, operands.map(\.type), isOperator: false) {
        case .found(let function):
            let expression = Expression.call(function.key, try arguments(operands, function), type: function.result)
            try checkTemplate(expression, name, location)
            try checkPath(name, operands)
            return expression
        case .ambiguous:
            throw Failure(
                "42725", "function \(callSignature(name, operands)) is not unique", at: location,
                hint: "Could not choose a best candidate function. You might need to add explicit type casts.")
        case .none:
            if let cast = try castCall(name, operands, location) { return cast }
            let hint =
                candidates.isEmpty
                ? Suggestion.hint(for: name, among: FunctionRegistry.functionNames + AggregateNames.all)
                : nil
            throw Failure(
                "42883", "function \(callSignature(name, operands)) does not exist", at: location,
                hint: hint
                    ?? "No function matches the given name and argument types. You might need to add explicit type casts."
            )
        }
    }

    /// The operands in the function's order: arguments by name, and defaults for those left out.
    func placed(_ call: CallSyntax, _ operands: [Bound], _ location: Int) throws(Failure) -> [Bound] {
        let isNamed = call.argumentNames.contains { $0 != nil }
        guard let parameters = FunctionParameters.byName[call.name], isNamed || operands.count < parameters.names.count
        else {
            guard isNamed else { return operands }
            throw missing(call, operands, location, hint: "The function's parameters have no names.")
        }
        var places: [Bound?] = parameters.names.indices.map { index in
            parameters.defaults[index].map { Bound(expression: $0, location: location) }
        }
        var given = Set<Int>()
        for (number, operand) in operands.enumerated() {
            let name = number < call.argumentNames.count ? call.argumentNames[number] : nil
            guard let index = name == nil ? number : parameters.names.firstIndex(where: { $0 == name }),
                index < places.count
            else { throw missing(call, operands, location, hint: nil) }
            guard given.insert(index).inserted else {
                throw Failure(
                    "42601", "argument name \"\(name ?? "")\" used more than once", at: call.arguments[number].location)
            }
            places[index] = operand
        }
        var result: [Bound] = []
        for place in places {
            guard let place else {
                // Without a name, other signatures may fit.
                if !isNamed { return operands }
                // The signature without the last ones.
                if places[result.count...].allSatisfy({ $0 == nil }) { return result }
                throw missing(call, operands, location, hint: nil)
            }
            result.append(place)
        }
        return result
    }

    private func missing(_ call: CallSyntax, _ operands: [Bound], _ location: Int, hint: String?) -> Failure {
        let shown = operands.enumerated().map { number, operand in
            let name = number < call.argumentNames.count ? call.argumentNames[number] : nil
            return (name.map { "\($0) => " } ?? "") + operand.typeName
        }
        return Failure(
            "42883", "function \(call.name)(\(shown.joined(separator: ", "))) does not exist", at: location,
            hint: hint
                ?? "No function matches the given name and argument types. You might need to add explicit type casts.")
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

    /// A constant path that is none is an error of the text, at its place.
    func checkPath(_ name: String, _ operands: [Bound]) throws(Failure) {
        guard name.hasPrefix("jsonb_path_") || name == "@?" || name == "@@", operands.count > 1,
            case .literal(.text, _) = operands[1].expression,
            let function = FunctionRegistry.candidates(named: "@?", for: [.jsonb, .text]).first
        else { return }
        let empty = try Coercion.parse("{}", as: .jsonb, at: operands[1].location)
        let sample = Expression.call(
            function.key, [.literal(empty, type: .jsonb), operands[1].expression], type: function.result)
        // Where there are no variables, one is missing.
        guard case .failure(let error) = ConstantFolding.value(of: sample), error.code != "42704" else { return }
        throw Failure(error.code, error.message, at: operands[1].location)
    }

    func callSignature(_ name: String, _ operands: [Bound]) -> String {
        "\(name)(\(operands.map(\.typeName).joined(separator: ", ")))"
    }

    private func checkWindowSize(_ operands: [Bound], _ name: String) throws(Failure) {
        guard operands.count == 2, !operands[1].isUnknown,
            case .literal(.interval(let size), _) = operands[1].expression
        else { return }
        guard size.months == 0, size.days > 0 || size.days == 0 && size.microseconds > 0 else {
            throw Failure("22023", "a window's size must be positive and without months", at: operands[1].location)
        }
    }
}

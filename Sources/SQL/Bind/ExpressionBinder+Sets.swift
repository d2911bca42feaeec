internal import Dataflow

/// Functions that return sets.
extension ExpressionBinder {
    /// A call in a SELECT's list.
    func set(_ call: CallSyntax, _ location: Int) throws(Failure) -> Expression {
        guard allowsSets, !isInAggregate, setRefusal == nil else {
            throw Failure(
                "0A000",
                isInAggregate
                    ? "aggregate function calls cannot contain set-returning function calls"
                    : setRefusal ?? "set-returning functions are not allowed in \(clause)", at: location,
                hint: "Move the function into FROM, as a LATERAL item.")
        }
        let (function, arguments) = try tableFunction(call, location)
        guard function.columns.count == 1 else {
            throw .unsupported(
                "\(call.name), which gives \(function.columns.count) columns, in a list of expressions", at: location,
                hint: "Move the function into FROM, as a LATERAL item.")
        }
        if arguments.contains(where: { $0.columnsUsed.contains(where: Self.isSet) }) {
            throw .unsupported(
                "a set-returning function over another one", at: location,
                hint: "Move the inner function into FROM, as a LATERAL item.")
        }
        return add(
            OperatorKind.Expand.Call(key: function.key, arguments: arguments, types: function.columns.map(\.type)))
    }

    /// Binds what functions that return sets may not stand in.
    func withoutSets<Result>(_ construct: String, _ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        let before = setRefusal
        setRefusal = before ?? "set-returning functions are not allowed in \(construct)"
        defer { setRefusal = before }
        return try body()
    }

    /// The function that a call names, chosen by PostgreSQL's rules, and its arguments as its types.
    func tableFunction(_ call: CallSyntax, _ location: Int) throws(Failure) -> (
        function: TableFunction, arguments: [Expression]
    ) {
        if call.isVariadic { throw .unsupported("VARIADIC in \(call.name)()", at: location) }
        if call.isStar || call.isDistinct || call.filter != nil || call.isWithinGroup || !call.orderBy.isEmpty {
            throw Failure("42809", "\(call.name) is not an aggregate function", at: location)
        }
        let operands = try placed(call, try bindAll(call.arguments), location)
        let candidates = TableFunctionRegistry.candidates(named: call.name)
        let signatures = candidates.map { candidate in
            ScalarFunction(candidate.name, candidate.arguments, .text, "A set's signature.") { _, count, _, _ in
                .repeating(.null, type: .text, count: count)
            }
        }
        switch Resolution.choose(signatures, operands.map(\.type), isOperator: false) {
        case .found(let signature):
            guard let found = candidates.first(where: { $0.arguments == signature.arguments }) else {
                preconditionFailure("a signature is of a candidate")
            }
            try checkPath(call.name, operands)
            return (found, try arguments(operands, signature))
        case .ambiguous:
            throw Failure(
                "42725", "function \(callSignature(call.name, operands)) is not unique", at: location,
                hint: "Could not choose a best candidate function. You might need to add explicit type casts.")
        case .none:
            throw Failure(
                "42883", "function \(callSignature(call.name, operands)) does not exist", at: location,
                hint:
                    "No function matches the given name and argument types. You might need to add explicit type casts."
            )
        }
    }
}

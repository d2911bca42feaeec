internal import Dataflow

/// `f(…, VARIADIC array)`: the array's elements as the last arguments.
extension ExpressionBinder {
    func variadic(_ call: CallSyntax, _ location: Int) throws(Failure) -> Expression {
        if let named = call.argumentNames.first(where: { $0 != nil }) {
            throw .unsupported("VARIADIC beside the name \(named ?? "") of an argument", at: location)
        }
        let operands = try bindAll(call.arguments)
        let template = FunctionRegistry.templates.first { $0.name == call.name && $0.isVariadic }
        guard let template, operands.count == template.parameters.count, var list = operands.last else {
            throw Failure(
                "42883", "function \(callSignature(call.name, operands)) does not exist", at: location,
                hint:
                    "No function matches the given name and argument types. You might need to add explicit type casts."
            )
        }
        if case .type(let element)? = template.parameters.last {
            guard let array = try Coercion.coerce(list, to: .array(of: element)) else {
                throw Failure(
                    "42883", "function \(callSignature(call.name, operands)) does not exist", at: location)
            }
            list.expression = array
            list.isUnknown = false
        }
        guard list.type?.element != nil else {
            throw Failure("42804", "VARIADIC argument must be an array", at: list.location)
        }
        return try spread(call.name, Array(operands.dropLast()), list, location)
    }

    private func spread(_ name: String, _ fixed: [Bound], _ list: Bound, _ location: Int) throws(Failure) -> Expression
    {
        func bound(_ expression: Expression) -> Bound { Bound(expression: expression, location: location) }
        func apply(_ name: String, _ operands: [Bound]) throws(Failure) -> Bound {
            bound(try self.apply(name, operands, location))
        }
        switch name {
        case "concat": return try apply("array_to_string", [list, .unknown("", at: location)]).expression
        case "concat_ws": return try apply("array_to_string", [list, fixed[0]]).expression
        case "jsonb_build_array": return try apply("to_jsonb", [list]).expression
        case "jsonb_extract_path": return try operation("#>", [fixed[0], list], location)
        case "jsonb_extract_path_text": return try operation("#>>", [fixed[0], list], location)
        case "num_nulls", "num_nonnulls":
            let all = try apply("cardinality", [list])
            let values = try apply("cardinality", [try apply("array_remove", [list, .unknown(nil, at: location)])])
            return name == "num_nulls" ? try operation("-", [all, values], location) : values.expression
        default:
            guard let elements = Self.elements(list.expression) else {
                throw .unsupported(
                    "VARIADIC in \(name)() of an array whose length is not known", at: list.location,
                    hint: "Write its elements out: \(name)(…, a[1], a[2]).")
            }
            return try self.apply(name, fixed + elements.map(bound), location)
        }
    }

    /// The elements of an array that is written out or a constant.
    private static func elements(_ array: Expression) -> [Expression]? {
        switch array {
        case .literal(.array(let elements, let type), _): elements.map { .literal($0, type: type) }
        case .call(let key, let elements, _) where key.hasPrefix("{}("): elements
        default: nil
        }
    }
}

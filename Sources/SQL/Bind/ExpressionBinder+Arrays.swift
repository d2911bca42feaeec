internal import Dataflow

/// `ARRAY[…]`, subscripts and `op ANY (array)`.
extension ExpressionBinder {
    /// An array of values, which are cast to `element` if the place wants one (`ARRAY[…]::text[]`).
    func array(_ elements: [ExpressionSyntax], element wanted: DataType?, _ location: Int) throws(Failure) -> Expression
    {
        if elements.isEmpty {
            guard let wanted else {
                throw Failure(
                    "42P18", "cannot determine type of empty array", at: location,
                    hint: "Explicitly cast to the desired type, for example ARRAY[]::integer[].")
            }
            return .literal(.array([], wanted), type: .array(of: wanted))
        }
        let operands = try bindAll(elements)
        var (values, type): ([Expression], DataType) = ([], wanted ?? .text)
        if let wanted {
            for operand in operands {
                guard let value = try Coercion.coerce(operand, to: wanted, .explicit) else {
                    throw Failure(
                        "42846", "cannot cast type \(operand.typeName) to \(wanted.name)", at: operand.location)
                }
                values.append(value)
            }
        } else {
            (values, type) = try Coercion.unify(operands, in: "ARRAY")
        }
        if type.element != nil { throw .unsupported("an array of several dimensions", at: location) }
        let types = [DataType?](repeating: type, count: values.count)
        guard let function = FunctionRegistry.candidates(named: "{}", for: types).first else {
            throw .unsupported("an array of \(values.count) elements", at: location)
        }
        return ConstantFolding.fold(.call(function.key, values, type: function.result))
    }

    /// `a[i]`, `a[i:j]`; of jsonb also members by key.
    func element(
        _ base: ExpressionSyntax, _ subscripts: [ExpressionSyntax.Subscript], _ location: Int
    ) throws(Failure) -> Expression {
        var value = try bind(base).expression
        if subscripts.count > 1, value.type.element != nil {
            throw .unsupported(
                "more than one subscript of an array", at: location, hint: "Arrays have one dimension here.")
        }
        for item in subscripts {
            guard value.type.element != nil || value.type == .jsonb else {
                throw Failure(
                    "42804", "cannot subscript type \(value.type.name) because it does not support subscripting",
                    at: location)
            }
            switch item {
            case .index(let syntax):
                let index = try bind(syntax)
                if value.type == .jsonb {
                    value = try member(of: value, index, location)
                } else {
                    value = try call("[]", [value, try integer(index)], location)
                }
            case .slice(let first, let last):
                if value.type == .jsonb {
                    throw Failure("0A000", "jsonb subscript does not support slices", at: location)
                }
                let low = try first.map { (syntax) throws(Failure) in try integer(try bind(syntax)) }
                let high = try last.map { (syntax) throws(Failure) in try integer(try bind(syntax)) }
                value = try call(
                    "[:]",
                    [
                        value, low ?? .literal(.integer(1), type: .integer),
                        high ?? .literal(.integer(.max), type: .integer),
                    ], location)
            }
            value = ConstantFolding.fold(value)
        }
        return value
    }

    /// A subscript of jsonb that is a text is a path of one step, which may also be an index.
    private func member(of document: Expression, _ index: Bound, _ location: Int) throws(Failure) -> Expression {
        let base = Bound(expression: document, location: location)
        guard index.isUnknown || index.type == .text || index.type == .character,
            let text = try Coercion.coerce(index, to: .text)
        else { return try operation("->", [base, index], location) }
        let path = ConstantFolding.fold(try call("{}", [text], location))
        return try operation("#>", [base, Bound(expression: path, location: location)], location)
    }

    private func integer(_ bound: Bound) throws(Failure) -> Expression {
        guard let value = try Coercion.coerce(bound, to: .integer, .assignment) else {
            throw Failure("42804", "array subscript must have type integer", at: bound.location)
        }
        return value
    }

    private func call(_ name: String, _ operands: [Expression], _ location: Int) throws(Failure) -> Expression {
        guard let function = FunctionRegistry.candidates(named: name, for: operands.map { $0.type }).first else {
            throw .unsupported("\(name) of type \(operands[0].type.name)", at: location)
        }
        return .call(function.key, operands, type: function.result)
    }

    /// `x op ANY (array)` and `x op ALL (array)`.
    func quantified(
        _ symbol: String, _ left: ExpressionSyntax, _ right: ExpressionSyntax, isAll: Bool, _ location: Int
    ) throws(Failure) -> Expression {
        let operand = try bind(left)
        var list = try bind(right)
        if list.isUnknown {
            let type = DataType.array(of: operand.type ?? .text)
            list = Bound(expression: try Coercion.literal(list, as: type), location: list.location)
        }
        guard let element = list.expression.type.element else {
            throw Failure("42809", "op ANY/ALL (array) requires array on right side", at: location)
        }
        let sample = Bound(expression: .literal(.null, type: element), location: list.location)
        let plain = try operation(symbol, [operand, sample], location)
        guard case .call(_, let operands, let type) = plain, type == .boolean else {
            throw Failure("42809", "op ANY/ALL (array) requires operator to yield boolean", at: location)
        }
        let arrayType = DataType.array(of: operands[1].type)
        guard let value = try Coercion.coerce(list, to: arrayType) else {
            throw Failure("42846", "cannot cast type \(list.typeName) to \(arrayType.name)", at: list.location)
        }
        let name = "\(symbol) \(isAll ? "all" : "any")"
        guard
            let function = FunctionRegistry.candidates(named: name, for: [operands[0].type, arrayType]).first
        else { throw .unsupported("operator \(symbol) with ANY or ALL", at: location) }
        return .call(function.key, [operands[0], value], type: .boolean)
    }
}

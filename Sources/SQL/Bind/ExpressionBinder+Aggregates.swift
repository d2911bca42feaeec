internal import Dataflow

/// Aggregates: in a SELECT's list, and over the frames of windows.
extension ExpressionBinder {
    /// An aggregate call over the rows of the FROM clause.
    struct AggregateUse: Hashable {
        var function: AggregateCall.Function
        var arguments: [Expression]
        var isDistinct = false
        var filter: Expression?
        /// Of an ordered aggregate only.
        var orderBy: [SortUse] = []
        var fractions: [Double?]?
        var type: DataType
        /// The result is shown as this type: a sum of reals is kept as a double.
        var shownAs: DataType?

        /// Every expression in it.
        var expressions: [Expression] { arguments + [filter].compactMap { $0 } + orderBy.map(\.expression) }

        /// Every expression in it rewritten.
        func rewriting<E>(_ rewrite: (Expression) throws(E) -> Expression) throws(E) -> AggregateUse {
            var use = self
            for index in use.arguments.indices { use.arguments[index] = try rewrite(use.arguments[index]) }
            if let filter { use.filter = try rewrite(filter) }
            for index in use.orderBy.indices {
                use.orderBy[index].expression = try rewrite(use.orderBy[index].expression)
            }
            return use
        }

        /// The call over columns that `place` gives the expressions.
        func call(_ place: (Expression) -> Int) -> AggregateCall {
            let columns = arguments.map(place)
            return AggregateCall(
                function: function, argument: columns.first,
                others: columns.count > 1 ? Array(columns.dropFirst()) : nil,
                isDistinct: isDistinct, filter: filter.map(place),
                orderBy: orderBy.isEmpty ? nil : orderBy.map { $0.key(place) }, fractions: fractions, type: type)
        }
    }

    /// A key of an ORDER BY, bound.
    struct SortUse: Hashable {
        var expression: Expression
        var descending: Bool
        var nullsFirst: Bool

        func key(_ place: (Expression) -> Int) -> SortKey {
            SortKey(column: place(expression), descending: descending, nullsFirst: nullsFirst)
        }
    }

    func sortUses(_ items: [SortSyntax]) throws(Failure) -> [SortUse] {
        var keys: [SortUse] = []
        for item in items {
            keys.append(
                SortUse(
                    expression: try value(item.expression), descending: item.descending,
                    nullsFirst: item.nullsFirst ?? item.descending))
        }
        return keys
    }

    func aggregate(_ call: CallSyntax, _ location: Int) throws(Failure) -> Expression {
        let marks = outer?.marks ?? []
        let isNested = isInAggregate
        isInAggregate = true
        defer { isInAggregate = isNested }
        return try aggregate(try aggregateUse(call, location), location, since: marks[...], isNested: isNested)
    }

    /// Puts an aggregate into the query that it belongs to: the innermost one that a column of its arguments is of.
    func aggregate(
        _ use: AggregateUse, _ location: Int, since marks: ArraySlice<OuterFrame.Mark>, isNested: Bool? = nil
    ) throws(Failure) -> Expression {
        if let outer, try isAround(use, location) { return try outer.aggregate(use, location, since: marks) }
        let used = use.expressions.reduce(into: Set<Int>()) { $0.formUnion($1.columnsUsed) }
        let inner = used.first(where: Self.isAggregate).map { aggregatePlaces[$0 - Self.aggregateBase] }
        if isNested ?? isInAggregate || inner != nil {
            throw Failure("42803", "aggregate function calls cannot be nested", at: inner ?? location)
        }
        guard allowsAggregates else {
            throw Failure("42803", "aggregate functions are not allowed in \(clause)", at: location)
        }
        if used.contains(where: Self.isWindow) {
            throw Failure("42803", "aggregate function calls cannot contain window function calls", at: location)
        }
        return Self.shown(add(use, at: location), use)
    }

    /// Whether an aggregate reads columns of queries around, and no others.
    private func isAround(_ use: AggregateUse, _ location: Int) throws(Failure) -> Bool {
        let used = use.expressions.reduce(into: Set<Int>()) { $0.formUnion($1.columnsUsed) }
        guard !used.isEmpty, used.allSatisfy({ Self.isOuter($0) || Self.isSubquery($0) }) else { return false }
        let inner = used.filter(Self.isSubquery).flatMap { subqueries[$0 - Self.subqueryBase].expressions }
        if inner.isEmpty { return used.allSatisfy(Self.isOuter) }
        if inner.allSatisfy({ $0.columnsUsed.allSatisfy(Self.isOuter) }) {
            throw .unsupported("an aggregate of the outer query's columns in a sub-query", at: location)
        }
        return false
    }

    static func shown(_ result: Expression, _ use: AggregateUse) -> Expression {
        guard let type = use.shownAs, let cast = FunctionRegistry.cast(from: use.type, to: type) else { return result }
        return .call(cast.functionKey, [result], type: type)
    }

    /// Binds a call as an aggregate, wherever it stands.
    func aggregateUse(_ call: CallSyntax, _ location: Int) throws(Failure) -> AggregateUse {
        guard let function = AggregateNames.function(call.name) else {
            throw .unsupported(
                "aggregate function \(call.name)", at: location,
                hint: call.name.hasPrefix("json_") ? "Use \(call.name.replacingPrefix("json_", by: "jsonb_"))." : nil)
        }
        let filter = try call.filter.map { (syntax) throws(Failure) in
            let before = clause
            clause = "FILTER"
            defer { clause = before }
            return try condition(syntax, "FILTER")
        }
        if call.isStar {
            guard function == .count, call.name == "count" else { throw missing(call, [], location) }
            return AggregateUse(function: .count, arguments: [], filter: filter, type: .bigint)
        }
        let isOrderedSet = function == .percentileCont || function == .percentileDisc || function == .mode
        if isOrderedSet != call.isWithinGroup {
            // Only where the arguments would be right is it the clause that is wrong.
            let count = call.arguments.count + call.orderBy.count
            let wanted =
                isOrderedSet
                ? (function == .mode ? 1 : 2)
                : AggregateNames.signatures(function).first?.arguments.count ?? AggregateNames.arity(function)
            guard count == wanted else {
                throw missing(call, try bindAll(call.arguments + call.orderBy.map(\.expression)), location)
            }
            throw Failure(
                isOrderedSet ? "42809" : "42809",
                isOrderedSet
                    ? "WITHIN GROUP is required for ordered-set aggregate \(call.name)"
                    : "\(call.name) is not an ordered-set aggregate, so it cannot have WITHIN GROUP", at: location)
        }
        if isOrderedSet { return try orderedSet(function, call, filter, location) }
        var arguments = try bindAll(call.arguments)
        for index in arguments.indices { arguments[index].location = call.arguments[index].location }
        if function == .count, arguments.isEmpty {
            throw Failure(
                "42809", "\(call.name)(*) must be used to call a parameterless aggregate function", at: location)
        }
        let (values, type) = try typed(function, call, arguments, location)
        var use = AggregateUse(function: function, arguments: values, filter: filter, type: type)
        use.isDistinct = call.isDistinct && function != .min && function != .max || call.name == "approx_count_distinct"
        if use.isDistinct, values.count > 1, !function.isOrdered {
            throw .unsupported("DISTINCT in \(call.name)", at: location)
        }
        let order = try sortUses(call.orderBy)
        if use.isDistinct, let other = order.firstIndex(where: { !values.contains($0.expression) }) {
            throw Failure(
                "42P10", "in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list",
                at: call.orderBy[other].expression.location)
        }
        if function.isOrdered { use.orderBy = order }
        if function == .boolAnd || function == .boolOr { use.isDistinct = false }
        if function == .sum, arguments[0].type == .real { use.shownAs = .real }
        return use
    }

    private func missing(_ call: CallSyntax, _ arguments: [Bound], _ location: Int) -> Failure {
        Failure(
            "42883", "function \(callSignature(call.name, arguments)) does not exist", at: location,
            hint: "No function matches the given name and argument types. You might need to add explicit type casts.")
    }

    /// The arguments as the types of the signature that PostgreSQL would choose, and its result.
    private func typed(
        _ function: AggregateCall.Function, _ call: CallSyntax, _ arguments: [Bound], _ location: Int
    ) throws(Failure) -> (values: [Expression], type: DataType) {
        let signatures = AggregateNames.signatures(function)
        guard signatures.isEmpty else {
            let candidates = signatures.map { signature in
                ScalarFunction(call.name, signature.arguments, signature.result, "An aggregate's signature.") {
                    _, count, _, _ in .repeating(.null, type: signature.result, count: count)
                }
            }
            switch Resolution.choose(candidates, arguments.map(\.type), isOperator: false) {
            case .found(let found): return (try self.arguments(arguments, found), found.result)
            case .ambiguous:
                throw Failure(
                    "42725", "function \(callSignature(call.name, arguments)) is not unique", at: location,
                    hint: "Could not choose a best candidate function. You might need to add explicit type casts.")
            case .none: throw missing(call, arguments, location)
            }
        }
        guard arguments.count == AggregateNames.arity(function) else { throw missing(call, arguments, location) }
        let values = arguments.map(\.expression)
        switch function {
        case .count: return (values, .bigint)
        case .min, .max:
            guard AggregateTypes.hasExtremes(values[0].type) else { throw missing(call, arguments, location) }
            return (values, values[0].type)
        case .firstValue, .lastValue: return (values, values[0].type)
        default:
            guard let result = AggregateTypes.collection(function, of: values[0].type) else {
                throw .unsupported("aggregate function \(call.name)", at: location)
            }
            return (values, result)
        }
    }

    // MARK: GROUPING

    /// The most arguments of GROUPING: their bits are an integer.
    private static let groupingArgumentsMax = 31

    func grouping(_ operands: [ExpressionSyntax], _ location: Int) throws(Failure) -> Expression {
        guard allowsAggregates else {
            throw Failure("42803", "grouping operations are not allowed in \(clause)", at: location)
        }
        if isInAggregate {
            throw Failure(
                "42803",
                clause == "FILTER"
                    ? "grouping operations are not allowed in FILTER" : "aggregate function calls cannot be nested",
                at: location)
        }
        guard operands.count <= Self.groupingArgumentsMax else {
            throw Failure(
                "54023", "GROUPING must have fewer than \(Self.groupingArgumentsMax + 1) arguments", at: location)
        }
        var keys: [Expression] = []
        for operand in operands {
            keys.append(try value(operand))
            groupingArguments.append((keys[keys.count - 1], operand.location))
        }
        return .call(GroupingSets.functionKey, keys, type: .integer)
    }

    /// That GROUPING has an argument that is not grouped by.
    func notGrouped(_ arguments: [Expression], _ keys: [Expression]) -> Failure {
        let place = groupingArguments.first { arguments.contains($0.expression) && !keys.contains($0.expression) }
        return Failure(
            "42803", "arguments to GROUPING must be grouping expressions of the associated query level",
            at: place?.location)
    }

    // MARK: WITHIN GROUP

    private func orderedSet(
        _ function: AggregateCall.Function, _ call: CallSyntax, _ filter: Expression?, _ location: Int
    ) throws(Failure) -> AggregateUse {
        guard call.orderBy.count == 1, call.arguments.count == (function == .mode ? 0 : 1) else {
            throw missing(call, try bindAll(call.arguments + call.orderBy.map(\.expression)), location)
        }
        let item = call.orderBy[0]
        var argument = try bind(item.expression)
        if function == .percentileCont {
            let isInterval = argument.type == .interval
            guard let value = try Coercion.coerce(argument, to: isInterval ? .interval : .double) else {
                throw missing(call, try bindAll(call.arguments) + [argument], location)
            }
            argument.expression = value
        }
        let value = argument.expression
        var use = AggregateUse(function: function, arguments: [value], filter: filter, type: value.type)
        use.orderBy = [
            SortUse(
                expression: value, descending: item.descending, nullsFirst: item.nullsFirst ?? item.descending)
        ]
        if function != .mode {
            let (fractions, isArray) = try self.fractions(call.arguments[0])
            use.fractions = fractions
            if isArray {
                guard let type = AggregateTypes.collection(.arrayAgg, of: value.type) else {
                    throw .unsupported("an array of percentiles", at: location)
                }
                use.type = type
            }
        }
        return use
    }

    /// The fractions of a percentile: constants, since they are the same for all rows of all groups.
    private func fractions(_ syntax: ExpressionSyntax) throws(Failure) -> (values: [Double?], isArray: Bool) {
        let bound = try bind(syntax)
        if let type = bound.type, AggregateTypes.isArray(type) { return (try arrayFractions(bound), true) }
        guard let value = try Coercion.coerce(bound, to: .double) else {
            throw Failure(
                "42883", "function percentile with a fraction of type \(bound.typeName) does not exist",
                at: syntax.location)
        }
        return ([try fraction(try constant(value, at: syntax.location), at: syntax.location)], false)
    }

    private func constant(_ fraction: Expression, at location: Int) throws(Failure) -> Datum {
        guard fraction.columnsUsed.isEmpty else {
            throw .unsupported("a percentile's fraction that is not a constant", at: location)
        }
        switch ConstantFolding.value(of: fraction) {
        case .success(let datum): return datum
        case .failure(let error): throw Failure(error.code, error.message, at: location)
        }
    }

    func fraction(_ datum: Datum, at location: Int) throws(Failure) -> Double? {
        guard case .double(let fraction) = datum else { return nil }
        guard fraction >= 0, fraction <= 1 else {
            throw Failure(
                "22003", "percentile value \(TextFormat.string(datum)) is not between 0 and 1", at: location)
        }
        return fraction
    }

    private func arrayFractions(_ bound: Bound) throws(Failure) -> [Double?] {
        guard let value = try Coercion.coerce(bound, to: .array(of: .double)),
            case .array(let elements, _) = try constant(value, at: bound.location)
        else { throw .unsupported("percentiles that are not a constant array of fractions", at: bound.location) }
        var fractions: [Double?] = []
        for element in elements { fractions.append(try fraction(element, at: bound.location)) }
        return fractions
    }
}

/// What aggregates of any type make of it.
enum AggregateTypes {
    static func hasExtremes(_ type: DataType) -> Bool {
        switch type {
        case .boolean, .bytea, .uuid, .jsonb: false
        default: true
        }
    }

    static func isArray(_ type: DataType) -> Bool { type.element != nil }

    /// The type of a collection of values of a type; nil where there is none.
    static func collection(_ function: AggregateCall.Function, of type: DataType) -> DataType? {
        if function != .arrayAgg { return .jsonb }
        return isArray(type) ? nil : .array(of: type)
    }
}

extension String {
    fileprivate func replacingPrefix(_ prefix: String, by other: String) -> String {
        hasPrefix(prefix) ? other + dropFirst(prefix.count) : self
    }
}

internal import Dataflow

/// Binds scalar expressions over a scope: names to columns, calls to functions, types by PostgreSQL's rules.
///
/// Aggregates, window functions and functions that return sets become columns of numbers from ``aggregateBase``, ``windowBase`` and
/// ``setBase`` on; the query
/// binder puts their results in those places.
final class ExpressionBinder {
    static let aggregateBase = 1 << 20
    static let windowBase = 1 << 21
    /// Functions that return sets.
    static let setBase = (1 << 21) + (1 << 20)

    let scope: Scope
    /// The clause that is being bound, as PostgreSQL's messages name it.
    var clause: String
    var allowsAggregates: Bool
    var allowsWindows: Bool
    private(set) var aggregates: [AggregateUse] = []
    /// Where each of them is met first.
    private(set) var aggregatePlaces: [Int] = []
    private(set) var windows: [WindowUse] = []
    /// The windows of the WINDOW clause.
    var namedWindows: [(name: String, window: WindowSyntax)] = []
    /// Functions that return sets may stand here: in a SELECT's list and its ORDER BY.
    var allowsSets = false
    private(set) var sets: [OperatorKind.Expand.Call] = []
    /// Columns of the scope named outside of aggregates, and where: for errors about grouping.
    private(set) var references: [(column: Int, location: Int)] = []
    /// Sub-queries, in the order in which they were met.
    var subqueries: [SubqueryUse] = []
    /// The names of scalar sub-queries' columns, by where they stand.
    var subqueryNames: [Int: String] = [:]
    var isInAggregate = false
    /// What is around, if functions that return sets may not stand in it, as PostgreSQL's message says it.
    var setRefusal: String?
    /// The arguments of GROUPING, and where they are.
    var groupingArguments: [(expression: Expression, location: Int)] = []
    /// Binds sub-queries; nil where none can be.
    let queries: QueryBinder?
    /// The query around this one.
    let outer: OuterFrame?

    init(
        scope: Scope, clause: String, allowsAggregates: Bool = false, allowsWindows: Bool = false,
        queries: QueryBinder? = nil
    ) {
        self.queries = queries
        outer = queries?.frames.last
        self.scope = scope
        self.clause = clause
        self.allowsAggregates = allowsAggregates
        self.allowsWindows = allowsWindows
    }

    // MARK: entry points

    /// Binds an expression that must be boolean; `construct` is e.g. `WHERE` or `argument of AND`.
    func condition(_ syntax: ExpressionSyntax, _ construct: String) throws(Failure) -> Expression {
        try boolean(try bind(syntax), construct)
    }

    /// Binds an expression; an unknown literal becomes text.
    func value(_ syntax: ExpressionSyntax) throws(Failure) -> Expression { try bind(syntax).expression }

    func boolean(_ bound: Bound, _ construct: String) throws(Failure) -> Expression {
        guard let value = try Coercion.coerce(bound, to: .boolean) else {
            throw Failure(
                "42804", "argument of \(construct) must be type boolean, not type \(bound.typeName)", at: bound.location
            )
        }
        return value
    }

    func bindAll(_ syntaxes: [ExpressionSyntax]) throws(Failure) -> [Bound] {
        var result: [Bound] = []
        result.reserveCapacity(syntaxes.count)
        for syntax in syntaxes { result.append(try bind(syntax)) }
        return result
    }

    func bind(_ syntax: ExpressionSyntax) throws(Failure) -> Bound {
        let location = syntax.location
        switch syntax.kind {
        case .null: return .unknown(nil, at: location)
        case .string(let text): return .unknown(text, at: location)
        case .call(let call): return try self.call(call, location)
        case .column(let qualifier, let name): return try column(qualifier, name, location)
        case .cast(let operand, let type): return try cast(operand, type, location)
        case .nullIf(let first, let second): return try nullIf(first, second, location)
        case .field(let base, let name): return try field(base, name, location)
        default: return Bound(expression: ConstantFolding.fold(try typed(syntax)), location: location)
        }
    }

    // MARK: leaves

    func column(_ qualifier: String?, _ name: String, _ location: Int) throws(Failure) -> Bound {
        do throws(Failure) { return try named(qualifier, name, location) } catch {
            guard qualifier == nil, error.code == "42703" else { throw error }
            if let whole = whole(name, location) { return whole }
            throw table(name) == nil ? error : Self.refusal(ofWholeRow: name, at: location)
        }
    }

    /// `(t).column`.
    private func field(_ base: ExpressionSyntax, _ name: String, _ location: Int) throws(Failure) -> Bound {
        if let row = try wholeRow(base) { return try named(row.table, name, location) }
        throw Failure(
            "42809",
            "column notation .\(name) applied to type \(try bind(base).typeName), which is not a composite type",
            at: location)
    }

    /// The only column of a function in FROM, for which its alias alone stands; nil if there is none of that alias, here or around.
    func whole(_ alias: String, _ location: Int) -> Bound? {
        guard let index = scope.whole(alias) else { return outer?.whole(alias, location) }
        return Bound(expression: reference(index, at: location), location: location)
    }

    /// A column by its own name, of this query or of one around.
    func named(_ qualifier: String?, _ name: String, _ location: Int) throws(Failure) -> Bound {
        let index: Int
        do throws(Failure) {
            index = try scope.find(qualifier: qualifier, name: name, at: location)
        } catch {
            let isMine = error.code == "42702" || qualifier.map { scope.tables.contains($0) } ?? false
            guard let outer, !isMine else { throw error }
            do throws(Failure) { return try outer.column(qualifier, name, location) } catch let further {
                throw further.code == "42702" ? further : error
            }
        }
        return Bound(expression: reference(index, at: location), location: location)
    }

    static func number(_ text: String, at location: Int) throws(Failure) -> Expression {
        if let value = Int64(text) {
            if let small = Int32(exactly: value) { return .literal(.integer(small), type: .integer) }
            return .literal(.bigint(value), type: .bigint)
        }
        return .literal(try Coercion.parse(text, as: .numeric, at: location), type: .numeric)
    }

    // MARK: operations

    private func typed(_ syntax: ExpressionSyntax) throws(Failure) -> Expression {
        if let plain = try withoutWholeRows(syntax) { return try bind(plain).expression }
        if let fields = try RowValues.rewritten(syntax) { return try typed(fields) }
        let location = syntax.location
        switch syntax.kind {
        case .boolean(let value): return .literal(.boolean(value), type: .boolean)
        case .integer(let value): return .literal(.integer(value), type: .integer)
        case .number(let text): return try Self.number(text, at: location)
        case .unary(let symbol, let operand): return try operation(symbol, [try bind(operand)], location)
        case .binary(let symbol, let left, let right):
            let isRow = [left, right].map { if case .row = $0.kind { true } else { false } }
            if isRow[0] != isRow[1] {
                let other = try bind(isRow[0] ? right : left).typeName
                throw Failure(
                    "42883",
                    "operator does not exist: \(isRow[0] ? "record" : other) \(symbol) \(isRow[0] ? other : "record")",
                    at: location,
                    hint:
                        "No operator matches the given name and argument types. You might need to add explicit type casts."
                )
            }
            return try operation(symbol, [try bind(left), try bind(right)], location)
        case .and(let operands): return .and(try conditions(operands, "AND"))
        case .or(let operands): return .or(try conditions(operands, "OR"))
        case .not(let operand): return .not(try condition(operand, "NOT"))
        case .isNull(let operand, let negated):
            let test = ConstantFolding.fold(.isNull(try bind(operand).expression))
            return negated ? .not(test) : test
        case .isTruth(let operand, let truth, let negated): return try truthTest(operand, truth, negated)
        case .isDistinct(let left, let right, let negated):
            let pair = try comparable("=", [try bind(left), try bind(right)], location)
            let type = pair[0].type
            let test = ConstantFolding.fold(
                .call("is_distinct(\(type.name),\(type.name))", pair, type: .boolean))
            return negated ? .not(test) : test
        case .isIn(let operand, let items, let negated): return try membership(operand, items, negated, location)
        case .between(let operand, let low, let high, let negated, let symmetric):
            return try between(operand, low, high, negated, symmetric, location)
        case .branches(let operand, let branches, let otherwise):
            return try withoutSets("CASE") { () throws(Failure) in
                try choice(operand, branches, otherwise, location)
            }
        case .coalesce(let operands):
            let values = try withoutSets("COALESCE") { () throws(Failure) in try bindAll(operands) }
            let (unified, type) = try Coercion.unify(values, in: "COALESCE")
            return .coalesce(unified, type: type)
        case .extreme(let isGreatest, let operands): return try extreme(isGreatest, operands, location)
        case .array(let elements): return try array(elements, element: nil, location)
        case .element(let base, let subscripts): return try element(base, subscripts, location)
        case .arrayQuantified(let symbol, let left, let right, let isAll):
            return try quantified(symbol, left, right, isAll: isAll, location)
        case .subquery(let query): return try scalarSubquery(query, location)
        case .subqueryColumn(let query, let column, let count):
            return try scalarSubquery(query, location, column: column, of: count)
        case .arrayOf(let query): return try arraySubquery(query, location)
        case .collated(let operand):
            let bound = try bind(operand)
            guard bound.isUnknown || bound.type == .text || bound.type == .character else {
                throw Failure("42804", "collations are not supported by type \(bound.typeName)", at: location)
            }
            return bound.expression
        case .exists(let query): return try existsSubquery(query, location)
        case .quantified(let operand, let symbol, let isAll, let query):
            return try quantifiedSubquery(operand, symbol, isAll: isAll, query, location)
        case .row:
            throw .unsupported(
                "a row value in this place", at: location,
                hint: "Rows can be compared with rows: (a, b) = (1, 2), (a, b) < (1, 2), (a, b) IN ((1, 2), (3, 4)).")
        case .grouping(let operands):
            return try grouping(operands, location)
        case .defaultValue: throw Failure("42601", "DEFAULT is not allowed in this context", at: location)
        case .star(let qualifier?): throw Self.refusal(ofWholeRow: qualifier, at: location)
        case .star: throw Failure("42601", "\"*\" is not allowed here", at: location)
        case .null, .string, .call, .column, .cast, .nullIf, .field: preconditionFailure("bound by bind(_:)")
        }
    }

    private func conditions(_ operands: [ExpressionSyntax], _ word: String) throws(Failure) -> [Expression] {
        var result: [Expression] = []
        for operand in operands {
            let bound = try condition(operand, word)
            // A flat list evaluates with less.
            switch (bound, word) {
            case (.and(let inner), "AND"), (.or(let inner), "OR"): result += inner
            default: result.append(bound)
            }
        }
        return result
    }

    private func truthTest(_ operand: ExpressionSyntax, _ truth: Bool?, _ negated: Bool) throws(Failure) -> Expression {
        let word = truth.map { $0 ? "TRUE" : "FALSE" } ?? "UNKNOWN"
        let value = try condition(operand, "IS \(negated ? "NOT " : "")\(word)")
        let test: Expression =
            switch truth {
            case true: .coalesce([value, .literal(.boolean(false), type: .boolean)], type: .boolean)
            case false: .coalesce([.not(value), .literal(.boolean(false), type: .boolean)], type: .boolean)
            case nil: .isNull(value)
            }
        let folded = ConstantFolding.foldAll(test)
        return negated ? .not(folded) : folded
    }

    private func membership(
        _ operand: ExpressionSyntax, _ items: [ExpressionSyntax], _ negated: Bool, _ location: Int
    ) throws(Failure) -> Expression {
        let subject = try bind(operand)
        var tests: [Expression] = []
        for item in items {
            tests.append(
                ConstantFolding.fold(try operation(negated ? "<>" : "=", [subject, try bind(item)], location)))
        }
        if tests.count == 1 { return tests[0] }
        return negated ? .and(tests) : .or(tests)
    }

    private func between(
        _ operand: ExpressionSyntax, _ low: ExpressionSyntax, _ high: ExpressionSyntax, _ negated: Bool,
        _ symmetric: Bool,
        _ location: Int
    ) throws(Failure) -> Expression {
        let (value, low, high) = (try bind(operand), try bind(low), try bind(high))
        func inside(_ low: Bound, _ high: Bound) throws(Failure) -> Expression {
            let first = ConstantFolding.fold(try operation(negated ? "<" : ">=", [value, low], location))
            let second = ConstantFolding.fold(try operation(negated ? ">" : "<=", [value, high], location))
            return ConstantFolding.fold(negated ? .or([first, second]) : .and([first, second]))
        }
        let plain = try inside(low, high)
        guard symmetric else { return plain }
        let swapped = try inside(high, low)
        return negated ? .and([plain, swapped]) : .or([plain, swapped])
    }

    private func choice(
        _ operand: ExpressionSyntax?, _ branches: [(condition: ExpressionSyntax, value: ExpressionSyntax)],
        _ otherwise: ExpressionSyntax?, _ location: Int
    ) throws(Failure) -> Expression {
        let subject = try operand.map { (syntax) throws(Failure) in try bind(syntax) }
        var conditions: [Expression] = []
        // PostgreSQL takes the type of ELSE into account first.
        var results: [Bound] = [
            try otherwise.map { (syntax) throws(Failure) in try bind(syntax) } ?? .unknown(nil, at: location)
        ]
        for branch in branches {
            if let subject {
                let test = try operation("=", [subject, try bind(branch.condition)], branch.condition.location)
                conditions.append(ConstantFolding.fold(test))
            } else {
                conditions.append(try condition(branch.condition, "CASE/WHEN"))
            }
            results.append(try bind(branch.value))
        }
        let (values, type) = try Coercion.unify(results, in: "CASE")
        return .branches(
            zip(conditions, values.dropFirst()).map { Expression.Branch(condition: $0, value: $1) },
            otherwise: values[0],
            type: type)
    }

    /// GREATEST and LEAST pass over NULLs: the first operand that no other one beats.
    private func extreme(_ isGreatest: Bool, _ operands: [ExpressionSyntax], _ location: Int) throws(Failure)
        -> Expression
    {
        let (values, type) = try Coercion.unify(try bindAll(operands), in: isGreatest ? "GREATEST" : "LEAST")
        if values.count == 1 { return values[0] }
        var branches: [Expression.Branch] = []
        for (index, value) in values.enumerated().dropLast() {
            var tests: [Expression] = [.not(.isNull(value))]
            for other in values.dropFirst(index + 1) {
                let wins = Expression.call(
                    "\(isGreatest ? ">=" : "<=")(\(type.name),\(type.name))", [value, other], type: .boolean)
                tests.append(.or([.isNull(other), wins]))
            }
            branches.append(Expression.Branch(condition: .and(tests), value: value))
        }
        return ConstantFolding.foldAll(.branches(branches, otherwise: values[values.count - 1], type: type))
    }

    private func nullIf(_ first: ExpressionSyntax, _ second: ExpressionSyntax, _ location: Int) throws(Failure) -> Bound
    {
        let (left, right) = (try bind(first), try bind(second))
        let equal = ConstantFolding.fold(try operation("=", [left, right], location))
        let type = left.expression.type
        return Bound(
            expression: ConstantFolding.fold(
                .branches(
                    [Expression.Branch(condition: equal, value: .literal(.null, type: type))],
                    otherwise: left.expression, type: type)),
            location: location)
    }

    // MARK: casts

    private func cast(_ operand: ExpressionSyntax, _ syntax: TypeSyntax, _ location: Int) throws(Failure) -> Bound {
        let target = try TypeNames.resolve(syntax)
        var bound: Bound
        if case .array(let elements) = operand.kind, let element = target.type.element {
            bound = Bound(
                expression: try array(elements, element: element, operand.location), location: operand.location)
        } else if case .number(let text) = operand.kind, target.type == .double || target.type == .real {
            // Not by way of numeric, which has no 1e300.
            bound = .unknown(text, at: operand.location)
        } else {
            bound = try bind(operand)
        }
        guard let value = try Coercion.coerce(bound, to: target.type, .explicit, modifier: target.modifier) else {
            throw Failure("42846", "cannot cast type \(bound.typeName) to \(target.type.name)", at: location)
        }
        return Bound(
            expression: Coercion.applying(target.modifier, to: value, isExplicit: true), location: location)
    }

    // MARK: operators

    /// The operands as the types of the operator chosen.
    private func comparable(_ symbol: String, _ operands: [Bound], _ location: Int) throws(Failure) -> [Expression] {
        try operation(symbol, operands, location).children
    }

    func operation(_ symbol: String, _ operands: [Bound], _ location: Int) throws(Failure) -> Expression {
        var operands = operands
        if symbol == "+", operands.count == 1, let type = operands[0].type, type.isNumeric {
            return operands[0].expression
        }
        if symbol == "||" { operands = try textOperands(operands) }
        let candidates = FunctionRegistry.candidates(named: symbol, for: operands.map(\.type))
        switch Resolution.choose(candidates, operands.map(\.type), isOperator: true) {
        case .found(let function):
            try checkPath(symbol, operands)
            return .call(function.key, try arguments(operands, function), type: function.result)
        case .ambiguous:
            throw Failure(
                "42725", "operator is not unique: \(signature(symbol, operands))", at: location,
                hint: "Could not choose a best candidate operator. You might need to add explicit type casts.")
        case .none:
            throw Failure(
                "42883", "operator does not exist: \(signature(symbol, operands))", at: location,
                hint:
                    "No operator matches the given name and argument types. You might need to add explicit type casts.")
        }
    }

    private func signature(_ symbol: String, _ operands: [Bound]) -> String {
        operands.count == 1
            ? "\(symbol) \(operands[0].typeName)" : "\(operands[0].typeName) \(symbol) \(operands[1].typeName)"
    }

    /// `||` with one text takes anything for the other.
    private func textOperands(_ operands: [Bound]) throws(Failure) -> [Bound] {
        let isText = { (operand: Bound) in operand.isUnknown || operand.type == .text || operand.type == .character }
        guard operands.contains(where: isText) else { return operands }
        // Those that have a || of their own take an untyped literal for one of theirs.
        let isOther = { (type: DataType) in type.element != nil || type == .jsonb || type == .bytea }
        if operands.contains(where: { $0.type.map(isOther) ?? false }),
            operands.contains(where: { $0.isUnknown || $0.type?.element != nil })
        {
            return operands
        }
        var result: [Bound] = []
        for operand in operands {
            if let type = operand.type, type != .text, let text = try Coercion.coerce(operand, to: .text, .explicit) {
                result.append(Bound(expression: text, location: operand.location))
            } else {
                result.append(operand)
            }
        }
        return result
    }

    func arguments(_ operands: [Bound], _ function: ScalarFunction) throws(Failure) -> [Expression] {
        var result: [Expression] = []
        for (operand, type) in zip(operands, function.arguments) {
            guard let value = try Coercion.coerce(operand, to: type) else {
                throw Failure("42804", "\(operand.typeName) cannot be used as \(type.name)", at: operand.location)
            }
            result.append(value)
        }
        return result
    }

    // MARK: what the call binder adds

    func note(_ column: Int, _ location: Int) {
        if !isInAggregate { references.append((column, location)) }
    }

    /// Forgets the columns named since there were so many.
    func forget(since count: Int) { references.removeSubrange(count...) }

    func add(_ aggregate: AggregateUse, at location: Int) -> Expression {
        let index = aggregates.firstIndex(of: aggregate) ?? aggregates.count
        if index == aggregates.count {
            aggregates.append(aggregate)
            aggregatePlaces.append(location)
        }
        return .column(Self.aggregateBase + index, type: aggregate.type)
    }

    func add(_ set: OperatorKind.Expand.Call) -> Expression {
        let index = sets.firstIndex(of: set) ?? sets.count
        if index == sets.count { sets.append(set) }
        return .column(Self.setBase + index, type: set.types[0])
    }

    func add(_ window: WindowUse) -> Expression {
        let index = windows.firstIndex(of: window) ?? windows.count
        if index == windows.count { windows.append(window) }
        return .column(Self.windowBase + index, type: window.type)
    }
}

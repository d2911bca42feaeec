internal import Dataflow

/// A sub-query in an expression, bound: it stands there as a column of a number from ``ExpressionBinder/subqueryBase`` on, until
/// ``SubqueryPlacement`` puts its rows beside those of the query around it.
struct SubqueryUse {
    enum Kind: Equatable {
        /// One value, NULL of no row.
        case scalar
        case exists
        /// `x = ANY (…)`, also of several columns: operands and the sub-query's columns as the same types.
        case member([Expression])
        /// `x < ANY (…)`: the symbol, the operand and the comparison's key.
        case compared(String, Expression, key: String)
    }

    var kind: Kind
    /// Columns of numbers from ``ExpressionBinder/outerBase`` on are the correlations.
    var plan: Plan
    /// What the sub-query reads of the query around it, over that one's columns.
    var correlations: [Expression]
    var type: DataType
    /// Whether a column may be NULL.
    var isNullable: Bool
    var location: Int
    /// The name of its first column.
    var name = ""

    /// What is compared with the sub-query's rows, over the columns of the query around it.
    var operands: [Expression] {
        get {
            switch kind {
            case .scalar, .exists: []
            case .member(let operands): operands
            case .compared(_, let operand, _): [operand]
            }
        }
        set {
            switch kind {
            case .scalar, .exists: break
            case .member: kind = .member(newValue)
            case .compared(let symbol, _, let key): kind = .compared(symbol, newValue[0], key: key)
            }
        }
    }

    /// All that it reads of the query around it.
    var expressions: [Expression] { correlations + operands }

    /// All that it reads rewritten.
    func rewriting<E>(_ rewrite: (Expression) throws(E) -> Expression) throws(E) -> SubqueryUse {
        var use = self
        for index in use.correlations.indices { use.correlations[index] = try rewrite(use.correlations[index]) }
        var operands = use.operands
        for index in operands.indices { operands[index] = try rewrite(operands[index]) }
        use.operands = operands
        return use
    }

    /// Two that give the same value: they may stand in different places.
    func isSame(as other: SubqueryUse) -> Bool {
        kind == other.kind && correlations == other.correlations && name == other.name && plan == other.plan
    }
}

/// The expressions around a sub-query, whose columns it can name.
final class OuterFrame {
    private let binder: ExpressionBinder
    private(set) var correlations: [Expression] = []

    init(_ binder: ExpressionBinder) { self.binder = binder }

    /// A column of the query around, or of one further out, as the sub-query sees it.
    func column(_ qualifier: String?, _ name: String, _ location: Int) throws(Failure) -> Bound {
        correlated(try binder.named(qualifier, name, location))
    }

    /// The only column of a function whose alias this is; nil if there is none.
    func whole(_ alias: String, _ location: Int) -> Bound? { binder.whole(alias, location).map(correlated) }

    // MARK: aggregates

    /// How much has been read of a frame, and of the query that it is of.
    typealias Mark = (correlations: Int, references: Int)

    /// The marks of this frame and those further out.
    var marks: [Mark] { [(correlations.count, binder.references.count)] + (binder.outer?.marks ?? []) }

    /// An aggregate over nothing but columns from here: it belongs to the query around, or to one further out. What has been read for
    /// its arguments since `marks` is not read by the sub-query.
    func aggregate(_ use: ExpressionBinder.AggregateUse, _ location: Int, since marks: ArraySlice<Mark>) throws(Failure)
        -> Expression
    {
        let own = use.rewriting { expression in
            expression.rewriting { part in
                guard let column = part.columnIndex, ExpressionBinder.isOuter(column) else { return nil }
                return correlations[column - ExpressionBinder.outerBase]
            }
        }
        let result = try binder.aggregate(own, location, since: marks.dropFirst())
        if let mark = marks.first {
            correlations.removeSubrange(mark.correlations...)
            binder.forget(since: mark.references)
        }
        return correlated(Bound(expression: result, location: location)).expression
    }

    /// The columns of a table of the queries around, by its name.
    func table(_ name: String) -> TableColumns? { binder.table(name) }

    private func correlated(_ found: Bound) -> Bound {
        let place = correlations.firstIndex(of: found.expression) ?? correlations.count
        if place == correlations.count { correlations.append(found.expression) }
        return Bound(
            expression: .column(ExpressionBinder.outerBase + place, type: found.expression.type),
            location: found.location)
    }
}

extension ExpressionBinder {
    /// The columns of FROM that expressions read, also in their sub-queries.
    func columnsRead(_ expressions: [Expression]) -> Set<Int> {
        expressions.reduce(into: []) { read, expression in
            for column in expression.columnsUsed {
                if Self.isSubquery(column) {
                    read.formUnion(columnsRead(subqueries[column - Self.subqueryBase].expressions))
                } else if column < Self.aggregateBase {
                    read.insert(column)
                }
            }
        }
    }

    /// Columns of the query around a sub-query.
    static let outerBase = 1 << 22
    /// Sub-queries of the expression.
    static let subqueryBase = 1 << 23

    static func isAggregate(_ column: Int) -> Bool { column >= aggregateBase && column < windowBase }
    static func isWindow(_ column: Int) -> Bool { column >= windowBase && column < setBase }
    static func isSet(_ column: Int) -> Bool { column >= setBase && column < outerBase }
    static func isOuter(_ column: Int) -> Bool { column >= outerBase && column < subqueryBase }
    static func isSubquery(_ column: Int) -> Bool { column >= subqueryBase }

    // MARK: binding

    /// Binds a query inside an expression; its correlations are over this binder's columns.
    private func nested(_ query: QuerySyntax, at location: Int) throws(Failure) -> (
        query: BoundQuery, frame: OuterFrame
    ) {
        guard let queries else { throw .unsupported("a sub-query in \(clause)", at: location) }
        let frame = OuterFrame(self)
        let bound = try queries.inside(frame) { () throws(Failure) in try queries.bind(query, isTop: false) }
        return (bound, frame)
    }

    /// One value of the only row; `column` is another than the first only where a row of `count` fields is compared.
    func scalarSubquery(_ query: QuerySyntax, _ location: Int, column: Int = 0, of count: Int = 1) throws(Failure)
        -> Expression
    {
        let (bound, frame) = try nested(query, at: location)
        guard bound.columns.count == count else {
            let few = bound.columns.count < count
            throw Failure(
                "42601",
                count == 1
                    ? "subquery must return only one column" : "subquery has too \(few ? "few" : "many") columns",
                at: location)
        }
        let name = bound.columns[column].name
        subqueryNames[location] = name
        return add(
            SubqueryUse(
                kind: .scalar, plan: .selecting(bound.visiblePlan, [column]), correlations: frame.correlations,
                type: bound.columns[column].type, isNullable: true, location: location, name: name))
    }

    /// `ARRAY(SELECT …)`: the values of all rows, in the query's order; of no rows it is empty.
    func arraySubquery(_ query: QuerySyntax, _ location: Int) throws(Failure) -> Expression {
        guard let queries else { throw .unsupported("a sub-query in \(clause)", at: location) }
        let frame = OuterFrame(self)
        let bound = try queries.inside(frame) { () throws(Failure) in
            try queries.bind(query, isTop: false, keepsOrder: true)
        }
        guard bound.columns.count == 1 else {
            throw Failure("42601", "subquery must return only one column", at: location)
        }
        guard let type = AggregateTypes.collection(.arrayAgg, of: bound.columns[0].type) else {
            throw .unsupported("an array of several dimensions", at: location)
        }
        let call = AggregateCall(
            function: .arrayAgg, argument: 0, orderBy: bound.orderBy.isEmpty ? nil : bound.orderBy, type: type)
        let all = Expression.coalesce(
            [.column(0, type: type), .literal(.array([], bound.columns[0].type), type: type)], type: type)
        return add(
            SubqueryUse(
                kind: .scalar, plan: .project(.aggregate(bound.plan, groupBy: [], calls: [call]), [all]),
                correlations: frame.correlations, type: type, isNullable: false, location: location))
    }

    func existsSubquery(_ query: QuerySyntax, _ location: Int) throws(Failure) -> Expression {
        let (bound, frame) = try nested(query, at: location)
        return add(
            SubqueryUse(
                kind: .exists, plan: bound.visiblePlan, correlations: frame.correlations, type: .boolean,
                isNullable: false, location: location))
    }

    private static let opposites = [
        "=": "<>", "<>": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">", "~~": "!~~", "!~~": "~~", "~~*": "!~~*",
        "!~~*": "~~*", "~": "!~", "!~": "~", "~*": "!~*", "!~*": "~*",
    ]

    /// `x op ANY (…)`; ALL is that no row is the opposite.
    func quantifiedSubquery(
        _ operand: ExpressionSyntax, _ symbol: String, isAll: Bool, _ query: QuerySyntax, _ location: Int
    ) throws(Failure) -> Expression {
        let symbol = symbol == "!=" ? "<>" : symbol
        guard let opposite = Self.opposites[symbol] else {
            throw .unsupported("operator \(symbol) with ANY or ALL of a sub-query", at: location)
        }
        var operands: [Bound] = []
        if case .row(let items) = operand.kind { operands = try bindAll(items) } else { operands = [try bind(operand)] }
        let (bound, frame) = try nested(query, at: location)
        if bound.columns.count != operands.count {
            let few = bound.columns.count < operands.count
            throw Failure("42601", "subquery has too \(few ? "few" : "many") columns", at: location)
        }
        let used = isAll ? opposite : symbol
        if operands.count > 1, used != "=" {
            throw .unsupported("\(symbol) \(isAll ? "ALL" : "ANY") with a row value", at: location)
        }
        var (lefts, rights): ([Expression], [Expression]) = ([], [])
        var key = ""
        for (index, own) in operands.enumerated() {
            let column = bound.columns[index]
            let other = Bound(expression: .column(index, type: column.type), location: location)
            guard case .call(let name, let pair, _) = try operation(used, [own, other], location) else {
                throw Failure("XX000", "a comparison is not a call", at: location)
            }
            key = name
            lefts.append(pair[0])
            rights.append(pair[1])
        }
        if lefts.contains(where: { $0.columnsUsed.contains(where: Self.isSet) }) {
            throw Failure("42804", "row comparison operator must not return a set", at: location)
        }
        let plan = Plan.project(bound.visiblePlan, rights)
        let isNullable = rights.indices.contains { index in
            rights[index].columnIndex == nil || bound.columns[index].isNullable && plan.isNullable(index)
        }
        let use = SubqueryUse(
            kind: used == "=" ? .member(lefts) : .compared(used, lefts[0], key: key), plan: plan,
            correlations: frame.correlations, type: .boolean, isNullable: isNullable, location: location)
        let test = add(use)
        return isAll ? .not(test) : test
    }

    private func add(_ use: SubqueryUse) -> Expression {
        let index = subqueries.firstIndex { $0.isSame(as: use) } ?? subqueries.count
        if index == subqueries.count { subqueries.append(use) }
        return .column(Self.subqueryBase + index, type: use.type)
    }
}

extension Expression {
    /// The numbers of the sub-queries that stand in the expression.
    var subqueries: [Int] {
        columnsUsed.filter(ExpressionBinder.isSubquery).map { $0 - ExpressionBinder.subqueryBase }.sorted()
    }
}

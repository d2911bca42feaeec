internal import Dataflow

/// LIMIT, OFFSET and FETCH FIRST … WITH TIES.
extension QueryBinder {
    /// What stands after LIMIT or OFFSET.
    private enum RowCount {
        /// nil where nothing does, or NULL, or ALL.
        case constant(Int?)
        /// Of sub-queries and columns of queries around.
        case computed(Expression)

        var expression: Expression {
            switch self {
            case .constant(let number):
                .literal(number.map { .bigint(Int64($0)) } ?? .null, type: .bigint)
            case .computed(let value): value
            }
        }
    }

    /// The rows that LIMIT and OFFSET leave of a query. At the top of an ad-hoc one they are presentation.
    func limited(_ query: BoundQuery, _ syntax: QuerySyntax, isTop: Bool, keepsOrder: Bool) throws(Failure)
        -> BoundQuery
    {
        let binder = ExpressionBinder(scope: query.scope, clause: "LIMIT", queries: self)
        let counts = (
            offset: try count(syntax.offset, "OFFSET", binder), limit: try count(syntax.limit, "LIMIT", binder)
        )
        let isPresented = isTop && mode == .adHoc && viewDepth == 0
        if syntax.hasTies, query.orderBy.isEmpty {
            throw Failure("42601", "WITH TIES cannot be specified without ORDER BY clause", at: nil)
        }
        guard case .constant(let limit) = counts.limit, case .constant(let skipped) = counts.offset else {
            var result = query
            result.plan = try numbered(
                query, limit: counts.limit.expression, offset: counts.offset.expression, binder.subqueries,
                hasTies: syntax.hasTies)
            return isPresented || keepsOrder ? result : Self.unordered(result)
        }
        let offset = skipped ?? 0
        if syntax.hasTies, limit == nil { throw Failure("2201W", Self.nullTies, at: syntax.limit?.location) }
        let ties = syntax.hasTies ? limit : nil
        var result = query
        if keepsOrder {
            let ordered = BoundQuery(
                plan: query.plan,
                columns: query.plan.types.map { type in
                    BoundQuery.Column(name: "", type: type, isNullable: true, location: -1)
                }, orderBy: query.orderBy)
            result.plan = (ties.map { withTies(ordered, $0, offset) } ?? first(ordered, limit, offset)).plan
            return result
        }
        guard isPresented else { return ties.map { withTies(query, $0, offset) } ?? first(query, limit, offset) }
        if let ties { result.plan = Self.withTies(query, ties, offset) } else { result.limit = limit }
        result.offset = offset
        return result
    }

    private static let nullTies = "row count cannot be null in FETCH FIRST ... WITH TIES clause"

    /// The rows of a view or sub-query have no order: who reads them asks for one.
    private static func unordered(_ query: BoundQuery) -> BoundQuery {
        var result = query
        result.orderBy = []
        result.plan = query.visiblePlan
        return result
    }

    /// The rows up to the last one of the limit, and those that the order leaves equal to it: those whose rank is within the limit.
    private static func withTies(_ query: BoundQuery, _ limit: Int, _ offset: Int) -> Plan {
        let (total, overflow) = limit.addingReportingOverflow(offset)
        let top = OperatorKind.TopN(
            partitionBy: [], orderBy: query.orderBy, limit: overflow ? .max : total, ranking: .rank,
            emitsRowNumber: false, inputIsAppendOnly: false)
        return limit == 0 ? none(of: query.plan) : .analytic(query.plan, .top(top))
    }

    private func withTies(_ query: BoundQuery, _ limit: Int, _ offset: Int) -> BoundQuery {
        var result = query
        result.plan = Self.withTies(query, limit, offset)
        return first(result, nil, offset)
    }

    private static func none(of plan: Plan) -> Plan { .filter(plan, .literal(.boolean(false), type: .boolean)) }

    private func first(_ query: BoundQuery, _ limit: Int?, _ offset: Int) -> BoundQuery {
        if limit == nil, offset == 0 { return Self.unordered(query) }
        var result = query
        result.orderBy = []
        let limit = limit ?? .max
        if limit == 0 {
            result.plan = Self.none(of: query.visiblePlan)
            return result
        }
        let (total, overflow) = limit.addingReportingOverflow(offset)
        var plan = Plan.topN(
            query.plan, partitionBy: [], orderBy: query.orderBy, limit: overflow ? .max : total,
            emitsRowNumber: offset > 0)
        if offset > 0 {
            let number = Expression.column(query.plan.types.count, type: .bigint)
            plan = .filter(plan, Self.compare(">", number, .literal(.bigint(Int64(offset)), type: .bigint)))
        }
        result.plan = .selecting(plan, Array(query.columns.indices))
        return result
    }

    // MARK: computed counts

    /// The rows whose numbers are within counts that are values of other rows. All rows are kept, since the counts may change.
    private func numbered(
        _ query: BoundQuery, limit: Expression, offset: Expression, _ uses: [SubqueryUse], hasTies: Bool
    ) throws(Failure) -> Plan {
        let width = query.plan.types.count
        let functions: [OverCall.Function] = hasTies ? [.rowNumber, .rank] : [.rowNumber]
        let calls = functions.map { OverCall(function: $0, arguments: [], frame: .standard, type: .bigint) }
        let ranked = Plan.analytic(
            query.plan, .over(OperatorKind.Over(partitionBy: [], orderBy: query.orderBy, calls: calls)))
        let (plan, counts) = try SubqueryPlacement(uses: uses) { (expression) throws(Failure) in expression }.place(
            ranked, [limit, offset])
        let skipped = Expression.coalesce(
            [Self.checked(counts[1], "2201X", "OFFSET must not be negative"), .literal(.bigint(0), type: .bigint)],
            type: .bigint)
        var most = Self.checked(counts[0], "2201W", "LIMIT must not be negative")
        if hasTies { most = Self.checked(most, .not(.isNull(counts[0])), "2201W", Self.nullTies) }
        let (number, rank) = (
            Expression.column(width, type: .bigint), Expression.column(hasTies ? width + 1 : width, type: .bigint)
        )
        let left = Expression.call("-(bigint,bigint)", [rank, skipped], type: .bigint)
        let tests = [
            Self.compare(">", number, skipped), Expression.or([.isNull(most), Self.compare("<=", left, most)]),
        ]
        return .selecting(.filtered(plan, tests), Array(0..<width))
    }

    private static func compare(_ symbol: String, _ first: Expression, _ second: Expression) -> Expression {
        .call("\(symbol)(bigint,bigint)", [first, second], type: .boolean)
    }

    /// A count that is an error of the rows where it is negative; NULL is none.
    private static func checked(_ count: Expression, _ code: String, _ message: String) -> Expression {
        checked(count, compare(">=", count, .literal(.bigint(0), type: .bigint)), code, message)
    }

    private static func checked(_ value: Expression, _ test: Expression, _ code: String, _ message: String)
        -> Expression
    {
        if value.literalValue != nil { return value }
        let texts = [code, message].map { Expression.literal(.text($0), type: .text) }
        let check = Expression.call("row_check(boolean,text,text)", [test] + texts, type: .boolean)
        return .branches(
            [Expression.Branch(condition: check, value: value)], otherwise: .literal(.null, type: value.type),
            type: value.type)
    }

    /// The number after LIMIT or OFFSET.
    private func count(_ syntax: ExpressionSyntax?, _ clause: String, _ binder: ExpressionBinder) throws(Failure)
        -> RowCount
    {
        guard let syntax else { return .constant(nil) }
        binder.clause = clause
        let known = binder.references.count
        let bound = try binder.bind(syntax)
        if binder.references.count > known {
            throw Failure(
                "42P10", "argument of \(clause) must not contain variables", at: binder.references[known].location)
        }
        guard let value = try Coercion.coerce(bound, to: .bigint, .assignment) else {
            throw Failure(
                "42804", "argument of \(clause) must be type bigint, not type \(bound.typeName)", at: syntax.location)
        }
        guard value.columnsUsed.isEmpty else { return .computed(value) }
        switch ConstantFolding.value(of: value) {
        case .success(.bigint(let number)):
            guard number >= 0 else {
                throw Failure(
                    clause == "LIMIT" ? "2201W" : "2201X", "\(clause) must not be negative", at: syntax.location)
            }
            return .constant(Int(number))
        case .success: return .constant(nil)
        case .failure(let error): throw Failure(error.code, error.message, at: syntax.location)
        }
    }
}

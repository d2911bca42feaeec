internal import Dataflow

/// The FROM clause: relations, sub-queries, joins and window table functions.
extension QueryBinder {
    /// The elements of FROM as one plan, with the conditions of its joins, and the scope of all of them.
    func from(_ elements: [FromSyntax]) throws(Failure) -> (plan: Plan, scope: Scope) {
        guard let first = elements.first else { return (.values([[]], types: []), Scope()) }
        var (plan, scope) = try source(first)
        for element in elements.dropFirst() {
            (plan, scope) = try product((plan, scope), element)
        }
        return (plan, scope)
    }

    /// The pairs of what stands before and an element, which may look at what stands before.
    private func product(_ left: Source, _ element: FromSyntax) throws(Failure) -> Source {
        if case .subquery(let query, let alias, true) = element {
            return try lateral(left, query, alias, .inner, .cross)
        }
        if case .function(let function, let alias, let location) = element, !Self.isWindow(function) {
            return try expand(left, function, alias, location, .inner, .cross)
        }
        let (right, rightScope) = try source(element)
        let plan = Plan.selecting(left.plan, Array(left.scope.columns.indices))
        return (
            .cross(plan, right, location: element.location), try Self.combine(left.scope, rightScope)
        )
    }

    private func source(_ syntax: FromSyntax) throws(Failure) -> Source {
        switch syntax {
        case .relation(let name, let alias):
            let (plan, columns) = try relation(name)
            return (plan, try Self.scope(columns, alias, default: name.name, at: name.location))
        case .subquery(let query, let alias, _):
            let (plan, columns) = try subquery(query)
            return (plan, try Self.scope(columns, alias, default: nil, at: nil))
        case .function(let function, let alias, let location):
            if Self.isWindow(function) { return try window(function, alias, location) }
            return try expand((.values([[]], types: []), Scope()), function, alias, location, .inner, .cross)
        case .join(let left, .function(let function, let inner, let location), let kind, let condition, let alias)
        where !Self.isWindow(function):
            return try aliased(try expand(try source(left), function, inner, location, kind, condition), alias)
        case .join(let left, .subquery(let query, let inner, isLateral: true), let kind, let condition, let alias):
            return try aliased(try lateral(try source(left), query, inner, kind, condition), alias)
        case .join(let left, let right, let kind, let condition, let alias):
            return try aliased(
                try join(try source(left), try source(right), kind, condition, at: right.location), alias)
        }
    }

    /// A join with an alias of its own hides the names inside; the second columns of USING cannot be named any more.
    private func aliased(_ joined: Source, _ alias: AliasSyntax?) throws(Failure) -> Source {
        guard let alias else { return joined }
        let shown = joined.scope.columns.indices.filter { !joined.scope.columns[$0].isMerged }
        return (
            .selecting(joined.plan, shown),
            try Self.scope(shown.map { joined.scope.columns[$0] }, alias, default: nil, at: nil)
        )
    }

    /// A sub-query that names columns of what stands before it: for each row there, its rows.
    private func lateral(
        _ left: Source, _ query: QuerySyntax, _ alias: AliasSyntax?, _ kind: FromSyntax.JoinKind,
        _ condition: FromSyntax.JoinCondition
    ) throws(Failure) -> Source {
        try lateral(left, kind, condition, at: -1) { () throws(Failure) in
            let (plan, columns) = try self.subquery(query)
            return (plan, try Self.scope(columns, alias, default: nil, at: nil))
        }
    }

    /// For each row of the left side the rows of what `bind` gives, which may name the left side's columns.
    func lateral(
        _ left: Source, _ kind: FromSyntax.JoinKind, _ condition: FromSyntax.JoinCondition, at location: Int,
        _ bind: () throws(Failure) -> Source
    ) throws(Failure) -> Source {
        let frame = OuterFrame(
            ExpressionBinder(scope: left.scope, clause: "FROM clause of their own query level", queries: self))
        let right = try inside(frame, bind)
        guard !frame.correlations.isEmpty else { return try join(left, right, kind, condition, at: location) }
        guard kind == .inner || kind == .left else {
            throw Failure(
                "42P10", "invalid reference to FROM-clause entry: LATERAL with a RIGHT or FULL join", at: location,
                hint: "The combining JOIN type must be INNER or LEFT for a LATERAL reference.")
        }
        var scope = try Self.combine(left.scope, right.scope)
        let plan = Plan.selecting(left.plan, Array(left.scope.columns.indices))
        let unnested = try Unnesting(outer: plan, correlations: frame.correlations).whole(
            .selecting(right.plan, Array(right.scope.columns.indices)))
        let width = left.scope.columns.count
        var tests = unnested.conditions(frame.correlations, shift: width)
        let all = Array(scope.columns.indices)
        let binder = ExpressionBinder(scope: scope, clause: "JOIN conditions", queries: self)
        var own: Expression?
        var merged: [(left: Int, right: Int)] = []
        switch condition {
        case .cross: break
        case .on(let syntax): own = try binder.condition(syntax, "JOIN/ON")
        case .using, .natural:
            var names = Self.commonNames(left.scope, right.scope)
            if case .using(let written) = condition { names = written }
            let equal = try equalities(names, left.scope, right.scope, scope)
            own = Plan.conjunction(equal.conditions)
            merged = equal.pairs
        }
        if kind == .left {
            for index in width..<scope.columns.count {
                scope.columns[index].isNullable = true
                scope.columns[index].isOptional = true
            }
        }
        guard kind == .left, own?.subqueries.isEmpty ?? true else {
            let joined = Plan.selecting(.filtered(.cross(plan, unnested.plan, location: location), tests), all)
            let pairs = try own.map { (test) throws(Failure) in try filtered(joined, test, binder) } ?? joined
            let result =
                kind == .inner
                ? pairs : Self.outer(.left, plan, Self.shown(right), pairs: pairs, at: location)
            return try self.merged(result, scope, merged, kind)
        }
        tests += own?.conjuncts ?? []
        let join = Plan.Join(
            kind: .left, condition: Plan.conjunction(tests) ?? .literal(.boolean(true), type: .boolean),
            location: location)
        return try self.merged(.selecting(.join(plan, unnested.plan, join), all), scope, merged, kind)
    }

    func subquery(_ query: QuerySyntax) throws(Failure) -> (plan: Plan, columns: [Scope.Column]) {
        let bound = try bind(query, isTop: false)
        return (
            bound.visiblePlan,
            bound.columns.map { Scope.Column(name: $0.name, type: $0.type, isNullable: $0.isNullable) }
        )
    }

    static func scope(
        _ columns: [Scope.Column], _ alias: AliasSyntax?, default name: String?, at location: Int?
    ) throws(Failure) -> Scope {
        var columns = columns
        let table = alias?.name ?? name
        for index in columns.indices {
            (columns[index].table, columns[index].isWhole, columns[index].isOptional) = (table, false, false)
            columns[index].isFirm = !columns[index].isNullable
        }
        if let names = alias?.columns, !names.isEmpty {
            let visible = columns.indices.filter { !columns[$0].isHidden }
            guard names.count <= visible.count else {
                throw Failure(
                    "42P10",
                    "table \"\(table ?? "")\" has \(visible.count) columns available but \(names.count) columns specified",
                    at: location)
            }
            for (index, name) in zip(visible, names) { columns[index].name = name }
        }
        return Scope(columns: columns)
    }

    static func combine(_ left: Scope, _ right: Scope) throws(Failure) -> Scope {
        if let twice = right.tables.first(where: { left.tables.contains($0) }) {
            throw Failure("42712", "table name \"\(twice)\" specified more than once")
        }
        return Scope(columns: left.columns + right.columns)
    }
}

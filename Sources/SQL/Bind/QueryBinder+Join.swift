internal import Dataflow

/// JOIN with ON, USING and NATURAL.
extension QueryBinder {
    typealias Source = (plan: Plan, scope: Scope)

    func join(
        _ left: Source, _ right: Source, _ kind: FromSyntax.JoinKind, _ condition: FromSyntax.JoinCondition,
        at location: Int
    ) throws(Failure) -> Source {
        let scope = try Self.combine(left.scope, right.scope)
        switch condition {
        case .cross: return joined(left, right, scope, kind, [], at: location)
        case .on(let syntax):
            let binder = ExpressionBinder(scope: scope, clause: "JOIN conditions", queries: self)
            return try on(try binder.condition(syntax, "JOIN/ON"), binder, left, right, scope, kind, at: location)
        case .using(let names): return try using(names, left, right, scope, kind, at: location)
        case .natural:
            let names = left.scope.columns.filter { column in
                !column.isHidden && right.scope.columns.contains { $0.name == column.name && !$0.isHidden }
            }.map(\.name)
            return try using(names, left, right, scope, kind, at: location)
        }
    }

    /// ON with its sub-queries. In that of an outer join they can only be beside the side that may be missing.
    private func on(
        _ condition: Expression, _ binder: ExpressionBinder, _ left: Source, _ right: Source, _ scope: Scope,
        _ kind: FromSyntax.JoinKind, at location: Int
    ) throws(Failure) -> Source {
        guard let first = condition.subqueries.first else {
            return joined(left, right, scope, kind, condition.conjuncts, at: location)
        }
        if kind == .inner {
            let (plan, scope) = joined(left, right, scope, kind, [], at: location)
            return (try filtered(plan, condition, binder), scope)
        }
        let width = left.scope.columns.count
        let whole = condition.conjuncts.filter { !$0.subqueries.isEmpty }
        var used = whole.reduce(into: Set<Int>()) {
            $0.formUnion($1.columnsUsed.filter { $0 < ExpressionBinder.aggregateBase })
        }
        for use in condition.subqueries {
            for expression in binder.subqueries[use].expressions { used.formUnion(expression.columnsUsed) }
        }
        used = used.filter { $0 < ExpressionBinder.aggregateBase }
        let missing = kind == .left ? width..<scope.columns.count : 0..<width
        guard kind != .full, used.allSatisfy({ missing.contains($0) }) else {
            throw .unsupported(
                "this sub-query in ON of an outer join", at: binder.subqueries[first].location,
                hint: "It may use the columns of the side that can be missing.")
        }
        let shift = missing.lowerBound
        let moved = SubqueryPlacement(uses: binder.subqueries) { (expression) throws(Failure) in
            expression.mappingColumns { $0 < ExpressionBinder.aggregateBase ? $0 - shift : $0 }
        }
        let inner = kind == .left ? right : left
        let plan = Plan.selecting(inner.plan, Array(inner.scope.columns.indices))
        let test = Plan.conjunction(
            whole.map { $0.mappingColumns { $0 < ExpressionBinder.aggregateBase ? $0 - shift : $0 } })
        let narrowed: Source = (try moved.filter(plan, test ?? condition), inner.scope)
        let rest = condition.conjuncts.filter(\.subqueries.isEmpty)
        return kind == .left
            ? joined(left, narrowed, scope, kind, rest, at: location)
            : joined(narrowed, right, scope, kind, rest, at: location)
    }

    /// The columns of both sides, in order, whichever of them is kept whole.
    private func joined(
        _ left: Source, _ right: Source, _ scope: Scope, _ kind: FromSyntax.JoinKind, _ conditions: [Expression],
        at location: Int
    ) -> Source {
        var scope = scope
        let width = left.scope.columns.count
        for index in scope.columns.indices
        where index < width ? kind == .right || kind == .full : kind == .left || kind == .full {
            scope.columns[index].isNullable = true
        }
        let (leftPlan, rightPlan) = (
            Plan.selecting(left.plan, Array(left.scope.columns.indices)),
            Plan.selecting(right.plan, Array(right.scope.columns.indices))
        )
        let condition = Plan.conjunction(conditions) ?? .literal(.boolean(true), type: .boolean)
        func outer(_ kind: OperatorKind.Join.Kind, _ condition: Expression) -> Plan.Join {
            Plan.Join(kind: kind, condition: condition, location: location)
        }
        switch kind {
        case .inner: return (.filtered(.cross(leftPlan, rightPlan, location: location), conditions), scope)
        case .left: return (.join(leftPlan, rightPlan, outer(.left, condition)), scope)
        case .full: return (.join(leftPlan, rightPlan, outer(.full, condition)), scope)
        case .right:
            let other = right.scope.columns.count
            // The columns of a query around keep their numbers.
            func place(_ column: Int) -> Int {
                column < width ? column + other : column < width + other ? column - width : column
            }
            let mirrored = Plan.join(rightPlan, leftPlan, outer(.left, condition.mappingColumns(place)))
            return (.selecting(mirrored, (0..<width + other).map(place)), scope)
        }
    }

    private func using(
        _ names: [String], _ left: Source, _ right: Source, _ scope: Scope, _ kind: FromSyntax.JoinKind,
        at location: Int
    ) throws(Failure) -> Source {
        var conditions: [Expression] = []
        let binder = ExpressionBinder(scope: scope, clause: "JOIN/USING")
        var pairs: [(left: Int, right: Int)] = []
        for name in names {
            let first = try Self.common(name, left.scope, "left")
            let second = left.scope.columns.count + (try Self.common(name, right.scope, "right"))
            conditions.append(
                try binder.operation(
                    "=",
                    [first, second].map { Bound(expression: .column($0, type: scope.columns[$0].type), location: -1) },
                    -1))
            pairs.append((first, second))
        }
        let (plan, joinedScope) = joined(left, right, scope, kind, conditions, at: location)
        guard !pairs.isEmpty else { return (plan, joinedScope) }
        return try merged(plan, joinedScope, pairs, kind)
    }

    private static func common(_ name: String, _ side: Scope, _ word: String) throws(Failure) -> Int {
        let found = side.columns.indices.filter { side.columns[$0].name == name && !side.columns[$0].isMerged }
        if found.count == 1 { return found[0] }
        if found.isEmpty {
            throw Failure("42703", "column \"\(name)\" specified in USING clause does not exist in \(word) table")
        }
        throw Failure("42702", "common column name \"\(name)\" appears more than once in \(word) table")
    }

    /// Puts the common columns first. Of an outer join each is that of the side that is kept whole, of a full one whichever is there.
    private func merged(
        _ plan: Plan, _ scope: Scope, _ pairs: [(left: Int, right: Int)], _ kind: FromSyntax.JoinKind
    ) throws(Failure) -> Source {
        var columns = scope.columns
        var first: [(Expression, Scope.Column)] = []
        var moved: Set<Int> = []
        for (left, right) in pairs {
            let hidden = kind == .right ? [left] : kind == .full ? [left, right] : [right]
            for index in hidden {
                columns[index].isHidden = true
                columns[index].isMerged = true
            }
            if kind == .full {
                let binder = ExpressionBinder(scope: scope, clause: "JOIN/USING")
                let (value, type) = try Coercion.unify(
                    [left, right].map { Bound(expression: binder.reference($0, at: -1), location: -1) },
                    in: "JOIN/USING")
                first.append(
                    (
                        .coalesce(value, type: type),
                        Scope.Column(table: nil, name: columns[left].name, type: type, isNullable: true)
                    ))
            } else {
                let kept = kind == .right ? right : left
                moved.insert(kept)
                first.append((.column(kept, type: columns[kept].type), columns[kept]))
            }
        }
        let rest = columns.indices.filter { !moved.contains($0) }
        let outputs = first.map(\.0) + rest.map { .column($0, type: columns[$0].type) }
        let result = Scope(columns: first.map(\.1) + rest.map { columns[$0] })
        if outputs.map(\.columnIndex) == Array(columns.indices) { return (plan, result) }
        return (.project(plan, outputs), result)
    }
}

internal import Dataflow

/// JOIN with ON, USING and NATURAL.
extension QueryBinder {
    typealias Source = (plan: Plan, scope: Scope)

    func join(
        _ left: Source, _ right: Source, _ kind: FromSyntax.JoinKind, _ condition: FromSyntax.JoinCondition,
        at location: Int
    ) throws(Failure) -> Source {
        let left = kind == .right || kind == .full ? Self.marked(left) : left
        let right = kind == .left || kind == .full ? Self.marked(right) : right
        let scope = try Self.combine(left.scope, right.scope)
        switch condition {
        case .cross: return joined(left, right, scope, kind, [], at: location)
        case .on(let syntax):
            let binder = ExpressionBinder(scope: scope, clause: "JOIN conditions", queries: self)
            return try on(try binder.condition(syntax, "JOIN/ON"), binder, left, right, scope, kind, at: location)
        case .using(let names): return try using(names, left, right, scope, kind, at: location)
        case .natural:
            let names = Self.commonNames(left.scope, right.scope)
            return try using(names, left, right, scope, kind, at: location)
        }
    }

    /// A side that an outer join may leave out: where all of a table's columns may be NULL, a further one without a name tells whether
    /// its row is there. It goes again where no whole row is named.
    static func marked(_ side: Source) -> Source {
        let tables = side.scope.tables.filter { table in
            !side.scope.columns.contains { $0.table == table && ($0.isFirm || $0.isOptional) }
        }
        if tables.isEmpty { return side }
        var scope = side.scope
        for table in tables {
            scope.columns.append(
                Scope.Column(
                    table: table, name: "", type: .boolean, isNullable: false, isHidden: true, isFirm: true))
        }
        let mark = Expression.literal(.boolean(true), type: .boolean)
        let plan = shown(side)
        return (.project(plan, plan.columns + tables.map { _ in mark }), scope)
    }

    /// ON with its sub-queries. Of an outer join those that read only the side that may be missing narrow that side.
    private func on(
        _ condition: Expression, _ binder: ExpressionBinder, _ left: Source, _ right: Source, _ scope: Scope,
        _ kind: FromSyntax.JoinKind, at location: Int
    ) throws(Failure) -> Source {
        if condition.subqueries.isEmpty {
            return joined(left, right, scope, kind, condition.conjuncts, at: location)
        }
        if kind == .inner {
            let (plan, scope) = joined(left, right, scope, kind, [], at: location)
            return (try filtered(plan, condition, binder), scope)
        }
        let width = left.scope.columns.count
        var (left, right) = (left, right)
        var rest = condition.conjuncts
        if kind != .full {
            let missing = kind == .left ? width..<scope.columns.count : 0..<width
            let own = rest.filter { !$0.subqueries.isEmpty && binder.columnsRead([$0]).allSatisfy(missing.contains) }
            rest.removeAll(where: own.contains)
            if kind == .left {
                right.plan = try narrowed(right, own, binder, from: width)
            } else {
                left.plan = try narrowed(left, own, binder, from: 0)
            }
        }
        if rest.allSatisfy(\.subqueries.isEmpty) { return joined(left, right, scope, kind, rest, at: location) }
        let (pairs, _) = joined(left, right, scope, .inner, [], at: location)
        let (_, nullable) = joined(left, right, scope, kind, [], at: location)
        let all = Plan.conjunction(rest) ?? condition
        return (
            Self.outer(
                kind, Self.shown(left), Self.shown(right), pairs: try filtered(pairs, all, binder), at: location),
            nullable
        )
    }

    static func shown(_ source: Source) -> Plan {
        .selecting(source.plan, Array(source.scope.columns.indices))
    }

    /// The rows of one side for which conditions over it alone are true; its columns are numbered from `shift` on in them.
    private func narrowed(_ side: Source, _ conditions: [Expression], _ binder: ExpressionBinder, from shift: Int)
        throws(Failure) -> Plan
    {
        func moved(_ expression: Expression) -> Expression {
            expression.mappingColumns { $0 < ExpressionBinder.aggregateBase ? $0 - shift : $0 }
        }
        guard let test = Plan.conjunction(conditions.map(moved)) else { return side.plan }
        return try SubqueryPlacement(uses: binder.subqueries) { (expression) throws(Failure) in moved(expression) }
            .filter(Self.shown(side), test)
    }

    /// An outer join by its pairs: to them come the rows that are in none, which all of their columns tell apart, with NULLs beside.
    static func outer(_ kind: FromSyntax.JoinKind, _ left: Plan, _ right: Plan, pairs: Plan, at location: Int) -> Plan {
        let (leftTypes, rightTypes) = (left.types, right.types)
        func alone(_ side: Plan, from first: Int) -> Plan {
            let count = side.types.count
            let tests = side.columns.enumerated().map { index, column in
                Unnested.equal(column, .column(count + index, type: column.type), isStrict: false)
            }
            return .join(
                side, .selecting(pairs, Array(first..<first + count)),
                Plan.Join(kind: .anti, condition: Plan.conjunction(tests), location: location))
        }
        func nulls(_ types: [DataType]) -> [Expression] { types.map { .literal(.null, type: $0) } }
        var parts = [Plan.selecting(pairs, Array(0..<leftTypes.count + rightTypes.count))]
        if kind != .right { parts.append(.project(alone(left, from: 0), left.columns + nulls(rightTypes))) }
        if kind != .left {
            parts.append(.project(alone(right, from: leftTypes.count), nulls(leftTypes) + right.columns))
        }
        return .unionAll(parts)
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
            scope.columns[index].isOptional = true
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
        let (conditions, pairs) = try equalities(names, left.scope, right.scope, scope)
        let (plan, joinedScope) = joined(left, right, scope, kind, conditions, at: location)
        return try merged(plan, joinedScope, pairs, kind)
    }

    /// What USING compares, and where the columns are in both sides together.
    func equalities(_ names: [String], _ left: Scope, _ right: Scope, _ scope: Scope) throws(Failure) -> (
        conditions: [Expression], pairs: [(left: Int, right: Int)]
    ) {
        var conditions: [Expression] = []
        let binder = ExpressionBinder(scope: scope, clause: "JOIN/USING")
        var pairs: [(left: Int, right: Int)] = []
        for name in names {
            let first = try Self.common(name, left, "left")
            let second = left.columns.count + (try Self.common(name, right, "right"))
            let operands = [first, second].map {
                Bound(expression: .column($0, type: scope.columns[$0].type), location: -1)
            }
            _ = try Coercion.commonType(operands, in: "JOIN/USING")
            conditions.append(try binder.operation("=", operands, -1))
            pairs.append((first, second))
        }
        return (conditions, pairs)
    }

    /// The columns that NATURAL joins by.
    static func commonNames(_ left: Scope, _ right: Scope) -> [String] {
        left.columns.filter { column in
            !column.isHidden && right.columns.contains { $0.name == column.name && !$0.isHidden }
        }.map(\.name)
    }

    private static func common(_ name: String, _ side: Scope, _ word: String) throws(Failure) -> Int {
        let found = side.columns.indices.filter { side.columns[$0].name == name && !side.columns[$0].isMerged }
        if found.count == 1 { return found[0] }
        if found.isEmpty {
            throw Failure("42703", "column \"\(name)\" specified in USING clause does not exist in \(word) table")
        }
        throw Failure("42702", "common column name \"\(name)\" appears more than once in \(word) table")
    }

    /// Puts the common columns first, as their common type. Of an outer join each is that of the side that is kept whole, of a full one
    /// whichever is there, of an inner one the one that has the type already.
    func merged(
        _ plan: Plan, _ scope: Scope, _ pairs: [(left: Int, right: Int)], _ kind: FromSyntax.JoinKind
    ) throws(Failure) -> Source {
        if pairs.isEmpty { return (plan, scope) }
        var columns = scope.columns
        var first: [(Expression, Scope.Column)] = []
        var moved: Set<Int> = []
        for (left, right) in pairs {
            let (values, type) = try Coercion.unify(
                [left, right].map { Bound(expression: .column($0, type: columns[$0].type), location: -1) },
                in: "JOIN/USING")
            let value: Expression =
                switch kind {
                case .full: .coalesce(values, type: type)
                case .left: values[0]
                case .right: values[1]
                case .inner: values[0].columnIndex == nil && values[1].columnIndex != nil ? values[1] : values[0]
                }
            let kept = value.columnIndex
            for index in [left, right] where index != kept {
                columns[index].isHidden = true
                columns[index].isMerged = true
            }
            if let kept {
                moved.insert(kept)
                first.append((value, columns[kept]))
            } else {
                let isNullable = value.columnsUsed.contains { columns[$0].isNullable }
                first.append(
                    (value, Scope.Column(table: nil, name: columns[left].name, type: type, isNullable: isNullable)))
            }
        }
        let rest = columns.indices.filter { !moved.contains($0) }
        let outputs = first.map(\.0) + rest.map { .column($0, type: columns[$0].type) }
        let result = Scope(columns: first.map(\.1) + rest.map { columns[$0] })
        if outputs.map(\.columnIndex) == Array(columns.indices) { return (plan, result) }
        return (.project(plan, outputs), result)
    }
}

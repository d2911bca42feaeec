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
        case .function(let call, let alias, let location): return try window(call, alias, location)
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
        let around = ExpressionBinder(scope: left.scope, clause: "LATERAL", queries: self)
        let frame = OuterFrame(around)
        frames.append(frame)
        defer { frames.removeLast() }
        let (inner, columns) = try subquery(query)
        let rightScope = try Self.scope(columns, alias, default: nil, at: nil)
        guard !frame.correlations.isEmpty else {
            return try join(left, (inner, rightScope), kind, condition, at: -1)
        }
        guard kind == .inner || kind == .left else {
            throw Failure(
                "42P10", "invalid reference to FROM-clause entry: LATERAL with a RIGHT or FULL join",
                hint: "The combining JOIN type must be INNER or LEFT for a LATERAL reference.")
        }
        var scope = try Self.combine(left.scope, rightScope)
        let plan = Plan.selecting(left.plan, Array(left.scope.columns.indices))
        let unnested = try Unnesting(outer: plan, correlations: frame.correlations).whole(inner)
        let width = left.scope.columns.count
        var tests = unnested.conditions(frame.correlations, shift: width)
        switch condition {
        case .cross: break
        case .on(let syntax):
            let binder = ExpressionBinder(scope: scope, clause: "JOIN conditions")
            tests.append(try binder.condition(syntax, "JOIN/ON"))
        case .using, .natural: throw .unsupported("LATERAL with USING or NATURAL", at: nil, hint: "Use ON.")
        }
        let all = Array(0..<width + columns.count)
        if kind == .inner {
            return (.selecting(.filtered(.cross(plan, unnested.plan, location: -1), tests), all), scope)
        }
        for index in width..<scope.columns.count { scope.columns[index].isNullable = true }
        let join = Plan.Join(
            kind: .left, condition: Plan.conjunction(tests) ?? .literal(.boolean(true), type: .boolean))
        return (.selecting(.join(plan, unnested.plan, join), all), scope)
    }

    private func subquery(_ query: QuerySyntax) throws(Failure) -> (plan: Plan, columns: [Scope.Column]) {
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
        for index in columns.indices { columns[index].table = table }
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

    // MARK: windows

    private static let laterWindows: Set<String> = ["hop", "session", "cumulate"]
    private static let laterFunctions: Set<String> = [
        "generate_series", "unnest", "jsonb_array_elements", "regexp_split_to_table",
    ]

    /// `tumble(table, time, size)`: the table's columns, then the bounds of the window that the time lies in.
    private func window(_ call: CallSyntax, _ alias: AliasSyntax?, _ location: Int) throws(Failure) -> (
        plan: Plan, scope: Scope
    ) {
        if Self.laterWindows.contains(call.name) {
            throw .unsupported(
                "window table function \(call.name)", at: location, hint: "Only tumble(table, time, size) is.")
        }
        guard call.name == "tumble" else {
            if Self.laterFunctions.contains(call.name) { throw .unsupported("\(call.name) in FROM", at: location) }
            throw Failure(
                "42883", "function \(call.name) in FROM does not exist", at: location,
                hint: Suggestion.hint(for: call.name, among: ["tumble"])
                    ?? "The table function is tumble(table, time, size).")
        }
        guard call.arguments.count == 3 else {
            throw Failure(
                "42883", "tumble takes three arguments, not \(call.arguments.count)", at: location,
                hint: "tumble(table, time column, INTERVAL '10 seconds')")
        }
        let (input, columns, name) = try windowInput(call.arguments[0])
        let binder = ExpressionBinder(scope: Scope(columns: columns), clause: "a window")
        let time = try binder.bind(call.arguments[1])
        guard time.type == .timestamp else {
            throw Failure(
                "42804", "the time of a window must be type \(DataType.timestamp.name), not type \(time.typeName)",
                at: call.arguments[1].location)
        }
        let size = try windowSize(call.arguments[2], binder)
        let bounds = ["tumble_start", "tumble_end"].map { function in
            Expression.call(
                "\(function)(\(DataType.timestamp.name),interval)", [time.expression, size], type: .timestamp)
        }
        let isNullable = time.expression.columnIndex.map { columns[$0].isNullable } ?? true
        let all =
            columns
            + ["window_start", "window_end"].map { Scope.Column(name: $0, type: .timestamp, isNullable: isNullable) }
        return (.project(input, input.columns + bounds), try Self.scope(all, alias, default: name, at: location))
    }

    private func windowInput(_ syntax: ExpressionSyntax) throws(Failure) -> (
        plan: Plan, columns: [Scope.Column], name: String?
    ) {
        switch syntax.kind {
        case .column(let qualifier, let name):
            let (plan, columns) = try relation(NameSyntax(qualifier: qualifier, name: name, location: syntax.location))
            return (plan, columns, name)
        case .subquery(let query):
            let (plan, columns) = try subquery(query)
            return (plan, columns, nil)
        default:
            throw Failure(
                "42601", "the first argument of a window must be a table, a view or a sub-query", at: syntax.location)
        }
    }

    private func windowSize(_ syntax: ExpressionSyntax, _ binder: ExpressionBinder) throws(Failure) -> Expression {
        let bound = try binder.bind(syntax)
        guard let size = try Coercion.coerce(bound, to: .interval) else {
            throw Failure(
                "42804", "the size of a window must be type interval, not type \(bound.typeName)", at: syntax.location)
        }
        guard case .literal(.interval(let value), _) = size else {
            throw Failure("42601", "the size of a window must be a constant", at: syntax.location)
        }
        guard value.months == 0, value.days >= 0, value.microseconds >= 0, value.days > 0 || value.microseconds > 0
        else {
            throw Failure("22023", "a window's size must be positive and without months", at: syntax.location)
        }
        return size
    }
}

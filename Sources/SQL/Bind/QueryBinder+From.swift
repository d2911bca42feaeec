internal import Dataflow

/// The FROM clause: relations, sub-queries, joins and window table functions.
extension QueryBinder {
    /// The elements of FROM as one plan, with the conditions of its joins, and the scope of all of them.
    func from(_ elements: [FromSyntax]) throws(Failure) -> (plan: Plan, scope: Scope) {
        guard let first = elements.first else { return (.values([[]], types: []), Scope()) }
        var (plan, scope) = try source(first)
        for element in elements.dropFirst() {
            let (right, rightScope) = try source(element)
            scope = try Self.combine(scope, rightScope)
            plan = .cross(plan, right, location: element.location)
        }
        return (plan, scope)
    }

    private func source(_ syntax: FromSyntax) throws(Failure) -> (plan: Plan, scope: Scope) {
        switch syntax {
        case .relation(let name, let alias):
            let (plan, columns) = try relation(name)
            return (plan, try Self.scope(columns, alias, default: name.name, at: name.location))
        case .subquery(let query, let alias):
            let (plan, columns) = try subquery(query)
            return (plan, try Self.scope(columns, alias, default: nil, at: nil))
        case .function(let call, let alias, let location): return try window(call, alias, location)
        case .join(let left, let right, let condition, let alias):
            if alias != nil { throw .unsupported("an alias of a join", at: nil) }
            return try join(try source(left), try source(right), condition, at: right.location)
        }
    }

    private func subquery(_ query: QuerySyntax) throws(Failure) -> (plan: Plan, columns: [Scope.Column]) {
        let bound = try bind(query, isTop: false)
        return (
            bound.visiblePlan,
            bound.columns.map { Scope.Column(name: $0.name, type: $0.type, isNullable: $0.isNullable) }
        )
    }

    private static func scope(
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

    private static func combine(_ left: Scope, _ right: Scope) throws(Failure) -> Scope {
        if let twice = right.tables.first(where: { left.tables.contains($0) }) {
            throw Failure("42712", "table name \"\(twice)\" specified more than once")
        }
        return Scope(columns: left.columns + right.columns)
    }

    // MARK: joins

    private func join(
        _ left: (plan: Plan, scope: Scope), _ right: (plan: Plan, scope: Scope), _ condition: FromSyntax.JoinCondition,
        at location: Int
    ) throws(Failure) -> (plan: Plan, scope: Scope) {
        var scope = try Self.combine(left.scope, right.scope)
        let plan = Plan.cross(left.plan, right.plan, location: location)
        switch condition {
        case .cross: return (plan, scope)
        case .on(let syntax):
            let binder = ExpressionBinder(scope: scope, clause: "JOIN conditions")
            return (.filtered(plan, [try binder.condition(syntax, "JOIN/ON")]), scope)
        case .using(let names): return (try using(names, left.scope, right.scope, plan, &scope), scope)
        case .natural:
            let names = left.scope.columns.filter { column in
                !column.isHidden && right.scope.columns.contains { $0.name == column.name && !$0.isHidden }
            }.map(\.name)
            return (try using(names, left.scope, right.scope, plan, &scope), scope)
        }
    }

    private func using(
        _ names: [String], _ left: Scope, _ right: Scope, _ plan: Plan, _ scope: inout Scope
    ) throws(Failure) -> Plan {
        var conditions: [Expression] = []
        let binder = ExpressionBinder(scope: scope, clause: "JOIN/USING")
        var merged: [Int] = []
        for name in names {
            func index(_ side: Scope, _ word: String) throws(Failure) -> Int {
                let found = side.columns.indices.filter { side.columns[$0].name == name && !side.columns[$0].isMerged }
                if found.count == 1 { return found[0] }
                if found.isEmpty {
                    throw Failure(
                        "42703", "column \"\(name)\" specified in USING clause does not exist in \(word) table")
                }
                throw Failure("42702", "common column name \"\(name)\" appears more than once in \(word) table")
            }
            let first = try index(left, "left")
            let second = left.columns.count + (try index(right, "right"))
            conditions.append(
                try binder.operation(
                    "=",
                    [first, second].map { Bound(expression: .column($0, type: scope.columns[$0].type), location: -1) },
                    -1))
            scope.columns[second].isHidden = true
            scope.columns[second].isMerged = true
            merged.append(first)
        }
        guard !merged.isEmpty else { return plan }
        return .filtered(plan, conditions)
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
                "\(function)(\(DataType.timestamp.rawValue),interval)", [time.expression, size], type: .timestamp)
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

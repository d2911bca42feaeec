internal import Dataflow

/// SELECT: the list, grouping, windows, DISTINCT and ORDER BY.
extension QueryBinder {
    /// What one SELECT is made of while it is bound: expressions over the rows of FROM, then over what comes later.
    private struct Selection {
        var plan: Plan
        var items: [Expression]
        var having: Expression?
        var windows: [ExpressionBinder.WindowUse]
        /// Functions that return sets, in the list.
        var sets: [OperatorKind.Expand.Call]
        /// Sub-queries that are compared with windows or sets, by number: they are put in after these.
        var late: [(number: Int, use: SubqueryUse)] = []

        /// What is computed over the rows or groups before the windows are, in the order of ``rewrite(_:)``.
        var expressions: [Expression] {
            items + windows.flatMap(\.expressions) + sets.flatMap(\.arguments) + late.flatMap(\.use.expressions)
        }

        mutating func rewrite(_ rewrite: (Expression) throws(Failure) -> Expression) throws(Failure) {
            for index in items.indices { items[index] = try rewrite(items[index]) }
            for index in windows.indices { windows[index] = try windows[index].rewriting(rewrite) }
            for index in sets.indices {
                for item in sets[index].arguments.indices {
                    sets[index].arguments[item] = try rewrite(sets[index].arguments[item])
                }
            }
            for index in late.indices { late[index].use = try late[index].use.rewriting(rewrite) }
        }

        /// Whether an expression is known only after the windows and sets are.
        func isLate(_ expression: Expression) -> Bool {
            expression.columnsUsed.contains { column in
                ExpressionBinder.isWindow(column) || ExpressionBinder.isSet(column)
                    || late.contains { $0.number + ExpressionBinder.subqueryBase == column }
            }
        }

        /// Finds the sub-queries that are late, one in the operands of another included.
        mutating func findLate(_ uses: [SubqueryUse]) {
            for (number, use) in uses.enumerated() where use.operands.contains(where: isLate) {
                late.append((number, use))
            }
        }

        /// Puts the values of the sub-queries beside the rows.
        mutating func place(_ placement: SubqueryPlacement) throws(Failure) {
            let (wider, values) = try placement.place(plan, expressions, except: Set(late.map(\.number)))
            plan = wider
            var rest = values[...]
            try rewrite { (_) throws(Failure) in rest.removeFirst() }
        }
    }

    func bind(_ select: SelectSyntax, orderBy: [SortSyntax]) throws(Failure) -> BoundQuery {
        var (plan, scope) = try from(select.from)
        let binder = ExpressionBinder(
            scope: scope, clause: "SELECT", allowsAggregates: true, allowsWindows: true, queries: self)
        binder.namedWindows = select.windows
        binder.allowsSets = true
        var (columns, items) = try list(select.items, scope, binder)
        // Behind the list, as in PostgreSQL: of two errors the list's is shown.
        if let condition = select.condition {
            let binder = ExpressionBinder(scope: scope, clause: "WHERE", queries: self)
            plan = try filtered(plan, try binder.condition(condition, "WHERE"), binder)
        }
        let grouped = try groupKeys(select.groupBy, items, columns, scope, binder)
        var sets = select.groupingSets?.map { set in set.map { grouped.places[$0] } }
        if select.areSetsDistinct, let all = sets {
            var seen: Set<Set<Int>> = []
            sets = all.filter { seen.insert(Set($0)).inserted }
        }
        var having: Expression?
        if let syntax = select.having {
            binder.clause = "HAVING"
            (binder.allowsWindows, binder.allowsSets) = (false, false)
            having = try binder.condition(syntax, "HAVING")
            (binder.allowsWindows, binder.allowsSets) = (true, true)
        }
        let isPlainDistinct = select.isDistinct && select.distinctOn == nil
        let sort = try order(orderBy, binder, &items, columns, isDistinct: isPlainDistinct)
        let distinctOn = try select.distinctOn.map { (syntaxes) throws(Failure) in
            try self.distinctOn(syntaxes, binder, &items, columns, sort)
        }
        var selection = Selection(
            plan: plan, items: items, having: having, windows: binder.windows, sets: binder.sets)
        selection.findLate(binder.subqueries)
        var keys = grouped.keys
        if keys.contains(where: { $0.columnsUsed.contains(where: ExpressionBinder.isSet) }) {
            try expandKeys(&selection, &keys, binder)
        }
        if !select.groupBy.isEmpty || select.groupingSets != nil || !binder.aggregates.isEmpty || having != nil {
            try group(&selection, keys, sets, binder)
        } else {
            if !binder.groupingArguments.isEmpty {
                throw binder.notGrouped(binder.groupingArguments.map(\.expression), [])
            }
            try selection.place(
                SubqueryPlacement(uses: binder.subqueries) { (expression) throws(Failure) in expression })
        }
        if !selection.windows.isEmpty {
            try expandBelow(&selection)
            number(&selection)
        }
        if !selection.sets.isEmpty { expand(&selection) }
        if !selection.late.isEmpty { try placeLate(&selection, binder) }
        selection.plan = .project(selection.plan, selection.items)
        try PlanCheck.check(selection.plan, binder)
        for index in columns.indices { columns[index].isNullable = Self.isNullable(items[index], scope, binder) }
        if sets != nil { for index in columns.indices { columns[index].isNullable = true } }
        if let distinctOn {
            selection.plan = .topN(
                selection.plan, partitionBy: distinctOn, orderBy: sort, limit: 1, emitsRowNumber: false)
        } else if select.isDistinct {
            selection.plan = .aggregate(selection.plan, groupBy: Array(columns.indices), calls: [])
        }
        return BoundQuery(plan: selection.plan, columns: columns, orderBy: sort, scope: scope)
    }

    /// Puts in the sub-queries whose operands are known now.
    private func placeLate(_ selection: inout Selection, _ binder: ExpressionBinder) throws(Failure) {
        var uses = binder.subqueries
        for (number, use) in selection.late { uses[number] = use }
        (selection.plan, selection.items) = try SubqueryPlacement(uses: uses) { (expression) throws(Failure) in
            expression
        }.place(selection.plan, selection.items)
    }

    private static func isNullable(_ expression: Expression, _ scope: Scope, _ binder: ExpressionBinder) -> Bool {
        switch expression {
        case .column(let index, _):
            if ExpressionBinder.isOuter(index) { return true }
            if ExpressionBinder.isSubquery(index) {
                return binder.subqueries[index - ExpressionBinder.subqueryBase].isNullable
            }
            if index >= ExpressionBinder.setBase { return true }
            if index >= ExpressionBinder.windowBase {
                switch binder.windows[index - ExpressionBinder.windowBase].function {
                case .rowNumber, .rank, .denseRank, .percentRank, .cumeDist: return false
                case .aggregate(let use): return use.function != .count
                default: return true
                }
            }
            if index >= ExpressionBinder.aggregateBase {
                return binder.aggregates[index - ExpressionBinder.aggregateBase].function != .count
            }
            return scope.columns[index].isNullable
        case .literal(let datum, _): return datum.isNull
        case .isNull: return false
        case .and, .or, .not: return expression.children.contains { isNullable($0, scope, binder) }
        case .coalesce: return expression.children.allSatisfy { isNullable($0, scope, binder) }
        case .call, .branches: return true
        }
    }

    // MARK: the list

    private func list(
        _ syntaxes: [(expression: ExpressionSyntax, alias: String?)], _ scope: Scope, _ binder: ExpressionBinder
    ) throws(Failure) -> (columns: [BoundQuery.Column], items: [Expression]) {
        var columns: [BoundQuery.Column] = []
        var items: [Expression] = []
        for (syntax, alias) in syntaxes {
            let location = syntax.location
            if case .star(let qualifier) = syntax.kind {
                for index in try scope.star(qualifier, at: location) {
                    let column = scope.columns[index]
                    items.append(binder.reference(index, at: location))
                    columns.append(
                        BoundQuery.Column(name: column.name, type: column.type, isNullable: true, location: location))
                }
                continue
            }
            let bound = try binder.bind(syntax)
            items.append(bound.expression)
            columns.append(
                BoundQuery.Column(
                    name: alias ?? Self.name(of: syntax, binder).name, type: bound.expression.type, isNullable: true,
                    location: location,
                    isOpen: bound.isUnknown))
        }
        return (columns, items)
    }

    /// The name that PostgreSQL gives a column without an alias; one of a type or CASE is weak: CASE takes only strong ones.
    private static func name(of syntax: ExpressionSyntax, _ binder: ExpressionBinder) -> (name: String, isStrong: Bool)
    {
        switch syntax.kind {
        case .column(_, let name), .field(_, let name): return (name, true)
        case .call(let call): return (String(call.name.split(separator: ".").last ?? "?column?"), true)
        case .coalesce: return ("coalesce", true)
        case .nullIf: return ("nullif", true)
        case .extreme(let isGreatest, _): return (isGreatest ? "greatest" : "least", true)
        case .branches(_, _, let otherwise):
            let inner = otherwise.map { name(of: $0, binder) }
            return inner.flatMap { $0.isStrong ? $0 : nil } ?? ("case", false)
        case .cast(let operand, let type):
            let inner = name(of: operand, binder)
            return inner.isStrong ? inner : (type.name, false)
        case .element(let base, _): return name(of: base, binder)
        case .array, .arrayOf: return ("array", true)
        case .collated(let operand): return name(of: operand, binder)
        case .row: return ("row", true)
        case .exists: return ("exists", true)
        case .grouping: return ("grouping", true)
        case .subquery:
            let name = binder.subqueryNames[syntax.location]
            return (name ?? "?column?", name != nil)
        default: return ("?column?", false)
        }
    }

    // MARK: grouping

    private func groupKeys(
        _ syntaxes: [ExpressionSyntax], _ items: [Expression], _ columns: [BoundQuery.Column], _ scope: Scope,
        _ list: ExpressionBinder
    ) throws(Failure) -> (keys: [Expression], places: [Int]) {
        let binder = ExpressionBinder(scope: scope, clause: "GROUP BY", queries: self)
        // A sub-query may be one of the list's, which is grouped by with it.
        binder.subqueries = list.subqueries
        defer { list.subqueries = binder.subqueries }
        var keys: [Expression] = []
        // Where the key of each expression is.
        var places: [Int] = []
        for syntax in syntaxes {
            var key: Expression?
            if let index = try Self.ordinal(syntax, columns.count, "GROUP BY") {
                key = items[index]
            } else if case .column(nil, let name) = syntax.kind,
                !scope.columns.contains(where: { $0.name == name && !$0.isMerged })
            {
                let matches = columns.indices.filter { columns[$0].name == name }
                if Set(matches.map { items[$0] }).count > 1 {
                    throw Failure("42702", "GROUP BY \"\(name)\" is ambiguous", at: syntax.location)
                }
                key = matches.first.map { items[$0] }
            }
            if key == nil { key = try binder.value(syntax) }
            guard let found = key else { continue }
            let used = found.columnsUsed
            let isWindow = used.contains(where: ExpressionBinder.isWindow)
            if isWindow || used.contains(where: ExpressionBinder.isAggregate) {
                let what = isWindow ? "window" : "aggregate"
                throw Failure(
                    what == "window" ? "42P20" : "42803", "\(what) functions are not allowed in GROUP BY",
                    at: syntax.location)
            }
            places.append(keys.firstIndex(of: found) ?? keys.count)
            if places.last == keys.count { keys.append(found) }
        }
        return (keys, places)
    }

    /// Puts the aggregation in: afterwards everything is over its output.
    private func group(
        _ selection: inout Selection, _ keys: [Expression], _ sets: [[Int]]?, _ binder: ExpressionBinder
    ) throws(Failure) {
        let keys = keys + (sets == nil ? Self.dependents(of: keys, selection, binder) : [])
        var groupings = GroupingSets(sets ?? [Array(keys.indices)])
        var inputs = keys
        func input(_ expression: Expression) -> Int {
            if let index = inputs.firstIndex(of: expression) { return index }
            inputs.append(expression)
            return inputs.count - 1
        }
        let calls = binder.aggregates.map { $0.call(input) }
        // Sub-queries in the arguments belong to the rows, the others to the groups.
        let onRows = SubqueryPlacement(uses: binder.subqueries) { (expression) throws(Failure) in expression }
        let (rows, arguments) = try onRows.place(selection.plan, inputs)
        try selection.rewrite { (expression) throws(Failure) in
            try grouped(expression, keys, binder, &groupings)
        }
        let having = try selection.having.map { (condition) throws(Failure) in
            try grouped(condition, keys, binder, &groupings)
        }
        let known = groupings
        let onGroups = SubqueryPlacement(uses: binder.subqueries) { (expression) throws(Failure) in
            var noted = known
            return try self.grouped(expression, keys, binder, &noted, isInSubquery: true)
        }
        selection.plan = groupings.plan(.project(rows, arguments), keyCount: keys.count, calls)
        if let having { selection.plan = try onGroups.filter(selection.plan, having) }
        try selection.place(onGroups)
    }

    /// Columns that are used without being grouped by, of tables whose whole primary key is: there is one value in a group.
    private static func dependents(of keys: [Expression], _ selection: Selection, _ binder: ExpressionBinder)
        -> [Expression]
    {
        let columns = binder.scope.columns
        let grouped = Set(keys.compactMap(\.columnIndex))
        let determined = Set(
            binder.scope.tables.filter { table in
                let key = columns.indices.filter { columns[$0].table == table && columns[$0].isKey }
                return !key.isEmpty && grouped.isSuperset(of: key)
            })
        guard !determined.isEmpty else { return [] }
        var used = selection.having?.columnsUsed ?? []
        for item in selection.items { used.formUnion(item.columnsUsed) }
        for expression in selection.windows.flatMap(\.expressions) + selection.sets.flatMap(\.arguments)
            + binder.subqueries.flatMap(\.expressions)
        {
            used.formUnion(expression.columnsUsed)
        }
        return used.subtracting(grouped).sorted().compactMap { index in
            guard columns.indices.contains(index), let table = columns[index].table, determined.contains(table) else {
                return nil
            }
            return .column(index, type: columns[index].type)
        }
    }

    /// An expression over FROM's rows as one over the groups.
    private func grouped(
        _ expression: Expression, _ keys: [Expression], _ binder: ExpressionBinder, _ groupings: inout GroupingSets,
        isInSubquery: Bool = false
    ) throws(Failure) -> Expression {
        var ungrouped: Int?
        var unknown: [Expression]?
        var noted = groupings
        let result = expression.rewriting { part in
            if let key = keys.firstIndex(of: part) { return .column(key, type: part.type) }
            if case .call(GroupingSets.functionKey, let arguments, let type) = part {
                guard let number = noted.note(arguments, keys) else {
                    unknown = arguments
                    return part
                }
                return .column(keys.count + binder.aggregates.count + number, type: type)
            }
            guard case .column(let index, let type) = part else { return nil }
            if index >= ExpressionBinder.windowBase { return part }
            if index >= ExpressionBinder.aggregateBase {
                return .column(keys.count + index - ExpressionBinder.aggregateBase, type: type)
            }
            ungrouped = ungrouped ?? index
            return part
        }
        groupings = noted
        if let unknown { throw binder.notGrouped(unknown, keys) }
        guard let ungrouped else { return result }
        guard binder.scope.columns.indices.contains(ungrouped) else {
            throw Failure("42803", "a set-returning function must appear in the GROUP BY clause as it is in the list")
        }
        let column = binder.scope.columns[ungrouped]
        let name = column.table.map { "\($0).\(column.name)" } ?? column.name
        if isInSubquery {
            throw Failure(
                "42803", "subquery uses ungrouped column \"\(name)\" from outer query",
                at: binder.references.first { $0.column == ungrouped }?.location)
        }
        throw Failure(
            "42803", "column \"\(name)\" must appear in the GROUP BY clause or be used in an aggregate function",
            at: binder.references.first { $0.column == ungrouped }?.location)
    }

    // MARK: windows and sets

    /// Puts the window functions in. Their input is the list as written, since ties are broken by all of its columns, then what only
    /// the windows or expressions over their results need. Afterwards everything is over the output of the last window.
    private func number(_ selection: inout Selection) {
        let isOver = selection.isLate
        var inputs: [Expression] = []
        func input(_ expression: Expression) -> Int {
            if let index = inputs.firstIndex(of: expression) { return index }
            inputs.append(expression)
            return inputs.count - 1
        }
        for item in selection.items where !isOver(item) { _ = input(item) }
        for item in selection.items + selection.late.flatMap(\.use.expressions) where isOver(item) {
            for column in item.columnsUsed.sorted() where column < ExpressionBinder.windowBase {
                _ = input(.column(column, type: Self.type(of: column, in: item)))
            }
        }
        for set in selection.sets {
            for argument in set.arguments where !isOver(argument) { _ = input(argument) }
        }
        for expression in selection.late.flatMap(\.use.expressions) where !isOver(expression) { _ = input(expression) }
        let groups = Self.alongside(selection.windows)
        let calls = groups.map { group in
            (
                partitionBy: selection.windows[group[0]].partitionBy.map(input),
                orderBy: selection.windows[group[0]].orderBy.map { $0.key(input) },
                calls: group.map { selection.windows[$0].call(input) }
            )
        }
        selection.plan = .project(selection.plan, inputs)
        var results: [Int: Int] = [:]
        var width = inputs.count
        for (group, over) in zip(groups, calls) {
            for window in group {
                results[window] = width
                width += 1
            }
            if over.calls.map(\.function) == [.rowNumber] {
                selection.plan = .rowNumber(
                    selection.plan, partitionBy: over.partitionBy, orderBy: over.orderBy,
                    location: selection.windows[group[0]].location)
            } else {
                selection.plan = .analytic(
                    selection.plan,
                    .over(OperatorKind.Over(partitionBy: over.partitionBy, orderBy: over.orderBy, calls: over.calls)))
            }
        }
        func after(_ expression: Expression) -> Expression {
            expression.rewriting { part in
                if let index = inputs.firstIndex(of: part) { return .column(index, type: part.type) }
                guard case .column(let index, let type) = part, ExpressionBinder.isWindow(index),
                    let place = results[index - ExpressionBinder.windowBase]
                else { return nil }
                return .column(place, type: type)
            }
        }
        selection.items = selection.items.map(after)
        for index in selection.sets.indices {
            selection.sets[index].arguments = selection.sets[index].arguments.map(after)
        }
        for index in selection.late.indices {
            selection.late[index].use = selection.late[index].use.rewriting(after)
        }
    }

    private static func type(of column: Int, in expression: Expression) -> DataType {
        if case .column(column, let type) = expression { return type }
        for child in expression.children where child.columnsUsed.contains(column) { return type(of: column, in: child) }
        preconditionFailure("column \(column) is in the expression")
    }

    /// The windows by what they are over; a lone row_number() last, where a bound on it is found.
    private static func alongside(_ windows: [ExpressionBinder.WindowUse]) -> [[Int]] {
        var groups: [[Int]] = []
        for (index, window) in windows.enumerated() {
            if let group = groups.firstIndex(where: { windows[$0[0]].isAlongside(window) }) {
                groups[group].append(index)
            } else {
                groups.append([index])
            }
        }
        func isRowNumber(_ group: [Int]) -> Bool { group.count == 1 && windows[group[0]].function == .rowNumber }
        return groups.filter { !isRowNumber($0) } + groups.filter(isRowNumber)
    }

    /// Puts the functions that return sets in: they go in step, as in PostgreSQL.
    private func expand(_ selection: inout Selection) {
        let results = expanded(&selection)
        selection.items = selection.items.map(results)
        for index in selection.late.indices {
            selection.late[index].use = selection.late[index].use.rewriting(results)
        }
    }

    /// The plan with the functions' results; what gives them in an expression.
    private func expanded(_ selection: inout Selection) -> (Expression) -> Expression {
        let width = selection.plan.types.count
        selection.plan = .analytic(selection.plan, .expand(OperatorKind.Expand(functions: selection.sets)))
        selection.sets = []
        return { expression in
            expression.mappingColumns { ExpressionBinder.isSet($0) ? width + $0 - ExpressionBinder.setBase : $0 }
        }
    }

    private static func sets(in expressions: [Expression]) -> Set<Int> {
        Set(expressions.flatMap { $0.columnsUsed.filter(ExpressionBinder.isSet) })
    }

    /// Where a window is over the results of functions that return sets, these come first.
    private func expandBelow(_ selection: inout Selection) throws(Failure) {
        let used = Self.sets(in: selection.windows.flatMap(\.expressions))
        guard !used.isEmpty else { return }
        let isOverWindow = selection.sets.flatMap(\.arguments).contains {
            $0.columnsUsed.contains(where: ExpressionBinder.isWindow)
        }
        guard used.count == selection.sets.count, !isOverWindow else {
            throw .unsupported(
                "a window over some of several functions that return sets", at: selection.windows[0].location,
                hint: "Move the functions into FROM, as LATERAL items.")
        }
        let results = expanded(&selection)
        try selection.rewrite { (expression) throws(Failure) in results(expression) }
    }

    /// Where groups are by the results of functions that return sets, these come first.
    private func expandKeys(_ selection: inout Selection, _ keys: inout [Expression], _ binder: ExpressionBinder)
        throws(Failure)
    {
        guard Self.sets(in: keys).count == selection.sets.count else {
            throw .unsupported(
                "a group by some of several functions that return sets",
                at: selection.items.indices.first.flatMap { _ in binder.references.first?.location },
                hint: "Move the functions into FROM, as LATERAL items.")
        }
        let onRows = SubqueryPlacement(uses: binder.subqueries) { (expression) throws(Failure) in expression }
        var rows = Selection(plan: selection.plan, items: [], having: nil, windows: [], sets: selection.sets)
        try rows.place(onRows)
        let results = expanded(&rows)
        (selection.plan, selection.sets) = (rows.plan, [])
        keys = keys.map(results)
        try selection.rewrite { (expression) throws(Failure) in results(expression) }
    }

    // MARK: sub-queries

    /// The rows for which a condition over the rows themselves is true.
    func filtered(_ plan: Plan, _ condition: Expression, _ binder: ExpressionBinder) throws(Failure) -> Plan {
        try SubqueryPlacement(uses: binder.subqueries) { (expression) throws(Failure) in expression }.filter(
            plan, condition)
    }

    // MARK: DISTINCT ON

    /// The columns of DISTINCT ON, with which ORDER BY must begin; what is not in the list is appended to it.
    private func distinctOn(
        _ syntaxes: [ExpressionSyntax], _ binder: ExpressionBinder, _ items: inout [Expression],
        _ columns: [BoundQuery.Column], _ sort: [SortKey]
    ) throws(Failure) -> [Int] {
        let keys = try order(
            syntaxes.map { SortSyntax(expression: $0, descending: false, nullsFirst: nil) }, binder, &items, columns,
            isDistinct: false, clause: "DISTINCT ON")
        let on = Set(keys.map(\.column))
        guard Set(sort.prefix(on.count).map(\.column)).isSubset(of: on) else {
            throw Failure(
                "42P10", "SELECT DISTINCT ON expressions must match initial ORDER BY expressions",
                at: syntaxes.first?.location)
        }
        return on.sorted()
    }

    // MARK: ORDER BY

    /// Sort keys over the list, to which what is not in it is appended.
    private func order(
        _ syntaxes: [SortSyntax], _ binder: ExpressionBinder, _ items: inout [Expression],
        _ columns: [BoundQuery.Column],
        isDistinct: Bool, clause: String = "ORDER BY"
    ) throws(Failure) -> [SortKey] {
        binder.clause = clause
        var keys: [SortKey] = []
        for syntax in syntaxes {
            let column: Int
            let location = syntax.expression.location
            if let index = try Self.ordinal(syntax.expression, columns.count, clause) {
                column = index
            } else if case .column(nil, let name) = syntax.expression.kind,
                let index = columns.firstIndex(where: { $0.name == name })
            {
                if Set(columns.indices.filter { columns[$0].name == name }.map { items[$0] }).count > 1 {
                    throw Failure("42702", "\(clause) \"\(name)\" is ambiguous", at: location)
                }
                column = index
            } else {
                let expression = try binder.value(syntax.expression)
                if let index = items.firstIndex(of: expression) {
                    column = index
                } else {
                    if isDistinct {
                        throw Failure(
                            "42P10", "for SELECT DISTINCT, ORDER BY expressions must appear in select list",
                            at: location)
                    }
                    column = items.count
                    items.append(expression)
                }
            }
            keys.append(
                SortKey(
                    column: column, descending: syntax.descending, nullsFirst: syntax.nullsFirst ?? syntax.descending))
        }
        return keys
    }
}

extension ExpressionBinder {
    /// A column named by `*`.
    func reference(_ index: Int, at location: Int) -> Expression {
        note(index, location)
        return .column(index, type: scope.columns[index].type)
    }
}

internal import Dataflow

/// What a query gives: a plan whose first columns are those shown; further ones are there to order by.
struct BoundQuery {
    struct Column {
        var name: String
        var type: DataType
        var isNullable: Bool
        var location: Int
        /// A quoted literal or NULL, whose type a UNION may still decide.
        var isOpen = false
    }

    var plan: Plan
    var columns: [Column]
    var orderBy: [SortKey] = []
    var limit: Int?
    var offset = 0
    /// Of a table of WITH: how many relations are named in it.
    var relationCount = 0
    /// What FROM has, of a SELECT.
    var scope = Scope()

    /// The plan without the columns that are only for ordering.
    var visiblePlan: Plan { Plan.selecting(plan, Array(columns.indices)) }
}

/// Binds queries: names to relations and columns, SELECT to a plan.
final class QueryBinder {
    enum Mode {
        /// Reads the rows of maintained views.
        case adHoc
        /// Reads the output of nodes.
        case maintained
    }

    let catalog: Catalog
    let mode: Mode
    /// The relations that the statement names itself.
    private(set) var dependencies: Set<String> = []
    /// The relations that are scanned, those under inlined views included.
    private(set) var scans: Set<String> = []
    /// Tables of WITH, innermost last.
    private var commonTables: [[String: BoundQuery]] = []
    /// Relations named so far; see ``Limits/relationsMax``.
    private var relationCount = 0
    /// The expressions around the sub-query that is being bound, outermost first.
    var frames: [OuterFrame] = []
    /// How many inlined views are open: what they name is not named by the statement.
    private(set) var viewDepth = 0

    init(catalog: Catalog, mode: Mode) {
        self.catalog = catalog
        self.mode = mode
    }

    // MARK: queries

    /// Binds a whole query. At the top of an ad-hoc one ORDER BY, LIMIT and OFFSET are presentation; elsewhere LIMIT is a top-n.
    ///
    /// With `keepsOrder` the columns to order by stay behind the others, for what reads the rows in their order.
    func bind(_ query: QuerySyntax, isTop: Bool, keepsOrder: Bool = false) throws(Failure) -> BoundQuery {
        commonTables.append([:])
        defer { commonTables.removeLast() }
        for table in query.with {
            guard commonTables[commonTables.count - 1][table.name] == nil else {
                throw Failure("42712", "WITH query name \"\(table.name)\" specified more than once", at: table.location)
            }
            let before = relationCount
            var bound = try bind(table.query, isTop: false)
            bound.relationCount = relationCount - before
            bound.plan = bound.visiblePlan
            try Self.rename(&bound.columns, table.columns, of: table.name, at: table.location)
            commonTables[commonTables.count - 1][table.name] = bound
        }
        var result: BoundQuery
        switch query.body {
        case .select(let select): result = try bind(select, orderBy: query.orderBy)
        case .values(let rows):
            result = try values(rows)
            result.orderBy = try outputOrder(query.orderBy, result.columns)
        case .set(let operation, let isAll, let queries):
            result = try bind(queries[0], isTop: false)
            for query in queries.dropFirst() {
                result = try set(operation, isAll: isAll, result, try bind(query, isTop: false))
            }
            result.orderBy = try outputOrder(query.orderBy, result.columns)
            result.scope = Scope()
        }
        if result.columns.count > Limits.columnsMax {
            throw Failure("54011", "target lists can have at most \(Limits.columnsMax) entries")
        }
        return try limited(result, query, isTop: isTop, keepsOrder: keepsOrder)
    }

    /// Binds something inside of an expression or LATERAL, whose columns it can name.
    func inside<Result>(_ frame: OuterFrame, _ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        frames.append(frame)
        defer { frames.removeLast() }
        return try body()
    }

    private func values(_ rows: [[ExpressionSyntax]]) throws(Failure) -> BoundQuery {
        let binder = ExpressionBinder(scope: Scope(), clause: "VALUES", queries: self)
        var bound: [[Bound]] = []
        for row in rows {
            guard row.count == rows[0].count else {
                throw Failure("42601", "VALUES lists must all be the same length", at: row.first?.location)
            }
            bound.append(try binder.bindAll(row))
        }
        var columns: [BoundQuery.Column] = []
        var items = [[Expression]](repeating: [], count: rows.count)
        for index in rows[0].indices {
            let (expressions, type) = try Coercion.unify(bound.map { $0[index] }, in: "VALUES")
            var isNullable = false
            for (row, expression) in expressions.enumerated() {
                items[row].append(expression)
                guard expression.columnsUsed.isEmpty else {
                    isNullable = true
                    continue
                }
                switch ConstantFolding.value(of: expression) {
                case .success(let datum):
                    isNullable = isNullable || datum.isNull
                    items[row][index] = .literal(datum, type: type)
                case .failure(let error): throw Failure(error.code, error.message, at: rows[row][index].location)
                }
            }
            columns.append(
                BoundQuery.Column(
                    name: "column\(index + 1)", type: type, isNullable: isNullable, location: rows[0][index].location))
        }
        return BoundQuery(plan: try plan(ofValues: items, columns.map(\.type), binder), columns: columns)
    }

    /// Rows of constants are one plan; one that names outer columns or has a sub-query is a plan of its own.
    private func plan(ofValues rows: [[Expression]], _ types: [DataType], _ binder: ExpressionBinder) throws(Failure)
        -> Plan
    {
        var parts: [Plan] = []
        var constants: [[Datum]] = []
        for row in rows {
            let data = row.compactMap(\.literalValue)
            if data.count == row.count {
                constants.append(data)
                continue
            }
            if !constants.isEmpty { parts.append(.values(constants, types: types)) }
            constants = []
            let (plan, items) = try SubqueryPlacement(uses: binder.subqueries) { (expression) throws(Failure) in
                expression
            }.place(.values([[]], types: []), row)
            parts.append(.project(plan, items))
        }
        if !constants.isEmpty { parts.append(.values(constants, types: types)) }
        return parts.count == 1 ? parts[0] : .unionAll(parts)
    }

    /// ORDER BY where only the output's columns can be named.
    private func outputOrder(_ items: [SortSyntax], _ columns: [BoundQuery.Column]) throws(Failure) -> [SortKey] {
        var keys: [SortKey] = []
        for item in items {
            let column: Int
            if case .column(nil, let name) = item.expression.kind,
                let index = columns.firstIndex(where: { $0.name == name })
            {
                column = index
            } else if let index = try Self.ordinal(item.expression, columns.count, "ORDER BY") {
                column = index
            } else if case .column(nil, let name) = item.expression.kind {
                throw Failure(
                    "42703", "column \"\(name)\" does not exist", at: item.expression.location,
                    hint: "Only result column names can be used, not expressions or functions.")
            } else if case .column(let table?, _) = item.expression.kind {
                throw Failure(
                    "42P01", "missing FROM-clause entry for table \"\(table)\"", at: item.expression.location,
                    hint: "Only result column names can be used, not those of tables.")
            } else {
                throw .unsupported(
                    "an expression in ORDER BY of UNION or VALUES", at: Self.start(of: item.expression),
                    hint: "Only result column names can be used, not expressions or functions.")
            }
            keys.append(
                SortKey(column: column, descending: item.descending, nullsFirst: item.nullsFirst ?? item.descending))
        }
        return keys
    }

    /// Where an expression begins: an operator is at its own place.
    private static func start(of syntax: ExpressionSyntax) -> Int {
        guard case .binary(_, let left, _) = syntax.kind else { return syntax.location }
        return start(of: left)
    }

    /// The column that a number in ORDER BY or GROUP BY names; nil if it is not a number.
    static func ordinal(_ syntax: ExpressionSyntax, _ count: Int, _ clause: String) throws(Failure) -> Int? {
        guard case .integer(let number) = syntax.kind else {
            switch syntax.kind {
            case .string, .number, .null:
                throw Failure("42601", "non-integer constant in \(clause)", at: syntax.location)
            default: return nil
            }
        }
        guard number >= 1, number <= count else {
            throw Failure("42P10", "\(clause) position \(number) is not in select list", at: syntax.location)
        }
        return Int(number) - 1
    }

    /// Gives the first columns the names of an alias list.
    static func rename(_ columns: inout [BoundQuery.Column], _ names: [String], of table: String, at location: Int?)
        throws(Failure)
    {
        guard names.count <= columns.count else {
            throw Failure(
                "42P10",
                "table \"\(table)\" has \(columns.count) columns available but \(names.count) columns specified",
                at: location)
        }
        for (index, name) in names.enumerated() { columns[index].name = name }
    }

    // MARK: relations

    /// The tables of WITH by this name, innermost first.
    func commonTable(_ name: String) -> BoundQuery? {
        commonTables.reversed().lazy.compactMap { $0[name] }.first
    }

    /// Every name that FROM can take here.
    private var knownNames: [String] { commonTables.flatMap(\.keys) + catalog.relations.keys }

    /// A relation's rows and the columns that can be named.
    func relation(_ name: NameSyntax) throws(Failure) -> (plan: Plan, columns: [Scope.Column]) {
        if name.qualifier == nil, let table = commonTable(name.name) {
            try count(max(1, table.relationCount), at: name.location)
            return (
                .shared(table.plan),
                table.columns.map { Scope.Column(name: $0.name, type: $0.type, isNullable: $0.isNullable) }
            )
        }
        try count(1, at: name.location)
        if let relation = catalog[name.text] {
            note(relation.name)
            return try rows(of: relation, at: name.location)
        }
        if name.text.hasSuffix(".dead"), let dead = deadLetters(of: String(name.text.dropLast(".dead".count))) {
            guard mode == .adHoc else {
                throw .unsupported("a view over dead letters", at: name.location, hint: "Query \(dead.name) directly.")
            }
            note(dead.name)
            scans.insert(dead.name)
            return (leaf(dead.name, dead.columns), dead.columns.map(Self.scopeColumn))
        }
        throw Failure(
            "42P01", "relation \"\(name.text)\" does not exist", at: name.location,
            hint: Suggestion.hint(for: name.text, among: knownNames))
    }

    private func count(_ relations: Int, at location: Int) throws(Failure) {
        relationCount += relations
        guard relationCount <= Limits.relationsMax else {
            throw Failure(
                "54001", "the query reads more than \(Limits.relationsMax) relations", at: location,
                hint: "Relations under views and WITH count each time that they are named; make a view materialized.")
        }
    }

    private func note(_ name: String) {
        if viewDepth == 0 { dependencies.insert(name) }
    }

    private static func scopeColumn(_ column: ColumnSchema) -> Scope.Column {
        Scope.Column(name: column.name, type: column.type, isNullable: column.isNullable)
    }

    private func leaf(_ name: String, _ columns: [ColumnSchema], _ relation: Relation? = nil) -> Plan {
        var leaf = Plan.Leaf(
            name: name, node: mode == .maintained ? relation?.node : nil, names: columns.map(\.name),
            types: columns.map(\.type),
            isNullable: columns.map(\.isNullable), isAppendOnly: relation?.isAppendOnly ?? false,
            key: relation?.key ?? [],
            eventTimes: relation?.eventTimes ?? [])
        if case .table(let schema) = relation?.kind { leaf.isPlacedByKey = !schema.primaryKey.isEmpty }
        return .leaf(leaf)
    }

    private func rows(of relation: Relation, at location: Int) throws(Failure) -> (plan: Plan, columns: [Scope.Column])
    {
        switch relation.kind {
        case .sink:
            throw Failure("42809", "\"\(relation.name)\" is a sink: it has no rows to read", at: location)
        case .view: return try inlined(relation, at: location)
        case .materializedView:
            scans.insert(relation.name)
            return (leaf(relation.name, relation.columns, relation), relation.columns.map(Self.scopeColumn))
        case .table:
            // A query has its records replayed up to its epoch.
            if mode == .adHoc { scans.insert(relation.name) }
            let columns = relation.columns + TableSchema.metadataColumns
            var scope = columns.map(Self.scopeColumn)
            for index in relation.columns.count..<columns.count { scope[index].isHidden = true }
            for index in relation.key { scope[index].isKey = true }
            return (leaf(relation.name, columns, relation), scope)
        }
    }

    /// Binds a view's query in the place where the view is named.
    private func inlined(_ relation: Relation, at location: Int) throws(Failure) -> (
        plan: Plan, columns: [Scope.Column]
    ) {
        let (hidden, outer) = (commonTables, frames)
        commonTables = []
        frames = []
        viewDepth += 1
        defer {
            commonTables = hidden
            frames = outer
            viewDepth -= 1
        }
        guard viewDepth <= Limits.nestingMax / 5 else { throw Limits.tooDeep(at: nil) }
        do throws(Failure) {
            guard case .createView(let view) = try Parser.parseStored(relation.statement) else {
                throw Failure("XX000", "the stored statement of view \"\(relation.name)\" is not one")
            }
            let query = try bind(view.query, isTop: true)
            return (
                .shared(query.visiblePlan),
                zip(relation.columns, query.columns).map {
                    Scope.Column(name: $0.name, type: $1.type, isNullable: $1.isNullable)
                }
            )
        } catch {
            var failure = error
            failure.location = location
            failure.detail = "in view \"\(relation.name)\""
            throw failure
        }
    }

    /// The dead letters of a topic, table, view or sink.
    private func deadLetters(of name: String) -> (name: String, columns: [ColumnSchema])? {
        if let relation = catalog[name] {
            switch relation.kind {
            case .materializedView, .sink: return ("\(name).dead", TableSchema.rowErrorColumns)
            case .table(let schema): return ("\(schema.topic).dead", TableSchema.deadLetterColumns)
            case .view: return nil
            }
        }
        for relation in catalog.ordered {
            if case .table(let schema) = relation.kind, schema.topic == name {
                return ("\(name).dead", TableSchema.deadLetterColumns)
            }
        }
        return nil
    }
}

extension BoundQuery {
    /// Columns of a SELECT that are quoted literals without a type.
    var openColumns: Set<Int> {
        Set(columns.indices.filter { columns[$0].isOpen })
    }
}

/// Random views over random tables, in one text for both dialects wherever PostgreSQL has what is asked for.
///
/// Both engines agree on everything that is made here: nothing can overflow, and where an order decides, it is by all columns.
struct PipelineGenerator {
    var choices: Choices
    var features: Set<String> = []
    private var aliases = 0
    let tables: [PipelineCase.Table]
    /// What FROM can name so far.
    private var relations: [Relation] = []

    struct Column {
        var name: String
        var type: String
    }

    /// Something that stands in FROM, without an alias; `postgres` is the same for PostgreSQL.
    struct Relation {
        var sql: String
        var postgres: String
        var columns: [Column]
    }

    init(_ tables: [PipelineCase.Table], _ choices: Choices) {
        self.choices = choices
        self.tables = tables
    }

    /// The views of a case and queries over them.
    static func views(_ tables: [PipelineCase.Table], _ choices: inout Choices) -> [PipelineCase.View] {
        var generator = PipelineGenerator(tables, choices)
        defer { choices = generator.choices }
        func relation(_ table: PipelineCase.Table, _ prefix: String) -> Relation {
            Relation(
                sql: prefix + table.name, postgres: prefix + table.name,
                columns: table.columns.map { Column(name: $0[0], type: $0[1]) })
        }
        generator.relations = tables.map { relation($0, "") }
        var views: [PipelineCase.View] = []
        var mirrors = tables.map { relation($0, "m_") }
        for number in 0..<(1 + generator.choices.below(5)) {
            let (view, columns) = generator.view("v\(number)")
            views.append(view)
            let made = Relation(sql: view.name, postgres: view.name, columns: columns)
            generator.relations.append(made)
            mirrors.append(made)
        }
        generator.relations = mirrors
        for number in 0..<(1 + generator.choices.below(2)) {
            var view = generator.view("a\(number)").0
            view.isQuery = true
            view.features.insert("ad-hoc query")
            views.append(view)
        }
        return views
    }

    private mutating func view(_ name: String) -> (PipelineCase.View, [Column]) {
        features = []
        let query = query(depth: 2)
        return (
            .init(name: name, sql: query.sql, postgres: query.postgres, features: features), query.columns
        )
    }

    mutating func alias() -> String {
        aliases += 1
        return "t\(aliases)"
    }

    // MARK: FROM

    mutating func source(depth: Int) -> Relation {
        if depth > 0, choices.chance(25) {
            features.insert("sub-query in FROM")
            let query = query(depth: depth - 1)
            return Relation(sql: "(\(query.sql))", postgres: "(\(query.postgres))", columns: query.columns)
        }
        let relation = choices.pick(relations)
        if relation.sql.hasPrefix("v") { features.insert("view on view") }
        return relation
    }

    /// `relation AS alias`, with the columns named through it.
    func aliased(_ relation: Relation, _ name: String) -> Relation {
        Relation(
            sql: "\(relation.sql) AS \(name)", postgres: "\(relation.postgres) AS \(name)",
            columns: relation.columns.map { Column(name: "\(name).\($0.name)", type: $0.type) })
    }

    // MARK: queries

    /// A whole query: its columns have plain names, each once.
    mutating func query(depth: Int) -> Relation {
        switch choices.below(20) {
        case 0: return projection(depth)
        case 1, 2: return grouping(depth)
        case 3: return windowGrouping()
        case 4, 5: return join(depth)
        case 6, 7, 15...18: return filtered(depth)
        case 8: return setOperation(depth)
        case 9: return distinct(depth)
        case 10: return limited(depth)
        case 11: return topRows(depth)
        case 12, 13: return over(depth)
        case 14: return groupingSets(depth)
        default: return rowsFromValues(depth)
        }
    }

    /// SELECT items FROM source WHERE …: items by kind of the source's columns.
    func select(_ items: [(text: String, type: String)], _ from: Relation, _ tail: String = "", distinct: String = "")
        -> Relation
    {
        let list = items.enumerated().map { "\($0.element.text) AS c\($0.offset)" }.joined(separator: ", ")
        return Relation(
            sql: "SELECT \(distinct)\(list) FROM \(from.sql)\(tail)",
            postgres: "SELECT \(distinct)\(list) FROM \(from.postgres)\(tail)",
            columns: items.enumerated().map { Column(name: "c\($0.offset)", type: $0.element.type) })
    }

    private mutating func projection(_ depth: Int) -> Relation {
        features.insert("projection")
        let from = aliased(source(depth: depth), alias())
        let items = (0...choices.below(4)).map { _ in expression(from.columns, depth: 2) }
        return select(items, from, choices.chance(60) ? " WHERE \(predicate(from.columns))" : "")
    }

    private mutating func grouping(_ depth: Int) -> Relation {
        let from = aliased(source(depth: depth), alias())
        return aggregated(from, keys: choices.below(3))
    }

    /// A GROUP BY of some columns or expressions, or an aggregate of all rows.
    private mutating func aggregated(_ from: Relation, keys count: Int, fixed: [Column] = []) -> Relation {
        features.insert(count + fixed.count == 0 ? "global aggregate" : "group by")
        var keys = fixed.map { (text: $0.name, type: $0.type) }
        for _ in 0..<count {
            keys.append(
                choices.chance(30) ? expression(from.columns, depth: 1, needsColumn: true) : column(from.columns))
        }
        var items = keys
        for _ in 0...choices.below(3) { items.append(aggregate(from.columns)) }
        var tail = choices.chance(40) ? " WHERE \(predicate(from.columns))" : ""
        if !keys.isEmpty { tail += " GROUP BY " + keys.map(\.text).joined(separator: ", ") }
        if choices.chance(20) {
            features.insert("having")
            tail +=
                " HAVING \(choices.pick(["count(*) > 1", "count(*) BETWEEN 1 AND 3", "min(\(column(from.columns, where: Self.hasOrder).text)) IS NOT NULL"]))"
        }
        return select(items, from, tail)
    }

    private mutating func groupingSets(_ depth: Int) -> Relation {
        let from = aliased(source(depth: depth), alias())
        let keys = (0..<2).map { _ in column(from.columns) }
        let names = keys.map(\.text).joined(separator: ", ")
        let form = choices.pick(["ROLLUP", "CUBE", "GROUPING SETS"])
        features.insert(form.lowercased())
        let clause =
            form == "GROUPING SETS" ? "GROUPING SETS ((\(names)), (\(keys[0].text)), ())" : "\(form) (\(names))"
        var items = keys
        if choices.chance(50) {
            features.insert("grouping()")
            items.append(("GROUPING(\(names))", "integer"))
        }
        for _ in 0...choices.below(2) { items.append(aggregate(from.columns)) }
        return select(items, from, " GROUP BY \(clause)")
    }

    private mutating func windowGrouping() -> Relation {
        let name = alias()
        let seconds = choices.pick([1, 5, 10])
        let timed = tables[1]
        // Queries read views: here, nothing replays a table's log for them.
        let relation = relations.first { $0.sql.hasSuffix(timed.name) }?.sql ?? timed.name
        let isHop = choices.chance(50)
        features.insert(isHop ? "hop" : "tumble")
        let call =
            isHop
            ? "hop(\(relation), ts, INTERVAL '\(seconds) seconds', INTERVAL '\(seconds * choices.pick([1, 2, 3])) seconds')"
            : "tumble(\(relation), ts, INTERVAL '\(seconds) seconds')"
        let window = ["window_start", "window_end"].map { Column(name: $0, type: "timestamp") }
        let from = aliased(
            Relation(
                sql: call, postgres: String(WindowRewrite.postgres(" \(call) AS w").dropLast(5)),
                columns: timed.columns.map { Column(name: $0[0], type: $0[1]) } + window), name)
        let fixed = choices.chance(70) ? window : [window[0]]
        return aggregated(
            from, keys: choices.below(2), fixed: fixed.map { Column(name: "\(name).\($0.name)", type: $0.type) })
    }

    private mutating func distinct(_ depth: Int) -> Relation {
        let from = aliased(source(depth: depth), alias())
        if choices.chance(50) {
            features.insert("distinct")
            return select(
                (0...choices.below(2)).map { _ in expression(from.columns, depth: 1) }, from, distinct: "DISTINCT ")
        }
        features.insert("distinct on")
        let keys = (0...choices.below(2)).map { _ in column(from.columns) }
        let names = keys.map(\.text).joined(separator: ", ")
        let tail = " ORDER BY \(names), \(order(from.columns))"
        return select(from.columns.map { ($0.name, $0.type) }, from, tail, distinct: "DISTINCT ON (\(names)) ")
    }

    private mutating func limited(_ depth: Int) -> Relation {
        features.insert("limit")
        let from = aliased(source(depth: depth), alias())
        var tail = choices.chance(30) ? " WHERE \(predicate(from.columns))" : ""
        tail += " ORDER BY \(order(from.columns)) LIMIT \(1 + choices.below(6))"
        if choices.chance(40) {
            features.insert("offset")
            tail += " OFFSET \(choices.below(5))"
        }
        return select(from.columns.map { ($0.name, $0.type) }, from, tail)
    }

    private mutating func setOperation(_ depth: Int) -> Relation {
        let name = choices.pick(["UNION ALL", "UNION", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL"])
        features.insert(name.lowercased())
        let left = aliased(source(depth: depth), alias())
        let right = aliased(source(depth: depth), alias())
        // The columns that both sides have by type.
        let shared = Set(left.columns.map(\.type)).intersection(right.columns.map(\.type)).sorted()
        guard !shared.isEmpty else { return projection(depth) }
        let types = (0...choices.below(2)).map { _ in choices.pick(shared) }
        let parts = [left, right].map { side in
            select(
                types.map { type in column(side.columns) { $0 == type } }, side,
                choices.chance(50) ? " WHERE \(predicate(side.columns))" : "")
        }
        return Relation(
            sql: "\(parts[0].sql) \(name) \(parts[1].sql)",
            postgres: "\(parts[0].postgres) \(name) \(parts[1].postgres)",
            columns: parts[0].columns)
    }

    private mutating func rowsFromValues(_ depth: Int) -> Relation {
        let from = aliased(source(depth: depth), alias())
        guard from.columns.contains(where: { $0.type == "integer" }) else { return projection(depth) }
        let name = alias()
        let number = column(from.columns) { $0 == "integer" }.text
        let other = column(from.columns)
        let item: String
        if choices.chance(40), let array = from.columns.first(where: { $0.type == "text[]" || $0.type == "integer[]" })
        {
            features.insert("unnest")
            item = ", LATERAL unnest(\(array.name)) AS \(name) (n)"
            return select(
                [other, ("\(name).n", String(array.type.dropLast(2)))],
                Relation(sql: from.sql + item, postgres: from.postgres + item, columns: []))
        }
        if choices.chance(40), let document = from.columns.first(where: { $0.type == "jsonb" }) {
            features.insert("jsonb_array_elements")
            let array = "CASE WHEN jsonb_typeof(\(document.name)) = 'array' THEN \(document.name) END"
            item = ", LATERAL jsonb_array_elements(\(array)) AS \(name) (n)"
            return select(
                [other, ("\(name).n", "jsonb")],
                Relation(sql: from.sql + item, postgres: from.postgres + item, columns: []))
        }
        if choices.chance(50) {
            features.insert("generate_series")
            item = ", LATERAL generate_series(1, LEAST(\(number), 4)) AS \(name) (n)"
            return select(
                [other, ("\(name).n", "integer")],
                Relation(sql: from.sql + item, postgres: from.postgres + item, columns: []))
        }
        features.insert("values")
        item = " JOIN (VALUES (0, 'zero'), (1, 'one'), (2, NULL)) AS \(name) (n, label) ON \(number) = \(name).n"
        return select(
            [other, ("\(name).label", "text")],
            Relation(sql: from.sql + item, postgres: from.postgres + item, columns: []))
    }
}

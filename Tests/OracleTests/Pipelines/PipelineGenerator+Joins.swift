/// Joins, sub-queries in conditions, top-n and over-windows.
extension PipelineGenerator {
    mutating func join(_ depth: Int) -> Relation {
        if choices.chance(10) { return crossJoin(depth) }
        let left = aliased(source(depth: depth), alias())
        let right = aliased(source(depth: depth), alias())
        let kind = choices.pick(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"])
        features.insert(kind.lowercased())
        var condition = equality(left, right)
        if choices.chance(30) {
            condition += " AND \(equality(left, right))"
            features.insert("join on two keys")
        }
        // PostgreSQL has FULL JOIN on equalities alone.
        if kind != "FULL JOIN", choices.chance(30) {
            condition += " AND \(predicate(choices.pick([left, right]).columns, depth: 1))"
            features.insert("\(kind.lowercased()) with a condition")
        }
        let from = Relation(
            sql: "\(left.sql) \(kind) \(right.sql) ON \(condition)",
            postgres: "\(left.postgres) \(kind) \(right.postgres) ON \(condition)",
            columns: left.columns + right.columns)
        if choices.chance(30) { return select([aggregate(from.columns), aggregate(from.columns)], from) }
        let items = (0...(1 + choices.below(3))).map { _ in expression(from.columns, depth: 1) }
        return select(items, from, choices.chance(30) ? " WHERE \(predicate(from.columns))" : "")
    }

    /// With a sub-query of one row.
    private mutating func crossJoin(_ depth: Int) -> Relation {
        features.insert("cross join with one row")
        let left = aliased(source(depth: depth), alias())
        let right = aliased(source(depth: 0), alias())
        let name = alias()
        let value = plainAggregate(right.columns)
        func one(_ from: String) -> String { "(SELECT \(value.text) AS n FROM \(from)) AS \(name)" }
        let from = Relation(
            sql: "\(left.sql) CROSS JOIN \(one(right.sql))",
            postgres: "\(left.postgres) CROSS JOIN \(one(right.postgres))",
            columns: left.columns)
        return select([column(left.columns), ("\(name).n", value.type)], from)
    }

    /// An equality of two columns of a type; of keys, mostly.
    private mutating func equality(_ left: Relation, _ right: Relation) -> String {
        let pairs = left.columns.flatMap { first in
            right.columns.filter { $0.type == first.type && first.type != "boolean" }.map { (first.name, $0.name) }
        }
        guard !pairs.isEmpty else { return "\(left.columns[0].name)::text = \(right.columns[0].name)::text" }
        let selective = pairs.filter { $0.0.hasSuffix(".id") || $0.1.hasSuffix(".id") }
        let (first, second) = choices.pick(selective.isEmpty || choices.chance(40) ? pairs : selective)
        return "\(first) = \(second)"
    }

    /// Rows kept by a sub-query in WHERE, or with one in the list.
    mutating func filtered(_ depth: Int) -> Relation {
        let outer = aliased(source(depth: depth), alias())
        let inner = aliased(source(depth: 0), alias())
        let pairs = outer.columns.flatMap { first in inner.columns.filter { $0.type == first.type }.map { (first, $0) }
        }
        guard !pairs.isEmpty else { return select([column(outer.columns)], outer) }
        let (first, second) = choices.pick(pairs)
        let local = choices.chance(60) ? predicate(inner.columns, depth: 1) : "true"
        let correlation = choices.chance(60) ? " AND \(equality(outer, inner))" : ""
        let body = "FROM \(inner.sql) WHERE \(local)\(correlation)"
        func insert(_ name: String) { features.insert(correlation.isEmpty ? name : "correlated \(name)") }
        var items = (0...choices.below(2)).map { _ in column(outer.columns) }
        var condition: String
        switch choices.below(16) {
        case 0:
            insert("exists")
            condition = "EXISTS (SELECT 1 \(body))"
        case 1:
            insert("not exists")
            condition = "NOT EXISTS (SELECT 1 \(body))"
        case 2:
            insert("in")
            condition = "\(first.name) IN (SELECT \(second.name) \(body))"
        case 3:
            insert("not in")
            condition = "\(first.name) NOT IN (SELECT \(second.name) \(body))"
        case 4...10 where Self.hasOrder(first.type):
            let comparison = choices.pick(["<", ">=", "=", "<>"])
            let quantifier = choices.pick(["ANY", "ALL"])
            insert("\(comparison) \(quantifier.lowercased())")
            condition = "\(first.name) \(comparison) \(quantifier) (SELECT \(second.name) \(body))"
        case 11 where Self.hasOrder(first.type):
            insert("scalar sub-query in where")
            condition = "\(first.name) <= (SELECT max(\(second.name)) \(body))"
            if first.type == "boolean" || first.type == "uuid" || first.type == "jsonb" || first.type == "bytea" {
                condition = "1 < (SELECT count(*) \(body))"
            }
        case 12:
            insert("scalar sub-query in the list")
            items.append(("(SELECT count(*) \(body))", "bigint"))
            condition = "true"
        default:
            insert("exists or")
            condition = "EXISTS (SELECT 1 \(body)) OR \(predicate(outer.columns, depth: 1))"
        }
        if choices.chance(25) { condition += " AND \(predicate(outer.columns, depth: 1))" }
        return select(items, outer, " WHERE \(condition)")
    }

    /// row_number() or rank() in a sub-query, bounded outside.
    mutating func topRows(_ depth: Int) -> Relation {
        let from = aliased(source(depth: depth), alias())
        let function = choices.pick(["row_number", "rank", "dense_rank"])
        features.insert("top-n by \(function)")
        let partition = choices.chance(70) ? "PARTITION BY \(column(from.columns).text) " : ""
        let order =
            function == "row_number" || choices.chance(50)
            ? order(from.columns) : orderItem(column(from.columns, where: Self.hasOrder))
        let name = alias()
        let limit = choices.pick(["<= \(1 + choices.below(4))", "= 1", "BETWEEN 2 AND 3", "< 4"])
        let list = from.columns.enumerated().map { "\($0.element.name) AS c\($0.offset)" }.joined(separator: ", ")
        let plain = from.columns.enumerated().map { Column(name: "\(name).c\($0.offset)", type: $0.element.type) }
        let numbered = plain + (choices.chance(50) ? [Column(name: "\(name).place", type: "bigint")] : [])
        func inner(_ text: String) -> String {
            "(SELECT \(list), \(function)() OVER (\(partition)ORDER BY \(order)) AS place FROM \(text)) AS \(name)"
        }
        return select(
            numbered.map { ($0.name, $0.type) },
            Relation(sql: inner(from.sql), postgres: inner(from.postgres), columns: []), " WHERE \(name).place \(limit)"
        )
    }

    // MARK: over-windows

    mutating func over(_ depth: Int) -> Relation {
        let from = aliased(source(depth: depth), alias())
        var items = [column(from.columns), column(from.columns)]
        var telling: String?
        for _ in 0...choices.below(2) { items.append(overCall(from.columns, &telling)) }
        return select(items, from, choices.chance(30) ? " WHERE \(predicate(from.columns))" : "")
    }

    /// `telling` is the window of the calls that tell equal rows apart (by their number, or by what is beside them): of two such windows
    /// it would be open which number of the one goes with which of the other.
    private mutating func overCall(_ columns: [Column], _ telling: inout String?) -> (text: String, type: String) {
        let partition = choices.chance(70) ? "PARTITION BY \(column(columns).text) " : ""
        let whole = "\(partition)ORDER BY \(order(columns))"
        let value = column(columns)
        func tells() -> String {
            telling = telling ?? whole
            return telling ?? whole
        }
        switch choices.below(16) {
        case 0: return call("row_number()", "bigint", tells())
        case 1:
            return call("rank()", "bigint", "\(partition)ORDER BY \(orderItem(column(columns, where: Self.hasOrder)))")
        case 2:
            return call(
                "dense_rank()", "bigint", "\(partition)ORDER BY \(orderItem(column(columns, where: Self.hasOrder)))")
        case 3: return call("percent_rank()", "double precision", whole)
        case 4: return call("cume_dist()", "double precision", whole)
        case 5: return call("ntile(\(1 + choices.below(4)))", "integer", tells())
        case 6: return call("lag(\(value.text)\(choices.pick(["", ", 2", ", 0"])))", value.type, tells())
        case 7: return call("lead(\(value.text)\(choices.pick(["", ", 2", ", 1"])))", value.type, tells())
        case 8:
            let (name, frame) = (choices.pick(["first_value", "last_value"]), frame(columns))
            return call("\(name)(\(value.text))", value.type, "\(frame.tells ? tells() : whole)\(frame.text)")
        case 9:
            let (place, frame) = (1 + choices.below(3), frame(columns))
            return call(
                "nth_value(\(value.text), \(place))", value.type, "\(frame.tells ? tells() : whole)\(frame.text)")
        default:
            let (aggregate, frame) = (plainAggregate(columns), frame(columns))
            features.insert("over \(aggregate.text.prefix { $0 != "(" })")
            let window = frame.tells ? tells() : whole
            return ("\(aggregate.text) OVER (\(window)\(frame.text))", aggregate.type)
        }
    }

    private mutating func call(_ text: String, _ type: String, _ window: String) -> (text: String, type: String) {
        features.insert("over \(text.prefix { $0 != "(" })")
        return ("\(text) OVER (\(window))", type)
    }

    /// An explicit frame, sometimes, and whether it tells equal rows apart. Orders are by all columns, so RANGE has no offsets here.
    private mutating func frame(_ columns: [Column]) -> (text: String, tells: Bool) {
        guard choices.chance(60) else { return ("", false) }
        let mode = choices.pick(["ROWS", "GROUPS", "RANGE"])
        let starts =
            mode == "RANGE"
            ? ["UNBOUNDED PRECEDING", "CURRENT ROW"]
            : ["UNBOUNDED PRECEDING", "1 PRECEDING", "CURRENT ROW", "1 FOLLOWING"]
        let start = choices.pick(starts)
        let end = choices.pick(
            start == "1 FOLLOWING" ? ["2 FOLLOWING", "UNBOUNDED FOLLOWING"] : ["CURRENT ROW", "UNBOUNDED FOLLOWING"])
        features.insert("frame \(mode.lowercased())")
        var text = " \(mode) BETWEEN \(start) AND \(end)"
        if choices.chance(35) {
            let exclusion = choices.pick(["CURRENT ROW", "GROUP", "TIES", "NO OTHERS"])
            features.insert("exclude")
            text += " EXCLUDE \(exclusion)"
        }
        return (text, mode == "ROWS")
    }
}

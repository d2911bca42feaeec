/// A random query in two dialects: ours, and SQLite's over the same tables.
///
/// Both engines agree on everything that is generated here: divisors are never zero, timestamps are compared as
/// microseconds, sums stay far from every overflow, ties are broken by all columns.
struct GeneratedView {
    var name: String
    var sql: String
    var oracle: String
    var columns: [Workload.Column]
    /// What the query is made of, to count coverage.
    var features: Set<String>
}

struct QueryGenerator {
    var rng: SeededGenerator
    var features: Set<String> = []

    init(seed: UInt64) { rng = SeededGenerator(seed: seed) }

    /// Something that can stand in FROM: text for each dialect, without an alias.
    struct Source {
        var sql: String
        var oracle: String
        var columns: [Workload.Column]
        /// The name of a timestamp column that carries event time.
        var time: String?
    }

    struct Pair {
        var sql: String
        var oracle: String

        init(_ both: String) {
            sql = both
            oracle = both
        }

        init(sql: String, oracle: String) {
            self.sql = sql
            self.oracle = oracle
        }
    }

    mutating func view(named name: String, over views: [GeneratedView]) -> GeneratedView {
        features = []
        let shape = rng.below(16)
        let (query, columns): (Pair, [Workload.Column]) =
            switch shape {
            case 0: projection(over: views)
            case 1, 2: grouping(over: views)
            case 3: windowed()
            case 4: topRows(over: views)
            case 5: union(over: views)
            case 6: join(over: views)
            case 8: windowJoin()
            case 9: latest()
            case 10: membership(over: views)
            case 11: existence(over: views)
            case 12: scalarSubquery(over: views)
            case 13: setOperation(over: views)
            case 14: rollup(over: views)
            default: distinct(over: views)
            }
        return GeneratedView(name: name, sql: query.sql, oracle: query.oracle, columns: columns, features: features)
    }

    // MARK: sources

    mutating func source(over views: [GeneratedView]) -> Source {
        if !views.isEmpty, rng.chance(30) {
            let view = rng.pick(views)
            features.insert("view on view")
            return Source(sql: view.name, oracle: "(\(view.oracle))", columns: view.columns)
        }
        let table = rng.pick(Workload.tables)
        if table.isKeyed { features.insert("upsert table") }
        if table.lateness != nil { features.insert("event time") }
        let plain = Source(
            sql: table.name, oracle: table.name, columns: table.columns, time: table.lateness == nil ? nil : "ts")
        guard rng.chance(25) else { return plain }
        features.insert("sub-query")
        let condition = predicate(plain.columns, prefix: "")
        return Source(
            sql: "(SELECT * FROM \(plain.sql) WHERE \(condition.sql))",
            oracle: "(SELECT * FROM \(plain.oracle) WHERE \(condition.oracle))", columns: plain.columns,
            time: plain.time)
    }

    // MARK: shapes

    mutating func projection(over views: [GeneratedView]) -> (Pair, [Workload.Column]) {
        features.insert("projection")
        let source = source(over: views)
        var items: [Pair] = []
        var columns: [Workload.Column] = []
        for index in 0..<(1 + rng.below(4)) {
            let (item, type) = scalar(source.columns, prefix: "s.", depth: 2)
            items.append(Pair(sql: "\(item.sql) AS c\(index)", oracle: "\(item.oracle) AS c\(index)"))
            columns.append(Workload.Column(name: "c\(index)", type: type))
        }
        let condition = predicate(source.columns, prefix: "s.")
        return (select(items, from: source, where: condition), columns)
    }

    private mutating func grouping(over views: [GeneratedView]) -> (Pair, [Workload.Column]) {
        features.insert("grouping")
        let source = source(over: views)
        let keys = rng.below(3)
        var items: [Pair] = []
        var columns: [Workload.Column] = []
        var groupBy: [Pair] = []
        for index in 0..<keys {
            var (key, type) = scalar(source.columns, prefix: "s.", depth: 1, avoiding: [.double, .numeric])
            if !key.sql.contains("s.") {
                // A constant in GROUP BY would be a position or an error.
                let column = rng.pick(source.columns)
                (key, type) = (Pair("s.\(column.name)"), column.type)
            }
            items.append(Pair(sql: "\(key.sql) AS k\(index)", oracle: "\(key.oracle) AS k\(index)"))
            groupBy.append(key)
            columns.append(Workload.Column(name: "k\(index)", type: type))
        }
        if keys == 0 { features.insert("global aggregate") }
        addAggregates(source.columns, to: &items, &columns)
        var query = select(items, from: source, where: rng.chance(50) ? predicate(source.columns, prefix: "s.") : nil)
        if keys > 0 {
            query.sql += " GROUP BY " + groupBy.map(\.sql).joined(separator: ", ")
            query.oracle += " GROUP BY " + groupBy.map(\.oracle).joined(separator: ", ")
            if rng.chance(20) {
                features.insert("having")
                query.sql += " HAVING count(*) > 1"
                query.oracle += " HAVING count(*) > 1"
            }
        }
        return (query, columns)
    }

    private mutating func windowed() -> (Pair, [Workload.Column]) {
        features.insert("tumble")
        let table = Workload.tables[1]
        let seconds = rng.pick([1, 5, 10, 60])
        let micros = seconds * 1_000_000
        let source = Source(
            sql: "tumble(\(table.name), ts, INTERVAL '\(seconds) seconds')",
            oracle:
                "(SELECT *, ts / \(micros) * \(micros) AS window_start, ts / \(micros) * \(micros) + \(micros) AS window_end FROM \(table.name))",
            columns: table.columns)
        var items = [Pair("s.window_start AS w")]
        var columns = [Workload.Column(name: "w", type: .timestamp, isNullable: false)]
        var keys = ["s.window_start"]
        if rng.chance(60) {
            items.append(Pair("s.k AS k"))
            columns.append(Workload.Column(name: "k", type: .integer))
            keys.append("s.k")
        }
        if rng.chance(30) {
            items.append(Pair("s.window_end AS e"))
            columns.append(Workload.Column(name: "e", type: .timestamp, isNullable: false))
            keys.append("s.window_end")
        }
        addAggregates(table.columns, to: &items, &columns)
        var query = select(items, from: source, where: rng.chance(40) ? predicate(table.columns, prefix: "s.") : nil)
        query.sql += " GROUP BY " + keys.joined(separator: ", ")
        query.oracle += " GROUP BY " + keys.joined(separator: ", ")
        return (query, columns)
    }

    private mutating func topRows(over views: [GeneratedView]) -> (Pair, [Workload.Column]) {
        features.insert("top-n")
        let source = source(over: views)
        let names = source.columns.map(\.name)
        let partition = rng.chance(80) ? rng.pick(names) : nil
        let order = rng.pick(names)
        let direction = rng.chance(50) ? "DESC NULLS LAST" : "ASC NULLS FIRST"
        // The law breaks ties by all columns, left to right; SQLite is told so.
        let ties = names.map { "s.\($0) ASC NULLS LAST" }.joined(separator: ", ")
        let over = partition.map { "PARTITION BY s.\($0) " } ?? ""
        let limit = 1 + rng.below(4)
        let number = names.contains("rn") ? "rn\(names.count)" : "rn"
        let emitsNumber = rng.chance(50)
        let list = names.map { "t.\($0)" }.joined(separator: ", ") + (emitsNumber ? ", t.\(number)" : "")
        if emitsNumber { features.insert("row number") }
        let inner = names.map { "s.\($0)" }.joined(separator: ", ")
        let sql =
            "SELECT \(list) FROM (SELECT \(inner), row_number() OVER (\(over)ORDER BY s.\(order) \(direction)) AS \(number) FROM \(source.sql) s) t "
            + "WHERE t.\(number) <= \(limit)"
        let oracle =
            "SELECT \(list) FROM (SELECT \(inner), row_number() OVER (\(over)ORDER BY s.\(order) \(direction), \(ties)) AS \(number) "
            + "FROM \(source.oracle) s) t WHERE t.\(number) <= \(limit)"
        let columns =
            source.columns + (emitsNumber ? [Workload.Column(name: number, type: .bigint, isNullable: false)] : [])
        return (Pair(sql: sql, oracle: oracle), columns)
    }

    private mutating func union(over views: [GeneratedView]) -> (Pair, [Workload.Column]) {
        features.insert("union all")
        let parts = (0..<(2 + rng.below(2))).map { _ -> Pair in
            let source = source(over: views)
            let (first, _) = integer(source.columns, prefix: "s.", depth: 1)
            let (second, _) = text(source.columns, prefix: "s.", depth: 1)
            let items = [
                Pair(sql: "CAST(\(first.sql) AS bigint) AS a", oracle: "\(first.oracle) AS a"),
                Pair(sql: "\(second.sql) AS b", oracle: "\(second.oracle) AS b"),
            ]
            return select(items, from: source, where: predicate(source.columns, prefix: "s."))
        }
        return (
            Pair(
                sql: parts.map(\.sql).joined(separator: " UNION ALL "),
                oracle: parts.map(\.oracle).joined(separator: " UNION ALL ")),
            [Workload.Column(name: "a", type: .bigint), Workload.Column(name: "b", type: .text)]
        )
    }

    private mutating func join(over views: [GeneratedView]) -> (Pair, [Workload.Column]) {
        features.insert("join")
        let left = source(over: views)
        let right = source(over: views)
        let pairs = left.columns.flatMap { first in
            right.columns.filter { $0.type == first.type && first.type != .boolean }.map { (first.name, $0.name) }
        }
        guard !pairs.isEmpty else { return projection(over: views) }
        // Selective keys keep the join from becoming a product of everything.
        let preferred = pairs.filter { $0.0 == "id" || $0.1 == "id" || $0.0 == "v" || $0.1 == "v" }
        let (leftKey, rightKey) = rng.pick(preferred.isEmpty ? pairs : preferred)
        var condition = "l.\(leftKey) = r.\(rightKey)"
        if rng.chance(40) {
            let (first, second) = rng.pick(pairs)
            condition += " AND l.\(first) = r.\(second)"
            features.insert("join on two keys")
        }
        var items: [Pair] = []
        var columns: [Workload.Column] = []
        for index in 0..<(2 + rng.below(3)) {
            let (side, alias) = rng.chance(50) ? (left, "l") : (right, "r")
            let column = rng.pick(side.columns)
            items.append(Pair("\(alias).\(column.name) AS c\(index)"))
            columns.append(Workload.Column(name: "c\(index)", type: column.type))
        }
        let kind = rng.pick(["JOIN", "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"])
        features.insert(kind.lowercased())
        var on = Pair(condition)
        if rng.chance(30) {
            // More than equalities, over either side or both.
            features.insert("join condition")
            let extra =
                rng.chance(50)
                ? predicate(left.columns, prefix: "l.", depth: 1) : predicate(right.columns, prefix: "r.", depth: 1)
            on = Pair(sql: "\(on.sql) AND \(extra.sql)", oracle: "\(on.oracle) AND \(extra.oracle)")
            if let numbers = left.columns.first(where: { $0.type == .bigint }),
                let others = right.columns.last(where: { $0.type == .bigint }), rng.chance(50)
            {
                on.sql += " AND l.\(numbers.name) <= r.\(others.name)"
                on.oracle += " AND l.\(numbers.name) <= r.\(others.name)"
            }
        }
        let list = items.map(\.sql).joined(separator: ", ")
        var sql = "SELECT \(list) FROM \(left.sql) l \(kind) \(right.sql) r ON \(on.sql)"
        var oracle = "SELECT \(list) FROM \(left.oracle) l \(kind) \(right.oracle) r ON \(on.oracle)"
        if rng.chance(50) {
            let filter = predicate(left.columns, prefix: "l.")
            sql += " WHERE \(filter.sql)"
            oracle += " WHERE \(filter.oracle)"
        }
        return (Pair(sql: sql, oracle: oracle), columns)
    }

    /// Rows joined with an aggregate of their own window, as in Nexmark's q7, or two windowed aggregates with each other.
    private mutating func windowJoin() -> (Pair, [Workload.Column]) {
        features.insert("window join")
        let seconds = rng.pick([1, 5, 10])
        let micros = seconds * 1_000_000
        let sql = "tumble(timed, ts, INTERVAL '\(seconds) seconds')"
        let oracle =
            "(SELECT *, ts / \(micros) * \(micros) AS window_start, ts / \(micros) * \(micros) + \(micros) AS window_end FROM timed)"
        let key = rng.chance(40) ? ", k" : ""
        let condition = predicate(Workload.tables[1].columns, prefix: "t.", depth: 1)
        func inner(_ source: String, _ condition: String) -> String {
            "(SELECT window_start\(key), window_end AS we, max(v) AS m, count(*) AS n FROM \(source) t WHERE \(condition) GROUP BY window_start, window_end\(key)) a"
        }
        let on =
            "b.window_start = a.window_start" + (key.isEmpty ? "" : " AND b.k = a.k")
            + (rng.chance(60) ? " AND b.v = a.m" : "")
        let list = "b.window_start AS w, a.we AS e, b.id AS i, a.m AS m, a.n AS n"
        let columns = [
            Workload.Column(name: "w", type: .timestamp), Workload.Column(name: "e", type: .timestamp),
            Workload.Column(name: "i", type: .bigint), Workload.Column(name: "m", type: .bigint),
            Workload.Column(name: "n", type: .bigint),
        ]
        return (
            Pair(
                sql: "SELECT \(list) FROM \(sql) b JOIN \(inner(sql, condition.sql)) ON \(on)",
                oracle: "SELECT \(list) FROM \(oracle) b JOIN \(inner(oracle, condition.oracle)) ON \(on)"), columns
        )
    }

    /// The first rows of each window, and what is counted over them.
    private mutating func latest() -> (Pair, [Workload.Column]) {
        features.insert("window top-n")
        let seconds = rng.pick([1, 5, 10])
        let micros = seconds * 1_000_000
        let limit = 1 + rng.below(3)
        let order = rng.pick(["v", "g", "n"])
        let sql =
            "SELECT window_start AS w, count(*) AS c, sum(rn) AS s FROM (SELECT window_start, id, v, g, n, row_number() OVER (PARTITION BY window_start ORDER BY \(order) DESC NULLS LAST) AS rn FROM tumble(timed, ts, INTERVAL '\(seconds) seconds')) t WHERE rn <= \(limit) GROUP BY window_start"
        let oracle =
            "SELECT window_start AS w, count(*) AS c, sum(rn) AS s FROM (SELECT window_start, row_number() OVER (PARTITION BY window_start ORDER BY \(order) DESC NULLS LAST, id, v NULLS LAST, g NULLS LAST, n NULLS LAST) AS rn FROM (SELECT *, ts / \(micros) * \(micros) AS window_start FROM timed)) t WHERE rn <= \(limit) GROUP BY window_start"
        return (
            Pair(sql: sql, oracle: oracle),
            [
                Workload.Column(name: "w", type: .timestamp), Workload.Column(name: "c", type: .bigint),
                Workload.Column(name: "s", type: .numeric),
            ]
        )
    }

    private mutating func distinct(over views: [GeneratedView]) -> (Pair, [Workload.Column]) {
        features.insert("distinct")
        let source = source(over: views)
        var items: [Pair] = []
        var columns: [Workload.Column] = []
        for index in 0..<(1 + rng.below(2)) {
            let (item, type) = scalar(source.columns, prefix: "s.", depth: 1, avoiding: [.double, .numeric])
            items.append(Pair(sql: "\(item.sql) AS c\(index)", oracle: "\(item.oracle) AS c\(index)"))
            columns.append(Workload.Column(name: "c\(index)", type: type))
        }
        var query = select(items, from: source, where: rng.chance(40) ? predicate(source.columns, prefix: "s.") : nil)
        query.sql = "SELECT DISTINCT" + query.sql.dropFirst("SELECT".count)
        query.oracle = "SELECT DISTINCT" + query.oracle.dropFirst("SELECT".count)
        return (query, columns)
    }

    func select(_ items: [Pair], from source: Source, where condition: Pair?) -> Pair {
        Pair(
            sql: "SELECT \(items.map(\.sql).joined(separator: ", ")) FROM \(source.sql) s"
                + (condition.map { " WHERE \($0.sql)" } ?? ""),
            oracle: "SELECT \(items.map(\.oracle).joined(separator: ", ")) FROM \(source.oracle) s"
                + (condition.map { " WHERE \($0.oracle)" } ?? ""))
    }

    // MARK: aggregates

    mutating func addAggregates(
        _ input: [Workload.Column], to items: inout [Pair], _ columns: inout [Workload.Column]
    ) {
        for index in 0..<(1 + rng.below(3)) {
            let numbers = input.filter(\.type.isNumber)
            var call: String
            var type: Workload.ValueType
            switch rng.below(6) {
            case 1 where !numbers.isEmpty:
                let column = rng.pick(numbers)
                call = "sum(s.\(column.name))"
                type = column.type == .integer ? .bigint : column.type == .double ? .double : .numeric
                features.insert("sum(\(column.type))")
            case 2 where !numbers.isEmpty:
                let column = rng.pick(numbers)
                call = "avg(s.\(column.name))"
                type = column.type == .double ? .double : .numeric
                features.insert("avg(\(column.type))")
            case 3 where input.contains { $0.type != .boolean }:
                let column = rng.pick(input.filter { $0.type != .boolean })
                call = "min(s.\(column.name))"
                type = column.type
                features.insert("min(\(column.type))")
            case 4 where input.contains { $0.type != .boolean }:
                let column = rng.pick(input.filter { $0.type != .boolean })
                call = "max(s.\(column.name))"
                type = column.type
                features.insert("max(\(column.type))")
            case 5:
                let column = rng.pick(input)
                call = "count(DISTINCT s.\(column.name))"
                type = .bigint
                features.insert("count distinct(\(column.type))")
            default:
                call = rng.chance(50) ? "count(*)" : "count(s.\(rng.pick(input).name))"
                type = .bigint
                features.insert("count")
            }
            var pair = Pair(call)
            if rng.chance(20) {
                features.insert("filter clause")
                let condition = predicate(input, prefix: "s.")
                pair = Pair(
                    sql: "\(call) FILTER (WHERE \(condition.sql))", oracle: "\(call) FILTER (WHERE \(condition.oracle))"
                )
            }
            items.append(Pair(sql: "\(pair.sql) AS a\(index)", oracle: "\(pair.oracle) AS a\(index)"))
            columns.append(Workload.Column(name: "a\(index)", type: type))
        }
    }

    // MARK: expressions

    mutating func scalar(
        _ columns: [Workload.Column], prefix: String, depth: Int, avoiding: Set<Workload.ValueType> = []
    ) -> (Pair, Workload.ValueType) {
        switch rng.below(4) {
        case 0: return integer(columns, prefix: prefix, depth: depth)
        case 1: return text(columns, prefix: prefix, depth: depth)
        default:
            let usable = columns.filter { !avoiding.contains($0.type) }
            if usable.isEmpty { return integer(columns, prefix: prefix, depth: depth) }
            let column = rng.pick(usable)
            return (Pair("\(prefix)\(column.name)"), column.type)
        }
    }

    mutating func integer(_ columns: [Workload.Column], prefix: String, depth: Int) -> (
        Pair, Workload.ValueType
    ) {
        let usable = columns.filter { $0.type == .integer || $0.type == .bigint }
        guard depth > 0, !usable.isEmpty, rng.chance(70) else {
            if let column = usable.isEmpty ? nil : rng.pick(usable) {
                return (Pair("\(prefix)\(column.name)"), column.type)
            }
            return (Pair(String(rng.below(9))), .integer)
        }
        let (first, _) = integer(columns, prefix: prefix, depth: depth - 1)
        let (second, _) = integer(columns, prefix: prefix, depth: depth - 1)
        let bigint = { (text: String) in "CAST(\(text) AS bigint)" }
        switch rng.below(7) {
        case 0:
            features.insert("+")
            return (
                Pair(sql: "(\(bigint(first.sql)) + \(second.sql))", oracle: "(\(first.oracle) + \(second.oracle))"),
                .bigint
            )
        case 1:
            features.insert("-")
            return (
                Pair(sql: "(\(bigint(first.sql)) - \(second.sql))", oracle: "(\(first.oracle) - \(second.oracle))"),
                .bigint
            )
        case 2:
            features.insert("*")
            return (Pair(sql: "(\(bigint(first.sql)) * 3)", oracle: "(\(first.oracle) * 3)"), .bigint)
        case 3:
            features.insert("%")
            return (Pair(sql: "(\(bigint(first.sql)) % 5)", oracle: "(\(first.oracle) % 5)"), .bigint)
        case 4:
            features.insert("/")
            return (Pair(sql: "(\(bigint(first.sql)) / 4)", oracle: "(\(first.oracle) / 4)"), .bigint)
        case 5:
            features.insert("case")
            let condition = predicate(columns, prefix: prefix)
            return (
                Pair(
                    sql: "CASE WHEN \(condition.sql) THEN \(bigint(first.sql)) ELSE \(second.sql) END",
                    oracle: "CASE WHEN \(condition.oracle) THEN \(first.oracle) ELSE \(second.oracle) END"), .bigint
            )
        default:
            features.insert("coalesce")
            return (
                Pair(
                    sql: "coalesce(\(bigint(first.sql)), \(second.sql), 0)",
                    oracle: "coalesce(\(first.oracle), \(second.oracle), 0)"), .bigint
            )
        }
    }

    mutating func text(_ columns: [Workload.Column], prefix: String, depth: Int) -> (Pair, Workload.ValueType) {
        let usable = columns.filter { $0.type == .text }
        guard depth > 0, !usable.isEmpty else {
            if let column = usable.isEmpty ? nil : rng.pick(usable) { return (Pair("\(prefix)\(column.name)"), .text) }
            return (Pair("'lit'"), .text)
        }
        let column = "\(prefix)\(rng.pick(usable).name)"
        switch rng.below(5) {
        case 0:
            features.insert("||")
            return (Pair("(\(column) || '-' || \(column))"), .text)
        case 1:
            features.insert("substr")
            return (Pair("substr(\(column), 1, 2)"), .text)
        case 2:
            features.insert("replace")
            return (Pair("replace(\(column), 'a', 'xx')"), .text)
        case 3:
            features.insert("nullif")
            return (Pair("nullif(\(column), 'a')"), .text)
        default:
            return (Pair(column), .text)
        }
    }

    mutating func predicate(_ columns: [Workload.Column], prefix: String, depth: Int = 2) -> Pair {
        if depth > 0, rng.chance(40) {
            let first = predicate(columns, prefix: prefix, depth: depth - 1)
            let second = predicate(columns, prefix: prefix, depth: depth - 1)
            let word = rng.chance(50) ? "AND" : "OR"
            let negation = rng.chance(25) ? "NOT " : ""
            features.insert(word.lowercased())
            return Pair(
                sql: "\(negation)(\(first.sql) \(word) \(second.sql))",
                oracle: "\(negation)(\(first.oracle) \(word) \(second.oracle))")
        }
        let column = rng.pick(columns)
        let name = "\(prefix)\(column.name)"
        if rng.chance(15) {
            features.insert("is null")
            return Pair("\(name) IS \(rng.chance(50) ? "NOT " : "")NULL")
        }
        let comparison = rng.pick(["=", "<>", "<", "<=", ">", ">="])
        features.insert(comparison)
        switch column.type {
        case .integer, .bigint:
            if rng.chance(25) {
                features.insert("in")
                return Pair("\(name) IN (1, 3, \(rng.below(9)))")
            }
            if rng.chance(25) {
                features.insert("between")
                return Pair("\(name) BETWEEN \(rng.below(5)) AND \(5 + rng.below(9))")
            }
            return Pair("\(name) \(comparison) \(rng.below(12) - 2)")
        case .numeric: return Pair("\(name) \(comparison) \(rng.below(30)).5")
        case .double: return Pair("\(name) \(comparison) \(rng.below(60)).25")
        case .boolean: return Pair(name)
        case .text:
            if rng.chance(30) {
                features.insert("like")
                return Pair("\(name) LIKE '\(rng.pick(["a%", "%b", "_", "%", "Z%"]))'")
            }
            return Pair("\(name) \(comparison) '\(rng.pick(["a", "b", "ab", "A", ""]))'")
        case .timestamp:
            let value = Workload.baseTime + Int64(rng.below(80)) * 1_000_000
            return Pair(
                sql: "\(name) \(comparison) TIMESTAMP '\(Workload.timestampText(value))'",
                oracle: "\(name) \(comparison) \(value)")
        }
    }
}

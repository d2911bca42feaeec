/// Sub-queries, set operations and several groupings at once.
extension QueryGenerator {
    typealias Generated = (Pair, [Workload.Column])

    /// Columns of two sources that can be compared, those of few values first.
    private mutating func pair(_ left: Source, _ right: Source) -> (left: String, right: String)? {
        let pairs = left.columns.flatMap { first in
            right.columns.filter { $0.type == first.type && first.type != .boolean && first.type != .double }.map {
                (first.name, $0.name)
            }
        }
        return pairs.isEmpty ? nil : rng.pick(pairs)
    }

    /// Some columns of a source under names of their own.
    private mutating func list(_ source: Source, _ prefix: String) -> (items: [String], columns: [Workload.Column]) {
        var (items, columns): ([String], [Workload.Column]) = ([], [])
        for index in 0..<(1 + rng.below(3)) {
            let column = rng.pick(source.columns)
            items.append("\(prefix)\(column.name) AS c\(index)")
            columns.append(Workload.Column(name: "c\(index)", type: column.type))
        }
        return (items, columns)
    }

    /// A test as a condition of its own, as a part of one, or as a column.
    private mutating func placed(_ test: Pair, _ source: Source) -> Generated {
        var (items, columns) = list(source, "l.")
        let other = predicate(source.columns, prefix: "l.", depth: 1)
        var (sql, oracle) = (test.sql, test.oracle)
        switch rng.below(4) {
        case 0:
            features.insert("sub-query in OR")
            (sql, oracle) = ("(\(sql)) OR (\(other.sql))", "(\(oracle)) OR (\(other.oracle))")
        case 1:
            features.insert("sub-query as a value")
            let list = items.joined(separator: ", ")
            columns.append(Workload.Column(name: "t", type: .boolean))
            return (
                Pair(
                    sql: "SELECT \(list), (\(sql)) AS t FROM \(source.sql) l WHERE \(other.sql)",
                    oracle: "SELECT \(list), (\(oracle)) AS t FROM \(source.oracle) l WHERE \(other.oracle)"), columns
            )
        case 2: (sql, oracle) = ("(\(sql)) AND (\(other.sql))", "(\(oracle)) AND (\(other.oracle))")
        default: break
        }
        let list = items.joined(separator: ", ")
        return (
            Pair(
                sql: "SELECT \(list) FROM \(source.sql) l WHERE \(sql)",
                oracle: "SELECT \(list) FROM \(source.oracle) l WHERE \(oracle)"), columns
        )
    }

    mutating func membership(over views: [GeneratedView]) -> Generated {
        let left = source(over: views)
        let right = source(over: views)
        guard let (own, other) = pair(left, right) else { return projection(over: views) }
        let negation = rng.chance(50) ? "NOT " : ""
        features.insert("\(negation.lowercased())in (select)")
        var condition = predicate(right.columns, prefix: "r.", depth: 1)
        if rng.chance(40), let (a, b) = pair(left, right) {
            features.insert("correlated in")
            condition = Pair(
                sql: "\(condition.sql) AND r.\(b) = l.\(a)", oracle: "\(condition.oracle) AND r.\(b) = l.\(a)")
        }
        return placed(
            Pair(
                sql: "l.\(own) \(negation)IN (SELECT r.\(other) FROM \(right.sql) r WHERE \(condition.sql))",
                oracle: "l.\(own) \(negation)IN (SELECT r.\(other) FROM \(right.oracle) r WHERE \(condition.oracle))"),
            left)
    }

    mutating func existence(over views: [GeneratedView]) -> Generated {
        let left = source(over: views)
        let right = source(over: views)
        guard let (own, other) = pair(left, right) else { return projection(over: views) }
        let negation = rng.chance(50) ? "NOT " : ""
        features.insert("\(negation.lowercased())exists")
        var condition = Pair("r.\(other) = l.\(own)")
        if rng.chance(50) {
            let extra = predicate(right.columns, prefix: "r.", depth: 1)
            condition = Pair(
                sql: "\(condition.sql) AND \(extra.sql)", oracle: "\(condition.oracle) AND \(extra.oracle)")
        }
        if rng.chance(40), let (a, b) = pair(left, right) {
            features.insert("exists with <>")
            condition = Pair(
                sql: "\(condition.sql) AND r.\(b) <> l.\(a)", oracle: "\(condition.oracle) AND r.\(b) <> l.\(a)")
        }
        var tail = ""
        if rng.chance(20) {
            features.insert("exists over groups")
            tail = " GROUP BY r.\(other) HAVING count(*) > 1"
        }
        return placed(
            Pair(
                sql: "\(negation)EXISTS (SELECT 1 FROM \(right.sql) r WHERE \(condition.sql)\(tail))",
                oracle: "\(negation)EXISTS (SELECT 1 FROM \(right.oracle) r WHERE \(condition.oracle)\(tail))"), left)
    }

    /// An aggregate of the rows that belong to a row, or of all.
    mutating func scalarSubquery(over views: [GeneratedView]) -> Generated {
        let left = source(over: views)
        let right = source(over: views)
        guard let (own, other) = pair(left, right) else { return projection(over: views) }
        features.insert("scalar sub-query")
        let numbers = right.columns.filter { $0.type == .bigint || $0.type == .integer }
        var value = "count(*)"
        if let column = numbers.isEmpty || rng.chance(40) ? nil : rng.pick(numbers) {
            value = rng.pick(["max", "min", "count"]) + "(r.\(column.name))"
        }
        if rng.chance(30) { value = "CAST(\(value) AS bigint) + 1" }
        var conditions: [Pair] = [predicate(right.columns, prefix: "r.", depth: 1)]
        if rng.chance(70) {
            features.insert("correlated scalar sub-query")
            conditions.append(Pair("r.\(other) = l.\(own)"))
        }
        let sql =
            "(SELECT \(value) FROM \(right.sql) r WHERE \(conditions.map(\.sql).joined(separator: " AND ")))"
        let oracle =
            "(SELECT \(value) FROM \(right.oracle) r WHERE \(conditions.map(\.oracle).joined(separator: " AND ")))"
        var (items, columns) = list(left, "l.")
        let condition = predicate(left.columns, prefix: "l.", depth: 1)
        guard rng.chance(60) else {
            let list = items.joined(separator: ", ")
            return (
                Pair(
                    sql: "SELECT \(list) FROM \(left.sql) l WHERE \(sql) > 3",
                    oracle: "SELECT \(list) FROM \(left.oracle) l WHERE \(oracle) > 3"), columns
            )
        }
        columns.append(Workload.Column(name: "s", type: .bigint))
        items.append("")
        let list = items.dropLast().joined(separator: ", ")
        return (
            Pair(
                sql: "SELECT \(list), CAST(\(sql) AS bigint) AS s FROM \(left.sql) l WHERE \(condition.sql)",
                oracle: "SELECT \(list), \(oracle) AS s FROM \(left.oracle) l WHERE \(condition.oracle)"), columns
        )
    }

    /// SQLite has no INTERSECT ALL and EXCEPT ALL: there the copies of equal rows are numbered.
    mutating func setOperation(over views: [GeneratedView]) -> Generated {
        let operation = rng.pick(["UNION", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL"])
        features.insert(operation.lowercased())
        let parts = (0..<2).map { _ -> Pair in
            let source = source(over: views)
            let numbers = source.columns.filter { $0.type == .bigint || $0.type == .integer }
            let texts = source.columns.filter { $0.type == .text }
            let first = numbers.isEmpty ? "1" : "s.\(rng.pick(numbers).name) % 3"
            let second = texts.isEmpty ? "'a'" : "s.\(rng.pick(texts).name)"
            let items = [
                Pair(sql: "CAST(\(first) AS bigint) AS a", oracle: "\(first) AS a"), Pair("\(second) AS b"),
            ]
            return select(items, from: source, where: predicate(source.columns, prefix: "s.", depth: 1))
        }
        let columns = [Workload.Column(name: "a", type: .bigint), Workload.Column(name: "b", type: .text)]
        var oracle = "SELECT * FROM (\(parts[0].oracle)) \(operation) SELECT * FROM (\(parts[1].oracle))"
        if operation.hasSuffix(" ALL") {
            let numbered = parts.map {
                "SELECT a, b, row_number() OVER (PARTITION BY a, b) AS n FROM (\($0.oracle))"
            }
            oracle = "SELECT a, b FROM (\(numbered[0]) \(operation.dropLast(4)) \(numbered[1]))"
        }
        return (Pair(sql: "(\(parts[0].sql)) \(operation) (\(parts[1].sql))", oracle: oracle), columns)
    }

    /// SQLite has no GROUPING SETS: there each is a query of its own.
    mutating func rollup(over views: [GeneratedView]) -> Generated {
        let source = source(over: views)
        let names = source.columns.filter { $0.type != .double && $0.type != .numeric }.map(\.name)
        guard names.count >= 2 else { return projection(over: views) }
        let (first, second) = (names[rng.below(names.count)], names[rng.below(names.count)])
        let isCube = rng.chance(50)
        features.insert(isCube ? "cube" : "rollup")
        let keys = first == second ? [first] : [first, second]
        var sets = isCube ? [[0], []] : [[0], []]
        if keys.count == 2 { sets = isCube ? [[0, 1], [0], [1], []] : [[0, 1], [0], []] }
        let types = keys.map { key in source.columns.first { $0.name == key }?.type ?? .text }
        var columns = keys.indices.map { Workload.Column(name: "k\($0)", type: types[$0]) }
        columns += [Workload.Column(name: "g", type: .integer), Workload.Column(name: "n", type: .bigint)]
        let list = keys.enumerated().map { "s.\($1) AS k\($0)" }.joined(separator: ", ")
        let arguments = keys.map { "s.\($0)" }.joined(separator: ", ")
        let condition = predicate(source.columns, prefix: "s.", depth: 1)
        let sql =
            "SELECT \(list), GROUPING(\(arguments)) AS g, count(*) AS n FROM \(source.sql) s WHERE \(condition.sql) "
            + "GROUP BY \(isCube ? "CUBE" : "ROLLUP") (\(arguments))"
        let oracle = sets.map { set -> String in
            let list = keys.enumerated().map { set.contains($0) ? "s.\($1) AS k\($0)" : "NULL AS k\($0)" }
            let mask = keys.indices.reduce(0) { $0 * 2 + (set.contains($1) ? 0 : 1) }
            let group = set.isEmpty ? "" : " GROUP BY " + set.map { "s.\(keys[$0])" }.joined(separator: ", ")
            return
                "SELECT \(list.joined(separator: ", ")), \(mask) AS g, count(*) AS n FROM \(source.oracle) s WHERE \(condition.oracle)\(group)"
        }.joined(separator: " UNION ALL ")
        return (Pair(sql: sql, oracle: oracle), columns)
    }
}

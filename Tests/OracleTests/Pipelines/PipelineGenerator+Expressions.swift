/// Scalar expressions, predicates, orders and aggregates.
extension PipelineGenerator {
    typealias Item = (text: String, type: String)

    static func hasOrder(_ type: String) -> Bool { true }

    mutating func column(_ columns: [Column], where isWanted: (String) -> Bool = { _ in true }) -> Item {
        let usable = columns.filter { isWanted($0.type) }
        let column = choices.pick(usable.isEmpty ? columns : usable)
        return (column.name, column.type)
    }

    func orderItem(_ item: Item) -> String { item.text }

    /// By one column in some direction, then by all columns: nothing is left open.
    mutating func order(_ columns: [Column]) -> String {
        let first = column(columns).text
        let direction = choices.pick(["", " DESC", " DESC NULLS LAST", " NULLS FIRST", " ASC NULLS LAST"])
        return ([first + direction] + columns.map(\.name).filter { $0 != first }).joined(separator: ", ")
    }

    mutating func expression(_ columns: [Column], depth: Int, needsColumn: Bool = false) -> Item {
        let item = column(columns)
        guard depth > 0 else { return item }
        switch choices.below(6) {
        case 0, 1: return item
        case 2:
            features.insert("coalesce")
            return ("COALESCE(\(item.text), \(literal(item.type)))", item.type)
        case 3:
            features.insert("case")
            let other = needsColumn ? item.text : literal(item.type)
            return ("CASE WHEN \(predicate(columns, depth: 1)) THEN \(item.text) ELSE \(other) END", item.type)
        case 4:
            features.insert("nullif")
            return ("NULLIF(\(item.text), \(literal(item.type)))", item.type)
        default: return computed(item, columns)
        }
    }

    /// Something computed from a value of the type.
    private mutating func computed(_ item: Item, _ columns: [Column]) -> Item {
        switch item.type {
        case "smallint", "integer", "bigint":
            let form = choices.pick([
                "%@::bigint + 3", "%@::bigint * 2", "%@ % 5", "-(%@)", "abs(%@)", "%@::bigint - 7", "%@ / 3",
            ])
            return ("(\(fill(form, item.text)))", form.contains("bigint") ? "bigint" : item.type)
        case "numeric(12,2)":
            return (
                fill(
                    choices.pick(["round(%@)::numeric(12,2)", "abs(%@)::numeric(12,2)", "(%@ + 1)::numeric(12,2)"]),
                    item.text), item.type
            )
        case "double precision", "real":
            return (
                fill(
                    choices.pick(["(%@ + 1)::\(item.type)", "(%@ * 2)::\(item.type)", "(-(%@))::\(item.type)"]),
                    item.text), item.type
            )
        case "text":
            return (
                fill(
                    choices.pick([
                        "(%@ || '-' || %@)", "upper(%@)", "lower(%@)", "substr(%@, 1, 2)", "replace(%@, 'a', 'xx')",
                        "left(%@, 1)",
                        "reverse(%@)", "btrim(%@, 'b')", "concat(%@, 'z')",
                    ]), item.text), "text"
            )
        case "timestamp": return ("date_trunc('minute', \(item.text))", item.type)
        case "boolean": return ("(NOT \(item.text))", item.type)
        default: return ("(\(item.text))::text", "text")
        }
    }

    private func fill(_ form: String, _ text: String) -> String {
        form.split(separator: "%@", omittingEmptySubsequences: false).joined(separator: text)
    }

    mutating func literal(_ type: String) -> String {
        SQLTypes.literal(choices.pick(SQLTypes.tame[type] ?? SQLTypes.tame["text"] ?? [""]), type)
    }

    mutating func predicate(_ columns: [Column], depth: Int = 2) -> String {
        if depth > 0, choices.chance(35) {
            let word = choices.pick(["AND", "OR"])
            features.insert(word.lowercased())
            let negation = choices.chance(25) ? "NOT " : ""
            return
                "\(negation)(\(predicate(columns, depth: depth - 1)) \(word) \(predicate(columns, depth: depth - 1)))"
        }
        let item = column(columns)
        switch choices.below(7) {
        case 0:
            features.insert("is null")
            return "\(item.text) IS \(choices.pick(["", "NOT "]))NULL"
        case 1:
            features.insert("in list")
            return "\(item.text) IN (\(literal(item.type)), \(literal(item.type)))"
        case 2:
            features.insert("between")
            return "\(item.text) BETWEEN \(literal(item.type)) AND \(literal(item.type))"
        case 3:
            features.insert("is distinct from")
            return "\(item.text) IS \(choices.pick(["", "NOT "]))DISTINCT FROM \(literal(item.type))"
        case 4 where columns.contains { $0.type == "text" }:
            features.insert("like")
            return
                "\(column(columns) { $0 == "text" }.text) LIKE \(choices.pick(["'a%'", "'%b'", "'_'", "'%'", "'Z%'", "'%\\%%'"]))"
        default:
            let comparison = choices.pick(["=", "<>", "<", "<=", ">", ">="])
            features.insert(comparison)
            let others = columns.filter { $0.type == item.type && $0.name != item.text }
            if !others.isEmpty, choices.chance(30) { return "\(item.text) \(comparison) \(choices.pick(others).name)" }
            return "\(item.text) \(comparison) \(literal(item.type))"
        }
    }

    // MARK: aggregates

    /// An aggregate whose value does not depend on the order of rows.
    mutating func plainAggregate(_ columns: [Column]) -> Item {
        let value = column(columns)
        switch choices.below(5) {
        case 0: return aggregate("count(*)", "bigint", "")
        case 1: return aggregate("count(\(value.text))", "bigint", value.type)
        case 2 where columns.contains { SQLTypes.isNumber($0.type) }:
            let number = column(columns, where: SQLTypes.isNumber)
            return aggregate("sum(\(number.text))", Self.sumType(number.type), number.type)
        case 3 where columns.contains { SQLTypes.isNumber($0.type) }:
            let number = column(columns, where: SQLTypes.isNumber)
            return aggregate(
                "avg(\(number.text))",
                number.type == "real" || number.type == "double precision" ? "double precision" : "numeric", number.type
            )
        default:
            let name = choices.pick(["min", "max"])
            let item = column(columns, where: Self.hasExtremes)
            guard Self.hasExtremes(item.type) else { return aggregate("count(*)", "bigint", "") }
            return aggregate("\(name)(\(item.text))", item.type, item.type)
        }
    }

    /// The types that PostgreSQL has min and max of.
    private static func hasExtremes(_ type: String) -> Bool {
        !["boolean", "uuid", "jsonb", "bytea", "varchar(8)"].contains(type)
    }

    private static func sumType(_ type: String) -> String {
        switch type {
        case "smallint", "integer": "bigint"
        case "real": "real"
        case "double precision": "double precision"
        default: "numeric"
        }
    }

    private mutating func aggregate(_ text: String, _ type: String, _ argument: String) -> Item {
        features.insert("aggregate \(text.prefix { $0 != "(" })")
        return (text, type)
    }

    mutating func aggregate(_ columns: [Column]) -> Item {
        var item = anyAggregate(columns)
        if choices.chance(20) {
            features.insert("filter clause")
            item.text += " FILTER (WHERE \(predicate(columns, depth: 1)))"
        }
        // What is compared by its text, whatever its type.
        if item.type == "collection" { item = ("(\(item.text))::text", "text") }
        return item
    }

    private mutating func anyAggregate(_ columns: [Column]) -> Item {
        let value = column(columns)
        let by = column(columns)
        switch choices.below(26) {
        case 0...7: return plainAggregate(columns)
        case 8:
            features.insert("count distinct")
            return aggregate("count(DISTINCT \(value.text))", "bigint", value.type)
        case 9 where columns.contains { SQLTypes.isNumber($0.type) }:
            let number = column(columns, where: SQLTypes.isNumber)
            let name = choices.pick(["sum", "avg"])
            features.insert("\(name) distinct")
            return aggregate(
                "\(name)(DISTINCT \(number.text))", name == "sum" ? Self.sumType(number.type) : "numeric", number.type)
        case 10, 11:
            let name = choices.pick(["bool_and", "bool_or", "every"])
            return aggregate("\(name)(\(predicate(columns, depth: 0)))", "boolean", "boolean")
        case 12,
            20...25 where columns.contains { SQLTypes.isNumber($0.type) }:
            let number = column(columns, where: SQLTypes.isNumber)
            let name = choices.pick(["stddev", "variance", "stddev_pop", "stddev_samp", "var_pop", "var_samp"])
            let isFloat = number.type == "real" || number.type == "double precision"
            // The square of what an average or a deviation is has more digits than rule 1 of docs/sql.md allows.
            let argument = number.type == "numeric" ? "round(\(number.text), 2)" : number.text
            return aggregate("\(name)(\(argument))", isFloat ? "double precision" : "numeric", number.type)
        case 13:
            // Equal keys have equal values, so which of them counts is not open.
            return aggregate(
                "jsonb_object_agg(COALESCE(\(value.text)::text, '-'), \(value.text))", "collection", value.type)
        case 14:
            return aggregate("string_agg(\(value.text)::text, ',' ORDER BY \(value.text)::text)", "text", "text")
        case 15:
            let direction = choices.pick(["", " DESC"])
            return aggregate("array_agg(\(value.text) ORDER BY \(value.text)\(direction))", "collection", value.type)
        case 16: return aggregate("jsonb_agg(\(value.text) ORDER BY \(value.text))", "collection", value.type)
        case 17 where columns.contains { SQLTypes.isNumber($0.type) }:
            let number = column(columns, where: SQLTypes.isNumber)
            return aggregate(
                "percentile_cont(\(choices.pick(["0.5", "0.25", "1"]))) WITHIN GROUP (ORDER BY \(number.text)::double precision)",
                "double precision",
                "double precision")
        case 18: return aggregate("percentile_disc(0.5) WITHIN GROUP (ORDER BY \(by.text))", by.type, by.type)
        case 19: return aggregate("mode() WITHIN GROUP (ORDER BY \(by.text))", by.type, by.type)
        default: return plainAggregate(columns)
        }
    }
}

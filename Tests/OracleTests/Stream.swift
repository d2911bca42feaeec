import PostgresOracle

/// Tables whose rows are the same texts on both sides: a topic's records here, a table of PostgreSQL's there.
struct StreamTable {
    struct Column {
        var name: String
        /// As both engines declare it.
        var type: String

        /// How a value of the type stands in a JSON record.
        var isBare: Bool {
            type.hasPrefix("numeric") && !type.hasSuffix("[]")
                || [
                    "smallint", "integer", "bigint", "boolean", "jsonb", "real", "double precision",
                ].contains(type)
        }
    }

    var name: String
    var columns: [Column]
    /// Columns of the primary key; none: the table only grows.
    var key: [Int] = []
    var partitions = 2
    /// The event-time column and the allowed lateness in seconds.
    var eventTime: (column: Int, lateness: Int)?

    /// Our CREATE TABLE.
    var declaration: String {
        var parts = columns.map { "\($0.name) \($0.type)" }
        if !key.isEmpty { parts.append("PRIMARY KEY (\(key.map { columns[$0].name }.joined(separator: ", ")))") }
        var options = ["partitions = '\(partitions)'"]
        if let eventTime {
            options += [
                "event_time = '\(columns[eventTime.column].name)'", "lateness = '\(eventTime.lateness) seconds'",
                "skew = 'none'",
            ]
        }
        return "CREATE TABLE \(name) (\(parts.joined(separator: ", "))) WITH (\(options.joined(separator: ", ")))"
    }

    /// PostgreSQL's: without constraints, which the stream itself keeps.
    var postgresDeclaration: String {
        "CREATE TABLE \(name) (\(columns.map { "\($0.name) \($0.type)" }.joined(separator: ", ")))"
    }
}

/// One record for a ``StreamTable``.
struct StreamChange: Codable {
    /// Index into the stream's tables.
    var table: Int
    var partition: Int
    /// PostgreSQL's input texts, nil for NULL.
    var row: [String?]
    /// Deletes the row of the key; the other cells do not matter.
    var isDelete = false
    /// A record that is no row, in place of one.
    var malformed: String?

    func record(of table: StreamTable) -> PipelineHarness.TopicRecord {
        var fields: [String] = []
        for (index, (column, cell)) in zip(table.columns, row).enumerated() where !isDelete || table.key.contains(index)
        {
            let value = cell.map { column.isBare ? Self.bare($0, column.type) : Self.quoted($0) } ?? "null"
            fields.append("\"\(column.name)\": \(value)")
        }
        return .init(
            table: table.name, partition: partition, text: malformed ?? "{\(fields.joined(separator: ", "))}",
            isTombstone: isDelete)
    }

    private static func bare(_ text: String, _ type: String) -> String {
        if type == "boolean" { return text.hasPrefix("t") ? "true" : "false" }
        // NaN and the infinities are no JSON numbers.
        return type != "jsonb" && text.contains { $0 == "N" || $0 == "I" } ? quoted(text) : text
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20:
                let hex = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

/// What the tables hold after a prefix of the stream, by the rules of the law and nothing else.
struct StreamState {
    let tables: [StreamTable]
    private var keyed: [[String: [String?]]]
    private var grown: [[[String?]]]
    private var highest: [String: Int64] = [:]
    private var isLoaded = false

    init(_ tables: [StreamTable]) {
        self.tables = tables
        keyed = tables.map { _ in [:] }
        grown = tables.map { _ in [] }
    }

    /// `microseconds` reads an event time's text.
    mutating func apply(_ change: StreamChange, microseconds: (String) -> Int64 = { _ in 0 }) {
        guard change.malformed == nil else { return }
        let table = tables[change.table]
        if !table.key.isEmpty {
            let key = table.key.map { change.row[$0] ?? "" }.joined(separator: "\u{1F}")
            keyed[change.table][key] = change.isDelete ? nil : change.row
            return
        }
        if let (column, lateness) = table.eventTime, let text = change.row[column] {
            let time = microseconds(text)
            let place = "\(change.table)/\(change.partition)"
            if let highest = highest[place], time < highest - Int64(lateness) * 1_000_000 { return }
            highest[place] = max(highest[place] ?? time, time)
        }
        grown[change.table].append(change.row)
    }

    /// A record's JSON `null` is SQL's NULL, in a `jsonb` column, too.
    func rows(of table: Int) -> [[String?]] {
        let documents = tables[table].columns.indices.filter { tables[table].columns[$0].type == "jsonb" }
        return (grown[table] + keyed[table].values).map { row in
            var row = row
            for index in documents where row[index] == "null" { row[index] = nil }
            return row
        }
    }

    /// Makes PostgreSQL's tables hold these rows.
    mutating func load(into postgres: PostgresOracle) throws {
        for (index, table) in tables.enumerated() {
            try postgres.run(isLoaded ? "TRUNCATE \(table.name)" : table.postgresDeclaration)
            try postgres.copy(into: table.name, rows: rows(of: index))
        }
        isLoaded = true
        try postgres.run("ANALYZE")
    }
}

/// What a table holds after a prefix of its records, by the rules of the law and nothing else: written for the
/// oracle, without looking at how the source reader does it.
struct Reference {
    private(set) var rows: [String: [[Workload.Cell]]] = [:]
    private var highest: [String: Int64] = [:]
    private(set) var late = 0
    private(set) var malformed = 0

    mutating func apply(_ record: Workload.Record, to table: Workload.Table) {
        if record.malformed != nil {
            malformed += 1
            return
        }
        if table.isKeyed {
            rows[table.name, default: []].removeAll { $0[0].sql == record.cells[0].sql }
            if !record.isTombstone { rows[table.name, default: []].append(record.cells) }
            return
        }
        if let lateness = table.lateness, let column = table.columns.firstIndex(where: { $0.name == "ts" }),
            case .timestamp(let time) = record.cells[column]
        {
            let partition = "\(table.name)/\(record.partition)"
            if let highest = highest[partition], time < highest - lateness {
                late += 1
                return
            }
            highest[partition] = max(highest[partition] ?? time, time)
        }
        rows[table.name, default: []].append(record.cells)
    }

    /// Loads the tables into a fresh SQLite database.
    func load() throws -> SQLiteOracle {
        let oracle = try SQLiteOracle()
        for table in Workload.tables {
            try oracle.run(table.oracleDeclaration)
            let rows = rows[table.name] ?? []
            for start in stride(from: 0, to: rows.count, by: 200) {
                let values = rows[start..<min(start + 200, rows.count)].map {
                    "(\($0.map(\.sql).joined(separator: ", ")))"
                }
                try oracle.run("INSERT INTO \(table.name) VALUES \(values.joined(separator: ", "))")
            }
        }
        return oracle
    }
}

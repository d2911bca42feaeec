import CSQLite

/// An in-memory SQLite database: the independent batch engine that views are compared with.
final class SQLiteOracle {
    private let database: OpaquePointer

    init() throws {
        var handle: OpaquePointer?
        guard sqlite3_open(":memory:", &handle) == SQLITE_OK, let handle else {
            throw OracleError(message: "sqlite3_open failed")
        }
        database = handle
        try run("PRAGMA case_sensitive_like = ON")
    }

    deinit {
        sqlite3_close_v2(database)
    }

    func run(_ sql: String) throws {
        guard sqlite3_exec(database, sql, nil, nil, nil) == SQLITE_OK else {
            throw OracleError(message: "\(String(cString: sqlite3_errmsg(database))): \(sql)")
        }
    }

    /// All rows of a query, each cell in canonical text (``Canonical``), the rows sorted.
    func rows(_ sql: String) throws -> [String] {
        var statement: OpaquePointer?
        guard sqlite3_prepare_v2(database, sql, -1, &statement, nil) == SQLITE_OK, let statement else {
            throw OracleError(message: "\(String(cString: sqlite3_errmsg(database))): \(sql)")
        }
        defer { sqlite3_finalize(statement) }
        var rows: [String] = []
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_DONE:
                return rows.sorted()
            case SQLITE_ROW:
                let cells = (0..<sqlite3_column_count(statement)).map { column -> String in
                    switch sqlite3_column_type(statement, column) {
                    case SQLITE_NULL: Canonical.null
                    case SQLITE_INTEGER: Canonical.number(Double(sqlite3_column_int64(statement, column)))
                    case SQLITE_FLOAT: Canonical.number(sqlite3_column_double(statement, column))
                    default: Canonical.text(String(cString: sqlite3_column_text(statement, column)))
                    }
                }
                rows.append(cells.joined(separator: "|"))
            default:
                throw OracleError(message: "\(String(cString: sqlite3_errmsg(database))): \(sql)")
            }
        }
    }
}

struct OracleError: Error, CustomStringConvertible {
    var message: String
    var description: String { message }
}

import CSQLite

/// The database below an embedded log, to damage it and to hold its locks.
final class Database {
    private var handle: OpaquePointer?

    init(_ directory: TemporaryDirectory) throws {
        guard sqlite3_open(directory.path + "/log.sqlite", &handle) == SQLITE_OK else { throw failure }
        sqlite3_busy_timeout(handle, 10_000)
    }

    deinit { sqlite3_close_v2(handle) }

    private var failure: TestFailure { TestFailure(message: String(cString: sqlite3_errmsg(handle))) }

    func execute(_ sql: String) throws {
        guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else { throw failure }
    }

    func integer(_ sql: String) throws -> Int64 {
        var statement: OpaquePointer?
        defer { sqlite3_finalize(statement) }
        guard sqlite3_prepare_v2(handle, sql, -1, &statement, nil) == SQLITE_OK, sqlite3_step(statement) == SQLITE_ROW
        else { throw failure }
        return sqlite3_column_int64(statement, 0)
    }
}

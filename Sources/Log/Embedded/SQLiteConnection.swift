internal import CSQLite
import Glibc

/// One SQLite connection with its prepared statements. It belongs to one thread.
final class SQLiteConnection {
    private var handle: OpaquePointer?
    private var statements: [String: OpaquePointer] = [:]

    /// Opens the database, made if `isReader` is false and there is none.
    init(path: String, isReader: Bool) throws(LogError) {
        let flags = (isReader ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) | SQLITE_OPEN_NOMUTEX
        guard sqlite3_open_v2(path, &handle, flags, nil) == SQLITE_OK else {
            // The handle, if there is one, is closed with this object.
            throw failure("opening \(path)")
        }
        sqlite3_extended_result_codes(handle, 1)
    }

    deinit { close() }

    /// Releases the database; the connection is of no use afterwards.
    func close() {
        for statement in statements.values { sqlite3_finalize(statement) }
        statements = [:]
        sqlite3_close_v2(handle)
        handle = nil
    }

    /// Runs `body` in one read transaction: all that it reads is of one state.
    func reading<Value>(_ body: () throws(LogError) -> Value) throws(LogError) -> Value {
        try run("BEGIN")
        do throws(LogError) {
            let value = try body()
            try run("COMMIT")
            return value
        } catch {
            if isInTransaction { try run("ROLLBACK") }
            throw error
        }
    }

    /// Rows changed since the connection was opened.
    var changes: Int64 { sqlite3_total_changes64(handle) }

    func setBusyTimeout(milliseconds: Int) { sqlite3_busy_timeout(handle, Int32(milliseconds)) }

    func execute(_ sql: String) throws(LogError) {
        guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else { throw failure(sql) }
    }

    /// Runs a statement to its end; `row` sees each row.
    func run(
        _ sql: String, _ values: [SQLiteValue] = [], row: (borrowing SQLiteRow) throws(LogError) -> Void = { _ in }
    ) throws(LogError) {
        try runWhile(sql, values) { found throws(LogError) in
            try row(found)
            return true
        }
    }

    /// Runs a statement until its end or until `row` returns false.
    func runWhile(
        _ sql: String, _ values: [SQLiteValue], row: (borrowing SQLiteRow) throws(LogError) -> Bool
    ) throws(LogError) {
        let statement = try prepare(sql)
        defer {
            sqlite3_reset(statement)
            sqlite3_clear_bindings(statement)
        }
        for (index, value) in values.enumerated() { bind(statement, Int32(index + 1), value) }
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW: if try !row(SQLiteRow(statement: statement)) { return }
            case SQLITE_DONE: return
            default: throw failure(sql)
            }
        }
    }

    private func prepare(_ sql: String) throws(LogError) -> OpaquePointer {
        if let statement = statements[sql] { return statement }
        var statement: OpaquePointer?
        guard sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil) == SQLITE_OK,
            let statement
        else {
            throw failure(sql)
        }
        statements[sql] = statement
        return statement
    }

    private func bind(_ statement: OpaquePointer, _ index: Int32, _ value: SQLiteValue) {
        // SQLITE_TRANSIENT: SQLite copies, since the memory is only valid within this call.
        let copy = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        switch value {
        case .integer(let value): sqlite3_bind_int64(statement, index, value)
        case .text(let value): sqlite3_bind_text(statement, index, value, Int32(value.utf8.count), copy)
        case .blob(let bytes):
            bytes.withUnsafeBytes { buffer in
                _ = sqlite3_bind_blob64(statement, index, buffer.baseAddress, UInt64(buffer.count), copy)
            }
        case .null: sqlite3_bind_null(statement, index)
        }
    }

    var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

    private static func isFull(_ error: Int32) -> Bool { error == ENOSPC || error == EDQUOT }

    /// The log's error for SQLite's last one.
    func failure(_ attempt: String) -> LogError {
        let code = sqlite3_extended_errcode(handle)
        let message = "\(String(cString: sqlite3_errmsg(handle))) (SQLite \(code)), attempting: \(attempt.prefix(120))"
        return switch code & 0xFF {
        case SQLITE_BUSY, SQLITE_LOCKED: LogError(.busy, message)
        case SQLITE_FULL: LogError(.diskFull, message)
        case SQLITE_CORRUPT, SQLITE_NOTADB: LogError(.corrupt, message)
        case SQLITE_IOERR where Self.isFull(sqlite3_system_errno(handle)): LogError(.diskFull, message)
        default: LogError(.storage, message)
        }
    }
}

enum SQLiteValue {
    case integer(Int64)
    case text(String)
    case blob([UInt8])
    case null
}

/// The current row of a statement: valid within the callback.
struct SQLiteRow: ~Copyable {
    fileprivate let statement: OpaquePointer

    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(statement, column) }

    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(statement, column) == SQLITE_NULL }

    func text(_ column: Int32) -> String { sqlite3_column_text(statement, column).map { String(cString: $0) } ?? "" }

    func withBlob<Result>(_ column: Int32, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        body(
            UnsafeRawBufferPointer(
                start: sqlite3_column_blob(statement, column), count: Int(sqlite3_column_bytes(statement, column))))
    }
}

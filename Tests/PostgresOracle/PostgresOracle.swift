import CPQ
import Synchronization

/// A connection to a real PostgreSQL 15: the independent engine that answers are checked against.
///
///     let postgres = try PostgresOracle()                          // starts the process's server at the first use (2 s)
///     try postgres.run("CREATE TABLE t (a int, b text)")           // anything; several statements may be in one text
///     try postgres.copy(into: "t", rows: [["1", "x"], ["2", nil]]) // fast; the cells are PostgreSQL's input texts
///     try postgres.query("SELECT * FROM t").rows                   // [["1", "x"], ["2", nil]]: output texts, nil for NULL
///     postgres.refusal(of: "SELECT c FROM t")                      // PostgresError: sqlState "42703", position 8
///
/// Every connection has an empty schema of its own as its search path, dropped at the end. The time zone is UTC, the
/// collation C, the style ISO; a statement is cancelled after a minute. A connection is used by one thread at a time.
/// Needs the package `postgresql-15`; the server takes no network connections, and goes when the test process ends, however it ends.
package final class PostgresOracle {
    private let connection: OpaquePointer
    private let schema: String

    private static let schemas = Atomic<Int>(0)

    /// Connects to the process's server.
    package init() throws(PostgresError) {
        let directory = try PostgresServer.shared()
        let settings = "host=\(directory) user=oracle dbname=postgres client_encoding=UTF8"
        guard let connection = PQconnectdb(settings) else { throw PostgresError(message: "no memory for a connection") }
        self.connection = connection
        schema = "oracle_\(Self.schemas.add(1, ordering: .relaxed).newValue)"
        guard PQstatus(connection) == CONNECTION_OK else {
            throw PostgresError(message: String(cString: PQerrorMessage(connection)))
        }
        try run("CREATE SCHEMA \(schema); SET search_path = \(schema); SET client_min_messages = error")
    }

    deinit {
        PQclear(PQexec(connection, "ROLLBACK; DROP SCHEMA \(schema) CASCADE"))
        PQfinish(connection)
    }

    /// The rows of the text's last statement.
    package func query(_ sql: String) throws(PostgresError) -> PostgresRows {
        guard let result = PQexec(connection, sql) else { throw lost() }
        defer { PQclear(result) }
        switch PQresultStatus(result) {
        case PGRES_COMMAND_OK, PGRES_EMPTY_QUERY, PGRES_TUPLES_OK: return PostgresRows(result)
        default: throw PostgresError(result)
        }
    }

    /// Runs statements for their effect.
    package func run(_ sql: String) throws(PostgresError) { _ = try query(sql) }

    /// Why PostgreSQL refuses the statements; nil if it runs them. Their effects are rolled back.
    package func refusal(of sql: String) -> PostgresError? {
        defer { PQclear(PQexec(connection, "ROLLBACK")) }
        do throws(PostgresError) {
            try run("BEGIN")
            try run(sql)
            return nil
        } catch {
            return error
        }
    }

    /// Appends rows to a table: each cell in PostgreSQL's input text, nil for NULL, in the order of the table's columns.
    package func copy(into table: String, rows: [[String?]]) throws(PostgresError) {
        guard let started = PQexec(connection, "COPY \(table) FROM STDIN") else { throw lost() }
        defer { PQclear(started) }
        guard PQresultStatus(started) == PGRES_COPY_IN else { throw PostgresError(started) }
        var buffer: [UInt8] = []
        var isWhole = true
        for row in rows {
            for (index, cell) in row.enumerated() {
                if index > 0 { buffer.append(UInt8(ascii: "\t")) }
                Self.append(cell, to: &buffer)
            }
            buffer.append(UInt8(ascii: "\n"))
            if buffer.count > 1 << 20 {
                isWhole = isWhole && put(buffer)
                buffer.removeAll(keepingCapacity: true)
            }
        }
        isWhole = isWhole && put(buffer)
        guard isWhole, PQputCopyEnd(connection, nil) == 1, let ended = PQgetResult(connection) else { throw lost() }
        let status = PQresultStatus(ended)
        let failure = PostgresError(ended)
        PQclear(ended)
        while let rest = PQgetResult(connection) { PQclear(rest) }
        if status != PGRES_COMMAND_OK { throw failure }
    }

    private func put(_ bytes: [UInt8]) -> Bool {
        bytes.isEmpty
            || bytes.withUnsafeBytes {
                PQputCopyData(connection, $0.baseAddress?.assumingMemoryBound(to: CChar.self), Int32($0.count)) == 1
            }
    }

    /// COPY's text format: backslash, tab, line feed and carriage return are escaped.
    private static func append(_ cell: String?, to buffer: inout [UInt8]) {
        guard let cell else {
            buffer += [UInt8(ascii: "\\"), UInt8(ascii: "N")]
            return
        }
        for byte in cell.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): buffer += [byte, byte]
            case UInt8(ascii: "\t"): buffer += [UInt8(ascii: "\\"), UInt8(ascii: "t")]
            case UInt8(ascii: "\n"): buffer += [UInt8(ascii: "\\"), UInt8(ascii: "n")]
            case UInt8(ascii: "\r"): buffer += [UInt8(ascii: "\\"), UInt8(ascii: "r")]
            default: buffer.append(byte)
            }
        }
    }

    private func lost() -> PostgresError { PostgresError(message: String(cString: PQerrorMessage(connection))) }
}

/// What a statement gave: cells as PostgreSQL prints them.
package struct PostgresRows: Sendable {
    /// The names of the columns.
    package var columns: [String] = []
    /// The columns' types, as numbers of `pg_type`.
    package var types: [UInt32] = []
    /// `rows[r].count == columns.count`; nil is NULL.
    package var rows: [[String?]] = []

    init(_ result: OpaquePointer) {
        let width = PQnfields(result)
        columns = (0..<width).map { String(cString: PQfname(result, $0)) }
        types = (0..<width).map { PQftype(result, $0) }
        rows = (0..<PQntuples(result)).map { row in
            (0..<width).map { PQgetisnull(result, row, $0) == 1 ? nil : String(cString: PQgetvalue(result, row, $0)) }
        }
    }
}

/// Why PostgreSQL refused a statement.
package struct PostgresError: Error, CustomStringConvertible, Sendable {
    /// Five characters; empty if the server did not answer.
    package var sqlState = ""
    /// The first line, without "ERROR:".
    package var message: String
    /// What the server suggests.
    package var hint: String?
    /// Where in the text, in characters from 1; nil if it does not say.
    package var position: Int?

    init(message: String) { self.message = message }

    init(_ result: OpaquePointer) {
        func field(_ code: Unicode.Scalar) -> String? {
            PQresultErrorField(result, Int32(code.value)).map { String(cString: $0) }
        }
        sqlState = field("C") ?? ""
        message = field("M") ?? String(cString: PQresultErrorMessage(result))
        hint = field("H")
        position = field("P").flatMap { Int($0) }
    }

    package var description: String {
        "PostgreSQL \(sqlState)\(position.map { " at \($0)" } ?? ""): \(message)"
    }
}

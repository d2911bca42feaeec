import PostgresOracle
import Testing

/// The second engine itself: a harness that lost an error, a NULL or a row would let every difference pass.
@Suite("PostgreSQL as an oracle")
struct PostgresOracleTests {
    @Test("rows, NULLs, errors and schemas are told apart")
    func answers() throws {
        let postgres = try PostgresOracle()
        try postgres.run("CREATE TABLE t (a integer, b text)")
        try postgres.copy(into: "t", rows: [["1", "x\ty\\\n"], ["2", nil], ["3", ""]])
        let result = try postgres.query("SELECT a, b FROM t ORDER BY a")
        #expect(result.columns == ["a", "b"])
        #expect(result.types == [23, 25])
        #expect(result.rows == [["1", "x\ty\\\n"], ["2", nil], ["3", ""]])
        let refusal = try #require(postgres.refusal(of: "SELECT 'é', c FROM t"))
        #expect(refusal.sqlState == "42703")
        #expect(refusal.position == 13)
        #expect(postgres.refusal(of: "DELETE FROM t") == nil)
        #expect(try postgres.query("SELECT count(*) FROM t").rows == [["3"]])
        #expect(throws: PostgresError.self) { try postgres.copy(into: "t", rows: [["x", "y"]]) }
        #expect(throws: PostgresError.self) { try PostgresOracle().query("SELECT * FROM t") }
    }

    @Test("UTC, collation C, UTF-8, version 15")
    func settings() throws {
        let rows = try PostgresOracle().query(
            """
            SELECT current_setting('TimeZone'), current_setting('server_encoding'), current_setting('server_version_num')::int / 10000,
              'a' < 'B' COLLATE "default", datcollate FROM pg_database WHERE datname = 'postgres'
            """
        ).rows
        #expect(rows == [["UTC", "UTF8", "15", "f", "C.UTF-8"]])
    }
}

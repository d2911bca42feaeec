import Dataflow
import PostgresOracle
import SQL
import Testing

/// Wrong statements, each sent to PostgreSQL too: the same SQLSTATE at the same position, or a reason why not.
///
/// It finds errors that say something else than a user of PostgreSQL knows, and statements that are taken though they are wrong.
@Suite("Errors against PostgreSQL")
struct ErrorOracleTests {
    static let statementsMin = 100
    static let codesMin = 20

    @Test("the same SQLSTATE and position")
    func alike() throws {
        let postgres = try PostgresOracle()
        var catalog = Catalog()
        for text in ErrorCases.setup {
            try postgres.run(text)
            for statement in try SQLCompiler.parse(text) {
                guard case .create(let deployment, _) = try SQLCompiler.bind(statement, catalog: catalog) else {
                    continue
                }
                catalog.apply(deployment)
            }
        }
        var codes: Set<String> = []
        var alike = 0
        for item in ErrorCases.all {
            guard let wanted = postgres.refusal(of: item.sql) else {
                Issue.record("PostgreSQL takes it: \(item.sql)")
                continue
            }
            guard let error = Self.error(of: item.sql, catalog) else {
                Issue.record("no error: \(item.sql)\n\(wanted)")
                continue
            }
            #expect(error.message.first.map { !$0.isWhitespace } == true)
            // Where PostgreSQL names no place (utility statements, errors of running), ours may.
            let isAlike =
                error.code == wanted.sqlState && (wanted.position == nil || error.position == wanted.position)
            if !isAlike, let unlike = item.unlike {
                #expect(error.code == unlike.code, "\(item.sql): \(error), PostgreSQL: \(wanted)")
                continue
            }
            #expect(isAlike, "\(item.sql)\nours:       \(error)\nPostgreSQL: \(wanted)")
            codes.insert(wanted.sqlState)
            alike += 1
        }
        #expect(alike >= Self.statementsMin && codes.count >= Self.codesMin, "\(alike) alike, codes \(codes.sorted())")
    }

    /// The error of binding the statement or, of a query, of running it over no rows.
    static func error(of text: String, _ catalog: Catalog) -> SQLError? {
        do throws(SQLError) {
            for statement in try SQLCompiler.parse(text) {
                guard case .query(let plan, let relations) = try SQLCompiler.bind(statement, catalog: catalog) else {
                    continue
                }
                do throws(QueryError) {
                    _ = try QueryRunner.run(plan, scans: Dictionary(uniqueKeysWithValues: relations.map { ($0, []) }))
                } catch {
                    return SQLError(code: error.code, message: error.message)
                }
            }
            return nil
        } catch {
            return error
        }
    }
}

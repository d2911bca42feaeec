internal import Actors
internal import Coordination
internal import Dataflow
internal import Foundation
internal import Log
internal import SQL

/// Executes SQL text: parses, binds against what there is, then deploys, drops, appends or queries.
final class Gateway: Sendable {
    let coordinator: Coordinator
    private let queries: QueryThreads

    /// Statements of one text at most, and its bytes.
    static let statementBytesMax = 1 << 20
    /// How often a change is tried again because another one came first.
    private static let conflictsMax = 20

    init(coordinator: Coordinator) {
        self.coordinator = coordinator
        queries = QueryThreads()
    }

    /// What a text answers: the rows of its last statement that has any.
    struct Answer: Sendable {
        var result: QueryResult
        var epoch: Int64?
        var frontier: Frontier?
        /// Tables under what was read that have stopped: the rows say nothing newer of them.
        var stoppedTables: [String] = []
        /// A word per statement, such as `CREATE SOURCE`.
        var tags: [String]
    }

    struct Options: Sendable {
        var after = Frontier()
        var timeout = Duration.seconds(30)
        /// How long a query may run.
        var queryLimit = Duration.seconds(60)
    }

    func execute(_ text: String, _ options: Options = Options()) async throws(Failure) -> Answer {
        guard text.utf8.count <= Self.statementBytesMax else {
            throw Failure(
                .statement("54000", 413),
                "the text has \(text.utf8.count) bytes; the limit is \(Self.statementBytesMax)")
        }
        let statements: [ParsedStatement]
        do throws(SQLError) { statements = try SQLCompiler.parse(text) } catch { throw Failure(error) }
        guard !statements.isEmpty else { throw Failure(.statement("42601", 400), "the text holds no statement") }
        var answer = Answer(result: QueryResult(columns: [], batches: []), tags: [])
        var position = 0
        while position < statements.count {
            // Statements that create follow each other into one change, so that they become active together.
            let created = try await create(statements[position...])
            if !created.isEmpty {
                answer.tags += created
                position += created.count
                continue
            }
            try await execute(statements[position], options, &answer)
            position += 1
        }
        return answer
    }

    /// Deploys the CREATE statements at the front; a tag for each.
    private func create(_ statements: ArraySlice<ParsedStatement>) async throws(Failure) -> [String] {
        for _ in 0..<Self.conflictsMax {
            var (catalog, version) = await coordinator.catalog()
            var deployments: [Deployment] = []
            var tags: [String] = []
            statements: for statement in statements {
                switch try bind(statement, catalog) {
                case .create(let deployment, _):
                    catalog.apply(deployment)
                    deployments.append(deployment)
                    tags.append("CREATE " + Self.name(deployment.relation.kind))
                case .nothing(let notice): tags.append("NOTICE: " + notice)
                default: break statements
                }
            }
            if deployments.isEmpty { return tags }
            do throws(CoordinationError) {
                _ = try await coordinator.deploy(deployments, after: version)
                return tags
            } catch {
                if error.code == .conflict { continue }
                throw Failure(error)
            }
        }
        throw Failure(.conflict, "other changes came first \(Self.conflictsMax) times; try again")
    }

    static func name(_ kind: Relation.Kind) -> String {
        switch kind {
        case .table: "TABLE"
        case .materializedView: "MATERIALIZED VIEW"
        case .view: "VIEW"
        case .sink: "SINK"
        }
    }

    private func bind(_ statement: ParsedStatement, _ catalog: Catalog) throws(Failure) -> BoundStatement {
        do throws(SQLError) { return try SQLCompiler.bind(statement, catalog: catalog) } catch { throw Failure(error) }
    }

    private func execute(_ statement: ParsedStatement, _ options: Options, _ answer: inout Answer) async throws(Failure)
    {
        let (catalog, version) = await coordinator.catalog()
        switch try bind(statement, catalog) {
        case .create: preconditionFailure("CREATE statements were taken before")
        case .nothing(let notice): answer.tags.append("NOTICE: " + notice)
        case .drop(let names):
            do throws(CoordinationError) {
                _ = try await coordinator.drop(names, after: version)
            } catch {
                throw Failure(error)
            }
            answer.tags.append("DROP " + names.joined(separator: ", "))
        case .insert(let plan):
            let receipt = try await insert(plan, catalog)
            answer.tags.append("INSERT 0 \(receipt.locations.count)")
            answer.frontier = (answer.frontier ?? Frontier()).merging(receipt.frontier)
        case .query(let plan, let relations): try await query(plan, relations, options, &answer)
        case .explain(let lines):
            answer.result = Self.table([ColumnSchema(name: "QUERY PLAN", type: .text)], lines.map { [.text($0)] })
            answer.tags.append("EXPLAIN")
        case .analyze(let plan, let relations, let lines):
            try await analyze(plan, relations, lines, options, &answer)
        case .show(let result):
            answer.result = Self.table(result.columns, result.rows)
            answer.tags.append("SHOW")
        }
    }

    /// Runs a query for what its operators do, and shows that with what those of the views below it have done.
    private func analyze(
        _ plan: QueryPlan, _ relations: [String], _ lines: [PlanLine], _ options: Options, _ answer: inout Answer
    ) async throws(Failure) {
        let seen = Mutexed([OperatorStatistics]())
        try await query(plan, relations, options, &answer) { value in seen.with { $0 = value } }
        let done = Dictionary(seen.with { $0 }.map { ($0.id, $0) }) { first, _ in first }
        var text = lines.map { line in
            guard let id = line.id, let part = done[id] else { return line.text }
            return "\(line.text) (\(Self.description(part)))"
        }
        let facts = await coordinator.operators(of: relations)
        for name in relations {
            guard let parts = facts.views[name], !parts.isEmpty else { continue }
            let nodes = facts.nodes == 1 ? "" : " on \(facts.nodesAnswered) of \(facts.nodes) nodes"
            text.append("Maintaining \(name)\(nodes), since its operators were installed:")
            for part in parts { text.append("  \(part.id.rawValue) \(part.kind): \(Self.description(part))") }
        }
        answer.result = Self.table([ColumnSchema(name: "QUERY PLAN", type: .text)], text.map { [.text($0)] })
        answer.tags[answer.tags.count - 1] = "EXPLAIN"
    }

    private static func description(_ part: OperatorStatistics) -> String {
        let micros = part.nanoseconds / 1000
        let time = "\(micros / 1000).\(String(1000 + micros % 1000).dropFirst()) ms"
        return
            "rows in \(part.rowsIn), out \(part.rowsOut), \(time), \(part.stateEntries) entries, \(part.stateBytes) bytes"
    }

    private func query(
        _ plan: QueryPlan, _ relations: [String], _ options: Options, _ answer: inout Answer,
        observe: @escaping @Sendable ([OperatorStatistics]) -> Void = { _ in }
    ) async throws(Failure) {
        let after = options.after.merging(answer.frontier ?? Frontier())
        let read: ViewRead
        do throws(CoordinationError) {
            read = try await coordinator.read(
                relations, after: after, needsClock: plan.readsClock, timeout: options.timeout)
        } catch {
            throw Failure(error)
        }
        do {
            answer.result = try await queries.run(
                plan.at(clock: read.clock), read.rows, limit: options.queryLimit, observe: observe)
        } catch {
            throw error
        }
        answer.epoch = read.epoch
        answer.frontier = read.frontier
        answer.stoppedTables = Set(answer.stoppedTables + read.stoppedTables).sorted()
        answer.tags.append("SELECT \(answer.result.rowCount)")
    }

    /// Rows become the JSON records that a push of them would be.
    private func insert(_ plan: InsertPlan, _ catalog: Catalog) async throws(Failure) -> AppendReceipt {
        guard let relation = catalog[plan.table], case .table(let schema) = relation.kind else {
            throw Failure(.statement("42P01", 404), "there is no table \"\(plan.table)\"")
        }
        var set = RecordSet()
        let names = plan.columns.map { schema.columns[$0].name }
        let columns = plan.columns.enumerated().map { position, index -> Column in
            let builder = ColumnBuilder(type: schema.columns[index].type, capacity: plan.rows.count)
            for row in plan.rows { builder.append(row[position]) }
            return builder.finish()
        }
        var text: [UInt8] = []
        for row in plan.rows.indices {
            text.removeAll(keepingCapacity: true)
            JSONFormat.appendRow(names, columns, row: row, to: &text)
            set.append(value: text)
        }
        do throws(CoordinationError) {
            return try await coordinator.append(topic: schema.topic, records: set)
        } catch {
            throw Failure(error)
        }
    }

    private static func table(_ columns: [ColumnSchema], _ rows: [[Datum]]) -> QueryResult {
        let built = columns.indices.map { index -> Column in
            let builder = ColumnBuilder(type: columns[index].type, capacity: rows.count)
            for row in rows { builder.append(row[index]) }
            return builder.finish()
        }
        return QueryResult(columns: columns, batches: rows.isEmpty ? [] : [Delta(columns: built, count: rows.count)])
    }
}

/// Threads that run ad-hoc queries, so that none holds up the cooperative pool.
final class QueryThreads: Sendable {
    /// Queries at once; more are refused.
    private static let queriesMax = 16
    private let running = Mutexed(0)

    func run(
        _ plan: QueryPlan, _ scans: [String: [Delta]], limit: Duration,
        observe: @escaping @Sendable ([OperatorStatistics]) -> Void
    ) async throws(Failure) -> QueryResult {
        let accepted = running.with { count -> Bool in
            guard count < Self.queriesMax else { return false }
            count += 1
            return true
        }
        guard accepted else {
            throw Failure(.overloaded, "\(Self.queriesMax) queries are running already; try again soon")
        }
        let deadline = ContinuousClock.now + limit
        let cancelled = Mutexed(false)
        let result: Result<QueryResult, QueryError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let thread = Thread {
                    do throws(QueryError) {
                        let result = try QueryRunner.run(
                            plan, scans: scans,
                            isCancelled: { cancelled.with { $0 } || ContinuousClock.now > deadline },
                            clock: { MonotonicClock.nanoseconds }, observe: observe)
                        continuation.resume(returning: .success(result))
                    } catch {
                        continuation.resume(returning: .failure(error))
                    }
                }
                thread.stackSize = 8 << 20
                thread.start()
            }
        } onCancel: {
            cancelled.with { $0 = true }
        }
        running.with { $0 -= 1 }
        switch result {
        case .success(let value): return value
        case .failure(let error):
            throw Failure(.statement(error.code, error.code == "57014" ? 408 : 422), error.message)
        }
    }
}

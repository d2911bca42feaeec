import Dataflow
import PostgresOracle
import SQL

/// Runs a case on both engines and compares them after every epoch.
struct PipelineCheck {
    /// The first difference; nil if the engines agree.
    var difference: String?
    /// The view that differs.
    var view: String?
    /// Why views were left out: SQLSTATE and message, with how often.
    var refusals: [String: Int] = [:]
    /// What views showed that were equal and had rows with a value.
    var exercised: [String: Int] = [:]

    static func run(_ item: PipelineCase, workerCounts: [Int] = [1, 2, 4]) throws -> PipelineCheck {
        var check = PipelineCheck()
        let postgres = try PostgresOracle()
        let tables = item.tables.map(\.stream)
        var harnesses = workerCounts.map { workers in
            (name: "\(workers) workers", harness: harness(workers, item.seed, tables))
        }
        let replay = harness(2, item.seed &+ 77, tables)
        var all = harnesses.map(\.harness) + [replay]
        var state = StreamState(tables)
        for table in tables {
            for harness in all {
                try harness.create(table.declaration)
                try harness.create("CREATE MATERIALIZED VIEW m_\(table.name) AS SELECT * FROM \(table.name)")
            }
        }
        try state.load(into: postgres)
        for table in tables { try postgres.run("CREATE VIEW m_\(table.name) AS SELECT * FROM \(table.name)") }
        let views = try check.create(item, all, postgres)
        if check.difference != nil { return check }
        for (number, changes) in item.epochs.enumerated() {
            for change in changes { state.apply(change, microseconds: DataGenerator.microseconds) }
            try state.load(into: postgres)
            let records = changes.map { $0.record(of: tables[$0.table]) }
            for (_, harness) in harnesses { try harness.run(records) }
            if number == item.epochs.count - 1 {
                try replay.run(item.epochs.joined().map { $0.record(of: tables[$0.table]) })
                harnesses.append(("replay in one epoch", replay))
            }
            for view in views {
                try check.compare(view, harnesses, postgres, epoch: number + 1)
                if check.difference != nil { return check }
            }
        }
        all.removeAll()
        return check
    }

    private static func harness(_ workers: Int, _ seed: UInt64, _ tables: [StreamTable]) -> PipelineHarness {
        PipelineHarness(
            workers: workers, seed: seed &+ UInt64(workers),
            partitions: Dictionary(uniqueKeysWithValues: tables.map { ($0.name, $0.partitions) }))
    }

    /// Creates the views that both engines take.
    private mutating func create(
        _ item: PipelineCase, _ harnesses: [PipelineHarness], _ postgres: PostgresOracle
    ) throws -> [PipelineCase.View] {
        var taken: [PipelineCase.View] = []
        for view in item.views {
            var refusal: PostgresError?
            do throws(PostgresError) {
                try postgres.run("CREATE VIEW \(view.name) AS \(view.postgres)")
            } catch {
                refusal = error
            }
            do {
                if view.isQuery {
                    for harness in harnesses { _ = try harness.query(view.sql) }
                } else {
                    for harness in harnesses {
                        try harness.create("CREATE MATERIALIZED VIEW \(view.name) AS \(view.sql)")
                    }
                }
            } catch let error as SQLError {
                refusals["\(error.code): \(error.message)", default: 0] += 1
                if refusal == nil {
                    try postgres.run("DROP VIEW \(view.name)")
                    // A refusal by name is no wrong answer; any other is. 42P01: a view that was refused.
                    let isByName =
                        error.message.hasPrefix("function") && error.message.hasSuffix("in FROM does not exist")
                    if !["0A000", "42P01"].contains(error.code), !isByName {
                        fail(view, "PostgreSQL takes what is refused: \(error)")
                    }
                }
                continue
            }
            if let refusal {
                if refusal.sqlState != "0A000" { fail(view, "taken, but \(refusal)") }
                continue
            }
            taken.append(view)
        }
        return taken
    }

    private mutating func compare(
        _ view: PipelineCase.View, _ harnesses: [(name: String, harness: PipelineHarness)], _ postgres: PostgresOracle,
        epoch: Int
    ) throws {
        let answer: PostgresRows
        do throws(PostgresError) {
            answer = try postgres.query("SELECT * FROM \(view.name)")
        } catch {
            fail(view, "epoch \(epoch): \(error)")
            return
        }
        let expected = RowTexts.rows(answer)
        if answer.rows.contains(where: { $0.contains { $0 != nil } }) {
            for feature in view.features { exercised[feature, default: 0] += 1 }
        }
        for (name, harness) in harnesses {
            let actual: [String]
            do {
                actual = RowTexts.rows(view.isQuery ? try harness.query(view.sql).batches : harness.deltas(view.name))
            } catch {
                fail(view, "\(name), epoch \(epoch): \(error)")
                return
            }
            if let difference = RowTexts.difference(expected: expected, actual: actual) {
                fail(view, "\(name), epoch \(epoch): \(difference)")
                return
            }
            guard harness.errorCount == 0 else {
                fail(view, "\(name), epoch \(epoch): row errors: \(RowTexts.rows(harness.errors).prefix(2))")
                return
            }
        }
    }

    private mutating func fail(_ view: PipelineCase.View, _ text: String) {
        guard difference == nil else { return }
        difference = text
        self.view = view.name
    }
}

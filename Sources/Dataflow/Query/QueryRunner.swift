/// Why a query has no answer.
package struct QueryError: Error, Equatable, CustomStringConvertible {
    /// SQLSTATE.
    package var code: String
    package var message: String

    package init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { "\(message) [\(code)]" }
}

/// The answer of a query: rows in order, each as often as it occurs.
package struct QueryResult: Sendable {
    package var columns: [ColumnSchema]
    /// All weights are +1; at most ``Delta/rowsMax`` rows each.
    package var batches: [Delta]

    package init(columns: [ColumnSchema], batches: [Delta]) {
        self.columns = columns
        self.batches = batches
    }

    package var rowCount: Int { batches.reduce(0) { $0 + $1.count } }
}

/// Runs an ad-hoc query with the engine of the maintained views, on one worker, over rows that are given.
package struct QueryRunner {
    /// The most rows that an answer may have before LIMIT; more is error 54000.
    package static let rowsMax = 50_000_000
    /// The most bytes that a query's operators and its answer before LIMIT may hold; more is error 53200.
    package static let memoryMax = 2 << 30
    /// Batches passed on between two looks at what is held.
    private static let batchesPerLook = 64

    /// `scans` holds the rows of each relation that the plan scans, all of one epoch. A row error is the query's error. `observe` gets what
    /// the operators did, timed by `clock`, in nanoseconds. However it ends, nothing of what it held stays.
    package static func run(
        _ plan: QueryPlan, scans: [String: [Delta]], memoryMax: Int = memoryMax, isCancelled: () -> Bool = { false },
        clock: (() -> Int64)? = nil,
        observe: ([OperatorStatistics]) -> Void = { _ in }
    ) throws(QueryError) -> QueryResult {
        let types = plan.graph.nodes.first { $0.id == plan.output }?.types ?? []
        let collector = Collector(types)
        let worker = Worker(index: 0, workerCount: 1)
        worker.clock = clock
        var graph = plan.graph.nodes
        let outlet = OperatorID((graph.map(\.id.rawValue).max() ?? 0) + 1)
        graph.append(
            GraphNode(id: outlet, kind: .view(.init(name: "", key: [])), inputs: [plan.output], types: types, owner: "")
        )
        do throws(GraphError) {
            try worker.install(graph, outlets: collector)
        } catch {
            throw QueryError(code: "XX000", message: error.message)
        }
        try withoutActuallyEscaping(isCancelled) { (isCancelled) throws(QueryError) in
            // An error or too many rows end the work as soon as a cancellation does.
            var looks = 0
            worker.isCancelled = {
                looks += 1
                if looks % batchesPerLook == 0 { checkMemory(worker, collector, memoryMax) }
                return collector.error != nil || isCancelled()
            }
            defer { worker.isCancelled = nil }
            try feed(worker, plan, scans)
        }
        if let error = collector.error { throw error }
        if isCancelled() { throw cancellation }
        observe(worker.statistics())
        return try arrange(Consolidation.consolidate(collector.rows, types: types), types, plan, isCancelled)
    }

    private static let tooManyRows = QueryError(
        code: "54000", message: "the answer has more than \(rowsMax) rows; add a LIMIT")
    private static func checkMemory(_ worker: Worker, _ collector: Collector, _ memoryMax: Int) {
        guard collector.error == nil, worker.stateBytes + collector.bytes > memoryMax else { return }
        collector.error = QueryError(
            code: "53200",
            message:
                "the query holds more than \(memoryMax >> 20) MiB; read fewer rows, or make what it joins or groups a view"
        )
    }

    private static let cancellation = QueryError(
        code: "57014", message: "canceling statement due to user request or time limit")

    private static func feed(_ worker: Worker, _ plan: QueryPlan, _ scans: [String: [Delta]]) throws(QueryError) {
        worker.beginEpoch(watermarks: [:])
        for node in plan.graph.nodes {
            guard case .scan(let relation) = node.kind else { continue }
            guard let rows = scans[relation] else {
                throw QueryError(code: "XX000", message: "no rows were given for \(relation)")
            }
            for delta in rows { worker.push(delta, source: node.id) }
        }
        worker.finishSources()
    }

    private final class Collector: OutletProvider, Outlet {
        var rows: [Delta] = []
        var error: QueryError?
        private let types: [DataType]
        private var count = 0
        private(set) var bytes = 0
        /// Rows at which those that cancel are taken out: a multiple of what was left the last time.
        private var consolidatesAt = 1 << 20

        init(_ types: [DataType]) { self.types = types }

        func consume(_ delta: Delta) {
            rows.append(delta)
            count += delta.count
            bytes += delta.byteCount
            guard count > consolidatesAt else { return }
            rows = Consolidation.consolidate(rows, types: types)
            count = rows.reduce(0) { $0 + $1.count }
            bytes = rows.reduce(0) { $0 + $1.byteCount }
            consolidatesAt = max(count * 2, 1 << 20)
            if count > QueryRunner.rowsMax, error == nil { error = QueryRunner.tooManyRows }
        }

        func outlet(view: OperatorKind.View, types: [DataType]) -> any Outlet { self }

        func outlet(sink: OperatorKind.Sink, types: [DataType]) -> any Outlet { self }

        func errorOutlet(owner: String) -> any Outlet { ErrorOutlet(self) }

        final class ErrorOutlet: Outlet {
            private unowned let collector: Collector

            init(_ collector: Collector) { self.collector = collector }

            func consume(_ delta: Delta) {
                guard collector.error == nil, delta.count > 0, case .text(let code) = delta.columns[0].datum(at: 0),
                    case .text(let message) = delta.columns[1].datum(at: 0)
                else { return }
                collector.error = QueryError(code: code, message: message)
            }
        }
    }

    /// Sorts, cuts to OFFSET and LIMIT, repeats rows by their weights and drops the columns that are for ordering only.
    private static func arrange(
        _ deltas: [Delta], _ types: [DataType], _ plan: QueryPlan, _ isCancelled: () -> Bool
    ) throws(QueryError) -> QueryResult {
        let count = deltas.reduce(0) { $0 + $1.count }
        guard count > 0 else { return QueryResult(columns: plan.columns, batches: []) }
        let columns = types.indices.map { index in Column.concatenating(deltas.map { $0.columns[index] }) }
        let weights = deltas.flatMap { delta in (0..<delta.count).map { delta.weight(at: $0) } }
        let keys =
            plan.orderBy + types.indices.map { SortKey(column: $0, descending: false, nullsFirst: false) }
        var order = (0..<count).map { Int32($0) }
        var comparisons = 0
        var cancelled = false
        order.sort { first, second in
            // A query that nobody waits for need not be in order.
            if cancelled { return false }
            comparisons += 1
            if comparisons & 0xFFFF == 0, isCancelled() { cancelled = true }
            for key in keys {
                let column = columns[key.column]
                let (a, b) = (column.isNull(Int(first)), column.isNull(Int(second)))
                if a || b {
                    if a == b { continue }
                    return a == key.nullsFirst
                }
                let result = RowOrder.compareValues(column, Int(first), column, Int(second))
                if result != 0 { return key.descending ? result > 0 : result < 0 }
            }
            // Values that SQL calls equal but prints differently: the least encoding first.
            for column in columns where !column.isNull(Int(first)) && !column.isNull(Int(second)) {
                let result = RowOrder.compareEncodings(column, Int(first), column, Int(second))
                if result != 0 { return result < 0 }
            }
            return false
        }
        if cancelled {
            throw cancellation
        }
        var picked: [Int32] = []
        var skip = Int64(plan.offset)
        let limit = plan.limit ?? rowsMax
        for row in order {
            guard weights[Int(row)] > 0 else {
                throw QueryError(
                    code: "XX000", message: "a row of the answer has weight \(weights[Int(row)]); this is a defect")
            }
            let copies = weights[Int(row)]
            let skipped = min(skip, copies)
            skip -= skipped
            for _ in 0..<min(copies - skipped, Int64(limit - picked.count)) { picked.append(row) }
            if picked.count >= limit { break }
        }
        if plan.limit == nil, picked.count >= rowsMax {
            throw tooManyRows
        }
        let shown = columns.prefix(plan.columns.count)
        let batches = stride(from: 0, to: picked.count, by: Delta.rowsMax).map { start -> Delta in
            let part = Array(picked[start..<min(start + Delta.rowsMax, picked.count)])
            return part.withUnsafeBufferPointer { rows in
                Delta(columns: shown.map { $0.gather(rows) }, count: part.count)
            }
        }
        return QueryResult(columns: plan.columns, batches: batches)
    }
}

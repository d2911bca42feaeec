import Dataflow
import SQL

/// Runs compiled pipelines on several workers in one thread, with a seeded order of everything that may happen.
///
/// It is what the node's runtime does, without actors, log and clock: any order of batches and messages that the
/// protocol allows can come up, and every one must give the same rows.
final class PipelineHarness {
    let workerCount: Int
    private let workers: [Worker]
    private var catalog = Catalog()
    private var rng: SeededGenerator
    private var outlets: [Outlets]
    private var decoders: [String: [SourceDecoder]] = [:]
    private var offsets: [String: [Int64]] = [:]
    private var epoch: Int64 = 0
    /// Why records were refused, one line each.
    private(set) var refusals: [String] = []
    /// Partitions per table.
    private let partitions: [String: Int]

    /// One record of a table's topic.
    struct TopicRecord {
        var table: String
        var partition: Int
        /// A JSON object; of a tombstone, the key.
        var text: String
        var isTombstone = false
    }

    /// The view tables of one worker.
    final class Outlets: OutletProvider {
        var views: [String: ViewTable] = [:]
        var errors: [Delta] = []
        var epoch: Int64 = 0

        final class ViewOutlet: Outlet {
            let table: ViewTable
            unowned let owner: Outlets

            init(_ table: ViewTable, _ owner: Outlets) {
                self.table = table
                self.owner = owner
            }

            func consume(_ delta: Delta) { table.apply(delta, epoch: owner.epoch) }
        }

        final class ErrorOutlet: Outlet {
            unowned let owner: Outlets

            init(_ owner: Outlets) { self.owner = owner }

            func consume(_ delta: Delta) { owner.errors.append(delta) }
        }

        func outlet(view: OperatorKind.View, types: [DataType]) -> any Outlet {
            let table = ViewTable(types: types, key: view.key)
            views[view.name] = table
            return ViewOutlet(table, self)
        }

        func outlet(sink: OperatorKind.Sink, types: [DataType]) -> any Outlet { BlackholeOutlet() }

        func errorOutlet(owner: String) -> any Outlet { ErrorOutlet(self) }
    }

    init(workers: Int, seed: UInt64, partitions: [String: Int] = Workload.partitions) {
        workerCount = workers
        self.partitions = partitions
        rng = SeededGenerator(seed: seed)
        self.workers = (0..<workers).map { Worker(index: $0, workerCount: workers) }
        outlets = (0..<workers).map { _ in Outlets() }
    }

    /// Creates what the statements say.
    func create(_ text: String) throws {
        for statement in try SQLCompiler.parse(text) {
            guard case .create(let deployment, _) = try SQLCompiler.bind(statement, catalog: catalog) else {
                throw OracleError(message: "not a CREATE statement: \(text)")
            }
            catalog.apply(deployment)
            note(deployment)
            for (worker, outlets) in zip(workers, outlets) {
                try worker.install(deployment.graph.nodes, outlets: outlets)
            }
            if case .table(let schema) = deployment.relation.kind, schema.format != .native {
                let partitions = partitions[schema.name] ?? 1
                decoders[schema.name] = (0..<partitions).map { SourceDecoder(schema: schema, partition: $0) }
                offsets[schema.name] = [Int64](repeating: 0, count: partitions)
            }
        }
    }

    /// The rows of a view after the last epoch.
    func rows(_ view: String) -> [String] {
        Canonical.rows(outlets.flatMap { $0.views[view]?.rows(asOf: epoch) ?? [] })
    }

    /// The rows of a view after the last epoch, as the operators left them.
    func deltas(_ view: String) -> [Delta] { outlets.flatMap { $0.views[view]?.rows(asOf: epoch) ?? [] } }

    /// The answer of an ad-hoc query at the last epoch.
    func query(_ text: String) throws -> QueryResult {
        let (plan, relations) = try bound(text)
        let scans = Dictionary(uniqueKeysWithValues: relations.map { ($0, deltas($0)) })
        return try QueryRunner.run(plan, scans: scans)
    }

    func plan(_ text: String) throws -> QueryPlan { try bound(text).plan }

    private func bound(_ text: String) throws -> (plan: QueryPlan, relations: [String]) {
        guard let statement = try SQLCompiler.parse(text).first,
            case .query(let plan, let relations) = try SQLCompiler.bind(statement, catalog: catalog)
        else { throw OracleError(message: "not a query: \(text)") }
        return (plan, relations)
    }

    /// Row errors that any operator reported: SQLSTATE, message and input of each, with their weights.
    var errors: [Delta] { outlets.flatMap(\.errors) }

    /// Row errors that any operator reported, net of those retracted.
    var errorCount: Int {
        var weights: [String: Int64] = [:]
        for delta in errors {
            for row in 0..<delta.count {
                let text = delta.columns.map { TextFormat.string($0.datum(at: row)) }.joined(
                    separator: RowTexts.separator)
                weights[text, default: 0] += delta.weight(at: row)
            }
        }
        return weights.values.reduce(0) { $0 + Int(abs($1)) }
    }

    /// Processes one epoch of records.
    func run(_ records: [(table: Workload.Table, record: Workload.Record)]) throws {
        try run(records.map { $0.record.topicRecord(of: $0.table) })
    }

    /// Processes one epoch of records.
    func run(_ records: [TopicRecord]) throws {
        var watermarks: [String: Int64] = [:]
        for (table, partitions) in decoders {
            let times = partitions.compactMap(\.highestEventTime)
            if times.count == partitions.count { watermarks[table] = times.min() }
        }
        var shares = [[String: [TopicRecord]]](repeating: [:], count: workerCount)
        for record in records { shares[record.partition % workerCount][record.table, default: []].append(record) }
        run(batches: try shares.map { try batches(of: $0) }, watermarks: watermarks)
    }

    /// Processes one epoch of rows that are decoded already: per worker, its batches in their order.
    func run(batches: [[(OperatorID, Delta)]], watermarks: [String: Int64]) {
        epoch += 1
        var pending = batches
        for (worker, outlets) in zip(workers, outlets) {
            outlets.epoch = epoch
            worker.beginEpoch(watermarks: watermarks)
        }
        // Messages in flight, in order per sender and receiver.
        var queues = [[ExchangeMessage]](repeating: [], count: workerCount * workerCount)
        var finished = [Bool](repeating: false, count: workerCount)
        while !workers.allSatisfy(\.isEpochComplete) {
            let index = rng.below(workerCount)
            let worker = workers[index]
            let senders = (0..<workerCount).filter { !queues[$0 * workerCount + index].isEmpty }
            if let sender = senders.isEmpty || (rng.chance(50) && !finished[index]) ? nil : rng.pick(senders) {
                worker.receive(queues[sender * workerCount + index].removeFirst(), from: sender)
            } else if let (source, delta) = pending[index].first {
                pending[index].removeFirst()
                worker.push(delta, source: source)
            } else if !finished[index] {
                finished[index] = true
                worker.finishSources()
            } else {
                continue
            }
            for outbound in worker.takeOutbox() {
                precondition(outbound.target != index, "a worker sent a message to itself")
                queues[index * workerCount + outbound.target].append(outbound.message)
            }
        }
        precondition(queues.allSatisfy(\.isEmpty), "the epoch ended with messages in flight")
        for outlets in outlets {
            for table in outlets.views.values { table.finish(epoch: epoch) }
        }
    }

    /// A worker's share of the records, decoded, in batches of random sizes.
    private func batches(of share: [String: [TopicRecord]]) throws -> [(OperatorID, Delta)] {
        var result: [(OperatorID, Delta)] = []
        for table in share.keys.sorted() {
            guard let partitions = decoders[table], let source = sourceNodes[table] else { continue }
            for partition in partitions.indices {
                let mine = (share[table] ?? []).filter { $0.partition == partition }
                var position = 0
                // Small batches find what depends on where one ends; long streams need larger ones to be quick.
                let sizes = max(40, mine.count / 20)
                while position < mine.count {
                    let size = min(mine.count - position, 1 + rng.below(sizes))
                    let batch = partitions[partition].decode(
                        Array(mine[position..<position + size]), from: offsets[table]?[partition] ?? 0)
                    offsets[table]?[partition] += Int64(size)
                    guard batch.read == batch.applied + batch.late + batch.skewed + batch.malformed + batch.skipped
                    else {
                        throw OracleError(message: "the counters of a batch do not balance: \(batch)")
                    }
                    refusals += RowTexts.rows([batch.dead])
                    result.append((source, batch.rows))
                    position += size
                }
            }
        }
        return result
    }

    private var sourceNodes: [String: OperatorID] = [:]

    /// The node that reads a table.
    func sourceNode(of table: String) -> OperatorID? { sourceNodes[table] }

    /// Notes which node is a table's source: the deployment's first.
    private func note(_ deployment: Deployment) {
        for node in deployment.graph.nodes {
            if case .source(let table) = node.kind { sourceNodes[table] = node.id }
        }
    }
}

extension SourceDecoder {
    /// Decodes test records as they would lie in the log.
    func decode(_ records: [PipelineHarness.TopicRecord], from offset: Int64) -> SourceBatch {
        var bytes: [UInt8] = []
        var lengths: [Int32] = []
        for record in records {
            let count = Int32(record.text.utf8.count)
            bytes += record.text.utf8
            lengths += record.isTombstone ? [count, -1] : [-1, count]
        }
        bytes.append(0)
        return bytes.withUnsafeBytes { bytes in
            lengths.withUnsafeBytes { lengths in
                guard let base = bytes.baseAddress, let lengthBase = lengths.baseAddress else {
                    preconditionFailure("a batch has at least one record")
                }
                return decode(
                    RawRecords(
                        bytes: base, lengths: lengthBase, count: records.count, firstOffset: offset,
                        appendTime: Workload.baseTime))
            }
        }
    }
}

import Dataflow
import SQL

/// Runs compiled pipelines on several workers in one thread, with a seeded order of everything that may happen.
///
/// It is what the node's runtime does, without actors, log and clock: any order of batches and messages that the
/// protocol allows can come up, and every one must give the same rows.
final class PipelineHarness {
    private let workerCount: Int
    private let workers: [Worker]
    private var catalog = Catalog()
    private var rng: SeededGenerator
    private var outlets: [Outlets]
    private var decoders: [String: [SourceDecoder]] = [:]
    private var offsets: [String: [Int64]] = [:]
    private var epoch: Int64 = 0

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

    init(workers: Int, seed: UInt64) {
        workerCount = workers
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
            if case .table(let schema) = deployment.relation.kind {
                let partitions = Workload.tables.first { $0.name == schema.name }?.partitions ?? 1
                decoders[schema.name] = (0..<partitions).map { SourceDecoder(schema: schema, partition: $0) }
                offsets[schema.name] = [Int64](repeating: 0, count: partitions)
            }
        }
    }

    /// The rows of a view after the last epoch.
    func rows(_ view: String) -> [String] {
        Canonical.rows(outlets.flatMap { $0.views[view]?.rows(asOf: epoch) ?? [] })
    }

    /// Row errors that any operator reported.
    var errorCount: Int { outlets.reduce(0) { $0 + $1.errors.reduce(0) { $0 + $1.count } } }

    /// Processes one epoch of records.
    func run(_ records: [(table: Workload.Table, record: Workload.Record)]) throws {
        epoch += 1
        var watermarks: [String: Int64] = [:]
        for (table, partitions) in decoders {
            let times = partitions.compactMap(\.highestEventTime)
            if times.count == partitions.count { watermarks[table] = times.min() }
        }
        var pending = try (0..<workerCount).map { worker in try batches(for: worker, of: records) }
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

    /// The worker's share of the records, decoded, in batches of random sizes.
    private func batches(
        for worker: Int, of records: [(table: Workload.Table, record: Workload.Record)]
    ) throws -> [(OperatorID, Delta)] {
        var result: [(OperatorID, Delta)] = []
        for table in Workload.tables {
            guard let partitions = decoders[table.name], let source = sourceNode(of: table.name) else { continue }
            for partition in partitions.indices where partition % workerCount == worker {
                let mine = records.filter { $0.table.name == table.name && $0.record.partition == partition }.map(
                    \.record)
                var position = 0
                while position < mine.count {
                    let size = min(mine.count - position, 1 + rng.below(40))
                    let batch = partitions[partition].decode(
                        table, Array(mine[position..<position + size]), from: offsets[table.name]?[partition] ?? 0)
                    offsets[table.name]?[partition] += Int64(size)
                    guard batch.read == batch.applied + batch.late + batch.skewed + batch.malformed + batch.skipped
                    else {
                        throw OracleError(message: "the counters of a batch do not balance: \(batch)")
                    }
                    result.append((source, batch.rows))
                    position += size
                }
            }
        }
        return result
    }

    private var sourceNodes: [String: OperatorID] = [:]

    private func sourceNode(of table: String) -> OperatorID? { sourceNodes[table] }

    /// Notes which node is a table's source: the deployment's first.
    private func note(_ deployment: Deployment) {
        for node in deployment.graph.nodes {
            if case .source(let table) = node.kind { sourceNodes[table] = node.id }
        }
    }
}

extension SourceDecoder {
    /// Decodes test records as they would lie in the log.
    func decode(_ table: Workload.Table, _ records: [Workload.Record], from offset: Int64) -> SourceBatch {
        var bytes: [UInt8] = []
        var lengths: [Int32] = []
        for record in records {
            let fields = zip(table.columns, record.cells).map { "\"\($0.name)\": \($1.json)" }
            let text = Array((record.malformed ?? "{\(fields.joined(separator: ", "))}").utf8)
            bytes += text
            lengths += record.isTombstone ? [Int32(text.count), -1] : [-1, Int32(text.count)]
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

package import Dataflow
package import Log

/// The workers of one node, and what they share: the face of this module towards the coordinator.
package final class WorkerPool: Sendable {
    package let workerCount: Int
    private let executors: [WorkerExecutor]
    package let processors: [Processor]
    private let fabric: ExchangeFabric
    private let collector: StepCollector
    package let service: ReadService
    package let files: FileThread

    package init(workers: Int, log: any EventLog, edgeBytesMax: Int) {
        precondition((1...VNode.count).contains(workers), "workers must be 1 to \(VNode.count), not \(workers)")
        workerCount = workers
        let executors = (0..<workers).map { WorkerExecutor(index: $0) }
        let fabric = ExchangeFabric(executors: executors, edgeBytesMax: edgeBytesMax)
        let collector = StepCollector(workerCount: workers)
        let files = FileThread()
        let service = ReadService(log: log, files: files)
        processors = (0..<workers).map { index in
            Processor(
                index: index, workerCount: workers, executor: executors[index], fabric: fabric, collector: collector,
                service: service)
        }
        self.executors = executors
        self.fabric = fabric
        self.collector = collector
        self.service = service
        self.files = files
        for (executor, processor) in zip(executors, processors) {
            executor.attach { [weak processor] in processor?.assumeIsolated { $0.step() } ?? false }
        }
    }

    deinit {
        for executor in executors { executor.stop() }
    }

    /// Runs one step of a lane on all workers.
    package func run(_ plan: StepPlan) async throws(StepFailure) -> [StepReport] {
        try await collector.collect(plan.lane) {
            for mailbox in fabric.mailboxes { mailbox.post(.begin(plan)) }
        }
    }

    package func openLane(_ id: LaneID) async {
        for processor in processors { await processor.openLane(id) }
    }

    package func closeLane(_ id: LaneID) async {
        for processor in processors { await processor.closeLane(id) }
        await files.close(lane: id)
    }

    /// Installs on every worker; per worker the new shards.
    package func install(_ setup: LaneSetup, into lane: LaneID) async throws(GraphError) -> [ShardSet] {
        var shards: [ShardSet] = []
        for processor in processors { shards.append(try await processor.install(setup, into: lane)) }
        return shards
    }

    package func remove(_ names: Set<String>, nodes: Set<OperatorID>, from lane: LaneID = .main) async {
        for processor in processors { await processor.remove(names, nodes: nodes, from: lane) }
    }

    package func adopt(_ nodes: Set<OperatorID>, tables: Set<String>, from lane: LaneID) async {
        for processor in processors { await processor.adopt(nodes, tables: tables, from: lane) }
        await files.close(lane: lane)
    }

    /// Nanoseconds that each worker's thread has worked.
    package var busyNanoseconds: [Int64] { executors.map(\.busyNanoseconds) }

    package var pendingExchangeBytes: [Int] { executors.indices.map { fabric.pendingBytes(to: $0) } }
}

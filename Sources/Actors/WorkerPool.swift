package import Dataflow
package import Log

/// The workers of one node in one generation, and what they share.
package final class WorkerPool: Sendable {
    package let placement: Placement
    /// The workers of this node.
    package let local: Range<Int>
    private let executors: [WorkerExecutor]
    private let processors: [Processor]
    package let fabric: ExchangeFabric
    private let collector: StepCollector
    package let service: ReadService

    /// Starts the threads of the workers of the placement's member number `member`.
    package init(_ placement: Placement, member: Int, log: any EventLog, files: FileThread, edgeBytesMax: Int) {
        self.placement = placement
        let local = placement.workers(ofMember: member)
        self.local = local
        let executors = local.map { WorkerExecutor(index: $0) }
        let fabric = ExchangeFabric(
            placement: placement, local: local, executors: executors, edgeBytesMax: edgeBytesMax)
        let collector = StepCollector(workerCount: local.count)
        let service = ReadService(log: log, files: files)
        processors = zip(local, executors).map { index, executor in
            Processor(index: index, executor: executor, fabric: fabric, collector: collector, service: service)
        }
        self.executors = executors
        self.fabric = fabric
        self.collector = collector
        self.service = service
        for (executor, processor) in zip(executors, processors) {
            executor.attach { [weak processor] in processor?.assumeIsolated { $0.step() } ?? false }
        }
    }

    deinit {
        for executor in executors { executor.stop() }
    }

    /// Runs one step of a lane on this node's workers.
    package func run(_ plan: StepPlan) async throws(StepFailure) -> [StepReport] {
        try await collector.collect(plan.lane) {
            for worker in local { fabric.mailbox(of: worker).post(.begin(plan)) }
        }
    }

    package func openLane(_ id: LaneID) async {
        for processor in processors { await processor.openLane(id) }
    }

    package func closeLane(_ id: LaneID) async {
        for processor in processors { await processor.closeLane(id) }
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
    }

    /// Ends all work for good: steps that are waited for fail, and the workers let their state go. Shards still answer.
    package func close(_ reason: String) async {
        collector.close(reason)
        for processor in processors { await processor.close() }
    }

    /// What the sinks have taken, summed over the workers.
    package func sinkTotals() async -> [String: SinkTotals] {
        var totals: [String: SinkTotals] = [:]
        for processor in processors {
            for (name, part) in await processor.sinkTotals() { totals[name, default: SinkTotals()] += part }
        }
        return totals
    }

    /// What the operators of the main lane have done and keep, summed over the workers, in order of id.
    package func statistics() async -> [OperatorStatistics] {
        var sums: [OperatorID: OperatorStatistics] = [:]
        for processor in processors {
            for part in await processor.statistics() {
                if sums[part.id] == nil { sums[part.id] = part } else { sums[part.id]? += part }
            }
        }
        return sums.values.sorted { $0.id < $1.id }
    }

    /// Per worker, nanoseconds that its thread has worked, and bytes that wait on edges into it.
    package var load: [WorkerLoad] {
        zip(local, executors).map { index, executor in
            WorkerLoad(
                worker: index, busyNanoseconds: executor.busyNanoseconds, pendingBytes: fabric.pendingBytes(to: index))
        }
    }
}

/// How busy a worker is.
package struct WorkerLoad: Sendable, Hashable, Codable {
    package var worker: Int
    /// Of its thread, since it began.
    package var busyNanoseconds: Int64
    package var pendingBytes: Int
}

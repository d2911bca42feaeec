internal import Actors
package import Dataflow
internal import Glibc
internal import Log

extension Coordinator {
    /// The state of the whole pipeline as this node knows it.
    func localStatus() async -> PipelineStatus {
        async let elsewhere = connectorsElsewhere()
        let facts = await part?.group.facts() ?? MemberFacts()
        return await status(facts, connectors: await connectorStatus(await elsewhere))
    }

    /// This node's share, without asking another one: what its workers hold and do, the connectors that it runs, and what is committed.
    /// Sources and latency are known where the epochs are driven, and are part of that node's share; epochs and their rates are known
    /// everywhere.
    package func nodeStatus() async -> PipelineStatus {
        let facts = await part?.member.facts() ?? MemberFacts()
        return await status(facts, connectors: await connectorStatus([:]))
    }

    private func status(_ facts: MemberFacts, connectors: [String: ConnectorStatus]) async -> PipelineStatus {
        var views: [String: PipelineStatus.View] = [:]
        for relation in state.catalog.ordered where relation.isQueryable {
            let isActive = serving?.isActive(relation.name) ?? false
            var view = PipelineStatus.View(
                isActive: isActive, rows: 0, bytes: 0, progress: buildProgress(relation.name),
                failure: lostReason(relation.name), stoppedTables: stoppedTables(under: relation.name).map(\.table))
            if let size = facts.views[relation.name] {
                view.rows = size.rows
                view.bytes = size.bytes
            }
            views[relation.name] = view
        }
        let now = MonotonicClock.nanoseconds
        let rates = meter.rates(at: now)
        var progress: [String: Progress] = [:]
        for (partition, part) in replayProgress() { progress[partition.description] = part }
        return PipelineStatus(
            phase: phase, replay: replayTotal(), replayPartitions: progress,
            epoch: max(clock.epoch, serving?.epoch ?? 0),
            committedEpoch: serving?.epoch ?? committedEpoch,
            frontier: (serving?.frontier ?? committedFrontier).token, controlVersion: state.version,
            term: cluster == nil ? term : state.cluster.term,
            epochsPerSecond: rates.epochs, recordsPerSecond: rates.records, views: views, sinks: facts.sinks,
            sources: sourceStatus(), connectors: connectors, workers: workerStatus(facts.workers, now),
            latency: latencyStatus(),
            memoryBytes: Self.residentBytes(), rejections: state.rejections)
    }

    /// What the operators of a generation's workers have done and keep since it began.
    package struct OperatorFacts: Sendable {
        /// By view, in order of id, those that it shares with other views included.
        package var views: [String: [OperatorStatistics]] = [:]
        package var nodes = 0
        /// Nodes whose workers are in the sums; the others did not answer.
        package var nodesAnswered = 0
    }

    package func operators(of views: [String]) async -> OperatorFacts {
        guard let group = part?.group else { return OperatorFacts() }
        let facts = await group.facts()
        var found = OperatorFacts(nodes: group.members.count, nodesAnswered: facts.members)
        for view in views {
            let own = state.nodes(of: view)
            var needed = Set(own.map(\.id)).union(own.flatMap(\.inputs))
            for node in state.nodes.reversed() where needed.contains(node.id) {
                var isBelow = false
                if case .table = state.catalog[node.owner]?.kind { isBelow = true }
                if node.owner != view, case .view = node.kind { isBelow = true }
                if isBelow { needed.remove(node.id) } else { needed.formUnion(node.inputs) }
            }
            found.views[view] = facts.operators.values.filter { needed.contains($0.id) }.sorted { $0.id < $1.id }
        }
        return found
    }

    private func sourceStatus() -> [String: PipelineStatus.Source] {
        var sources: [String: PipelineStatus.Source] = [:]
        let watermarks = watermarks(reports)
        for topic in state.orderedTopics {
            let lag = topic.partitions.reduce(Int64(0)) { $0 + max(0, (lastEnds[$1] ?? 0) - committedFrontier[$1]) }
            for table in topic.tables {
                let name = table.schema.name
                var counters = SourceCounters()
                for partition in topic.partitions {
                    if let report = reports[SourceKey(table: name, partition: partition)] {
                        counters += report.counters
                    }
                }
                sources[name] = PipelineStatus.Source(
                    topic: topic.plan.name, partitions: topic.partitionCount, counters: counters, lag: lag,
                    watermark: watermarks[name], failure: stoppedSources[topic.frontierName]?.message)
            }
        }
        return sources
    }

    private func workerStatus(_ loads: [WorkerLoad], _ now: Int64) -> [PipelineStatus.WorkerStatus] {
        loads.map { load in
            PipelineStatus.WorkerStatus(
                busyShare: busyMeter.share(of: load.worker, busy: load.busyNanoseconds, at: now),
                pendingExchangeBytes: load.pendingBytes)
        }
    }

    /// Samples of each paced generator's partition a second.
    private static let pacedSamplesPerSecond = 1000.0

    /// For the latency histogram: events of generators with a rate, which the epoch that is committed now covers.
    func notePaced(from: Frontier, to: Frontier) {
        let now = WallClock.microseconds
        for topic in state.orderedTopics {
            guard case .generator(let options) = topic.plan.origin, options.rate > 0 else { continue }
            // Evenly among the events, so that long epochs weigh as much as their events.
            let step = max(1, options.rate / Double(options.partitions) / Self.pacedSamplesPerSecond)
            for partition in topic.partitions {
                let (first, end) = (Int64(step.rounded()), to[partition])
                var offset = (from[partition] + first - 1) / first * first
                while offset < end {
                    if let emitted = options.emitted(
                        partition: partition.partition, offset: offset, created: topic.createdTime)
                    {
                        latency.record(now - emitted)
                    }
                    offset += first
                }
            }
        }
    }

    private func latencyStatus() -> PipelineStatus.Latency {
        PipelineStatus.Latency(
            count: latency.count, p50: latency.quantile(0.5), p90: latency.quantile(0.9), p99: latency.quantile(0.99),
            p999: latency.quantile(0.999), histogram: latency)
    }

    /// Memory of this process that is in RAM, from `/proc/self/statm`; 0 if that cannot be read.
    private static func residentBytes() -> Int64 {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 128)
        let count = fread(&bytes, 1, bytes.count, file)
        let fields = bytes[..<count].split(separator: UInt8(ascii: " "))
        guard fields.count > 1, let pages = Int64(String(decoding: fields[1], as: UTF8.self)) else { return 0 }
        return pages * Int64(sysconf(Int32(_SC_PAGESIZE)))
    }
}

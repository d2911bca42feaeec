internal import Dataflow
internal import Log

/// One dataflow instance of a worker: its graph, feeds, shards and running step.
///
/// Lives on the worker's thread. A step goes: begin, seeds, batches of all feeds in turn with the exchange's messages
/// between them, the end of the sources, further messages until every barrier has come, finish.
final class Lane {
    let id: LaneID
    let worker: Worker
    private let index: Int
    private let fabric: ExchangeFabric

    var feeds: [TopicPartition: any SourceFeed] = [:]
    var shards = ShardSet()
    var sinks: [String: BlackholeOutlet] = [:]

    private var running: Running?
    /// The number of the last step that began.
    private(set) var step: Int64 = 0
    /// A source has failed: the lane does nothing more.
    private var hasFailed = false
    /// Messages of a step that has not begun here, in order of arrival.
    private var early: [(from: Int, step: Int64, message: ExchangeMessage, bytes: Int)] = []

    private struct Running {
        let plan: StepPlan
        /// Feeds that have not reached their bound; the next one to ask is the first.
        var unfinished: [any SourceFeed & AnyObject]
        var bounds: [SourceBound]
        var next = 0
        var hasFinishedSources = false
        var bytesBefore: [TopicPartition: Int]
        var failures: [TopicPartition: SourceFailure] = [:]
    }

    /// What a lane says about whether it has more to do.
    enum Progress {
        case idle
        /// There is more to do at once.
        case busy
        case finished(StepReport)
        case failed(StepFailure)
    }

    init(id: LaneID, index: Int, fabric: ExchangeFabric) {
        self.id = id
        self.index = index
        self.fabric = fabric
        worker = Worker(
            index: index, workerCount: fabric.workerCount, owners: fabric.placement.owners)
        worker.clock = { MonotonicClock.nanoseconds }
    }

    var isRunning: Bool { running != nil }

    /// After a change of the graph.
    func routeErrors() {
        worker.route { owner in shards.errors[owner].map { ShardOutlet($0) } }
    }

    /// Whether a partition belongs to this worker.
    func owns(_ partition: Int) -> Bool { partition % fabric.workerCount == index }

    func begin(_ plan: StepPlan) {
        precondition(running == nil, "lane \(id.rawValue) begins step \(plan.step) within step \(step)")
        precondition(plan.step == step + 1, "lane \(id.rawValue) begins step \(plan.step) after \(step)")
        step = plan.step
        for shard in shards.all {
            shard.assumeIsolated { $0.begin(epoch: plan.epoch, forgetBefore: plan.forgetBefore) }
        }
        worker.beginEpoch(watermarks: plan.watermarks, clock: plan.clock)
        for seed in plan.seeds { apply(seed) }
        var unfinished: [any SourceFeed] = []
        var bounds: [SourceBound] = []
        var bytesBefore: [TopicPartition: Int] = [:]
        for partition in plan.bounds.keys.sorted() where owns(partition.partition) {
            guard let bound = plan.bounds[partition], let feed = feeds[partition] else { continue }
            unfinished.append(feed)
            bounds.append(bound)
            bytesBefore[partition] = feed.bytesRead
        }
        running = Running(plan: plan, unfinished: unfinished, bounds: bounds, bytesBefore: bytesBefore)
        let messages = early
        early = []
        for (sender, step, message, bytes) in messages {
            receive(message, step: step, bytes: bytes, from: sender)
        }
        flush()
    }

    private func apply(_ seed: StepPlan.Seed) {
        guard let shard = shards.views[seed.view] else {
            preconditionFailure("no shard of view \(seed.view) to seed from")
        }
        guard let rows = shard.assumeIsolated({ $0.rows(asOf: seed.epoch) }) else {
            preconditionFailure("view \(seed.view) has forgotten epoch \(seed.epoch), which it is to seed from")
        }
        worker.seed(rows, output: seed.output, into: seed.consumers)
    }

    func receive(_ message: ExchangeMessage, step: Int64, bytes: Int, from sender: Int) {
        if hasFailed {
            // The others do not know yet.
            fabric.processed(bytes, from: sender, to: index)
            return
        }
        if running == nil || step > self.step {
            precondition(
                step == self.step + 1, "a message of step \(step) reached lane \(id.rawValue) at step \(self.step)")
            early.append((sender, step, message, bytes))
            return
        }
        precondition(step == self.step, "a message of step \(step) reached lane \(id.rawValue) at step \(self.step)")
        worker.receive(message, from: sender)
        fabric.processed(bytes, from: sender, to: index)
    }

    func receive(_ result: FetchResult, of partition: TopicPartition) {
        // A feed that has been removed meanwhile has no use for it.
        feeds[partition]?.receive(result)
    }

    /// Does one slice of the running step: at most one batch of one feed.
    func advance() -> Progress {
        guard let plan = running?.plan else { return .idle }
        var isBusy = false
        if running?.hasFinishedSources == false {
            if running?.unfinished.isEmpty == true {
                running?.hasFinishedSources = true
                worker.finishSources()
            } else if !fabric.isCongested(from: index) {
                switch advanceFeeds() {
                case .success(let hasAdvanced): isBusy = hasAdvanced
                case .failure(let failure):
                    running = nil
                    hasFailed = true
                    return .failed(failure)
                }
            }
        }
        flush()
        guard running?.hasFinishedSources == true, worker.isEpochComplete else { return isBusy ? .busy : .idle }
        return .finished(finish(plan))
    }

    /// Lets the next feed that can advance; whether one did, or the last one was done.
    private func advanceFeeds() -> Result<Bool, StepFailure> {
        guard var current = running else { return .success(false) }
        var tries = current.unfinished.count
        var hasAdvanced = false
        while tries > 0 && !hasAdvanced && !current.unfinished.isEmpty {
            tries -= 1
            if current.next >= current.unfinished.count { current.next = 0 }
            let feed = current.unfinished[current.next]
            switch feed.advance(to: current.bounds[current.next], push: { self.worker.push($0, source: $1) }) {
            case .advanced:
                hasAdvanced = true
                current.next += 1
            case .waiting:
                current.next += 1
            case .done:
                current.unfinished.remove(at: current.next)
                current.bounds.remove(at: current.next)
            case .failed(let message, let alone):
                guard alone else { return .failure(StepFailure(partition: feed.partition, message: message)) }
                current.failures[feed.partition] = SourceFailure(message: message, isShort: true)
                current.unfinished.remove(at: current.next)
                current.bounds.remove(at: current.next)
            }
        }
        let isDone = current.unfinished.isEmpty
        running = current
        return .success(hasAdvanced || isDone)
    }

    /// Sends what the worker has for others, one batch of messages per receiver.
    func flush() {
        let outbox = worker.takeOutbox()
        guard !outbox.isEmpty else { return }
        var messages: [[WorkerMessage]] = Array(repeating: [], count: fabric.workerCount)
        var bytes: [Int] = Array(repeating: 0, count: fabric.workerCount)
        for entry in outbox {
            var size = 0
            if case .rows(_, let delta) = entry.message { size = delta.byteCount }
            bytes[entry.target] += size
            messages[entry.target].append(
                .exchange(from: index, lane: id, step: step, message: entry.message, bytes: size))
        }
        for target in messages.indices where !messages[target].isEmpty {
            fabric.send(messages[target], bytes: bytes[target], from: index, to: target)
        }
    }

    private func finish(_ plan: StepPlan) -> StepReport {
        for shard in shards.all { shard.assumeIsolated { $0.finish() } }
        var bytesRead: [TopicPartition: Int] = [:]
        for (partition, before) in running?.bytesBefore ?? [:] {
            bytesRead[partition] = (feeds[partition]?.bytesRead ?? before) - before
        }
        var failures = running?.failures ?? [:]
        for (partition, feed) in feeds where failures[partition] == nil {
            if let failure = feed.failure { failures[partition] = SourceFailure(message: failure, isShort: false) }
        }
        running = nil
        let sources = feeds.keys.sorted().flatMap { feeds[$0]?.reports ?? [] }
        return StepReport(worker: index, sources: sources, bytesRead: bytesRead, failures: failures)
    }
}

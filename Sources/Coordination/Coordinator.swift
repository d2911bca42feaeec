internal import Actors
internal import Cluster
package import Dataflow
package import Log
package import Logging
internal import Synchronization

/// One node's decisions put into effect: folds the control log, drives the epochs, and answers appends and reads.
///
/// The face of this module. What is decided is decided by values without I/O (``ControlState``, ``EpochClock``); this actor
/// reads and appends the logs, tells the ``WorkerGroup`` what to do, and keeps what is committed. One loop (``run()``)
/// changes the graph and runs the main lane, so both happen at epoch boundaries only; all other methods leave it work and ring its bell.
package actor Coordinator {
    nonisolated let log: any EventLog
    nonisolated let configuration: CoordinatorConfiguration
    nonisolated let logger: Logger
    /// Reads files, for as long as the node runs.
    nonisolated let files = FileThread()
    /// How other nodes are called; nil for a node that is alone for good.
    nonisolated let cluster: ClusterSeat?
    nonisolated let gate = CommitGate()
    nonisolated let exchangeCounters = ExchangeCounters()
    /// Rung when there may be something to do at the next boundary.
    nonisolated let bell = Doorbell()
    nonisolated let buildBell = Doorbell()
    /// Rung when the control log may have more.
    nonisolated let foldBell = Doorbell()
    nonisolated let connectorBell = Doorbell()

    /// What this node does in the generation that it takes part in.
    var part: Part?
    /// Parts of earlier generations whose committed rows are still read, by generation.
    var retained: [Int64: Retained] = [:]
    /// The newest generation of which an edge has ended by itself, and why.
    nonisolated let brokenGeneration = Mutex<(generation: Int64, reason: String)>((0, ""))
    /// What queries see; nil before the first commit that they may.
    var serving: Serving?
    /// The newest notice of the node that drives the epochs, on the others.
    var notice: CommitNotice?
    var board = NoticeBoard([])

    // This node among others.
    var seat: Seat?
    /// Why this node shall leave, if it was asked to: it may have no seat yet.
    var leaveReason: String?
    var seatFailure: CoordinationError?
    /// Rung when something may be decided earlier than was thought.
    nonisolated let seatBell = Doorbell()
    /// Rung when this node's part in a generation may be over, or another one may begin.
    nonisolated let partBell = Doorbell()

    // What the control log says.
    var state = ControlState()
    var term: Int64 = 0
    var controlWriter: (any LogWriter)?
    var epochWriter: (any LogWriter)?
    var ingestWriter: (any LogWriter)?

    // What the graph is, and what waits to change it.
    var activations: [Activation] = []
    /// The operators that the main lane has.
    var mainNodes: Set<OperatorID> = []
    /// Versions whose change has not taken effect, and who waits for it.
    var pendingVersions: Set<Int64> = []
    var activationWaiters: [Int64: [CheckedContinuation<Result<Void, CoordinationError>, Never>]] = [:]
    var builds: [LaneID: Build] = [:]
    var nextLane = 1
    /// By the table that they feed.
    var connectors: [String: Connector] = [:]
    /// By table, why a connector of this node cannot start.
    var connectorFailures: [String: String] = [:]
    /// Relations whose nodes run in the main lane, and from which epoch on their rows are right.
    var activeSince: [String: Int64] = [:]
    /// Frontier names of topics that have feeds in the main lane.
    var readTopics: Set<String> = []
    var pendingSeeds: [StepPlan.Seed] = []
    var isEpochForced = false

    // How far it is.
    var phase = PipelineStatus.Phase.idle
    /// The generation covers the log's end as it was at its start.
    var isCaughtUp = false
    var clock: EpochClock
    var mainStep: Int64 = 0
    var committedEpoch: Int64 = 0
    var committedFrontier = Frontier()
    /// The clock at the frontier of the epoch begun last, and of the one committed last; nil before the first tick.
    var now: Int64?
    var committedNow: Int64?
    var hasClock = false
    var lastTick: (end: Int64, time: Int64)?
    /// The ends at the start, which a replay must cover before the node is ready.
    var startEnds: [TopicPartition: Int64] = [:]
    var replayed = Frontier()
    var lastEnds: [TopicPartition: Int64] = [:]
    /// By frontier name, how far the files are read, and what of that is recorded.
    var fileStates: [String: FileTopicState] = [:]
    var recordedMarks: [String: [FileMark]] = [:]
    /// Virtual file topics that are not read any more, by frontier name.
    var stoppedSources: [String: StoppedSource] = [:]
    /// Relations that could not be built, and why.
    var failedBuilds: [String: String] = [:]
    /// The newest report of each table's partition.
    var reports: [SourceKey: SourceReport] = [:]
    /// Queries that replay tables now, and all that ever did.
    var tableReads = 0
    var tableReadsMade = 0
    /// Epochs that reads are using, with their number.
    var pins: [Int64: Int] = [:]
    /// When epochs were committed, oldest first: nanoseconds of the monotonic clock.
    var history: [(epoch: Int64, time: Int64)] = []

    // What the status tells.
    var latency = LatencyHistogram()
    var openAppends: [OpenAppend] = []
    var nextPartition: [String: Int] = [:]
    var meter = Meter()
    var busyMeter = BusyMeter(began: MonotonicClock.nanoseconds)

    struct SourceKey: Hashable {
        var table: String
        var partition: TopicPartition
    }

    /// A node's workers of a generation that is over, for its rows.
    struct Retained {
        var member: LocalMember
        /// Nanoseconds of the monotonic clock.
        var since: Int64
    }

    /// An append made here that no committed epoch covers yet.
    struct OpenAppend {
        var frontier: Frontier
        /// Of the monotonic clock, in nanoseconds.
        var start: Int64
    }

    static let controlTopic = "_dataprism.control"
    static let epochTopic = "_dataprism.epochs"
    /// Names that begin like this belong to the platform.
    package static let reservedPrefix = "_dataprism."

    package init(
        log: any EventLog, configuration: CoordinatorConfiguration, logger: Logger, cluster: ClusterSeat? = nil
    ) {
        self.log = log
        self.configuration = configuration
        self.logger = logger
        self.cluster = cluster
        clock = EpochClock(limits: Self.limits(configuration), epoch: 0, frontier: Frontier())
    }

    static func limits(_ configuration: CoordinatorConfiguration) -> EpochClock.Limits {
        EpochClock.Limits(
            recordsMax: configuration.epochRecordsMax, bytesMax: configuration.epochBytesMax,
            tick: Int64(configuration.virtualTick / .microseconds(1)))
    }

    /// What statements can name, and the version to expect when changing it.
    package func catalog() async -> (Catalog, version: Int64) {
        (state.catalog, state.catalogVersion)
    }

    /// Folds the control log, replays, then drives epochs until the task is cancelled or something fails for good. Once.
    package func run() async throws(CoordinationError) {
        precondition(phase == .idle, "the coordinator runs once")
        phase = .replaying
        busyMeter = BusyMeter(began: MonotonicClock.nanoseconds)
        var failure: CoordinationError?
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.watchLog() }
            group.addTask { await self.runConnectors() }
            group.addTask { await self.runClock() }
            do throws(CoordinationError) {
                try await openLog()
                if cluster != nil {
                    try await takeSeat()
                    group.addTask { await self.runSeatOrFail() }
                    group.addTask(priority: .high) { await self.runSeatClock() }
                }
                try await runParts()
                if let seatFailure { throw seatFailure }
            } catch {
                failure = error
            }
            group.cancelAll()
        }
        stop()
        // Whatever the cancelled loop's last call met, a stop that was asked for is not a failure.
        if let failure, !Task.isCancelled { throw failure }
    }

    private func runSeatOrFail() async {
        do throws(CoordinationError) {
            try await runSeat()
        } catch {
            seatFailure = error
            seat?.hasLeft = true
            partBell.ring()
        }
    }

    private func stop() {
        phase = .stopped
        gate.close()
        let waiters = activationWaiters.values.flatMap { $0 }
        activationWaiters = [:]
        pendingVersions = []
        for waiter in waiters {
            waiter.resume(returning: .failure(CoordinationError(.stopped, "the node is stopping")))
        }
    }

    private func watchLog() async {
        for await _ in log.changes() {
            bell.ring()
            foldBell.ring()
        }
    }

    /// The loop between epochs.
    func drive() async throws(CoordinationError) {
        while !Task.isCancelled {
            try await applyActivations()
            let (ends, paced) = try await ends()
            lastEnds = ends
            let effects = clock.handle(
                .ends(ends, paced: paced, isForced: isEpochForced), now: WallClock.microseconds)
            if effects.isEmpty {
                switch fileWait() {
                case .some(let wait): await bell.wait(atMost: wait)
                case .none: await bell.wait()
                }
                continue
            }
            for effect in effects {
                switch effect {
                case .begin(let epoch, let frontier, let limited):
                    try await runEpoch(epoch, frontier, ends: ends, limited: limited)
                case .wake(let time):
                    await bell.wait(atMost: .microseconds(max(1, time - WallClock.microseconds)))
                }
            }
        }
    }

    /// Runs one epoch on all workers while its record becomes durable, and commits it when both are done.
    private func runEpoch(
        _ epoch: Int64, _ frontier: Frontier, ends: [TopicPartition: Int64], limited: Set<TopicPartition>
    ) async throws(CoordinationError) {
        var frontier = frontier
        let stored = Set(state.orderedTopics.filter { $0.plan.origin.isStored }.flatMap(\.partitions))
        if !limited.isDisjoint(with: stored) {
            frontier = try await alignedFrontier(
                frontier, ends: ends, limited: limited.intersection(stored), stored: stored)
            clock.align(frontier)
        }
        let record = EpochRecord(
            epoch: epoch, frontier: frontier, controlVersion: state.version, generation: group.placement.generation,
            term: term)
        now = try await clockTime(at: frontier) ?? now
        mainStep += 1
        let plan = StepPlan(
            lane: .main, step: mainStep, epoch: epoch, bounds: bounds(frontier, ends: ends),
            watermarks: watermarks(reports), clock: now,
            seeds: pendingSeeds, forgetBefore: forgetLimit)
        pendingSeeds = []
        isEpochForced = false
        async let durable: Void = append(record)
        let stepReports = try await group.run(plan)
        do {
            try await durable
        } catch let error as CoordinationError {
            throw error
        } catch {
            throw CoordinationError(.log, "\(error)")
        }
        commit(epoch, frontier, stepReports)
        try await recordMarks()
    }

    private func alignedFrontier(
        _ frontier: Frontier, ends: [TopicPartition: Int64], limited: Set<TopicPartition>, stored: Set<TopicPartition>
    ) async throws(CoordinationError) -> Frontier {
        do throws(LogError) {
            return try await FrontierCut.align(
                frontier, after: committedFrontier, ends: ends, limited: limited, stored: stored, log: log)
        } catch {
            throw CoordinationError(.log, error.description)
        }
    }

    /// The epoch is what queries see from now on.
    private func commit(_ epoch: Int64, _ frontier: Frontier, _ stepReports: [StepReport]) {
        let records = frontier.partitions.reduce(Int64(0)) { $0 + frontier[$1] - committedFrontier[$1] }
        if isCaughtUp { notePaced(from: committedFrontier, to: frontier) }
        committedEpoch = epoch
        committedFrontier = frontier
        configuration.logFields.set(epoch: epoch)
        committedNow = now
        replayed = frontier
        noteHistory()
        take(stepReports)
        var bytesRead: [TopicPartition: Int] = [:]
        for report in stepReports { bytesRead.merge(report.bytesRead) { $0 + $1 } }
        let now = MonotonicClock.nanoseconds
        meter.record(epochs: 1, records: records, at: now)
        _ = clock.handle(.finished(bytesRead: bytesRead), now: 0)
        while let first = openAppends.first, frontier.covers(first.frontier) {
            latency.record((now - first.start) / 1_000)
            openAppends.removeFirst()
        }
        if !isCaughtUp && startEnds.allSatisfy({ frontier[$0.key] >= $0.value }) { catchUp() }
        publish()
        finishActivations()
    }

    /// The generation covers what the log held when it began.
    func catchUp() {
        isCaughtUp = true
        logger.info(
            "ready",
            metadata: [
                "frontier": "\(committedFrontier.token)"
            ])
    }

    func take(_ stepReports: [StepReport]) {
        noteFailures(stepReports)
        for report in stepReports {
            for source in report.sources {
                reports[SourceKey(table: source.table, partition: source.partition)] = source
            }
        }
    }

    /// Versions below this are not read any more: a node alone knows its readers, several keep a short history for those of others.
    private var forgetLimit: Int64 {
        let known = min(committedEpoch, pins.keys.min() ?? .max)
        return cluster == nil ? known : min(known, history.first?.epoch ?? known)
    }

    /// Partitions of topics that epochs read, up to `frontier`; of topics that have stopped no more.
    func bounds(_ frontier: Frontier, ends: [TopicPartition: Int64]) -> [TopicPartition: SourceBound] {
        var bounds: [TopicPartition: SourceBound] = [:]
        for topic in state.orderedTopics
        where readTopics.contains(topic.frontierName) && stoppedSources[topic.frontierName] == nil {
            for partition in topic.partitions where frontier[partition] > 0 {
                bounds[partition] = SourceBound(end: frontier[partition], readAheadEnd: ends[partition] ?? 0)
            }
        }
        return bounds
    }

    /// Per table the minimum over its partitions of the highest event time; absent while one has none.
    func watermarks(_ reports: [SourceKey: SourceReport]) -> [String: Int64] {
        var watermarks: [String: Int64] = [:]
        for topic in state.orderedTopics {
            for table in topic.tables where table.schema.eventTime != nil {
                var lowest: Int64? = .max
                for partition in topic.partitions {
                    let key = SourceKey(table: table.schema.name, partition: partition)
                    guard let highest = reports[key]?.highestEventTime, let known = lowest else {
                        lowest = nil
                        break
                    }
                    lowest = min(known, highest)
                }
                if let lowest { watermarks[table.schema.name] = lowest }
            }
        }
        return watermarks
    }

    /// The ends of all partitions that epochs read, as one cut, and those that grow by the clock alone.
    func ends() async throws(CoordinationError) -> ([TopicPartition: Int64], paced: Set<TopicPartition>) {
        var ends: [TopicPartition: Int64] = [:]
        var paced: Set<TopicPartition> = []
        var stored: [TopicPartition] = hasClock ? [Self.clockPartition] : []
        let now = WallClock.microseconds
        for topic in state.orderedTopics where readTopics.contains(topic.frontierName) && state.isRead(topic) {
            switch topic.plan.origin {
            case .stored:
                stored += topic.partitions
            case .generator(let options):
                let events = options.events(created: topic.createdTime, now: now)
                for partition in topic.partitions {
                    ends[partition] = options.end(partition: partition.partition, events: events)
                    if options.rate > 0 { paced.insert(partition) }
                }
            case .files:
                let name = topic.frontierName
                if stoppedSources[name] == nil {
                    let state = await files.scan(name)
                    fileStates[name] = state
                    if let failure = state.failure { stop(name, failure, isLost: false) }
                }
                for partition in topic.partitions {
                    let counted = fileStates[name].flatMap {
                        $0.ends.indices.contains(partition.partition) ? $0.ends[partition.partition] : nil
                    }
                    ends[partition] = stoppedSources[name] == nil ? counted : clock.frontier[partition]
                }
            }
        }
        guard !stored.isEmpty else { return (ends, paced) }
        for (partition, bounds) in try await bounds(stored) { ends[partition] = bounds.end }
        return (ends, paced)
    }

    /// The bounds of partitions; repeated while the log is busy or its storage fails.
    private func bounds(_ partitions: [TopicPartition]) async throws(CoordinationError) -> [TopicPartition:
        PartitionBounds]
    {
        try await retrying { () async throws(LogError) in try await self.log.bounds(partitions) }
    }

    /// Repeats what may succeed later, with growing delays, until the task is cancelled.
    func retrying<Result: Sendable>(
        _ body: () async throws(LogError) -> Result
    ) async throws(CoordinationError) -> Result {
        var backoff = Backoff(first: .milliseconds(20), most: .seconds(2))
        while true {
            do throws(LogError) {
                return try await body()
            } catch {
                guard error.isTransient, !Task.isCancelled else { throw CoordinationError(error) }
                logger.warning("the log failed, trying again", metadata: ["error": "\(error.description)"])
            }
            do {
                try await Task.sleep(for: backoff.next())
            } catch {
                throw CoordinationError(.stopped, "the node is stopping")
            }
        }
    }
}

extension LogError {
    /// The same call may succeed later.
    var isTransient: Bool {
        switch code {
        case .busy, .diskFull, .storage, .indefinite: true
        case .topicExists, .topicUnknown, .partitionUnknown, .nameInvalid, .offsetOutOfRange, .fenced, .recordTooLarge,
            .idempotencyConflict, .corrupt, .formatUnknown, .closed:
            false
        }
    }
}

extension CoordinationError {
    init(_ error: LogError) {
        let code: Code =
            switch error.code {
            case .busy: .logBusy
            case .diskFull: .diskFull
            case .indefinite: .indefinite
            case .idempotencyConflict: .idempotencyConflict
            case .recordTooLarge: .tooLarge
            case .fenced: .stopped
            case .nameInvalid: .refused
            case .topicExists, .topicUnknown, .partitionUnknown, .offsetOutOfRange, .storage, .corrupt,
                .formatUnknown, .closed:
                .log
            }
        self.init(code, error.description)
    }
}

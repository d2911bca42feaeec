internal import Actors
internal import Dataflow
internal import Log
internal import Logging

extension Coordinator {
    /// Makes the platform's topics, opens this node's writers and folds the control log. Once.
    func openLog() async throws(CoordinationError) {
        guard controlWriter == nil else { return }
        for topic in [Self.controlTopic, Self.epochTopic] {
            try await retrying { () async throws(LogError) in
                try await self.log.createTopic(topic, TopicConfiguration(partitions: 1))
            }
        }
        // By the data directory, which one process has at a time: a name may be claimed by a process that is refused later, and must not
        // fence the node that has it.
        let suffix = cluster.map { ".\($0.directory)" } ?? ""
        controlWriter = try await retrying { () async throws(LogError) in
            try await self.log.openWriter(Self.reservedPrefix + "control" + suffix)
        }
        ingestWriter = try await retrying { () async throws(LogError) in
            try await self.log.openWriter(Self.reservedPrefix + "ingest" + suffix)
        }
        try await foldControl()
        for rejection in state.rejections {
            logger.warning(
                "control record skipped", metadata: ["offset": "\(rejection.offset)", "reason": "\(rejection.reason)"])
        }
    }

    /// Takes over the epochs, installs every relation and replays up to the last recorded epoch.
    ///
    /// The replay merges recorded epochs into steps of bounded size, whose rows carry numbers below all epochs, and stops
    /// exactly at the last one's frontier; the loop then goes on to the log's end as it was at the start.
    func replay() async throws(CoordinationError) {
        let writer = try await retrying { () async throws(LogError) in
            try await self.log.openWriter(Self.reservedPrefix + "coordinator")
        }
        epochWriter = writer
        term = writer.epoch
        try await foldControl()
        activations = []
        let covered = pendingVersions
        let last = try await lastEpoch()
        try await findClock()
        if let last { now = try await clockTime(at: last.frontier) }
        try await installAll()
        let (ends, _) = try await ends()
        startEnds = ends
        lastEnds = ends
        if let last {
            try await replay(to: last, ends: ends)
            clock = EpochClock(limits: Self.limits(configuration), epoch: last.epoch, frontier: last.frontier)
            committedEpoch = last.epoch
            committedFrontier = last.frontier
            committedNow = now
        }
        for relation in state.catalog.ordered { activeSince[relation.name] = committedEpoch }
        // Constant rows and aggregates of nothing appear at the first epoch.
        isEpochForced = last == nil && !state.nodes.isEmpty
        if startEnds.allSatisfy({ committedFrontier[$0.key] >= $0.value }) && !isEpochForced { catchUp() }
        publish()
        // Changes that waited when the last generation ended are part of this one from its start.
        for version in covered.sorted() { finish(version, .success(())) }
    }

    private func installAll() async throws(CoordinationError) {
        try await group.openLane(.main)
        var sources: [LaneSetup.Source] = []
        for topic in state.orderedTopics where state.isRead(topic) {
            sources.append(source(topic, tables: topic.tables, keepsDeadLetters: { _ in true }))
            readTopics.insert(topic.frontierName)
        }
        try await install(LaneSetup(nodes: state.nodes, sources: sources), into: .main)
    }

    private func replay(to last: EpochRecord, ends: [TopicPartition: Int64]) async throws(CoordinationError) {
        var targets = bounds(last.frontier, ends: ends)
        let largest = targets.values.map(\.end).max() ?? 0
        // A hundred steps or more, so that progress is seen, but none smaller than what is worth a step.
        let records = min(configuration.epochRecordsMax, max(largest / 100, 65_536))
        var label = ViewShard.replayEpoch
        var isLast = false
        while !isLast {
            if Task.isCancelled { throw CoordinationError(.stopped, "the node is stopping") }
            var steps: [TopicPartition: SourceBound] = [:]
            isLast = true
            for (partition, target) in targets {
                let end = min(target.end, replayed[partition] + records)
                if end < target.end { isLast = false }
                steps[partition] = SourceBound(end: end, readAheadEnd: target.readAheadEnd)
            }
            label += 1
            mainStep += 1
            let plan = StepPlan(
                lane: .main, step: mainStep, epoch: isLast ? last.epoch : label, bounds: steps,
                watermarks: watermarks(reports), clock: isLast ? now : nil, forgetBefore: label)
            take(try await group.run(plan))
            for (partition, bound) in steps { replayed[partition] = bound.end }
            for (name, source) in stoppedSources where source.isLost {
                for partition in targets.keys where partition.topic == name { targets[partition] = nil }
            }
            publish()
        }
    }

    /// Progress of the replay, per partition.
    func replayProgress() -> [TopicPartition: Progress] {
        var progress: [TopicPartition: Progress] = [:]
        for (partition, end) in startEnds {
            progress[partition] = Progress(done: min(end, replayed[partition]), total: end)
        }
        return progress
    }

    func replayTotal() -> Progress {
        replayProgress().values.reduce(Progress(done: 0, total: 0)) { sum, part in
            Progress(done: sum.done + part.done, total: sum.total + part.total)
        }
    }

    /// Waits until the node covers the log's end as it was at the start; false if it stops before, or in `timeout`.
    package func waitUntilReady(atMost timeout: Duration = .seconds(86_400)) async -> Bool {
        await gate.wait(for: Frontier(), atMost: timeout)
    }

    // MARK: The platform's own topics

    /// Folds the control records that are new; the verdict on each.
    @discardableResult
    func foldControl() async throws(CoordinationError) -> [Int64: ControlState.Verdict] {
        var verdicts: [Int64: ControlState.Verdict] = [:]
        while true {
            let from = state.nextOffset == 0 ? try await controlBegin() : state.nextOffset
            guard let batches = try await readControl(from: from) else {
                try await checkContinuation()
                continue
            }
            if batches.isEmpty { return verdicts }
            for batch in batches {
                for (index, record) in batch.records.records.enumerated() {
                    let offset = batch.firstOffset + Int64(index)
                    // Another call may have folded it while this one read.
                    guard offset >= state.nextOffset else { continue }
                    try checkBeginning(record.value ?? [], at: offset)
                    verdicts[offset] = fold(record.value ?? [], at: offset, time: batch.appendTime)
                }
            }
            if state.nextOffset <= from { return verdicts }
        }
    }

    /// Records of the control log from `offset` on; nil if they are trimmed, which may happen at any time.
    func readControl(from offset: Int64) async throws(CoordinationError) -> [RecordBatch]? {
        try await retrying { () async throws(LogError) -> [RecordBatch]? in
            do throws(LogError) {
                return try await self.log.read(TopicPartition(Self.controlTopic, 0), from: offset, bytesMax: 1 << 20)
            } catch {
                guard error.code == .offsetOutOfRange else { throw error }
                return nil
            }
        }
    }

    /// Where the control log begins: with a folded state, once it has been trimmed.
    private func controlBegin() async throws(CoordinationError) -> Int64 {
        let partition = TopicPartition(Self.controlTopic, 0)
        let bounds = try await retrying { () async throws(LogError) in try await self.log.bounds([partition]) }
        return bounds[partition]?.earliest ?? 0
    }

    /// A log that was trimmed is folded from the state at its beginning. Without one, what was decided before is lost.
    private func checkBeginning(_ bytes: [UInt8], at offset: Int64) throws(CoordinationError) {
        guard state.nextOffset == 0, offset > 0 else { return }
        if case .record(.state) = ControlCodec.decode(bytes) { return }
        throw CoordinationError(
            .log,
            "\(Self.controlTopic) begins at offset \(offset) and not with a folded state: what was decided before is not there any more"
        )
    }

    /// Records that this node has not folded were trimmed while it was held up. Another fold cannot stand for its own: what it has
    /// installed follows from each record.
    private func checkContinuation() async throws(CoordinationError) {
        let begin = try await controlBegin()
        let next = state.nextOffset
        guard next > 0, next < begin else { return }
        throw CoordinationError(
            .stopped,
            "this node has read \(Self.controlTopic) up to offset \(next), and it was trimmed below \(begin) since: start the node again"
        )
    }

    private func fold(_ bytes: [UInt8], at offset: Int64, time: Int64) -> ControlState.Verdict {
        let entry = ControlCodec.decode(bytes)
        if case .unknown(let kind, let version) = entry {
            logger.warning(
                "skipped a control record that this build does not know",
                metadata: ["kind": "\(kind)", "version": "\(version)", "offset": "\(offset)"])
        }
        let before = state
        let verdict = state.apply(entry, offset: offset, appendTime: time)
        if verdict == .accepted, case .record(.cluster(let record)) = entry {
            feed(.accepted(record))
        }
        // Only the driver changes the graph; a later one installs what stands then.
        if verdict == .accepted, cluster == nil || part?.leads == true, case .record(let record) = entry,
            let activation = Activation(version: offset, record: record, before: before, after: state)
        {
            activations.append(activation)
            pendingVersions.insert(offset)
        }
        return verdict
    }

    private func lastEpoch() async throws(CoordinationError) -> EpochRecord? {
        let partition = TopicPartition(Self.epochTopic, 0)
        let bounds = try await retrying { () async throws(LogError) in try await self.log.bounds([partition]) }
        guard let bounds = bounds[partition], bounds.end > bounds.earliest else { return nil }
        // The last few: the very last may be a repetition whose first try was thought to have failed.
        let from = max(bounds.earliest, bounds.end - 16)
        var last: EpochRecord?
        for batch in try await retrying({ () async throws(LogError) in
            try await self.log.read(partition, from: from, bytesMax: 4 << 20)
        }) {
            for (index, record) in batch.records.records.enumerated() where batch.firstOffset + Int64(index) >= from {
                guard let next = ControlCodec.decodeEpoch(record.value ?? []) else { continue }
                if last == nil || next.follows(last) { last = next }
            }
        }
        return last
    }

    func append(_ record: EpochRecord) async throws(CoordinationError) {
        guard let epochWriter else { preconditionFailure("epochs begin after the writer is open") }
        var records = RecordSet()
        records.append(value: try ControlCodec.encode(record))
        let append = PartitionAppend(partition: TopicPartition(Self.epochTopic, 0), records: records)
        let result = try await retrying { () async throws(LogError) in
            try await epochWriter.append([append], idempotency: nil)
        }
        let kept = configuration.epochRecordsKept
        if let offset = result.firstOffsets.first, offset > kept, offset % kept == 0 {
            try await retrying { () async throws(LogError) in
                try await self.log.trim(append.partition, below: offset - kept)
            }
        }
    }
}

internal import Actors
internal import Dataflow
internal import Log
internal import Logging

/// Time as a topic: a tick is a record of `_dataprism.clock`, its time is the append time, which never decreases. What reads the
/// clock sees the last tick below the epoch's frontier.
extension Coordinator {
    static var clockTopic: String { reservedPrefix + "clock" }
    static var clockPartition: TopicPartition { TopicPartition(clockTopic, 0) }

    /// What the coordinator appends to show that it is there: signs, by term. No epoch covers them, so nothing is done for them but to
    /// look.
    static var signTopic: String { reservedPrefix + "signs" }

    /// Ticks and signs that are kept. Older ones are below every frontier that a running node begins from.
    private static let ticksKept: Int64 = 3600
    /// Of them between two looks at what can be deleted.
    private static let ticksPerTrim: Int64 = 300

    /// Whether a relation's rows depend on the time: only then does it pass.
    private var isClockRead: Bool {
        state.nodes.contains { node in
            if case .temporal = node.kind { return true }
            return false
        }
    }

    /// Appends a tick a second while any relation reads the clock, until the task is cancelled: the node that drives the epochs does.
    func runClock() async {
        while !Task.isCancelled {
            do {
                try await Task.sleep(for: .seconds(1))
                if isClockRead, isCaughtUp, part?.leads == true { _ = try await tick() }
            } catch let error as CoordinationError {
                // The next tick says the same and more.
                logger.warning("the clock could not tick", metadata: ["error": "\(error)"])
            } catch {
                return
            }
        }
    }

    /// Appends a tick; the offset behind it.
    func tick() async throws(CoordinationError) -> Int64 {
        if !hasClock {
            try await retrying { () async throws(LogError) in
                try await self.log.createTopic(Self.clockTopic, TopicConfiguration(partitions: 1))
            }
            hasClock = true
        }
        let end = try await appendTime([], to: Self.clockPartition)
        bell.ring()
        return end
    }

    /// Appends a sign of the coordinator of `term`.
    func appendSign(_ term: Int64) async throws(CoordinationError) {
        _ = try await appendTime(ControlCodec.encodeSign(term: term), to: TopicPartition(Self.signTopic, 0))
    }

    /// Appends a record whose append time is what matters, and deletes old ones of its kind; the offset behind it.
    private func appendTime(_ value: [UInt8], to partition: TopicPartition) async throws(CoordinationError) -> Int64 {
        guard let controlWriter else { throw CoordinationError(.notReady, "the node is starting") }
        var records = RecordSet()
        records.append(value: value)
        let result: AppendResult
        do throws(LogError) {
            result = try await controlWriter.append(
                [PartitionAppend(partition: partition, records: records)], idempotency: nil)
        } catch {
            throw CoordinationError(error)
        }
        guard let offset = result.firstOffsets.first else { preconditionFailure("one append has one offset") }
        if offset % Self.ticksPerTrim == Self.ticksPerTrim - 1, offset > Self.ticksKept {
            do throws(LogError) {
                try await log.trim(partition, below: offset - Self.ticksKept)
            } catch {
                logger.warning(
                    "old records could not be deleted",
                    metadata: ["topic": "\(partition.topic)", "error": "\(error.description)"])
            }
        }
        return offset + 1
    }

    /// Whether there is a clock topic from an earlier run.
    func findClock() async throws(CoordinationError) {
        let topics = try await retrying { () async throws(LogError) in try await self.log.topics() }
        hasClock = topics.contains { $0.name == Self.clockTopic }
    }

    /// The time of the last tick below the frontier; nil if there is none, or it is long gone.
    func clockTime(at frontier: Frontier) async throws(CoordinationError) -> Int64? {
        let end = frontier[Self.clockPartition]
        guard end > 0 else { return nil }
        if let known = lastTick, known.end == end { return known.time }
        let batches = try await retrying { () async throws(LogError) -> [RecordBatch] in
            let bounds = try await self.log.bounds([Self.clockPartition])[Self.clockPartition]
            guard let bounds, bounds.earliest < end, bounds.end >= end else { return [] }
            return try await self.log.read(Self.clockPartition, from: end - 1, bytesMax: 1)
        }
        guard let time = batches.first?.appendTime else { return nil }
        lastTick = (end, time)
        return time
    }
}

package import Log

/// Decides when the next epoch begins and what it covers: pure, no clock of its own.
///
/// The next epoch begins when the last one is done and there is input; so a quiet node answers in milliseconds and a busy one takes
/// large, cheap steps. Partitions that are *paced* (of rate-driven virtual topics) always have a little more input, so
/// alone they begin an epoch once in a tick only. Without input nothing happens at all.
package struct EpochClock: Sendable, Equatable {
    package struct Limits: Sendable, Equatable {
        /// Per partition and epoch.
        package var recordsMax: Int64
        package var bytesMax: Int64
        /// Microseconds between the beginnings of epochs that have nothing but paced input.
        package var tick: Int64

        package init(recordsMax: Int64, bytesMax: Int64, tick: Int64) {
            precondition(recordsMax > 0 && bytesMax > 0 && tick > 0)
            self.recordsMax = recordsMax
            self.bytesMax = bytesMax
            self.tick = tick
        }
    }

    package enum Event: Sendable, Equatable {
        /// The ends of all partitions that epochs read, as one consistent cut. `paced` ones grow by the clock alone.
        /// With `isForced` an epoch is wanted even without input: a view waits to become active.
        case ends([TopicPartition: Int64], paced: Set<TopicPartition>, isForced: Bool)
        /// The running epoch is done; the payload bytes that it read.
        case finished(bytesRead: [TopicPartition: Int])
    }

    package enum Effect: Sendable, Equatable {
        /// Begin this epoch. Partitions in `limited` have more input than it takes.
        case begin(epoch: Int64, frontier: Frontier, limited: Set<TopicPartition>)
        /// Ask again at this time (microseconds since 1970), if nothing happens before.
        case wake(at: Int64)
    }

    package let limits: Limits
    /// The epoch begun last, 0 before the first, and what it covers.
    package private(set) var epoch: Int64
    package private(set) var frontier: Frontier
    package private(set) var isRunning = false
    private var begun: Int64 = .min
    private var taken: [TopicPartition: Int64] = [:]
    /// Payload bytes of a record, on average, in the last epoch that read any; per partition.
    private var recordBytes: [TopicPartition: Int64] = [:]

    package init(limits: Limits, epoch: Int64, frontier: Frontier) {
        self.limits = limits
        self.epoch = epoch
        self.frontier = frontier
    }

    package mutating func handle(_ event: Event, now: Int64) -> [Effect] {
        switch event {
        case .finished(let bytesRead):
            precondition(isRunning, "epoch \(epoch) finished twice")
            isRunning = false
            for (partition, bytes) in bytesRead {
                guard let records = taken[partition], records > 0 else { continue }
                recordBytes[partition] = max(1, Int64(bytes) / records)
            }
            return []
        case .ends(let ends, let paced, let isForced):
            return isRunning ? [] : begin(ends, paced: paced, isForced: isForced, now: now)
        }
    }

    private mutating func begin(
        _ ends: [TopicPartition: Int64], paced: Set<TopicPartition>, isForced: Bool, now: Int64
    ) -> [Effect] {
        let open = ends.filter { $0.value > frontier[$0.key] }
        if !isForced {
            guard !open.isEmpty else { return [] }
            if open.keys.allSatisfy({ paced.contains($0) }), begun != .min, now < begun + limits.tick, now >= begun {
                return [.wake(at: begun + limits.tick)]
            }
        }
        var next = frontier
        var limited: Set<TopicPartition> = []
        taken = [:]
        for (partition, end) in open {
            let most = recordsMax(partition)
            let count = min(end - frontier[partition], most)
            if count < end - frontier[partition] { limited.insert(partition) }
            next[partition] = frontier[partition] + count
            taken[partition] = count
        }
        epoch += 1
        frontier = next
        begun = now
        isRunning = true
        return [.begin(epoch: epoch, frontier: next, limited: limited)]
    }

    /// The epoch that was just begun covers this instead: the limits moved to where they cut no atomic append.
    package mutating func align(_ aligned: Frontier) {
        precondition(isRunning, "no epoch to align")
        for partition in taken.keys { taken[partition]? += aligned[partition] - frontier[partition] }
        frontier = aligned
    }

    private func recordsMax(_ partition: TopicPartition) -> Int64 {
        guard let bytes = recordBytes[partition] else { return limits.recordsMax }
        return max(1, min(limits.recordsMax, limits.bytesMax / bytes))
    }
}

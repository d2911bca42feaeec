package import Dataflow
package import Log

/// One dataflow instance of a worker: the main one runs all active views; each of the others replays the sources of
/// views that are being built aside, until the main one takes them over.
package struct LaneID: Hashable, Sendable, Codable, Comparable {
    package var rawValue: Int

    package init(_ rawValue: Int) { self.rawValue = rawValue }

    package static let main = LaneID(0)

    package static func < (first: LaneID, second: LaneID) -> Bool { first.rawValue < second.rawValue }
}

/// What all workers of a node do in one step of one lane: the same on each.
///
/// A lane's steps are numbered without gaps from 1 and carried by every exchange message, so that what comes early is
/// held back. In the main lane a step is an epoch, or a slice of the replay before the first one.
package struct StepPlan: Hashable, Sendable, Codable {
    package var lane: LaneID
    package var step: Int64
    /// The number under which view shards keep the step's rows.
    package var epoch: Int64
    /// How far each partition is read: a worker takes those that it owns. Partitions not named stay where they are.
    package var bounds: [TopicPartition: SourceBound]
    /// Per table the minimum over its partitions of the highest event time accepted by the end of the step before;
    /// absent while a partition has none.
    package var watermarks: [String: Int64]
    /// The last tick of the clock below the frontier, in microseconds since 1970; nil leaves the clock where it is.
    package var clock: Int64?
    package var seeds: [Seed]
    /// No query will ask for a version below this any more.
    package var forgetBefore: Int64

    /// The rows of a view go to consumers that were installed after it.
    package struct Seed: Hashable, Sendable, Codable {
        package var view: String
        package var output: OperatorID
        package var consumers: Set<OperatorID>
        /// The version of the view's rows.
        package var epoch: Int64

        package init(view: String, output: OperatorID, consumers: Set<OperatorID>, epoch: Int64) {
            self.view = view
            self.output = output
            self.consumers = consumers
            self.epoch = epoch
        }
    }

    package init(
        lane: LaneID, step: Int64, epoch: Int64, bounds: [TopicPartition: SourceBound],
        watermarks: [String: Int64] = [:], clock: Int64? = nil,
        seeds: [Seed] = [], forgetBefore: Int64 = ViewShard.replayEpoch
    ) {
        self.lane = lane
        self.step = step
        self.epoch = epoch
        self.bounds = bounds
        self.watermarks = watermarks
        self.clock = clock
        self.seeds = seeds
        self.forgetBefore = forgetBefore
    }
}

package struct SourceBound: Hashable, Sendable, Codable {
    /// The step covers the partition's records below this offset.
    package var end: Int64
    /// Records below this offset may be read ahead: they are committed.
    package var readAheadEnd: Int64

    package init(end: Int64, readAheadEnd: Int64) {
        self.end = end
        self.readAheadEnd = max(end, readAheadEnd)
    }
}

/// What one worker says when it has finished a step.
package struct StepReport: Hashable, Sendable, Codable {
    package var worker: Int
    /// Per partition owned and table reading it, cumulative since the lane began.
    package var sources: [SourceReport]
    /// Bytes of record payload read in this step, per partition, to size the next.
    package var bytesRead: [TopicPartition: Int]
    /// Sources that cannot be read on, which concerns only what reads them.
    package var failures: [TopicPartition: SourceFailure]

    package init(
        worker: Int, sources: [SourceReport], bytesRead: [TopicPartition: Int],
        failures: [TopicPartition: SourceFailure] = [:]
    ) {
        self.worker = worker
        self.sources = sources
        self.bytesRead = bytesRead
        self.failures = failures
    }
}

/// Why a partition is not read on.
package struct SourceFailure: Hashable, Sendable, Codable {
    package var message: String
    /// Records below the step's bound are missing, so what reads them is not the step's answer.
    package var isShort: Bool
}

package struct SourceReport: Hashable, Sendable, Codable {
    package var table: String
    package var partition: TopicPartition
    /// The offset of the next record.
    package var position: Int64
    package var counters: SourceCounters
    /// Microseconds since 1970, of accepted records; nil without event time or before the first.
    package var highestEventTime: Int64?

    package init(
        table: String, partition: TopicPartition, position: Int64, counters: SourceCounters, highestEventTime: Int64?
    ) {
        self.table = table
        self.partition = partition
        self.position = position
        self.counters = counters
        self.highestEventTime = highestEventTime
    }
}

/// Why a step could not be finished: the source at fault and what it met, or, without a source, why the generation is over.
package struct StepFailure: Error, Hashable, Sendable, Codable, CustomStringConvertible {
    package var partition: TopicPartition?
    package var message: String

    package init(partition: TopicPartition?, message: String) {
        self.partition = partition
        self.message = message
    }
    package var description: String { partition.map { "\($0): \(message)" } ?? message }
}

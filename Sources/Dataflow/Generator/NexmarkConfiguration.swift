/// What determines the events of a Nexmark generator: record *k* of partition *p* is event *k × partitions + p*.
package struct NexmarkConfiguration: Sendable, Hashable, Codable {
    package var seed: UInt64
    /// Events per second of event time.
    package var eventsPerSecond: Int
    /// The event time of event 0, in microseconds since 1970.
    package var baseTime: Int64
    package var partitions: Int

    package init(seed: UInt64, eventsPerSecond: Int = 10_000, baseTime: Int64, partitions: Int) {
        precondition(eventsPerSecond > 0 && partitions > 0)
        self.seed = seed
        self.eventsPerSecond = eventsPerSecond
        self.baseTime = baseTime
        self.partitions = partitions
    }
}

/// A range of one partition's events as the columns of the three tables, each followed by `_partition`, `_offset` and `_append_time`;
/// nil where the range has no event of the kind.
package struct NexmarkBatch: Sendable {
    package var person: Delta?
    package var auction: Delta?
    package var bid: Delta?
}

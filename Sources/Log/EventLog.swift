/// The immutable event log: topics of partitions of records, as in Kafka, with fenced atomic writers.
///
/// Every backend passes the same conformance suite. What it guarantees:
/// - An append that has returned is durable: synced to disk, or acknowledged by all in-sync replicas.
/// - Offsets of a partition are consecutive from 0; a record never changes; deletion is from the front only.
/// - A writer's append over several partitions is atomic: a reader sees all of it or nothing, and a frontier never cuts it.
/// - Append times of a partition never decrease.
package protocol EventLog: Sendable {
    /// Creates a topic; the same name again is ``LogError/Code/topicExists`` unless it has the same configuration.
    func createTopic(_ name: String, _ configuration: TopicConfiguration) async throws(LogError)
    func deleteTopic(_ name: String) async throws(LogError)
    /// All topics, by name.
    func topics() async throws(LogError) -> [TopicDescription]

    /// Makes older writers of `id` fail with ``LogError/Code/fenced`` and returns the newest one.
    func openWriter(_ id: String) async throws(LogError) -> any LogWriter

    /// Records of one partition from `offset`, at least one batch if any is there, about `bytesMax` of payload at most
    /// otherwise; empty at the end. An offset below the earliest is ``LogError/Code/offsetOutOfRange``.
    func read(_ partition: TopicPartition, from offset: Int64, bytesMax: Int) async throws(LogError) -> [RecordBatch]

    /// The earliest and the end offset (that of the next append) of the partitions, as one consistent cut.
    func bounds(_ partitions: [TopicPartition]) async throws(LogError) -> [TopicPartition: PartitionBounds]

    /// The first offset whose append time is at or after `time` (microseconds since 1970), or the end.
    func offset(_ partition: TopicPartition, atOrAfter time: Int64) async throws(LogError) -> Int64

    /// Deletes records below `offset`, in whole batches.
    func trim(_ partition: TopicPartition, below offset: Int64) async throws(LogError)

    /// Deletes what the topic's retention allows, never at or above `limits` of a partition. `now` is in microseconds since 1970.
    func applyRetention(_ topic: String, now: Int64, limits: [Int: Int64]) async throws(LogError)

    /// The answer stored with an append of that idempotency key, if the key is known.
    func storedAnswer(topic: String, key: String) async throws(LogError) -> IdempotentAnswer?

    /// Counts appends by any process: yields soon after one (within 10 ms) and coalesces; the newest value is all that
    /// matters. Ends when the log is closed.
    func changes() -> AsyncStream<Void>

    /// Waits for what runs and releases the log. Calls made afterwards fail with ``LogError/Code/closed``.
    func close() async
}

/// The newest writer of an id. Appends are in call order.
package protocol LogWriter: Sendable {
    var id: String { get }
    /// The number of writers of this id before this one.
    var epoch: Int64 { get }

    /// Appends to several partitions atomically and returns, when it is durable, the first offset in each, in the order given.
    /// A cancelled or failed call appended nothing, unless the error's code is ``LogError/Code/indefinite``.
    func append(_ appends: [PartitionAppend], idempotency: Idempotency?) async throws(LogError) -> AppendResult
}

package struct PartitionAppend: Sendable {
    package var partition: TopicPartition
    package var records: RecordSet

    package init(partition: TopicPartition, records: RecordSet) {
        self.partition = partition
        self.records = records
    }
}

package struct AppendResult: Sendable, Equatable {
    /// The offset of each append's first record.
    package var firstOffsets: [Int64]
    /// Microseconds since 1970; one for the whole append.
    package var appendTime: Int64

    package init(firstOffsets: [Int64], appendTime: Int64) {
        self.firstOffsets = firstOffsets
        self.appendTime = appendTime
    }
}

/// A client's name for one append, stored in its transaction so that a retry finds the first answer.
package struct Idempotency: Sendable, Equatable {
    package var topic: String
    /// At most 128 bytes.
    package var key: String
    /// A hash of the request's body: the same key with another is ``LogError/Code/idempotencyConflict``.
    package var bodyHash: UInt64
    /// Turns the first offsets into the answer that is stored; called inside the transaction, must be quick.
    package var answer: @Sendable (AppendResult) -> [UInt8]

    package init(topic: String, key: String, bodyHash: UInt64, answer: @escaping @Sendable (AppendResult) -> [UInt8]) {
        self.topic = topic
        self.key = key
        self.bodyHash = bodyHash
        self.answer = answer
    }

    package static func == (first: Idempotency, second: Idempotency) -> Bool {
        first.topic == second.topic && first.key == second.key && first.bodyHash == second.bodyHash
    }
}

package struct IdempotentAnswer: Sendable, Equatable {
    package var bodyHash: UInt64
    package var answer: [UInt8]

    package init(bodyHash: UInt64, answer: [UInt8]) {
        self.bodyHash = bodyHash
        self.answer = answer
    }
}

package struct TopicPartition: Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
    package var topic: String
    package var partition: Int

    package init(_ topic: String, _ partition: Int) {
        self.topic = topic
        self.partition = partition
    }

    package var description: String { "\(topic)/\(partition)" }

    package static func < (first: TopicPartition, second: TopicPartition) -> Bool {
        (first.topic, first.partition) < (second.topic, second.partition)
    }
}

package struct TopicConfiguration: Sendable, Equatable, Codable {
    package var partitions: Int
    /// Microseconds; nil keeps records for ever.
    package var retentionAge: Int64?
    /// Bytes per partition, as stored; nil for no limit.
    package var retentionBytes: Int64?

    package init(partitions: Int, retentionAge: Int64? = nil, retentionBytes: Int64? = nil) {
        self.partitions = partitions
        self.retentionAge = retentionAge
        self.retentionBytes = retentionBytes
    }
}

package struct TopicDescription: Sendable, Equatable {
    package var name: String
    package var configuration: TopicConfiguration

    package init(name: String, configuration: TopicConfiguration) {
        self.name = name
        self.configuration = configuration
    }
}

package struct PartitionBounds: Sendable, Equatable {
    package var earliest: Int64
    /// The offset that the next record will get.
    package var end: Int64

    package init(earliest: Int64, end: Int64) {
        self.earliest = earliest
        self.end = end
    }
}

package import Log
import Synchronization

/// An event log in memory with scripted failures: for tests of what the coordinator does with a log, not of logs.
package final class MemoryLog: EventLog {
    package init() {}

    private struct Partition {
        var batches: [RecordBatch] = []
        var earliest: Int64 = 0
        var end: Int64 = 0
    }

    private struct State {
        var configurations: [String: TopicConfiguration] = [:]
        var partitions: [TopicPartition: Partition] = [:]
        var writers: [String: Int64] = [:]
        var answers: [String: IdempotentAnswer] = [:]
        var time: Int64 = 1_000_000
        var watchers: [AsyncStream<Void>.Continuation] = []
        /// Appends to a topic that begins like this fail, this many times.
        var failures: (prefix: String, error: LogError, count: Int)?
    }

    private let state = Mutex(State())

    /// Microseconds since 1970 of the next append; each adds one.
    package func advance(to time: Int64) { state.withLock { $0.time = max($0.time, time) } }

    package func fail(_ prefix: String, with error: LogError, times: Int) {
        state.withLock { $0.failures = (prefix, error, times) }
    }

    package func createTopic(_ name: String, _ configuration: TopicConfiguration) async throws(LogError) {
        let isNew = state.withLock { state in
            if let existing = state.configurations[name] { return existing == configuration }
            state.configurations[name] = configuration
            for partition in 0..<configuration.partitions {
                state.partitions[TopicPartition(name, partition)] = Partition()
            }
            return true
        }
        if !isNew { throw LogError(.topicExists, "topic \(name) exists") }
    }

    package func deleteTopic(_ name: String) async throws(LogError) {
        state.withLock { state in
            state.configurations[name] = nil
            state.partitions = state.partitions.filter { $0.key.topic != name }
        }
    }

    package func topics() async throws(LogError) -> [TopicDescription] {
        state.withLock { state in
            state.configurations.keys.sorted().compactMap { name in
                state.configurations[name].map { TopicDescription(name: name, configuration: $0) }
            }
        }
    }

    package func openWriter(_ id: String) async throws(LogError) -> any LogWriter {
        let epoch = state.withLock { state in
            let epoch = state.writers[id].map { $0 + 1 } ?? 0
            state.writers[id] = epoch
            return epoch
        }
        return Writer(log: self, id: id, epoch: epoch)
    }

    package func read(_ partition: TopicPartition, from offset: Int64, bytesMax: Int) async throws(LogError)
        -> [RecordBatch]
    {
        let found: Result<[RecordBatch], LogError> = state.withLock { state in
            guard let stored = state.partitions[partition] else {
                return .failure(LogError(.topicUnknown, "\(partition)"))
            }
            guard offset >= stored.earliest else {
                return .failure(LogError(.offsetOutOfRange, "\(partition) \(offset)"))
            }
            var bytes = 0
            var batches: [RecordBatch] = []
            for batch in stored.batches
            where batch.firstOffset + Int64(batch.records.count) > offset && bytes <= bytesMax {
                batches.append(batch)
                bytes += batch.records.bytes.count
            }
            return .success(batches)
        }
        return try found.get()
    }

    package func bounds(_ partitions: [TopicPartition]) async throws(LogError) -> [TopicPartition: PartitionBounds] {
        state.withLock { state in
            var bounds: [TopicPartition: PartitionBounds] = [:]
            for partition in partitions {
                if let stored = state.partitions[partition] {
                    bounds[partition] = PartitionBounds(earliest: stored.earliest, end: stored.end)
                }
            }
            return bounds
        }
    }

    package func offset(_ partition: TopicPartition, atOrAfter time: Int64) async throws(LogError) -> Int64 {
        state.withLock { state in
            guard let stored = state.partitions[partition] else { return 0 }
            return stored.batches.first { $0.appendTime >= time }?.firstOffset ?? stored.end
        }
    }

    package func trim(_ partition: TopicPartition, below offset: Int64) async throws(LogError) {
        state.withLock { state in
            state.partitions[partition]?.batches.removeAll { $0.firstOffset + Int64($0.records.count) <= offset }
            if let stored = state.partitions[partition] {
                state.partitions[partition]?.earliest = stored.batches.first?.firstOffset ?? stored.end
            }
        }
    }

    /// As if so many records were appended and trimmed before anybody could read them.
    package func skip(_ partition: TopicPartition, _ count: Int64) {
        state.withLock { state in
            guard let end = state.partitions[partition]?.end else { return }
            state.partitions[partition] = Partition(batches: [], earliest: end + count, end: end + count)
        }
    }

    package func applyRetention(_ topic: String, now: Int64, limits: [Int: Int64]) async throws(LogError) {}

    package func storedAnswer(topic: String, key: String) async throws(LogError) -> IdempotentAnswer? {
        state.withLock { $0.answers[topic + "/" + key] }
    }

    package func changes() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        state.withLock { $0.watchers.append(continuation) }
        return stream
    }

    package func close() async {
        let watchers = state.withLock { $0.watchers }
        for watcher in watchers { watcher.finish() }
    }

    fileprivate func append(
        _ appends: [PartitionAppend], _ idempotency: Idempotency?, by writer: Writer
    ) throws(LogError) -> AppendResult {
        let (result, watchers): (Result<AppendResult, LogError>, [AsyncStream<Void>.Continuation]) = state.withLock {
            state in
            guard state.writers[writer.id] == writer.epoch else {
                return (.failure(LogError(.fenced, "writer \(writer.id) \(writer.epoch)")), [])
            }
            if let failure = state.failures, failure.count > 0,
                appends.contains(where: { $0.partition.topic.hasPrefix(failure.prefix) })
            {
                state.failures?.count -= 1
                return (.failure(failure.error), [])
            }
            if let idempotency, state.answers[idempotency.topic + "/" + idempotency.key] != nil {
                return (.failure(LogError(.idempotencyConflict, idempotency.key)), [])
            }
            state.time += 1
            var firstOffsets: [Int64] = []
            for append in appends {
                guard var partition = state.partitions[append.partition] else {
                    return (.failure(LogError(.topicUnknown, "\(append.partition)")), [])
                }
                firstOffsets.append(partition.end)
                partition.batches.append(
                    RecordBatch(firstOffset: partition.end, appendTime: state.time, records: append.records))
                partition.end += Int64(append.records.count)
                state.partitions[append.partition] = partition
            }
            let result = AppendResult(firstOffsets: firstOffsets, appendTime: state.time)
            if let idempotency {
                state.answers[idempotency.topic + "/" + idempotency.key] = IdempotentAnswer(
                    bodyHash: idempotency.bodyHash, answer: idempotency.answer(result))
            }
            return (.success(result), state.watchers)
        }
        for watcher in watchers { watcher.yield() }
        return try result.get()
    }

    fileprivate final class Writer: LogWriter {
        let log: MemoryLog
        let id: String
        let epoch: Int64

        init(log: MemoryLog, id: String, epoch: Int64) {
            self.log = log
            self.id = id
            self.epoch = epoch
        }

        func append(_ appends: [PartitionAppend], idempotency: Idempotency?) async throws(LogError) -> AppendResult {
            try log.append(appends, idempotency, by: self)
        }
    }
}

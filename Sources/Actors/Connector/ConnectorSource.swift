package import Log

/// What a connector's task does: appends records of the outside to a stored topic until there are no more.
///
/// Whatever it appends, it appends together with its new position in one atomic append (``ConnectorWriter``); so after
/// any
/// failure it goes on exactly where the log is, without a gap or a repetition.
package protocol ConnectorSource: Sendable {
    /// Runs until everything has been appended, an error, or the task is cancelled.
    func run(_ writer: ConnectorWriter) async throws(ConnectorError)
}

/// Why a connector's task failed; it is tried again after a delay.
package struct ConnectorError: Error, Sendable, Equatable, CustomStringConvertible {
    package var message: String
    /// Trying again cannot help: somebody has to act.
    package var isFinal: Bool

    package init(_ message: String, isFinal: Bool = false) {
        self.message = message
        self.isFinal = isFinal
    }

    /// Whoever fenced the writer goes on in its place: taking it back would start a duel.
    init(_ error: LogError) {
        self.init(error.description, isFinal: error.code == .fenced)
    }

    package var description: String { message }
}

/// A connector's way into its topic: a fenced writer and the position that it recorded last.
///
/// Positions are records of the topic `_dataprism.position.<topic>`, each the whole state of the connector, appended
/// atomically with the records that
/// it covers. A newer writer fences an older one, so two of them never interleave.
package actor ConnectorWriter {
    package nonisolated let topic: String
    package nonisolated let partitionCount: Int
    private let writer: any LogWriter
    private let positions: TopicPartition
    /// The state recorded last; nil before the first append.
    package private(set) var position: [UInt8]?
    private let appended: @Sendable (_ records: Int, _ bytes: Int) -> Void

    /// The topic that keeps a connector's positions.
    package static func positionTopic(_ topic: String) -> String { "_dataprism.position." + topic }

    /// Fences older writers and reads the last position.
    package init(
        log: any EventLog, topic: String, partitionCount: Int, appended: @escaping @Sendable (Int, Int) -> Void
    ) async throws(ConnectorError) {
        self.topic = topic
        self.partitionCount = partitionCount
        self.appended = appended
        positions = TopicPartition(Self.positionTopic(topic), 0)
        do throws(LogError) {
            try await log.createTopic(positions.topic, TopicConfiguration(partitions: 1))
            writer = try await log.openWriter("_dataprism.connector." + topic)
            let bounds = try await log.bounds([positions])[positions]
            guard let bounds, bounds.end > bounds.earliest else {
                position = nil
                return
            }
            let last = try await log.read(positions, from: bounds.end - 1, bytesMax: 1).last
            position = last?.records.records.last?.value
        } catch {
            throw ConnectorError(error)
        }
    }

    /// Appends records to partitions and the position that covers them, all or none.
    package func append(_ records: [Int: RecordSet], position: [UInt8]) async throws(ConnectorError) {
        var appends: [PartitionAppend] = []
        var count = 0
        var bytes = 0
        for partition in records.keys.sorted() {
            guard let set = records[partition], set.count > 0 else { continue }
            appends.append(PartitionAppend(partition: TopicPartition(topic, partition), records: set))
            count += set.count
            bytes += set.bytes.count
        }
        var state = RecordSet()
        state.append(value: position)
        appends.append(PartitionAppend(partition: positions, records: state))
        do throws(LogError) {
            _ = try await writer.append(appends, idempotency: nil)
        } catch {
            throw ConnectorError(error)
        }
        self.position = position
        appended(count, bytes)
    }
}

import Glibc
import Synchronization

/// The event log of one machine: one SQLite database in WAL mode that several processes may share.
///
/// A row is a batch of records, one compressed and checksummed blob, so that the database does hundreds of inserts a second while the
/// log does a million records. One thread commits, a few read; encoding and decoding happen outside of transactions.
package final class EmbeddedLog: EventLog {
    private let path: String
    private let committer: Committer
    private let readers: [LogThread<@Sendable (SQLiteConnection) -> Void>]
    private let nextReader = Atomic<Int>(0)
    private let notifier: ChangeNotifier
    private let options: EmbeddedLogOptions
    private let isClosed = Atomic<Bool>(false)

    /// The version of the tables and blobs; another one is refused.
    private static let formatVersion: Int64 = 1
    /// A power of two. A small append writes a few whole pages; a large one a chain of them.
    static let pageBytes: Int64 = 32768
    /// Reads that may wait per reader thread; more are refused as busy.
    private static let readsWaitingMax = 4096
    /// Idempotency keys are kept for a day, and at most so many per topic.
    static let answerMicroseconds: Int64 = 86_400_000_000
    static let answersMax: Int64 = 1_000_000
    static let keyBytesMax = 128
    private static let partitionsMax = 4096

    /// Opens the log in a directory, which is made if it does not exist.
    package init(directory: String, options: EmbeddedLogOptions = EmbeddedLogOptions()) throws(LogError) {
        self.options = options
        path = directory + "/log.sqlite"
        try Self.makeDirectory(directory)
        let setUp = try SQLiteConnection(path: path, isReader: false)
        setUp.setBusyTimeout(milliseconds: 10_000)
        try Self.prepare(setUp, path)
        for topic in try Schema.orphans(setUp) { while try Schema.deleteSome(topic, setUp) {} }
        notifier = try ChangeNotifier(path: directory + "/notify")
        committer = try Committer(
            path: path, holderPath: directory + "/writer.pid", options: options, notifier: notifier)
        try Self.sync(directory)
        var readers: [LogThread<@Sendable (SQLiteConnection) -> Void>] = []
        for number in 0..<options.readers {
            let box = ConnectionBox(try SQLiteConnection(path: path, isReader: true))
            box.connection.setBusyTimeout(milliseconds: options.busyMilliseconds)
            readers.append(
                LogThread(
                    name: "log-read-\(number)", jobsMax: Self.readsWaitingMax,
                    loop: { jobs in for job in jobs { job(box.connection) } }, end: { box.connection.close() }))
        }
        self.readers = readers
        // A process that was killed between its commit and its notice told nobody.
        notifier.signal()
    }

    private static func makeDirectory(_ directory: String) throws(LogError) {
        var made = ""
        for part in directory.split(separator: "/", omittingEmptySubsequences: false) {
            made += made.isEmpty && part.isEmpty ? "/" : (made.isEmpty || made == "/" ? "" : "/") + part
            guard !made.isEmpty, made != "/" else { continue }
            if mkdir(made, 0o700) == 0 {
                try sync(made + "/..")
            } else if errno != EEXIST {
                throw LogError(.storage, "cannot make the log's directory \(made): \(String(cString: strerror(errno)))")
            }
        }
    }

    /// Makes the names of new files durable.
    private static func sync(_ directory: String) throws(LogError) {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { Glibc.close(descriptor) }
        guard descriptor >= 0, fsync(descriptor) == 0 else {
            throw LogError(.storage, "cannot sync \(directory): \(String(cString: strerror(errno)))")
        }
    }

    private static func prepare(_ connection: SQLiteConnection, _ path: String) throws(LogError) {
        try connection.execute("PRAGMA page_size = \(pageBytes)")
        try connection.execute("PRAGMA journal_mode = WAL")
        try connection.execute("PRAGMA synchronous = FULL")
        try connection.execute("BEGIN IMMEDIATE")
        var version: Int64 = 0
        try connection.run("PRAGMA user_version") { row throws(LogError) in version = row.integer(0) }
        guard version == 0 || version == formatVersion else {
            throw LogError(.formatUnknown, "\(path) has format \(version); this build reads format \(formatVersion)")
        }
        if version == 0 {
            for statement in Schema.statements { try connection.execute(statement) }
            try connection.execute("PRAGMA user_version = \(formatVersion)")
        }
        try connection.execute("COMMIT")
    }

    // MARK: topics

    package func createTopic(_ name: String, _ configuration: TopicConfiguration) async throws(LogError) {
        try Self.check(name)
        guard configuration.partitions >= 1, configuration.partitions <= Self.partitionsMax else {
            throw LogError(
                .nameInvalid,
                "topic \(name): \(configuration.partitions) partitions; 1 to \(Self.partitionsMax) are possible")
        }
        try await write { connection throws(LogError) in
            if let existing = try Schema.topic(name, connection) {
                guard existing.configuration == configuration else {
                    throw LogError(.topicExists, "topic \(name) exists with another configuration")
                }
                return
            }
            try Schema.insert(name, configuration, connection)
        }
    }

    package func deleteTopic(_ name: String) async throws(LogError) {
        let id = try await write { connection throws(LogError) in
            let topic = try Schema.known(name, connection)
            try connection.run("DELETE FROM partitions WHERE topic = ?", [.integer(topic.id)])
            try connection.run("DELETE FROM topics WHERE id = ?", [.integer(topic.id)])
            return topic.id
        }
        // The topic is gone; its records follow in short transactions. What a crash leaves goes at the next opening.
        while try await write({ connection throws(LogError) in try Schema.deleteSome(id, connection) }) {}
    }

    package func topics() async throws(LogError) -> [TopicDescription] {
        try await query { connection throws(LogError) in try Schema.topics(connection) }
    }

    /// `[a-zA-Z0-9._-]`, at most 249 bytes, as Kafka has it.
    private static func check(_ name: String) throws(LogError) {
        let allowed = name.utf8.allSatisfy { byte in
            byte >= 0x61 && byte <= 0x7A || byte >= 0x41 && byte <= 0x5A || byte >= 0x30 && byte <= 0x39 || byte == 0x2E
                || byte == 0x5F
                || byte == 0x2D
        }
        guard allowed, !name.isEmpty, name.utf8.count <= 249, name != ".", name != ".." else {
            throw LogError(
                .nameInvalid, "\"\(name.prefix(260))\" is no topic name: 1 to 249 of letters, digits, '.', '_' and '-'")
        }
    }

    // MARK: writing

    package func openWriter(_ id: String) async throws(LogError) -> any LogWriter {
        let epoch = try await write { connection throws(LogError) -> Int64 in
            var epoch: Int64 = 0
            try connection.run("SELECT epoch + 1 FROM writers WHERE id = ?", [.text(id)]) { row throws(LogError) in
                epoch = row.integer(0)
            }
            try connection.run(
                "INSERT OR REPLACE INTO writers (id, epoch) VALUES (?, ?)", [.text(id), .integer(epoch)])
            return epoch
        }
        return EmbeddedWriter(log: self, id: id, epoch: epoch)
    }

    /// Encodes off the caller's actor, then waits for the commit.
    @concurrent
    func append(
        _ appends: [PartitionAppend], idempotency: Idempotency?, writer: String, epoch: Int64
    ) async throws(LogError) -> AppendResult {
        var blobs: [(append: PartitionAppend, blob: [UInt8])] = []
        var bytes = 0
        for append in appends {
            let content = append.records.bytes.count + append.records.count * 8
            guard content <= BatchCodec.contentBytesMax else {
                throw LogError(
                    .recordTooLarge,
                    "\(append.partition): a batch of \(content) bytes; the limit is \(BatchCodec.contentBytesMax)")
            }
            let blob = BatchCodec.encode(append.records)
            bytes += blob.count
            blobs.append((append, blob))
        }
        if let idempotency, idempotency.key.utf8.count > Self.keyBytesMax {
            throw LogError(
                .nameInvalid,
                "an idempotency key of \(idempotency.key.utf8.count) bytes; the limit is \(Self.keyBytesMax)")
        }
        let (sealed, now) = (blobs, options.now)
        return try await write(bytes: bytes) { connection throws(LogError) in
            try AppendTransaction(connection: connection, now: now()).run(sealed, idempotency, writer, epoch)
        }
    }

    package func trim(_ partition: TopicPartition, below offset: Int64) async throws(LogError) {
        while try await write({ connection throws(LogError) in
            let topic = try Schema.known(partition, connection)
            return try Schema.trimSome(topic.id, partition.partition, below: offset, connection)
        }) {}
    }

    package func applyRetention(_ topic: String, now: Int64, limits: [Int: Int64]) async throws(LogError) {
        let cuts = try await query { connection throws(LogError) in
            let known = try Schema.known(topic, connection)
            var cuts: [Int64] = []
            for partition in 0..<known.configuration.partitions {
                let cut = try Schema.retentionCut(known, partition, now: now, connection)
                cuts.append(min(cut, limits[partition] ?? .max))
            }
            return cuts
        }
        for (partition, cut) in cuts.enumerated() where cut > 0 {
            try await trim(TopicPartition(topic, partition), below: cut)
        }
    }

    package func storedAnswer(topic: String, key: String) async throws(LogError) -> IdempotentAnswer? {
        let oldest = options.now() - Self.answerMicroseconds
        return try await query { connection throws(LogError) in
            guard let known = try Schema.topic(topic, connection) else { return nil }
            return try Schema.answer(known.id, key, newerThan: oldest, connection)
        }
    }

    // MARK: reading

    /// Whole batches: the first may begin before `offset`.
    package func read(_ partition: TopicPartition, from offset: Int64, bytesMax: Int) async throws(LogError)
        -> [RecordBatch]
    {
        try await query { connection throws(LogError) in
            try Schema.read(partition, from: offset, bytesMax: bytesMax, connection)
        }
    }

    package func bounds(_ partitions: [TopicPartition]) async throws(LogError) -> [TopicPartition: PartitionBounds] {
        try await query { connection throws(LogError) in
            var bounds: [TopicPartition: PartitionBounds] = [:]
            for partition in partitions { bounds[partition] = try Schema.bounds(partition, connection) }
            return bounds
        }
    }

    package func offset(_ partition: TopicPartition, atOrAfter time: Int64) async throws(LogError) -> Int64 {
        try await query { connection throws(LogError) in try Schema.offset(partition, atOrAfter: time, connection) }
    }

    package func changes() -> AsyncStream<Void> { notifier.stream() }

    package func close() async {
        guard isClosed.exchange(true, ordering: .sequentiallyConsistent) == false else { return }
        notifier.close()
        await committer.close()
        for reader in readers { await reader.close() }
    }

    /// Transactions committed since this log was opened, each of which was one sync.
    package var commitCount: Int { committer.commitCount }

    // MARK: threads

    /// Why a thread's queue did not take a job.
    private func refusal(_ full: String) -> LogError {
        isClosed.load(ordering: .sequentiallyConsistent)
            ? LogError(.closed, "the log is closed") : LogError(.busy, full)
    }

    private func write<Value: Sendable>(
        bytes: Int = 0, _ work: @escaping @Sendable (SQLiteConnection) throws(LogError) -> Value
    ) async throws(LogError) -> Value {
        if isClosed.load(ordering: .sequentiallyConsistent) { throw LogError(.closed, "the log is closed") }
        let box = SharedMutex<Value>()
        let error: LogError? = await withCheckedContinuation { continuation in
            let job = Committer.Job(
                bytes: bytes,
                work: { connection throws(LogError) in
                    let result = try work(connection)
                    box.mutex.withLock { $0 = result }
                }, finish: { continuation.resume(returning: $0) })
            if !committer.submit(job) {
                continuation.resume(returning: refusal("\(options.waitingMax) writes are waiting already"))
            }
        }
        if let error { throw error }
        guard let result = box.mutex.withLock({ $0 }) else { preconditionFailure("a committed job left no result") }
        return result
    }

    /// Runs `work` on a reading thread, in one read transaction.
    private func query<Value: Sendable>(
        _ work: @escaping @Sendable (SQLiteConnection) throws(LogError) -> Value
    ) async throws(LogError) -> Value {
        if isClosed.load(ordering: .sequentiallyConsistent) { throw LogError(.closed, "the log is closed") }
        let reader = readers[nextReader.add(1, ordering: .relaxed).newValue % readers.count]
        let result: Result<Value, LogError> = await withCheckedContinuation { continuation in
            let accepted = reader.submit { connection in
                do throws(LogError) {
                    let value = try connection.reading { () throws(LogError) in try work(connection) }
                    continuation.resume(returning: .success(value))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
            if !accepted {
                continuation.resume(returning: .failure(refusal("\(Self.readsWaitingMax) reads are waiting already")))
            }
        }
        return try result.get()
    }
}

/// A mutex that closures can share.
private final class SharedMutex<Value: Sendable>: Sendable {
    let mutex: Mutex<Value?>

    init() { mutex = Mutex(nil) }
}

/// A writer of an embedded log.
final class EmbeddedWriter: LogWriter {
    private let log: EmbeddedLog
    let id: String
    let epoch: Int64

    init(log: EmbeddedLog, id: String, epoch: Int64) {
        self.log = log
        self.id = id
        self.epoch = epoch
    }

    func append(_ appends: [PartitionAppend], idempotency: Idempotency?) async throws(LogError) -> AppendResult {
        try await log.append(appends, idempotency: idempotency, writer: id, epoch: epoch)
    }
}

import Glibc
import Synchronization

/// Group commit: the one thread that writes. Whatever waits shares a transaction, and so a sync.
///
/// A transaction takes at most ``groupBytesMax`` and ``groupJobsMax``, so that it stays short; it never spans a suspension point. A job
/// looks before it writes: one that refuses has changed nothing and takes nothing of the others back. Jobs are told how they ended only
/// after the commit has returned.
///
/// The write-ahead log is copied into the database by a thread of its own while commits go on. Under steady load that copy never
/// reaches the end, at which alone the file can start over: once it is past ``walBytesMax``, the committer itself copies the rest
/// between two transactions.
final class Committer: Sendable {
    struct Job: Sendable {
        /// Payload, to bound the transaction.
        var bytes: Int
        var work: @Sendable (SQLiteConnection) throws(LogError) -> Void
        var finish: @Sendable (LogError?) -> Void
    }

    private static let groupBytesMax = 8 << 20
    private static let groupJobsMax = 256
    /// The write-ahead log is copied into the database after so many bytes.
    private static let checkpointBytes = 16 << 20
    /// Past this the write-ahead log is made to start over. Twice as much costs as much more disk and time to open after a crash.
    private static let walBytesMax = 64 << 20
    /// How long starting over waits for readers of older states; it is tried again after the next copy.
    private static let restartMilliseconds = 20

    private let thread: LogThread<Job>
    private let checkpointer: LogThread<Void>
    private let counter = CommitCounter()

    init(path: String, holderPath: String, options: EmbeddedLogOptions, notifier: ChangeNotifier) throws(LogError) {
        let connection = ConnectionBox(try Self.open(path, options))
        let checkpoints = ConnectionBox(try Self.open(path, options))
        let counter = counter
        let checkpointer = LogThread<Void>(
            name: "log-checkpoint", jobsMax: 1,
            loop: { _ in
                // A checkpoint that cannot run now runs later; the log is complete without it.
                do throws(LogError) {
                    var frames: Int64 = 0
                    try checkpoints.connection.run("PRAGMA wal_checkpoint(PASSIVE)") { row throws(LogError) in
                        frames = row.integer(1)
                    }
                    if frames * EmbeddedLog.pageBytes > Int64(Self.walBytesMax) { counter.wantRestart() }
                } catch {
                    return
                }
            }, end: { checkpoints.connection.close() })
        self.checkpointer = checkpointer
        let holder = Glibc.open(holderPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard holder >= 0 else {
            throw LogError(.storage, "cannot open \(holderPath): \(String(cString: strerror(errno)))")
        }
        let loop: @Sendable ([Job]) -> Void = { jobs in
            var rest = jobs[...]
            while !rest.isEmpty {
                var bytes = 0
                var count = 0
                for job in rest {
                    if count > 0, bytes + job.bytes > Self.groupBytesMax || count == Self.groupJobsMax { break }
                    bytes += job.bytes
                    count += 1
                }
                let group = rest.prefix(count)
                rest = rest.dropFirst(count)
                switch Self.commit(group, connection, path, options, holder) {
                case .failure(let error):
                    // They have waited as long for the same lock.
                    if error.code == .busy {
                        for job in rest { job.finish(error) }
                        rest = []
                    }
                case .success(let hasWritten):
                    guard hasWritten else { continue }
                    counter.add(commits: 1, bytes: bytes)
                    notifier.signal()
                    if counter.isCheckpointDue(every: Self.checkpointBytes) { _ = checkpointer.submit(()) }
                    if counter.takeRestart() { Self.restart(connection.connection, options) }
                }
            }
        }
        thread = LogThread<Job>(
            name: "log-commit", jobsMax: options.waitingMax, loop: loop,
            end: {
                connection.connection.close()
                Glibc.close(holder)
            })
    }

    /// Copies what is left of the write-ahead log and lets it start over.
    private static func restart(_ connection: SQLiteConnection, _ options: EmbeddedLogOptions) {
        connection.setBusyTimeout(milliseconds: restartMilliseconds)
        defer { connection.setBusyTimeout(milliseconds: options.busyMilliseconds) }
        do throws(LogError) {
            try connection.run("PRAGMA wal_checkpoint(RESTART)")
        } catch {
            // A reader or another process is in the way; the next copy asks again.
            return
        }
    }

    /// Transactions committed so far: as many syncs.
    var commitCount: Int { counter.commits }

    func submit(_ job: Job) -> Bool { thread.submit(job) }

    func close() async {
        await thread.close()
        await checkpointer.close()
    }

    private static func open(_ path: String, _ options: EmbeddedLogOptions) throws(LogError) -> SQLiteConnection {
        let connection = try SQLiteConnection(path: path, isReader: false)
        connection.setBusyTimeout(milliseconds: options.busyMilliseconds)
        try connection.execute("PRAGMA synchronous = \(options.synchronous == .full ? "FULL" : "OFF")")
        try connection.execute("PRAGMA wal_autocheckpoint = 0")
        try connection.execute("PRAGMA journal_size_limit = \(walBytesMax)")
        return connection
    }

    /// Runs one transaction; the value is whether any of its jobs was not refused.
    private static func commit(
        _ group: ArraySlice<Job>, _ box: ConnectionBox, _ path: String, _ options: EmbeddedLogOptions, _ holder: Int32
    ) -> Result<Bool, LogError> {
        var outcomes: [LogError?] = []
        do throws(LogError) {
            try begin(box.connection, holder)
            for job in group { outcomes.append(try run(job, box.connection)) }
            try end(box.connection)
        } catch {
            rollBack(error, box, path, options)
            for job in group { job.finish(error) }
            return .failure(error)
        }
        for (job, outcome) in zip(group, outcomes) { job.finish(outcome) }
        return .success(outcomes.contains { $0 == nil })
    }

    /// Takes the write lock, and writes down who has it, so that others can say for whom they wait.
    private static func begin(_ connection: SQLiteConnection, _ holder: Int32) throws(LogError) {
        do throws(LogError) {
            try connection.run("BEGIN IMMEDIATE")
        } catch  where error.code == .busy {
            var text = [UInt8](repeating: 0, count: 24)
            let size = pread(holder, &text, text.count, 0)
            let pid =
                String(decoding: text.prefix(max(size, 0)), as: UTF8.self).split(separator: "\n").first.map(String.init)
                ?? "unknown"
            throw LogError(.busy, "another process holds the log's write lock for too long (last holder: pid \(pid))")
        }
        let mine = Array("\(getpid())\n".utf8)
        _ = pwrite(holder, mine, mine.count, 0)
    }

    /// nil when the job's changes are part of the transaction; else why it refused. Throws what ends the whole transaction.
    private static func run(_ job: Job, _ connection: SQLiteConnection) throws(LogError) -> LogError? {
        let before = connection.changes
        do throws(LogError) {
            try job.work(connection)
        } catch {
            switch error.code {
            case .storage, .diskFull, .corrupt, .busy: throw error
            default:
                precondition(connection.changes == before, "a write was refused after it had changed rows: \(error)")
                return error
            }
        }
        return nil
    }

    /// Commits. When writing or syncing the last of it failed, what is on disk may or may not be whole.
    private static func end(_ connection: SQLiteConnection) throws(LogError) {
        do throws(LogError) {
            try connection.run("COMMIT")
        } catch  where error.code == .storage {
            throw LogError(.indefinite, "the commit failed: \(error.message)")
        }
    }

    /// After a failed write or sync nothing in memory is trusted: the connection is opened anew and reads what is on disk.
    private static func rollBack(_ error: LogError, _ box: ConnectionBox, _ path: String, _ options: EmbeddedLogOptions)
    {
        do throws(LogError) {
            if box.connection.isInTransaction { try box.connection.run("ROLLBACK") }
            guard error.code != .busy, error.code != .diskFull else { return }
            let fresh = try open(path, options)
            box.connection.close()
            box.connection = fresh
        } catch {
            // The next transaction meets the same trouble and reports it.
            return
        }
    }
}

/// What the committing thread counts and others read.
private final class CommitCounter: Sendable {
    private let state = Mutex((commits: 0, bytes: 0, isRestartWanted: false))

    var commits: Int { state.withLock { $0.commits } }

    func add(commits: Int, bytes: Int) {
        state.withLock { state in
            state.commits += commits
            state.bytes += bytes
        }
    }

    func wantRestart() { state.withLock { $0.isRestartWanted = true } }

    func takeRestart() -> Bool {
        state.withLock { state in
            defer { state.isRestartWanted = false }
            return state.isRestartWanted
        }
    }

    func isCheckpointDue(every bytes: Int) -> Bool {
        state.withLock { state in
            guard state.bytes >= bytes else { return false }
            state.bytes = 0
            return true
        }
    }
}

/// A connection handed to the one thread that uses it.
// SAFETY: after the thread is made, only its loop touches the connection.
final class ConnectionBox: @unchecked Sendable {
    var connection: SQLiteConnection

    init(_ connection: SQLiteConnection) { self.connection = connection }
}

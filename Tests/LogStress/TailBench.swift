import Glibc
import Log

/// How soon an append is seen by a reader at the tail in another process, and what waiting for one costs.
enum TailBench {
    private static let topic = "tail"

    /// The writer: appends one record at a time, its monotonic time in it, and leaves the reader to a process of its own.
    static func run(_ arguments: Arguments) async throws {
        let directory = try arguments.word(2)
        let appends = try arguments.integer("appends", 500)
        let log = try EmbeddedLog(directory: directory)
        try await log.createTopic(topic, TopicConfiguration(partitions: 1))
        try await log.createTopic(topic + "-ready", TopicConfiguration(partitions: 1))
        let child = try spawn(["/proc/self/exe", "follow", directory, "\(appends)"])
        var ready = log.changes().makeAsyncIterator()
        let place = TopicPartition(topic + "-ready", 0)
        while try await log.bounds([place])[place]?.end == 0 { _ = await ready.next() }
        let writer = try await log.openWriter("tail")
        for _ in 0..<appends {
            // Apart, so that none finds the reader awake.
            var pause = timespec(tv_sec: 0, tv_nsec: 4_000_000)
            nanosleep(&pause, nil)
            var set = RecordSet()
            withUnsafeBytes(of: seconds()) { set.append(key: nil, value: $0) }
            _ = try await writer.append([PartitionAppend(partition: .init(topic, 0), records: set)], idempotency: nil)
        }
        var status: Int32 = 0
        waitpid(child, &status, 0)
        await log.close()
        guard status == 0 else { throw StressFailure("the reader ended with \(status)") }
    }

    /// The reader: prints the delays from just before the append to the record in hand.
    static func follow(_ directory: String, _ appends: Int) async throws {
        let log = try EmbeddedLog(directory: directory)
        let place = TopicPartition(topic, 0)
        var changes = log.changes().makeAsyncIterator()
        var ready = RecordSet()
        ready.append(value: [1])
        _ = try await log.openWriter("tail-ready").append(
            [PartitionAppend(partition: .init(topic + "-ready", 0), records: ready)], idempotency: nil)
        var offset = try await log.bounds([place])[place]?.earliest ?? 0
        var delays: [Double] = []
        while delays.count < appends {
            let batches = try await log.read(place, from: offset, bytesMax: 1 << 20)
            let now = seconds()
            for batch in batches {
                offset = batch.firstOffset + Int64(batch.records.count)
                delays.append(now - batch.records.bytes.withUnsafeBytes { $0.loadUnaligned(as: Double.self) })
            }
            if batches.isEmpty { _ = await changes.next() }
        }
        delays.sort()
        let quantile = { (share: Double) in rounded(delays[Int(Double(delays.count - 1) * share)] * 1000, 2) }
        say(
            "tail appends \(appends) p50_ms \(quantile(0.5)) p99_ms \(quantile(0.99)) max_ms \(quantile(1)) (append, sync, notice and read, across processes)"
        )
        await log.close()
    }

    static func idle(_ arguments: Arguments) async throws {
        let log = try EmbeddedLog(directory: try arguments.word(2))
        let changes = log.changes()
        let (started, cpu) = (seconds(), cpuSeconds())
        var pause = timespec(tv_sec: try arguments.integer("seconds", 5), tv_nsec: 0)
        nanosleep(&pause, nil)
        say("idle cpu_percent \(rounded((cpuSeconds() - cpu) / (seconds() - started) * 100, 3))")
        withExtendedLifetime(changes) {}
        await log.close()
    }

    private static func spawn(_ arguments: [String]) throws -> pid_t {
        var child = pid_t()
        var strings: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        defer { for string in strings { free(string) } }
        strings.append(nil)
        guard posix_spawn(&child, arguments[0], nil, nil, strings, environ) == 0 else {
            throw StressFailure("cannot start the reader")
        }
        return child
    }
}

import Glibc
import Log
import Synchronization
import Testing

/// The limits of the embedded log, what it does beside others, and rows that are not what was written. Bugs these would catch: a queue
/// that grows without end, a read that a trim makes corrupt, a write-ahead log that never starts over, rows swapped unnoticed.
@Suite("Embedded log: limits, sharing, damage", .serialized, .timeLimit(.minutes(2)))
struct EmbeddedBoundsTests {
    private static let place = TopicPartition("t", 0)

    private func with(
        _ options: EmbeddedLogOptions = EmbeddedLogOptions(),
        _ body: (EmbeddedLog, TemporaryDirectory) async throws -> Void
    ) async throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let log = try EmbeddedLog(directory: directory.path, options: options)
        try await log.createTopic("t", TopicConfiguration(partitions: 1))
        try await body(log, directory)
        await log.close()
    }

    private func append(_ value: String, _ writer: any LogWriter, key: String? = nil) async throws -> AppendResult {
        var set = RecordSet()
        set.append(value: Array(value.utf8))
        let idempotency = key.map { Idempotency(topic: "t", key: $0, bodyHash: 1) { _ in [7] } }
        return try await writer.append([PartitionAppend(partition: Self.place, records: set)], idempotency: idempotency)
    }

    @Test("more waiting writes than the queue's bound are refused as busy at once, and the others still happen")
    func boundedQueue() async throws {
        try await with(EmbeddedLogOptions(waitingMax: 3, busyMilliseconds: 60_000)) { log, directory in
            let writer = try await log.openWriter("w")
            let blocker = try Database(directory)
            try blocker.execute("BEGIN IMMEDIATE")
            var (refused, done) = (0, 0)
            try await withThrowingTaskGroup(of: LogError?.self) { group in
                for number in 0..<10 {
                    group.addTask {
                        do {
                            _ = try await append("\(number)", writer)
                            return nil
                        } catch let error as LogError {
                            return error
                        }
                    }
                }
                // At most three are with the blocked thread and three in the queue.
                while refused < 4, let outcome = try await group.next() {
                    #expect(outcome?.code == .busy && outcome?.message.contains("3 writes are waiting") == true)
                    refused += 1
                }
                try blocker.execute("COMMIT")
                for try await outcome in group { if outcome == nil { done += 1 } else { refused += 1 } }
            }
            #expect(refused + done == 10 && done >= 1)
            #expect(try await log.bounds([Self.place])[Self.place]?.end == Int64(done))
        }
    }

    @Test("two instances append to one directory at once: offsets are shared, nothing is lost")
    func sharing() async throws {
        try await with { log, directory in
            let other = try EmbeddedLog(directory: directory.path)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (name, instance) in [("a", log), ("b", other)] {
                    let writer = try await instance.openWriter(name)
                    group.addTask { for number in 0..<100 { _ = try await append("\(name)\(number)", writer) } }
                }
                try await group.waitForAll()
            }
            let found = try await log.read(Self.place, from: 0, bytesMax: 1 << 20)
            let values = found.flatMap { $0.records.records.map { String(decoding: $0.value ?? [], as: UTF8.self) } }
            #expect(found.map(\.firstOffset) == Array(0..<200))
            for name in ["a", "b"] { #expect(values.filter { $0.hasPrefix(name) } == (0..<100).map { "\(name)\($0)" }) }
            await other.close()
        }
    }

    @Test("reading beside a trim sees records or is out of range, and is never called corrupt")
    func readingBesideTrim() async throws {
        try await with { log, _ in
            let writer = try await log.openWriter("w")
            for number in 0..<300 { _ = try await append("\(number)", writer) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for cut in stride(from: Int64(1), through: 290, by: 3) {
                        try await log.trim(Self.place, below: cut)
                    }
                }
                group.addTask {
                    var earliest: Int64 = 0
                    while earliest < 289 {
                        earliest = try await log.bounds([Self.place])[Self.place]?.earliest ?? 0
                        do {
                            let batches = try await log.read(Self.place, from: earliest, bytesMax: 1 << 20)
                            #expect(batches.first?.firstOffset == earliest && batches.count == 300 - Int(earliest))
                        } catch let error as LogError {
                            #expect(error.code == .offsetOutOfRange, "\(error)")
                        }
                    }
                }
                try await group.waitForAll()
            }
            try await log.trim(Self.place, below: .max)
            #expect(
                try await log.bounds([Self.place])[Self.place]
                    == PartitionBounds(earliest: 300, end: 300))
            #expect(try await append("next", writer).firstOffsets == [300])
        }
    }

    @Test(
        "rows that are not what was written are corrupt, and the error says where",
        arguments: [
            "UPDATE batches SET append_time = append_time + 1 WHERE first = 1",
            "UPDATE batches SET count = 2 WHERE first = 1",
            "DELETE FROM batches WHERE first = 0", "DELETE FROM batches WHERE first = 1",
            """
            UPDATE batches SET content = (SELECT content FROM batches b WHERE b.first = 2 - batches.first)
            WHERE first IN (0, 2)
            """,
        ])
    func damagedRows(_ damage: String) async throws {
        try await with { log, directory in
            let writer = try await log.openWriter("w")
            for number in 0..<3 { _ = try await append("value \(number)", writer) }
            try Database(directory).execute(damage)
            do {
                _ = try await log.read(Self.place, from: 0, bytesMax: 1 << 20)
                Issue.record("read what was not written: \(damage)")
            } catch let error as LogError {
                #expect(error.code == .corrupt && error.message.contains("t/0"), "\(error)")
            }
        }
    }

    @Test("a read ends near its bound of plain bytes, however well they compress")
    func readBound() async throws {
        try await with { log, _ in
            let writer = try await log.openWriter("w")
            let megabyte = String(repeating: "a", count: 1 << 20)
            for _ in 0..<20 { _ = try await append(megabyte, writer) }
            #expect(try await log.read(Self.place, from: 0, bytesMax: 5 << 20).count == 4)
            #expect(try await log.read(Self.place, from: 3, bytesMax: 1).map(\.firstOffset) == [3])
        }
    }

    @Test("a deleted topic's records go, also those that a crash left, and its name begins anew")
    func deletedTopics() async throws {
        try await with { log, directory in
            let writer = try await log.openWriter("w")
            for number in 0..<150 { _ = try await append("\(number)", writer) }
            try await log.deleteTopic("t")
            #expect(try Database(directory).integer("SELECT count(*) FROM batches") == 0)
            try await log.createTopic("t", TopicConfiguration(partitions: 1))
            #expect(try await append("again", writer).firstOffsets == [0])
            // As if the process had ended right after the topic's row went.
            try Database(directory).execute("DELETE FROM topics")
            let again = try EmbeddedLog(directory: directory.path)
            #expect(try Database(directory).integer("SELECT count(*) FROM batches") == 0)
            await again.close()
        }
    }

    @Test("of a million idempotency keys the oldest go")
    func idempotencyBound() async throws {
        try await with { log, directory in
            let writer = try await log.openWriter("w")
            _ = try await append("1", writer, key: "oldest")
            try Database(directory).execute(
                "INSERT INTO answers SELECT 1000001, topic, 'later', 1, answer, time FROM answers WHERE key = 'oldest'")
            _ = try await append("2", writer, key: "newest")
            #expect(try await log.storedAnswer(topic: "t", key: "oldest") == nil)
            #expect(try await log.storedAnswer(topic: "t", key: "later") == IdempotentAnswer(bodyHash: 1, answer: [7]))
            #expect(try await log.storedAnswer(topic: "t", key: "newest") == IdempotentAnswer(bodyHash: 1, answer: [7]))
            await expectError(.nameInvalid) {
                _ = try await append("3", writer, key: String(repeating: "k", count: 129))
            }
        }
    }

    @Test("the write-ahead log starts over instead of growing without end")
    func writeAheadLogBound() async throws {
        try await with { log, directory in
            let writer = try await log.openWriter("w")
            // XorShift noise: a megabyte that does not compress.
            var state: UInt64 = 88_172_645_463_325_252
            var noise = [UInt64](repeating: 0, count: 1 << 17)
            for index in noise.indices {
                state ^= state << 13
                state ^= state >> 7
                state ^= state << 17
                noise[index] = state
            }
            var set = RecordSet()
            noise.withUnsafeBytes { set.append(key: nil, value: $0) }
            for _ in 0..<240 {
                _ = try await writer.append(
                    [PartitionAppend(partition: Self.place, records: set)], idempotency: nil)
            }
            var status = stat()
            #expect(stat(directory.path + "/log.sqlite-wal", &status) == 0)
            #expect(status.st_size < 160 << 20, "240 MB were written; the write-ahead log has \(status.st_size) bytes")
        }
    }
}

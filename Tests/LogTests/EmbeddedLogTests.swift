import Glibc
import Log
import Testing

/// What only the embedded backend has: blobs that may rot, a directory that is shared, a format that may be newer.
@Suite("Embedded log", .serialized)
struct EmbeddedLogTests {
    @Test("every changed byte of a stored batch is found out, never a silent short prefix")
    func corruption() async throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let log = try EmbeddedLog(directory: directory.path)
        try await log.createTopic("t", TopicConfiguration(partitions: 1))
        let writer = try await log.openWriter("w")
        var set = RecordSet()
        for number in 0..<4 { set.append(key: [UInt8(number)], value: Array("some value \(number)".utf8)) }
        _ = try await writer.append([PartitionAppend(partition: .init("t", 0), records: set)], idempotency: nil)
        await log.close()
        let size = try Database(directory).integer("SELECT length(content) FROM batches")
        try Database(directory).execute("CREATE TABLE kept AS SELECT content FROM batches")
        for position in 1...size {
            try Database(directory).execute(
                """
                UPDATE batches SET content = CAST(substr(content, 1, \(position - 1)) || CASE WHEN substr(content, \(position), 1) = x'5A'
                THEN x'5B' ELSE x'5A' END || substr(content, \(position + 1)) AS BLOB)
                """)
            let damaged = try EmbeddedLog(directory: directory.path)
            await expectError(.corrupt) { _ = try await damaged.read(.init("t", 0), from: 0, bytesMax: 1 << 20) }
            await damaged.close()
            try Database(directory).execute("UPDATE batches SET content = (SELECT content FROM kept)")
        }
        let mended = try EmbeddedLog(directory: directory.path)
        #expect(try await mended.read(.init("t", 0), from: 0, bytesMax: 1 << 20).map(\.records) == [set])
        await mended.close()
    }

    @Test("records survive closing and opening, and a format from the future is refused")
    func reopening() async throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let log = try EmbeddedLog(directory: directory.path)
        try await log.createTopic("t", TopicConfiguration(partitions: 1))
        let writer = try await log.openWriter("w")
        var set = RecordSet()
        set.append(value: [1, 2, 3])
        _ = try await writer.append([PartitionAppend(partition: .init("t", 0), records: set)], idempotency: nil)
        await log.close()
        let again = try EmbeddedLog(directory: directory.path)
        #expect(try await again.read(.init("t", 0), from: 0, bytesMax: 10).map(\.records) == [set])
        await expectError(.fenced) {
            _ = try await again.openWriter("w")
            let stale = try await again.openWriter("w")
            _ = try await again.openWriter("w")
            _ = try await stale.append([PartitionAppend(partition: .init("t", 0), records: set)], idempotency: nil)
        }
        await again.close()
        try Database(directory).execute("PRAGMA user_version = 9")
        await expectError(.formatUnknown) { _ = try EmbeddedLog(directory: directory.path) }
    }

    @Test("a write waits for another process's transaction only so long, and names the holder")
    func busy() async throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let log = try EmbeddedLog(directory: directory.path, options: EmbeddedLogOptions(busyMilliseconds: 50))
        try await log.createTopic("t", TopicConfiguration(partitions: 1))
        let blocker = try Database(directory)
        try blocker.execute("BEGIN IMMEDIATE")
        do {
            try await log.createTopic("u", TopicConfiguration(partitions: 1))
            Issue.record("the write went through a held lock")
        } catch {
            #expect(error.code == .busy && error.message.contains("pid \(getpid())"))
        }
        try blocker.execute("COMMIT")
        try await log.createTopic("u", TopicConfiguration(partitions: 1))
        await log.close()
    }
}

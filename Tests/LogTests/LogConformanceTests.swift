import Glibc
import Log
import Testing

/// What every backend must keep, run over each: `backends` is the list of makers. A backend that loses a record, cuts an atomic
/// append, lets a fenced writer in or moves an offset fails here.
@Suite("Event log conformance", .serialized)
struct LogConformanceTests {
    static let backends = [Backend.embedded]

    enum Backend: String, Sendable, CustomTestStringConvertible {
        case embedded

        var testDescription: String { rawValue }

        func make(_ clock: TestClock, _ directory: TemporaryDirectory) throws -> any EventLog {
            switch self {
            case .embedded: try EmbeddedLog(directory: directory.path, options: EmbeddedLogOptions(now: { clock.now }))
            }
        }
    }

    private func with(
        _ backend: Backend, _ body: (any EventLog, TestClock) async throws -> Void
    ) async throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let clock = TestClock()
        let log = try backend.make(clock, directory)
        try await body(log, clock)
        await log.close()
    }

    @Test("offsets are consecutive and records come back as they were", arguments: backends)
    func appendAndRead(_ backend: Backend) async throws {
        try await with(backend) { log, _ in
            try await log.createTopic("t", TopicConfiguration(partitions: 2))
            let writer = try await log.openWriter("w")
            let first = try await writer.append(
                [PartitionAppend(partition: .init("t", 0), records: records(0..<5))], idempotency: nil)
            let second = try await writer.append(
                [
                    PartitionAppend(partition: .init("t", 0), records: records(5..<8)),
                    PartitionAppend(partition: .init("t", 1), records: records(100..<101)),
                ], idempotency: nil)
            #expect(first.firstOffsets == [0] && second.firstOffsets == [5, 0])
            let batches = try await log.read(.init("t", 0), from: 0, bytesMax: 1 << 20)
            #expect(values(batches) == (0..<8).map { "value-\($0)" })
            #expect(batches.map(\.firstOffset) == [0, 5])
            let inside = try await log.read(.init("t", 0), from: 6, bytesMax: 1)
            #expect(inside.first.map { $0.firstOffset <= 6 && $0.firstOffset + Int64($0.records.count) > 6 } == true)
            #expect(try await log.read(.init("t", 0), from: 8, bytesMax: 1).isEmpty)
            await expectError(.offsetOutOfRange) { _ = try await log.read(.init("t", 0), from: 9, bytesMax: 1) }
            await expectError(.topicUnknown) { _ = try await log.read(.init("u", 0), from: 0, bytesMax: 1) }
            await expectError(.partitionUnknown) { _ = try await log.read(.init("t", 2), from: 0, bytesMax: 1) }
            let bounds = try await log.bounds([.init("t", 0), .init("t", 1)])
            #expect(bounds == [.init("t", 0): .init(earliest: 0, end: 8), .init("t", 1): .init(earliest: 0, end: 1)])
        }
    }

    @Test("keys, tombstones and empty values stay apart", arguments: backends)
    func keysAndTombstones(_ backend: Backend) async throws {
        try await with(backend) { log, _ in
            try await log.createTopic("t", TopicConfiguration(partitions: 1))
            let writer = try await log.openWriter("w")
            var set = RecordSet()
            set.append(key: [1, 2], value: [3])
            set.append(key: [4], value: nil)
            set.append(key: nil, value: [])
            set.append(key: [], value: [0xFF, 0x00])
            _ = try await writer.append([PartitionAppend(partition: .init("t", 0), records: set)], idempotency: nil)
            let batches = try await log.read(.init("t", 0), from: 0, bytesMax: 100)
            #expect(batches.map(\.records) == [set])
        }
    }

    @Test("topics: the same again is fine, another configuration is not", arguments: backends)
    func topics(_ backend: Backend) async throws {
        try await with(backend) { log, _ in
            try await log.createTopic("b", TopicConfiguration(partitions: 1))
            try await log.createTopic("a", TopicConfiguration(partitions: 3, retentionAge: 5))
            try await log.createTopic("b", TopicConfiguration(partitions: 1))
            await expectError(.topicExists) { try await log.createTopic("b", TopicConfiguration(partitions: 2)) }
            for name in ["", "a/b", "..", "ü", String(repeating: "x", count: 250)] {
                await expectError(.nameInvalid) { try await log.createTopic(name, TopicConfiguration(partitions: 1)) }
            }
            #expect(try await log.topics().map(\.name) == ["a", "b"])
            try await log.deleteTopic("a")
            #expect(try await log.topics().map(\.name) == ["b"])
            await expectError(.topicUnknown) { try await log.deleteTopic("a") }
        }
    }

    @Test("an older writer is fenced, and what it tried is not there", arguments: backends)
    func fencing(_ backend: Backend) async throws {
        try await with(backend) { log, _ in
            try await log.createTopic("t", TopicConfiguration(partitions: 1))
            let old = try await log.openWriter("w")
            let other = try await log.openWriter("v")
            let new = try await log.openWriter("w")
            #expect(new.epoch == old.epoch + 1)
            await expectError(.fenced) {
                _ = try await old.append(
                    [PartitionAppend(partition: .init("t", 0), records: records(0..<1))], idempotency: nil)
            }
            _ = try await new.append(
                [PartitionAppend(partition: .init("t", 0), records: records(1..<2))], idempotency: nil)
            _ = try await other.append(
                [PartitionAppend(partition: .init("t", 0), records: records(2..<3))], idempotency: nil)
            #expect(values(try await log.read(.init("t", 0), from: 0, bytesMax: 1 << 20)) == ["value-1", "value-2"])
        }
    }

    @Test("a failed atomic append leaves nothing in any partition", arguments: backends)
    func atomicity(_ backend: Backend) async throws {
        try await with(backend) { log, _ in
            try await log.createTopic("t", TopicConfiguration(partitions: 2))
            let writer = try await log.openWriter("w")
            await expectError(.partitionUnknown) {
                _ = try await writer.append(
                    [
                        PartitionAppend(partition: .init("t", 0), records: records(0..<1)),
                        PartitionAppend(partition: .init("t", 7), records: records(1..<2)),
                    ], idempotency: nil)
            }
            #expect(try await log.bounds([.init("t", 0)])[.init("t", 0)]?.end == 0)
        }
    }

    @Test("an idempotency key is taken once and its answer is kept for a day", arguments: backends)
    func idempotency(_ backend: Backend) async throws {
        try await with(backend) { log, clock in
            try await log.createTopic("t", TopicConfiguration(partitions: 1))
            let writer = try await log.openWriter("w")
            let append = [PartitionAppend(partition: .init("t", 0), records: records(0..<2))]
            let key = Idempotency(topic: "t", key: "k", bodyHash: 7) { result in Array("\(result.firstOffsets)".utf8) }
            #expect(try await log.storedAnswer(topic: "t", key: "k") == nil)
            _ = try await writer.append(append, idempotency: key)
            #expect(
                try await log.storedAnswer(topic: "t", key: "k")
                    == IdempotentAnswer(bodyHash: 7, answer: Array("[0]".utf8)))
            await expectError(.idempotencyConflict) { _ = try await writer.append(append, idempotency: key) }
            #expect(try await log.bounds([.init("t", 0)])[.init("t", 0)]?.end == 2)
            clock.advance(86_400_000_000 + 1_000_000)
            #expect(try await log.storedAnswer(topic: "t", key: "k") == nil)
            let again = try await writer.append(append, idempotency: key)
            #expect(again.firstOffsets == [2])
        }
    }

    @Test("append times never decrease, and find their offsets", arguments: backends)
    func times(_ backend: Backend) async throws {
        try await with(backend) { log, clock in
            try await log.createTopic("t", TopicConfiguration(partitions: 1))
            let writer = try await log.openWriter("w")
            let start = clock.now
            for step in [0, 10, -5, 20] as [Int64] {
                clock.advance(step)
                _ = try await writer.append(
                    [PartitionAppend(partition: .init("t", 0), records: records(0..<3))], idempotency: nil)
            }
            let times = try await log.read(.init("t", 0), from: 0, bytesMax: 1 << 20).map { $0.appendTime - start }
            #expect(times == [0, 10, 10, 25])
            let partition = TopicPartition("t", 0)
            for (time, offset) in [(-1, 0), (0, 0), (1, 3), (10, 3), (11, 9), (25, 9), (26, 12)] as [(Int64, Int64)] {
                #expect(try await log.offset(partition, atOrAfter: start + time) == offset, "time \(time)")
            }
        }
    }

    @Test("trimming and retention delete whole batches from the front, below the limit", arguments: backends)
    func retention(_ backend: Backend) async throws {
        try await with(backend) { log, clock in
            let partition = TopicPartition("t", 0)
            try await log.createTopic("t", TopicConfiguration(partitions: 1, retentionAge: 100))
            let writer = try await log.openWriter("w")
            for _ in 0..<5 {
                _ = try await writer.append(
                    [PartitionAppend(partition: partition, records: records(0..<10))], idempotency: nil)
                clock.advance(50)
            }
            try await log.trim(partition, below: 15)
            #expect(try await log.bounds([partition])[partition] == PartitionBounds(earliest: 10, end: 50))
            try await log.applyRetention("t", now: clock.now, limits: [0: 15])
            #expect(try await log.bounds([partition])[partition]?.earliest == 10)
            try await log.applyRetention("t", now: clock.now, limits: [:])
            #expect(try await log.bounds([partition])[partition]?.earliest == 30)
            await expectError(.offsetOutOfRange) { _ = try await log.read(partition, from: 29, bytesMax: 1) }
            #expect(values(try await log.read(partition, from: 30, bytesMax: 1 << 20)).count == 20)
        }
    }

    @Test("a watcher hears of an append of another instance", arguments: backends)
    func changes(_ backend: Backend) async throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let clock = TestClock()
        let log = try backend.make(clock, directory)
        let other = try backend.make(clock, directory)
        try await log.createTopic("t", TopicConfiguration(partitions: 1))
        let stream = other.changes()
        let writer = try await log.openWriter("w")
        _ = try await writer.append(
            [PartitionAppend(partition: .init("t", 0), records: records(0..<1))], idempotency: nil)
        var iterator = stream.makeAsyncIterator()
        while try await other.bounds([.init("t", 0)])[.init("t", 0)]?.end != 1 { _ = await iterator.next() }
        await log.close()
        await other.close()
        await expectError(.closed) { _ = try await log.topics() }
    }

    @Test("many writers at once: every append is there once, in each writer's order", arguments: backends)
    func concurrency(_ backend: Backend) async throws {
        try await with(backend) { log, _ in
            try await log.createTopic("t", TopicConfiguration(partitions: 2))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<8 {
                    let writer = try await log.openWriter("w\(number)")
                    group.addTask {
                        for round in 0..<20 {
                            var set = RecordSet()
                            set.append(value: Array("\(number):\(round)".utf8))
                            _ = try await writer.append(
                                [PartitionAppend(partition: .init("t", number % 2), records: set)], idempotency: nil)
                        }
                    }
                }
                try await group.waitForAll()
            }
            for partition in 0..<2 {
                let found = values(try await log.read(.init("t", partition), from: 0, bytesMax: 1 << 20))
                #expect(found.count == 80)
                for number in stride(from: partition, to: 8, by: 2) {
                    #expect(found.filter { $0.hasPrefix("\(number):") } == (0..<20).map { "\(number):\($0)" })
                }
            }
        }
    }

    private func records(_ range: Range<Int>) -> RecordSet {
        var set = RecordSet()
        for number in range { set.append(value: Array("value-\(number)".utf8)) }
        return set
    }

    private func values(_ batches: [RecordBatch]) -> [String] {
        batches.flatMap { $0.records.records.map { String(decoding: $0.value ?? [], as: UTF8.self) } }
    }
}

/// Expects the closure to fail with this code.
func expectError(
    _ code: LogError.Code, _ body: () async throws -> Void, sourceLocation: SourceLocation = #_sourceLocation
) async {
    do {
        try await body()
        Issue.record("nothing failed, expected \(code)", sourceLocation: sourceLocation)
    } catch let error as LogError {
        #expect(error.code == code, sourceLocation: sourceLocation)
    } catch {
        Issue.record("\(error), expected \(code)", sourceLocation: sourceLocation)
    }
}

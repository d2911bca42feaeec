import Actors
import Log
import Simulation
import Synchronization
import Testing

/// Connectors on a log in memory: what is appended after failures and restarts, and what the status says.
@Suite(.timeLimit(.minutes(1))) struct ConnectorTests {
    /// Appends the numbers below `count`, one a record, and fails after some of the appends.
    private final class Numbers: ConnectorSource {
        let count: Int
        /// Fails after each of these many appends, once.
        let failures: Mutex<[Int]>

        init(count: Int, failures: [Int]) {
            self.count = count
            self.failures = Mutex(failures)
        }

        func run(_ writer: ConnectorWriter) async throws(ConnectorError) {
            var next = Int(String(decoding: await writer.position ?? Array("0".utf8), as: UTF8.self)) ?? -1
            while next < count {
                var records = RecordSet()
                records.append(value: Array("\(next)".utf8))
                try await writer.append([next % writer.partitionCount: records], position: Array("\(next + 1)".utf8))
                next += 1
                let isFailing = failures.withLock { failures in
                    guard failures.first == next else { return false }
                    failures.removeFirst()
                    return true
                }
                if isFailing { throw ConnectorError("line \(next) fell over") }
            }
        }
    }

    private func values(_ log: MemoryLog, topic: String, partitions: Int) async throws -> [[String]] {
        var values: [[String]] = []
        for partition in 0..<partitions {
            let batches = try await log.read(TopicPartition(topic, partition), from: 0, bytesMax: 1 << 20)
            values.append(
                batches.flatMap { $0.records.records.map { String(decoding: $0.value ?? [], as: UTF8.self) } })
        }
        return values
    }

    @Test func restartsAfterErrorsWithoutGapOrRepetition() async throws {
        let log = MemoryLog()
        try await log.createTopic("t", TopicConfiguration(partitions: 2))
        let connector = Connector(
            name: "numbers", log: log, topic: "t", partitionCount: 2, source: Numbers(count: 9, failures: [3, 4, 8]),
            backoff: Backoff(first: .milliseconds(1), most: .milliseconds(2)))
        await connector.run()
        #expect(
            try await values(log, topic: "t", partitions: 2) == [["0", "2", "4", "6", "8"], ["1", "3", "5", "7"]])
        let status = await connector.status
        #expect(status.state == .finished)
        #expect(status.restarts == 3)
        #expect(status.records == 9)
        #expect(status.lastError == "line 8 fell over")
    }

    @Test func aNewProcessGoesOnWhereTheOldOneDied() async throws {
        let log = MemoryLog()
        try await log.createTopic("t", TopicConfiguration(partitions: 1))
        let first = try await ConnectorWriter(log: log, topic: "t", partitionCount: 1) { _, _ in }
        var records = RecordSet()
        records.append(value: Array("0".utf8))
        try await first.append([0: records], position: Array("1".utf8))
        let connector = Connector(
            name: "numbers", log: log, topic: "t", partitionCount: 1, source: Numbers(count: 3, failures: []))
        await connector.run()
        #expect(try await values(log, topic: "t", partitions: 1) == [["0", "1", "2"]])
        // The old one wakes up: it is fenced, and does not fight back.
        let error = await #expect(throws: ConnectorError.self) {
            try await first.append([0: records], position: Array("2".utf8))
        }
        #expect(error?.isFinal == true)
    }

    @Test func aStopEndsAConnectorThatWaits() async throws {
        let log = MemoryLog()
        try await log.createTopic("t", TopicConfiguration(partitions: 1))
        let connector = Connector(
            name: "numbers", log: log, topic: "t", partitionCount: 1, source: Numbers(count: 3, failures: [1]),
            backoff: Backoff(first: .seconds(600), most: .seconds(600)))
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await connector.run() }
            while await connector.status.state != .waiting, !Task.isCancelled { await Task.yield() }
            connector.stop()
        }
        #expect(await connector.status.state == .stopped)
    }
}

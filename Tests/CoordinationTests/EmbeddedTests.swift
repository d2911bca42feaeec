import Actors
import Coordination
import Dataflow
import FoundationEssentials
import Log
import Testing

/// The same as on a log in memory, on the embedded one: what is durable is what a coordinator finds that opens the directory again.
@Suite(.timeLimit(.minutes(2))) struct EmbeddedTests {
    private let table = Fixture.table("t", id: 1)

    private func lines(_ range: Range<Int>) -> [String] {
        range.map { #"{"k":\#($0),"v":"x\#($0)"}"# }
    }

    private func texts(_ range: Range<Int>) -> [String] { range.map { "\($0):x\($0)" }.sorted() }

    private func withDirectory(_ body: (String) async throws -> Void) async throws {
        let path = FileManager.default.temporaryDirectory.path + "/dataprism-\(UUID().uuidString)"
        defer { do { try FileManager.default.removeItem(atPath: path) } catch { Issue.record("\(error)") } }
        try await body(path)
    }

    @Test(arguments: [1, 2, 4]) func rowsSurviveARestart(workers: Int) async throws {
        let view = Fixture.view("v", id: 2, of: table)
        let counts = Fixture.count("c", id: 4, of: table)
        try await withDirectory { directory in
            let log = try EmbeddedLog(directory: directory)
            let first = try await Pipeline.with(log, workers: workers) { coordinator in
                try await Pipeline.deploy([table, view, counts], to: coordinator)
                var frontier = Frontier()
                for first in stride(from: 0, to: 100, by: 10) {
                    let receipt = try await Pipeline.append(lines(first..<first + 10), to: "t", of: coordinator)
                    frontier = frontier.merging(receipt.frontier)
                    let read = try await coordinator.read(["v", "c"], after: frontier)
                    #expect(Pipeline.rows("v", in: read) == texts(0..<first + 10))
                    #expect(Pipeline.rows("c", in: read).count == first + 10)
                }
                return try await coordinator.read(["v"], after: frontier)
            }
            // The first one's log stays open, as a process that was killed leaves it: nothing is flushed at the end.
            let again = try EmbeddedLog(directory: directory)
            try await Pipeline.with(again, workers: 3) { coordinator in
                let read = try await coordinator.read(["v", "c"])
                #expect(read.epoch >= first.epoch)
                #expect(read.frontier.covers(first.frontier))
                #expect(Pipeline.rows("v", in: read) == texts(0..<100))
                #expect(Pipeline.rows("c", in: read).count == 100)
            }
            await again.close()
            await log.close()
        }
    }

    @Test func anAppendOfAnotherProcessIsSeen() async throws {
        let view = Fixture.view("v", id: 2, of: table)
        try await withDirectory { directory in
            let log = try EmbeddedLog(directory: directory)
            let other = try EmbeddedLog(directory: directory)
            try await Pipeline.with(log) { coordinator in
                try await Pipeline.deploy([table, view], to: coordinator)
                let writer = try await other.openWriter("other")
                var records = RecordSet()
                for line in lines(0..<10) { records.append(value: Array(line.utf8)) }
                let append = PartitionAppend(partition: TopicPartition("t", 2), records: records)
                _ = try await writer.append([append], idempotency: nil)
                let read = try await coordinator.read(["v"], after: Frontier([append.partition: 10]))
                #expect(Pipeline.rows("v", in: read) == texts(0..<10))
            }
            await other.close()
            await log.close()
        }
    }

    @Test func retriesAtOnceAreOneAppend() async throws {
        let view = Fixture.view("v", id: 2, of: table)
        try await withDirectory { directory in
            let log = try EmbeddedLog(directory: directory)
            try await Pipeline.with(log) { coordinator in
                try await Pipeline.deploy([table, view], to: coordinator)
                let receipts = try await withThrowingTaskGroup(of: AppendReceipt.self) { group in
                    for _ in 0..<8 {
                        group.addTask {
                            try await Pipeline.append(
                                lines(0..<5), to: "t", of: coordinator,
                                key: Coordinator.AppendKey(key: "once", bodyHash: 1))
                        }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(Set(receipts.map(\.locations)).count == 1)
                #expect(receipts.count { !$0.isRepeated } == 1)
                let read = try await coordinator.read(["v"], after: receipts[0].frontier)
                #expect(Pipeline.rows("v", in: read) == texts(0..<5))
            }
            await log.close()
        }
    }

    @Test func aStoredGeneratorAndAFollowedViewAgree() async throws {
        try await withDirectory { directory in
            let log = try EmbeddedLog(directory: directory)
            let bid = Fixture.table(
                "bid", id: 1, connector: "generator", options: ["count": "20000", "partitions": "2", "seed": "5"],
                columns: NexmarkGenerator.schemas["bid"] ?? [])
            let counts = Fixture.count("c", id: 2, of: bid)
            try await Pipeline.with(log) { coordinator in
                try await Pipeline.deploy([bid], to: coordinator)
                try await Pipeline.deploy([counts, Fixture.sink("s", id: 9, of: bid)], to: coordinator)
                #expect(await coordinator.waitUntilDrained())
                let status = await coordinator.status()
                #expect(status.sinks["s"]?.rows == 18_400)
                #expect(status.sources["bid"]?.counters.applied == 18_400)
                let read = try await coordinator.read(["c"])
                let total = (read.rows["c"] ?? []).reduce(into: Int64(0)) { sum, delta in
                    for row in 0..<delta.count {
                        if case .bigint(let count) = delta.columns[1].datum(at: row) { sum += count }
                    }
                }
                #expect(total == 18_400)
            }
            await log.close()
        }
    }
}

import Actors
import Coordination
import Dataflow
import Log
import Simulation
import Testing

/// A coordinator with workers on a log in memory, end to end. What is waited for is a frontier, never a time.
@Suite(.timeLimit(.minutes(1))) struct CoordinatorTests {
    private let table = Fixture.table("t", id: 1)

    private func lines(_ range: Range<Int>) -> [String] {
        range.map { #"{"k":\#($0),"v":"x\#($0)"}"# }
    }

    private func texts(_ range: Range<Int>) -> [String] { range.map { "\($0):x\($0)" }.sorted() }

    @Test(arguments: [1, 2, 4]) func insertedRowsAreInTheView(workers: Int) async throws {
        let view = Fixture.view("v", id: 2, of: table)
        try await Pipeline.with(MemoryLog(), workers: workers) { coordinator in
            try await Pipeline.deploy([table, view], to: coordinator)
            for first in stride(from: 0, to: 100, by: 10) {
                let receipt = try await Pipeline.append(lines(first..<first + 10), to: "t", of: coordinator)
                let read = try await coordinator.read(["v"], after: receipt.frontier)
                #expect(Pipeline.rows("v", in: read) == texts(0..<first + 10))
                #expect(read.frontier.covers(receipt.frontier))
            }
        }
    }

    @Test func twoViewsAreReadAtOneEpoch() async throws {
        let first = Fixture.view("v", id: 2, of: table)
        let second = Fixture.view("w", id: 4, of: first)
        try await Pipeline.with(MemoryLog()) { coordinator in
            try await Pipeline.deploy([table, first, second], to: coordinator)
            // Readers go on while records come: both views must show the same prefix each time.
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for first in 0..<200 {
                        _ = try await Pipeline.append(lines(first..<first + 1), to: "t", of: coordinator)
                    }
                }
                for _ in 0..<100 {
                    let read = try await coordinator.read(["v", "w"])
                    #expect(Pipeline.rows("v", in: read) == Pipeline.rows("w", in: read))
                }
                try await group.waitForAll()
            }
        }
    }

    @Test(arguments: [(1, 2), (4, 1), (2, 4)]) func aRestartGivesTheSameRows(before: Int, after: Int) async throws {
        let log = MemoryLog()
        let view = Fixture.view("v", id: 2, of: table)
        let first = try await Pipeline.with(log, workers: before) { coordinator in
            try await Pipeline.deploy([table, view], to: coordinator)
            let receipt = try await Pipeline.append(lines(0..<50), to: "t", of: coordinator)
            return try await coordinator.read(["v"], after: receipt.frontier)
        }
        // Records that no epoch covered when the process died.
        let writer = try await log.openWriter("other")
        var records = RecordSet()
        for line in lines(50..<60) { records.append(value: Array(line.utf8)) }
        _ = try await writer.append(
            [PartitionAppend(partition: TopicPartition("t", 1), records: records)], idempotency: nil)
        try await Pipeline.with(log, workers: after) { coordinator in
            let read = try await coordinator.read(["v"])
            #expect(Pipeline.rows("v", in: read) == texts(0..<60))
            #expect(read.epoch > first.epoch)
            #expect(read.frontier.covers(first.frontier))
            let status = await coordinator.status()
            #expect(status.isReady)
            #expect(status.replay.done == status.replay.total)
            #expect(status.term > 0)
        }
    }

    @Test func aReplayInManyStepsStopsAtTheLastEpoch() async throws {
        let log = MemoryLog()
        let view = Fixture.view("v", id: 2, of: table)
        let before = try await Pipeline.with(log) { coordinator in
            try await Pipeline.deploy([table, view], to: coordinator)
            for first in stride(from: 0, to: 400, by: 40) {
                _ = try await Pipeline.append(lines(first..<first + 40), to: "t", of: coordinator)
            }
            let receipt = try await Pipeline.append(lines(400..<401), to: "t", of: coordinator)
            return try await coordinator.read(["v"], after: receipt.frontier)
        }
        try await Pipeline.with(log, configure: { $0.epochRecordsMax = 7 }) { coordinator in
            let read = try await coordinator.read(["v"])
            #expect(read.epoch == before.epoch)
            #expect(read.frontier == before.frontier)
            #expect(Pipeline.rows("v", in: read) == Pipeline.rows("v", in: before))
        }
    }

    @Test func aViewCreatedLaterEqualsOneCreatedFirst() async throws {
        let first = Fixture.view("v", id: 2, of: table)
        let late = Fixture.view("w", id: 4, of: table)
        let onView = Fixture.view("x", id: 6, of: first)
        let onLate = Fixture.view("y", id: 8, of: late)
        try await Pipeline.with(MemoryLog(), configure: { $0.epochRecordsMax = 16 }) { coordinator in
            try await Pipeline.deploy([table, first], to: coordinator)
            let receipt = try await Pipeline.append(lines(0..<100), to: "t", of: coordinator)
            _ = try await coordinator.read(["v"], after: receipt.frontier)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for first in 100..<300 {
                        _ = try await Pipeline.append(lines(first..<first + 1), to: "t", of: coordinator)
                    }
                }
                try await Pipeline.deploy([late], to: coordinator)
                try await Pipeline.deploy([onView], to: coordinator)
                try await Pipeline.deploy([onLate], to: coordinator)
                try await group.waitForAll()
            }
            let last = try await Pipeline.append(lines(300..<301), to: "t", of: coordinator)
            let read = try await coordinator.read(["v", "w", "x", "y"], after: last.frontier)
            for name in ["v", "w", "x", "y"] { #expect(Pipeline.rows(name, in: read) == texts(0..<301), "\(name)") }
        }
    }

    @Test(arguments: [1, 2, 4]) func joinsAndCountsCreatedLaterEqualThoseCreatedFirst(workers: Int) async throws {
        let counts = Fixture.count("c", id: 2, of: table)
        let early = Fixture.join("j", id: 10, table, counts)
        let late = Fixture.join("k", id: 20, table, counts)
        let onLate = Fixture.count("l", id: 30, of: late)
        let onEarly = Fixture.count("m", id: 40, of: early)
        let lines = { @Sendable (range: Range<Int>) in range.map { #"{"k":\#($0 % 37),"v":"x\#($0)"}"# } }
        let log = MemoryLog()
        let before = try await Pipeline.with(log, workers: workers, configure: { $0.epochRecordsMax = 40 }) {
            coordinator in
            try await Pipeline.deploy([table, counts, early], to: coordinator)
            let receipt = try await Pipeline.append(lines(0..<300), to: "t", of: coordinator)
            _ = try await coordinator.read(["j"], after: receipt.frontier)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for first in 300..<600 {
                        _ = try await Pipeline.append(lines(first..<first + 1), to: "t", of: coordinator)
                    }
                }
                try await Pipeline.deploy([late, onLate], to: coordinator)
                try await Pipeline.deploy([onEarly], to: coordinator)
                let read = try await coordinator.read(["j", "k", "l", "m"])
                #expect(Pipeline.rows("j", in: read) == Pipeline.rows("k", in: read))
                #expect(Pipeline.rows("l", in: read) == Pipeline.rows("m", in: read))
                try await group.waitForAll()
            }
            let last = try await Pipeline.append(lines(600..<601), to: "t", of: coordinator)
            let read = try await coordinator.read(["j", "k", "l", "m"], after: last.frontier)
            #expect(Pipeline.rows("j", in: read).count == 601)
            #expect(Pipeline.rows("j", in: read) == Pipeline.rows("k", in: read))
            #expect(Pipeline.rows("l", in: read) == Pipeline.rows("m", in: read))
            return Pipeline.rows("l", in: read)
        }
        try await Pipeline.with(log, workers: 3) { coordinator in
            let read = try await coordinator.read(["l", "m"])
            #expect(Pipeline.rows("l", in: read) == before)
            #expect(Pipeline.rows("m", in: read) == before)
        }
    }

    @Test func aSecondTableOfATopicReadsItFromTheStart() async throws {
        let view = Fixture.view("v", id: 2, of: table)
        let other = Fixture.table("u", id: 4, topic: "t")
        let otherView = Fixture.view("w", id: 5, of: other)
        let log = MemoryLog()
        let expected = texts(0..<40)
        try await Pipeline.with(log) { coordinator in
            try await Pipeline.deploy([table, view], to: coordinator)
            let receipt = try await Pipeline.append(lines(0..<30) + ["not json"], to: "t", of: coordinator)
            _ = try await coordinator.read(["v"], after: receipt.frontier)
            try await Pipeline.deploy([other, otherView], to: coordinator)
            let more = try await Pipeline.append(lines(30..<40), to: "t", of: coordinator)
            let read = try await coordinator.read(["v", "w", "t.dead"], after: more.frontier)
            #expect(Pipeline.rows("v", in: read) == expected)
            #expect(Pipeline.rows("w", in: read) == expected)
            // One dead letter of each table.
            #expect(Pipeline.rows("t.dead", in: read).count == 2)
        }
        try await Pipeline.with(log) { coordinator in
            let read = try await coordinator.read(["v", "w", "t.dead"])
            #expect(Pipeline.rows("w", in: read) == expected)
            #expect(Pipeline.rows("t.dead", in: read).count == 2)
        }
    }

    @Test func refusedRecordsAreDeadLettersAndCounted() async throws {
        let view = Fixture.view("v", id: 2, of: table)
        try await Pipeline.with(MemoryLog()) { coordinator in
            try await Pipeline.deploy([table, view], to: coordinator)
            let receipt = try await Pipeline.append(
                lines(0..<5) + ["{", #"{"k":"abc","v":"x"}"#] + lines(5..<8), to: "t", of: coordinator)
            let read = try await coordinator.read(["v", "t.dead"], after: receipt.frontier)
            #expect(Pipeline.rows("v", in: read) == texts(0..<8))
            let dead = (read.rows["t.dead"] ?? []).flatMap { delta in
                (0..<delta.count).map { delta.columns[1].datum(at: $0) }
            }
            #expect(Set(dead) == [.bigint(5), .bigint(6)])
            let counters = await coordinator.status().sources["t"]?.counters
            #expect(counters?.isBalanced == true)
            #expect(counters?.read == 10)
            #expect(counters?.malformed == 2)
        }
    }

    @Test func anAppendWithAKeyIsMadeOnce() async throws {
        let view = Fixture.view("v", id: 2, of: table)
        try await Pipeline.with(MemoryLog()) { coordinator in
            try await Pipeline.deploy([table, view], to: coordinator)
            let key = Coordinator.AppendKey(key: "k1", bodyHash: 7)
            let first = try await Pipeline.append(lines(0..<3), to: "t", of: coordinator, key: key)
            let second = try await Pipeline.append(lines(0..<3), to: "t", of: coordinator, key: key)
            #expect(!first.isRepeated && second.isRepeated)
            #expect(first.locations == second.locations)
            await #expect(throws: CoordinationError.self) {
                _ = try await Pipeline.append(
                    lines(0..<1), to: "t", of: coordinator, key: Coordinator.AppendKey(key: "k1", bodyHash: 8))
            }
            let read = try await coordinator.read(["v"], after: second.frontier)
            #expect(Pipeline.rows("v", in: read) == texts(0..<3))
        }
    }

    @Test(arguments: [1, 3]) func anUpsertTableKeepsTheLastRowOfEachKey(workers: Int) async throws {
        var table = table
        guard case .table(var schema) = table.relation.kind, let source = table.graph.nodes.first else { return }
        schema.primaryKey = [0]
        let exchange = GraphNode(
            id: OperatorID(2), kind: .exchange(key: [0]), inputs: [source.id], types: source.types, owner: "t")
        let upsert = GraphNode(
            id: OperatorID(3), kind: .upsert(key: [0]), inputs: [exchange.id], types: source.types, owner: "t")
        table.relation.kind = .table(schema)
        table.relation.node = upsert.id
        table.graph.nodes += [exchange, upsert]
        let deployed = table
        let view = Fixture.view("v", id: 4, of: table)
        let late = Fixture.view("w", id: 6, of: table)
        try await Pipeline.with(MemoryLog(), workers: workers) { coordinator in
            try await Pipeline.deploy([deployed, view], to: coordinator)
            for round in 0..<5 {
                let lines = (0..<20).map { #"{"v":"x\#(round)","k":\#($0)}"# }
                _ = try await Pipeline.append(lines, to: "t", of: coordinator)
            }
            // Key 3 is deleted, key 4 deleted and written again.
            var records = RecordSet()
            records.append(key: Array(#"{"k":3}"#.utf8), value: nil)
            records.append(key: Array(#"{"k":4}"#.utf8), value: nil)
            records.append(value: Array(#"{"k":4,"v":"again"}"#.utf8))
            let receipt = try await coordinator.append(topic: "t", records: records)
            #expect(receipt.locations[1].partition == receipt.locations[2].partition)
            #expect(receipt.locations[1].offset + 1 == receipt.locations[2].offset)
            try await Pipeline.deploy([late], to: coordinator)
            let read = try await coordinator.read(["v", "w", "t.dead"], after: receipt.frontier)
            let expected = (0..<20).filter { $0 != 3 }.map { $0 == 4 ? "4:again" : "\($0):x4" }.sorted()
            #expect(Pipeline.rows("v", in: read) == expected)
            #expect(Pipeline.rows("w", in: read) == expected)
            #expect(Pipeline.rows("t.dead", in: read).isEmpty)
        }
    }

    @Test func dropsRemoveAndNamesCanComeAgain() async throws {
        let view = Fixture.view("v", id: 2, of: table)
        try await Pipeline.with(MemoryLog()) { coordinator in
            try await Pipeline.deploy([table, view], to: coordinator)
            let receipt = try await Pipeline.append(lines(0..<3), to: "t", of: coordinator)
            _ = try await coordinator.read(["v"], after: receipt.frontier)
            try await Pipeline.drop(["v"], from: coordinator)
            await #expect(throws: CoordinationError.self) { _ = try await coordinator.read(["v"]) }
            try await Pipeline.drop(["t"], from: coordinator)
            await #expect(throws: CoordinationError.self) {
                _ = try await Pipeline.append(lines(0..<1), to: "t", of: coordinator)
            }
            let again = Fixture.table("t", id: 10)
            try await Pipeline.deploy([again, Fixture.view("v", id: 11, of: again)], to: coordinator)
            let more = try await Pipeline.append(lines(3..<5), to: "t", of: coordinator)
            let read = try await coordinator.read(["v"], after: more.frontier)
            #expect(Pipeline.rows("v", in: read) == texts(0..<5))
        }
    }

    @Test func aChangeAtAnOldVersionIsRefused() async throws {
        try await Pipeline.with(MemoryLog()) { coordinator in
            try await Pipeline.deploy([table], to: coordinator)
            let error = await #expect(throws: CoordinationError.self) {
                _ = try await coordinator.deploy(Fixture.table("u", id: 5), after: -1)
            }
            #expect(error?.code == .conflict)
            let refused = await #expect(throws: CoordinationError.self) {
                try await Pipeline.deploy([Fixture.table("u", id: 5, connector: "pigeon")], to: coordinator)
            }
            #expect(refused?.code == .refused)
        }
    }

    @Test func aReadNeverGivesAnOlderAnswer() async throws {
        let view = Fixture.view("v", id: 2, of: table)
        try await Pipeline.with(MemoryLog()) { coordinator in
            try await Pipeline.deploy([table, view], to: coordinator)
            let error = await #expect(throws: CoordinationError.self) {
                _ = try await coordinator.read(
                    ["v"], after: Frontier([TopicPartition("t", 0): 1]), timeout: .milliseconds(20))
            }
            #expect(error?.code == .timeout)
            // Partitions that nothing reads are not waited for.
            _ = try await coordinator.read(["v"], after: Frontier([TopicPartition("gone", 0): 1]))
        }
    }

    @Test func epochsGoOnWhenTheLogRecovers() async throws {
        let log = MemoryLog()
        let view = Fixture.view("v", id: 2, of: table)
        try await Pipeline.with(log) { coordinator in
            try await Pipeline.deploy([table, view], to: coordinator)
            log.fail("_dataprism.epochs", with: LogError(.diskFull, "no space"), times: 3)
            let receipt = try await Pipeline.append(lines(0..<3), to: "t", of: coordinator)
            let read = try await coordinator.read(["v"], after: receipt.frontier)
            #expect(Pipeline.rows("v", in: read) == texts(0..<3))
            log.fail("t", with: LogError(.diskFull, "no space"), times: 1)
            let error = await #expect(throws: CoordinationError.self) {
                _ = try await Pipeline.append(lines(3..<4), to: "t", of: coordinator)
            }
            #expect(error?.code == .diskFull)
            let more = try await Pipeline.append(lines(4..<5), to: "t", of: coordinator)
            let after = try await coordinator.read(["v"], after: more.frontier)
            #expect(Pipeline.rows("v", in: after) == texts(0..<3) + texts(4..<5))
        }
    }

    @Test func aSecondCoordinatorStopsTheFirst() async throws {
        let log = MemoryLog()
        let view = Fixture.view("v", id: 2, of: table)
        let first = await #expect(throws: CoordinationError.self) {
            try await Pipeline.with(log) { coordinator in
                try await Pipeline.deploy([table, view], to: coordinator)
                try await Pipeline.with(log) { second in
                    let receipt = try await Pipeline.append(lines(0..<3), to: "t", of: second)
                    let read = try await second.read(["v"], after: receipt.frontier)
                    #expect(Pipeline.rows("v", in: read) == texts(0..<3))
                }
                _ = try await Pipeline.append(lines(3..<4), to: "t", of: coordinator)
            }
        }
        #expect(first?.code == .stopped)
    }

    @Test func trimmingWhatAViewNeedsIsRefusedByName() async throws {
        let view = Fixture.view("v", id: 2, of: table)
        try await Pipeline.with(MemoryLog()) { coordinator in
            try await Pipeline.deploy([table, view], to: coordinator)
            let error = await #expect(throws: CoordinationError.self) {
                try await coordinator.trim(topic: "t", partition: 0, below: 1)
            }
            #expect(error?.code == .refused)
            #expect(error?.message.contains("\"v\"") == true)
            try await Pipeline.drop(["v"], from: coordinator)
            try await coordinator.trim(topic: "t", partition: 0, below: 1)
        }
    }

    @Test func anIdleNodeBeginsNoEpochs() async throws {
        let view = Fixture.view("v", id: 2, of: table)
        try await Pipeline.with(MemoryLog()) { coordinator in
            try await Pipeline.deploy([table, view], to: coordinator)
            let before = await coordinator.status().epoch
            await #expect(throws: CoordinationError.self) {
                _ = try await coordinator.read(
                    ["v"], after: Frontier([TopicPartition("t", 0): 1]), timeout: .milliseconds(100))
            }
            #expect(await coordinator.status().epoch == before)
        }
    }
}

/// Epochs that are limited to less than what is there, over appends to several partitions at once.
@Suite(.timeLimit(.minutes(1))) struct AtomicFrontierTests {
    @Test func noEpochCutsAnAtomicAppend() async throws {
        let log = MemoryLog()
        let table = Fixture.table("t", id: 1, options: ["partitions": "3"])
        let view = Fixture.view("v", id: 2, of: table)
        try await Pipeline.with(log, configure: { $0.epochRecordsMax = 5 }) { coordinator in
            try await Pipeline.deploy([table, view], to: coordinator)
            let writer = try await log.openWriter("transfers")
            // Each append puts the same number of records into all three partitions, some of them more than an epoch takes.
            let count = 60
            for number in 0..<count {
                var records = RecordSet()
                for _ in 0..<(number % 8 + 1) { records.append(value: Array(#"{"k":\#(number),"v":"x"}"#.utf8)) }
                let appends = (0..<3).map { PartitionAppend(partition: TopicPartition("t", $0), records: records) }
                _ = try await writer.append(appends, idempotency: nil)
                let read = try await coordinator.read(["v"])
                for (text, copies) in Dictionary(grouping: Pipeline.rows("v", in: read), by: { $0 }) {
                    let key = Int(text.prefix { $0 != ":" }) ?? -1
                    #expect(copies.count == 3 * (key % 8 + 1), "\(text) at epoch \(read.epoch)")
                }
            }
            let total = Int64((0..<count).reduce(0) { $0 + $1 % 8 + 1 })
            let end = Frontier(Dictionary(uniqueKeysWithValues: (0..<3).map { (TopicPartition("t", $0), total) }))
            let read = try await coordinator.read(["v"], after: end)
            #expect(Pipeline.rows("v", in: read).count == Int(total) * 3)
        }
    }
}

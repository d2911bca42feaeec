import Actors
import Coordination
import Dataflow
import Foundation
import Log
import Simulation
import Testing

/// Virtual and stored sources end to end: what a sink counts must not depend on how the records come or how often the node restarts.
@Suite(.timeLimit(.minutes(1))) struct SourceTests {
    private func bids(_ id: Int, storage: String, count: Int, options: [String: String] = [:]) -> Deployment {
        var all = ["storage": storage, "count": "\(count)", "entity": "bid", "partitions": "3", "seed": "7"]
        all.merge(options) { $1 }
        let isVirtual = storage == "virtual"
        return Fixture.table(
            "bid", id: id, topic: "nexmark", connector: "generator", options: all,
            eventTime: TableSchema.EventTime(column: 5, lateness: 0, skew: nil), format: isVirtual ? .native : .json,
            columns: NexmarkGenerator.schemas["bid"] ?? [])
    }

    @Test(arguments: [1, 2, 4]) func aVirtualGeneratorGivesTheSameForAnyWorkers(workers: Int) async throws {
        let log = MemoryLog()
        let bid = bids(1, storage: "virtual", count: 20_000)
        let first = try await Pipeline.with(log, workers: workers, configure: { $0.epochRecordsMax = 1_500 }) {
            coordinator in
            try await Pipeline.deploy([bid, Fixture.sink("s", id: 2, of: bid)], to: coordinator)
            #expect(await coordinator.waitUntilDrained())
            return await coordinator.status()
        }
        let counters = first.sources["bid"]?.counters
        #expect(counters?.isBalanced == true)
        #expect(counters?.read == 20_000)
        #expect(counters?.applied == 18_400)
        #expect(first.sinks["s"]?.rows == 18_400)
        #expect(first.sources["bid"]?.watermark != nil)
        // The replay gives the same rows at the same epoch.
        let again = try await Pipeline.with(log, workers: workers) { await $0.status() }
        #expect(again.sinks["s"]?.rows == first.sinks["s"]?.rows)
        #expect(again.sinks["s"]?.checksum == first.sinks["s"]?.checksum)
        #expect(again.committedEpoch == first.committedEpoch)
        #expect(again.sources["bid"]?.watermark == first.sources["bid"]?.watermark)
        #expect(await Self.checksums.agree(first.sinks["s"]?.checksum))
    }

    private static let checksums = Agreement()

    /// Remembers the first value and compares the others with it.
    private actor Agreement {
        private var value: UInt64?

        func agree(_ other: UInt64?) -> Bool {
            if value == nil { value = other }
            return value == other
        }
    }

    @Test func aViewOnABusyGeneratorIsBuiltAside() async throws {
        let bid = bids(1, storage: "virtual", count: 30_000)
        try await Pipeline.with(MemoryLog(), configure: { $0.epochRecordsMax = 500 }) { coordinator in
            try await Pipeline.deploy([bid, Fixture.sink("s", id: 2, of: bid)], to: coordinator)
            try await Pipeline.deploy([Fixture.sink("t", id: 3, of: bid)], to: coordinator)
            #expect(await coordinator.waitUntilDrained())
            let status = await coordinator.status()
            #expect(status.sinks["s"] == status.sinks["t"])
            #expect(status.sinks["s"]?.rows == 27_600)
        }
    }

    @Test func oneGenerationFeedsAllTablesOfTheTopic() async throws {
        let options = ["storage": "virtual", "count": "10000", "seed": "3", "partitions": "2"]
        let tables = ["person", "auction", "bid"].enumerated().map { index, name in
            Fixture.table(
                name, id: index * 2 + 1, topic: "nexmark", connector: "generator", options: options, format: .native,
                columns: NexmarkGenerator.schemas[name] ?? [])
        }
        let sinks = tables.enumerated().map { index, table in
            Fixture.sink(table.relation.name + "_out", id: index * 2 + 2, of: table)
        }
        try await Pipeline.with(MemoryLog()) { coordinator in
            try await Pipeline.deploy(zip(tables, sinks).flatMap { [$0, $1] }, to: coordinator)
            #expect(await coordinator.waitUntilDrained())
            let status = await coordinator.status()
            #expect(["person_out", "auction_out", "bid_out"].map { status.sinks[$0]?.rows } == [200, 600, 9_200])
            #expect(status.sources["person"]?.counters.skipped == 9_800)
        }
    }

    @Test func aMisspeltOptionIsRefusedByName() async throws {
        try await Pipeline.with(MemoryLog()) { coordinator in
            let table = Fixture.table("t", id: 1, options: ["partition": "2"])
            let error = await #expect(throws: CoordinationError.self) {
                try await Pipeline.deploy([table], to: coordinator)
            }
            #expect(error?.message.contains("\"partition\"") == true)
        }
    }

    @Test func aRateEndsWhereTheClockIs() throws {
        let schema = TableSchema(
            name: "bid", topic: "bid", columns: [], format: .native, connector: "generator",
            options: ["storage": "virtual", "rate": "1000", "count": "2500", "partitions": "2"])
        let options = try GeneratorOptions(schema)
        #expect(options.events(created: 5_000_000, now: 5_000_000) == 0)
        #expect(options.events(created: 5_000_000, now: 5_999_999) == 999)
        #expect(options.events(created: 5_000_000, now: 4_000_000) == 0)
        #expect(options.events(created: 5_000_000, now: 500_000_000) == 2_500)
        #expect([0, 1].map { options.end(partition: $0, events: 999) } == [500, 499])
        #expect([0, 1].map { options.end(partition: $0, events: 0) } == [0, 0])
        // An event came to be at the first time at which there are so many.
        for (partition, offset, number) in [(0, 0, 0), (1, 0, 1), (0, 7, 14), (1, 1249, 2499)] as [(Int, Int64, Int64)]
        {
            let time = try #require(options.emitted(partition: partition, offset: offset, created: 5_000_000))
            #expect(options.events(created: 5_000_000, now: time) == number + 1)
            #expect(options.events(created: 5_000_000, now: time - 1) == number)
        }
        #expect(throws: OptionError.self) {
            _ = try GeneratorOptions(
                TableSchema(name: "bid", topic: "bid", columns: [], format: .native, connector: "generator"))
        }
    }

    @Test func aStoredGeneratorGoesOnExactlyAfterARestart() async throws {
        let log = MemoryLog()
        let bid = bids(1, storage: "stored", count: 30_000)
        // Dies somewhere in the middle, twice.
        try await Pipeline.with(log) { coordinator in
            try await Pipeline.deploy([bid], to: coordinator)
        }
        try await Pipeline.with(log) { coordinator in
            while await coordinator.status().connectors["bid"]?.records ?? 0 < 5_000, !Task.isCancelled {
                await Task.yield()
            }
        }
        try await Pipeline.with(log) { coordinator in #expect(await coordinator.waitUntilDrained()) }
        var lines: [String] = []
        for partition in 0..<3 {
            for batch in try await log.read(TopicPartition("nexmark", partition), from: 0, bytesMax: 1 << 30) {
                lines += batch.records.records.map { String(decoding: $0.value ?? [], as: UTF8.self) }
            }
        }
        #expect(lines.count == 27_600)
        // Events made at once: each line is one of them.
        let generator = NexmarkGenerator(try GeneratorOptions(schema(of: bid)).configuration)
        let names = (NexmarkGenerator.schemas["bid"] ?? []).map(\.name)
        var expected: [String] = []
        for partition in 0..<3 {
            guard let rows = generator.generate(partition: partition, from: 0, count: 10_000).bid else { continue }
            for row in 0..<rows.count {
                var text: [UInt8] = []
                JSONFormat.appendRow(names, Array(rows.columns.prefix(names.count)), row: row, to: &text)
                expected.append(String(decoding: text, as: UTF8.self))
            }
        }
        #expect(lines.sorted() == expected.sorted())
    }

    private func schema(of deployment: Deployment) throws -> TableSchema {
        guard case .table(let schema) = deployment.relation.kind else { throw CoordinationError(.refused, "no table") }
        return schema
    }

    // MARK: Files

    /// A directory that is removed afterwards.
    private func withDirectory(_ body: (String) async throws -> Void) async throws {
        let path = FileManager.default.temporaryDirectory.path + "/dataprism-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { do { try FileManager.default.removeItem(atPath: path) } catch { Issue.record("\(error)") } }
        try await body(path)
    }

    private func write(_ text: String, to path: String) throws {
        try Data(text.utf8).write(to: URL(filePath: path))
    }

    private func append(_ text: String, to path: String) throws {
        let handle = try FileHandle(forWritingTo: URL(filePath: path))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(text.utf8))
        try handle.close()
    }

    private func lines(_ range: Range<Int>) -> String {
        range.map { #"{"k":\#($0),"v":"x\#($0)"}"# + "\n" }.joined()
    }

    private func texts(_ range: Range<Int>) -> [String] { range.map { "\($0):x\($0)" }.sorted() }

    @Test(arguments: ["stored", "virtual"]) func filesAreReadOnceAndAgainAfterARestart(storage: String) async throws {
        try await withDirectory { directory in
            try write(lines(0..<50), to: directory + "/a.json")
            try write(lines(50..<80) + "\n\n" + #"{"k":80,"v":"x80"}"#, to: directory + "/b.json")
            let log = MemoryLog()
            let table = Fixture.table(
                "t", id: 1, connector: "file", options: ["path": directory + "/*.json", "storage": storage])
            let view = Fixture.view("v", id: 2, of: table)
            let expected = texts(0..<81)
            for attempt in 0..<2 {
                try await Pipeline.with(log, configure: { $0.epochRecordsMax = 9 }) { coordinator in
                    if attempt == 0 { try await Pipeline.deploy([table, view], to: coordinator) }
                    #expect(await coordinator.waitUntilDrained())
                    #expect(Pipeline.rows("v", in: try await coordinator.read(["v"])) == expected)
                }
            }
        }
    }

    @Test(arguments: ["stored", "virtual"]) func aFollowedFileGrows(storage: String) async throws {
        try await withDirectory { directory in
            let path = directory + "/a.json"
            try write(lines(0..<5) + #"{"k":5,"#, to: path)
            let log = MemoryLog()
            let table = Fixture.table(
                "t", id: 1, connector: "file",
                options: ["path": path, "storage": storage, "follow": "true", "partitions": "1"])
            let view = Fixture.view("v", id: 2, of: table)
            try await Pipeline.with(log) { coordinator in
                try await Pipeline.deploy([table, view], to: coordinator)
                try await Self.rows(5, of: coordinator)
                #expect(Pipeline.rows("v", in: try await coordinator.read(["v"])) == texts(0..<5))
                try append(#""v":"x5"}"# + "\n" + lines(6..<9), to: path)
                try await Self.rows(9, of: coordinator)
                #expect(Pipeline.rows("v", in: try await coordinator.read(["v"])) == texts(0..<9))
            }
            try append(lines(9..<12), to: path)
            try await Pipeline.with(log) { coordinator in
                try await Self.rows(12, of: coordinator)
                #expect(Pipeline.rows("v", in: try await coordinator.read(["v"])) == texts(0..<12))
            }
        }
    }

    /// Waits until the view has this many rows.
    private static func rows(_ count: Int, of coordinator: Coordinator) async throws {
        while true {
            let read = try await coordinator.read(["v"])
            if Pipeline.rows("v", in: read).count >= count { return }
            await Task.yield()
        }
    }

    /// The bug that this would catch: one changed file ends the run of everything.
    @Test func aFileChangedBeforeARestartStopsOnlyWhatReadsIt() async throws {
        try await withDirectory { directory in
            let path = directory + "/a.json"
            try write(lines(0..<50), to: path)
            let log = MemoryLog()
            let table = Fixture.table("t", id: 1, connector: "file", options: ["path": path, "storage": "virtual"])
            let other = Fixture.table("o", id: 10)
            let both = [table, Fixture.view("v", id: 2, of: table), other, Fixture.view("w", id: 11, of: other)]
            try await Pipeline.with(log) { coordinator in
                try await Pipeline.deploy(both, to: coordinator)
                #expect(await coordinator.waitUntilDrained())
                // What was read is recorded with the commit.
                #expect(Pipeline.rows("v", in: try await coordinator.read(["v"])) == texts(0..<50))
                let receipt = try await Pipeline.append([#"{"k":1,"v":"a"}"#], to: "o", of: coordinator)
                _ = try await coordinator.read(["w"], after: receipt.frontier)
            }
            for (text, reason) in [
                (lines(1..<51), "has changed: its first 50 records are not those read before"),
                (lines(0..<10), "has 10 records, 50 were read before"),
            ] {
                try write(text, to: path)
                try await Pipeline.with(log) { coordinator in
                    for name in ["v", "t.dead"] {
                        let refused = await #expect(throws: CoordinationError.self) {
                            try await coordinator.read([name])
                        }
                        #expect(refused?.code == .sourceFailed)
                        #expect(refused?.message.contains(reason) == true)
                    }
                    let status = await coordinator.status()
                    #expect(status.sources["t"]?.failure?.contains(reason) == true)
                    #expect(status.views["v"]?.failure?.contains(reason) == true)
                    #expect(status.sources["o"]?.failure == nil && status.views["w"]?.failure == nil)
                    // The other source goes on, over new epochs and with new views.
                    let receipt = try await Pipeline.append([#"{"k":2,"v":"b"}"#], to: "o", of: coordinator)
                    let read = try await coordinator.read(["w"], after: receipt.frontier)
                    #expect(Pipeline.rows("w", in: read).contains("2:b"))
                    #expect(read.stoppedTables.isEmpty)
                    let again = await #expect(throws: CoordinationError.self) {
                        try await Pipeline.deploy([Fixture.view("x", id: 30, of: table)], to: coordinator)
                    }
                    #expect(again?.code == .sourceFailed)
                }
            }
            // Dropped and created anew, the source reads the file as it is now.
            try await Pipeline.with(log) { coordinator in
                try await Pipeline.drop(["v", "t"], from: coordinator)
                let anew = Fixture.table("t", id: 40, connector: "file", options: ["path": path, "storage": "virtual"])
                try await Pipeline.deploy([anew, Fixture.view("v", id: 41, of: anew)], to: coordinator)
                #expect(await coordinator.waitUntilDrained())
                #expect(Pipeline.rows("v", in: try await coordinator.read(["v"])) == texts(0..<10))
            }
        }
    }

    @Test(arguments: ["truncated", "changed", "replaced", "gone"])
    func aFileChangedWhileItIsFollowedLeavesItsRows(how: String) async throws {
        try await withDirectory { directory in
            let path = directory + "/a.json"
            try write(lines(0..<5), to: path)
            let table = Fixture.table(
                "t", id: 1, connector: "file", options: ["path": path, "storage": "virtual", "follow": "true"])
            let other = Fixture.table("o", id: 10)
            let joined = Fixture.join("j", id: 20, table, other)
            try await Pipeline.with(MemoryLog()) { coordinator in
                try await Pipeline.deploy([table, Fixture.view("v", id: 2, of: table), other, joined], to: coordinator)
                try await Self.rows(5, of: coordinator)
                switch how {
                case "truncated": try write(lines(0..<4), to: path)
                case "changed": try write(lines(3..<9), to: path)
                case "replaced":
                    try write(lines(0..<9), to: path + ".new")
                    #expect(rename(path + ".new", path) == 0)
                default: try FileManager.default.removeItem(atPath: path)
                }
                while await coordinator.status().sources["t"]?.failure == nil, !Task.isCancelled { await Task.yield() }
                let reason = ["truncated": "has been truncated", "changed": "has", "replaced": "has been replaced"][how]
                #expect(await coordinator.status().sources["t"]?.failure?.contains(reason ?? "is gone") == true)
                let read = try await coordinator.read(["v"])
                #expect(Pipeline.rows("v", in: read) == texts(0..<5))
                #expect(read.stoppedTables == ["t"])
                let receipt = try await Pipeline.append([#"{"k":3,"v":"b"}"#], to: "o", of: coordinator)
                let after = try await coordinator.read(["j"], after: receipt.frontier)
                #expect(Pipeline.rows("j", in: after) == ["3:x3"])
                #expect(after.stoppedTables == ["t"])
                #expect(await coordinator.status().views["j"]?.stoppedTables == ["t"])
            }
        }
    }

    /// A file may change between the choice of a step's end and its reading: the step ends without it, and says so.
    @Test func aFileThatEndsBeforeAStepDoesLeavesTheOthersTheirRows() async throws {
        try await withDirectory { directory in
            let path = directory + "/a.json"
            try write(lines(0..<50), to: path)
            let log = MemoryLog()
            try await Self.store(#"{"k":1,"v":"a"}"#, in: log)
            let files = FileThread()
            try await Self.open(path, in: files)
            try write(lines(0..<20), to: path)
            let placement = Placement(generation: 1, members: [Placement.Member(name: "", workers: 2)])
            try await checkStep(WorkerPool(placement, member: 0, log: log, files: files, edgeBytesMax: 1 << 20))
        }
    }

    private static func store(_ line: String, in log: MemoryLog) async throws {
        try await log.createTopic("o", TopicConfiguration(partitions: 1))
        var records = RecordSet()
        records.append(value: Array(line.utf8))
        let writer = try await log.openWriter("w")
        let append = PartitionAppend(partition: TopicPartition("o", 0), records: records)
        _ = try await writer.append([append], idempotency: nil)
    }

    private static func open(_ path: String, in files: FileThread) async throws {
        let options = FileTopicOptions(
            files: [path], isCSV: false, hasHeader: false, isFollowed: false, appendTime: 0)
        try await files.open("t", options, expected: [:])
        let state = await files.scan("t")
        #expect(state.ends == [50])
    }

    private func checkStep(_ pool: WorkerPool) async throws {
        let tables = [
            Fixture.table("t", id: 1, connector: "file", options: ["path": "x", "storage": "virtual"]),
            Fixture.table("o", id: 10),
        ]
        let views = [Fixture.view("v", id: 2, of: tables[0]), Fixture.view("w", id: 11, of: tables[1])]
        var sources: [LaneSetup.Source] = []
        for table in tables {
            let schema = try schema(of: table)
            let node = OperatorID(schema.name == "t" ? 1 : 10)
            let setup = LaneSetup.Table(schema: schema, node: node, start: [:], keepsDeadLetters: true)
            sources.append(
                LaneSetup.Source(
                    topic: try TopicPlan(schema), name: schema.topic, partitionCount: 1, tables: [setup]))
        }
        await pool.openLane(.main)
        let setup = LaneSetup(nodes: (tables + views).flatMap(\.graph.nodes), sources: sources)
        let shards = try await pool.install(setup, into: .main)
        let reading = Task { await pool.service.run() }
        let result = await Self.step(of: pool)
        reading.cancel()
        let reports = try result.get()
        let failures = reports.map(\.failures).first { !$0.isEmpty } ?? [:]
        #expect(failures.keys.sorted() == [TopicPartition("t", 0)])
        let failure = try #require(failures[TopicPartition("t", 0)])
        #expect(failure.isShort)
        #expect(failure.message.contains("ends before record"))
        var rows = 0
        for shard in shards.compactMap({ $0.views["w"] }) {
            let deltas = await shard.rows(asOf: 1) ?? []
            rows += deltas.reduce(0) { $0 + $1.count }
        }
        #expect(rows == 1)
    }

    private static func step(of pool: WorkerPool) async -> Result<[StepReport], StepFailure> {
        let bounds = [
            TopicPartition("t", 0): SourceBound(end: 50, readAheadEnd: 50),
            TopicPartition("o", 0): SourceBound(end: 1, readAheadEnd: 1),
        ]
        do throws(StepFailure) {
            return .success(try await pool.run(StepPlan(lane: .main, step: 1, epoch: 1, bounds: bounds)))
        } catch {
            return .failure(error)
        }
    }

    @Test func linesOfCSVMayHoldLineEndsInQuotes() async throws {
        try await withDirectory { directory in
            let path = directory + "/a.csv"
            try write("k,v\r\n1,\"a\nb\"\r\n2,c\r\n\r\n3,\"d\"\"\n\"", to: path)
            let log = MemoryLog()
            let table = Fixture.table(
                "t", id: 1, connector: "file", options: ["path": path, "header": "true", "partitions": "1"],
                format: .csv)
            try await Pipeline.with(log) { coordinator in
                try await Pipeline.deploy([table], to: coordinator)
                #expect(await coordinator.waitUntilDrained())
            }
            let batches = try await log.read(TopicPartition("t", 0), from: 0, bytesMax: 1 << 20)
            let records = batches.flatMap { $0.records.records.map { String(decoding: $0.value ?? [], as: UTF8.self) } }
            #expect(records == ["1,\"a\nb\"", "2,c", "3,\"d\"\"\n\""])
        }
    }
}

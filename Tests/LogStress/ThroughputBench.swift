import CZstd
import Glibc
import Log

/// Durable append and checked read: 100-byte NDJSON records in batches of 1 000.
struct ThroughputBench {
    private static let batchRecords = 1000
    private static let distinctBatches = 500
    private static let topic = "bench"
    private let directory: String
    private let records: Int
    private let inFlight: Int

    init(_ arguments: Arguments) throws {
        directory = try arguments.word(2)
        records = try arguments.integer("records", 5_000_000)
        inFlight = try arguments.integer("in-flight", 16)
    }

    /// Lines of 100 bytes whose noise keeps zstd from doing better than 3:1.
    private static func batches(seed: UInt64) -> [RecordSet] {
        var random = StressRandom(seed: seed)
        let letters = Array("abcdefghijklmnopqrstuvwxyz012345".utf8)
        var id = 0
        return (0..<distinctBatches).map { _ in
            var set = RecordSet()
            for _ in 0..<batchRecords {
                id += 1
                let noise = random.next()
                var line = Array(
                    "{\"id\":\(10_000_000 + id),\"user\":\(10_000 + noise % 50_000),\"price\":\(100 + (noise >> 20) % 900).\(10 + (noise >> 40) % 90),\"note\":\""
                        .utf8)
                while line.count < 98 {
                    var bits = random.next()
                    for _ in 0..<12 where line.count < 98 {
                        line.append(letters[Int(bits & 31)])
                        bits >>= 5
                    }
                }
                line.append(contentsOf: Array("\"}".utf8))
                set.append(value: line)
            }
            return set
        }
    }

    /// How zstd's level 1 does on the batches: input bytes to output bytes.
    private static func ratio(_ batches: [RecordSet]) -> Double {
        var (input, output) = (0, 0)
        for batch in batches.prefix(50) {
            let bound = ZSTD_compressBound(batch.bytes.count)
            withUnsafeTemporaryAllocation(byteCount: bound, alignment: 8) { target in
                output += batch.bytes.withUnsafeBytes {
                    ZSTD_compress(target.baseAddress, bound, $0.baseAddress, $0.count, 1)
                }
            }
            input += batch.bytes.count
        }
        return Double(input) / Double(output)
    }

    func append() async throws {
        let batches = Self.batches(seed: 1)
        let log = try EmbeddedLog(directory: directory)
        try await log.createTopic(Self.topic, TopicConfiguration(partitions: 1))
        let writer = try await log.openWriter("bench")
        let appends = records / Self.batchRecords
        let (started, cpu, commits) = (seconds(), cpuSeconds(), log.commitCount)
        try await withThrowingTaskGroup(of: Void.self) { group in
            var sent = 0
            func send() {
                let batch = batches[sent % batches.count]
                sent += 1
                group.addTask {
                    _ = try await writer.append(
                        [PartitionAppend(partition: .init(Self.topic, 0), records: batch)], idempotency: nil)
                }
            }
            while sent < min(inFlight, appends) { send() }
            while try await group.next() != nil { if sent < appends { send() } }
        }
        let (took, used) = (seconds() - started, cpuSeconds() - cpu)
        let count = appends * Self.batchRecords
        say(
            "append records \(count) seconds \(rounded(took, 3)) records_per_second \(Int(Double(count) / took)) cpu_seconds \(rounded(used, 3)) "
                + "syncs \(log.commitCount - commits) in_flight \(inFlight) zstd_ratio \(rounded(Self.ratio(batches), 2))"
        )
        await log.close()
    }

    func read() async throws {
        let log = try EmbeddedLog(directory: directory)
        let place = TopicPartition(Self.topic, 0)
        let end = try await log.bounds([place])[place]?.end ?? 0
        let (started, cpu) = (seconds(), cpuSeconds())
        // Two readers, each with a half: as two workers read two partitions.
        let counts = try await withThrowingTaskGroup(of: (Int, Int).self) { group in
            for half in 0..<2 {
                let (from, to) = (end * Int64(half) / 2, end * Int64(half + 1) / 2)
                group.addTask {
                    var (offset, count, bytes) = (from, 0, 0)
                    while offset < to {
                        for batch in try await log.read(place, from: offset, bytesMax: 1 << 20) where offset < to {
                            count += batch.records.count
                            bytes += batch.records.bytes.count
                            offset = batch.firstOffset + Int64(batch.records.count)
                        }
                    }
                    return (count, bytes)
                }
            }
            return try await group.reduce(into: (0, 0)) { $0 = ($0.0 + $1.0, $0.1 + $1.1) }
        }
        let (took, used) = (seconds() - started, cpuSeconds() - cpu)
        say(
            "read records \(counts.0) bytes \(counts.1) seconds \(rounded(took, 3)) records_per_second \(Int(Double(counts.0) / took)) cpu_seconds \(rounded(used, 3))"
        )
        await log.close()
    }
}

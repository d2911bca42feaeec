import Glibc
import Log
import Synchronization

/// An append of the stress: its records are a function of its number.
///
/// The first record is the magic, the number (8 bytes, little-endian, XOR the mask, so that none of its bytes repeat) and so much noise that the batch's bytes are not worth coding:
/// zstd leaves them as they are, and the shim of chaos/sync-shim finds the number in what is written to the write-ahead log.
enum StressRecords {
    static let topic = "stress"
    static let magic: [UInt8] = [0xD7, 0x1A, 0xC9, 0x5E, 0x83, 0xF0, 0x3B, 0x96]

    static let mask: UInt64 = 0x9E37_79B9_7F4A_7C15

    static func make(_ number: Int) -> RecordSet {
        var random = StressRandom(seed: UInt64(number))
        var set = RecordSet()
        var first = magic
        withUnsafeBytes(of: (UInt64(number) ^ mask).littleEndian) { first.append(contentsOf: $0) }
        for _ in 0..<100 { withUnsafeBytes(of: random.next()) { first.append(contentsOf: $0) } }
        set.append(value: first)
        for _ in 0..<Int(random.next() % 4) {
            var value: [UInt8] = []
            withUnsafeBytes(of: random.next()) { value.append(contentsOf: $0) }
            set.append(value: value)
        }
        return set
    }

    static func number(of value: [UInt8]) -> Int? {
        guard value.starts(with: magic), value.count >= 16 else { return nil }
        return value.withUnsafeBytes {
            Int(truncatingIfNeeded: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self) ^ mask)
        }
    }
}

/// Appends until it is killed or has done its number, and says `ack NUMBER PARTITION OFFSET` after each append that returned.
struct StressAppend {
    private let directory: String
    private let first: Int
    private let appends: Int
    private let inFlight: Int
    private let partitions: Int
    private let options: EmbeddedLogOptions

    init(_ arguments: Arguments) throws {
        directory = try arguments.word(1)
        first = try arguments.integer("first", 0)
        appends = try arguments.integer("appends", .max - first)
        inFlight = try arguments.integer("in-flight", 8)
        partitions = try arguments.integer("partitions", 3)
        options = EmbeddedLogOptions(synchronous: try arguments.synchronous())
    }

    func run() async throws {
        let log = try EmbeddedLog(directory: directory, options: options)
        try await log.createTopic(StressRecords.topic, TopicConfiguration(partitions: partitions))
        let next = NextNumber(first, end: first + appends)
        let partitions = partitions
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<inFlight {
                let writer = try await log.openWriter("stress-\(task)")
                group.addTask {
                    while let number = next.take() {
                        let partition = TopicPartition(StressRecords.topic, number % partitions)
                        let result = try await writer.append(
                            [PartitionAppend(partition: partition, records: StressRecords.make(number))],
                            idempotency: nil)
                        say("ack \(number) \(partition.partition) \(result.firstOffsets[0])")
                    }
                }
            }
            try await group.waitForAll()
        }
        await log.close()
    }
}

private final class NextNumber: Sendable {
    private let number: Atomic<Int>
    private let end: Int

    init(_ first: Int, end: Int) {
        number = Atomic(first)
        self.end = end
    }

    func take() -> Int? {
        let taken = number.add(1, ordering: .relaxed).oldValue
        return taken < end ? taken : nil
    }
}

/// Reads the whole log and compares it with the acknowledgements on standard input: each append is where it was acknowledged, whole,
/// and none is there twice. Says `stored N acknowledged N lost N twice N highest N`; ends with 2 if any was lost or is there twice.
struct StressVerify {
    let directory: String

    func run() async throws {
        let log = try EmbeddedLog(directory: directory)
        var places: [Int: (partition: Int, offset: Int64)] = [:]
        var twice = 0
        for topic in try await log.topics() where topic.name == StressRecords.topic {
            for partition in 0..<topic.configuration.partitions {
                var offset: Int64 = 0
                let place = TopicPartition(topic.name, partition)
                while true {
                    let batches = try await log.read(place, from: offset, bytesMax: 1 << 20)
                    if batches.isEmpty { break }
                    for batch in batches {
                        guard let number = batch.records.records.first?.value.flatMap(StressRecords.number) else {
                            throw StressFailure("\(place) offset \(batch.firstOffset): not an append of the stress")
                        }
                        guard batch.records == StressRecords.make(number) else {
                            throw StressFailure("\(place) offset \(batch.firstOffset): append \(number) is not whole")
                        }
                        if places.updateValue((partition, batch.firstOffset), forKey: number) != nil { twice += 1 }
                        offset = batch.firstOffset + Int64(batch.records.count)
                    }
                }
            }
        }
        await log.close()
        var (acknowledged, lost) = (0, 0)
        while let line = readLine() {
            let fields = line.split(separator: " ")
            // The last line may be cut off by the kill.
            guard fields.count == 4, fields[0] == "ack", let number = Int(fields[1]), let partition = Int(fields[2]),
                let offset = Int64(fields[3])
            else { continue }
            acknowledged += 1
            guard let place = places[number], place == (partition, offset) else {
                lost += 1
                continue
            }
        }
        let highest = places.keys.max() ?? -1
        say("stored \(places.count) acknowledged \(acknowledged) lost \(lost) twice \(twice) highest \(highest)")
        if lost + twice > 0 { exit(2) }
    }
}

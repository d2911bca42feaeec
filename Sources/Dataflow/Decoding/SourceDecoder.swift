/// Decodes and judges the records of one partition for one table: what it makes of a record is a function of the records before it.
///
/// Each record is judged once, in this order: is it small enough (``recordBytesMax``); do all declared columns decode; is its event time no further ahead of its append time than
/// the allowed skew; is it no later than the allowed lateness behind the highest event time accepted before it in the partition.
/// Only accepted records raise that highest time. What is refused becomes a dead letter. Neither bound applies to tombstones, nor
/// lateness to upsert tables.
package final class SourceDecoder {
    private let schema: TableSchema
    private let partition: Int
    private let parser: any RecordParser
    /// The highest event time accepted so far, in microseconds since 1970.
    package private(set) var highestEventTime: Int64?
    /// The records' numbers in the batch, of the rows that the parser made.
    private var numbers: [Int32] = []
    private var tombstones: [Bool] = []

    /// A dead letter's copy of its record is cut after so many bytes.
    package static let deadRecordBytesMax = 4096
    /// Bytes of a record at most.
    package static let recordBytesMax = 1 << 20

    package init(schema: TableSchema, partition: Int) {
        self.schema = schema
        self.partition = partition
        switch schema.format {
        case .json, .native: parser = JSONRecordParser(schema)
        case .csv: parser = CSVRecordParser(schema)
        }
    }

    package func decode(_ records: RawRecords) -> SourceBatch {
        let dead = DeadLetters(schema.name, partition, records)
        parser.begin()
        numbers.removeAll(keepingCapacity: true)
        tombstones.removeAll(keepingCapacity: true)
        let total = Self.byteCount(records)
        var position = 0
        var hasTombstones = false
        for index in 0..<records.count {
            let keyLength = Int(records.lengths.load(fromByteOffset: index &* 8, as: Int32.self))
            let valueLength = Int(records.lengths.load(fromByteOffset: index &* 8 &+ 4, as: Int32.self))
            let keyStart = position
            position += max(keyLength, 0)
            let valueStart = position
            position += max(valueLength, 0)
            let isTombstone = valueLength < 0 && !schema.primaryKey.isEmpty && keyLength >= 0
            let start = isTombstone ? keyStart : valueStart
            let record = UnsafeRawBufferPointer(
                start: records.bytes + start, count: max(isTombstone ? keyLength : valueLength, 0))
            guard record.count <= Self.recordBytesMax else {
                dead.add(
                    index, .tooLarge, "the record has \(record.count) bytes; the limit is \(Self.recordBytesMax)",
                    record)
                continue
            }
            let problem =
                valueLength < 0 && !isTombstone
                ? "the record has no value" : parser.add(record, readable: total - start, isTombstone: isTombstone)
            if let problem {
                dead.add(index, .malformed, problem, record)
            } else {
                numbers.append(Int32(index))
                tombstones.append(isTombstone)
                hasTombstones = hasTombstones || isTombstone
            }
        }
        var columns = parser.finish()
        let parsed = numbers.count
        let malformed = records.count - parsed
        let kept = judge(columns, records, dead)
        addMetadata(records, &columns)
        var rows = Delta(columns: columns, count: parsed)
        if hasTombstones {
            rows.weights = Column(type: .bigint, count: parsed) { (out: UnsafeMutableBufferPointer<Int64>) in
                for row in 0..<parsed { out[row] = tombstones[row] ? -1 : 1 }
            }
        }
        if let kept { rows = kept.withUnsafeBufferPointer { rows.gather($0) } }
        return SourceBatch(
            rows: rows, dead: dead.finish(), read: records.count, applied: rows.count, late: dead.late,
            skewed: dead.skewed,
            malformed: malformed + dead.withoutEventTime, skipped: 0)
    }

    private static func byteCount(_ records: RawRecords) -> Int {
        var total = 0
        for index in 0..<2 * records.count {
            total += Int(max(records.lengths.load(fromByteOffset: index &* 4, as: Int32.self), 0))
        }
        return total
    }

    /// The rows accepted, or nil for all.
    private func judge(_ columns: [Column], _ records: RawRecords, _ dead: DeadLetters) -> [Int32]? {
        guard let eventTime = schema.eventTime else { return nil }
        let times = columns[eventTime.column]
        let isUpsert = !schema.primaryKey.isEmpty
        var newest = Int64.max
        if let skew = eventTime.skew {
            let (sum, overflow) = records.appendTime.addingReportingOverflow(skew)
            newest = overflow ? .max : sum
        }
        var highest = highestEventTime ?? .min
        var refused: Set<Int32> = []
        times.withValues(as: Int64.self) { values in
            for row in 0..<times.count {
                if tombstones[row] { continue }
                if times.isNull(row) {
                    refuse(row, .malformed, "the event time is null", records, dead)
                    dead.noteWithoutEventTime()
                    refused.insert(Int32(row))
                    continue
                }
                let time = values[row]
                if time > newest {
                    refuse(
                        row, .skew, "the event time is more than the allowed skew ahead of the append time", records,
                        dead)
                    refused.insert(Int32(row))
                    continue
                }
                let (limit, overflow) = highest.subtractingReportingOverflow(eventTime.lateness)
                if !isUpsert, !overflow, time < limit {
                    refuse(
                        row, .late, "the event time is more than the allowed lateness behind its partition", records,
                        dead)
                    refused.insert(Int32(row))
                    continue
                }
                if time > highest { highest = time }
            }
        }
        if highest != .min { highestEventTime = highest }
        guard !refused.isEmpty else { return nil }
        return (0..<Int32(times.count)).filter { !refused.contains($0) }
    }

    private func refuse(
        _ row: Int, _ reason: DeadLetters.Reason, _ message: String, _ records: RawRecords, _ dead: DeadLetters
    ) {
        let index = Int(numbers[row])
        var position = 0
        for before in 0..<2 * index + 1 {
            position += Int(max(records.lengths.load(fromByteOffset: before * 4, as: Int32.self), 0))
        }
        let length = Int(max(records.lengths.load(fromByteOffset: index * 8 + 4, as: Int32.self), 0))
        dead.add(index, reason, message, UnsafeRawBufferPointer(start: records.bytes + position, count: length))
    }

    private func addMetadata(_ records: RawRecords, _ columns: inout [Column]) {
        let count = numbers.count
        columns.append(
            Column(type: .integer, count: count) { (out: UnsafeMutableBufferPointer<Int32>) in
                for row in 0..<count { out[row] = Int32(partition) }
            })
        columns.append(
            Column(type: .bigint, count: count) { (out: UnsafeMutableBufferPointer<Int64>) in
                for row in 0..<count { out[row] = records.firstOffset + Int64(numbers[row]) }
            })
        columns.append(
            Column(type: .timestamp, count: count) { (out: UnsafeMutableBufferPointer<Int64>) in
                for row in 0..<count { out[row] = records.appendTime }
            })
    }
}

/// The refused records of a batch, as rows of ``TableSchema/deadLetterColumns``.
private final class DeadLetters {
    enum Reason: String {
        case malformed, skew, late
        case tooLarge = "too_large"
    }

    private let source: String
    private let partition: Int
    private let records: RawRecords
    private var builders: [ColumnBuilder] = []
    private var count = 0
    private(set) var late = 0
    private(set) var skewed = 0
    /// Records that decoded, but have no event time.
    private(set) var withoutEventTime = 0

    init(_ source: String, _ partition: Int, _ records: RawRecords) {
        self.source = source
        self.partition = partition
        self.records = records
    }

    func add(_ index: Int, _ reason: Reason, _ message: String, _ record: UnsafeRawBufferPointer) {
        if builders.isEmpty { builders = TableSchema.deadLetterColumns.map { ColumnBuilder(type: $0.type) } }
        builders[0].append(Int32(partition))
        builders[1].append(records.firstOffset + Int64(index))
        builders[2].append(records.appendTime)
        builders[3].append(source)
        builders[4].append(reason.rawValue)
        builders[5].append(message)
        builders[6].append(String(decoding: record.prefix(SourceDecoder.deadRecordBytesMax), as: UTF8.self))
        count += 1
        switch reason {
        case .malformed, .tooLarge: break
        case .skew: skewed += 1
        case .late: late += 1
        }
    }

    func noteWithoutEventTime() { withoutEventTime += 1 }

    func finish() -> Delta {
        if builders.isEmpty { builders = TableSchema.deadLetterColumns.map { ColumnBuilder(type: $0.type) } }
        return Delta(columns: builders.map { $0.finish() }, count: count)
    }
}

package import Dataflow
package import Log

/// Which partition of an upsert table's topic a record belongs to: its key's, so that the order of a key is its offsets.
///
/// The key is read from the record as the table reads it, a tombstone's from its key bytes, so values that SQL calls equal
/// stay together. Records without a readable key will be dead letters; they go to partition 0. Part of the format: XXH3 of the
/// key's encoding, modulo the number of partitions.
package final class KeyPlacement {
    private let decoder: SourceDecoder
    private let encoder: KeyEncoder
    /// The key's columns among those decoded, and where the record's number is.
    private let keys: [Int]
    private let offsetColumn: Int
    private let partitionCount: Int

    package init(_ schema: TableSchema, partitionCount: Int) {
        precondition(!schema.primaryKey.isEmpty, "table \(schema.name) has no key")
        var reduced = schema
        reduced.eventTime = nil
        if schema.format == .csv {
            keys = schema.primaryKey
        } else {
            // Of JSON only the key is looked for.
            reduced.columns = schema.primaryKey.map { schema.columns[$0] }
            reduced.primaryKey = Array(0..<schema.primaryKey.count)
            keys = reduced.primaryKey
        }
        self.partitionCount = partitionCount
        offsetColumn = reduced.columns.count + 1
        encoder = KeyEncoder(types: keys.map { reduced.columns[$0].type }, equality: .sql)
        decoder = SourceDecoder(schema: reduced, partition: 0)
    }

    /// Per record its partition.
    package func partitions(of records: RecordSet) -> [Int] {
        var partitions = Array(repeating: 0, count: records.count)
        guard partitionCount > 1, records.count > 0 else { return partitions }
        let batch = records.lengths.withUnsafeBytes { lengths in
            records.bytes.withUnsafeBytes { bytes -> SourceBatch? in
                guard let lengthBase = lengths.baseAddress else { return nil }
                return decoder.decode(
                    RawRecords(
                        bytes: bytes.baseAddress ?? lengthBase, lengths: lengthBase, count: records.count,
                        firstOffset: 0,
                        appendTime: 0))
            }
        }
        guard let rows = batch?.rows, rows.count > 0 else { return partitions }
        let encoded = encoder.encode(keys.map { rows.columns[$0] }, count: rows.count)
        rows.columns[offsetColumn].withValues(as: Int64.self) { numbers in
            for row in 0..<rows.count {
                partitions[Int(numbers[row])] = Int(encoded.hash(at: row) % UInt64(partitionCount))
            }
        }
        return partitions
    }

    /// The records of each partition, in their order, and per record the index of its set.
    package func place(_ records: RecordSet) -> PlacedRecords {
        PlacedRecords(records, partitions: partitions(of: records))
    }
}

/// Records sorted by partition.
package struct PlacedRecords: Sendable {
    package private(set) var partitions: [Int] = []
    package private(set) var sets: [RecordSet] = []
    /// Per record the index of its partition and set above.
    package private(set) var slots: [UInt16] = []

    /// All in one partition.
    package init(_ records: RecordSet, partition: Int) {
        partitions = [partition]
        sets = [records]
        slots = Array(repeating: 0, count: records.count)
    }

    init(_ records: RecordSet, partitions: [Int]) {
        var slotOf: [Int: UInt16] = [:]
        slots.reserveCapacity(records.count)
        records.bytes.withUnsafeBytes { bytes in
            var position = 0
            for (index, lengths) in records.lengths.enumerated() {
                let key = Self.slice(bytes, lengths.key, &position)
                let value = Self.slice(bytes, lengths.value, &position)
                let slot = slotOf[partitions[index]] ?? UInt16(self.partitions.count)
                if Int(slot) == self.partitions.count {
                    slotOf[partitions[index]] = slot
                    self.partitions.append(partitions[index])
                    sets.append(RecordSet())
                }
                sets[Int(slot)].append(key: key, value: value)
                slots.append(slot)
            }
        }
    }

    private static func slice(
        _ bytes: UnsafeRawBufferPointer, _ length: Int32, _ position: inout Int
    ) -> UnsafeRawBufferPointer? {
        guard length >= 0 else { return nil }
        defer { position += Int(length) }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<position + Int(length)])
    }
}

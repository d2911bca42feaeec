package import Log

/// What an append answers: where each record is.
package struct AppendReceipt: Sendable, Equatable {
    /// Per record of the request, in its order.
    package var locations: [Location]
    /// Covers all of the records.
    package var frontier: Frontier
    /// An earlier request with the same idempotency key made the append.
    package var isRepeated: Bool

    package struct Location: Sendable, Hashable, BitwiseCopyable {
        package var partition: Int
        package var offset: Int64

        package init(partition: Int, offset: Int64) {
            self.partition = partition
            self.offset = offset
        }
    }

    package init(topic: String, locations: [Location], isRepeated: Bool = false) {
        self.locations = locations
        self.isRepeated = isRepeated
        var ends: [TopicPartition: Int64] = [:]
        for location in locations {
            let partition = TopicPartition(topic, location.partition)
            ends[partition] = max(ends[partition] ?? 0, location.offset + 1)
        }
        frontier = Frontier(ends)
    }
}

/// The stored form of an append's answer: per partition its number and first offset, then, if there is more than one, each
/// record's place in that list; integers as varints of seven bits, lowest first. A format: version byte 1.
enum AppendAnswer {
    static func encode(partitions: [Int], firstOffsets: [Int64], counts: [Int], slots: [UInt16]) -> [UInt8] {
        var bytes: [UInt8] = [1]
        append(UInt64(partitions.count), to: &bytes)
        for index in partitions.indices {
            append(UInt64(partitions[index]), to: &bytes)
            append(UInt64(firstOffsets[index]), to: &bytes)
            append(UInt64(counts[index]), to: &bytes)
        }
        if partitions.count > 1 {
            for slot in slots { append(UInt64(slot), to: &bytes) }
        }
        return bytes
    }

    /// The records' locations; nil if the bytes are no answer.
    static func decode(_ bytes: [UInt8]) -> [AppendReceipt.Location]? {
        var rest = bytes[...]
        guard rest.popFirst() == 1, let partitionCount = read(&rest), partitionCount <= 65_536 else { return nil }
        var partitions: [Int] = []
        var next: [Int64] = []
        var total = 0
        for _ in 0..<partitionCount {
            guard let partition = read(&rest), let offset = read(&rest), let count = read(&rest) else { return nil }
            partitions.append(Int(truncatingIfNeeded: partition))
            next.append(Int64(truncatingIfNeeded: offset))
            let (sum, overflow) = total.addingReportingOverflow(Int(truncatingIfNeeded: count))
            guard !overflow, sum >= 0, sum <= 1 << 32 else { return nil }
            total = sum
        }
        var locations: [AppendReceipt.Location] = []
        for _ in 0..<total {
            var slot = 0
            if partitions.count > 1 {
                guard let value = read(&rest), value < UInt64(partitions.count) else { return nil }
                slot = Int(value)
            }
            locations.append(AppendReceipt.Location(partition: partitions[slot], offset: next[slot]))
            next[slot] += 1
        }
        return locations
    }

    private static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        var value = value
        while value >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        bytes.append(UInt8(value))
    }

    private static func read(_ bytes: inout ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while let byte = bytes.popFirst() {
            guard shift < 63 else { return nil }
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
            shift += 7
        }
        return nil
    }
}

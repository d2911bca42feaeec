/// Records in memory, packed: keys and values one after another in one buffer.
///
/// A record has an optional key and an optional value; one without a value is a tombstone.
package struct RecordSet: Sendable, Equatable {
    /// Keys and values, in order: key 0, value 0, key 1, value 1, …
    package private(set) var bytes: [UInt8] = []
    /// Per record the length of its key and of its value in bytes; −1 stands for none.
    package private(set) var lengths: [Lengths] = []

    package struct Lengths: Sendable, Equatable, BitwiseCopyable {
        package var key: Int32
        package var value: Int32

        package init(key: Int32, value: Int32) {
            self.key = key
            self.value = value
        }
    }

    package init() {}

    /// Takes over packed records whose lengths sum to `bytes.count`.
    package init(bytes: [UInt8], lengths: [Lengths]) {
        self.bytes = bytes
        self.lengths = lengths
    }

    package var count: Int { lengths.count }

    package mutating func append(key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?) {
        if let key { bytes.append(contentsOf: key) }
        if let value { bytes.append(contentsOf: value) }
        lengths.append(Lengths(key: key.map { Int32($0.count) } ?? -1, value: value.map { Int32($0.count) } ?? -1))
    }

    package mutating func append(key: [UInt8]? = nil, value: [UInt8]?) {
        if let key { bytes.append(contentsOf: key) }
        if let value { bytes.append(contentsOf: value) }
        lengths.append(Lengths(key: key.map { Int32($0.count) } ?? -1, value: value.map { Int32($0.count) } ?? -1))
    }

    /// Each record as (key, value), copied: for tests and small sets.
    package var records: [(key: [UInt8]?, value: [UInt8]?)] {
        var position = 0
        return lengths.map { length in
            var key: [UInt8]?
            var value: [UInt8]?
            if length.key >= 0 {
                key = Array(bytes[position..<position + Int(length.key)])
                position += Int(length.key)
            }
            if length.value >= 0 {
                value = Array(bytes[position..<position + Int(length.value)])
                position += Int(length.value)
            }
            return (key, value)
        }
    }
}

/// Stored records of one partition with consecutive offsets.
package struct RecordBatch: Sendable, Equatable {
    package var firstOffset: Int64
    /// Microseconds since 1970, of all records of the batch.
    package var appendTime: Int64
    package var records: RecordSet

    package init(firstOffset: Int64, appendTime: Int64, records: RecordSet) {
        self.firstOffset = firstOffset
        self.appendTime = appendTime
        self.records = records
    }
}

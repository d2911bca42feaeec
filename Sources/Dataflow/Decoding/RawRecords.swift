/// Consecutive records of one partition as they lie in memory: key 0, value 0, key 1, value 1, …, without anything between.
///
/// Borrowed: valid while the one who lends it says.
package struct RawRecords {
    package var bytes: UnsafeRawPointer
    /// Per record two `Int32`: the key's length and the value's, −1 for none.
    package var lengths: UnsafeRawPointer
    package var count: Int
    package var firstOffset: Int64
    /// Microseconds since 1970, of all of them.
    package var appendTime: Int64

    package init(bytes: UnsafeRawPointer, lengths: UnsafeRawPointer, count: Int, firstOffset: Int64, appendTime: Int64)
    {
        self.bytes = bytes
        self.lengths = lengths
        self.count = count
        self.firstOffset = firstOffset
        self.appendTime = appendTime
    }
}

/// What a table makes of a batch of records. read = applied + late + skewed + malformed + skipped.
package struct SourceBatch: Sendable {
    /// The accepted records: declared columns, then `_partition`, `_offset`, `_append_time`. Weights only if there are tombstones.
    package var rows: Delta
    /// The refused ones, as ``TableSchema/deadLetterColumns``.
    package var dead: Delta
    package var read = 0
    package var applied = 0
    package var late = 0
    package var skewed = 0
    package var malformed = 0
    /// Records that are not this table's.
    package var skipped = 0
}

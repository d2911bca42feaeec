/// What became of a source's records (invariant B1): `read = applied + late + skewed + malformed + skipped`.
package struct SourceCounters: Hashable, Sendable, Codable {
    package var read: Int64 = 0
    package var applied: Int64 = 0
    /// Refused because they are late; dead letters.
    package var late: Int64 = 0
    /// Refused because their event time is too far ahead of their append time; dead letters.
    package var skewed: Int64 = 0
    /// Refused because a declared column does not decode; dead letters.
    package var malformed: Int64 = 0
    /// Not for this table, such as watermark records or events of another kind.
    package var skipped: Int64 = 0

    package init() {}

    package var isBalanced: Bool { read == applied + late + skewed + malformed + skipped }

    package static func += (first: inout SourceCounters, second: SourceCounters) {
        first.read += second.read
        first.applied += second.applied
        first.late += second.late
        first.skewed += second.skewed
        first.malformed += second.malformed
        first.skipped += second.skipped
    }
}

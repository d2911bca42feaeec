/// Counts durations in fixed buckets, each about 19 % wider than the one before (four to a doubling), from 1 µs to over an hour.
package struct LatencyHistogram: Sendable, Hashable, Codable {
    package private(set) var counts: [Int64] = Array(repeating: 0, count: Self.bucketCount)
    package private(set) var count: Int64 = 0
    /// Microseconds, of all together.
    package private(set) var sum: Int64 = 0

    private static let bucketCount = 132
    /// A day; what takes longer counts as that.
    private static let valueMax: Int64 = 86_400_000_000

    package init() {}

    package mutating func record(_ microseconds: Int64) {
        let value = min(max(1, microseconds), Self.valueMax)
        counts[min(Self.bucket(value), Self.bucketCount - 1)] += 1
        count += 1
        sum += value
    }

    /// The bucket's number: four for each power of two.
    private static func bucket(_ value: Int64) -> Int {
        let power = 63 - value.leadingZeroBitCount
        let quarter = power >= 2 ? Int((value >> Int64(power - 2)) & 3) : Int((value << Int64(2 - power)) & 3)
        return power * 4 + quarter
    }

    /// The largest value of a bucket, in microseconds.
    package static func upperBound(_ bucket: Int) -> Int64 {
        let power = bucket / 4
        let quarter = Int64(bucket % 4)
        let step = power >= 2 ? Int64(1) << Int64(power - 2) : 1
        return max(Int64(1) << Int64(power), (Int64(1) << Int64(power)) + (quarter + 1) * step - 1)
    }

    /// The upper bound in microseconds of the bucket that holds the quantile; nil without values.
    package func quantile(_ fraction: Double) -> Int64? {
        guard count > 0 else { return nil }
        let rank = Int64((Double(count) * fraction).rounded(.up))
        var seen: Int64 = 0
        for (bucket, value) in counts.enumerated() {
            seen += value
            if seen >= max(1, rank) { return Self.upperBound(bucket) }
        }
        return Self.upperBound(Self.bucketCount - 1)
    }
}

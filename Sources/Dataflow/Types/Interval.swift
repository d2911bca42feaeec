/// A value of SQL's `interval`: months, days and microseconds, kept apart as PostgreSQL does.
package struct Interval: Hashable, Sendable, BitwiseCopyable, Codable {
    package var months: Int32
    package var days: Int32
    package var microseconds: Int64

    package init(months: Int32 = 0, days: Int32 = 0, microseconds: Int64 = 0) {
        self.months = months
        self.days = days
        self.microseconds = microseconds
    }
}

/// Constants of SQL's `timestamp`, which is an `Int64` of microseconds since 1970-01-01 00:00:00.
package enum Timestamp {
    package static let infinity = Int64.max
    package static let negativeInfinity = Int64.min
    package static let microsecondsPerSecond: Int64 = 1_000_000
    package static let microsecondsPerDay: Int64 = 86_400_000_000
}

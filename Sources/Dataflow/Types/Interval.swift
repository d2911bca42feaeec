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

/// Constants of SQL's `timestamp` and `timestamptz`, which are an `Int64` of microseconds since 1970-01-01 00:00:00.
package enum Timestamp {
    package static let infinity = Int64.max
    package static let negativeInfinity = Int64.min
    package static let microsecondsPerSecond: Int64 = 1_000_000
    package static let microsecondsPerDay: Int64 = 86_400_000_000
    /// 2000-01-01 00:00:00, PostgreSQL's zero.
    package static let year2000: Int64 = 946_684_800_000_000
}

/// Constants of SQL's `date`, which is an `Int32` of days since 1970-01-01.
package enum DateValue {
    package static let infinity = Int32.max
    package static let negativeInfinity = Int32.min
    /// 4714-11-24 BC, day 0 of the Julian calendar.
    package static let earliest = Int32(Calendar.days(year: -4713, month: 11, day: 24))
    /// 5874897-12-31.
    package static let latest: Int32 = 2_145_042_905

    @inline(__always)
    package static func isFinite(_ date: Int32) -> Bool { date != infinity && date != negativeInfinity }
}

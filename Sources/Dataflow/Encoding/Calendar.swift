/// The proleptic Gregorian calendar over days and microseconds since 1970-01-01
/// (H. Hinnant, "chrono-compatible low-level date algorithms").
package enum Calendar {
    package struct Fields: Equatable, Sendable {
        package var year: Int
        /// 1 … 12.
        package var month: Int
        /// 1 … 31.
        package var day: Int
        /// 0 ..< 86 400 000 000.
        package var microsecondsOfDay: Int64

        package init(year: Int, month: Int, day: Int, microsecondsOfDay: Int64 = 0) {
            self.year = year
            self.month = month
            self.day = day
            self.microsecondsOfDay = microsecondsOfDay
        }
    }

    /// Days since 1970-01-01 of a date; month 1 … 12.
    package static func days(year: Int, month: Int, day: Int) -> Int {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    package static func date(days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    package static func fields(_ timestamp: Int64) -> Fields {
        var days = timestamp / Timestamp.microsecondsPerDay
        var rest = timestamp % Timestamp.microsecondsPerDay
        if rest < 0 {
            rest += Timestamp.microsecondsPerDay
            days -= 1
        }
        let (year, month, day) = date(days: Int(days))
        return Fields(year: year, month: month, day: day, microsecondsOfDay: rest)
    }

    /// The timestamp of the fields; nil if it is out of range.
    package static func timestamp(_ fields: Fields) -> Int64? {
        guard fields.year >= -4713, fields.year <= 294_276 else { return nil }
        let days = Int64(days(year: fields.year, month: fields.month, day: fields.day))
        let (product, overflow) = days.multipliedReportingOverflow(by: Timestamp.microsecondsPerDay)
        let (sum, overflowToo) = product.addingReportingOverflow(fields.microsecondsOfDay)
        return overflow || overflowToo || sum < earliest || sum == Timestamp.infinity ? nil : sum
    }

    package static func daysInMonth(year: Int, month: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// The first timestamp: 4714-11-24 BC, day 0 of the Julian calendar, as PostgreSQL's. The last is the one before
    /// infinity, in the year 294247.
    static let earliest = Int64(days(year: -4713, month: 11, day: 24)) * Timestamp.microsecondsPerDay

    @inline(__always)
    static func isFinite(_ timestamp: Int64) -> Bool {
        timestamp != Timestamp.infinity && timestamp != Timestamp.negativeInfinity
    }

    /// Adds an interval as PostgreSQL does: months (clamped to the month's end), then days, then microseconds; nil if
    /// the sum, or one on the way, is out of range. Infinite times stay.
    @inline(__always)
    package static func add(_ interval: Interval, to timestamp: Int64) -> Int64? {
        guard isFinite(timestamp) else { return timestamp }
        var result = timestamp
        if interval.months != 0 {
            guard let moved = add(months: interval.months, to: timestamp) else { return nil }
            result = moved
        }
        if interval.days != 0 {
            let (days, overflow) = Int64(interval.days).multipliedReportingOverflow(by: Timestamp.microsecondsPerDay)
            let (sum, overflowToo) = result.addingReportingOverflow(days)
            guard !overflow, !overflowToo, sum >= earliest, sum < Timestamp.infinity else { return nil }
            result = sum
        }
        let (sum, overflow) = result.addingReportingOverflow(interval.microseconds)
        return !overflow && sum >= earliest && sum < Timestamp.infinity ? sum : nil
    }

    private static func add(months: Int32, to timestamp: Int64) -> Int64? {
        var fields = fields(timestamp)
        let total = fields.year * 12 + fields.month - 1 + Int(months)
        fields.year = total >= 0 ? total / 12 : -((-total + 11) / 12)
        fields.month = total - fields.year * 12 + 1
        fields.day = min(fields.day, daysInMonth(year: fields.year, month: fields.month))
        return Calendar.timestamp(fields)
    }
}

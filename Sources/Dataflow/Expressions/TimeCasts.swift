/// Casts among dates, times, timestamps and intervals. The session's time zone is UTC.
enum TimeCasts {
    static let all: [ScalarFunction] = [
        Kernels.rowUnary("cast_timestamp", .date, .timestamp, "Midnight of the day.") {
            (a: Int32) throws(RowFailure) -> Int64 in try midnight(a)
        },
        Kernels.rowUnary("cast_timestamptz", .date, .timestamptz, "Midnight of the day, in UTC.") {
            (a: Int32) throws(RowFailure) -> Int64 in try midnight(a)
        },
        Kernels.unary("cast_timestamptz", .timestamp, .timestamptz, "The instant, in UTC.") { (a: Int64) -> Int64 in a
        },
        Kernels.unary("cast_timestamp", .timestamptz, .timestamp, "Its date and time in UTC.") {
            (a: Int64) -> Int64 in a
        },
        Kernels.unary("cast_date", .timestamp, .date, "The day.") { (a: Int64) -> Int32 in day(a) },
        Kernels.unary("cast_date", .timestamptz, .date, "The day in UTC.") { (a: Int64) -> Int32 in day(a) },
        time(.timestamp), time(.timestamptz),
        Kernels.unary("cast_interval", .time, .interval, "The time since midnight.") { (a: Int64) -> Interval in
            Interval(microseconds: a)
        },
        Kernels.unary("cast_time", .interval, .time, "The time of the day, without the days.") {
            (a: Interval) -> Int64 in clock(a.microseconds)
        },
    ]

    private static func midnight(_ date: Int32) throws(RowFailure) -> Int64 {
        if date == DateValue.infinity { return Timestamp.infinity }
        if date == DateValue.negativeInfinity { return Timestamp.negativeInfinity }
        let (value, overflow) = Int64(date).multipliedReportingOverflow(by: Timestamp.microsecondsPerDay)
        guard !overflow else { throw RowFailure("22008", "date out of range for timestamp") }
        return value
    }

    @inline(__always)
    private static func day(_ timestamp: Int64) -> Int32 {
        if timestamp == Timestamp.infinity { return DateValue.infinity }
        if timestamp == Timestamp.negativeInfinity { return DateValue.negativeInfinity }
        return Int32(truncatingIfNeeded: (timestamp &- clock(timestamp)) / Timestamp.microsecondsPerDay)
    }

    /// The microseconds since midnight, also before 1970.
    @inline(__always)
    private static func clock(_ timestamp: Int64) -> Int64 {
        let rest = timestamp % Timestamp.microsecondsPerDay
        return rest < 0 ? rest + Timestamp.microsecondsPerDay : rest
    }

    /// An infinite timestamp has no time: NULL.
    private static func time(_ type: DataType) -> ScalarFunction {
        ScalarFunction("cast_time", [type], .time, "The time of the day.") { arguments, count, _, _ in
            arguments[0].withValues(as: Int64.self) { values in
                var hasInfinity = false
                let column = Column(type: .time, count: count) { (out: UnsafeMutableBufferPointer<Int64>) in
                    for row in 0..<count {
                        out[row] = clock(values[row])
                        if !Calendar.isFinite(values[row]) { hasInfinity = true }
                    }
                }
                guard hasInfinity else { return column }
                return column.masked(by: Validity(count: count) { Calendar.isFinite(values[$0]) })
            }
        }
    }
}

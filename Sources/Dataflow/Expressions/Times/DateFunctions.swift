/// Arithmetic of dates, times of day and timestamps with time zone.
enum DateFunctions {
    static let all: [ScalarFunction] = dates + clocks + zoned

    // MARK: dates

    private static let dates: [ScalarFunction] =
        [
            Kernels.rowBinary("+", .date, .integer, .date, "The date so many days later.") {
                (a: Int32, b: Int32) throws(RowFailure) -> Int32 in try later(a, Int(b))
            },
            Kernels.rowBinary("+", .integer, .date, .date, "The date so many days later.") {
                (a: Int32, b: Int32) throws(RowFailure) -> Int32 in try later(b, Int(a))
            },
            Kernels.rowBinary("-", .date, .integer, .date, "The date so many days earlier.") {
                (a: Int32, b: Int32) throws(RowFailure) -> Int32 in try later(a, -Int(b))
            },
            Kernels.rowBinary("-", .date, .date, .integer, "The days between.") {
                (a: Int32, b: Int32) throws(RowFailure) -> Int32 in
                guard DateValue.isFinite(a), DateValue.isFinite(b) else {
                    throw RowFailure("22008", "cannot subtract infinite dates")
                }
                return a &- b
            },
            Kernels.rowBinary("+", .date, .interval, .timestamp, "The time later by the interval than midnight.") {
                (a: Int32, b: Interval) throws(RowFailure) -> Int64 in try TimeFunctions.plus(try midnight(a), b)
            },
            Kernels.rowBinary("+", .interval, .date, .timestamp, "The time later by the interval than midnight.") {
                (a: Interval, b: Int32) throws(RowFailure) -> Int64 in try TimeFunctions.plus(try midnight(b), a)
            },
            Kernels.rowBinary("-", .date, .interval, .timestamp, "The time earlier by the interval than midnight.") {
                (a: Int32, b: Interval) throws(RowFailure) -> Int64 in try TimeFunctions.minus(try midnight(a), b)
            },
        ] + moments("+", .date, .time, isDateFirst: true) + moments("+", .time, .date, isDateFirst: false)

    private static func later(_ date: Int32, _ days: Int) throws(RowFailure) -> Int32 {
        guard DateValue.isFinite(date) else { return date }
        let sum = Int(date) + days
        guard sum >= Int(DateValue.earliest), sum <= Int(DateValue.latest) else {
            throw RowFailure("22008", "date out of range")
        }
        return Int32(sum)
    }

    static func midnight(_ date: Int32) throws(RowFailure) -> Int64 {
        if date == DateValue.infinity { return Timestamp.infinity }
        if date == DateValue.negativeInfinity { return Timestamp.negativeInfinity }
        let (value, overflow) = Int64(date).multipliedReportingOverflow(by: Timestamp.microsecondsPerDay)
        // One microsecond less than infinity is the last.
        guard !overflow, value < Timestamp.infinity else {
            throw RowFailure("22008", "date out of range for timestamp")
        }
        return value
    }

    private static func moments(
        _ name: String, _ first: DataType, _ second: DataType, isDateFirst: Bool
    ) -> [ScalarFunction] {
        [
            RowKernels.value(name, [first, second], .timestamp, "The date at the time.") {
                (row) throws(RowFailure) -> Int64? in
                let start = try midnight(row.value(isDateFirst ? 0 : 1, as: Int32.self))
                guard Calendar.isFinite(start) else { return start }
                let (sum, overflow) = start.addingReportingOverflow(row.bigint(isDateFirst ? 1 : 0))
                guard !overflow, sum < Timestamp.infinity else { throw .timestampRange }
                return sum
            }
        ]
    }

    // MARK: times of day

    private static let clocks: [ScalarFunction] = [
        Kernels.binary("+", .time, .interval, .time, "The time of day later by the interval's time.") {
            (a: Int64, b: Interval) -> Int64 in add(b.microseconds, toClock: a)
        },
        Kernels.binary("+", .interval, .time, .time, "The time of day later by the interval's time.") {
            (a: Interval, b: Int64) -> Int64 in add(a.microseconds, toClock: b)
        },
        Kernels.binary("-", .time, .interval, .time, "The time of day earlier by the interval's time.") {
            (a: Int64, b: Interval) -> Int64 in
            add(-(b.microseconds % Timestamp.microsecondsPerDay), toClock: a)
        },
        Kernels.binary("-", .time, .time, .interval, "The time between.") { (a: Int64, b: Int64) -> Interval in
            Interval(microseconds: a &- b)
        },
    ]

    /// Around midnight; 24:00 comes out as 00:00.
    @inline(__always)
    static func add(_ microseconds: Int64, toClock clock: Int64) -> Int64 {
        let sum = (clock &+ microseconds % Timestamp.microsecondsPerDay) % Timestamp.microsecondsPerDay
        return sum < 0 ? sum + Timestamp.microsecondsPerDay : sum
    }

    // MARK: timestamps with time zone

    private static let zoned: [ScalarFunction] = [
        Kernels.rowBinary(
            "+", .timestamptz, .interval, .timestamptz, "The time later by the interval, by UTC's calendar."
        ) {
            (a: Int64, b: Interval) throws(RowFailure) -> Int64 in try TimeFunctions.plus(a, b)
        },
        Kernels.rowBinary(
            "+", .interval, .timestamptz, .timestamptz, "The time later by the interval, by UTC's calendar."
        ) {
            (a: Interval, b: Int64) throws(RowFailure) -> Int64 in try TimeFunctions.plus(b, a)
        },
        Kernels.rowBinary(
            "-", .timestamptz, .interval, .timestamptz, "The time earlier by the interval, by UTC's calendar."
        ) {
            (a: Int64, b: Interval) throws(RowFailure) -> Int64 in try TimeFunctions.minus(a, b)
        },
        Kernels.rowBinary("-", .timestamptz, .timestamptz, .interval, "The days and time between.") {
            (a: Int64, b: Int64) throws(RowFailure) -> Interval in try TimeFunctions.difference(a, b)
        },
    ]
}

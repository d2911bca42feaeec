/// Arithmetic of timestamps and intervals, and windows.
enum TimeFunctions {
    static let all: [ScalarFunction] = arithmetic + factors + windows + TimeFields.all

    // MARK: arithmetic

    private static let arithmetic: [ScalarFunction] = [
        Kernels.rowBinary("+", .timestamp, .interval, .timestamp, "The time later by the interval.") {
            (a: Int64, b: Interval) throws(RowFailure) -> Int64 in try plus(a, b)
        },
        Kernels.rowBinary("+", .interval, .timestamp, .timestamp, "The time later by the interval.") {
            (a: Interval, b: Int64) throws(RowFailure) -> Int64 in try plus(b, a)
        },
        Kernels.rowBinary("-", .timestamp, .interval, .timestamp, "The time earlier by the interval.") {
            (a: Int64, b: Interval) throws(RowFailure) -> Int64 in
            try minus(a, b)
        },
        Kernels.rowBinary("-", .timestamp, .timestamp, .interval, "The days and time between.") {
            (a: Int64, b: Int64) throws(RowFailure) -> Interval in
            try difference(a, b)
        },
        Kernels.rowBinary("+", .interval, .interval, .interval, "Sum, field by field.") {
            (a: Interval, b: Interval) throws(RowFailure) -> Interval in
            let (months, first) = a.months.addingReportingOverflow(b.months)
            let (days, second) = a.days.addingReportingOverflow(b.days)
            let (microseconds, third) = a.microseconds.addingReportingOverflow(b.microseconds)
            if first || second || third { throw .intervalRange }
            return Interval(months: months, days: days, microseconds: microseconds)
        },
        Kernels.rowBinary("-", .interval, .interval, .interval, "Difference, field by field.") {
            (a: Interval, b: Interval) throws(RowFailure) -> Interval in
            let (months, first) = a.months.subtractingReportingOverflow(b.months)
            let (days, second) = a.days.subtractingReportingOverflow(b.days)
            let (microseconds, third) = a.microseconds.subtractingReportingOverflow(b.microseconds)
            if first || second || third { throw .intervalRange }
            return Interval(months: months, days: days, microseconds: microseconds)
        },
        Kernels.rowUnary("-", .interval, .interval, "Negation.") { (a: Interval) throws(RowFailure) -> Interval in
            try negated(a)
        },
    ]

    static func minus(_ time: Int64, _ interval: Interval) throws(RowFailure) -> Int64 {
        if !Calendar.isFinite(time) { return time }
        // Any time less the least interval is out of range.
        guard interval.days != .min, interval.months != .min, interval.microseconds != .min else {
            throw .timestampRange
        }
        return try plus(time, try negated(interval))
    }

    static func difference(_ a: Int64, _ b: Int64) throws(RowFailure) -> Interval {
        guard Calendar.isFinite(a), Calendar.isFinite(b) else {
            throw RowFailure("22008", "cannot subtract infinite timestamps")
        }
        let (difference, overflow) = a.subtractingReportingOverflow(b)
        if overflow { throw .intervalRange }
        let day = Timestamp.microsecondsPerDay
        return Interval(days: Int32(truncatingIfNeeded: difference / day), microseconds: difference % day)
    }

    @inline(__always)
    static func plus(_ time: Int64, _ interval: Interval) throws(RowFailure) -> Int64 {
        guard let result = Calendar.add(interval, to: time) else { throw .timestampRange }
        return result
    }

    private static func negated(_ value: Interval) throws(RowFailure) -> Interval {
        guard value.months != .min, value.days != .min, value.microseconds != .min else { throw .intervalRange }
        return Interval(months: -value.months, days: -value.days, microseconds: -value.microseconds)
    }

    // MARK: factors

    private static let factors: [ScalarFunction] = [
        Kernels.rowBinary("*", .interval, .double, .interval, "The interval so many times.") {
            (a: Interval, b: Double) throws(RowFailure) -> Interval in try scaled(a) { $0 * b }
        },
        Kernels.rowBinary("*", .double, .interval, .interval, "The interval so many times.") {
            (a: Double, b: Interval) throws(RowFailure) -> Interval in try scaled(b) { $0 * a }
        },
        Kernels.rowBinary("/", .interval, .double, .interval, "The interval divided.") {
            (a: Interval, b: Double) throws(RowFailure) -> Interval in
            if b == 0 { throw .divisionByZero }
            return try scaled(a) { $0 / b }
        },
    ]

    /// Each field by itself; fractions of months spill into days (30 a month), fractions of days into microseconds
    /// (the steps and roundings of PostgreSQL's interval_mul).
    private static func scaled(_ value: Interval, _ scale: (Double) -> Double) throws(RowFailure) -> Interval {
        func rounded(_ value: Double) -> Double { (value * 1e6).rounded(.toNearestOrEven) / 1e6 }
        func whole(_ value: Double) throws(RowFailure) -> Int32 {
            guard let whole = Int32(exactly: value.rounded(.towardZero)) else { throw .intervalRange }
            return whole
        }
        let (exactMonths, exactDays) = (scale(Double(value.months)), scale(Double(value.days)))
        let months = try whole(exactMonths)
        var days = try whole(exactDays)
        let monthDays = rounded((exactMonths - Double(months)) * 30)
        let wholeMonthDays = try whole(monthDays)
        var seconds = rounded((exactDays - Double(days) + monthDays - Double(wholeMonthDays)) * 86_400)
        if seconds.magnitude >= 86_400 {
            let more = (seconds / 86_400).rounded(.towardZero)
            days = try whole(Double(days) + more)
            seconds -= more * 86_400
        }
        let microseconds = (scale(Double(value.microseconds)) + seconds * 1e6).rounded(.toNearestOrEven)
        guard microseconds >= -0x1p63, microseconds < 0x1p63 else { throw .intervalRange }
        return Interval(
            months: months, days: try whole(Double(days) + Double(wholeMonthDays)), microseconds: Int64(microseconds))
    }

    /// The interval so many times, nil out of range.
    static func scaled(_ value: Interval, by factor: Double) -> Interval? {
        do throws(RowFailure) { return try scaled(value) { $0 * factor } } catch { return nil }
    }

    // MARK: windows

    private static let windows: [ScalarFunction] = [DataType.timestamp, .timestamptz].flatMap { type in
        [
            window(
                "tumble_start", type,
                "The start of the tumbling window; windows begin at multiples of the size since 1970-01-01 00:00 (UTC).",
                atEnd: false),
            window("tumble_end", type, "The end of the tumbling window: its start plus the size.", atEnd: true),
        ]
    }

    private static func window(_ name: String, _ type: DataType, _ documentation: String, atEnd: Bool)
        -> ScalarFunction
    {
        ScalarFunction(name, [type, .interval], type, documentation) { arguments, count, validity, errors in
            arguments[0].withValues(as: Int64.self) { times in
                arguments[1].withValues(as: Interval.self) { sizes in
                    Kernels.rows(type, count, validity, &errors) { i throws(RowFailure) -> Int64 in
                        guard sizes[i].months == 0, let step = Int64(exactly: sizes[i].span), step > 0 else {
                            throw RowFailure("22023", "a window's size must be positive and without months")
                        }
                        if !Calendar.isFinite(times[i]) { return times[i] }
                        let start = TimeFields.floorToMultiple(times[i], step)
                        guard let end = Calendar.add(Interval(microseconds: step), to: start) else {
                            throw .timestampRange
                        }
                        return atEnd ? end : start
                    }
                }
            }
        }
    }
}

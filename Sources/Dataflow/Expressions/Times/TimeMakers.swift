import Glibc

/// Times from parts (make_…), bins, ages, overlaps and justified intervals.
enum TimeMakers {
    static let all: [ScalarFunction] =
        makers + bins(.timestamp) + bins(.timestamptz) + ages(.timestamp) + ages(.timestamptz) + overlaps(.timestamp)
        + overlaps(.timestamptz)
        + overlaps(.time) { (time, length) in DateFunctions.add(length.microseconds, toClock: time) }
        + [
            Kernels.unary("isfinite", .timestamp, .boolean, "Whether the time is not infinite.") {
                (a: Int64) -> UInt8 in
                Calendar.isFinite(a) ? 1 : 0
            },
            Kernels.unary("isfinite", .timestamptz, .boolean, "Whether the time is not infinite.") {
                (a: Int64) -> UInt8 in Calendar.isFinite(a) ? 1 : 0
            },
            Kernels.unary("isfinite", .date, .boolean, "Whether the date is not infinite.") { (a: Int32) -> UInt8 in
                DateValue.isFinite(a) ? 1 : 0
            },
            Kernels.unary("isfinite", .interval, .boolean, "True: an interval is finite.") { (_: Interval) -> UInt8 in 1
            },
            Kernels.rowUnary(
                "justify_interval", .interval, .interval,
                "Each 24 hours become a day, each 30 days a month, of one sign."
            ) { (a: Interval) throws(RowFailure) -> Interval in try justified(a) },
        ]

    // MARK: parts

    private static let makers: [ScalarFunction] = [
        RowKernels.value(
            "make_timestamp", [.integer, .integer, .integer, .integer, .integer, .double], .timestamp,
            "The time of year (negative: BC), month, day, hour, minute and seconds."
        ) { (row) throws(RowFailure) -> Int64? in try timestamp(row) },
        RowKernels.value(
            "make_timestamptz", [.integer, .integer, .integer, .integer, .integer, .double], .timestamptz,
            "The time in UTC of year (negative: BC), month, day, hour, minute and seconds."
        ) { (row) throws(RowFailure) -> Int64? in try timestamp(row) },
        RowKernels.value(
            "make_timestamptz", [.integer, .integer, .integer, .integer, .integer, .double, .text], .timestamptz,
            "The time of year (negative: BC), month, day, hour, minute and seconds in a time zone.",
            state: { TimeZoneReader() }
        ) { (row, zones) throws(RowFailure) -> Int64? in
            let local = try timestamp(row)
            let time =
                if let displacement = try displacement(row.text(6)) {
                    TimeZone.moved(local, by: -displacement)
                } else {
                    try zones.zone(row.text(6)).instant(local)
                }
            guard let time else { throw .timestampRange }
            return time
        },
        RowKernels.value(
            "make_date", [.integer, .integer, .integer], .date, "The date of year (negative: BC), month and day."
        ) { (row) throws(RowFailure) -> Int32? in
            Int32(try days(row.integer(0), row.integer(1), row.integer(2), isDate: true))
        },
        RowKernels.value(
            "make_time", [.integer, .integer, .double], .time, "The time of hour, minute and seconds."
        ) { (row) throws(RowFailure) -> Int64? in try clock(row.integer(0), row.integer(1), row.double(2)) },
        RowKernels.value(
            "make_interval", [.integer, .integer, .integer, .integer, .integer, .integer, .double], .interval,
            "The interval of years, months, weeks, days, hours, mins and secs, each 0 if it is left out."
        ) { (row) throws(RowFailure) -> Interval? in try interval(row) },
    ]

    /// Seconds east of Greenwich of `+hh[:mm[:ss]]` or `+hhmm`; nil if the text is not of this form, and so a name.
    private static func displacement(_ text: TextKernels.Bytes) throws(RowFailure) -> Int? {
        func failure(_ what: String) -> RowFailure {
            RowFailure("22023", "\(what): \"\(String(decoding: text.prefix(200), as: UTF8.self))\"")
        }
        if let first = text.first, TemplateNode.isDigit(first) {
            throw failure("a numeric time zone begins with + or -")
        }
        guard let sign = text.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") else { return nil }
        var parts: [Int] = []
        for part in text.dropFirst().split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false) {
            guard !part.isEmpty, part.count <= 9, part.allSatisfy({ TemplateNode.isDigit($0) }) else { return nil }
            parts.append(part.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) })
        }
        if parts.count == 1, text.count > 3 { parts = [parts[0] / 100, parts[0] % 100] }
        guard parts.count <= 3 else { return nil }
        guard parts[0] <= 15, parts.dropFirst().allSatisfy({ $0 < 60 }) else {
            throw failure("numeric time zone out of range")
        }
        let seconds = parts.reversed().enumerated().reduce(0) { sum, part in
            sum + part.element * [[3600], [60, 3600], [1, 60, 3600]][parts.count - 1][part.offset]
        }
        return sign == UInt8(ascii: "-") ? -seconds : seconds
    }

    /// The parts of a date as messages show them.
    private static func shown(_ year: Int, _ month: Int, _ day: Int) -> String {
        "\(year)-\(twoDigits(month))-\(twoDigits(day))"
    }

    private static func twoDigits(_ value: Int) -> String { value >= 0 && value < 10 ? "0\(value)" : String(value) }

    /// Days since 1970 of a date, whose year is negative before Christ.
    static func days(_ year: Int, _ month: Int, _ day: Int, isDate: Bool = false) throws(RowFailure) -> Int {
        let counted = year < 0 ? year + 1 : year
        guard year != 0, month >= 1, month <= 12, day >= 1, day <= Calendar.daysInMonth(year: counted, month: month)
        else {
            // make_date shows the year as it counts it.
            throw RowFailure(
                "22008", "date field value out of range: \(shown(isDate ? counted : year, month, day))")
        }
        // The Julian days that PostgreSQL's calendar has.
        guard counted > -4713 || counted == -4713 && month >= 11, counted < 5_874_898 else {
            throw RowFailure("22008", "date out of range: \(shown(year, month, day))")
        }
        return Calendar.days(year: counted, month: month, day: day)
    }

    /// Microseconds of the day.
    static func clock(_ hour: Int, _ minute: Int, _ seconds: Double) throws(RowFailure) -> Int64 {
        let rest = (seconds * 1e6).rounded(.toNearestOrEven)
        let whole = Int64((hour * 60 + minute) * 60) * 1_000_000
        guard hour >= 0, hour <= 24, minute >= 0, minute < 60, rest >= 0, rest <= 60e6,
            whole + Int64(rest) <= Timestamp.microsecondsPerDay
        else {
            throw RowFailure("22008", "time field value out of range: \(hour):\(twoDigits(minute)):\(general(seconds))")
        }
        return whole + Int64(rest)
    }

    /// C's `%02g`.
    private static func general(_ value: Double) -> String {
        if !value.isFinite { return value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity" }
        return formatted(value)
    }

    private static func formatted(_ value: Double) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
            _ = withVaList([value]) { vsnprintf(buffer.baseAddress, 64, "%02g", $0) }
            // SAFETY of the unwrap: an allocation has an address.
            return String(cString: UnsafePointer(buffer.baseAddress.unsafelyUnwrapped))
        }
    }

    static func timestamp(_ row: ArgumentRow) throws(RowFailure) -> Int64 {
        let (year, month, day) = (row.integer(0), row.integer(1), row.integer(2))
        let days = try days(year, month, day)
        let clock = try clock(row.integer(3), row.integer(4), row.double(5))
        let (product, overflow) = Int64(days).multipliedReportingOverflow(by: Timestamp.microsecondsPerDay)
        let (sum, overflowToo) = product.addingReportingOverflow(clock)
        guard !overflow, !overflowToo, sum >= Calendar.earliest, sum != Timestamp.infinity else {
            let time = "\(row.integer(3)):\(twoDigits(row.integer(4))):\(general(row.double(5)))"
            throw RowFailure("22008", "timestamp out of range: \(shown(year, month, day)) \(time)")
        }
        return sum
    }

    private static func interval(_ row: ArgumentRow) throws(RowFailure) -> Interval {
        let seconds = (row.double(6) * 1e6).rounded(.toNearestOrEven)
        guard seconds.isFinite, let months = Int32(exactly: row.integer(0) * 12 + row.integer(1)),
            let days = Int32(exactly: row.integer(2) * 7 + row.integer(3)), seconds.magnitude < 0x1p63
        else { throw .intervalRange }
        let clock = Int64(row.integer(4)) * 3_600_000_000 + Int64(row.integer(5)) * 60_000_000
        let (sum, overflow) = clock.addingReportingOverflow(Int64(seconds))
        if overflow { throw .intervalRange }
        return Interval(months: months, days: days, microseconds: sum)
    }

    // MARK: bins and ages

    static func bins(_ type: DataType) -> [ScalarFunction] {
        [
            RowKernels.value(
                "date_bin", [.interval, type, type], type,
                "The start of the bin that the time lies in: bins of one length, counted from an origin."
            ) { (row) throws(RowFailure) -> Int64? in
                let (stride, time, origin) = (row.interval(0), row.bigint(1), row.bigint(2))
                if !Calendar.isFinite(time) { return time }
                if !Calendar.isFinite(origin) { throw RowFailure("22008", "origin out of range") }
                if stride.months != 0 {
                    throw RowFailure(
                        "0A000", "timestamps cannot be binned into intervals containing months or years")
                }
                guard let step = Int64(exactly: stride.span) else { throw .intervalRange }
                if step <= 0 { throw RowFailure("22008", "stride must be greater than zero") }
                let (difference, overflow) = time.subtractingReportingOverflow(origin)
                if overflow { throw .intervalRange }
                let remainder = difference % step
                let start = origin + (difference - remainder)
                guard remainder < 0 else { return start }
                let (before, overflowToo) = start.subtractingReportingOverflow(step)
                guard !overflowToo, before >= Calendar.earliest else { throw .timestampRange }
                return before
            }
        ]
    }

    static func ages(_ type: DataType) -> [ScalarFunction] {
        [
            Kernels.rowBinary(
                "age", type, type, .interval, "The years, months, days and time between, by the calendar."
            ) {
                (a: Int64, b: Int64) throws(RowFailure) -> Interval in try age(a, b)
            }
        ]
    }

    private static func age(_ a: Int64, _ b: Int64) throws(RowFailure) -> Interval {
        guard Calendar.isFinite(a), Calendar.isFinite(b) else { throw .timestampRange }
        let (later, earlier) =
            a >= b ? (Calendar.fields(a), Calendar.fields(b)) : (Calendar.fields(b), Calendar.fields(a))
        var clock = later.microsecondsOfDay - earlier.microsecondsOfDay
        var days = later.day - earlier.day
        var months = later.month - earlier.month
        var years = later.year - earlier.year
        if clock < 0 {
            clock += Timestamp.microsecondsPerDay
            days -= 1
        }
        while days < 0 {
            // Of the month in which the earlier one lies.
            days += Calendar.daysInMonth(year: earlier.year, month: earlier.month)
            months -= 1
        }
        while months < 0 {
            months += 12
            years -= 1
        }
        let sign = a >= b ? 1 : -1
        return Interval(
            months: Int32(sign * (years * 12 + months)), days: Int32(sign * days), microseconds: Int64(sign) * clock)
    }

    // MARK: overlaps

    /// Two periods, each of a start and an end or length; an end may be before the start, or NULL.
    static func overlaps(
        _ type: DataType,
        plus: @escaping @Sendable (Int64, Interval) throws(RowFailure) -> Int64 = { (time, length) throws(RowFailure) in
            guard let end = Calendar.add(length, to: time) else { throw .timestampRange }
            return end
        }
    ) -> [ScalarFunction] {
        [
            [type, type, type, type], [type, .interval, type, .interval], [type, type, type, .interval],
            [type, .interval, type, type],
        ]
        .map { types in
            RowKernels.predicate(
                "overlaps", types, isStrict: false,
                "Whether two periods have a time in common; the ends are not part of them."
            ) { (row) throws(RowFailure) -> Bool? in
                func end(_ start: Int) throws(RowFailure) -> Int64? {
                    if row.isNull(start + 1) { return nil }
                    if types[start + 1] != .interval { return row.bigint(start + 1) }
                    return row.isNull(start) ? nil : try plus(row.bigint(start), row.interval(start + 1))
                }
                let first = ordered(row.isNull(0) ? nil : row.bigint(0), try end(0))
                let second = ordered(row.isNull(2) ? nil : row.bigint(2), try end(2))
                guard let first, let second else { return nil }
                return meet(first, second)
            }
        }
    }

    private static func ordered(_ start: Int64?, _ end: Int64?) -> (start: Int64, end: Int64?)? {
        guard let start else { return end.map { ($0, nil) } }
        guard let end else { return (start, nil) }
        return start > end ? (end, start) : (start, end)
    }

    private static func meet(_ first: (start: Int64, end: Int64?), _ second: (start: Int64, end: Int64?)) -> Bool? {
        if first.start < second.start { return meet(second, first) }
        if first.start == second.start { return first.end == nil || second.end == nil ? nil : true }
        guard let end = second.end else { return nil }
        if first.start < end { return true }
        return first.end == nil ? nil : false
    }

    // MARK: justified intervals

    private static func justified(_ value: Interval) throws(RowFailure) -> Interval {
        let day = Timestamp.microsecondsPerDay
        var clock = value.microseconds % day
        var days = Int64(value.days) + value.microseconds / day
        var months = Int64(value.months) + days / 30
        days %= 30
        if months > 0, days < 0 || days == 0 && clock < 0 {
            days += 30
            months -= 1
        } else if months < 0, days > 0 || days == 0 && clock > 0 {
            days -= 30
            months += 1
        }
        if days > 0, clock < 0 {
            clock += day
            days -= 1
        } else if days < 0, clock > 0 {
            clock -= day
            days += 1
        }
        guard let months = Int32(exactly: months) else { throw .intervalRange }
        return Interval(months: months, days: Int32(days), microseconds: clock)
    }
}

/// Functions of timestamps and intervals.
enum TimeFunctions {
    static let all: [ScalarFunction] =
        arithmetic + fields("extract", .numeric) + fields("date_part", .double) + truncation + windows + [toChar]

    // MARK: arithmetic

    private static let arithmetic: [ScalarFunction] = [
        Kernels.failingBinary("+", .timestamp, .interval, .timestamp, "The time later by the interval.") {
            (a: Int64, b: Interval) throws(Kernels.Failure) -> Int64 in try plus(a, b)
        },
        Kernels.failingBinary("+", .interval, .timestamp, .timestamp, "The time later by the interval.") {
            (a: Interval, b: Int64) throws(Kernels.Failure) -> Int64 in try plus(b, a)
        },
        Kernels.failingBinary("-", .timestamp, .interval, .timestamp, "The time earlier by the interval.") {
            (a: Int64, b: Interval) throws(Kernels.Failure) -> Int64 in try plus(a, try negated(b))
        },
        Kernels.failingBinary("-", .timestamp, .timestamp, .interval, "The days and time between.") {
            (a: Int64, b: Int64) throws(Kernels.Failure) -> Interval in
            let infinite = { (value: Int64) in value == Timestamp.infinity || value == Timestamp.negativeInfinity }
            let (difference, overflow) = a.subtractingReportingOverflow(b)
            if infinite(a) || infinite(b) || overflow {
                throw Kernels.Failure(code: "22008", message: "cannot subtract infinite timestamps")
            }
            return Interval(
                days: Int32(difference / Timestamp.microsecondsPerDay),
                microseconds: difference % Timestamp.microsecondsPerDay)
        },
        Kernels.failingBinary("+", .interval, .interval, .interval, "Sum, field by field.") {
            (a: Interval, b: Interval) throws(Kernels.Failure) -> Interval in try sum(a, b)
        },
        Kernels.failingBinary("-", .interval, .interval, .interval, "Difference, field by field.") {
            (a: Interval, b: Interval) throws(Kernels.Failure) -> Interval in try sum(a, try negated(b))
        },
        Kernels.failingUnary("-", .interval, .interval, "Negation.") {
            (a: Interval) throws(Kernels.Failure) -> Interval in
            try negated(a)
        },
        Kernels.failingBinary("*", .interval, .double, .interval, "The interval so many times.") {
            (a: Interval, b: Double) throws(Kernels.Failure) -> Interval in try product(a, b)
        },
        Kernels.failingBinary("*", .double, .interval, .interval, "The interval so many times.") {
            (a: Double, b: Interval) throws(Kernels.Failure) -> Interval in try product(b, a)
        },
        Kernels.failingBinary("/", .interval, .double, .interval, "The interval divided.") {
            (a: Interval, b: Double) throws(Kernels.Failure) -> Interval in
            if b == 0 { throw .divisionByZero }
            return try product(a, 1 / b)
        },
    ]

    private static func plus(_ time: Int64, _ interval: Interval) throws(Kernels.Failure) -> Int64 {
        guard let result = Calendar.add(interval, to: time) else { throw .timestampRange }
        return result
    }

    private static func negated(_ value: Interval) throws(Kernels.Failure) -> Interval {
        guard value.months != .min, value.days != .min, value.microseconds != .min else { throw .intervalRange }
        return Interval(months: -value.months, days: -value.days, microseconds: -value.microseconds)
    }

    static func sum(_ a: Interval, _ b: Interval) throws(Kernels.Failure) -> Interval {
        let (months, first) = a.months.addingReportingOverflow(b.months)
        let (days, second) = a.days.addingReportingOverflow(b.days)
        let (microseconds, third) = a.microseconds.addingReportingOverflow(b.microseconds)
        if first || second || third { throw .intervalRange }
        return Interval(months: months, days: days, microseconds: microseconds)
    }

    /// Fractions of months spill into days (30 a month), fractions of days into microseconds.
    private static func product(_ value: Interval, _ factor: Double) throws(Kernels.Failure) -> Interval {
        let months = Double(value.months) * factor
        let monthDays = ((months - months.rounded(.towardZero)) * 30 * 1e6).rounded() / 1e6
        let days = Double(value.days) * factor
        let dayPart =
            ((days - days.rounded(.towardZero) + monthDays - monthDays.rounded(.towardZero)) * 1e6 * 86_400).rounded()
            / 1e6
        let microseconds = (Double(value.microseconds) * factor + dayPart * 1e6).rounded(.toNearestOrEven)
        guard let months = Int32(exactly: months.rounded(.towardZero)),
            let days = Int32(exactly: days.rounded(.towardZero) + monthDays.rounded(.towardZero)),
            let microseconds = Int64(exactly: microseconds)
        else { throw .intervalRange }
        return Interval(months: months, days: days, microseconds: microseconds)
    }

    // MARK: fields

    /// The value of a field as microseconds-exact decimal; nil if the type has no such field.
    private static func field(_ name: String, ofTimestamp value: Int64) -> Decimal? {
        let f = Calendar.fields(value)
        let day = f.microsecondsOfDay
        func seconds(_ microseconds: Int64, scale: Int32) -> Decimal {
            Decimal(mantissa: Int128(microseconds), scale: scale)
        }
        func whole(_ number: Int) -> Decimal { Decimal(Int64(number)) }
        let days = Calendar.days(year: f.year, month: f.month, day: f.day)
        let weekday = ((days % 7) + 11) % 7
        switch name {
        case "microseconds", "microsecond", "us": return whole(Int(day % 60_000_000))
        case "milliseconds", "millisecond", "ms": return seconds(day % 60_000_000, scale: 3)
        case "second", "seconds", "sec", "s": return seconds(day % 60_000_000, scale: 6)
        case "minute", "minutes", "min", "m": return whole(Int(day / 60_000_000 % 60))
        case "hour", "hours", "hr", "h": return whole(Int(day / 3_600_000_000))
        case "day", "days", "d": return whole(f.day)
        case "month", "months", "mon": return whole(f.month)
        case "quarter", "qtr": return whole((f.month - 1) / 3 + 1)
        case "year", "years", "y": return whole(f.year > 0 ? f.year : f.year - 1)
        case "decade", "decades": return whole(f.year >= 0 ? f.year / 10 : -((8 - (f.year - 1)) / 10))
        case "century", "centuries": return whole(f.year > 0 ? (f.year + 99) / 100 : -((99 - (f.year - 1)) / 100))
        case "millennium", "millenniums":
            return whole(f.year > 0 ? (f.year + 999) / 1000 : -((999 - (f.year - 1)) / 1000))
        case "dow": return whole(weekday)
        case "isodow": return whole(weekday == 0 ? 7 : weekday)
        case "doy": return whole(days - Calendar.days(year: f.year, month: 1, day: 1) + 1)
        case "week", "weeks", "w": return whole(isoWeek(days).week)
        case "isoyear": return whole(isoWeek(days).year)
        case "epoch": return seconds(value, scale: 6)
        case "julian": return nil
        default: return nil
        }
    }

    static func isoWeek(_ days: Int) -> (year: Int, week: Int) {
        // The Thursday of the same week decides the year.
        let weekday = ((days % 7) + 10) % 7
        let thursday = days - weekday + 3
        let year = Calendar.date(days: thursday).year
        return (year, (thursday - Calendar.days(year: year, month: 1, day: 1)) / 7 + 1)
    }

    private static func field(_ name: String, ofInterval value: Interval) -> Decimal? {
        let clock = value.microseconds
        func whole(_ number: Int64) -> Decimal { Decimal(number) }
        switch name {
        case "microseconds", "microsecond", "us": return whole(clock % 60_000_000)
        case "milliseconds", "millisecond", "ms": return Decimal(mantissa: Int128(clock % 60_000_000), scale: 3)
        case "second", "seconds", "sec", "s": return Decimal(mantissa: Int128(clock % 60_000_000), scale: 6)
        case "minute", "minutes", "min", "m": return whole(clock / 60_000_000 % 60)
        case "hour", "hours", "hr", "h": return whole(clock / 3_600_000_000)
        case "day", "days", "d": return whole(Int64(value.days))
        case "month", "months", "mon": return whole(Int64(value.months % 12))
        case "quarter", "qtr": return whole(Int64(value.months % 12 / 3 + 1))
        case "year", "years", "y": return whole(Int64(value.months / 12))
        case "decade", "decades": return whole(Int64(value.months / 120))
        case "century", "centuries": return whole(Int64(value.months / 1200))
        case "millennium", "millenniums": return whole(Int64(value.months / 12_000))
        case "epoch":
            // A year counts as 365.25 days, a month as 30.
            let years = Int128(value.months / 12) * 31_557_600
            let months = Int128(value.months % 12) * 2_592_000
            return Decimal(
                mantissa: (years + months + Int128(value.days) * 86_400) * 1_000_000 + Int128(clock), scale: 6)
        default: return nil
        }
    }

    private static func fields(_ name: String, _ result: DataType) -> [ScalarFunction] {
        [DataType.timestamp, .interval].map { type in
            ScalarFunction(name, [.text, type], result, "A field, such as 'hour' or 'epoch'.") {
                arguments, count, validity, errors in
                func value(_ row: Int) throws(Kernels.Failure) -> Decimal {
                    let unit = Kernels.withBytes(arguments[0], row) { String(decoding: $0, as: UTF8.self).lowercased() }
                    let found =
                        type == .timestamp
                        ? field(unit, ofTimestamp: arguments[1].withValues(as: Int64.self) { $0[row] })
                        : field(unit, ofInterval: arguments[1].withValues(as: Interval.self) { $0[row] })
                    guard let found else {
                        throw Kernels.Failure(
                            code: "22023", message: "unit \"\(unit)\" not recognized for type \(type.name)")
                    }
                    return found
                }
                if result == .numeric {
                    return Kernels.failing(.numeric, count, validity, &errors) { i throws(Kernels.Failure) -> Decimal in
                        try value(i)
                    }
                }
                return Kernels.failing(.double, count, validity, &errors) { i throws(Kernels.Failure) -> Double in
                    try value(i).doubleValue
                }
            }
        }
    }

    // MARK: truncation

    private static let truncation: [ScalarFunction] = [
        ScalarFunction(
            "date_trunc", [.text, .timestamp], .timestamp, "The start of the hour, day, month, … that the time lies in."
        ) {
            arguments, count, validity, errors in
            arguments[1].withValues(as: Int64.self) { times in
                Kernels.failing(.timestamp, count, validity, &errors) { i throws(Kernels.Failure) -> Int64 in
                    let unit = Kernels.withBytes(arguments[0], i) { String(decoding: $0, as: UTF8.self).lowercased() }
                    guard let value = truncated(times[i], unit) else {
                        throw Kernels.Failure(
                            code: "22023",
                            message: "unit \"\(unit)\" not recognized for type timestamp without time zone")
                    }
                    return value
                }
            }
        }
    ]

    private static func truncated(_ value: Int64, _ unit: String) -> Int64? {
        if value == Timestamp.infinity || value == Timestamp.negativeInfinity { return value }
        func down(_ step: Int64) -> Int64 { floorToMultiple(value, step) }
        var f = Calendar.fields(value)
        f.microsecondsOfDay = 0
        switch unit {
        case "microseconds", "microsecond", "us": return value
        case "milliseconds", "millisecond", "ms": return down(1000)
        case "second", "seconds", "sec": return down(1_000_000)
        case "minute", "minutes", "min": return down(60_000_000)
        case "hour", "hours", "hr": return down(3_600_000_000)
        case "day", "days": return down(Timestamp.microsecondsPerDay)
        case "week", "weeks":
            let days = Calendar.days(year: f.year, month: f.month, day: f.day)
            return Int64(days - ((days % 7) + 10) % 7) * Timestamp.microsecondsPerDay
        case "month", "months", "mon": f.day = 1
        case "quarter", "qtr":
            f.month = (f.month - 1) / 3 * 3 + 1
            f.day = 1
        case "year", "years":
            f.month = 1
            f.day = 1
        case "decade", "decades":
            f.year = f.year > 0 ? f.year / 10 * 10 : -((8 - (f.year - 1)) / 10) * 10
            f.month = 1
            f.day = 1
        case "century", "centuries":
            f.year = f.year > 0 ? (f.year + 99) / 100 * 100 - 99 : -((99 - (f.year - 1)) / 100) * 100 + 1
            f.month = 1
            f.day = 1
        default: return nil
        }
        return Calendar.timestamp(f)
    }

    static func floorToMultiple(_ value: Int64, _ step: Int64) -> Int64 {
        let remainder = value % step
        return value - (remainder < 0 ? remainder + step : remainder)
    }

    // MARK: windows

    private static let windows: [ScalarFunction] = [
        window(
            "tumble_start",
            "The start of the tumbling window; windows begin at multiples of the size since 1970-01-01 00:00.",
            atEnd: false),
        window("tumble_end", "The end of the tumbling window: its start plus the size.", atEnd: true),
    ]

    private static func window(_ name: String, _ documentation: String, atEnd: Bool) -> ScalarFunction {
        ScalarFunction(name, [.timestamp, .interval], .timestamp, documentation) { arguments, count, validity, errors in
            arguments[0].withValues(as: Int64.self) { times in
                arguments[1].withValues(as: Interval.self) { sizes in
                    Kernels.failing(.timestamp, count, validity, &errors) { i throws(Kernels.Failure) -> Int64 in
                        guard sizes[i].months == 0, let step = Int64(exactly: sizes[i].span), step > 0 else {
                            throw Kernels.Failure(
                                code: "22023", message: "a window's size must be positive and without months")
                        }
                        if times[i] == Timestamp.infinity || times[i] == Timestamp.negativeInfinity { return times[i] }
                        let start = floorToMultiple(times[i], step)
                        guard let end = Calendar.add(Interval(microseconds: step), to: start) else {
                            throw .timestampRange
                        }
                        return atEnd ? end : start
                    }
                }
            }
        }
    }

    // MARK: to_char

    private static let toChar = ScalarFunction(
        "to_char", [.timestamp, .text], .text,
        "The time by a template of YYYY, MM, DD, HH24, MI, SS, MS, US, Mon, Day and so on."
    ) { arguments, count, validity, errors in
        arguments[0].withValues(as: Int64.self) { times in
            Kernels.text(count, validity, &errors) { (row, out) throws(Kernels.Failure) in
                let unsupported = Kernels.withBytes(arguments[1], row) { TimeTemplate.append(times[row], $0, to: &out) }
                if let unsupported {
                    throw Kernels.Failure(
                        code: "0A000", message: "to_char's pattern \"\(unsupported)\" is not supported")
                }
            }
        }
    }
}

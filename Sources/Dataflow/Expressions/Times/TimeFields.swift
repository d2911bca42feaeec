/// extract, date_part and date_trunc: the fields of timestamps and intervals; justify_….
enum TimeFields {
    static let all: [ScalarFunction] =
        parts("extract", .numeric) + parts("date_part", .double) + dayParts + clockParts + zonedTruncation + truncation
        + justification

    /// A field by one of PostgreSQL's names for it.
    private enum Field {
        case microseconds, milliseconds, second, minute, hour, day, week, month, quarter, year, decade, century,
            millennium
        case dow, isodow, doy, isoyear, julian, epoch, timezone

        init?(_ name: String) {
            switch name {
            case "us", "usec", "usecs", "usecond", "useconds", "microsecond", "microseconds", "microsecon":
                self = .microseconds
            case "ms", "msec", "msecs", "msecond", "mseconds", "millisecond", "milliseconds", "millisecon":
                self = .milliseconds
            case "s", "sec", "secs", "second", "seconds": self = .second
            case "m", "min", "mins", "minute", "minutes": self = .minute
            case "h", "hr", "hrs", "hour", "hours": self = .hour
            case "d", "day", "days": self = .day
            case "w", "week", "weeks": self = .week
            case "mon", "mons", "month", "months": self = .month
            case "qtr", "quarter": self = .quarter
            case "y", "yr", "yrs", "year", "years": self = .year
            case "dec", "decs", "decade", "decades": self = .decade
            case "c", "cent", "century", "centuries": self = .century
            case "mil", "mils", "millennia", "millennium": self = .millennium
            case "dow": self = .dow
            case "isodow": self = .isodow
            case "doy": self = .doy
            case "isoyear": self = .isoyear
            case "j", "jd", "julian": self = .julian
            case "epoch": self = .epoch
            case "timezone", "timezone_h", "timezone_hour", "timezone_m", "timezone_minute": self = .timezone
            default: return nil
            }
        }

        /// The field is shorter than a day.
        var isWithinDay: Bool {
            switch self {
            case .microseconds, .milliseconds, .second, .minute, .hour: true
            default: false
            }
        }

        /// The field is a position in time, so that infinite times have an infinite one; the others are NULL there.
        var growsWithTime: Bool {
            switch self {
            case .year, .decade, .century, .millennium, .isoyear, .julian, .epoch: true
            default: false
            }
        }
    }

    /// Reads field names; a column of names is one constant nearly always, so the last one is kept.
    private struct FieldReader {
        private var last: [UInt8] = []
        private var field: Field?

        mutating func read(_ name: TextKernels.Bytes, _ type: DataType) throws(RowFailure) -> Field {
            if field == nil || !last.elementsEqual(name) {
                last = Array(name)
                field = Field(String(decoding: name, as: UTF8.self).lowercased())
            }
            guard let field else {
                let shown = String(decoding: name, as: UTF8.self).lowercased()
                throw RowFailure("22023", "unit \"\(shown)\" not recognized for type \(type.name)")
            }
            return field
        }
    }

    private static func unsupported(_ name: TextKernels.Bytes, _ type: DataType) -> RowFailure {
        let shown = String(decoding: name, as: UTF8.self).lowercased()
        return RowFailure("0A000", "unit \"\(shown)\" not supported for type \(type.name)")
    }

    // MARK: extract and date_part

    private static func parts(_ name: String, _ result: DataType) -> [ScalarFunction] {
        [DataType.timestamp, .timestamptz, .interval].map { type in
            ScalarFunction(name, [.text, type], result, "A field, such as 'hour' or 'epoch'.") {
                arguments, count, validity, errors in
                arguments[0].withText { offsets, bytes in
                    var reader = FieldReader()
                    var nulls: [Int] = []
                    func value(_ row: Int) throws(RowFailure) -> Decimal {
                        let name = TextKernels.slice(offsets, bytes, row)
                        let field = try reader.read(name, type)
                        if type == .interval {
                            let interval = arguments[1].withValues(as: Interval.self) { $0[row] }
                            guard let value = part(field, of: interval) else { throw unsupported(name, type) }
                            return value
                        }
                        let time = arguments[1].withValues(as: Int64.self) { $0[row] }
                        if !Calendar.isFinite(time) {
                            if field.growsWithTime { throw RowFailure("0A000", "numeric cannot hold infinity") }
                            nulls.append(row)
                            return Decimal(0)
                        }
                        if field == .timezone {
                            if type == .timestamptz { return Decimal(0) }
                            throw unsupported(name, type)
                        }
                        guard let value = part(field, of: time) else { throw .numericOverflow }
                        return value
                    }
                    let column =
                        result == .numeric
                        ? Kernels.rows(.numeric, count, validity, &errors) { i throws(RowFailure) -> Decimal in
                            try value(i)
                        }
                        : Kernels.rows(.double, count, validity, &errors) { i throws(RowFailure) -> Double in
                            let special =
                                type == .interval
                                ? try double(arguments, i, &reader) : infinity(arguments, i, &reader)
                            if let special { return special }
                            return try value(i).doubleValue
                        }
                    return column.settingNull(nulls)
                }
            }
        }
    }

    /// Of a date only fields of days and longer; date_part takes the date as its midnight.
    private static let dayParts: [ScalarFunction] = [
        RowKernels.value(
            "extract", [.text, .date], .numeric, "A field, such as 'dow' or 'epoch'.", state: { FieldReader() }
        ) {
            (row, reader) throws(RowFailure) -> Decimal? in
            let field = try reader.read(row.text(0), .date)
            let date = row.value(1, as: Int32.self)
            switch field {
            case .microseconds, .milliseconds, .second, .minute, .hour, .timezone:
                throw unsupported(row.text(0), .date)
            default: break
            }
            guard DateValue.isFinite(date) else {
                if field.growsWithTime { throw RowFailure("0A000", "numeric cannot hold infinity") }
                return nil
            }
            if field == .julian { return Decimal(Int64(date) + 2_440_588) }
            if field == .epoch { return Decimal(Int64(date) * 86_400) }
            return part(field, of: fields(Int(date)))
        },
        RowKernels.value(
            "date_part", [.text, .date], .double, "A field, such as 'dow' or 'epoch'.", state: { FieldReader() }
        ) {
            (row, reader) throws(RowFailure) -> Double? in
            let date = row.value(1, as: Int32.self)
            let midnight = try DateFunctions.midnight(date)
            let field = try reader.read(row.text(0), .timestamp)
            guard DateValue.isFinite(date) else {
                return field.growsWithTime ? (date > 0 ? .infinity : -.infinity) : nil
            }
            guard let value = part(field, of: midnight) else {
                throw unsupported(row.text(0), .timestamp)
            }
            return value.doubleValue
        },
    ]

    private static func fields(_ days: Int) -> Calendar.Fields {
        let (year, month, day) = Calendar.date(days: days)
        return Calendar.Fields(year: year, month: month, day: day)
    }

    private static let clockParts: [ScalarFunction] = [
        RowKernels.value(
            "extract", [.text, .time], .numeric, "A field, such as 'hour' or 'epoch'.", state: { FieldReader() }
        ) {
            (row, reader) throws(RowFailure) -> Decimal? in
            try clockPart(row.text(0), row.bigint(1), &reader)
        },
        RowKernels.value(
            "date_part", [.text, .time], .double, "A field, such as 'hour' or 'epoch'.", state: { FieldReader() }
        ) {
            (row, reader) throws(RowFailure) -> Double? in
            try clockPart(row.text(0), row.bigint(1), &reader).doubleValue
        },
    ]

    private static func clockPart(
        _ name: TextKernels.Bytes, _ clock: Int64, _ reader: inout FieldReader
    ) throws(RowFailure) -> Decimal {
        switch try reader.read(name, .time) {
        case .microseconds: return Decimal(clock % 60_000_000)
        case .milliseconds: return Decimal(mantissa: Int128(clock % 60_000_000), scale: 3)
        case .second: return Decimal(mantissa: Int128(clock % 60_000_000), scale: 6)
        case .minute: return Decimal(clock / 60_000_000 % 60)
        case .hour: return Decimal(clock / 3_600_000_000)
        case .epoch: return Decimal(mantissa: Int128(clock), scale: 6)
        default: throw unsupported(name, .time)
        }
    }

    /// What date_part, unlike extract, can tell of an infinite time.
    private static func infinity(_ arguments: [Column], _ row: Int, _ reader: inout FieldReader) -> Double? {
        let time = arguments[1].withValues(as: Int64.self) { $0[row] }
        guard !Calendar.isFinite(time) else { return nil }
        return arguments[0].withText { offsets, bytes -> Double? in
            do throws(RowFailure) {
                let field = try reader.read(TextKernels.slice(offsets, bytes, row), .timestamp)
                return field.growsWithTime ? (time > 0 ? .infinity : -.infinity) : nil
            } catch {
                return nil
            }
        }
    }

    /// PostgreSQL adds up the double epoch of an interval in doubles, part by part.
    private static func double(
        _ arguments: [Column], _ row: Int, _ reader: inout FieldReader
    ) throws(RowFailure) -> Double? {
        let column = arguments[0]
        guard let bytes = column.bytes else { return nil }
        let offsets = column.values.base.assumingMemoryBound(to: UInt32.self)
        let start = Int(offsets[row])
        let name = TextKernels.Bytes(
            start: bytes.base.assumingMemoryBound(to: UInt8.self) + start, count: Int(offsets[row + 1]) - start)
        guard try reader.read(name, .interval) == .epoch else { return nil }
        let value = arguments[1].withValues(as: Interval.self) { $0[row] }
        var seconds = Double(value.microseconds) / 1e6
        seconds += 365.25 * 86_400 * Double(value.months / 12)
        seconds += 30 * 86_400 * Double(value.months % 12)
        seconds += 86_400 * Double(value.days)
        return seconds
    }

    private static func part(_ field: Field, of time: Int64) -> Decimal? {
        if field == .epoch { return Decimal(mantissa: Int128(time), scale: 6) }
        return part(field, of: Calendar.fields(time))
    }

    private static func part(_ field: Field, of f: Calendar.Fields) -> Decimal? {
        let clock = f.microsecondsOfDay
        func whole(_ number: Int) -> Decimal { Decimal(Int64(number)) }
        let days = Calendar.days(year: f.year, month: f.month, day: f.day)
        // Rounded down towards the past; the year 0 is 1 BC, which SQL calls −1.
        let (year, before) = (f.year, f.year - 1)
        switch field {
        case .microseconds: return Decimal(clock % 60_000_000)
        case .milliseconds: return Decimal(mantissa: Int128(clock % 60_000_000), scale: 3)
        case .second: return Decimal(mantissa: Int128(clock % 60_000_000), scale: 6)
        case .minute: return Decimal(clock / 60_000_000 % 60)
        case .hour: return Decimal(clock / 3_600_000_000)
        case .day: return whole(f.day)
        case .week: return whole(isoWeek(days).week)
        case .month: return whole(f.month)
        case .quarter: return whole((f.month - 1) / 3 + 1)
        case .year: return whole(year > 0 ? year : before)
        case .decade: return whole(year >= 0 ? year / 10 : -((8 - before) / 10))
        case .century: return whole(year > 0 ? (year + 99) / 100 : -((99 - before) / 100))
        case .millennium: return whole(year > 0 ? (year + 999) / 1000 : -((999 - before) / 1000))
        case .dow: return whole(weekday(days))
        case .isodow: return whole(weekday(days) == 0 ? 7 : weekday(days))
        case .doy: return whole(days - Calendar.days(year: year, month: 1, day: 1) + 1)
        case .isoyear:
            let isoYear = isoWeek(days).year
            return whole(isoYear > 0 ? isoYear : isoYear - 1)
        case .julian:
            let fraction = Decimal.divide(Decimal(clock), Decimal(Timestamp.microsecondsPerDay))
            return fraction.flatMap { Decimal.add(whole(days + 2_440_588), $0) }
        case .epoch, .timezone: return nil
        }
    }

    private static func part(_ field: Field, of value: Interval) -> Decimal? {
        let clock = value.microseconds
        switch field {
        case .microseconds: return Decimal(clock % 60_000_000)
        case .milliseconds: return Decimal(mantissa: Int128(clock % 60_000_000), scale: 3)
        case .second: return Decimal(mantissa: Int128(clock % 60_000_000), scale: 6)
        case .minute: return Decimal(clock / 60_000_000 % 60)
        case .hour: return Decimal(clock / 3_600_000_000)
        case .day: return Decimal(Int64(value.days))
        case .month: return Decimal(Int64(value.months % 12))
        case .quarter: return Decimal(Int64(value.months % 12 / 3 + 1))
        case .year: return Decimal(Int64(value.months / 12))
        case .decade: return Decimal(Int64(value.months / 120))
        case .century: return Decimal(Int64(value.months / 1200))
        case .millennium: return Decimal(Int64(value.months / 12_000))
        case .epoch:
            // A year counts as 365.25 days, a month as 30.
            let years = Int128(value.months / 12) * 31_557_600
            let months = Int128(value.months % 12) * 2_592_000
            return Decimal(
                mantissa: (years + months + Int128(value.days) * 86_400) * 1_000_000 + Int128(clock), scale: 6)
        case .week, .dow, .isodow, .doy, .isoyear, .julian, .timezone: return nil
        }
    }

    /// 0 is Sunday.
    static func weekday(_ days: Int) -> Int { ((days % 7) + 11) % 7 }

    static func isoWeek(_ days: Int) -> (year: Int, week: Int) {
        // The Thursday of the same week decides the year.
        let thursday = days - ((days % 7) + 10) % 7 + 3
        let year = Calendar.date(days: thursday).year
        return (year, (thursday - Calendar.days(year: year, month: 1, day: 1)) / 7 + 1)
    }

    // MARK: date_trunc

    private static let zonedTruncation: [ScalarFunction] = [
        RowKernels.value(
            "date_trunc", [.text, .timestamptz], .timestamptz,
            "The start of the hour, day, month, … in UTC that the time lies in.", state: { FieldReader() }
        ) { (row, reader) throws(RowFailure) -> Int64? in
            let time = row.bigint(1)
            if !Calendar.isFinite(time) { return time }
            let field = try reader.read(row.text(0), .timestamptz)
            return try truncated(time, field, row.text(0), .timestamptz)
        },
        RowKernels.value(
            "date_trunc", [.text, .timestamptz, .text], .timestamptz,
            "The start of the hour, day, month, … in a time zone that the time lies in.",
            state: { (fields: FieldReader(), zones: TimeZoneReader()) }
        ) { (row, readers) throws(RowFailure) -> Int64? in
            let time = row.bigint(1)
            if !Calendar.isFinite(time) { return time }
            let zone = try readers.zones.zone(row.text(2))
            let field = try readers.fields.read(row.text(0), .timestamptz)
            guard let local = zone.local(time) else { throw .timestampRange }
            let start = try truncated(local, field, row.text(0), .timestamptz)
            // Within a day the offset of the time itself holds, so that an hour that occurs twice is two.
            let result = field.isWithinDay ? start - (local - time) : zone.instant(start)
            guard let result, result >= Calendar.earliest else { throw .timestampRange }
            return result
        },
    ]

    private static let truncation: [ScalarFunction] = [
        ScalarFunction(
            "date_trunc", [.text, .timestamp], .timestamp, "The start of the hour, day, month, … that the time lies in."
        ) { arguments, count, validity, errors in
            arguments[0].withText { offsets, bytes in
                arguments[1].withValues(as: Int64.self) { times in
                    var reader = FieldReader()
                    return Kernels.rows(.timestamp, count, validity, &errors) { i throws(RowFailure) -> Int64 in
                        let name = TextKernels.slice(offsets, bytes, i)
                        if !Calendar.isFinite(times[i]) { return times[i] }
                        return try truncated(times[i], try reader.read(name, .timestamp), name)
                    }
                }
            }
        },
        ScalarFunction(
            "date_trunc", [.text, .interval], .interval, "The interval without the fields below the one named."
        ) {
            arguments, count, validity, errors in
            arguments[0].withText { offsets, bytes in
                arguments[1].withValues(as: Interval.self) { values in
                    var reader = FieldReader()
                    return Kernels.rows(.interval, count, validity, &errors) { i throws(RowFailure) -> Interval in
                        let name = TextKernels.slice(offsets, bytes, i)
                        return try truncated(values[i], try reader.read(name, .interval), name)
                    }
                }
            }
        },
    ]

    private static func truncated(
        _ value: Int64, _ field: Field, _ name: TextKernels.Bytes, _ type: DataType = .timestamp
    ) throws(RowFailure) -> Int64 {
        switch field {
        case .microseconds: return value
        case .milliseconds: return floorToMultiple(value, 1000)
        case .second: return floorToMultiple(value, 1_000_000)
        case .minute: return floorToMultiple(value, 60_000_000)
        case .hour: return floorToMultiple(value, 3_600_000_000)
        case .day: return floorToMultiple(value, Timestamp.microsecondsPerDay)
        default: break
        }
        var f = Calendar.fields(value)
        f.microsecondsOfDay = 0
        let (year, before) = (f.year, f.year - 1)
        switch field {
        case .week:
            let days = Calendar.days(year: f.year, month: f.month, day: f.day)
            let monday = Int64(days - ((days % 7) + 10) % 7) * Timestamp.microsecondsPerDay
            if monday < Calendar.earliest { throw .timestampRange }
            return monday
        case .month: break
        case .quarter: f.month = (f.month - 1) / 3 * 3 + 1
        case .year: f.month = 1
        case .decade: f.year = year > 0 ? year / 10 * 10 : -((8 - before) / 10) * 10
        case .century: f.year = year > 0 ? (year + 99) / 100 * 100 - 99 : -((99 - before) / 100) * 100 + 1
        case .millennium: f.year = year > 0 ? (year + 999) / 1000 * 1000 - 999 : -((999 - before) / 1000) * 1000 + 1
        case .timezone: throw unsupported(name, type)
        default:
            let shown = String(decoding: name, as: UTF8.self).lowercased()
            throw RowFailure("22023", "unit \"\(shown)\" not recognized for type \(type.name)")
        }
        f.day = 1
        if field == .decade || field == .century || field == .millennium { f.month = 1 }
        guard let start = Calendar.timestamp(f) else { throw .timestampRange }
        return start
    }

    private static func truncated(
        _ value: Interval, _ field: Field, _ name: TextKernels.Bytes
    ) throws(RowFailure) -> Interval {
        func months(_ step: Int32) -> Interval { Interval(months: value.months / step * step) }
        func clock(_ step: Int64) -> Interval {
            Interval(months: value.months, days: value.days, microseconds: value.microseconds / step * step)
        }
        switch field {
        case .microseconds: return value
        case .milliseconds: return clock(1000)
        case .second: return clock(1_000_000)
        case .minute: return clock(60_000_000)
        case .hour: return clock(3_600_000_000)
        case .day: return Interval(months: value.months, days: value.days)
        case .month: return months(1)
        case .quarter: return months(3)
        case .year: return months(12)
        case .decade: return months(120)
        case .century: return months(1200)
        case .millennium: return months(12_000)
        case .week, .timezone: throw unsupported(name, .interval)
        case .dow, .isodow, .doy, .isoyear, .julian, .epoch:
            let shown = String(decoding: name, as: UTF8.self).lowercased()
            throw RowFailure("22023", "unit \"\(shown)\" not recognized for type \(DataType.interval.name)")
        }
    }

    /// Rounded down to a multiple of `step`, also before 1970.
    @inline(__always)
    static func floorToMultiple(_ value: Int64, _ step: Int64) -> Int64 {
        let remainder = value % step
        return value - (remainder < 0 ? remainder + step : remainder)
    }

    // MARK: justify

    private static let justification: [ScalarFunction] = [
        Kernels.rowUnary("justify_hours", .interval, .interval, "Each 24 hours become a day.") {
            (a: Interval) throws(RowFailure) -> Interval in try justifiedHours(a)
        },
        Kernels.rowUnary("justify_days", .interval, .interval, "Each 30 days become a month.") {
            (a: Interval) throws(RowFailure) -> Interval in try justifiedDays(a)
        },
    ]

    private static func justifiedHours(_ value: Interval) throws(RowFailure) -> Interval {
        var days = Int64(value.days) + value.microseconds / Timestamp.microsecondsPerDay
        var clock = value.microseconds % Timestamp.microsecondsPerDay
        // Days and time of one sign.
        if days > 0, clock < 0 {
            clock += Timestamp.microsecondsPerDay
            days -= 1
        } else if days < 0, clock > 0 {
            clock -= Timestamp.microsecondsPerDay
            days += 1
        }
        guard let days = Int32(exactly: days) else { throw .intervalRange }
        return Interval(months: value.months, days: days, microseconds: clock)
    }

    private static func justifiedDays(_ value: Interval) throws(RowFailure) -> Interval {
        var months = Int64(value.months) + Int64(value.days / 30)
        var days = value.days % 30
        if months > 0, days < 0 {
            days += 30
            months -= 1
        } else if months < 0, days > 0 {
            days -= 30
            months += 1
        }
        guard let months = Int32(exactly: months) else { throw .intervalRange }
        return Interval(months: months, days: days, microseconds: value.microseconds)
    }
}

extension Column {
    /// The same values with these rows NULL as well.
    func settingNull(_ rows: [Int]) -> Column {
        if rows.isEmpty { return self }
        let others = Validity(uninitialized: count) { words in
            words.initialize(repeating: ~0)
            for row in rows { words[row >> 6] &= ~(1 << UInt64(row & 63)) }
        }
        return masked(by: others)
    }
}

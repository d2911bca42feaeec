/// The input text of intervals, as PostgreSQL reads it: `1 year 2 mons -3 days 04:05:06.7 ago`, `1-2 3 4:05:06`,
/// `10 seconds`, `7` (seconds), ISO 8601 `P1Y2M3DT4H5M6S`, `P0001-02-03T04:05:06` and `P00010203T040506`.
enum IntervalText {
    /// What a number counts.
    private enum Unit {
        case microsecond, millisecond, second, minute, hour, day, week, month, year, decade, century, millennium

        /// The field that may be given once.
        var field: Int {
            switch self {
            case .microsecond: 0
            case .millisecond: 1
            case .second: 2
            case .minute: 3
            case .hour: 4
            case .day: 5
            case .week: 6
            case .month: 7
            case .year: 8
            case .decade: 9
            case .century: 10
            case .millennium: 11
            }
        }

        init(_ field: IntervalFields.Field) {
            switch field {
            case .year: self = .year
            case .month: self = .month
            case .day: self = .day
            case .hour: self = .hour
            case .minute: self = .minute
            case .second: self = .second
            }
        }

        init?(_ name: String) {
            switch name {
            case "us", "usec", "usecs", "usecond", "useconds", "microsecond", "microseconds", "microsecon":
                self = .microsecond
            case "ms", "msec", "msecs", "msecond", "mseconds", "millisecond", "milliseconds", "millisecon":
                self = .millisecond
            case "s", "sec", "secs", "second", "seconds": self = .second
            case "m", "min", "mins", "minute", "minutes": self = .minute
            case "h", "hr", "hrs", "hour", "hours": self = .hour
            case "d", "day", "days": self = .day
            case "w", "week", "weeks": self = .week
            case "mon", "mons", "month", "months": self = .month
            case "y", "yr", "yrs", "year", "years": self = .year
            case "dec", "decs", "decade", "decades": self = .decade
            case "c", "cent", "century", "centuries": self = .century
            case "mil", "mils", "millennia", "millennium": self = .millennium
            default: return nil
            }
        }
    }

    private enum Token {
        case number(negative: Bool, whole: Int, fraction: Double)
        case clock(negative: Bool, microseconds: Int64)
        case yearMonth(negative: Bool, years: Int, months: Int)
        case word(String)
    }

    /// Bytes of fields, each with one behind it, that PostgreSQL takes.
    private static let lengthMax = 256

    /// Of `fields` the last says what a number without a unit counts, instead of seconds; what they do not hold is not cut off.
    static func parse(
        _ text: UnsafeBufferPointer<UInt8>, fields: IntervalFields? = nil
    ) throws(TimeTextError) -> Interval {
        var scanner = TimeScanner(text)
        if scanner.peek == UInt8(ascii: "P") {
            scanner.position += 1
            return try iso(&scanner)
        }
        let isShort = fields?.first == .minute && fields?.last == .second
        let tokens = try tokens(&scanner, isShort: isShort)
        guard text.count(where: { $0 > 0x20 }) + tokens.count <= lengthMax else { throw .syntax }
        var total = Total()
        var isAgo = false
        // From right to left, as units stand behind their numbers; a number before a time counts days.
        var unit = Unit(fields?.last ?? .second)
        for token in tokens.reversed() {
            switch token {
            case .word("ago"): isAgo = true
            case .word(let name):
                guard let found = Unit(name) else { throw .syntax }
                unit = found
            case .number(let negative, let whole, let fraction):
                // A fraction of a second takes the place of what is shorter.
                try total.claim((unit == .second && fraction != 0 ? 0 : unit.field)...unit.field)
                try total.add(negative, whole, fraction, unit)
                if unit == .hour { unit = .day }
            case .clock(let negative, let microseconds):
                try total.claim(0...4)
                try total.add(microseconds: negative ? -microseconds : microseconds)
                unit = .day
            case .yearMonth(let negative, let years, let months):
                unit = .month
                try total.claim(unit.field...unit.field)
                guard months < 12 else { throw .intervalFieldRange }
                try total.add(negative, years, 0, .year)
                try total.add(negative, months, 0, .month)
            }
        }
        guard total.fields != 0 else { throw .syntax }
        if isAgo { total.negate() }
        return try total.interval()
    }

    private static func tokens(_ scanner: inout TimeScanner, isShort: Bool) throws(TimeTextError) -> [Token] {
        var tokens: [Token] = []
        while true {
            scanner.skipBlanks()
            guard let next = scanner.peek else { return tokens }
            if scanner.isAtLetter {
                let word = scanner.letters()
                // Only after a unit of one letter (or a day's or month's name) may a digit follow at once.
                if scanner.isAtDigit, word.utf8.count > 1, word != "mon", word != "dec" { throw .syntax }
                tokens.append(.word(word))
            } else if scanner.isAtDigit || next == UInt8(ascii: ".") || next == UInt8(ascii: "-")
                || next == UInt8(ascii: "+")
            {
                tokens.append(try number(&scanner, isShort: isShort))
            } else if isPunctuation(next) {
                // As in PostgreSQL, other signs only part what is around them.
                scanner.position += 1
            } else {
                throw .syntax
            }
        }
    }

    private static func isPunctuation(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E: true
        default: false
        }
    }

    private static func number(_ scanner: inout TimeScanner, isShort: Bool) throws(TimeTextError) -> Token {
        let negative = scanner.byte(UInt8(ascii: "-"))
        if negative || scanner.byte(UInt8(ascii: "+")) { scanner.skipBlanks() }
        let start = scanner.position
        var whole = scanner.digits()
        if let long = whole, long.width > 18 {
            let digits = String(decoding: scanner.text[start..<scanner.position], as: UTF8.self)
            guard let value = Int(digits) else { throw .intervalFieldRange }
            whole = (value, long.width)
        }
        if let whole, scanner.byte(UInt8(ascii: ":")) {
            return .clock(negative: negative, microseconds: try clock(&scanner, whole.value, isShort))
        }
        if let whole, scanner.byte(UInt8(ascii: "-")) {
            // The months may be missing.
            let months = scanner.digits()
            guard scanner.peek != UInt8(ascii: "-") else { throw .syntax }
            return .yearMonth(negative: negative, years: whole.value, months: months?.value ?? 0)
        }
        var fraction = 0.0
        if scanner.byte(UInt8(ascii: ".")) {
            guard whole != nil || scanner.isAtDigit else { throw .syntax }
            fraction = scanner.fraction()
        } else if whole == nil {
            throw .syntax
        }
        return .number(negative: negative, whole: whole?.value ?? 0, fraction: fraction)
    }

    /// `MM[:SS[.f…]]` behind the hours; `MM:SS.f` where a fraction follows the first, and `MM:SS` where only those can be meant.
    private static func clock(
        _ scanner: inout TimeScanner, _ hours: Int, _ isShort: Bool
    ) throws(TimeTextError) -> Int64 {
        guard let minutes = scanner.digits() else { throw .syntax }
        var (hour, minute, second) = (hours, minutes.value, 0)
        if scanner.byte(UInt8(ascii: ":")) {
            guard let seconds = scanner.digits() else { throw .syntax }
            second = seconds.value
        } else if isShort || scanner.peek == UInt8(ascii: ".") {
            (hour, minute, second) = (0, hours, minutes.value)
        }
        var fraction: Int64 = 0
        if scanner.byte(UInt8(ascii: ".")) {
            fraction = Int64((scanner.fraction() * 1e6).rounded(.toNearestOrEven))
        }
        guard minute < 60, second <= 60, hour <= Int(Int64.max / 3_600_000_000) else { throw .intervalFieldRange }
        let (value, overflow) = (Int64(hour) * 3_600_000_000)
            .addingReportingOverflow(Int64(minute * 60 + second) * 1_000_000 + fraction)
        if overflow { throw .intervalFieldRange }
        return value
    }

    /// Behind the `P`.
    private static func iso(_ scanner: inout TimeScanner) throws(TimeTextError) -> Interval {
        guard !scanner.isAtEnd else { throw .syntax }
        var total = Total()
        var isTime = false
        // The form P0001-02-03T04:05:06 gives its fields by place.
        var place = 0
        while !scanner.isAtEnd {
            if !isTime, scanner.byte(UInt8(ascii: "T")) {
                isTime = true
                place = 0
                continue
            }
            let negative = scanner.byte(UInt8(ascii: "-"))
            if !negative { _ = scanner.byte(UInt8(ascii: "+")) }
            let whole = scanner.digits()
            var fraction = 0.0
            if scanner.byte(UInt8(ascii: ".")) { fraction = scanner.fraction() } else if whole == nil { throw .syntax }
            let isPacked = isTime ? scanner.isAtEnd : scanner.isAtEnd || scanner.peek == UInt8(ascii: "T")
            if let whole, place == 0, fraction == 0, isPacked, whole.width == (isTime ? 6 : 8) {
                // `P00010203T040506`.
                let units: [Unit] = isTime ? [.hour, .minute, .second] : [.year, .month, .day]
                for (unit, value) in zip(units, [whole.value / 10_000, whole.value / 100 % 100, whole.value % 100]) {
                    try total.add(negative, value, 0, unit)
                }
                place = 3
                continue
            }
            let letter = scanner.peek ?? (isTime ? UInt8(ascii: ":") : UInt8(ascii: "-"))
            if !scanner.isAtEnd, !(letter == UInt8(ascii: "T") && !isTime) { scanner.position += 1 }
            let unit: Unit
            switch (letter, isTime) {
            case (UInt8(ascii: "Y"), false): unit = .year
            case (UInt8(ascii: "M"), false): unit = .month
            case (UInt8(ascii: "W"), false): unit = .week
            case (UInt8(ascii: "D"), false): unit = .day
            case (UInt8(ascii: "H"), true): unit = .hour
            case (UInt8(ascii: "M"), true): unit = .minute
            case (UInt8(ascii: "S"), true): unit = .second
            case (UInt8(ascii: "-"), false), (UInt8(ascii: "T"), false), (UInt8(ascii: ":"), true):
                guard place < 3 else { throw .syntax }
                unit = isTime ? [.hour, .minute, .second][place] : [.year, .month, .day][place]
                place += 1
            default: throw .syntax
            }
            try total.add(negative, whole?.value ?? 0, fraction, unit)
        }
        return try total.interval()
    }

    /// The sum of an interval's parts. A unit's fraction spills into the smaller fields as PostgreSQL's do.
    private struct Total {
        /// The fields given, a bit each.
        var fields = 0
        private var years: Int64 = 0
        private var months: Int64 = 0
        private var days: Int64 = 0
        private var microseconds: Int64 = 0

        mutating func claim(_ range: ClosedRange<Int>) throws(TimeTextError) {
            for field in range {
                if fields & (1 << field) != 0 { throw .syntax }
                fields |= 1 << field
            }
        }

        mutating func negate() {
            years = -years
            months = -months
            days = -days
            microseconds = 0 &- microseconds
        }

        func interval() throws(TimeTextError) -> Interval {
            guard let days = Int32(exactly: days) else { throw .intervalFieldRange }
            guard let months = Int32(exactly: years * 12 + months) else { throw .intervalRange }
            return Interval(months: months, days: days, microseconds: microseconds)
        }

        mutating func add(microseconds value: Int64) throws(TimeTextError) {
            let (sum, overflow) = microseconds.addingReportingOverflow(value)
            if overflow { throw .intervalFieldRange }
            microseconds = sum
        }

        /// Half a microsecond is dropped.
        private mutating func add(fraction: Double, of size: Int64) throws(TimeTextError) {
            let exact = fraction * Double(size)
            let whole = exact.rounded(.towardZero)
            let rest = exact - whole
            try add(microseconds: Int64(whole) + (rest > 0.5 ? 1 : rest < -0.5 ? -1 : 0))
        }

        private mutating func add(days value: Double) throws(TimeTextError) {
            let whole = value.rounded(.towardZero)
            days += Int64(whole)
            try add(fraction: value - whole, of: Timestamp.microsecondsPerDay)
        }

        mutating func add(_ negative: Bool, _ whole: Int, _ fraction: Double, _ unit: Unit) throws(TimeTextError) {
            let number = Int64(negative ? -whole : whole)
            let part = negative ? -fraction : fraction
            func clock(_ size: Int64, _ total: inout Total) throws(TimeTextError) {
                let (product, overflow) = number.multipliedReportingOverflow(by: size)
                if overflow { throw .intervalFieldRange }
                try total.add(microseconds: product)
                try total.add(fraction: part, of: size)
            }
            func small(_ factor: Int64) throws(TimeTextError) -> Int64 {
                guard abs(number) <= Int64(Int32.max) + 1, let value = Int32(exactly: number * factor) else {
                    throw .intervalFieldRange
                }
                return Int64(value)
            }
            func inYears(_ factor: Int64, _ total: inout Total) throws(TimeTextError) {
                total.years += try small(factor)
                total.months += Int64((part * 12 * Double(factor)).rounded(.toNearestOrEven))
            }
            switch unit {
            case .microsecond: try clock(1, &self)
            case .millisecond: try clock(1000, &self)
            case .second: try clock(1_000_000, &self)
            case .minute: try clock(60_000_000, &self)
            case .hour: try clock(3_600_000_000, &self)
            case .day:
                days += try small(1)
                try add(fraction: part, of: Timestamp.microsecondsPerDay)
            case .week:
                days += try small(7)
                try add(days: part * 7)
            case .month:
                months += try small(1)
                try add(days: part * 30)
            case .year: try inYears(1, &self)
            case .decade: try inYears(10, &self)
            case .century: try inYears(100, &self)
            case .millennium: try inYears(1000, &self)
            }
        }
    }
}

/// The text of timestamps and intervals, out (DateStyle ISO, IntervalStyle postgres) and in.
package enum TimeText {
    package static func append(timestamp value: Int64, to text: inout [UInt8]) {
        if value == Timestamp.infinity { return text.append(contentsOf: "infinity".utf8) }
        if value == Timestamp.negativeInfinity { return text.append(contentsOf: "-infinity".utf8) }
        let fields = Calendar.fields(value)
        IntegerText.append(fields.year > 0 ? fields.year : 1 - fields.year, width: 4, to: &text)
        text.append(UInt8(ascii: "-"))
        IntegerText.append(fields.month, width: 2, to: &text)
        text.append(UInt8(ascii: "-"))
        IntegerText.append(fields.day, width: 2, to: &text)
        text.append(UInt8(ascii: " "))
        appendClock(fields.microsecondsOfDay, to: &text)
        if fields.year <= 0 { text.append(contentsOf: " BC".utf8) }
    }

    /// `HH:MM:SS[.ffffff]` of non-negative microseconds, without trailing zeros.
    private static func appendClock(_ microseconds: Int64, to text: inout [UInt8]) {
        let seconds = microseconds / 1_000_000
        IntegerText.append(Int(seconds / 3600), width: 2, to: &text)
        text.append(UInt8(ascii: ":"))
        IntegerText.append(Int(seconds / 60 % 60), width: 2, to: &text)
        text.append(UInt8(ascii: ":"))
        IntegerText.append(Int(seconds % 60), width: 2, to: &text)
        var fraction = Int(microseconds % 1_000_000)
        if fraction > 0 {
            text.append(UInt8(ascii: "."))
            var width = 6
            while fraction % 10 == 0 {
                fraction /= 10
                width -= 1
            }
            IntegerText.append(fraction, width: width, to: &text)
        }
    }

    package static func append(interval value: Interval, to text: inout [UInt8]) {
        let start = text.count
        var isNegativeBefore = false
        func part(_ number: Int, _ unit: String) {
            guard number != 0 else { return }
            if text.count > start { text.append(UInt8(ascii: " ")) }
            if isNegativeBefore, number > 0 { text.append(UInt8(ascii: "+")) }
            IntegerText.append(Int64(number), to: &text)
            text.append(UInt8(ascii: " "))
            text.append(contentsOf: unit.utf8)
            if number != 1 { text.append(UInt8(ascii: "s")) }
            isNegativeBefore = number < 0
        }
        part(Int(value.months / 12), "year")
        part(Int(value.months % 12), "mon")
        part(Int(value.days), "day")
        if value.microseconds != 0 || text.count == start {
            if text.count > start { text.append(UInt8(ascii: " ")) }
            if value.microseconds < 0 {
                text.append(UInt8(ascii: "-"))
            } else if isNegativeBefore {
                text.append(UInt8(ascii: "+"))
            }
            let magnitude = value.microseconds.magnitude
            appendClock(Int64(min(magnitude, UInt64(Int64.max))), to: &text)
        }
    }

    /// `2024-01-02`, `2024-01-02 03:04[:05[.678901]]`, with `T`, `Z` or an offset (which is ignored, as for any timestamp without time
    /// zone), `infinity`, `-infinity`, `epoch`; nil if it is none of these.
    package static func parseTimestamp(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
        var scanner = Scanner(text)
        if scanner.word("infinity") || scanner.word("+infinity") { return scanner.isAtEnd ? Timestamp.infinity : nil }
        if scanner.word("-infinity") { return scanner.isAtEnd ? Timestamp.negativeInfinity : nil }
        if scanner.word("epoch") { return scanner.isAtEnd ? 0 : nil }
        guard let year = scanner.digits(4, 6), scanner.byte("-"), let month = scanner.digits(1, 2), scanner.byte("-"),
            let day = scanner.digits(1, 2), month >= 1, month <= 12, year >= 1, day >= 1,
            day <= Calendar.daysInMonth(year: year, month: month)
        else { return nil }
        var microseconds: Int64 = 0
        if scanner.byte("T") || scanner.byte("t") || scanner.blanks() {
            if !scanner.isAtEnd {
                guard let clock = scanner.clock(hoursMax: 24) else { return nil }
                microseconds = clock
                if microseconds > Timestamp.microsecondsPerDay { return nil }
                scanner.zone()
            }
        }
        guard scanner.isAtEnd else { return nil }
        guard let start = Calendar.timestamp(.init(year: year, month: month, day: day)) else { return nil }
        return start + microseconds
    }

    /// PostgreSQL's interval input: `1 year 2 mons -3 days 04:05:06.7 ago`, `10 seconds`, ISO 8601 `P1Y2M3DT4H5M6S`; nil if it is not one.
    package static func parseInterval(_ text: UnsafeBufferPointer<UInt8>) -> Interval? {
        var scanner = Scanner(text)
        if scanner.byte("P") { return parseISOInterval(&scanner) }
        _ = scanner.byte("@")
        _ = scanner.blanks()
        var total = Total()
        var parts = 0
        while !scanner.isAtEnd {
            if scanner.word("ago") {
                guard scanner.isAtEnd, parts > 0 else { return nil }
                total.negate()
                break
            }
            let negative = scanner.byte("-")
            if !negative { _ = scanner.byte("+") }
            let mark = scanner.position
            if let clock = scanner.clock(hoursMax: 10_000_000) {
                guard total.add(microseconds: negative ? -clock : clock) else { return nil }
            } else {
                scanner.position = mark
                guard let number = scanner.decimal() else { return nil }
                _ = scanner.blanks()
                let unit = scanner.letters()
                guard total.add(number, unit.isEmpty ? "second" : unit, negative: negative) else { return nil }
            }
            parts += 1
            _ = scanner.blanks()
        }
        return parts > 0 ? total.interval : nil
    }

    private static func parseISOInterval(_ scanner: inout Scanner) -> Interval? {
        var total = Total()
        var isTime = false
        var parts = 0
        while !scanner.isAtEnd {
            if !isTime, scanner.byte("T") {
                isTime = true
                continue
            }
            let negative = scanner.byte("-")
            guard let number = scanner.decimal(), let letter = scanner.take() else { return nil }
            let unit: String? =
                switch (letter, isTime) {
                case (UInt8(ascii: "Y"), false): "year"
                case (UInt8(ascii: "M"), false): "month"
                case (UInt8(ascii: "W"), false): "week"
                case (UInt8(ascii: "D"), false): "day"
                case (UInt8(ascii: "H"), true): "hour"
                case (UInt8(ascii: "M"), true): "minute"
                case (UInt8(ascii: "S"), true): "second"
                default: nil
                }
            guard let unit, total.add(number, unit, negative: negative) else { return nil }
            parts += 1
        }
        return parts > 0 ? total.interval : nil
    }

    /// The sum of an interval's parts; fractions of a unit spill into the next smaller field as PostgreSQL's do.
    private struct Total {
        var months: Int64 = 0
        var days: Int64 = 0
        var microseconds: Int64 = 0

        var interval: Interval? {
            guard let months = Int32(exactly: months), let days = Int32(exactly: days) else { return nil }
            return Interval(months: months, days: days, microseconds: microseconds)
        }

        mutating func negate() {
            months = -months
            days = -days
            microseconds = -microseconds
        }

        mutating func add(microseconds value: Int64) -> Bool {
            let (sum, overflow) = microseconds.addingReportingOverflow(value)
            microseconds = sum
            return !overflow
        }

        mutating func add(_ number: (whole: Int64, fraction: Double), _ unit: String, negative: Bool) -> Bool {
            let whole = negative ? -number.whole : number.whole
            let fraction = negative ? -number.fraction : number.fraction
            guard abs(whole) < 1_000_000_000_000 else { return false }
            func clock(_ size: Int64) -> Bool {
                let (product, overflow) = whole.multipliedReportingOverflow(by: size)
                return !overflow && add(microseconds: product + Int64((fraction * Double(size)).rounded()))
            }
            func addDays(_ value: Double) -> Bool {
                let full = value.rounded(.towardZero)
                days += Int64(full)
                return add(microseconds: Int64(((value - full) * Double(Timestamp.microsecondsPerDay)).rounded()))
            }
            switch unit {
            case "us", "usec", "usecs", "microsecond", "microseconds", "microsecon": return clock(1)
            case "ms", "msec", "msecs", "millisecond", "milliseconds", "millisecon": return clock(1000)
            case "s", "sec", "secs", "second", "seconds": return clock(1_000_000)
            case "m", "min", "mins", "minute", "minutes": return clock(60_000_000)
            case "h", "hr", "hrs", "hour", "hours": return clock(3_600_000_000)
            case "d", "day", "days":
                days += whole
                return addDays(fraction)
            case "w", "week", "weeks":
                days += whole * 7
                return addDays(fraction * 7)
            case "mon", "mons", "month", "months":
                months += whole
                return addDays(fraction * 30)
            case "y", "yr", "yrs", "year", "years":
                months += whole * 12 + Int64((fraction * 12).rounded())
            case "decade", "decades", "dec", "decs":
                months += whole * 120 + Int64((fraction * 120).rounded())
            case "century", "centuries", "c", "cent":
                months += whole * 1200 + Int64((fraction * 1200).rounded())
            default: return false
            }
            return true
        }
    }

    /// Reads a text from left to right.
    private struct Scanner {
        let text: UnsafeBufferPointer<UInt8>
        var position = 0
        private let end: Int

        init(_ text: UnsafeBufferPointer<UInt8>) {
            self.text = text
            var end = text.count
            while end > 0, text[end - 1] == 0x20 || text[end - 1] >= 9 && text[end - 1] <= 13 { end -= 1 }
            self.end = end
            _ = blanks()
        }

        var isAtEnd: Bool { position >= end }

        mutating func take() -> UInt8? {
            guard position < end else { return nil }
            position += 1
            return text[position - 1]
        }

        mutating func byte(_ character: Unicode.Scalar) -> Bool {
            guard position < end, text[position] == UInt8(ascii: character) else { return false }
            position += 1
            return true
        }

        @discardableResult
        mutating func blanks() -> Bool {
            let start = position
            while position < end, text[position] == 0x20 || text[position] >= 9 && text[position] <= 13 {
                position += 1
            }
            return position > start
        }

        /// The word in any case, if it stands here.
        mutating func word(_ word: String) -> Bool {
            let bytes = Array(word.utf8)
            guard end - position >= bytes.count else { return false }
            for (index, byte) in bytes.enumerated() {
                let found = text[position + index]
                guard (found >= 0x41 && found <= 0x5A ? found | 0x20 : found) == byte else { return false }
            }
            position += bytes.count
            return true
        }

        mutating func letters() -> String {
            var word = ""
            while position < end, text[position] | 0x20 >= 0x61, text[position] | 0x20 <= 0x7A {
                word.unicodeScalars.append(Unicode.Scalar(text[position] | 0x20))
                position += 1
            }
            return word
        }

        mutating func digits(_ least: Int, _ most: Int) -> Int? {
            var value = 0
            let start = position
            while position < end, position - start < most, text[position] >= 0x30, text[position] <= 0x39 {
                value = value * 10 + Int(text[position] - 0x30)
                position += 1
            }
            return position - start >= least ? value : nil
        }

        /// Digits with an optional fraction.
        mutating func decimal() -> (whole: Int64, fraction: Double)? {
            guard let whole = digits(1, 12) ?? (position < end && text[position] == 0x2E ? 0 : nil) else { return nil }
            var fraction = 0.0
            if byte(".") {
                var unit = 0.1
                while position < end, text[position] >= 0x30, text[position] <= 0x39 {
                    fraction += Double(text[position] - 0x30) * unit
                    unit /= 10
                    position += 1
                }
            }
            return (Int64(whole), fraction)
        }

        /// `HH:MM[:SS[.ffffff]]` as microseconds.
        mutating func clock(hoursMax: Int) -> Int64? {
            guard let hours = digits(1, 8), byte(":"), let minutes = digits(1, 2), hours <= hoursMax, minutes < 60
            else { return nil }
            var microseconds = Int64(hours) * 3_600_000_000 + Int64(minutes) * 60_000_000
            if byte(":") {
                guard let seconds = digits(1, 2), seconds <= 60 else { return nil }
                microseconds += Int64(seconds) * 1_000_000
                if byte(".") {
                    var unit: Int64 = 100_000
                    var rounding: Int64 = 0
                    var isFirstBeyond = true
                    while position < end, text[position] >= 0x30, text[position] <= 0x39 {
                        if unit > 0 {
                            microseconds += Int64(text[position] - 0x30) * unit
                            unit /= 10
                        } else if isFirstBeyond {
                            rounding = text[position] >= 0x35 ? 1 : 0
                            isFirstBeyond = false
                        }
                        position += 1
                    }
                    microseconds += rounding
                }
            }
            return microseconds
        }

        /// Skips `Z` or an offset such as `+02`, `+02:00`, `-0530`.
        mutating func zone() {
            _ = blanks()
            if byte("Z") || byte("z") { return }
            let mark = position
            if byte("+") || byte("-") {
                guard digits(1, 4) != nil else { return position = mark }
                if byte(":") { _ = digits(2, 2) }
            }
        }
    }
}

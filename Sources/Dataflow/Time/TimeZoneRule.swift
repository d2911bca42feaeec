/// What a zone does after its last transition: the POSIX text at a TZif file's end, e.g. `CET-1CEST,M3.5.0,M10.5.0/3`.
struct TimeZoneRule {
    /// Seconds east of Greenwich.
    let standard: Int
    /// Daylight saving time, if the zone has any.
    let daylight: (offset: Int, begins: Day, ends: Day)?

    /// A day of each year and the local time of the change, in seconds.
    struct Day {
        enum Kind {
            /// The `week`-th (5: the last) `weekday` (0 is Sunday) of a month.
            case weekday(month: Int, week: Int, weekday: Int)
            /// Day 1 … 365 without February 29.
            case julian(Int)
            /// Day 0 … 365.
            case ordinal(Int)
        }
        var kind: Kind
        var seconds: Int

        /// The local second of the change, since 1970.
        func second(in year: Int) -> Int {
            let start = Calendar.days(year: year, month: 1, day: 1)
            let day: Int
            switch kind {
            case .julian(let number):
                let isLeap = Calendar.daysInMonth(year: year, month: 2) == 29
                day = start + number - 1 + (isLeap && number >= 60 ? 1 : 0)
            case .ordinal(let number): day = start + number
            case .weekday(let month, let week, let weekday):
                let first = Calendar.days(year: year, month: month, day: 1)
                // 1970-01-01 was a Thursday.
                let weekdayOfFirst = ((first + 4) % 7 + 7) % 7
                var number = (weekday - weekdayOfFirst + 7) % 7 + (week - 1) * 7
                while number >= Calendar.daysInMonth(year: year, month: month) { number -= 7 }
                day = first + number
            }
            return day * 86_400 + seconds
        }
    }

    /// nil if the text is no such rule.
    init?(_ text: Substring) {
        var scanner = Scanner(rest: text)
        guard scanner.name(), let offset = scanner.time() else { return nil }
        standard = -offset
        if scanner.rest.isEmpty {
            daylight = nil
            return
        }
        guard scanner.name() else { return nil }
        var daylightOffset = standard + 3600
        if scanner.rest.first != "," {
            guard let given = scanner.time() else { return nil }
            daylightOffset = -given
        }
        guard let begins = scanner.day(), let ends = scanner.day(), scanner.rest.isEmpty else { return nil }
        daylight = (daylightOffset, begins, ends)
    }

    private struct Scanner {
        var rest: Substring

        mutating func take(_ character: Character) -> Bool {
            guard rest.first == character else { return false }
            rest.removeFirst()
            return true
        }

        mutating func name() -> Bool {
            if take("<") {
                guard let end = rest.firstIndex(of: ">") else { return false }
                rest = rest[rest.index(after: end)...]
                return true
            }
            let letters = rest.prefix { $0.isASCII && $0.isLetter }
            rest = rest.dropFirst(letters.count)
            return letters.count >= 3
        }

        mutating func number() -> Int? {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            return digits.count <= 4 ? Int(digits) : nil
        }

        /// `[+-]h[h[h]][:mm[:ss]]` as seconds.
        mutating func time() -> Int? {
            let isNegative = take("-")
            if !isNegative { _ = take("+") }
            guard let hours = number() else { return nil }
            var seconds = hours * 3600
            var unit = 60
            while unit >= 1, take(":") {
                guard let part = number() else { return nil }
                seconds += part * unit
                unit /= 60
            }
            return isNegative ? -seconds : seconds
        }

        mutating func day() -> Day? {
            guard take(",") else { return nil }
            let kind: Day.Kind
            if take("M") {
                guard let month = number(), take("."), let week = number(), take("."), let weekday = number(),
                    (1...12).contains(month), (1...5).contains(week), (0...6).contains(weekday)
                else { return nil }
                kind = .weekday(month: month, week: week, weekday: weekday)
            } else if take("J") {
                guard let number = number() else { return nil }
                kind = .julian(number)
            } else {
                guard let number = number() else { return nil }
                kind = .ordinal(number)
            }
            guard take("/") else { return Day(kind: kind, seconds: 7200) }
            guard let seconds = time() else { return nil }
            return Day(kind: kind, seconds: seconds)
        }
    }
}

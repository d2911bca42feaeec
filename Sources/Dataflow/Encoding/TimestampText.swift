/// Why a text is not a timestamp or interval.
enum TimeTextError: Error {
    case syntax, fieldRange, timestampRange, dateRange, zone, intervalFieldRange, intervalRange
    case unknownZone(String)

    /// PostgreSQL's code and message; `type` is `timestamp`, `interval` and so on.
    func failure(_ text: UnsafeBufferPointer<UInt8>, type: String) -> RowFailure {
        let shown = String(decoding: text.prefix(200), as: UTF8.self)
        return switch self {
        case .syntax: RowFailure("22007", "invalid input syntax for type \(type): \"\(shown)\"")
        case .fieldRange: RowFailure("22008", "date/time field value out of range: \"\(shown)\"")
        case .timestampRange: RowFailure("22008", "timestamp out of range: \"\(shown)\"")
        case .dateRange: RowFailure("22008", "date out of range: \"\(shown)\"")
        case .unknownZone(let name): RowFailure("22023", "time zone \"\(name)\" not recognized")
        case .zone: RowFailure("22009", "time zone displacement out of range: \"\(shown)\"")
        case .intervalFieldRange: RowFailure("22015", "interval field value out of range: \"\(shown)\"")
        case .intervalRange: RowFailure.intervalRange
        }
    }
}

/// The input text of timestamps: ISO 8601 in PostgreSQL's latitude (`2024-1-2 3:04`, `20240102T030405`, `2024-032`,
/// `2024/01/02`, `01/02/2024`), with AM/PM, BC, and a zone or offset, which is ignored as for any timestamp without
/// time zone; `infinity`, `-infinity`, `epoch`. Names of months and of zones other than UTC are not read.
enum TimestampText {
    static func parse(_ text: UnsafeBufferPointer<UInt8>) throws(TimeTextError) -> Int64 {
        if let value = plain(text) { return value }
        let read = try read(text)
        if let special = read.special { return special }
        guard let date = read.date else { throw .syntax }
        return try timestamp(date, read.time ?? 0)
    }

    /// A time without a zone is one in UTC.
    static func parseZoned(_ text: UnsafeBufferPointer<UInt8>) throws(TimeTextError) -> Int64 {
        if let value = plain(text) { return value }
        let read = try read(text)
        if let special = read.special { return special }
        guard let date = read.date else { throw .syntax }
        let local = try timestamp(date, read.time ?? 0)
        let value = read.zone.map { $0.instant(local) } ?? TimeZone.moved(local, by: -read.offset)
        guard let value else { throw .timestampRange }
        return value
    }

    /// A time behind the date is read and dropped.
    static func parseDate(_ text: UnsafeBufferPointer<UInt8>) throws(TimeTextError) -> Int32 {
        let read = try read(text)
        if let special = read.special {
            return special == Timestamp.infinity
                ? DateValue.infinity : special == Timestamp.negativeInfinity ? DateValue.negativeInfinity : 0
        }
        guard let date = read.date else { throw .syntax }
        guard date.year >= -4713, date.year <= 5_874_897 else { throw .dateRange }
        let days = Calendar.days(year: date.year, month: date.month, day: date.day)
        guard days >= Int(DateValue.earliest), days <= Int(DateValue.latest) else { throw .dateRange }
        return Int32(days)
    }

    /// A date before the time is read and dropped.
    static func parseTime(_ text: UnsafeBufferPointer<UInt8>) throws(TimeTextError) -> Int64 {
        var scanner = TimeScanner(text)
        if scanner.words("allballs") { return 0 }
        if let zone = scanner.zoneField() { throw .unknownZone(zone) }
        let read = try read(text, ofDay: true)
        guard read.special == nil, let time = read.time else { throw .syntax }
        return time
    }

    private struct Read {
        /// infinity, -infinity and epoch.
        var special: Int64?
        var date: Calendar.Fields?
        var time: Int64?
        /// Seconds east of Greenwich, unless a zone is named.
        var offset = 0
        var zone: TimeZone?
    }

    private static func timestamp(_ date: Calendar.Fields, _ time: Int64) throws(TimeTextError) -> Int64 {
        guard let start = Calendar.timestamp(date) else { throw .timestampRange }
        let (value, overflow) = start.addingReportingOverflow(time)
        guard !overflow, value < Timestamp.infinity else { throw .timestampRange }
        return value
    }

    private static func read(_ text: UnsafeBufferPointer<UInt8>, ofDay: Bool = false) throws(TimeTextError) -> Read {
        var scanner = TimeScanner(text)
        if scanner.words("infinity") || scanner.words("+infinity") { return Read(special: Timestamp.infinity) }
        if scanner.words("-infinity") { return Read(special: Timestamp.negativeInfinity) }
        if scanner.words("epoch") { return Read(special: 0) }
        var result = Read()
        var marks = Marks()
        if scanner.beginsWithClock() || ofDay && scanner.beginsWithPackedClock() {
            _ = scanner.letter("t")
            result.time = try clock(&scanner)
        } else {
            result.date = try date(&scanner)
        }
        while true {
            let blanks = scanner.skipBlanks()
            guard !scanner.isAtEnd else { break }
            if result.time == nil {
                let hasT = scanner.letter("t")
                if hasT || blanks, scanner.isAtDigit {
                    result.time = try clock(&scanner)
                    continue
                }
                if hasT { throw .syntax }
            }
            try marks.read(&scanner, afterClock: result.time != nil)
        }
        if var time = result.time, let isAfternoon = marks.isAfternoon {
            let hour = time / 3_600_000_000
            guard hour <= 12 else { throw .fieldRange }
            if isAfternoon, hour < 12 { time += 12 * 3_600_000_000 }
            if !isAfternoon, hour == 12 { time -= 12 * 3_600_000_000 }
            result.time = time
        }
        if marks.isBC, let year = result.date?.year { result.date?.year = 1 - year }
        if let date = result.date, date.day > Calendar.daysInMonth(year: date.year, month: date.month) {
            throw .fieldRange
        }
        result.offset = marks.offset
        result.zone = marks.zone
        return result
    }

    /// The usual form, `YYYY-MM-DD HH:MM:SS[.f…]` with an optional `Z`, without the scanner; nil for any other.
    @inline(__always)
    private static func plain(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
        guard text.count >= 19, text.count <= 27, let base = text.baseAddress else { return nil }
        var wrong: UInt8 = (base[4] ^ 0x2D) | (base[7] ^ 0x2D) | (base[13] ^ 0x3A) | (base[16] ^ 0x3A)
        if base[10] != 0x20, base[10] | 0x20 != 0x74 { return nil }
        func two(_ at: Int) -> Int {
            let (high, low) = (base[at] &- 0x30, base[at + 1] &- 0x30)
            wrong |= (high > 9 ? 1 : 0) | (low > 9 ? 1 : 0)
            return Int(high) &* 10 &+ Int(low)
        }
        let year = two(0) * 100 + two(2)
        let (month, day, hour, minute, second) = (two(5), two(8), two(11), two(14), two(17))
        guard wrong == 0, year > 0, month >= 1, month <= 12, day >= 1, hour < 24, minute < 60, second < 60,
            day <= 28 || day <= Calendar.daysInMonth(year: year, month: month)
        else { return nil }
        var end = text.count
        if base[end - 1] | 0x20 == 0x7A { end -= 1 }
        var fraction = 0
        if end > 19 {
            guard base[19] == 0x2E, end <= 26 else { return nil }
            for position in 20..<end {
                let digit = base[position] &- 0x30
                guard digit <= 9 else { return nil }
                fraction = fraction * 10 + Int(digit)
            }
            for _ in end..<26 { fraction *= 10 }
        }
        let days = Calendar.days(year: year, month: month, day: day)
        let seconds = days * 86_400 + hour * 3600 + minute * 60 + second
        return Int64(seconds * 1_000_000 + fraction)
    }

    private static func date(_ scanner: inout TimeScanner) throws(TimeTextError) -> Calendar.Fields {
        guard let (first, width) = scanner.digits() else { throw .syntax }
        var (year, month, day) = (first, 0, 0)
        if let separator = scanner.dateSeparator() {
            guard let (second, secondWidth) = scanner.digits() else { throw .syntax }
            if separator == UInt8(ascii: "-"), secondWidth == 3, width >= 4, scanner.peek != separator {
                return try dayOfYear(year, second)
            }
            guard scanner.byte(separator), let (third, thirdWidth) = scanner.digits() else { throw .syntax }
            (month, day) = (second, third)
            if width < 3 {
                // Month, day, year.
                guard separator == UInt8(ascii: "/"), thirdWidth >= 3 else { throw .syntax }
                (year, month, day) = (third, first, second)
            }
        } else {
            guard width == 8 else { throw .syntax }
            (year, month, day) = (first / 10_000, first / 100 % 100, first % 100)
        }
        guard year >= 1, month >= 1, month <= 12, day >= 1 else { throw .fieldRange }
        guard year <= 10_000_000 else { throw .timestampRange }
        // Whether the month has the day is seen when it is known whether the year is one before Christ.
        guard day <= 31 else { throw .fieldRange }
        return Calendar.Fields(year: year, month: month, day: day)
    }

    private static func dayOfYear(_ year: Int, _ number: Int) throws(TimeTextError) -> Calendar.Fields {
        guard year >= 1, year <= 1_000_000, number >= 1, number <= 366 else { throw .fieldRange }
        let found = Calendar.date(days: Calendar.days(year: year, month: 1, day: 1) + number - 1)
        return Calendar.Fields(year: found.year, month: found.month, day: found.day)
    }

    /// `HH:MM[:SS[.f…]]`, `HHMMSS[.f…]` or `HHMM`.
    private static func clock(_ scanner: inout TimeScanner) throws(TimeTextError) -> Int64 {
        guard let (first, width) = scanner.digits() else { throw .syntax }
        var (hour, minute, second) = (first, 0, 0)
        if width == 6, scanner.peek != UInt8(ascii: ":") {
            (hour, minute, second) = (first / 10_000, first / 100 % 100, first % 100)
        } else if width == 4, scanner.peek != UInt8(ascii: ":"), scanner.peek != UInt8(ascii: ".") {
            (hour, minute) = (first / 100, first % 100)
        } else {
            guard scanner.byte(UInt8(ascii: ":")), let minutes = scanner.digits() else { throw .syntax }
            minute = minutes.value
            if scanner.byte(UInt8(ascii: ":")) {
                guard let seconds = scanner.digits() else { throw .syntax }
                second = seconds.value
            }
        }
        var fraction: Int64 = 0
        if scanner.byte(UInt8(ascii: ".")) {
            fraction = Int64((scanner.fraction() * 1e6).rounded(.toNearestOrEven))
        }
        guard hour <= 24, minute < 60, second <= 60, hour < 24 || minute == 0 && second == 0 && fraction == 0 else {
            throw .fieldRange
        }
        return Int64((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction
    }

    /// What may stand behind the date and the time.
    private struct Marks {
        var isBC = false
        var isAfternoon: Bool?
        /// Seconds east of Greenwich, unless a zone is named.
        var offset = 0
        var zone: TimeZone?

        mutating func read(_ scanner: inout TimeScanner, afterClock: Bool) throws(TimeTextError) {
            let isWest = scanner.peek == UInt8(ascii: "-")
            if afterClock, scanner.byte(UInt8(ascii: "+")) || scanner.byte(UInt8(ascii: "-")) {
                guard let (number, width) = scanner.digits(), width <= 6 else { throw .syntax }
                var parts = [number, 0, 0]
                if width > 4 {
                    parts = [number / 10_000, number / 100 % 100, number % 100]
                } else if width > 2 {
                    parts = [number / 100, number % 100, 0]
                }
                for index in 1...2 where scanner.byte(UInt8(ascii: ":")) {
                    guard let part = scanner.digits() else { throw .syntax }
                    parts[index] = part.value
                }
                guard parts[0] <= 15, parts[1] <= 59, parts[2] <= 59 else { throw .zone }
                offset = (parts[0] * 60 + parts[1]) * 60 + parts[2]
                if isWest { offset = -offset }
                return
            }
            switch scanner.letters() {
            case "bc", "b.c.": isBC = true
            case "ad", "a.d.": break
            case "am" where afterClock: isAfternoon = false
            case "pm" where afterClock: isAfternoon = true
            case "": throw .syntax
            case let word where afterClock: try read(zone: word, &scanner)
            default: throw .syntax
            }
        }

        /// An abbreviation or a name.
        private mutating func read(zone word: String, _ scanner: inout TimeScanner) throws(TimeTextError) {
            let name = word + scanner.zoneName()
            if let seconds = TimeZones.abbreviations[name] {
                offset = seconds
                return
            }
            zone = TimeZones.zone(name)
            if zone == nil { throw TimeScanner.isZoneField(word, name) ? .unknownZone(name) : .syntax }
        }
    }
}

/// Reads a text of a timestamp or interval from left to right.
struct TimeScanner {
    let text: UnsafeBufferPointer<UInt8>
    var position = 0
    private var end: Int

    init(_ text: UnsafeBufferPointer<UInt8>) {
        self.text = text
        end = text.count
        while end > 0, Self.isBlank(text[end - 1]) { end -= 1 }
        skipBlanks()
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte >= 9 && byte <= 13 }

    var isAtEnd: Bool { position >= end }
    var peek: UInt8? { position < end ? text[position] : nil }
    var isAtDigit: Bool { position < end && text[position] >= 0x30 && text[position] <= 0x39 }
    var isAtLetter: Bool { position < end && text[position] | 0x20 >= 0x61 && text[position] | 0x20 <= 0x7A }

    /// Whether a time stands here: two digits at most before a colon, or a T before a digit.
    func beginsWithClock() -> Bool {
        var at = position
        if at < end, text[at] | 0x20 == UInt8(ascii: "t") { return at + 1 < end && text[at + 1] &- 0x30 <= 9 }
        while at < end, text[at] &- 0x30 <= 9 { at += 1 }
        return at > position && at < end && text[at] == UInt8(ascii: ":")
    }

    /// Whether `HHMMSS` or `HHMM` stands here, and no date.
    func beginsWithPackedClock() -> Bool {
        var at = position
        while at < end, text[at] &- 0x30 <= 9 { at += 1 }
        let isWhole = at == end || Self.isBlank(text[at]) || text[at] == UInt8(ascii: "+")
        return at - position == 6 && (isWhole || text[at] == UInt8(ascii: ".")) || at - position == 4 && isWhole
    }

    mutating func byte(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        position += 1
        return true
    }

    mutating func letter(_ letter: Unicode.Scalar) -> Bool {
        guard let next = peek, next | 0x20 == UInt8(ascii: letter) else { return false }
        position += 1
        return true
    }

    mutating func dateSeparator() -> UInt8? {
        guard let next = peek, next == UInt8(ascii: "-") || next == UInt8(ascii: "/") || next == UInt8(ascii: ".")
        else {
            return nil
        }
        position += 1
        return next
    }

    @discardableResult
    mutating func skipBlanks() -> Bool {
        let start = position
        while position < end, Self.isBlank(text[position]) { position += 1 }
        return position > start
    }

    /// Whether the whole text is the word, in any case.
    mutating func words(_ word: StaticString) -> Bool {
        guard end - position == word.utf8CodeUnitCount else { return false }
        for index in 0..<word.utf8CodeUnitCount {
            let byte = text[position + index]
            guard (byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte) == word.utf8Start[index] else { return false }
        }
        return true
    }

    /// Letters and points, in lower case.
    mutating func letters() -> String {
        var word = ""
        while isAtLetter || !word.isEmpty && peek == UInt8(ascii: ".") {
            word.unicodeScalars.append(Unicode.Scalar(text[position] | 0x20))
            position += 1
        }
        return word
    }

    /// Whether a field that begins with the letters of `word` is meant as a zone's name.
    static func isZoneField(_ word: String, _ field: String) -> Bool {
        guard let next = field.utf8.dropFirst(word.utf8.count).first else { return word.contains(".") }
        return "-/+".utf8.contains(next) || next &- 0x30 <= 9
    }

    /// A field that is meant as a zone's name, if one begins here.
    func zoneField() -> String? {
        var copy = self
        let word = copy.letters()
        guard !word.isEmpty, word != "t" else { return nil }
        let field = word + copy.zoneName()
        return Self.isZoneField(word, field) ? field : nil
    }

    /// What may follow the letters that a zone's name begins with, in lower case.
    mutating func zoneName() -> String {
        var word = ""
        while let byte = peek, !Self.isBlank(byte), byte != UInt8(ascii: ",") {
            let isUpper = byte >= 0x41 && byte <= 0x5A
            word.unicodeScalars.append(Unicode.Scalar(isUpper ? byte | 0x20 : byte))
            position += 1
        }
        return word
    }

    /// At least one digit; the value of more than 18 is 10^18.
    mutating func digits() -> (value: Int, width: Int)? {
        let start = position
        var value = 0
        while isAtDigit {
            value = position - start < 18 ? value * 10 + Int(text[position] - 0x30) : 1_000_000_000_000_000_000
            position += 1
        }
        return position > start ? (value, position - start) : nil
    }

    /// The digits behind a point, as a fraction of 1.
    mutating func fraction() -> Double {
        var (value, scale) = (0.0, 1.0)
        var count = 0
        while isAtDigit {
            if count < 15 {
                value = value * 10 + Double(text[position] - 0x30)
                scale *= 10
            }
            count += 1
            position += 1
        }
        return value / scale
    }
}

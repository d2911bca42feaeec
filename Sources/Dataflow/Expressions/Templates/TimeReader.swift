/// to_timestamp and to_date: reads a text by a template, with the leniency of PostgreSQL's formatting.c.
struct TimeReader {
    /// The fields as they were read; 0 is "not given", as in PostgreSQL.
    private struct Found {
        var isPM = 0
        var hour = 0
        var minute = 0
        var second = 0
        var secondOfDay = 0
        /// 1 is Sunday.
        var weekday = 0
        var day = 0
        var dayOfYear = 0
        var month = 0
        var milliseconds = 0
        var year = 0
        var isBC = 0
        var week = 0
        var weekOfMonth = 0
        var century = 0
        var julian = 0
        var microseconds = 0
        var yearDigits = 0
        var is12Hours = false
        var zoneSign = 0
        var zoneHour = 0
        var zoneMinute = 0
    }

    private enum Convention { case gregorian, isoWeek }

    private let text: [UInt8]
    private let nodes: [TemplateNode]
    private var position = 0
    /// The node that is being read, for messages.
    private var index = 0
    private var found = Found()
    private var convention: Convention?
    private var isFixed = false
    /// Characters skipped beyond what the template says.
    private var extraSkipped = 0

    /// The fields that the text names, and the zone's offset east of Greenwich in seconds, if it names one.
    static func read(
        _ text: TextKernels.Bytes, _ nodes: [TemplateNode]
    ) throws(RowFailure) -> (fields: TemplateFields, zone: Int?) {
        var reader = TimeReader(text: Array(text), nodes: nodes)
        try reader.readNodes()
        return try reader.result()
    }

    private init(text: [UInt8], nodes: [TemplateNode]) {
        self.text = text
        self.nodes = nodes
    }

    // MARK: template

    private var node: TemplateNode { nodes[index] }

    private mutating func skipBlanks() {
        while position < text.count, TemplateNode.isBlank(text[position]) {
            position += 1
            extraSkipped += 1
        }
    }

    private mutating func skipCharacter() {
        guard position < text.count else { return }
        position = text.withUnsafeBufferPointer { TextFunctions.after($0, position) }
    }

    private mutating func readNodes() throws(RowFailure) {
        while index < nodes.count, position < text.count {
            let isFX = node.kind == .pattern && node.name.uppercased() == "FX"
            if !isFixed, !isFX, node.kind == .pattern || index == 0 { skipBlanks() }
            switch node.kind {
            case .space, .separator: skipSeparator()
            case .character:
                if !isFixed, extraSkipped > 0 { extraSkipped -= 1 } else { skipCharacter() }
            case .pattern:
                try readPattern(node.name.uppercased())
                if !isFixed {
                    extraSkipped = 0
                    skipBlanks()
                }
            }
            index += 1
        }
    }

    /// A separator of the template takes one of the text, if there is one; with FX, any character.
    private mutating func skipSeparator() {
        if isFixed { return skipCharacter() }
        extraSkipped -= 1
        if position < text.count, TemplateNode.isBlank(text[position]) || TemplateNode.isSeparator(text[position]) {
            position += 1
            extraSkipped += 1
        }
    }

    private static let gregorianPatterns: Set<String> = [
        "D", "DD", "DDD", "MM", "MON", "MONTH", "RM", "W", "WW", "Y,YYY", "YYYY", "YYY", "YY", "Y",
    ]
    private static let isoPatterns: Set<String> = ["ID", "IDDD", "IW", "IYYY", "IYY", "IY", "I"]

    private mutating func setConvention(_ pattern: String) throws(RowFailure) {
        let wanted: Convention? =
            Self.gregorianPatterns.contains(pattern) ? .gregorian : Self.isoPatterns.contains(pattern) ? .isoWeek : nil
        guard let wanted else { return }
        if let convention, convention != wanted {
            throw RowFailure("22007", "invalid combination of date conventions")
        }
        convention = wanted
    }

    private mutating func readPattern(_ pattern: String) throws(RowFailure) {
        try setConvention(pattern)
        switch pattern {
        case "FX": isFixed = true
        case "TZ", "OF":
            throw RowFailure("0A000", "formatting field \"\(node.name)\" is only supported in to_char")
        case "TZH", "TZM", "HH", "HH12", "HH24", "MI", "SS", "MS", "US", "FF1", "FF2", "FF3", "FF4", "FF5", "FF6",
            "SSSS", "SSSSS", "AM", "PM", "A.M.", "P.M.":
            try readClock(pattern)
        default: try readDate(pattern)
        }
    }

    private mutating func readClock(_ pattern: String) throws(RowFailure) {
        switch pattern {
        case "AM", "PM": try readWord(["am", "pm"], \.isPM)
        case "A.M.", "P.M.": try readWord(["a.m.", "p.m."], \.isPM)
        case "HH", "HH12":
            _ = try readInteger(2, \.hour)
            found.is12Hours = true
            skipOrdinal()
        case "HH24":
            _ = try readInteger(2, \.hour)
            skipOrdinal()
        case "MI":
            _ = try readInteger(2, \.minute)
            skipOrdinal()
        case "SS":
            _ = try readInteger(2, \.second)
            skipOrdinal()
        case "SSSS", "SSSSS":
            _ = try readInteger(pattern.utf8.count, \.secondOfDay)
            skipOrdinal()
        case "MS":
            let length = try readInteger(3, \.milliseconds)
            // 25 is 0.25, as is 250; 025 is 0.025.
            found.milliseconds *= length == 1 ? 100 : length == 2 ? 10 : 1
            skipOrdinal()
        case "TZH":
            if position < text.count, [0x2B, 0x2D, 0x20].contains(text[position]) {
                found.zoneSign = text[position] == 0x2D ? -1 : 1
                position += 1
            } else {
                found.zoneSign = extraSkipped > 0 && position > 0 && text[position - 1] == 0x2D ? -1 : 1
            }
            _ = try readInteger(2, \.zoneHour)
        case "TZM":
            if found.zoneSign == 0 { found.zoneSign = 1 }
            _ = try readInteger(2, \.zoneMinute)
        default:
            let digits = pattern == "US" ? 6 : Int(pattern.utf8.last ?? 0x36) - 0x30
            let length = try readInteger(digits, \.microseconds)
            let factors = [1: 100_000, 2: 10_000, 3: 1000, 4: 100, 5: 10]
            found.microseconds *= factors[length] ?? 1
            skipOrdinal()
        }
    }

    private mutating func readDate(_ pattern: String) throws(RowFailure) {
        switch pattern {
        case "AD", "BC": try readWord(["ad", "bc"], \.isBC)
        case "A.D.", "B.C.": try readWord(["a.d.", "b.c."], \.isBC)
        case "MONTH": try readWord(TimeFormatter.monthNames.map { $0.lowercased() }, \.month, offset: 1)
        case "MON": try readWord(TimeFormatter.monthNames.map { $0.prefix(3).lowercased() }, \.month, offset: 1)
        case "RM":
            let names = TimeFormatter.romanMonths.map { $0.lowercased() }
            try readWord(names.reversed(), \.month, offset: 12, factor: -1)
        case "DAY": try readWord(TimeFormatter.dayNames.map { $0.lowercased() }, \.weekday, offset: 1, onTop: true)
        case "DY":
            try readWord(TimeFormatter.dayNames.map { $0.prefix(3).lowercased() }, \.weekday, offset: 1, onTop: true)
        case "MM": _ = try readInteger(2, \.month)
        case "DDD": _ = try readInteger(3, \.dayOfYear)
        case "IDDD": _ = try readInteger(3, \.dayOfYear)
        case "DD": _ = try readInteger(2, \.day)
        case "D": _ = try readInteger(1, \.weekday)
        case "ID":
            _ = try readInteger(1, \.weekday)
            // Counted as D: Sunday is 1.
            found.weekday += 1
            if found.weekday > 7 { found.weekday = 1 }
        case "WW", "IW": _ = try readInteger(2, \.week)
        case "Q": _ = try readInteger(1, nil)
        case "CC": _ = try readInteger(2, \.century)
        case "W": _ = try readInteger(1, \.weekOfMonth)
        case "J": _ = try readInteger(1, \.julian)
        case "Y,YYY": try readMillennia()
        case "YYYY", "IYYY":
            _ = try readInteger(4, \.year)
            found.yearDigits = 4
        default:
            // YYY, YY, Y and their ISO kin: of the years near 2020.
            let digits = pattern.utf8.filter { $0 == UInt8(ascii: "Y") }.count + (pattern.hasPrefix("I") ? 1 : 0)
            let before = found.year
            let length = try readInteger(digits, \.year)
            if length < 4, before == 0 { found.year = Self.near2020(found.year) }
            found.yearDigits = digits
        }
        skipOrdinal()
    }

    private static func near2020(_ year: Int) -> Int {
        switch year {
        case ..<70: year + 2000
        case ..<100: year + 1900
        case ..<520: year + 2000
        case ..<1000: year + 1000
        default: year
        }
    }

    private mutating func skipOrdinal() {
        guard node.hasOrdinal else { return }
        skipCharacter()
        skipCharacter()
    }

    // MARK: values

    /// The text behind this pattern cannot begin with a digit.
    private var isNextSeparator: Bool {
        if node.hasOrdinal { return true }
        guard index + 1 < nodes.count else { return true }
        let next = nodes[index + 1]
        if next.kind == .pattern { return !Self.startsWithDigit.contains(next.name.uppercased()) }
        return !(next.text.count == 1 && TemplateNode.isDigit(next.text[0]))
    }

    private static let startsWithDigit: Set<String> = [
        "CC", "DDD", "DD", "D", "FF1", "FF2", "FF3", "FF4", "FF5", "FF6", "HH24", "HH12", "HH", "IDDD", "ID", "IW",
        "IYYY", "IYY", "IY", "I", "J", "MI", "MM", "MS", "Q", "SSSSS", "SSSS", "SS", "TZM", "US", "WW", "W", "Y,YYY",
        "YYYY", "YYY", "YY", "Y",
    ]

    /// C's strtol of `text[start ..< end]`: the value and where it ends; that is `start` if there is no number.
    private func number(_ start: Int, _ end: Int) -> (value: Int, end: Int) {
        var place = start
        while place < end, TemplateNode.isBlank(text[place]) { place += 1 }
        var isNegative = false
        if place < end, text[place] == 0x2B || text[place] == 0x2D {
            isNegative = text[place] == 0x2D
            place += 1
        }
        let first = place
        var value = 0
        while place < end, TemplateNode.isDigit(text[place]) {
            // Past the range of any field it stays there.
            if value < 1 << 50 { value = value * 10 + Int(text[place] - 0x30) }
            place += 1
        }
        return place == first ? (0, start) : (isNegative ? -value : value, place)
    }

    /// Reads an integer of `length` digits, or as many as come if the text tells where they end; gives the bytes read.
    private mutating func readInteger(
        _ length: Int, _ field: WritableKeyPath<Found, Int>?
    ) throws(RowFailure) -> Int {
        let start = position
        while position < text.count, TemplateNode.isBlank(text[position]) { position += 1 }
        let copy = text[position..<min(position + length, text.count)]
        let shown = { String(decoding: copy, as: UTF8.self) }
        let value: Int
        if node.isFillMode || isNextSeparator {
            let (number, end) = number(start, text.count)
            (value, position) = (number, end)
        } else {
            if copy.count < length {
                throw RowFailure("22007", "source string too short for \"\(node.name)\" formatting field")
            }
            let (number, end) = number(position, position + length)
            let used = end - position
            if used > 0, used < length {
                throw RowFailure("22007", "invalid value \"\(shown())\" for \"\(node.name)\"")
            }
            (value, position) = (number, end)
        }
        if position == start { throw RowFailure("22007", "invalid value \"\(shown())\" for \"\(node.name)\"") }
        guard let fitting = Int32(exactly: value) else {
            throw RowFailure("22008", "value for \"\(node.name)\" in source string is out of range")
        }
        if let field { try set(field, Int(fitting)) }
        return position - start
    }

    private mutating func set(_ field: WritableKeyPath<Found, Int>, _ value: Int) throws(RowFailure) {
        if found[keyPath: field] != 0, found[keyPath: field] != value {
            throw RowFailure("22007", "conflicting values for \"\(node.name)\" field in formatting string")
        }
        found[keyPath: field] = value
    }

    /// Reads one of the words, in any case; the field becomes its number times `factor`, plus `offset`.
    private mutating func readWord(
        _ words: [String], _ field: WritableKeyPath<Found, Int>, offset: Int = 0, factor: Int = 1, onTop: Bool = false
    ) throws(RowFailure) {
        let rest = text[position...]
        func fits(_ word: String) -> Bool {
            rest.count >= word.utf8.count
                && zip(rest, word.utf8).allSatisfy { ($0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0) == $1 }
        }
        guard let number = words.firstIndex(where: fits) else {
            let shown = rest.prefix { !TemplateNode.isBlank($0) }
            throw RowFailure(
                "22007", "invalid value \"\(String(decoding: shown, as: UTF8.self))\" for \"\(node.name)\"")
        }
        position += words[number].utf8.count
        if onTop {
            // PostgreSQL compares and sets the number from 0, then counts it from 1.
            try set(field, number)
            found[keyPath: field] += offset
        } else {
            try set(field, number * factor + offset)
        }
    }

    /// `Y,YYY`: thousands, a comma, three digits.
    private mutating func readMillennia() throws(RowFailure) {
        let (thousands, comma) = number(position, text.count)
        guard comma > position, comma < text.count, text[comma] == UInt8(ascii: ",") else {
            throw RowFailure("22007", "invalid input string for \"Y,YYY\"")
        }
        let (years, end) = number(comma + 1, min(comma + 4, text.count))
        guard end > comma + 1 else { throw RowFailure("22007", "invalid input string for \"Y,YYY\"") }
        try set(\.year, years + thousands * 1000)
        found.yearDigits = 4
        position = end
    }

    // MARK: result

    private func overflow() -> RowFailure {
        RowFailure("22008", "date/time field value out of range: \"\(String(decoding: text, as: UTF8.self))\"")
    }

    private mutating func result() throws(RowFailure) -> (fields: TemplateFields, zone: Int?) {
        var fields = TemplateFields()
        try setClock(&fields)
        try setDate(&fields)
        if fields.hour < 0 || fields.hour >= 24 || fields.minute < 0 || fields.minute >= 60 || fields.second < 0
            || fields.second >= 60 || fields.microsecond < 0 || fields.microsecond >= 1_000_000
        {
            throw overflow()
        }
        guard found.zoneSign != 0 else { return (fields, nil) }
        if found.zoneHour < 0 || found.zoneHour > 15 || found.zoneMinute < 0 || found.zoneMinute >= 60 {
            throw RowFailure(
                "22009", "time zone displacement out of range: \"\(String(decoding: text, as: UTF8.self))\"")
        }
        return (fields, found.zoneSign * (found.zoneHour * 3600 + found.zoneMinute * 60))
    }

    private func setClock(_ fields: inout TemplateFields) throws(RowFailure) {
        if found.secondOfDay != 0 {
            fields.hour = found.secondOfDay / 3600
            fields.minute = found.secondOfDay % 3600 / 60
            fields.second = found.secondOfDay % 60
        }
        if found.second != 0 { fields.second = found.second }
        if found.minute != 0 { fields.minute = found.minute }
        if found.hour != 0 { fields.hour = found.hour }
        if found.is12Hours {
            if fields.hour < 1 || fields.hour > 12 {
                throw RowFailure("22007", "hour \"\(fields.hour)\" is invalid for the 12-hour clock")
            }
            if found.isPM != 0, fields.hour < 12 {
                fields.hour += 12
            } else if found.isPM == 0, fields.hour == 12 {
                fields.hour = 0
            }
        }
        fields.microsecond = found.milliseconds * 1000 + found.microseconds
    }

    /// Which parts of the date were given: only those are checked.
    private struct Given {
        var year = false
        var month = false
        var day = false
    }

    private mutating func setDate(_ fields: inout TemplateFields) throws(RowFailure) {
        var given = Given()
        setYear(&fields, &given)
        if found.julian != 0 { setDay(&fields, found.julian, &given) }
        if found.week != 0 {
            if convention == .isoWeek {
                var day = TemplateFields.isoWeekStart(fields.year, found.week)
                if found.weekday > 1 { day += found.weekday - 2 } else if found.weekday == 1 { day += 6 }
                setDay(&fields, day, &given)
            } else {
                found.dayOfYear = (found.week - 1) * 7 + 1
            }
        }
        if found.weekOfMonth != 0 { found.day = (found.weekOfMonth - 1) * 7 + 1 }
        if found.day != 0 {
            fields.day = found.day
            given.day = true
        }
        if found.month != 0 {
            fields.month = found.month
            given.month = true
        }
        if found.dayOfYear != 0, fields.month <= 1 || fields.day <= 1 { try setDayOfYear(&fields, &given) }
        if given.month, fields.month < 1 || fields.month > 12 { throw overflow() }
        if given.day, fields.day < 1 || fields.day > 31 { throw overflow() }
        if given.year, given.month, given.day,
            fields.day > Calendar.daysInMonth(year: fields.year, month: fields.month)
        {
            throw overflow()
        }
    }

    private func setDay(_ fields: inout TemplateFields, _ julianDay: Int, _ given: inout Given) {
        (fields.year, fields.month, fields.day) = TemplateFields.date(julianDay: julianDay)
        given = Given(year: true, month: true, day: true)
    }

    private mutating func setYear(_ fields: inout TemplateFields, _ given: inout Given) {
        if found.isBC != 0, found.century != 0, found.year == 0 || found.yearDigits <= 2 {
            found.century = -found.century
        }
        if found.year != 0 {
            given.year = true
            guard found.century != 0, found.yearDigits <= 2 else {
                fields.year = found.isBC != 0 ? -found.year : found.year
                if fields.year < 0 { fields.year += 1 }
                return
            }
            // The low digits, within the century given; the 21st is 2001–2100, the 6th BC 600–501.
            let low = found.year % 100
            if low != 0 {
                fields.year = found.century >= 0 ? low + (found.century - 1) * 100 : (found.century + 1) * 100 - low + 1
            } else {
                fields.year = found.century * 100 + (found.century >= 0 ? 0 : 1)
            }
        } else if found.century != 0 {
            fields.year = found.century >= 0 ? (found.century - 1) * 100 + 1 : found.century * 100 + 1
            given.year = true
        }
    }

    private func setDayOfYear(_ fields: inout TemplateFields, _ given: inout Given) throws(RowFailure) {
        if fields.year == 0, found.isBC == 0 {
            throw RowFailure("22007", "cannot calculate day of year without year information")
        }
        if convention == .isoWeek {
            return setDay(&fields, TemplateFields.isoWeekStart(fields.year, 1) - 1 + found.dayOfYear, &given)
        }
        var month = 1
        var before = 0
        while month <= 12 {
            let length = Calendar.daysInMonth(year: fields.year, month: month)
            if found.dayOfYear <= before + length { break }
            before += length
            month += 1
        }
        if fields.month <= 1 { fields.month = month }
        if fields.day <= 1 { fields.day = found.dayOfYear - (month > 12 ? before : before) }
        (given.month, given.day) = (true, true)
    }
}

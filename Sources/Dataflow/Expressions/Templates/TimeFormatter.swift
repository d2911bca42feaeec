/// to_char of timestamps and intervals.
enum TimeFormatter {
    static let monthNames = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
    static let dayNames = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
    static let romanMonths = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"]

    /// Patterns that mean nothing for an interval.
    private static let datePatterns: Set<String> = [
        "TZ", "TZH", "TZM", "OF", "A.D.", "AD", "B.C.", "BC", "MONTH", "MON", "DAY", "DY", "D", "ID",
    ]

    static func append(
        _ fields: TemplateFields, _ nodes: [TemplateNode], to out: inout TextWriter
    ) throws(RowFailure) {
        for node in nodes {
            guard node.kind == .pattern else {
                out.append(node.text)
                continue
            }
            let upper = node.upper
            if fields.isInterval, datePatterns.contains(upper) {
                throw RowFailure("22007", "invalid format specification for an interval value")
            }
            if let text = number(fields, upper, node.isFillMode) {
                out.append(text)
                if node.hasOrdinal {
                    let ending = ordinal(text)
                    out.append(Array((node.isOrdinalUpper ? ending.uppercased() : ending).utf8))
                }
            } else {
                word(fields, node, upper, to: &out)
            }
        }
    }

    /// `st`, `nd`, `rd` or `th` by the last digits.
    static func ordinal(_ number: [UInt8]) -> String {
        guard let last = number.last else { return "th" }
        if number.count > 1, number[number.count - 2] == UInt8(ascii: "1") { return "th" }
        switch last {
        case UInt8(ascii: "1"): return "st"
        case UInt8(ascii: "2"): return "nd"
        case UInt8(ascii: "3"): return "rd"
        default: return "th"
        }
    }

    /// C's `%0*d`.
    private static func padded(_ value: Int, _ width: Int) -> [UInt8] {
        var digits = Array(String(value.magnitude).utf8)
        let missing = max(width - digits.count - (value < 0 ? 1 : 0), 0)
        digits.insert(contentsOf: repeatElement(0x30, count: missing), at: 0)
        return value < 0 ? [UInt8(ascii: "-")] + digits : digits
    }

    private static func number(_ f: TemplateFields, _ pattern: String, _ isFillMode: Bool) -> [UInt8]? {
        /// Two digits, or a sign and two.
        func field(_ value: Int, _ width: Int, signOf sign: Int? = nil) -> [UInt8] {
            padded(value, isFillMode ? 0 : (sign ?? value) >= 0 ? width : width + 1)
        }
        func shown(_ year: Int) -> Int { f.isInterval ? year : year <= 0 ? 1 - year : year }
        switch pattern {
        case "HH", "HH12": return field(f.hour % 12 == 0 ? 12 : f.hour % 12, 2, signOf: f.hour)
        case "HH24": return field(f.hour, 2)
        case "MI": return field(f.minute, 2)
        case "SS": return field(f.second, 2)
        case "MS", "FF3": return padded(f.microsecond / 1000, 3)
        case "US", "FF6": return padded(f.microsecond, 6)
        case "FF1": return padded(f.microsecond / 100_000, 1)
        case "FF2": return padded(f.microsecond / 10_000, 2)
        case "FF4": return padded(f.microsecond / 100, 4)
        case "FF5": return padded(f.microsecond / 10, 5)
        case "SSSS", "SSSSS": return padded(f.hour * 3600 + f.minute * 60 + f.second, 0)
        case "MM": return field(f.month, 2)
        case "DDD": return padded(f.dayOfYear, isFillMode ? 0 : 3)
        case "IDDD": return padded(f.isoDayOfYear, isFillMode ? 0 : 3)
        case "DD": return padded(f.day, isFillMode ? 0 : 2)
        case "D": return padded(f.weekday + 1, 0)
        case "ID": return padded(f.weekday == 0 ? 7 : f.weekday, 0)
        case "WW": return padded((f.dayOfYear - 1) / 7 + 1, isFillMode ? 0 : 2)
        case "IW": return padded(f.isoWeek.week, isFillMode ? 0 : 2)
        case "W": return padded((f.day - 1) / 7 + 1, 0)
        case "Q": return f.month == 0 ? [] : padded((f.month - 1) / 3 + 1, 0)
        case "J": return padded(f.julianDay, 0)
        case "CC":
            let century = f.isInterval ? f.year / 100 : f.year > 0 ? (f.year - 1) / 100 + 1 : f.year / 100 - 1
            return abs(century) <= 99 ? field(century, 2) : padded(century, 0)
        case "YYYY": return field(shown(f.year), 4)
        case "YYY": return field(shown(f.year) % 1000, 3, signOf: shown(f.year))
        case "YY": return field(shown(f.year) % 100, 2, signOf: shown(f.year))
        case "Y": return field(shown(f.year) % 10, 1, signOf: shown(f.year))
        case "IYYY": return field(shown(f.isoWeek.year), 4, signOf: shown(f.year))
        case "IYY": return field(shown(f.isoWeek.year) % 1000, 3, signOf: shown(f.year))
        case "IY": return field(shown(f.isoWeek.year) % 100, 2, signOf: shown(f.year))
        case "I": return field(shown(f.isoWeek.year) % 10, 1, signOf: shown(f.year))
        case "Y,YYY":
            let thousands = shown(f.year) / 1000
            return padded(thousands, 0) + [UInt8(ascii: ",")] + padded(shown(f.year) - thousands * 1000, 3)
        default: return nil
        }
    }

    private static func word(
        _ f: TemplateFields, _ node: TemplateNode, _ pattern: String, to out: inout TextWriter
    ) {
        var text: String
        var width = 0
        let hour = f.hour % 24
        switch pattern {
        case "AM", "PM": text = hour >= 12 ? "PM" : "AM"
        case "A.M.", "P.M.": text = hour >= 12 ? "P.M." : "A.M."
        case "AD", "BC": text = f.year <= 0 ? "BC" : "AD"
        case "A.D.", "B.C.": text = f.year <= 0 ? "B.C." : "A.D."
        case "MONTH": (text, width) = (monthNames[f.month - 1], 9)
        case "MON": text = String(monthNames[f.month - 1].prefix(3))
        case "DAY": (text, width) = (dayNames[f.weekday], 9)
        case "DY": text = String(dayNames[f.weekday].prefix(3))
        case "RM":
            if f.month == 0, f.year == 0 { return }
            // Twelve months of an interval are a year.
            let month = f.month == 0 ? (f.year >= 0 ? 12 : 1) : f.month < 0 ? 13 + f.month : f.month
            (text, width) = (romanMonths[month - 1], 4)
        case "TZ": text = f.zoneName
        case "TZH":
            text = (f.zoneSeconds >= 0 ? "+" : "-") + digits(abs(f.zoneSeconds) / 3600, 2)
        case "TZM": text = digits(abs(f.zoneSeconds) % 3600 / 60, 2)
        case "OF":
            text = (f.zoneSeconds >= 0 ? "+" : "-") + digits(abs(f.zoneSeconds) / 3600, node.isFillMode ? 0 : 2)
            if abs(f.zoneSeconds) % 3600 != 0 { text += ":" + digits(abs(f.zoneSeconds) % 3600 / 60, 2) }
        default: text = ""
        }
        if node.name == node.name.lowercased() {
            text = text.lowercased()
        } else if node.name == pattern {
            text = text.uppercased()
        }
        out.append(Array(text.utf8))
        if !node.isFillMode, width > text.utf8.count {
            out.append([UInt8](repeating: 0x20, count: width - text.utf8.count))
        }
    }

    private static func digits(_ value: Int, _ width: Int) -> String {
        String(decoding: padded(value, width), as: UTF8.self)
    }
}

/// PostgreSQL's templates of to_char for timestamps.
enum TimeTemplate {
    private static let monthNames = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
    private static let dayNames = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
    private static let romanMonths = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"]

    /// In upper or lower case throughout; names of months and days in title case, too. Longest first, so that the first
    /// that fits is the pattern.
    private static let patterns: [[UInt8]] = {
        let upper = [
            "HH24", "HH12", "YYYY", "IYYY", "IYY", "Y,YYY", "MONTH", "SSSSS", "SSSS", "A.M.", "P.M.", "B.C.", "A.D.",
            "DDD", "YYY",
            "MON", "DAY", "IDDD", "FF1", "FF2", "FF3", "FF4", "FF5", "FF6", "HH", "MI", "SS", "MS", "US", "AM", "PM",
            "BC", "AD",
            "YY", "MM", "DD", "DY", "ID", "IW", "WW", "CC", "IY", "FM", "TM", "TZH", "TZM", "TZ", "OF", "RM", "Q", "D",
            "W", "Y",
            "J", "I",
        ]
        let all = upper + upper.map { $0.lowercased() } + ["Month", "Mon", "Day", "Dy"]
        return all.sorted { $0.utf8.count > $1.utf8.count }.map { Array($0.utf8) }
    }()

    /// Appends the time, which is finite.
    static func append(_ time: Int64, _ template: UnsafeBufferPointer<UInt8>, to out: inout [UInt8]) {
        let writer = Writer(Calendar.fields(time))
        let quote = UInt8(ascii: "\"")
        let backslash = UInt8(ascii: "\\")
        var position = 0
        var isQuoted = false
        var fillMode = false
        while position < template.count {
            let byte = template[position]
            if byte == backslash, position + 1 < template.count, isQuoted || template[position + 1] == quote {
                out.append(template[position + 1])
                position += 2
                continue
            }
            if byte == quote {
                isQuoted.toggle()
                position += 1
                continue
            }
            let rest = UnsafeBufferPointer(rebasing: template[position...])
            guard !isQuoted, let pattern = patterns.first(where: { rest.starts(with: $0) }) else {
                out.append(byte)
                position += 1
                continue
            }
            position += pattern.count
            let name = String(decoding: pattern, as: UTF8.self)
            // Of the next pattern. A translated name is not filled up, either (and is English).
            if name.uppercased() == "FM" || name.uppercased() == "TM" {
                fillMode = true
                continue
            }
            let number = writer.append(name, fillMode, to: &out)
            fillMode = false
            let suffixes: [StaticString] = ["TH", "th"]
            if let number,
                let mark = suffixes.first(where: { mark in
                    position + 1 < template.count && template[position] == mark.utf8Start[0]
                        && template[position + 1] == mark.utf8Start[1]
                })
            {
                let suffix = ordinal(number)
                out.append(contentsOf: (mark.utf8Start[0] == UInt8(ascii: "T") ? suffix.uppercased() : suffix).utf8)
                position += 2
            }
        }
    }

    private static func ordinal(_ number: Int) -> String {
        if number % 100 / 10 == 1 { return "th" }
        return switch number % 10 {
        case 1: "st"
        case 2: "nd"
        case 3: "rd"
        default: "th"
        }
    }

    /// The fields of one time.
    private struct Writer {
        private let fields: Calendar.Fields
        private let days: Int
        /// Years before 1 count backwards from 1 BC.
        private let year: Int
        private let hour: Int

        init(_ fields: Calendar.Fields) {
            self.fields = fields
            days = Calendar.days(year: fields.year, month: fields.month, day: fields.day)
            year = fields.year > 0 ? fields.year : 1 - fields.year
            hour = Int(fields.microsecondsOfDay / 3_600_000_000)
        }

        private var isoYear: Int {
            let year = TimeFields.isoWeek(days).year
            return year > 0 ? year : 1 - year
        }

        /// Appends what the pattern stands for; the number, if it is one.
        func append(_ pattern: String, _ fillMode: Bool, to out: inout [UInt8]) -> Int? {
            if let (value, width) = number(pattern.uppercased()) {
                if value < 0 { out.append(UInt8(ascii: "-")) }
                IntegerText.append(abs(value), width: fillMode ? 1 : width, to: &out)
                return value
            }
            var (word, width) = word(pattern.uppercased())
            if pattern == pattern.lowercased() {
                word = word.lowercased()
            } else if pattern == pattern.uppercased() {
                word = word.uppercased()
            }
            out.append(contentsOf: word.utf8)
            if !fillMode { out.append(contentsOf: repeatElement(0x20, count: max(width - word.utf8.count, 0))) }
            return nil
        }

        private func number(_ pattern: String) -> (value: Int, width: Int)? {
            let clock = Int(fields.microsecondsOfDay)
            let dayOfYear = days - Calendar.days(year: fields.year, month: 1, day: 1) + 1
            let weekday = TimeFields.weekday(days)
            switch pattern {
            case "HH24": return (hour, 2)
            case "HH12", "HH": return (hour % 12 == 0 ? 12 : hour % 12, 2)
            case "MI": return (clock / 60_000_000 % 60, 2)
            case "SS": return (clock / 1_000_000 % 60, 2)
            case "SSSS", "SSSSS": return (clock / 1_000_000, 1)
            case "YYYY": return (year, 4)
            case "YYY": return (year % 1000, 3)
            case "YY": return (year % 100, 2)
            case "Y": return (year % 10, 1)
            case "IYYY": return (isoYear, 4)
            case "IYY": return (isoYear % 1000, 3)
            case "IY": return (isoYear % 100, 2)
            case "I": return (isoYear % 10, 1)
            case "MM": return (fields.month, 2)
            case "DDD": return (dayOfYear, 3)
            case "DD": return (fields.day, 2)
            case "D": return (weekday + 1, 1)
            case "ID": return (weekday == 0 ? 7 : weekday, 1)
            case "IDDD": return ((TimeFields.isoWeek(days).week - 1) * 7 + (weekday == 0 ? 7 : weekday), 3)
            case "IW": return (TimeFields.isoWeek(days).week, 2)
            case "WW": return ((dayOfYear - 1) / 7 + 1, 2)
            case "W": return ((fields.day - 1) / 7 + 1, 1)
            case "CC": return (fields.year > 0 ? (fields.year - 1) / 100 + 1 : fields.year / 100 - 1, 2)
            case "Q": return ((fields.month - 1) / 3 + 1, 1)
            case "J": return (days + 2_440_588, 1)
            default: return nil
            }
        }

        /// A text and the width that it is filled up to.
        private func word(_ pattern: String) -> (String, Int) {
            switch pattern {
            case "MONTH": return (TimeTemplate.monthNames[fields.month - 1], 9)
            case "MON": return (String(TimeTemplate.monthNames[fields.month - 1].prefix(3)), 3)
            case "DAY": return (TimeTemplate.dayNames[TimeFields.weekday(days)], 9)
            case "DY": return (String(TimeTemplate.dayNames[TimeFields.weekday(days)].prefix(3)), 3)
            case "RM": return (TimeTemplate.romanMonths[fields.month - 1], 4)
            case "AM", "PM": return (hour >= 12 ? "PM" : "AM", 2)
            case "A.M.", "P.M.": return (hour >= 12 ? "P.M." : "A.M.", 4)
            case "BC", "AD": return (fields.year > 0 ? "AD" : "BC", 2)
            case "B.C.", "A.D.": return (fields.year > 0 ? "A.D." : "B.C.", 4)
            case "MS": return (fraction(3), 3)
            case "US": return (fraction(6), 6)
            case "FF1", "FF2", "FF3", "FF4", "FF5", "FF6": return (fraction(Int(pattern.utf8.last ?? 0x36) - 0x30), 0)
            case "Y,YYY":
                var text: [UInt8] = []
                IntegerText.append(year / 1000, width: 1, to: &text)
                text.append(UInt8(ascii: ","))
                IntegerText.append(year % 1000, width: 3, to: &text)
                return (String(decoding: text, as: UTF8.self), 0)
            // A timestamp has no zone: its name is empty and its offset is 0.
            case "OF", "TZH": return ("+00", 0)
            case "TZM": return ("00", 0)
            default: return ("", 0)
            }
        }

        private func fraction(_ digits: Int) -> String {
            var value = Int(fields.microsecondsOfDay % 1_000_000)
            for _ in digits..<6 { value /= 10 }
            var text: [UInt8] = []
            IntegerText.append(value, width: digits, to: &text)
            return String(decoding: text, as: UTF8.self)
        }
    }
}

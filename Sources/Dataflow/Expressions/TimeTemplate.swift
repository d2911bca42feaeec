/// PostgreSQL's templates of to_char for timestamps.
enum TimeTemplate {
    private static let monthNames = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
    private static let dayNames = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
    /// Longest first, so that the first that fits is the pattern.
    private static let patterns = [
        "HH24", "HH12", "YYYY", "Y,YYY", "MONTH", "Month", "month", "IYYY", "SSSSS", "SSSS", "A.M.", "P.M.", "a.m.",
        "p.m.",
        "DDD", "YYY", "MON", "Mon", "mon", "DAY", "Day", "day", "IDDD", "FF1", "FF2", "FF3", "FF4", "FF5", "FF6",
        "HH", "MI", "SS", "MS", "US", "AM", "PM", "am", "pm", "YY", "MM", "DD", "DY", "Dy", "dy", "ID", "IW", "WW",
        "CC", "IY",
        "FM", "TH", "th", "TM", "TZ", "tz", "OF", "RM", "rm", "Q", "D", "W", "Y", "J", "I",
    ].sorted { $0.utf8.count > $1.utf8.count }.map { Array($0.utf8) }

    /// Appends the time; returns the first pattern that is not supported, if any.
    static func append(_ time: Int64, _ template: UnsafeBufferPointer<UInt8>, to out: inout [UInt8]) -> String? {
        if time == Timestamp.infinity || time == Timestamp.negativeInfinity {
            TimeText.append(timestamp: time, to: &out)
            return nil
        }
        let fields = Calendar.fields(time)
        var position = 0
        var fillMode = false
        while position < template.count {
            if template[position] == UInt8(ascii: "\"") {
                position += 1
                while position < template.count, template[position] != UInt8(ascii: "\"") {
                    out.append(template[position])
                    position += 1
                }
                position += 1
                continue
            }
            let rest = UnsafeBufferPointer(rebasing: template[position...])
            guard let pattern = patterns.first(where: { $0.count <= rest.count && rest.starts(with: $0) }) else {
                out.append(template[position])
                position += 1
                continue
            }
            position += pattern.count
            let name = String(decoding: pattern, as: UTF8.self)
            if name == "FM" {
                fillMode = true
                continue
            }
            guard append(name, fields, fillMode, to: &out) else { return name }
            fillMode = false
        }
        return nil
    }

    private static func append(_ pattern: String, _ f: Calendar.Fields, _ fillMode: Bool, to out: inout [UInt8]) -> Bool
    {
        let micros = f.microsecondsOfDay
        let hour = Int(micros / 3_600_000_000)
        let days = Calendar.days(year: f.year, month: f.month, day: f.day)
        let weekday = ((days % 7) + 11) % 7
        let dayOfYear = days - Calendar.days(year: f.year, month: 1, day: 1) + 1
        let year = f.year > 0 ? f.year : 1 - f.year
        func number(_ value: Int, _ width: Int) { IntegerText.append(value, width: fillMode ? 1 : width, to: &out) }
        func word(_ text: String, _ width: Int) {
            out.append(contentsOf: text.utf8)
            if !fillMode { out.append(contentsOf: repeatElement(0x20, count: max(width - text.utf8.count, 0))) }
        }
        func fraction(_ digits: Int) {
            var divisor: Int64 = 1
            for _ in digits..<6 { divisor *= 10 }
            IntegerText.append(Int(micros % 1_000_000 / divisor), width: digits, to: &out)
        }
        let month = monthNames[f.month - 1]
        let dayName = dayNames[weekday]
        switch pattern {
        case "HH24": number(hour, 2)
        case "HH12", "HH": number(hour % 12 == 0 ? 12 : hour % 12, 2)
        case "MI": number(Int(micros / 60_000_000 % 60), 2)
        case "SS": number(Int(micros / 1_000_000 % 60), 2)
        case "MS": fraction(3)
        case "US": fraction(6)
        case "FF1", "FF2", "FF3", "FF4", "FF5", "FF6": fraction(Int(pattern.utf8.last ?? 0x36) - 0x30)
        case "SSSS", "SSSSS": number(Int(micros / 1_000_000), 1)
        case "AM", "PM": out.append(contentsOf: (hour >= 12 ? "PM" : "AM").utf8)
        case "am", "pm": out.append(contentsOf: (hour >= 12 ? "pm" : "am").utf8)
        case "A.M.", "P.M.": out.append(contentsOf: (hour >= 12 ? "P.M." : "A.M.").utf8)
        case "a.m.", "p.m.": out.append(contentsOf: (hour >= 12 ? "p.m." : "a.m.").utf8)
        case "YYYY": number(year, 4)
        case "Y,YYY":
            number(year / 1000, 1)
            out.append(UInt8(ascii: ","))
            IntegerText.append(year % 1000, width: 3, to: &out)
        case "YYY": number(year % 1000, 3)
        case "YY": number(year % 100, 2)
        case "Y": number(year % 10, 1)
        case "IYYY": number(TimeFunctions.isoWeek(days).year, 4)
        case "IY": number(TimeFunctions.isoWeek(days).year % 100, 2)
        case "I": number(TimeFunctions.isoWeek(days).year % 10, 1)
        case "MM": number(f.month, 2)
        case "MONTH": word(month.uppercased(), 9)
        case "Month": word(month, 9)
        case "month": word(month.lowercased(), 9)
        case "MON": word(String(month.prefix(3)).uppercased(), 3)
        case "Mon": word(String(month.prefix(3)), 3)
        case "mon": word(String(month.prefix(3)).lowercased(), 3)
        case "DAY": word(dayName.uppercased(), 9)
        case "Day": word(dayName, 9)
        case "day": word(dayName.lowercased(), 9)
        case "DY": word(String(dayName.prefix(3)).uppercased(), 3)
        case "Dy": word(String(dayName.prefix(3)), 3)
        case "dy": word(String(dayName.prefix(3)).lowercased(), 3)
        case "DDD": number(dayOfYear, 3)
        case "DD": number(f.day, 2)
        case "D": number(weekday + 1, 1)
        case "ID": number(weekday == 0 ? 7 : weekday, 1)
        case "IW": number(TimeFunctions.isoWeek(days).week, 2)
        case "WW": number((dayOfYear - 1) / 7 + 1, 2)
        case "W": number((f.day - 1) / 7 + 1, 1)
        case "CC": number((year + 99) / 100, 2)
        case "Q": number((f.month - 1) / 3 + 1, 1)
        case "J": number(days + 2_440_588, 1)
        default: return false
        }
        return true
    }
}

/// The text of dates, times, timestamps and intervals, out (DateStyle ISO, IntervalStyle postgres, TimeZone UTC) and in.
package enum TimeText {
    package static func append(timestamp value: Int64, to text: inout [UInt8]) {
        if value == Timestamp.infinity { return text.append(contentsOf: "infinity".utf8) }
        if value == Timestamp.negativeInfinity { return text.append(contentsOf: "-infinity".utf8) }
        let fields = Calendar.fields(value)
        append(year: fields.year, month: fields.month, day: fields.day, to: &text)
        text.append(UInt8(ascii: " "))
        appendClock(fields.microsecondsOfDay, to: &text)
        if fields.year <= 0 { text.append(contentsOf: " BC".utf8) }
    }

    /// In UTC: `2024-01-02 03:04:05+00`.
    package static func append(timestamptz value: Int64, to text: inout [UInt8]) {
        guard Calendar.isFinite(value) else { return append(timestamp: value, to: &text) }
        let fields = Calendar.fields(value)
        append(year: fields.year, month: fields.month, day: fields.day, to: &text)
        text.append(UInt8(ascii: " "))
        appendClock(fields.microsecondsOfDay, to: &text)
        text.append(contentsOf: "+00".utf8)
        if fields.year <= 0 { text.append(contentsOf: " BC".utf8) }
    }

    package static func append(date value: Int32, to text: inout [UInt8]) {
        if value == DateValue.infinity { return text.append(contentsOf: "infinity".utf8) }
        if value == DateValue.negativeInfinity { return text.append(contentsOf: "-infinity".utf8) }
        let (year, month, day) = Calendar.date(days: Int(value))
        append(year: year, month: month, day: day, to: &text)
        if year <= 0 { text.append(contentsOf: " BC".utf8) }
    }

    /// `24:00:00` is the end of the day.
    package static func append(time value: Int64, to text: inout [UInt8]) { appendClock(value, to: &text) }

    private static func append(year: Int, month: Int, day: Int, to text: inout [UInt8]) {
        IntegerText.append(year > 0 ? year : 1 - year, width: 4, to: &text)
        text.append(UInt8(ascii: "-"))
        IntegerText.append(month, width: 2, to: &text)
        text.append(UInt8(ascii: "-"))
        IntegerText.append(day, width: 2, to: &text)
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

    /// The input text of a timestamp; nil if it is none.
    package static func parseTimestamp(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
        do throws(TimeTextError) { return try TimestampText.parse(text) } catch { return nil }
    }

    /// The input text of a timestamp with time zone; nil if it is none.
    package static func parseZoned(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
        do throws(TimeTextError) { return try TimestampText.parseZoned(text) } catch { return nil }
    }

    /// The input text of an interval; nil if it is none.
    package static func parseInterval(_ text: UnsafeBufferPointer<UInt8>) -> Interval? {
        do throws(TimeTextError) { return try IntervalText.parse(text) } catch { return nil }
    }
}

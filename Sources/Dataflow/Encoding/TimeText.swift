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

    /// The input text of a timestamp; nil if it is none.
    package static func parseTimestamp(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
        do throws(TimeTextError) { return try TimestampText.parse(text) } catch { return nil }
    }

    /// The input text of an interval; nil if it is none.
    package static func parseInterval(_ text: UnsafeBufferPointer<UInt8>) -> Interval? {
        do throws(TimeTextError) { return try IntervalText.parse(text) } catch { return nil }
    }
}

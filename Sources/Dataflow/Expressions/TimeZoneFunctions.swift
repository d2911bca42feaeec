/// Looks up time zones by name; a column of names is one constant nearly always, so the last one is kept.
struct TimeZoneReader {
    private var name: [UInt8] = []
    private var last: TimeZone?

    mutating func zone(_ text: TextKernels.Bytes) throws(RowFailure) -> TimeZone {
        if last == nil || !name.elementsEqual(text) {
            name = Array(text)
            last = TimeZones.zone(String(decoding: text, as: UTF8.self))
        }
        guard let zone = last else {
            let shown = String(decoding: text.prefix(200), as: UTF8.self)
            throw RowFailure("22023", "time zone \"\(shown)\" not recognized")
        }
        return zone
    }
}

/// `AT TIME ZONE`, which the grammar makes a call of `timezone`.
enum TimeZoneFunctions {
    static let all: [ScalarFunction] = [
        named(.timestamptz, .timestamp, "The date and time of an instant in a time zone."),
        named(.timestamp, .timestamptz, "The instant of a date and time in a time zone."),
        shifted(.timestamptz, .timestamp, "The date and time of an instant at an offset from UTC.", sign: 1),
        shifted(.timestamp, .timestamptz, "The instant of a date and time at an offset from UTC.", sign: -1),
    ]

    private static func named(_ from: DataType, _ to: DataType, _ documentation: String) -> ScalarFunction {
        ScalarFunction("timezone", [.text, from], to, documentation) { arguments, count, validity, errors in
            arguments[0].withText { offsets, bytes in
                arguments[1].withValues(as: Int64.self) { times in
                    var zones = TimeZoneReader()
                    return Kernels.rows(to, count, validity, &errors) { row throws(RowFailure) -> Int64 in
                        guard Calendar.isFinite(times[row]) else { return times[row] }
                        let zone = try zones.zone(TextKernels.slice(offsets, bytes, row))
                        guard let time = to == .timestamp ? zone.local(times[row]) : zone.instant(times[row]) else {
                            throw .timestampRange
                        }
                        return time
                    }
                }
            }
        }
    }

    private static func shifted(_ from: DataType, _ to: DataType, _ documentation: String, sign: Int64)
        -> ScalarFunction
    {
        Kernels.rowBinary("timezone", .interval, from, to, documentation) {
            (offset: Interval, time: Int64) throws(RowFailure) -> Int64 in
            guard Calendar.isFinite(time) else { return time }
            if offset.months != 0 || offset.days != 0 {
                var text: [UInt8] = []
                TimeText.append(interval: offset, to: &text)
                throw RowFailure(
                    "22023",
                    "interval time zone \"\(String(decoding: text, as: UTF8.self))\" must not include months or days")
            }
            let seconds = offset.microseconds / 1_000_000
            guard seconds.magnitude <= UInt64(Int32.max) else {
                throw RowFailure("22009", "time zone displacement out of range")
            }
            guard let moved = TimeZone.moved(time, by: Int(sign * seconds)) else {
                throw .timestampRange
            }
            return moved
        }
    }
}

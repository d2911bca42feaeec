import Glibc

/// to_char and to_number of numbers, to_char of intervals and timestamps.
enum TemplateFunctions {
    static let all: [ScalarFunction] = [
        timestamp(.timestamp, "The time by a template of YYYY, MM, DD, HH24, MI, SS, MS, US, Mon, Day and so on.") {
            TemplateFields(timestamp: $0)
        },
        timestamp(.timestamptz, "The time in UTC by a template, as a timestamp's; TZ is UTC.") {
            TemplateFields(timestamp: $0, zoneName: "UTC")
        },
        RowKernels.bytes(
            "to_char", [.interval, .text], "The interval by a template, as a time's.", state: { TemplateCache(.time) }
        ) {
            (row, cache, out) throws(RowFailure) in
            guard !row.text(1).isEmpty else { return out.setNull() }
            try TimeFormatter.append(TemplateFields(interval: row.interval(0)), cache.nodes(row.text(1)), to: &out)
        },
        number(.integer) { (row, template) throws(RowFailure) in
            let value = Int64(row.integer(0))
            if template.isScientific { return scientific(Double(value), template) }
            return try integer(value, template, .integer)
        },
        number(.bigint) { (row, template) throws(RowFailure) in
            if template.isScientific { return scientific(Decimal(row.bigint(0)), template) }
            return try integer(row.bigint(0), template, .bigint)
        },
        number(.numeric) { (row, template) throws(RowFailure) in try numeric(row.numeric(0), template) },
        number(.real) { (row, template) throws(RowFailure) in
            try double(Double(row.value(0, as: Float.self)), template, digits: 6)
        },
        number(.double) { (row, template) throws(RowFailure) in try double(row.double(0), template, digits: 15) },
        RowKernels.value(
            "to_timestamp", [.text, .text], .timestamptz,
            "The time that a text names, read by a template; a text without a zone is in UTC.",
            state: { TemplateCache(.time) }
        ) { (row, cache) throws(RowFailure) -> Int64? in
            let (fields, zone) = try TimeReader.read(row.text(0), cache.nodes(row.text(1)))
            let clock = Int64((fields.hour * 60 + fields.minute) * 60 + fields.second - (zone ?? 0)) * 1_000_000
            let date = Calendar.Fields(year: fields.year, month: fields.month, day: fields.day)
            guard let midnight = Calendar.timestamp(date) else { throw .timestampRange }
            let (sum, overflow) = midnight.addingReportingOverflow(clock + Int64(fields.microsecond))
            guard !overflow, sum >= Calendar.earliest, sum != Timestamp.infinity else { throw .timestampRange }
            return sum
        },
        RowKernels.value(
            "to_date", [.text, .text], .date, "The date that a text names, read by a template.",
            state: { TemplateCache(.time) }
        ) { (row, cache) throws(RowFailure) -> Int32? in
            let (fields, _) = try TimeReader.read(row.text(0), cache.nodes(row.text(1)))
            let days = Calendar.days(year: fields.year, month: fields.month, day: fields.day)
            guard days >= Int(DateValue.earliest), days <= Int(DateValue.latest) else {
                throw RowFailure("22008", "date out of range: \"\(row.string(0))\"")
            }
            return Int32(days)
        },
        RowKernels.value(
            "to_timestamp", [.double], .timestamptz, "The time so many seconds after 1970-01-01 00:00:00 UTC."
        ) { (row) throws(RowFailure) -> Int64? in
            let seconds = row.double(0)
            if seconds.isNaN { throw RowFailure("22008", "timestamp cannot be NaN") }
            if seconds.isInfinite { return seconds > 0 ? Timestamp.infinity : Timestamp.negativeInfinity }
            // PostgreSQL counts from 2000, and rounds there.
            let microseconds = ((seconds - 946_684_800) * 1e6).rounded(.toNearestOrEven)
            guard seconds >= -210_866_803_200, seconds < 9_224_318_016_000, microseconds.magnitude < 0x1p63 else {
                throw RowFailure("22008", "timestamp out of range: \"\(TemplateFunctions.general(seconds))\"")
            }
            let (sum, overflow) = Int64(microseconds).addingReportingOverflow(946_684_800_000_000)
            guard !overflow, sum >= Calendar.earliest, sum != Timestamp.infinity else { throw .timestampRange }
            return sum
        },
        RowKernels.value(
            "to_number", [.text, .text], .numeric,
            "The number in a text, found by a template of 9, 0, D, G, S, MI and so on.",
            state: { NumberTemplateCache() }
        ) { (row, cache) throws(RowFailure) -> Decimal? in
            if row.text(1).isEmpty { return nil }
            let template = try cache.template(row.text(1))
            let (number, fraction) = try NumberReader.read(row.text(0), template)
            let trimmed = number.drop { $0 == 0x20 }
            guard let value = Array(trimmed).withUnsafeBufferPointer({ DecimalText.parse($0) }) else {
                if trimmed.count > Decimal.digitsMax { throw .numericOverflow }
                let shown = String(decoding: number, as: UTF8.self)
                throw RowFailure("22P02", "invalid input syntax for type numeric: \"\(shown)\"")
            }
            let precision = template.integerDigits + template.shiftDigits + fraction
            guard let fitting = value.fitting(NumericModifier(precision: precision, scale: fraction)) else {
                throw RowFailure("22003", "numeric field overflow")
            }
            guard template.hasShift else { return fitting }
            let power = Decimal.power(Decimal(10), Int32(-template.shiftDigits), leastScale: 0)
            guard let power, let shifted = Decimal.multiply(fitting, power) else { throw .numericOverflow }
            return shifted
        },
    ]

    /// C's `%g`.
    private static func general(_ value: Double) -> String { String(decoding: printed("%g", value), as: UTF8.self) }

    // MARK: times

    private static func timestamp(
        _ type: DataType, _ documentation: String, _ fields: @escaping @Sendable (Int64) -> TemplateFields
    ) -> ScalarFunction {
        RowKernels.bytes("to_char", [type, .text], documentation, state: { TimeTextCache() }) {
            (row, cache, out) throws(RowFailure) in
            let value = row.bigint(0)
            guard !row.text(1).isEmpty, Calendar.isFinite(value) else { return out.setNull() }
            try cache.append(value, row.text(1), to: &out, fields)
        }
    }

    // MARK: numbers

    static func number(
        _ type: DataType,
        _ format: @escaping @Sendable (ArgumentRow, NumberTemplate) throws(RowFailure) -> [UInt8]
    ) -> ScalarFunction {
        RowKernels.bytes(
            "to_char", [type, .text], "The number by a template of 9, 0, D, G, S, MI, PR, RN, EEEE and so on.",
            state: { NumberTemplateCache() }
        ) { (row, cache, out) throws(RowFailure) in
            if row.text(1).isEmpty { return }
            out.append(try format(row, try cache.template(row.text(1))))
        }
    }

    private static func integer(
        _ value: Int64, _ template: NumberTemplate, _ type: DataType
    ) throws(RowFailure) -> [UInt8] {
        if template.isRoman {
            guard let small = Int32(exactly: value) else { throw .outOfRange(.integer) }
            return try NumberFormatter.roman(template, Int(small))
        }
        var template = template
        var value = value
        if template.hasShift {
            let factor = template.shiftDigits < 19 ? Int64(Decimal.power(template.shiftDigits)) : nil
            guard let factor else { throw .outOfRange(type) }
            let (product, overflow) = value.multipliedReportingOverflow(by: factor)
            guard !overflow, type == .bigint || Int32(exactly: product) != nil else { throw .outOfRange(type) }
            value = product
            template.integerDigits += template.shiftDigits
        }
        var digits = Array(String(value.magnitude).utf8)
        if template.fractionDigits > 0 {
            digits.append(UInt8(ascii: "."))
            digits.append(contentsOf: repeatElement(0x30, count: template.fractionDigits))
        }
        return try NumberFormatter.text(template, digits: digits, isNegative: value < 0)
    }

    private static func numeric(_ value: Decimal, _ template: NumberTemplate) throws(RowFailure) -> [UInt8] {
        if template.isScientific { return scientific(value, template) }
        if template.isRoman {
            guard let whole = value.rounded(to: 0), let small = Int32(exactly: whole.mantissa) else {
                throw .outOfRange(.integer)
            }
            return try NumberFormatter.roman(template, Int(small))
        }
        var template = template
        var value = value
        if template.hasShift {
            guard template.shiftDigits <= 38,
                let shifted = Decimal.multiply(
                    value, Decimal(mantissa: Int128(Decimal.power(template.shiftDigits)), scale: 0))
            else { throw .numericOverflow }
            value = shifted
            template.integerDigits += template.shiftDigits
        }
        // More digits than a numeric has are zeros.
        let kept = min(Int32(template.fractionDigits), max(38 - Int32(value.digitCount) + value.scale, value.scale))
        guard let rounded = value.rounded(to: min(kept, 38)) else { throw .numericOverflow }
        var digits: [UInt8] = []
        DecimalText.append(rounded.absolute, to: &digits)
        let missing = template.fractionDigits - Int(rounded.scale)
        if missing > 0 {
            if rounded.scale == 0 { digits.append(UInt8(ascii: ".")) }
            digits.append(contentsOf: repeatElement(0x30, count: missing))
        }
        return try NumberFormatter.text(template, digits: digits, isNegative: rounded.mantissa < 0)
    }

    /// `digits`: the decimal digits that the type is sure of.
    static func double(_ value: Double, _ template: NumberTemplate, digits precision: Int) throws(RowFailure) -> [UInt8]
    {
        if template.isScientific { return scientific(value, template) }
        if template.isRoman {
            return try NumberFormatter.roman(template, Int(exactly: value.rounded(.toNearestOrEven)))
        }
        var template = template
        var value = value
        if template.hasShift {
            value *= pow(10, Double(template.shiftDigits))
            template.integerDigits += template.shiftDigits
        }
        let whole = printed("%.0f", value.magnitude)
        if whole.count >= precision {
            template.fractionDigits = 0
        } else if whole.count + template.fractionDigits > precision {
            template.fractionDigits = precision - whole.count
        }
        var digits = printed("%.\(template.fractionDigits)f", value)
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative { digits.removeFirst() }
        return try NumberFormatter.text(template, digits: digits, isNegative: isNegative)
    }

    private static func printed(_ format: String, _ value: Double) -> [UInt8] {
        // PostgreSQL's own printf spells these so.
        if value.isNaN { return Array("NaN".utf8) }
        if value.isInfinite { return Array((value < 0 ? "-Infinity" : "Infinity").utf8) }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 800) { buffer in
            let length = withVaList([value]) { vsnprintf(buffer.baseAddress, 800, format, $0) }
            return buffer[0..<min(max(Int(length), 0), 799)].map { UInt8(bitPattern: $0) }
        }
    }

    private static func scientific(_ value: Double, _ template: NumberTemplate) -> [UInt8] {
        if !value.isFinite {
            let count = template.integerDigits + template.fractionDigits + 6
            var text = [UInt8](repeating: UInt8(ascii: "#"), count: count)
            text[0] = 0x20
            if template.integerDigits + 1 < count { text[template.integerDigits + 1] = UInt8(ascii: ".") }
            return text
        }
        var text = printed("%+.\(min(template.fractionDigits, 700))e", value)
        if text.first == UInt8(ascii: "+") { text[0] = 0x20 }
        return text
    }

    private static func scientific(_ value: Decimal, _ template: NumberTemplate) -> [UInt8] {
        let digits = value.mantissa == 0 ? 1 : value.digitCount
        var exponent = value.mantissa == 0 ? -Int(value.scale) : digits - 1 - Int(value.scale)
        if value.mantissa == 0 { exponent = 0 }
        // The significand has one digit before the point.
        let significand = Decimal(
            mantissa: value.mantissa.magnitude == 0 ? 0 : Int128(value.mantissa.magnitude), scale: Int32(digits - 1))
        let kept = min(Int32(template.fractionDigits), 37)
        // As in PostgreSQL, one that is rounded up to 10 stays so.
        let rounded = significand.rounded(to: kept) ?? significand
        var text: [UInt8] = [value.mantissa < 0 ? UInt8(ascii: "-") : 0x20]
        DecimalText.append(rounded, to: &text)
        if template.fractionDigits > Int(kept) {
            text.append(contentsOf: repeatElement(0x30, count: template.fractionDigits - Int(kept)))
        }
        text.append(contentsOf: "e\(exponent < 0 ? "-" : "+")".utf8)
        IntegerText.append(abs(exponent), width: 2, to: &text)
        return text
    }
}

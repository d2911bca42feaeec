/// What a type's name has in brackets: it narrows the values of a column, or of a cast.
package enum TypeModifier: Hashable, Sendable, Codable {
    /// Values are rounded to the scale; more digits before the point are an error.
    case numeric(NumericModifier)
    /// Characters of `varchar(n)` (of type text) and `char(n)` (of type character), which is padded.
    case length(Int)
    /// Digits behind the point of the seconds, 0 … 6, of the types of times.
    case fraction(Int)
    /// The fields of an interval: `interval day to minute`.
    case fields(IntervalFields)

    /// The type as SQL writes it.
    package static func describe(_ type: DataType, _ modifier: TypeModifier?) -> String {
        let element = type.element ?? type
        let suffix = type.element == nil ? "" : "[]"
        switch modifier {
        case nil: return type.name
        case .numeric(let numeric): return "\(element.name)(\(numeric.precision),\(numeric.scale))\(suffix)"
        case .length(let length):
            return "\(element == .text ? "character varying" : element.name)(\(length))\(suffix)"
        case .fraction(let digits):
            let words = element.name.split(separator: " ", maxSplits: 1)
            let rest = words.count > 1 ? " \(words[1])" : ""
            return "\(words[0])(\(digits))\(rest)\(suffix)"
        case .fields(let fields): return "\(element.name) \(fields)\(suffix)"
        }
    }

    /// The value as the modifier wants it: of a cast that the user wrote a text is cut to its length, where one is assigned only
    /// blanks are. The value is of the modifier's type or an array over it.
    package func applied(to datum: Datum, isExplicit: Bool) throws(RowFailure) -> Datum {
        if case .array(let values, let element) = datum {
            var results: [Datum] = []
            for value in values { results.append(try applied(to: value, isExplicit: isExplicit)) }
            return .array(results, element)
        }
        switch (self, datum) {
        case (.numeric(let modifier), .numeric(let value)):
            guard let fitted = value.fitting(modifier) else { throw RowFailure("22003", "numeric field overflow") }
            return .numeric(fitted)
        case (.length(let length), .text(let text)):
            return .text(try Self.fit(text, to: length, isExplicit, .text))
        case (.length(let length), .character(let text)):
            let fitted = try Self.fit(text, to: length, isExplicit, .character)
            let missing = length - fitted.unicodeScalars.count
            return .character(missing > 0 ? fitted + String(repeating: " ", count: missing) : fitted)
        case (.fraction(let digits), .time(let value)): return .time(Self.round(value, to: digits))
        case (.fraction(let digits), .timestamp(let value)): return .timestamp(Self.roundTimestamp(value, to: digits))
        case (.fraction(let digits), .timestamptz(let value)):
            return .timestamptz(Self.roundTimestamp(value, to: digits))
        case (.fraction(let digits), .interval(var value)):
            value.microseconds = Self.round(value.microseconds, to: digits)
            return .interval(value)
        case (.fields(let fields), .interval(let value)):
            return .interval(value.cut(to: fields.last, digits: fields.digits))
        default: return datum
        }
    }

    private static func fit(_ text: String, to length: Int, _ isExplicit: Bool, _ type: DataType) throws(RowFailure)
        -> String
    {
        let scalars = text.unicodeScalars
        guard let end = scalars.index(scalars.startIndex, offsetBy: length, limitedBy: scalars.endIndex),
            end != scalars.endIndex
        else { return text }
        if !isExplicit, scalars[end...].contains(where: { $0 != " " }) {
            throw RowFailure("22001", "value too long for type \(describe(type, .length(length)))")
        }
        return String(scalars[..<end])
    }

    private static let units: [Int64] = [1_000_000, 100_000, 10_000, 1000, 100, 10, 1]

    /// Microseconds rounded half away from zero; infinities stay.
    @inline(__always)
    package static func round(_ value: Int64, to digits: Int) -> Int64 {
        let unit = units[min(max(digits, 0), 6)]
        guard unit > 1, Calendar.isFinite(value) else { return value }
        let half = value < 0 ? -unit / 2 : unit / 2
        let (sum, overflow) = value.addingReportingOverflow(half)
        return overflow ? value : sum / unit * unit
    }

    /// As ``round(_:to:)``, but half away from the year 2000, where PostgreSQL's zero is.
    @inline(__always)
    package static func roundTimestamp(_ value: Int64, to digits: Int) -> Int64 {
        guard Calendar.isFinite(value), value >= Calendar.earliest else { return value }
        let (sum, overflow) = round(value - Timestamp.year2000, to: digits).addingReportingOverflow(Timestamp.year2000)
        return overflow ? value : sum
    }
}

package struct NumericModifier: Hashable, Sendable, Codable {
    package var precision: Int
    package var scale: Int

    package init(precision: Int, scale: Int) {
        self.precision = precision
        self.scale = scale
    }
}

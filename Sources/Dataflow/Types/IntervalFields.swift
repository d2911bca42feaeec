/// What `interval day to second(3)` says: the fields that an interval may have, of which the last one decides what is cut off.
package struct IntervalFields: Hashable, Sendable, Codable, CustomStringConvertible {
    /// From the longest to the shortest.
    package enum Field: Int, Sendable, Codable, Comparable, CaseIterable {
        case year, month, day, hour, minute, second

        package static func < (first: Field, second: Field) -> Bool { first.rawValue < second.rawValue }

        fileprivate var name: String {
            switch self {
            case .year: "year"
            case .month: "month"
            case .day: "day"
            case .hour: "hour"
            case .minute: "minute"
            case .second: "second"
            }
        }
    }

    package var first: Field
    package var last: Field
    /// Behind the point of the seconds, 0 … 6.
    package var digits: Int

    package init(first: Field, last: Field, digits: Int = 6) {
        self.first = first
        self.last = last
        self.digits = digits
    }

    /// As SQL writes it behind the type's name.
    package var description: String {
        let name = first == last ? last.name : "\(first.name) to \(last.name)"
        return last == .second && digits < 6 ? "\(name)(\(digits))" : name
    }
}

extension Interval {
    /// Without what is shorter than a field; of seconds, rounded to so many digits. A month keeps its years, and a minute its days.
    @inline(__always)
    package func cut(to field: IntervalFields.Field, digits: Int) -> Interval {
        switch field {
        case .year: Interval(months: months / 12 * 12)
        case .month: Interval(months: months)
        case .day: Interval(months: months, days: days)
        case .hour: Interval(months: months, days: days, microseconds: microseconds / 3_600_000_000 * 3_600_000_000)
        case .minute: Interval(months: months, days: days, microseconds: microseconds / 60_000_000 * 60_000_000)
        case .second:
            Interval(months: months, days: days, microseconds: TypeModifier.round(microseconds, to: digits))
        }
    }
}

/// One SQL value of any type, for literals, tests and everything that is not a hot loop.
package enum Datum: Hashable, Sendable, Codable {
    case null
    case boolean(Bool)
    case smallint(Int16)
    case integer(Int32)
    case bigint(Int64)
    case numeric(Decimal)
    case double(Double)
    case text(String)
    /// Microseconds since 1970-01-01 00:00:00.
    case timestamp(Int64)
    case interval(Interval)

    // A pattern, not `==`: Swift 6.3.1 without optimisation puts the 128-bit payload of a copy on an unaligned place.
    package var isNull: Bool { if case .null = self { true } else { false } }
}

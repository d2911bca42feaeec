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

    package var isNull: Bool { self == .null }
}

/// One SQL value of any type, for literals, tests and everything that is not a hot loop.
package indirect enum Datum: Hashable, Sendable, Codable {
    case null
    case boolean(Bool)
    case smallint(Int16)
    case integer(Int32)
    case bigint(Int64)
    case numeric(Decimal)
    case real(Float)
    case double(Double)
    case text(String)
    /// With the blanks that pad it.
    case character(String)
    case bytea([UInt8])
    case uuid(UUIDValue)
    /// Days since 1970-01-01; see ``DateValue``.
    case date(Int32)
    /// Microseconds since midnight, 0 … 86 400 000 000.
    case time(Int64)
    /// Microseconds since 1970-01-01 00:00:00.
    case timestamp(Int64)
    /// Microseconds since 1970-01-01 00:00:00 UTC.
    case timestamptz(Int64)
    case interval(Interval)
    /// The text as PostgreSQL prints it.
    case jsonb(String)
    /// The elements and their type.
    case array([Datum], DataType)

    // A pattern, not `==`: Swift 6.3.1 without optimisation puts the 128-bit payload of a copy on an unaligned place.
    package var isNull: Bool { if case .null = self { true } else { false } }

    /// The JSON value `null`, which is a value.
    package var isJSONNull: Bool { if case .jsonb("null") = self { true } else { false } }
}

/// The SQL types that a column can have.
///
/// The physical layout of each in a ``Column`` is its ``storage``; the type's name is PostgreSQL's.
/// A type modifier such as `numeric(10,2)` is not part of the type: it is applied where a value is
/// assigned, by a cast.
package enum DataType: String, Hashable, Sendable, Codable, CaseIterable {
    case boolean
    case smallint
    case integer
    case bigint
    case numeric
    case double = "double precision"
    case text
    case timestamp = "timestamp without time zone"
    case interval

    /// The name that PostgreSQL prints for the type.
    package var name: String { rawValue }

    /// How the values of the type lie in memory.
    package var storage: Storage {
        switch self {
        case .boolean: .uint8
        case .smallint: .int16
        case .integer: .int32
        case .bigint, .timestamp: .int64
        case .double: .float64
        case .numeric: .decimal
        case .interval: .interval
        case .text: .bytes
        }
    }

    /// The physical layouts. All but ``bytes`` are arrays of one fixed stride.
    package enum Storage: Sendable {
        case uint8, int16, int32, int64, float64, decimal, interval, bytes

        /// Bytes from one value to the next; of ``bytes``, those of one offset.
        package var stride: Int {
            switch self {
            case .uint8: 1
            case .int16: 2
            case .int32, .bytes: 4
            case .int64, .float64: 8
            case .interval: MemoryLayout<Interval>.stride
            case .decimal: MemoryLayout<Decimal>.stride
            }
        }
    }

    /// Whether the type is one of PostgreSQL's numbers.
    package var isNumeric: Bool {
        switch self {
        case .smallint, .integer, .bigint, .numeric, .double: true
        case .boolean, .text, .timestamp, .interval: false
        }
    }
}

/// A Swift type that a fixed-stride column holds. Every bit pattern of its memory that a column can
/// contain is a value.
package protocol FixedWidthValue: BitwiseCopyable, Sendable {}

extension UInt8: FixedWidthValue {}
extension Int16: FixedWidthValue {}
extension Int32: FixedWidthValue {}
extension Int64: FixedWidthValue {}
extension Double: FixedWidthValue {}
extension Decimal: FixedWidthValue {}
extension Interval: FixedWidthValue {}

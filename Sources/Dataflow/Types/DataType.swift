/// The SQL types that a column can have.
///
/// The physical layout of each in a ``Column`` is its ``storage``; the type's name is PostgreSQL's.
/// A type modifier such as `numeric(10,2)` or `varchar(5)` is not part of the type: it is applied where a value is
/// assigned, by a cast. `varchar` is `text` with a modifier.
package enum DataType: Hashable, Sendable {
    case boolean
    case smallint
    case integer
    case bigint
    case numeric
    case real
    case double
    case text
    /// `char(n)`, padded with blanks to its length; trailing blanks do not count where values are compared.
    case character
    case bytea
    case uuid
    case date
    case time
    case timestamp
    case timestamptz
    case interval
    /// In the binary form of ``JSONB``.
    case jsonb
    /// A one-dimensional array with indices from 1; see ``array(of:)`` and ``ArrayBytes``.
    case array(Element)

    /// The type of an array's elements: any that is not an array itself.
    package struct Element: Hashable, Sendable {
        fileprivate let index: UInt8

        package var type: DataType { DataType.scalars[Int(index)] }
    }

    /// All types but arrays.
    package static let scalars: [DataType] = [
        .boolean, .smallint, .integer, .bigint, .numeric, .real, .double, .text, .character, .bytea, .uuid, .date,
        .time, .timestamp, .timestamptz, .interval, .jsonb,
    ]

    /// The array type over a scalar type.
    package static func array(of element: DataType) -> DataType {
        guard let index = scalars.firstIndex(of: element) else {
            preconditionFailure("an array of type \(element.name), which is no scalar")
        }
        return .array(Element(index: UInt8(index)))
    }

    /// The type of an array's elements; nil for other types.
    package var element: DataType? {
        if case .array(let element) = self { element.type } else { nil }
    }

    /// The name that PostgreSQL prints for the type.
    package var name: String {
        switch self {
        case .boolean: "boolean"
        case .smallint: "smallint"
        case .integer: "integer"
        case .bigint: "bigint"
        case .numeric: "numeric"
        case .real: "real"
        case .double: "double precision"
        case .text: "text"
        case .character: "character"
        case .bytea: "bytea"
        case .uuid: "uuid"
        case .date: "date"
        case .time: "time without time zone"
        case .timestamp: "timestamp without time zone"
        case .timestamptz: "timestamp with time zone"
        case .interval: "interval"
        case .jsonb: "jsonb"
        case .array(let element): "\(element.type.name)[]"
        }
    }

    private static let byName = Dictionary(uniqueKeysWithValues: allCases.map { ($0.name, $0) })

    /// The type of this ``name``.
    package init?(name: String) {
        guard let type = Self.byName[name] else { return nil }
        self = type
    }

    /// How the values of the type lie in memory.
    package var storage: Storage {
        switch self {
        case .boolean: .uint8
        case .smallint: .int16
        case .integer, .date: .int32
        case .bigint, .time, .timestamp, .timestamptz: .int64
        case .real: .float32
        case .double: .float64
        case .numeric: .decimal
        case .interval: .interval
        case .uuid: .uuid
        case .text, .character, .bytea, .jsonb, .array: .bytes
        }
    }

    /// The physical layouts. All but ``bytes`` are arrays of one fixed stride.
    package enum Storage: Sendable {
        case uint8, int16, int32, int64, float32, float64, decimal, interval, uuid, bytes

        /// Bytes from one value to the next; of ``bytes``, those of one offset.
        package var stride: Int {
            switch self {
            case .uint8: 1
            case .int16: 2
            case .int32, .float32, .bytes: 4
            case .int64, .float64: 8
            case .interval: MemoryLayout<Interval>.stride
            case .uuid: MemoryLayout<UUIDValue>.stride
            case .decimal: MemoryLayout<Decimal>.stride
            }
        }

        /// Bytes of one value, without the padding behind it; of ``bytes``, those of one offset.
        package var size: Int {
            self == .decimal ? MemoryLayout<Decimal>.size : stride
        }
    }

    /// Whether the type is one of PostgreSQL's numbers.
    package var isNumeric: Bool {
        switch self {
        case .smallint, .integer, .bigint, .numeric, .real, .double: true
        default: false
        }
    }

    /// Whether values that SQL calls equal may print differently (1.0 and 1.00).
    package var hasSeveralEncodings: Bool {
        switch self {
        case .numeric, .real, .double, .interval, .character, .jsonb: true
        case .array(let element): element.type.hasSeveralEncodings
        default: false
        }
    }
}

extension DataType: CaseIterable {
    package static let allCases: [DataType] = scalars + scalars.map { array(of: $0) }
}

/// Coded as its name.
extension DataType: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let name = try container.decode(String.self)
        guard let type = DataType(name: name) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "there is no type \"\(name)\"")
        }
        self = type
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(name)
    }
}

/// A Swift type that a fixed-stride column holds. Every bit pattern of its memory that a column can
/// contain is a value.
package protocol FixedWidthValue: BitwiseCopyable, Sendable {}

extension UInt8: FixedWidthValue {}
extension Int16: FixedWidthValue {}
extension Int32: FixedWidthValue {}
extension Int64: FixedWidthValue {}
extension Float: FixedWidthValue {}
extension Double: FixedWidthValue {}
extension Decimal: FixedWidthValue {}
extension Interval: FixedWidthValue {}
extension UUIDValue: FixedWidthValue {}

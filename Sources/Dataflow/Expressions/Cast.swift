/// How a value of one type becomes one of another, and where PostgreSQL does so by itself.
package struct Cast: Sendable {
    package enum Context: Int, Sendable, Comparable {
        /// Anywhere.
        case implicit
        /// Where a value is stored in a column.
        case assignment
        /// Only where the user writes the cast.
        case explicit

        package static func < (first: Context, second: Context) -> Bool { first.rawValue < second.rawValue }
    }

    package let from: DataType
    package let to: DataType
    package let context: Context

    /// The function that does it.
    package var functionKey: String { "\(Cast.functionName(to: to))(\(from.name))" }

    /// `cast_bigint` and so on.
    package static func functionName(to type: DataType) -> String {
        switch type {
        // Short names where PostgreSQL's have blanks.
        case .double: "cast_double"
        case .time: "cast_time"
        case .timestamp: "cast_timestamp"
        case .timestamptz: "cast_timestamptz"
        case .array(let element): functionName(to: element.type) + "[]"
        default: "cast_\(type.name)"
        }
    }

    /// PostgreSQL's casts among the types: pg_cast, the casts through text input and output, and those of arrays element by element.
    static let all: [Cast] = {
        var casts: [Cast] = []
        func add(_ from: DataType, _ to: DataType, _ context: Context) {
            casts.append(Cast(from: from, to: to, context: context))
        }
        let numbers: [DataType] = [.smallint, .integer, .bigint, .numeric, .real, .double]
        for (i, from) in numbers.enumerated() {
            for (j, to) in numbers.enumerated() where i != j { add(from, to, j > i ? .implicit : .assignment) }
        }
        add(.boolean, .integer, .explicit)
        add(.integer, .boolean, .explicit)
        add(.text, .character, .implicit)
        add(.character, .text, .implicit)
        add(.date, .timestamp, .implicit)
        add(.date, .timestamptz, .implicit)
        add(.timestamp, .timestamptz, .implicit)
        add(.timestamp, .date, .assignment)
        add(.timestamp, .time, .assignment)
        add(.timestamptz, .date, .assignment)
        add(.timestamptz, .time, .assignment)
        add(.timestamptz, .timestamp, .assignment)
        add(.time, .interval, .implicit)
        add(.interval, .time, .assignment)
        for to in [DataType.boolean] + numbers { add(.jsonb, to, .explicit) }
        let texts: [DataType] = [.text, .character]
        for type in DataType.scalars where !texts.contains(type) {
            for text in texts {
                add(type, text, .assignment)
                add(text, type, .explicit)
            }
        }
        for cast in casts {
            add(.array(of: cast.from), .array(of: cast.to), cast.context)
        }
        for type in DataType.allCases where type.element != nil {
            for text in texts {
                add(type, text, .assignment)
                add(text, type, .explicit)
            }
        }
        return casts
    }()
}

/// All scalar functions, operators and casts, by key and by name.
package enum FunctionRegistry {
    /// Every function, in the order of the families' tables.
    package static let all: [ScalarFunction] =
        ArithmeticFunctions.all + NumericFunctions.all + ComparisonFunctions.all + TextFunctions.all + TimeFunctions.all
        + CastFunctions.all + RowCheckFunctions.all

    private static let byKey: [String: ScalarFunction] = {
        Dictionary(all.map { ($0.key, $0) }) { first, _ in
            preconditionFailure("two functions have the key \(first.key)")
        }
    }()

    private static let byName: [String: [ScalarFunction]] = Dictionary(grouping: all, by: \.name)

    private static let casts: [DataType: [DataType: Cast]] = {
        var casts: [DataType: [DataType: Cast]] = [:]
        for cast in Cast.all { casts[cast.from, default: [:]][cast.to] = cast }
        return casts
    }()

    /// The function with this key, as deployed graphs name it.
    package static func function(key: String) -> ScalarFunction? { byKey[key] }

    /// The functions with this SQL name (or operator symbol).
    package static func candidates(named name: String) -> [ScalarFunction] { byName[name] ?? [] }

    /// How a value of one type becomes one of another; nil if PostgreSQL has no such cast.
    package static func cast(from: DataType, to: DataType) -> Cast? { casts[from]?[to] }

    /// The names that SQL can call, sorted: neither operators nor casts.
    package static var functionNames: [String] {
        byName.keys.filter {
            $0.utf8.allSatisfy { $0 >= 0x61 && $0 <= 0x7A || $0 == 0x5F || $0 >= 0x30 && $0 <= 0x39 }
                && !$0.hasPrefix("cast_")
        }
        .sorted()
    }
}

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
    package var functionKey: String { "\(Cast.functionName(to: to))(\(from.rawValue))" }

    /// `cast_bigint` and so on.
    package static func functionName(to type: DataType) -> String {
        switch type {
        case .boolean: "cast_boolean"
        case .smallint: "cast_smallint"
        case .integer: "cast_integer"
        case .bigint: "cast_bigint"
        case .numeric: "cast_numeric"
        case .double: "cast_double"
        case .text: "cast_text"
        case .timestamp: "cast_timestamp"
        case .interval: "cast_interval"
        }
    }

    /// PostgreSQL's casts among the types (pg_cast, and the casts through text input and output).
    static let all: [Cast] = {
        var casts: [Cast] = []
        let numbers: [DataType] = [.smallint, .integer, .bigint, .numeric, .double]
        for (i, from) in numbers.enumerated() {
            for (j, to) in numbers.enumerated() where i != j {
                casts.append(Cast(from: from, to: to, context: j > i ? .implicit : .assignment))
            }
        }
        casts.append(Cast(from: .boolean, to: .integer, context: .explicit))
        casts.append(Cast(from: .integer, to: .boolean, context: .explicit))
        for type in DataType.allCases where type != .text {
            casts.append(Cast(from: type, to: .text, context: .assignment))
            casts.append(Cast(from: .text, to: type, context: .explicit))
        }
        return casts
    }()
}

/// The keys by which deployed graphs name functions.
enum FunctionKey {
    /// `name(type,type)`, as ``ScalarFunction/key``.
    static func of(_ name: String, _ arguments: [DataType]) -> String {
        "\(name)(\(arguments.map(\.rawValue).joined(separator: ",")))"
    }
}

/// All scalar functions, operators and casts, by key and by name.
package enum FunctionRegistry {
    /// Every function, in the order of the families' tables.
    package static let all: [ScalarFunction] =
        ArithmeticFunctions.all + NumericFunctions.all + ComparisonFunctions.all + TextFunctions.all + TimeFunctions.all
        + CastFunctions.all + TimeCasts.all + TextCasts.all + ModifierFunctions.all + RowCheckFunctions.all

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

/// The keys by which deployed graphs name functions.
enum FunctionKey {
    /// `name(type,type)`, as ``ScalarFunction/key``.
    static func of(_ name: String, _ arguments: [DataType]) -> String {
        "\(name)(\(arguments.map(\.name).joined(separator: ",")))"
    }
}

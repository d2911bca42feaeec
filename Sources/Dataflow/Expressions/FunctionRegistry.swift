/// All scalar functions, operators and casts, by key and by name.
package enum FunctionRegistry {
    /// Every function, in the order of the families' tables.
    package static let all: [ScalarFunction] =
        ArithmeticFunctions.all + RealFunctions.all + NumericFunctions.all + MathFunctions.all + ComparisonFunctions.all
        + TextFunctions.all + FormatFunctions.all + RegexFunctions.all + TextArrayFunctions.all + ByteaFunctions.all
        + TimeFunctions.all + DateFunctions.all + TimeMakers.all + TemplateFunctions.all + JSONBAccess.all
        + JSONBEditing.all + JSONBBuilding.all + JSONPathFunctions.all + CastFunctions.all + TimeCasts.all
        + TimeZoneFunctions.all + TextCasts.all + ModifierFunctions.all + RowCheckFunctions.all

    /// The functions of many signatures.
    package static let templates: [FunctionTemplate] =
        FormatFunctions.templates + ArrayFunctions.templates + JSONBAccess.templates + JSONBBuilding.templates

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
    package static func function(key: String) -> ScalarFunction? { byKey[key] ?? templateFunction(key: key) }

    /// The function of a template whose key this is: its types are read from the key.
    private static func templateFunction(key: String) -> ScalarFunction? {
        guard let start = key.utf8.firstIndex(of: UInt8(ascii: "(")), key.utf8.last == UInt8(ascii: ")") else {
            return nil
        }
        let list = key[key.index(after: start)...].dropLast()
        var types: [DataType] = []
        for name in list.split(separator: ",") {
            guard let type = DataType(name: String(name)) else { return nil }
            types.append(type)
        }
        for template in templatesByName[String(key[..<start])] ?? [] {
            if let function = template.function(for: types), function.key == key { return function }
        }
        return nil
    }

    private static let templatesByName = Dictionary(grouping: templates, by: \.name)

    /// The functions with this SQL name (or operator symbol); those of templates as they are for operands of these types (nil: an
    /// untyped literal).
    package static func candidates(named name: String, for types: [DataType?]) -> [ScalarFunction] {
        let plain = byName[name] ?? []
        return plain + (templatesByName[name] ?? []).compactMap { $0.function(for: types) }
    }

    /// How a value of one type becomes one of another; nil if PostgreSQL has no such cast.
    package static func cast(from: DataType, to: DataType) -> Cast? { casts[from]?[to] }

    /// The names that SQL can call, sorted: neither operators nor casts.
    package static var functionNames: [String] {
        Set(byName.keys).union(templatesByName.keys).filter {
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

internal import Dataflow

/// A type as SQL names it, with `numeric`'s modifier.
struct SQLType {
    var type: DataType
    var numeric: NumericModifier?
    /// The unit of `INTERVAL '10' SECOND`.
    var intervalUnit: String?
}

enum TypeNames {
    /// PostgreSQL's names after its grammar, and ours.
    private static let supported: [String: DataType] = [
        "bool": .boolean, "boolean": .boolean, "int2": .smallint, "smallint": .smallint, "int4": .integer,
        "int": .integer,
        "integer": .integer, "int8": .bigint, "bigint": .bigint, "numeric": .numeric, "decimal": .numeric,
        "float8": .double,
        "text": .text, "varchar": .text, "timestamp": .timestamp, "interval": .interval,
    ]

    /// Types of PostgreSQL that are known and refused, with what to use.
    private static let refused: [String: String?] = [
        "bpchar": "text", "char": "text", "name": "text", "float4": "double precision", "timestamptz": "timestamp",
        "date": "timestamp",
        "time": "timestamp", "timetz": "timestamp", "json": "text", "jsonb": "text", "uuid": "text", "bytea": "text",
        "money": "numeric", "bit": nil, "varbit": nil, "xml": "text", "inet": "text", "cidr": "text",
        "serial": "bigint",
        "bigserial": "bigint", "oid": "bigint", "point": nil,
    ]

    /// How PostgreSQL prints a name that its grammar has turned into another.
    private static let printed = [
        "bpchar": "character", "float4": "real", "timestamptz": "timestamp with time zone",
        "timetz": "time with time zone",
        "time": "time without time zone", "varbit": "bit varying",
    ]

    private static let intervalUnits: [Int32: String] = [
        1 << 1: "month", 1 << 2: "year", 1 << 3: "day", 1 << 10: "hour", 1 << 11: "minute", 1 << 12: "second",
    ]

    static func resolve(_ syntax: TypeSyntax) throws(Failure) -> SQLType {
        guard let type = supported[syntax.name] else {
            if let instead = refused[syntax.name] {
                throw .unsupported(
                    "type \(printed[syntax.name] ?? syntax.name)", at: syntax.location,
                    hint: instead.map { "Use \($0)." })
            }
            throw Failure(
                "42704", "type \"\(syntax.name)\" does not exist", at: syntax.location,
                hint: Suggestion.hint(for: syntax.name, among: DataType.allCases.map(\.name)))
        }
        var numbers: [Int32] = []
        for modifier in syntax.modifiers {
            guard case .integer(let number) = modifier.kind else {
                throw Failure("42601", "type modifiers must be simple constants", at: syntax.location)
            }
            numbers.append(number)
        }
        var result = SQLType(type: type)
        switch type {
        case .numeric where !numbers.isEmpty: result.numeric = try numericModifier(numbers, syntax.location)
        case .interval where numbers.count == 1 && intervalUnits[numbers[0]] != nil:
            result.intervalUnit = intervalUnits[numbers[0]]
        case .text where syntax.name == "varchar" && !numbers.isEmpty:
            throw .unsupported("type character varying(\(numbers[0]))", at: syntax.location, hint: "Use text.")
        case .timestamp where numbers == [6]: break
        case _ where !numbers.isEmpty:
            throw .unsupported("a modifier of type \(type.name)", at: syntax.location)
        default: break
        }
        return result
    }

    private static func numericModifier(_ numbers: [Int32], _ location: Int) throws(Failure) -> NumericModifier {
        let precision = Int(numbers[0])
        let scale = numbers.count > 1 ? Int(numbers[1]) : 0
        guard numbers.count <= 2 else { throw Failure("22023", "invalid NUMERIC type modifier", at: location) }
        guard precision >= 1, precision <= 1000 else {
            throw Failure("22023", "NUMERIC precision \(precision) must be between 1 and 1000", at: location)
        }
        guard precision <= Decimal.digitsMax else {
            throw .unsupported("numeric with more than \(Decimal.digitsMax) digits", at: location)
        }
        guard scale >= 0, scale <= precision else {
            throw .unsupported(
                "a scale of \(scale) for numeric(\(precision))", at: location,
                hint: "The scale is from 0 to the precision.")
        }
        return NumericModifier(precision: precision, scale: scale)
    }
}

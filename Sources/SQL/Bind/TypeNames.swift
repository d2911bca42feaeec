internal import Dataflow

/// A type as SQL names it, with its modifier.
struct SQLType {
    var type: DataType
    var modifier: TypeModifier?
}

enum TypeNames {
    /// PostgreSQL's names after its grammar, and ours.
    private static let supported: [String: DataType] = [
        "bool": .boolean, "boolean": .boolean, "int2": .smallint, "smallint": .smallint, "int4": .integer,
        "int": .integer, "integer": .integer, "int8": .bigint, "bigint": .bigint, "numeric": .numeric,
        "decimal": .numeric, "float4": .real, "real": .real, "float8": .double, "text": .text, "varchar": .text,
        "bpchar": .character, "bytea": .bytea, "uuid": .uuid, "date": .date, "time": .time, "timestamp": .timestamp,
        "timestamptz": .timestamptz, "interval": .interval, "jsonb": .jsonb,
        // A path is a text here: the functions that take one read it.
        "jsonpath": .text,
    ]

    /// Types of PostgreSQL that are known and refused, with what to use.
    private static let refused: [String: String?] = [
        "char": "text", "name": "text", "timetz": "time", "json": "jsonb", "money": "numeric", "bit": nil,
        "varbit": nil, "xml": "text", "inet": "text", "cidr": "text", "serial": "bigint", "bigserial": "bigint",
        "oid": "bigint", "point": nil,
    ]

    /// How PostgreSQL prints a name that its grammar has turned into another.
    private static let printed = [
        "char": "\"char\"", "timetz": "time with time zone", "varbit": "bit varying",
    ]

    /// The grammar's bits of the fields of an interval, from the longest to the shortest.
    private static let intervalFields: [(bit: Int32, field: IntervalFields.Field)] = [
        (1 << 2, .year), (1 << 1, .month), (1 << 3, .day), (1 << 10, .hour), (1 << 11, .minute), (1 << 12, .second),
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
                hint: Suggestion.hint(for: syntax.name, among: DataType.scalars.map(\.name)))
        }
        var numbers: [Int32] = []
        for modifier in syntax.modifiers {
            guard case .integer(let number) = modifier.kind else {
                throw Failure("42601", "type modifiers must be simple constants", at: syntax.location)
            }
            numbers.append(number)
        }
        var result = SQLType(type: syntax.isArray ? .array(of: type) : type)
        switch type {
        case .numeric where !numbers.isEmpty:
            result.modifier = .numeric(try numericModifier(numbers, syntax.location))
        case .interval where !numbers.isEmpty: result.modifier = interval(numbers)
        case .text where syntax.name == "varchar" && !numbers.isEmpty, .character where !numbers.isEmpty:
            result.modifier = .length(try length(numbers, type, syntax.location))
        case .time where !numbers.isEmpty, .timestamp where !numbers.isEmpty, .timestamptz where !numbers.isEmpty:
            result.modifier = fraction(Int(numbers[0]))
        case _ where !numbers.isEmpty:
            throw Failure("42601", "type modifier is not allowed for type \"\(syntax.name)\"", at: syntax.location)
        default: break
        }
        return result
    }

    /// More digits than 6 are 6, as in PostgreSQL, and are what a value has without a modifier.
    private static func fraction(_ digits: Int) -> TypeModifier? { digits >= 6 ? nil : .fraction(digits) }

    private static func length(_ numbers: [Int32], _ type: DataType, _ location: Int) throws(Failure) -> Int {
        let name = type == .text ? "varchar" : "char"
        guard numbers.count == 1 else { throw Failure("22023", "invalid type modifier", at: location) }
        guard numbers[0] >= 1 else {
            throw Failure("22023", "length for type \(name) must be at least 1", at: location)
        }
        guard numbers[0] <= lengthMax else {
            throw Failure("22023", "length for type \(name) cannot exceed \(lengthMax)", at: location)
        }
        return Int(numbers[0])
    }

    /// PostgreSQL's bound of `varchar(n)` and `char(n)`.
    private static let lengthMax: Int32 = 10_485_760

    /// `INTERVAL DAY TO SECOND(3)`, `INTERVAL(3)`: the grammar gives a mask of fields and a number of digits.
    private static func interval(_ numbers: [Int32]) -> TypeModifier? {
        let digits = numbers.count > 1 ? min(Int(numbers[1]), 6) : 6
        let fields = intervalFields.filter { numbers[0] & $0.bit != 0 }.map(\.field)
        // All of them: the digits alone.
        guard let first = fields.first, let last = fields.last, numbers[0] != 0x7FFF else { return fraction(digits) }
        return .fields(IntervalFields(first: first, last: last, digits: digits))
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
        guard scale >= -1000, scale <= 1000 else {
            throw Failure("22023", "NUMERIC scale \(scale) must be between -1000 and 1000", at: location)
        }
        guard scale <= Decimal.digitsMax else {
            throw .unsupported("numeric with more than \(Decimal.digitsMax) digits", at: location)
        }
        return NumericModifier(precision: precision, scale: scale)
    }
}

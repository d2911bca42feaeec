internal import Dataflow

/// A bound expression: typed, or a literal whose type is still open.
struct Bound {
    var expression: Expression
    /// A quoted string or NULL without a type: it takes the type that its place wants.
    var isUnknown = false
    var location: Int

    /// nil for an unknown literal.
    var type: DataType? { isUnknown ? nil : expression.type }

    /// For messages.
    var typeName: String { isUnknown ? "unknown" : expression.type.name }

    static func unknown(_ text: String?, at location: Int) -> Bound {
        Bound(expression: .literal(text.map { .text($0) } ?? .null, type: .text), isUnknown: true, location: location)
    }
}

/// Conversions between types, as PostgreSQL does them.
enum Coercion {
    /// Whether a value of one type (nil: an unknown literal) may take the place of another without being asked.
    static func isPossible(from: DataType?, to: DataType, _ context: Cast.Context = .implicit) -> Bool {
        guard let from, from != to else { return true }
        guard let cast = FunctionRegistry.cast(from: from, to: to) else { return false }
        return cast.context <= context
    }

    /// The value as the type; nil if the context allows no such cast.
    /// Of an unknown literal the modifier, which is not applied, says how it is read.
    static func coerce(
        _ bound: Bound, to type: DataType, _ context: Cast.Context = .implicit, modifier: TypeModifier? = nil
    ) throws(Failure) -> Expression? {
        if bound.isUnknown { return try literal(bound, as: type, modifier) }
        let from = bound.expression.type
        if from == type { return bound.expression }
        guard let cast = FunctionRegistry.cast(from: from, to: type), cast.context <= context else { return nil }
        return ConstantFolding.fold(.call(cast.functionKey, [bound.expression], type: type))
    }

    /// Reads an unknown literal as a type.
    static func literal(
        _ bound: Bound, as type: DataType, _ modifier: TypeModifier? = nil
    ) throws(Failure) -> Expression {
        guard case .literal(.text(let text), _) = bound.expression else { return .literal(.null, type: type) }
        if type == .text { return .literal(.text(text), type: .text) }
        return .literal(try parse(text, as: type, modifier, at: bound.location), type: type)
    }

    static func parse(
        _ text: String, as type: DataType, _ modifier: TypeModifier? = nil, at location: Int?
    ) throws(Failure) -> Datum {
        var text = text
        let result = text.withUTF8 { bytes -> Result<Datum, RowError> in
            do throws(RowError) {
                return .success(try TextFormat.parse(bytes, as: type, modifier: modifier))
            } catch {
                return .failure(error)
            }
        }
        switch result {
        case .success(let datum): return datum
        case .failure(let error): throw Failure(error.code, error.message, at: location)
        }
    }

    /// Fits values to `numeric(p,s)`, `varchar(n)` and so on; of a cast that the user wrote texts are cut.
    static func applying(_ modifier: TypeModifier?, to expression: Expression, isExplicit: Bool) -> Expression {
        guard let modifier else { return expression }
        let type = expression.type
        func integer(_ value: Int) -> Expression { .literal(.integer(Int32(clamping: value)), type: .integer) }
        let explicit = Expression.literal(.boolean(isExplicit), type: .boolean)
        let call: Expression =
            switch modifier {
            case .numeric(let numeric):
                .call(
                    "numeric_scale(\(type.name),integer,integer)",
                    [expression, integer(numeric.precision), integer(numeric.scale)], type: type)
            case .length(let length):
                .call("cast_length(\(type.name),integer,boolean)", [expression, integer(length), explicit], type: type)
            case .fraction(let digits):
                .call("cast_fraction(\(type.name),integer)", [expression, integer(digits)], type: type)
            case .fields(let fields):
                .call(
                    "cast_fields(\(type.name),integer,integer)",
                    [expression, integer(fields.last.rawValue), integer(fields.digits)], type: type)
            }
        return ConstantFolding.fold(call)
    }

    /// The type that CASE, COALESCE, VALUES, UNION and so on give their operands.
    static func commonType(_ operands: [Bound], in construct: String) throws(Failure) -> DataType {
        var found: DataType?
        for operand in operands {
            guard let type = operand.type else { continue }
            guard let current = found else {
                found = type
                continue
            }
            if current == type { continue }
            guard Resolution.category(current) == Resolution.category(type) else {
                throw Failure(
                    "42804", "\(construct) types \(current.name) and \(type.name) cannot be matched",
                    at: operand.location)
            }
            if !Resolution.isPreferred(current), isPossible(from: current, to: type),
                !isPossible(from: type, to: current)
            {
                found = type
            }
        }
        return found ?? .text
    }

    /// All operands as their common type.
    static func unify(_ operands: [Bound], in construct: String) throws(Failure) -> (
        values: [Expression], type: DataType
    ) {
        let type = try commonType(operands, in: construct)
        var values: [Expression] = []
        for operand in operands {
            guard let value = try coerce(operand, to: type) else {
                throw Failure(
                    "42846", "\(construct) could not convert type \(operand.typeName) to \(type.name)",
                    at: operand.location)
            }
            values.append(value)
        }
        return (values, type)
    }
}

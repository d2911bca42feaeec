/// What the modifiers of types do to values: `cast_length` (varchar(n), char(n)), `cast_fraction` (time types) and `cast_fields` (interval); those of arrays to
/// their elements. `numeric_scale` stands with the numerics.
enum ModifierFunctions {
    static let all: [ScalarFunction] = scalars + scalars.map { array($0) } + [array(numericScale)]

    private static let scalars: [ScalarFunction] =
        [length(.text), length(.character)]
        + [DataType.time, .timestamp, .timestamptz].map { fraction($0) } + [intervalFraction, intervalFields]

    private static var numericScale: ScalarFunction {
        guard
            let function = NumericFunctions.all.first(where: {
                $0.name == "numeric_scale" && $0.arguments.first == .numeric && $0.arguments.count == 3
            })
        else { preconditionFailure("there is no numeric_scale") }
        return function
    }

    /// Cuts (where the user wrote the cast, else only blanks may be lost), and pads `character` with blanks.
    private static func length(_ type: DataType) -> ScalarFunction {
        ScalarFunction(
            "cast_length", [type, .integer, .boolean], type, "Cut or padded to the length of the type."
        ) { arguments, count, validity, errors in
            arguments[0].withText { offsets, bytes in
                arguments[1].withValues(as: Int32.self) { lengths in
                    arguments[2].withValues(as: UInt8.self) { explicit in
                        TextKernels.rows(count, validity, Int(offsets[count]), &errors) {
                            (row, out) throws(RowFailure) in
                            let text = TextKernels.slice(offsets, bytes, row)
                            try fit(text, Int(lengths[row]), explicit[row] & 1 != 0, type, &out)
                        }
                        .retyped(type)
                    }
                }
            }
        }
    }

    private static func fit(
        _ text: TextKernels.Bytes, _ length: Int, _ isExplicit: Bool, _ type: DataType, _ out: inout TextWriter
    ) throws(RowFailure) {
        // The end of the first `length` characters: their first bytes are no continuation bytes.
        var (end, characters) = (0, 0)
        while end < text.count {
            if text[end] & 0xC0 != 0x80 {
                if characters == length { break }
                characters += 1
            }
            end += 1
        }
        if end < text.count, !isExplicit, text[end...].contains(where: { $0 != 0x20 }) {
            let name = TypeModifier.describe(type, .length(length))
            throw RowFailure("22001", "value too long for type \(name)")
        }
        out.append(TextKernels.Bytes(rebasing: text[..<end]))
        guard type == .character, characters < length else { return }
        guard length <= TextKernels.bytesMax else { throw .textTooLong }
        for _ in characters..<length { out.append(0x20) }
    }

    private static func fraction(_ type: DataType) -> ScalarFunction {
        let isTimeOfDay = type == .time
        return Kernels.binary("cast_fraction", type, .integer, type, "Rounded to so many digits of a second.") {
            (a: Int64, digits: Int32) -> Int64 in
            isTimeOfDay ? TypeModifier.round(a, to: Int(digits)) : TypeModifier.roundTimestamp(a, to: Int(digits))
        }
    }

    private static let intervalFraction = Kernels.binary(
        "cast_fraction", .interval, .integer, .interval, "Rounded to so many digits of a second."
    ) { (a: Interval, digits: Int32) -> Interval in
        Interval(months: a.months, days: a.days, microseconds: TypeModifier.round(a.microseconds, to: Int(digits)))
    }

    /// The last field is given by its number, ``IntervalFields/Field``.
    private static let intervalFields = RowKernels.value(
        "cast_fields", [.interval, .integer, .integer], .interval, "Without what is shorter than the type's last field."
    ) { (row) throws(RowFailure) -> Interval? in
        guard let field = IntervalFields.Field(rawValue: row.integer(1)) else { return row.interval(0) }
        return row.interval(0).cut(to: field, digits: row.integer(2))
    }

    /// The same of each element.
    private static func array(_ function: ScalarFunction) -> ScalarFunction {
        let element = function.result
        let type = DataType.array(of: element)
        return ScalarFunction(
            function.name, [type] + function.arguments.dropFirst(), type, function.documentation
        ) { arguments, count, validity, errors in
            ArrayKernels.map(arguments[0], element, count, validity, &errors) { elements, rows, errors in
                let others = rows.withUnsafeBufferPointer { rows in arguments.dropFirst().map { $0.gather(rows) } }
                return function.kernel([elements] + others, elements.count, elements.validity, &errors)
                    .masked(by: elements.validity)
            }
        }
    }
}

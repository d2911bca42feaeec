/// Arithmetic, rounding and signs of `numeric`.
enum NumericFunctions {
    static let all: [ScalarFunction] = [
        arithmetic("+", "Sum, at the larger of the two scales.", Decimal.add),
        arithmetic("-", "Difference, at the larger of the two scales.") { Decimal.add($0, $1.negated) },
        arithmetic("*", "Product, at the sum of the scales.", Decimal.multiply),
        Kernels.failingBinary("/", .numeric, .numeric, .numeric, "Quotient, to at least 16 significant digits.") {
            (a: Decimal, b: Decimal) throws(Kernels.Failure) -> Decimal in
            if b.mantissa == 0 { throw .divisionByZero }
            guard let value = Decimal.divide(a, b) else { throw .numericOverflow }
            return value
        },
        remainder("%"), remainder("mod"),
        Kernels.unary("-", .numeric, .numeric, "Negation.") { (a: Decimal) -> Decimal in a.negated },
        Kernels.unary("abs", .numeric, .numeric, "Absolute value.") { (a: Decimal) -> Decimal in
            a.mantissa < 0 ? a.negated : a
        },
        Kernels.failingUnary("round", .numeric, .numeric, "Rounded to an integer, half away from zero.") {
            (a: Decimal) throws(Kernels.Failure) -> Decimal in try orOverflow(a.rounded(to: 0))
        },
        Kernels.failingBinary("round", .numeric, .integer, .numeric, "Rounded to that many digits after the point.") {
            (a: Decimal, digits: Int32) throws(Kernels.Failure) -> Decimal in
            try orOverflow(a.rounded(to: min(max(digits, -38), 38)))
        },
        Kernels.failingUnary("trunc", .numeric, .numeric, "Truncated towards zero.") {
            (a: Decimal) throws(Kernels.Failure) -> Decimal in truncated(a, 0)
        },
        Kernels.failingBinary("trunc", .numeric, .integer, .numeric, "Truncated to that many digits after the point.") {
            (a: Decimal, digits: Int32) throws(Kernels.Failure) -> Decimal in
            let digits = min(max(digits, -38), 38)
            return digits >= a.scale ? try orOverflow(a.scaled(to: digits)) : truncated(a, digits)
        },
        Kernels.unary("floor", .numeric, .numeric, "The nearest integer not above.") { (a: Decimal) -> Decimal in
            floor(a)
        },
        Kernels.unary("ceil", .numeric, .numeric, "The nearest integer not below.") { (a: Decimal) -> Decimal in
            floor(a.negated).negated
        },
        Kernels.unary("ceiling", .numeric, .numeric, "The nearest integer not below.") { (a: Decimal) -> Decimal in
            floor(a.negated).negated
        },
        Kernels.unary("sign", .numeric, .numeric, "−1, 0 or 1.") { (a: Decimal) -> Decimal in
            Decimal(mantissa: a.mantissa.signum(), scale: 0)
        },
        numericScale,
    ]

    /// `numeric(precision, scale)` applied to a value: rounds to the scale; more digits than the precision are an error.
    private static let numericScale = ScalarFunction(
        "numeric_scale", [.numeric, .integer, .integer], .numeric, "Rounds to a scale and checks the precision."
    ) { arguments, count, validity, errors in
        arguments[0].withValues(as: Decimal.self) { values in
            arguments[1].withValues(as: Int32.self) { precisions in
                arguments[2].withValues(as: Int32.self) { scales in
                    Kernels.failing(.numeric, count, validity, &errors) { i throws(Kernels.Failure) -> Decimal in
                        guard
                            let value = values[i].fitting(
                                NumericModifier(precision: Int(precisions[i]), scale: Int(scales[i])))
                        else { throw Kernels.Failure(code: "22003", message: "numeric field overflow") }
                        return value
                    }
                }
            }
        }
    }

    private static func arithmetic(
        _ name: String, _ documentation: String, _ operation: @escaping @Sendable (Decimal, Decimal) -> Decimal?
    ) -> ScalarFunction {
        Kernels.failingBinary(name, .numeric, .numeric, .numeric, documentation) {
            (a: Decimal, b: Decimal) throws(Kernels.Failure) -> Decimal in try orOverflow(operation(a, b))
        }
    }

    private static func remainder(_ name: String) -> ScalarFunction {
        Kernels.failingBinary(name, .numeric, .numeric, .numeric, "Remainder, with the sign of the dividend.") {
            (a: Decimal, b: Decimal) throws(Kernels.Failure) -> Decimal in
            if b.mantissa == 0 { throw .divisionByZero }
            let scale = max(a.scale, b.scale)
            let x = try orOverflow(a.scaled(to: scale))
            let y = try orOverflow(b.scaled(to: scale))
            return Decimal(mantissa: x.mantissa % y.mantissa, scale: scale)
        }
    }

    private static func orOverflow(_ value: Decimal?) throws(Kernels.Failure) -> Decimal {
        guard let value else { throw .numericOverflow }
        return value
    }

    private static func truncated(_ value: Decimal, _ scale: Int32) -> Decimal {
        guard scale < value.scale else { return value }
        let drop = value.scale - scale
        guard drop <= 38 else { return Decimal(mantissa: 0, scale: max(scale, 0)) }
        let quotient = value.mantissa / Decimal.powers[Int(drop)]
        return scale >= 0
            ? Decimal(mantissa: quotient, scale: scale)
            : Decimal(mantissa: quotient * Decimal.powers[Int(-scale)], scale: 0)
    }

    private static func floor(_ value: Decimal) -> Decimal {
        guard value.scale > 0 else { return value }
        let (quotient, remainder) = value.mantissa.quotientAndRemainder(dividingBy: Decimal.powers[Int(value.scale)])
        return Decimal(mantissa: remainder < 0 ? quotient - 1 : quotient, scale: 0)
    }
}

extension Decimal {
    /// The value as `numeric(precision, scale)`; nil if it has more digits before the point than fit.
    package func fitting(_ modifier: NumericModifier) -> Decimal? {
        guard let value = rounded(to: Int32(modifier.scale)) else { return nil }
        return modifier.precision >= 38 || value.mantissa.magnitude < UInt128(Self.powers[modifier.precision])
            ? value : nil
    }
}

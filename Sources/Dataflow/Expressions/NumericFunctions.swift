/// Arithmetic, rounding and signs of `numeric`.
enum NumericFunctions {
    static let all: [ScalarFunction] = [
        Kernels.rowBinary("+", .numeric, .numeric, .numeric, "Sum, at the larger of the two scales.") {
            (a: Decimal, b: Decimal) throws(RowFailure) -> Decimal in try checked(Decimal.add(a, b))
        },
        Kernels.rowBinary("-", .numeric, .numeric, .numeric, "Difference, at the larger of the two scales.") {
            (a: Decimal, b: Decimal) throws(RowFailure) -> Decimal in try checked(Decimal.add(a, b.negated))
        },
        Kernels.rowBinary("*", .numeric, .numeric, .numeric, "Product, at the sum of the scales.") {
            (a: Decimal, b: Decimal) throws(RowFailure) -> Decimal in try checked(Decimal.multiply(a, b))
        },
        Kernels.rowBinary("/", .numeric, .numeric, .numeric, "Quotient, to at least 16 significant digits.") {
            (a: Decimal, b: Decimal) throws(RowFailure) -> Decimal in
            if b.mantissa == 0 { throw .divisionByZero }
            return try checked(Decimal.divide(a, b))
        },
        remainder("%"), remainder("mod"),
        Kernels.rowUnary("-", .numeric, .numeric, "Negation.") { (a: Decimal) throws(RowFailure) -> Decimal in a.negated
        },
        Kernels.rowUnary("abs", .numeric, .numeric, "Absolute value.") { (a: Decimal) throws(RowFailure) -> Decimal in
            a.absolute
        },
        Kernels.rowUnary("round", .numeric, .numeric, "Rounded to an integer, half away from zero.") {
            (a: Decimal) throws(RowFailure) -> Decimal in try checked(a.rounded(to: 0))
        },
        Kernels.rowBinary("round", .numeric, .integer, .numeric, "Rounded to that many digits after the point.") {
            (a: Decimal, digits: Int32) throws(RowFailure) -> Decimal in try checked(a.rounded(to: max(digits, -100)))
        },
        Kernels.rowUnary("trunc", .numeric, .numeric, "Truncated towards zero.") {
            (a: Decimal) throws(RowFailure) -> Decimal in try checked(a.truncated(to: 0))
        },
        Kernels.rowBinary("trunc", .numeric, .integer, .numeric, "Truncated to that many digits after the point.") {
            (a: Decimal, digits: Int32) throws(RowFailure) -> Decimal in try checked(a.truncated(to: max(digits, -100)))
        },
        Kernels.rowUnary("floor", .numeric, .numeric, "The nearest integer not above.") {
            (a: Decimal) throws(RowFailure) -> Decimal in a.floor
        },
        ceiling("ceil"), ceiling("ceiling"),
        Kernels.rowUnary("sign", .numeric, .numeric, "−1, 0 or 1.") { (a: Decimal) throws(RowFailure) -> Decimal in
            Decimal(mantissa: a.mantissa.signum(), scale: 0)
        },
        Kernels.rowUnary("sqrt", .numeric, .numeric, "Square root, to at least 16 significant digits.") {
            (a: Decimal) throws(RowFailure) -> Decimal in
            if a.mantissa < 0 { throw RowFailure("2201F", "cannot take square root of a negative number") }
            return try checked(a.squareRoot)
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
                    Kernels.rows(.numeric, count, validity, &errors) { i throws(RowFailure) -> Decimal in
                        let modifier = NumericModifier(precision: Int(precisions[i]), scale: Int(scales[i]))
                        guard let value = values[i].fitting(modifier) else {
                            throw RowFailure("22003", "numeric field overflow")
                        }
                        return value
                    }
                }
            }
        }
    }

    private static func remainder(_ name: String) -> ScalarFunction {
        Kernels.rowBinary(name, .numeric, .numeric, .numeric, "Remainder, with the sign of the dividend.") {
            (a: Decimal, b: Decimal) throws(RowFailure) -> Decimal in
            if b.mantissa == 0 { throw .divisionByZero }
            return try checked(Decimal.remainder(a, b))
        }
    }

    private static func ceiling(_ name: String) -> ScalarFunction {
        Kernels.rowUnary(name, .numeric, .numeric, "The nearest integer not below.") {
            (a: Decimal) throws(RowFailure) -> Decimal in a.negated.floor.negated
        }
    }

    @inline(__always)
    private static func checked(_ value: Decimal?) throws(RowFailure) -> Decimal {
        guard let value else { throw .numericOverflow }
        return value
    }
}

extension Decimal {
    /// The value as `numeric(precision, scale)`; nil if it has more digits before the point than fit. Of a negative scale so many
    /// digits before the point are zeros, and do not count.
    package func fitting(_ modifier: NumericModifier) -> Decimal? {
        guard modifier.scale >= -1000, modifier.scale <= 1000, let value = rounded(to: Int32(modifier.scale)) else {
            return nil
        }
        let digits = max(modifier.precision, 0) - min(modifier.scale, 0)
        return digits >= Self.digitsMax || value.mantissa.magnitude < Self.power(digits) ? value : nil
    }
}

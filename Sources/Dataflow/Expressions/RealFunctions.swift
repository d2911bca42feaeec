/// Arithmetic of `real`.
enum RealFunctions {
    static let all: [ScalarFunction] = [
        Kernels.rowBinary("+", .real, .real, .real, "Sum.") { (a: Float, b: Float) throws(RowFailure) -> Float in
            try checked(a + b, isInfinite: a.isInfinite || b.isInfinite)
        },
        Kernels.rowBinary("-", .real, .real, .real, "Difference.") { (a: Float, b: Float) throws(RowFailure) -> Float in
            try checked(a - b, isInfinite: a.isInfinite || b.isInfinite)
        },
        Kernels.rowBinary("*", .real, .real, .real, "Product.") { (a: Float, b: Float) throws(RowFailure) -> Float in
            let value = try checked(a * b, isInfinite: a.isInfinite || b.isInfinite)
            if value == 0, a != 0, b != 0 { throw .doubleUnderflow }
            return value
        },
        Kernels.rowBinary("/", .real, .real, .real, "Quotient.") { (a: Float, b: Float) throws(RowFailure) -> Float in
            if b == 0, !a.isNaN { throw .divisionByZero }
            let value = try checked(a / b, isInfinite: a.isInfinite)
            if value == 0, a != 0, !b.isInfinite { throw .doubleUnderflow }
            return value
        },
        Kernels.unary("-", .real, .real, "Negation.") { (a: Float) -> Float in -a },
        Kernels.unary("abs", .real, .real, "Absolute value.") { (a: Float) -> Float in a.magnitude },
        Kernels.unary("@", .real, .real, "Absolute value.") { (a: Float) -> Float in a.magnitude },
    ]

    /// A result that became infinite though no operand was is out of range.
    @inline(__always)
    private static func checked(_ value: Float, isInfinite: Bool) throws(RowFailure) -> Float {
        if value.isInfinite, !isInfinite { throw .doubleOverflow }
        return value
    }
}

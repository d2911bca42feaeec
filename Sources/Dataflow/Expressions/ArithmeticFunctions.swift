import Glibc

/// `+ - * / %`, unary minus, abs and the functions of integers and doubles.
enum ArithmeticFunctions {
    static let all: [ScalarFunction] =
        integers(Int16.self, .smallint) + integers(Int32.self, .integer) + integers(Int64.self, .bigint)
        + doubles + rounding + powers

    // MARK: integers

    /// The overflow flag of a sum is the sign of (a ^ r) & (b ^ r): no branch, so the loop is SIMD code.
    @inline(__always)
    private static func integers<I: FixedWidthInteger & SignedInteger & FixedWidthValue>(
        _: I.Type, _ type: DataType
    ) -> [ScalarFunction] {
        [
            Kernels.flaggedBinary("+", type, type, type, "Sum.") { (a: I, b: I) -> (I, I) in
                let value = a &+ b
                return (value, (a ^ value) & (b ^ value))
            } failure: { _, _ in
                .outOfRange(type)
            },
            Kernels.flaggedBinary("-", type, type, type, "Difference.") { (a: I, b: I) -> (I, I) in
                let value = a &- b
                return (value, (a ^ b) & (a ^ value))
            } failure: { _, _ in
                .outOfRange(type)
            },
            Kernels.flaggedBinary("*", type, type, type, "Product.") { (a: I, b: I) -> (I, I) in
                let (value, overflow) = a.multipliedReportingOverflow(by: b)
                return (value, overflow ? -1 : 0)
            } failure: { _, _ in
                .outOfRange(type)
            },
            Kernels.flaggedBinary("/", type, type, type, "Quotient, truncated towards zero.") {
                (a: I, b: I) -> (I, I) in
                let (value, overflow) = a.dividedReportingOverflow(by: b)
                return (value, overflow ? -1 : 0)
            } failure: { _, b in
                b == 0 ? .divisionByZero : .outOfRange(type)
            },
            remainder("%", I.self, type), remainder("mod", I.self, type),
            Kernels.binary("&", type, type, type, "Bitwise and.") { (a: I, b: I) -> I in a & b },
            Kernels.binary("|", type, type, type, "Bitwise or.") { (a: I, b: I) -> I in a | b },
            Kernels.binary("#", type, type, type, "Bitwise exclusive or.") { (a: I, b: I) -> I in a ^ b },
            Kernels.flaggedUnary("-", type, type, "Negation.") { (a: I) -> (I, I) in
                let value = 0 &- a
                return (value, a & value)
            } failure: { _ in
                .outOfRange(type)
            },
            Kernels.flaggedUnary("abs", type, type, "Absolute value.") { (a: I) -> (I, I) in
                let value = a < 0 ? 0 &- a : a
                return (value, value)
            } failure: { _ in
                .outOfRange(type)
            },
        ]
    }

    @inline(__always)
    private static func remainder<I: FixedWidthInteger & SignedInteger & FixedWidthValue>(
        _ name: String, _: I.Type, _ type: DataType
    ) -> ScalarFunction {
        Kernels.flaggedBinary(name, type, type, type, "Remainder, with the sign of the dividend.") {
            (a: I, b: I) -> (I, I) in
            // A remainder by −1 is 0 also where the quotient would overflow.
            (b == 0 || b == -1 ? 0 : a.remainderReportingOverflow(dividingBy: b).partialValue, b == 0 ? -1 : 0)
        } failure: { _, _ in
            .divisionByZero
        }
    }

    // MARK: doubles

    /// A result that became infinite though no operand was, or zero though no factor was, is out of range.
    private static let doubles: [ScalarFunction] = [
        Kernels.flaggedBinary("+", .double, .double, .double, "Sum.") { (a: Double, b: Double) -> (Double, Int64) in
            let value = a + b
            return (value, overflow(value, a, b))
        } failure: { _, _ in
            .doubleOverflow
        },
        Kernels.flaggedBinary("-", .double, .double, .double, "Difference.") {
            (a: Double, b: Double) -> (Double, Int64) in
            let value = a - b
            return (value, overflow(value, a, b))
        } failure: { _, _ in
            .doubleOverflow
        },
        Kernels.flaggedBinary("*", .double, .double, .double, "Product.") { (a: Double, b: Double) -> (Double, Int64) in
            let value = a * b
            return (value, overflow(value, a, b) | (value == 0 ? (a != 0 ? (b != 0 ? -1 : 0) : 0) : 0))
        } failure: { a, b in
            a * b == 0 ? .doubleUnderflow : .doubleOverflow
        },
        Kernels.flaggedBinary("/", .double, .double, .double, "Quotient.") {
            (a: Double, b: Double) -> (Double, Int64) in
            let value = a / b
            let underflow: Int64 = value == 0 ? (a != 0 ? (b.magnitude != .infinity ? -1 : 0) : 0) : 0
            let zero: Int64 = b == 0 ? (a == a ? -1 : 0) : 0
            return (value, overflow(value, a, a) | underflow | zero)
        } failure: { a, b in
            b == 0 ? .divisionByZero : a / b == 0 ? .doubleUnderflow : .doubleOverflow
        },
        Kernels.unary("-", .double, .double, "Negation.") { (a: Double) -> Double in -a },
        Kernels.unary("abs", .double, .double, "Absolute value.") { (a: Double) -> Double in a.magnitude },
        Kernels.unary("sign", .double, .double, "−1, 0 or 1.") { (a: Double) -> Double in a > 0 ? 1 : a < 0 ? -1 : 0 },
    ]

    /// −1 where the value is infinite and neither operand is.
    @inline(__always)
    private static func overflow(_ value: Double, _ a: Double, _ b: Double) -> Int64 {
        value.magnitude == .infinity ? (a.magnitude != .infinity ? (b.magnitude != .infinity ? -1 : 0) : 0) : 0
    }

    private static let rounding: [ScalarFunction] = [
        Kernels.unary("floor", .double, .double, "The nearest integer not above.") { (a: Double) -> Double in
            a.rounded(.down)
        },
        Kernels.unary("ceil", .double, .double, "The nearest integer not below.") { (a: Double) -> Double in
            a.rounded(.up)
        },
        Kernels.unary("ceiling", .double, .double, "The nearest integer not below.") { (a: Double) -> Double in
            a.rounded(.up)
        },
        Kernels.unary("trunc", .double, .double, "Truncated towards zero.") { (a: Double) -> Double in
            a.rounded(.towardZero)
        },
        Kernels.unary("round", .double, .double, "The nearest integer, ties to even.") { (a: Double) -> Double in
            a.rounded(.toNearestOrEven)
        },
    ]

    // MARK: powers and logarithms

    private static let powers: [ScalarFunction] = [
        Kernels.rowUnary("sqrt", .double, .double, "Square root.") { (a: Double) throws(RowFailure) -> Double in
            if a < 0 { throw RowFailure("2201F", "cannot take square root of a negative number") }
            return a.squareRoot()
        },
        Kernels.rowUnary("cbrt", .double, .double, "Cube root.") { (a: Double) throws(RowFailure) -> Double in cbrt(a)
        },
        power("power"), power("pow"),
        Kernels.rowUnary("exp", .double, .double, "e to the power given.") { (a: Double) throws(RowFailure) -> Double in
            if a == -.infinity { return 0 }
            let value = exp(a)
            if value.isInfinite, !a.isInfinite { throw .doubleOverflow }
            if value == 0 { throw .doubleUnderflow }
            return value
        },
        logarithm("ln", "Natural logarithm.") { log($0) }, logarithm("log", "Logarithm to base 10.") { log10($0) },
        logarithm("log10", "Logarithm to base 10.") { log10($0) },
    ]

    private static func logarithm(
        _ name: String, _ documentation: String, _ function: @escaping @Sendable (Double) -> Double
    ) -> ScalarFunction {
        Kernels.rowUnary(name, .double, .double, documentation) { (a: Double) throws(RowFailure) -> Double in
            if a == 0 { throw RowFailure("2201E", "cannot take logarithm of zero") }
            if a < 0 { throw RowFailure("2201E", "cannot take logarithm of a negative number") }
            return function(a)
        }
    }

    static func power(_ name: String) -> ScalarFunction {
        Kernels.rowBinary(name, .double, .double, .double, "The first raised to the second.") {
            (a: Double, b: Double) throws(RowFailure) -> Double in
            if a.isNaN || b.isNaN { return a == 1 || b == 0 ? 1 : .nan }
            if a == 0, b < 0 { throw RowFailure("2201F", "zero raised to a negative power is undefined") }
            if a < 0, b.isFinite, b != b.rounded(.down) {
                throw RowFailure("2201F", "a negative number raised to a non-integer power yields a complex result")
            }
            let value = pow(a, b)
            if a.isInfinite || b.isInfinite { return value }
            if value.isInfinite { throw .doubleOverflow }
            if value == 0, a != 0 { throw .doubleUnderflow }
            return value
        }
    }
}

import Glibc

/// `+ - * / %`, unary minus and abs of integers and doubles.
enum ArithmeticFunctions {
    static let all: [ScalarFunction] =
        integers(Int16.self, .smallint) + integers(Int32.self, .integer) + integers(Int64.self, .bigint) + doubles
        + bitwise

    @inline(__always)
    private static func integers<I: FixedWidthInteger & FixedWidthValue>(_: I.Type, _ type: DataType)
        -> [ScalarFunction]
    {
        [
            Kernels.failingBinary("+", type, type, type, "Sum.") { (a: I, b: I) throws(Kernels.Failure) -> I in
                let (value, overflow) = a.addingReportingOverflow(b)
                if overflow { throw .outOfRange(type) }
                return value
            },
            Kernels.failingBinary("-", type, type, type, "Difference.") { (a: I, b: I) throws(Kernels.Failure) -> I in
                let (value, overflow) = a.subtractingReportingOverflow(b)
                if overflow { throw .outOfRange(type) }
                return value
            },
            Kernels.failingBinary("*", type, type, type, "Product.") { (a: I, b: I) throws(Kernels.Failure) -> I in
                let (value, overflow) = a.multipliedReportingOverflow(by: b)
                if overflow { throw .outOfRange(type) }
                return value
            },
            Kernels.failingBinary("/", type, type, type, "Quotient, truncated towards zero.") {
                (a: I, b: I) throws(Kernels.Failure) -> I in
                if b == 0 { throw .divisionByZero }
                let (value, overflow) = a.dividedReportingOverflow(by: b)
                if overflow { throw .outOfRange(type) }
                return value
            },
            remainder("%", I.self, type), remainder("mod", I.self, type),
            Kernels.failingUnary("-", type, type, "Negation.") { (a: I) throws(Kernels.Failure) -> I in
                if a == I.min { throw .outOfRange(type) }
                return 0 - a
            },
            Kernels.failingUnary("abs", type, type, "Absolute value.") { (a: I) throws(Kernels.Failure) -> I in
                if a == I.min { throw .outOfRange(type) }
                return a < 0 ? 0 - a : a
            },
        ]
    }

    @inline(__always)
    private static func remainder<I: FixedWidthInteger & FixedWidthValue>(
        _ name: String, _: I.Type, _ type: DataType
    ) -> ScalarFunction {
        Kernels.failingBinary(name, type, type, type, "Remainder, with the sign of the dividend.") {
            (a: I, b: I) throws(Kernels.Failure) -> I in
            if b == 0 { throw .divisionByZero }
            return b == -1 ? 0 : a % b
        }
    }

    /// A result that became infinite though no operand was, or zero though no factor was, is out of range.
    private static let doubles: [ScalarFunction] = [
        Kernels.failingBinary("+", .double, .double, .double, "Sum.") {
            (a: Double, b: Double) throws(Kernels.Failure) -> Double in
            try checked(a + b, a.isInfinite || b.isInfinite)
        },
        Kernels.failingBinary("-", .double, .double, .double, "Difference.") {
            (a: Double, b: Double) throws(Kernels.Failure) -> Double in
            try checked(a - b, a.isInfinite || b.isInfinite)
        },
        Kernels.failingBinary("*", .double, .double, .double, "Product.") {
            (a: Double, b: Double) throws(Kernels.Failure) -> Double in
            let value = try checked(a * b, a.isInfinite || b.isInfinite)
            if value == 0, a != 0, b != 0 { throw underflow }
            return value
        },
        Kernels.failingBinary("/", .double, .double, .double, "Quotient.") {
            (a: Double, b: Double) throws(Kernels.Failure) -> Double in
            if b == 0, !a.isNaN { throw .divisionByZero }
            let value = try checked(a / b, a.isInfinite)
            if value == 0, a != 0, !b.isInfinite { throw underflow }
            return value
        },
        Kernels.unary("-", .double, .double, "Negation.") { (a: Double) -> Double in -a },
        Kernels.unary("abs", .double, .double, "Absolute value.") { (a: Double) -> Double in abs(a) },
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
        Kernels.failingUnary("sqrt", .double, .double, "Square root.") {
            (a: Double) throws(Kernels.Failure) -> Double in
            if a < 0 { throw Kernels.Failure(code: "2201F", message: "cannot take square root of a negative number") }
            return a.squareRoot()
        },
        power("power"), power("pow"),
        Kernels.failingUnary("ln", .double, .double, "Natural logarithm.") {
            (a: Double) throws(Kernels.Failure) -> Double in
            if a == 0 { throw Kernels.Failure(code: "2201E", message: "cannot take logarithm of zero") }
            if a < 0 { throw Kernels.Failure(code: "2201E", message: "cannot take logarithm of a negative number") }
            return log(a)
        },
        Kernels.failingUnary("exp", .double, .double, "e to the power given.") {
            (a: Double) throws(Kernels.Failure) -> Double in
            try checked(exp(a), a.isInfinite)
        },
    ]

    private static func power(_ name: String) -> ScalarFunction {
        Kernels.failingBinary(name, .double, .double, .double, "The first raised to the second.") {
            (a: Double, b: Double) throws(Kernels.Failure) -> Double in
            if a == 0, b < 0 {
                throw Kernels.Failure(code: "2201F", message: "zero raised to a negative power is undefined")
            }
            if a < 0, !a.isInfinite, b.isFinite, b != b.rounded() {
                throw Kernels.Failure(
                    code: "2201F", message: "a negative number raised to a non-integer power yields a complex result")
            }
            return try checked(pow(a, b), a.isInfinite || b.isInfinite)
        }
    }

    private static let underflow = Kernels.Failure(code: "22003", message: "value out of range: underflow")

    @inline(__always)
    private static func checked(_ value: Double, _ infinityAllowed: Bool) throws(Kernels.Failure) -> Double {
        if value.isInfinite, !infinityAllowed { throw .outOfRange(.double) }
        return value
    }

    private static let bitwise: [ScalarFunction] = [
        Kernels.binary("&", .bigint, .bigint, .bigint, "Bitwise and.") { (a: Int64, b: Int64) -> Int64 in a & b },
        Kernels.binary("|", .bigint, .bigint, .bigint, "Bitwise or.") { (a: Int64, b: Int64) -> Int64 in a | b },
        Kernels.binary("#", .bigint, .bigint, .bigint, "Bitwise exclusive or.") { (a: Int64, b: Int64) -> Int64 in a ^ b
        },
    ]
}

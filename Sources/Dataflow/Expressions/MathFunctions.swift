import Glibc

/// Mathematical functions beside the arithmetic operators: exponentials, trigonometry, divisors, shifts, histograms.
enum MathFunctions {
    static let all: [ScalarFunction] =
        trigonometry + angles + exponentials + divisors(Int32.self, .integer) + divisors(Int64.self, .bigint)
        + numericDivisors + scales + shifts(Int16.self, .smallint) + shifts(Int32.self, .integer)
        + shifts(Int64.self, .bigint) + aliases + buckets

    // MARK: trigonometry

    private static let trigonometry: [ScalarFunction] = [
        RowKernels.value("pi", [], .double, "The constant π.") { _ in Double.pi },
        finite("sin", "Sine of an angle in radians.") { sin($0) }, finite("cos", "Cosine.") { cos($0) },
        finite("tan", "Tangent.") { tan($0) },
        Kernels.rowUnary("cot", .double, .double, "Cotangent.") { (a: Double) throws(RowFailure) -> Double in
            if a.isInfinite { throw inputRange }
            return 1 / tan(a)
        },
        within1("asin", "Inverse sine, in radians.") { asin($0) }, within1("acos", "Inverse cosine.") { acos($0) },
        Kernels.unary("atan", .double, .double, "Inverse tangent.") { (a: Double) -> Double in atan(a) },
        Kernels.binary("atan2", .double, .double, .double, "Inverse tangent of y / x, in the quadrant of (x, y).") {
            (a: Double, b: Double) -> Double in atan2(a, b)
        },
        Kernels.unary("sinh", .double, .double, "Hyperbolic sine.") { (a: Double) -> Double in sinh(a) },
        Kernels.unary("cosh", .double, .double, "Hyperbolic cosine.") { (a: Double) -> Double in cosh(a) },
        Kernels.unary("tanh", .double, .double, "Hyperbolic tangent.") { (a: Double) -> Double in tanh(a) },
        Kernels.unary("asinh", .double, .double, "Inverse hyperbolic sine.") { (a: Double) -> Double in asinh(a) },
        Kernels.rowUnary("acosh", .double, .double, "Inverse hyperbolic cosine.") {
            (a: Double) throws(RowFailure) -> Double in
            if a < 1 { throw inputRange }
            return acosh(a)
        },
        Kernels.rowUnary("atanh", .double, .double, "Inverse hyperbolic tangent.") {
            (a: Double) throws(RowFailure) -> Double in
            if a < -1 || a > 1 { throw inputRange }
            return a.magnitude == 1 ? (a > 0 ? .infinity : -.infinity) : atanh(a)
        },
        Kernels.rowUnary("degrees", .double, .double, "Radians as degrees.") {
            (a: Double) throws(RowFailure) -> Double in
            let value = a / (Double.pi / 180)
            if value.isInfinite, !a.isInfinite { throw .doubleOverflow }
            return value
        },
        Kernels.rowUnary("radians", .double, .double, "Degrees as radians.") {
            (a: Double) throws(RowFailure) -> Double in
            let value = a * (Double.pi / 180)
            if value == 0, a != 0 { throw .doubleUnderflow }
            return value
        },
    ]

    private static let inputRange = RowFailure("22003", "input is out of range")

    private static func finite(
        _ name: String, _ documentation: String, _ function: @escaping @Sendable (Double) -> Double
    ) -> ScalarFunction {
        Kernels.rowUnary(name, .double, .double, documentation) { (a: Double) throws(RowFailure) -> Double in
            if a.isInfinite { throw inputRange }
            return function(a)
        }
    }

    private static func within1(
        _ name: String, _ documentation: String, _ function: @escaping @Sendable (Double) -> Double
    ) -> ScalarFunction {
        Kernels.rowUnary(name, .double, .double, documentation) { (a: Double) throws(RowFailure) -> Double in
            if a < -1 || a > 1 { throw inputRange }
            return function(a)
        }
    }

    // MARK: angles in degrees

    private static let angles: [ScalarFunction] = [
        finite("sind", "Sine of an angle in degrees.") { DegreeAngles.sine($0) },
        finite("cosd", "Cosine of an angle in degrees.") { DegreeAngles.cosine($0) },
        finite("tand", "Tangent of an angle in degrees.") { DegreeAngles.tangent($0) },
        finite("cotd", "Cotangent of an angle in degrees.") { DegreeAngles.cotangent($0) },
        within1("asind", "Inverse sine, in degrees.") { DegreeAngles.inverseSine($0) },
        within1("acosd", "Inverse cosine, in degrees.") { DegreeAngles.inverseCosine($0) },
        Kernels.unary("atand", .double, .double, "Inverse tangent, in degrees.") { (a: Double) -> Double in
            DegreeAngles.inverseTangent(a)
        },
        Kernels.binary("atan2d", .double, .double, .double, "Inverse tangent of y / x, in degrees.") {
            (a: Double, b: Double) -> Double in DegreeAngles.inverseTangent(a, b)
        },
    ]

    // MARK: exponentials

    private static let exponentials: [ScalarFunction] = [
        Kernels.rowUnary("exp", .numeric, .numeric, "e to the power given, to at least 16 significant digits.") {
            (a: Decimal) throws(RowFailure) -> Decimal in try checked(a.exponential)
        },
        logarithm("ln", "Natural logarithm, to at least 16 significant digits.") { $0.naturalLogarithm },
        logarithm("log", "Logarithm to base 10.") { Decimal.logarithm(base: Decimal(10), $0) },
        logarithm("log10", "Logarithm to base 10.") { Decimal.logarithm(base: Decimal(10), $0) },
        Kernels.rowBinary("log", .numeric, .numeric, .numeric, "Logarithm of the second to the base of the first.") {
            (base: Decimal, a: Decimal) throws(RowFailure) -> Decimal in
            try checkLogarithm(base)
            try checkLogarithm(a)
            if Decimal.compare(base, Decimal(1)) == 0 { throw .divisionByZero }
            return try checked(Decimal.logarithm(base: base, a))
        },
        power("power"), power("pow"), power("^"), powerOfDoubles,
        RowKernels.value("factorial", [.bigint], .numeric, "The product of 1 … n.") {
            (row) throws(RowFailure) -> Decimal? in
            let number = row.bigint(0)
            if number < 0 { throw RowFailure("22003", "factorial of a negative number is undefined") }
            var product: UInt128 = 1
            // 34! has 39 digits.
            if number > 33 { throw .numericOverflow }
            for factor in stride(from: 2, through: number, by: 1) { product *= UInt128(factor) }
            return Decimal(mantissa: Int128(product), scale: 0)
        },
    ]

    private static func checkLogarithm(_ value: Decimal) throws(RowFailure) {
        if value.mantissa == 0 { throw RowFailure("2201E", "cannot take logarithm of zero") }
        if value.mantissa < 0 { throw RowFailure("2201E", "cannot take logarithm of a negative number") }
    }

    private static func logarithm(
        _ name: String, _ documentation: String, _ function: @escaping @Sendable (Decimal) -> Decimal?
    ) -> ScalarFunction {
        Kernels.rowUnary(name, .numeric, .numeric, documentation) { (a: Decimal) throws(RowFailure) -> Decimal in
            try checkLogarithm(a)
            return try checked(function(a))
        }
    }

    private static func power(_ name: String) -> ScalarFunction {
        Kernels.rowBinary(name, .numeric, .numeric, .numeric, "The first raised to the second.") {
            (a: Decimal, b: Decimal) throws(RowFailure) -> Decimal in
            if a.mantissa == 0, b.mantissa < 0 {
                throw RowFailure("2201F", "zero raised to a negative power is undefined")
            }
            if a.mantissa < 0, b.normalized.scale > 0 {
                throw RowFailure("2201F", "a negative number raised to a non-integer power yields a complex result")
            }
            return try checked(Decimal.power(a, b))
        }
    }

    private static let powerOfDoubles = ArithmeticFunctions.power("^")

    @inline(__always)
    private static func checked(_ value: Decimal?) throws(RowFailure) -> Decimal {
        guard let value else { throw .numericOverflow }
        return value
    }

    // MARK: divisors

    @inline(__always)
    private static func divisors<I: FixedWidthInteger & SignedInteger & FixedWidthValue>(
        _: I.Type, _ type: DataType
    ) -> [ScalarFunction] {
        [
            Kernels.rowBinary("gcd", type, type, type, "Greatest common divisor, not negative.") {
                (a: I, b: I) throws(RowFailure) -> I in
                guard let value = I(exactly: divisor(a.magnitude, b.magnitude)) else { throw .outOfRange(type) }
                return value
            },
            Kernels.rowBinary("lcm", type, type, type, "Least common multiple, not negative.") {
                (a: I, b: I) throws(RowFailure) -> I in
                if a == 0 || b == 0 { return 0 }
                let (value, overflow) = (a.magnitude / divisor(a.magnitude, b.magnitude)).multipliedReportingOverflow(
                    by: b.magnitude)
                guard !overflow, let value = I(exactly: value) else { throw .outOfRange(type) }
                return value
            },
        ]
    }

    private static func divisor<U: UnsignedInteger>(_ a: U, _ b: U) -> U {
        var (x, y) = (a, b)
        while y != 0 { (x, y) = (y, x % y) }
        return x
    }

    private static let numericDivisors: [ScalarFunction] = [
        Kernels.rowBinary("gcd", .numeric, .numeric, .numeric, "Greatest common divisor, not negative.") {
            (a: Decimal, b: Decimal) throws(RowFailure) -> Decimal in
            var (x, y) = (a.absolute, b.absolute)
            while y.mantissa != 0 { (x, y) = (y, try checked(Decimal.remainder(x, y))) }
            // Without zeros at the end, so that the common scale is the only reason to overflow.
            return try checked(x.normalized.scaled(to: max(a.scale, b.scale)))
        },
        Kernels.rowBinary("lcm", .numeric, .numeric, .numeric, "Least common multiple, not negative.") {
            (a: Decimal, b: Decimal) throws(RowFailure) -> Decimal in
            let scale = max(a.scale, b.scale)
            let (x, y) = (try checked(a.scaled(to: scale)), try checked(b.scaled(to: scale)))
            if x.mantissa == 0 || y.mantissa == 0 { return Decimal(mantissa: 0, scale: scale) }
            let common = divisor(x.mantissa.magnitude, y.mantissa.magnitude)
            let (product, overflow) = (x.mantissa.magnitude / common).multipliedReportingOverflow(
                by: y.mantissa.magnitude)
            return try checked(overflow ? nil : Decimal(negative: false, magnitude: product, scale: scale))
        },
        Kernels.rowBinary("div", .numeric, .numeric, .numeric, "Whole quotient, truncated towards zero.") {
            (a: Decimal, b: Decimal) throws(RowFailure) -> Decimal in
            if b.mantissa == 0 { throw .divisionByZero }
            return try checked(Decimal.divide(a, b, scale: 0, rounding: false))
        },
    ]

    // MARK: scales and shifts

    private static let scales: [ScalarFunction] = [
        Kernels.unary("scale", .numeric, .integer, "Digits after the point.") { (a: Decimal) -> Int32 in a.scale },
        Kernels.rowUnary("min_scale", .numeric, .integer, "Digits after the point without trailing zeros.") {
            (a: Decimal) throws(RowFailure) -> Int32 in a.mantissa == 0 ? 0 : a.normalized.scale
        },
        Kernels.rowUnary("trim_scale", .numeric, .numeric, "The value without trailing zeros after the point.") {
            (a: Decimal) throws(RowFailure) -> Decimal in a.mantissa == 0 ? Decimal(0) : a.normalized
        },
    ]

    @inline(__always)
    private static func shifts<I: FixedWidthInteger & SignedInteger & FixedWidthValue>(
        _: I.Type, _ type: DataType
    ) -> [ScalarFunction] {
        // As PostgreSQL's machine code does it: of the distance count the low bits, of a smallint those of an integer.
        let mask = Int32(max(I.bitWidth, 32) - 1)
        return [
            Kernels.unary("~", type, type, "Bitwise not.") { (a: I) -> I in ~a },
            Kernels.binary("<<", type, .integer, type, "Bits shifted to the left.") { (a: I, b: Int32) -> I in
                I(truncatingIfNeeded: Int64(a) << Int64(b & mask))
            },
            Kernels.binary(">>", type, .integer, type, "Bits shifted to the right, keeping the sign.") {
                (a: I, b: Int32) -> I in
                I(truncatingIfNeeded: Int64(a) >> Int64(b & mask))
            },
            Kernels.flaggedUnary("@", type, type, "Absolute value.") { (a: I) -> (I, I) in
                let value = a < 0 ? 0 &- a : a
                return (value, value)
            } failure: { _ in
                .outOfRange(type)
            },
        ]
    }

    private static let aliases: [ScalarFunction] = [
        Kernels.unary("@", .double, .double, "Absolute value.") { (a: Double) -> Double in a.magnitude },
        Kernels.rowUnary("@", .numeric, .numeric, "Absolute value.") { (a: Decimal) throws(RowFailure) -> Decimal in
            a.absolute
        },
        Kernels.rowUnary("|/", .double, .double, "Square root.") { (a: Double) throws(RowFailure) -> Double in
            if a < 0 { throw RowFailure("2201F", "cannot take square root of a negative number") }
            return a.squareRoot()
        },
        Kernels.rowUnary("||/", .double, .double, "Cube root.") { (a: Double) throws(RowFailure) -> Double in cbrt(a) },
    ]

    // MARK: histograms

    private static func bucketFailure(_ what: String) -> RowFailure { RowFailure("2201G", what) }

    private static let buckets: [ScalarFunction] = [
        RowKernels.value(
            "width_bucket", [.double, .double, .double, .integer], .integer,
            "The bucket of a value among n equal ones between two bounds; 0 or n + 1 outside."
        ) { (row) throws(RowFailure) -> Int32? in
            let (operand, low, high) = (row.double(0), row.double(1), row.double(2))
            let count = Int32(row.integer(3))
            guard count > 0 else { throw bucketFailure("count must be greater than zero") }
            if operand.isNaN || low.isNaN || high.isNaN {
                throw bucketFailure("operand, lower bound, and upper bound cannot be NaN")
            }
            if low.isInfinite || high.isInfinite { throw bucketFailure("lower and upper bounds must be finite") }
            if low == high { throw bucketFailure("lower bound cannot equal upper bound") }
            let ascending = low < high
            if ascending ? operand < low : operand > low { return 0 }
            if ascending ? operand >= high : operand <= high {
                if count == .max { throw .outOfRange(.integer) }
                return count + 1
            }
            // As PostgreSQL 15 rounds it: a value just below the upper bound may round into the bucket behind the last.
            let place = Double(count) * (operand - low) / (high - low)
            if place.isFinite, (high - low).isFinite { return Int32(min(place + 1, Double(Int32.max))) }
            // Halved where the width itself overflows.
            let part = (operand / 2 - low / 2) / (high / 2 - low / 2)
            return min(Int32(part * Double(count)), count - 1) + 1
        },
        RowKernels.value(
            "width_bucket", [.numeric, .numeric, .numeric, .integer], .integer,
            "The bucket of a value among n equal ones between two bounds; 0 or n + 1 outside."
        ) { (row) throws(RowFailure) -> Int32? in
            let (operand, low, high) = (row.numeric(0), row.numeric(1), row.numeric(2))
            let count = Int32(row.integer(3))
            guard count > 0 else { throw bucketFailure("count must be greater than zero") }
            let order = Decimal.compare(low, high)
            if order == 0 { throw bucketFailure("lower bound cannot equal upper bound") }
            if Decimal.compare(operand, low) * order > 0 { return 0 }
            if Decimal.compare(operand, high) * order <= 0 {
                if count == .max { throw .outOfRange(.integer) }
                return count + 1
            }
            let width = WideFixed(high) - WideFixed(low)
            let place = (WideFixed(operand) - WideFixed(low)) * WideFixed(UInt64(count)) / width
            // A quotient just below `count` may round to it.
            return min(Int32(place.doubleValue), count - 1) + 1
        },
    ]
}

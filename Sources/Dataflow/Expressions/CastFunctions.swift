import Glibc

/// The functions behind ``Cast`` among numbers and booleans, and from jsonb to them.
enum CastFunctions {
    static let all: [ScalarFunction] =
        fromInteger(Int16.self, .smallint) + fromInteger(Int32.self, .integer) + fromInteger(Int64.self, .bigint)
        + toInteger(Int16.self, .smallint) + toInteger(Int32.self, .integer) + toInteger(Int64.self, .bigint)
        + fractions + reals + booleans + documents

    private static let booleans: [ScalarFunction] = [
        Kernels.unary("cast_integer", .boolean, .integer, "1 or 0.") { (a: UInt8) -> Int32 in Int32(a & 1) },
        Kernels.unary("cast_boolean", .integer, .boolean, "Whether it is not 0.") { (a: Int32) -> UInt8 in
            a != 0 ? 1 : 0
        },
    ]

    @inline(__always)
    private static func fromInteger<I: FixedWidthInteger & SignedInteger & FixedWidthValue>(
        _: I.Type, _ type: DataType
    ) -> [ScalarFunction] {
        var functions: [ScalarFunction] = [
            Kernels.unary("cast_numeric", type, .numeric, "The same value.") { (a: I) -> Decimal in Decimal(Int64(a)) },
            Kernels.unary("cast_double", type, .double, "The nearest double.") { (a: I) -> Double in Double(Int64(a)) },
            Kernels.unary("cast_real", type, .real, "The nearest real.") { (a: I) -> Float in Float(Int64(a)) },
        ]
        if type != .smallint { functions.append(resized(I.self, type, Int16.self, .smallint)) }
        if type != .integer { functions.append(resized(I.self, type, Int32.self, .integer)) }
        if type != .bigint { functions.append(resized(I.self, type, Int64.self, .bigint)) }
        return functions
    }

    @inline(__always)
    private static func resized<
        I: FixedWidthInteger & SignedInteger & FixedWidthValue, R: FixedWidthInteger & SignedInteger & FixedWidthValue
    >(_: I.Type, _ from: DataType, _: R.Type, _ to: DataType) -> ScalarFunction {
        Kernels.flaggedUnary(Cast.functionName(to: to), from, to, "The same value.") { (a: I) -> (R, I) in
            let value = R(truncatingIfNeeded: a)
            return (value, I(truncatingIfNeeded: value) == a ? 0 : -1)
        } failure: { _ in
            .outOfRange(to)
        }
    }

    /// Doubles round half to even, numerics half away from zero.
    @inline(__always)
    private static func toInteger<R: FixedWidthInteger & SignedInteger & FixedWidthValue>(
        _: R.Type, _ to: DataType
    ) -> [ScalarFunction] {
        // Both bounds are powers of two, so that they are exact; the upper one is not a value.
        let low = Double(R.min)
        let high = -Double(R.min)
        return [
            Kernels.flaggedUnary(Cast.functionName(to: to), .double, to, "Rounded, ties to even.") {
                (a: Double) -> (R, Int64) in
                let rounded = a.rounded(.toNearestOrEven)
                let fits = rounded >= low && rounded < high
                return (R(truncatingIfNeeded: Int64(fits ? rounded : 0)), fits ? 0 : -1)
            } failure: { _ in
                .outOfRange(to)
            },
            Kernels.flaggedUnary(Cast.functionName(to: to), .real, to, "Rounded, ties to even.") {
                (a: Float) -> (R, Int64) in
                let rounded = Double(a).rounded(.toNearestOrEven)
                let fits = rounded >= low && rounded < high
                return (R(truncatingIfNeeded: Int64(fits ? rounded : 0)), fits ? 0 : -1)
            } failure: { _ in
                .outOfRange(to)
            },
            Kernels.rowUnary(Cast.functionName(to: to), .numeric, to, "Rounded, half away from zero.") {
                (a: Decimal) throws(RowFailure) -> R in
                guard let rounded = a.rounded(to: 0), let value = R(exactly: rounded.mantissa) else {
                    throw .outOfRange(to)
                }
                return value
            },
        ]
    }

    private static let fractions: [ScalarFunction] = [
        Kernels.rowUnary("cast_numeric", .double, .numeric, "The shortest decimal, to 15 digits.") {
            (a: Double) throws(RowFailure) -> Decimal in
            guard a.isFinite else {
                throw RowFailure("0A000", "NaN and infinity cannot be converted to numeric")
            }
            guard let value = decimal(a) else { throw .numericOverflow }
            return value
        },
        Kernels.rowUnary("cast_double", .numeric, .double, "The nearest double.") {
            (a: Decimal) throws(RowFailure) -> Double in a.doubleValue
        },
    ]

    private static let reals: [ScalarFunction] = [
        Kernels.unary("cast_double", .real, .double, "The same value.") { (a: Float) -> Double in Double(a) },
        Kernels.rowUnary("cast_real", .double, .real, "The nearest real.") { (a: Double) throws(RowFailure) -> Float in
            let value = Float(a)
            if value.isInfinite, !a.isInfinite { throw .doubleOverflow }
            if value == 0, a != 0 { throw .doubleUnderflow }
            return value
        },
        Kernels.rowUnary("cast_real", .numeric, .real, "The nearest real.") {
            (a: Decimal) throws(RowFailure) -> Float in
            let value = a.realValue
            if value == 0, a.mantissa != 0 { throw RowFailure.outOfRangeText(a, .real) }
            return value
        },
        Kernels.rowUnary("cast_numeric", .real, .numeric, "The shortest decimal, to 6 digits.") {
            (a: Float) throws(RowFailure) -> Decimal in
            guard a.isFinite else {
                throw RowFailure("0A000", "NaN and infinity cannot be converted to numeric")
            }
            guard let value = printed(Double(a), digits: 6) else { throw .numericOverflow }
            return value
        },
    ]

    /// PostgreSQL converts doubles by their 15 most significant digits.
    private static func decimal(_ value: Double) -> Decimal? {
        if value.magnitude < 1e15, value == value.rounded(.towardZero) { return Decimal(Int64(value)) }
        return printed(value, digits: 15)
    }

    private static func printed(_ value: Double, digits: Int32) -> Decimal? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer -> Decimal? in
            let length = withVaList([digits, value]) { vsnprintf(buffer.baseAddress, 64, "%.*g", $0) }
            return buffer.withMemoryRebound(to: UInt8.self) { bytes in
                DecimalText.parse(UnsafeBufferPointer(rebasing: bytes[0..<Int(length)]))
            }
        }
    }

    // MARK: from jsonb

    private static let documents: [ScalarFunction] = [
        fromDocument(.boolean) { json throws(RowFailure) -> UInt8 in
            guard json.kind == .boolean else { throw cannot(json, .boolean) }
            return json.isTrue ? 1 : 0
        },
        fromDocument(.numeric) { json throws(RowFailure) -> Decimal in try number(json, .numeric) },
        fromDocument(.smallint) { json throws(RowFailure) -> Int16 in try integer(json, .smallint) },
        fromDocument(.integer) { json throws(RowFailure) -> Int32 in try integer(json, .integer) },
        fromDocument(.bigint) { json throws(RowFailure) -> Int64 in try integer(json, .bigint) },
        fromDocument(.real) { json throws(RowFailure) -> Float in
            guard case .real(let value) = try floating(json, .real) else { throw cannot(json, .real) }
            return value
        },
        fromDocument(.double) { json throws(RowFailure) -> Double in
            guard case .double(let value) = try floating(json, .double) else { throw cannot(json, .double) }
            return value
        },
    ]

    private static func fromDocument<R: FixedWidthValue>(
        _ to: DataType, _ convert: @escaping @Sendable (JSONB) throws(RowFailure) -> R
    ) -> ScalarFunction {
        ScalarFunction(Cast.functionName(to: to), [.jsonb], to, "The JSON value as the type.") {
            arguments, count, validity, errors in
            arguments[0].withText { offsets, bytes in
                Kernels.rows(to, count, validity, &errors) { row throws(RowFailure) -> R in
                    try convert(JSONB(TextKernels.slice(offsets, bytes, row)))
                }
            }
        }
    }

    private static func number(_ json: JSONB, _ type: DataType) throws(RowFailure) -> Decimal {
        guard json.kind == .number else { throw cannot(json, type) }
        guard let value = DecimalText.parse(json.text) else { throw .numericOverflow }
        return value
    }

    /// From the digits, which may be more than a numeric has.
    private static func floating(_ json: JSONB, _ type: DataType) throws(RowFailure) -> Datum {
        guard json.kind == .number else { throw cannot(json, type) }
        do throws(RowError) {
            return try TextFormat.parse(json.text, as: type)
        } catch {
            throw RowFailure(error.code, error.message)
        }
    }

    private static func integer<R: FixedWidthInteger & SignedInteger>(_ json: JSONB, _ type: DataType)
        throws(RowFailure) -> R
    {
        guard let rounded = try number(json, type).rounded(to: 0), let result = R(exactly: rounded.mantissa) else {
            throw .outOfRange(type)
        }
        return result
    }

    private static func cannot(_ json: JSONB, _ type: DataType) -> RowFailure {
        let kind =
            switch json.kind {
            case .null: "null"
            case .string: "string"
            case .number: "numeric"
            case .boolean: "boolean"
            case .array: "array"
            case .object: "object"
            }
        return RowFailure("22023", "cannot cast jsonb \(kind) to type \(type.name)")
    }
}

extension Decimal {
    /// The nearest double.
    package var doubleValue: Double {
        // Both exact, so that the quotient is rounded once.
        if mantissa.magnitude < 1 << 53, scale <= 22 {
            return Double(Int64(truncatingIfNeeded: mantissa)) / Double(Self.power(Int(scale)))
        }
        var text: [UInt8] = []
        DecimalText.append(self, to: &text)
        text.append(0)
        return text.withUnsafeBufferPointer { bytes in
            bytes.withMemoryRebound(to: CChar.self) { strtod($0.baseAddress.unsafelyUnwrapped, nil) }
        }
    }

    /// The nearest real, rounded once.
    package var realValue: Float {
        var text: [UInt8] = []
        DecimalText.append(self, to: &text)
        text.append(0)
        return text.withUnsafeBufferPointer { bytes in
            bytes.withMemoryRebound(to: CChar.self) { strtof($0.baseAddress.unsafelyUnwrapped, nil) }
        }
    }
}

import Glibc

/// The functions behind ``Cast``.
enum CastFunctions {
    static let all: [ScalarFunction] =
        fromInteger(Int16.self, .smallint) + fromInteger(Int32.self, .integer) + fromInteger(Int64.self, .bigint)
        + toInteger(Int16.self, .smallint) + toInteger(Int32.self, .integer) + toInteger(Int64.self, .bigint)
        + fractions + booleans + texts

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

    /// PostgreSQL converts doubles by their 15 most significant digits.
    private static func decimal(_ value: Double) -> Decimal? {
        if value.magnitude < 1e15, value == value.rounded(.towardZero) { return Decimal(Int64(value)) }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer -> Decimal? in
            let length = withVaList([value]) { vsnprintf(buffer.baseAddress, 64, "%.15g", $0) }
            return buffer.withMemoryRebound(to: UInt8.self) { bytes in
                DecimalText.parse(UnsafeBufferPointer(rebasing: bytes[0..<Int(length)]))
            }
        }
    }

    private static let texts: [ScalarFunction] = DataType.allCases.filter { $0 != .text }.flatMap { type in
        [
            ScalarFunction("cast_text", [type], .text, "The output text.") { arguments, count, validity, errors in
                var scratch: [UInt8] = []
                return TextKernels.rows(count, validity, count * 8, &errors) { (row, out) throws(RowFailure) in
                    scratch.removeAll(keepingCapacity: true)
                    // A boolean's cast spells the word; its output is one letter.
                    if type == .boolean {
                        let isTrue = arguments[0].withValues(as: UInt8.self) { $0[row] } & 1 != 0
                        scratch.append(contentsOf: (isTrue ? "true" : "false").utf8)
                    } else {
                        TextFormat.append(arguments[0], row: row, to: &scratch)
                    }
                    out.append(scratch)
                }
            },
            ScalarFunction(Cast.functionName(to: type), [.text], type, "Reads the input text.") {
                arguments, count, validity, errors in
                let builder = ColumnBuilder(type: type, capacity: count)
                arguments[0].withText { offsets, bytes in
                    for row in 0..<count {
                        if let validity, !validity.isValid(row) {
                            builder.appendNull()
                            continue
                        }
                        do throws(RowError) {
                            builder.append(try TextFormat.parse(TextKernels.slice(offsets, bytes, row), as: type))
                        } catch {
                            errors.append(RowError(row: row, code: error.code, message: error.message))
                            builder.appendNull()
                        }
                    }
                }
                return builder.finish()
            },
        ]
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
}

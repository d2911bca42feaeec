import Glibc

/// The functions behind ``Cast``.
enum CastFunctions {
    static let all: [ScalarFunction] =
        numbers + texts + [
            Kernels.unary("cast_integer", .boolean, .integer, "1 or 0.") { (a: UInt8) -> Int32 in Int32(a) },
            Kernels.unary("cast_boolean", .integer, .boolean, "Whether it is not 0.") { (a: Int32) -> UInt8 in
                a != 0 ? 1 : 0
            },
        ]

    private static let numbers: [ScalarFunction] =
        fromInteger(Int16.self, .smallint) + fromInteger(Int32.self, .integer) + fromInteger(Int64.self, .bigint)
        + toInteger(Int16.self, .smallint) + toInteger(Int32.self, .integer) + toInteger(Int64.self, .bigint)
        + [
            Kernels.failingUnary("cast_numeric", .double, .numeric, "The shortest decimal, to 15 digits.") {
                (a: Double) throws(Kernels.Failure) -> Decimal in
                guard a.isFinite else {
                    throw Kernels.Failure(code: "0A000", message: "NaN and infinity cannot be converted to numeric")
                }
                guard let value = decimal(a) else { throw .numericOverflow }
                return value
            },
            Kernels.unary("cast_double", .numeric, .double, "The nearest double.") { (a: Decimal) -> Double in
                a.doubleValue
            },
        ]

    @inline(__always)
    private static func fromInteger<I: FixedWidthInteger & FixedWidthValue>(_: I.Type, _ type: DataType)
        -> [ScalarFunction]
    {
        var functions: [ScalarFunction] = [
            Kernels.unary("cast_numeric", type, .numeric, "The same value.") { (a: I) -> Decimal in Decimal(Int64(a)) },
            Kernels.unary("cast_double", type, .double, "The nearest double.") { (a: I) -> Double in Double(a) },
        ]
        if type != .smallint { functions.append(narrowing(I.self, type, Int16.self, .smallint)) }
        if type != .integer { functions.append(narrowing(I.self, type, Int32.self, .integer)) }
        if type != .bigint { functions.append(narrowing(I.self, type, Int64.self, .bigint)) }
        return functions
    }

    @inline(__always)
    private static func narrowing<I: FixedWidthInteger & FixedWidthValue, R: FixedWidthInteger & FixedWidthValue>(
        _: I.Type, _ from: DataType, _: R.Type, _ to: DataType
    ) -> ScalarFunction {
        Kernels.failingUnary(Cast.functionName(to: to), from, to, "The same value.") {
            (a: I) throws(Kernels.Failure) -> R in
            guard let value = R(exactly: a) else { throw .outOfRange(to) }
            return value
        }
    }

    /// Doubles round half to even, numerics half away from zero.
    private static func toInteger<R: FixedWidthInteger & FixedWidthValue>(_: R.Type, _ to: DataType) -> [ScalarFunction]
    {
        [
            Kernels.failingUnary(Cast.functionName(to: to), .double, to, "Rounded, ties to even.") {
                (a: Double) throws(Kernels.Failure) -> R in
                guard let value = R(exactly: a.rounded(.toNearestOrEven)) else { throw .outOfRange(to) }
                return value
            },
            Kernels.failingUnary(Cast.functionName(to: to), .numeric, to, "Rounded, half away from zero.") {
                (a: Decimal) throws(Kernels.Failure) -> R in
                guard let rounded = a.rounded(to: 0), let value = R(exactly: rounded.mantissa) else {
                    throw .outOfRange(to)
                }
                return value
            },
        ]
    }

    /// PostgreSQL converts doubles by their 15 most significant digits.
    private static func decimal(_ value: Double) -> Decimal? {
        var buffer = [CChar](repeating: 0, count: 64)
        withVaList([value]) { _ = vsnprintf(&buffer, buffer.count, "%.15g", $0) }
        let length = buffer.firstIndex(of: 0) ?? 0
        return buffer.withUnsafeBytes { bytes in
            DecimalText.parse(UnsafeBufferPointer(rebasing: bytes.bindMemory(to: UInt8.self)[0..<length]))
        }
    }

    private static let texts: [ScalarFunction] = DataType.allCases.filter { $0 != .text }.flatMap { type in
        [
            ScalarFunction("cast_text", [type], .text, "The output text.") { arguments, count, validity, errors in
                Kernels.text(count, validity, &errors) { (row, text) throws(Kernels.Failure) in
                    // A boolean's cast spells the word; its output is one letter.
                    if type == .boolean {
                        text.append(
                            contentsOf: (arguments[0].withValues(as: UInt8.self) { $0[row] } != 0 ? "true" : "false")
                                .utf8)
                    } else {
                        TextFormat.append(arguments[0], row: row, to: &text)
                    }
                }
            },
            ScalarFunction(Cast.functionName(to: type), [.text], type, "Reads the input text.") {
                arguments, count, validity, errors in
                let builder = ColumnBuilder(type: type, capacity: count)
                for row in 0..<count {
                    if let validity, !validity.isValid(row) {
                        builder.appendNull()
                        continue
                    }
                    let parsed = Kernels.withBytes(arguments[0], row) { bytes -> Result<Datum, RowError> in
                        do throws(RowError) {
                            return .success(try TextFormat.parse(bytes, as: type))
                        } catch {
                            return .failure(error)
                        }
                    }
                    switch parsed {
                    case .success(let datum): builder.append(datum)
                    case .failure(let error):
                        errors.append(RowError(row: row, code: error.code, message: error.message))
                        builder.appendNull()
                    }
                }
                return builder.finish()
            },
        ]
    }
}

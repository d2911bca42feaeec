/// What a row's function reports instead of a value.
package struct RowFailure: Error {
    package let code: String
    package let message: String

    package init(_ code: String, _ message: String) {
        self.code = code
        self.message = message
    }

    static func outOfRange(_ type: DataType) -> RowFailure {
        type == .double || type == .real ? .doubleOverflow : RowFailure("22003", "\(type.name) out of range")
    }

    static func outOfRangeText(_ value: Decimal, _ type: DataType) -> RowFailure {
        var text: [UInt8] = []
        DecimalText.append(value, to: &text)
        return RowFailure(
            "22003", "\"\(String(decoding: text, as: UTF8.self))\" is out of range for type \(type.name)")
    }

    static let doubleOverflow = RowFailure("22003", "value out of range: overflow")
    static let doubleUnderflow = RowFailure("22003", "value out of range: underflow")
    /// PostgreSQL's numeric holds more; ours has ``Decimal/digitsMax``.
    static let numericOverflow = RowFailure(
        "22003", "value overflows numeric format (at most \(Decimal.digitsMax) digits)")
    static let divisionByZero = RowFailure("22012", "division by zero")
    static let intervalRange = RowFailure("22008", "interval out of range")
    static let timestampRange = RowFailure("22008", "timestamp out of range")
    static let textTooLong = RowFailure("54000", "requested length too large")
}

/// Makers of kernels: a function of one row becomes a loop over raw buffers.
///
/// There are three families. ``unary(_:_:_:_:_:)`` and ``binary(_:_:_:_:_:_:)`` cannot fail. The *flagged* ones compute
/// every row, whatever its bits, and collect a flag whose sign bit stands for a failure; only if it is set the rows are
/// looked at again, so the loop has no branches and becomes SIMD code. The *row* ones ask for the valid rows only, and
/// are for functions that are expensive or must not see undefined values.
///
/// They are inlined where a table of functions calls them, so that the row's function becomes part of the loop
/// (`FunctionSpeedTests` shows the rates; not inlined, a call per row makes them some ten times slower).
enum Kernels {
    typealias Failure = RowFailure

    // MARK: functions that cannot fail

    @inline(__always)
    static func unary<A: FixedWidthValue, R: FixedWidthValue>(
        _ name: String, _ a: DataType, _ result: DataType, _ documentation: String, _ row: @escaping @Sendable (A) -> R
    ) -> ScalarFunction {
        ScalarFunction(name, [a], result, documentation) { arguments, count, _, _ in
            arguments[0].withValues(as: A.self) { x in
                Column(type: result, count: count) { (out: UnsafeMutableBufferPointer<R>) in
                    for i in 0..<count { out[unchecked: i] = row(x[unchecked: i]) }
                }
            }
        }
    }

    @inline(__always)
    static func binary<A: FixedWidthValue, B: FixedWidthValue, R: FixedWidthValue>(
        _ name: String, _ a: DataType, _ b: DataType, _ result: DataType, _ documentation: String,
        _ row: @escaping @Sendable (A, B) -> R
    ) -> ScalarFunction {
        ScalarFunction(name, [a, b], result, documentation) { arguments, count, _, _ in
            arguments[0].withValues(as: A.self) { x in
                arguments[1].withValues(as: B.self) { y in
                    Column(type: result, count: count) { (out: UnsafeMutableBufferPointer<R>) in
                        for i in 0..<count { out[unchecked: i] = row(x[unchecked: i], y[unchecked: i]) }
                    }
                }
            }
        }
    }

    // MARK: flagged functions

    /// `row` gives the value and a flag that is negative where it failed; `failure` tells why.
    @inline(__always)
    static func flaggedUnary<A: FixedWidthValue, R: FixedWidthValue, Flag: FixedWidthInteger & SignedInteger>(
        _ name: String, _ a: DataType, _ result: DataType, _ documentation: String,
        _ row: @escaping @Sendable (A) -> (R, Flag), failure: @escaping @Sendable (A) -> RowFailure
    ) -> ScalarFunction {
        ScalarFunction(name, [a], result, documentation) { arguments, count, validity, errors in
            arguments[0].withValues(as: A.self) { x in
                var flags: Flag = 0
                let column = Column(type: result, count: count) { (out: UnsafeMutableBufferPointer<R>) in
                    for i in 0..<count {
                        let (value, flag) = row(x[unchecked: i])
                        out[unchecked: i] = value
                        flags |= flag
                    }
                }
                if flags < 0 {
                    forEachValid(count, validity) { i in
                        if row(x[i]).1 < 0 { errors.append(RowError(row: i, failure(x[i]))) }
                    }
                }
                return column
            }
        }
    }

    @inline(__always)
    static func flaggedBinary<
        A: FixedWidthValue, B: FixedWidthValue, R: FixedWidthValue, Flag: FixedWidthInteger & SignedInteger
    >(
        _ name: String, _ a: DataType, _ b: DataType, _ result: DataType, _ documentation: String,
        _ row: @escaping @Sendable (A, B) -> (R, Flag), failure: @escaping @Sendable (A, B) -> RowFailure
    ) -> ScalarFunction {
        ScalarFunction(name, [a, b], result, documentation) { arguments, count, validity, errors in
            arguments[0].withValues(as: A.self) { x in
                arguments[1].withValues(as: B.self) { y in
                    var flags: Flag = 0
                    let column = Column(type: result, count: count) { (out: UnsafeMutableBufferPointer<R>) in
                        for i in 0..<count {
                            let (value, flag) = row(x[unchecked: i], y[unchecked: i])
                            out[unchecked: i] = value
                            flags |= flag
                        }
                    }
                    if flags < 0 {
                        forEachValid(count, validity) { i in
                            if row(x[i], y[i]).1 < 0 { errors.append(RowError(row: i, failure(x[i], y[i]))) }
                        }
                    }
                    return column
                }
            }
        }
    }

    // MARK: functions of valid rows

    @inline(__always)
    static func rowUnary<A: FixedWidthValue, R: FixedWidthValue>(
        _ name: String, _ a: DataType, _ result: DataType, _ documentation: String,
        _ row: @escaping @Sendable (A) throws(RowFailure) -> R
    ) -> ScalarFunction {
        ScalarFunction(name, [a], result, documentation) { arguments, count, validity, errors in
            arguments[0].withValues(as: A.self) { x in
                rows(result, count, validity, &errors) { i throws(RowFailure) -> R in try row(x[unchecked: i]) }
            }
        }
    }

    @inline(__always)
    static func rowBinary<A: FixedWidthValue, B: FixedWidthValue, R: FixedWidthValue>(
        _ name: String, _ a: DataType, _ b: DataType, _ result: DataType, _ documentation: String,
        _ row: @escaping @Sendable (A, B) throws(RowFailure) -> R
    ) -> ScalarFunction {
        ScalarFunction(name, [a, b], result, documentation) { arguments, count, validity, errors in
            arguments[0].withValues(as: A.self) { x in
                arguments[1].withValues(as: B.self) { y in
                    rows(result, count, validity, &errors) { i throws(RowFailure) -> R in
                        try row(x[unchecked: i], y[unchecked: i])
                    }
                }
            }
        }
    }

    /// Fills a fixed-stride column: `row` gives the values of the valid rows; one that fails is reported. What is not
    /// valid, or failed, is left zero.
    @inline(__always)
    static func rows<R: FixedWidthValue>(
        _ result: DataType, _ count: Int, _ validity: Validity?, _ errors: inout [RowError],
        _ row: (Int) throws(RowFailure) -> R
    ) -> Column {
        let stride = MemoryLayout<R>.stride
        precondition(result.storage.stride == stride)
        let buffer = ColumnBuffer(capacity: count * stride)
        let out = buffer.base.assumingMemoryBound(to: R.self)
        if validity != nil { buffer.base.initializeMemory(as: UInt8.self, repeating: 0, count: count * stride) }
        forEachValid(count, validity) { i in
            do throws(RowFailure) {
                out[i] = try row(i)
            } catch {
                errors.append(RowError(row: i, error))
                (buffer.base + i * stride).initializeMemory(as: UInt8.self, repeating: 0, count: stride)
            }
        }
        return Column(type: result, count: count, validity: nil, values: buffer, bytes: nil)
    }

    /// Calls `body` with each row that is valid, in order.
    @inline(__always)
    static func forEachValid(_ count: Int, _ validity: Validity?, _ body: (Int) -> Void) {
        guard let validity else {
            for i in 0..<count { body(i) }
            return
        }
        precondition(validity.count == count)
        let words = validity.words.base.assumingMemoryBound(to: UInt64.self)
        var start = 0
        while start < count {
            var word = words[start >> 6]
            let length = min(64, count - start)
            if length < 64 { word &= (1 << UInt64(length)) &- 1 }
            while word != 0 {
                body(start &+ word.trailingZeroBitCount)
                word &= word &- 1
            }
            start += 64
        }
    }

    /// Lends the bytes of one row of a text column: for single rows, not for loops.
    @inline(__always)
    static func withBytes<Result>(_ column: Column, _ row: Int, _ body: (UnsafeBufferPointer<UInt8>) -> Result)
        -> Result
    {
        column.withText { offsets, bytes in body(TextKernels.slice(offsets, bytes, row)) }
    }
}

extension RowError {
    init(row: Int, _ failure: RowFailure) {
        self.init(row: row, code: failure.code, message: failure.message)
    }
}

extension UnsafeBufferPointer {
    /// The element without the debug build's bounds check; loops check their count once.
    @inline(__always)
    subscript(unchecked index: Int) -> Element {
        // SAFETY of the unwrap: an index is in range, so there is a base.
        baseAddress.unsafelyUnwrapped[index]
    }
}

extension UnsafeMutableBufferPointer {
    @inline(__always)
    subscript(unchecked index: Int) -> Element {
        get { baseAddress.unsafelyUnwrapped[index] }
        nonmutating set { baseAddress.unsafelyUnwrapped[index] = newValue }
    }
}

/// Makers of kernels: a function over one row becomes a loop over raw buffers.
///
/// They are inlined where a table of functions calls them, so that the row's function becomes part of the loop.
enum Kernels {
    /// What a row's function reports instead of a value.
    struct Failure: Error {
        let code: String
        let message: String

        static func outOfRange(_ type: DataType) -> Failure {
            Failure(
                code: "22003", message: type == .double ? "value out of range: overflow" : "\(type.name) out of range")
        }

        static let numericOverflow = Failure(
            code: "22003", message: "value has more digits than numeric can hold here (38)")
        static let divisionByZero = Failure(code: "22012", message: "division by zero")
        static let intervalRange = Failure(code: "22008", message: "interval out of range")
        static let timestampRange = Failure(code: "22008", message: "timestamp out of range")
    }

    @inline(__always)
    static func unary<A: FixedWidthValue, R: FixedWidthValue>(
        _ name: String, _ a: DataType, _ result: DataType, _ documentation: String, _ row: @escaping @Sendable (A) -> R
    ) -> ScalarFunction {
        ScalarFunction(name, [a], result, documentation) { arguments, count, _, _ in
            arguments[0].withValues(as: A.self) { x in
                Column(type: result, count: count) { (out: UnsafeMutableBufferPointer<R>) in
                    for i in 0..<count { out[i] = row(x[i]) }
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
                        for i in 0..<count { out[i] = row(x[i], y[i]) }
                    }
                }
            }
        }
    }

    /// A function that may fail; invalid rows are not asked.
    @inline(__always)
    static func failingUnary<A: FixedWidthValue, R: FixedWidthValue>(
        _ name: String, _ a: DataType, _ result: DataType, _ documentation: String,
        _ row: @escaping @Sendable (A) throws(Failure) -> R
    ) -> ScalarFunction {
        ScalarFunction(name, [a], result, documentation) { arguments, count, validity, errors in
            arguments[0].withValues(as: A.self) { x in
                failing(result, count, validity, &errors) { i throws(Failure) -> R in try row(x[i]) }
            }
        }
    }

    @inline(__always)
    static func failingBinary<A: FixedWidthValue, B: FixedWidthValue, R: FixedWidthValue>(
        _ name: String, _ a: DataType, _ b: DataType, _ result: DataType, _ documentation: String,
        _ row: @escaping @Sendable (A, B) throws(Failure) -> R
    ) -> ScalarFunction {
        ScalarFunction(name, [a, b], result, documentation) { arguments, count, validity, errors in
            arguments[0].withValues(as: A.self) { x in
                arguments[1].withValues(as: B.self) { y in
                    failing(result, count, validity, &errors) { i throws(Failure) -> R in try row(x[i], y[i]) }
                }
            }
        }
    }

    /// Fills a fixed-stride column; a row that fails is reported and left zero.
    @inline(__always)
    static func failing<R: FixedWidthValue>(
        _ result: DataType, _ count: Int, _ validity: Validity?, _ errors: inout [RowError],
        _ row: (Int) throws(Failure) -> R
    ) -> Column {
        let stride = MemoryLayout<R>.stride
        precondition(result.storage.stride == stride)
        let buffer = ColumnBuffer(capacity: count * stride)
        for i in 0..<count {
            if let validity, !validity.isValid(i) {
                (buffer.base + i * stride).initializeMemory(as: UInt8.self, repeating: 0, count: stride)
                continue
            }
            do {
                let value = try row(i)
                buffer.base.storeBytes(of: value, toByteOffset: i &* stride, as: R.self)
            } catch {
                errors.append(RowError(row: i, code: error.code, message: error.message))
                (buffer.base + i * stride).initializeMemory(as: UInt8.self, repeating: 0, count: stride)
            }
        }
        return Column(type: result, count: count, validity: nil, values: buffer, bytes: nil)
    }

    /// A text result, row by row: `row` appends to the builder, or throws.
    static func text(
        _ count: Int, _ validity: Validity?, _ errors: inout [RowError],
        _ row: (Int, inout [UInt8]) throws(Failure) -> Void
    ) -> Column {
        let builder = ColumnBuilder(type: .text, capacity: count)
        var scratch: [UInt8] = []
        for i in 0..<count {
            if let validity, !validity.isValid(i) {
                builder.appendNull()
                continue
            }
            scratch.removeAll(keepingCapacity: true)
            do {
                try row(i, &scratch)
                scratch.withUnsafeBufferPointer { builder.append(utf8: $0) }
            } catch {
                errors.append(RowError(row: i, code: error.code, message: error.message))
                builder.appendNull()
            }
        }
        return builder.finish()
    }

    /// Lends the bytes of one row of a text column.
    @inline(__always)
    static func withBytes<Result>(_ column: Column, _ row: Int, _ body: (UnsafeBufferPointer<UInt8>) -> Result)
        -> Result
    {
        column.withText { offsets, bytes in
            let start = Int(offsets[row])
            return body(UnsafeBufferPointer(start: bytes + start, count: Int(offsets[row + 1]) - start))
        }
    }
}

import Glibc

/// Collects the rows of a text column: bytes are written once, straight into the column's heap.
struct TextWriter {
    private var heap: ColumnBuffer
    private let offsets: ColumnBuffer
    private let count: Int
    private var row = 0
    private var rowStart = 0
    private var used = 0
    private var nulls: [Int] = []

    /// `expected` bytes are reserved.
    init(count: Int, expected: Int) {
        self.count = count
        heap = ColumnBuffer(capacity: max(expected, 64))
        offsets = ColumnBuffer(capacity: (count + 1) * 4)
        offsets.base.storeBytes(of: 0, as: UInt32.self)
    }

    /// Bytes of the row under way.
    var rowByteCount: Int { used - rowStart }

    /// What the row under way has so far; valid until more is appended.
    var rowBytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: heap.base + rowStart, count: used - rowStart)
    }

    /// Space for `size` more bytes; `size` may be more than is used then.
    @inline(__always)
    mutating func reserve(_ size: Int) -> UnsafeMutablePointer<UInt8> {
        if used &+ size > heap.capacity { grow(size) }
        return (heap.base + used).assumingMemoryBound(to: UInt8.self)
    }

    private mutating func grow(_ size: Int) {
        let grown = ColumnBuffer(capacity: max(used + size, heap.capacity * 2))
        grown.base.copyMemory(from: heap.base, byteCount: used)
        heap = grown
    }

    /// Makes the first `size` of the bytes reserved part of the row.
    @inline(__always)
    mutating func advance(_ size: Int) { used &+= size }

    @inline(__always)
    mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard let source = bytes.baseAddress else { return }
        UnsafeMutableRawPointer(reserve(bytes.count)).copyMemory(from: source, byteCount: bytes.count)
        used &+= bytes.count
    }

    mutating func append(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) { append(UnsafeBufferPointer(rebasing: bytes)) }

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        reserve(1).pointee = byte
        used &+= 1
    }

    /// The UTF-8 of a code point.
    mutating func append(_ scalar: Unicode.Scalar) {
        for byte in UTF8.encode(scalar).unsafelyUnwrapped { append(byte) }
    }

    mutating func append(_ text: [UInt8]) { text.withUnsafeBufferPointer { append($0) } }

    /// Forgets what the row has so far.
    mutating func discardRow() { used = rowStart }

    /// The row under way is NULL.
    mutating func setNull() {
        discardRow()
        nulls.append(row)
    }

    @inline(__always)
    mutating func endRow() {
        row &+= 1
        rowStart = used
        offsets.base.storeBytes(of: UInt32(truncatingIfNeeded: used), toByteOffset: row &* 4, as: UInt32.self)
    }

    /// More rows would not fit into a column's 32-bit offsets.
    var isFull: Bool { used > Int(UInt32.max) }

    func finish(type: DataType = .text) -> Column {
        precondition(row == count)
        return Column(type: type, count: count, validity: nil, values: offsets, bytes: heap).settingNull(nulls)
    }
}

/// Makers of kernels over text; see ``Kernels``.
enum TextKernels {
    typealias Bytes = UnsafeBufferPointer<UInt8>

    /// The most bytes of a text that a function makes (PostgreSQL: 1 GiB): so many rows as a batch may have
    /// (``Delta/rowsMax``) fit into one column, and a hostile `repeat` cannot take the memory.
    static let bytesMax = (1 << 20) - 1

    /// The bytes of one row.
    @inline(__always)
    static func slice(_ offsets: UnsafeBufferPointer<UInt32>, _ bytes: UnsafePointer<UInt8>, _ row: Int) -> Bytes {
        let start = Int(offsets[unchecked: row])
        return Bytes(start: bytes + start, count: Int(offsets[unchecked: row &+ 1]) &- start)
    }

    static func isEqual(_ text: Bytes, _ other: [UInt8]) -> Bool {
        other.withUnsafeBufferPointer { other in
            guard text.count == other.count, let a = text.baseAddress, let b = other.baseAddress else {
                return text.isEmpty && other.isEmpty
            }
            return memcmp(a, b, other.count) == 0
        }
    }

    /// A function of text to a fixed-stride type.
    @inline(__always)
    static func measure<R: FixedWidthValue>(
        _ name: String, _ result: DataType, _ documentation: String, _ row: @escaping @Sendable (Bytes) -> R
    ) -> ScalarFunction {
        ScalarFunction(name, [.text], result, documentation) { arguments, count, _, _ in
            arguments[0].withText { offsets, bytes in
                Column(type: result, count: count) { (out: UnsafeMutableBufferPointer<R>) in
                    for i in 0..<count { out[unchecked: i] = row(slice(offsets, bytes, i)) }
                }
            }
        }
    }

    /// A function of two texts to a fixed-stride type; it may fail.
    @inline(__always)
    static func measure2<R: FixedWidthValue>(
        _ name: String, _ result: DataType, _ documentation: String,
        _ row: @escaping @Sendable (Bytes, Bytes) throws(RowFailure) -> R
    ) -> ScalarFunction {
        ScalarFunction(name, [.text, .text], result, documentation) { arguments, count, validity, errors in
            arguments[0].withText { aOffsets, aBytes in
                arguments[1].withText { bOffsets, bBytes in
                    Kernels.rows(result, count, validity, &errors) { i throws(RowFailure) -> R in
                        try row(slice(aOffsets, aBytes, i), slice(bOffsets, bBytes, i))
                    }
                }
            }
        }
    }

    /// A condition on two texts.
    @inline(__always)
    static func predicate2(
        _ name: String, _ documentation: String, _ row: @escaping @Sendable (Bytes, Bytes) throws(RowFailure) -> Bool
    ) -> ScalarFunction {
        measure2(name, .boolean, documentation) { (a, b) throws(RowFailure) -> UInt8 in try row(a, b) ? 1 : 0 }
    }

    /// A function of one text to text.
    @inline(__always)
    static func text1(
        _ name: String, _ documentation: String,
        _ row: @escaping @Sendable (Bytes, inout TextWriter) throws(RowFailure) -> Void
    ) -> ScalarFunction {
        ScalarFunction(name, [.text], .text, documentation) { arguments, count, validity, errors in
            arguments[0].withText { offsets, bytes in
                rows(count, validity, Int(offsets[count]), &errors) { (i, out) throws(RowFailure) in
                    try row(slice(offsets, bytes, i), &out)
                }
            }
        }
    }

    /// A function of two texts to text.
    @inline(__always)
    static func text2(
        _ name: String, _ documentation: String,
        _ row: @escaping @Sendable (Bytes, Bytes, inout TextWriter) throws(RowFailure) -> Void
    ) -> ScalarFunction {
        ScalarFunction(name, [.text, .text], .text, documentation) { arguments, count, validity, errors in
            arguments[0].withText { aOffsets, aBytes in
                arguments[1].withText { bOffsets, bBytes in
                    rows(count, validity, Int(aOffsets[count]) + Int(bOffsets[count]), &errors) {
                        (i, out) throws(RowFailure) in
                        try row(slice(aOffsets, aBytes, i), slice(bOffsets, bBytes, i), &out)
                    }
                }
            }
        }
    }

    /// A function of a text and an integer to text.
    @inline(__always)
    static func textInteger(
        _ name: String, _ documentation: String,
        _ row: @escaping @Sendable (Bytes, Int, inout TextWriter) throws(RowFailure) -> Void
    ) -> ScalarFunction {
        ScalarFunction(name, [.text, .integer], .text, documentation) { arguments, count, validity, errors in
            arguments[0].withText { offsets, bytes in
                arguments[1].withValues(as: Int32.self) { numbers in
                    rows(count, validity, Int(offsets[count]), &errors) { (i, out) throws(RowFailure) in
                        try row(slice(offsets, bytes, i), Int(numbers[i]), &out)
                    }
                }
            }
        }
    }

    /// A function of three texts to text.
    static func text3(
        _ name: String, _ documentation: String,
        _ row: @escaping @Sendable (Bytes, Bytes, Bytes, inout TextWriter) throws(RowFailure) -> Void
    ) -> ScalarFunction {
        ScalarFunction(name, [.text, .text, .text], .text, documentation) { arguments, count, validity, errors in
            arguments[0].withText { aOffsets, aBytes in
                arguments[1].withText { bOffsets, bBytes in
                    arguments[2].withText { cOffsets, cBytes in
                        rows(count, validity, Int(aOffsets[count]), &errors) { (i, out) throws(RowFailure) in
                            try row(
                                slice(aOffsets, aBytes, i), slice(bOffsets, bBytes, i), slice(cOffsets, cBytes, i), &out
                            )
                        }
                    }
                }
            }
        }
    }

    /// A text column, row by row: `row` writes the valid rows; one that fails is reported. The others are empty.
    @inline(__always)
    static func rows(
        _ count: Int, _ validity: Validity?, _ expected: Int, type: DataType = .text, _ errors: inout [RowError],
        _ row: (Int, inout TextWriter) throws(RowFailure) -> Void
    ) -> Column {
        var writer = TextWriter(count: count, expected: expected)
        for i in 0..<count {
            if let validity, !validity.isValid(i) {
                writer.endRow()
                continue
            }
            do throws(RowFailure) {
                try row(i, &writer)
                if writer.rowByteCount > bytesMax || writer.isFull { throw RowFailure.textTooLong }
            } catch {
                errors.append(RowError(row: i, error))
                writer.discardRow()
            }
            writer.endRow()
        }
        return writer.finish(type: type)
    }
}

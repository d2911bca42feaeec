/// The values of one column of a batch, immutable and shared by reference.
///
/// - A fixed-stride type has `count` values in one buffer (``withValues(as:_:)``).
/// - A type of no fixed size (text, character, bytea, jsonb, arrays) has `count + 1` ascending `UInt32` offsets, the first of which is 0, into one buffer:
///   UTF-8, the bytes, ``JSONB`` or ``ArrayBytes`` (``withText(_:)``).
/// - A NULL row has its validity bit clear; its value is undefined (a text row's is empty), but readable.
package struct Column: Sendable {
    package let type: DataType
    package let count: Int
    /// nil when no row is NULL.
    package let validity: Validity?
    /// Values, or the offsets of a column of no fixed stride.
    package let values: ColumnBuffer
    /// The bytes that the offsets point into; nil for fixed strides.
    package let bytes: ColumnBuffer?

    package init(type: DataType, count: Int, validity: Validity?, values: ColumnBuffer, bytes: ColumnBuffer?) {
        precondition((bytes != nil) == (type.storage == .bytes))
        precondition(validity == nil || validity?.count == count)
        self.type = type
        self.count = count
        self.validity = validity
        self.values = values
        self.bytes = bytes
    }

    /// Makes a fixed-stride column; `fill` must write all `count` values.
    package init<Value: FixedWidthValue>(
        type: DataType, count: Int, validity: Validity? = nil, fill: (UnsafeMutableBufferPointer<Value>) -> Void
    ) {
        precondition(type.storage.stride == MemoryLayout<Value>.stride)
        let buffer = ColumnBuffer(capacity: count * MemoryLayout<Value>.stride)
        fill(UnsafeMutableBufferPointer(start: buffer.base.assumingMemoryBound(to: Value.self), count: count))
        self.init(type: type, count: count, validity: validity, values: buffer, bytes: nil)
    }

    package func isNull(_ row: Int) -> Bool {
        guard let validity else { return false }
        return !validity.isValid(row)
    }

    /// Lends the values of a fixed-stride column.
    package func withValues<Value: FixedWidthValue, Result>(
        as: Value.Type, _ body: (UnsafeBufferPointer<Value>) throws -> Result
    ) rethrows -> Result {
        precondition(type.storage.stride == MemoryLayout<Value>.stride && bytes == nil)
        return try withExtendedLifetime(values) {
            try body(
                UnsafeBufferPointer(start: UnsafePointer(values.base.assumingMemoryBound(to: Value.self)), count: count)
            )
        }
    }

    /// Lends the offsets (`count + 1` of them) and the bytes of a text column.
    package func withText<Result>(
        _ body: (_ offsets: UnsafeBufferPointer<UInt32>, _ bytes: UnsafePointer<UInt8>) throws -> Result
    ) rethrows -> Result {
        guard let bytes else { preconditionFailure("withText on a column of type \(type.name)") }
        return try withExtendedLifetime((values, bytes)) {
            try body(
                UnsafeBufferPointer(
                    start: UnsafePointer(values.base.assumingMemoryBound(to: UInt32.self)), count: count + 1),
                UnsafePointer(bytes.base.assumingMemoryBound(to: UInt8.self)))
        }
    }

    /// Bytes of memory that the rows take, for limits and metrics.
    package var byteCount: Int {
        var total = count * type.storage.stride
        if bytes != nil {
            total += withText { offsets, _ in Int(offsets[count]) }
        }
        return total
    }

    /// The value of one row, boxed: not for hot loops.
    package func datum(at row: Int) -> Datum {
        isNull(row) ? .null : withRaw(row) { ValueBytes.datum(type, $0) }
    }
}

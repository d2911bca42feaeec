/// Builds one column row by row, for decoders, literals and tests.
///
/// A loop that knows its row count makes the column directly (``Column/init(type:count:validity:fill:)``).
package final class ColumnBuilder {
    package let type: DataType
    package private(set) var count = 0
    private var capacity = 0
    private var values = ColumnBuffer(capacity: 0)
    private var bytes: ColumnBuffer?
    private var byteCount = 0
    private var nulls: [UInt64] = []
    private var hasNulls = false

    package init(type: DataType, capacity: Int = 0) {
        self.type = type
        reserve(max(capacity, 16))
        if type.storage == .bytes {
            bytes = ColumnBuffer(capacity: 256)
            values.base.storeBytes(of: 0, as: UInt32.self)
        }
    }

    /// Bytes of text appended so far.
    package var textByteCount: Int { byteCount }

    private func reserve(_ rows: Int) {
        guard rows > capacity else { return }
        let newCapacity = max(rows, capacity * 2)
        let extra = type.storage == .bytes ? 1 : 0
        let stride = type.storage.stride
        let grown = ColumnBuffer(capacity: (newCapacity + extra) * stride)
        if capacity > 0 {
            grown.base.copyMemory(from: values.base, byteCount: (count + extra) * stride)
        }
        values = grown
        capacity = newCapacity
    }

    @inline(__always)
    private func mark(valid: Bool) {
        if count & 63 == 0 { nulls.append(0) }
        if valid {
            nulls[count >> 6] |= 1 << UInt64(count & 63)
        } else {
            hasNulls = true
        }
        count += 1
    }

    /// Appends a value of a fixed-stride type.
    @inline(__always)
    package func append<Value: FixedWidthValue>(_ value: Value) {
        assert(MemoryLayout<Value>.stride == type.storage.stride)
        if count == capacity { reserve(count + 1) }
        values.base.storeBytes(of: value, toByteOffset: count &* MemoryLayout<Value>.stride, as: Value.self)
        mark(valid: true)
    }

    /// Appends one value of a type of no fixed size by its bytes: UTF-8 of text and character, else as ``Column`` says.
    package func append(utf8 text: UnsafeBufferPointer<UInt8>) {
        guard let heap = bytes else { preconditionFailure("text appended to a column of type \(type.name)") }
        if count == capacity { reserve(count + 1) }
        let needed = byteCount + text.count
        precondition(needed <= UInt32.max, "a text column holds at most 4 GiB")
        if needed > heap.capacity {
            let grown = ColumnBuffer(capacity: max(needed, heap.capacity * 2))
            grown.base.copyMemory(from: heap.base, byteCount: byteCount)
            bytes = grown
        }
        if let source = text.baseAddress, let target = bytes {
            (target.base + byteCount).copyMemory(from: source, byteCount: text.count)
        }
        byteCount = needed
        mark(valid: true)
        values.base.storeBytes(of: UInt32(byteCount), toByteOffset: count &* 4, as: UInt32.self)
    }

    /// Appends a value by its bytes, as ``Column/withRaw(_:_:)`` lends them; nil for NULL.
    package func append(raw: UnsafeRawBufferPointer?) {
        guard let raw else { return appendNull() }
        if type.storage == .bytes { return append(utf8: raw.bindMemory(to: UInt8.self)) }
        assert(raw.count == type.storage.size)
        if count == capacity { reserve(count + 1) }
        if let source = raw.baseAddress {
            (values.base + count * type.storage.stride).copyMemory(from: source, byteCount: raw.count)
        }
        mark(valid: true)
    }

    package func append(_ text: String) {
        var text = text
        text.withUTF8 { append(utf8: $0) }
    }

    package func appendNull() {
        if count == capacity { reserve(count + 1) }
        if type.storage != .bytes {
            let stride = type.storage.stride
            (values.base + (count &* stride)).initializeMemory(as: UInt8.self, repeating: 0, count: stride)
        }
        mark(valid: false)
        if type.storage == .bytes {
            // The row's start, which is the end of the row before, stays.
            values.base.storeBytes(of: UInt32(byteCount), toByteOffset: count &* 4, as: UInt32.self)
        }
    }

    /// Appends a boxed value, which must be of the column's type or null.
    package func append(_ datum: Datum) {
        switch datum {
        case .null: appendNull()
        case .boolean(let value): append(value ? 1 as UInt8 : 0)
        case .smallint(let value): append(value)
        case .integer(let value), .date(let value): append(value)
        case .bigint(let value), .time(let value), .timestamp(let value), .timestamptz(let value): append(value)
        case .numeric(let value): append(value)
        case .real(let value): append(value)
        case .double(let value): append(value)
        case .uuid(let value): append(value)
        case .interval(let value): append(value)
        case .text(let value), .character(let value): append(value)
        case .bytea, .jsonb, .array: ValueBytes.withRaw(of: datum) { append(utf8: $0.bindMemory(to: UInt8.self)) }
        }
    }

    /// Takes the last rows away again, all but the first `rows`.
    package func truncate(to rows: Int) {
        precondition(rows <= count)
        nulls.removeLast(nulls.count - (rows + 63) / 64)
        if rows & 63 != 0 { nulls[rows >> 6] &= 1 << UInt64(rows & 63) - 1 }
        count = rows
        if type.storage == .bytes {
            byteCount = Int(values.base.load(fromByteOffset: rows * 4, as: UInt32.self))
        }
    }

    /// The column built. The builder is empty afterwards and may be used again.
    package func finish() -> Column {
        var validity: Validity?
        if hasNulls {
            let words = nulls
            validity = Validity(uninitialized: count) { target in
                for word in 0..<target.count { target[word] = words[word] }
            }
        }
        let column = Column(type: type, count: count, validity: validity, values: values, bytes: bytes)
        count = 0
        capacity = 0
        byteCount = 0
        nulls = []
        hasNulls = false
        values = ColumnBuffer(capacity: 0)
        reserve(16)
        if type.storage == .bytes {
            bytes = ColumnBuffer(capacity: 256)
            values.base.storeBytes(of: 0, as: UInt32.self)
        }
        return column
    }
}

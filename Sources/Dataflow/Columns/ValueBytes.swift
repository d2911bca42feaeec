import Glibc

/// Single values by their bytes, as they lie in a column or an array (possibly unaligned): for everything that is not a hot loop.
package enum ValueBytes {
    package typealias Raw = UnsafeRawBufferPointer

    @inline(__always)
    static func load<Value: FixedWidthValue>(_ raw: Raw, as: Value.Type = Value.self) -> Value {
        raw.baseAddress.unsafelyUnwrapped.loadUnaligned(as: Value.self)
    }

    @inline(__always)
    static func text(_ raw: Raw) -> UnsafeBufferPointer<UInt8> { raw.bindMemory(to: UInt8.self) }

    package static func datum(_ type: DataType, _ raw: Raw) -> Datum {
        switch type {
        case .boolean: return .boolean(load(raw, as: UInt8.self) != 0)
        case .smallint: return .smallint(load(raw))
        case .integer: return .integer(load(raw))
        case .bigint: return .bigint(load(raw))
        case .numeric: return .numeric(load(raw))
        case .real: return .real(load(raw))
        case .double: return .double(load(raw))
        case .text: return .text(String(decoding: raw, as: UTF8.self))
        case .character: return .character(String(decoding: raw, as: UTF8.self))
        case .bytea: return .bytea(Array(raw))
        case .uuid: return .uuid(load(raw))
        case .date: return .date(load(raw))
        case .time: return .time(load(raw))
        case .timestamp: return .timestamp(load(raw))
        case .timestamptz: return .timestamptz(load(raw))
        case .interval: return .interval(load(raw))
        case .jsonb:
            var text: [UInt8] = []
            JSONB(raw).append(to: &text)
            return .jsonb(String(decoding: text, as: UTF8.self))
        case .array(let element):
            let array = ArrayBytes(raw, element: element.type)
            return .array((0..<array.count).map { array.datum($0) }, element.type)
        }
    }

    /// Lends the bytes of a value, which is not null.
    package static func withRaw<Result>(of datum: Datum, _ body: (Raw) -> Result) -> Result {
        func fixed<Value: FixedWidthValue>(_ value: Value) -> Result {
            withUnsafeBytes(of: value) { body($0) }
        }
        func text(_ text: String) -> Result {
            var text = text
            return text.withUTF8 { body(UnsafeRawBufferPointer($0)) }
        }
        switch datum {
        case .null: preconditionFailure("NULL has no bytes")
        case .boolean(let value): return fixed(value ? 1 as UInt8 : 0)
        case .smallint(let value): return fixed(value)
        case .integer(let value), .date(let value): return fixed(value)
        case .bigint(let value), .time(let value), .timestamp(let value), .timestamptz(let value): return fixed(value)
        case .numeric(let value): return fixed(value)
        case .real(let value): return fixed(value)
        case .double(let value): return fixed(value)
        case .uuid(let value): return fixed(value)
        case .interval(let value): return fixed(value)
        case .text(let value), .character(let value): return text(value)
        case .bytea(let value): return value.withUnsafeBytes { body($0) }
        case .jsonb(let value):
            var value = value
            let bytes = value.withUTF8 { text in
                do throws(RowFailure) { return try JSONBParser.parse(text) } catch { return [UInt8]() }
            }
            precondition(!bytes.isEmpty, "a jsonb datum that is no JSON: \(value.prefix(100))")
            return bytes.withUnsafeBytes { body($0) }
        case .array(let values, let element):
            var writer = ArrayBytes.Writer(element: element)
            for value in values { writer.append(value) }
            return writer.finish().withUnsafeBytes { body($0) }
        }
    }

    // MARK: order

    /// −1, 0 or 1 by SQL's order.
    package static func compare(_ type: DataType, _ a: Raw, _ b: Raw) -> Int {
        func ordered<Value: FixedWidthValue & Comparable>(_: Value.Type) -> Int {
            let (x, y) = (load(a, as: Value.self), load(b, as: Value.self))
            return x < y ? -1 : x > y ? 1 : 0
        }
        switch type {
        case .text, .bytea: return RowOrder.compareBytes(text(a), text(b))
        case .character: return RowOrder.compareBytes(RowOrder.unpadded(text(a)), RowOrder.unpadded(text(b)))
        case .jsonb: return JSONB.compare(JSONB(a), JSONB(b))
        case .array(let element):
            return ArrayBytes.compare(ArrayBytes(a, element: element.type), ArrayBytes(b, element: element.type))
        default: break
        }
        switch type.storage {
        case .uint8: return ordered(UInt8.self)
        case .int16: return ordered(Int16.self)
        case .int32: return ordered(Int32.self)
        case .int64: return ordered(Int64.self)
        case .float32: return RowOrder.compare(load(a, as: Float.self), load(b, as: Float.self))
        case .float64: return RowOrder.compare(load(a, as: Double.self), load(b, as: Double.self))
        case .decimal: return Decimal.compare(load(a), load(b))
        case .interval: return RowOrder.compare(load(a, as: Interval.self), load(b, as: Interval.self))
        case .uuid: return ordered(UUIDValue.self)
        case .bytes: preconditionFailure("types of no fixed size are above")
        }
    }

    /// −1, 0 or 1: the order of encodings of two values that ``compare(_:_:_:)`` calls equal.
    static func compareEncodings(_ type: DataType, _ a: Raw, _ b: Raw) -> Int {
        switch type {
        case .numeric: return Decimal.encodingOrder(load(a), load(b))
        case .interval: return Interval.encodingOrder(load(a), load(b))
        case .double: return Double.encodingOrder(load(a), load(b))
        case .real: return Float.encodingOrder(load(a), load(b))
        case .character, .jsonb: return RowOrder.compareBytes(text(a), text(b))
        case .array(let element) where element.type.hasSeveralEncodings:
            // By the first element that differs.
            let (x, y) = (ArrayBytes(a, element: element.type), ArrayBytes(b, element: element.type))
            for index in 0..<min(x.count, y.count) {
                guard let p = x.raw(index), let q = y.raw(index) else { continue }
                let order = compareEncodings(element.type, p, q)
                if order != 0 { return order }
            }
            return 0
        default: return 0
        }
    }

    /// Appends the one form of the value that stands for all that SQL calls equal.
    static func appendNormalized(_ type: DataType, _ raw: Raw, to bytes: inout [UInt8]) {
        func fixed<Value: FixedWidthValue>(_ value: Value) {
            withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) }
        }
        switch type {
        case .numeric: fixed(load(raw, as: Decimal.self).normalized)
        case .interval: fixed(Interval(span: load(raw, as: Interval.self).span))
        case .double:
            let value = load(raw, as: Double.self)
            fixed(value.isNaN ? Double.nan : value == 0 ? 0 : value)
        case .real:
            let value = load(raw, as: Float.self)
            fixed(value.isNaN ? Float.nan : value == 0 ? 0 : value)
        case .character: bytes.append(contentsOf: RowOrder.unpadded(text(raw)))
        case .jsonb:
            var writer = JSONBWriter()
            JSONB(raw).writeNormalized(to: &writer)
            bytes.append(contentsOf: writer.bytes)
        case .array(let element) where element.type.hasSeveralEncodings:
            let array = ArrayBytes(raw, element: element.type)
            var writer = ArrayBytes.Writer(element: element.type)
            var scratch: [UInt8] = []
            for index in 0..<array.count {
                guard let raw = array.raw(index) else {
                    writer.append(nil)
                    continue
                }
                scratch.removeAll(keepingCapacity: true)
                appendNormalized(element.type, raw, to: &scratch)
                scratch.withUnsafeBytes { writer.append($0) }
            }
            writer.finish(into: &bytes)
        default: bytes.append(contentsOf: raw)
        }
    }
}

extension Column {
    /// Lends the bytes of one row's value, which is undefined where the row is NULL.
    @inline(__always)
    package func withRaw<Result>(_ row: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        if bytes != nil {
            return withText { offsets, bytes in
                let start = Int(offsets[row])
                return body(UnsafeRawBufferPointer(start: bytes + start, count: Int(offsets[row + 1]) - start))
            }
        }
        precondition(row >= 0 && row < count)
        let storage = type.storage
        return withExtendedLifetime(values) {
            body(UnsafeRawBufferPointer(start: values.base + row * storage.stride, count: storage.size))
        }
    }

    /// Of a type of no fixed size with several encodings of equal values: the same column with the one that stands for all.
    func normalized() -> Column {
        guard type.storage == .bytes, type.hasSeveralEncodings else { return self }
        let builder = ColumnBuilder(type: type, capacity: count)
        var scratch: [UInt8] = []
        for row in 0..<count {
            if isNull(row) {
                builder.appendNull()
                continue
            }
            scratch.removeAll(keepingCapacity: true)
            withRaw(row) { ValueBytes.appendNormalized(type, $0, to: &scratch) }
            scratch.withUnsafeBufferPointer { builder.append(utf8: $0) }
        }
        return builder.finish()
    }
}

extension Interval {
    /// An interval of this span, in days and microseconds.
    init(span: Int128) {
        let (days, rest) = span.quotientAndRemainder(dividingBy: Int128(Timestamp.microsecondsPerDay))
        self.init(days: Int32(clamping: days), microseconds: Int64(rest))
    }
}

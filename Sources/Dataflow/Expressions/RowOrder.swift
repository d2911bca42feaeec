import Glibc

/// SQL's order of values, PostgreSQL's btree order: NULL last, NaN above all numbers, text by bytes, intervals as if a month had 30
/// days.
package enum RowOrder {
    /// −1, 0 or 1. The columns are of one type.
    package static func compare(_ a: Column, _ i: Int, _ b: Column, _ j: Int) -> Int {
        let (firstNull, secondNull) = (a.isNull(i), b.isNull(j))
        if firstNull || secondNull { return firstNull == secondNull ? 0 : firstNull ? 1 : -1 }
        return compareValues(a, i, b, j)
    }

    /// As ``compare(_:_:_:_:)`` for rows that are not NULL.
    package static func compareValues(_ a: Column, _ i: Int, _ b: Column, _ j: Int) -> Int {
        switch a.type.storage {
        case .uint8: ordered(a, i, b, j, UInt8.self)
        case .int16: ordered(a, i, b, j, Int16.self)
        case .int32: ordered(a, i, b, j, Int32.self)
        case .int64: ordered(a, i, b, j, Int64.self)
        case .float32: compare(value(a, i, Float.self), value(b, j, Float.self))
        case .float64: compare(value(a, i, Double.self), value(b, j, Double.self))
        case .decimal: Decimal.compare(value(a, i, Decimal.self), value(b, j, Decimal.self))
        case .interval: compare(value(a, i, Interval.self), value(b, j, Interval.self))
        case .uuid: ordered(a, i, b, j, UUIDValue.self)
        case .bytes: a.withRaw(i) { x in b.withRaw(j) { ValueBytes.compare(a.type, x, $0) } }
        }
    }

    package static func equal(_ a: Column, _ i: Int, _ b: Column, _ j: Int) -> Bool { compare(a, i, b, j) == 0 }

    /// The order of every row of two columns of equal counts.
    static func forEachComparison(_ a: Column, _ b: Column, _ body: (_ row: Int, _ order: Int) -> Void) {
        if a.type == .text {
            a.withText { aOffsets, aBytes in
                b.withText { bOffsets, bBytes in
                    for row in 0..<a.count {
                        let (aStart, bStart) = (Int(aOffsets[row]), Int(bOffsets[row]))
                        let (aLength, bLength) = (Int(aOffsets[row + 1]) - aStart, Int(bOffsets[row + 1]) - bStart)
                        let order = memcmp(aBytes + aStart, bBytes + bStart, min(aLength, bLength))
                        body(row, order != 0 ? Int(order) : aLength - bLength)
                    }
                }
            }
        } else {
            for row in 0..<a.count { body(row, compareValues(a, row, b, row)) }
        }
    }

    @inline(__always)
    private static func value<Value: FixedWidthValue>(_ column: Column, _ row: Int, _: Value.Type) -> Value {
        column.values.base.load(fromByteOffset: row &* MemoryLayout<Value>.stride, as: Value.self)
    }

    @inline(__always)
    private static func ordered<Value: FixedWidthValue & Comparable>(
        _ a: Column, _ i: Int, _ b: Column, _ j: Int, _ type: Value.Type
    ) -> Int {
        let (x, y) = (value(a, i, type), value(b, j, type))
        return x < y ? -1 : x > y ? 1 : 0
    }

    @inline(__always)
    package static func compare<Value: BinaryFloatingPoint>(_ a: Value, _ b: Value) -> Int {
        if a < b { return -1 }
        if a > b { return 1 }
        if a == b { return 0 }
        return a.isNaN == b.isNaN ? 0 : a.isNaN ? 1 : -1
    }

    /// Intervals compare as microseconds, a month as 30 days.
    package static func compare(_ a: Interval, _ b: Interval) -> Int {
        let (x, y) = (a.span, b.span)
        return x < y ? -1 : x > y ? 1 : 0
    }

    /// Whether two rows of a type of no fixed size are both NULL or have the same bytes.
    static func isSameText(_ a: Column, _ i: Int, _ b: Column, _ j: Int) -> Bool {
        let (firstNull, secondNull) = (a.isNull(i), b.isNull(j))
        if firstNull || secondNull { return firstNull == secondNull }
        return a.withRaw(i) { x in b.withRaw(j) { compareBytes(ValueBytes.text(x), ValueBytes.text($0)) == 0 } }
    }

    /// −1, 0 or 1 by the bytes; of a common beginning the shorter is first.
    package static func compareBytes(_ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>) -> Int {
        if let x = a.baseAddress, let y = b.baseAddress {
            let order = memcmp(x, y, min(a.count, b.count))
            if order != 0 { return order < 0 ? -1 : 1 }
        }
        return (a.count - b.count).signum()
    }

    /// A `character` value without the blanks at its end.
    package static func unpadded(_ text: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        var end = text.count
        while end > 0, text[end - 1] == 0x20 { end -= 1 }
        return UnsafeBufferPointer(rebasing: text[..<end])
    }
}

extension Interval {
    /// Microseconds, with 30 days a month: what comparison and hashing see.
    package var span: Int128 {
        Int128(microseconds) + (Int128(days) + Int128(months) * 30) * Int128(Timestamp.microsecondsPerDay)
    }
}

import Glibc

/// SQL's order of values: NULL last, NaN above all numbers, text by bytes, intervals as if a month had 30 days.
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
        case .float64: compare(value(a, i, Double.self), value(b, j, Double.self))
        case .decimal: Decimal.compare(value(a, i, Decimal.self), value(b, j, Decimal.self))
        case .interval: compare(value(a, i, Interval.self), value(b, j, Interval.self))
        case .bytes: compareText(a, i, b, j)
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

    package static func compare(_ a: Double, _ b: Double) -> Int {
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

    private static func compareText(_ a: Column, _ i: Int, _ b: Column, _ j: Int) -> Int {
        a.withText { aOffsets, aBytes in
            b.withText { bOffsets, bBytes in
                let (aStart, bStart) = (Int(aOffsets[i]), Int(bOffsets[j]))
                let (aLength, bLength) = (Int(aOffsets[i + 1]) - aStart, Int(bOffsets[j + 1]) - bStart)
                let order = memcmp(aBytes + aStart, bBytes + bStart, min(aLength, bLength))
                return order != 0 ? (order < 0 ? -1 : 1) : (aLength - bLength).signum()
            }
        }
    }
}

extension Interval {
    /// Microseconds, with 30 days a month: what comparison and hashing see.
    package var span: Int128 {
        Int128(microseconds) + (Int128(days) + Int128(months) * 30) * Int128(Timestamp.microsecondsPerDay)
    }
}

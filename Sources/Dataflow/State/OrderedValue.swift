/// A fixed-width value in SQL's order, and in the order of encodings among those that SQL calls equal but prints differently.
protocol OrderedValue: FixedWidthValue {
    /// −1, 0 or 1 by SQL's order.
    static func order(_ a: Self, _ b: Self) -> Int

    /// −1, 0 or 1 by the encoding, of values that are equal by ``order(_:_:)``: the least of them is the one that shows.
    static func encodingOrder(_ a: Self, _ b: Self) -> Int
}

extension OrderedValue {
    /// SQL's order first, then the encoding.
    @inline(__always)
    static func exactOrder(_ a: Self, _ b: Self) -> Int {
        let byValue = order(a, b)
        return byValue != 0 ? byValue : encodingOrder(a, b)
    }
}

extension OrderedValue where Self: FixedWidthInteger {
    @inline(__always)
    static func order(_ a: Self, _ b: Self) -> Int { a < b ? -1 : a > b ? 1 : 0 }

    @inline(__always)
    static func encodingOrder(_ a: Self, _ b: Self) -> Int { 0 }
}

extension UInt8: OrderedValue {}
extension Int16: OrderedValue {}
extension Int32: OrderedValue {}
extension Int64: OrderedValue {}

extension UUIDValue: OrderedValue {
    static func order(_ a: UUIDValue, _ b: UUIDValue) -> Int { a < b ? -1 : b < a ? 1 : 0 }
    static func encodingOrder(_ a: UUIDValue, _ b: UUIDValue) -> Int { 0 }
}

extension Float: OrderedValue {
    static func order(_ a: Float, _ b: Float) -> Int { RowOrder.compare(a, b) }

    /// 0.0 before −0.0.
    static func encodingOrder(_ a: Float, _ b: Float) -> Int {
        a.isNaN ? 0 : (a.sign == .minus ? 1 : 0) - (b.sign == .minus ? 1 : 0)
    }
}

extension Double: OrderedValue {
    static func order(_ a: Double, _ b: Double) -> Int { RowOrder.compare(a, b) }

    /// 0.0 before −0.0.
    static func encodingOrder(_ a: Double, _ b: Double) -> Int {
        a.isNaN ? 0 : (a.sign == .minus ? 1 : 0) - (b.sign == .minus ? 1 : 0)
    }
}

extension Decimal: OrderedValue {
    static func order(_ a: Decimal, _ b: Decimal) -> Int { compare(a, b) }

    /// Fewer digits after the point first.
    static func encodingOrder(_ a: Decimal, _ b: Decimal) -> Int { Int((a.scale - b.scale).signum()) }
}

extension Interval: OrderedValue {
    static func order(_ a: Interval, _ b: Interval) -> Int { RowOrder.compare(a, b) }

    /// Fewer months first, then fewer days, then less time.
    static func encodingOrder(_ a: Interval, _ b: Interval) -> Int {
        if a.months != b.months { return a.months < b.months ? -1 : 1 }
        if a.days != b.days { return a.days < b.days ? -1 : 1 }
        return a.microseconds < b.microseconds ? -1 : a.microseconds > b.microseconds ? 1 : 0
    }
}

extension RowOrder {
    /// The order of encodings of two values, not NULL, that ``compareValues(_:_:_:_:)`` calls equal.
    static func compareEncodings(_ a: Column, _ i: Int, _ b: Column, _ j: Int) -> Int {
        guard a.type.hasSeveralEncodings else { return 0 }
        return a.withRaw(i) { x in b.withRaw(j) { ValueBytes.compareEncodings(a.type, x, $0) } }
    }
}

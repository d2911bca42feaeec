/// A binary fixed-point number of 192 bits before the point and 448 after it, with a sign: for the exponential functions of
/// `numeric`, whose results have at most 38 digits. Results are exact to some 10^-100 relative to numbers near 1.
struct WideFixed {
    private static let fractionLimbs = 7
    private static let limbCount = 10
    private static let bits = limbCount * 64
    private static let fractionBits = fractionLimbs * 64

    private(set) var isNegative = false
    /// Least significant first.
    private var limbs = [UInt64](repeating: 0, count: limbCount)

    private init() {}

    init(_ value: UInt64) { limbs[Self.fractionLimbs] = value }

    init(_ value: Decimal) {
        let magnitude = value.mantissa.magnitude
        limbs[Self.fractionLimbs] = UInt64(truncatingIfNeeded: magnitude)
        limbs[Self.fractionLimbs + 1] = UInt64(truncatingIfNeeded: magnitude >> 64)
        var scale = Int(value.scale)
        while scale > 0 {
            let step = min(scale, 19)
            divide(by: UInt64(Decimal.power(step)))
            scale -= step
        }
        isNegative = value.mantissa < 0
    }

    /// Rounded half away from zero to `scale` digits after the point; nil if it has too many digits.
    func decimal(scale: Int32) -> Decimal? {
        guard scale >= 0, scale <= 38 else { return nil }
        var scaled = self
        var rest = Int(scale)
        while rest > 0 {
            let step = min(rest, 19)
            if scaled.multiply(by: UInt64(Decimal.power(step))) { return nil }
            rest -= step
        }
        let integer = scaled.limbs[Self.fractionLimbs...]
        guard integer[Self.fractionLimbs + 2] == 0 else { return nil }
        var magnitude = UInt128(integer[Self.fractionLimbs]) | UInt128(integer[Self.fractionLimbs + 1]) << 64
        if scaled.limbs[Self.fractionLimbs - 1] >> 63 == 1 { magnitude += 1 }
        return Decimal(negative: isNegative, magnitude: magnitude, scale: scale)
    }

    var isZero: Bool { limbs.allSatisfy { $0 == 0 } }

    // MARK: arithmetic of magnitudes

    private mutating func divide(by divisor: UInt64) {
        var remainder: UInt64 = 0
        for index in stride(from: Self.limbCount - 1, through: 0, by: -1) {
            (limbs[index], remainder) = divisor.dividingFullWidth((remainder, limbs[index]))
        }
    }

    /// Whether it overflowed.
    private mutating func multiply(by factor: UInt64) -> Bool {
        var carry: UInt64 = 0
        for index in 0..<Self.limbCount {
            let (high, low) = limbs[index].multipliedFullWidth(by: factor)
            let (sum, overflow) = low.addingReportingOverflow(carry)
            limbs[index] = sum
            carry = high + (overflow ? 1 : 0)
        }
        return carry != 0
    }

    private static func compare(_ a: [UInt64], _ b: [UInt64]) -> Int {
        for index in stride(from: limbCount - 1, through: 0, by: -1) where a[index] != b[index] {
            return a[index] < b[index] ? -1 : 1
        }
        return 0
    }

    private static func sum(_ a: [UInt64], _ b: [UInt64]) -> [UInt64] {
        var result = a
        var carry: UInt64 = 0
        for index in 0..<limbCount {
            let (first, overflow) = a[index].addingReportingOverflow(b[index])
            let (second, overflowToo) = first.addingReportingOverflow(carry)
            result[index] = second
            carry = (overflow ? 1 : 0) + (overflowToo ? 1 : 0)
        }
        return result
    }

    /// `a - b`, where `a` is not less.
    private static func difference(_ a: [UInt64], _ b: [UInt64]) -> [UInt64] {
        var result = a
        var borrow: UInt64 = 0
        for index in 0..<limbCount {
            let (first, overflow) = a[index].subtractingReportingOverflow(b[index])
            let (second, overflowToo) = first.subtractingReportingOverflow(borrow)
            result[index] = second
            borrow = (overflow ? 1 : 0) + (overflowToo ? 1 : 0)
        }
        return result
    }

    private static func product(_ a: [UInt64], _ b: [UInt64]) -> [UInt64] {
        var wide = [UInt64](repeating: 0, count: 2 * limbCount)
        for i in 0..<limbCount where a[i] != 0 {
            var carry: UInt64 = 0
            for j in 0..<limbCount {
                let (high, low) = a[i].multipliedFullWidth(by: b[j])
                let (first, overflow) = low.addingReportingOverflow(wide[i + j])
                let (second, overflowToo) = first.addingReportingOverflow(carry)
                wide[i + j] = second
                carry = high &+ (overflow ? 1 : 0) &+ (overflowToo ? 1 : 0)
            }
            wide[i + limbCount] = carry
        }
        return Array(wide[fractionLimbs..<(fractionLimbs + limbCount)])
    }

    private static func shiftedLeft(_ a: [UInt64]) -> [UInt64] {
        var result = a
        for index in stride(from: limbCount - 1, to: 0, by: -1) { result[index] = a[index] << 1 | a[index - 1] >> 63 }
        result[0] = a[0] << 1
        return result
    }

    /// The quotient, bit by bit; `b` is not zero and below half the range.
    private static func quotient(_ a: [UInt64], _ b: [UInt64]) -> [UInt64] {
        var result = [UInt64](repeating: 0, count: limbCount)
        var remainder = [UInt64](repeating: 0, count: limbCount)
        for bit in stride(from: bits + fractionBits - 1, through: 0, by: -1) {
            remainder = shiftedLeft(remainder)
            let source = bit - fractionBits
            if source >= 0 { remainder[0] |= a[source >> 6] >> UInt64(source & 63) & 1 }
            if compare(remainder, b) >= 0 {
                remainder = difference(remainder, b)
                if bit < bits { result[bit >> 6] |= 1 << UInt64(bit & 63) }
            }
        }
        return result
    }

    private init(negative: Bool, _ limbs: [UInt64]) {
        isNegative = negative
        self.limbs = limbs
    }

    static func + (a: WideFixed, b: WideFixed) -> WideFixed {
        if a.isNegative == b.isNegative { return WideFixed(negative: a.isNegative, sum(a.limbs, b.limbs)) }
        return compare(a.limbs, b.limbs) >= 0
            ? WideFixed(negative: a.isNegative, difference(a.limbs, b.limbs))
            : WideFixed(negative: b.isNegative, difference(b.limbs, a.limbs))
    }

    static func - (a: WideFixed, b: WideFixed) -> WideFixed { a + WideFixed(negative: !b.isNegative, b.limbs) }

    static func * (a: WideFixed, b: WideFixed) -> WideFixed {
        WideFixed(negative: a.isNegative != b.isNegative, product(a.limbs, b.limbs))
    }

    /// `b` is not zero.
    static func / (a: WideFixed, b: WideFixed) -> WideFixed {
        WideFixed(negative: a.isNegative != b.isNegative, quotient(a.limbs, b.limbs))
    }

    /// The value as a double, as far as it has one.
    var doubleValue: Double {
        var value = 0.0
        for index in stride(from: Self.limbCount - 1, through: 0, by: -1) {
            value = value * 0x1p64 + Double(limbs[index])
        }
        // The fraction's 448 bits, in two steps within the range of exponents.
        value = value * 0x1p-224 * 0x1p-224
        return isNegative ? -value : value
    }

    // MARK: functions

    /// e to this power, whose magnitude is below 100.
    var exponential: WideFixed {
        var reduced = WideFixed(negative: false, limbs)
        // Eight squarings later: the series is for less than 0.4.
        reduced.divide(by: 256)
        var total = WideFixed(1)
        var term = WideFixed(1)
        var number: UInt64 = 1
        while !term.isZero {
            term = term * reduced
            term.divide(by: number)
            total = total + term
            number += 1
        }
        for _ in 0..<8 { total = total * total }
        return isNegative ? WideFixed(1) / total : total
    }

    /// The natural logarithm of a positive number.
    var logarithm: WideFixed {
        // The number as m × 2^k with 0.75 ≤ m < 1.5, whose logarithm is a fast series.
        var top = Self.bits - 1
        while limbs[top >> 6] >> UInt64(top & 63) & 1 == 0 { top -= 1 }
        var shift = top - Self.fractionBits
        var m = WideFixed(negative: false, Self.shifted(limbs, by: -shift))
        let isLarge = m.limbs[Self.fractionLimbs] == 1 && m.limbs[Self.fractionLimbs - 1] >> 63 == 1
        if isLarge {
            m.divide(by: 2)
            shift += 1
        }
        var two = Self.logarithmOf2
        _ = two.multiply(by: UInt64(shift.magnitude))
        two.isNegative = shift < 0
        return Self.series(m) + two
    }

    private static func shifted(_ a: [UInt64], by amount: Int) -> [UInt64] {
        var result = [UInt64](repeating: 0, count: limbCount)
        for bit in 0..<bits {
            let source = bit - amount
            if source >= 0, source < bits, a[source >> 6] >> UInt64(source & 63) & 1 == 1 {
                result[bit >> 6] |= 1 << UInt64(bit & 63)
            }
        }
        return result
    }

    private static let logarithmOf2: WideFixed = {
        // 2 = (4/3) / (2/3): twice the series stays near 1.
        series(WideFixed(4) / WideFixed(3)) - series(WideFixed(2) / WideFixed(3))
    }()

    /// ln m = 2 (z + z³/3 + z⁵/5 + …) with z = (m − 1) / (m + 1).
    private static func series(_ m: WideFixed) -> WideFixed {
        let z = (m - WideFixed(1)) / (m + WideFixed(1))
        let square = z * z
        var power = z
        var total = z
        var number: UInt64 = 3
        while !power.isZero {
            power = power * square
            var term = power
            term.divide(by: number)
            total = total + term
            number += 2
        }
        return total + total
    }
}

/// Exact sums of doubles, rounded once when read.
///
/// A value is an integer mantissa times a power of two. Each sum keeps one 128-bit integer at a fixed exponent that suits its first
/// value; what does not fit there exactly goes to a wide accumulator that spans all doubles (U. Kulisch, "Very fast and exact
/// accumulation of products", 2011: a fixed-point register over the whole exponent range). Both are exact, so their sum does not
/// depend on order, and a retraction takes back exactly what an insertion gave.
package struct ExactSum {
    private var mantissa: Int128 = 0
    /// The weight of the mantissa's last bit is 2^exponent; `Int32.min` before the first value.
    private var exponent: Int32 = .min
    private var wide: WideAccumulator?
    private var nans: Int64 = 0
    private var positiveInfinities: Int64 = 0
    private var negativeInfinities: Int64 = 0

    package init() {}

    package mutating func add(_ value: Double, weight: Int64) {
        guard value.isFinite else {
            if value.isNaN {
                nans += weight
            } else if value > 0 {
                positiveInfinities += weight
            } else {
                negativeInfinities += weight
            }
            return
        }
        if value == 0 { return }
        var bits = Int64(value.significandBitPattern)
        var power: Int32
        if value.exponentBitPattern == 0 {
            power = -1074
        } else {
            bits |= 1 << 52
            power = Int32(value.exponentBitPattern) - 1075
        }
        // Without trailing zeros a value fits more often.
        let zeros = Int32(bits.trailingZeroBitCount)
        bits >>= Int64(zeros)
        power += zeros
        if value < 0 { bits = -bits }
        let (product, overflow) = Int128(bits).multipliedReportingOverflow(by: Int128(weight))
        precondition(!overflow, "53 bits times 64 bits fit 128")
        if exponent == .min { exponent = power - 40 }
        let shift = power - exponent
        if shift >= 0, shift < 100 {
            let shifted = product << Int128(shift)
            if shifted >> Int128(shift) == product {
                let (sum, overflow) = mantissa.addingReportingOverflow(shifted)
                if !overflow {
                    mantissa = sum
                    return
                }
            }
        }
        var accumulator = wide ?? WideAccumulator()
        wide = nil
        accumulator.add(product, shiftedBy: Int(power) + 1074)
        wide = accumulator
    }

    /// Whether all values are finite but their sum is beyond the largest double.
    package var isOverflow: Bool {
        nans == 0 && positiveInfinities == 0 && negativeInfinities == 0 && value.isInfinite
    }

    /// The sum of the finite values: an integer times a power of two.
    var exact: (mantissa: BigInteger, exponent: Int) {
        let narrow = exponent == .min ? (BigInteger(), -1074) : (BigInteger(mantissa), Int(exponent))
        guard let wide else { return narrow }
        let least = min(narrow.1, -1074)
        let low = narrow.0.shiftedLeft(by: narrow.1 - least)
        return (low + wide.integer.shiftedLeft(by: -1074 - least), least)
    }

    /// What the values that are not finite make of the sum; nil if there are none.
    var special: Double? {
        if nans != 0 || positiveInfinities != 0 && negativeInfinities != 0 { return .nan }
        if positiveInfinities != 0 { return .infinity }
        return negativeInfinities != 0 ? -.infinity : nil
    }

    /// The sum, rounded to the nearest double, ties to even.
    package var value: Double {
        if let special { return special }
        guard exponent != .min else { return wide?.value ?? 0 }
        if wide == nil, exponent > -1000, exponent < 800 {
            // Conversion rounds once; scaling by a power of two within the normal range is exact.
            return Double(sign: .plus, exponent: Int(exponent), significand: 1) * Double(mantissa)
        }
        var total = wide ?? WideAccumulator()
        if exponent < -1074 {
            // The mantissa's last bits below the smallest double are zero by construction.
            total.add(mantissa >> Int128(-1074 - exponent), shiftedBy: 0)
        } else {
            total.add(mantissa, shiftedBy: Int(exponent) + 1074)
        }
        return total.value
    }
}

/// A fixed-point integer of 2 304 bits in two's complement, whose last bit weighs 2^−1074.
struct WideAccumulator {
    /// Least significant first. 2 098 bits hold every double; the rest takes carries of 2^64 summands and weights.
    private var limbs = [UInt64](repeating: 0, count: 36)

    /// The register's value in units of its last bit.
    var integer: BigInteger { BigInteger(twosComplement: limbs) }

    mutating func add(_ value: Int128, shiftedBy shift: Int) {
        let sign: UInt64 = value < 0 ? .max : 0
        let low = UInt64(truncatingIfNeeded: value)
        let high = UInt64(truncatingIfNeeded: value >> 64)
        let limb = shift / 64
        let bits = UInt64(shift % 64)
        let parts: (UInt64, UInt64, UInt64) =
            bits == 0
            ? (low, high, sign) : (low << bits, high << bits | low >> (64 - bits), sign << bits | high >> (64 - bits))
        var carry: UInt64 = 0
        for index in limb..<limbs.count {
            let part = index == limb ? parts.0 : index == limb + 1 ? parts.1 : index == limb + 2 ? parts.2 : sign
            let (sum, first) = limbs[index].addingReportingOverflow(part)
            let (total, second) = sum.addingReportingOverflow(carry)
            limbs[index] = total
            carry = (first ? 1 : 0) + (second ? 1 : 0)
        }
    }

    var value: Double {
        let negative = limbs[limbs.count - 1] >> 63 == 1
        var magnitude = limbs
        if negative {
            var carry: UInt64 = 1
            for index in magnitude.indices {
                let (sum, overflow) = (~magnitude[index]).addingReportingOverflow(carry)
                magnitude[index] = sum
                carry = overflow ? 1 : 0
            }
        }
        guard let top = magnitude.lastIndex(where: { $0 != 0 }) else { return 0 }
        let highest = top * 64 + 63 - magnitude[top].leadingZeroBitCount
        // The 53 bits from the highest down; below them one bit to round by, and whether anything is under it.
        if highest <= 52 {
            let result = Double(magnitude[0]) * 0x1p-1074
            return negative ? -result : result
        }
        func bit(_ index: Int) -> Bool { magnitude[index / 64] >> UInt64(index % 64) & 1 == 1 }
        var significand: UInt64 = 0
        for index in stride(from: highest, through: highest - 52, by: -1) {
            significand = significand << 1 | (bit(index) ? 1 : 0)
        }
        if bit(highest - 53) {
            let below = highest - 53
            var sticky = magnitude[below / 64] & ((1 << UInt64(below % 64)) - 1) != 0
            for index in 0..<(below / 64) where magnitude[index] != 0 { sticky = true }
            if sticky || significand & 1 == 1 { significand += 1 }
        }
        let exponent = highest - 52 - 1074
        let result =
            exponent > 971 ? Double.infinity : Double(sign: .plus, exponent: exponent, significand: Double(significand))
        return negative ? -result : result
    }
}

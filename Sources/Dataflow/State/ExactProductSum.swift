/// The exact sum of products of two finite doubles, for variances and regressions.
///
/// A product is an integer of at most 106 bits times a power of two. Each sum keeps one integer of 256 bits at a fixed exponent that
/// suits its first product; what does not fit there goes to an integer of any size.
struct ExactProductSum {
    private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    /// The weight of the last bit is 2^exponent; `Int32.min` before the first product.
    private var exponent: Int32 = .min
    private var rest: BigInteger?

    /// Below every power of two that a product can have: two subnormal factors.
    private static var leastExponent: Int { -2200 }

    private static func parts(_ value: Double) -> (bits: Int64, power: Int32) {
        var bits = Int64(value.significandBitPattern)
        var power: Int32 = -1074
        if value.exponentBitPattern != 0 {
            bits |= 1 << 52
            power = Int32(value.exponentBitPattern) - 1075
        }
        let zeros = Int32(bits.trailingZeroBitCount)
        bits >>= Int64(zeros)
        return (value < 0 ? -bits : bits, power + zeros)
    }

    mutating func add(_ x: Double, _ y: Double, weight: Int64) {
        if x == 0 || y == 0 || weight == 0 { return }
        let (a, b) = (Self.parts(x), Self.parts(y))
        let product = Int128(a.bits) * Int128(b.bits)
        let power = a.power + b.power
        if exponent == .min { exponent = power - 40 }
        let shift = power - exponent
        // 106 bits shifted by less than 84 leave 64 bits for weights and counts, and two.
        if shift >= 0, shift < 84 {
            return add(product.multipliedFullWidth(by: Int128(weight)), shiftedBy: UInt64(shift))
        }
        let value = BigInteger(product) * BigInteger(weight)
        rest = (rest ?? BigInteger()) + value.shiftedLeft(by: Int(power) - Self.leastExponent)
    }

    private mutating func add(_ value: (high: Int128, low: UInt128), shiftedBy shift: UInt64) {
        var parts = (
            UInt64(truncatingIfNeeded: value.low), UInt64(truncatingIfNeeded: value.low >> 64),
            UInt64(truncatingIfNeeded: value.high), UInt64(truncatingIfNeeded: value.high >> 64)
        )
        if shift >= 64 { parts = (0, parts.0, parts.1, parts.2) }
        let bits = shift & 63
        if bits > 0 {
            parts = (
                parts.0 << bits, parts.1 << bits | parts.0 >> (64 - bits), parts.2 << bits | parts.1 >> (64 - bits),
                parts.3 << bits | parts.2 >> (64 - bits)
            )
        }
        var carry: UInt64 = 0
        func step(_ word: inout UInt64, _ part: UInt64) {
            let (first, one) = word.addingReportingOverflow(part)
            let (second, two) = first.addingReportingOverflow(carry)
            word = second
            carry = (one ? 1 : 0) &+ (two ? 1 : 0)
        }
        step(&words.0, parts.0)
        step(&words.1, parts.1)
        step(&words.2, parts.2)
        step(&words.3, parts.3)
    }

    /// The sum: an integer times a power of two.
    var exact: (mantissa: BigInteger, exponent: Int) {
        let near = BigInteger(twosComplement: [words.0, words.1, words.2, words.3])
        guard let rest else { return (near, exponent == .min ? 0 : Int(exponent)) }
        if exponent == .min { return (rest, Self.leastExponent) }
        return (near.shiftedLeft(by: Int(exponent) - Self.leastExponent) + rest, Self.leastExponent)
    }
}

/// Arithmetic of `numeric` with PostgreSQL's result scales; what needs more than 38 digits is nil.
///
/// All of it works on magnitudes: unsigned 128-bit multiplication with an overflow flag is three machine instructions,
/// the signed one a call with a division in it.
extension Decimal {
    /// 10^0 … 10^38.
    package static let powers: [Int128] = unsignedPowers.map { Int128($0) }

    private static let unsignedPowers: [UInt128] = {
        var powers: [UInt128] = [1]
        for _ in 0..<38 { powers.append(powers[powers.count - 1] * 10) }
        return powers
    }()

    /// 10^`exponent`, 0 … 38.
    @inline(__always)
    static func power(_ exponent: Int) -> UInt128 { unsignedPowers[exponent] }

    /// 10^38: every magnitude is below.
    static let limit: UInt128 = 100_000_000_000_000_000_000_000_000_000_000_000_000

    package init(_ value: Int64) { self.init(mantissa: Int128(value), scale: 0) }

    /// From sign and magnitude; nil if it has too many digits.
    @inline(__always)
    init?(negative: Bool, magnitude: UInt128, scale: Int32) {
        guard magnitude < Self.limit else { return nil }
        let value = Int128(truncatingIfNeeded: magnitude)
        self.init(mantissa: negative ? 0 &- value : value, scale: scale)
    }

    /// The digits of the mantissa, at least 1.
    package var digitCount: Int {
        let magnitude = mantissa.magnitude
        // 1233 / 4096 is just above log10(2).
        let estimate = ((128 - magnitude.leadingZeroBitCount) * 1233) >> 12
        return max(estimate < 39 && magnitude >= Self.power(min(estimate, 38)) ? estimate + 1 : estimate, 1)
    }

    package var negated: Decimal { Decimal(mantissa: 0 &- mantissa, scale: scale) }

    package var absolute: Decimal { mantissa < 0 ? negated : self }

    /// Quotient and remainder, by the 64-bit instruction where it does.
    @inline(__always)
    static func divided(_ value: UInt128, by divisor: UInt128) -> (quotient: UInt128, remainder: UInt128) {
        if (value | divisor) >> 64 == 0 {
            let (quotient, remainder) = UInt64(truncatingIfNeeded: value)
                .quotientAndRemainder(dividingBy: UInt64(truncatingIfNeeded: divisor))
            return (UInt128(quotient), UInt128(remainder))
        }
        return value.quotientAndRemainder(dividingBy: divisor)
    }

    /// The magnitude times 10^`exponent`; nil if it has too many digits.
    @inline(__always)
    private static func scaledUp(_ magnitude: UInt128, by exponent: Int32) -> UInt128? {
        if exponent == 0 || magnitude == 0 { return magnitude }
        guard exponent <= 38 else { return nil }
        let (product, overflow) = magnitude.multipliedReportingOverflow(by: power(Int(exponent)))
        return overflow || product >= limit ? nil : product
    }

    /// The same value at a larger scale, or nil if that has too many digits.
    package func scaled(to newScale: Int32) -> Decimal? {
        if newScale == scale { return self }
        guard newScale > scale, newScale <= 38, let magnitude = Self.scaledUp(mantissa.magnitude, by: newScale - scale)
        else {
            return nil
        }
        return Decimal(negative: mantissa < 0, magnitude: magnitude, scale: newScale)
    }

    /// Rounded half away from zero to `newScale` digits after the point, padded with zeros; nil if too many digits.
    ///
    /// A negative `newScale` rounds before the point; the result's scale is then 0.
    package func rounded(to newScale: Int32) -> Decimal? { shortened(to: newScale, rounding: true) }

    /// As ``rounded(to:)``, towards zero.
    package func truncated(to newScale: Int32) -> Decimal? { shortened(to: newScale, rounding: false) }

    private func shortened(to newScale: Int32, rounding: Bool) -> Decimal? {
        if newScale >= scale { return scaled(to: newScale) }
        let drop = Int(scale) - Int(newScale)
        let resultScale = max(newScale, 0)
        if drop > 38 { return Decimal(mantissa: 0, scale: resultScale) }
        let divisor = Self.power(drop)
        var (quotient, remainder) = Self.divided(mantissa.magnitude, by: divisor)
        if rounding, remainder >= divisor - remainder { quotient += 1 }
        guard let magnitude = newScale < 0 ? Self.scaledUp(quotient, by: -newScale) : quotient else { return nil }
        return Decimal(negative: mantissa < 0, magnitude: magnitude, scale: resultScale)
    }

    @inline(__always)
    package static func add(_ a: Decimal, _ b: Decimal) -> Decimal? {
        if a.scale == b.scale {
            let sum = a.mantissa &+ b.mantissa
            return sum.magnitude < limit ? Decimal(mantissa: sum, scale: a.scale) : nil
        }
        return addUnequal(a, b)
    }

    private static func addUnequal(_ a: Decimal, _ b: Decimal) -> Decimal? {
        if a.scale > b.scale { return addUnequal(b, a) }
        guard b.scale &- a.scale <= 38 else { return a.mantissa == 0 ? b : nil }
        // Below 2 × 10^38 if the sum has 38 digits, so that it fits into 128 bits, but not into 127.
        let (x, overflow) = a.mantissa.magnitude.multipliedReportingOverflow(by: power(Int(b.scale &- a.scale)))
        if overflow { return nil }
        let y = b.mantissa.magnitude
        let isNegative = a.mantissa < 0
        if isNegative == (b.mantissa < 0) {
            let (sum, overflow) = x.addingReportingOverflow(y)
            return overflow ? nil : Decimal(negative: isNegative, magnitude: sum, scale: b.scale)
        }
        return x >= y
            ? Decimal(negative: isNegative, magnitude: x - y, scale: b.scale)
            : Decimal(negative: !isNegative, magnitude: y - x, scale: b.scale)
    }

    @inline(__always)
    package static func multiply(_ a: Decimal, _ b: Decimal) -> Decimal? {
        let scale = a.scale &+ b.scale
        let (product, overflow) = a.mantissa.magnitude.multipliedReportingOverflow(by: b.mantissa.magnitude)
        guard !overflow, scale <= 38 else { return nil }
        return Decimal(negative: (a.mantissa < 0) != (b.mantissa < 0), magnitude: product, scale: scale)
    }

    /// PostgreSQL's weight (base-10000 digits before the point, less one) and first base-10000 digit of the magnitude.
    private var weightAndFirstDigit: (weight: Int, first: UInt128) {
        if mantissa == 0 { return (0, 0) }
        let digits = digitCount
        // Decimal digits before the point; may be zero or negative. The shift rounds down.
        let before = digits - Int(scale)
        let weight = (before - 1) >> 2
        // How many of the decimal digits make up the first base-10000 digit.
        let inFirst = before - weight * 4
        let first =
            inFirst >= digits
            ? mantissa.magnitude * Self.power(inFirst - digits)
            : Self.divided(mantissa.magnitude, by: Self.power(digits - inFirst)).quotient
        return (weight, first)
    }

    /// The scale of a quotient: at least 16 significant digits and no less than either operand's
    /// (PostgreSQL's select_div_scale). May be more than 38.
    static func divisionScale(_ a: Decimal, _ b: Decimal) -> Int32 {
        let (weightA, firstA) = a.weightAndFirstDigit
        let (weightB, firstB) = b.weightAndFirstDigit
        let weight = weightA - weightB - (firstA <= firstB ? 1 : 0)
        return max(Int32(16 - weight * 4), a.scale, b.scale, 0)
    }

    /// The quotient; nil if it has too many digits. `b` is not zero.
    package static func divide(_ a: Decimal, _ b: Decimal) -> Decimal? {
        divide(a, b, scale: divisionScale(a, b))
    }

    /// The quotient rounded half away from zero (or cut off) to `scale` digits after the point; nil if it has too many digits.
    package static func divide(_ a: Decimal, _ b: Decimal, scale: Int32, rounding: Bool = true) -> Decimal? {
        guard scale <= 38 else { return nil }
        // a.mantissa × 10^shift / b.mantissa
        let shift = Int(scale) + Int(b.scale) - Int(a.scale)
        var divisor = b.mantissa.magnitude
        var quotient: UInt128
        var remainder = a.mantissa.magnitude
        if shift <= 0 {
            guard -shift <= 38 else { return Decimal(mantissa: 0, scale: scale) }
            let (product, overflow) = divisor.multipliedReportingOverflow(by: power(-shift))
            // Such a divisor is more than twice any dividend.
            if overflow { return Decimal(mantissa: 0, scale: scale) }
            divisor = product
            (quotient, remainder) = divided(remainder, by: divisor)
        } else {
            (quotient, remainder) = divided(remainder, by: divisor)
            var rest = shift
            while rest > 0 {
                let step = min(rest, 38)
                // The remainder is below the divisor, so that its high word is, too.
                let (high, low) = remainder.multipliedFullWidth(by: power(step))
                let next = high == 0 ? divided(low, by: divisor) : divisor.dividingFullWidth((high, low))
                let (shifted, overflow) = quotient.multipliedReportingOverflow(by: power(step))
                let (sum, overflowToo) = shifted.addingReportingOverflow(next.quotient)
                if overflow || overflowToo { return nil }
                quotient = sum
                remainder = next.remainder
                rest -= step
            }
        }
        if rounding, remainder >= divisor - remainder { quotient += 1 }
        return Decimal(negative: (a.mantissa < 0) != (b.mantissa < 0), magnitude: quotient, scale: scale)
    }

    /// The remainder with the dividend's sign, at the larger scale; nil if it has too many digits. `b` is not zero.
    package static func remainder(_ a: Decimal, _ b: Decimal) -> Decimal? {
        let scale = max(a.scale, b.scale)
        guard let x = scaledUp(a.mantissa.magnitude, by: scale - a.scale) else { return wideRemainder(a, b, scale) }
        guard let y = scaledUp(b.mantissa.magnitude, by: scale - b.scale) else { return a.scaled(to: scale) }
        return Decimal(negative: a.mantissa < 0, magnitude: divided(x, by: y).remainder, scale: scale)
    }

    /// The remainder where the dividend must be scaled up past 128 bits.
    private static func wideRemainder(_ a: Decimal, _ b: Decimal, _ scale: Int32) -> Decimal? {
        let divisor = b.mantissa.magnitude
        let first = divided(a.mantissa.magnitude, by: divisor).remainder
        let (high, low) = first.multipliedFullWidth(by: power(Int(scale - a.scale)))
        return Decimal(
            negative: a.mantissa < 0, magnitude: divisor.dividingFullWidth((high, low)).remainder, scale: scale)
    }

    /// −1, 0 or 1: by value, whatever the scales.
    @inline(__always)
    package static func compare(_ a: Decimal, _ b: Decimal) -> Int {
        if a.scale == b.scale { return a.mantissa < b.mantissa ? -1 : a.mantissa > b.mantissa ? 1 : 0 }
        return compareUnequal(a, b)
    }

    private static func compareUnequal(_ a: Decimal, _ b: Decimal) -> Int {
        let (signA, signB) = (a.mantissa.signum(), b.mantissa.signum())
        if signA != signB || signA == 0 { return signA < signB ? -1 : signA > signB ? 1 : 0 }
        if a.scale > b.scale { return -compareUnequal(b, a) }
        let (high, low) = a.mantissa.magnitude.multipliedFullWidth(by: power(Int(min(b.scale &- a.scale, 38))))
        let magnitude = b.mantissa.magnitude
        let order = high != 0 || low > magnitude ? 1 : low < magnitude ? -1 : 0
        return signA < 0 ? -order : order
    }

    /// Without trailing zeros after the point: one form for all values that SQL calls equal.
    package var normalized: Decimal {
        if scale == 0 { return self }
        var magnitude = mantissa.magnitude
        var scale = scale
        while scale > 0 {
            let (quotient, remainder) = Self.divided(magnitude, by: 10)
            guard remainder == 0 else { break }
            magnitude = quotient
            scale -= 1
        }
        return Decimal(mantissa: mantissa < 0 ? 0 &- Int128(magnitude) : Int128(magnitude), scale: scale)
    }

    /// Rounded down to an integer.
    package var floor: Decimal {
        guard scale > 0 else { return self }
        let (quotient, remainder) = Self.divided(mantissa.magnitude, by: Self.power(Int(scale)))
        let whole = Int128(quotient)
        return Decimal(mantissa: mantissa >= 0 ? whole : remainder == 0 ? -whole : -whole - 1, scale: 0)
    }

    /// The square root with at least 16 significant digits, rounded; nil if it has too many digits. Not for negative values.
    package var squareRoot: Decimal? {
        if mantissa == 0 { return Decimal(mantissa: 0, scale: Swift.max(scale, 15)) }
        // PostgreSQL's numeric_sqrt: the result's base-10000 weight tells how many digits it needs.
        let weight = (digitCount - Int(scale) - 1) >> 2
        // C's division, which truncates, as there.
        let resultWeight = weight >= 0 ? weight * 4 / 2 + 1 : 1 - (1 - weight * 4) / 2
        let resultScale = Swift.max(Int32(16 - resultWeight), scale, 0)
        guard resultScale <= 38 else { return nil }
        // The root of mantissa × 10^(2 × resultScale − scale), of up to 256 bits.
        let shift = 2 * Int(resultScale) - Int(scale)
        var number = mantissa.magnitude.multipliedFullWidth(by: Self.power(min(shift, 38)))
        if shift > 38 {
            let upper = number.high.multipliedFullWidth(by: Self.power(shift - 38))
            let lower = number.low.multipliedFullWidth(by: Self.power(shift - 38))
            let (sum, overflow) = upper.low.addingReportingOverflow(lower.high)
            guard upper.high == 0, !overflow else { return nil }
            number = (sum, lower.low)
        }
        // Newton's iteration from above: falls until it is the root rounded down.
        let bits = number.high == 0 ? 128 - number.low.leadingZeroBitCount : 256 - number.high.leadingZeroBitCount
        guard (bits + 1) / 2 < 128 else { return nil }
        var root: UInt128 = 1 << UInt128((bits + 1) / 2)
        while true {
            let next = (root + root.dividingFullWidth(number).quotient) / 2
            if next >= root { break }
            root = next
        }
        let square = root.multipliedFullWidth(by: root)
        let remainder = number.low &- square.low
        if remainder > root { root += 1 }
        return Decimal(negative: false, magnitude: root, scale: resultScale)
    }

    /// A whole power with at least 16 digits after the point and no fewer than `leastScale`, as PostgreSQL's; nil if it,
    /// or its exact value, has too many digits.
    static func power(_ base: Decimal, _ exponent: Int32, leastScale: Int32) -> Decimal? {
        let magnitude = base.mantissa.magnitude
        let scale = max(16, base.scale, leastScale)
        let isNegative = base.mantissa < 0 && exponent & 1 == 1
        if magnitude == 0 { return Decimal(mantissa: exponent == 0 ? 1 : 0, scale: 0).scaled(to: scale) }
        // Without trailing zeros, so that powers of 10 and 1 stay short.
        let short = base.normalized
        var product: UInt128 = 1
        var factor = short.mantissa.magnitude
        var rest = exponent.magnitude
        while rest > 0 {
            if rest & 1 == 1 {
                let (next, overflow) = product.multipliedReportingOverflow(by: factor)
                if overflow || next >= limit { return nil }
                product = next
            }
            rest >>= 1
            if rest > 0 {
                let (square, overflow) = factor.multipliedReportingOverflow(by: factor)
                if overflow || square >= limit { return nil }
                factor = square
            }
        }
        let (places, overflow) = exponent.magnitude.multipliedReportingOverflow(by: UInt32(short.scale))
        guard !overflow, places <= 38,
            let power = Decimal(negative: isNegative, magnitude: product, scale: Int32(places))
        else { return nil }
        return exponent >= 0 ? power.rounded(to: scale) : divide(Decimal(1), power, scale: scale)
    }
}

import Glibc

/// exp, ln, log and powers of `numeric`, with the scales that PostgreSQL's numeric.c chooses.
extension Decimal {
    /// The digits that a result has at least.
    private static let digitsMin = 16

    /// 10^dweight is about the magnitude of the logarithm (PostgreSQL's estimate_ln_dweight).
    private var logarithmWeight: Int {
        let (weight, first) = weightAndFirstDigits
        if Decimal.compare(self, Decimal(mantissa: 9, scale: 1)) >= 0,
            Decimal.compare(self, Decimal(mantissa: 11, scale: 1)) <= 0
        {
            guard let rest = Decimal.add(self, Decimal(-1)), rest.mantissa != 0 else { return 0 }
            let (weight, first) = rest.weightAndFirstDigits
            return weight * 4 + Int(log10(Double(first.first)))
        }
        guard mantissa != 0 else { return 0 }
        var digits = Double(first.first)
        var exponent = weight * 4
        if let second = first.second {
            digits = digits * 10_000 + Double(second)
            exponent -= 4
        }
        return Int(log10((log(digits) + Double(exponent) * 2.302585092994046).magnitude))
    }

    /// PostgreSQL's weight and the first two base-10000 digits of the magnitude; the second is nil if there are no more.
    private var weightAndFirstDigits: (weight: Int, (first: UInt128, second: UInt128?)) {
        if mantissa == 0 { return (0, (0, nil)) }
        let short = normalized
        let digits = short.digitCount
        let before = digits - Int(short.scale)
        let weight = (before - 1) >> 2
        let inFirst = before - weight * 4
        func leading(_ count: Int) -> UInt128 {
            let magnitude = short.mantissa.magnitude
            return count >= digits
                ? magnitude * Decimal.power(count - digits)
                : Decimal.divided(magnitude, by: Decimal.power(digits - count)).quotient
        }
        let first = leading(inFirst)
        guard inFirst < digits,
            Decimal.divided(short.mantissa.magnitude, by: Decimal.power(digits - inFirst)).remainder != 0
        else {
            return (weight, (first, nil))
        }
        return (weight, (first, leading(inFirst + 4) - first * 10_000))
    }

    private static func scale(_ digits: Int, _ least: Int32...) -> Int32 {
        min(max(Int32(digits), least.max() ?? 0, 0), 1000)
    }

    /// e to this power; nil if it has too many digits.
    var exponential: Decimal? {
        let weight = min(max(doubleValue * 0.434294481903252, -2000), 2000)
        let scale = Self.scale(Self.digitsMin - Int(weight), scale)
        guard scale <= 38, doubleValue.magnitude < 100 else { return nil }
        return WideFixed(self).exponential.decimal(scale: scale)
    }

    /// The natural logarithm of a positive number; nil if it has too many digits.
    var naturalLogarithm: Decimal? {
        let scale = Self.scale(Self.digitsMin - logarithmWeight, scale)
        guard scale <= 38 else { return nil }
        return WideFixed(self).logarithm.decimal(scale: scale)
    }

    /// The logarithm of a positive number to a positive base other than 1; nil if it has too many digits.
    static func logarithm(base: Decimal, _ value: Decimal) -> Decimal? {
        let weight = value.logarithmWeight - base.logarithmWeight
        let scale = Self.scale(digitsMin - weight, base.scale, value.scale)
        guard scale <= 38 else { return nil }
        return (WideFixed(value).logarithm / WideFixed(base).logarithm).decimal(scale: scale)
    }

    /// Any power of a number that is not negative, or a whole power of any; nil if it has too many digits.
    static func power(_ base: Decimal, _ exponent: Decimal) -> Decimal? {
        let whole = exponent.normalized
        let least = max(base.scale, exponent.scale)
        if whole.scale == 0, let number = Int32(exactly: whole.mantissa) {
            if let exact = power(base, number, leastScale: exponent.scale) { return exact }
            guard base.mantissa != 0 else { return nil }
            return raised(base, exponent, scale: max(16, least))
        }
        if base.mantissa == 0 { return Decimal(mantissa: 0, scale: 16) }
        // A first estimate tells how many digits the result has before the point.
        let estimate = WideFixed(base.absolute).logarithm.doubleValue * exponent.doubleValue
        if estimate < -6020 { return nil }
        let scale = Self.scale(digitsMin - Int(max(min(estimate * 0.434294481903252, 2000), -2000)), least)
        return raised(base, exponent, scale: scale)
    }

    private static func raised(_ base: Decimal, _ exponent: Decimal, scale: Int32) -> Decimal? {
        guard scale <= 38 else { return nil }
        let product = WideFixed(base.absolute).logarithm * WideFixed(exponent)
        let estimate = product.doubleValue
        if estimate > 100 { return nil }
        if estimate < -100 { return Decimal(mantissa: 0, scale: scale) }
        guard let value = product.exponential.decimal(scale: scale) else { return nil }
        let isOdd = exponent.normalized.mantissa & 1 == 1
        return base.mantissa < 0 && isOdd ? value.negated : value
    }
}

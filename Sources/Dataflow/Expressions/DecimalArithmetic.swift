/// Arithmetic of `numeric` with PostgreSQL's result scales; what needs more than 38 digits is an error.
extension Decimal {
    /// 10^0 … 10^38.
    package static let powers: [Int128] = {
        var powers: [Int128] = [1]
        for _ in 0..<38 { powers.append(powers[powers.count - 1] * 10) }
        return powers
    }()

    static let limit = powers[38]

    package init(_ value: Int64) { self.init(mantissa: Int128(value), scale: 0) }

    /// The digits of the mantissa, at least 1.
    package var digitCount: Int {
        let magnitude = mantissa.magnitude
        var count = 1
        while count < 38, magnitude >= UInt128(Self.powers[count]) { count += 1 }
        return count
    }

    /// The same value at a larger scale, or nil if that has too many digits.
    package func scaled(to newScale: Int32) -> Decimal? {
        if newScale == scale { return self }
        guard newScale > scale, newScale - scale <= 38 else { return nil }
        let (product, overflow) = mantissa.multipliedReportingOverflow(by: Self.powers[Int(newScale - scale)])
        guard !overflow, product.magnitude < UInt128(Self.limit) else { return nil }
        return Decimal(mantissa: product, scale: newScale)
    }

    /// Rounded half away from zero to `newScale` digits after the point, padded with zeros; nil if too many digits.
    package func rounded(to newScale: Int32) -> Decimal? {
        if newScale >= scale { return scaled(to: newScale) }
        let drop = scale - newScale
        if drop > 38 { return Decimal(mantissa: 0, scale: max(newScale, 0)) }
        let divisor = Self.powers[Int(drop)]
        var (quotient, remainder) = mantissa.quotientAndRemainder(dividingBy: divisor)
        if remainder.magnitude >= divisor.magnitude - remainder.magnitude { quotient += mantissa < 0 ? -1 : 1 }
        if newScale < 0 {
            let (product, overflow) = quotient.multipliedReportingOverflow(by: Self.powers[Int(-newScale)])
            return overflow || product.magnitude >= UInt128(Self.limit) ? nil : Decimal(mantissa: product, scale: 0)
        }
        return Decimal(mantissa: quotient, scale: newScale)
    }

    package static func add(_ a: Decimal, _ b: Decimal) -> Decimal? {
        let scale = max(a.scale, b.scale)
        guard let x = a.scaled(to: scale), let y = b.scaled(to: scale) else { return nil }
        let sum = x.mantissa + y.mantissa
        return sum.magnitude < UInt128(limit) ? Decimal(mantissa: sum, scale: scale) : nil
    }

    package static func multiply(_ a: Decimal, _ b: Decimal) -> Decimal? {
        let (product, overflow) = a.mantissa.multipliedReportingOverflow(by: b.mantissa)
        guard !overflow, product.magnitude < UInt128(limit) else { return nil }
        let scale = a.scale + b.scale
        if scale > 38 { return Decimal(mantissa: product, scale: scale).rounded(to: 38) }
        return Decimal(mantissa: product, scale: scale)
    }

    package var negated: Decimal { Decimal(mantissa: -mantissa, scale: scale) }

    /// PostgreSQL's weight (base-10000 digits before the point, less one) and first base-10000 digit of the absolute value.
    private var weightAndFirstDigit: (weight: Int, first: Int) {
        if mantissa == 0 { return (0, 0) }
        let digits = digitCount
        // The number of decimal digits before the point; may be zero or negative.
        let before = digits - Int(scale)
        let weight = before > 0 ? (before - 1) / 4 : -((-before) / 4) - 1
        // How many of the decimal digits make up the first base-10000 digit.
        let inFirst = before - weight * 4
        let magnitude = mantissa.magnitude
        let first =
            inFirst >= digits
            ? Int(magnitude) * Int(Self.powers[inFirst - digits])
            : Int(magnitude / UInt128(Self.powers[digits - inFirst]))
        return (weight, first)
    }

    /// The scale of a quotient: at least 16 significant digits and no less than either operand's
    /// (PostgreSQL's select_div_scale).
    static func divisionScale(_ a: Decimal, _ b: Decimal) -> Int32 {
        let (weightA, firstA) = a.weightAndFirstDigit
        let (weightB, firstB) = b.weightAndFirstDigit
        var weight = weightA - weightB
        if firstA <= firstB { weight -= 1 }
        return min(max(Int32(16 - weight * 4), a.scale, b.scale, 0), 38)
    }

    /// The quotient; nil if it has too many digits. `b` is not zero.
    package static func divide(_ a: Decimal, _ b: Decimal) -> Decimal? {
        divide(a, b, scale: divisionScale(a, b))
    }

    /// The quotient rounded half away from zero to `scale` digits after the point.
    package static func divide(_ a: Decimal, _ b: Decimal, scale: Int32) -> Decimal? {
        // a.mantissa / b.mantissa * 10^(b.scale - a.scale), so that the result has `scale` digits.
        let shift = scale + b.scale - a.scale
        var remainder = a.mantissa.magnitude
        var divisor = b.mantissa.magnitude
        if shift < 0 {
            guard -shift <= 38 else { return Decimal(mantissa: 0, scale: scale) }
            let (product, overflow) = divisor.multipliedReportingOverflow(by: UInt128(powers[Int(-shift)]))
            guard !overflow else { return Decimal(mantissa: 0, scale: scale) }
            divisor = product
        }
        var quotient = remainder / divisor
        remainder %= divisor
        // Long division, one digit at a time: the remainder is below the divisor, which is below 10^38.
        for _ in 0..<max(shift, 0) {
            guard quotient < UInt128(limit) / 10 + 1 else { return nil }
            // remainder * 10 may exceed 128 bits: compare by quotients instead.
            let (wide, overflow) = remainder.multipliedReportingOverflow(by: 10)
            if overflow {
                let full = remainder.multipliedFullWidth(by: 10)
                let (digit, rest) = divisor.dividingFullWidth(full)
                quotient = quotient * 10 + digit
                remainder = rest
            } else {
                quotient = quotient * 10 + wide / divisor
                remainder = wide % divisor
            }
        }
        if remainder >= divisor - remainder { quotient += 1 }
        guard quotient < UInt128(limit) else { return nil }
        let negative = (a.mantissa < 0) != (b.mantissa < 0)
        return Decimal(mantissa: negative ? -Int128(quotient) : Int128(quotient), scale: scale)
    }

    /// −1, 0 or 1: by value, whatever the scales.
    package static func compare(_ a: Decimal, _ b: Decimal) -> Int {
        if a.scale == b.scale { return a.mantissa < b.mantissa ? -1 : a.mantissa > b.mantissa ? 1 : 0 }
        if let x = a.scaled(to: max(a.scale, b.scale)), let y = b.scaled(to: max(a.scale, b.scale)) {
            return x.mantissa < y.mantissa ? -1 : x.mantissa > y.mantissa ? 1 : 0
        }
        // The one that cannot be scaled has more digits before the point, so its sign decides unless the signs differ.
        if (a.mantissa < 0) != (b.mantissa < 0) || a.mantissa == 0 || b.mantissa == 0 {
            return a.mantissa.signum() < b.mantissa.signum() ? -1 : 1
        }
        let larger = a.digitCount - Int(a.scale) - (b.digitCount - Int(b.scale))
        return (larger > 0) == (a.mantissa > 0) ? 1 : -1
    }

    /// Without trailing zeros after the point: one form for all values that SQL calls equal.
    package var normalized: Decimal {
        var mantissa = mantissa
        var scale = scale
        while scale > 0, mantissa % 10 == 0 {
            mantissa /= 10
            scale -= 1
        }
        return Decimal(mantissa: mantissa, scale: scale)
    }

    /// The nearest double.
    package var doubleValue: Double {
        if scale == 0 || abs(mantissa) < 1 << 53 && scale <= 22 {
            return Double(mantissa) / Double(Self.powers[Int(scale)])
        }
        var text: [UInt8] = []
        DecimalText.append(self, to: &text)
        return Double(String(decoding: text, as: UTF8.self)) ?? Double(mantissa)
    }
}

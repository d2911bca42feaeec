/// An integer of any size, for results that are computed once from exact accumulators: not for hot loops.
struct BigInteger: Equatable {
    private(set) var isNegative = false
    /// The magnitude, least significant first, without leading zeros; empty is zero.
    private(set) var limbs: [UInt32] = []

    init() {}

    init(_ value: Int128) { self.init(isNegative: value < 0, magnitude: value.magnitude) }

    init(_ value: Int64) { self.init(Int128(value)) }

    private init(isNegative: Bool, magnitude: UInt128) {
        var rest = magnitude
        while rest != 0 {
            limbs.append(UInt32(truncatingIfNeeded: rest))
            rest >>= 32
        }
        self.isNegative = isNegative
    }

    private init(isNegative: Bool, limbs: [UInt32]) {
        self.limbs = limbs
        while self.limbs.last == 0 { self.limbs.removeLast() }
        self.isNegative = isNegative && !self.limbs.isEmpty
    }

    /// The value of words in two's complement, least significant first.
    init(twosComplement words: [UInt64]) {
        let isNegative = (words.last ?? 0) >> 63 == 1
        var limbs: [UInt32] = []
        var carry: UInt64 = 1
        for word in words {
            var part = word
            if isNegative {
                let (sum, overflow) = (~word).addingReportingOverflow(carry)
                part = sum
                carry = overflow ? 1 : 0
            }
            limbs.append(UInt32(truncatingIfNeeded: part))
            limbs.append(UInt32(truncatingIfNeeded: part >> 32))
        }
        self.init(isNegative: isNegative, limbs: limbs)
    }

    var isZero: Bool { limbs.isEmpty }

    /// Bits of the magnitude.
    var bitWidth: Int { limbs.last.map { limbs.count * 32 - $0.leadingZeroBitCount } ?? 0 }

    /// The value if it fits.
    var int128: Int128? {
        guard bitWidth <= 127 else { return nil }
        let magnitude = limbs.reversed().reduce(Int128(0)) { $0 << 32 | Int128($1) }
        return isNegative ? -magnitude : magnitude
    }

    static func power(ofTen exponent: Int) -> BigInteger {
        var result = BigInteger(Int64(1))
        for _ in 0..<exponent { result = result.multiplied(by: 10) }
        return result
    }

    private func multiplied(by small: UInt32) -> BigInteger {
        var carry: UInt64 = 0
        var product = limbs
        for index in product.indices {
            carry += UInt64(product[index]) * UInt64(small)
            product[index] = UInt32(truncatingIfNeeded: carry)
            carry >>= 32
        }
        product.append(UInt32(carry))
        return BigInteger(isNegative: isNegative, limbs: product)
    }

    // MARK: sums and products

    static prefix func - (value: BigInteger) -> BigInteger {
        BigInteger(isNegative: !value.isNegative, limbs: value.limbs)
    }

    static func + (a: BigInteger, b: BigInteger) -> BigInteger {
        if a.isNegative == b.isNegative { return BigInteger(isNegative: a.isNegative, limbs: added(a.limbs, b.limbs)) }
        return compare(a.limbs, b.limbs) >= 0
            ? BigInteger(isNegative: a.isNegative, limbs: subtracted(a.limbs, b.limbs))
            : BigInteger(isNegative: b.isNegative, limbs: subtracted(b.limbs, a.limbs))
    }

    static func - (a: BigInteger, b: BigInteger) -> BigInteger { a + -b }

    static func * (a: BigInteger, b: BigInteger) -> BigInteger {
        var product = [UInt32](repeating: 0, count: a.limbs.count + b.limbs.count)
        for (i, x) in a.limbs.enumerated() {
            var carry: UInt64 = 0
            for (j, y) in b.limbs.enumerated() {
                carry += UInt64(product[i + j]) + UInt64(x) * UInt64(y)
                product[i + j] = UInt32(truncatingIfNeeded: carry)
                carry >>= 32
            }
            product[i + b.limbs.count] = UInt32(carry)
        }
        return BigInteger(isNegative: a.isNegative != b.isNegative, limbs: product)
    }

    private static func compare(_ a: [UInt32], _ b: [UInt32]) -> Int {
        if a.count != b.count { return a.count < b.count ? -1 : 1 }
        for index in a.indices.reversed() where a[index] != b[index] { return a[index] < b[index] ? -1 : 1 }
        return 0
    }

    private static func added(_ a: [UInt32], _ b: [UInt32]) -> [UInt32] {
        var sum: [UInt32] = []
        var carry: UInt64 = 0
        for index in 0..<max(a.count, b.count) {
            carry += UInt64(index < a.count ? a[index] : 0) + UInt64(index < b.count ? b[index] : 0)
            sum.append(UInt32(truncatingIfNeeded: carry))
            carry >>= 32
        }
        sum.append(UInt32(carry))
        return sum
    }

    /// `a` is not less than `b`.
    private static func subtracted(_ a: [UInt32], _ b: [UInt32]) -> [UInt32] {
        var difference = a
        var borrow: Int64 = 0
        for index in a.indices {
            borrow += Int64(a[index]) - (index < b.count ? Int64(b[index]) : 0)
            difference[index] = UInt32(truncatingIfNeeded: borrow)
            borrow >>= 32
        }
        return difference
    }

    // MARK: shifts, quotients, roots

    func shiftedLeft(by bits: Int) -> BigInteger {
        if bits == 0 || isZero { return self }
        var shifted = [UInt32](repeating: 0, count: bits / 32)
        let rest = UInt64(bits % 32)
        var carry: UInt64 = 0
        for limb in limbs {
            carry |= UInt64(limb) << rest
            shifted.append(UInt32(truncatingIfNeeded: carry))
            carry >>= 32
        }
        shifted.append(UInt32(carry))
        return BigInteger(isNegative: isNegative, limbs: shifted)
    }

    /// The magnitude over that of `divisor`, which is not zero, and the remainder's magnitude (Knuth's algorithm D).
    func dividedMagnitude(by divisor: BigInteger) -> (quotient: BigInteger, remainder: BigInteger) {
        guard Self.compare(limbs, divisor.limbs) >= 0 else {
            return (BigInteger(), BigInteger(isNegative: false, limbs: limbs))
        }
        if divisor.limbs.count == 1 { return dividedMagnitude(bySmall: UInt64(divisor.limbs[0])) }
        let shift = (divisor.limbs.last ?? 1).leadingZeroBitCount
        let v = divisor.shiftedLeft(by: shift).limbs
        var u = shiftedLeft(by: shift).limbs
        while u.count <= limbs.count { u.append(0) }
        var quotient = [UInt32](repeating: 0, count: u.count - v.count)
        let (first, second) = (UInt64(v[v.count - 1]), UInt64(v[v.count - 2]))
        for index in quotient.indices.reversed() {
            let top = UInt64(u[index + v.count]) << 32 | UInt64(u[index + v.count - 1])
            var (digit, rest) = top.quotientAndRemainder(dividingBy: first)
            while digit >> 32 != 0 || digit * second > rest << 32 | UInt64(u[index + v.count - 2]) {
                digit -= 1
                rest += first
                if rest >> 32 != 0 { break }
            }
            var borrow: Int64 = 0
            var carry: UInt64 = 0
            for position in v.indices {
                carry += digit * UInt64(v[position])
                borrow += Int64(u[index + position]) - Int64(carry & 0xFFFF_FFFF)
                u[index + position] = UInt32(truncatingIfNeeded: borrow)
                borrow >>= 32
                carry >>= 32
            }
            borrow += Int64(u[index + v.count]) - Int64(carry)
            u[index + v.count] = UInt32(truncatingIfNeeded: borrow)
            if borrow < 0 {
                // One too many: it happens twice in 2^32.
                digit -= 1
                var sum: UInt64 = 0
                for position in v.indices {
                    sum += UInt64(u[index + position]) + UInt64(v[position])
                    u[index + position] = UInt32(truncatingIfNeeded: sum)
                    sum >>= 32
                }
                u[index + v.count] = u[index + v.count] &+ UInt32(truncatingIfNeeded: sum)
            }
            quotient[index] = UInt32(digit)
        }
        let remainder = BigInteger(isNegative: false, limbs: u).shiftedRight(by: shift)
        return (BigInteger(isNegative: false, limbs: quotient), remainder)
    }

    private func dividedMagnitude(bySmall divisor: UInt64) -> (quotient: BigInteger, remainder: BigInteger) {
        var quotient = limbs
        var rest: UInt64 = 0
        for index in limbs.indices.reversed() {
            let part = rest << 32 | UInt64(limbs[index])
            quotient[index] = UInt32(part / divisor)
            rest = part % divisor
        }
        return (BigInteger(isNegative: false, limbs: quotient), BigInteger(Int64(rest)))
    }

    private func shiftedRight(by bits: Int) -> BigInteger {
        guard bits / 32 < limbs.count else { return BigInteger() }
        var shifted = Array(limbs[(bits / 32)...])
        let rest = UInt32(bits % 32)
        if rest > 0 {
            for index in shifted.indices {
                let next = index + 1 < shifted.count ? shifted[index + 1] : 0
                shifted[index] = shifted[index] >> rest | next << (32 - rest)
            }
        }
        return BigInteger(isNegative: isNegative, limbs: shifted)
    }

    /// The quotient rounded half away from zero.
    func divided(by divisor: BigInteger) -> BigInteger {
        var (quotient, remainder) = dividedMagnitude(by: divisor)
        if Self.compare(remainder.shiftedLeft(by: 1).limbs, divisor.limbs) >= 0 {
            quotient = quotient + BigInteger(Int64(1))
        }
        return isNegative != divisor.isNegative ? -quotient : quotient
    }

    /// The root of a value that is not negative, rounded down, and what is left.
    var squareRoot: (root: BigInteger, remainder: BigInteger) {
        if isZero { return (self, self) }
        // Newton's iteration from above falls until it is the root.
        var root = BigInteger(Int64(1)).shiftedLeft(by: (bitWidth + 1) / 2)
        while true {
            let next = (root + dividedMagnitude(by: root).quotient).shiftedRight(by: 1)
            if Self.compare(next.limbs, root.limbs) >= 0 { break }
            root = next
        }
        return (root, self - root * root)
    }

    /// The decimal digits of the magnitude, most significant first; empty for zero.
    var decimalDigits: [UInt8] {
        var digits: [UInt8] = []
        var rest = BigInteger(isNegative: false, limbs: limbs)
        while !rest.isZero {
            let (quotient, remainder) = rest.dividedMagnitude(bySmall: 1_000_000_000)
            var part = remainder.limbs.first ?? 0
            for _ in 0..<9 {
                digits.append(UInt8(part % 10))
                part /= 10
            }
            rest = quotient
        }
        while digits.last == 0 { digits.removeLast() }
        return digits.reversed()
    }

    /// `numerator / denominator × 2^exponent`, or its root, to the nearest double (ties to even; the root of a positive value).
    static func double(_ numerator: BigInteger, over denominator: BigInteger, exponent: Int, isRoot: Bool = false)
        -> Double
    {
        if numerator.isZero { return 0 }
        // Enough bits that the last one only says whether anything is left.
        var shift = 70 - (numerator.bitWidth - denominator.bitWidth)
        if isRoot {
            shift += 70
            if (exponent - shift) % 2 != 0 { shift += 1 }
        }
        let (top, bottom) =
            shift >= 0
            ? (numerator.shiftedLeft(by: shift), denominator)
            : (numerator, denominator.shiftedLeft(by: -shift))
        var (quotient, remainder) = top.dividedMagnitude(by: bottom)
        var power = exponent - shift
        var isInexact = !remainder.isZero
        if isRoot {
            (quotient, remainder) = quotient.squareRoot
            isInexact = isInexact || !remainder.isZero
            power /= 2
        }
        if isInexact, quotient.limbs[0] & 1 == 0 { quotient = quotient + BigInteger(Int64(1)) }
        let result = rounded(quotient, power)
        return numerator.isNegative != denominator.isNegative && !isRoot ? -result : result
    }

    /// A magnitude of more than 60 bits, or exact, whose last bit is sticky, times 2^power.
    private static func rounded(_ value: BigInteger, _ power: Int) -> Double {
        let width = value.bitWidth
        // Bits of the significand that a double of this size has: fewer below the normal range.
        let kept = min(53, width + power + 1074)
        guard kept >= 0 else { return 0 }
        let drop = width - kept
        guard drop > 0 else {
            return Double(sign: .plus, exponent: power, significand: Double(UInt64(value.int128 ?? 0)))
        }
        let whole = value.shiftedRight(by: drop)
        let below = value - whole.shiftedLeft(by: drop)
        let half = BigInteger(Int64(1)).shiftedLeft(by: drop - 1)
        let order = compare(below.limbs, half.limbs)
        var significand = UInt64(whole.int128 ?? 0)
        if order > 0 || order == 0 && significand & 1 == 1 { significand += 1 }
        return Double(sign: .plus, exponent: power + drop, significand: Double(significand))
    }
}

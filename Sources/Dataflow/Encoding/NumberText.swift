import Glibc

/// Decimal digits of integers, without allocation.
package enum IntegerText {
    package static func append(_ value: Int64, to text: inout [UInt8]) {
        if value < 0 { text.append(UInt8(ascii: "-")) }
        append(value.magnitude, to: &text)
    }

    package static func append(_ value: UInt64, to text: inout [UInt8]) {
        var value = value
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var start = 20
            repeat {
                start -= 1
                digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value % 10)
                value /= 10
            } while value > 0
            text.append(contentsOf: UnsafeBufferPointer(rebasing: digits[start..<20]))
        }
    }

    /// At least `width` digits, padded with zeros.
    package static func append(_ value: Int, width: Int, to text: inout [UInt8]) {
        var bound = 10
        for _ in 1..<max(width, 1) {
            if value < bound { text.append(UInt8(ascii: "0")) }
            bound *= 10
        }
        // The zeros above were put for each missing digit.
        append(Int64(value), to: &text)
    }
}

/// The text of numerics.
package enum DecimalText {
    package static func append(_ value: Decimal, to text: inout [UInt8]) {
        if value.mantissa < 0 { text.append(UInt8(ascii: "-")) }
        var magnitude = value.mantissa.magnitude
        let scale = Int(value.scale)
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 80) { digits in
            var start = 80
            var written = 0
            while magnitude > 0 || written <= scale {
                if magnitude <= UInt128(UInt64.max) {
                    var small = UInt64(magnitude)
                    while small > 0 || written <= scale {
                        if written == scale, scale > 0 {
                            start -= 1
                            digits[start] = UInt8(ascii: ".")
                        }
                        start -= 1
                        digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: small % 10)
                        small /= 10
                        written += 1
                    }
                    magnitude = 0
                } else {
                    if written == scale, scale > 0 {
                        start -= 1
                        digits[start] = UInt8(ascii: ".")
                    }
                    start -= 1
                    digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: magnitude % 10)
                    magnitude /= 10
                    written += 1
                }
            }
            text.append(contentsOf: UnsafeBufferPointer(rebasing: digits[start..<80]))
        }
    }

    /// PostgreSQL's input of numeric: sign, digits, point, exponent; blanks around. nil if it is not one, or has too many digits.
    package static func parse(_ text: UnsafeBufferPointer<UInt8>) -> Decimal? {
        var position = 0
        let end = text.count
        var negative = false
        if position < end, text[position] == UInt8(ascii: "-") || text[position] == UInt8(ascii: "+") {
            negative = text[position] == UInt8(ascii: "-")
            position += 1
        }
        var mantissa: UInt128 = 0
        var scale = 0
        var digits = 0
        var seenPoint = false
        while position < end {
            let byte = text[position]
            if byte == UInt8(ascii: "."), !seenPoint {
                seenPoint = true
            } else if byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
                digits += 1
                if mantissa >= UInt128(Decimal.powers[37]) * 10 / 10 { return nil }
                mantissa = mantissa * 10 + UInt128(byte - UInt8(ascii: "0"))
                if seenPoint { scale += 1 }
            } else {
                break
            }
            position += 1
        }
        guard digits > 0 else { return nil }
        if position < end, text[position] == UInt8(ascii: "e") || text[position] == UInt8(ascii: "E") {
            position += 1
            var exponentNegative = false
            if position < end, text[position] == UInt8(ascii: "-") || text[position] == UInt8(ascii: "+") {
                exponentNegative = text[position] == UInt8(ascii: "-")
                position += 1
            }
            var exponent = 0
            let start = position
            while position < end, text[position] >= UInt8(ascii: "0"), text[position] <= UInt8(ascii: "9"),
                exponent < 100_000
            {
                exponent = exponent * 10 + Int(text[position] - UInt8(ascii: "0"))
                position += 1
            }
            guard position > start else { return nil }
            scale -= exponentNegative ? -exponent : exponent
        }
        guard position == end else { return nil }
        if mantissa == 0 { return Decimal(mantissa: 0, scale: Int32(min(max(scale, 0), 38))) }
        while scale < 0 {
            guard mantissa < UInt128(Decimal.powers[37]) else { return nil }
            mantissa *= 10
            scale += 1
        }
        guard scale <= 38 else { return nil }
        return Decimal(mantissa: negative ? -Int128(mantissa) : Int128(mantissa), scale: Int32(scale))
    }
}

/// The text of doubles: the shortest digits that read back as the same value, in PostgreSQL's form.
package enum DoubleText {
    /// PostgreSQL's Ryu does not take a number that lies exactly half way to a neighbour (1e23), Swift's description does;
    /// such a value gets the shortest digits strictly between.
    package static func append(_ value: Double, to text: inout [UInt8]) {
        if value.isNaN { return text.append(contentsOf: "NaN".utf8) }
        if value.isInfinite { return text.append(contentsOf: (value < 0 ? "-Infinity" : "Infinity").utf8) }
        if value == 0 { return text.append(contentsOf: (value.sign == .minus ? "-0" : "0").utf8) }
        if value.magnitude < 1e15, value == value.rounded(.towardZero) {
            return IntegerText.append(Int64(value), to: &text)
        }
        if value < 0 { text.append(UInt8(ascii: "-")) }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 32) { digits in
            var description = value.magnitude.description
            var (count, point) = description.withUTF8 { parse($0, digits) }
            if value.magnitude >= 0x1p54, isHalfWay(value.magnitude, digits, count, point) {
                for precision in (count + 1)...17 {
                    (count, point) = nearest(value.magnitude, precision, digits)
                    if count == precision, !isHalfWay(value.magnitude, digits, count, point) { break }
                }
            }
            arrange(UnsafeBufferPointer(rebasing: digits[0..<count]), point, fixedBelow: 15, to: &text)
        }
    }

    /// Takes the digits of a positive decimal number, without zeros at the ends: it is 0.digits × 10^point.
    fileprivate static func parse(
        _ text: UnsafeBufferPointer<UInt8>, _ digits: UnsafeMutableBufferPointer<UInt8>
    ) -> (count: Int, point: Int) {
        var (count, point, seenPoint, position) = (0, 0, false, 0)
        while position < text.count, text[position] | 0x20 != UInt8(ascii: "e") {
            let byte = text[position]
            position += 1
            if byte == UInt8(ascii: ".") {
                seenPoint = true
                continue
            }
            if count > 0 || byte != UInt8(ascii: "0") {
                digits[count] = byte
                count += 1
                if !seenPoint { point += 1 }
            } else if seenPoint {
                point -= 1
            }
        }
        if position < text.count {
            position += 1
            let negative = text[position] == UInt8(ascii: "-")
            var exponent = 0
            for byte in text[position...] where byte >= UInt8(ascii: "0") {
                exponent = exponent * 10 + Int(byte - UInt8(ascii: "0"))
            }
            point += negative ? -exponent : exponent
        }
        while count > 1, digits[count - 1] == UInt8(ascii: "0") { count -= 1 }
        return (count, point)
    }

    /// The nearest number of so many digits.
    private static func nearest(
        _ value: Double, _ precision: Int, _ digits: UnsafeMutableBufferPointer<UInt8>
    ) -> (count: Int, point: Int) {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
            let length = withVaList([Int32(precision - 1), value]) { vsnprintf(buffer.baseAddress, 64, "%.*e", $0) }
            return buffer.withMemoryRebound(to: UInt8.self) {
                parse(UnsafeBufferPointer(rebasing: $0[0..<Int(length)]), digits)
            }
        }
    }

    /// Whether 0.digits × 10^point, an integer, is half way between `value` (2^54 or more) and a neighbour.
    private static func isHalfWay(
        _ value: Double, _ digits: UnsafeMutableBufferPointer<UInt8>, _ count: Int, _ point: Int
    ) -> Bool {
        // number = significand × 5^exponent × 2^exponent; 5^23 is the largest that divides an odd number of 54 bits.
        let exponent = point - count
        guard exponent >= 0, exponent <= 23 else { return false }
        var number: UInt128 = 0
        for digit in digits[0..<count] { number = number * 10 + UInt128(digit - UInt8(ascii: "0")) }
        for _ in 0..<exponent { number *= 5 }
        // value = mantissa × 2^power, and half way lie (2 × mantissa ± 1) × 2^(power − 1).
        let mantissa = UInt128(value.significandBitPattern | 1 << 52)
        let shift = Int(value.exponent) - 52 - 1 - exponent
        guard shift >= 0 else { return false }
        let odd = number >> UInt128(shift)
        guard odd << UInt128(shift) == number else { return false }
        return odd == 2 * mantissa + 1 || odd == 2 * mantissa - 1
    }

    /// Writes 0.digits × 10^point, as a whole up to exponents below `fixedBelow`.
    fileprivate static func arrange(
        _ digits: UnsafeBufferPointer<UInt8>, _ point: Int, fixedBelow: Int, to text: inout [UInt8]
    ) {
        let exponent = point - 1
        if exponent < -4 || exponent >= fixedBelow {
            text.append(digits[0])
            if digits.count > 1 {
                text.append(UInt8(ascii: "."))
                text.append(contentsOf: digits[1...])
            }
            text.append(UInt8(ascii: "e"))
            text.append(exponent < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+"))
            IntegerText.append(abs(exponent), width: 2, to: &text)
        } else if point <= 0 {
            text.append(contentsOf: "0.".utf8)
            text.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: -point))
            text.append(contentsOf: digits)
        } else if digits.count <= point {
            text.append(contentsOf: digits)
            text.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: point - digits.count))
        } else {
            text.append(contentsOf: digits[..<point])
            text.append(UInt8(ascii: "."))
            text.append(contentsOf: digits[point...])
        }
    }
}

/// The text of reals, as ``DoubleText``.
package enum RealText {
    package static func append(_ value: Float, to text: inout [UInt8]) {
        if !value.isFinite || value == 0 { return DoubleText.append(Double(value), to: &text) }
        if value < 0 { text.append(UInt8(ascii: "-")) }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 32) { digits in
            var description = value.magnitude.description
            var (count, point) = description.withUTF8 { DoubleText.parse($0, digits) }
            if isHalfWay(value.magnitude, digits, count, point) {
                for precision in (count + 1)...9 {
                    (count, point) = nearest(value.magnitude, precision, digits)
                    if count == precision, !isHalfWay(value.magnitude, digits, count, point) { break }
                }
            }
            DoubleText.arrange(UnsafeBufferPointer(rebasing: digits[0..<count]), point, fixedBelow: 6, to: &text)
        }
    }

    private static func nearest(
        _ value: Float, _ precision: Int, _ digits: UnsafeMutableBufferPointer<UInt8>
    ) -> (count: Int, point: Int) {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
            let length = withVaList([Int32(precision - 1), Double(value)]) {
                vsnprintf(buffer.baseAddress, 64, "%.*e", $0)
            }
            return buffer.withMemoryRebound(to: UInt8.self) {
                DoubleText.parse(UnsafeBufferPointer(rebasing: $0[0..<Int(length)]), digits)
            }
        }
    }

    /// Whether 0.digits × 10^point is half way between `value` and a neighbour; both are doubles.
    private static func isHalfWay(
        _ value: Float, _ digits: UnsafeMutableBufferPointer<UInt8>, _ count: Int, _ point: Int
    ) -> Bool {
        // Only integers of up to 9 digits times a power of ten are at stake; half way lie dyadic numbers.
        let exponent = point - count
        guard exponent >= 0, exponent <= 22, value.nextUp.isFinite else { return false }
        var number: UInt64 = 0
        for digit in digits[0..<count] { number = number * 10 + UInt64(digit - UInt8(ascii: "0")) }
        // 9 digits times 10^22 may not be exact, and then it has too many bits to lie half way.
        var power: UInt128 = 1
        for _ in 0..<exponent { power *= 10 }
        let (exact, overflow) = UInt128(number).multipliedReportingOverflow(by: power)
        guard !overflow, let decimal = Double(exactly: exact) else { return false }
        let (below, above) = (Double(value.nextDown), Double(value.nextUp))
        return decimal == (below + Double(value)) / 2 || decimal == (Double(value) + above) / 2
    }
}

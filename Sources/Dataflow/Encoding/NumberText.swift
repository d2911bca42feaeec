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
    package static func append(_ value: Double, to text: inout [UInt8]) {
        if value.isNaN { return text.append(contentsOf: "NaN".utf8) }
        if value.isInfinite { return text.append(contentsOf: (value < 0 ? "-Infinity" : "Infinity").utf8) }
        if value == 0 { return text.append(contentsOf: (value.sign == .minus ? "-0" : "0").utf8) }
        if value.magnitude < 1e15, value == value.rounded(.towardZero) {
            return IntegerText.append(Int64(value), to: &text)
        }
        // Swift's description has the shortest digits; the notation is arranged anew.
        var digits: [UInt8] = []
        var exponent = 0
        var pointAt: Int?
        var description = value.magnitude.description
        description.withUTF8 { bytes in
            var position = 0
            while position < bytes.count {
                let byte = bytes[position]
                position += 1
                if byte == UInt8(ascii: ".") {
                    pointAt = digits.count
                } else if byte == UInt8(ascii: "e") {
                    let negative = bytes[position] == UInt8(ascii: "-")
                    position += 1
                    var number = 0
                    while position < bytes.count {
                        number = number * 10 + Int(bytes[position] - UInt8(ascii: "0"))
                        position += 1
                    }
                    exponent = negative ? -number : number
                } else {
                    digits.append(byte)
                }
            }
        }
        // value = 0.digits × 10^pointPosition
        var pointPosition = (pointAt ?? digits.count) + exponent
        while digits.first == UInt8(ascii: "0") {
            digits.removeFirst()
            pointPosition -= 1
        }
        while digits.last == UInt8(ascii: "0") { digits.removeLast() }
        if value < 0 { text.append(UInt8(ascii: "-")) }
        let scientific = pointPosition - 1
        if scientific < -4 || scientific >= 15 {
            text.append(digits[0])
            if digits.count > 1 {
                text.append(UInt8(ascii: "."))
                text.append(contentsOf: digits[1...])
            }
            text.append(UInt8(ascii: "e"))
            text.append(UInt8(ascii: scientific < 0 ? "-" : "+"))
            IntegerText.append(abs(scientific), width: 2, to: &text)
        } else if pointPosition <= 0 {
            text.append(contentsOf: "0.".utf8)
            text.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: -pointPosition))
            text.append(contentsOf: digits)
        } else if digits.count <= pointPosition {
            text.append(contentsOf: digits)
            text.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: pointPosition - digits.count))
        } else {
            text.append(contentsOf: digits[..<pointPosition])
            text.append(UInt8(ascii: "."))
            text.append(contentsOf: digits[pointPosition...])
        }
    }
}

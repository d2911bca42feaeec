/// A template of to_char and to_number for numbers, with what its patterns say together (PostgreSQL's NUMDesc).
struct NumberTemplate {
    enum SignPlace { case none, before, after }

    var nodes: [TemplateNode]
    /// Digits before and after the point, and behind V.
    var integerDigits = 0
    var fractionDigits = 0
    var shiftDigits = 0
    var sign = SignPlace.none
    /// Digits before the point that precede S.
    var digitsBeforeSign = 0
    /// Where zeros begin and end to be shown, counted in digits.
    var zeroStart = 0
    var zeroEnd = 0
    var hasPoint = false
    var hasZero = false
    var isBlank = false
    var isFillMode = false
    var hasSign = false
    var hasBracket = false
    var hasMinus = false
    var hasPlus = false
    var isRoman = false
    var hasShift = false
    var isScientific = false

    init(_ nodes: [TemplateNode]) throws(RowFailure) {
        self.nodes = nodes
        for node in nodes where node.kind == .pattern { try add(node.name.uppercased()) }
    }

    private func wrong(_ message: String) -> RowFailure { RowFailure("42601", message) }

    private mutating func add(_ pattern: String) throws(RowFailure) {
        if isScientific, pattern != "EEEE" { throw wrong("\"EEEE\" must be the last pattern used") }
        switch pattern {
        case "9", "0": try addDigit(pattern)
        case "B":
            if integerDigits == 0, fractionDigits == 0, !hasZero { isBlank = true }
        case "D", ".":
            if hasPoint { throw wrong("multiple decimal points") }
            if hasShift { throw wrong("cannot use \"V\" and decimal point together") }
            hasPoint = true
        case "FM": isFillMode = true
        case "V":
            if hasPoint { throw wrong("cannot use \"V\" and decimal point together") }
            hasShift = true
        case "RN": isRoman = true
        case "EEEE":
            if isScientific { throw wrong("cannot use \"EEEE\" twice") }
            if isBlank || isFillMode || hasSign || hasBracket || hasMinus || hasPlus || isRoman || hasShift {
                throw wrong("\"EEEE\" is incompatible with other formats")
            }
            isScientific = true
        default: try addSign(pattern)
        }
    }

    private mutating func addDigit(_ pattern: String) throws(RowFailure) {
        if hasBracket { throw wrong("\"\(pattern)\" must be ahead of \"PR\"") }
        if pattern == "9" {
            if hasShift {
                shiftDigits += 1
            } else if hasPoint {
                fractionDigits += 1
            } else {
                integerDigits += 1
            }
            return
        }
        if !hasZero, !hasPoint {
            hasZero = true
            zeroStart = integerDigits + 1
        }
        if hasPoint { fractionDigits += 1 } else { integerDigits += 1 }
        zeroEnd = integerDigits + fractionDigits
    }

    private mutating func addSign(_ pattern: String) throws(RowFailure) {
        switch pattern {
        case "S":
            if hasSign { throw wrong("cannot use \"S\" twice") }
            if hasPlus || hasMinus || hasBracket {
                throw wrong("cannot use \"S\" and \"PL\"/\"MI\"/\"SG\"/\"PR\" together")
            }
            hasSign = true
            if !hasPoint {
                sign = .before
                digitsBeforeSign = integerDigits
            } else if sign == .none {
                sign = .after
            }
        case "MI", "PL", "SG":
            if hasSign { throw wrong("cannot use \"S\" and \"\(pattern)\" together") }
            if pattern != "PL" { hasMinus = true }
            if pattern != "MI" { hasPlus = true }
        case "PR":
            if hasSign || hasPlus || hasMinus {
                throw wrong("cannot use \"PR\" and \"S\"/\"PL\"/\"MI\"/\"SG\" together")
            }
            hasBracket = true
        default: break
        }
    }
}

/// The number template read last.
struct NumberTemplateCache {
    private var text: [UInt8]?
    private var template: NumberTemplate?

    mutating func template(_ bytes: TextKernels.Bytes) throws(RowFailure) -> NumberTemplate {
        if let text, let template, text.elementsEqual(bytes) { return template }
        let made = try NumberTemplate(TemplateNode.parse(bytes, .number))
        (text, template) = (Array(bytes), made)
        return made
    }
}

/// to_char of numbers: puts the digits of a number, as text, into a template, position by position as PostgreSQL's formatting.c
/// does (so that its quirks are the same).
struct NumberFormatter {
    private var template: NumberTemplate
    /// Digits and a point, without a sign.
    private let number: [UInt8]
    private let isNegative: Bool
    private var blanksBefore: Int
    private var out: [UInt8] = []
    /// The place in `number`.
    private var place = 0
    /// The last place of a fraction that is not a zero; nil where nothing is left out.
    private var lastRelevant: Int?
    private var isSignWritten = false
    private var slotCount = 0
    private var slot = 0
    private var isInNumber = false

    /// A number without sign, whose digits after the point are the template's; too many before it show as `#`.
    static func text(
        _ template: NumberTemplate, digits: [UInt8], isNegative: Bool
    ) throws(RowFailure) -> [UInt8] {
        let point = digits.firstIndex(of: UInt8(ascii: ".")) ?? digits.count
        var shown = digits
        if point > template.integerDigits {
            shown = [UInt8](repeating: UInt8(ascii: "#"), count: template.integerDigits + template.fractionDigits + 1)
            shown[template.integerDigits] = UInt8(ascii: ".")
        }
        var formatter = NumberFormatter(
            template: template, number: shown, isNegative: isNegative,
            blanksBefore: max(template.integerDigits - point, 0))
        return try formatter.format()
    }

    /// A number that is shown as it is: Roman.
    static func roman(_ template: NumberTemplate, _ value: Int?) throws(RowFailure) -> [UInt8] {
        let numeral = value.flatMap { romanNumeral($0) } ?? [UInt8](repeating: UInt8(ascii: "#"), count: 15)
        var plain = template
        plain.sign = .none
        (plain.integerDigits, plain.fractionDigits) = (0, 0)
        (plain.hasPoint, plain.hasZero, plain.isBlank, plain.hasSign, plain.hasBracket, plain.hasMinus, plain.hasPlus) =
            (false, false, false, false, false, false, false)
        plain.hasShift = false
        var formatter = NumberFormatter(template: plain, number: numeral, isNegative: false, blanksBefore: 0)
        return try formatter.format()
    }

    private static func romanNumeral(_ value: Int) -> [UInt8]? {
        guard value >= 1, value <= 3999 else { return nil }
        let parts: [(Int, String)] = [
            (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"),
            (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
        ]
        var rest = value
        var text = ""
        for (size, numeral) in parts {
            while rest >= size {
                text += numeral
                rest -= size
            }
        }
        return Array(text.utf8)
    }

    private init(template: NumberTemplate, number: [UInt8], isNegative: Bool, blanksBefore: Int) {
        self.template = template
        self.number = number
        self.isNegative = isNegative
        self.blanksBefore = blanksBefore
        if template.zeroStart > 0 { self.template.zeroStart -= 1 }
    }

    private func byte(_ place: Int) -> UInt8? { place < number.count ? number[place] : nil }

    private mutating func format() throws(RowFailure) -> [UInt8] {
        prepare()
        for node in template.nodes {
            guard node.kind == .pattern else {
                out.append(contentsOf: node.text)
                continue
            }
            try write(node.name)
        }
        return out
    }

    private mutating func prepare() {
        if template.hasPlus || template.hasMinus {
            isSignWritten = !(template.hasPlus && !template.hasMinus)
        } else {
            if !isNegative, template.isFillMode { template.hasBracket = false }
            isSignWritten = !isNegative && template.isFillMode && !template.hasSign && !template.isRoman
            if template.sign == .before, template.integerDigits == template.digitsBeforeSign { template.sign = .after }
        }
        slotCount = template.fractionDigits + template.integerDigits - 1
        if template.isFillMode, template.hasPoint, let point = number.firstIndex(of: UInt8(ascii: ".")) {
            let relevant = number.indices.last { $0 > point && number[$0] != UInt8(ascii: "0") } ?? point
            lastRelevant = relevant
            // Zeros that the template asks for stay.
            if template.zeroEnd > blanksBefore {
                lastRelevant = max(relevant, min(number.count - 1, template.zeroEnd - blanksBefore))
            }
        }
        if !isSignWritten, blanksBefore == 0 { slotCount += 1 }
    }

    private mutating func write(_ name: String) throws(RowFailure) {
        switch name.uppercased() {
        case "9", "0", ".", "D": digit(isZero: name == "0")
        case ",", "G":
            if isInNumber { out.append(UInt8(ascii: ",")) } else if !template.isFillMode { out.append(0x20) }
        case "L": out.append(0x20)
        case "RN":
            var numeral = number
            if name == "rn" { numeral = numeral.map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 } }
            if !template.isFillMode, numeral.count < 15 {
                out.append(contentsOf: [UInt8](repeating: 0x20, count: 15 - numeral.count))
            }
            out.append(contentsOf: numeral)
        case "TH":
            if template.isRoman || number.first == UInt8(ascii: "#") || isNegative || template.hasPoint { return }
            guard let last = number.last, TemplateNode.isDigit(last) else {
                throw RowFailure("22P02", "\"\(String(decoding: number, as: UTF8.self))\" is not a number")
            }
            let ending = TimeFormatter.ordinal(number)
            out.append(contentsOf: (name == "TH" ? ending.uppercased() : ending).utf8)
        case "MI":
            if isNegative { out.append(UInt8(ascii: "-")) } else if !template.isFillMode { out.append(0x20) }
        case "PL":
            if !isNegative { out.append(UInt8(ascii: "+")) } else if !template.isFillMode { out.append(0x20) }
        case "SG": out.append(isNegative ? UInt8(ascii: "-") : UInt8(ascii: "+"))
        default: break
        }
    }

    /// A zero before the point that the template does not ask for: `9.9` shows 0.1 as `.1`.
    private var isHiddenZero: Bool {
        !template.hasZero && place == 0 && number.first == UInt8(ascii: "0") && template.fractionDigits != 0
    }

    private var isLastRelevantPoint: Bool { lastRelevant.flatMap { byte($0) } == UInt8(ascii: ".") }

    private mutating func writeSign() {
        let startsHere = slot >= blanksBefore || template.hasZero && template.zeroStart == slot
        guard !isSignWritten, startsHere, !isHiddenZero || isLastRelevantPoint else { return }
        if template.hasSign {
            guard template.sign == .before else { return }
            out.append(isNegative ? UInt8(ascii: "-") : UInt8(ascii: "+"))
        } else if template.hasBracket {
            out.append(isNegative ? UInt8(ascii: "<") : 0x20)
        } else if isNegative {
            out.append(UInt8(ascii: "-"))
        } else if !template.isFillMode {
            out.append(0x20)
        }
        isSignWritten = true
    }

    /// One slot of the number: `9`, `0` or the point.
    private mutating func digit(isZero: Bool) {
        if template.isRoman { return }
        isInNumber = false
        writeSign()
        if slot < blanksBefore, template.zeroStart > slot || !template.hasZero {
            if !template.isFillMode { out.append(0x20) }
        } else if template.hasZero, slot < blanksBefore, template.zeroStart <= slot {
            out.append(UInt8(ascii: "0"))
            isInNumber = true
        } else {
            writeDigit(isZero: isZero)
            if place < number.count { place += 1 }
        }
        var end = slotCount + (blanksBefore > 0 ? 1 : 0) + (template.hasPoint ? 1 : 0)
        if let lastRelevant, lastRelevant == place { end = slot }
        if slot + 1 == end {
            if isSignWritten, template.hasBracket {
                out.append(isNegative ? UInt8(ascii: ">") : 0x20)
            } else if template.hasSign, template.sign == .after {
                out.append(isNegative ? UInt8(ascii: "-") : UInt8(ascii: "+"))
            }
        }
        slot += 1
    }

    private mutating func writeDigit(isZero: Bool) {
        if byte(place) == UInt8(ascii: ".") {
            if lastRelevant == nil || !isLastRelevantPoint || template.isFillMode { out.append(UInt8(ascii: ".")) }
        } else if let lastRelevant, place > lastRelevant, !isZero {
            return
        } else if isHiddenZero {
            if !template.isFillMode {
                out.append(0x20)
            } else if isLastRelevantPoint {
                out.append(UInt8(ascii: "0"))
            }
        } else if let digit = byte(place) {
            out.append(digit)
            isInNumber = true
        }
    }
}

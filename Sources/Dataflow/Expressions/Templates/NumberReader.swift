/// to_number: picks the digits, the point and the sign of a number out of a text by a template, as PostgreSQL's formatting.c does.
struct NumberReader {
    private let template: NumberTemplate
    private let text: [UInt8]
    private var position = 0
    private var sign: UInt8 = 0x20
    private var digits: [UInt8] = []
    private var integerRead = 0
    private(set) var fractionRead = 0
    private var isPointRead = false

    /// The number's text (a sign or a blank, digits, a point) and how many digits follow the point.
    static func read(
        _ text: TextKernels.Bytes, _ template: NumberTemplate
    ) throws(RowFailure) -> (number: [UInt8], fractionDigits: Int) {
        if template.isScientific { throw RowFailure("0A000", "\"EEEE\" not supported for input") }
        if template.isRoman { throw RowFailure("0A000", "\"RN\" not supported for input") }
        var reader = NumberReader(template: template, text: Array(text))
        for node in template.nodes {
            if reader.isAtEnd { break }
            guard node.kind == .pattern else {
                reader.skipCharacter()
                continue
            }
            if reader.step(node.name.uppercased()) { reader.position += 1 }
        }
        var digits = reader.digits
        if digits.last == UInt8(ascii: ".") { digits.removeLast() }
        return ([reader.sign] + digits, reader.fractionRead)
    }

    private init(template: NumberTemplate, text: [UInt8]) {
        self.template = template
        self.text = text
    }

    private var isAtEnd: Bool { position >= text.count }

    private mutating func skipCharacter() {
        position = text.withUnsafeBufferPointer { TextFunctions.after($0, position) }
    }

    /// Skips up to `count` characters that cannot be part of a number.
    private mutating func skipOthers(_ count: Int) {
        for _ in 0..<count {
            if isAtEnd || "0123456789.,+-".utf8.contains(text[position]) { return }
            skipCharacter()
        }
    }

    /// One pattern; whether one more byte of the text is taken.
    private mutating func step(_ pattern: String) -> Bool {
        switch pattern {
        case "9", "0", ".", "D":
            digit(isDigit: pattern == "9" || pattern == "0")
            return true
        case ",", "G":
            // While nothing of a number was read, as PostgreSQL's `num_in` never is here, fill mode looks for no comma.
            if template.isFillMode { return false }
            return text[position] == UInt8(ascii: ",")
        case "L": skipOthers(1)
        case "TH": if !template.hasPoint { skipOthers(2) }
        case "MI":
            if text[position] == UInt8(ascii: "-") {
                sign = text[position]
                return true
            }
            skipOthers(1)
        case "PL":
            if text[position] == UInt8(ascii: "+") {
                sign = text[position]
                return true
            }
            skipOthers(1)
        case "SG":
            if text[position] == UInt8(ascii: "-") || text[position] == UInt8(ascii: "+") {
                sign = text[position]
                return true
            }
            skipOthers(1)
        default: break
        }
        return false
    }

    private mutating func digit(isDigit: Bool) {
        if text[position] == 0x20 { position += 1 }
        if isAtEnd { return }
        if sign == 0x20, isDigit, integerRead + fractionRead == 0 { readLeadingSign() }
        if isAtEnd { return }
        var isRead = false
        let byte = text[position]
        if TemplateNode.isDigit(byte) {
            if isPointRead, fractionRead == template.fractionDigits { return }
            digits.append(byte)
            if isPointRead { fractionRead += 1 } else { integerRead += 1 }
            isRead = true
        } else if template.hasPoint, !isPointRead, byte == UInt8(ascii: ".") {
            digits.append(byte)
            isPointRead = true
            isRead = true
        }
        if sign == 0x20, integerRead + fractionRead > 0 { readTrailingSign(isRead) }
    }

    private mutating func readLeadingSign() {
        let byte = text[position]
        if template.hasSign, template.sign == .before {
            if byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+") {
                sign = byte
                position += 1
            }
        } else if byte == UInt8(ascii: "-") || template.hasBracket && byte == UInt8(ascii: "<") {
            sign = UInt8(ascii: "-")
            position += 1
        } else if byte == UInt8(ascii: "+") {
            sign = byte
            position += 1
        }
    }

    private mutating func readTrailingSign(_ isRead: Bool) {
        if template.hasSign, isRead, position + 1 < text.count, !TemplateNode.isDigit(text[position + 1]) {
            let next = text[position + 1]
            if next == UInt8(ascii: "-") || next == UInt8(ascii: "+") {
                sign = next
                position += 1
            }
        }
    }
}

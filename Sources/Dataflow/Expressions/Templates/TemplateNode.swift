/// One piece of a template of to_char, to_timestamp or to_number: a pattern, or text that stands for itself.
struct TemplateNode {
    enum Kind { case pattern, character, separator, space }

    var kind: Kind
    /// A pattern as it is written in the table (`HH24`, `Month`, `yyyy`), or one character.
    var text: [UInt8]
    /// Modifiers of time patterns.
    var isFillMode = false
    var hasOrdinal = false
    var isOrdinalUpper = false

    var name: String { String(decoding: text, as: UTF8.self) }

    /// Which patterns a template may have, and its modifiers.
    enum Grammar { case time, number }

    private static func bothCases(_ names: String) -> [String] {
        let upper = names.split(separator: " ").map { String($0) }
        return upper + upper.map { $0.lowercased() }
    }

    /// Longest first, so that the first that fits is the pattern.
    private static func table(_ names: [String]) -> [[UInt8]] {
        names.sorted { $0.utf8.count > $1.utf8.count }.map { Array($0.utf8) }
    }

    private static let timePatterns = table(
        bothCases(
            """
            A.D. A.M. AD AM B.C. BC CC DAY DDD DD DY D FF1 FF2 FF3 FF4 FF5 FF6 FX HH24 HH12 HH IDDD ID IW IYYY IYY IY I J MI MM \
            MONTH MON MS OF P.M. PM Q RM SSSSS SSSS SS TZH TZM TZ US WW W Y,YYY YYYY YYY YY Y
            """) + ["Day", "Dy", "Month", "Mon"])

    private static let numberPatterns = table(
        bothCases(", . 0 9 B C D EEEE FM G L MI PL PR RN SG SP S TH V"))

    static func parse(_ template: TextKernels.Bytes, _ grammar: Grammar) -> [TemplateNode] {
        let patterns = grammar == .time ? timePatterns : numberPatterns
        var nodes: [TemplateNode] = []
        var position = 0
        func starts(_ word: StaticString) -> Bool {
            position + word.utf8CodeUnitCount <= template.count
                && (0..<word.utf8CodeUnitCount).allSatisfy { template[position + $0] == word.utf8Start[$0] }
        }
        func character() -> [UInt8] {
            let next = TextFunctions.after(template, position)
            defer { position = next }
            return Array(template[position..<next])
        }
        while position < template.count {
            var isFillMode = false
            // TM would translate names; there is only one language.
            if grammar == .time, starts("FM") || starts("fm") || starts("TM") || starts("tm") {
                isFillMode = true
                position += 2
                guard position < template.count else { break }
            }
            let rest = UnsafeBufferPointer(rebasing: template[position...])
            if let pattern = patterns.first(where: { rest.starts(with: $0) }) {
                position += pattern.count
                var node = TemplateNode(kind: .pattern, text: pattern, isFillMode: isFillMode)
                if grammar == .time {
                    if starts("TH") || starts("th") {
                        (node.hasOrdinal, node.isOrdinalUpper) = (true, template[position] == UInt8(ascii: "T"))
                        position += 2
                    } else if starts("SP") {
                        position += 2
                    }
                }
                nodes.append(node)
            } else if template[position] == UInt8(ascii: "\"") {
                position += 1
                while position < template.count {
                    if template[position] == UInt8(ascii: "\"") {
                        position += 1
                        break
                    }
                    if template[position] == UInt8(ascii: "\\"), position + 1 < template.count { position += 1 }
                    nodes.append(TemplateNode(kind: .character, text: character()))
                }
            } else {
                if starts("\\\"") { position += 1 }
                let byte = template[position]
                let kind: Kind =
                    grammar == .time && isSeparator(byte) ? .separator : isBlank(byte) ? .space : .character
                nodes.append(TemplateNode(kind: kind, text: character()))
            }
        }
        return nodes
    }

    static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte >= 9 && byte <= 13 }

    static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

    /// Visible ASCII but letters and digits.
    static func isSeparator(_ byte: UInt8) -> Bool {
        let letter = byte | 0x20
        return byte > 0x20 && byte < 0x7F && !isDigit(byte) && !(letter >= 0x61 && letter <= 0x7A)
    }
}

/// The template parsed last: a column of templates is one constant nearly always.
struct TemplateCache {
    let grammar: TemplateNode.Grammar
    private var template: [UInt8]?
    private var parsed: [TemplateNode] = []

    init(_ grammar: TemplateNode.Grammar) { self.grammar = grammar }

    mutating func nodes(_ text: TextKernels.Bytes) -> [TemplateNode] {
        if let template, template.elementsEqual(text) { return parsed }
        template = Array(text)
        parsed = TemplateNode.parse(text, grammar)
        return parsed
    }
}

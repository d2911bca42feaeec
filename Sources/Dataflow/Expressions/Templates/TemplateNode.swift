/// One piece of a template of to_char, to_timestamp or to_number: a pattern, or text that stands for itself.
struct TemplateNode {
    enum Kind { case pattern, character, separator, space }

    let kind: Kind
    /// A pattern as it is written in the table (`HH24`, `Month`, `yyyy`), or one character.
    let text: [UInt8]
    /// The text in upper case.
    let upper: String
    /// Modifiers of time patterns.
    var isFillMode = false
    var hasOrdinal = false
    var isOrdinalUpper = false

    init(kind: Kind, text: [UInt8], isFillMode: Bool = false) {
        self.kind = kind
        self.text = text
        self.isFillMode = isFillMode
        upper = String(decoding: text, as: UTF8.self).uppercased()
    }

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
    /// The nodes of the template given last.
    private(set) var parsed: [TemplateNode] = []

    init(_ grammar: TemplateNode.Grammar) { self.grammar = grammar }

    mutating func nodes(_ text: TextKernels.Bytes) -> [TemplateNode] {
        use(text)
        return parsed
    }

    /// Parses a template unless it is the one given last; whether it did.
    @discardableResult
    mutating func use(_ text: TextKernels.Bytes) -> Bool {
        if let template, TextKernels.isEqual(text, template) { return false }
        template = Array(text)
        parsed = TemplateNode.parse(text, grammar)
        return true
    }
}

/// What to_char made last of a timestamp, and between which ones it makes the same: most templates show nothing finer than a day or a
/// minute, and times that follow each other are close.
struct TimeTextCache {
    private static let hour: Int64 = 3_600_000_000
    private static let units: [String: Int64] = [
        "HH": hour, "HH12": hour, "HH24": hour, "AM": hour, "PM": hour, "A.M.": hour, "P.M.": hour, "MI": 60_000_000,
        "SS": 1_000_000, "SSSS": 1_000_000, "SSSSS": 1_000_000, "MS": 1, "US": 1, "FF1": 1, "FF2": 1, "FF3": 1,
        "FF4": 1,
        "FF5": 1, "FF6": 1,
    ]

    private var templates = TemplateCache(.time)
    /// Microseconds of the finest unit that the template shows; no pattern but those above shows less than a day.
    private var unit: Int64 = 1
    /// The microseconds whose text is ``text``.
    private var known: Range<Int64> = 0..<0
    private var text: [UInt8] = []

    /// Appends a finite timestamp by the template; `fields` gives its parts.
    mutating func append(
        _ timestamp: Int64, _ template: TextKernels.Bytes, to out: inout TextWriter, _ fields: (Int64) -> TemplateFields
    ) throws(RowFailure) {
        if templates.use(template) {
            unit =
                templates.parsed.lazy.filter { $0.kind == .pattern }.map { Self.units[$0.upper] ?? 24 * Self.hour }
                .min() ?? 24 * Self.hour
            known = 0..<0
        }
        if known.contains(timestamp) { return out.append(text) }
        try TimeFormatter.append(fields(timestamp), templates.parsed, to: &out)
        let rest = timestamp % unit
        let start = timestamp - (rest < 0 ? rest + unit : rest)
        // The last day that there is ends later than 64 bits count.
        let (end, overflow) = start.addingReportingOverflow(unit)
        known = start..<(overflow ? .max : end)
        text = Array(out.rowBytes)
    }
}

/// Translates PostgreSQL's "advanced" regular expressions (its manual, 9.7.3) into RE2's syntax.
///
/// The same language wherever both have it: escapes, classes, quantifiers and embedded options are rewritten, so that RE2 reads only
/// what this writes. What RE2 cannot do, or not in linear time, is refused by name: back-references, look-ahead and look-behind.
/// Without non-greedy quantifiers the match is the leftmost-longest one, as in PostgreSQL; with them, Perl's.
struct RegexTranslator {
    /// How a pattern is read: PostgreSQL's option letters.
    struct Options: Equatable {
        var foldsCase = false
        /// `.` and negated brackets do not match a newline.
        var newlineEndsDot = false
        /// `^` and `$` match at newlines.
        var newlineEndsAnchor = false
        var isExpanded = false
        var isLiteral = false
        var isGlobal = false

        /// Takes the letters of a flags argument (`isArgument`) or of `(?…)`.
        mutating func apply(_ letters: some Sequence<Unicode.Scalar>, isArgument: Bool) throws(RowFailure) {
            for letter in letters {
                switch letter {
                case "g" where isArgument: isGlobal = true
                case "c": foldsCase = false
                case "i": foldsCase = true
                case "m", "n": (newlineEndsDot, newlineEndsAnchor) = (true, true)
                case "p": (newlineEndsDot, newlineEndsAnchor) = (true, false)
                case "w": (newlineEndsDot, newlineEndsAnchor) = (false, true)
                case "s": (newlineEndsDot, newlineEndsAnchor) = (false, false)
                case "q": isLiteral = true
                case "t": isExpanded = false
                case "x": isExpanded = true
                case "b", "e":
                    throw RowFailure(
                        "0A000", "basic and extended regular expressions (options b and e) are not supported")
                default:
                    throw isArgument
                        ? RowFailure("22023", "invalid regular expression option: \"\(letter)\"")
                        : RegexTranslator.invalid("invalid embedded option")
                }
            }
        }
    }

    private(set) var options: Options
    /// Whether a quantifier is not greedy.
    private(set) var isNonGreedy = false
    private var input: [Unicode.Scalar]
    private var position = 0
    private var output = ""
    /// Where each open group starts in the output.
    private var groups: [String.UTF8View.Index] = []
    private var lastGroup: String.UTF8View.Index?
    private var groupCount = 0
    /// An atom precedes that a quantifier may follow.
    private var hasAtom = false
    /// The atom before is a letter, digit or underscore, or `\w`.
    private var endsInWord = false

    /// The most times that a quantifier repeats.
    private static let repeatMax = 255

    static func invalid(_ reason: String) -> RowFailure {
        RowFailure("2201B", "invalid regular expression: \(reason)")
    }

    private static func refused(_ what: String) -> RowFailure {
        RowFailure("0A000", "\(what) in regular expressions is not supported")
    }

    /// RE2's pattern.
    static func translate(_ pattern: TextKernels.Bytes, _ options: Options) throws(RowFailure) -> (
        pattern: String, options: Options, isNonGreedy: Bool
    ) {
        var translator = RegexTranslator(
            options: options, input: Array(String(decoding: pattern, as: UTF8.self).unicodeScalars))
        try translator.prefix()
        if translator.options.isLiteral {
            translator.input[translator.position...].forEach { translator.literal($0) }
        } else {
            try translator.expression()
        }
        return (translator.output, translator.options, translator.isNonGreedy)
    }

    private init(options: Options, input: [Unicode.Scalar]) {
        self.options = options
        self.input = input
    }

    // MARK: reading

    private func peek(_ ahead: Int = 0) -> Unicode.Scalar? {
        position + ahead < input.count ? input[position + ahead] : nil
    }

    private mutating func take(_ text: String) -> Bool {
        let scalars = Array(text.unicodeScalars)
        guard input[position...].starts(with: scalars) else { return false }
        position += scalars.count
        return true
    }

    /// `***=`, `***:` and `(?letters)`.
    private mutating func prefix() throws(RowFailure) {
        if options.isLiteral { return }
        if take("***=") { return options.isLiteral = true }
        _ = take("***:")
        guard peek() == "(", peek(1) == "?", let letter = peek(2), letter.properties.isAlphabetic else { return }
        guard let end = input[position...].firstIndex(of: ")") else {
            throw Self.invalid("parentheses () not balanced")
        }
        try options.apply(input[(position + 2)..<end], isArgument: false)
        position = end + 1
    }

    // MARK: expression

    private mutating func expression() throws(RowFailure) {
        while let scalar = peek() {
            if options.isExpanded, skipsBlank(scalar) { continue }
            position += 1
            switch scalar {
            case "(": try open()
            case ")":
                guard let start = groups.popLast() else { throw Self.invalid("parentheses () not balanced") }
                output += ")"
                (hasAtom, endsInWord, lastGroup) = (true, false, start)
                continue
            case "*", "+", "?": try quantifier(String(scalar))
            case "{":
                if let next = peek(), next.value >= 0x30, next.value <= 0x39 { try bounds() } else { literal("{") }
            case "|":
                output += "|"
                (hasAtom, endsInWord) = (false, false)
            case "^": constraint(options.newlineEndsAnchor ? "(?m:^)" : "\\A")
            case "$": constraint(options.newlineEndsAnchor ? "(?m:$)" : "\\z")
            case ".": atom(options.newlineEndsDot ? "[^\\n]" : "(?s:.)")
            case "[": try bracket()
            case "\\": try escape()
            default: literal(scalar)
            }
            lastGroup = nil
        }
        if !groups.isEmpty { throw Self.invalid("parentheses () not balanced") }
    }

    /// Blanks and comments of expanded syntax.
    private mutating func skipsBlank(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.properties.isWhitespace {
            position += 1
            return true
        }
        guard scalar == "#" else { return false }
        while let next = peek(), next != "\n" { position += next == "\n" ? 0 : 1 }
        return true
    }

    private mutating func atom(_ text: String, isWord: Bool = false) {
        output += text
        (hasAtom, endsInWord) = (true, isWord)
    }

    private mutating func constraint(_ text: String) {
        output += text
        (hasAtom, endsInWord) = (false, false)
    }

    private mutating func literal(_ scalar: Unicode.Scalar) {
        let isWord = Self.isASCIIWord(scalar)
        if isWord || !scalar.isASCII {
            output.unicodeScalars.append(scalar)
            (hasAtom, endsInWord) = (true, isWord)
        } else {
            atom(Self.code(scalar))
        }
    }

    private static func isASCIIWord(_ scalar: Unicode.Scalar) -> Bool {
        let letter = scalar.value | 0x20
        return letter >= 0x61 && letter <= 0x7A && scalar.isASCII || scalar.value >= 0x30 && scalar.value <= 0x39
            || scalar == "_"
    }

    private static func code(_ scalar: Unicode.Scalar) -> String { "\\x{\(String(scalar.value, radix: 16))}" }

    private mutating func open() throws(RowFailure) {
        let start = output.utf8.endIndex
        if peek() == "?" {
            switch (peek(1), peek(2)) {
            case (":", _):
                position += 2
                output += "(?:"
            case ("=", _), ("!", _): throw Self.refused("look-ahead")
            case ("<", "="), ("<", "!"): throw Self.refused("look-behind")
            default: throw Self.invalid("quantifier operand invalid")
            }
        } else {
            groupCount += 1
            output += "("
        }
        groups.append(start)
        (hasAtom, endsInWord) = (false, false)
    }

    // MARK: quantifiers

    private mutating func quantifier(_ text: String) throws(RowFailure) {
        guard hasAtom else { throw Self.invalid("quantifier operand invalid") }
        output += text
        if take("?") {
            output += "?"
            isNonGreedy = true
        }
        hasAtom = false
    }

    /// `{m}`, `{m,}` and `{m,n}`, behind the bracket.
    private mutating func bounds() throws(RowFailure) {
        func number(_ translator: inout RegexTranslator) throws(RowFailure) -> Int? {
            var value: Int?
            while let digit = translator.peek(), digit.value >= 0x30, digit.value <= 0x39 {
                value = (value ?? 0) * 10 + Int(digit.value - 0x30)
                if value ?? 0 > Self.repeatMax { throw Self.invalid("invalid repetition count(s)") }
                translator.position += 1
            }
            return value
        }
        guard hasAtom else { throw Self.invalid("quantifier operand invalid") }
        let least = try number(&self) ?? 0
        var most: Int? = least
        if take(",") { most = try number(&self) }
        guard take("}") else {
            throw Self.invalid(peek() == nil ? "braces {} not balanced" : "invalid repetition count(s)")
        }
        if let most, most < least { throw Self.invalid("invalid repetition count(s)") }
        // A group once, not greedy, is how SIMILAR's separators ask for the shortest match of what is inside.
        if least == 1, most == 1, let start = lastGroup, peek() == "?" {
            position += 1
            isNonGreedy = true
            let group = output[start...]
            let inside = group.hasPrefix("(?:") ? String(group.dropFirst(3)) : String(group.dropFirst(1))
            let isCapturing = !group.hasPrefix("(?:")
            output.removeSubrange(start...)
            output += isCapturing ? "((?U:" + inside + ")" : "(?U:" + inside
            hasAtom = false
            return
        }
        let range = most.map { $0 == least ? "{\(least)}" : "{\(least),\($0)}" } ?? "{\(least),}"
        try quantifier(range)
    }

    // MARK: escapes

    private static let classes: [Unicode.Scalar: String] = [
        "d": "0-9", "w": RegexClasses.word, "s": RegexClasses.space,
    ]

    /// What follows a backslash outside of brackets.
    private mutating func escape() throws(RowFailure) {
        guard let scalar = peek() else { throw Self.invalid("invalid escape \\ sequence") }
        position += 1
        switch scalar {
        case "d", "s", "w": atom("[\(Self.classes[scalar] ?? "")]", isWord: scalar == "w")
        case "D": atom("[^0-9]")
        case "S": atom("[^\(RegexClasses.space)]")
        case "W": atom("[^\(RegexClasses.word)]")
        case "A": constraint("\\A")
        case "Z": constraint("\\z")
        case "y": constraint("\\b")
        case "Y": constraint("\\B")
        case "m":
            // A boundary before a word's character is a word's start.
            let isBeforeWord = peek().map { Self.isASCIIWord($0) || $0 == "\\" && peek(1) == "w" } ?? false
            guard isBeforeWord else { throw Self.refused("\\m before anything but a letter, a digit or \\w") }
            constraint("\\b")
        case "M":
            guard endsInWord else { throw Self.refused("\\M behind anything but a letter, a digit or \\w") }
            constraint("\\b")
        case "1", "2", "3", "4", "5", "6", "7", "8", "9":
            let isTwoDigits = peek().map { $0.value >= 0x30 && $0.value <= 0x39 } ?? false
            if !isTwoDigits || (groupCount >= 10) { throw Self.refused("a back-reference") }
            position -= 1
            literal(try character())
        default:
            position -= 1
            literal(try character())
        }
    }

    /// An escape that stands for one character, without its backslash.
    mutating func character() throws(RowFailure) -> Unicode.Scalar {
        guard let scalar = peek() else { throw Self.invalid("invalid escape \\ sequence") }
        position += 1
        switch scalar {
        case "a": return "\u{7}"
        case "b": return "\u{8}"
        case "B": return "\\"
        case "c":
            guard let next = peek() else { throw Self.invalid("invalid escape \\ sequence") }
            position += 1
            return Unicode.Scalar(UInt8(truncatingIfNeeded: next.value & 0x1F))
        case "e": return "\u{1B}"
        case "f": return "\u{C}"
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "v": return "\u{B}"
        case "u": return try digits(radix: 16, least: 4, most: 4)
        case "U": return try digits(radix: 16, least: 8, most: 8)
        case "x": return try digits(radix: 16, least: 1, most: 255)
        case "0", "1", "2", "3", "4", "5", "6", "7":
            position -= 1
            return try digits(radix: 8, least: 1, most: 3)
        default:
            if Self.isASCIIWord(scalar), scalar != "_" { throw Self.invalid("invalid escape \\ sequence") }
            return scalar
        }
    }

    private mutating func digits(radix: UInt32, least: Int, most: Int) throws(RowFailure) -> Unicode.Scalar {
        var value: UInt32 = 0
        var count = 0
        while count < most, let scalar = peek(), scalar.isASCII, let digit = Character(scalar).hexDigitValue,
            UInt32(digit) < radix
        {
            if value > 0x10FFFF { throw Self.invalid("invalid escape \\ sequence") }
            value = value * radix + UInt32(digit)
            position += 1
            count += 1
        }
        guard count >= least, let result = Unicode.Scalar(value) else {
            throw Self.invalid("invalid escape \\ sequence")
        }
        return result
    }

    // MARK: brackets

    /// A bracket expression, behind `[`.
    private mutating func bracket() throws(RowFailure) {
        if take("[:<:]]") || take("[:>:]]") { throw Self.refused("[[:<:]] or [[:>:]]") }
        let isNegated = take("^")
        var items = ""
        var isFirst = true
        while true {
            guard let scalar = peek() else { throw Self.invalid("brackets [] not balanced") }
            if scalar == "]", !isFirst {
                position += 1
                break
            }
            isFirst = false
            if let set = try characterClass() {
                items += set
                continue
            }
            let low = try bracketCharacter()
            if peek() == "-", peek(1) != nil, peek(1) != "]" {
                position += 1
                if try characterClass() != nil { throw Self.invalid("invalid character range") }
                let high = try bracketCharacter()
                if high.value < low.value { throw Self.invalid("invalid character range") }
                items += "\(Self.code(low))-\(Self.code(high))"
                if peek() == "-", peek(1) != nil, peek(1) != "]" { throw Self.invalid("invalid character range") }
            } else {
                items += Self.code(low)
            }
        }
        if isNegated, options.newlineEndsDot { items += "\\n" }
        atom("[\(isNegated ? "^" : "")\(items)]")
    }

    /// `[:alpha:]` or `\d` in brackets; nil if neither comes next.
    private mutating func characterClass() throws(RowFailure) -> String? {
        if peek() == "[", peek(1) == ":" {
            position += 2
            var name = ""
            while let scalar = peek(), scalar != ":" {
                name.unicodeScalars.append(scalar)
                position += 1
            }
            guard take(":]") else { throw Self.invalid("brackets [] not balanced") }
            guard let set = RegexClasses.named[name] else { throw Self.invalid("invalid character class") }
            return set
        }
        guard peek() == "\\", let letter = peek(1) else { return nil }
        switch letter {
        case "d", "s", "w":
            position += 2
            return Self.classes[letter]
        case "D":
            position += 2
            return "\\x{0}-\\x{2f}\\x{3a}-\\x{10ffff}"
        case "S", "W": throw Self.refused("\\\(letter) within brackets")
        default: return nil
        }
    }

    /// One character: itself, an escape, `[.x.]` or `[=x=]`.
    private mutating func bracketCharacter() throws(RowFailure) -> Unicode.Scalar {
        guard let scalar = peek() else { throw Self.invalid("brackets [] not balanced") }
        if scalar == "[", let mark = peek(1), mark == "." || mark == "=" {
            guard let inner = peek(2), peek(3) == mark, peek(4) == "]" else {
                throw Self.invalid("invalid collating element")
            }
            position += 5
            return inner
        }
        position += 1
        return scalar == "\\" ? try character() : scalar
    }
}

/// The character classes of PostgreSQL with the locale C.UTF-8, as items of RE2's brackets.
enum RegexClasses {
    static let word = "\\p{L}\\p{Nl}\\p{Nd}_"
    /// All but the blanks that do not break.
    static let space =
        "\\t-\\r \\x{1680}\\x{2000}-\\x{2006}\\x{2008}-\\x{200a}\\x{2028}\\x{2029}\\x{205f}\\x{3000}"
    static let named: [String: String] = [
        "alnum": "\\p{L}\\p{Nl}\\p{Nd}", "alpha": "\\p{L}\\p{Nl}",
        "blank": "\\t \\x{1680}\\x{2000}-\\x{2006}\\x{2008}-\\x{200a}\\x{205f}\\x{3000}",
        "cntrl": "\\p{Cc}\\x{2028}\\x{2029}", "digit": "0-9", "graph": "\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}",
        "lower": "\\p{Ll}\\p{Lt}\\x{aa}\\x{ba}", "print": "\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}\\p{Zs}",
        "punct": "\\p{P}\\p{S}\\p{M}\\p{No}", "space": space, "upper": "\\p{Lu}\\p{Lt}", "word": word,
        "xdigit": "0-9A-Fa-f", "ascii": "\\x{0}-\\x{7f}",
    ]
}

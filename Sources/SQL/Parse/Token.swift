/// One lexical element of SQL text, as far as splitting and rewriting statements needs it.
struct Token {
    enum Kind {
        /// An identifier or keyword without quotes.
        case word
        case quotedIdentifier
        /// A string constant of any form, also dollar-quoted.
        case string
        case number
        /// A single character: operators are not put together.
        case symbol(UInt8)
    }

    var kind: Kind
    /// Bytes of the text.
    var range: Range<Int>

    /// The text of a word in lower case equals `word`.
    func isWord(_ word: String, in text: [UInt8]) -> Bool {
        guard case .word = kind, range.count == word.utf8.count else { return false }
        return zip(text[range], word.utf8).allSatisfy { ($0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0) == $1 }
    }

    func isSymbol(_ character: Unicode.Scalar) -> Bool {
        if case .symbol(let byte) = kind { return UInt32(byte) == character.value }
        return false
    }

    /// The name that an identifier token stands for, folded as PostgreSQL does; nil for another token.
    func identifier(in text: [UInt8]) -> String? {
        switch kind {
        case .word:
            String(decoding: text[range].map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }, as: UTF8.self)
        case .quotedIdentifier:
            {
                var name: [UInt8] = []
                var index = range.lowerBound + 1
                while index < range.upperBound - 1 {
                    name.append(text[index])
                    index += text[index] == UInt8(ascii: "\"") ? 2 : 1
                }
                return String(decoding: name, as: UTF8.self)
            }()
        case .string, .number, .symbol: nil
        }
    }
}

/// Cuts SQL text into tokens the way PostgreSQL's scanner does. It never fails: what is not terminated reaches to the end,
/// and the parser says what is wrong with it.
struct Lexer {
    private let text: [UInt8]
    private var position = 0
    /// Where a comment begins that does not end.
    private var openComment: Int?

    init(_ text: [UInt8]) { self.text = text }

    static func tokens(_ text: [UInt8]) -> [Token] {
        var lexer = Lexer(text)
        var tokens: [Token] = []
        while let token = lexer.next() { tokens.append(token) }
        // An open comment belongs to the text that the parser sees, so that it can say so.
        if let open = lexer.openComment {
            tokens.append(Token(kind: .symbol(UInt8(ascii: "/")), range: open..<text.count))
        }
        return tokens
    }

    private func byte(_ ahead: Int = 0) -> UInt8 {
        position + ahead < text.count ? text[position + ahead] : 0
    }

    private mutating func next() -> Token? {
        skipBlanks()
        guard position < text.count else { return nil }
        let start = position
        let first = byte()
        let kind: Token.Kind
        switch first {
        case UInt8(ascii: "'"):
            quoted(by: first, escapes: false)
            kind = .string
        case UInt8(ascii: "\""):
            quoted(by: first, escapes: false)
            kind = .quotedIdentifier
        case UInt8(ascii: "$"):
            if dollarQuoted() {
                kind = .string
            } else {
                position += 1
                kind = .symbol(first)
            }
        case _ where Self.isDigit(first), UInt8(ascii: ".") where Self.isDigit(byte(1)):
            number()
            kind = .number
        case _ where Self.isWordStart(first):
            kind = word()
        default:
            position += 1
            kind = .symbol(first)
        }
        return Token(kind: kind, range: start..<position)
    }

    private mutating func skipBlanks() {
        while position < text.count {
            let first = byte()
            if first == 0x20 || first >= 0x09 && first <= 0x0D {
                position += 1
            } else if first == UInt8(ascii: "-"), byte(1) == UInt8(ascii: "-") {
                while position < text.count, byte() != 0x0A, byte() != 0x0D { position += 1 }
            } else if first == UInt8(ascii: "/"), byte(1) == UInt8(ascii: "*") {
                skipComment()
            } else {
                return
            }
        }
    }

    /// Comments nest.
    private mutating func skipComment() {
        let start = position
        var depth = 0
        defer { if depth > 0 { openComment = start } }
        while position < text.count {
            if byte() == UInt8(ascii: "/"), byte(1) == UInt8(ascii: "*") {
                depth += 1
                position += 2
            } else if byte() == UInt8(ascii: "*"), byte(1) == UInt8(ascii: "/") {
                depth -= 1
                position += 2
                if depth == 0 { return }
            } else {
                position += 1
            }
        }
    }

    private mutating func quoted(by quote: UInt8, escapes: Bool) {
        position += 1
        while position < text.count {
            if escapes, byte() == UInt8(ascii: "\\") {
                position = min(position + 2, text.count)
            } else if byte() == quote {
                position += 1
                if byte() != quote || position >= text.count { return }
                position += 1
            } else {
                position += 1
            }
        }
    }

    /// `$tag$ … $tag$`; false, with nothing consumed, if no such quote begins here.
    private mutating func dollarQuoted() -> Bool {
        var end = position + 1
        while end < text.count, Self.isWordStart(text[end]) || end > position + 1 && Self.isDigit(text[end]) {
            end += 1
        }
        guard end < text.count, text[end] == UInt8(ascii: "$") else { return false }
        let tag = text[position...end]
        var search = end + 1
        while search + tag.count <= text.count {
            if text[search] == UInt8(ascii: "$"), text[search..<search + tag.count].elementsEqual(tag) {
                position = search + tag.count
                return true
            }
            search += 1
        }
        position = text.count
        return true
    }

    private mutating func number() {
        while position < text.count {
            let current = byte()
            let isExponentSign =
                (current == UInt8(ascii: "+") || current == UInt8(ascii: "-"))
                && text[position - 1] | 0x20 == UInt8(ascii: "e")
                && Self.isDigit(byte(1))
            guard Self.isDigit(current) || Self.isWordStart(current) || current == UInt8(ascii: ".") || isExponentSign
            else { return }
            position += 1
        }
    }

    private mutating func word() -> Token.Kind {
        let first = byte() | 0x20
        if byte(1) == UInt8(ascii: "'"),
            first == UInt8(ascii: "e") || first == UInt8(ascii: "b") || first == UInt8(ascii: "x")
                || first == UInt8(ascii: "n")
        {
            position += 1
            quoted(by: UInt8(ascii: "'"), escapes: first == UInt8(ascii: "e"))
            return .string
        }
        if first == UInt8(ascii: "u"), byte(1) == UInt8(ascii: "&"),
            byte(2) == UInt8(ascii: "'") || byte(2) == UInt8(ascii: "\"")
        {
            let quote = byte(2)
            position += 2
            quoted(by: quote, escapes: false)
            return quote == UInt8(ascii: "'") ? .string : .quotedIdentifier
        }
        while position < text.count, Self.isWordStart(byte()) || Self.isDigit(byte()) || byte() == UInt8(ascii: "$") {
            position += 1
        }
        return .word
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

    private static func isWordStart(_ byte: UInt8) -> Bool {
        byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A || byte == 0x5F || byte >= 0x80
    }
}

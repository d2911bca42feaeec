/// Reads the tokens of a path as PostgreSQL's scanner does: names and strings with their escapes, numbers, signs, comments.
struct JSONPathLexer {
    enum Token: Equatable {
        case symbol(String)
        /// A name without quotes, which may be a keyword.
        case word(String)
        case string(String)
        case number(String)
        /// `$name` or `$"name"`.
        case variable(String)
        case end

        /// As an error shows it.
        var shown: String {
            switch self {
            case .symbol(let text), .word(let text), .string(let text), .number(let text): text
            case .variable(let text): "$" + text
            case .end: ""
            }
        }

        /// Keywords are read in either case.
        func isKeyword(_ keyword: String) -> Bool {
            if case .word(let word) = self { word.lowercased() == keyword } else { false }
        }
    }

    private let text: [UInt8]
    private var position = 0

    init(_ text: JSONB.Bytes) { self.text = Array(text) }

    private static let backslash = UInt8(ascii: "\\")
    private static let quote = UInt8(ascii: "\"")
    private static let specials = Set("?%$.[]{}()|&!=<>@#,*:-+/".utf8)
    private static let pairs = ["**", "==", "!=", "<>", "<=", ">=", "&&", "||"]

    static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 9 || byte == 10 || byte == 12 || byte == 13 }

    /// What names and, without a sign between them, numbers are made of.
    private static func isOther(_ byte: UInt8) -> Bool {
        !isBlank(byte) && byte != backslash && byte != quote && !specials.contains(byte)
    }

    private static func failure(_ message: String) -> RowFailure {
        RowFailure("42601", "\(message) in jsonpath input")
    }

    private func byte(_ ahead: Int = 0) -> UInt8? {
        position + ahead < text.count ? text[position + ahead] : nil
    }

    private func starts(_ symbol: String) -> Bool { text[position...].starts(with: symbol.utf8) }

    private func isDigit(_ ahead: Int) -> Bool { byte(ahead).map { TemplateNode.isDigit($0) } ?? false }

    mutating func next() throws(RowFailure) -> Token {
        while let byte = byte() {
            if Self.isBlank(byte) {
                position += 1
            } else if starts("/*") {
                try comment()
            } else if byte == Self.quote {
                return .string(try quoted())
            } else if isDigit(0) || byte == UInt8(ascii: "."), isDigit(byte == UInt8(ascii: ".") ? 1 : 0) {
                return .number(try number())
            } else if byte == UInt8(ascii: "$"), let next = self.byte(1), next == Self.quote || Self.isOther(next) {
                position += 1
                return .variable(next == Self.quote ? try quoted() : others())
            } else if Self.isOther(byte) || byte == Self.backslash {
                // As in PostgreSQL, a comment right behind a name takes the name with it.
                if let word = try word() { return .word(word) }
            } else {
                return .symbol(symbol())
            }
        }
        return .end
    }

    private mutating func symbol() -> String {
        for pair in Self.pairs where starts(pair) {
            position += 2
            return pair == "<>" ? "!=" : pair
        }
        position += 1
        return String(decoding: [text[position - 1]], as: UTF8.self)
    }

    private mutating func comment() throws(RowFailure) {
        position += 2
        while !starts("*/") {
            if position >= text.count { throw Self.failure("unexpected end of comment") }
            position += 1
        }
        position += 2
    }

    private mutating func others() -> String {
        let start = position
        while let byte = byte(), Self.isOther(byte) { position += 1 }
        return String(decoding: text[start..<position], as: UTF8.self)
    }

    /// nil if a comment ended it.
    private mutating func word() throws(RowFailure) -> String? {
        var bytes: [UInt8] = []
        while let byte = byte() {
            if byte == Self.backslash {
                try escape(&bytes)
            } else if Self.isOther(byte) {
                bytes.append(byte)
                position += 1
            } else if starts("/*") {
                try comment()
                return nil
            } else {
                break
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private mutating func quoted() throws(RowFailure) -> String {
        position += 1
        var bytes: [UInt8] = []
        while let byte = byte() {
            if byte == Self.quote {
                position += 1
                return String(decoding: bytes, as: UTF8.self)
            }
            if byte == Self.backslash {
                try escape(&bytes)
            } else {
                bytes.append(byte)
                position += 1
            }
        }
        throw Self.failure("unexpected end of quoted string")
    }

    /// A whole part without leading zeros, a fraction, an exponent; a name must not follow at once.
    private mutating func number() throws(RowFailure) -> String {
        let start = position
        func digits(_ lexer: inout JSONPathLexer) { while lexer.isDigit(0) { lexer.position += 1 } }
        if byte() == UInt8(ascii: "0") { position += 1 } else { digits(&self) }
        if byte() == UInt8(ascii: ".") {
            position += 1
            digits(&self)
        }
        if let byte = byte(), byte | 0x20 == UInt8(ascii: "e") {
            position += 1
            if let sign = self.byte(), sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { position += 1 }
            if !isDigit(0) { throw Self.failure("invalid numeric literal") }
            digits(&self)
        }
        let literal = String(decoding: text[start..<position], as: UTF8.self)
        if let byte = byte(), Self.isOther(byte) {
            throw Self.failure("trailing junk after numeric literal at or near \"\(literal)\"")
        }
        return literal
    }

    // MARK: escapes

    private mutating func escape(_ bytes: inout [UInt8]) throws(RowFailure) {
        guard let letter = byte(1), letter != 10 else { throw Self.failure("unexpected end after backslash") }
        switch letter {
        case UInt8(ascii: "u"): return try unicode(&bytes)
        case UInt8(ascii: "x"):
            guard let code = hex(2, 2) else { throw Self.failure("invalid hexadecimal character sequence") }
            position += 4
            return try append(code, &bytes)
        case UInt8(ascii: "b"): bytes.append(8)
        case UInt8(ascii: "t"): bytes.append(9)
        case UInt8(ascii: "n"): bytes.append(10)
        case UInt8(ascii: "v"): bytes.append(11)
        case UInt8(ascii: "f"): bytes.append(12)
        case UInt8(ascii: "r"): bytes.append(13)
        default: bytes.append(letter)
        }
        position += 2
    }

    /// The value of so many hexadecimal digits; nil if they are not there.
    private func hex(_ ahead: Int, _ count: Int) -> UInt32? {
        var value: UInt32 = 0
        for index in 0..<count {
            guard let byte = byte(ahead + index), byte < 0x80,
                let digit = Character(Unicode.Scalar(byte)).hexDigitValue
            else { return nil }
            value = value << 4 | UInt32(digit)
        }
        return value
    }

    /// A run of `\uXXXX` and `\u{X…}`, in which surrogates come in pairs.
    private mutating func unicode(_ bytes: inout [UInt8]) throws(RowFailure) {
        var high: UInt32?
        while starts("\\u") {
            let code: UInt32
            if byte(2) == UInt8(ascii: "{") {
                var count = 0
                while count < 6, hex(3 + count, 1) != nil { count += 1 }
                guard count > 0, let value = hex(3, count), byte(3 + count) == UInt8(ascii: "}") else {
                    throw Self.failure("invalid Unicode escape sequence")
                }
                code = value
                position += 4 + count
            } else {
                guard let value = hex(2, 4) else { throw Self.failure("invalid Unicode escape sequence") }
                code = value
                position += 6
            }
            let isLow = code & ~0x3FF == 0xDC00
            if isLow != (high != nil) { throw Self.surrogate }
            if code & ~0x3FF == 0xD800 {
                high = code
            } else {
                try append(high.map { 0x10000 + ($0 & 0x3FF) << 10 + code & 0x3FF } ?? code, &bytes)
                high = nil
            }
        }
        if high != nil { throw Self.surrogate }
    }

    private static let surrogate = RowFailure(
        "22P02", "invalid input syntax for type jsonpath: a Unicode surrogate without the other of its pair")

    private func append(_ code: UInt32, _ bytes: inout [UInt8]) throws(RowFailure) {
        if code == 0 {
            throw RowFailure("22P05", "unsupported Unicode escape sequence: \\u0000 cannot be converted to text")
        }
        guard let scalar = Unicode.Scalar(code) else { throw Self.failure("invalid Unicode code point") }
        bytes += Array(String(Character(scalar)).utf8)
    }
}

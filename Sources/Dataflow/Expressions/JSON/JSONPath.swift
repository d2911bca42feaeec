/// An SQL/JSON path in lax mode, parsed.
///
/// There are member and element accessors, ranges, `last`, filters with comparisons, `&&`, `||`, `!`, `exists`, `like_regex`,
/// `starts with` and `is unknown`, variables, and the methods `size()`, `type()` and `double()`. The rest of PostgreSQL's is refused
/// by name.
struct JSONPath {
    indirect enum Expression {
        case path(Source, [Step])
        case predicate(Predicate)
    }

    enum Source {
        case root, current
        case variable(String)
        /// A JSON scalar.
        case literal([UInt8])
    }

    enum Step {
        case member(String)
        case anyMember
        case anyElement
        case elements([(from: Subscript, to: Subscript?)])
        case filter(Predicate)
        case size, type, double
    }

    /// `5`, `last` or `last - 1`.
    struct Subscript {
        var isFromLast: Bool
        var offset: Int
    }

    indirect enum Predicate {
        case compare(Comparison, Expression, Expression)
        case and(Predicate, Predicate)
        case or(Predicate, Predicate)
        case not(Predicate)
        case isUnknown(Predicate)
        case exists(Expression)
        case likeRegex(Expression, pattern: String, flags: String)
        case startsWith(Expression, Expression)
    }

    enum Comparison: String {
        case equal = "==", notEqual = "!=", less = "<", lessOrEqual = "<=", greater = ">", greaterOrEqual = ">="
    }

    let root: Expression

    init(_ text: JSONB.Bytes) throws(RowFailure) {
        var parser = JSONPathParser(text)
        root = try parser.path()
    }
}

/// Reads the text of a path.
struct JSONPathParser {
    private enum Token: Equatable {
        case symbol(String)
        case word(String)
        case string(String)
        case number(String)
        case variable(String)
        case end
    }

    private let text: [UInt8]
    private var position = 0
    private var token = Token.end
    private var depth = 0
    /// Within a filter, where `@` is the item.
    private var filterDepth = 0

    /// Brackets and filters inside one another.
    private static let depthMax = 200

    init(_ text: JSONB.Bytes) { self.text = Array(text) }

    private func syntax() -> RowFailure {
        let near = position <= text.count && token != .end ? " at or near \"\(shown)\"" : " at end of jsonpath input"
        return RowFailure("42601", "syntax error" + near)
    }

    private var shown: String {
        switch token {
        case .symbol(let text), .word(let text), .string(let text), .number(let text): text
        case .variable(let text): "$" + text
        case .end: ""
        }
    }

    private func refused(_ what: String) -> RowFailure { RowFailure("0A000", "\(what) in jsonpath is not supported") }

    mutating func path() throws(RowFailure) -> JSONPath.Expression {
        if text.allSatisfy({ TemplateNode.isBlank($0) }) {
            throw RowFailure(
                "22P02", "invalid input syntax for type jsonpath: \"\(String(decoding: text, as: UTF8.self))\"")
        }
        try advance()
        if token == .word("strict") { throw refused("strict mode") }
        if token == .word("lax") { try advance() }
        let result = try expression()
        guard token == .end else { throw syntax() }
        return result
    }

    // MARK: tokens

    private mutating func advance() throws(RowFailure) {
        while position < text.count, TemplateNode.isBlank(text[position]) { position += 1 }
        guard position < text.count else {
            token = .end
            return
        }
        let byte = text[position]
        for symbol in ["**", "==", "!=", "<>", "<=", ">=", "&&", "||"] where starts(symbol) {
            position += 2
            token = .symbol(symbol == "<>" ? "!=" : symbol)
            return
        }
        if byte == UInt8(ascii: "\"") {
            token = .string(try quoted())
        } else if TemplateNode.isDigit(byte) || byte == UInt8(ascii: "."), nextIsDigit(byte) {
            token = .number(number())
        } else if byte == UInt8(ascii: "$"), position + 1 < text.count,
            Self.isWord(text[position + 1]) || text[position + 1] == 0x22
        {
            position += 1
            token = .variable(text[position] == 0x22 ? try quoted() : word())
        } else if Self.isWord(byte) {
            token = .word(word())
        } else {
            position += 1
            token = .symbol(String(decoding: [byte], as: UTF8.self))
        }
    }

    private func nextIsDigit(_ byte: UInt8) -> Bool {
        TemplateNode.isDigit(byte) || position + 1 < text.count && TemplateNode.isDigit(text[position + 1])
    }

    private func starts(_ symbol: String) -> Bool { text[position...].starts(with: symbol.utf8) }

    private static func isWord(_ byte: UInt8) -> Bool {
        let letter = byte | 0x20
        return letter >= 0x61 && letter <= 0x7A || TemplateNode.isDigit(byte) || byte == 0x5F || byte >= 0x80
    }

    private mutating func word() -> String {
        let start = position
        while position < text.count, Self.isWord(text[position]) { position += 1 }
        return String(decoding: text[start..<position], as: UTF8.self)
    }

    private mutating func number() -> String {
        let start = position
        func digits(_ parser: inout JSONPathParser) {
            while parser.position < parser.text.count, TemplateNode.isDigit(parser.text[parser.position]) {
                parser.position += 1
            }
        }
        digits(&self)
        if position < text.count, text[position] == UInt8(ascii: ".") {
            position += 1
            digits(&self)
        }
        if position < text.count, text[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            if position < text.count, text[position] == 0x2B || text[position] == 0x2D { position += 1 }
            digits(&self)
        }
        return String(decoding: text[start..<position], as: UTF8.self)
    }

    private mutating func quoted() throws(RowFailure) -> String {
        let start = position
        position += 1
        while position < text.count, text[position] != UInt8(ascii: "\"") {
            position += text[position] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard position < text.count else {
            throw RowFailure("42601", "unterminated quoted string at end of jsonpath input")
        }
        position += 1
        // The escapes are JSON's.
        let bytes = try text[start..<position].withUnsafeBufferPointer { (bytes) throws(RowFailure) in
            try JSONBParser.parse(bytes)
        }
        return bytes.withUnsafeBufferPointer { String(decoding: JSONB($0).text, as: UTF8.self) }
    }

    private mutating func take(_ symbol: String) throws(RowFailure) -> Bool {
        guard token == .symbol(symbol) else { return false }
        try advance()
        return true
    }

    private mutating func expect(_ symbol: String) throws(RowFailure) {
        guard try take(symbol) else { throw syntax() }
    }

    // MARK: expressions

    private mutating func deeper<Result>(
        _ body: (inout JSONPathParser) throws(RowFailure) -> Result
    ) throws(RowFailure) -> Result {
        depth += 1
        defer { depth -= 1 }
        if depth > Self.depthMax {
            throw RowFailure("54001", "jsonpath is nested too deeply (at most \(Self.depthMax) levels)")
        }
        return try body(&self)
    }

    /// A path or a predicate: `||` binds loosest.
    private mutating func expression() throws(RowFailure) -> JSONPath.Expression {
        try deeper { (parser) throws(RowFailure) in
            var left = try parser.conjunction()
            while try parser.take("||") {
                left = .predicate(.or(try parser.predicate(left), try parser.predicate(try parser.conjunction())))
            }
            return left
        }
    }

    private mutating func conjunction() throws(RowFailure) -> JSONPath.Expression {
        var left = try comparison()
        while try take("&&") {
            left = .predicate(.and(try predicate(left), try predicate(try comparison())))
        }
        return left
    }

    private func predicate(_ expression: JSONPath.Expression) throws(RowFailure) -> JSONPath.Predicate {
        guard case .predicate(let predicate) = expression else { throw syntax() }
        return predicate
    }

    private mutating func comparison() throws(RowFailure) -> JSONPath.Expression {
        if try take("!") {
            guard token == .symbol("(") || token == .word("exists") else { throw syntax() }
            return .predicate(.not(try predicate(try operand())))
        }
        let left = try operand()
        switch token {
        case .symbol(let symbol):
            if let comparison = JSONPath.Comparison(rawValue: symbol) {
                try advance()
                return .predicate(.compare(comparison, left, try operand()))
            }
            if ["+", "-", "*", "/", "%"].contains(symbol) { throw refused("arithmetic (\(symbol))") }
        case .word("like_regex"): return .predicate(try likeRegex(left))
        case .word("starts"):
            try advance()
            guard token == .word("with") else { throw syntax() }
            try advance()
            return .predicate(.startsWith(left, try operand()))
        case .word("is"):
            try advance()
            guard token == .word("unknown") else { throw syntax() }
            try advance()
            return .predicate(.isUnknown(try predicate(left)))
        default: break
        }
        return left
    }

    private mutating func likeRegex(_ left: JSONPath.Expression) throws(RowFailure) -> JSONPath.Predicate {
        try advance()
        guard case .string(let pattern) = token else { throw syntax() }
        try advance()
        var flags = ""
        if token == .word("flag") {
            try advance()
            guard case .string(let letters) = token else { throw syntax() }
            flags = letters
            try advance()
        }
        for flag in flags {
            if flag == "x" {
                throw RowFailure("0A000", "XQuery \"x\" flag (expanded regular expressions) is not implemented")
            }
            if !"imsq".contains(flag) { throw RowFailure("42601", "invalid input syntax for type jsonpath") }
        }
        return .likeRegex(left, pattern: pattern, flags: flags)
    }

    private mutating func operand() throws(RowFailure) -> JSONPath.Expression {
        switch token {
        case .symbol("("):
            try advance()
            let inner = try expression()
            try expect(")")
            guard case .path(let source, let steps) = inner else { return inner }
            return .path(source, steps + (try self.steps()))
        case .symbol("-"), .symbol("+"):
            let sign = token == .symbol("-") ? "-" : ""
            try advance()
            guard case .number(let digits) = token else { throw refused("arithmetic (unary sign)") }
            try advance()
            return .path(.literal(try scalar(sign + digits)), try steps())
        case .word("exists"):
            try advance()
            try expect("(")
            let inner = try expression()
            try expect(")")
            return .predicate(.exists(inner))
        default: return .path(try source(), try steps())
        }
    }

    private func scalar(_ json: String) throws(RowFailure) -> [UInt8] {
        var json = json.hasPrefix(".") ? "0" + json : json
        if json.hasSuffix(".") { json += "0" }
        return try Array(json.utf8).withUnsafeBufferPointer { (bytes) throws(RowFailure) in try JSONBParser.parse(bytes)
        }
    }

    private mutating func source() throws(RowFailure) -> JSONPath.Source {
        let source: JSONPath.Source
        switch token {
        case .symbol("$"): source = .root
        case .symbol("@"):
            if filterDepth == 0 { throw RowFailure("42601", "@ is not allowed in root expressions") }
            source = .current
        case .variable(let name): source = .variable(name)
        case .string(let text):
            var writer = JSONBWriter()
            writer.string(text)
            source = .literal(writer.bytes)
        case .number(let digits): source = .literal(try scalar(digits))
        case .word("true"), .word("false"), .word("null"): source = .literal(try scalar(shown))
        default: throw syntax()
        }
        try advance()
        return source
    }

    // MARK: steps

    private mutating func steps() throws(RowFailure) -> [JSONPath.Step] {
        var steps: [JSONPath.Step] = []
        while true {
            if try take(".") {
                steps.append(try accessor())
            } else if try take("[") {
                steps.append(try elements())
            } else if token == .symbol("?") {
                try advance()
                try expect("(")
                filterDepth += 1
                steps.append(.filter(try predicate(try expression())))
                filterDepth -= 1
                try expect(")")
            } else {
                return steps
            }
        }
    }

    private mutating func accessor() throws(RowFailure) -> JSONPath.Step {
        let name: String
        switch token {
        case .symbol("*"):
            try advance()
            return .anyMember
        case .symbol("**"): throw refused("the accessor .**")
        case .string(let text):
            try advance()
            return .member(text)
        case .word(let word): name = word
        case .variable(let variable): name = "$" + variable
        default: throw syntax()
        }
        try advance()
        guard token == .symbol("(") else { return .member(name) }
        switch name {
        case "size", "type", "double":
            try advance()
            try expect(")")
            return name == "size" ? .size : name == "type" ? .type : .double
        default: throw refused("the method .\(name)()")
        }
    }

    private mutating func elements() throws(RowFailure) -> JSONPath.Step {
        if try take("*") {
            try expect("]")
            return .anyElement
        }
        var ranges: [(from: JSONPath.Subscript, to: JSONPath.Subscript?)] = []
        repeat {
            let from = try self.subscript()
            var to: JSONPath.Subscript?
            if token == .word("to") {
                try advance()
                to = try self.subscript()
            }
            ranges.append((from, to))
        } while try take(",")
        try expect("]")
        return .elements(ranges)
    }

    private mutating func `subscript`() throws(RowFailure) -> JSONPath.Subscript {
        func number(_ parser: inout JSONPathParser) throws(RowFailure) -> Int {
            guard case .number(let digits) = parser.token else {
                throw parser.token == .end ? parser.syntax() : parser.refused("a subscript that is computed")
            }
            // A fraction is cut off.
            guard let value = Double(digits), value < 2_147_483_648 else {
                throw RowFailure("22033", "jsonpath array subscript is out of integer range")
            }
            try parser.advance()
            return Int(value)
        }
        let isNegative = try take("-")
        if !isNegative, token == .word("last") {
            try advance()
            if try take("-") { return JSONPath.Subscript(isFromLast: true, offset: -(try number(&self))) }
            if try take("+") { return JSONPath.Subscript(isFromLast: true, offset: try number(&self)) }
            return JSONPath.Subscript(isFromLast: true, offset: 0)
        }
        let value = try number(&self)
        return JSONPath.Subscript(isFromLast: false, offset: isNegative ? -value : value)
    }
}

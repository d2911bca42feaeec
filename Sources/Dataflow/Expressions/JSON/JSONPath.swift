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
        /// The value of a predicate in brackets, behind which accessors follow.
        case truth(Predicate)
    }

    enum Step {
        case member(String)
        case anyMember
        case anyElement
        case elements([(from: Subscript, to: Subscript?)])
        case filter(Predicate)
        case size, type, double
    }

    enum Subscript {
        /// nil if it does not fit into an `integer`.
        case index(Int?)
        /// `last`, and so much more.
        case last(Int)
        /// What the path gives, cut to a whole number.
        case path(Expression)
    }

    indirect enum Predicate {
        case compare(Comparison, Expression, Expression)
        case and(Predicate, Predicate)
        case or(Predicate, Predicate)
        case not(Predicate)
        case isUnknown(Predicate)
        case exists(Expression)
        case likeRegex(Expression, Pattern)
        case startsWith(Expression, Expression)
    }

    enum Comparison: String {
        case equal = "==", notEqual = "!=", less = "<", lessOrEqual = "<=", greater = ">", greaterOrEqual = ">="
    }

    /// A regular expression with its flags.
    struct Pattern {
        let text: [UInt8]
        let options: RegexTranslator.Options
    }

    let root: Expression

    init(_ text: JSONB.Bytes) throws(RowFailure) {
        var parser = JSONPathParser(text)
        root = try parser.path()
    }
}

/// Reads the text of a path.
struct JSONPathParser {
    private typealias Token = JSONPathLexer.Token

    private let text: JSONB.Bytes
    private var lexer: JSONPathLexer
    private var token = Token.end
    private var depth = 0
    private var stepCount = 0
    /// Within a filter, where `@` is the item.
    private var filterDepth = 0

    /// Brackets and filters inside one another.
    private static let depthMax = 200
    /// Accessors of a whole path: evaluation goes as deep.
    private static let stepsMax = 1000

    init(_ text: JSONB.Bytes) {
        self.text = text
        lexer = JSONPathLexer(text)
    }

    private func syntax() -> RowFailure {
        RowFailure(
            "42601",
            token == .end
                ? "syntax error at end of jsonpath input"
                : "syntax error at or near \"\(token.shown)\" of jsonpath input")
    }

    private func refused(_ what: String) -> RowFailure { RowFailure("0A000", "\(what) in jsonpath is not supported") }

    mutating func path() throws(RowFailure) -> JSONPath.Expression {
        try advance()
        if token == .end {
            throw RowFailure(
                "22P02", "invalid input syntax for type jsonpath: \"\(String(decoding: text, as: UTF8.self))\"")
        }
        if token.isKeyword("strict") { throw refused("strict mode") }
        if token.isKeyword("lax") { try advance() }
        let result = try expression()
        guard token == .end else { throw unexpected() }
        return result
    }

    /// What is wrong with a token behind a whole expression.
    private func unexpected() -> RowFailure {
        if case .symbol(let symbol) = token, ["+", "-", "*", "/", "%"].contains(symbol) {
            return refused("arithmetic (\(symbol))")
        }
        return syntax()
    }

    // MARK: tokens

    private mutating func advance() throws(RowFailure) { token = try lexer.next() }

    private mutating func take(_ symbol: String) throws(RowFailure) -> Bool {
        guard token == .symbol(symbol) else { return false }
        try advance()
        return true
    }

    private mutating func expect(_ symbol: String) throws(RowFailure) {
        guard try take(symbol) else { throw unexpected() }
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

    /// An operand that is no predicate.
    private func value(_ expression: JSONPath.Expression) throws(RowFailure) -> JSONPath.Expression {
        guard case .path = expression else { throw syntax() }
        return expression
    }

    private mutating func comparison() throws(RowFailure) -> JSONPath.Expression {
        if try take("!") {
            guard token == .symbol("(") || token.isKeyword("exists") else { throw syntax() }
            return .predicate(.not(try predicate(try operand())))
        }
        let isBracket = token == .symbol("(")
        let left = try operand()
        if case .symbol(let symbol) = token, let comparison = JSONPath.Comparison(rawValue: symbol) {
            let first = try value(left)
            try advance()
            return .predicate(.compare(comparison, first, try value(try operand())))
        }
        if token.isKeyword("like_regex") { return .predicate(try likeRegex(try value(left))) }
        if token.isKeyword("starts") {
            try advance()
            guard token.isKeyword("with") else { throw syntax() }
            try advance()
            switch token {
            case .string, .variable: return .predicate(.startsWith(try value(left), .path(try source(), [])))
            default: throw syntax()
            }
        }
        if token.isKeyword("is"), isBracket {
            try advance()
            guard token.isKeyword("unknown") else { throw syntax() }
            let inner = try predicate(left)
            try advance()
            return .predicate(.isUnknown(inner))
        }
        return left
    }

    private mutating func likeRegex(_ left: JSONPath.Expression) throws(RowFailure) -> JSONPath.Predicate {
        try advance()
        guard case .string(let pattern) = token else { throw syntax() }
        try advance()
        var flags = ""
        if token.isKeyword("flag") {
            try advance()
            guard case .string(let letters) = token else { throw syntax() }
            flags = letters
            try advance()
        }
        if let other = flags.first(where: { !"imsxq".contains($0) }) {
            throw RowFailure("42601", "invalid input syntax for type jsonpath: unknown flag \"\(other)\" of like_regex")
        }
        var options = RegexTranslator.Options()
        options.foldsCase = flags.contains("i")
        options.isLiteral = flags.contains("q")
        options.newlineEndsDot = !flags.contains("s")
        options.newlineEndsAnchor = flags.contains("m")
        if flags.contains("x"), !options.isLiteral {
            throw RowFailure("0A000", "XQuery \"x\" flag (expanded regular expressions) is not implemented")
        }
        // A wrong pattern is an error of the path, whatever the value.
        var cache = RegexCache()
        let text = Array(pattern.utf8)
        _ = try text.withUnsafeBufferPointer { (bytes) throws(RowFailure) in try cache.regex(bytes, options: options) }
        return .likeRegex(left, JSONPath.Pattern(text: text, options: options))
    }

    private mutating func operand() throws(RowFailure) -> JSONPath.Expression {
        switch token {
        case .symbol("("):
            try advance()
            let inner = try expression()
            try expect(")")
            let further = try steps()
            switch inner {
            case .path(let source, let steps): return .path(source, steps + further)
            case .predicate(let predicate): return further.isEmpty ? inner : .path(.truth(predicate), further)
            }
        case .symbol("-"), .symbol("+"):
            let sign = token == .symbol("-") ? "-" : ""
            try advance()
            guard case .number(let digits) = token else { throw refused("arithmetic (unary sign)") }
            try advance()
            return .path(.literal(try scalar(sign + digits)), try steps())
        case let word where word.isKeyword("exists"):
            try advance()
            try expect("(")
            let inner = try value(try expression())
            try expect(")")
            return .predicate(.exists(inner))
        default: return .path(try source(), try steps())
        }
    }

    private func scalar(_ json: String) throws(RowFailure) -> [UInt8] {
        // JSON wants digits on both sides of a point.
        var json = json
        if let point = json.firstIndex(of: ".") {
            let next = json.index(after: point)
            if next == json.endIndex || !json[next].isNumber {
                json.remove(at: point)
            } else if point == json.startIndex || !json[json.index(before: point)].isNumber {
                json.insert("0", at: point)
            }
        }
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
        case .word("true"), .word("false"), .word("null"): source = .literal(try scalar(token.shown))
        case let word where word.isKeyword("last"):
            throw RowFailure("42601", "LAST is allowed only in array subscripts")
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
            stepCount += 1
            if stepCount > Self.stepsMax {
                throw RowFailure("54001", "jsonpath has too many accessors (at most \(Self.stepsMax))")
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
        default: throw syntax()
        }
        try advance()
        guard token == .symbol("(") else { return .member(name) }
        let step: JSONPath.Step
        switch name.lowercased() {
        case "size": step = .size
        case "type": step = .type
        case "double": step = .double
        case "abs", "floor", "ceiling", "keyvalue", "datetime":
            throw refused("the method .\(name.lowercased())()")
        default: throw syntax()
        }
        try advance()
        try expect(")")
        return step
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
            if token.isKeyword("to") {
                try advance()
                to = try self.subscript()
            }
            ranges.append((from, to))
        } while try take(",")
        try expect("]")
        return .elements(ranges)
    }

    private mutating func `subscript`() throws(RowFailure) -> JSONPath.Subscript {
        if token.isKeyword("last") {
            try advance()
            guard token == .symbol("-") || token == .symbol("+") else { return .last(0) }
            let isLess = token == .symbol("-")
            try advance()
            guard case .number(let digits) = token, let offset = Self.whole(digits) else {
                throw refused("arithmetic (\(isLess ? "-" : "+"))")
            }
            try advance()
            return .last(isLess ? -offset : offset)
        }
        let isNegative = token == .symbol("-")
        if isNegative { try advance() }
        if case .number(let digits) = token {
            try advance()
            return .index(Self.whole(digits).map { isNegative ? -$0 : $0 })
        }
        if isNegative { throw refused("arithmetic (unary sign)") }
        return .path(try value(try operand()))
    }

    /// The number without its fraction; nil if it is no `integer`.
    private static func whole(_ digits: String) -> Int? {
        guard let value = Double(digits), value < 2_147_483_648 else { return nil }
        return Int(value)
    }
}

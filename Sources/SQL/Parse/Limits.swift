/// What keeps a statement from taking the process down. All are far above what people write.
enum Limits {
    /// Bytes of one statement. The tree takes up to 100 times that.
    static let statementBytesMax = 1 << 20
    /// Brackets inside one another, in the text.
    static let nestingMax = 500
    /// Levels of the syntax tree, which evaluation recurses over on ordinary stacks as well.
    static let depthMax = 500
    /// Tokens from one comma, AND, OR or bracket (or CASE and its END) to the next, summed over the open brackets, and so many for every JOIN
    /// and set operation: bounds the depth of the tree that libpg_query builds, which recurses without a limit of its own. Operands
    /// of AND and OR are a list there.
    static let chainMax = 20_000
    /// Bytes of an identifier, as in PostgreSQL; longer ones are refused, not cut.
    static let identifierBytesMax = 63
    /// Relations that a query reads, counted as often as it names them, through views and WITH too: their plans are copied
    /// into its own, so a chain of views that each name the last one twice would double at every step.
    static let relationsMax = 1_000
    /// Sets of one GROUP BY, as in PostgreSQL.
    static let groupingSetsMax = 4096
    /// Columns of a table or of a query, as in PostgreSQL.
    static let columnsMax = 1600

    /// Words that make the tree deeper, and as how many tokens they count across AND and OR.
    private static let deepening = ["join", "union", "intersect", "except"]
    private static let deepeningTokens = 4

    /// Checks one statement's tokens.
    static func check(_ tokens: [Token], text: [UInt8]) throws(Failure) {
        guard text.count <= statementBytesMax else {
            throw Failure("54000", "the statement has \(text.count) bytes; the limit is \(statementBytesMax)", at: 0)
        }
        // Per open bracket the tokens since the last comma, and those of them that AND and OR do not end.
        var chains = [0]
        var kept = [0]
        var total = 0
        func open() {
            chains.append(0)
            kept.append(0)
        }
        func close() {
            guard chains.count > 1 else { return }
            total -= chains.removeLast()
            kept.removeLast()
        }
        func end(keeping count: Int) {
            total -= chains[chains.count - 1] - count
            chains[chains.count - 1] = count
            kept[kept.count - 1] = count
        }
        for token in tokens {
            switch token.kind {
            case .symbol(UInt8(ascii: "(")), .symbol(UInt8(ascii: "[")):
                open()
            case .symbol(UInt8(ascii: ")")), .symbol(UInt8(ascii: "]")):
                close()
            case .symbol(UInt8(ascii: ",")): end(keeping: 0)
            case .quotedIdentifier: try checkIdentifier(token, text)
            case .word:
                try checkIdentifier(token, text)
                if token.isWord("and", in: text) || token.isWord("or", in: text) {
                    end(keeping: kept[kept.count - 1])
                } else if deepening.contains(where: { token.isWord($0, in: text) }) {
                    kept[kept.count - 1] += deepeningTokens
                } else if token.isWord("case", in: text) {
                    open()
                } else if token.isWord("end", in: text) {
                    close()
                }
            default: break
            }
            chains[chains.count - 1] += 1
            total += 1
            if chains.count > nestingMax || total > chainMax { throw tooDeep(at: token.range.lowerBound) }
        }
    }

    static func tooDeep(at location: Int?) -> Failure {
        Failure(
            "54001", "stack depth limit exceeded", at: location,
            hint:
                "The statement is nested too deeply: at most \(nestingMax) brackets and \(depthMax) levels of an expression."
        )
    }

    private static func checkIdentifier(_ token: Token, _ text: [UInt8]) throws(Failure) {
        guard token.range.count > identifierBytesMax, let name = token.identifier(in: text),
            name.utf8.count > identifierBytesMax
        else { return }
        throw Failure(
            "42622", "identifier \"\(name.prefix(100))\" is too long", at: token.range.lowerBound,
            hint: "An identifier has at most \(identifierBytesMax) bytes.")
    }
}

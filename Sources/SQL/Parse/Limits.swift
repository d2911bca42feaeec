/// What keeps a statement from taking the process down. All are far above what people write.
enum Limits {
    /// Bytes of one statement. The tree takes up to 100 times that.
    static let statementBytesMax = 1 << 20
    /// Brackets inside one another, in the text.
    static let nestingMax = 500
    /// Levels of the syntax tree, which evaluation recurses over on ordinary stacks as well.
    static let depthMax = 500
    /// Tokens from one comma or bracket to the next, summed over the open brackets: bounds the depth of the tree
    /// that libpg_query builds, which recurses without a limit of its own.
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

    /// Checks one statement's tokens.
    static func check(_ tokens: [Token], text: [UInt8]) throws(Failure) {
        guard text.count <= statementBytesMax else {
            throw Failure("54000", "the statement has \(text.count) bytes; the limit is \(statementBytesMax)", at: 0)
        }
        var chains = [0]
        var total = 0
        for token in tokens {
            switch token.kind {
            case .symbol(UInt8(ascii: "(")), .symbol(UInt8(ascii: "[")):
                chains.append(0)
            case .symbol(UInt8(ascii: ")")), .symbol(UInt8(ascii: "]")):
                if chains.count > 1 { total -= chains.removeLast() }
            case .symbol(UInt8(ascii: ",")):
                total -= chains[chains.count - 1]
                chains[chains.count - 1] = 0
            case .quotedIdentifier, .word:
                try checkIdentifier(token, text)
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

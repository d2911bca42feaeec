internal import CPgQuery

/// Text to syntax, by libpg_query: PostgreSQL 15's own grammar.
enum Parser {
    /// Cuts the text at the semicolons that end statements.
    static func split(_ text: [UInt8]) -> [(range: Range<Int>, tokens: [Token])] {
        var statements: [(range: Range<Int>, tokens: [Token])] = []
        var current: [Token] = []
        func finish() {
            guard let first = current.first, let last = current.last else { return }
            let start = first.range.lowerBound
            let moved = current.map {
                Token(kind: $0.kind, range: $0.range.lowerBound - start..<$0.range.upperBound - start)
            }
            statements.append((start..<last.range.upperBound, moved))
            current = []
        }
        for token in Lexer.tokens(text) {
            if token.isSymbol(";") {
                finish()
            } else {
                current.append(token)
            }
        }
        finish()
        return statements
    }

    /// Parses one statement; `map` gets the edits that were needed.
    static func parse(_ tokens: [Token], _ map: inout SourceMap) throws(Failure) -> StatementSyntax {
        try Limits.check(tokens, text: map.original)
        if let zero = map.original.firstIndex(of: 0) {
            throw Failure("22021", "invalid byte sequence for encoding \"UTF8\": 0x00", at: zero)
        }
        let rewrite = try Rewrite.make(tokens, &map)
        var text = map.rewritten.map { CChar(bitPattern: $0) }
        text.append(0)
        let result = text.withUnsafeBufferPointer { pg_query_parse_protobuf($0.baseAddress) }
        defer { pg_query_free_protobuf_parse_result(result) }
        if let error = result.error?.pointee {
            let message = TreeReader.string(error.message)
            // The cursor is 1-based and counts characters.
            let location = error.cursorpos > 0 ? byte(ofCharacter: Int(error.cursorpos) - 1, in: map.rewritten) : nil
            throw Failure(
                ParserError.code(message: message, function: TreeReader.string(error.funcname)), message, at: location)
        }
        let tree = result.parse_tree
        let unpacked = tree.data.withMemoryRebound(to: UInt8.self, capacity: tree.len) {
            pg_query__parse_result__unpack(nil, tree.len, $0)
        }
        guard let unpacked else { throw Failure("XX000", "the parse tree could not be read") }
        defer { pg_query__parse_result__free_unpacked(unpacked, nil) }
        guard unpacked.pointee.n_stmts == 1, let raw = unpacked.pointee.stmts?[0], let node = raw.pointee.stmt else {
            throw Failure("42601", "one statement was expected", at: 0)
        }
        var reader = TreeReader()
        let statement = try reader.statement(node, rewrite)
        return rewrite.isExplain ? .explain(statement, isAnalyze: rewrite.isAnalyze) : statement
    }

    /// Parses a statement that was accepted before.
    static func parseStored(_ statement: String) throws(Failure) -> StatementSyntax {
        let text = Array(statement.utf8)
        guard let first = split(text).first else { throw Failure("XX000", "a stored statement is empty") }
        var map = SourceMap(original: Array(text[first.range]), charactersBefore: 0)
        return try parse(first.tokens, &map)
    }

    private static func byte(ofCharacter index: Int, in text: [UInt8]) -> Int {
        var remaining = index
        for (position, byte) in text.enumerated() where byte & 0xC0 != 0x80 {
            if remaining == 0 { return position }
            remaining -= 1
        }
        return text.count
    }
}

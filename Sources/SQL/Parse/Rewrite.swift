/// Turns our own statements into PostgreSQL's grammar.
///
/// - `CREATE SOURCE s …` becomes `CREATE TABLE s …`; without a column list, an empty one is put in.
/// - `CREATE SINK s FROM v WITH (…)` becomes `CREATE TABLE s ( ) WITH (…)`.
/// - `DROP SOURCE s`, `DROP SINK s` become `DROP TABLE s`.
/// - `EXPLAIN` or `EXPLAIN ANALYZE` before any statement is taken off.
/// - `session(t PARTITION BY a, b, time, gap)` becomes `session(t , a, b, time, gap)`.
struct Rewrite: Equatable {
    enum Subject: Equatable {
        case plain, source
        /// With the relation that it reads.
        case sink(NameSyntax)

        static func == (first: Subject, second: Subject) -> Bool {
            switch (first, second) {
            case (.plain, .plain), (.source, .source): true
            case (.sink(let a), .sink(let b)): a.text == b.text
            default: false
            }
        }
    }

    var subject = Subject.plain
    var isExplain = false
    /// `EXPLAIN ANALYZE`.
    var isAnalyze = false

    /// Reads the statement's tokens and notes the edits in `map`.
    static func make(_ tokens: [Token], _ map: inout SourceMap) throws(Failure) -> Rewrite {
        var rewrite = Rewrite()
        let text = map.original
        var tokens = tokens[...]
        if let first = tokens.first, first.isWord("explain", in: text) {
            guard let next = tokens.dropFirst().first else { return rewrite }
            let isBracketed =
                next.isSymbol("(") && tokens.count > 3
                && tokens[tokens.startIndex + 2].isWord("analyze", in: text)
                && tokens[tokens.startIndex + 3].isSymbol(")")
            rewrite.isAnalyze = isBracketed || next.isWord("analyze", in: text)
            if !rewrite.isAnalyze, next.isSymbol("(") || next.isWord("verbose", in: text) {
                throw .unsupported(
                    "EXPLAIN with other options than ANALYZE", at: map.rewrittenByte(of: next.range.lowerBound),
                    hint: "Use EXPLAIN or EXPLAIN ANALYZE before the statement.")
            }
            rewrite.isExplain = true
            for token in tokens.prefix(isBracketed ? 4 : rewrite.isAnalyze ? 2 : 1) {
                map.replace(token.range, with: "")
            }
            tokens.removeFirst(isBracketed ? 4 : rewrite.isAnalyze ? 2 : 1)
        }
        rewriteSessions(tokens, &map)
        guard let verb = tokens.first, let object = tokens.dropFirst().first else { return rewrite }
        let isCreate = verb.isWord("create", in: text)
        guard isCreate || verb.isWord("drop", in: text) else { return rewrite }
        let isSource = object.isWord("source", in: text)
        guard isSource || object.isWord("sink", in: text) else {
            if isCreate, object.isWord("table", in: text) { addColumnList(tokens.dropFirst(2), &map) }
            return rewrite
        }
        map.replace(object.range, with: "TABLE")
        if isSource || !isCreate {
            rewrite.subject = isSource ? .source : .sink(NameSyntax(qualifier: nil, name: "", location: -1))
            if isCreate { addColumnList(tokens.dropFirst(2), &map) }
            return rewrite
        }
        rewrite.subject = try .sink(readInput(tokens.dropFirst(2), &map))
        return rewrite
    }

    /// `PARTITION BY` directly inside the brackets of `session(`.
    private static func rewriteSessions(_ tokens: ArraySlice<Token>, _ map: inout SourceMap) {
        let text = map.original
        // Of each open bracket whether it is a session's.
        var open: [Bool] = []
        for index in tokens.indices {
            let token = tokens[index]
            if token.isSymbol("(") {
                open.append(index > tokens.startIndex && tokens[index - 1].isWord("session", in: text))
            } else if token.isSymbol(")") {
                _ = open.popLast()
            } else if open.last == true, token.isWord("partition", in: text), index + 1 < tokens.endIndex,
                tokens[index + 1].isWord("by", in: text)
            {
                map.replace(token.range.lowerBound..<tokens[index + 1].range.upperBound, with: ",")
            }
        }
    }

    /// What follows `CREATE TABLE`: `[IF NOT EXISTS] name[.name]`; returns the rest.
    private static func afterName(_ tokens: ArraySlice<Token>, _ text: [UInt8]) -> ArraySlice<Token> {
        var rest = tokens
        if let first = rest.first, first.isWord("if", in: text) { rest = rest.dropFirst(3) }
        rest = rest.dropFirst()
        while let dot = rest.first, dot.isSymbol(".") { rest = rest.dropFirst(2) }
        return rest
    }

    /// `CREATE TABLE t WITH (…)`: PostgreSQL's grammar wants brackets.
    private static func addColumnList(_ tokens: ArraySlice<Token>, _ map: inout SourceMap) {
        guard let next = afterName(tokens, map.original).first, next.isWord("with", in: map.original) else { return }
        map.replace(next.range.lowerBound..<next.range.lowerBound, with: "() ")
    }

    private static func readInput(_ tokens: ArraySlice<Token>, _ map: inout SourceMap) throws(Failure) -> NameSyntax {
        let text = map.original
        let rest = afterName(tokens, text)
        let edited = map
        func unexpected(_ token: Token?) -> Failure {
            guard let token else {
                return Failure("42601", "syntax error at end of input", at: edited.rewrittenByte(of: text.count))
            }
            let shown = String(decoding: text[token.range], as: UTF8.self)
            return Failure(
                "42601", "syntax error at or near \"\(shown)\"", at: edited.rewrittenByte(of: token.range.lowerBound),
                hint: "CREATE SINK name FROM view WITH (connector = '…')")
        }
        guard let from = rest.first, from.isWord("from", in: text) else {
            if let first = rest.first, first.isWord("as", in: text) || first.isSymbol("(") {
                throw Failure.unsupported(
                    "CREATE SINK … AS", at: map.rewrittenByte(of: first.range.lowerBound),
                    hint: "Create a view, then CREATE SINK name FROM view.")
            }
            throw unexpected(rest.first)
        }
        var parts: [String] = []
        var name = rest.dropFirst()
        guard let first = name.first, let part = first.identifier(in: text) else { throw unexpected(name.first) }
        parts.append(part)
        name = name.dropFirst()
        var end = first.range.upperBound
        while let dot = name.first, dot.isSymbol("."), let token = name.dropFirst().first,
            let part = token.identifier(in: text)
        {
            parts.append(part)
            end = token.range.upperBound
            name = name.dropFirst(2)
        }
        map.replace(from.range, with: "(")
        map.replace(first.range.lowerBound..<end, with: ")")
        let last = parts.removeLast()
        if parts == ["public"] { parts = [] }
        return NameSyntax(
            qualifier: parts.isEmpty ? nil : parts.joined(separator: "."), name: last,
            location: map.rewrittenByte(of: first.range.lowerBound))
    }
}

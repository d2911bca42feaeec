/// Reads SQL as far as a console must: where quotes and comments begin and end, so that it knows when a statement is whole.
struct StatementText {
    private enum Place: Equatable {
        case plain, lineComment
        case blockComment(depth: Int)
        /// Inside of '…' or "…"; `escapes`: a backslash takes the next character (E'…').
        case quoted(Character, escapes: Bool)
        /// Inside of $tag$…$tag$, by the tag with its dollars.
        case dollar(String)
    }

    private(set) var text = ""
    /// As ``text``, but on one line: comments are gone, line ends outside of quotes are blanks.
    private(set) var line = ""
    private var place = Place.plain
    private var endsWithSemicolon = false

    /// Nothing but blanks and comments so far.
    var isEmpty: Bool { line.allSatisfy(\.isWhitespace) }

    /// The last thing outside of quotes and comments is a semicolon.
    var isComplete: Bool { place == .plain && endsWithSemicolon }

    /// Adds a line with its line end.
    mutating func add(_ added: String) {
        text += added
        var rest = Array(added)[...]
        // A comment to the end of a line ends there, also if the line end was not typed.
        while let character = rest.first { take(character, &rest) }
        if place == .lineComment, !added.hasSuffix("\n") { place = .plain }
    }

    private mutating func take(_ character: Character, _ rest: inout ArraySlice<Character>) {
        switch place {
        case .plain: takePlain(character, &rest)
        case .lineComment:
            rest.removeFirst()
            if character.isNewline {
                place = .plain
                line += " "
            }
        case .blockComment(let depth):
            if rest.starts(with: "/*") {
                rest.removeFirst(2)
                place = .blockComment(depth: depth + 1)
            } else if rest.starts(with: "*/") {
                rest.removeFirst(2)
                place = depth > 1 ? .blockComment(depth: depth - 1) : .plain
                if place == .plain { line += " " }
            } else {
                rest.removeFirst()
            }
        case .quoted(let quote, let escapes):
            line.append(rest.removeFirst())
            if escapes, character == "\\", let next = rest.popFirst() {
                line.append(next)
            } else if character == quote {
                if rest.first == quote {
                    line.append(rest.removeFirst())
                } else {
                    place = .plain
                }
            }
        case .dollar(let tag):
            if rest.starts(with: tag) {
                rest.removeFirst(tag.count)
                line += tag
                place = .plain
            } else {
                line.append(rest.removeFirst())
            }
        }
    }

    private mutating func takePlain(_ character: Character, _ rest: inout ArraySlice<Character>) {
        if rest.starts(with: "--") {
            place = .lineComment
            return
        }
        if rest.starts(with: "/*") {
            rest.removeFirst(2)
            place = .blockComment(depth: 1)
            return
        }
        if character == "$", let tag = Self.dollarTag(rest) {
            rest.removeFirst(tag.count)
            line += tag
            endsWithSemicolon = false
            place = .dollar(tag)
            return
        }
        rest.removeFirst()
        if character == "'" || character == "\"" {
            let escapes =
                character == "'" && (line.last == "e" || line.last == "E") && Self.isWordStart(line.dropLast())
            place = .quoted(character, escapes: escapes)
        }
        if !character.isWhitespace { endsWithSemicolon = character == ";" }
        line.append(character.isNewline ? " " : character)
    }

    /// `$tag$` at the front.
    private static func dollarTag(_ rest: ArraySlice<Character>) -> String? {
        let name = rest.dropFirst().prefix { $0.isLetter || $0.isNumber || $0 == "_" }
        guard name.first?.isNumber != true, rest.dropFirst(1 + name.count).first == "$" else { return nil }
        return "$" + String(name) + "$"
    }

    private static func isWordStart(_ before: Substring) -> Bool {
        guard let last = before.last else { return true }
        return !(last.isLetter || last.isNumber || last == "_")
    }
}

/// `~` and its kin, SIMILAR TO, and regexp_… to text, numbers and conditions.
enum RegexFunctions {
    typealias Bytes = TextKernels.Bytes

    static let all: [ScalarFunction] = operators + counting + replacing + similar

    // MARK: conditions

    private static let operators: [ScalarFunction] =
        // The blanks at the end of a character value count.
        [DataType.text, .character].flatMap { type in
            [
                match("~", type, "Whether the text has a match of the regular expression."),
                match("~*", type, "As ~, in either case.", foldsCase: true),
                match("!~", type, "Not ~.", negated: true),
                match("!~*", type, "Not ~*.", foldsCase: true, negated: true),
            ]
        } + named

    private static let named: [ScalarFunction] = [
        RowKernels.predicate("regexp_like", [.text, .text], "As ~.", state: { RegexCache() }) {
            (row, cache) throws(RowFailure) in try cache.regex(row.text(1)).matches(row.text(0))
        },
        RowKernels.predicate("regexp_like", [.text, .text, .text], "As ~, with flags.", state: { RegexCache() }) {
            (row, cache) throws(RowFailure) in
            try single("regexp_like", row, flags: 2, &cache).matches(row.text(0))
        },
    ]

    private static func match(
        _ name: String, _ type: DataType, _ documentation: String, foldsCase: Bool = false, negated: Bool = false
    ) -> ScalarFunction {
        var options = RegexTranslator.Options()
        options.foldsCase = foldsCase
        let fixed = options
        return RowKernels.predicate(name, [type, .text], documentation, state: { RegexCache() }) {
            (row, cache) throws(RowFailure) in
            try cache.regex(row.text(1), options: fixed).matches(row.text(0)) != negated
        }
    }

    /// The pattern of argument 1 with the flags of another; the functions that look for given matches refuse the flag `g`.
    static func single(
        _ name: String, _ row: ArgumentRow, flags argument: Int, _ cache: inout RegexCache
    ) throws(RowFailure) -> Regex {
        guard argument < row.count else { return try cache.regex(row.text(1)) }
        let flags = row.text(argument)
        if flags.contains(UInt8(ascii: "g")) {
            var options = RegexTranslator.Options()
            try options.apply(String(decoding: flags, as: UTF8.self).unicodeScalars, isArgument: true)
            throw RowFailure("22023", "\(name)() does not support the \"global\" option")
        }
        return try cache.regex(row.text(1), flags: flags)
    }

    // MARK: counting and finding

    private static let start: [DataType] = [.text, .text, .integer]

    private static let counting: [ScalarFunction] =
        [[DataType.text, .text], start, start + [.text]].map { types in
            RowKernels.value(
                "regexp_count", types, .integer, "How many matches there are, from a start position on, with flags.",
                state: { RegexCache() }
            ) { (row, cache) throws(RowFailure) -> Int32? in
                let from = try offset(row, 2, types)
                let regex = try single("regexp_count", row, flags: 3, &cache)
                var count: Int32 = 0
                guard let from else { return 0 }
                try regex.forEachMatch(in: row.text(0), from: from) { (_, _) throws(RowFailure) in
                    count += 1
                    return true
                }
                return count
            }
        }
        + [
            start, start + [.integer], start + [.integer, .integer], start + [.integer, .integer, .text],
            start + [.integer, .integer, .text, .integer], [.text, .text],
        ].map { types in
            RowKernels.value(
                "regexp_instr", types, .integer,
                "Where the n-th match starts, or ends (end option 1), or one of its groups; 0 if there is none: from a start position on, with flags.",
                state: { RegexCache() }
            ) { (row, cache) throws(RowFailure) -> Int32? in
                let from = try offset(row, 2, types)
                let number = try parameter(row, 3, types, "n", least: 1) ?? 1
                let atEnd = try parameter(row, 4, types, "endoption", least: 0, most: 1) ?? 0
                let group = try parameter(row, 6, types, "subexpr", least: 0) ?? 0
                let regex = try single("regexp_instr", row, flags: 5, &cache)
                guard let span = try find(row, from, regex, number, group) else { return 0 }
                let place = atEnd == 1 ? span.upperBound : span.lowerBound
                return Int32(TextFunctions.characters(Bytes(rebasing: row.text(0)[0..<place])) + 1)
            }
        }
        + [
            [.text, .text], start, start + [.integer], start + [.integer, .text], start + [.integer, .text, .integer],
        ].map { types in
            RowKernels.bytes(
                "regexp_substr", types,
                "The n-th match, or one of its groups: from a start position on, with flags.", state: { RegexCache() }
            ) { (row, cache, out) throws(RowFailure) in
                let from = try offset(row, 2, types)
                let number = try parameter(row, 3, types, "n", least: 1) ?? 1
                let group = try parameter(row, 5, types, "subexpr", least: 0) ?? 0
                let regex = try single("regexp_substr", row, flags: 4, &cache)
                guard let span = try find(row, from, regex, number, group) else { return out.setNull() }
                out.append(row.text(0)[span])
            }
        }

    private static func parameter(
        _ row: ArgumentRow, _ index: Int, _ types: [DataType], _ name: String, least: Int, most: Int = .max
    ) throws(RowFailure) -> Int? {
        guard index < types.count else { return nil }
        let value = row.integer(index)
        if value < least || value > most {
            throw RowFailure("22023", "invalid value for parameter \"\(name)\": \(value)")
        }
        return value
    }

    /// The byte at which the search starts; nil if that is behind the text's end.
    private static func offset(_ row: ArgumentRow, _ index: Int, _ types: [DataType]) throws(RowFailure) -> Int? {
        let start = try parameter(row, index, types, "start", least: 1) ?? 1
        let text = row.text(0)
        let skipped = TextFunctions.slice(text, 0, start - 1)
        if skipped.count == text.count, TextFunctions.characters(text) < start - 1 { return nil }
        return skipped.count
    }

    private static func find(
        _ row: ArgumentRow, _ from: Int?, _ regex: Regex, _ number: Int, _ group: Int
    ) throws(RowFailure) -> Range<Int>? {
        // A pattern without groups counts as one group.
        guard let from, group <= max(regex.groupCount, 1) else { return nil }
        let group = min(group, regex.groupCount)
        var found: Range<Int>?
        var count = 0
        try regex.forEachMatch(in: row.text(0), from: from) { (_, spans) throws(RowFailure) in
            count += 1
            if count == number { found = spans[group] }
            return count < number
        }
        return found
    }

    // MARK: replacing

    private static let replacing: [ScalarFunction] =
        [
            RowKernels.bytes(
                "regexp_replace", [.text, .text, .text],
                "The first match replaced; \\1 … \\9 and \\& stand for groups and match.",
                state: { RegexCache() }
            ) { (row, cache, out) throws(RowFailure) in
                try replace(row, cache.regex(row.text(1)), from: 0, number: 1, &out)
            },
            RowKernels.bytes(
                "regexp_replace", [.text, .text, .text, .text], "The first match replaced, or with the flag g all.",
                state: { RegexCache() }
            ) { (row, cache, out) throws(RowFailure) in
                let regex = try cache.regex(row.text(1), flags: row.text(3))
                try replace(row, regex, from: 0, number: regex.isGlobal ? 0 : 1, &out)
            },
        ]
        + [
            [DataType.text, .text, .text, .integer], [.text, .text, .text, .integer, .integer],
            [.text, .text, .text, .integer, .integer, .text],
        ].map { types in
            RowKernels.bytes(
                "regexp_replace", types, "The n-th match from a start position on replaced; all if n is 0.",
                state: { RegexCache() }
            ) { (row, cache, out) throws(RowFailure) in
                let from = try offset(row, 3, types)
                let number = try parameter(row, 4, types, "n", least: 0) ?? 1
                let regex = try cache.regex(row.text(1), flags: types.count > 5 ? row.text(5) : nil)
                guard let from else { return out.append(row.text(0)) }
                try replace(row, regex, from: from, number: number, &out)
            }
        }

    /// Replaces the match of this number, or all (0).
    private static func replace(
        _ row: ArgumentRow, _ regex: Regex, from: Int, number: Int, _ out: inout TextWriter
    ) throws(RowFailure) {
        let (text, replacement) = (row.text(0), row.text(2))
        var written = 0
        var count = 0
        var target = out
        try regex.forEachMatch(in: text, from: from) { (whole, spans) throws(RowFailure) in
            count += 1
            if number > 0, count != number { return true }
            target.append(text[written..<whole.lowerBound])
            substitute(replacement, text, spans, &target)
            written = whole.upperBound
            if target.rowByteCount > TextKernels.bytesMax { throw .textTooLong }
            return number == 0
        }
        target.append(text[written...])
        out = target
    }

    private static func substitute(
        _ replacement: Bytes, _ text: Bytes, _ spans: Regex.Spans, _ out: inout TextWriter
    ) {
        var position = 0
        while position < replacement.count {
            let byte = replacement[position]
            guard byte == UInt8(ascii: "\\"), position + 1 < replacement.count else {
                out.append(byte)
                position += 1
                continue
            }
            let next = replacement[position + 1]
            position += 2
            if next >= 0x31, next <= 0x39 {
                let group = Int(next - 0x30)
                if group < spans.count, let span = spans[group] { out.append(text[span]) }
            } else if next == UInt8(ascii: "&") {
                if let whole = spans[0] { out.append(text[whole]) }
            } else if next == UInt8(ascii: "\\") {
                out.append(next)
            } else {
                // Not one of its escapes: the backslash is itself.
                out.append(byte)
                position -= 1
            }
        }
    }

    // MARK: SIMILAR TO and SUBSTRING

    private static let similar: [ScalarFunction] = [
        RowKernels.bytes("similar_to_escape", [.text], "The SIMILAR TO pattern as a regular expression.") {
            (row, out) throws(RowFailure) in
            out.append(try SimilarPattern.regex(row.text(0), escape: "\\"))
        },
        RowKernels.bytes(
            "similar_to_escape", [.text, .text],
            "The SIMILAR TO pattern, with an escape character, as a regular expression."
        ) {
            (row, out) throws(RowFailure) in
            out.append(try SimilarPattern.regex(row.text(0), escape: try SimilarPattern.escape(row.text(1))))
        },
        RowKernels.bytes(
            "substring", [.text, .text], "The first match of the regular expression, or of its first group.",
            state: { RegexCache() }
        ) { (row, cache, out) throws(RowFailure) in
            try substring(row.text(0), try cache.regex(row.text(1)), &out)
        },
        RowKernels.bytes(
            "substring", [.text, .text, .text],
            "What the part of a SIMILAR TO pattern between two escaped double quotes matches.", state: { RegexCache() }
        ) { (row, cache, out) throws(RowFailure) in
            let pattern = try SimilarPattern.regex(row.text(1), escape: try SimilarPattern.escape(row.text(2)))
            let regex = try pattern.withUnsafeBufferPointer { (bytes) throws(RowFailure) in try cache.regex(bytes) }
            try substring(row.text(0), regex, &out)
        },
    ]

    private static func substring(_ text: Bytes, _ regex: Regex, _ out: inout TextWriter) throws(RowFailure) {
        guard let span = regex.firstMatch(of: min(1, regex.groupCount), in: text) else { return out.setNull() }
        out.append(text[span])
    }
}

/// SIMILAR TO's patterns as regular expressions, as PostgreSQL writes them.
enum SimilarPattern {
    /// The escape character of an argument; nil if it is empty: there is none.
    static func escape(_ text: TextKernels.Bytes) throws(RowFailure) -> Unicode.Scalar? {
        let scalars = String(decoding: text, as: UTF8.self).unicodeScalars
        if scalars.count > 1 { throw RowFailure("22025", "invalid escape string") }
        return scalars.first
    }

    static func regex(_ pattern: TextKernels.Bytes, escape: Unicode.Scalar?) throws(RowFailure) -> [UInt8] {
        var result = "^(?:"
        var isEscaped = false
        var isInBrackets = false
        var separators = 0
        for scalar in String(decoding: pattern, as: UTF8.self).unicodeScalars {
            if isEscaped {
                isEscaped = false
                if scalar == "\"", !isInBrackets {
                    if separators > 1 {
                        throw RowFailure(
                            "2200C",
                            "SQL regular expression may not contain more than two escape-double-quote separators")
                    }
                    result += separators == 0 ? "){1,1}?(" : "){1,1}(?:"
                    separators += 1
                } else {
                    result += "\\"
                    result.unicodeScalars.append(scalar)
                }
            } else if let escape, scalar == escape {
                isEscaped = true
            } else if isInBrackets {
                if scalar == "\\" { result += "\\" }
                result.unicodeScalars.append(scalar)
                if scalar == "]" { isInBrackets = false }
            } else {
                switch scalar {
                case "[":
                    isInBrackets = true
                    result += "["
                case "%": result += ".*"
                case "_": result += "."
                case "(": result += "(?:"
                case "\\", ".", "^", "$":
                    result += "\\"
                    result.unicodeScalars.append(scalar)
                default: result.unicodeScalars.append(scalar)
                }
            }
        }
        return Array((result + ")$").utf8)
    }
}

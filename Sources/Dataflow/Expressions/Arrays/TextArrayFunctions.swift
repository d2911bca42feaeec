/// Arrays from texts: string_to_array, regexp_match, regexp_split_to_array, parse_ident.
enum TextArrayFunctions {
    typealias Bytes = TextKernels.Bytes

    private static let texts = DataType.array(of: .text)

    static let all: [ScalarFunction] =
        [[DataType.text, .text], [.text, .text, .text]].map { types in
            list(
                "string_to_array", types, isStrict: false,
                "The parts between delimiters, or the characters if that is NULL; a part like the third becomes NULL."
            ) { (row, _, writer) throws(RowFailure) in
                if row.isNull(0) { return false }
                let null = types.count > 2 && !row.isNull(2) ? row.text(2) : nil
                try split(row.text(0), row.isNull(1) ? nil : row.text(1)) { (part) throws(RowFailure) in
                    append(part, null, &writer)
                }
                return true
            }
        }
        + [[DataType.text, .text], [.text, .text, .text]].flatMap { types in
            [
                list("regexp_match", types, "The groups of the first match, or all of it if the pattern has none.") {
                    (row, cache, writer) throws(RowFailure) in
                    let regex = try RegexFunctions.single("regexp_match", row, flags: 2, &cache)
                    guard let spans = regex.firstMatch(in: row.text(0), from: 0) else { return false }
                    append(spans, row.text(0), &writer)
                    return true
                },
                list("regexp_split_to_array", types, "The parts between matches.") {
                    (row, cache, writer) throws(RowFailure) in
                    let regex = try RegexFunctions.single("regexp_split_to_array", row, flags: 2, &cache)
                    try split(row.text(0), regex) { writer.append(UnsafeRawBufferPointer($0)) }
                    return true
                },
            ]
        }

    private static func list(
        _ name: String, _ types: [DataType], isStrict: Bool = true, _ documentation: String,
        _ row: @escaping @Sendable (ArgumentRow, inout RegexCache, inout ArrayBytes.Writer) throws(RowFailure) -> Bool
    ) -> ScalarFunction {
        RowKernels.bytes(
            name, types, returns: texts, isStrict: isStrict, documentation,
            state: { (RegexCache(), ArrayBytes.Writer(element: .text)) }
        ) { (place, state, out) throws(RowFailure) in
            if state.1.count > 0 { _ = state.1.finish() }
            guard try row(place, &state.0, &state.1) else { return out.setNull() }
            out.append(state.1.finish())
        }
    }

    private static func append(_ part: Bytes, _ null: Bytes?, _ writer: inout ArrayBytes.Writer) {
        if let null, null.elementsEqual(part) { return writer.append(nil) }
        writer.append(UnsafeRawBufferPointer(part))
    }

    /// A match's groups, or all of it if the pattern has none.
    static func append(_ spans: Regex.Spans, _ text: Bytes, _ writer: inout ArrayBytes.Writer) {
        for span in spans.count > 1 ? spans.dropFirst() : spans[...] {
            writer.append(span.map { UnsafeRawBufferPointer(Bytes(rebasing: text[$0])) })
        }
    }

    /// The parts between delimiters; without one (nil) the characters, with an empty one the whole. An empty text has no part.
    static func split(
        _ text: Bytes, _ delimiter: Bytes?, _ body: (Bytes) throws(RowFailure) -> Void
    ) throws(RowFailure) {
        if text.isEmpty { return }
        guard let delimiter else {
            var position = 0
            while position < text.count {
                let next = TextFunctions.after(text, position)
                try body(Bytes(rebasing: text[position..<next]))
                position = next
            }
            return
        }
        var position = 0
        while !delimiter.isEmpty, let found = TextFunctions.find(delimiter, in: text, from: position) {
            try body(Bytes(rebasing: text[position..<found]))
            position = found + delimiter.count
        }
        try body(Bytes(rebasing: text[position...]))
    }

    /// The parts between matches; an empty match at the text's ends or right behind another does not count.
    static func split(_ text: Bytes, _ regex: Regex, _ body: (Bytes) throws(RowFailure) -> Void) throws(RowFailure) {
        var position = 0
        var lastEnd = 0
        try regex.forEachMatch(in: text, from: 0) { (whole, _) throws(RowFailure) in
            if whole.lowerBound < text.count, whole.upperBound > lastEnd {
                try body(Bytes(rebasing: text[position..<whole.lowerBound]))
                position = whole.upperBound
            }
            lastEnd = whole.upperBound
            return true
        }
        try body(Bytes(rebasing: text[position...]))
    }
}

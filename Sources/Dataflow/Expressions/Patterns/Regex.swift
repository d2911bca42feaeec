internal import CRE2

/// Compiled regular expressions for one batch: the pattern before is kept at hand, since a column of patterns is one constant
/// nearly always; those behind it are in the thread's cache (`DP_REGEX_CACHE_MAX`).
struct RegexCache {
    private var pattern: [UInt8] = []
    private var flags: [UInt8] = []
    private var added = RegexTranslator.Options()
    private var last: Regex?

    /// The pattern compiled, with these flags beside `options`.
    mutating func regex(
        _ pattern: TextKernels.Bytes, flags: TextKernels.Bytes? = nil, options: RegexTranslator.Options = .init()
    ) throws(RowFailure) -> Regex {
        if let last, TextKernels.isEqual(pattern, self.pattern),
            flags.map({ TextKernels.isEqual($0, self.flags) }) ?? self.flags.isEmpty,
            added == options
        {
            return last
        }
        last = nil
        var all = options
        if let flags { try all.apply(String(decoding: flags, as: UTF8.self).unicodeScalars, isArgument: true) }
        let regex = try Regex(pattern, all)
        self.pattern = Array(pattern)
        self.flags = flags.map { Array($0) } ?? []
        added = options
        last = regex
        return regex
    }
}

/// One compiled regular expression; valid until the thread compiles the next.
struct Regex {
    private let compiled: OpaquePointer
    /// Groups of the pattern, without the whole match.
    let groupCount: Int
    /// The flags had a `g`.
    let isGlobal: Bool

    /// Byte offsets of a match and its groups; nil of a group that took no part.
    typealias Spans = [Range<Int>?]

    fileprivate init(_ pattern: TextKernels.Bytes, _ options: RegexTranslator.Options) throws(RowFailure) {
        let (text, found, isNonGreedy) = try RegexTranslator.translate(pattern, options)
        var bits: Int32 = 0
        if found.foldsCase { bits |= Int32(DP_REGEX_FOLD_CASE) }
        if !isNonGreedy { bits |= Int32(DP_REGEX_LONGEST) }
        var error: Int32 = 0
        var message = [CChar](repeating: 0, count: 200)
        var source = text
        let pointer = source.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { bytes in
                dp_regex_get(bytes.baseAddress, bytes.count, bits, &error, &message, message.count)
            }
        }
        guard let pointer else { throw RegexTranslator.invalid(Self.reason(error)) }
        compiled = pointer
        groupCount = Int(dp_regex_groups(pointer))
        isGlobal = found.isGlobal
    }

    /// PostgreSQL's words for RE2's error codes.
    private static func reason(_ code: Int32) -> String {
        switch code {
        case 4: "invalid character class"
        case 5: "invalid character range"
        case 6: "brackets [] not balanced"
        case 7, 8: "parentheses () not balanced"
        case 9, 10, 12: "quantifier operand invalid"
        case 11: "invalid repetition count(s)"
        default: "regular expression is too complex"
        }
    }

    /// Whether the text has a match.
    func matches(_ text: TextKernels.Bytes) -> Bool {
        text.withMemoryRebound(to: CChar.self) { dp_regex_match(compiled, $0.baseAddress, $0.count, 0, nil, 0) } != 0
    }

    /// The first match at or behind `start`, with its groups.
    func firstMatch(in text: TextKernels.Bytes, from start: Int) -> Spans? {
        let count = groupCount + 1
        return withUnsafeTemporaryAllocation(of: Int32.self, capacity: 2 * count) { spans in
            let found = text.withMemoryRebound(to: CChar.self) {
                dp_regex_match(compiled, $0.baseAddress, $0.count, start, spans.baseAddress, Int32(count))
            }
            guard found != 0 else { return nil }
            return (0..<count).map { spans[2 * $0] < 0 ? nil : Int(spans[2 * $0])..<Int(spans[2 * $0 + 1]) }
        }
    }

    /// Where a group of the first match lies (0: the whole match); nil if there is no match, or the group took no part.
    func firstMatch(of group: Int, in text: TextKernels.Bytes) -> Range<Int>? {
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: 2 * (group + 1)) { spans in
            let found = text.withMemoryRebound(to: CChar.self) {
                dp_regex_match(compiled, $0.baseAddress, $0.count, 0, spans.baseAddress, Int32(group + 1))
            }
            guard found != 0, spans[2 * group] >= 0 else { return nil }
            return Int(spans[2 * group])..<Int(spans[2 * group + 1])
        }
    }

    /// The matches from `start` on, one after the other, until `body` returns false. After an empty one the search goes on a
    /// character later.
    func forEachMatch(
        in text: TextKernels.Bytes, from start: Int,
        _ body: (_ whole: Range<Int>, _ spans: Spans) throws(RowFailure) -> Bool
    ) throws(RowFailure) {
        var position = start
        while position <= text.count, let spans = firstMatch(in: text, from: position), let whole = spans[0] {
            guard try body(whole, spans) else { return }
            position = whole.upperBound
            if whole.isEmpty { position = position < text.count ? TextFunctions.after(text, position) : position + 1 }
        }
    }
}

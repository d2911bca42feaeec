/// LIKE: `%` stands for any characters, `_` for one, and `\` before a character for itself.
///
/// After a mismatch only the last `%` takes one more character (earlier ones need not be tried again), so the
/// time is at most text × pattern.
enum TextPattern {
    /// nil if the match comes upon an escape at the pattern's end.
    static func matches(_ text: TextKernels.Bytes, _ pattern: TextKernels.Bytes) -> Bool? {
        var (t, p) = (0, 0)
        var retry: (text: Int, pattern: Int)?
        while t < text.count {
            if p < pattern.count {
                let symbol = pattern[p]
                if symbol == UInt8(ascii: "%") {
                    p += 1
                    if p == pattern.count { return true }
                    retry = (t, p)
                    continue
                }
                if symbol == UInt8(ascii: "_") {
                    t = TextFunctions.after(text, t)
                    p += 1
                    continue
                }
                let literal = symbol == UInt8(ascii: "\\") ? p + 1 : p
                if literal == pattern.count { return nil }
                if pattern[literal] == text[t] {
                    t += 1
                    p = literal + 1
                    continue
                }
            }
            guard let (start, after) = retry else { return false }
            let next = TextFunctions.after(text, start)
            retry = (next, after)
            (t, p) = (next, after)
        }
        while p < pattern.count, pattern[p] == UInt8(ascii: "%") { p += 1 }
        return p == pattern.count
    }

    /// ILIKE: both in lower case.
    static func matchesFolded(_ text: TextKernels.Bytes, _ pattern: TextKernels.Bytes) -> Bool? {
        withLowered(text) { text in withLowered(pattern) { pattern in matches(text, pattern) } }
    }

    private static func withLowered<Result>(_ text: TextKernels.Bytes, _ body: (TextKernels.Bytes) -> Result) -> Result
    {
        var writer = TextWriter(count: 1, expected: text.count)
        UnicodeCase.append(text, isUpper: false, to: &writer)
        writer.endRow()
        return Kernels.withBytes(writer.finish(), 0, body)
    }
}

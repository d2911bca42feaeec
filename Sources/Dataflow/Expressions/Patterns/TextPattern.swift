import Glibc

/// LIKE: `%` stands for any characters, `_` for one, and `\` before a character for itself.
///
/// A pattern of literal pieces between `%` is searched for piece by piece. Of others, after a mismatch only the last `%` takes one more
/// character (earlier ones need not be tried again), so the time is at most text × pattern.
struct TextPattern {
    private typealias Bytes = TextKernels.Bytes

    /// As it was given, before folding.
    private var given: [UInt8]?
    private var symbols: [UInt8] = []
    private var foldsCase = false
    /// The literal pieces, of which only the first and the last may be empty; nil if the pattern has more than `%`.
    private var pieces: [[UInt8]]?

    /// Makes `pattern` the one that ``matches(_:)`` takes; the one used last costs a comparison.
    mutating func use(_ pattern: TextKernels.Bytes, foldsCase: Bool) {
        if let given, TextKernels.isEqual(pattern, given) { return }
        given = Array(pattern)
        self.foldsCase = foldsCase
        symbols = foldsCase ? Self.withLowered(pattern) { Array($0) } : Array(pattern)
        pieces = Self.pieces(symbols)
    }

    private static func pieces(_ symbols: [UInt8]) -> [[UInt8]]? {
        var pieces: [[UInt8]] = [[]]
        var position = 0
        while position < symbols.count {
            var symbol = symbols[position]
            if symbol == UInt8(ascii: "_") { return nil }
            if symbol == UInt8(ascii: "%") {
                // `%%` is `%`.
                if pieces.count == 1 || !pieces[pieces.count - 1].isEmpty { pieces.append([]) }
            } else {
                if symbol == UInt8(ascii: "\\") {
                    position += 1
                    if position == symbols.count { return nil }
                    symbol = symbols[position]
                }
                pieces[pieces.count - 1].append(symbol)
            }
            position += 1
        }
        return pieces
    }

    /// nil if the match comes upon an escape at the pattern's end.
    func matches(_ text: TextKernels.Bytes) -> Bool? {
        foldsCase ? Self.withLowered(text) { matchesFolded($0) } : matchesFolded(text)
    }

    private func matchesFolded(_ text: TextKernels.Bytes) -> Bool? {
        guard let pieces else { return symbols.withUnsafeBufferPointer { Self.matches(text, $0) } }
        let (first, last) = (pieces[0], pieces[pieces.count - 1])
        if pieces.count == 1 { return text.elementsEqual(first) }
        guard text.count >= first.count + last.count, text.starts(with: first),
            text[(text.count - last.count)...].elementsEqual(last)
        else { return false }
        let middle = text[..<(text.count - last.count)]
        var position = first.count
        for piece in pieces[1..<(pieces.count - 1)] {
            let found = piece.withUnsafeBufferPointer {
                TextFunctions.find($0, in: Bytes(rebasing: middle), from: position)
            }
            guard let found else { return false }
            position = found + piece.count
        }
        return true
    }

    private static func matches(_ text: Bytes, _ pattern: Bytes) -> Bool? {
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

    private static func withLowered<Result>(_ text: TextKernels.Bytes, _ body: (TextKernels.Bytes) -> Result) -> Result
    {
        var writer = TextWriter(count: 1, expected: text.count)
        UnicodeCase.append(text, isUpper: false, to: &writer)
        writer.endRow()
        return Kernels.withBytes(writer.finish(), 0, body)
    }
}

/// Where the bytes of a parsed statement lie in the text that the user typed.
///
/// A statement is cut out of the text and may be rewritten by edits, each of which replaces a range of it.
struct SourceMap {
    /// The statement as typed, as bytes.
    let original: [UInt8]
    /// Characters of the user's text before the statement.
    let charactersBefore: Int
    /// Ranges of `original` in ascending order, and what stands in the parsed text instead.
    private(set) var edits: [(range: Range<Int>, replacement: [UInt8])] = []

    init(original: [UInt8], charactersBefore: Int) {
        self.original = original
        self.charactersBefore = charactersBefore
    }

    mutating func replace(_ range: Range<Int>, with text: String) {
        edits.append((range, Array(text.utf8)))
        edits.sort { $0.range.lowerBound < $1.range.lowerBound }
    }

    /// The text to parse.
    var rewritten: [UInt8] {
        var result: [UInt8] = []
        var from = 0
        for edit in edits {
            result += original[from..<edit.range.lowerBound]
            result += edit.replacement
            from = edit.range.upperBound
        }
        result += original[from...]
        return result
    }

    /// The byte of the original that a byte of the parsed text stands for: inside a replacement, the replaced range's start.
    func originalByte(of location: Int) -> Int {
        var shift = 0
        for edit in edits {
            let start = edit.range.lowerBound + shift
            if location < start { break }
            if location < start + edit.replacement.count { return edit.range.lowerBound }
            shift += edit.replacement.count - edit.range.count
        }
        return min(max(location - shift, 0), original.count)
    }

    /// The byte of the parsed text where a byte of the original stands.
    func rewrittenByte(of location: Int) -> Int {
        var shift = 0
        for edit in edits where edit.range.upperBound <= location {
            shift += edit.replacement.count - edit.range.count
        }
        return location + shift
    }

    /// The error as the user sees it.
    func error(_ failure: Failure) -> SQLError {
        var position: Int?
        if let location = failure.location, location >= 0 {
            let byte = originalByte(of: location)
            position = charactersBefore + Self.characters(original[..<byte]) + 1
        }
        return SQLError(
            code: failure.code, message: failure.message, position: position, hint: failure.hint, detail: failure.detail
        )
    }

    /// Characters (code points) in UTF-8 bytes.
    static func characters(_ bytes: ArraySlice<UInt8>) -> Int {
        bytes.reduce(0) { $0 + ($1 & 0xC0 != 0x80 ? 1 : 0) }
    }
}

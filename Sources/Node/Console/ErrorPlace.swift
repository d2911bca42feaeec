/// Where in a text an error is, to show its line with a mark under the place.
struct ErrorPlace {
    /// Both from 1; the column counts characters.
    let line: Int
    let column: Int
    /// The line's text.
    let content: String

    /// - Parameter position: in characters from 1, as PostgreSQL counts; nil is returned if the text has none there.
    init?(_ position: Int, in text: String) {
        // A line end of two code points is one character to Swift, but two to whoever counted.
        let scalars = text.unicodeScalars
        guard position >= 1, position <= scalars.count + 1 else { return nil }
        let place = scalars.index(scalars.startIndex, offsetBy: position - 1)
        let before = scalars[..<place]
        let start = before.lastIndex(of: "\n").map { scalars.index(after: $0) } ?? scalars.startIndex
        let end = scalars[place...].firstIndex(of: "\n") ?? scalars.endIndex
        line = before.count { $0 == "\n" } + 1
        column = scalars.distance(from: start, to: place) + 1
        content = String(String.UnicodeScalarView(scalars[start..<end].filter { $0 != "\r" }))
    }

    /// Columns of a line shown at most, around the place.
    private static let widthMax = 100

    /// The line behind `prefix`, and the mark below; of a long line the part around the place.
    func lines(_ prefix: String) -> [String] {
        var shown = Array(content.replacing("\t", with: " ").unicodeScalars)
        var offset = min(column - 1, shown.count)
        var left = ""
        if shown.count > Self.widthMax {
            let from = max(0, min(offset - Self.widthMax / 2, shown.count - Self.widthMax))
            left = from > 0 ? "…" : ""
            let right = from + Self.widthMax < shown.count ? "…" : ""
            shown = Array(shown[from..<min(from + Self.widthMax, shown.count)]) + Array(right.unicodeScalars)
            offset -= from
        }
        let before = String(String.UnicodeScalarView(shown[..<offset]))
        let blanks = String(repeating: " ", count: TableText.width(prefix + left + before))
        return [prefix + left + String(String.UnicodeScalarView(shown)), blanks + "^"]
    }
}

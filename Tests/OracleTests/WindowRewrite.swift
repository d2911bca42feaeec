/// Windowing table functions as sub-queries that PostgreSQL knows.
///
/// `tumble(t, ts, size)` and `hop(t, ts, slide, size)` stand in FROM, each with an alias behind it.
enum WindowRewrite {
    static func postgres(_ sql: String) -> String {
        var text = Substring(sql)
        var result = ""
        var aliases = 0
        while let (name, range) = first(in: text) {
            result += text[..<range.lowerBound]
            var depth = 1
            var end = range.upperBound
            var arguments = [""]
            while depth > 0 {
                let character = text[end]
                if character == "(" { depth += 1 }
                if character == ")" { depth -= 1 }
                if character == ",", depth == 1 {
                    arguments.append("")
                } else if depth > 0 {
                    arguments[arguments.count - 1].append(character)
                }
                end = text.index(after: end)
            }
            arguments = arguments.map { $0.split { $0 == " " || $0 == "\n" }.joined(separator: " ") }
            result += name == "tumble" ? tumble(arguments) : hop(arguments)
            text = text[end...]
            let next = text.split(maxSplits: 1) { $0 == " " || $0 == "\n" || $0 == ")" }.first.map(String.init) ?? ""
            let hasAlias = text.first != ")" && !next.isEmpty && !keywords.contains(next)
            if !hasAlias {
                aliases += 1
                result += " AS window\(aliases)"
            }
        }
        return result + text
    }

    private static let keywords: Set<String> = [
        "GROUP", "WHERE", "ORDER", "JOIN", "ON", "HAVING", "UNION", "LEFT", "RIGHT", "FULL", "CROSS", "LIMIT", ";",
    ]

    private static func first(in text: Substring) -> (name: String, range: Range<Substring.Index>)? {
        ["tumble", "hop"].compactMap { name in
            text.firstRange(of: " \(name)(").map { (name, text.index(after: $0.lowerBound)..<$0.upperBound) }
        }
        .min { $0.range.lowerBound < $1.range.lowerBound }
    }

    private static let origin = "TIMESTAMP '1970-01-01'"

    private static func tumble(_ arguments: [String]) -> String {
        let start = "date_bin(\(arguments[2]), \(arguments[1]), \(origin))"
        return "(SELECT *, \(start) AS window_start, \(start) + \(arguments[2]) AS window_end FROM \(arguments[0]))"
    }

    private static func hop(_ arguments: [String]) -> String {
        let (time, slide, size) = (arguments[1], arguments[2], arguments[3])
        return """
            (SELECT hopped.*, window_start, window_start + \(size) AS window_end FROM \(arguments[0]) AS hopped, generate_series(
            date_bin(\(slide), \(time), \(origin)), \(time) - \(size) + INTERVAL '1 microsecond', - \(slide)) AS window_start)
            """
    }
}

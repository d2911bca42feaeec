/// The SQLSTATE of an error of PostgreSQL's parser, which libpg_query does not hand on.
enum ParserError {
    /// Parts of messages, the first that occurs decides.
    static let codes: [(part: String, code: String)] = [
        ("stack depth limit exceeded", "54001"),
        ("memory exhausted", "54001"),
        ("out of memory", "53200"),
        ("syntax error", "42601"),
        ("unterminated", "42601"),
        ("trailing junk", "42601"),
        ("zero-length delimited identifier", "42601"),
        ("invalid Unicode surrogate pair", "42601"),
        ("invalid Unicode escape", "22025"),
        ("Unicode escape value", "22025"),
        ("unsafe use of", "22P06"),
        ("invalid byte sequence", "22021"),
        ("operator too long", "42601"),
        ("LIMIT #,# syntax", "42601"),
        ("cannot be specified without ORDER BY", "42601"),
        ("not yet implemented", "0A000"),
        ("not implemented", "0A000"),
        ("not supported", "0A000"),
        ("are not permitted", "0A000"),
        ("precision for type float", "22023"),
        ("frame starting from", "42P20"),
        ("frame end cannot", "42P20"),
        ("frame start cannot", "42P20"),
        ("invalid hexadecimal", "22P02"),
        ("is not a valid hexadecimal", "22P02"),
        ("is not a valid binary", "22P02"),
        ("parameter number too large", "22003"),
        ("invalid name syntax", "42602"),
    ]

    /// `function` is the one that raised it: two raise the same message with different codes.
    static func code(message: String, function: String) -> String {
        if function == "str_udeescape" { return "42601" }
        return codes.first { message.contains($0.part) }?.code ?? "42601"
    }
}

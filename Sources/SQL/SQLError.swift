/// Why a statement was refused, as PostgreSQL would say it.
package struct SQLError: Error, Hashable, Sendable, CustomStringConvertible {
    /// PostgreSQL's SQLSTATE.
    package var code: String
    package var message: String
    /// 1-based, in characters of the text as the user typed it.
    package var position: Int?
    package var hint: String?
    package var detail: String?

    package init(code: String, message: String, position: Int? = nil, hint: String? = nil, detail: String? = nil) {
        self.code = code
        self.message = message
        self.position = position
        self.hint = hint
        self.detail = detail
    }

    package var description: String {
        var text = "\(code): \(message)"
        if let position { text += " at character \(position)" }
        if let detail { text += "; \(detail)" }
        if let hint { text += " (\(hint))" }
        return text
    }
}

/// An error inside the compiler: its place is a byte of the text that was parsed, which may be a rewritten one.
struct Failure: Error {
    var code: String
    var message: String
    /// 0-based byte; negative or nil if unknown.
    var location: Int?
    var hint: String?
    var detail: String?

    init(_ code: String, _ message: String, at location: Int? = nil, hint: String? = nil, detail: String? = nil) {
        self.code = code
        self.message = message
        self.location = location
        self.hint = hint
        self.detail = detail
    }

    /// Something of PostgreSQL's grammar that is not supported, by name.
    static func unsupported(_ what: String, at location: Int?, hint: String? = nil) -> Failure {
        Failure("0A000", "\(what) is not supported", at: location, hint: hint)
    }
}

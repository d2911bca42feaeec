internal import Coordination
internal import SQL
internal import Synchronization

/// Why a request was refused or failed, as clients see it.
struct Failure: Error, CustomStringConvertible {
    enum Kind: Equatable {
        /// An SQL statement: its SQLSTATE, and the HTTP status.
        case statement(String, Int)
        case badRequest(String)
        case notFound
        case conflict
        case tooLarge
        /// The methods that the path has.
        case methodNotAllowed([String])
        case unsupportedEncoding
        /// What was asked for needs a source that cannot be read any more.
        case sourceFailed
        case overloaded
        case notReady
        case timeout
        case diskFull
        case misdirected
        case requestTimeout
        case internalError
    }

    var kind: Kind
    var message: String
    var position: Int?
    var hint: String?

    init(_ kind: Kind, _ message: String, position: Int? = nil, hint: String? = nil) {
        self.kind = kind
        self.message = message
        self.position = position
        self.hint = hint
    }

    init(_ error: SQLError) {
        kind = .statement(
            error.code, error.code == "42P01" ? 404 : error.code == "42P07" || error.code == "2BP01" ? 409 : 400)
        message = error.message
        position = error.position
        hint = [error.detail, error.hint].compactMap { $0 }.map { $0.hasSuffix(".") ? $0 : $0 + "." }.joined(
            separator: " ")
        if hint?.isEmpty == true { hint = nil }
    }

    init(_ error: CoordinationError) {
        message = error.message
        if let progress = error.progress { message += " (\(progress.done) of \(progress.total) records)" }
        kind =
            switch error.code {
            case .conflict, .idempotencyConflict: .conflict
            case .refused: .badRequest("refused")
            case .relationUnknown, .topicUnknown: .notFound
            case .notWritable: .conflict
            case .notReady, .stopped, .superseded, .logBusy, .indefinite: .notReady
            case .timeout: .timeout
            case .tooLarge: .tooLarge
            case .diskFull: .diskFull
            case .sourceFailed: .sourceFailed
            case .log: .internalError
            }
        if error.code == .sourceFailed {
            hint = "Put the files back as they were and start the node again, or drop the source and create it anew."
        }
    }

    var status: Int {
        switch kind {
        case .statement(_, let status): status
        case .badRequest: 400
        case .notFound: 404
        case .conflict: 409
        case .methodNotAllowed: 405
        case .tooLarge: 413
        case .unsupportedEncoding: 415
        case .misdirected: 421
        case .overloaded: 429
        case .requestTimeout: 408
        case .notReady, .sourceFailed: 503
        case .timeout: 504
        case .diskFull: 507
        case .internalError: 500
        }
    }

    var code: String {
        switch kind {
        case .statement(let code, _): code
        case .badRequest(let code): code
        case .notFound: "not_found"
        case .conflict: "conflict"
        case .methodNotAllowed: "method_not_allowed"
        case .tooLarge: "too_large"
        case .unsupportedEncoding: "unsupported_encoding"
        case .sourceFailed: "source_failed"
        case .misdirected: "misdirected"
        case .overloaded: "overloaded"
        case .requestTimeout: "request_timeout"
        case .notReady: "not_ready"
        case .timeout: "timeout"
        case .diskFull: "disk_full"
        case .internalError: "internal"
        }
    }

    /// The body of an HTTP answer.
    var json: String {
        var fields = ["\"code\":\(HTTPAPI.string(code))", "\"message\":\(HTTPAPI.string(message))"]
        if let position { fields.append("\"position\":\(position)") }
        if let hint { fields.append("\"hint\":\(HTTPAPI.string(hint))") }
        return "{" + fields.joined(separator: ",") + "}"
    }

    var description: String {
        var text = "\(message) [\(code)]"
        if let position { text += " at character \(position)" }
        if let hint { text += "\n  hint: \(hint)" }
        return text
    }
}

/// A value behind a mutex that closures can share.
final class Mutexed<Value: Sendable>: Sendable {
    private let mutex: Mutex<Value>

    init(_ value: Value) { mutex = Mutex(value) }

    @discardableResult
    func with<Result: Sendable>(_ body: @Sendable (inout Value) -> Result) -> Result {
        mutex.withLock { value in body(&value) }
    }
}

/// Why the coordinator refused or failed.
package struct CoordinationError: Error, Hashable, Sendable, Codable, CustomStringConvertible {
    package enum Code: String, Sendable, Codable, CaseIterable {
        /// The catalog version is not the one that the change expects.
        case conflict
        /// The change does not fit: a name exists or is missing, something depends on it, an option is wrong.
        case refused
        case relationUnknown
        case topicUnknown
        /// Records cannot be pushed into the topic: its connector writes it, or it is virtual.
        case notWritable
        /// The node replays, or the relation is being built; `progress` says how far it is.
        case notReady
        /// No committed epoch covered what was asked for in time.
        case timeout
        case tooLarge
        case idempotencyConflict
        /// The log refused or failed.
        case log
        case logBusy, diskFull
        /// The append may or may not have happened.
        case indefinite
        /// Another coordinator has taken over, or this one is stopping.
        case stopped
        /// The generation that the work belongs to is over, or a node of it is gone: another one goes on.
        case superseded
        /// A source cannot be read any more, and what was asked for needs it.
        case sourceFailed
    }

    package var code: Code
    /// What was attempted, the value and the limit.
    package var message: String
    /// With ``Code/notReady``.
    package var progress: Progress?

    package init(_ code: Code, _ message: String, progress: Progress? = nil) {
        self.code = code
        self.message = message
        self.progress = progress
    }

    package var description: String { "\(message) [\(code.rawValue)]" }
}

/// How much of the records that a replay must cover it has covered.
package struct Progress: Hashable, Sendable, Codable {
    package var done: Int64
    package var total: Int64

    package init(done: Int64, total: Int64) {
        self.done = done
        self.total = total
    }
}

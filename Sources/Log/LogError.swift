/// Why the log refused or failed.
package struct LogError: Error, Equatable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        case topicExists, topicUnknown, partitionUnknown, nameInvalid
        /// The offset lies before the earliest record or past the end.
        case offsetOutOfRange
        /// A newer writer of the id exists.
        case fenced
        case recordTooLarge
        case idempotencyConflict
        /// Another process holds the log's write lock for longer than the bound.
        case busy
        case diskFull
        /// The storage failed, or what it returned is not what was written.
        case storage, corrupt
        /// The append may or may not have happened.
        case indefinite
        case formatUnknown
        case closed
    }

    package var code: Code
    /// What was attempted, the value and the limit.
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { "\(message) [\(code.rawValue)]" }
}

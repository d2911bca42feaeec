/// A point of one process's monotonic clock, in microseconds; never compared between nodes.
package struct Instant: Hashable, Comparable, Sendable, CustomStringConvertible {
    package var microseconds: Int64

    package init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    /// Later than every event.
    package static let never = Instant(microseconds: .max)

    package static func < (first: Instant, second: Instant) -> Bool { first.microseconds < second.microseconds }

    /// `microseconds` after `instant`; saturates at ``never``.
    package static func + (instant: Instant, microseconds: Int64) -> Instant {
        let (sum, isOver) = instant.microseconds.addingReportingOverflow(microseconds)
        return isOver ? never : Instant(microseconds: sum)
    }

    /// Microseconds from `second` to `first`.
    package static func - (first: Instant, second: Instant) -> Int64 { first.microseconds &- second.microseconds }

    package var description: String { "\(microseconds) µs" }
}

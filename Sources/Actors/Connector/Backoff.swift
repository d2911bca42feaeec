/// Delays before one try after another: doubling from the first up to a cap, and from the start again after ``reset()``.
package struct Backoff: Sendable, Equatable {
    private let first: Duration
    private let most: Duration
    private var current: Duration

    package init(first: Duration, most: Duration) {
        precondition(first > .zero && most >= first)
        self.first = first
        self.most = most
        current = first
    }

    /// The delay before the next try.
    package mutating func next() -> Duration {
        let delay = current
        current = min(most, current * 2)
        return delay
    }

    package mutating func reset() {
        current = first
    }
}

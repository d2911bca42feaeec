/// What a connector says about itself.
package struct ConnectorStatus: Sendable, Hashable, Codable {
    package enum State: String, Sendable, Hashable, Codable {
        /// It has no task: records are pushed, or the topic is virtual and read by the workers.
        case passive
        case starting, running
        /// A try failed; the next one comes after a delay.
        case waiting
        /// There is nothing more to do.
        case finished
        case stopped
    }

    package var connector: String
    /// The node that runs its task; nil if it has none, or on a node alone.
    package var node: String?
    package var state: State
    package var records: Int64
    package var bytes: Int64
    package var restarts: Int64
    package var lastError: String?

    package init(connector: String, state: State) {
        self.connector = connector
        self.state = state
        records = 0
        bytes = 0
        restarts = 0
    }
}

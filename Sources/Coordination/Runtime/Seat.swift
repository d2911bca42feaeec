internal import Cluster

/// This node as one of several: its value, and what waits to be carried out for it.
struct Seat {
    /// What was decided to be done with the log.
    enum Write: Sendable {
        case record(ClusterRecord)
        /// The control log's fold, as it is when its turn comes.
        case fold
        /// Records of the control log below the offset go.
        case trim(below: Int64)
        case sign(term: Int64)
        /// A record of the next version, which this one's fold skips.
        case hint(String)
    }

    private(set) var node: ClusterNode
    private var random = SystemRandomNumberGenerator()
    /// In the order of the decisions.
    var outbox: [Write] = []
    /// Of the signs' topic, up to which they were read.
    var signOffset: Int64
    /// Up to which version of the fold the transport and the connector tasks are told.
    var notedVersion: Int64 = -1
    var hasLeft = false
    /// Why the name cannot be had.
    var refusal: String?

    init(node: ClusterNode, signOffset: Int64) {
        self.node = node
        self.signOffset = signOffset
    }

    var own: NodeID? { node.own }
    var adopted: Assignment? { node.adopted }
    /// nil while this process is not a node.
    var membership: Membership? { node.membership }

    mutating func handle(_ event: ClusterNode.Event, fold: ControlState, now: Instant) -> [ClusterNode.Effect] {
        node.handle(event, fold: fold, now: now, using: &random)
    }
}

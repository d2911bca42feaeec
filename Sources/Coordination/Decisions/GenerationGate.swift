package import Cluster

/// What a node does with something that carries a generation: the fence at every receiver.
///
/// A generation counts once this node has read it back from the control log as accepted; from then on nothing of an
/// earlier one is accepted, by this node, ever.
package struct GenerationGate: Sendable, Equatable {
    package enum Verdict: Sendable, Equatable {
        case accepted
        /// Of an earlier generation, or of a node that has no say in this one: refuse it for good.
        case refused
        /// Of a later one: read the log, then look again.
        case ahead
    }

    /// 0 before the first.
    package private(set) var generation: Int64 = 0
    /// Commands the generation's workers; nil while this node takes part in none.
    package private(set) var driver: NodeID?
    private var members: [NodeID] = []

    package init() {}

    /// The generation that was read back; only a later one counts.
    package mutating func raise(to assignment: Assignment, driver: NodeID?) {
        guard assignment.generation > generation else { return }
        generation = assignment.generation
        members = assignment.nodes
        self.driver = driver
    }

    /// The life is over: nothing is accepted until a generation is read back in the next one.
    package mutating func close() {
        members = []
        driver = nil
    }

    /// Of one node that takes part to another: what ``RemoteExchange`` does with a stream and each of its frames.
    package func judge(_ generation: Int64, from sender: NodeID) -> Verdict {
        if generation > self.generation { return .ahead }
        return generation == self.generation && members.contains(sender) ? .accepted : .refused
    }

    /// A command: only the driver gives any.
    package func judge(_ generation: Int64, commandOf sender: NodeID) -> Verdict {
        if generation > self.generation { return .ahead }
        return generation == self.generation && sender == driver ? .accepted : .refused
    }
}

package import Cluster

/// What a node does with something that carries a generation: the fence at every receiver.
///
/// Exchange frames, epoch messages, reports, snapshot parts and reads all pass it. A generation counts once this node has
/// read it back from the control log as accepted; from then on nothing of an earlier one is accepted, by this node, ever.
package struct GenerationGate: Sendable, Equatable {
    package enum Verdict: Sendable, Equatable {
        case accepted
        /// Of an earlier generation, or to or from a node that takes no part: refuse it for good.
        case refused
        /// Of a later one: read the log, then look again.
        case ahead
    }

    /// 0 before the first.
    package private(set) var generation: Int64 = 0
    package private(set) var term: Int64 = 0
    private var lead: NodeID?
    private var members: [NodeID] = []

    package init() {}

    /// The generation that was read back; only a later one counts.
    package mutating func raise(to assignment: Assignment) {
        guard assignment.generation > generation else { return }
        generation = assignment.generation
        members = assignment.nodes
    }

    /// The life is over: nothing is accepted until a generation is read back in the next one.
    package mutating func close() {
        members = []
    }

    /// The term that was read back; only a later one counts.
    package mutating func raise(to term: Int64, lead: NodeID?) {
        guard term > self.term else { return }
        self.term = term
        self.lead = lead
    }

    /// Of one node that takes part to another.
    package func judge(_ generation: Int64, from sender: NodeID) -> Verdict {
        if generation > self.generation { return .ahead }
        return generation == self.generation && members.contains(sender) ? .accepted : .refused
    }

    /// Of the coordinator to a node that takes part.
    package func judge(_ generation: Int64, term: Int64, from sender: NodeID) -> Verdict {
        if term > self.term || generation > self.generation { return .ahead }
        return term == self.term && generation == self.generation && sender == lead ? .accepted : .refused
    }
}

package import Actors
internal import Cluster

/// What this node itself knows of its cluster, for metrics.
package struct ClusterFigures: Sendable {
    package var term: Int64 = 0
    package var generation: Int64 = 0
    package var controlVersion: Int64 = -1
    package var controlRecords: Int64 = 0
    /// Control records that this node has found not to fit.
    package var controlRefused = 0
    package var vnodes = 0
    package var isCoordinator = false
    /// By what this node thinks of them, itself among the living.
    package var members: [(status: String, count: Int)] = []
    /// Events of the membership protocol, by name.
    package var membership: [(event: String, count: Int)] = []
    package var health = 0
    package var exchange = ExchangeCounts()
}

extension Coordinator {
    /// nil for a node that is alone for good.
    package func clusterFigures() -> ClusterFigures? {
        guard cluster != nil else { return nil }
        var figures = ClusterFigures()
        let cluster = state.cluster
        figures.term = cluster.term
        figures.generation = cluster.generation
        figures.controlVersion = state.version
        figures.controlRecords = state.nextOffset
        figures.controlRefused = state.rejections.count
        if let own = seat?.own {
            figures.vnodes = cluster.assignment?.vnodes(of: own).count ?? 0
            figures.isCoordinator = cluster.currentLead?.node == own
        }
        if let membership = seat?.membership {
            figures.membership = Self.events(membership.counters)
            figures.health = membership.health
            figures.members = MemberStatus.allCases.map { status in
                ("\(status)", membership.members.count { $0.status == status })
            }
        }
        figures.exchange = exchangeCounters.current
        return figures
    }

    private static func events(_ counters: Membership.Counters) -> [(event: String, count: Int)] {
        [
            ("probe", counters.probes), ("probe_failed", counters.probesFailed),
            ("indirect_probe", counters.indirectProbes), ("nack_missed", counters.nacksMissed),
            ("suspicion", counters.suspicions), ("confirmation", counters.confirmations), ("death", counters.deaths),
            ("recovery", counters.recoveries), ("refutation", counters.refutations), ("exchange", counters.exchanges),
            ("reconnect", counters.reconnects), ("relay", counters.relays), ("relay_refused", counters.relaysRefused),
            ("stall", counters.stalls), ("stranger", counters.strangers),
        ]
    }

    /// Puts this life and its generation on every log line from now on.
    func noteLogFields() {
        guard let seat else { return }
        configuration.logFields.set(
            node: seat.own.map { "\($0)" } ?? seat.node.life.name.text, generation: seat.adopted?.generation ?? 0)
    }
}

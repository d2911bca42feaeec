internal import Actors
internal import Cluster
internal import Dataflow
internal import Log

/// What this node does in one generation.
struct Part: Sendable {
    let placement: Placement
    /// This node's workers.
    let member: LocalMember
    /// All workers.
    let group: WorkerGroup
    /// This node drives the epochs.
    let leads: Bool
    /// The edges to other nodes' workers.
    let exchange: RemoteExchange?

    var generation: Int64 { placement.generation }

    var remotes: [RemoteMember] { group.members.compactMap { $0 as? RemoteMember } }
}

/// What queries see: a committed epoch, and where its rows are.
///
/// It stays as it is while a new generation catches up, so reads go on and never go back.
struct Serving: Sendable {
    var group: WorkerGroup
    var epoch: Int64
    var frontier: Frontier
    /// The last tick below the frontier, in microseconds since 1970; nil before the first.
    var clock: Int64?
    /// From which epoch on a relation's rows are right.
    var activeSince: [String: Int64]

    func isActive(_ name: String) -> Bool { activeSince[name].map { $0 <= epoch } ?? false }
}

/// What the node that drives a generation tells the others when an epoch is committed, or how far a replay is.
package struct CommitNotice: Sendable, Codable, Hashable {
    package var generation: Int64
    /// The control version that names in `activeSince` come from.
    package var controlVersion: Int64
    package var epoch: Int64
    /// A token.
    package var frontier: String
    package var clock: Int64?
    package var activeSince: [String: Int64]
    /// Queries may see it; before, the generation catches up with what was committed.
    package var isReady: Bool
    package var replay: Progress
    /// Of views that are being built, by name.
    package var builds: [String: Progress]

    package init(
        generation: Int64, controlVersion: Int64, epoch: Int64, frontier: String, clock: Int64?,
        activeSince: [String: Int64], isReady: Bool, replay: Progress, builds: [String: Progress]
    ) {
        self.generation = generation
        self.controlVersion = controlVersion
        self.epoch = epoch
        self.frontier = frontier
        self.clock = clock
        self.activeSince = activeSince
        self.isReady = isReady
        self.replay = replay
        self.builds = builds
    }
}

package import Actors
package import Dataflow

/// A node's part in one generation, as the node that drives the epochs sees it: its workers, to be told what to do.
///
/// Calls change the graph between steps only, and come one at a time, but for ``run(_:)`` of different lanes, reads and facts. All throw
/// ``CoordinationError``: `superseded` when the generation is over or the node is gone; what the call itself is about otherwise.
package protocol Member: Sendable {
    func openLane(_ lane: LaneID) async throws(CoordinationError)
    func closeLane(_ lane: LaneID) async throws(CoordinationError)
    /// Opens a virtual file topic for reading; `expected` are the marks of what was read before, per partition.
    func openFiles(
        _ name: String, _ options: FileTopicOptions, expected: [Int: FileMark]
    ) async throws(CoordinationError)
    func closeFiles(_ name: String) async throws(CoordinationError)
    func install(_ setup: LaneSetup, into lane: LaneID) async throws(CoordinationError)
    func remove(_ names: Set<String>, nodes: Set<OperatorID>) async throws(CoordinationError)
    /// The main lane takes over what `lane` has built, and the lane ends.
    func adopt(_ nodes: Set<OperatorID>, tables: Set<String>, from lane: LaneID) async throws(CoordinationError)
    /// Runs one step; the reports of the node's workers.
    func run(_ plan: StepPlan) async throws(CoordinationError) -> [StepReport]
    /// The rows that the node's shards of a relation hold at an epoch, consolidated per worker.
    func rows(_ kind: ShardSet.Kind, of name: String, asOf epoch: Int64) async throws(CoordinationError) -> [Delta]
    func facts() async throws(CoordinationError) -> MemberFacts
}

/// What a member says about its part.
package struct MemberFacts: Sendable, Hashable, Codable {
    /// Rows and bytes of views, by name.
    package var views: [String: ViewShard.Size] = [:]
    package var sinks: [String: SinkTotals] = [:]
    package var workers: [WorkerLoad] = []
    /// Members that these facts are about.
    package var members = 0
    /// By id, what the operators have done and keep.
    package var operators: [OperatorID: OperatorStatistics] = [:]

    package init() {}

    mutating func merge(_ other: MemberFacts) {
        for (name, size) in other.views { views[name, default: ViewShard.Size()] += size }
        for (name, totals) in other.sinks { sinks[name, default: SinkTotals()] += totals }
        workers += other.workers
        members += other.members
        for (id, part) in other.operators {
            if operators[id] == nil { operators[id] = part } else { operators[id]? += part }
        }
    }
}

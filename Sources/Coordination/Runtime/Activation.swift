internal import Actors
internal import Dataflow
internal import Log

/// An accepted control record that has not changed the graph yet.
struct Activation {
    enum Change {
        case deploy(ControlRecord.Deploy)
        case drop(ControlRecord.Drop)
    }

    let version: Int64
    let change: Change
    /// The nodes that a drop removes, and what a deployment needs.
    let removed: Set<OperatorID>
    /// What there was with it, whatever came after.
    let catalog: Catalog

    /// nil for a record that does not change the graph.
    init?(version: Int64, record: ControlRecord, before: ControlState, after: ControlState) {
        self.version = version
        catalog = after.catalog
        switch record {
        case .deploy(let deploy):
            change = .deploy(deploy)
            removed = []
        case .drop(let drop):
            change = .drop(drop)
            // Nodes that others share stay.
            removed = Set(before.nodes.map(\.id)).subtracting(after.nodes.map(\.id))
        case .cluster, .state:
            return nil
        }
    }

    var names: [String] {
        switch change {
        case .deploy(let deploy): deploy.deployments.map(\.relation.name)
        case .drop(let drop): drop.names
        }
    }
}

/// Relations that are built aside: a lane of their own replays the sources that they read, at its own pace, while the main lane
/// goes on; at an epoch boundary the main lane takes their nodes over.
struct Build {
    let lane: LaneID
    let version: Int64
    let names: Set<String>
    let setup: LaneSetup
    /// The relations' own nodes and tables: what the main lane takes over.
    let nodes: Set<OperatorID>
    let tables: Set<String>
    /// Rows of views that are fed in when the main lane takes over.
    let seeds: [String: (output: OperatorID, consumers: Set<OperatorID>)]
    /// Where each partition is read from.
    let start: [TopicPartition: Int64]
    var position: [TopicPartition: Int64]
    var step: Int64 = 0
    var reports: [Coordinator.SourceKey: SourceReport] = [:]
    var isCancelled = false
    var failure: CoordinationError?
    /// The task that replays it does nothing more; the next boundary takes it over or ends it.
    var isEnding = false

    func progress(to frontier: Frontier) -> Progress {
        var progress = Progress(done: 0, total: 0)
        for (partition, position) in position {
            let from = start[partition] ?? 0
            progress.done += position - from
            progress.total += max(frontier[partition], position) - from
        }
        return progress
    }

    /// Records that it is behind, in the partition where that is most.
    func lag(to frontier: Frontier) -> Int64 {
        position.reduce(0) { max($0, frontier[$1.key] - $1.value) }
    }
}

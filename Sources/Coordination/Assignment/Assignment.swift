package import Cluster
internal import Dataflow

/// A worker of a node in one of its lives.
package struct WorkerID: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    package var node: NodeID
    package var worker: Int

    package init(_ node: NodeID, _ worker: Int) {
        self.node = node
        self.worker = worker
    }

    package static func < (first: WorkerID, second: WorkerID) -> Bool {
        first.node == second.node ? first.worker < second.worker : first.node < second.node
    }

    package var description: String { "\(node)/\(worker)" }
}

/// Where a generation's state begins.
package struct StartingPoint: Hashable, Sendable, Codable {
    /// The epoch that every worker goes back to; 0 for the beginning of the log.
    package var epoch: Int64
    /// The snapshot that holds the state at that epoch; nil to replay from the views' start.
    package var snapshot: String?

    package init(epoch: Int64, snapshot: String?) {
        self.epoch = epoch
        self.snapshot = snapshot
    }

    /// Every view replays from its start.
    package static let beginning = StartingPoint(epoch: 0, snapshot: nil)
}

/// Who owns what in one generation.
package struct Assignment: Hashable, Sendable, Codable {
    /// From 1; 0 means that nothing has been assigned.
    package var generation: Int64
    /// Ascending; every one of a node that takes part, also those that own nothing.
    package var workers: [WorkerID]
    /// By vnode, an index into ``workers``; 256 of them.
    package var owners: [Int]
    /// Where each connector task runs, in order of the task's name.
    package var tasks: [TaskPlacement]
    package var start: StartingPoint

    package struct TaskPlacement: Hashable, Sendable, Codable {
        package var task: String
        package var node: NodeID

        package init(task: String, node: NodeID) {
            self.task = task
            self.node = node
        }
    }

    package static let vnodes = VNode.count

    package init(
        generation: Int64, workers: [WorkerID], owners: [Int], tasks: [TaskPlacement] = [],
        start: StartingPoint = .beginning
    ) {
        self.generation = generation
        self.workers = workers
        self.owners = owners
        self.tasks = tasks
        self.start = start
    }

    package func owner(ofVNode vnode: Int) -> WorkerID { workers[owners[vnode]] }

    /// The nodes that take part, ascending.
    package var nodes: [NodeID] {
        var nodes: [NodeID] = []
        for worker in workers where nodes.last != worker.node { nodes.append(worker.node) }
        return nodes
    }

    package func contains(_ node: NodeID) -> Bool { workers.contains { $0.node == node } }

    package func vnodes(of node: NodeID) -> [Int] {
        owners.indices.filter { workers[owners[$0]].node == node }
    }

    package func tasks(of node: NodeID) -> [String] { tasks.filter { $0.node == node }.map(\.task) }

    /// A task that is on a node which does not take part, if there is one.
    var taskFlaw: String? {
        for task in tasks where !contains(task.node) {
            return "task \(task.task) is placed on \(task.node), which does not take part"
        }
        return nil
    }

    /// Why it is not an assignment at all, whatever the cluster is; nil if it is one.
    package var flaw: String? {
        guard generation >= 1 else { return "generation \(generation) is below 1" }
        guard owners.count == Self.vnodes else { return "\(owners.count) vnodes have an owner, not \(Self.vnodes)" }
        guard !workers.isEmpty else { return "it names no worker" }
        for (first, second) in zip(workers, workers.dropFirst()) where first >= second {
            return "worker \(second) follows \(first)"
        }
        if let owner = owners.first(where: { !workers.indices.contains($0) }) {
            return "owner \(owner) is not one of \(workers.count) workers"
        }
        for (first, second) in zip(tasks, tasks.dropFirst()) where first.task >= second.task {
            return "task \(second.task) follows \(first.task)"
        }
        return nil
    }
}

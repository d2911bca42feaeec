internal import Dataflow

/// Where the dataflow of one generation runs: its nodes, their workers, and the owner of each vnode.
///
/// Workers are numbered through, node by node. Every worker of a generation computes with the same placement, so they agree on who
/// gets a row and who reads a partition.
package struct Placement: Hashable, Sendable, Codable {
    /// A node that takes part, with the number of its workers, at least 1.
    package struct Member: Hashable, Sendable, Codable {
        package var name: String
        package var workers: Int

        package init(name: String, workers: Int) {
            self.name = name
            self.workers = workers
        }
    }

    package var generation: Int64
    package var members: [Member]
    /// Per vnode the number of its worker; ``VNode/count`` of them.
    package var owners: [Int32]

    package init(generation: Int64, members: [Member], owners: [Int32]) {
        let count = members.reduce(0) { $0 + $1.workers }
        precondition(owners.count == VNode.count && owners.allSatisfy { (0..<Int32(count)).contains($0) })
        self.generation = generation
        self.members = members
        self.owners = owners
    }

    /// Equal, contiguous shares.
    package init(generation: Int64, members: [Member]) {
        let count = members.reduce(0) { $0 + $1.workers }
        precondition((1...VNode.count).contains(count), "workers must be 1 to \(VNode.count), not \(count)")
        let owners = (0..<VNode.count).map { Int32(Worker.owner(ofVNode: $0, workerCount: count)) }
        self.init(generation: generation, members: members, owners: owners)
    }

    package var workerCount: Int { members.reduce(0) { $0 + $1.workers } }

    /// The workers of the member at `index`.
    package func workers(ofMember index: Int) -> Range<Int> {
        let first = members[..<index].reduce(0) { $0 + $1.workers }
        return first..<first + members[index].workers
    }

    /// The member that runs a worker.
    package func member(ofWorker worker: Int) -> Int {
        var end = 0
        for (index, member) in members.enumerated() {
            end += member.workers
            if worker < end { return index }
        }
        preconditionFailure("worker \(worker) is not one of \(end)")
    }
}

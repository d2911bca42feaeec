package import Cluster

/// Makes the next assignment: equal shares per worker, with the fewest moves.
package enum AssignmentPlanner {
    /// A node that may own vnodes.
    package struct Candidate: Hashable, Sendable {
        package var node: NodeID
        /// 1 to 256.
        package var workers: Int
        package var zone: String

        package init(node: NodeID, workers: Int, zone: String = "") {
            self.node = node
            self.workers = workers
            self.zone = zone
        }
    }

    /// The assignment of generation `previous + 1`; `candidates` must not be empty.
    ///
    /// Every worker gets ⌊256 / workers⌋ or ⌈256 / workers⌉ vnodes. A worker that keeps its node's life keeps its vnodes up to
    /// its share, so exactly those move that lost their owner or are above a share. Of several workers of one share, those
    /// that own more now keep one more. Tasks stay where they are unless their node is gone or runs two more than another.
    package static func plan(
        candidates: [Candidate], tasks: [String], previous: Assignment?, start: StartingPoint
    ) -> Assignment {
        precondition(!candidates.isEmpty, "an assignment needs a node")
        let ordered = candidates.sorted { $0.node < $1.node }
        var workers: [WorkerID] = []
        for candidate in ordered {
            for worker in 0..<max(1, candidate.workers) { workers.append(WorkerID(candidate.node, worker)) }
        }
        return Assignment(
            generation: (previous?.generation ?? 0) + 1, workers: workers, owners: owners(workers, previous),
            tasks: place(tasks, on: ordered.map(\.node), previous), start: start)
    }

    // MARK: Vnodes

    private static func owners(_ workers: [WorkerID], _ previous: Assignment?) -> [Int] {
        let count = Assignment.vnodes
        guard let previous else {
            // Contiguous shares.
            return (0..<count).map { $0 * workers.count / count }
        }
        var indexOf: [WorkerID: Int] = [:]
        for (index, worker) in workers.enumerated() { indexOf[worker] = index }
        var owners = (0..<count).map { indexOf[previous.owner(ofVNode: $0)] }
        var held = Array(repeating: 0, count: workers.count)
        for case .some(let owner) in owners { held[owner] += 1 }
        let share = shares(held)
        // What is above a share is let go, the highest vnodes first.
        for vnode in owners.indices.reversed() {
            guard let owner = owners[vnode], held[owner] > share[owner] else { continue }
            owners[vnode] = nil
            held[owner] -= 1
        }
        var next = 0
        return owners.map { owner in
            if let owner { return owner }
            while held[next] >= share[next] { next += 1 }
            held[next] += 1
            return next
        }
    }

    /// The number of vnodes for each worker; those that hold more now get the remainder.
    private static func shares(_ held: [Int]) -> [Int] {
        let base = Assignment.vnodes / held.count
        let remainder = Assignment.vnodes % held.count
        var share = Array(repeating: base, count: held.count)
        let byHeld = held.indices.sorted { held[$0] == held[$1] ? $0 < $1 : held[$0] > held[$1] }
        for worker in byHeld.prefix(remainder) { share[worker] += 1 }
        return share
    }

    // MARK: Tasks

    /// Where the tasks run among the nodes of an assignment that stays; those that run stay, unless their node runs two more than another.
    package static func place(_ tasks: [String], in assignment: Assignment) -> [Assignment.TaskPlacement] {
        place(tasks, on: assignment.nodes, assignment)
    }

    private static func place(
        _ tasks: [String], on candidates: [NodeID], _ previous: Assignment?
    ) -> [Assignment.TaskPlacement] {
        var before: [String: NodeID] = [:]
        for placement in previous?.tasks ?? [] { before[placement.task] = placement.node }
        var load: [Int] = Array(repeating: 0, count: candidates.count)
        var placed: [(task: String, at: Int?)] = Set(tasks).sorted().map { task in
            let index = before[task].flatMap { node in candidates.firstIndex(of: node) }
            if let index { load[index] += 1 }
            return (task, index)
        }
        func lightest() -> Int { load.indices.min { load[$0] < load[$1] } ?? 0 }
        for index in placed.indices where placed[index].at == nil {
            let target = lightest()
            placed[index].at = target
            load[target] += 1
        }
        while let heaviest = load.indices.max(by: { load[$0] < load[$1] }), load[heaviest] - load[lightest()] > 1 {
            guard let index = placed.lastIndex(where: { $0.at == heaviest }) else { break }
            let target = lightest()
            placed[index].at = target
            load[heaviest] -= 1
            load[target] += 1
        }
        return placed.map { Assignment.TaskPlacement(task: $0.task, node: candidates[$0.at ?? 0]) }
    }

    // MARK: Standbys

    /// For each vnode a worker of another node, of another zone if there is one, or nil on a cluster of one node: where a
    /// copy survives what the owner does not. Spread evenly over the workers that qualify.
    package static func standbys(_ assignment: Assignment, candidates: [Candidate]) -> [WorkerID?] {
        var zones: [NodeID: String] = [:]
        for candidate in candidates { zones[candidate.node] = candidate.zone }
        var load = Array(repeating: 0, count: assignment.workers.count)
        return assignment.owners.map { ownerIndex in
            let owner = assignment.workers[ownerIndex]
            let others = assignment.workers.indices.filter { assignment.workers[$0].node != owner.node }
            let elsewhere = others.filter { zones[assignment.workers[$0].node] != zones[owner.node] }
            guard let chosen = (elsewhere.isEmpty ? others : elsewhere).min(by: { load[$0] < load[$1] }) else {
                return nil
            }
            load[chosen] += 1
            return assignment.workers[chosen]
        }
    }

    /// How many vnodes have another owner, by worker.
    package static func moves(from previous: Assignment, to next: Assignment) -> Int {
        (0..<Assignment.vnodes).count { previous.owner(ofVNode: $0) != next.owner(ofVNode: $0) }
    }
}

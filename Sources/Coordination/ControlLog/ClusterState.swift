package import Cluster

/// The part of the fold about nodes, leadership and placement.
package struct ClusterState: Hashable, Sendable, Codable {
    /// A node's current life.
    package struct Life: Hashable, Sendable, Codable {
        package var node: NodeID
        package var description: NodeDescription
        package var directory: String
        package var nonce: String
        /// It may own vnodes.
        package internal(set) var isAdmitted = false
        package internal(set) var isDraining = false

        init(node: NodeID, description: NodeDescription, directory: String, nonce: String) {
            self.node = node
            self.description = description
            self.directory = directory
            self.nonce = nonce
        }
    }

    /// nil in logs of one node that were begun before there were clusters.
    package private(set) var id: String?
    /// The release of the tzdata that the first node read; nil in logs that do not say.
    package private(set) var tzdata: String?
    /// Current lives, in order of name.
    package private(set) var lives: [Life] = []
    /// The last life of each name that has none now, in order of name.
    package private(set) var past: [NodeID] = []
    /// 0 before the first coordinator.
    package private(set) var term: Int64 = 0
    /// Who leads the term; it may have ended since.
    package private(set) var lead: NodeID?
    /// Who shall lead next, if an operator said so.
    package private(set) var leadTarget: NodeID?
    package private(set) var assignment: Assignment?
    /// Who led when the newest generation was assigned: it drives that generation.
    package private(set) var driver: NodeID?
    /// An operator asked for equal shares since the last assignment.
    package private(set) var wantsRebalance = false

    /// Names that the log can tell apart, current and past.
    package static let namesMax = 1_024

    package init() {}

    package var generation: Int64 { assignment?.generation ?? 0 }

    package func life(_ incarnation: Incarnation) -> Life? { index(of: incarnation).map { lives[$0] } }

    /// By index, without copying lives: it is asked for every message.
    private func index(of incarnation: Incarnation) -> Int? {
        for index in lives.indices where lives[index].node.incarnation == incarnation { return index }
        return nil
    }

    package func life(named name: NodeName) -> Life? { lives.first { $0.node.name == name } }

    package func isCurrent(_ node: NodeID) -> Bool {
        guard let index = index(of: node.incarnation) else { return false }
        return lives[index].node == node
    }

    /// The coordinator, if its life goes on.
    package var currentLead: Life? { lead.flatMap { life($0.incarnation) } }

    /// The newest life of a name, current or past.
    package func newest(_ name: NodeName) -> Incarnation? {
        (life(named: name)?.node ?? past.first { $0.name == name })?.incarnation
    }

    /// Applies the record at `offset`, or says why it does not fit; then nothing has changed.
    mutating func apply(_ record: ClusterRecord, offset: Int64) -> ControlState.Verdict {
        if let author = record.author, index(of: author) == nil {
            return .rejected("its author, life \(author), is not current")
        }
        switch record {
        case .found(let found): return self.found(found)
        case .join(let join): return self.join(join, offset: offset)
        case .admit(let admit): return self.admit(admit)
        case .leave(let leave):
            end(leave.author)
            return .accepted
        case .remove(let remove): return self.remove(remove)
        case .lead(let lead): return self.lead(lead)
        case .assign(let assign): return self.assign(assign)
        case .place(let place): return self.place(place)
        case .drain(let drain): return self.drain(drain)
        case .moveLead(let move):
            guard let target = life(move.to) else { return .rejected("life \(move.to) is not current") }
            leadTarget = target.node
            return .accepted
        case .rebalance:
            wantsRebalance = true
            return .accepted
        }
    }

    // MARK: Lives

    private mutating func found(_ found: ClusterRecord.Found) -> ControlState.Verdict {
        guard id == nil else { return .rejected("the cluster has an id: \(id ?? "")") }
        guard !found.id.isEmpty, found.id.utf8.count <= 64 else { return .rejected("the id is empty or too long") }
        guard (found.tzdata?.utf8.count ?? 0) <= 64 else { return .rejected("the release of the tzdata is too long") }
        id = found.id
        tzdata = found.tzdata
        return .accepted
    }

    private mutating func join(_ join: ClusterRecord.Join, offset: Int64) -> ControlState.Verdict {
        let newest = newest(join.name)
        if let current = life(named: join.name) {
            guard current.nonce != join.nonce else { return .rejected("a duplicate: \(current.node) has that nonce") }
            guard current.directory == join.directory else {
                return .rejected("\(current.node) has another data directory; remove it first")
            }
        }
        guard join.after == newest else { return .stale(expected: join.after?.rawValue ?? -1) }
        guard (1...Assignment.vnodes).contains(join.description.workers) else {
            return .rejected("\(join.description.workers) workers, not 1 to \(Assignment.vnodes)")
        }
        guard newest != nil || lives.count + past.count < Self.namesMax else {
            return .rejected("the cluster has \(Self.namesMax) names")
        }
        if let newest { end(newest) }
        past.removeAll { $0.name == join.name }
        let life = Life(
            node: NodeID(join.name, Incarnation(offset)), description: join.description, directory: join.directory,
            nonce: join.nonce)
        lives.insert(life, at: lives.firstIndex { $0.node.name > join.name } ?? lives.count)
        return .accepted
    }

    private mutating func admit(_ admit: ClusterRecord.Admit) -> ControlState.Verdict {
        if let refusal = refusal(term: admit.term, author: admit.author) { return refusal }
        guard let index = index(of: admit.life) else {
            return .rejected("life \(admit.life) is not current")
        }
        guard !lives[index].isAdmitted else { return .rejected("\(lives[index].node) is admitted") }
        lives[index].isAdmitted = true
        return .accepted
    }

    private mutating func remove(_ remove: ClusterRecord.Remove) -> ControlState.Verdict {
        if let term = remove.term, let refusal = refusal(term: term, author: remove.author) { return refusal }
        guard life(remove.life) != nil else { return .rejected("life \(remove.life) is not current") }
        end(remove.life)
        return .accepted
    }

    private mutating func drain(_ drain: ClusterRecord.Drain) -> ControlState.Verdict {
        guard let index = index(of: drain.life) else {
            return .rejected("life \(drain.life) is not current")
        }
        guard lives[index].isDraining != drain.isDraining else {
            return .rejected("\(lives[index].node) is \(drain.isDraining ? "draining" : "not draining")")
        }
        lives[index].isDraining = drain.isDraining
        return .accepted
    }

    private mutating func end(_ incarnation: Incarnation) {
        guard let index = index(of: incarnation) else { return }
        let node = lives.remove(at: index).node
        past.insert(node, at: past.firstIndex { $0.name > node.name } ?? past.count)
        if leadTarget == node { leadTarget = nil }
    }

    // MARK: Leadership

    /// Why a record of this term and author does not count, if so.
    private func refusal(term: Int64, author: Incarnation) -> ControlState.Verdict? {
        guard term == self.term else { return .stale(expected: term) }
        guard lead?.incarnation == author else {
            return .rejected("its author, life \(author), does not lead term \(term)")
        }
        return nil
    }

    private mutating func lead(_ record: ClusterRecord.Lead) -> ControlState.Verdict {
        guard record.after == term, record.term == term + 1 else { return .stale(expected: record.after) }
        guard let index = index(of: record.author) else {
            return .rejected("life \(record.author) is not current")
        }
        term = record.term
        lead = lives[index].node
        leadTarget = nil
        // Who decides is a member: nobody could admit the first one.
        lives[index].isAdmitted = true
        return .accepted
    }

    private mutating func assign(_ assign: ClusterRecord.Assign) -> ControlState.Verdict {
        if let refusal = refusal(term: assign.term, author: assign.author) { return refusal }
        guard assign.after == generation, assign.assignment.generation == generation + 1 else {
            return .stale(expected: assign.after)
        }
        if let flaw = assign.assignment.flaw { return .rejected(flaw) }
        for worker in assign.assignment.workers {
            guard let life = life(worker.node.incarnation), life.node == worker.node, life.isAdmitted else {
                return .rejected("\(worker.node) is not a current member")
            }
            guard (0..<life.description.workers).contains(worker.worker) else {
                return .rejected("\(worker.node) has no worker \(worker.worker)")
            }
        }
        if let flaw = assign.assignment.taskFlaw { return .rejected(flaw) }
        assignment = assign.assignment
        driver = lead
        wantsRebalance = false
        return .accepted
    }

    private mutating func place(_ place: ClusterRecord.Place) -> ControlState.Verdict {
        if let refusal = refusal(term: place.term, author: place.author) { return refusal }
        guard var placed = assignment, placed.generation == place.generation else {
            return .stale(expected: place.generation)
        }
        guard placed.tasks != place.tasks else { return .rejected("the tasks are there") }
        placed.tasks = place.tasks
        if let flaw = placed.flaw ?? placed.taskFlaw { return .rejected(flaw) }
        assignment = placed
        return .accepted
    }

    // MARK: Hash

    /// Everything that decides, in order.
    func mix(into hash: inout StateHash) {
        hash.mix(id ?? "")
        hash.mix(term)
        hash.mix(lead?.incarnation.rawValue ?? -1)
        hash.mix(leadTarget?.incarnation.rawValue ?? -1)
        hash.mix(generation)
        hash.mix(wantsRebalance ? 1 : 0)
        for life in lives {
            hash.mix(life.node.name.text)
            hash.mix(life.node.incarnation.rawValue << 2 | (life.isAdmitted ? 2 : 0) | (life.isDraining ? 1 : 0))
        }
        for node in past { hash.mix(node.incarnation.rawValue) }
    }

    func mixAssignment(into hash: inout StateHash) {
        guard let assignment else { return }
        for owner in assignment.owners { hash.mix(Int64(owner)) }
        for worker in assignment.workers { hash.mix(worker.node.incarnation.rawValue << 16 | Int64(worker.worker)) }
        for task in assignment.tasks {
            hash.mix(task.task)
            hash.mix(task.node.incarnation.rawValue)
        }
        hash.mix(assignment.start.epoch)
    }
}

/// A hash of the fold, the same in every process and build.
package struct StateHash: Hashable, Sendable {
    package private(set) var value: UInt64

    package init(_ value: UInt64 = 0) {
        self.value = value
    }

    package mutating func mix(_ number: Int64) {
        var next = value ^ UInt64(bitPattern: number)
        next = (next ^ next >> 30) &* 0xbf58_476d_1ce4_e5b9
        next = (next ^ next >> 27) &* 0x94d0_49bb_1331_11eb
        value = (next ^ next >> 31) &+ 0x9e37_79b9_7f4a_7c15
    }

    package mutating func mix(_ text: String) {
        mix(Int64(text.utf8.count))
        for byte in text.utf8 { mix(Int64(byte)) }
    }
}

internal import Cluster
internal import Coordination

/// The control log's rules once more, written from the design alone: which records count. Every node's verdict is held against it.
struct ReferenceFold {
    struct Life {
        var incarnation: Int64
        var directory: String
        var nonce: String
        var isAdmitted = false
        var isDraining = false
    }

    private(set) var lives: [String: Life] = [:]
    private(set) var newest: [String: Int64] = [:]
    private(set) var hasID = false
    private(set) var term: Int64 = 0
    private(set) var lead: Int64 = -1
    private(set) var generation: Int64 = 0
    private(set) var assignment: Assignment?

    func life(_ incarnation: Incarnation) -> Life? { lives.values.first { $0.incarnation == incarnation.rawValue } }

    func name(_ incarnation: Incarnation) -> String? {
        lives.first { $0.value.incarnation == incarnation.rawValue }?.key
    }

    /// Whether the record counts; then it has been folded.
    mutating func fold(_ record: ClusterRecord, offset: Int64) -> Bool {
        if let author = record.author, life(author) == nil { return false }
        switch record {
        case .found:
            guard !hasID else { return false }
            hasID = true
            return true
        case .join(let join):
            let name = join.name.text
            if let life = lives[name], life.nonce == join.nonce || life.directory != join.directory { return false }
            guard (join.after?.rawValue ?? -1) == (newest[name] ?? -1) else { return false }
            lives[name] = Life(incarnation: offset, directory: join.directory, nonce: join.nonce)
            newest[name] = offset
            return true
        case .admit(let admit):
            guard admit.term == term, admit.author.rawValue == lead, let name = name(admit.life),
                lives[name]?.isAdmitted == false
            else { return false }
            lives[name]?.isAdmitted = true
            return true
        case .leave(let leave): return end(leave.author)
        case .remove(let remove):
            if let term = remove.term, term != self.term || remove.author.rawValue != lead { return false }
            return end(remove.life)
        case .lead(let record):
            guard record.term == term + 1, record.after == term, let name = name(record.author) else { return false }
            term += 1
            lead = record.author.rawValue
            lives[name]?.isAdmitted = true
            return true
        case .assign(let assign):
            guard assign.term == term, assign.author.rawValue == lead, assign.after == generation,
                assign.assignment.generation == generation + 1,
                assign.assignment.workers.allSatisfy({ life($0.node.incarnation)?.isAdmitted == true })
            else { return false }
            generation += 1
            assignment = assign.assignment
            return true
        case .place(let place):
            guard place.term == term, place.author.rawValue == lead, place.generation == generation,
                let known = assignment, known.tasks != place.tasks,
                place.tasks.allSatisfy({ task in known.workers.contains { $0.node == task.node } }),
                zip(place.tasks, place.tasks.dropFirst()).allSatisfy({ $0.task < $1.task })
            else { return false }
            assignment?.tasks = place.tasks
            return true
        case .drain(let drain):
            guard let name = name(drain.life), lives[name]?.isDraining != drain.isDraining else { return false }
            lives[name]?.isDraining = drain.isDraining
            return true
        case .moveLead(let move): return life(move.to) != nil
        case .rebalance: return true
        }
    }

    private mutating func end(_ incarnation: Incarnation) -> Bool {
        guard let name = name(incarnation) else { return false }
        lives[name] = nil
        return true
    }
}

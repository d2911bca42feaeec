internal import Cluster
internal import Dataflow

/// The control log as an audit log: who did what, when and why, one entry for each record, also for those that did not count.
///
/// Pure: it folds the records in order and renders each by what the fold knew then.
package struct ControlHistory: Sendable {
    package struct Entry: Hashable, Sendable, Codable {
        package var offset: Int64
        /// Microseconds since 1970, when the record was appended.
        package var time: Int64
        package var kind: String
        /// The node that appended it; empty if the record does not say.
        package var who: String
        package var what: String
        package var why: String
        /// Why it did not count; nil if it did.
        package var refusal: String?
    }

    /// The fold after the records seen.
    package private(set) var state = ControlState()

    package init() {}

    /// Folds the next record and says what it was.
    package mutating func add(_ entry: ControlEntry, offset: Int64, appendTime: Int64) -> Entry {
        let before = state.cluster
        let verdict = state.apply(entry, offset: offset, appendTime: appendTime)
        var line = Entry(offset: offset, time: appendTime, kind: "", who: "", what: "", why: "", refusal: nil)
        switch entry {
        case .unknown(let kind, let version):
            line.kind = kind
            line.what = "a kind of version \(version) that this build does not know"
        case .malformed(let message):
            line.kind = "malformed"
            line.what = message
        case .record(let record):
            describe(record, before: before, offset: offset, into: &line)
        }
        switch verdict {
        case .accepted: break
        case .stale(let expected): line.refusal = "it expects \(expected), which was not so any more"
        case .rejected(let reason): line.refusal = reason
        }
        return line
    }

    private func describe(_ record: ControlRecord, before: ClusterState, offset: Int64, into line: inout Entry) {
        switch record {
        case .deploy(let deploy):
            line.kind = "deploy"
            line.who = name(deploy.author, before)
            line.what = deploy.deployments.map(\.relation.name).joined(separator: ", ")
            line.why = why(askedOf: deploy.askedOf, before)
        case .drop(let drop):
            line.kind = "drop"
            line.who = name(drop.author, before)
            line.what = drop.names.joined(separator: ", ")
            line.why = why(askedOf: drop.askedOf, before)
        case .state(let folded):
            line.kind = "state"
            line.what = "the fold at version \(folded.version)"
        case .cluster(let record):
            line.who = name(record.author, before)
            describe(record, before: before, offset: offset, into: &line)
        }
    }

    private func describe(_ record: ClusterRecord, before: ClusterState, offset: Int64, into line: inout Entry) {
        switch record {
        case .found(let found):
            line.kind = "found"
            line.what = "cluster \(found.id)"
        case .join(let join):
            line.kind = "join"
            line.who = "\(NodeID(join.name, Incarnation(offset)))"
            line.what =
                "at \(join.description.cluster) with \(join.description.workers) workers"
                + (join.description.zone.isEmpty ? "" : " in zone \(join.description.zone)")
            line.why = join.after.map { "after life \($0)" } ?? "new"
        case .admit(let admit):
            line.kind = "admit"
            line.what = name(admit.life, before)
            line.why = "reached in both directions"
        case .leave(let leave):
            line.kind = "leave"
            line.what = name(leave.author, before)
            line.why = leave.reason
        case .remove(let remove):
            line.kind = "remove"
            line.what = name(remove.life, before)
            line.why = remove.reason
        case .lead(let lead):
            line.kind = "lead"
            line.what = "term \(lead.term)"
            line.why = lead.reason
        case .assign(let assign):
            line.kind = "assign"
            line.what = describe(assign.assignment, before: before.assignment)
            line.why = assign.reason
        case .drain(let drain):
            line.kind = drain.isDraining ? "drain" : "undrain"
            line.what = name(drain.life, before)
            line.why = drain.reason
        case .moveLead(let move):
            line.kind = "move-lead"
            line.what = "to \(name(move.to, before))"
            line.why = move.reason
        case .place(let place):
            line.kind = "place"
            line.what = place.tasks.map { "\($0.task) on \($0.node)" }.joined(separator: ", ")
            line.why = place.reason
        case .rebalance(let rebalance):
            line.kind = "rebalance"
            line.why = rebalance.reason
        }
    }

    private func describe(_ assignment: Assignment, before: Assignment?) -> String {
        guard assignment.flaw == nil else { return "generation \(assignment.generation)" }
        let shares = assignment.nodes.map { "\($0.name) \(assignment.vnodes(of: $0).count)" }
        let moves = before.map { "\(AssignmentPlanner.moves(from: $0, to: assignment)) vnodes move" }
        return "generation \(assignment.generation): " + shares.joined(separator: ", ")
            + (moves.map { "; " + $0 } ?? "")
    }

    private func why(askedOf node: Incarnation?, _ cluster: ClusterState) -> String {
        node.map { "asked of \(name($0, cluster))" } ?? ""
    }

    private func name(_ incarnation: Incarnation?, _ cluster: ClusterState) -> String {
        guard let incarnation else { return "" }
        let node = cluster.life(incarnation)?.node ?? cluster.past.first { $0.incarnation == incarnation }
        return node.map { "\($0)" } ?? "life \(incarnation)"
    }
}

package import Cluster
internal import Actors
internal import Dataflow
internal import Log

/// What an operator asks of a cluster. Each is a record of the control log, so any node takes it.
package enum AdminAction: Sendable, Hashable {
    /// The node shall own nothing any more, or may again.
    case drain(NodeName, Bool)
    /// Ends the node's life, also one that cannot say so itself.
    case remove(NodeName, isForced: Bool)
    /// Equal shares for all nodes.
    case rebalance
    /// That node becomes the coordinator.
    case moveLead(NodeName)
}

/// The cluster as a node has it from its fold, its membership and what is committed.
package struct ClusterStatus: Sendable, Hashable, Codable {
    package var id: String?
    /// The node that answers.
    package var node: String?
    package var coordinator: String?
    package var term: Int64
    package var generation: Int64
    package var controlVersion: Int64
    /// Of the fold, equal on all nodes at one version.
    package var controlHash: String
    package var epoch: Int64
    package var isReady: Bool
    package var members: [Member]
    /// Connector tasks and the nodes that run them.
    package var tasks: [String: String]

    package struct Member: Sendable, Hashable, Codable {
        package var name: String
        package var incarnation: Int64
        package var listen: String
        package var http: String?
        package var zone: String
        package var build: String
        package var workers: Int
        package var vnodes: Int
        /// `alive`, `suspect`, `dead` or `left`, as this node's membership has it.
        package var status: String
        package var isCoordinator: Bool
        package var isAdmitted: Bool
        package var isDraining: Bool
        package var controlVersion: Int64
        package var committedEpoch: Int64
    }
}

extension Coordinator {
    package func clusterStatus() -> ClusterStatus {
        let cluster = state.cluster
        let members = cluster.lives.map { life -> ClusterStatus.Member in
            let node = life.node
            let member = seat?.membership?[node.name]
            return ClusterStatus.Member(
                name: node.name.text, incarnation: node.incarnation.rawValue,
                listen: life.description.cluster.description, http: life.description.http?.description,
                zone: life.description.zone, build: life.description.build, workers: life.description.workers,
                vnodes: cluster.assignment?.vnodes(of: node).count ?? 0,
                status: node == seat?.own ? "alive" : member.map { "\($0.status)" } ?? "unknown",
                isCoordinator: cluster.lead == node, isAdmitted: life.isAdmitted, isDraining: life.isDraining,
                controlVersion: node == seat?.own ? state.version : member?.vitals.controlVersion ?? -1,
                committedEpoch: node == seat?.own ? serving?.epoch ?? 0 : member?.vitals.committedEpoch ?? 0)
        }
        let tasks = cluster.assignment?.tasks.map { ($0.task, $0.node.name.text) } ?? []
        let digits = String(state.hash, radix: 16)
        return ClusterStatus(
            id: cluster.id, node: seat?.own?.name.text, coordinator: cluster.currentLead?.node.name.text,
            term: cluster.term, generation: cluster.generation, controlVersion: state.version,
            controlHash: String(repeating: "0", count: 16 - digits.count) + digits, epoch: serving?.epoch ?? 0,
            isReady: phase == .ready && (isCaughtUp || notice?.isReady == true), members: members,
            tasks: Dictionary(uniqueKeysWithValues: tasks))
    }

    /// Appends what the operator asks for and reads it back. False if there is nothing to do, and nothing was appended.
    ///
    /// - Throws: ``CoordinationError``: `refused` if it does not fit, saying why; `conflict` if it was not accepted.
    @discardableResult
    package func perform(_ action: AdminAction, reason: String) async throws(CoordinationError) -> Bool {
        guard let own = seat?.own else {
            let reason = refusal.map { "the cluster refuses this node: \($0)" }
            throw CoordinationError(
                .refused, reason ?? "this node is not a node of a cluster: start it with --listen")
        }
        if action == .rebalance, isBalanced { return false }
        let record = try record(of: action, author: own.incarnation, reason: reason)
        guard let controlWriter else { preconditionFailure("a node has its writers") }
        var records = RecordSet()
        records.append(value: try ControlCodec.encode(.cluster(record)))
        let offset: Int64?
        do throws(LogError) {
            offset = try await controlWriter.append(
                [PartitionAppend(partition: TopicPartition(Self.controlTopic, 0), records: records)], idempotency: nil
            ).firstOffsets.first
        } catch {
            throw CoordinationError(error)
        }
        try await foldControl()
        foldBell.ring()
        if let rejection = state.rejections.first(where: { $0.offset == offset }) {
            throw CoordinationError(.conflict, rejection.reason)
        }
        return true
    }

    /// A new assignment of the nodes that may own something would be the one that there is: a generation, which replays, for nothing.
    private var isBalanced: Bool {
        guard let assignment = state.cluster.assignment else { return false }
        let candidates = state.cluster.lives.filter { life in
            life.isAdmitted && !life.isDraining && (seat?.membership?[life.node.name]?.status ?? .alive) < .dead
        }.map {
            AssignmentPlanner.Candidate(
                node: $0.node, workers: $0.description.workers, zone: $0.description.zone)
        }
        guard !candidates.isEmpty else { return false }
        let next = AssignmentPlanner.plan(
            candidates: candidates, tasks: assignment.tasks.map(\.task), previous: assignment,
            start: assignment.start)
        return next.workers == assignment.workers && next.owners == assignment.owners && next.tasks == assignment.tasks
    }

    private func record(
        of action: AdminAction, author: Incarnation, reason: String
    ) throws(CoordinationError) -> ClusterRecord {
        func life(_ name: NodeName) throws(CoordinationError) -> ClusterState.Life {
            if let life = state.cluster.life(named: name) { return life }
            let names = state.cluster.lives.map(\.node.name.text).joined(separator: ", ")
            throw CoordinationError(.relationUnknown, "there is no node \"\(name)\" (\(names) are)")
        }
        switch action {
        case .drain(let name, let isDraining):
            let life = try life(name)
            let staying = state.cluster.lives.filter { $0.isAdmitted && !$0.isDraining && $0.node != life.node }
            guard !isDraining || !staying.isEmpty else {
                throw CoordinationError(.refused, "\"\(name)\" is the last node that is not draining")
            }
            return .drain(
                ClusterRecord.Drain(
                    life: life.node.incarnation, isDraining: isDraining, author: author, reason: reason))
        case .remove(let name, let isForced):
            let life = try life(name)
            let status = seat?.membership?[name]?.status
            guard isForced || status == .dead || status == .left else {
                throw CoordinationError(
                    .refused, "\"\(name)\" is \(status.map { "\($0)" } ?? "alive"): drain it, or force its removal")
            }
            return .remove(
                ClusterRecord.Remove(life: life.node.incarnation, reason: reason, author: author, term: nil))
        case .rebalance: return .rebalance(ClusterRecord.Rebalance(author: author, reason: reason))
        case .moveLead(let name):
            return .moveLead(
                ClusterRecord.MoveLead(to: try life(name).node.incarnation, author: author, reason: reason))
        }
    }

    /// Who did what, when and why, as the control log has it up to `asOf`; and the fold there.
    package func history(
        asOf: Int64? = nil
    ) async throws(CoordinationError) -> (entries: [ControlHistory.Entry], state: ControlState) {
        let partition = TopicPartition(Self.controlTopic, 0)
        var history = ControlHistory()
        var entries: [ControlHistory.Entry] = []
        let bounds = try await retrying { () async throws(LogError) in try await self.log.bounds([partition]) }
        let begin = bounds[partition]?.earliest ?? 0
        if let asOf, asOf < begin {
            throw CoordinationError(
                .refused, "the control log begins at offset \(begin): what stood at \(asOf) was trimmed")
        }
        if let asOf, asOf >= bounds[partition]?.end ?? 0 {
            throw CoordinationError(
                .refused,
                "the control log's newest offset is \((bounds[partition]?.end ?? 0) - 1): there is nothing at \(asOf)")
        }
        var next = begin
        let end = min(bounds[partition]?.end ?? 0, asOf.map { $0 < .max ? $0 + 1 : .max } ?? .max)
        while next < end {
            let from = next
            // Trimmed meanwhile: what is left begins with a folded state.
            guard let batches = try await readControl(from: from) else {
                return try await self.history(asOf: asOf)
            }
            guard !batches.isEmpty else { break }
            for batch in batches {
                for (index, record) in batch.records.records.enumerated() {
                    let offset = batch.firstOffset + Int64(index)
                    guard offset >= next, offset < end else { continue }
                    entries.append(
                        history.add(
                            ControlCodec.decode(record.value ?? []), offset: offset, appendTime: batch.appendTime))
                    next = offset + 1
                }
            }
            if next == from { break }
        }
        return (entries, history.state)
    }
}

internal import Actors
package import Cluster
internal import Dataflow
internal import Log
internal import Logging

/// This node as one of several: what its life, its membership and, as coordinator, its decisions ask for, put into effect.
extension Coordinator {
    /// The log is read at least this often, so that the node's lease goes on and silence is noticed.
    private static let readInterval: Duration = .milliseconds(1_000)

    private var instant: Instant { Instant(microseconds: MonotonicClock.nanoseconds / 1_000) }

    /// Writes that wait for the log at most. What is dropped is asked for again.
    private static let outboxMax = 256

    func takeSeat() async throws(CoordinationError) {
        guard let cluster else { return }
        // The clock's too: any node may tick for a query, and the driver must know of it.
        for topic in [Self.clockTopic, Self.signTopic] {
            try await retrying { () async throws(LogError) in
                try await self.log.createTopic(topic, TopicConfiguration(partitions: 1))
            }
        }
        let partition = TopicPartition(Self.signTopic, 0)
        let bounds = try await retrying { () async throws(LogError) in try await self.log.bounds([partition]) }
        let node = ClusterNode(
            name: cluster.name, directory: cluster.directory, description: cluster.description,
            settings: configuration.node, now: instant)
        seat = Seat(node: node, signOffset: bounds[partition]?.end ?? 0)
        if let leaveReason { feed(.leave(reason: leaveReason)) }
    }

    /// Appends what is decided and reads the log, until the node has left or the task is cancelled.
    func runSeat() async throws(CoordinationError) {
        while !Task.isCancelled, seat?.hasLeft == false {
            try await writeDecided()
            let began = instant
            try await foldControl()
            try await readSigns()
            noteFold()
            feed(.read(began: began, committed: serving?.epoch ?? 0))
            if seat?.outbox.isEmpty == true { await foldBell.wait(atMost: Self.readInterval) }
        }
        bell.ring()
        partBell.ring()
    }

    /// Lets time pass for what is decided; the log may be slow meanwhile.
    func runSeatClock() async {
        while !Task.isCancelled, let seat, !seat.hasLeft {
            let due = seat.node.deadline
            if due <= instant {
                feed(.tick)
            } else {
                await seatBell.wait(atMost: .microseconds(min(due - instant, 1_000_000)))
            }
        }
    }

    /// Why the cluster refuses this process, if it does.
    package var refusal: String? { seat?.refusal }

    /// Hands over what this node owns, then ends its life; ``run()`` returns when that is done.
    package func leave(_ reason: String) async {
        leaveReason = reason
        feed(.leave(reason: reason))
        foldBell.ring()
    }

    /// The cluster's id, made with its log by whoever comes first. Before ``run()``.
    package func clusterID() async throws(CoordinationError) -> String {
        try await openLog()
        while true {
            if let id = state.cluster.id {
                reportTimeZones()
                return id
            }
            var random = SystemRandomNumberGenerator()
            let id = String(random.next() as UInt64, radix: 16) + String(random.next() as UInt64, radix: 16)
            try await append(
                try ControlCodec.encode(.cluster(.found(ClusterRecord.Found(id: id, tzdata: TimeZones.version)))))
            try await foldControl()
        }
    }

    /// The rules of time zones are part of what a view is a function of: other ones may change its rows when it is replayed.
    private func reportTimeZones() {
        guard let first = state.cluster.tzdata, first != TimeZones.version else { return }
        logger.warning(
            "the system's tzdata has changed: times in zones named by views may differ in a replay",
            metadata: ["first": "\(first)", "now": "\(TimeZones.version)"])
    }

    private var clusterHash: UInt64 {
        var hash = StateHash()
        hash.mix(state.cluster.id ?? "")
        return hash.value
    }

    // MARK: Decisions

    /// Hands an event to the node's value and carries out what it wants. Appends are left to ``runSeat()``, in their order.
    func feed(_ event: ClusterNode.Event) {
        for effect in seat?.handle(event, fold: state, now: instant) ?? [] { carryOut(effect) }
        seatBell.ring()
    }

    private func carryOut(_ effect: ClusterNode.Effect) {
        switch effect {
        case .append(let record): leaveToWrite(.record(record))
        case .appendFold: leaveToWrite(.fold)
        case .trim(let offset): leaveToWrite(.trim(below: offset))
        case .appendSign(let term): leaveToWrite(.sign(term: term))
        case .readLog: foldBell.ring()
        case .gossip(let message, let node):
            cluster?.gossip(
                MembershipCodec.encodeAsUsed(message, cluster: clusterHash), message.kind.pingSequence, node)
        case .memberChanged(let node, let from, let to):
            logger.info("member", metadata: ["member": "\(node)", "from": "\(from)", "to": "\(to)"])
        case .began(let node):
            seat?.refusal = nil
            logger.info("joined", metadata: ["life": "\(node)"])
            locate()
            noteLogFields()
            if WireVersions.isNext { leaveToWrite(.hint("\(node) is of the next version")) }
        case .ended(let node):
            fencePart()
            noteLogFields()
            logger.warning("this life has ended", metadata: ["life": "\(node)"])
            partBell.ring()
        case .adopted:
            fencePart()
            noteLogFields()
            updateConnectors()
            partBell.ring()
        case .refused(let reason):
            seat?.refusal = reason
            logger.error("the cluster refuses this node", metadata: ["reason": "\(reason)"])
        case .left:
            seat?.hasLeft = true
            logger.info("left the cluster")
            foldBell.ring()
        }
    }

    /// Another generation was read back, or none is this life's any more: from here on nothing of the part's is taken.
    private func fencePart() {
        if let part, part.generation != seat?.adopted?.generation { part.exchange?.fence() }
    }

    private func leaveToWrite(_ write: Seat.Write) {
        guard let waiting = seat?.outbox.count, waiting < Self.outboxMax else { return }
        seat?.outbox.append(write)
        foldBell.ring()
    }

    private func writeDecided() async throws(CoordinationError) {
        let outbox = seat?.outbox ?? []
        seat?.outbox = []
        for write in outbox {
            switch write {
            case .record(let record): try await append(try ControlCodec.encode(.cluster(record)))
            case .fold: try await append(try ControlCodec.encode(.state(state.folded)))
            case .trim(let offset): await trimControl(below: offset)
            case .sign(let term): await sign(term)
            case .hint(let text): try await append(ControlCodec.encodeHint(text))
            }
        }
    }

    /// What this node does for what the fold says of others.
    private func noteFold() {
        guard let seat, seat.notedVersion < state.version else { return }
        self.seat?.notedVersion = state.version
        locate()
        feed(.tasks(tasks))
        updateConnectors()
    }

    private func locate() {
        let nodes = state.cluster.lives.map { ($0.node, $0.description.cluster) }
        cluster?.located(seat?.own, Dictionary(uniqueKeysWithValues: nodes))
    }

    /// Whether an answer may leave now: this node lives, and has known the log's end within its lease.
    var holdsLease: Bool { seat?.node.holdsLease(now: instant) ?? true }

    /// A membership message of another node.
    package func receiveGossip(_ bytes: [UInt8]) throws(CoordinationError) {
        let message: MembershipMessage
        do throws(MembershipCodecError) {
            message = try MembershipCodec.decode(bytes, cluster: clusterHash)
        } catch {
            throw CoordinationError(.refused, "\(error)")
        }
        feed(.membership(message))
    }

    package func gossipFailed(sequence: UInt32) { feed(.undeliverable(sequence: sequence)) }

    package func connectionClosed(_ name: NodeName) { feed(.closed(name)) }

    /// The tables whose connectors have a task.
    private var tasks: [String] {
        state.orderedTopics.flatMap(\.tables).filter { ControlState.hasTask($0.schema) }.map(\.schema.name).sorted()
    }

    /// Whether a table's task is this node's.
    func runsTask(of table: String) -> Bool {
        guard let seat else { return true }
        guard let own = seat.own, let assignment = state.cluster.assignment,
            assignment.generation == seat.adopted?.generation
        else { return false }
        return assignment.tasks(of: own).contains(table)
    }

    // MARK: The log

    /// Appends a control record. Whether it counts shows when it is read back.
    private func append(_ bytes: [UInt8]) async throws(CoordinationError) {
        guard let controlWriter else { preconditionFailure("decisions come after the writer is open") }
        var records = RecordSet()
        records.append(value: bytes)
        do throws(LogError) {
            _ = try await controlWriter.append(
                [PartitionAppend(partition: TopicPartition(Self.controlTopic, 0), records: records)], idempotency: nil)
        } catch {
            // It is appended again when it is not read back in time.
            logger.warning("a control record was not appended", metadata: ["error": "\(error)"])
        }
        foldBell.ring()
    }

    private func trimControl(below offset: Int64) async {
        do throws(LogError) {
            try await log.trim(TopicPartition(Self.controlTopic, 0), below: offset)
            logger.info("trimmed the control log", metadata: ["below": "\(offset)"])
        } catch {
            // It is trimmed behind the next folded state.
            logger.warning("the control log was not trimmed", metadata: ["below": "\(offset)", "error": "\(error)"])
        }
    }

    private func sign(_ term: Int64) async {
        do throws(CoordinationError) {
            try await appendSign(term)
        } catch {
            logger.warning("a sign of the coordinator was not appended", metadata: ["error": "\(error)"])
        }
    }

    private func readSigns() async throws(CoordinationError) {
        guard let offset = seat?.signOffset else { return }
        let partition = TopicPartition(Self.signTopic, 0)
        let bounds = try await retrying { () async throws(LogError) in try await self.log.bounds([partition]) }
        guard let bounds = bounds[partition], bounds.end > offset else { return }
        let from = max(offset, bounds.end - 1)
        let batches = try await retrying { () async throws(LogError) in
            try await self.log.read(partition, from: from, bytesMax: 1 << 16)
        }
        seat?.signOffset = bounds.end
        for batch in batches {
            for record in batch.records.records {
                if let term = ControlCodec.decodeSign(record.value ?? []) { feed(.signed(term: term)) }
            }
        }
    }
}

extension MembershipMessage.Kind {
    /// Of a ping: what is said when it cannot be delivered.
    fileprivate var pingSequence: UInt32? {
        if case .ping(let sequence, _) = self { sequence } else { nil }
    }
}

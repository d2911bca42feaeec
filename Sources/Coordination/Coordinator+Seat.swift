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

    func takeSeat() async throws(CoordinationError) {
        guard let cluster else { return }
        try await retrying { () async throws(LogError) in
            try await self.log.createTopic(Self.clockTopic, TopicConfiguration(partitions: 1))
        }
        let partition = Self.clockPartition
        let bounds = try await retrying { () async throws(LogError) in try await self.log.bounds([partition]) }
        seat = SeatState(
            life: NodeLife(
                name: cluster.name, directory: cluster.directory, description: cluster.description, now: instant),
            membership: nil, decisions: CoordinatorDecisions(now: instant), tickOffset: bounds[partition]?.end ?? 0)
    }

    /// Reads the log and decides, until the node has left or the task is cancelled.
    func runSeat() async throws(CoordinationError) {
        while !Task.isCancelled, seat?.hasLeft == false {
            let began = instant
            try await foldControl()
            try await readTicks()
            try await live(.folded(began: began))
            list()
            if let adopted = seat?.adopted, let own = seat?.own, state.cluster.lead == own, seat?.driver != own {
                // Who leads drives: what another one drove goes on in a generation of its own.
                restart(adopted.generation)
            }
            try await decidePending()
            try await decide(.look)
            guard let seat, !seat.hasLeft else { break }
            let due = min(seat.life.deadline, seat.decisions.deadline)
            let wait = min(Self.readInterval, .microseconds(max(0, due - instant)))
            if wait > .zero { await foldBell.wait(atMost: wait) }
            if seat.life.deadline <= instant { try await live(.tick) }
        }
        bell.ring()
        partBell.ring()
    }

    /// Lets membership's time pass.
    func runMembership() async {
        while !Task.isCancelled, seat?.hasLeft == false {
            let due = seat?.membership?.deadline ?? .never
            if due <= instant {
                suggest(.tick)
            } else {
                await membershipBell.wait(atMost: .microseconds(min(due - instant, 1_000_000)))
            }
        }
    }

    /// Hands over what this node owns, then ends its life; ``run()`` returns when that is done.
    package func leave(_ reason: String) async {
        guard seat != nil else { return }
        do throws(CoordinationError) {
            try await live(.leave(reason: reason))
        } catch {
            logger.warning("leaving is tried again", metadata: ["error": "\(error)"])
        }
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
            try await append(.found(ClusterRecord.Found(id: id, tzdata: TimeZones.version)))
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

    // MARK: Life

    private func live(_ event: NodeLife.Event) async throws(CoordinationError) {
        guard var seat else { return }
        let effects = seat.life.handle(event, cluster: state.cluster, now: instant, using: &seat.random)
        self.seat = seat
        for effect in effects {
            switch effect {
            case .append(let record):
                if case .leave = record { suggest(.leave) }
                try await append(record)
            case .began(let node):
                self.seat?.membership = Membership(own: node, now: instant)
                self.seat?.refusal = nil
                logger.info("joined", metadata: ["life": "\(node)"])
                locate()
                noteLogFields()
                if WireVersions.isNext { try await append(ControlCodec.encodeHint("\(node) is of the next version")) }
            case .ended(let node):
                self.seat?.membership = nil
                self.seat?.adopted = nil
                noteLogFields()
                logger.warning("this life has ended", metadata: ["life": "\(node)"])
                partBell.ring()
            case .adopt(let assignment):
                self.seat?.adopted = assignment
                self.seat?.driver = assigner
                noteLogFields()
                updateConnectors()
                partBell.ring()
            case .refused(let reason):
                self.seat?.refusal = reason
                logger.error("the cluster refuses this node", metadata: ["reason": "\(reason)"])
            case .left:
                self.seat?.hasLeft = true
                logger.info("left the cluster")
            }
        }
    }

    /// Whether an answer may leave now: this node lives, and has known the log's end within its lease.
    var holdsLease: Bool { seat?.life.holdsLease(now: instant) ?? true }

    // MARK: Membership

    private func list() {
        guard let version = seat?.membership?.version, version < state.version else { return }
        let listed = state.cluster.lives.map { Membership.Listed(node: $0.node, description: $0.description) }
        locate()
        suggest(.listed(listed, version: state.version))
        suggest(.vitals(Vitals(controlVersion: state.version, committedEpoch: serving?.epoch ?? 0)))
    }

    private func locate() {
        let nodes = state.cluster.lives.map { ($0.node, $0.description.cluster) }
        cluster?.located(seat?.own, Dictionary(uniqueKeysWithValues: nodes))
    }

    /// A membership message of another node.
    package func receiveGossip(_ bytes: [UInt8]) throws(CoordinationError) {
        let message: MembershipMessage
        do throws(MembershipCodecError) {
            message = try MembershipCodec.decode(bytes, cluster: clusterHash)
        } catch {
            throw CoordinationError(.refused, "\(error)")
        }
        suggest(.received(message))
    }

    package func gossipFailed(sequence: UInt32) { suggest(.undeliverable(sequence: sequence)) }

    package func connectionClosed(_ name: NodeName) { suggest(.closed(name)) }

    private func suggest(_ event: Membership.Event) {
        guard var seat, seat.membership != nil else { return }
        let effects = seat.membership?.handle(event, now: instant, using: &seat.random) ?? []
        self.seat = seat
        for effect in effects {
            switch effect {
            case .send(let message, let node):
                cluster?.gossip(
                    MembershipCodec.encodeAsUsed(message, cluster: clusterHash), message.kind.pingSequence, node)
            case .changed(let node, let from, let to):
                logger.info("member", metadata: ["member": "\(node)", "from": "\(from)", "to": "\(to)"])
                foldBell.ring()
            case .behind: foldBell.ring()
            case .refuted: break
            }
        }
        membershipBell.ring()
    }

    // MARK: Decisions

    func decide(_ event: CoordinatorDecisions.Event) async throws(CoordinationError) {
        guard var seat, let own = seat.own, let membership = seat.membership else { return }
        let members = membership.members.map {
            CoordinatorDecisions.Facts.Member(node: $0.node, status: $0.status, answered: $0.answered)
        }
        let facts = CoordinatorDecisions.Facts(
            own: own, cluster: state.cluster, lastRead: seat.life.lastRead ?? instant, members: members, tasks: tasks)
        let effects = seat.decisions.handle(event, facts: facts, now: instant)
        self.seat = seat
        for effect in effects {
            switch effect {
            case .append(let record): try await append(record)
            case .tick(let term): try await appendTick(term)
            case .probe(let name): suggest(.probe(name))
            case .readLog: foldBell.ring()
            }
        }
    }

    /// The tables whose connectors have a task.
    private var tasks: [String] {
        state.orderedTopics.flatMap(\.tables).filter { ControlState.hasTask($0.schema) }.map(\.schema.name).sorted()
    }

    /// Whether a table's task is this node's.
    func runsTask(of table: String) -> Bool {
        guard let seat else { return true }
        guard let own = seat.own, let assignment = seat.adopted else { return false }
        return assignment.tasks(of: own).contains(table)
    }

    /// The driver's generation cannot go on: the coordinator makes another one.
    func restart(_ generation: Int64) {
        pendingDecisions.append(.restart(generation: generation))
        foldBell.ring()
    }

    func unreported(_ node: NodeID) {
        pendingDecisions.append(.unreported(node))
        foldBell.ring()
    }

    // MARK: The log

    /// Appends a record. Whether it counts shows when it is read back.
    private func append(_ record: ClusterRecord) async throws(CoordinationError) {
        try await append(try ControlCodec.encode(.cluster(record)))
    }

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

    private func appendTick(_ term: Int64) async throws(CoordinationError) {
        do throws(CoordinationError) {
            _ = try await tick(Array("{\"term\":\(term)}".utf8))
        } catch {
            logger.warning("a tick was not appended", metadata: ["error": "\(error)"])
        }
    }

    private func readTicks() async throws(CoordinationError) {
        guard let offset = seat?.tickOffset else { return }
        let partition = Self.clockPartition
        let bounds = try await retrying { () async throws(LogError) in try await self.log.bounds([partition]) }
        guard let bounds = bounds[partition], bounds.end > offset else { return }
        let from = max(offset, bounds.end - 1)
        let batches = try await retrying { () async throws(LogError) in
            try await self.log.read(partition, from: from, bytesMax: 1 << 16)
        }
        seat?.tickOffset = bounds.end
        for batch in batches {
            for record in batch.records.records {
                let text = String(decoding: record.value ?? [], as: UTF8.self)
                let digits = text.drop { !$0.isNumber }.prefix { $0.isNumber }
                if let term = Int64(digits) { try await decide(.ticked(term: term)) }
            }
        }
    }

    /// What the fold and the parts have asked to be decided since the last time.
    func decidePending() async throws(CoordinationError) {
        let events = pendingDecisions
        pendingDecisions = []
        for event in events { try await decide(event) }
    }
}

extension MembershipMessage.Kind {
    /// Of a ping: what is said when it cannot be delivered.
    fileprivate var pingSequence: UInt32? {
        if case .ping(let sequence, _) = self { sequence } else { nil }
    }
}

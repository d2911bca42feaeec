package import Cluster

/// What the coordinator decides, and when a node proposes itself as one: a value without I/O.
///
/// Every node runs it. It looks at the fold, at what membership suggests and at the time, and says what to append; whether
/// that counts shows when it is read back. A record that has not been read back in time is appended again, which is
/// harmless, since of equal records the fold accepts one.
///
/// A node proposes itself only when the coordinator's life has ended, or when it is dead to gossip *and* no accepted record
/// or sign of its term has appeared in the log for ``Settings/leadSilence``; the oldest member first. So two sides of a
/// partition that both reach the log do not duel: the side with the coordinator goes on, and the other one is removed and
/// rejoins. A coordinator that finds most members dead, or is answered by none, doubts itself first: it falls silent for
/// ``Settings/yieldTime``, in which members that see each other can take over.
package struct CoordinatorDecisions: Sendable {
    package enum Event: Sendable, Equatable {
        /// The fold moved to a record that was accepted; `author` appended it.
        case accepted(author: Incarnation?)
        /// A sign of a coordinator of this term was read from the signs' topic.
        case signed(term: Int64)
        /// Membership, the tasks or the fold may have changed, or the time has come.
        case look
        /// A node that takes part has not reported to this coordinator for too long, though gossip finds it alive.
        case unreported(NodeID)
        /// The nodes of this generation must go back to what is recorded, in a new one, for the reason given.
        case restart(generation: Int64, reason: String)
    }

    package enum Effect: Sendable, Equatable {
        case append(ClusterRecord)
        /// Append a sign that the coordinator of this term is there.
        case sign(term: Int64)
        /// Append the fold as a record that others can begin from.
        case appendFold
        /// Records of the control log below this offset are needed no more.
        case trim(below: Int64)
        /// Have membership probe this node now.
        case probe(NodeName)
        /// Read the log: before the coordinator's silence counts, it must show there.
        case readLog
    }

    /// What a node knows when it decides.
    package struct Facts: Sendable {
        package var own: NodeID
        package var fold: ControlState
        /// The log was known up to its end at this time.
        package var lastRead: Instant
        /// In order of name; this node among them.
        package var members: [Member]
        /// Connector tasks that shall run.
        package var tasks: [String]
        /// Where the next generation begins.
        package var start: StartingPoint

        /// What membership thinks of a life.
        package struct Member: Sendable, Equatable {
            package var node: NodeID
            package var status: MemberStatus
            /// When it last answered a probe of this node itself; nil if it never has.
            package var answered: Instant?

            package init(node: NodeID, status: MemberStatus, answered: Instant?) {
                self.node = node
                self.status = status
                self.answered = answered
            }
        }

        package init(
            own: NodeID, fold: ControlState, lastRead: Instant, members: [Member], tasks: [String] = [],
            start: StartingPoint = .beginning
        ) {
            self.own = own
            self.fold = fold
            self.lastRead = lastRead
            self.members = members
            self.tasks = tasks
            self.start = start
        }

        package var cluster: ClusterState { fold.cluster }

        func status(_ node: NodeID) -> MemberStatus? {
            for index in members.indices where members[index].node == node { return members[index].status }
            return nil
        }
    }

    /// Times are in microseconds.
    package struct Settings: Sendable, Equatable {
        /// Between signs: how soon silence can be noticed.
        package var signInterval: Int64 = 1_000_000
        /// Without a record or sign a coordinator that is dead to gossip may be replaced. Above one sign and its way.
        package var leadSilence: Int64 = 1_500_000
        /// Each younger member waits this much longer, so that one proposes.
        package var leadStagger: Int64 = 300_000
        /// An append that has not been read back by then is repeated.
        package var appendTimeout: Int64 = 1_000_000
        /// Nodes that come within this time of one another share a generation.
        package var settle: Int64 = 250_000
        /// The first of them waits no longer than this.
        package var settleMost: Int64 = 1_500_000
        /// Between looks while something is awaited.
        package var lookInterval: Int64 = 250_000
        /// A coordinator whom none of several members has answered for this long doubts itself, as if most were dead. Above
        /// the time between probes of a node that keeps up badly.
        package var unansweredTime: Int64 = 12_000_000
        /// A coordinator that doubts itself is silent for this long, once.
        package var yieldTime: Int64 = 4_000_000
        /// A node that finds most members dead itself proposes this much later.
        package var loneDelay: Int64 = 6_000_000
        /// A member that said goodbye but whose end has not been read by then is removed.
        package var leaveTimeout: Int64 = 3_000_000
        /// A joiner that is dead to gossip is removed this much later than a member: it owns nothing.
        package var joinTimeout: Int64 = 15_000_000
        /// Control records from one folded state to the next; between this and twice as many are kept in the log.
        package var foldInterval: Int64 = 2_000

        package init() {}
    }

    package let settings: Settings
    /// When the log last showed that the coordinator acts, by this node's clock.
    package private(set) var lastSign: Instant
    /// When ``Event/look`` is due.
    package private(set) var deadline: Instant
    /// This coordinator is silent because it found most members dead.
    package var isYielding: Bool { yieldUntil != nil }

    private var nextSign: Instant
    private var signedTerm: Int64 = 0
    private var waiting: [Waiting] = []
    private var unreported: [NodeID] = []
    /// Lives that are to be removed unless they end, or recover, soon.
    private var condemned: [(node: NodeID, since: Instant)] = []
    /// When the coordinator's end, or its death in silence, was noticed.
    private var vacantSince: Instant?
    private var yieldUntil: Instant?
    private var hasYielded = false
    private var leadingSince: Instant?
    /// The change that waits for others to share its generation.
    private var firstChange: Instant?
    private var lastChange: Instant?
    private var lastCandidates: [NodeID] = []
    private var restart: (generation: Int64, reason: String) = (0, "")
    /// Of the control log: what was asked for last.
    private var trimmed: Int64 = 0

    /// An append that has not been read back.
    private struct Waiting: Sendable {
        var record: Key
        var retry: Instant
    }

    private enum Key: Hashable, Sendable {
        case lead(after: Int64)
        case admit(Incarnation)
        case remove(Incarnation)
        case assign(after: Int64)
        case place(generation: Int64)
        case move(after: Int64)
        case fold(after: Int64?)
        case probe(Incarnation)
    }

    package init(settings: Settings = Settings(), now: Instant) {
        self.settings = settings
        lastSign = now
        deadline = now
        nextSign = now
    }

    package mutating func handle(_ event: Event, facts: Facts, now: Instant) -> [Effect] {
        switch event {
        case .accepted(let author):
            if let author, author == facts.cluster.lead?.incarnation { lastSign = now }
        case .signed(let term):
            if term == facts.cluster.term { lastSign = now }
        case .look:
            break
        case .unreported(let node):
            if !unreported.contains(node) { unreported.append(node) }
        case .restart(let generation, let reason):
            restart = (generation, reason)
        }
        var effects: [Effect] = []
        deadline = .never
        guard facts.cluster.isCurrent(facts.own) else { return [] }
        waiting.removeAll { $0.retry <= now }
        if facts.cluster.currentLead?.node == facts.own {
            vacantSince = nil
            lead(facts, now: now, into: &effects)
        } else {
            stopLeading()
            propose(facts, now: now, into: &effects)
        }
        for entry in waiting { wake(at: entry.retry) }
        return effects
    }

    private mutating func wake(at instant: Instant) { deadline = min(deadline, instant) }

    /// Appends the record unless it was appended a short while ago and has not been read back.
    private mutating func append(_ key: Key, _ record: ClusterRecord, now: Instant, into effects: inout [Effect]) {
        guard !waiting.contains(where: { $0.record == key }) else { return }
        waiting.append(Waiting(record: key, retry: now + settings.appendTimeout))
        effects.append(.append(record))
    }

    // MARK: Proposing

    private mutating func stopLeading() {
        yieldUntil = nil
        hasYielded = false
        leadingSince = nil
        firstChange = nil
        lastChange = nil
        lastCandidates = []
        unreported = []
        condemned = []
        restart = (0, "")
    }

    private mutating func propose(_ facts: Facts, now: Instant, into effects: inout [Effect]) {
        let cluster = facts.cluster
        let record = { (reason: String) in
            ClusterRecord.lead(
                ClusterRecord.Lead(
                    term: cluster.term + 1, after: cluster.term, author: facts.own.incarnation, reason: reason))
        }
        if cluster.leadTarget == facts.own {
            append(.lead(after: cluster.term), record("moved to it"), now: now, into: &effects)
            return
        }
        let reason: String
        if let lead = cluster.currentLead {
            guard let status = facts.status(lead.node), status >= .dead else {
                vacantSince = nil
                return
            }
            guard now - lastSign >= settings.leadSilence else {
                vacantSince = nil
                wake(at: lastSign + settings.leadSilence)
                return
            }
            // Not this clock but the log shows silence: a process that was held up knows nothing of the time between.
            guard facts.lastRead - lastSign >= settings.leadSilence else {
                effects.append(.readLog)
                wake(at: now + settings.lookInterval)
                return
            }
            reason = "\(lead.node) is \(status) to gossip and silent in the log"
        } else {
            reason = cluster.lead.map { "\($0) has ended" } ?? "there was none"
        }
        let since = vacantSince ?? now
        vacantSince = since
        var delay = settings.leadStagger * Int64(rank(facts))
        if isLone(facts) { delay += settings.loneDelay }
        guard now - since >= delay else {
            wake(at: since + delay)
            return
        }
        append(.lead(after: cluster.term), record(reason), now: now, into: &effects)
    }

    /// How many would rather lead: members before joiners, those that stay before those that drain, the oldest first.
    private func rank(_ facts: Facts) -> Int {
        func key(_ life: ClusterState.Life) -> (Int, Int64) {
            ((life.isAdmitted ? 0 : 2) + (life.isDraining ? 1 : 0), life.node.incarnation.rawValue)
        }
        guard let own = facts.cluster.life(facts.own.incarnation) else { return 0 }
        return facts.cluster.lives.count { life in
            life.node != facts.own && key(life) < key(own) && (facts.status(life.node) ?? .alive) < .dead
        }
    }

    /// Most of the other lives, of two or more, are dead to this node: maybe it is the one that is cut off.
    private func isLone(_ facts: Facts) -> Bool {
        let others = facts.cluster.lives.filter { $0.node != facts.own }
        let dead = others.count { (facts.status($0.node) ?? .alive) >= .dead }
        return others.count >= 2 && dead * 2 > others.count
    }

    /// None of the other lives, of two or more, has answered this node for long: it may be mute or deaf, while those that it
    /// removes come back, so that never most of them are dead to it.
    private func isUnanswered(_ facts: Facts, now: Instant) -> Bool {
        guard let leadingSince, facts.cluster.lives.count > 2 else { return false }
        var newest = leadingSince
        for member in facts.members where member.node != facts.own {
            if let answered = member.answered { newest = max(newest, answered) }
        }
        return now - newest >= settings.unansweredTime
    }

    // MARK: Leading

    private mutating func lead(_ facts: Facts, now: Instant, into effects: inout [Effect]) {
        leadingSince = leadingSince ?? now
        if isLone(facts) || isUnanswered(facts, now: now) {
            if !hasYielded {
                hasYielded = true
                yieldUntil = now + settings.yieldTime
            }
        } else {
            hasYielded = false
            yieldUntil = nil
        }
        if let until = yieldUntil {
            if now < until {
                wake(at: until)
                return
            }
            yieldUntil = nil
        }
        sign(facts, now: now, into: &effects)
        remove(facts, now: now, into: &effects)
        admit(facts, now: now, into: &effects)
        shorten(facts, now: now, into: &effects)
        if handOver(facts, now: now, into: &effects) { return }
        assign(facts, now: now, into: &effects)
    }

    /// A coordinator that drains hands the lead over first, so that who leads takes part. Whether it does so.
    private mutating func handOver(_ facts: Facts, now: Instant, into effects: inout [Effect]) -> Bool {
        guard facts.cluster.life(facts.own.incarnation)?.isDraining == true else { return false }
        let others = facts.cluster.lives.filter { life in
            life.isAdmitted && !life.isDraining && life.node != facts.own && facts.status(life.node) == .alive
        }
        guard let oldest = others.min(by: { $0.node.incarnation < $1.node.incarnation }) else { return false }
        if facts.cluster.leadTarget == nil {
            let record = ClusterRecord.moveLead(
                ClusterRecord.MoveLead(
                    to: oldest.node.incarnation, author: facts.own.incarnation, reason: "\(facts.own) drains"))
            append(.move(after: facts.cluster.term), record, now: now, into: &effects)
        }
        return true
    }

    private mutating func sign(_ facts: Facts, now: Instant, into effects: inout [Effect]) {
        if signedTerm != facts.cluster.term {
            signedTerm = facts.cluster.term
            nextSign = now
        }
        if now >= nextSign {
            nextSign = now + settings.signInterval
            effects.append(.sign(term: facts.cluster.term))
        }
        wake(at: nextSign)
    }

    private mutating func remove(_ facts: Facts, now: Instant, into effects: inout [Effect]) {
        unreported.removeAll { !facts.cluster.isCurrent($0) }
        condemned.removeAll { entry in
            !facts.cluster.isCurrent(entry.node) || (facts.status(entry.node) ?? .alive) < .dead
        }
        for life in facts.cluster.lives where life.node != facts.own {
            let reason: String
            switch facts.status(life.node) ?? .alive {
            case .dead:
                guard life.isAdmitted || isCondemned(life.node, for: settings.joinTimeout, now: now) else { continue }
                reason = "dead to gossip"
            case .left:
                guard isCondemned(life.node, for: settings.leaveTimeout, now: now) else { continue }
                reason = "said goodbye and did not leave"
            case .alive, .suspect:
                guard unreported.contains(life.node) else { continue }
                reason = "its reports do not reach the coordinator"
            }
            let record = ClusterRecord.remove(
                ClusterRecord.Remove(
                    life: life.node.incarnation, reason: reason, author: facts.own.incarnation,
                    term: facts.cluster.term))
            append(.remove(life.node.incarnation), record, now: now, into: &effects)
        }
    }

    /// Whether the life has been dead, or gone, for so long.
    private mutating func isCondemned(_ node: NodeID, for time: Int64, now: Instant) -> Bool {
        guard let entry = condemned.first(where: { $0.node == node }) else {
            condemned.append((node, now))
            wake(at: now + time)
            return false
        }
        guard now - entry.since < time else { return true }
        wake(at: entry.since + time)
        return false
    }

    private mutating func admit(_ facts: Facts, now: Instant, into effects: inout [Effect]) {
        for life in facts.cluster.lives where !life.isAdmitted {
            guard let member = facts.members.first(where: { $0.node == life.node }), member.status == .alive else {
                continue
            }
            let incarnation = life.node.incarnation
            if member.answered != nil {
                let record = ClusterRecord.admit(
                    ClusterRecord.Admit(
                        life: incarnation, author: facts.own.incarnation, term: facts.cluster.term))
                append(.admit(incarnation), record, now: now, into: &effects)
            } else if !waiting.contains(where: { $0.record == .probe(incarnation) }) {
                waiting.append(Waiting(record: .probe(incarnation), retry: now + settings.lookInterval))
                effects.append(.probe(life.node.name))
            }
        }
    }

    /// Keeps the control log short. A folded state that was overtaken by a record on its way is not accepted, and made again.
    private mutating func shorten(_ facts: Facts, now: Instant, into effects: inout [Effect]) {
        if let offset = facts.fold.trimmable, offset > trimmed {
            trimmed = offset
            effects.append(.trim(below: offset))
        }
        let key = Key.fold(after: facts.fold.foldedAt)
        guard facts.fold.isComplete, facts.fold.nextOffset - (facts.fold.foldedAt ?? 0) >= settings.foldInterval,
            !waiting.contains(where: { $0.record == key })
        else { return }
        waiting.append(Waiting(record: key, retry: now + settings.appendTimeout))
        effects.append(.appendFold)
    }

    // MARK: Assigning

    private mutating func assign(_ facts: Facts, now: Instant, into effects: inout [Effect]) {
        let cluster = facts.cluster
        let members = cluster.lives.filter { life in
            life.isAdmitted && !unreported.contains(life.node)
                && (life.node == facts.own || (facts.status(life.node) ?? .alive) < .dead)
        }
        let staying = members.filter { !$0.isDraining }
        // The last ones cannot be drained.
        let chosen = staying.isEmpty ? members : staying
        guard !chosen.isEmpty, let reason = reason(cluster, chosen: chosen) else {
            firstChange = nil
            lastChange = nil
            lastCandidates = chosen.map(\.node)
            place(facts, now: now, into: &effects)
            return
        }
        let nodes = chosen.map(\.node)
        if firstChange == nil || nodes != lastCandidates {
            lastChange = now
            firstChange = firstChange ?? now
            lastCandidates = nodes
        }
        if !reason.isUrgent, let firstChange, let lastChange {
            let due = min(lastChange + settings.settle, firstChange + settings.settleMost)
            guard now >= due else {
                wake(at: due)
                return
            }
        }
        let candidates = chosen.map {
            AssignmentPlanner.Candidate(
                node: $0.node, workers: $0.description.workers, zone: $0.description.zone)
        }
        let assignment = AssignmentPlanner.plan(
            candidates: candidates, tasks: facts.tasks, previous: cluster.assignment, start: facts.start)
        let record = ClusterRecord.assign(
            ClusterRecord.Assign(
                assignment: assignment, after: cluster.generation, author: facts.own.incarnation, term: cluster.term,
                reason: reason.text))
        append(.assign(after: cluster.generation), record, now: now, into: &effects)
    }

    /// Tasks that come or go move nothing else.
    private mutating func place(_ facts: Facts, now: Instant, into effects: inout [Effect]) {
        guard let assignment = facts.cluster.assignment else { return }
        let tasks = AssignmentPlanner.place(facts.tasks, in: assignment)
        guard tasks != assignment.tasks else { return }
        let record = ClusterRecord.place(
            ClusterRecord.Place(
                tasks: tasks, generation: assignment.generation, author: facts.own.incarnation,
                term: facts.cluster.term, reason: "the tasks have changed"))
        append(.place(generation: assignment.generation), record, now: now, into: &effects)
    }

    /// Why the assignment must change; nil if it need not. What has lost its owner does not wait for others to come.
    private func reason(
        _ cluster: ClusterState, chosen: [ClusterState.Life]
    ) -> (text: String, isUrgent: Bool)? {
        guard let assignment = cluster.assignment else { return ("the first", false) }
        let nodes = assignment.nodes
        if let gone = nodes.first(where: { !cluster.isCurrent($0) }) { return ("\(gone) has ended", true) }
        if let lost = nodes.first(where: { node in !chosen.contains { $0.node == node } }) {
            let isDraining = cluster.life(lost.incarnation)?.isDraining ?? false
            return (isDraining ? "\(lost) drains" : "\(lost) is dead", true)
        }
        if restart.generation == assignment.generation { return (restart.reason, true) }
        if let new = chosen.first(where: { !nodes.contains($0.node) }) { return ("\(new.node) has come", false) }
        return cluster.wantsRebalance ? ("an operator asked for equal shares", false) : nil
    }
}

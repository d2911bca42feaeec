package import Cluster

/// Everything that one process decides about its part in a cluster: life, membership, the fence and coordination, as one
/// value without I/O. The shell reads logs and sockets, hands over what it finds, and carries out the effects in their order.
///
/// Control records and signs come in the order of their topics, each once; the fold up to them is handed over with every
/// event. A process that starts again begins with a new value: nothing here needs to be durable, since only what is read
/// back from the log counts.
package struct ClusterNode: Sendable {
    package enum Event: Sendable {
        /// The fold has accepted a record. It fences at once; what follows from it is decided with ``read(began:committed:)``.
        case accepted(ClusterRecord)
        /// The control log was read up to what was its end at `began`; `committed` is the newest epoch that queries see here.
        case read(began: Instant, committed: Int64)
        /// A sign of the coordinator of the term was read from the signs' topic.
        case signed(term: Int64)
        case membership(MembershipMessage)
        /// A membership message of ours could not be delivered.
        case undeliverable(sequence: UInt32)
        /// A connection with a node was closed.
        case closed(NodeName)
        /// The connector tasks that the catalog asks for.
        case tasks([String])
        /// This node drives the generation and cannot go on with it, for the reason given: there must be another one.
        case broke(generation: Int64, reason: String)
        /// A node of the generation that this node drives does not answer, though gossip finds it alive.
        case unreported(NodeID)
        case leave(reason: String)
        /// The time has come that ``ClusterNode/deadline`` named.
        case tick
    }

    package enum Effect: Sendable, Equatable {
        /// Append to the control log. Whether it counts shows when it is read back; if it is lost, it is asked for again.
        case append(ClusterRecord)
        /// Append the fold as it is now, as a record that others can begin from. Whether it counts shows when it is read back.
        case appendFold
        /// Delete records of the control log below this offset: a folded state that was read back stands for them.
        case trim(below: Int64)
        /// Append a sign that this coordinator of the term is there.
        case appendSign(term: Int64)
        /// Read the control log now: a peer knows more.
        case readLog
        case gossip(MembershipMessage, to: NodeID)
        case memberChanged(NodeID, from: MemberStatus, to: MemberStatus)
        case began(NodeID)
        case ended(NodeID)
        case refused(String)
        case left
        /// This generation was read back: stop what belongs to earlier ones, then take part in it, or drive it.
        case adopted(Assignment, driver: NodeID?)
    }

    package struct Settings: Sendable {
        package var life = NodeLife.Settings()
        package var membership = MembershipSettings()
        package var decisions = CoordinatorDecisions.Settings()

        package init() {}
    }

    package let settings: Settings
    package private(set) var life: NodeLife
    /// nil while this process is not a node.
    package private(set) var membership: Membership?
    package private(set) var gate = GenerationGate()
    package private(set) var decisions: CoordinatorDecisions
    /// The newest generation read back in this life.
    package private(set) var adopted: Assignment?
    private var tasks: [String] = []
    private var vitals = Vitals()
    /// Authors of records that were accepted since the last ``Event/read(began:committed:)``.
    private var authors: Set<Incarnation> = []

    package init(
        name: NodeName, directory: String, description: NodeDescription, settings: Settings = Settings(), now: Instant
    ) {
        self.settings = settings
        life = NodeLife(name: name, directory: directory, description: description, settings: settings.life, now: now)
        decisions = CoordinatorDecisions(settings: settings.decisions, now: now)
    }

    package var own: NodeID? { life.own }

    /// When ``Event/tick`` is due.
    package var deadline: Instant {
        guard let membership else { return life.deadline }
        return min(life.deadline, membership.deadline, decisions.deadline)
    }

    /// Whether an answer may leave now; see ``NodeLife/holdsLease(now:)``.
    package func holdsLease(now: Instant) -> Bool { life.holdsLease(now: now) }

    /// - Parameter fold: of all records that were handed over.
    package mutating func handle(
        _ event: Event, fold: ControlState, now: Instant, using rng: inout some RandomNumberGenerator
    ) -> [Effect] {
        var turn = Turn(fold: fold, now: now)
        switch event {
        case .accepted(let record): accepted(record, fold)
        case .read(let began, let committed): read(began: began, committed: committed, &turn, using: &rng)
        case .signed(let term): decide(.signed(term: term), &turn, using: &rng)
        case .membership(let message): suggest(.received(message), &turn, using: &rng)
        case .undeliverable(let sequence): suggest(.undeliverable(sequence: sequence), &turn, using: &rng)
        case .closed(let name): suggest(.closed(name), &turn, using: &rng)
        case .tasks(let tasks):
            self.tasks = tasks
            decide(.look, &turn, using: &rng)
        case .broke(let generation, let reason):
            decide(.restart(generation: generation, reason: reason), &turn, using: &rng)
        case .unreported(let node): decide(.unreported(node), &turn, using: &rng)
        case .leave(let reason): live(.leave(reason: reason), &turn, using: &rng)
        case .tick: tick(&turn, using: &rng)
        }
        return turn.effects
    }

    /// What one event is handled with, and what comes of it.
    private struct Turn {
        let fold: ControlState
        let now: Instant
        var effects: [Effect] = []

        var cluster: ClusterState { fold.cluster }
    }

    private mutating func tick(_ turn: inout Turn, using rng: inout some RandomNumberGenerator) {
        if life.deadline <= turn.now { live(.tick, &turn, using: &rng) }
        if let deadline = membership?.deadline, deadline <= turn.now { suggest(.tick, &turn, using: &rng) }
        if membership != nil, decisions.deadline <= turn.now { decide(.look, &turn, using: &rng) }
    }

    // MARK: The log

    private mutating func accepted(_ record: ClusterRecord, _ fold: ControlState) {
        if let author = record.author { authors.insert(author) }
        if case .assign(let assign) = record, own != nil {
            gate.raise(to: assign.assignment, driver: fold.cluster.driver)
        }
    }

    private mutating func read(
        began: Instant, committed: Int64, _ turn: inout Turn, using rng: inout some RandomNumberGenerator
    ) {
        live(.folded(began: began), &turn, using: &rng)
        list(&turn, using: &rng)
        vitals.committedEpoch = committed
        vitals.controlVersion = turn.fold.version
        suggest(.vitals(vitals), &turn, using: &rng)
        if let lead = turn.cluster.lead?.incarnation, authors.contains(lead) {
            decide(.accepted(author: lead), &turn, using: &rng)
        }
        authors.removeAll(keepingCapacity: true)
        if let own, turn.cluster.lead == own, let adopted, adopted.generation == turn.cluster.generation,
            turn.cluster.driver != own
        {
            // Who leads drives: what another one drove goes on in a generation of its own.
            decide(.restart(generation: adopted.generation, reason: "\(own) leads now"), &turn, using: &rng)
        }
        decide(.look, &turn, using: &rng)
    }

    private mutating func list(_ turn: inout Turn, using rng: inout some RandomNumberGenerator) {
        guard let version = membership?.version, version < turn.fold.version else { return }
        let listed = turn.cluster.lives.map { Membership.Listed(node: $0.node, description: $0.description) }
        suggest(.listed(listed, version: turn.fold.version), &turn, using: &rng)
    }

    // MARK: Life

    private mutating func live(
        _ event: NodeLife.Event, _ turn: inout Turn, using rng: inout some RandomNumberGenerator
    ) {
        for effect in life.handle(event, cluster: turn.cluster, now: turn.now, using: &rng) {
            switch effect {
            case .append(let record):
                if case .leave = record { suggest(.leave, &turn, using: &rng) }
                turn.effects.append(.append(record))
            case .began(let node):
                membership = Membership(own: node, settings: settings.membership, now: turn.now)
                turn.effects.append(.began(node))
            case .ended(let node):
                membership = nil
                adopted = nil
                gate.close()
                turn.effects.append(.ended(node))
            case .adopt(let assignment):
                gate.raise(to: assignment, driver: turn.cluster.driver)
                adopted = assignment
                turn.effects.append(.adopted(assignment, driver: turn.cluster.driver))
            case .refused(let reason):
                turn.effects.append(.refused(reason))
            case .left:
                turn.effects.append(.left)
            }
        }
    }

    // MARK: Membership

    private mutating func suggest(
        _ event: Membership.Event, _ turn: inout Turn, using rng: inout some RandomNumberGenerator
    ) {
        guard let suggested = membership?.handle(event, now: turn.now, using: &rng) else { return }
        var isNews = false
        for effect in suggested {
            switch effect {
            case .send(let message, let node): turn.effects.append(.gossip(message, to: node))
            case .changed(let node, let from, let to):
                turn.effects.append(.memberChanged(node, from: from, to: to))
                isNews = true
            case .behind: turn.effects.append(.readLog)
            case .refuted: break
            }
        }
        if isNews { decide(.look, &turn, using: &rng) }
    }

    // MARK: Decisions

    private mutating func decide(
        _ event: CoordinatorDecisions.Event, _ turn: inout Turn, using rng: inout some RandomNumberGenerator
    ) {
        guard let own, let members = membership?.views else { return }
        let facts = CoordinatorDecisions.Facts(
            own: own, fold: turn.fold, lastRead: life.lastRead ?? turn.now, members: members, tasks: tasks)
        for effect in decisions.handle(event, facts: facts, now: turn.now) {
            switch effect {
            case .append(let record): turn.effects.append(.append(record))
            case .sign(let term): turn.effects.append(.appendSign(term: term))
            case .appendFold: turn.effects.append(.appendFold)
            case .trim(let offset): turn.effects.append(.trim(below: offset))
            case .readLog: turn.effects.append(.readLog)
            case .probe(let name): suggest(.probe(name), &turn, using: &rng)
            }
        }
    }
}

extension Membership {
    /// What decisions look at.
    fileprivate var views: [CoordinatorDecisions.Facts.Member] {
        var views: [CoordinatorDecisions.Facts.Member] = []
        views.reserveCapacity(members.count)
        for index in members.indices {
            views.append(
                .init(
                    node: members[index].node, status: members[index].status,
                    answered: members[index].answered))
        }
        return views
    }
}

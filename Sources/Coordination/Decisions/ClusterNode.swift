package import Cluster

/// Everything that one process decides about its part in a cluster: fold, life, membership, coordination and epochs, as one
/// value without I/O. The shell reads logs and sockets, hands over what it finds, and carries out the effects in their order.
///
/// Control records, ticks and epoch records come in the order of their topics, each once. A process that starts again
/// begins with a new value: nothing here needs to be durable, since only what is read back from the log counts.
package struct ClusterNode: Sendable {
    package enum Event: Sendable {
        /// Records of the control log from ``ControlState/nextOffset`` up to what was its end at `began`; maybe none.
        case control([Read], began: Instant)
        /// A tick of the clock's topic.
        case ticked(term: Int64)
        /// The epochs' topic was read up to this record, the newest accepted one.
        case recorded(epoch: Int64, term: Int64)
        case membership(MembershipMessage)
        /// A membership message of ours could not be delivered.
        case undeliverable(sequence: UInt32)
        /// A connection with a node was closed.
        case closed(NodeName)
        case epoch(EpochMessage, from: NodeID)
        /// The workers have restored the generation's state up to the epoch.
        case restored(generation: Int64, epoch: Int64)
        case processed(epoch: Int64, generation: Int64)
        /// There is input for an epoch. Only the coordinator acts on it.
        case input
        /// The connector tasks that the catalog asks for.
        case tasks([String])
        case vitals(Vitals)
        /// Where the next generation begins.
        case startingPoint(StartingPoint)
        case leave(reason: String)
        /// The time has come that ``ClusterNode/deadline`` named.
        case tick
    }

    package struct Read: Sendable {
        package var offset: Int64
        /// Microseconds since 1970.
        package var appendTime: Int64
        package var entry: ControlEntry

        package init(offset: Int64, appendTime: Int64, entry: ControlEntry) {
            self.offset = offset
            self.appendTime = appendTime
            self.entry = entry
        }
    }

    package enum Effect: Sendable, Equatable {
        /// Append to the control log.
        case append(ClusterRecord)
        /// Append a tick of the term to the clock's topic.
        case appendTick(term: Int64)
        /// Fix the epoch's frontier and append its record to the epochs' topic, unless this coordinator has done so.
        case record(epoch: Int64, generation: Int64, term: Int64)
        /// Read the control log now: a peer knows more.
        case readLog
        case gossip(MembershipMessage, to: NodeID)
        case send(EpochMessage, to: NodeID)
        /// How a record was judged, for logs and metrics.
        case judged(offset: Int64, ControlState.Verdict)
        case memberChanged(NodeID, from: MemberStatus, to: MemberStatus)
        case began(NodeID)
        case ended(NodeID)
        case refused(String)
        case left
        /// This generation was read back: streams of earlier ones are refused from now on.
        case adopted(Assignment)
        /// Stop what belongs to earlier generations and restore this one.
        case restore(generation: Int64)
        /// Stop what belongs to earlier generations.
        case rest
        /// With the frontier that the coordinator of term `fixed` has fixed.
        case process(epoch: Int64, generation: Int64, fixed: Int64)
        case serve(epoch: Int64, generation: Int64)
    }

    package struct Settings: Sendable {
        package var life = NodeLife.Settings()
        package var membership = MembershipSettings()
        package var decisions = CoordinatorDecisions.Settings()
        package var rounds = EpochRounds.Settings()

        package init() {}
    }

    package let settings: Settings
    package private(set) var state = ControlState()
    package private(set) var life: NodeLife
    package private(set) var membership: Membership?
    package private(set) var gate = GenerationGate()
    package private(set) var decisions: CoordinatorDecisions
    package private(set) var rounds: EpochRounds
    package private(set) var follower: EpochFollower
    private var tasks: [String] = []
    private var start = StartingPoint.beginning
    private var recordedEpoch: Int64 = 0
    private var recordedTerm: Int64 = 0
    private var vitals = Vitals()

    package init(
        name: NodeName, directory: String, description: NodeDescription, settings: Settings = Settings(), now: Instant
    ) {
        self.settings = settings
        life = NodeLife(name: name, directory: directory, description: description, settings: settings.life, now: now)
        decisions = CoordinatorDecisions(settings: settings.decisions, now: now)
        rounds = EpochRounds(settings: settings.rounds)
        follower = EpochFollower()
    }

    package var own: NodeID? { life.own }

    package var isCoordinator: Bool {
        guard let own else { return false }
        return state.cluster.lead == own
    }

    /// When ``Event/tick`` is due.
    package var deadline: Instant {
        var earliest = min(life.deadline, rounds.deadline, follower.deadline)
        if let deadline = membership?.deadline { earliest = min(earliest, deadline, decisions.deadline) }
        return earliest
    }

    /// Whether an answer may leave now; see ``NodeLife/holdsLease(now:)``.
    package func holdsLease(now: Instant) -> Bool { life.holdsLease(now: now) }

    package mutating func handle(
        _ event: Event, now: Instant, using rng: inout some RandomNumberGenerator
    ) -> [Effect] {
        var effects: [Effect] = []
        switch event {
        case .control(let records, let began):
            read(records, began: began, now: now, using: &rng, into: &effects)
        case .ticked(let term):
            decide(.ticked(term: term), now: now, using: &rng, into: &effects)
        case .recorded(let epoch, let term):
            recordedEpoch = epoch
            recordedTerm = term
            run(.recorded(epoch: epoch, term: term), now: now, using: &rng, into: &effects)
        case .membership(let message):
            suggest(.received(message), now: now, using: &rng, into: &effects)
        case .undeliverable(let sequence):
            suggest(.undeliverable(sequence: sequence), now: now, using: &rng, into: &effects)
        case .closed(let name):
            suggest(.closed(name), now: now, using: &rng, into: &effects)
        case .epoch(let message, let sender):
            receive(message, from: sender, now: now, using: &rng, into: &effects)
        case .restored(let generation, let epoch):
            follow(.restored(generation: generation, epoch: epoch), now: now, using: &rng, into: &effects)
        case .processed(let epoch, let generation):
            follow(.processed(epoch: epoch, generation: generation), now: now, using: &rng, into: &effects)
        case .input:
            run(.input, now: now, using: &rng, into: &effects)
        case .tasks(let tasks):
            self.tasks = tasks
            decide(.look, now: now, using: &rng, into: &effects)
        case .vitals(let vitals):
            self.vitals = vitals
            tellVitals(now: now, using: &rng, into: &effects)
        case .startingPoint(let start):
            self.start = start
        case .leave(let reason):
            live(.leave(reason: reason), now: now, using: &rng, into: &effects)
        case .tick:
            tick(now: now, using: &rng, into: &effects)
        }
        return effects
    }

    private mutating func tick(
        now: Instant, using rng: inout some RandomNumberGenerator, into effects: inout [Effect]
    ) {
        if life.deadline <= now { live(.tick, now: now, using: &rng, into: &effects) }
        if let deadline = membership?.deadline, deadline <= now {
            suggest(.tick, now: now, using: &rng, into: &effects)
        }
        if membership != nil, decisions.deadline <= now { decide(.look, now: now, using: &rng, into: &effects) }
        if rounds.deadline <= now { run(.tick, now: now, using: &rng, into: &effects) }
        if follower.deadline <= now { follow(.tick, now: now, using: &rng, into: &effects) }
    }

    // MARK: The log

    private mutating func read(
        _ records: [Read], began: Instant, now: Instant, using rng: inout some RandomNumberGenerator,
        into effects: inout [Effect]
    ) {
        for record in records {
            let term = state.cluster.term
            let verdict = state.apply(record.entry, offset: record.offset, appendTime: record.appendTime)
            effects.append(.judged(offset: record.offset, verdict))
            guard verdict == .accepted, case .record(let accepted) = record.entry else { continue }
            if state.cluster.term != term {
                gate.raise(to: state.cluster.term, lead: state.cluster.lead)
                run(.deposed, now: now, using: &rng, into: &effects)
                follow(.coordinatorChanged, now: now, using: &rng, into: &effects)
            }
            if case .cluster(let record) = accepted {
                decide(.accepted(author: record.author), now: now, using: &rng, into: &effects)
            }
        }
        live(.folded(began: began), now: now, using: &rng, into: &effects)
        list(now: now, using: &rng, into: &effects)
        takeUp(now: now, using: &rng, into: &effects)
        decide(.look, now: now, using: &rng, into: &effects)
    }

    private mutating func list(
        now: Instant, using rng: inout some RandomNumberGenerator, into effects: inout [Effect]
    ) {
        guard let version = membership?.version, version < state.version else { return }
        let listed = state.cluster.lives.map { Membership.Listed(node: $0.node, description: $0.description) }
        suggest(.listed(listed, version: state.version), now: now, using: &rng, into: &effects)
        tellVitals(now: now, using: &rng, into: &effects)
    }

    private mutating func tellVitals(
        now: Instant, using rng: inout some RandomNumberGenerator, into effects: inout [Effect]
    ) {
        vitals.controlVersion = state.version
        vitals.committedEpoch = follower.committed
        suggest(.vitals(vitals), now: now, using: &rng, into: &effects)
    }

    // MARK: Life

    private mutating func live(
        _ event: NodeLife.Event, now: Instant, using rng: inout some RandomNumberGenerator,
        into effects: inout [Effect]
    ) {
        for effect in life.handle(event, cluster: state.cluster, now: now, using: &rng) {
            switch effect {
            case .append(let record):
                if case .leave = record { suggest(.leave, now: now, using: &rng, into: &effects) }
                effects.append(.append(record))
            case .began(let node):
                membership = Membership(own: node, settings: settings.membership, now: now)
                effects.append(.began(node))
            case .ended(let node):
                membership = nil
                gate.close()
                run(.deposed, now: now, using: &rng, into: &effects)
                follow(.ended, now: now, using: &rng, into: &effects)
                effects.append(.ended(node))
            case .adopt(let assignment):
                gate.raise(to: assignment)
                effects.append(.adopted(assignment))
                let takesPart = life.own.map { assignment.contains($0) } ?? false
                follow(
                    .adopted(generation: assignment.generation, takesPart: takesPart), now: now, using: &rng,
                    into: &effects)
            case .refused(let reason):
                effects.append(.refused(reason))
            case .left:
                effects.append(.left)
            }
        }
    }

    // MARK: Membership

    private mutating func suggest(
        _ event: Membership.Event, now: Instant, using rng: inout some RandomNumberGenerator,
        into effects: inout [Effect]
    ) {
        guard let suggested = membership?.handle(event, now: now, using: &rng) else { return }
        var isNews = false
        for effect in suggested {
            switch effect {
            case .send(let message, let node): effects.append(.gossip(message, to: node))
            case .changed(let node, let from, let to):
                effects.append(.memberChanged(node, from: from, to: to))
                isNews = true
            case .behind: effects.append(.readLog)
            case .refuted: break
            }
        }
        if isNews { decide(.look, now: now, using: &rng, into: &effects) }
    }

    // MARK: Decisions

    private mutating func decide(
        _ event: CoordinatorDecisions.Event, now: Instant, using rng: inout some RandomNumberGenerator,
        into effects: inout [Effect]
    ) {
        guard let own, let members = membership?.views else { return }
        let facts = CoordinatorDecisions.Facts(
            own: own, cluster: state.cluster, lastRead: life.lastRead ?? now, members: members, tasks: tasks,
            start: start)
        for effect in decisions.handle(event, facts: facts, now: now) {
            switch effect {
            case .append(let record): effects.append(.append(record))
            case .tick(let term): effects.append(.appendTick(term: term))
            case .readLog: effects.append(.readLog)
            case .probe(let name): suggest(.probe(name), now: now, using: &rng, into: &effects)
            }
        }
    }

    // MARK: Epochs

    /// The coordinator gathers the nodes of the generation that it has read back.
    private mutating func takeUp(
        now: Instant, using rng: inout some RandomNumberGenerator, into effects: inout [Effect]
    ) {
        guard isCoordinator, let assignment = state.cluster.assignment else { return }
        guard assignment.generation > rounds.generation || state.cluster.term > rounds.term else { return }
        run(
            .assigned(assignment, term: state.cluster.term, recorded: recordedEpoch, fixed: recordedTerm), now: now,
            using: &rng, into: &effects)
    }

    private mutating func receive(
        _ message: EpochMessage, from sender: NodeID, now: Instant, using rng: inout some RandomNumberGenerator,
        into effects: inout [Effect]
    ) {
        switch message.kind {
        case .begin(let epoch, let fixed, let committed):
            guard isAccepted(message, gate.judge(message.generation, term: message.term, from: sender), &effects)
            else { return }
            follow(
                .begin(epoch: epoch, fixed: fixed, committed: committed, generation: message.generation), now: now,
                using: &rng, into: &effects)
        case .commit(let epoch):
            guard isAccepted(message, gate.judge(message.generation, term: message.term, from: sender), &effects)
            else { return }
            follow(.commit(epoch: epoch, generation: message.generation), now: now, using: &rng, into: &effects)
        case .ready(let epoch):
            guard isReport(message, from: sender, &effects) else { return }
            run(
                .ready(sender, generation: message.generation, epoch: epoch), now: now, using: &rng, into: &effects)
        case .done(let epoch):
            guard isReport(message, from: sender, &effects) else { return }
            run(.done(sender, generation: message.generation, epoch: epoch), now: now, using: &rng, into: &effects)
        case .working:
            guard isReport(message, from: sender, &effects) else { return }
            run(.working(sender, generation: message.generation), now: now, using: &rng, into: &effects)
        }
    }

    private func isReport(_ message: EpochMessage, from sender: NodeID, _ effects: inout [Effect]) -> Bool {
        isAccepted(message, gate.judge(message.generation, from: sender), &effects)
            && isCoordinator && message.term == state.cluster.term
    }

    private func isAccepted(
        _ message: EpochMessage, _ verdict: GenerationGate.Verdict, _ effects: inout [Effect]
    ) -> Bool {
        if verdict == .ahead { effects.append(.readLog) }
        return verdict == .accepted
    }

    private mutating func run(
        _ event: EpochRounds.Event, now: Instant, using rng: inout some RandomNumberGenerator,
        into effects: inout [Effect]
    ) {
        for effect in rounds.handle(event, now: now) {
            switch effect {
            case .begin(let epoch, let fixed, let committed, let generation, let nodes):
                if epoch > recordedEpoch {
                    effects.append(.record(epoch: epoch, generation: generation, term: rounds.term))
                }
                tell(
                    .begin(epoch: epoch, fixed: fixed, committed: committed), generation, nodes, now: now, using: &rng,
                    into: &effects)
            case .commit(let epoch, let generation, let nodes):
                tell(.commit(epoch: epoch), generation, nodes, now: now, using: &rng, into: &effects)
            case .unreported(let nodes):
                for node in nodes { decide(.unreported(node), now: now, using: &rng, into: &effects) }
            case .restart(let generation):
                decide(.restart(generation: generation), now: now, using: &rng, into: &effects)
            }
        }
    }

    private mutating func tell(
        _ kind: EpochMessage.Kind, _ generation: Int64, _ nodes: [NodeID], now: Instant,
        using rng: inout some RandomNumberGenerator, into effects: inout [Effect]
    ) {
        let message = EpochMessage(kind, generation: generation, term: rounds.term)
        for node in nodes {
            if node == own {
                receive(message, from: node, now: now, using: &rng, into: &effects)
            } else {
                effects.append(.send(message, to: node))
            }
        }
    }

    private mutating func follow(
        _ event: EpochFollower.Event, now: Instant, using rng: inout some RandomNumberGenerator,
        into effects: inout [Effect]
    ) {
        for effect in follower.handle(event, now: now) {
            switch effect {
            case .restore(let generation): effects.append(.restore(generation: generation))
            case .rest: effects.append(.rest)
            case .process(let epoch, let generation, let fixed):
                effects.append(.process(epoch: epoch, generation: generation, fixed: fixed))
            case .serve(let epoch, let generation):
                effects.append(.serve(epoch: epoch, generation: generation))
                vitals.committedEpoch = epoch
            case .reportReady(let generation, let epoch):
                report(.ready(epoch: epoch), generation, now: now, using: &rng, into: &effects)
            case .reportDone(let epoch, let generation):
                report(.done(epoch: epoch), generation, now: now, using: &rng, into: &effects)
            case .reportWorking(let generation):
                report(.working, generation, now: now, using: &rng, into: &effects)
            }
        }
    }

    private mutating func report(
        _ kind: EpochMessage.Kind, _ generation: Int64, now: Instant, using rng: inout some RandomNumberGenerator,
        into effects: inout [Effect]
    ) {
        guard let own, let lead = state.cluster.lead else { return }
        let message = EpochMessage(kind, generation: generation, term: state.cluster.term)
        if lead == own {
            receive(message, from: own, now: now, using: &rng, into: &effects)
        } else {
            effects.append(.send(message, to: lead))
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

/// Who is probably alive: SWIM with Lifeguard's suspicion, as a value without sockets, clocks or randomness of its own.
///
/// The control log says who is a member (``Event/listed(_:version:)``); this machine says whether members seem to be
/// there. What it finds is a suggestion to the coordinator: no message ever changes ownership, and a claim about a life
/// that the log does not list is ignored, so that the table is bounded and two clusters never mix.
///
/// Each member is probed in turn, in an order that is drawn anew each round. A probe that is not answered is repeated
/// through other members; if they do not reach it either, the member is suspect, and dead when the suspicion's time-out
/// passes before it refutes. Claims ride on the messages; a full exchange with a random member mends what was lost.
///
/// The shell hands over every message and time, carries out the effects in their order, and calls
/// ``handle(_:now:using:)`` with ``Event/tick`` at ``deadline`` or soon after. Effects need nothing durable.
///
/// Where it differs from the papers: a member is listed by the log, not by gossip; a dead one is pinged again and again as
/// long as the log lists it, so partitions heal; a closed connection makes its peer be probed at once; and a process that
/// was held up moves its own deadlines instead of judging others by them.
package struct Membership: Sendable {
    package enum Event: Sendable, Equatable {
        /// The time has come that ``Membership/deadline`` named.
        case tick
        case received(MembershipMessage)
        /// The message of ours with this sequence could not be delivered: it was refused, or the connection broke.
        case undeliverable(sequence: UInt32)
        /// A connection with the member was closed, by whomever: a reason to probe now.
        case closed(NodeName)
        /// Somebody wants to know now whether the member is there.
        case probe(NodeName)
        /// All current lives as of a control version, this one among them or not; older versions are ignored.
        case listed([Listed], version: Int64)
        /// This node's own account of itself.
        case vitals(Vitals)
        /// This node is about to stop: the others need not suspect it.
        case leave
    }

    package struct Listed: Sendable, Equatable {
        package var node: NodeID
        package var description: NodeDescription

        package init(node: NodeID, description: NodeDescription) {
            self.node = node
            self.description = description
        }
    }

    package enum Effect: Sendable, Equatable {
        /// Deliver to the member, or report ``Event/undeliverable(sequence:)`` if it is known to fail.
        case send(MembershipMessage, to: NodeID)
        /// What is thought of a member has changed.
        case changed(NodeID, from: MemberStatus, to: MemberStatus)
        /// A peer has folded this control version, which is newer than any known: read the log.
        case behind(version: Int64)
        /// Somebody suspected this node, which has objected.
        case refuted(UInt32)
    }

    /// Counts for metrics; they never decide anything.
    package struct Counters: Sendable, Equatable {
        package var probes = 0
        package var probesFailed = 0
        package var indirectProbes = 0
        package var nacksMissed = 0
        package var suspicions = 0
        package var confirmations = 0
        package var deaths = 0
        package var recoveries = 0
        package var refutations = 0
        package var exchanges = 0
        package var reconnects = 0
        package var relays = 0
        package var relaysRefused = 0
        package var stalls = 0
        /// Messages and claims of lives that the log does not list (any more, or yet).
        package var strangers = 0
    }

    struct Probe: Sendable {
        var target: NodeID
        var sequence: UInt32
        var deadline: Instant
        var isIndirect = false
        var nacksExpected = 0
        var nacks = 0
    }

    struct Relay: Sendable {
        var sequence: UInt32
        var requester: NodeID
        var requesterSequence: UInt32
        var deadline: Instant
    }

    package let own: NodeID
    package let settings: MembershipSettings
    /// In order of name; this node is one of them once it is listed.
    package internal(set) var members: [Member] = []
    /// Of the list in use; −1 before the first.
    package internal(set) var version: Int64 = -1
    /// 0 if this node keeps up, up to ``MembershipSettings/healthMax``.
    package internal(set) var health = 0
    package internal(set) var counters = Counters()
    package internal(set) var hasLeft = false

    var ownIndex: Int?
    var ownVitals = Vitals()
    /// Of suspicion and refutation of this life.
    var probes: [Probe] = []
    var relays: [Relay] = []
    /// The round's order, and how far it is.
    var order: [NodeName] = []
    var position = 0
    var sequence: UInt32 = 0
    var newestVersionHeard: Int64 = -1
    var nextProbe: Instant
    var nextExchange: Instant
    var nextReconnect: Instant
    /// Members that want a probe, are suspect, are dead, or have claims to be passed on.
    var wanting = 0
    var suspects = 0
    var dead = 0
    var talking = 0
    /// Where the next choice of claims begins.
    var gossipPosition = 0

    package init(own: NodeID, settings: MembershipSettings = MembershipSettings(), now: Instant) {
        precondition((0...3).contains(settings.confirmations), "confirmations \(settings.confirmations), not 0 to 3")
        self.own = own
        self.settings = settings
        nextProbe = now + settings.probeInterval
        nextExchange = now + settings.exchangeInterval
        nextReconnect = now + settings.reconnectInterval
    }

    package subscript(name: NodeName) -> Member? { index(of: name).map { members[$0] } }

    /// When ``Event/tick`` is due.
    package var deadline: Instant {
        guard !members.isEmpty else { return .never }
        var earliest = min(nextProbe, nextExchange)
        if dead > 0 { earliest = min(earliest, nextReconnect) }
        for probe in probes { earliest = min(earliest, probe.deadline) }
        for relay in relays { earliest = min(earliest, relay.deadline) }
        if suspects > 0 {
            for member in members {
                if let suspicion = member.suspicion { earliest = min(earliest, suspicion.deadline) }
            }
        }
        return earliest
    }

    package mutating func handle(
        _ event: Event, now: Instant, using rng: inout some RandomNumberGenerator
    ) -> [Effect] {
        var effects: [Effect] = []
        switch event {
        case .tick:
            tick(now: now, using: &rng, into: &effects)
        case .received(let message):
            noteStall(now)
            receive(message, now: now, using: &rng, into: &effects)
        case .undeliverable(let sequence):
            undeliverable(sequence, now: now, using: &rng, into: &effects)
        case .closed(let name), .probe(let name):
            want(name)
        case .listed(let listed, let version):
            list(listed, version: version, now: now, using: &rng)
        case .vitals(let vitals):
            ownVitals = vitals
        case .leave:
            leave(using: &rng, into: &effects)
        }
        startWanted(now: now, into: &effects)
        return effects
    }

    // MARK: The list

    private mutating func list(
        _ listed: [Listed], version: Int64, now: Instant, using rng: inout some RandomNumberGenerator
    ) {
        guard version > self.version else { return }
        precondition(listed.count <= MembershipSettings.membersMax, "\(listed.count) members are listed")
        self.version = version
        var next: [Member] = []
        next.reserveCapacity(listed.count)
        for entry in listed.sorted(by: { $0.node < $1.node }) {
            if let index = index(of: entry.node.name), members[index].node == entry.node {
                next.append(members[index])
            } else {
                var member = Member(node: entry.node, description: entry.description)
                member.wantsProbe = entry.node != own
                next.append(member)
            }
        }
        let isFirst = members.isEmpty
        members = next
        ownIndex = members.firstIndex { $0.node == own }
        recount()
        probes = probes.filter { index(of: $0.target) != nil }
        relays = relays.filter { index(of: $0.requester) != nil }
        order = []
        position = 0
        if isFirst {
            // Spread over the interval, so that nodes that start together do not probe together.
            nextProbe = now + Int64.random(in: 0..<max(1, settings.probeInterval), using: &rng)
            nextExchange = now + settings.probeInterval / 2
        }
    }

    private mutating func recount() {
        wanting = 0
        suspects = 0
        dead = 0
        talking = 0
        for member in members {
            if member.wantsProbe { wanting += 1 }
            if member.status == .suspect { suspects += 1 }
            if member.status == .dead { dead += 1 }
            if member.transmissions > 0 { talking += 1 }
        }
    }

    func index(of name: NodeName) -> Int? {
        var low = 0
        var high = members.count
        while low < high {
            let middle = (low + high) / 2
            if members[middle].node.name < name { low = middle + 1 } else { high = middle }
        }
        return low < members.count && members[low].node.name == name ? low : nil
    }

    /// Of this very life.
    func index(of node: NodeID) -> Int? {
        guard let index = index(of: node.name), members[index].node.incarnation == node.incarnation else { return nil }
        return index
    }

    // MARK: Time

    private mutating func tick(
        now: Instant, using rng: inout some RandomNumberGenerator, into effects: inout [Effect]
    ) {
        guard !members.isEmpty else { return }
        noteStall(now)
        expireProbes(now: now, using: &rng, into: &effects)
        expireRelays(now: now, into: &effects)
        if suspects > 0 { expireSuspicions(now: now, into: &effects) }
        if now >= nextProbe {
            nextProbe = now + settings.probeInterval * Int64(1 + health)
            if !hasLeft { probeNext(now: now, using: &rng, into: &effects) }
        }
        if now >= nextExchange {
            nextExchange =
                now + settings.exchangeInterval + Int64.random(in: 0...settings.exchangeInterval / 2, using: &rng)
            if !hasLeft { exchange(using: &rng, into: &effects) }
        }
        if now >= nextReconnect {
            nextReconnect = now + settings.reconnectInterval
            if dead > 0, !hasLeft { reconnect(using: &rng, into: &effects) }
        }
    }

    /// A deadline that is long past shows that this process did not run: what it did not hear meanwhile proves nothing.
    private mutating func noteStall(_ now: Instant) {
        let deadline = deadline
        guard deadline < .never else { return }
        let late = now - deadline
        guard late >= settings.stallMin else { return }
        counters.stalls += 1
        health = min(settings.healthMax, health + 1)
        // Answers may wait in the sockets: they get a time-out to be read.
        let shift = late + settings.probeTimeout
        for index in probes.indices { probes[index].deadline = probes[index].deadline + shift }
        for index in relays.indices { relays[index].deadline = relays[index].deadline + shift }
        for index in members.indices { members[index].suspicion?.postpone(by: shift) }
        nextProbe = max(nextProbe, now)
        nextExchange = max(nextExchange, now)
        nextReconnect = max(nextReconnect, now)
    }

    private mutating func expireSuspicions(now: Instant, into effects: inout [Effect]) {
        for index in members.indices {
            guard let suspicion = members[index].suspicion, suspicion.deadline <= now else { continue }
            counters.deaths += 1
            set(index, .dead, refutation: members[index].refutation, into: &effects)
        }
    }

    // MARK: Leaving

    private mutating func leave(using rng: inout some RandomNumberGenerator, into effects: inout [Effect]) {
        guard !hasLeft, let ownIndex else { return }
        hasLeft = true
        set(ownIndex, .left, refutation: members[ownIndex].refutation, into: &effects)
        let others = members.indices.filter { $0 != ownIndex && members[$0].status == .alive }
        for index in others.shuffled(using: &rng).prefix(16) {
            effects.append(.send(message(.gossip, to: index), to: members[index].node))
        }
    }

    // MARK: Status

    /// Changes what is thought of a member and passes it on.
    mutating func set(_ index: Int, _ status: MemberStatus, refutation: UInt32, into effects: inout [Effect]) {
        let before = members[index].status
        members[index].status = status
        members[index].refutation = refutation
        if status != .suspect { members[index].suspicion = nil }
        suspects += (status == .suspect ? 1 : 0) - (before == .suspect ? 1 : 0)
        dead += (status == .dead ? 1 : 0) - (before == .dead ? 1 : 0)
        spread(index)
        if before != status { effects.append(.changed(members[index].node, from: before, to: status)) }
    }

    mutating func want(_ name: NodeName) {
        guard let index = index(of: name), index != ownIndex, members[index].status != .left,
            !members[index].wantsProbe
        else { return }
        members[index].wantsProbe = true
        wanting += 1
    }
}

extension Membership {
    // MARK: Starting

    /// Probes the next member in turn. Dead ones are left to ``reconnect(using:into:)``.
    mutating func probeNext(now: Instant, using rng: inout some RandomNumberGenerator, into effects: inout [Effect]) {
        guard probes.count < settings.probesMax else { return }
        for _ in 0...members.count {
            if position >= order.count {
                order = members.filter { $0.node != own }.map(\.node.name).shuffled(using: &rng)
                position = 0
                if order.isEmpty { return }
            }
            let name = order[position]
            position += 1
            guard let index = index(of: name), members[index].status < .dead else { continue }
            if probes.contains(where: { $0.target == members[index].node }) { continue }
            startProbe(index, now: now, into: &effects)
            return
        }
    }

    /// Probes members out of turn while there are places.
    mutating func startWanted(now: Instant, into effects: inout [Effect]) {
        guard wanting > 0, !hasLeft else { return }
        for index in members.indices where members[index].wantsProbe {
            guard probes.count < settings.probesMax else { return }
            members[index].wantsProbe = false
            wanting -= 1
            if probes.contains(where: { $0.target == members[index].node }) { continue }
            startProbe(index, now: now, into: &effects)
        }
    }

    private mutating func startProbe(_ index: Int, now: Instant, into effects: inout [Effect]) {
        counters.probes += 1
        let sequence = nextSequence()
        let target = members[index].node
        probes.append(
            Probe(target: target, sequence: sequence, deadline: now + settings.probeTimeout * Int64(1 + health)))
        effects.append(.send(message(.ping(sequence: sequence, target: target), to: index), to: target))
    }

    /// Asks a dead member whether it is there, and tells it that it was thought dead: if it is, it objects.
    mutating func reconnect(using rng: inout some RandomNumberGenerator, into effects: inout [Effect]) {
        let candidates = members.indices.filter { members[$0].status == .dead && $0 != ownIndex }
        guard let index = candidates.randomElement(using: &rng) else { return }
        counters.reconnects += 1
        let target = members[index].node
        effects.append(.send(message(.ping(sequence: nextSequence(), target: target), to: index), to: target))
    }

    mutating func nextSequence() -> UInt32 {
        sequence &+= 1
        return sequence
    }

    // MARK: Answers

    mutating func acknowledged(_ sequence: UInt32, by sender: Int, now: Instant, into effects: inout [Effect]) {
        if let position = probes.firstIndex(where: { $0.sequence == sequence }) {
            let probe = probes.remove(at: position)
            if members[sender].node == probe.target {
                members[sender].answered = now
                if !probe.isIndirect { health = max(0, health - 1) }
            }
            return
        }
        if let position = relays.firstIndex(where: { $0.sequence == sequence }) {
            let relay = relays.remove(at: position)
            guard let index = index(of: relay.requester) else { return }
            members[sender].answered = now
            effects.append(
                .send(message(.ack(sequence: relay.requesterSequence), to: index), to: relay.requester))
            return
        }
        // An answer to a ping that was given up, or sent to one thought dead: both directions work all the same.
        members[sender].answered = now
    }

    mutating func nacked(_ sequence: UInt32) {
        guard let position = probes.firstIndex(where: { $0.sequence == sequence }) else { return }
        probes[position].nacks += 1
    }

    /// Probes for another member, unless too many such probes run.
    mutating func relay(
        _ sequence: UInt32, for requester: Int, target: NodeID, now: Instant, into effects: inout [Effect]
    ) {
        guard let index = index(of: target), index != ownIndex, relays.count < settings.relaysMax else {
            counters.relaysRefused += 1
            return
        }
        counters.relays += 1
        let own = nextSequence()
        // Earlier than the requester gives up, so that the nack reaches it.
        relays.append(
            Relay(
                sequence: own, requester: members[requester].node, requesterSequence: sequence,
                deadline: now + settings.indirectTimeout * 7 / 10))
        effects.append(.send(message(.ping(sequence: own, target: target), to: index), to: target))
    }

    // MARK: No answers

    mutating func undeliverable(
        _ sequence: UInt32, now: Instant, using rng: inout some RandomNumberGenerator, into effects: inout [Effect]
    ) {
        if let position = probes.firstIndex(where: { $0.sequence == sequence && !$0.isIndirect }) {
            probes[position].deadline = now
            expireProbes(now: now, using: &rng, into: &effects)
        } else if let position = relays.firstIndex(where: { $0.sequence == sequence }) {
            relays[position].deadline = now
            expireRelays(now: now, into: &effects)
        }
    }

    mutating func expireProbes(
        now: Instant, using rng: inout some RandomNumberGenerator, into effects: inout [Effect]
    ) {
        var position = 0
        while position < probes.count {
            guard probes[position].deadline <= now else {
                position += 1
                continue
            }
            guard let target = index(of: probes[position].target), members[target].status != .left else {
                probes.remove(at: position)
                continue
            }
            if !probes[position].isIndirect, askOthers(position, target, now: now, using: &rng, into: &effects) {
                position += 1
            } else {
                let probe = probes.remove(at: position)
                fail(probe, target, now: now, into: &effects)
            }
        }
    }

    /// Has others probe the target; false if there are none.
    private mutating func askOthers(
        _ position: Int, _ target: Int, now: Instant, using rng: inout some RandomNumberGenerator,
        into effects: inout [Effect]
    ) -> Bool {
        var others = members.indices.filter { $0 != ownIndex && $0 != target && members[$0].status == .alive }
        guard !others.isEmpty, settings.indirectProbes > 0 else { return false }
        for chosen in 0..<min(settings.indirectProbes, others.count) {
            others.swapAt(chosen, Int.random(in: chosen..<others.count, using: &rng))
        }
        let sequence = probes[position].sequence
        for other in others.prefix(settings.indirectProbes) {
            counters.indirectProbes += 1
            let kind = MembershipMessage.Kind.pingRequest(sequence: sequence, target: members[target].node)
            effects.append(.send(message(kind, to: other), to: members[other].node))
        }
        probes[position].isIndirect = true
        probes[position].nacksExpected = min(settings.indirectProbes, others.count)
        probes[position].deadline = now + settings.indirectTimeout * Int64(1 + health)
        return true
    }

    private mutating func fail(_ probe: Probe, _ target: Int, now: Instant, into effects: inout [Effect]) {
        counters.probesFailed += 1
        if probe.nacks < probe.nacksExpected {
            // Those who were asked did not answer either: maybe it is this node that is slow.
            counters.nacksMissed += probe.nacksExpected - probe.nacks
            health = min(settings.healthMax, health + 1)
        }
        accuse(target, by: own.name, refutation: members[target].refutation, now: now, into: &effects)
    }

    mutating func expireRelays(now: Instant, into effects: inout [Effect]) {
        var position = 0
        while position < relays.count {
            guard relays[position].deadline <= now else {
                position += 1
                continue
            }
            let relay = relays.remove(at: position)
            guard let index = index(of: relay.requester) else { continue }
            effects.append(
                .send(message(.nack(sequence: relay.requesterSequence), to: index), to: relay.requester))
        }
    }

    /// Somebody, maybe this node, could not reach the member.
    mutating func accuse(
        _ index: Int, by accuser: NodeName, refutation: UInt32, now: Instant, into effects: inout [Effect]
    ) {
        switch members[index].status {
        case .alive:
            counters.suspicions += 1
            members[index].suspicion = Suspicion(
                by: accuser, members: members.count - dead, settings: settings, now: now)
            set(index, .suspect, refutation: refutation, into: &effects)
            // With its own eyes: two that see the same make it certain sooner.
            if accuser != own.name { want(members[index].node.name) }
        case .suspect:
            if refutation > members[index].refutation {
                members[index].suspicion = Suspicion(
                    by: accuser, members: members.count - dead, settings: settings, now: now)
                set(index, .suspect, refutation: refutation, into: &effects)
            } else if members[index].suspicion?.confirm(by: accuser) == true {
                counters.confirmations += 1
                spread(index)
            }
        case .dead:
            // It came back and is suspect again: news only if it had refuted its death.
            if refutation > members[index].refutation {
                members[index].suspicion = Suspicion(
                    by: accuser, members: members.count - dead + 1, settings: settings, now: now)
                set(index, .suspect, refutation: refutation, into: &effects)
            }
        case .left:
            break
        }
    }
}

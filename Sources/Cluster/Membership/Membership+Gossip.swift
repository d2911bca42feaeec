extension Membership {
    // MARK: Receiving

    mutating func receive(
        _ message: MembershipMessage, now: Instant, using rng: inout some RandomNumberGenerator,
        into effects: inout [Effect]
    ) {
        if message.vitals.controlVersion > max(newestVersionHeard, version) {
            newestVersionHeard = message.vitals.controlVersion
            effects.append(.behind(version: newestVersionHeard))
        }
        guard let sender = index(of: message.sender), sender != ownIndex else {
            counters.strangers += 1
            return
        }
        members[sender].heard = now
        members[sender].vitals = message.vitals
        for claim in message.claims.prefix(MembershipSettings.membersMax) {
            merge(claim, now: now, into: &effects)
        }
        switch message.kind {
        case .ping(let sequence, let target):
            guard target == own else { return }
            send(.ack(sequence: sequence), to: sender, into: &effects)
        case .ack(let sequence):
            acknowledged(sequence, by: sender, now: now, into: &effects)
        case .nack(let sequence):
            nacked(sequence)
        case .pingRequest(let sequence, let target):
            relay(sequence, for: sender, target: target, now: now, into: &effects)
        case .exchange(let isRequest):
            if isRequest { send(.exchange(isRequest: false), to: sender, into: &effects) }
        case .gossip:
            break
        }
    }

    private mutating func merge(_ claim: Claim, now: Instant, into effects: inout [Effect]) {
        guard let index = index(of: claim.node) else {
            counters.strangers += 1
            return
        }
        if index == ownIndex {
            refute(claim, into: &effects)
            return
        }
        let member = members[index]
        switch claim.status {
        case .alive:
            guard claim.refutation > member.refutation, member.status != .left else { return }
            if member.status == .dead || member.status == .suspect { counters.recoveries += 1 }
            set(index, .alive, refutation: claim.refutation, into: &effects)
        case .suspect:
            guard claim.refutation >= member.refutation else { return }
            accuse(index, by: claim.accuser, refutation: claim.refutation, now: now, into: &effects)
        case .dead:
            // Whoever was cut off thinks all others dead: its word is a suspicion, which this node's own time-out confirms.
            guard claim.refutation >= member.refutation, member.status < .dead else { return }
            accuse(index, by: claim.accuser, refutation: claim.refutation, now: now, into: &effects)
        case .left:
            guard member.status != .left else { return }
            set(index, .left, refutation: max(claim.refutation, member.refutation), into: &effects)
        }
    }

    /// What others think of this node is wrong as long as it can say so.
    private mutating func refute(_ claim: Claim, into effects: inout [Effect]) {
        guard let ownIndex, !hasLeft, claim.status != .alive, claim.refutation >= members[ownIndex].refutation else {
            return
        }
        let next = claim.refutation == .max ? claim.refutation : claim.refutation + 1
        counters.refutations += 1
        health = min(settings.healthMax, health + 1)
        set(ownIndex, .alive, refutation: next, into: &effects)
        effects.append(.refuted(next))
    }

    // MARK: Passing on

    /// The claim about the member is news: it rides on the next messages.
    mutating func spread(_ index: Int) {
        if members[index].transmissions == 0 { talking += 1 }
        var bits = 1
        while 1 << bits < members.count + 1 { bits += 1 }
        members[index].transmissions = settings.transmissionFactor * bits
    }

    private mutating func send(_ kind: MembershipMessage.Kind, to index: Int, into effects: inout [Effect]) {
        effects.append(.send(message(kind, to: index), to: members[index].node))
    }

    /// A full exchange with a random member that is not dead.
    mutating func exchange(using rng: inout some RandomNumberGenerator, into effects: inout [Effect]) {
        let candidates = members.indices.filter { $0 != ownIndex && members[$0].status < .dead }
        guard let index = candidates.randomElement(using: &rng) else { return }
        counters.exchanges += 1
        send(.exchange(isRequest: true), to: index, into: &effects)
    }

    /// A message to the member, with the claims that ride on it.
    mutating func message(_ kind: MembershipMessage.Kind, to receiver: Int) -> MembershipMessage {
        var claims: [Claim] = []
        if case .exchange = kind {
            claims.reserveCapacity(members.count)
            for index in members.indices { claims.append(claim(index)) }
        } else {
            // Whoever is not thought alive hears it first, so that it can object at once.
            if members[receiver].status != .alive { claims.append(claim(receiver)) }
            if talking > 0 { chooseClaims(besides: receiver, into: &claims) }
        }
        return MembershipMessage(sender: own, vitals: ownVitals, kind: kind, claims: claims)
    }

    private mutating func chooseClaims(besides receiver: Int, into claims: inout [Claim]) {
        let most = claims.count + settings.claimsMax
        let start = gossipPosition
        for step in 0..<members.count {
            guard claims.count < most, talking > 0 else { return }
            let index = (start + step) % members.count
            guard members[index].transmissions > 0, index != receiver else { continue }
            claims.append(claim(index))
            members[index].transmissions -= 1
            if members[index].transmissions == 0 { talking -= 1 }
            gossipPosition = (index + 1) % members.count
        }
    }

    private func claim(_ index: Int) -> Claim {
        let member = members[index]
        // An own suspicion is passed on as one, so that it confirms those of others.
        let accuser: NodeName
        switch member.status {
        case .alive, .left: accuser = member.node.name
        case .dead: accuser = own.name
        case .suspect:
            let accusers = member.suspicion?.accusers ?? []
            accuser = accusers.contains(own.name) ? own.name : accusers.last ?? own.name
        }
        return Claim(node: member.node, refutation: member.refutation, status: member.status, accuser: accuser)
    }
}

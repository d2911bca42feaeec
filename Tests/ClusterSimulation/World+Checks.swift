internal import Cluster
internal import Coordination

/// The invariants, named as in the reliability page.
extension World {
    // MARK: C1, one history

    mutating func checkVerdict(_ index: Int, _ offset: Int64, _ verdict: ControlState.Verdict) {
        guard Int(offset) < verdicts.count else {
            return fail("C1", "\(machines[index].name) folds record \(offset), which is not there")
        }
        // The first record after a trim is one that every full fold has accepted.
        if (verdict == .accepted) != verdicts[Int(offset)] {
            fail("C1", "\(machines[index].name) finds record \(offset) \(verdict)")
        }
    }

    mutating func checkFold(_ index: Int) {
        guard let next = machines[index].core?.state.nextOffset, let hash = machines[index].core?.state.hash,
            next > 0
        else { return }
        let last = Int(next) - 1
        guard last < hashes.count else {
            return fail("C1", "\(machines[index].name) has folded up to \(last), beyond the log")
        }
        if hash != hashes[last] { fail("C1", "\(machines[index].name) has another hash at record \(last)") }
    }

    mutating func checkAssignment(_ assignment: Assignment) {
        if let flaw = assignment.flaw { fail("C2", flaw) }
        var counts = Array(repeating: 0, count: assignment.workers.count)
        for owner in assignment.owners { counts[owner] += 1 }
        if let most = counts.max(), let least = counts.min(), most - least > 1 {
            fail("C2", "shares of generation \(assignment.generation) are \(least) to \(most)")
        }
    }

    /// No one takes over from a coordinator that acts, unless an operator says so.
    mutating func checkLead(_ lead: ClusterRecord.Lead, leadLives: Bool) {
        guard leadLives, !lead.reason.hasPrefix("moved"), lead.term > 1 else { return }
        // The proposer's silence ended when it appended; slow appends and fast clocks take their part.
        // What came while its record was on its way it could not know.
        let onItsWay = plan.logDelayMost + 20_000
        let known = signsOfLead.last { now - $0 >= onItsWay } ?? 0
        let silence = now - known
        // A faulty log holds a record back for six seconds, and its copy for three more.
        let isLogWell =
            logSlow == 0 && now > logSlowUntil + 4_000_000 && logFaults == 0 && now > logFaultsUntil + 10_000_000
        if silence < 1_000_000, isLogWell, plan.logDelayMost < 50_000 {
            fail("one coordinator", "term \(lead.term) begins \(silence / 1_000) ms after a sign of the one before")
        }
    }

    // MARK: C2 and C3, one owner, fenced

    /// A call of `sender` was accepted as one of the generation's driver.
    mutating func checkCommand(_ index: Int, _ call: DriverCall) {
        checkGeneration(index, call.generation)
        guard violation == nil else { return }
        if drivers[call.generation] != call.sender.incarnation {
            fail(
                "C2", "\(machines[index].name) obeys \(call.sender), which does not drive generation \(call.generation)"
            )
        }
    }

    mutating func receiveFrame(_ generation: Int64, sender: NodeID, to index: Int, life: NodeID) {
        guard let gate = machines[index].core?.gate, machines[index].core?.own == life else { return }
        var verdict = gate.judge(generation, from: sender)
        if mutant == .acceptOldGeneration { verdict = .accepted }
        switch verdict {
        case .accepted:
            coverage.framesAccepted += 1
            checkAcceptance(index, generation, sender)
        case .refused:
            occurred(.staleFrameRefused)
        case .ahead:
            // Who drives has heard that everybody takes part before anybody sends.
            fail("C3", "\(machines[index].name) is sent frames of generation \(generation), which it has not read")
        }
    }

    /// Something of `generation` was accepted: it must be the one that the receiver has read back, and the sender one of it.
    private mutating func checkAcceptance(_ index: Int, _ generation: Int64, _ sender: NodeID) {
        checkGeneration(index, generation)
        guard violation == nil else { return }
        if !assignments[Int(generation) - 1].assignment.contains(sender) {
            fail("C2", "\(machines[index].name) accepts \(sender), which has no part in generation \(generation)")
        }
    }

    private mutating func checkGeneration(_ index: Int, _ generation: Int64) {
        guard let read = machines[index].core?.state.cluster.generation else { return }
        if generation != read {
            fail("C3", "\(machines[index].name) accepts generation \(generation) having read back \(read)")
        }
        guard generation >= 1, Int(generation) <= assignments.count else {
            return fail("C3", "\(machines[index].name) accepts generation \(generation), which is not in the log")
        }
    }

    mutating func serve(_ index: Int, _ epoch: Int64, _ generation: Int64) {
        let name = machines[index].name
        coverage.epochsServed += 1
        guard epoch >= machines[index].served else {
            return fail("V3", "\(name) goes back from epoch \(machines[index].served) to \(epoch)")
        }
        machines[index].served = epoch
        machines[index].part.committed = epoch
        guard epoch > 0 else { return }
        guard epoch <= ledger.count else {
            return fail("D1", "\(name) serves epoch \(epoch), which is not recorded")
        }
        let frontier = ledger[Int(epoch) - 1].writer
        let positions = progress[generation] ?? [:]
        for node in assignments[Int(generation) - 1].assignment.nodes {
            guard let position = positions[node], position.epoch >= epoch else {
                return fail("V2", "\(name) serves epoch \(epoch) of \(generation), which \(node) has not done")
            }
            if position.epoch == epoch, position.frontier != frontier {
                fail("V1", "\(node) has done epoch \(epoch) of \(generation) with another frontier")
            }
        }
    }

    /// A client asks: what is answered must not be of a generation that ended longer ago than a lease.
    mutating func ask(_ index: Int) {
        let machine = machines[index]
        guard let generation = machine.core?.gate.generation, !machine.isPaused, machine.core?.own != nil else {
            return
        }
        guard generation > 0, machine.served > 0 else { return }
        guard machine.core?.node.holdsLease(now: machine.local(now)) == true || mutant == .ignoreLease else {
            occurred(.leaseExpired)
            return
        }
        coverage.answers += 1
        guard Int(generation) < assignments.count else { return }
        let age = now - assignments[Int(generation)].readable
        if age > settings.life.lease * 12 / 10 {
            fail("C3", "\(machines[index].name) answers in generation \(generation), \(age / 1_000) ms after its end")
        }
    }

    // MARK: C4, accurate

    mutating func checkRemoval(_ remove: ClusterRecord.Remove, _ before: ReferenceFold) {
        guard remove.reason == "dead to gossip", let name = before.name(remove.life),
            let victim = machines.firstIndex(where: { $0.name.text == name })
        else { return }
        if let killed = killedAt.removeValue(forKey: victim) {
            coverage.reassignments.append(Int((now - killed) / 1_000))
        }
        if plan.isCalm { return fail("C4", "\(name) is removed, and nothing was ever wrong") }
        guard
            let remover = machines.firstIndex(where: {
                before.life(remove.author) != nil && $0.name.text == before.name(remove.author)
            })
        else { return }
        // Both were well for long enough, and so was the network.
        let since = now - 15_000_000
        let isWell =
            machines[victim].isUp && machines[victim].impairedUntil < since
            && machines[remover].impairedUntil < since
        guard isWell, machines.count >= 4, plan.lossPerMille <= 10, networkImpairedUntil < since else { return }
        let others = machines.filter { $0.isUp && !$0.isPaused && $0.impairedUntil < since }
        if others.count >= 4 { fail("C4", "\(name) is removed, and it was well") }
    }

    /// Loss and delay of all links.
    private var networkImpairedUntil: Int64 {
        var until: Int64 = 0
        for fault in plan.faults where fault.at <= now {
            switch fault.kind {
            case .loss, .delay, .partition, .killAll: until = max(until, min(plan.safety, fault.at + fault.duration))
            default: break
            }
        }
        return until
    }

    // MARK: C5, C6, L1

    /// After the faults that end have ended: one coordinator, all healthy nodes members that own something, none that is
    /// broken, one view of membership, epochs that advance.
    mutating func checkLiveness() {
        let healthy = machines.indices.filter { plan.remnants[$0] == nil }
        let lives = healthy.compactMap { machines[$0].core?.own }
        guard lives.count == healthy.count else { return fail("C5", "a healthy process has no life") }
        guard let lead = machines[healthy[0]].core?.state.cluster.currentLead?.node, lives.contains(lead) else {
            return fail("C5", "no healthy node coordinates")
        }
        guard let assignment = assignments.last?.assignment else { return fail("C5", "nothing is assigned") }
        if let placed = reference.assignment?.tasks.map(\.task), placed != Set(tasks).sorted() {
            return fail("C5", "the tasks \(tasks) shall run, \(placed) are placed")
        }
        for index in healthy {
            guard let core = machines[index].core, let own = core.own else { return }
            if core.state.nextOffset != Int64(control.count),
                control.last.map({ now - $0.time > 5_000_000 }) ?? false
            {
                return fail("L1", "\(own) has not read the log's end")
            }
            // One that cannot reach the coordinator is no member, and need not be.
            if isCutOff(index, from: lead) { continue }
            guard assignment.contains(own) || core.state.cluster.life(own.incarnation)?.isDraining == true else {
                return fail("C5", "\(own) owns nothing in generation \(assignment.generation)")
            }
            if machines[index].served <= servedBeforeEnd[index], assignment.contains(own) {
                return fail("L1", "\(own) serves no newer epoch than \(machines[index].served)")
            }
            checkView(of: index, healthy)
        }
        for node in assignment.nodes where !lives.contains(node) {
            fail("C5", "\(node), which is broken, owns vnodes in generation \(assignment.generation)")
        }
    }

    private func isCutOff(_ index: Int, from lead: NodeID) -> Bool {
        guard let (first, second) = plan.cutPair, index == first || index == second else { return false }
        return machines[index == first ? second : first].name == lead.name
    }

    /// In the last seconds: when did a node's view last show all healthy nodes alive?
    mutating func lookAtViews() {
        let healthy = machines.indices.filter { plan.remnants[$0] == nil }
        for index in healthy where healthy.allSatisfy({ status($0, to: index) == .alive || isPairCut(index, $0) }) {
            machines[index].agreedAt = now
        }
    }

    private func status(_ other: Int, to index: Int) -> MemberStatus? {
        guard let life = machines[other].core?.own, let member = machines[index].core?.node.membership?[life.name],
            member.node == life
        else { return nil }
        return member.status
    }

    private mutating func checkView(of index: Int, _ healthy: [Int]) {
        guard let membership = machines[index].core?.node.membership else { return }
        for other in healthy {
            guard let life = machines[other].core?.own else { continue }
            guard let member = membership[life.name], member.node == life else {
                if !isPairCut(index, other) { fail("C6", "\(membership.own) does not know \(life)") }
                continue
            }
            // While messages are lost, suspicions come and are refuted; one that lasts is a disagreement.
            let isDoubt = member.status == .suspect && now - machines[index].agreedAt < 10_000_000
            if member.status != .alive, !isDoubt, !isPairCut(index, other) {
                fail("C6", "\(membership.own) thinks \(life) \(member.status)")
            }
        }
    }

    private func isPairCut(_ first: Int, _ second: Int) -> Bool {
        guard let pair = plan.cutPair else { return false }
        // Who is no member for its cut to the coordinator comes and goes.
        return [pair.0, pair.1].contains(first) || [pair.0, pair.1].contains(second)
    }
}

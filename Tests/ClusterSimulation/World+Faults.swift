internal import Cluster
internal import Coordination

extension World {
    // MARK: Traffic

    /// Input for the next epoch at every machine, and a client that asks somebody.
    mutating func traffic() {
        for index in machines.indices where machines[index].isUp && !machines[index].isPaused {
            if machines[index].drive != nil { drive(index, .input) }
        }
        for _ in 0..<2 { ask(trafficRandom.below(machines.count)) }
        if isLiveness, now > plan.safety + plan.liveness - 25_000_000, servedBeforeEnd.isEmpty {
            servedBeforeEnd = machines.map(\.served)
        }
        if isLiveness, now > plan.safety + plan.liveness - 10_000_000 { lookAtViews() }
        countRareStates()
        queue.push(.traffic, at: now + (plan.nodes > 15 ? 2_000_000 : 700_000))
    }

    private mutating func countRareStates() {
        for index in machines.indices {
            if machines[index].core?.node.decisions.isYielding == true { occurred(.coordinatorYielded) }
            if let counters = machines[index].core?.node.membership?.counters {
                if counters.nacksMissed > 0 { occurred(.nackMissed) }
                if counters.stalls > 0 { occurred(.stallNoticed) }
            }
        }
    }

    // MARK: Faults

    mutating func apply(_ fault: Fault, isStart: Bool) {
        let node = fault.node
        if isStart {
            coverage.faults[fault.kind.rawValue] += 1
            note("begins: \(fault)")
        } else {
            note("ends: \(fault.kind) of \(node)")
        }
        // What follows from it may show a while after its end.
        impair(fault, until: isStart ? min(plan.safety, fault.at + fault.duration) : now)
        switch fault.kind {
        case .kill:
            if isStart { crash(node) } else { boot(node) }
        case .killAll:
            for index in machines.indices { if isStart { crash(index) } else { boot(index) } }
        case .pause: isStart ? pause(node) : resume(node)
        case .isolate:
            for other in machines.indices where other != node {
                cut(node, other, isStart)
                cut(other, node, isStart)
            }
        case .partition:
            for first in 0..<fault.other {
                for second in fault.other..<plan.nodes {
                    cut(first, second, isStart)
                    cut(second, first, isStart)
                }
            }
        case .oneWay: cut(node, fault.other, isStart)
        case .link:
            cut(node, fault.other, isStart)
            cut(fault.other, node, isStart)
        case .loss: extraLoss += isStart ? 250 : -250
        case .delay: extraDelay += isStart ? 300_000 : -300_000
        case .logCut: cutFromLog(node, isStart)
        case .logSlow:
            logSlow += isStart ? 1 : -1
            logSlowUntil = now
        case .logFaults:
            logFaults += isStart ? 1 : -1
            logFaultsUntil = now
        case .drain, .undrain, .moveLead, .rebalance, .remove, .tasks, .fold, .unknownKind, .leave:
            operate(fault, isStart: isStart)
        }
    }

    private mutating func impair(_ fault: Fault, until: Int64) {
        switch fault.kind {
        case .kill, .pause, .isolate, .leave, .remove: impair(fault.node, until: until)
        case .oneWay, .link:
            impair(fault.node, until: until)
            impair(fault.other, until: until)
        case .logCut, .logSlow, .logFaults, .drain, .undrain, .moveLead, .rebalance, .fold, .unknownKind, .tasks: break
        case .killAll, .partition, .loss, .delay:
            for index in machines.indices { impair(index, until: until) }
        }
    }

    private mutating func crash(_ node: Int) {
        let isQuiet = plan.faults.allSatisfy { fault in
            fault.at == now || fault.at > now + 10_000_000 || fault.at + fault.duration < now - 20_000_000
        }
        if isQuiet, machines[node].isUp, let own = machines[node].core?.own,
            assignments.last?.assignment.contains(own) == true, plan.lossPerMille == 0, plan.delayMost <= 5_000,
            plan.logDelayMost <= 20_000
        {
            killedAt[node] = now
        }
        kill(node)
    }

    private mutating func cut(_ from: Int, _ to: Int, _ isStart: Bool) {
        guard from != to else { return }
        cuts[from * plan.nodes + to] += isStart ? 1 : -1
    }

    private mutating func cutFromLog(_ node: Int, _ isStart: Bool) {
        machines[node].logCuts += isStart ? 1 : -1
        if !isStart { wake(node, in: 1_000) }
    }

    mutating func pause(_ node: Int) {
        machines[node].pauses += 1
        if machines[node].core?.isCoordinator == true { occurred(.pausedCoordinator) }
    }

    mutating func resume(_ node: Int) {
        machines[node].pauses -= 1
        guard machines[node].pauses == 0, machines[node].isUp else { return }
        if let own = machines[node].core?.own, reference.life(own.incarnation) == nil { occurred(.zombieWoke) }
        if mutant == .forgetTheLog { machines[node].ignoresLog = true }
        let waiting = machines[node].waiting
        machines[node].waiting = []
        machines[node].timerAt = .max
        machines[node].readAt = .max
        var time = now
        for event in waiting {
            time += 20
            if case .read = event { continue }
            queue.push(event, at: time)
        }
        wake(node, in: 100 + machines[node].random.below(30_000 as Int64))
        queue.push(.timer(node, at: time + 50), at: time + 50)
        machines[node].timerAt = time + 50
    }

    // MARK: Operators

    private mutating func operate(_ fault: Fault, isStart: Bool) {
        let node = fault.node
        guard let own = machines[node].core?.own, machines[node].isUp else {
            if fault.kind == .leave, !isStart { boot(node) }
            return
        }
        if !isStart {
            if fault.kind == .drain { request(.drain(drain(own, false))) }
            return
        }
        switch fault.kind {
        case .drain: request(.drain(drain(own, true)))
        case .undrain: request(.drain(drain(own, false)))
        case .moveLead:
            request(.moveLead(ClusterRecord.MoveLead(to: own.incarnation, author: own.incarnation, reason: "asked")))
        case .rebalance: request(.rebalance(ClusterRecord.Rebalance(author: own.incarnation, reason: "asked")))
        case .remove:
            request(
                .remove(
                    ClusterRecord.Remove(life: own.incarnation, reason: "asked", author: own.incarnation, term: nil)))
        case .leave:
            machines[node].isLeaving = true
            feed(node, .leave(reason: "asked"))
        case .fold:
            // Of a process that is behind it does not count.
            if let state = machines[node].core?.state, state.version >= 0, state.isComplete {
                queue.push(.append(.control(.state(state.folded))), at: now + logRandom.below(200_000 as Int64))
            }
        case .unknownKind: queue.push(.append(.unknownKind), at: now + 1_000)
        case .tasks:
            if tasks.count < 6 { tasks.append("t\(fault.other)") } else { tasks.removeLast(4) }
            for index in machines.indices { feed(index, .tasks(tasks)) }
        default: break
        }
    }

    private func drain(_ own: NodeID, _ isDraining: Bool) -> ClusterRecord.Drain {
        ClusterRecord.Drain(
            life: own.incarnation, isDraining: isDraining, author: own.incarnation, reason: "asked")
    }

    private mutating func request(_ record: ClusterRecord) {
        queue.push(.append(.control(.cluster(record))), at: now + 1_000 + logRandom.below(200_000 as Int64))
    }

    // MARK: The second phase

    /// Ends every fault, but breaks the nodes of the plan for ever: the others must get along without them.
    mutating func beginLiveness() {
        isLiveness = true
        note(
            "every fault ends; these stay: \(plan.remnants.sorted { $0.key < $1.key }), cut \(String(describing: plan.cutPair))"
        )
        cuts = Array(repeating: 0, count: cuts.count)
        extraLoss = 0
        extraDelay = 0
        if logSlow > 0 { logSlowUntil = now }
        logSlow = 0
        if logFaults > 0 { logFaultsUntil = now }
        logFaults = 0
        plan.lossPerMille = min(plan.lossPerMille, 20)
        for index in machines.indices {
            machines[index].logCuts = 0
            if machines[index].pauses > 0 {
                machines[index].pauses = 1
                resume(index)
            }
            impair(index, until: now)
            if plan.remnants[index] == nil { boot(index) }
            wake(index, in: 1_000)
        }
        // Who was drained by an operator may own again.
        for index in machines.indices {
            guard let life = machines[index].core?.own.flatMap({ reference.life($0.incarnation) }), life.isDraining,
                !machines[index].isLeaving, let own = machines[index].core?.own
            else { continue }
            request(.drain(drain(own, false)))
        }
        for (index, remnant) in plan.remnants.sorted(by: { $0.key < $1.key }) { leaveBroken(index, remnant) }
        if let (first, second) = plan.cutPair {
            cut(first, second, true)
            cut(second, first, true)
        }
        restartLeavers()
    }

    /// A process that was asked to stop and did, or will, is started again.
    private mutating func restartLeavers() {
        for index in machines.indices where machines[index].isLeaving && plan.remnants[index] == nil {
            kill(index)
            queue.push(.boot(index), at: now + 1_000_000)
        }
    }

    private mutating func leaveBroken(_ index: Int, _ remnant: Remnant) {
        coverage.remnants[remnant.rawValue] += 1
        impair(index, until: .max)
        switch remnant {
        case .dead: kill(index)
        case .paused: pause(index)
        case .isolated, .mute, .deaf:
            for other in machines.indices where other != index {
                if remnant != .deaf { cut(index, other, true) }
                if remnant != .mute { cut(other, index, true) }
            }
        case .cutFromLog:
            machines[index].logCuts += 1
            for other in machines.indices where other != index {
                cut(index, other, true)
                cut(other, index, true)
            }
        }
    }
}

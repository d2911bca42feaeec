internal import Cluster
internal import Coordination

extension World {
    var settings: ClusterNode.Settings {
        var settings = ClusterNode.Settings()
        switch mutant {
        case .hastySuspicion:
            settings.membership.suspicionMin = 1_000
            settings.membership.suspicionFactor = 1
        case .ignoreLeadSilence:
            settings.decisions.leadSilence = 0
        default: break
        }
        return settings
    }

    /// Carries out what a process wants: the whole shell of a simulated node.
    mutating func interpret(_ index: Int, _ effect: ClusterNode.Effect) {
        switch effect {
        case .append(let record): send(record, by: index)
        case .appendTick(let term): sendToLog(.tick(term), by: index)
        case .record(let epoch, let generation, let term):
            sendToLog(.epoch(epoch: epoch, term: term, generation: generation), by: index)
            if mutant == .acknowledgeBeforeFold { feed(index, .recorded(epoch: epoch, term: term)) }
        case .readLog:
            wake(index, in: 1_000)
        case .gossip(let message, let node): gossip(message, from: index, to: node)
        case .send(let message, let node): send(message, from: index, to: node)
        case .judged(let offset, let verdict): checkVerdict(index, offset, verdict)
        case .memberChanged(let node, let from, let to): memberChanged(index, node, from, to)
        case .began(let node): note("\(node) lives")
        case .ended(let node):
            note("\(node) finds its life ended")
            occurred(.rejoinedAfterRemoval)
        case .refused(let reason): note("\(machines[index].name) is refused: \(reason)")
        case .left: stopped(index)
        case .adopted(let assignment): adopted(index, assignment)
        case .restore(let generation): restore(index, generation)
        case .rest: machines[index].position = (0, 0, 0)
        case .process(let epoch, let generation, let fixed): process(index, epoch, generation, frontier: fixed)
        case .serve(let epoch, let generation): serve(index, epoch, generation)
        }
    }

    private mutating func stopped(_ index: Int) {
        occurred(.leftGracefully)
        note("\(machines[index].name) stops")
        machines[index].core = nil
        machines[index].boot += 1
    }

    // MARK: Messages

    private mutating func gossip(_ message: MembershipMessage, from: Int, to node: NodeID) {
        guard let to = machine(named: node.name) else { return }
        var message = message
        switch mutant {
        case .forgetIndirectProbe:
            if case .pingRequest = message.kind { return }
        case .loseRefutation:
            message.claims = message.claims.map { claim in
                var claim = claim
                if claim.node == message.sender { claim.refutation = 0 }
                return claim
            }
        default: break
        }
        // One seed in sixteen sends the bytes that a real node would.
        if plan.seed % 16 == 0 {
            do throws(MembershipCodecError) {
                let bytes = MembershipCodec.encode(message, cluster: plan.seed)
                guard try MembershipCodec.decode(bytes, cluster: plan.seed) == message else {
                    return fail("codec", "\(message) comes back as another message")
                }
            } catch {
                return fail("codec", "\(message) does not come back: \(error)")
            }
        }
        let sequence: UInt32? = if case .ping(let sequence, _) = message.kind { sequence } else { nil }
        let link = from * plan.nodes + to
        if !machines[to].isUp, cuts[link] == 0, cuts[to * plan.nodes + from] == 0 {
            if let sequence {
                queue.push(.undeliverable(from, boot: machines[from].boot, sequence: sequence), at: now + 300)
            }
            return
        }
        deliver(.gossip(message, from: from, to: to, life: node), from, to)
    }

    private mutating func send(_ message: EpochMessage, from: Int, to node: NodeID) {
        guard let to = machine(named: node.name), let sender = machines[from].core?.own else { return }
        if mutant == .commitWithoutReports, case .begin(let epoch, _, _) = message.kind {
            let report = EpochMessage(.done(epoch: epoch), generation: message.generation, term: message.term)
            feed(from, .epoch(report, from: node))
        }
        if keepsTrace { note("\(sender) tells \(node) \(message)") }
        deliver(.epoch(message, from: from, sender: sender, to: to, life: node), from, to)
    }

    private mutating func memberChanged(_ index: Int, _ node: NodeID, _ from: MemberStatus, _ to: MemberStatus) {
        if node == machines[index].core?.own { return }
        if from == .dead, to == .alive { occurred(.deadMemberCameBack) }
        if from == .suspect, to == .alive { occurred(.suspicionRefuted) }
        if to == .dead { note("\(machines[index].name) thinks \(node) dead") }
    }

    // MARK: Work

    private mutating func adopted(_ index: Int, _ assignment: Assignment) {
        var assignment = assignment
        if mutant == .misreadAssignment, index % 2 == 1 { assignment.owners.append(assignment.owners.removeFirst()) }
        let known = assignments[Int(assignment.generation) - 1].assignment
        if assignment != known { fail("C2", "\(machines[index].name) has another generation \(assignment.generation)") }
    }

    private mutating func restore(_ index: Int, _ generation: Int64) {
        machines[index].position = (generation, -1, 0)
        let time = 20_000 + machines[index].random.below(400_000 as Int64)
        queue.push(.restored(index, boot: machines[index].boot, generation: generation), at: now + time)
    }

    mutating func restored(_ index: Int, _ boot: Int, _ generation: Int64) {
        guard machines[index].boot == boot, machines[index].position.generation == generation else { return }
        // As far as this process has read what is recorded.
        let epoch = machines[index].recordedEpoch
        moved(index, generation, epoch, frontier: epoch == 0 ? 0 : ledger[Int(epoch) - 1].term)
        feed(index, .restored(generation: generation, epoch: epoch))
    }

    private mutating func process(_ index: Int, _ epoch: Int64, _ generation: Int64, frontier: Int64) {
        guard let read = machines[index].core?.node.state.cluster.generation else { return }
        if read != generation {
            fail("C3", "\(machines[index].name) processes \(epoch) of generation \(generation)")
        }
        let time = 500 + machines[index].random.below(20_000 as Int64)
        queue.push(
            .processed(index, boot: machines[index].boot, epoch: epoch, generation: generation, frontier: frontier),
            at: now + time)
        sendFrames(index, generation)
    }

    private mutating func sendFrames(_ index: Int, _ generation: Int64) {
        guard let own = machines[index].core?.own else { return }
        let nodes = assignments[Int(generation) - 1].assignment.nodes
        for _ in 0..<min(3, nodes.count - 1) {
            let node = nodes[trafficRandom.below(nodes.count)]
            guard let to = machine(named: node.name), to != index else { continue }
            deliver(.frame(generation, from: index, sender: own, to: to, life: node), index, to)
        }
    }

    mutating func processed(_ index: Int, _ boot: Int, _ epoch: Int64, _ generation: Int64, _ frontier: Int64) {
        guard machines[index].boot == boot, machines[index].position.generation == generation else { return }
        moved(index, generation, epoch, frontier: frontier)
        feed(index, .processed(epoch: epoch, generation: generation))
    }

    private mutating func moved(_ index: Int, _ generation: Int64, _ epoch: Int64, frontier: Int64) {
        machines[index].position = (generation, epoch, frontier)
        if let own = machines[index].core?.own { progress[generation, default: [:]][own] = (epoch, frontier) }
    }
}

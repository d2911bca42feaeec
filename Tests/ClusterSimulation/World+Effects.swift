internal import Cluster
internal import Coordination

extension World {
    var settings: ClusterNode.Settings {
        var settings = ClusterNode.Settings()
        // A run is short.
        settings.decisions.foldInterval = 40
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
        case .appendSign(let term): sendToLog(.sign(term), by: index)
        case .appendFold:
            if let state = machines[index].core?.state { sendToLog(.control(.state(state.folded)), by: index) }
        case .trim(let offset): sendToLog(.trim(below: offset), by: index)
        case .readLog:
            wake(index, in: 1_000)
        case .gossip(let message, let node): gossip(message, from: index, to: node)
        case .memberChanged(let node, let from, let to): memberChanged(index, node, from, to)
        case .began(let node): note("\(node) lives")
        case .ended(let node):
            note("\(node) finds its life ended")
            rest(index)
            occurred(.rejoinedAfterRemoval)
        case .refused(let reason): note("\(machines[index].name) is refused: \(reason)")
        case .left: stopped(index)
        case .adopted(let assignment, let driver): adopted(index, assignment, driver: driver)
        }
    }

    private mutating func stopped(_ index: Int) {
        occurred(.leftGracefully)
        note("\(machines[index].name) stops")
        machines[index].core = nil
        machines[index].drive = nil
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

    private mutating func memberChanged(_ index: Int, _ node: NodeID, _ from: MemberStatus, _ to: MemberStatus) {
        if node == machines[index].core?.own { return }
        if from == .dead, to == .alive { occurred(.deadMemberCameBack) }
        if from == .suspect, to == .alive { occurred(.suspicionRefuted) }
        if to == .dead { note("\(machines[index].name) thinks \(node) dead") }
    }
}

internal import Cluster
internal import Coordination

extension World {
    // MARK: Appending

    mutating func send(_ record: ClusterRecord, by index: Int) {
        switch mutant {
        case .skipReadBack:
            if case .assign = record, let core = machines[index].core {
                let machine = machines[index]
                _ = core.fold(
                    .record(.cluster(record)), offset: core.state.nextOffset, appendTime: now,
                    now: machine.local(now), using: &machine.random)
                feed(index, .read(began: machine.local(now), committed: machine.served))
            }
        case .neverRepeat:
            if machines[index].lastAppends.contains(record) { return }
        case .neverAdmit:
            if case .admit = record { return }
        default: break
        }
        if machines[index].lastAppends.contains(record) {
            occurred(.lostAppendRepeated)
        } else {
            machines[index].lastAppends.append(record)
            if machines[index].lastAppends.count > 8 { machines[index].lastAppends.removeFirst() }
        }
        sendToLog(.control(.cluster(record)), by: index)
    }

    /// The append's way to the log: it may be lost, doubled or late, and nobody learns which.
    mutating func sendToLog(_ pending: Pending, by index: Int) {
        guard machines[index].logCuts == 0 else { return }
        var delay = 500 + logRandom.below(plan.logDelayMost)
        if logSlow > 0 { delay += logRandom.below(1_500_000 as Int64) }
        if logFaults > 0 {
            if logRandom.chance(250) { return }
            if logRandom.chance(250) {
                queue.push(.append(pending), at: now + delay + logRandom.below(3_000_000 as Int64))
            }
            if logRandom.chance(150) { delay += logRandom.below(6_000_000 as Int64) }
        }
        queue.push(.append(pending), at: now + delay)
    }

    mutating func append(_ pending: Pending) {
        switch pending {
        case .control(let record):
            let offset = control.count
            control.append((.record(record), now))
            judge(record, offset)
        case .unknownKind:
            control.append((.unknown(kind: "teleport", version: 2), now))
            occurred(.unknownKindSkipped)
            coverage.refused[Coverage.RecordKind.unknown.rawValue] += 1
            fold(counts: false)
        case .sign(let term):
            signs.append(term)
            if term == reference.term { lastSignOfLead = now }
        case .trim(let offset): trim(Int(offset))
        case .epoch(let epoch, let writer, let generation, let index, let boot):
            let isFenced = writer != epochWriter
            if isFenced { occurred(.epochRecordRefused) }
            // The same record once more changes nothing.
            if !isFenced, epoch == ledger.count + 1 { ledger.append((epoch, writer)) }
            queue.push(
                .drive(index, boot: boot, generation: generation, isFenced ? .fenced : .recorded(epoch)),
                at: now + 500 + logRandom.below(plan.logDelayMost))
        }
        for index in machines.indices where machines[index].isUp && machines[index].logCuts == 0 {
            // Each process is told within moments, or looks by itself in time.
            wake(index, in: 500 + logRandom.below(min(9_000, plan.logDelayMost)))
        }
    }

    /// Folds the newest record with the real fold, and holds its verdict against the reference.
    private mutating func fold(counts: Bool) {
        let offset = control.count - 1
        let entry = control[offset]
        let verdict = folded.apply(entry.entry, offset: Int64(offset), appendTime: entry.time)
        verdicts.append(counts)
        hashes.append(folded.hash)
        if (verdict == .accepted) != counts, mutant == nil {
            fail("C1", "record \(offset) is \(verdict), the reference says \(counts ? "accepted" : "refused")")
        }
        traceHash.mix(Int64(bitPattern: folded.hash))
        if keepsTrace {
            var text = "\(entry.entry)"
            if case .record(.cluster(.assign(let assign))) = entry.entry {
                text = "assign \(assign.assignment.generation) to \(assign.assignment.nodes), \(assign.reason)"
            }
            note("[\(offset)] \(verdict) \(text.prefix(220))")
        }
    }

    private mutating func judge(_ record: ControlRecord, _ offset: Int) {
        switch record {
        case .cluster(let cluster):
            let lead = reference.lead
            let leadLives = reference.life(Incarnation(lead)) != nil
            let before = reference
            let counts = reference.fold(cluster, offset: Int64(offset))
            let kind = kind(of: cluster)
            if counts {
                coverage.accepted[kind.rawValue] += 1
                accepted(cluster, offset, before: before, leadLives: leadLives)
            } else {
                coverage.refused[kind.rawValue] += 1
                refused(cluster)
            }
            fold(counts: counts)
        case .state(let state):
            let counts = state.version == folded.version
            coverage.accepted[Coverage.RecordKind.state.rawValue] += counts ? 1 : 0
            coverage.refused[Coverage.RecordKind.state.rawValue] += counts ? 0 : 1
            fold(counts: counts)
            if mutant == .trimUnread { queue.push(.append(.trim(below: Int64(offset))), at: now + 400_000) }
        case .deploy, .drop:
            preconditionFailure("nothing is deployed here")
        }
    }

    private func kind(of record: ClusterRecord) -> Coverage.RecordKind {
        switch record {
        case .found: .found
        case .join: .join
        case .admit: .admit
        case .leave: .leave
        case .remove: .remove
        case .lead: .lead
        case .assign: .assign
        case .place: .place
        case .drain: .drain
        case .moveLead: .moveLead
        case .rebalance: .rebalance
        }
    }

    private mutating func accepted(_ record: ClusterRecord, _ offset: Int, before: ReferenceFold, leadLives: Bool) {
        if let author = record.author, author.rawValue == before.lead { lastSignOfLead = now }
        switch record {
        case .lead(let lead):
            if leadsOfTerms.updateValue(lead.author, forKey: lead.term) != nil {
                fail("C1", "term \(lead.term) has two leads")
            }
            if lead.reason.hasPrefix("moved") { occurred(.leadMoved) }
            if lead.reason.hasSuffix("silent in the log") { occurred(.leadTookOverAfterSilence) }
            checkLead(lead, leadLives: leadLives)
            lastSignOfLead = now
        case .assign(let assign):
            assignments.append((assign.assignment, now))
            drivers[assign.assignment.generation] = assign.author
            checkAssignment(assign.assignment)
        case .remove(let remove):
            if remove.term != nil { checkRemoval(remove, before) }
            if remove.reason.hasPrefix("its reports") { occurred(.unreportedRemoved) }
        case .leave(let leave):
            if before.life(leave.author)?.isDraining == true { occurred(.drained) }
        case .join(let join):
            if !acceptedNonces.insert(join.nonce).inserted { fail("C1", "nonce \(join.nonce) has two lives") }
        case .place, .found, .admit, .drain, .moveLead, .rebalance: break
        }
    }

    private mutating func refused(_ record: ClusterRecord) {
        if let author = record.author, reference.life(author) == nil { occurred(.recordOfEndedAuthorRefused) }
        switch record {
        case .lead: occurred(.staleLeadRefused)
        case .assign: occurred(.assignRefused)
        case .join(let join):
            if acceptedNonces.contains(join.nonce) { occurred(.duplicateJoinRefused) }
        case .place, .found, .admit, .leave, .remove, .drain, .moveLead, .rebalance: break
        }
    }

    // MARK: Reading

    /// Has the process read the log soon, if nothing earlier is under way.
    mutating func wake(_ index: Int, in delay: Int64) {
        var delay = delay
        if logSlow > 0 { delay += logRandom.below(800_000 as Int64) }
        guard machines[index].isUp, now + delay < machines[index].readAt else { return }
        machines[index].readAt = now + delay
        queue.push(.read(index, boot: machines[index].boot), at: now + delay)
    }

    mutating func read(_ index: Int) {
        guard machines[index].readAt <= now else { return }
        machines[index].readAt = .max
        defer { wake(index, in: 1_000_000) }
        guard machines[index].logCuts == 0, !machines[index].ignoresLog else { return }
        let newSigns = signs[machines[index].signs...].max()
        machines[index].signs = signs.count
        if let term = newSigns { feed(index, .signed(term: term)) }
        readControl(index)
    }

    private mutating func readControl(_ index: Int) {
        let began = machines[index].local(now)
        if machines[index].controlOffset < trimmed {
            // It fell behind what is kept: it starts again, as a real process would.
            machines[index].core = nil
            boot(index)
            return
        }
        let generation = machines[index].core?.state.cluster.generation ?? 0
        if machines[index].controlOffset == trimmed, trimmed > 0, control.count > trimmed {
            occurred(.foldedStateAdopted)
        }
        while machines[index].controlOffset < control.count {
            let offset = machines[index].controlOffset
            machines[index].controlOffset += 1
            let entry = altered(control[offset].entry, for: index)
            let machine = machines[index]
            guard
                let verdict = machine.core?.fold(
                    entry, offset: Int64(offset), appendTime: control[offset].time, now: began, using: &machine.random)
            else { return }
            checkVerdict(index, Int64(offset), verdict)
        }
        feed(index, .read(began: began, committed: machines[index].served))
        checkFold(index)
        let after = machines[index].core?.state.cluster.generation ?? 0
        if generation > 0, after > generation + 1 { occurred(.generationSkippedByReader) }
    }

    /// A mutant's fold reads another record than the one that is there.
    private mutating func altered(_ entry: ControlEntry, for index: Int) -> ControlEntry {
        if mutant == .foldUnknown, case .unknown(let kind, _) = entry { return .malformed(kind) }
        guard let mutant, case .record(.cluster(let record)) = entry,
            let state = machines[index].core?.state.cluster
        else { return entry }
        switch (mutant, record) {
        case (.twoLeadsInATerm, .lead(var lead)):
            lead.after = state.term
            lead.term = state.term + 1
            return .record(.cluster(.lead(lead)))
        case (.doubleJoin, .join(var join)):
            join.nonce += "\(machines[index].controlOffset)"
            join.after = state.newest(join.name)
            return .record(.cluster(.join(join)))
        case (.acceptEndedAuthor, .remove(var remove)) where state.life(remove.author) == nil:
            remove.author = state.lead?.incarnation ?? remove.author
            remove.term = nil
            return .record(.cluster(.remove(remove)))
        case (.acceptEndedAuthor, .moveLead(var move)) where state.life(move.author) == nil:
            move.author = state.lead?.incarnation ?? move.author
            return .record(.cluster(.moveLead(move)))
        case (.acceptEndedAuthor, .rebalance(var rebalance)) where state.life(rebalance.author) == nil:
            rebalance.author = state.lead?.incarnation ?? rebalance.author
            return .record(.cluster(.rebalance(rebalance)))
        default: return entry
        }
    }

    private mutating func trim(_ offset: Int) {
        guard offset > trimmed else { return }
        for skipped in trimmed..<offset {
            if case .unknown = control[skipped].entry {
                fail("C1", "record \(skipped) is trimmed, which a later release may have needed")
            }
        }
        trimmed = offset
        occurred(.controlLogTrimmed)
        note("the log is trimmed below \(offset)")
    }
}

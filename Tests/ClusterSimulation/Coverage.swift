/// States that hide mistakes when they never occur: each must come up in a run.
package enum RareState: Int, Sendable, CaseIterable {
    case staleFrameRefused, staleCommandRefused, commandAhead, messageToEarlierLife, zombieWoke
    case staleLeadRefused, leadMoved, leadTookOverAfterSilence
    case assignRefused, recordOfEndedAuthorRefused
    case duplicateJoinRefused, rejoinedAfterRemoval
    case epochRecordRefused, epochOfEarlierTermAdopted
    case suspicionRefuted, deadMemberCameBack, nackMissed, stallNoticed
    case coordinatorYielded, unreportedRemoved
    case drained, leftGracefully
    case allDownAtOnce, leaseExpired
    case controlLogTrimmed, foldedStateAdopted, lostAppendRepeated, unknownKindSkipped
    case pausedCoordinator, generationSkippedByReader
}

/// What occurred in one seed or many: printed, and asserted to be complete.
package struct Coverage: Sendable {
    package var seeds = 0
    package var events = 0
    package var virtualSeconds = 0
    package var faults = [Int](repeating: 0, count: Fault.Kind.allCases.count)
    package var remnants = [Int](repeating: 0, count: Remnant.allCases.count)
    package var rare = [Int](repeating: 0, count: RareState.allCases.count)
    /// Accepted and refused records, by kind.
    package var accepted = [Int](repeating: 0, count: RecordKind.allCases.count)
    package var refused = [Int](repeating: 0, count: RecordKind.allCases.count)
    package var epochsServed = 0
    package var framesAccepted = 0
    package var answers = 0
    package var messagesLost = 0
    package var messagesDoubled = 0
    /// Kills of a member of an otherwise healthy cluster: milliseconds until a generation without it was recorded.
    package var reassignments: [Int] = []

    package init() {}

    package enum RecordKind: Int, Sendable, CaseIterable {
        case found, join, admit, leave, remove, lead, assign, place, drain, moveLead, rebalance, state, unknown
    }

    package mutating func add(_ other: Coverage) {
        seeds += other.seeds
        events += other.events
        virtualSeconds += other.virtualSeconds
        for index in faults.indices { faults[index] += other.faults[index] }
        for index in remnants.indices { remnants[index] += other.remnants[index] }
        for index in rare.indices { rare[index] += other.rare[index] }
        for index in accepted.indices {
            accepted[index] += other.accepted[index]
            refused[index] += other.refused[index]
        }
        epochsServed += other.epochsServed
        framesAccepted += other.framesAccepted
        answers += other.answers
        messagesLost += other.messagesLost
        messagesDoubled += other.messagesDoubled
        if reassignments.count < 100_000 { reassignments += other.reassignments }
    }

    /// What has not occurred although it must.
    package var missing: [String] {
        var missing: [String] = []
        for kind in Fault.Kind.allCases where faults[kind.rawValue] == 0 { missing.append("fault \(kind)") }
        for kind in Remnant.allCases where remnants[kind.rawValue] == 0 { missing.append("remnant \(kind)") }
        for state in RareState.allCases where rare[state.rawValue] == 0 { missing.append("state \(state)") }
        for kind in RecordKind.allCases where kind != .unknown && accepted[kind.rawValue] == 0 {
            missing.append("decision \(kind)")
        }
        return missing
    }

    package var text: String {
        func line(_ title: String, _ pairs: [(String, Int)]) -> String {
            "  \(title): " + pairs.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
        }
        var lines = ["\(seeds) seeds, \(virtualSeconds) virtual seconds, \(events) events"]
        lines.append(line("faults", Fault.Kind.allCases.map { ("\($0)", faults[$0.rawValue]) }))
        lines.append(line("stayed", Remnant.allCases.map { ("\($0)", remnants[$0.rawValue]) }))
        lines.append(line("accepted", RecordKind.allCases.map { ("\($0)", accepted[$0.rawValue]) }))
        lines.append(line("refused", RecordKind.allCases.map { ("\($0)", refused[$0.rawValue]) }))
        lines.append(line("rare", RareState.allCases.map { ("\($0)", rare[$0.rawValue]) }))
        lines.append(
            line(
                "work",
                [
                    ("epochs served", epochsServed), ("frames accepted", framesAccepted), ("answers", answers),
                    ("messages lost", messagesLost), ("doubled", messagesDoubled),
                ]))
        let sorted = reassignments.sorted()
        if !sorted.isEmpty {
            lines.append(
                line(
                    "kill to new generation, ms",
                    [
                        ("kills", sorted.count), ("p50", sorted[sorted.count / 2]),
                        ("p99", sorted[min(sorted.count - 1, sorted.count * 99 / 100)]),
                        ("max", sorted[sorted.count - 1]),
                    ]))
        }
        return lines.joined(separator: "\n")
    }
}

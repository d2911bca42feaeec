/// Something that goes wrong, or that an operator does.
package struct Fault: Sendable, Equatable, CustomStringConvertible {
    package enum Kind: Int, Sendable, CaseIterable {
        /// kill -9; the process starts again when the fault ends.
        case kill
        case killAll
        /// SIGSTOP; what arrives meanwhile waits.
        case pause
        /// All messages of `node` are lost.
        case isolate
        /// The nodes below and not below `other` do not reach each other.
        case partition
        /// Messages from `node` to `other` are lost.
        case oneWay
        /// Messages between `node` and `other` are lost.
        case link
        /// Many messages of all nodes are lost.
        case loss
        /// Messages of all nodes take long, and overtake each other.
        case delay
        /// `node` does not reach the log.
        case logCut
        /// Appends and reads take long.
        case logSlow
        /// Appends are lost, doubled and late.
        case logFaults
        case drain
        case undrain
        case moveLead
        case rebalance
        /// SIGTERM; the process starts again when the fault ends.
        case leave
        /// An operator removes a node, whatever it does.
        case remove
        /// Any node appends its fold, also one that is behind.
        case fold
        /// A record of a later release.
        case unknownKind
        /// Connector tasks come or go.
        case tasks
    }

    package var kind: Kind
    /// Microseconds from the beginning.
    package var at: Int64
    package var duration: Int64
    package var node: Int
    package var other: Int

    package var description: String {
        "\(at / 1_000) ms: \(kind) of \(node) (\(other)) for \(duration / 1_000) ms"
    }
}

/// What stays broken in the second phase.
package enum Remnant: Int, Sendable, CaseIterable {
    case dead, paused, isolated, mute, deaf, cutFromLog
}

/// All that happens to a cluster from outside: a function of the seed.
package struct Plan: Sendable {
    package var seed: UInt64
    package var nodes: Int
    /// Microseconds; the first phase, then the second.
    package var safety: Int64 = 120_000_000
    package var liveness: Int64 = 60_000_000
    package var lossPerMille = 0
    package var doublePerMille = 0
    /// Microseconds at most, per message.
    package var delayMost: Int64 = 2_000
    /// Parts per million by which clocks run fast or slow at most.
    package var skew: Int64 = 0
    package var logDelayMost: Int64 = 8_000
    package var faults: [Fault] = []
    /// Of nodes that stay broken; fewer than half of all.
    package var remnants: [Int: Remnant] = [:]
    /// A pair of healthy nodes that never reach each other again.
    package var cutPair: (Int, Int)?
    /// Not a single fault: no node may be removed.
    package var isCalm = false

    package init(seed: UInt64) {
        self.seed = seed
        var random = SeededRandom.stream(seed, 1)
        let size = random.below(100)
        nodes = size < 80 ? 3 + random.below(5) : size < 95 ? 8 + random.below(8) : 16 + random.below(35)
        isCalm = random.chance(60)
        // Each nuisance is off in a third of the seeds.
        if random.below(3) > 0 { lossPerMille = [5, 10, 30, 50][random.below(4)] }
        if random.below(3) > 0 { doublePerMille = [10, 100, 300][random.below(3)] }
        if random.below(3) > 0 { delayMost = [5_000, 30_000, 100_000][random.below(3)] }
        if random.below(3) > 0 { skew = [100, 5_000, 20_000][random.below(3)] }
        if random.below(3) > 0 { logDelayMost = [20_000, 100_000, 300_000][random.below(3)] }
        if isCalm { return }
        drawFaults(&random)
        drawRemnants(&random)
    }

    private mutating func drawFaults(_ random: inout SeededRandom) {
        // A few kinds per seed, so that some seeds are about one thing.
        var kinds = Fault.Kind.allCases
        for index in kinds.indices { kinds.swapAt(index, index + random.below(kinds.count - index)) }
        kinds = Array(kinds.prefix(3 + random.below(kinds.count - 2)))
        let count = 4 + random.below(28)
        for _ in 0..<count {
            let kind = kinds[random.below(kinds.count)]
            let long = random.chance(150)
            var duration = 200_000 + random.below(long ? Int64(60_000_000) : 9_000_000)
            if kind == .logFaults || kind == .loss { duration = min(duration, 20_000_000) }
            let node = random.below(nodes)
            faults.append(
                Fault(
                    kind: kind, at: 1_000_000 + random.below(safety - 3_000_000), duration: duration, node: node,
                    other: kind == .partition
                        ? 1 + random.below(nodes - 1) : (node + 1 + random.below(nodes - 1)) % nodes))
        }
        // Trouble comes in pairs: some begin within moments of another.
        for index in faults.indices.dropFirst() where random.chance(350) {
            faults[index].at = min(safety - 2_000_000, faults[index - 1].at + random.below(1_500_000))
        }
        faults.sort { ($0.at, $0.node, $0.kind.rawValue) < ($1.at, $1.node, $1.kind.rawValue) }
    }

    private mutating func drawRemnants(_ random: inout SeededRandom) {
        let most = (nodes - 1) / 2
        for _ in 0..<random.below(most + 1) {
            remnants[random.below(nodes)] = Remnant.allCases[random.below(Remnant.allCases.count)]
        }
        let healthy = (0..<nodes).filter { remnants[$0] == nil }
        if healthy.count >= 3, random.chance(200) {
            let first = random.below(healthy.count)
            let second = (first + 1 + random.below(healthy.count - 1)) % healthy.count
            cutPair = (healthy[min(first, second)], healthy[max(first, second)])
        }
    }
}

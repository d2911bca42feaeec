package import Cluster

/// The coordinator's part of the epochs of a cluster: which epoch may begin, who has reported, what is committed. A value
/// without I/O.
///
/// An epoch begins when every node of the generation is ready and the last one is committed; it is committed when every
/// node has reported it *and* its record was read back as accepted. Messages may be lost or doubled: what has not been
/// answered is sent again, and what was seen before changes nothing. Whatever carries another generation is refused.
///
/// ```
/// gathering ──all ready, last epoch recorded──► idle ──input──► running(e) ──all done, record read back──► idle
///     ▲────────────────────── next generation or term ───────────────────────┘
/// ```
package struct EpochRounds: Sendable {
    package enum Event: Sendable, Equatable {
        /// A generation was read back; this node leads the term. `recorded` is the last epoch of the epochs' topic,
        /// whose frontier the coordinator of term `fixed` has fixed.
        case assigned(Assignment, term: Int64, recorded: Int64, fixed: Int64)
        /// This node does not lead any more.
        case deposed
        /// A node has restored its state of the generation and is at this epoch; also said again to a new coordinator.
        case ready(NodeID, generation: Int64, epoch: Int64)
        /// A node has done its part of the epoch.
        case done(NodeID, generation: Int64, epoch: Int64)
        /// A node says that it is at work on the generation, though it has nothing to report.
        case working(NodeID, generation: Int64)
        /// There is input for an epoch, or one is wanted without any.
        case input
        /// An epoch's record was read back from the epochs' topic as accepted; `term` is that of whoever wrote it.
        case recorded(epoch: Int64, term: Int64)
        case tick
    }

    package enum Effect: Sendable, Equatable {
        /// Append the epoch's record, unless it is recorded, and tell these nodes to begin. See ``EpochMessage``.
        case begin(epoch: Int64, fixed: Int64, committed: Int64, generation: Int64, to: [NodeID])
        /// Queries may see the epoch: tell these nodes.
        case commit(epoch: Int64, generation: Int64, to: [NodeID])
        /// Nothing was heard from these nodes for ``Settings/reportTimeout``, though others wait for them.
        case unreported([NodeID])
        /// Nodes have processed an epoch that is not recorded, or is recorded with another frontier: they must go back, in a
        /// new generation.
        case restart(generation: Int64)
    }

    /// Times are in microseconds.
    package struct Settings: Sendable, Equatable {
        /// A begin that has not been answered is sent again.
        package var resendInterval: Int64 = 500_000
        /// A node that is waited for and says nothing for this long is given up; above any pause that is tolerated.
        package var reportTimeout: Int64 = 5_000_000

        package init() {}
    }

    package enum Phase: Sendable, Equatable {
        case idle
        /// Waiting for the nodes to be ready.
        case gathering
        case running(epoch: Int64)
    }

    package let settings: Settings
    package private(set) var phase = Phase.idle
    package private(set) var generation: Int64 = 0
    package private(set) var term: Int64 = 0
    /// The last epoch that is recorded, and the term that fixed its frontier.
    package private(set) var recorded: Int64 = 0
    private var recordedTerm: Int64 = 0
    /// The last epoch that is committed in this generation, −1 before the first.
    package private(set) var committed: Int64 = -1
    /// Messages of other generations or of nodes that take no part.
    package private(set) var refused = 0
    private var nodes: [NodeID] = []
    private var heard: [Instant] = []
    /// By node, the epoch that it is at; −1 before it is ready.
    private var positions: [Int64] = []
    private var wantsEpoch = false
    private var nextResend = Instant.never

    package init(settings: Settings = Settings()) {
        self.settings = settings
    }

    /// When ``Event/tick`` is due.
    package var deadline: Instant { isWaiting ? nextResend : .never }

    private var isWaiting: Bool { phase != .idle }

    package mutating func handle(_ event: Event, now: Instant) -> [Effect] {
        var effects: [Effect] = []
        switch event {
        case .assigned(let assignment, let term, let recorded, let fixed):
            assigned(assignment, term: term, recorded: recorded, fixed: fixed, now: now)
        case .deposed:
            phase = .idle
            nodes = []
            generation = 0
        case .ready(let node, let generation, let epoch), .done(let node, let generation, let epoch):
            if let index = index(node, generation, now: now) { reported(index, epoch, into: &effects) }
        case .working(let node, let generation):
            _ = index(node, generation, now: now)
        case .input:
            wantsEpoch = true
        case .recorded(let epoch, let term):
            guard epoch > recorded else { break }
            recorded = epoch
            recordedTerm = term
            // An earlier coordinator's record came first: its frontier is the epoch's, for ever.
            if case .running(let running) = phase, running <= epoch, term != self.term { restart(into: &effects) }
        case .tick:
            tick(now: now, into: &effects)
        }
        advance(now: now, into: &effects)
        return effects
    }

    private mutating func assigned(
        _ assignment: Assignment, term: Int64, recorded: Int64, fixed: Int64, now: Instant
    ) {
        if recorded > self.recorded {
            self.recorded = recorded
            recordedTerm = fixed
        }
        guard assignment.generation > generation || term > self.term else { return }
        generation = assignment.generation
        self.term = term
        nodes = assignment.nodes
        heard = Array(repeating: now, count: nodes.count)
        positions = Array(repeating: -1, count: nodes.count)
        phase = .gathering
        committed = -1
        nextResend = now + settings.resendInterval
    }

    /// The reporter's place, or nil if it is to be refused.
    private mutating func index(_ node: NodeID, _ generation: Int64, now: Instant) -> Int? {
        guard generation == self.generation, let index = nodes.firstIndex(of: node) else {
            refused += 1
            return nil
        }
        heard[index] = now
        return index
    }

    private mutating func reported(_ index: Int, _ epoch: Int64, into effects: inout [Effect]) {
        switch phase {
        case .gathering:
            positions[index] = epoch
            if epoch > recorded {
                restart(into: &effects)
            } else if epoch < recorded {
                // It restored before the last record was readable.
                effects.append(begin(recorded, to: [nodes[index]]))
            }
        case .running:
            positions[index] = max(positions[index], epoch)
        case .idle:
            // The commit was lost on its way to it.
            if epoch <= committed {
                effects.append(.commit(epoch: committed, generation: generation, to: [nodes[index]]))
            }
        }
    }

    private func begin(_ epoch: Int64, to nodes: [NodeID]) -> Effect {
        .begin(
            epoch: epoch, fixed: epoch == recorded ? recordedTerm : term, committed: committed, generation: generation,
            to: nodes)
    }

    private mutating func restart(into effects: inout [Effect]) {
        phase = .idle
        nodes = []
        effects.append(.restart(generation: generation))
    }

    private mutating func advance(now: Instant, into effects: inout [Effect]) {
        if phase == .gathering, positions.allSatisfy({ $0 == recorded }) {
            // All have replayed what is recorded: it may be seen.
            committed = recorded
            phase = .idle
            effects.append(.commit(epoch: committed, generation: generation, to: nodes))
        }
        if case .running(let epoch) = phase, recorded >= epoch, positions.allSatisfy({ $0 >= epoch }) {
            committed = epoch
            phase = .idle
            effects.append(.commit(epoch: epoch, generation: generation, to: nodes))
        }
        if phase == .idle, wantsEpoch, !nodes.isEmpty {
            wantsEpoch = false
            let epoch = recorded + 1
            phase = .running(epoch: epoch)
            heard = Array(repeating: now, count: nodes.count)
            nextResend = now + settings.resendInterval
            effects.append(begin(epoch, to: nodes))
        }
    }

    private mutating func tick(now: Instant, into effects: inout [Effect]) {
        guard isWaiting, now >= nextResend else { return }
        nextResend = now + settings.resendInterval
        let missing: [Int]
        if case .running(let epoch) = phase {
            missing = nodes.indices.filter { positions[$0] < epoch }
            effects.append(begin(epoch, to: missing.map { nodes[$0] }))
        } else {
            missing = nodes.indices.filter { positions[$0] < recorded }
            let behind = missing.filter { positions[$0] >= 0 }.map { nodes[$0] }
            if !behind.isEmpty { effects.append(begin(recorded, to: behind)) }
        }
        let overdue = missing.filter { now - heard[$0] >= settings.reportTimeout }
        if !overdue.isEmpty { effects.append(.unreported(overdue.map { nodes[$0] })) }
    }
}

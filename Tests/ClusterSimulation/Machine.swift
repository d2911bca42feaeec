internal import Cluster
internal import Coordination

/// What can happen next.
enum SimulationEvent {
    case boot(Int)
    case timer(Int, at: Int64)
    case read(Int, boot: Int)
    indirect case append(Pending)
    indirect case gossip(MembershipMessage, from: Int, to: Int, life: NodeID)
    indirect case command(DriverCall, to: Int)
    case answer(Int, boot: Int, call: Int, isDone: Bool)
    indirect case frame(Int64, from: Int, sender: NodeID, to: Int, life: NodeID)
    case undeliverable(Int, boot: Int, sequence: UInt32)
    case closed(Int, NodeName)
    /// The workers are done with what a call told them.
    indirect case processed(Int, boot: Int, DriverCall)
    case drive(Int, boot: Int, generation: Int64, DriveStep)
    case traffic
    case fault(Int, isStart: Bool)

    /// The machine that has to run for it, if one has.
    var machine: Int? {
        switch self {
        case .read(let machine, _), .undeliverable(let machine, _, _), .closed(let machine, _),
            .answer(let machine, _, _, _), .processed(let machine, _, _), .drive(let machine, _, _, _),
            .timer(let machine, _):
            machine
        case .gossip(_, _, let machine, _), .command(_, let machine), .frame(_, _, _, let machine, _): machine
        case .boot, .append, .traffic, .fault: nil
        }
    }

    /// For the trace's hash.
    var number: Int64 {
        switch self {
        case .boot: 1
        case .timer: 2
        case .read: 3
        case .append: 4
        case .gossip: 5
        case .command: 6
        case .frame: 7
        case .undeliverable: 8
        case .closed: 9
        case .answer: 10
        case .processed: 11
        case .traffic: 12
        case .fault: 13
        case .drive: 14
        }
    }
}

/// An append on its way to the log.
enum Pending {
    case control(ControlRecord)
    case unknownKind
    case sign(Int64)
    /// No append, but it goes the same way.
    case trim(below: Int64)
    /// By the driver of that many; of which machine's boot.
    indirect case epoch(epoch: Int64, writer: Int64, generation: Int64, by: Int, boot: Int)
}

/// A running process' fold and node, and what is asked of them most: a reference, so that asking copies nothing.
final class Core {
    private(set) var state = ControlState()
    private(set) var node: ClusterNode
    private(set) var own: NodeID?
    private(set) var isCoordinator = false
    private(set) var gate = GenerationGate()
    private(set) var deadline = Instant.never

    init(_ node: ClusterNode) {
        self.node = node
        deadline = node.deadline
    }

    func handle(_ event: ClusterNode.Event, now: Instant, using random: inout SeededRandom) -> [ClusterNode.Effect] {
        let effects = node.handle(event, fold: state, now: now, using: &random)
        own = node.own
        isCoordinator = own != nil && state.cluster.lead == own
        gate = node.gate
        deadline = node.deadline
        return effects
    }

    /// Folds a record, as the shell does when it reads one.
    func fold(
        _ entry: ControlEntry, offset: Int64, appendTime: Int64, now: Instant, using random: inout SeededRandom
    ) -> ControlState.Verdict {
        let verdict = state.apply(entry, offset: offset, appendTime: appendTime)
        if verdict == .accepted, case .record(.cluster(let record)) = entry {
            _ = handle(.accepted(record), now: now, using: &random)
        }
        return verdict
    }
}

/// One machine with the process that runs on it, if any. A reference, so that looking at a part copies nothing else.
final class Machine {
    let index: Int
    let name: NodeName
    let description: NodeDescription
    /// The local clock: `offset` + time · (1 + `rate` / 1 000 000).
    let offset: Int64
    let rate: Int64

    var core: Core?
    var random = SeededRandom(0)
    /// Counts processes; what was meant for an earlier one is dropped.
    var boot = 0
    var pauses = 0
    var logCuts = 0
    /// Whatever arrives while the process is paused.
    var waiting: [SimulationEvent] = []
    var timerAt = Int64.max
    var readAt = Int64.max

    // What the process has read.
    var controlOffset = 0
    var signs = 0

    // What its workers hold.
    /// The generation that the process takes part in, and of what it knows as committed in it.
    var part: (generation: Int64, committed: Int64) = (0, -1)
    var position: (generation: Int64, epoch: Int64, frontier: Int64) = (0, 0, 0)
    var served: Int64 = 0
    /// What it commands, if it drives the generation.
    var drive: Drive?
    var calls = 0
    /// When its membership last showed all healthy nodes alive, in the last seconds of a run.
    var agreedAt: Int64 = 0
    /// Until when something was wrong with the machine.
    var impairedUntil: Int64 = 0
    var lastAppends: [ClusterRecord] = []
    var isLeaving = false
    /// A mutant's process that has stopped to read the control log.
    var ignoresLog = false

    init(index: Int, name: NodeName, description: NodeDescription, offset: Int64, rate: Int64) {
        self.index = index
        self.name = name
        self.description = description
        self.offset = offset
        self.rate = rate
    }

    /// Late messages beyond this are lost, as a socket's buffer would lose them.
    static let waitingMax = 400

    var isUp: Bool { core != nil }
    var isPaused: Bool { pauses > 0 }

    func local(_ time: Int64) -> Instant {
        Instant(microseconds: offset + time + time * rate / 1_000_000)
    }

    /// The first time at which the local clock shows at least `instant`.
    func time(of instant: Instant) -> Int64 {
        guard instant < .never else { return .max }
        return (instant.microseconds - offset) * 1_000_000 / (1_000_000 + rate) + 2
    }
}

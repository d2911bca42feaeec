internal import Cluster
internal import Coordination

/// What went wrong: the invariant of docs and RELIABILITY, and where.
package struct Violation: Sendable, Equatable, CustomStringConvertible {
    package var invariant: String
    package var message: String
    /// Microseconds.
    package var time: Int64

    package var description: String { "\(invariant) at \(time / 1_000) ms: \(message)" }
}

/// The outcome of one seed.
package struct Outcome: Sendable {
    package var violation: Violation?
    package var coverage: Coverage
    package var traceHash: UInt64
    /// The control log and what happened, when asked for.
    package var trace: [String]
}

/// A whole cluster on a virtual clock, network and log: one thread, no task, everything drawn from the seed.
///
/// Each machine's process is a ``ClusterNode``, the value that a real node's shell interprets; the world interprets its
/// effects over links and a log that misbehave as the plan says, and looks at every invariant at every step. Of a
/// generation's work there is a model (``Drive``): the driver's calls in the order of the real one's, and what they leave behind.
package struct World {
    var plan: Plan
    let mutant: Mutant?
    let keepsTrace: Bool
    var queue: EventQueue
    var now: Int64 = 0
    var machines: [Machine] = []
    /// Directed links that are cut, counted; `from · n + to`.
    var cuts: [Int]
    var linkCounts: [UInt64]
    var extraLoss = 0
    var extraDelay: Int64 = 0
    var logSlow = 0
    var logSlowUntil: Int64 = -10_000_000
    var logFaults = 0
    var logFaultsUntil: Int64 = -10_000_000
    var logRandom: SeededRandom
    var trafficRandom: SeededRandom

    // The logs.
    var control: [(entry: ControlEntry, time: Int64)] = []
    /// Records below were trimmed.
    var trimmed = 0
    var signs: [Int64] = []
    /// The epochs' topic: a record each, by the driver that was the writer then; its number stands for the frontier.
    var ledger: [(epoch: Int64, writer: Int64)] = []
    /// The newest writer of the epochs' topic: earlier ones are fenced.
    var epochWriter: Int64 = 0
    var folded = ControlState()
    var reference = ReferenceFold()
    /// By offset: whether it counts, and the fold's hash behind it.
    var verdicts: [Bool] = []
    var hashes: [UInt64] = []
    /// By generation − 1.
    var assignments: [(assignment: Assignment, readable: Int64)] = []
    /// By generation, whose assignment it was.
    var drivers: [Int64: Incarnation] = [:]
    /// The newest epoch that a life has processed in a generation, with its frontier.
    var progress: [Int64: [NodeID: (epoch: Int64, frontier: Int64)]] = [:]
    var tasks = ["a", "b", "c"]

    var violation: Violation?
    var coverage = Coverage()
    var traceHash = StateHash(1)
    var trace: [String] = []

    // For the invariants.
    var leadsOfTerms: [Int64: Incarnation] = [:]
    var acceptedNonces: Set<String> = []
    var lastSignOfLead: Int64 = 0 {
        didSet {
            if signsOfLead.count >= 32 { signsOfLead.removeFirst(16) }
            signsOfLead.append(lastSignOfLead)
        }
    }
    /// The newest of them.
    var signsOfLead: [Int64] = []
    var killedAt: [Int: Int64] = [:]
    var isLiveness = false
    var servedBeforeEnd: [Int64] = []

    package init(_ plan: Plan, mutant: Mutant? = nil, keepsTrace: Bool = false) {
        self.plan = plan
        self.mutant = mutant
        self.keepsTrace = keepsTrace
        queue = EventQueue(seed: plan.seed)
        cuts = Array(repeating: 0, count: plan.nodes * plan.nodes)
        linkCounts = Array(repeating: 0, count: plan.nodes * plan.nodes)
        logRandom = .stream(plan.seed, 2)
        trafficRandom = .stream(plan.seed, 3)
        var random = SeededRandom.stream(plan.seed, 4)
        let zones = 1 + random.below(3)
        for index in 0..<plan.nodes {
            let text = index < 10 ? "n0\(index)" : "n\(index)"
            guard let name = NodeName(text) else { preconditionFailure("\(text) is a name") }
            let description = NodeDescription(
                cluster: Endpoint(host: "10.0.0.1", port: 7_000 + index), workers: 1 + random.below(4),
                zone: "z\(index % zones)")
            machines.append(
                Machine(
                    index: index, name: name, description: description,
                    offset: 1 + random.below(86_400_000_000 as Int64),
                    rate: plan.skew == 0 ? 0 : random.below(plan.skew * 2 + 1) - plan.skew))
            queue.push(.boot(index), at: random.below(random.chance(700) ? 300_000 : 8_000_000 as Int64))
        }
        for index in plan.faults.indices {
            let fault = plan.faults[index]
            queue.push(.fault(index, isStart: true), at: fault.at)
            queue.push(.fault(index, isStart: false), at: min(plan.safety, fault.at + fault.duration))
        }
        queue.push(.traffic, at: 500_000)
        queue.push(.append(.control(.cluster(.found(ClusterRecord.Found(id: "simulated"))))), at: 1)
    }

    /// Runs the seed to its end or its first violation.
    package mutating func run() -> Outcome {
        while violation == nil, let (time, event) = queue.pop() {
            if !isLiveness, time >= plan.safety {
                now = plan.safety
                beginLiveness()
            }
            if time > plan.safety + plan.liveness { break }
            now = time
            coverage.events += 1
            step(event)
        }
        if violation == nil { checkLiveness() }
        coverage.seeds = 1
        coverage.virtualSeconds = Int(now / 1_000_000)
        traceHash.mix(Int64(control.count))
        return Outcome(
            violation: violation, coverage: coverage, traceHash: traceHash.value, trace: trace)
    }

    mutating func fail(_ invariant: String, _ message: String) {
        guard violation == nil else { return }
        violation = Violation(invariant: invariant, message: message, time: now)
    }

    mutating func note(_ text: String) {
        if keepsTrace { trace.append("\(now / 1_000) ms: \(text)") }
    }

    mutating func occurred(_ state: RareState) { coverage.rare[state.rawValue] += 1 }

    // MARK: Steps

    private mutating func step(_ event: SimulationEvent) {
        traceHash.mix(now << 4 ^ event.number)
        if let index = event.machine {
            if case .timer(_, let at) = event {
                guard machines[index].timerAt == at else { return }
            }
            guard machines[index].isUp else { return }
            if machines[index].isPaused {
                if case .timer = event { machines[index].timerAt = .max }
                if machines[index].waiting.count < Machine.waitingMax { machines[index].waiting.append(event) }
                return
            }
        }
        perform(event)
    }

    private mutating func perform(_ event: SimulationEvent) {
        switch event {
        case .boot(let index): boot(index)
        case .timer(let index, _):
            machines[index].timerAt = .max
            guard let deadline = machines[index].core?.deadline else { return }
            if deadline <= machines[index].local(now) { feed(index, .tick) }
            schedule(index)
        case .read(let index, let boot):
            guard machines[index].boot == boot else { return }
            read(index)
        case .append(let pending): append(pending)
        case .gossip(let message, let from, let to, let life):
            // A message for an earlier life of the name reaches the process all the same.
            if machines[to].core?.own != life { occurred(.messageToEarlierLife) }
            _ = from
            feed(to, .membership(message))
        case .command(let call, let to): serve(call, at: to)
        case .answer(let index, let boot, let call, let isDone):
            if machines[index].boot == boot { answered(index, call, isDone: isDone) }
        case .frame(let generation, _, let sender, let to, let life):
            receiveFrame(generation, sender: sender, to: to, life: life)
        case .undeliverable(let index, let boot, let sequence):
            if machines[index].boot == boot { feed(index, .undeliverable(sequence: sequence)) }
        case .closed(let index, let name): feed(index, .closed(name))
        case .processed(let index, let boot, let call):
            if machines[index].boot == boot { processed(index, call) }
        case .drive(let index, let boot, let generation, let step):
            if machines[index].boot == boot, machines[index].drive?.generation == generation { drive(index, step) }
        case .traffic: traffic()
        case .fault(let index, let isStart):
            if !isLiveness { apply(plan.faults[index], isStart: isStart) }
        }
    }

    // MARK: Processes

    mutating func boot(_ index: Int) {
        guard !machines[index].isUp else { return }
        machines[index].boot += 1
        machines[index].random = .stream(plan.seed, 5, UInt64(index), UInt64(machines[index].boot))
        machines[index].core = Core(
            ClusterNode(
                name: machines[index].name, directory: "d\(index)",
                description: machines[index].description, settings: settings, now: machines[index].local(now)))
        machines[index].timerAt = .max
        machines[index].readAt = .max
        machines[index].controlOffset = trimmed
        machines[index].signs = signs.count
        machines[index].part = (0, -1)
        machines[index].drive = nil
        machines[index].position = (0, 0, 0)
        machines[index].served = 0
        machines[index].waiting = []
        machines[index].lastAppends = []
        machines[index].isLeaving = false
        machines[index].ignoresLog = false
        impair(index, until: now)
        note("\(machines[index].name) starts")
        feed(index, .tasks(tasks))
        wake(index, in: 2_000 + machines[index].random.below(20_000 as Int64))
    }

    mutating func kill(_ index: Int) {
        guard machines[index].isUp else { return }
        note("\(machines[index].name) is killed")
        machines[index].core = nil
        machines[index].drive = nil
        machines[index].waiting = []
        machines[index].boot += 1
        for other in machines.indices where other != index && machines[other].isUp {
            guard cuts[index * plan.nodes + other] == 0 else { continue }
            queue.push(.closed(other, machines[index].name), at: now + 200 + trafficRandom.below(2_000 as Int64))
        }
        if !machines.contains(where: \.isUp) { occurred(.allDownAtOnce) }
    }

    mutating func impair(_ index: Int, until: Int64) {
        machines[index].impairedUntil = max(machines[index].impairedUntil, until)
    }

    /// Hands the event to the process and carries out what it wants.
    mutating func feed(_ index: Int, _ event: ClusterNode.Event) {
        let local = machines[index].local(now)
        let machine = machines[index]
        guard let effects = machine.core?.handle(event, now: local, using: &machine.random) else { return }
        for effect in effects {
            interpret(index, effect)
            if violation != nil { return }
        }
        schedule(index)
    }

    /// One timer per process, for the earliest deadline.
    private mutating func schedule(_ index: Int) {
        let machine = machines[index]
        guard let deadline = machine.core?.deadline else { return }
        let due = max(now + 1, machines[index].time(of: deadline))
        guard due < machines[index].timerAt else { return }
        machines[index].timerAt = due
        queue.push(.timer(index, at: due), at: due)
    }

    // MARK: Network

    /// Microseconds until the message arrives, or nil if it is lost.
    mutating func transit(_ from: Int, _ to: Int) -> Int64? {
        let link = from * plan.nodes + to
        linkCounts[link] &+= 1
        let draw = SeededRandom.mixed(plan.seed ^ UInt64(link) << 40 ^ linkCounts[link])
        guard cuts[link] == 0, draw % 1_000 >= UInt64(plan.lossPerMille + extraLoss) else {
            coverage.messagesLost += 1
            return nil
        }
        return 100 + Int64(draw >> 20 & 0xffff_ffff) % (plan.delayMost + extraDelay)
    }

    mutating func isDoubled(_ from: Int, _ to: Int) -> Bool {
        guard plan.doublePerMille > 0 else { return false }
        let draw = SeededRandom.mixed(linkCounts[from * plan.nodes + to] ^ plan.seed &* 31)
        guard draw % 1_000 < UInt64(plan.doublePerMille) else { return false }
        coverage.messagesDoubled += 1
        return true
    }

    mutating func deliver(_ event: SimulationEvent, _ from: Int, _ to: Int) {
        if let delay = transit(from, to) { queue.push(event, at: now + delay) }
        if isDoubled(from, to), let delay = transit(from, to) {
            // A late copy.
            queue.push(event, at: now + delay * 20)
        }
    }

    /// Names end with their machine's index.
    func machine(named name: NodeName) -> Int? {
        var index = 0
        for digit in name.text.utf8.dropFirst() { index = index * 10 + Int(digit) - 48 }
        return index
    }
}

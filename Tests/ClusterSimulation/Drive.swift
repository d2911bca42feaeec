internal import Cluster
internal import Coordination

/// What the node that drives a generation commands, step by step, and whom it waits for.
///
/// ```
/// beginning ──all take part──► opening ──writer──► running(what is recorded) ──all done──► idle ──input──► running(e + 1)
/// ```
/// A call that fails ends it, but for `begin`, which is made again until its limit.
struct Drive {
    enum Phase: Equatable {
        case beginning
        /// Becoming the writer of the epochs' topic, which fences the drivers before.
        case opening
        case running(epoch: Int64)
        case idle
    }

    let generation: Int64
    let own: NodeID
    /// The others that take part.
    let nodes: [NodeID]
    var phase = Phase.beginning
    var writer: Int64 = 0
    var committed: Int64 = -1
    /// Who has not answered yet.
    var pending: Set<NodeID>
    var isRecorded = false
    /// Calls without an answer, by number.
    var calls: [Int: DriverCall] = [:]
    var beginUntil: Int64

    /// Microseconds.
    static let beginLimit: Int64 = 15_000_000
    static let beginPause: Int64 = 200_000
    /// A connection that is cut is given up after this.
    static let callTimeout: Int64 = 3_000_000
    static let appendTimeout: Int64 = 1_500_000
}

/// One call of a driver to a node of its generation.
struct DriverCall {
    enum Command: Equatable {
        case begin
        /// One step up to an epoch, with the frontier that the writer of that number has fixed.
        case run(epoch: Int64, frontier: Int64)
        case notice(epoch: Int64)
    }

    var number: Int
    var command: Command
    var generation: Int64
    var from: Int
    var boot: Int
    var sender: NodeID
    var node: NodeID
}

enum DriveStep {
    case input
    case begin(NodeID)
    case opened
    case recorded(Int64)
    case fenced
    /// The epoch's record was appended, and nobody has said what came of it.
    case append(Int64)
}

extension World {
    // MARK: Taking part

    mutating func adopted(_ index: Int, _ assignment: Assignment, driver: NodeID?) {
        var assignment = assignment
        if mutant == .misreadAssignment, index % 2 == 1 { assignment.owners.append(assignment.owners.removeFirst()) }
        guard assignments.count >= assignment.generation else {
            return fail(
                "C3", "\(machines[index].name) adopts generation \(assignment.generation), which is not in the log")
        }
        var known = assignments[Int(assignment.generation) - 1].assignment
        // Its tasks may have been placed anew meanwhile.
        known.tasks = assignment.tasks
        if assignment != known { fail("C2", "\(machines[index].name) has another generation \(assignment.generation)") }
        rest(index)
        guard let own = machines[index].core?.own, assignment.contains(own) else { return }
        machines[index].part = (assignment.generation, -1)
        machines[index].position = (assignment.generation, -1, 0)
        guard driver == own else { return }
        let others = assignment.nodes.filter { $0 != own }
        machines[index].drive = Drive(
            generation: assignment.generation, own: own, nodes: others, pending: Set(others),
            beginUntil: now + Drive.beginLimit)
        for node in others { call(index, node, .begin) }
        advance(index)
    }

    /// What belongs to earlier generations stops.
    mutating func rest(_ index: Int) {
        machines[index].part = (0, -1)
        machines[index].position = (0, 0, 0)
        machines[index].drive = nil
    }

    /// A call of the driver has arrived.
    mutating func serve(_ call: DriverCall, at index: Int) {
        guard let core = machines[index].core, core.own == call.node else {
            return answer(call, at: index, isDone: false)
        }
        switch core.gate.judge(call.generation, commandOf: call.sender) {
        case .refused:
            occurred(.staleCommandRefused)
            return answer(call, at: index, isDone: false)
        case .ahead:
            occurred(.commandAhead)
            wake(index, in: 1_000)
            return answer(call, at: index, isDone: false)
        case .accepted: break
        }
        checkCommand(index, call)
        guard violation == nil else { return }
        guard machines[index].part.generation == call.generation else { return answer(call, at: index, isDone: false) }
        switch call.command {
        case .begin: answer(call, at: index, isDone: true)
        case .run: work(index, call)
        case .notice(let epoch):
            if epoch > machines[index].part.committed { serve(index, epoch, call.generation) }
            answer(call, at: index, isDone: true)
        }
    }

    private mutating func work(_ index: Int, _ call: DriverCall) {
        let isRestore = machines[index].position.epoch < 0
        let most: Int64 = isRestore ? 400_000 : 20_000
        let time = (isRestore ? 20_000 : 500) + machines[index].random.below(most)
        queue.push(.processed(index, boot: machines[index].boot, call), at: now + time)
        sendFrames(index, call.generation)
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

    mutating func processed(_ index: Int, _ call: DriverCall) {
        guard machines[index].part.generation == call.generation, case .run(let epoch, let frontier) = call.command,
            let own = machines[index].core?.own
        else { return answer(call, at: index, isDone: false) }
        if call.generation < machines[index].core?.state.cluster.generation ?? 0 {
            fail("C3", "\(own) processes epoch \(epoch) of generation \(call.generation)")
        }
        machines[index].position = (call.generation, epoch, frontier)
        progress[call.generation, default: [:]][own] = (epoch, frontier)
        answer(call, at: index, isDone: true)
    }

    // MARK: Calls

    private mutating func call(_ index: Int, _ node: NodeID, _ command: DriverCall.Command) {
        guard let sender = machines[index].core?.own, let generation = machines[index].drive?.generation,
            let to = machine(named: node.name)
        else { return }
        machines[index].calls += 1
        let call = DriverCall(
            number: machines[index].calls, command: command, generation: generation, from: index,
            boot: machines[index].boot, sender: sender, node: node)
        machines[index].drive?.calls[call.number] = call
        if keepsTrace { note("\(sender) calls \(node): \(command) of \(generation)") }
        if mutant == .commitWithoutReports, case .run = command { machines[index].drive?.pending.remove(node) }
        if node == sender {
            queue.push(.command(call, to: index), at: now + 10)
        } else if !machines[to].isUp, cuts[index * plan.nodes + to] == 0 {
            fail(call, in: 300)
        } else if let delay = reliableTransit(index, to) {
            queue.push(.command(call, to: to), at: now + delay)
        } else {
            fail(call, in: Drive.callTimeout)
        }
    }

    private mutating func answer(_ call: DriverCall, at index: Int, isDone: Bool) {
        let event = SimulationEvent.answer(call.from, boot: call.boot, call: call.number, isDone: isDone)
        if index == call.from {
            queue.push(event, at: now + 10)
        } else if let delay = reliableTransit(index, call.from) {
            queue.push(event, at: now + delay)
        } else {
            fail(call, in: Drive.callTimeout)
        }
    }

    private mutating func fail(_ call: DriverCall, in delay: Int64) {
        queue.push(.answer(call.from, boot: call.boot, call: call.number, isDone: false), at: now + delay)
    }

    /// As a connection carries it: what is lost is sent again; nil over a link that is cut.
    private mutating func reliableTransit(_ from: Int, _ to: Int) -> Int64? {
        guard cuts[from * plan.nodes + to] == 0, cuts[to * plan.nodes + from] == 0 else { return nil }
        var repeats: Int64 = 0
        while repeats < 6 {
            if let delay = transit(from, to) { return delay + repeats * 200_000 }
            repeats += 1
        }
        return nil
    }

    mutating func answered(_ index: Int, _ number: Int, isDone: Bool) {
        guard let call = machines[index].drive?.calls.removeValue(forKey: number),
            call.generation == machines[index].drive?.generation
        else { return }
        switch call.command {
        case .notice: return
        case .begin:
            if !isDone {
                let limit = machines[index].drive?.beginUntil ?? 0
                guard now < limit else {
                    feed(index, .unreported(call.node))
                    return giveUp(index)
                }
                let step = SimulationEvent.drive(
                    index, boot: machines[index].boot, generation: call.generation, .begin(call.node))
                return queue.push(step, at: now + machines[index].random.below(Drive.beginPause))
            }
        case .run:
            if !isDone { return giveUp(index) }
        }
        machines[index].drive?.pending.remove(call.node)
        advance(index)
    }

    /// The generation cannot go on.
    private mutating func giveUp(_ index: Int) {
        guard let generation = machines[index].drive?.generation else { return }
        machines[index].drive = nil
        feed(index, .broke(generation: generation, reason: "asked"))
    }

    // MARK: Driving

    mutating func drive(_ index: Int, _ step: DriveStep) {
        guard let drive = machines[index].drive else { return }
        switch step {
        case .input:
            guard drive.phase == .idle else { return }
            run(index, epoch: drive.committed + 1, frontier: drive.writer, isRecorded: false)
        case .begin(let node): call(index, node, .begin)
        case .opened:
            guard drive.phase == .opening else { return }
            guard machines[index].logCuts == 0 else { return open(index) }
            epochWriter += 1
            machines[index].drive?.writer = epochWriter
            if let last = ledger.last, last.writer != epochWriter { occurred(.epochOfEarlierTermAdopted) }
            run(index, epoch: Int64(ledger.count), frontier: ledger.last?.writer ?? 0, isRecorded: true)
        case .recorded(let epoch):
            guard drive.phase == .running(epoch: epoch) else { return }
            machines[index].drive?.isRecorded = true
            advance(index)
        case .fenced: giveUp(index)
        case .append(let epoch):
            if drive.phase == .running(epoch: epoch), !drive.isRecorded { record(index, epoch) }
        }
    }

    private mutating func open(_ index: Int) {
        machines[index].drive?.phase = .opening
        step(index, .opened, in: 500 + logRandom.below(plan.logDelayMost))
    }

    private mutating func step(_ index: Int, _ step: DriveStep, in delay: Int64) {
        guard let generation = machines[index].drive?.generation else { return }
        queue.push(
            .drive(index, boot: machines[index].boot, generation: generation, step), at: now + delay)
    }

    /// Has all nodes run a step up to an epoch, and its record appended, if it has none.
    private mutating func run(_ index: Int, epoch: Int64, frontier: Int64, isRecorded: Bool) {
        guard let drive = machines[index].drive else { return }
        machines[index].drive?.phase = .running(epoch: epoch)
        machines[index].drive?.isRecorded = isRecorded || mutant == .acknowledgeBeforeFold
        machines[index].drive?.pending = Set(drive.nodes + [drive.own])
        if !isRecorded { record(index, epoch) }
        for node in drive.nodes + [drive.own] { call(index, node, .run(epoch: epoch, frontier: frontier)) }
    }

    private mutating func record(_ index: Int, _ epoch: Int64) {
        guard let drive = machines[index].drive else { return }
        let boot = machines[index].boot
        sendToLog(
            .epoch(epoch: epoch, writer: drive.writer, generation: drive.generation, by: index, boot: boot), by: index)
        step(index, .append(epoch), in: Drive.appendTimeout)
    }

    /// When all have answered, and what they have done is recorded, it goes on.
    private mutating func advance(_ index: Int) {
        guard let drive = machines[index].drive, drive.pending.isEmpty else { return }
        switch drive.phase {
        case .beginning: open(index)
        case .opening, .idle: break
        case .running(let epoch):
            guard drive.isRecorded else { return }
            machines[index].drive?.phase = .idle
            machines[index].drive?.committed = epoch
            serve(index, epoch, drive.generation)
            for node in drive.nodes { call(index, node, .notice(epoch: epoch)) }
        }
    }
}

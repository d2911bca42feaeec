import Dataflow

/// Several workers in one thread: a seed decides batch boundaries, which worker reads what, and the order in which messages arrive.
final class Cluster {
    let workers: [Worker]
    private(set) var rng: EngineRandom
    private var outlets: [Outlets]
    private var sourceTypes: [OperatorID: [DataType]] = [:]
    /// Rows of a source go to the worker that this key chooses, in order; nil spreads them.
    private var orderedBy: [OperatorID: [Int]] = [:]
    /// How many batches each worker's views had before the last epoch.
    private var marks: [[String: Int]] = []

    /// What one worker put out.
    final class Outlets: OutletProvider {
        var views: [String: [Delta]] = [:]
        var errors: [Delta] = []

        final class Collector: Outlet {
            private let take: (Delta) -> Void
            init(_ take: @escaping (Delta) -> Void) { self.take = take }
            func consume(_ delta: Delta) { take(delta) }
        }

        func outlet(view: OperatorKind.View, types: [DataType]) -> any Outlet {
            Collector { [unowned self] in views[view.name, default: []].append($0) }
        }
        func outlet(sink: OperatorKind.Sink, types: [DataType]) -> any Outlet {
            Collector { [unowned self] in views[sink.name, default: []].append($0) }
        }
        func errorOutlet(owner: String) -> any Outlet { Collector { [unowned self] in errors.append($0) } }
    }

    init(workers: Int, seed: UInt64) {
        rng = EngineRandom(seed: seed)
        self.workers = (0..<workers).map { Worker(index: $0, workerCount: workers) }
        outlets = (0..<workers).map { _ in Outlets() }
    }

    func install(_ nodes: [GraphNode], orderedBy: [OperatorID: [Int]] = [:]) throws {
        self.orderedBy.merge(orderedBy) { $1 }
        for node in nodes {
            if case .source = node.kind { sourceTypes[node.id] = node.types }
        }
        for (worker, outlets) in zip(workers, outlets) { try worker.install(nodes, outlets: outlets) }
    }

    /// Runs one epoch over weighted rows per source; `seed` feeds rows of an output into new consumers first, on each worker.
    func run(
        _ input: [OperatorID: [(row: Row, weight: Int64)]], watermarks: [String: Int64] = [:], clock: Int64? = nil,
        seeding: (Int, Worker) -> Void = { _, _ in }
    ) {
        var pending = workers.map { _ in [(OperatorID, Delta)]() }
        for (source, rows) in input.sorted(by: { $0.key < $1.key }) {
            var shares = [[(row: Row, weight: Int64)]](repeating: [], count: workers.count)
            for entry in rows {
                if let key = orderedBy[source] {
                    shares[Values.key(key.map { entry.row[$0] }).utf8.reduce(0) { $0 + Int($1) } % workers.count]
                        .append(entry)
                } else {
                    shares[rng.below(workers.count)].append(entry)
                }
            }
            for (index, share) in shares.enumerated() {
                var rest = share[...]
                while !rest.isEmpty {
                    let part = rest.prefix(1 + rng.below(12))
                    rest = rest.dropFirst(part.count)
                    let weights = part.contains { $0.weight != 1 } || rng.chance(30) ? part.map(\.weight) : nil
                    pending[index].append(
                        (source, Values.delta(part.map(\.row), sourceTypes[source] ?? [], weights: weights)))
                }
            }
        }
        marks = outlets.map { $0.views.mapValues(\.count) }
        for worker in workers { worker.beginEpoch(watermarks: watermarks, clock: clock) }
        for (index, worker) in workers.enumerated() { seeding(index, worker) }
        exchange(&pending)
    }

    private func exchange(_ pending: inout [[(OperatorID, Delta)]]) {
        let count = workers.count
        var queues = [[ExchangeMessage]](repeating: [], count: count * count)
        var finished = [Bool](repeating: false, count: count)
        while !workers.allSatisfy(\.isEpochComplete) {
            let index = rng.below(count)
            let senders = (0..<count).filter { !queues[$0 * count + index].isEmpty }
            if !senders.isEmpty, rng.chance(50) || finished[index] {
                let sender = rng.pick(senders)
                workers[index].receive(queues[sender * count + index].removeFirst(), from: sender)
            } else if let (source, delta) = pending[index].first {
                pending[index].removeFirst()
                workers[index].push(delta, source: source)
            } else if !finished[index] {
                finished[index] = true
                workers[index].finishSources()
            } else {
                continue
            }
            for outbound in workers[index].takeOutbox() {
                precondition(outbound.target != index, "a message of a worker to itself")
                queues[index * count + outbound.target].append(outbound.message)
            }
        }
        precondition(queues.allSatisfy(\.isEmpty), "the epoch ended with messages in flight")
    }

    /// What a view has got on one worker so far.
    func deltas(_ view: String, worker: Int) -> [Delta] { outlets[worker].views[view] ?? [] }

    /// All rows that a view or sink has got so far.
    func rows(_ view: String) -> Bag {
        var bag = Bag()
        for outlets in outlets { bag.add(outlets.views[view] ?? []) }
        return bag
    }

    /// The batches that a view has got in the last epoch.
    func lastBatches(_ view: String) -> [Delta] {
        zip(outlets, marks).flatMap { outlets, marks in (outlets.views[view] ?? []).dropFirst(marks[view] ?? 0) }
    }

    var errors: Bag {
        var bag = Bag()
        for outlets in outlets { bag.add(outlets.errors) }
        return bag
    }

    var stateEntries: Int { workers.reduce(0) { $0 + $1.statistics().reduce(0) { $0 + $1.stateEntries } } }
}

/// A table's rows that come, go and come back: each epoch's changes, also pairs that cancel, in random order.
struct Changes {
    let types: [DataType]
    let isAppendOnly: Bool
    private(set) var current = Bag()
    private var rng: EngineRandom

    init(_ types: [DataType], isAppendOnly: Bool, seed: UInt64) {
        self.types = types
        self.isAppendOnly = isAppendOnly
        rng = EngineRandom(seed: seed)
    }

    mutating func epoch(_ size: Int) -> [(row: Row, weight: Int64)] {
        var changes: [(row: Row, weight: Int64)] = []
        let old = current.entries.sorted { $0.key < $1.key }.map(\.value)
        for _ in 0..<rng.below(size + 1) {
            let row = types.map { Values.random($0, using: &rng) }
            let weight: Int64 = rng.chance(85) ? 1 : Int64(1 + rng.below(3))
            changes.append((row, weight))
            current.add(row, weight)
            if !isAppendOnly, rng.chance(15) {
                // Something that comes and goes within the epoch.
                let passing = types.map { Values.random($0, using: &rng) }
                changes.append((passing, 1))
                changes.append((passing, -1))
            }
        }
        if !isAppendOnly {
            // Now and then everything goes.
            let everything = rng.chance(10)
            for entry in old where everything || rng.chance(25) {
                let weight = everything || rng.chance(60) ? entry.weight : Int64(1 + rng.below(Int(entry.weight)))
                changes.append((entry.row, -weight))
                current.add(entry.row, -weight)
            }
        }
        changes.shuffle(using: &rng)
        return changes
    }
}

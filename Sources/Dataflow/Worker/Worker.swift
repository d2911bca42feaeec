/// One worker's instance of the dataflow graph: all operators, for the vnodes that it owns. Synchronous and single-threaded.
///
/// An epoch: ``beginEpoch(watermarks:)``, any number of ``push(_:source:)`` and ``receive(_:from:)`` in any order,
/// ``finishSources()`` once, further messages until ``isEpochComplete``. After each call the outbox holds what other workers must
/// get, in order. An operator flushes when all its inputs have: its own side's, and of an exchange those of all other workers.
package final class Worker {
    package let index: Int
    package let workerCount: Int
    /// The worker that owns each vnode.
    private let owners: [Int32]
    private var nodes: [OperatorID: Node] = [:]
    /// In topological order.
    private var order: [OperatorID] = []
    /// Consumers of each output, also of outputs that live elsewhere.
    private var consumers: [OperatorID: [(node: Node, port: Int)]] = [:]
    private let outbox = Outbox()
    private let stop = StopFlag()
    /// Asked before each batch that an operator gets; once true, rows are dropped and the worker is good for nothing more.
    package var isCancelled: (() -> Bool)?
    /// Read around each batch, if there is one, to tell where time goes; it decides nothing.
    package var clock: (() -> Int64)?
    /// Nanoseconds spent further down by the call that runs.
    private var spentBelow: Int64 = 0
    private var unfinished = 0
    private var sourcesFinished = true

    /// A node as installed: its operator, and how far it is in the running epoch.
    private final class Node {
        var spec: GraphNode
        var operation: Operator
        /// The last that the operator was told of the clock.
        var clock: Int64?
        /// Input edges that have not reached the barrier.
        var pending = 0
        /// Of an exchange: the other workers whose barrier has not come.
        var awaited = 0
        var barrierSent = false
        var isDone = true
        var rowsIn: Int64 = 0
        var rowsOut: Int64 = 0
        /// Spent in the operator itself, without what it passed rows to.
        var nanoseconds: Int64 = 0

        /// The types of what the operator reads.
        let inputs: [[DataType]]

        init(_ spec: GraphNode, _ operation: Operator, inputs: [[DataType]]) {
            self.spec = spec
            self.operation = operation
            self.inputs = inputs
        }
    }

    /// Messages for other workers; a class, so that exchanges can share it.
    private final class Outbox {
        var messages: [OutboundMessage] = []
    }

    /// `owners` names the worker of each vnode; without it the workers have equal, contiguous shares.
    package init(index: Int, workerCount: Int, owners: [Int32]? = nil) {
        precondition(index >= 0 && index < workerCount)
        self.index = index
        self.workerCount = workerCount
        self.owners =
            owners ?? (0..<VNode.count).map { Int32(Self.owner(ofVNode: $0, workerCount: workerCount)) }
        precondition(self.owners.count == VNode.count)
    }

    /// Which worker owns a vnode where nothing else is said: equal, contiguous shares.
    package static func owner(ofVNode vnode: Int, workerCount: Int) -> Int { vnode * workerCount / VNode.count }

    /// The vnode of the empty key: where a global aggregate lives.
    private static let emptyKeyVNode = VNode.of(
        hash: KeyEncoder(types: [], equality: .sql).encode([], count: 1).hash(at: 0))

    // MARK: graph

    /// Adds nodes, between epochs. Inputs may be nodes installed before, or outputs that only ``seed(_:output:into:)`` feeds.
    package func install(_ added: [GraphNode], outlets: any OutletProvider) throws(GraphError) {
        precondition(isEpochComplete, "nodes are installed between epochs")
        var types: [OperatorID: [DataType]] = nodes.mapValues(\.spec.types)
        for spec in added { types[spec.id] = spec.types }
        for spec in added {
            let inputs = spec.inputs.map { types[$0] ?? [] }
            let operation: Operator
            switch spec.kind {
            case .view(let view): operation = OutletOperator(outlets.outlet(view: view, types: spec.types))
            case .sink(let sink): operation = OutletOperator(outlets.outlet(sink: sink, types: spec.types))
            default: operation = try makeOperator(spec, inputs)
            }
            operation.stop = stop
            operation.errors = outlets.errorOutlet(owner: spec.owner)
            add(Node(spec, operation, inputs: inputs))
        }
    }

    private func add(_ node: Node) {
        precondition(nodes[node.spec.id] == nil, "operator \(node.spec.id.rawValue) is installed twice")
        nodes[node.spec.id] = node
        order.append(node.spec.id)
        for (port, input) in node.spec.inputs.enumerated() { consumers[input, default: []].append((node, port)) }
    }

    private func makeOperator(_ spec: GraphNode, _ inputs: [[DataType]]) throws(GraphError) -> Operator {
        let ownsEmptyKey = Int(owners[Self.emptyKeyVNode]) == index
        switch spec.kind {
        case .source, .scan, .unionAll: return PassOperator()
        case .values(let rows): return ValuesOperator(rows, types: spec.types, isOwner: index == 0)
        case .filter(let condition): return try FilterOperator(condition)
        case .project(let expressions): return try ProjectOperator(expressions)
        case .upsert(let key): return UpsertOperator(key: key, types: spec.types)
        case .join(let join):
            guard inputs.count == 2 else { throw GraphError("a join has two inputs, not \(inputs.count)") }
            return try JoinOperator(join, left: inputs[0], right: inputs[1])
        case .aggregate(let aggregate):
            return try AggregateOperator(aggregate, inputTypes: inputs.first ?? [], ownsEmptyKey: ownsEmptyKey)
        case .topN(let topN):
            let types = inputs.first ?? []
            return BoundedTopNOperator.serves(topN)
                ? BoundedTopNOperator(topN, types: types) : TopNOperator(topN, types: types)
        case .exchange, .broadcast: return makeExchange(spec)
        case .repeated(let count): return RepeatOperator(count: count)
        case .expand(let expand): return try ExpandOperator(expand, types: inputs.first ?? [])
        case .session(let session): return SessionOperator(session, types: inputs.first ?? [])
        case .over(let over): return try OverOperator(over, types: inputs.first ?? [])
        case .temporal(let temporal): return TemporalOperator(temporal, types: inputs.first ?? [])
        case .view, .sink: preconditionFailure("outlets are made when they are installed")
        }
    }

    /// Bytes that an operator without entries may keep for those to come.
    private static let emptyStateBytesMax = 1 << 20

    /// Gives back the memory of an operator that has flushed and keeps nothing: a new one knows as much.
    private func renew(_ node: Node) {
        let operation: Operator
        do throws(GraphError) {
            operation = try makeOperator(node.spec, node.inputs)
        } catch {
            preconditionFailure("operator \(node.spec.id.rawValue) could be made once: \(error)")
        }
        operation.stop = node.operation.stop
        operation.errors = node.operation.errors
        if let clock = node.clock { operation.advance(clock: clock) }
        node.operation = operation
    }

    /// An exchange puts its messages out through this worker's outbox.
    private func makeExchange(_ spec: GraphNode) -> Operator {
        let (outbox, edge) = (outbox, spec.id)
        let send = { (target: Int, delta: Delta) in
            outbox.messages.append(OutboundMessage(target: target, message: .rows(edge: edge, delta)))
        }
        guard case .exchange(let key, let combine) = spec.kind else {
            return BroadcastOperator(index: index, workerCount: workerCount, send: send)
        }
        return ExchangeOperator(
            key: key, combine: combine, types: spec.types, index: index, workerCount: workerCount, owners: owners,
            send: send)
    }

    /// Removes nodes with their state, between epochs; nothing else may consume them.
    package func remove(_ ids: Set<OperatorID>) {
        precondition(isEpochComplete, "nodes are removed between epochs")
        order.removeAll { ids.contains($0) }
        for id in ids { nodes[id] = nil }
        consumers = consumers.filter { !ids.contains($0.key) }.mapValues {
            $0.filter { !ids.contains($0.node.spec.id) }
        }
    }

    /// Nodes of these owners that were kept since others read them become those of the first of these.
    package func reown(_ names: Set<String>) {
        var heirs: [OperatorID: String] = [:]
        for id in order.reversed() {
            guard let node = nodes[id] else { continue }
            if names.contains(node.spec.owner), let heir = heirs[id] {
                node.spec.owner = heir
            }
            for input in node.spec.inputs { heirs[input] = node.spec.owner }
        }
    }

    /// Says anew where row errors go, by relation: those of a table's operators to the table, those of others to every relation that
    /// their rows are for, which are several where views share them.
    package func route(errors outlet: (String) -> (any Outlet)?) {
        var tables: Set<String> = []
        for node in nodes.values { if case .source(let table) = node.spec.kind { tables.insert(table) } }
        var readers: [OperatorID: Set<String>] = [:]
        for id in order.reversed() {
            guard let node = nodes[id] else { continue }
            var own = readers[id] ?? []
            let isOutlet =
                switch node.spec.kind {
                case .view, .sink: true
                default: false
                }
            if own.isEmpty || isOutlet || tables.contains(node.spec.owner) { own = [node.spec.owner] }
            let outlets = own.sorted().compactMap(outlet)
            node.operation.errors = outlets.count == 1 ? outlets[0] : ManyOutlet(outlets)
            for input in node.spec.inputs { readers[input, default: []].formUnion(own) }
        }
    }

    /// Takes over nodes with their state from another instance of the same worker, between epochs of both.
    package func adopt(_ ids: Set<OperatorID>, from other: Worker) {
        precondition(
            isEpochComplete && other.isEpochComplete && index == other.index && workerCount == other.workerCount)
        let moved = other.order.filter { ids.contains($0) }.compactMap { other.nodes[$0] }
        other.remove(ids)
        for node in moved {
            // An exchange puts its messages out through the outbox that it was made with.
            add(node.spec.kind.isExchange ? Node(node.spec, makeExchange(node.spec), inputs: node.inputs) : node)
        }
    }

    // MARK: epochs

    /// Begins an epoch. `watermarks` are those of the tables at the end of the last one, in microseconds; a table without one is
    /// absent. `clock` is the last tick below the frontier of this one, if there is any.
    package func beginEpoch(watermarks: [String: Int64], clock: Int64? = nil) {
        precondition(isEpochComplete, "an epoch begins after the last one is complete")
        sourcesFinished = false
        unfinished = order.count
        for id in order {
            guard let node = nodes[id] else { continue }
            node.isDone = false
            node.pending = max(node.spec.inputs.count, 1)
            if node.spec.kind.isExchange { node.awaited = workerCount - 1 }
            if let clock {
                node.operation.advance(clock: clock)
                node.clock = clock
            }
            node.operation.beginEpoch(watermarks: watermarks)
        }
    }

    /// Rows of a source (or scan) node.
    package func push(_ delta: Delta, source: OperatorID) {
        guard let node = nodes[source] else { return }
        precondition(!sourcesFinished, "rows after finishSources")
        delta.forEachBatch { deliver($0, to: node, port: 0) }
    }

    /// A message of another worker's exchange.
    package func receive(_ message: ExchangeMessage, from worker: Int) {
        switch message {
        case .rows(let edge, let delta):
            guard let node = nodes[edge] else {
                preconditionFailure("rows for edge \(edge.rawValue), which is not installed")
            }
            node.rowsIn += Int64(delta.count)
            emit(delta, from: node)
        case .barrier(let edge):
            guard let node = nodes[edge] else {
                preconditionFailure("a barrier for edge \(edge.rawValue), which is not installed")
            }
            precondition(node.awaited > 0, "worker \(worker) sent a second barrier on edge \(edge.rawValue)")
            node.awaited -= 1
            finishIfReady(node)
        }
    }

    /// All rows of the epoch's sources have been pushed.
    package func finishSources() {
        precondition(!sourcesFinished, "finishSources is called once an epoch")
        sourcesFinished = true
        let local = Set(order)
        for id in order {
            guard let node = nodes[id] else { continue }
            if node.spec.inputs.isEmpty {
                node.pending = 0
            } else {
                node.pending -= node.spec.inputs.count { !local.contains($0) }
            }
        }
        // Later nodes finish when their inputs have; a node is asked again then.
        for id in order {
            if let node = nodes[id] { finishIfReady(node) }
        }
    }

    /// Feeds rows to newly installed consumers of an output, as if it had just emitted them: within an epoch, before finishSources.
    package func seed(_ rows: [Delta], output: OperatorID, into ids: Set<OperatorID>) {
        precondition(!sourcesFinished, "seeding belongs before finishSources")
        for delta in rows {
            delta.forEachBatch { batch in
                for (node, port) in consumers[output] ?? [] where ids.contains(node.spec.id) {
                    deliver(batch, to: node, port: port)
                }
            }
        }
    }

    /// Every operator has flushed and every barrier has come.
    package var isEpochComplete: Bool { unfinished == 0 }

    /// What other workers must get, in order; empties the outbox.
    package func takeOutbox() -> [OutboundMessage] {
        let messages = outbox.messages
        outbox.messages = []
        return messages
    }

    private func finishIfReady(_ node: Node) {
        guard !node.isDone, node.pending == 0 else { return }
        if node.spec.kind.isExchange {
            if !node.barrierSent {
                node.barrierSent = true
                for target in 0..<workerCount where target != index {
                    outbox.messages.append(OutboundMessage(target: target, message: .barrier(edge: node.spec.id)))
                }
            }
            guard node.awaited == 0 else { return }
            node.barrierSent = false
        }
        node.isDone = true
        timed(node) {
            node.operation.flush { emit($0, from: node) }
            if node.operation.stateEntries == 0, node.operation.stateBytes > Self.emptyStateBytesMax { renew(node) }
        }
        unfinished -= 1
        for (consumer, _) in consumers[node.spec.id] ?? [] {
            consumer.pending -= 1
            if sourcesFinished { finishIfReady(consumer) }
        }
    }

    private func deliver(_ delta: Delta, to node: Node, port: Int) {
        if let isCancelled {
            if stop.isSet { return }
            if isCancelled() {
                stop.isSet = true
                return
            }
        }
        node.rowsIn += Int64(delta.count)
        timed(node) { node.operation.process(delta, port: port) { emit($0, from: node) } }
    }

    @inline(__always)
    private func timed(_ node: Node, _ work: () -> Void) {
        guard let clock else { return work() }
        let (before, start) = (spentBelow, clock())
        spentBelow = 0
        work()
        let spent = clock() - start
        node.nanoseconds += spent - spentBelow
        spentBelow = before + spent
    }

    private func emit(_ delta: Delta, from node: Node) {
        node.rowsOut += Int64(delta.count)
        for (consumer, port) in consumers[node.spec.id] ?? [] { deliver(delta, to: consumer, port: port) }
    }

    // MARK: facts

    /// Counters and state of every node, in topological order.
    package func statistics() -> [OperatorStatistics] {
        order.compactMap { nodes[$0] }.map { node in
            OperatorStatistics(
                id: node.spec.id, kind: node.spec.kind.name, owner: node.spec.owner, rowsIn: node.rowsIn,
                rowsOut: node.rowsOut,
                stateEntries: node.operation.stateEntries, stateBytes: node.operation.stateBytes,
                nanoseconds: node.nanoseconds)
        }
    }

    /// What all operators keep.
    package var stateBytes: Int { nodes.values.reduce(0) { $0 + $1.operation.stateBytes } }

    /// The columns of a node's output that any consumer reads.
    package func requiredColumns(of id: OperatorID) -> Set<Int> {
        var required: Set<Int> = []
        for (node, _) in consumers[id] ?? [] {
            switch node.spec.kind {
            case .filter(let condition): required.formUnion(condition.columns.union(requiredColumns(of: node.spec.id)))
            case .project(let expressions): for expression in expressions { required.formUnion(expression.columns) }
            case .exchange(let key, _): required.formUnion(Set(key).union(requiredColumns(of: node.spec.id)))
            case .unionAll, .broadcast: required.formUnion(requiredColumns(of: node.spec.id))
            case .aggregate(let aggregate):
                required.formUnion(aggregate.groupBy)
                for call in aggregate.calls { required.formUnion(call.columnsRead) }
            case .join, .topN, .repeated, .expand, .session, .over, .temporal, .upsert, .view, .sink, .source, .scan,
                .values:
                required.formUnion(0..<(nodes[id]?.spec.types.count ?? node.spec.types.count))
            }
        }
        return required
    }
}

/// What one operator has done and keeps.
package struct OperatorStatistics: Sendable, Codable, Hashable {
    package var id: OperatorID
    package var kind: String
    package var owner: String
    package var rowsIn: Int64
    package var rowsOut: Int64
    package var stateEntries: Int
    package var stateBytes: Int
    /// Of a worker's thread, without what the operator passed rows to; 0 where no clock is read.
    package var nanoseconds: Int64

    /// What the same operator did on another worker.
    package static func += (first: inout OperatorStatistics, second: OperatorStatistics) {
        first.rowsIn += second.rowsIn
        first.rowsOut += second.rowsOut
        first.stateEntries += second.stateEntries
        first.stateBytes += second.stateBytes
        first.nanoseconds += second.nanoseconds
    }
}

extension OperatorKind {
    /// Rows may go to other workers here.
    var isExchange: Bool {
        switch self {
        case .exchange, .broadcast: true
        default: false
        }
    }

    /// The operator's name in plans and statistics.
    package var name: String {
        switch self {
        case .source: "source"
        case .scan: "scan"
        case .values: "values"
        case .filter: "filter"
        case .project: "project"
        case .unionAll: "union all"
        case .upsert: "upsert"
        case .join(let join): join.kind == .inner ? "join" : "\(join.kind.rawValue) join"
        case .aggregate: "aggregate"
        case .topN: "top-n"
        case .expand: "expand"
        case .session: "session"
        case .over: "over"
        case .temporal: "temporal filter"
        case .exchange: "exchange"
        case .broadcast: "broadcast"
        case .repeated: "repeat"
        case .view: "view"
        case .sink: "sink"
        }
    }
}

extension Expression {
    /// The input columns that the expression reads.
    package var columns: Set<Int> {
        switch self {
        case .column(let index, _): [index]
        case .literal: []
        case .call(_, let operands, _), .and(let operands), .or(let operands), .coalesce(let operands, _):
            operands.reduce(into: []) { $0.formUnion($1.columns) }
        case .not(let operand), .isNull(let operand): operand.columns
        case .branches(let branches, let otherwise, _):
            branches.reduce(into: otherwise.columns) { $0.formUnion($1.condition.columns.union($1.value.columns)) }
        }
    }
}

package import Dataflow
internal import Log

/// One worker of a node: runs the whole dataflow for its vnodes, on its own thread.
///
/// Control (lanes, graphs) comes as actor calls between steps; steps, exchanged rows and finished reads come through the
/// mailbox and are worked off by ``step()``, which the executor calls without a hop. Per batch there is no suspension.
package actor Processor {
    package nonisolated let index: Int
    private nonisolated let executor: WorkerExecutor
    private let fabric: ExchangeFabric
    private let collector: StepCollector
    private let service: ReadService
    /// Sorted by id: the main lane first.
    private var lanes: [Lane] = []
    /// The generation is over: calls that were under way change nothing, and the next step fails.
    private var isClosed = false

    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(
        index: Int, executor: WorkerExecutor, fabric: ExchangeFabric, collector: StepCollector, service: ReadService
    ) {
        self.index = index
        self.executor = executor
        self.fabric = fabric
        self.collector = collector
        self.service = service
    }

    /// Works off the mailbox, then one slice of every running lane. Whether there is more to do at once.
    ///
    /// Lanes take turns slice by slice, so a view that is being built takes half of a busy worker at most.
    func step() -> Bool {
        if isClosed { return false }
        for message in fabric.mailbox(of: index).drain() { handle(message) }
        var isBusy = false
        for lane in lanes {
            switch lane.advance() {
            case .idle: break
            case .busy: isBusy = true
            case .finished(let report): collector.report(lane.id, .success(report))
            case .failed(let failure): collector.report(lane.id, .failure(failure))
            }
        }
        return isBusy
    }

    private func handle(_ message: WorkerMessage) {
        switch message {
        case .begin(let plan):
            lane(plan.lane).begin(plan)
        case .exchange(let sender, let id, let step, let message, let bytes):
            // Of a lane that was closed after a failure, the rest may still arrive.
            guard let lane = lanes.first(where: { $0.id == id }) else {
                fabric.processed(bytes, from: sender, to: index)
                return
            }
            lane.receive(message, step: step, bytes: bytes, from: sender)
        case .fetched(let id, let partition, let result):
            lanes.first { $0.id == id }?.receive(result, of: partition)
        }
    }

    private func lane(_ id: LaneID) -> Lane {
        guard let lane = lanes.first(where: { $0.id == id }) else { preconditionFailure("no lane \(id.rawValue)") }
        return lane
    }

    // MARK: Control, between steps

    func openLane(_ id: LaneID) {
        if isClosed { return }
        precondition(!lanes.contains { $0.id == id }, "lane \(id.rawValue) is open")
        lanes.append(Lane(id: id, index: index, fabric: fabric))
        lanes.sort { $0.id < $1.id }
    }

    func closeLane(_ id: LaneID) {
        lanes.removeAll { $0.id == id }
    }

    /// Ends all work for good and lets the state go; shards still answer with what they have.
    func close() {
        isClosed = true
        lanes = []
    }

    /// Installs nodes and feeds; the new shards.
    func install(_ setup: LaneSetup, into id: LaneID) throws(GraphError) -> ShardSet {
        if isClosed { return ShardSet() }
        let lane = lane(id)
        precondition(!lane.isRunning, "installing into lane \(id.rawValue) within a step")
        let outlets = LaneOutlets(worker: index, executor: executor)
        try lane.worker.install(setup.nodes, outlets: outlets)
        for source in setup.sources {
            let dead = source.tables.map { $0.keepsDeadLetters ? outlets.deadLetters(of: $0.schema.name) : nil }
            for partition in 0..<source.partitionCount where lane.owns(partition) {
                let tables = zip(source.tables, dead).map { table, dead in
                    SourceTable(
                        schema: table.schema, node: table.node, start: table.start[partition] ?? 0, dead: dead)
                }
                let feed = makeFeed(source, partition: partition, tables: tables, lane: id)
                let key = TopicPartition(source.name, partition)
                if let existing = lane.feeds[key] {
                    existing.adopt(Set(tables.map(\.schema.name)), from: feed)
                } else {
                    lane.feeds[key] = feed
                }
            }
        }
        let (shards, sinks) = outlets.take()
        lane.shards.merge(shards)
        lane.sinks.merge(sinks) { $1 }
        lane.routeErrors()
        return shards
    }

    private func makeFeed(
        _ source: LaneSetup.Source, partition: Int, tables: [SourceTable], lane: LaneID
    ) -> any SourceFeed {
        let key = TopicPartition(source.name, partition)
        let start = tables.map(\.start).min() ?? 0
        switch source.topic.origin {
        case .stored, .files:
            return StoredFeed(
                lane: lane, partition: key, start: start, tables: tables, mailbox: fabric.mailbox(of: index),
                service: service, isFile: !source.topic.origin.isStored)
        case .generator(let options):
            return GeneratorFeed(partition: key, start: start, options: options, tables: tables)
        }
    }

    /// Removes the nodes, shards and sinks of relations, and stops reading for tables among them.
    func remove(_ names: Set<String>, nodes: Set<OperatorID>, from id: LaneID) {
        guard let lane = lanes.first(where: { $0.id == id }) else { return }
        precondition(!lane.isRunning, "removing from lane \(id.rawValue) within a step")
        lane.worker.remove(nodes)
        // Operators that others share stay.
        lane.worker.reown(names)
        lane.shards.remove(names)
        lane.routeErrors()
        for name in names { lane.sinks[name] = nil }
        for (partition, feed) in lane.feeds where !feed.remove(names) { lane.feeds[partition] = nil }
    }

    /// Takes nodes with their state, shards and sinks of relations from a lane that has reached the main lane's frontier, and closes
    /// that lane. Of its feeds, those of `tables` go on in the main lane; the others end.
    func adopt(_ nodes: Set<OperatorID>, tables: Set<String>, from id: LaneID) {
        if isClosed { return }
        let main = lane(.main)
        let other = lane(id)
        precondition(!main.isRunning && !other.isRunning, "adopting within a step")
        main.worker.adopt(nodes, from: other.worker)
        main.shards.merge(other.shards)
        main.sinks.merge(other.sinks) { $1 }
        main.routeErrors()
        for (partition, feed) in other.feeds {
            if let existing = main.feeds[partition] {
                existing.adopt(tables, from: feed)
            } else {
                feed.move(to: .main)
                main.feeds[partition] = feed
            }
        }
        closeLane(id)
    }

    // MARK: Status

    package func sinkTotals() -> [String: SinkTotals] {
        guard let lane = lanes.first(where: { $0.id == .main }) else { return [:] }
        return lane.sinks.mapValues { SinkTotals(rows: $0.rowCount, checksum: $0.checksum) }
    }

    package func statistics() -> [OperatorStatistics] {
        lanes.first { $0.id == .main }?.worker.statistics() ?? []
    }
}

internal import Dataflow

/// Makes the shards and sinks of the nodes that a lane installs.
final class LaneOutlets: OutletProvider {
    private let worker: Int
    private let executor: WorkerExecutor
    private(set) var shards = ShardSet()
    private(set) var sinks: [String: BlackholeOutlet] = [:]

    init(worker: Int, executor: WorkerExecutor) {
        self.worker = worker
        self.executor = executor
    }

    func outlet(view: OperatorKind.View, types: [DataType]) -> any Outlet {
        let shard = ViewShard(name: view.name, worker: worker, types: types, key: view.key, executor: executor)
        shards.views[view.name] = shard
        return ShardOutlet(shard)
    }

    func outlet(sink: OperatorKind.Sink, types: [DataType]) -> any Outlet {
        precondition(sink.connector == "blackhole", "the fold accepts no sink of connector \(sink.connector)")
        let outlet = BlackholeOutlet()
        sinks[sink.name] = outlet
        return outlet
    }

    func errorOutlet(owner: String) -> any Outlet {
        if let shard = shards.errors[owner] { return ShardOutlet(shard) }
        let shard = ViewShard(
            name: owner + ".dead", worker: worker, types: TableSchema.rowErrorColumns.map(\.type), key: [],
            executor: executor)
        shards.errors[owner] = shard
        return ShardOutlet(shard)
    }

    func deadLetters(of table: String) -> ViewShard {
        let shard = ViewShard(
            name: table, worker: worker, types: TableSchema.deadLetterColumns.map(\.type), key: [], executor: executor)
        shards.deadLetters[table] = shard
        return shard
    }

    /// What was made since the last call.
    func take() -> (shards: ShardSet, sinks: [String: BlackholeOutlet]) {
        defer {
            shards = ShardSet()
            sinks = [:]
        }
        return (shards, sinks)
    }
}

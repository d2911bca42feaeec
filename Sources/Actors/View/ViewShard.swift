package import Dataflow

/// The rows of one view that one worker holds, versioned by epoch; also the dead letters of a table or view.
///
/// It lives on its worker's executor: the dataflow's outlets reach it without a hop (``ShardOutlet``), queries by a job
/// between two steps. A shard of dead letters is one like any other, without a graph behind it.
package actor ViewShard {
    package nonisolated let name: String
    package nonisolated let worker: Int
    private nonisolated let executor: WorkerExecutor
    private let table: ViewTable
    /// The epoch that arriving rows belong to.
    private var epoch: Int64 = ViewShard.replayEpoch
    /// Versions below this are not kept.
    private var forgotten: Int64 = .min

    /// Replayed rows that no query may ask for by epoch carry numbers from here on, far below those of real epochs.
    package static let replayEpoch: Int64 = -(1 << 40)

    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(name: String, worker: Int, types: [DataType], key: [Int], executor: WorkerExecutor) {
        self.name = name
        self.worker = worker
        self.executor = executor
        table = ViewTable(types: types, key: key)
    }

    /// What follows are the changes of `epoch`; versions below `forget` will not be read any more.
    func begin(epoch: Int64, forgetBefore forget: Int64) {
        self.epoch = epoch
        forgotten = max(forgotten, forget)
        table.forget(before: forget)
    }

    func apply(_ delta: Delta) {
        table.apply(delta, epoch: epoch)
    }

    /// All changes of the epoch begun last have been applied.
    func finish() {
        table.finish(epoch: epoch)
    }

    /// The shard's rows at a finished epoch, consolidated; nil if it has been forgotten.
    package func rows(asOf epoch: Int64) -> [Delta]? {
        epoch < forgotten ? nil : table.rows(asOf: epoch)
    }

    package struct Size: Hashable, Sendable, Codable {
        package var rows: Int
        package var bytes: Int

        package init(rows: Int = 0, bytes: Int = 0) {
            self.rows = rows
            self.bytes = bytes
        }

        package static func += (first: inout Size, second: Size) {
            first.rows += second.rows
            first.bytes += second.bytes
        }
    }

    package var size: Size { Size(rows: table.rowCount, bytes: table.byteCount) }
}

/// Hands what a worker emits to a shard on the same thread.
final class ShardOutlet: Outlet {
    private let shard: ViewShard

    init(_ shard: ViewShard) {
        self.shard = shard
    }

    func consume(_ delta: Delta) {
        shard.assumeIsolated { $0.apply(delta) }
    }
}

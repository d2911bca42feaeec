package import Actors
internal import Log

/// What a node says of itself to another one that an operator asks.
package struct NodeReport: Sendable, Hashable, Codable {
    /// Of a worker in the generation that the node takes part in.
    package struct Worker: Sendable, Hashable, Codable {
        /// Among the node's, from 0.
        package var worker: Int
        package var vnodes: Int
        /// Share of the last ten seconds that its thread worked, 0 to 1.
        package var busyShare: Double
        package var pendingExchangeBytes: Int

        package init(worker: Int, vnodes: Int, busyShare: Double, pendingExchangeBytes: Int) {
            self.worker = worker
            self.vnodes = vnodes
            self.busyShare = busyShare
            self.pendingExchangeBytes = pendingExchangeBytes
        }
    }

    /// The generation that it takes part in; 0 for none.
    package var generation: Int64
    /// It drives that generation's epochs.
    package var drives: Bool
    package var isReady: Bool
    package var committedEpoch: Int64
    /// The committed epoch's frontier token.
    package var frontier: String
    package var workers: [Worker]
    /// The tasks that it runs, by table.
    package var connectors: [String: ConnectorStatus]
    /// By topic and partition (`topic/0`) where the partitions end that it reads; of the driver only.
    package var ends: [String: Int64]

    package init(
        generation: Int64, drives: Bool, isReady: Bool, committedEpoch: Int64, frontier: String, workers: [Worker],
        connectors: [String: ConnectorStatus], ends: [String: Int64]
    ) {
        self.generation = generation
        self.drives = drives
        self.isReady = isReady
        self.committedEpoch = committedEpoch
        self.frontier = frontier
        self.workers = workers
        self.connectors = connectors
        self.ends = ends
    }
}

/// The workers of a cluster, those of nodes that do not answer as the assignment has them.
package struct WorkerLine: Sendable, Hashable, Codable {
    /// nil for a node that is alone for good.
    package var node: String?
    package var worker: Int
    package var vnodes: Int
    package var busyShare: Double?
    package var pendingExchangeBytes: Int?
    /// Why the node says nothing of it.
    package var error: String?
}

/// A table's connector and the node that runs its task.
package struct ConnectorLine: Sendable, Hashable, Codable {
    package var table: String
    package var connector: String
    /// nil if it has no task, or no node runs it.
    package var node: String?
    package var state: ConnectorStatus.State
    package var records: Int64
    package var bytes: Int64
    package var restarts: Int64
    package var error: String?
}

/// How far a node is.
package struct EpochLine: Sendable, Hashable, Codable {
    package var node: String?
    package var generation: Int64?
    package var committedEpoch: Int64?
    package var frontier: String?
    /// Records in the log that its committed epoch does not cover; nil if the node that drives the epochs does not say where it ends.
    package var lag: Int64?
    package var drives: Bool
    package var isReady: Bool
    /// Why the node says nothing.
    package var error: String?
}

/// How far the committed epoch covers a partition.
package struct LagLine: Sendable, Hashable, Codable {
    package var topic: String
    package var partition: Int
    package var end: Int64
    /// nil if nothing reads the topic.
    package var covered: Int64?
    package var lag: Int64?
}

package import Actors

/// What a node says about itself; its coding is the body of the admin interface's answer.
package struct PipelineStatus: Sendable, Hashable, Codable {
    package var phase: Phase
    package var isReady: Bool { phase == .ready }
    /// Of the replay at the start.
    package var replay: Progress
    package var replayPartitions: [String: Progress]
    /// The epoch begun last, and the newest one that queries see.
    package var epoch: Int64
    package var committedEpoch: Int64
    /// The committed epoch's frontier token.
    package var frontier: String
    package var controlVersion: Int64
    /// The coordinator's; of a node alone that of its log's writer.
    package var term: Int64
    package var epochsPerSecond: Double
    /// Records of all partitions together that committed epochs took, a second.
    package var recordsPerSecond: Double
    package var views: [String: View]
    package var sinks: [String: SinkTotals]
    /// By table: invariant B1's counters, summed over partitions.
    package var sources: [String: Source]
    package var connectors: [String: ConnectorStatus]
    package var workers: [WorkerStatus]
    /// From the call of an append here, or from when an event of a generator with a rate came to be, to the commit of the epoch that
    /// covers it.
    package var latency: Latency
    package var memoryBytes: Int64
    /// Control records that were not accepted, newest last.
    package var rejections: [ControlState.Rejection]

    package enum Phase: String, Sendable, Hashable, Codable {
        /// `run()` has not been called.
        case idle
        case replaying, ready, stopped
    }

    package struct View: Sendable, Hashable, Codable {
        package var isActive: Bool
        package var rows: Int
        package var bytes: Int
        package var progress: Progress?
        /// Why it has no rows to answer with.
        package var failure: String?
        /// Tables under it that have stopped: it is stale.
        package var stoppedTables: [String]
    }

    package struct Source: Sendable, Hashable, Codable {
        package var topic: String
        package var partitions: Int
        package var counters: SourceCounters
        /// Records in the topic that are not covered by the committed epoch.
        package var lag: Int64
        /// Microseconds since 1970.
        package var watermark: Int64?
        /// Why it is not read any more.
        package var failure: String?
    }

    package struct WorkerStatus: Sendable, Hashable, Codable {
        /// Share of the last ten seconds that the worker's thread worked, 0 to 1.
        package var busyShare: Double
        package var pendingExchangeBytes: Int
    }

    package struct Latency: Sendable, Hashable, Codable {
        package var count: Int64
        /// Microseconds; upper bounds of the buckets.
        package var p50: Int64?
        package var p90: Int64?
        package var p99: Int64?
        package var p999: Int64?
        package var histogram: LatencyHistogram
    }
}

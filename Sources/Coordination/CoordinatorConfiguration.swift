/// The coordinator's settings; every default says why.
package struct CoordinatorConfiguration: Sendable {
    /// Threads that run the dataflow; one per core.
    package var workers: Int
    /// Records per partition that an epoch takes at most. Larger ones cost less per record and answer later: a million
    /// records take a worker about half a second.
    package var epochRecordsMax: Int64 = 1_000_000
    /// Payload bytes per partition that an epoch takes at most, estimated from what was read before.
    package var epochBytesMax: Int64 = 256 << 20
    /// Bytes that an exchange edge may hold before its sender stops reading sources.
    package var edgeBytesMax = 16 << 20
    /// Partitions of a stored topic whose table does not say.
    package var partitionsDefault = 4
    /// How often an epoch begins at most while only rate-driven virtual topics have input.
    package var virtualTick: Duration = .milliseconds(20)
    /// Epoch records kept in the log behind the newest one; only that one is needed to restart.
    package var epochRecordsKept: Int64 = 10_000
    /// What a node decides by, as one of several.
    package var node = ClusterNode.Settings()
    /// Bytes of one append's records at most.
    package var appendBytesMax = 64 << 20
    /// Bytes of rows that a query may take from tables, which it replays.
    package var tableReadBytesMax = 1 << 30
    /// Queries that replay tables at once; more are refused.
    package var tableReadsMax = 4

    /// How long the driver of a generation tries to reach a node of it that gossip finds alive.
    package var beginLimit: Duration = .seconds(15)

    /// How long a change may take that another node decides: a view may have to be built.
    package var changeLimit: Duration = .seconds(600)

    /// What the node's log lines carry.
    package var logFields = LogFields()

    package init(workers: Int) {
        self.workers = workers
    }
}

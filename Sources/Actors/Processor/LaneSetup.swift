package import Dataflow

/// Nodes that a worker installs into a lane between two steps, and what they read.
package struct LaneSetup: Hashable, Sendable, Codable {
    package var nodes: [GraphNode]
    /// Partitions that get a feed, or further tables on the feed that they have.
    package var sources: [Source]

    package struct Source: Hashable, Sendable, Codable {
        package var topic: TopicPlan
        /// The topic's name in frontiers, and in the log if it is stored.
        package var name: String
        package var partitionCount: Int
        package var tables: [Table]

        package init(topic: TopicPlan, name: String, partitionCount: Int, tables: [Table]) {
            self.topic = topic
            self.name = name
            self.partitionCount = partitionCount
            self.tables = tables
        }
    }

    package struct Table: Hashable, Sendable, Codable {
        package var schema: TableSchema
        package var node: OperatorID
        /// Where it is read from, per partition; 0 where absent.
        package var start: [Int: Int64]
        /// Its dead letters are kept; they are not where another lane keeps them already.
        package var keepsDeadLetters: Bool

        package init(schema: TableSchema, node: OperatorID, start: [Int: Int64], keepsDeadLetters: Bool) {
            self.schema = schema
            self.node = node
            self.start = start
            self.keepsDeadLetters = keepsDeadLetters
        }
    }

    package init(nodes: [GraphNode], sources: [Source]) {
        self.nodes = nodes
        self.sources = sources
    }
}

/// The shards that a worker has made, by what they hold.
package struct ShardSet: Sendable {
    /// Materialised views by name.
    package var views: [String: ViewShard] = [:]
    /// Row errors by the relation whose nodes met them.
    package var errors: [String: ViewShard] = [:]
    /// Refused records by table.
    package var deadLetters: [String: ViewShard] = [:]

    package init() {}

    /// What a shard holds.
    package enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
        case views, errors, deadLetters
    }

    /// The shard of a relation; nil where it has none.
    package func shard(_ kind: Kind, of name: String) -> ViewShard? {
        switch kind {
        case .views: views[name]
        case .errors: errors[name]
        case .deadLetters: deadLetters[name]
        }
    }

    var all: [ViewShard] {
        Array(views.values) + Array(errors.values) + Array(deadLetters.values)
    }

    package mutating func merge(_ other: ShardSet) {
        views.merge(other.views) { $1 }
        errors.merge(other.errors) { old, _ in old }
        deadLetters.merge(other.deadLetters) { $1 }
    }

    package mutating func remove(_ names: Set<String>) {
        for name in names {
            views[name] = nil
            errors[name] = nil
            deadLetters[name] = nil
        }
    }
}

/// Rows that a sink has taken, summed over weights, and the checksum of what it read.
package struct SinkTotals: Hashable, Sendable, Codable {
    package var rows: Int64
    package var checksum: UInt64

    package init(rows: Int64 = 0, checksum: UInt64 = 0) {
        self.rows = rows
        self.checksum = checksum
    }

    package static func += (first: inout SinkTotals, second: SinkTotals) {
        first.rows += second.rows
        first.checksum &+= second.checksum
    }
}

package import Dataflow
internal import Actors

/// A ``ControlState`` as a record: a log that begins with it is folded from it.
///
/// Its maker reads it back as accepted before anything before it is trimmed, so the first record of a trimmed log is
/// always one that every full fold has accepted. A build that does not know some record's kind or version makes none. So a new field that
/// changes the fold comes with a new version of its record, or a folded state of an earlier build would lose it.
package struct FoldedState: Hashable, Sendable, Codable {
    /// Of the fold that it holds; it counts only where the fold has arrived at just that.
    package var version: Int64
    package var catalogVersion: Int64
    package var hash: UInt64
    package var catalog: Catalog
    package var nodes: [GraphNode]
    /// In order of name.
    package var topics: [Topic]
    package var cluster: ClusterState

    /// A ``ControlState/Topic``; what its tables' options say is read from them again.
    package struct Topic: Hashable, Sendable, Codable {
        package var name: String
        package var frontierName: String
        package var partitionCount: Int
        package var files: [String]
        package var createdVersion: Int64
        package var createdTime: Int64
        package var tables: [Table]

        package struct Table: Hashable, Sendable, Codable {
            package var schema: TableSchema
            package var node: OperatorID
            /// By partition, where it is read from; a partition that is missing is read from 0.
            package var start: [Int: Int64]
        }

        init(_ topic: ControlState.Topic) {
            name = topic.plan.name
            frontierName = topic.frontierName
            partitionCount = topic.partitionCount
            files = topic.files
            createdVersion = topic.createdVersion
            createdTime = topic.createdTime
            tables = topic.tables.map { Table(schema: $0.schema, node: $0.node, start: $0.start) }
        }

        /// nil if a table's options are not valid.
        var topic: ControlState.Topic? {
            guard let first = tables.first else { return nil }
            do throws(OptionError) {
                return ControlState.Topic(
                    plan: try TopicPlan(first.schema), frontierName: frontierName, partitionCount: partitionCount,
                    files: files, createdVersion: createdVersion, createdTime: createdTime,
                    tables: tables.map { .init(schema: $0.schema, node: $0.node, start: $0.start) })
            } catch {
                return nil
            }
        }
    }
}

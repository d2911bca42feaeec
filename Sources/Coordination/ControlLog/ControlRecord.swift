package import Cluster
package import Dataflow
package import Log

/// A decision of the control log, `_dataprism.control`.
///
/// Anyone may append; the fold (``ControlState``) accepts only what fits what it expects (a catalog version, a term, a
/// generation, a life), so of two that expect the same the first wins, everywhere alike. Its coding is a format: kinds and keys are never
/// renamed, and a kind that is not
/// known is skipped and reported.
package enum ControlRecord: Hashable, Sendable {
    case deploy(Deploy)
    case drop(Drop)
    case cluster(ClusterRecord)
    /// The whole fold before this record: what comes before it may be trimmed.
    case state(FoldedState)

    /// Relations that come into being together, at one epoch boundary.
    package struct Deploy: Hashable, Sendable, Codable {
        /// The catalog version that it was decided at.
        package var after: Int64
        /// The life that appended it; nil only in logs that no node has joined.
        package var author: Incarnation?
        /// The life that a client asked for it; nil if that is the author.
        package var askedOf: Incarnation?
        /// In order: each may read those before it.
        package var deployments: [Deployment]
        /// Where the new tables' topics are read from; 0 for partitions that are not named. A frontier's token.
        package var start: String
        /// The number of partitions of each topic that the deployments read for the first time.
        package var partitions: [String: Int]
        /// The files of each virtual file topic among them, a partition each.
        package var files: [String: [String]]

        package init(
            after: Int64, deployments: [Deployment], start: Frontier, partitions: [String: Int],
            files: [String: [String]] = [:], author: Incarnation? = nil, askedOf: Incarnation? = nil
        ) {
            self.after = after
            self.author = author
            self.askedOf = askedOf
            self.deployments = deployments
            self.start = start.token
            self.partitions = partitions
            self.files = files
        }
    }

    package struct Drop: Hashable, Sendable, Codable {
        package var after: Int64
        /// As of ``Deploy/author``.
        package var author: Incarnation?
        /// As of ``Deploy/askedOf``.
        package var askedOf: Incarnation?
        /// Dependents first.
        package var names: [String]

        package init(after: Int64, names: [String], author: Incarnation? = nil, askedOf: Incarnation? = nil) {
            self.after = after
            self.author = author
            self.askedOf = askedOf
            self.names = names
        }
    }
}

/// What was found at an offset of the control log.
package enum ControlEntry: Hashable, Sendable {
    case record(ControlRecord)
    /// A kind or version that this build does not know.
    case unknown(kind: String, version: Int)
    case malformed(String)
}

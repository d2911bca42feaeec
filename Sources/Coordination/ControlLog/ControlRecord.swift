package import Dataflow
package import Log

/// A decision of the control log, `_dataprism.control`.
///
/// Anyone may append; the fold (``ControlState``) accepts only what fits the version it expects, so of two that were
/// made at the same version the first wins, everywhere alike. Its coding is a format: kinds and keys are never
/// renamed, and a kind that is not
/// known is skipped and reported.
package enum ControlRecord: Hashable, Sendable {
    case deploy(Deploy)
    case drop(Drop)

    /// Relations that come into being together, at one epoch boundary.
    package struct Deploy: Hashable, Sendable, Codable {
        /// The version that it was decided at.
        package var after: Int64
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
            files: [String: [String]] = [:]
        ) {
            self.after = after
            self.deployments = deployments
            self.start = start.token
            self.partitions = partitions
            self.files = files
        }
    }

    package struct Drop: Hashable, Sendable, Codable {
        package var after: Int64
        /// Dependents first.
        package var names: [String]

        package init(after: Int64, names: [String]) {
            self.after = after
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

/// A message between the coordinator and the nodes of a generation. All are one-way and may be lost or doubled.
package struct EpochMessage: Hashable, Sendable, Codable {
    package enum Kind: Hashable, Sendable, Codable {
        /// The coordinator: begin this epoch, or go on to it if its record is known. Its frontier is the one that the
        /// coordinator of term `fixed` has fixed; queries may see `committed` of this generation, if it is not negative.
        case begin(epoch: Int64, fixed: Int64, committed: Int64)
        /// The coordinator: queries may see this epoch.
        case commit(epoch: Int64)
        /// A node: my state is at this epoch.
        case ready(epoch: Int64)
        /// A node: I have done my part of this epoch.
        case done(epoch: Int64)
        /// A node: I am at work.
        case working
    }

    package var kind: Kind
    package var generation: Int64
    /// Of the coordinator that sends it, or that it is meant for.
    package var term: Int64

    package init(_ kind: Kind, generation: Int64, term: Int64) {
        self.kind = kind
        self.generation = generation
        self.term = term
    }
}

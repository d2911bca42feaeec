package import Cluster

/// The way to call other nodes.
package protocol NodeCaller: Sendable {
    /// Calls a method of another node and waits for its answer, at most `timeout` if there is one, else until the node is gone.
    ///
    /// Every method may be called twice for one call that was made: what it does must bear that, or name its generation and step.
    /// - Throws: ``CoordinationError``: `superseded` if the node cannot be reached or does not answer in time; what the method
    ///   itself threw.
    func call(
        _ node: NodeID, _ method: NodeMethod, _ body: [UInt8], timeout: Duration?
    ) async throws(CoordinationError) -> [UInt8]
}

/// The methods that nodes call on each other. The names are part of the wire format.
package enum NodeMethod: String, Sendable, CaseIterable {
    /// ``MemberRequest`` → ``MemberAnswer``.
    case member = "coordination.member"
    /// ``RowsRequest`` → frames of deltas.
    case rows = "coordination.rows"
    /// ``CommitNotice`` → nothing.
    case commit = "coordination.commit"
    /// A change of the catalog for the coordinator to decide → the version that it made.
    case change = "coordination.change"
    /// → ``PipelineStatus``.
    case status = "coordination.status"
}

package import Actors
package import Cluster

/// What a node needs to be one of several: who it is, and the ways to the others.
package struct ClusterSeat: Sendable {
    package var name: NodeName
    /// Identifies the data directory, for as long as it exists.
    package var directory: String
    package var description: NodeDescription
    /// The way to call other nodes.
    package var actors: ClusterActorSystem
    /// Has a node serve a ``RowsRequest``, within a time: its bytes in, those of deltas out. What the node threw is thrown.
    package var fetchRows: @Sendable (_ request: [UInt8], NodeID, Duration) async throws(CoordinationError) -> [UInt8]
    /// Hands a membership message's bytes over for delivery; never waits. If it is known not to arrive, its sequence comes
    /// back by ``Coordinator/gossipFailed(sequence:)``.
    package var gossip: @Sendable (_ bytes: [UInt8], _ sequence: UInt32?, NodeID) -> Void
    /// Where nodes are, and which life this one is in, as the control log has it.
    package var located: @Sendable (_ own: NodeID?, _ nodes: [NodeID: Endpoint]) -> Void
    /// From now on the streams of these edges are taken, and no others.
    package var acceptEdges: @Sendable (RemoteExchange) -> Void
    /// Opens the exchange edges from this node's workers to those of the generation's nodes, itself among them, in their order.
    package var openEdges: @Sendable (RemoteExchange, [NodeID]) async throws(CoordinationError) -> Void

    package init(
        name: NodeName, directory: String, description: NodeDescription, actors: ClusterActorSystem,
        fetchRows:
            @escaping @Sendable (_ request: [UInt8], NodeID, Duration) async throws(CoordinationError) -> [UInt8],
        gossip: @escaping @Sendable (_ bytes: [UInt8], _ sequence: UInt32?, NodeID) -> Void,
        located: @escaping @Sendable (NodeID?, [NodeID: Endpoint]) -> Void,
        acceptEdges: @escaping @Sendable (RemoteExchange) -> Void,
        openEdges: @escaping @Sendable (RemoteExchange, [NodeID]) async throws(CoordinationError) -> Void
    ) {
        self.name = name
        self.directory = directory
        self.description = description
        self.actors = actors
        self.fetchRows = fetchRows
        self.gossip = gossip
        self.located = located
        self.acceptEdges = acceptEdges
        self.openEdges = openEdges
    }
}

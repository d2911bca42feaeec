/// A node as it named itself in the hand-shake, and the wire version that both sides speak on the connection.
package struct PeerIdentity: Sendable, Hashable, CustomStringConvertible {
    /// The life is ``noIncarnation`` while the node has no accepted `Join`.
    package var node: NodeID
    package var wireVersion: Int

    /// Stands for the life of a node that has not joined yet.
    package static let noIncarnation = Incarnation(-1)

    package init(node: NodeID, wireVersion: Int) {
        self.node = node
        self.wireVersion = wireVersion
    }

    package var description: String { node.description }
}

/// What a connection is for. Each has connections of its own, so that bulk never delays a probe.
///
/// Raw values are part of the wire format.
package enum ConnectionPurpose: UInt8, Sendable, CaseIterable {
    case membership = 1
    case control = 2
    case data = 3
}

/// The name of a distributed actor: the node that has it, in one of its lives, and its name there.
///
/// Two lives of a node are different targets: a call to an actor of a life that has ended fails as ``CallStatus/stale``.
package struct ClusterActorID: Hashable, Sendable, Codable, CustomStringConvertible {
    package let node: NodeID
    /// What it is called on its node; `/` separates parts.
    package let name: String

    /// Longer names are refused on the wire.
    package static let nameBytesMax = 255

    package init(node: NodeID, name: String) {
        self.node = node
        self.name = name
    }

    package var description: String { "\(node)/\(name)" }
}

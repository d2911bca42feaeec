/// A message of the membership protocol. All are one-way: an answer is a message of its own.
package struct MembershipMessage: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// Are you, in this life, there?
        case ping(sequence: UInt32, target: NodeID)
        /// Yes, or: the node that you asked about answered me.
        case ack(sequence: UInt32)
        /// I am there, but the node that you asked about has not answered me in time.
        case nack(sequence: UInt32)
        /// Ping that node for me.
        case pingRequest(sequence: UInt32, target: NodeID)
        /// Everything that I think; answer with yours if `isRequest`.
        case exchange(isRequest: Bool)
        /// Only claims.
        case gossip
    }

    package var sender: NodeID
    package var vitals: Vitals
    package var kind: Kind
    package var claims: [Claim]

    package init(sender: NodeID, vitals: Vitals, kind: Kind, claims: [Claim]) {
        self.sender = sender
        self.vitals = vitals
        self.kind = kind
        self.claims = claims
    }
}

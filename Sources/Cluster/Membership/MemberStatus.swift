/// What is thought of a member.
///
/// Claims about one life are ordered: alive(r) < suspect(r) < dead(r) < alive(r + 1) < …, where r counts how often the member
/// has refuted. `left` ends a life. A node calls a member dead by its own time-out only; another's word makes it suspect.
///
/// ```
/// alive ──probe failed──► suspect ──time-out──► dead
///   ▲                        │                   │
///   └──────── refuted (r + 1) ┴───────────────────┘      any ──said goodbye──► left
/// ```
package enum MemberStatus: UInt8, Sendable, Hashable, CaseIterable, Comparable {
    case alive = 0
    case suspect = 1
    case dead = 2
    case left = 3

    package static func < (first: MemberStatus, second: MemberStatus) -> Bool { first.rawValue < second.rawValue }
}

/// What somebody says about a member.
package struct Claim: Hashable, Sendable {
    package var node: NodeID
    package var refutation: UInt32
    package var status: MemberStatus
    /// Who suspects it, or found it dead: independent accusers shorten the time-out. Its own name otherwise.
    package var accuser: NodeName

    package init(node: NodeID, refutation: UInt32, status: MemberStatus, accuser: NodeName) {
        self.node = node
        self.refutation = refutation
        self.status = status
        self.accuser = accuser
    }
}

/// How a node is doing, by its own account: carried by each of its messages, shown to operators, never decided on.
package struct Vitals: Hashable, Sendable {
    /// The control version that it has folded: who is behind reads the log.
    package var controlVersion: Int64
    package var committedEpoch: Int64
    /// Records that its sources are behind.
    package var lag: Int64
    /// Thousandths of its workers' time that they were busy.
    package var load: UInt16

    package init(controlVersion: Int64 = -1, committedEpoch: Int64 = 0, lag: Int64 = 0, load: UInt16 = 0) {
        self.controlVersion = controlVersion
        self.committedEpoch = committedEpoch
        self.lag = lag
        self.load = load
    }
}

/// A member as one node sees it.
package struct Member: Sendable {
    package let node: NodeID
    package let description: NodeDescription
    package internal(set) var status = MemberStatus.alive
    package internal(set) var refutation: UInt32 = 0
    package internal(set) var vitals = Vitals()
    /// When it last answered a probe of ours itself: then both directions work. nil if it never has.
    package internal(set) var answered: Instant?
    /// When a message of it came last.
    package internal(set) var heard: Instant?
    /// While it is suspect.
    var suspicion: Suspicion?
    /// How often the claim about it is still to be passed on.
    var transmissions = 0
    /// It is to be probed out of turn.
    var wantsProbe = false

    init(node: NodeID, description: NodeDescription) {
        self.node = node
        self.description = description
    }
}

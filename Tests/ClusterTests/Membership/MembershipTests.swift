import Cluster
import Testing

/// The state machine driven directly, one law a test. Catches a claim of an earlier order that wins, a suspicion that
/// does not end, a node that judges others by its own stall.
@Suite struct MembershipTests {
    private struct Fixed: RandomNumberGenerator {
        var state: UInt64 = 7
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ state >> 29
        }
    }

    private static func node(_ name: String, _ incarnation: Int64) -> NodeID {
        guard let name = NodeName(name) else { preconditionFailure("\(name) is a name") }
        return NodeID(name, Incarnation(incarnation))
    }

    private let a = Self.node("a", 1)
    private let b = Self.node("b", 2)
    private let c = Self.node("c", 3)

    private static func listed(_ nodes: [NodeID]) -> [Membership.Listed] {
        nodes.map {
            Membership.Listed(
                node: $0, description: NodeDescription(cluster: Endpoint(host: "127.0.0.1", port: 1), workers: 1))
        }
    }

    private func machine(_ nodes: [NodeID]) -> (Membership, Fixed) {
        var rng = Fixed()
        var membership = Membership(own: a, now: at(0))
        _ = membership.handle(.listed(Self.listed(nodes), version: 9), now: at(0), using: &rng)
        return (membership, rng)
    }

    private func at(_ milliseconds: Int64) -> Instant { Instant(microseconds: milliseconds * 1_000) }

    private func claim(_ node: NodeID, _ refutation: UInt32, _ status: MemberStatus, by accuser: NodeID)
        -> Membership.Event
    {
        .received(
            MembershipMessage(
                sender: accuser, vitals: Vitals(), kind: .gossip,
                claims: [Claim(node: node, refutation: refutation, status: status, accuser: accuser.name)]))
    }

    /// Ticks at every deadline until the time; what was sent is lost.
    private func run(_ membership: inout Membership, _ rng: inout Fixed, until end: Instant) -> [Membership.Effect] {
        var effects: [Membership.Effect] = []
        while membership.deadline <= end {
            effects += membership.handle(.tick, now: membership.deadline, using: &rng)
        }
        return effects
    }

    @Test func aSilentMemberIsSuspectThenDead() {
        var (membership, rng) = machine([a, b, c])
        let effects = run(&membership, &rng, until: at(8_000))
        #expect(effects.contains(.changed(b, from: .alive, to: .suspect)))
        #expect(effects.contains(.changed(b, from: .suspect, to: .dead)))
        #expect(membership[b.name]?.status == .dead)
    }

    @Test func confirmationsShortenASuspicion() {
        var (alone, rng) = machine([a, b, c])
        _ = alone.handle(claim(c, 0, .suspect, by: b), now: at(10), using: &rng)
        _ = run(&alone, &rng, until: at(500))
        #expect(alone[c.name]?.status == .suspect)
        // Of three nodes one confirmation is all that can come: it does when this node's own probe has failed.
        var (confirmed, other) = machine([a, b, c])
        _ = confirmed.handle(claim(c, 0, .suspect, by: b), now: at(10), using: &other)
        _ = run(&confirmed, &other, until: at(1_800))
        #expect(confirmed[c.name]?.status == .dead)
        #expect(alone.counters.deaths == 0)
    }

    @Test(
        arguments: [
            (0, MemberStatus.suspect, 0, MemberStatus.alive, MemberStatus.suspect),
            (0, .suspect, 1, .alive, .alive),
            (1, .alive, 0, .suspect, .alive),
            (2, .alive, 2, .suspect, .suspect),
            (2, .alive, 1, .dead, .alive),
            (0, .left, 5, .alive, .left),
            (0, .left, 5, .dead, .left),
        ] as [(UInt32, MemberStatus, UInt32, MemberStatus, MemberStatus)])
    func claimsAreOrdered(
        _ first: UInt32, _ was: MemberStatus, _ second: UInt32, _ says: MemberStatus, _ then: MemberStatus
    ) {
        var (membership, rng) = machine([a, b, c])
        _ = membership.handle(claim(c, first, was, by: b), now: at(1), using: &rng)
        _ = membership.handle(claim(c, second, says, by: b), now: at(2), using: &rng)
        #expect(membership[c.name]?.status == then)
    }

    @Test func anothersWordMakesSuspectNotDead() {
        var (membership, rng) = machine([a, b, c])
        _ = membership.handle(claim(c, 0, .dead, by: b), now: at(1), using: &rng)
        #expect(membership[c.name]?.status == .suspect)
    }

    @Test func aNodeObjectsToItsOwnDeath() {
        var (membership, rng) = machine([a, b, c])
        let effects = membership.handle(claim(a, 4, .dead, by: b), now: at(1), using: &rng)
        #expect(effects.contains(.refuted(5)))
        #expect(membership[a.name]?.refutation == 5)
        #expect(membership[a.name]?.status == .alive)
    }

    @Test func aPingForAnEarlierLifeIsNotAnswered() {
        var (membership, rng) = machine([a, b, c])
        let ping = { (target: NodeID) in
            Membership.Event.received(
                MembershipMessage(
                    sender: b, vitals: Vitals(), kind: .ping(sequence: 3, target: target), claims: []))
        }
        let wrong = membership.handle(ping(Self.node("a", 0)), now: at(1), using: &rng)
        #expect(
            !wrong.contains { if case .send(let message, _) = $0 { message.kind == .ack(sequence: 3) } else { false } })
        let right = membership.handle(ping(a), now: at(1), using: &rng)
        #expect(
            right.contains { if case .send(let message, _) = $0 { message.kind == .ack(sequence: 3) } else { false } })
    }

    @Test func strangersAreIgnored() {
        var (membership, rng) = machine([a, b])
        let before = membership.members.count
        for name in 0..<5_000 {
            _ = membership.handle(claim(Self.node("x\(name)", 1), .max, .dead, by: b), now: at(1), using: &rng)
        }
        _ = membership.handle(claim(Self.node("b", 9), 0, .dead, by: b), now: at(1), using: &rng)
        #expect(membership.members.count == before)
        #expect(membership[b.name]?.status == .alive)
        #expect(membership.counters.strangers == 5_001)
    }

    @Test func aStalledProcessDoesNotJudge() {
        var (membership, rng) = machine([a, b, c])
        _ = membership.handle(claim(c, 0, .suspect, by: b), now: at(10), using: &rng)
        let effects = membership.handle(.tick, now: at(60_000), using: &rng)
        #expect(!effects.contains(.changed(c, from: .suspect, to: .dead)))
        #expect(membership.counters.stalls == 1)
    }

    @Test func aClosedConnectionIsAReasonToProbeNow() {
        var (membership, rng) = machine([a, b, c])
        let probes = membership.counters.probes
        _ = membership.handle(.received(ackOf(membership, b)), now: at(2), using: &rng)
        let effects = membership.handle(.closed(b.name), now: at(3), using: &rng)
        let pings = effects.filter {
            if case .send(let message, let target) = $0, case .ping = message.kind { target == b } else { false }
        }
        #expect(pings.count == 1)
        #expect(membership.counters.probes == probes + 1)
    }

    /// Sequence 1 is the first probe, of b: members are probed in order of name when they are listed.
    private func ackOf(_ membership: Membership, _ node: NodeID) -> MembershipMessage {
        MembershipMessage(sender: node, vitals: Vitals(), kind: .ack(sequence: 1), claims: [])
    }

    @Test func whoLeavesIsNotSuspected() {
        var (membership, rng) = machine([a, b, c])
        _ = membership.handle(claim(c, 0, .left, by: c), now: at(1), using: &rng)
        let effects = run(&membership, &rng, until: at(8_000))
        #expect(!effects.contains(.changed(c, from: .left, to: .dead)))
        #expect(membership[c.name]?.status == .left)
    }
}

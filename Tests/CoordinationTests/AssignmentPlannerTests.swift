import Cluster
import Coordination
import Testing

/// Plans along random histories of nodes that come and go. Catches a vnode without owner, uneven shares, a move too many.
@Suite struct AssignmentPlannerTests {
    private struct Seeded: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ state >> 31
        }
    }

    private static func candidate(_ index: Int, _ life: Int, workers: Int) -> AssignmentPlanner.Candidate {
        guard let name = NodeName("n\(index)") else { preconditionFailure("a name") }
        return .init(node: NodeID(name, Incarnation(Int64(life))), workers: workers, zone: "z\(index % 2)")
    }

    @Test(arguments: 0..<30 as Range<UInt64>)
    func sharesAreEqualAndMovesFewest(_ seed: UInt64) {
        var rng = Seeded(state: seed)
        var previous: Assignment?
        for step in 0..<12 {
            let count = Int.random(in: 1...8, using: &rng)
            let candidates = (0..<10).shuffled(using: &rng).prefix(count).map { index in
                Self.candidate(index, Bool.random(using: &rng) ? 0 : step, workers: 1 + index % 4)
            }
            let tasks = (0..<Int.random(in: 0...9, using: &rng)).map { "t\($0)" }
            let next = AssignmentPlanner.plan(
                candidates: candidates, tasks: tasks, previous: previous, start: .beginning)
            #expect(next.flaw == nil, "seed \(seed), step \(step)")
            let held = next.workers.indices.map { worker in next.owners.count { $0 == worker } }
            #expect((held.max() ?? 0) - (held.min() ?? 0) <= 1, "seed \(seed), step \(step)")
            if let previous {
                #expect(
                    AssignmentPlanner.moves(from: previous, to: next) == fewestMoves(previous, next),
                    "seed \(seed), step \(step)")
            }
            let perNode = candidates.map { candidate in next.tasks(of: candidate.node).count }
            #expect((perNode.max() ?? 0) - (perNode.min() ?? 0) <= 1)
            #expect(next.tasks.map(\.task) == tasks)
            for (vnode, standby) in AssignmentPlanner.standbys(next, candidates: candidates).enumerated() {
                let owner = next.owner(ofVNode: vnode).node
                #expect((standby == nil) == (candidates.count == 1))
                #expect(standby?.node != owner)
            }
            previous = next
        }
    }

    /// By counting: whatever is held above the largest allowed share must go, and what has lost its owner must.
    private func fewestMoves(_ previous: Assignment, _ next: Assignment) -> Int {
        var held = next.workers.map { worker in
            (0..<Assignment.vnodes).count { previous.owner(ofVNode: $0) == worker }
        }
        held.sort(by: >)
        let base = Assignment.vnodes / held.count
        let remainder = Assignment.vnodes % held.count
        var kept = 0
        for (index, count) in held.enumerated() { kept += min(count, index < remainder ? base + 1 : base) }
        return Assignment.vnodes - kept
    }
}

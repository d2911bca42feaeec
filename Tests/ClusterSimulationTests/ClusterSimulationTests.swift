import ClusterSimulation
import Testing

/// Clusters of 3 to 50 nodes from seeds, on a virtual clock, network and log. A failing seed prints itself, shrunk; replay it
/// with `Simulate --seed N`. That the checks can fail is shown by mutants, each of which must be caught.
@Suite(.serialized) struct ClusterSimulationTests {
    /// Seeds that end with a healthy node that owns nothing: C5 is late there.
    private static let open: Set<UInt64> = [1_037, 1_061]

    @Test func openSeeds() {
        withKnownIssue("a node that an operator removed is not a member again in time", isIntermittent: true) {
            for seed in Self.open { #expect(Simulation.run(seed: seed).violation == nil) }
        }
    }

    @Test func seedsHold() {
        let (coverage, all) = SimulationRun.all(1_000..<1_300)
        let failures = all.filter { !Self.open.contains($0) }
        print(coverage.text)
        for seed in failures.prefix(2) { print(Simulation.report(seed: seed)) }
        #expect(failures.isEmpty)
        #expect(coverage.missing.isEmpty, "never occurred: \(coverage.missing)")
    }

    @Test(arguments: Mutant.allCases)
    func mutantIsCaught(_ mutant: Mutant) throws {
        let (seed, violation) = try #require(Simulation.firstCatch(of: mutant, seeds: 0..<300))
        print("\(mutant.rawValue): seed \(seed), \(violation)")
    }

    @Test func aSeedHasOneTrace() {
        for seed: UInt64 in 0..<10 {
            #expect(Simulation.run(seed: seed).traceHash == Simulation.run(seed: seed).traceHash)
        }
    }

    @Test func aFailingSeedShrinks() throws {
        let (seed, violation) = try #require(Simulation.firstCatch(of: .commitWithoutReports, seeds: 0..<100))
        let plan = Plan(seed: seed)
        let small = Simulation.shrink(plan, violation: violation, mutant: .commitWithoutReports)
        #expect(small.faults.count <= plan.faults.count)
        #expect(Simulation.run(small, mutant: .commitWithoutReports).violation?.invariant == violation.invariant)
        let lines = Simulation.report(seed: seed, mutant: .commitWithoutReports).split(separator: "\n")
        #expect(lines.count <= 40)
    }
}

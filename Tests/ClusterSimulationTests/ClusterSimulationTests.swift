import ClusterSimulation
import Testing

/// Clusters of 3 to 50 nodes from seeds, on a virtual clock, network and log. A failing seed prints itself, shrunk; replay it
/// with `Simulate --seed N`. That the checks can fail is shown by mutants, each of which must be caught.
@Suite(.serialized) struct ClusterSimulationTests {
    @Test func seedsHold() {
        let (coverage, failures) = SimulationRun.all(1_000..<3_000)
        print(coverage.text)
        for seed in failures.prefix(2) { print(Simulation.report(seed: seed)) }
        #expect(failures.isEmpty)
        #expect(coverage.missing.isEmpty, "never occurred: \(coverage.missing)")
    }

    @Test(arguments: Mutant.allCases)
    func mutantIsCaught(_ mutant: Mutant) throws {
        let (seed, violation) = try #require(Simulation.firstCatch(of: mutant, seeds: 0..<2_000))
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

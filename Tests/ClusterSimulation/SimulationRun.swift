internal import Synchronization

/// Many seeds on all cores.
package enum SimulationRun {
    /// What occurred in all seeds, and the seeds that violated an invariant, ascending.
    package static func all(_ seeds: Range<UInt64>, threads: Int = 2) -> (coverage: Coverage, failures: [UInt64]) {
        let shared = Mutex<(next: UInt64, coverage: Coverage, failures: [UInt64])>((seeds.lowerBound, Coverage(), []))
        Threads.run(count: threads) {
            var coverage = Coverage()
            var failures: [UInt64] = []
            while true {
                let seed = shared.withLock { state in
                    defer { state.next += 1 }
                    return state.next
                }
                guard seed < seeds.upperBound else { break }
                let outcome = Simulation.run(seed: seed)
                coverage.add(outcome.coverage)
                if outcome.violation != nil { failures.append(seed) }
            }
            shared.withLock { state in
                state.coverage.add(coverage)
                state.failures += failures
            }
        }
        return shared.withLock { ($0.coverage, $0.failures.sorted()) }
    }
}

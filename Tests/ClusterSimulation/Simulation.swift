/// Runs seeds, and makes what it finds small and repeatable.
package enum Simulation {
    /// One seed, as its plan says.
    package static func run(seed: UInt64, mutant: Mutant? = nil) -> Outcome {
        var world = World(Plan(seed: seed), mutant: mutant)
        return world.run()
    }

    package static func run(_ plan: Plan, mutant: Mutant? = nil, keepsTrace: Bool = false) -> Outcome {
        var world = World(plan, mutant: mutant, keepsTrace: keepsTrace)
        return world.run()
    }

    /// The first seed of the range that catches the mutant, and how.
    package static func firstCatch(of mutant: Mutant, seeds: Range<UInt64>) -> (seed: UInt64, violation: Violation)? {
        for seed in seeds {
            if let violation = run(seed: seed, mutant: mutant).violation { return (seed, violation) }
        }
        return nil
    }

    /// A plan with fewer faults, remnants and nuisances that violates the same invariant; runs it at most `tries` times.
    package static func shrink(_ plan: Plan, violation: Violation, mutant: Mutant? = nil, tries: Int = 400) -> Plan {
        var best = plan
        var left = tries
        func stillFails(_ candidate: Plan) -> Bool {
            guard left > 0 else { return false }
            left -= 1
            return run(candidate, mutant: mutant).violation?.invariant == violation.invariant
        }
        if violation.time < plan.safety {
            // What comes later does not matter.
            best.faults.removeAll { $0.at > violation.time }
            if !stillFails(best) { best = plan }
        }
        var chunk = max(1, best.faults.count / 2)
        while left > 0, !best.faults.isEmpty {
            var start = 0
            var hasShrunk = false
            while start < best.faults.count {
                var candidate = best
                candidate.faults.removeSubrange(start..<min(start + chunk, best.faults.count))
                if stillFails(candidate) {
                    best = candidate
                    hasShrunk = true
                } else {
                    start += chunk
                }
            }
            if chunk == 1, !hasShrunk { break }
            chunk = max(1, chunk / 2)
        }
        let simpler: [(inout Plan) -> Void] = [
            { $0.remnants = [:] }, { $0.cutPair = nil }, { $0.lossPerMille = 0 }, { $0.doublePerMille = 0 },
            { $0.delayMost = 2_000 }, { $0.skew = 0 }, { $0.logDelayMost = 8_000 },
        ]
        for change in simpler {
            var candidate = best
            change(&candidate)
            if stillFails(candidate) { best = candidate }
        }
        return best
    }

    /// The plan of a seed and all that happens in it.
    package static func trace(seed: UInt64) -> [String] {
        let plan = Plan(seed: seed)
        let outcome = run(plan, keepsTrace: true)
        return plan.faults.map { "\($0)" } + outcome.trace + [outcome.violation.map { "\($0)" } ?? "the seed holds"]
    }

    /// What a failing seed prints: the small plan, and the last of what happened; at most 40 lines.
    package static func report(seed: UInt64, mutant: Mutant? = nil) -> String {
        let plan = Plan(seed: seed)
        guard let violation = run(plan, mutant: mutant).violation else { return "seed \(seed) holds" }
        let small = shrink(plan, violation: violation, mutant: mutant)
        let outcome = run(small, mutant: mutant, keepsTrace: true)
        var lines = ["seed \(seed), \(plan.nodes) nodes: \(violation)"]
        lines.append(
            "shrunk from \(plan.faults.count) faults to \(small.faults.count): \(outcome.violation.map { "\($0)" } ?? "nothing")"
        )
        lines += small.faults.prefix(8).map { "  \($0)" }
        if !small.remnants.isEmpty { lines.append("  stay: \(small.remnants.sorted { $0.key < $1.key })") }
        if let pair = small.cutPair { lines.append("  stays: link \(pair) cut") }
        lines += outcome.trace.filter { !$0.contains(" tells ") }.suffix(40 - lines.count)
        return lines.joined(separator: "\n")
    }
}

import ClusterSimulation
import Foundation

/// `Simulate SEEDS [FIRST]`: runs seeds on all cores and prints what occurred; `Simulate --seed N` replays one, `Simulate --trace N` with all that happens;
/// `Simulate --mutants SEEDS` shows which seed catches each mutant; `Simulate --hashes N` prints trace hashes.
@main struct Simulate {
    static func main() {
        let arguments = CommandLine.arguments.dropFirst().map { $0 }
        switch arguments.first {
        case "--seed":
            print(
                Simulation.report(
                    seed: UInt64(arguments[1]) ?? 0, mutant: arguments.count > 2 ? Mutant(rawValue: arguments[2]) : nil)
            )
        case "--trace":
            print(Simulation.trace(seed: UInt64(arguments[1]) ?? 0).joined(separator: "\n"))
        case "--mutants":
            exit(mutants(UInt64(arguments[1]) ?? 2_000) ? 0 : 1)
        case "--hashes":
            for seed in 0..<(UInt64(arguments[1]) ?? 20) {
                print("\(seed) \(String(Simulation.run(seed: seed).traceHash, radix: 16))")
            }
        default:
            let seeds = arguments.first.flatMap { UInt64($0) } ?? 2_000
            let first = arguments.count > 1 ? UInt64(arguments[1]) ?? 0 : 0
            exit(run(first..<first + seeds) ? 0 : 1)
        }
    }

    private static func run(_ seeds: Range<UInt64>) -> Bool {
        let began = Date()
        let (coverage, failures) = SimulationRun.all(seeds)
        print(coverage.text)
        print("took \(String(format: "%.1f", Date().timeIntervalSince(began))) s")
        for seed in failures.prefix(5) { print(Simulation.report(seed: seed)) }
        if failures.count > 5 { print("\(failures.count) seeds failed: \(failures.prefix(50))") }
        let missing = coverage.missing
        if !missing.isEmpty, seeds.count >= 2_000 { print("never occurred: \(missing.joined(separator: ", "))") }
        return failures.isEmpty && (missing.isEmpty || seeds.count < 2_000)
    }

    private static func mutants(_ seeds: UInt64) -> Bool {
        var isComplete = true
        for mutant in Mutant.allCases {
            if let (seed, violation) = Simulation.firstCatch(of: mutant, seeds: 0..<seeds) {
                print("\(mutant.rawValue): seed \(seed), \(violation)")
            } else {
                print("\(mutant.rawValue): NOT CAUGHT")
                isComplete = false
            }
        }
        return isComplete
    }
}

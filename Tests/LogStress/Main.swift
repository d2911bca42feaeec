import Glibc
import Log

/// Drives an embedded log for the durability proofs under chaos/ and the figures of bench/log.py.
///
///     LogStress append DIR [--first N] [--appends N] [--in-flight N] [--partitions N] [--synchronous full|off]
///     LogStress verify DIR < acknowledgements
///     LogStress bench append|read DIR [--records N] [--in-flight N]
///     LogStress bench tail DIR [--appends N]      (the writer; starts `follow` itself)
///     LogStress follow DIR N
///     LogStress bench idle DIR [--seconds N]
@main
struct LogStress {
    static func main() async {
        do {
            let arguments = try Arguments(CommandLine.arguments.dropFirst())
            switch arguments.words.first {
            case "append": try await StressAppend(arguments).run()
            case "verify": try await StressVerify(directory: try arguments.word(1)).run()
            case "follow": try await TailBench.follow(try arguments.word(1), Int(try arguments.word(2)) ?? 0)
            case "bench":
                switch try arguments.word(1) {
                case "append": try await ThroughputBench(arguments).append()
                case "read": try await ThroughputBench(arguments).read()
                case "tail": try await TailBench.run(arguments)
                case "idle": try await TailBench.idle(arguments)
                default: throw StressFailure("bench append, read, tail or idle")
                }
            default: throw StressFailure("append, verify, follow or bench")
            }
        } catch {
            say("LogStress: \(error)", to: 2)
            exit(1)
        }
    }
}

struct StressFailure: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}

/// `--name value` pairs and the words between them.
struct Arguments {
    var words: [String] = []
    private var options: [String: String] = [:]

    init(_ arguments: ArraySlice<String>) throws {
        var rest = arguments
        while let argument = rest.popFirst() {
            guard argument.hasPrefix("--") else {
                words.append(argument)
                continue
            }
            guard let value = rest.popFirst() else { throw StressFailure("\(argument) needs a value") }
            options[String(argument.dropFirst(2))] = value
        }
    }

    func word(_ index: Int) throws -> String {
        guard index < words.count else { throw StressFailure("argument \(index + 1) is missing") }
        return words[index]
    }

    func integer(_ name: String, _ otherwise: Int) throws -> Int {
        guard let text = options[name] else { return otherwise }
        guard let value = Int(text), value >= 0 else { throw StressFailure("--\(name) \(text) is no number") }
        return value
    }

    func synchronous() throws -> EmbeddedLogOptions.Synchronous {
        guard let text = options["synchronous"] else { return .full }
        guard let value = EmbeddedLogOptions.Synchronous(rawValue: text) else {
            throw StressFailure("--synchronous \(text)")
        }
        return value
    }
}

/// One line in one write, unbuffered: what was said stays said when the process is killed.
func say(_ line: String, to descriptor: Int32 = 1) {
    let bytes = Array((line + "\n").utf8)
    _ = write(descriptor, bytes, bytes.count)
}

/// Seconds on the monotonic clock.
func seconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// User and system seconds of this process so far.
func cpuSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// `value` with so many decimals.
func rounded(_ value: Double, _ decimals: Int) -> String {
    var scale = 1.0
    for _ in 0..<decimals { scale *= 10 }
    let whole = Int((value * scale).rounded())
    guard decimals > 0 else { return "\(whole)" }
    let digits = String(whole % Int(scale))
    return "\(whole / Int(scale))." + String(repeating: "0", count: decimals - digits.utf8.count) + digits
}

/// SplitMix64 (Steele, Lea, Flood 2014).
struct StressRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

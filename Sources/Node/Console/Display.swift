internal import Coordination
internal import Dataflow
internal import Foundation

/// What a running node shows: a picture that changes on a terminal, lines otherwise.
struct Display: Sendable {
    let json: Bool
    let settings: NodeSettings
    private let isTerminal: Bool
    /// Once it is known.
    private var port: Int
    private var url: String { "\(settings.host.contains(":") ? "[\(settings.host)]" : settings.host):\(port)" }

    init(json: Bool, settings: NodeSettings) {
        self.json = json
        self.settings = settings
        port = settings.port
        isTerminal = isatty(STDOUT_FILENO) == 1 && !json && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    }

    /// Shows the replay's progress until the node is ready.
    func waitUntilReady(_ coordinator: Coordinator) async throws {
        var shown = false
        while true {
            if await coordinator.waitUntilReady(atMost: .milliseconds(100)) { break }
            try Task.checkCancellation()
            let status = await coordinator.status()
            if status.phase == .stopped { throw CancellationError() }
            guard status.replay.total > 0 else { continue }
            if isTerminal {
                print(
                    "\r\u{1B}[2K" + Self.bar("replaying the log", status.replay.done, status.replay.total),
                    terminator: "")
                fflush(nil)
                shown = true
            } else if json {
                print("{\"event\":\"replay\",\"done\":\(status.replay.done),\"total\":\(status.replay.total)}")
                try await Task.sleep(for: .seconds(1))
            }
        }
        if shown { print("\r\u{1B}[2K", terminator: "") }
    }

    static func bar(_ title: String, _ done: Int64, _ total: Int64) -> String {
        let share = total > 0 ? min(Double(done) / Double(total), 1) : 1
        let filled = Int(share * 30)
        return
            "\(title) [\(String(repeating: "█", count: filled))\(String(repeating: "░", count: 30 - filled))] \(Int(share * 100)) %  \(count(done)) of \(count(total))"
    }

    static func count(_ number: Int64) -> String {
        var digits = Array(String(number.magnitude))
        var position = digits.count - 3
        while position > 0 {
            digits.insert(" ", at: position)
            position -= 3
        }
        return (number < 0 ? "-" : "") + String(digits)
    }

    /// Shows the node until it is stopped.
    mutating func run(_ assembly: NodeAssembly) async throws {
        port = try await assembly.listening()
        if json {
            print("{\"event\":\"ready\",\"http\":\"http://\(url)\",\"pid\":\(getpid())}")
        } else if !isTerminal {
            print("ready: http://\(url) (pid \(getpid()))")
        }
        var round = 0
        while !Task.isCancelled {
            if isTerminal {
                let picture = await picture(assembly, round)
                print("\u{1B}[H\u{1B}[J" + picture.joined(separator: "\n"))
            } else if round % 10 == 0, round > 0 {
                let status = await assembly.coordinator.nodeStatus()
                if json {
                    print(
                        "{\"event\":\"status\",\"epoch\":\(status.committedEpoch),\"records_per_second\":\(status.recordsPerSecond)}"
                    )
                } else {
                    print(
                        "epoch \(status.committedEpoch), \(Self.count(Int64(status.recordsPerSecond))) records/s, \(status.views.count) views"
                    )
                }
            }
            fflush(nil)
            round += 1
            try await Task.sleep(for: .seconds(1))
        }
    }

    private func picture(_ assembly: NodeAssembly, _ round: Int) async -> [String] {
        let status = await assembly.coordinator.status()
        let bold = { (text: String) in "\u{1B}[1m\(text)\u{1B}[0m" }
        let dim = { (text: String) in "\u{1B}[2m\(text)\u{1B}[0m" }
        let milliseconds = { (value: Int64?) in
            value.map { $0 < 10_000 ? "\(Double($0 / 100) / 10) ms" : "\($0 / 1000) ms" } ?? "–"
        }
        var head = [
            bold("Dataprism") + "  \(settings.data)  http://\(url)",
            "\(bold(Self.count(Int64(status.recordsPerSecond)))) events/s   epoch \(bold(Self.count(status.committedEpoch)))   \(Int(status.epochsPerSecond)) epochs/s   \(status.memoryBytes >> 20) MB",
            Self.delay(status, milliseconds),
        ]
        for (name, source) in status.sources.sorted(by: { $0.key < $1.key }) {
            if let failure = source.failure { head.append(bold("\(name) has stopped: \(failure)")) }
        }
        head.append("")
        let (catalog, _) = await assembly.coordinator.catalog()
        let views = catalog.ordered.filter(\.isQueryable)
        let cells = views.map { relation in
            let view = status.views[relation.name]
            return [relation.name, Self.count(Int64(view?.rows ?? 0)), Self.state(view)]
        }
        let screen = Screen.current
        let help = help(views.first?.name ?? "view", dim)
        let table: [String]
        if screen.rows - 1 - head.count - help.count - cells.count - 3 >= Self.sampleLinesMin {
            let isStateless = cells.allSatisfy { $0[2].isEmpty }
            let names = isStateless ? ["view", "rows"] : ["view", "rows", "state"]
            table =
                TableText.lines(
                    names, cells.map { Array($0.prefix(names.count)) },
                    isNumber: Array([false, true, false].prefix(names.count)))
                + [""]
        } else {
            // A low screen: as many views to a line as fit.
            table = Self.flowing(cells.map { $0.filter { !$0.isEmpty }.joined(separator: " ") }, screen.columns) + [""]
        }
        var sample: [String] = []
        if !views.isEmpty {
            // Another view every three seconds, so that all of them are seen.
            let relation = views[(round / 3) % views.count]
            let room = screen.rows - 1 - head.count - table.count - help.count - 3
            let limit = max(1, room)
            sample = [bold(relation.name) + dim("  SELECT * FROM \(relation.name) LIMIT \(limit)")]
            do throws(Failure) {
                let answer = try await assembly.gateway.execute("SELECT * FROM \"\(relation.name)\" LIMIT \(limit)")
                sample += TableText.lines(answer.result)
            } catch {
                sample.append(dim(error.message))
            }
        }
        return screen.fit([(0, head), (1, table), (3, sample), (2, help)])
    }

    /// The lines of a sample that are worth a table of views in lines of their own: a title, the names and some rows.
    private static let sampleLinesMin = 6

    /// How long events take to where they can be queried.
    private static func delay(_ status: PipelineStatus, _ milliseconds: (Int64?) -> String) -> String {
        if status.latency.count > 0 {
            return
                "append to queryable: p50 \(milliseconds(status.latency.p50)), p99 \(milliseconds(status.latency.p99))"
        }
        // Events that are made as they are read are never appended.
        var lags: [String: Int64] = [:]
        for source in status.sources.values { lags[source.topic] = max(lags[source.topic] ?? 0, source.lag) }
        let lag = lags.values.reduce(0, +)
        guard status.recordsPerSecond >= 1 else { return "no events at the moment" }
        let microseconds = Int64(Double(lag) / status.recordsPerSecond * 1e6)
        return "source to queryable: \(milliseconds(microseconds)) (\(count(lag)) events)"
    }

    /// Texts one after the other, as many to a line as fit.
    private static func flowing(_ texts: [String], _ columns: Int) -> [String] {
        var lines: [String] = []
        for text in texts {
            if let last = lines.last, TableText.width(last) + 3 + TableText.width(text) <= columns {
                lines[lines.count - 1] = last + "   " + text
            } else {
                lines.append(text)
            }
        }
        return lines
    }

    private func help(_ example: String, _ dim: (String) -> String) -> [String] {
        [
            "", dim("ask it from another terminal:"), "  curl -s \(url)/sql --data 'SELECT * FROM \(example) LIMIT 5'",
            "  curl -s '\(url)/views/\(example)?limit=5'",
            "  \(CommandLine.arguments[0]) sql --url http://\(url) -c 'SELECT * FROM \(example) LIMIT 5'",
            dim("Ctrl-C stops it; run again, it goes on where it was."),
        ]
    }

    private static func state(_ view: PipelineStatus.View?) -> String {
        guard let view else { return "building" }
        if view.failure != nil { return "cannot be answered" }
        guard view.isActive else {
            return view.progress.map { "building \($0.total > 0 ? $0.done * 100 / $0.total : 0) %" } ?? "building"
        }
        return view.stoppedTables.isEmpty ? "" : "stale: \(view.stoppedTables.joined(separator: ", ")) stopped"
    }
}

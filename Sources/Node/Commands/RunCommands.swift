internal import Actors
internal import ArgumentParser
internal import Coordination
internal import Foundation
internal import Logging

/// `dataprism dev`.
struct DevCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dev", abstract: "Runs a pipeline file on one node and shows its views.",
        discussion: """
            The file holds CREATE statements. Run again on the same data directory, it goes on where it was: unchanged statements are kept,
            new ones are added; changed or missing ones are refused with the difference, unless --replace is given.

            Examples:
              dataprism dev examples/auctions.sql
              dataprism dev orders.sql --data ./data --http 127.0.0.1:7070
              dataprism dev orders.sql --replace
            """)

    @Argument(help: "The pipeline: a file of CREATE statements.")
    var file: String

    @Flag(help: "Drop what the file changes or leaves out, with what depends on it, and build it anew.")
    var replace = false

    @OptionGroup var node: NodeFlags
    @OptionGroup var serve: ServeFlags

    func run() async throws {
        let settings = try await node.settings(serve)
        let pipeline = try Pipeline(path: file)
        if node.check { return node.report(settings, pipeline) }
        let assembly = try await NodeAssembly(settings, logger: Logger.node(json: node.json))
        let (json, replace) = (node.json, replace)
        try await assembly.run(serving: true) { assembly in
            var display = Display(json: json, settings: assembly.settings)
            try await display.waitUntilReady(assembly.coordinator)
            try await pipeline.deploy(to: assembly.gateway, replacing: replace)
            try await display.run(assembly)
        }
    }
}

/// `dataprism node`.
struct NodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "node", abstract: "Runs a node with whatever is deployed in its log.",
        discussion: """
            With --listen it is a node of a cluster: all nodes of it share one log. Starting one more scales out; SIGTERM hands over and
            leaves.

            Examples:
              dataprism node --data d/a --log embedded:d/log --http 127.0.0.1:7070
              DATAPRISM_DATA=/var/lib/dataprism dataprism node
              dataprism node --name a --listen 127.0.0.1:7701 --data d/a --log embedded:d/log
              dataprism node --name b --listen 127.0.0.1:7702 --join 127.0.0.1:7701 --data d/b --log embedded:d/log
            """)

    @OptionGroup var node: NodeFlags
    @OptionGroup var serve: ServeFlags
    @OptionGroup var cluster: ClusterFlags

    func run() async throws {
        var settings = try await node.settings(serve)
        settings.cluster = try cluster.settings()
        if node.check {
            try settings.cluster?.check()
            return node.report(settings)
        }
        if settings.cluster != nil, serve.http == nil {
            // Several nodes of one machine would want the same one.
            settings.port = try FreePort.find(settings.host, preferring: settings.port)
        }
        let assembly = try await NodeAssembly(settings, logger: Logger.node(json: node.json))
        let json = node.json
        try await assembly.run(serving: true) { assembly in
            var display = Display(json: json, settings: assembly.settings)
            try await display.waitUntilReady(assembly.coordinator)
            try await display.run(assembly)
        }
    }
}

/// `dataprism run`.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Runs a pipeline over sources that end, to their end.",
        discussion: """
            For generators with a count and files that are not followed: the command ends when all of them are in the last epoch.

            Examples:
              dataprism run job.sql --data /tmp/job
              dataprism run job.sql --data /tmp/job --workers 2 --json
            """)

    @Argument(help: "The pipeline: a file of CREATE statements.")
    var file: String

    @OptionGroup var node: NodeFlags

    func run() async throws {
        let settings = try await node.settings()
        let pipeline = try Pipeline(path: file)
        if node.check { return node.report(settings, pipeline) }
        let assembly = try await NodeAssembly(settings, logger: Logger.node(json: node.json))
        let started = ContinuousClock.now
        let json = node.json
        try await assembly.run(serving: false) { assembly in
            guard await assembly.coordinator.waitUntilReady() else { return }
            try await pipeline.deploy(to: assembly.gateway, replacing: false)
            guard await assembly.coordinator.waitUntilDrained() else { return }
            let status = await assembly.coordinator.status()
            Self.report(status, (ContinuousClock.now - started) / .seconds(1), json)
            for (name, source) in status.sources.sorted(by: { $0.key < $1.key }) {
                if let failure = source.failure { throw CommandFailure("source \"\(name)\" has stopped: \(failure)") }
            }
        }
    }

    private static func report(_ status: PipelineStatus, _ seconds: Double, _ json: Bool) {
        // A topic that several tables share is read once.
        var events: [String: Int64] = [:]
        for source in status.sources.values {
            events[source.topic] = max(events[source.topic] ?? 0, source.counters.read)
        }
        let total = events.values.reduce(0, +)
        func hexadecimal(_ value: UInt64) -> String {
            let digits = String(value, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }
        let sinks = status.sinks.sorted { $0.key < $1.key }
        let views = status.views.sorted { $0.key < $1.key }
        if json {
            let sinkText = sinks.map {
                "{\"name\":\(HTTPAPI.string($0.key)),\"rows\":\($0.value.rows),\"checksum\":\"\(hexadecimal($0.value.checksum))\"}"
            }
            let viewText = views.map { "{\"name\":\(HTTPAPI.string($0.key)),\"rows\":\($0.value.rows)}" }
            func time(_ value: Int64?) -> String { value.map(String.init) ?? "null" }
            print(
                "{\"events\":\(total),\"epochs\":\(status.committedEpoch),\"seconds\":\(seconds),"
                    + "\"latency_us\":{\"p50\":\(time(status.latency.p50)),\"p99\":\(time(status.latency.p99))},"
                    + "\"sinks\":[\(sinkText.joined(separator: ","))],\"views\":[\(viewText.joined(separator: ","))]}")
            return
        }
        var rows = [["records read", "\(total)", ""], ["epochs", "\(status.committedEpoch)", ""]]
        for (name, sink) in sinks {
            rows.append(["sink \(name)", "\(sink.rows) rows", "checksum \(hexadecimal(sink.checksum))"])
        }
        for (name, view) in views { rows.append(["view \(name)", "\(view.rows) rows", ""]) }
        for row in rows {
            print(
                row[0].padding(toLength: 24, withPad: " ", startingAt: 0) + row[1]
                    + (row[2].isEmpty ? "" : "  " + row[2]))
        }
    }
}

internal import ArgumentParser

/// The flags that every command that runs a node has.
struct NodeFlags: ParsableArguments {
    @Option(help: ArgumentHelp("Where the node keeps its state (default: data).", valueName: "dir"))
    var data: String?

    @Option(help: ArgumentHelp("The event log: embedded:DIRECTORY (default: log below the data).", valueName: "log"))
    var log: String?

    @Option(help: ArgumentHelp("Threads that run the dataflow (default: one per core).", valueName: "n"))
    var workers: Int?

    @Option(help: ArgumentHelp("A JSON or YAML file of settings.", valueName: "file"))
    var config: String?

    @Flag(help: "JSON lines instead of text for people.")
    var json = false

    @Flag(help: "Check the settings and the pipeline, and start nothing.")
    var check = false
}

/// The flags of commands that serve.
struct ServeFlags: ParsableArguments {
    @Option(help: ArgumentHelp("Where to serve (default: 127.0.0.1:7070).", valueName: "host:port"))
    var http: String?

    @Flag(help: "Allow serving on other addresses than loopback, without authentication.")
    var insecure = false
}

extension NodeFlags {
    func settings(_ serve: ServeFlags? = nil) async throws -> NodeSettings {
        try await NodeSettings.load(
            NodeSettings.Flags(
                data: data, log: log, http: serve?.http, workers: workers, insecure: serve?.insecure ?? false,
                configuration: config))
    }

    /// Says what `--check` has found to be right.
    func report(_ settings: NodeSettings, _ pipeline: Pipeline? = nil) {
        let count = pipeline?.statements.count
        if json {
            print(
                "{\"check\":\"ok\",\"data\":\(HTTPAPI.string(settings.data)),\"log\":\(HTTPAPI.string(settings.log)),\"http\":\(HTTPAPI.string("\(settings.host):\(settings.port)")),\"workers\":\(settings.workers),\"statements\":\(count.map(String.init) ?? "null")}"
            )
        } else {
            print(
                "ok: data \(settings.data), log \(settings.log), http \(settings.host):\(settings.port), \(settings.workers) workers"
                    + (count.map { ", \($0) statements" } ?? ""))
        }
    }
}

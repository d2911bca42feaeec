internal import ArgumentParser

/// The flags that every command that runs a node has.
struct NodeFlags: ParsableArguments {
    @Option(help: ArgumentHelp("Where the node keeps its state (default: data).", valueName: "dir"))
    var data: String?

    @Option(help: ArgumentHelp("The event log: embedded:DIRECTORY (default: log below the data).", valueName: "log"))
    var log: String?

    @Option(help: ArgumentHelp("Threads that run the dataflow (default: one per core).", valueName: "n"))
    var workers: Int?

    @Option(help: ArgumentHelp("A JSON file of settings.", valueName: "file"))
    var config: String?

    @Flag(help: "JSON lines instead of text for people.")
    var json = false
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
}

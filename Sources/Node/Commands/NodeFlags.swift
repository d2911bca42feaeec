internal import ArgumentParser
internal import Cluster
internal import Foundation

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

/// The flags of a node that is one of several.
struct ClusterFlags: ParsableArguments {
    @Option(help: ArgumentHelp("The node's name in its cluster (default: node- and its port).", valueName: "name"))
    var name: String?

    @Option(
        help: ArgumentHelp("Where other nodes reach this one; makes it a node of a cluster.", valueName: "host:port"))
    var listen: String?

    @Option(help: ArgumentHelp("A node of the cluster to reach first; may be repeated.", valueName: "host:port"))
    var join: [String] = []

    @Option(help: ArgumentHelp("Nodes of one zone fail together.", valueName: "zone"))
    var zone: String?

    @Option(help: ArgumentHelp("A file, readable by its owner only, with the cluster's secret.", valueName: "file"))
    var clusterSecretFile: String?

    @Option(help: ArgumentHelp("This node's certificate, PEM.", valueName: "file"))
    var tlsCert: String?

    @Option(help: ArgumentHelp("Its private key, PEM.", valueName: "file"))
    var tlsKey: String?

    @Option(help: ArgumentHelp("The authority that signed the nodes' certificates, PEM.", valueName: "file"))
    var tlsCA: String?

    @Option(help: .hidden)
    var wireVersion: Int?

    func settings() throws -> ClusterSettings? {
        if let wireVersion { try Self.use(wireVersion) }
        return try ClusterSettings(
            ClusterSettings.Flags(
                name: name, listen: listen, join: join, zone: zone, secretFile: clusterSecretFile, tlsCert: tlsCert,
                tlsKey: tlsKey, tlsCA: tlsCA))
    }
}

extension ClusterFlags {
    /// The next version exists only for tests of upgrades, which say so in the environment.
    private static func use(_ version: Int) throws {
        let highest = WireVersions.current.highest
        if version == highest { return }
        guard version == highest + 1, ProcessInfo.processInfo.environment["DATAPRISM_TEST_UPGRADE"] == "1" else {
            throw ConfigurationFailure("wire-version: \(version); this build speaks version \(WireVersions.current)")
        }
        WireVersions.useNext()
    }
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

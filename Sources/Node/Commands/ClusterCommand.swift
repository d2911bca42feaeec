internal import ArgumentParser
internal import Foundation
internal import UnixSignals

/// `dataprism cluster`: several nodes on this machine, each a process of its own.
struct ClusterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster", abstract: "Runs several nodes on this machine.",
        subcommands: [Up.self, Down.self])

    struct Up: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Starts nodes that share one log, and stays in the foreground until it is stopped.",
            discussion: """
                With a file it runs what the file says: unchanged statements are kept, new ones are added; changed or missing ones are refused
                with the difference, unless --replace is given. A node that ends by itself is told of; the others take its work over.

                Examples:
                  dataprism cluster up --nodes 3 --data ./cluster
                  dataprism cluster up --nodes 3 --data ./cluster examples/auctions.sql
                """)

        @Option(help: ArgumentHelp("How many nodes, 1 to 64.", valueName: "n")) var nodes = 3
        @Option(help: ArgumentHelp("Where they keep their state and the log.", valueName: "dir")) var data =
            "data/cluster"
        @Option(help: ArgumentHelp("Threads of each node that run the dataflow.", valueName: "n")) var workers = 1
        @Option(
            help: ArgumentHelp("The first node's HTTP port; the others' follow where they are free.", valueName: "port")
        )
        var http = 7070
        @Flag(help: "One line of JSON when the cluster is ready.") var json = false
        @Flag(help: "Drop what the file changes or leaves out, with what depends on it, and build it anew.")
        var replace = false
        @Argument(help: "A pipeline to deploy: a file of CREATE statements.") var file: String?

        func run() async throws {
            guard (1...LocalCluster.nodesMax).contains(nodes) else {
                throw ConfigurationFailure("nodes: \(nodes); 1 to \(LocalCluster.nodesMax) are possible")
            }
            let pipeline = try file.map { try Pipeline(path: $0) }
            let directory = ClusterDirectory(path: data)
            let lock = try directory.take()
            defer { withExtendedLifetime(lock) {} }
            let names = (0..<nodes).map(LocalCluster.name)
            try directory.checkIdle(names)
            // From here on a signal stops what has been started, and is not the end before that.
            let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
            try directory.note(names)
            let cluster = LocalCluster(directory, workers: workers)
            let (json, http, replace) = (json, http, replace)
            do {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { for await _ in signals { break } }
                    group.addTask {
                        try cluster.start(names, http: http)
                        try await cluster.waitUntilReady()
                        if let pipeline, let first = cluster.children.first {
                            try await pipeline.deploy(to: NodeClient(url: first.http), replacing: replace)
                        }
                        Self.report(cluster.children, json: json)
                        try await cluster.watch(json: json)
                        throw CommandFailure("all nodes have ended")
                    }
                    defer { group.cancelAll() }
                    try await group.next()
                }
            } catch {
                try await cluster.stop()
                try directory.forget()
                throw error
            }
            try await cluster.stop()
            try directory.forget()
        }

        private static func report(_ children: [LocalCluster.Child], json: Bool) {
            if json {
                let nodes = children.map {
                    "{\"name\":\"\($0.name)\",\"pid\":\($0.pid),\"http\":\"\($0.http)\",\"listen\":\"\($0.listen)\"}"
                }
                print("{\"nodes\":[\(nodes.joined(separator: ","))]}")
            } else {
                AdminClient.table(
                    ["node", "pid", "http", "listen"], children.map { [$0.name, "\($0.pid)", $0.http, $0.listen] },
                    numbers: [1])
                print("ready; Ctrl-C stops all")
            }
            fflush(nil)
        }
    }

    struct Down: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Stops the nodes that `cluster up` has started.",
            discussion: """
                Also those of a `cluster up` that was killed.

                Examples:
                  dataprism cluster down --data ./cluster
                  dataprism cluster down --data ./cluster --json
                """)

        @Option(help: ArgumentHelp("What `cluster up` was given.", valueName: "dir")) var data = "data/cluster"
        @Flag(help: "One line of JSON: the nodes that were stopped.") var json = false

        func run() async throws {
            let directory = ClusterDirectory(path: data)
            let isUp: Bool
            var nodes: [ClusterDirectory.Node]
            switch directory.holder {
            case .process(let pid):
                isUp = true
                let names = directory.noted
                nodes = directory.running(names)
                try await directory.stop(up: pid)
                // One that was started anew by itself, or whose `cluster up` was killed meanwhile.
                let left = directory.running(names)
                try await directory.stop(left)
                nodes += left.filter { !nodes.contains($0) }
            case .nobody:
                isUp = false
                nodes = directory.running(directory.noted)
                guard !nodes.isEmpty else { throw CommandFailure("no cluster runs in \(data)") }
                let lock = try directory.take()
                defer { withExtendedLifetime(lock) {} }
                try await directory.stop(nodes)
                try directory.forget()
            case .unknown:
                throw CommandFailure(
                    "\(data)/cluster.lock is held by a process that this one cannot see, maybe another user's")
            }
            if json {
                let stopped = nodes.map { "{\"name\":\(HTTPAPI.string($0.name)),\"pid\":\($0.pid)}" }
                print("{\"stopped\":[\(stopped.joined(separator: ","))]}")
            } else if isUp {
                print("stopped")
            } else {
                print("stopped \(ClusterDirectory.list(nodes)); their `cluster up` had been killed")
            }
        }
    }
}

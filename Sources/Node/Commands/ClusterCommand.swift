internal import ArgumentParser
internal import Coordination
internal import Foundation
internal import UnixSignals

/// `dataprism cluster`: several nodes on this machine, each a process of its own.
struct ClusterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster", abstract: "Runs several nodes on this machine.",
        subcommands: [Up.self, Down.self])

    /// Where `up` notes what it has started, for `down`.
    static func pidFile(_ data: String) -> String { data + "/cluster.pid" }

    struct Up: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Starts nodes that share one log, and stays in the foreground until it is stopped.",
            discussion: """
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
        @Argument(help: "A pipeline to deploy: a file of CREATE statements.") var file: String?

        func run() async throws {
            guard (1...64).contains(nodes) else { throw ConfigurationFailure("nodes: \(nodes); 1 to 64 are possible") }
            let pipeline = try file.map { try String(contentsOfFile: $0, encoding: .utf8) }
            try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
            let children = try LocalCluster(data: data, nodes: nodes, workers: workers, http: http)
            try "\(getpid())\n".write(toFile: ClusterCommand.pidFile(data), atomically: true, encoding: .utf8)
            do {
                try await children.waitUntilReady()
                if let pipeline { try await children.deploy(pipeline) }
            } catch {
                children.stop()
                throw error
            }
            children.report(json: json)
            await children.waitForStop()
            try FileManager.default.removeItem(atPath: ClusterCommand.pidFile(data))
        }
    }

    struct Down: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Stops the nodes that `cluster up` has started.",
            discussion: """
                Example:
                  dataprism cluster down --data ./cluster
                """)

        @Option(help: ArgumentHelp("What `cluster up` was given.", valueName: "dir")) var data = "data/cluster"

        func run() async throws {
            let path = ClusterCommand.pidFile(data)
            guard let text = FileManager.default.contents(atPath: path),
                let pid = Int32(String(decoding: text, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))
            else { throw CommandFailure("no cluster runs in \(data)") }
            guard kill(pid, SIGTERM) == 0 else {
                try FileManager.default.removeItem(atPath: path)
                throw CommandFailure("process \(pid) of the cluster in \(data) is gone already")
            }
            for _ in 0..<400 where kill(pid, 0) == 0 { try await Task.sleep(for: .milliseconds(100)) }
            guard kill(pid, 0) != 0 else { throw CommandFailure("process \(pid) has not stopped within 40 s") }
            print("stopped")
        }
    }
}

/// Node processes of one cluster, on loopback.
final class LocalCluster: Sendable {
    struct Child: Sendable {
        var name: String
        var pid: Int32
        var http: String
        var listen: String
    }

    private let processes: [Process]
    let children: [Child]

    init(data: String, nodes: Int, workers: Int, http: Int) throws {
        var processes: [Process] = []
        var children: [Child] = []
        var first: String?
        for index in 0..<nodes {
            let name = Self.name(index)
            let port = try FreePort.find("127.0.0.1", preferring: http + index)
            let listen = "127.0.0.1:\(try FreePort.find("127.0.0.1", preferring: 7_701 + index))"
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            var arguments = [
                "node", "--name", name, "--listen", listen, "--http", "127.0.0.1:\(port)", "--data", "\(data)/\(name)",
                "--log", "embedded:\(data)/log", "--workers", "\(workers)", "--json",
            ]
            if let first { arguments += ["--join", first] }
            process.arguments = arguments
            let log = data + "/\(name).log"
            _ = FileManager.default.createFile(atPath: log, contents: nil)
            process.standardOutput = FileHandle(forWritingAtPath: log)
            process.standardError = process.standardOutput
            try process.run()
            first = first ?? listen
            processes.append(process)
            children.append(
                Child(name: name, pid: process.processIdentifier, http: "http://127.0.0.1:\(port)", listen: listen))
        }
        self.processes = processes
        self.children = children
    }

    /// a, b, …, z, aa, ab, …
    private static func name(_ index: Int) -> String {
        let letter = String(UnicodeScalar(UInt8(ascii: "a") + UInt8(index % 26)))
        return index < 26 ? letter : name(index / 26 - 1) + letter
    }

    /// Waits until one generation of all nodes is ready on every one of them.
    func waitUntilReady() async throws {
        let limit = ContinuousClock.now + .seconds(60)
        for child in children {
            while try await !isReady(child) {
                if let dead = processes.firstIndex(where: { !$0.isRunning }) {
                    throw CommandFailure("node \(children[dead].name) has stopped; its log is beside its data")
                }
                guard ContinuousClock.now < limit else {
                    throw CommandFailure("node \(child.name) is not ready after 60 s")
                }
                try await Task.sleep(for: .milliseconds(25))
            }
        }
    }

    private func isReady(_ child: Child) async throws -> Bool {
        do {
            let answer = try await NodeClient(url: child.http).request("GET", "/admin/v1/cluster")
            guard answer.status == 200 else { return false }
            let status = try JSONDecoder().decode(ClusterStatus.self, from: Data(answer.body.utf8))
            return status.isReady && status.members.count { $0.vnodes > 0 } >= min(children.count, 256)
        } catch is CommandFailure {
            return false
        }
    }

    func deploy(_ pipeline: String) async throws {
        let answer = try await NodeClient(url: children[0].http).request("POST", "/sql", body: pipeline)
        guard answer.status == 200 || answer.body.contains("exists") else {
            throw CommandFailure(NodeClient.message(answer.body, about: pipeline))
        }
    }

    func report(json: Bool) {
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

    /// Until a signal comes or a node ends by itself; then all are stopped.
    func waitForStop() async {
        for await _ in await UnixSignalsSequence(trapping: .sigterm, .sigint) { break }
        stop()
    }

    func stop() {
        for process in processes where process.isRunning { process.terminate() }
        for process in processes { process.waitUntilExit() }
    }
}

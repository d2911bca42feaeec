internal import Coordination
internal import Foundation

/// The node processes that `cluster up` has started, on loopback.
final class LocalCluster: Sendable {
    struct Child: Sendable {
        var name: String
        var pid: Int32
        var http: String
        var listen: String
    }

    /// How a child has ended.
    struct End: Sendable {
        var name: String
        var pid: Int32
        /// The signal's number, or the exit code.
        var isSignal: Bool
        var status: Int32

        var text: String { isSignal ? "was ended by signal \(status)" : "has ended with code \(status)" }

        var json: String {
            "{\"event\":\"ended\",\"node\":\(HTTPAPI.string(name)),\"pid\":\(pid),\"\(isSignal ? "signal" : "code")\":\(status)}"
        }
    }

    private struct Started {
        var process: Process
        var child: Child
    }

    /// More nodes than this there are not.
    static let nodesMax = 64

    private let directory: ClusterDirectory
    private let workers: Int
    private let started = Mutexed<[Started]>([])
    private let ends = AsyncStream.makeStream(of: End.self, bufferingPolicy: .bufferingOldest(nodesMax))

    init(_ directory: ClusterDirectory, workers: Int) {
        self.directory = directory
        self.workers = workers
    }

    var children: [Child] { started.with { $0.map(\.child) } }

    /// a, b, …, z, aa, ab, …
    static func name(_ index: Int) -> String {
        let letter = String(UnicodeScalar(UInt8(ascii: "a") + UInt8(index % 26)))
        return index < 26 ? letter : name(index / 26 - 1) + letter
    }

    /// Starts the nodes, one after the other, until the task is cancelled.
    func start(_ names: [String], http: Int) throws {
        for (index, name) in names.enumerated() {
            try Task.checkCancellation()
            let port = try FreePort.find("127.0.0.1", preferring: http + index)
            let listen = "127.0.0.1:\(try FreePort.find("127.0.0.1", preferring: 7_701 + index))"
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            var arguments = [
                "node", "--name", name, "--listen", listen, "--http", "127.0.0.1:\(port)",
                "--data", "\(directory.path)/\(name)", "--log", "embedded:\(directory.path)/log",
                "--workers", "\(workers)", "--json",
            ]
            if let first = children.first { arguments += ["--join", first.listen] }
            process.arguments = arguments
            let log = directory.log(name)
            _ = FileManager.default.createFile(atPath: log, contents: nil)
            process.standardOutput = FileHandle(forWritingAtPath: log)
            process.standardError = process.standardOutput
            let ends = ends.continuation
            process.terminationHandler = { process in
                ends.yield(
                    End(
                        name: name, pid: process.processIdentifier,
                        isSignal: process.terminationReason == .uncaughtSignal, status: process.terminationStatus))
            }
            try process.run()
            let child = Child(
                name: name, pid: process.processIdentifier, http: "http://127.0.0.1:\(port)", listen: listen)
            let entry = Started(process: process, child: child)
            started.with { $0.append(entry) }
        }
    }

    /// Waits until one generation of all nodes is ready on every one of them.
    func waitUntilReady() async throws {
        let limit = ContinuousClock.now + .seconds(60)
        for child in children {
            while try await !isReady(child) {
                if let dead = started.with({ $0.first { !$0.process.isRunning }?.child.name }) {
                    throw CommandFailure("node \(dead) has ended before the cluster was ready: \(lastWords(dead))")
                }
                guard ContinuousClock.now < limit else {
                    throw CommandFailure("node \(child.name) is not ready after 60 s: \(lastWords(child.name))")
                }
                try await Task.sleep(for: .milliseconds(25))
            }
        }
    }

    /// Where a node's log is, and its last line.
    private func lastWords(_ name: String) -> String {
        let path = directory.log(name)
        let text = FileManager.default.contents(atPath: path).map { String(decoding: $0.suffix(2_000), as: UTF8.self) }
        guard let line = text?.split(separator: "\n").last else { return "its log, \(path), is empty" }
        return "its log, \(path), ends with: \(TableText.printable(String(line.prefix(500))))"
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

    /// Tells of every node that ends by itself, and goes on: the others heal. Returns when none is left.
    func watch(json: Bool) async throws {
        var left = children.count
        for await end in ends.stream {
            left -= 1
            let line = json ? end.json : "node \(end.name) (pid \(end.pid)) \(end.text): \(lastWords(end.name))"
            FileHandle.standardError.write(Data((line + "\n").utf8))
            if left == 0 { return }
        }
        try Task.checkCancellation()
    }

    /// Stops what runs. A process that was just started ignores signals for a moment: it is asked again. One that does not stop in time is
    /// killed.
    func stop() async throws {
        let processes = started.with { $0.map(\.process) }
        let end = ContinuousClock.now + ClusterDirectory.stopLimit
        var asked = ContinuousClock.now - .seconds(1)
        while case let running = processes.filter(\.isRunning), !running.isEmpty {
            if ContinuousClock.now >= end {
                for process in running { kill(process.processIdentifier, SIGKILL) }
                for process in running { process.waitUntilExit() }
                return
            }
            if ContinuousClock.now - asked >= .seconds(1) {
                for process in running { process.terminate() }
                asked = .now
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}

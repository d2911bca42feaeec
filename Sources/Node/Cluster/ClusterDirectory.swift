internal import Foundation

/// The directory of `dataprism cluster`: which `cluster up` runs in it, and which nodes that has started.
///
/// `cluster.lock` belongs to `cluster up` as long as it lives. `cluster.nodes` has the names of the nodes that it starts, a line each, from
/// before the first one is started until all have ended. A node is found by its own data directory's lock.
struct ClusterDirectory {
    struct Node: Equatable {
        var name: String
        var pid: pid_t
    }

    let path: String

    /// How long nodes may take that were asked to stop: longer than they try to hand over.
    static let stopLimit = Duration.seconds(60)
    private static let look = Duration.milliseconds(50)

    private var lockPath: String { path + "/cluster.lock" }
    private var namesPath: String { path + "/cluster.nodes" }

    func log(_ node: String) -> String { "\(path)/\(node).log" }

    var holder: LockFile.Holder { LockFile.holder(lockPath) }

    /// Makes the directory, and takes it.
    ///
    /// - Throws: ``CommandFailure`` while a cluster runs in it.
    func take() throws -> LockFile {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw ConfigurationFailure("the directory \(path) cannot be made: \(error.localizedDescription)")
        }
        do {
            return try LockFile(lockPath)
        } catch let held as LockFile.Held {
            throw CommandFailure(
                "a cluster runs in \(path) already, by process \(held.pid.map { "\($0)" } ?? "(unknown)"); stop it with: dataprism cluster down --data \(path)"
            )
        }
    }

    /// - Throws: ``CommandFailure`` if nodes run that an earlier `cluster up` has left behind, or others of these names.
    func checkIdle(_ names: [String]) throws {
        let left = running(noted + names.filter { !noted.contains($0) })
        guard !left.isEmpty else { return }
        throw CommandFailure(
            "\(Self.list(left)) of \(path) still \(left.count == 1 ? "runs" : "run"), but the `cluster up` that started \(left.count == 1 ? "it" : "them") does not; stop with: dataprism cluster down --data \(path)"
        )
    }

    /// What `cluster up` has started, or is about to.
    var noted: [String] {
        guard let text = FileManager.default.contents(atPath: namesPath) else { return [] }
        return String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init).filter {
            !$0.contains("/") && $0 != ".."
        }
    }

    func note(_ names: [String]) throws {
        try (names.joined(separator: "\n") + "\n").write(toFile: namesPath, atomically: true, encoding: .utf8)
    }

    /// All have ended.
    func forget() throws { try FileManager.default.removeItem(atPath: namesPath) }

    /// Those of the nodes that run.
    func running(_ names: [String]) -> [Node] {
        names.compactMap { name in
            guard case .process(let pid) = LockFile.holder("\(path)/\(name)/lock") else { return nil }
            return Node(name: name, pid: pid)
        }
    }

    /// Asks the nodes to stop, and waits for them.
    ///
    /// - Throws: ``CommandFailure`` naming those that have not.
    func stop(_ nodes: [Node]) async throws {
        for node in nodes { kill(node.pid, SIGTERM) }
        let names = nodes.map(\.name)
        try await wait { running(names).isEmpty }
        let left = running(names)
        guard left.isEmpty else {
            throw CommandFailure("\(Self.list(left)) did not stop within \(Self.stopLimit)")
        }
    }

    /// Asks the `cluster up` that runs to stop its nodes and itself, and waits for it.
    func stop(up pid: pid_t) async throws {
        kill(pid, SIGTERM)
        // It takes as long as its slowest node, and a little.
        try await wait(Self.stopLimit * 2) { holder != .process(pid) }
        guard holder != .process(pid) else {
            throw CommandFailure(
                "the `cluster up` of \(path), process \(pid), did not stop within \(Self.stopLimit * 2)")
        }
    }

    private func wait(_ limit: Duration = stopLimit, until isDone: () -> Bool) async throws {
        let end = ContinuousClock.now + limit
        while !isDone(), ContinuousClock.now < end { try await Task.sleep(for: Self.look) }
    }

    static func list(_ nodes: [Node]) -> String {
        "node\(nodes.count == 1 ? "" : "s") " + nodes.map { "\($0.name) (pid \($0.pid))" }.joined(separator: ", ")
    }
}

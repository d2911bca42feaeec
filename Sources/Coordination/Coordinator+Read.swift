internal import Actors
package import Dataflow
package import Log
internal import Logging

/// The rows of relations at one committed epoch.
package struct ViewRead: Sendable {
    package var epoch: Int64
    package var frontier: Frontier
    /// The last tick of the clock below the frontier, in microseconds since 1970; nil if there has been none.
    package var clock: Int64?
    /// Per relation the consolidated rows, those of each worker after the other's.
    package var rows: [String: [Delta]]
    /// Tables that have stopped and that the relations read: the rows are right, but say nothing newer of them. Sorted.
    package var stoppedTables: [String]
}

extension Coordinator {
    /// The rows of all `relations` at the newest committed epoch, which covers `after`; waits for one that does.
    ///
    /// With `needsClock` the epoch covers a tick of the clock that is appended now.
    ///
    /// Relations are materialised views, tables (which are replayed), and dead letters: `<topic>.dead`, `<view>.dead`. Partitions of
    /// `after` that no table reads do not count.
    /// - Throws: ``CoordinationError``: `relationUnknown`; `notReady` with the progress while the node replays or a
    /// view is being built;
    ///   `timeout`, never an older answer; `sourceFailed` if what it reads cannot be read any more; `stopped`.
    package func read(
        _ relations: [String], after: Frontier = Frontier(), needsClock: Bool = false,
        timeout: Duration = .seconds(30)
    ) async throws(CoordinationError) -> ViewRead {
        try checkServing()
        let deadline = ContinuousClock.now + timeout
        let tables = relations.filter { isTable($0) }
        let relations = relations.filter { !isTable($0) }
        for table in tables { try checkActive(table) }
        for relation in relations { _ = try parts(of: relation) }
        var needed = relevant(after)
        // Where no view reads the clock, it stands still between those who ask.
        if needsClock { needed[Self.clockPartition] = try await tick() }
        guard await gate.wait(for: needed, atMost: timeout) else {
            try checkServing()
            throw CoordinationError(.timeout, "no committed epoch covers the frontier asked for within \(timeout)")
        }
        while true {
            guard let serving else { throw catchingUp }
            do throws(CoordinationError) {
                return try await read(relations, tables, at: serving, before: deadline)
            } catch {
                // A newer commit may be readable where this one is not any more.
                guard error.code == .superseded else { throw error }
                guard let newer = self.serving,
                    newer.epoch > serving.epoch || newer.group.placement != serving.group.placement
                else {
                    logger.debug("rows cannot be had", metadata: ["reason": "\(error.message)"])
                    let progress = notice?.replay ?? replayTotal()
                    throw CoordinationError(
                        .notReady, "the rows of another node cannot be reached: the cluster is recovering",
                        progress: progress.done < progress.total ? progress : nil)
                }
            }
        }
    }

    /// Whether a query would find rows: this node knows the log's end, and all who keep those of the newest commit still live.
    package var findsRows: Bool {
        guard holdsLease, let serving else { return false }
        return serving.group.members.allSatisfy { member in
            (member as? RemoteMember).map { state.cluster.isCurrent($0.node) } ?? true
        }
    }

    private func read(
        _ relations: [String], _ tables: [String], at serving: Serving, before deadline: ContinuousClock.Instant
    ) async throws(CoordinationError) -> ViewRead {
        var rows = try await rows(of: relations, at: serving)
        rows.merge(try await replayed(tables, to: serving.frontier, before: deadline)) { $1 }
        let stopped = Set((relations + tables).flatMap { stoppedTables(under: $0) }.map(\.table)).sorted()
        // After the rows are there: what this node takes for committed may have been long ago.
        guard holdsLease else {
            throw CoordinationError(.notReady, "this node has lost touch with the control log")
        }
        return ViewRead(
            epoch: serving.epoch, frontier: serving.frontier, clock: serving.clock, rows: rows, stoppedTables: stopped)
    }

    private func rows(of relations: [String], at serving: Serving) async throws(CoordinationError) -> [String: [Delta]]
    {
        // From here to the pin nothing is awaited: the epoch stays readable until it is released.
        let epoch = serving.epoch
        var found: [(relation: String, parts: [ShardPart])] = []
        for relation in relations { found.append((relation, try parts(of: relation))) }
        pins[epoch, default: 0] += 1
        defer { if let count = pins[epoch] { pins[epoch] = count > 1 ? count - 1 : nil } }
        var rows: [String: [Delta]] = [:]
        for (relation, parts) in found {
            rows[relation] = []
            for part in parts { rows[relation]? += try await serving.group.rows(part.kind, of: part.name, asOf: epoch) }
        }
        return rows
    }

    private func isTable(_ name: String) -> Bool {
        if case .table = state.catalog[name]?.kind { return true }
        return false
    }

    /// What of a client's frontier can be waited for: offsets of partitions that epochs read.
    private func relevant(_ after: Frontier) -> Frontier {
        var known: Set<TopicPartition> = []
        for topic in state.orderedTopics where state.isRead(topic) {
            known.formUnion(topic.partitions)
        }
        known.insert(Self.clockPartition)
        return Frontier(after.offsets.filter { known.contains($0.key) })
    }

    /// Where rows are kept.
    private struct ShardPart: Sendable {
        var kind: ShardSet.Kind
        var name: String
    }

    /// Where a relation's rows are at the committed epoch.
    private func parts(of name: String) throws(CoordinationError) -> [ShardPart] {
        if let relation = state.catalog[name], relation.isQueryable {
            try checkActive(name)
            return [ShardPart(kind: .views, name: name)]
        }
        guard name.hasSuffix(Self.deadSuffix) else {
            throw CoordinationError(.relationUnknown, "there is no materialized view \"\(name)\"")
        }
        let owner = String(name.dropLast(Self.deadSuffix.utf8.count))
        if let topic = state.topics[owner] {
            for table in topic.tables { try checkNotLost(table.schema.name) }
            return topic.tables.map { ShardPart(kind: .deadLetters, name: $0.schema.name) }
        }
        guard let relation = state.catalog[owner] else {
            throw CoordinationError(.relationUnknown, "there is no topic or view \"\(owner)\"")
        }
        try checkNotLost(owner)
        if case .table = relation.kind { return [ShardPart(kind: .deadLetters, name: owner)] }
        try checkActive(owner)
        return [ShardPart(kind: .errors, name: owner)]
    }

    static var deadSuffix: String { ".dead" }

    private func checkActive(_ name: String) throws(CoordinationError) {
        try checkNotLost(name)
        if serving?.isActive(name) == true { return }
        throw CoordinationError(.notReady, "\"\(name)\" is being built", progress: buildProgress(name))
    }

    /// How far the build of a relation is; nil if none is under way.
    func buildProgress(_ name: String) -> Progress? {
        notice?.builds[name] ?? builds.values.first { $0.names.contains(name) }?.progress(to: clock.frontier)
    }
}

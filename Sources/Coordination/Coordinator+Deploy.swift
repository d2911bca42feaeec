package import Dataflow
internal import Actors
internal import Cluster
internal import Log

extension Coordinator {
    /// Creates a relation; the version that it makes. Returns once the relation is active (its progress is in the status).
    ///
    /// - Throws: ``CoordinationError``: `conflict` if the catalog version is not `version`; `refused` if it does not fit,
    ///   naming why; `notReady` while the node replays.
    package func deploy(_ deployment: Deployment, after version: Int64) async throws(CoordinationError) -> Int64 {
        try await deploy([deployment], after: version)
    }

    /// Creates several relations with one record, each of which may read those before it; they become active together.
    ///
    /// On an empty log, and with new tables, this is one epoch; created one by one, later views may have to be built aside.
    package func deploy(_ deployments: [Deployment], after version: Int64) async throws(CoordinationError) -> Int64 {
        try await deploy(ChangeRequest(after: version, deployments: deployments, askedOf: seat?.own?.incarnation))
    }

    /// Removes relations, dependents first; the version that it makes. Returns once they are gone. Topics and their records stay.
    package func drop(_ names: [String], after version: Int64) async throws(CoordinationError) -> Int64 {
        try await drop(ChangeRequest(after: version, drops: names, askedOf: seat?.own?.incarnation))
    }

    func deploy(_ request: ChangeRequest) async throws(CoordinationError) -> Int64 {
        if let version = try await forward(request) { return version }
        try checkReady()
        try checkVersion(request.after)
        let (author, askedOf) = authors(of: request)
        var deploy = ControlRecord.Deploy(
            after: request.after, deployments: request.deployments, start: Frontier(), partitions: [:],
            author: author, askedOf: askedOf)
        try await resolveTopics(of: &deploy)
        try checkReadable(request.deployments)
        try trial(.deploy(deploy))
        try tryInstalling(request.deployments)
        return try await decide(.deploy(deploy))
    }

    func drop(_ request: ChangeRequest) async throws(CoordinationError) -> Int64 {
        if let version = try await forward(request) { return version }
        try checkReady()
        try checkVersion(request.after)
        let (author, askedOf) = authors(of: request)
        let record = ControlRecord.drop(
            .init(after: request.after, names: request.drops, author: author, askedOf: askedOf))
        try trial(record)
        return try await decide(record)
    }

    /// Who appends the record, and who was asked for it if that is another.
    private func authors(of request: ChangeRequest) -> (author: Incarnation?, askedOf: Incarnation?) {
        let author = seat?.own?.incarnation
        return (author, request.askedOf == author ? nil : request.askedOf)
    }

    /// Whether changes can be decided here.
    private func checkReady() throws(CoordinationError) {
        try checkServing()
        guard isCaughtUp else { throw catchingUp }
    }

    /// Whether anything has been committed that queries may see; from then on appends and reads are served, in a new
    /// generation too while it catches up.
    func checkServing() throws(CoordinationError) {
        if phase == .stopped { throw CoordinationError(.stopped, "the node is stopping") }
        if serving == nil { throw catchingUp }
    }

    var catchingUp: CoordinationError {
        CoordinationError(.notReady, "the node replays its log", progress: notice?.replay ?? replayTotal())
    }

    private func checkVersion(_ version: Int64) throws(CoordinationError) {
        guard version == state.catalogVersion else {
            throw CoordinationError(.conflict, "the catalog version is \(state.catalogVersion), not \(version)")
        }
    }

    /// Whether the record would be accepted now.
    private func trial(_ record: ControlRecord) throws(CoordinationError) {
        var trial = state
        switch trial.apply(.record(record), offset: max(state.nextOffset, 0), appendTime: 0) {
        case .accepted: return
        case .stale(let expected):
            throw CoordinationError(.conflict, "the catalog version is \(state.catalogVersion), not \(expected)")
        case .rejected(let reason):
            throw CoordinationError(.refused, reason)
        }
    }

    /// Finds, and for stored topics makes, the topics of new tables, and fixes their partitions and where reading starts.
    private func resolveTopics(of deploy: inout ControlRecord.Deploy) async throws(CoordinationError) {
        var start = Frontier()
        for deployment in deploy.deployments {
            guard case .table(let schema) = deployment.relation.kind else { continue }
            guard !schema.topic.hasPrefix(Self.reservedPrefix) else {
                throw CoordinationError(.refused, "topic names that begin with \(Self.reservedPrefix) are reserved")
            }
            let plan: TopicPlan
            do throws(OptionError) {
                plan = try TopicPlan(schema)
            } catch {
                throw CoordinationError(.refused, error.description)
            }
            if let topic = state.topics[schema.topic] {
                deploy.partitions[schema.topic] = topic.partitionCount
                if topic.plan.origin.isStored { start = try await earliest(topic.partitions, into: start) }
                continue
            }
            switch plan.origin {
            case .generator(let options):
                deploy.partitions[schema.topic] = options.partitions
            case .files(let options):
                let files = await files.files(matching: options.path)
                guard (1...TopicPlan.partitionsMax).contains(files.count) else {
                    throw CoordinationError(
                        .refused, "\"\(options.path)\" names \(files.count) files, not 1 to \(TopicPlan.partitionsMax)")
                }
                do throws(ConnectorError) {
                    try await self.files.check(files)
                } catch {
                    throw CoordinationError(.refused, error.message)
                }
                deploy.partitions[schema.topic] = files.count
                deploy.files[schema.topic] = files
            case .stored:
                let count = try await makeTopic(schema.topic, partitions: plan.partitions)
                deploy.partitions[schema.topic] = count
                start = try await earliest((0..<count).map { TopicPartition(schema.topic, $0) }, into: start)
            }
        }
        deploy.start = start.token
    }

    /// The number of partitions of a topic that exists now.
    private func makeTopic(_ name: String, partitions: Int?) async throws(CoordinationError) -> Int {
        let existing = try await retrying { () async throws(LogError) in try await self.log.topics() }
        if let topic = existing.first(where: { $0.name == name }) { return topic.configuration.partitions }
        let count = partitions ?? configuration.partitionsDefault
        try await retrying { () async throws(LogError) in
            try await self.log.createTopic(name, TopicConfiguration(partitions: count))
        }
        return count
    }

    private func earliest(_ partitions: [TopicPartition], into start: Frontier) async throws(CoordinationError)
        -> Frontier
    {
        var start = start
        let bounds = try await retrying { () async throws(LogError) in try await self.log.bounds(partitions) }
        for (partition, bounds) in bounds { start[partition] = bounds.earliest }
        return start
    }

    /// Finds what workers could not install before the record is durable: every start would fail on it.
    private func tryInstalling(_ deployments: [Deployment]) throws(CoordinationError) {
        let outlets = TrialOutlets()
        do throws(GraphError) {
            let worker = Worker(index: 0, workerCount: 1)
            try worker.install(state.nodes, outlets: outlets)
            try worker.install(deployments.flatMap(\.graph.nodes), outlets: outlets)
        } catch {
            throw CoordinationError(.refused, "\(error)")
        }
    }

    /// Appends the record, reads it back, and waits until it has taken effect.
    private func decide(_ record: ControlRecord) async throws(CoordinationError) -> Int64 {
        guard let controlWriter else { preconditionFailure("decisions come after the writer is open") }
        var records = RecordSet()
        records.append(value: try ControlCodec.encode(record))
        let appended: AppendResult
        do throws(LogError) {
            appended = try await controlWriter.append(
                [PartitionAppend(partition: TopicPartition(Self.controlTopic, 0), records: records)], idempotency: nil)
        } catch {
            bell.ring()
            throw CoordinationError(error)
        }
        try await foldControl()
        guard let offset = appended.firstOffsets.first else { preconditionFailure("one append has one offset") }
        if let rejection = state.rejections.first(where: { $0.offset == offset }) {
            throw CoordinationError(.conflict, "another change came first: \(rejection.reason)")
        }
        try await activation(of: offset)
        return offset
    }

    private func activation(of version: Int64) async throws(CoordinationError) {
        guard pendingVersions.contains(version) else { return }
        bell.ring()
        let result = await withCheckedContinuation { continuation in
            activationWaiters[version, default: []].append(continuation)
        }
        try result.get()
    }

    /// The change has taken effect, or never will.
    func finish(_ version: Int64, _ result: Result<Void, CoordinationError>) {
        pendingVersions.remove(version)
        for waiter in activationWaiters.removeValue(forKey: version) ?? [] { waiter.resume(returning: result) }
    }
}

/// Takes the rows of a trial installation, of which there are none.
private final class TrialOutlets: OutletProvider {
    private final class Nowhere: Outlet {
        func consume(_ delta: Delta) {}
    }

    func outlet(view: OperatorKind.View, types: [DataType]) -> any Outlet { Nowhere() }
    func outlet(sink: OperatorKind.Sink, types: [DataType]) -> any Outlet { Nowhere() }
    func errorOutlet(owner: String) -> any Outlet { Nowhere() }
}

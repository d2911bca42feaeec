internal import Actors
internal import Cluster
internal import Dataflow
internal import Log
internal import Logging
internal import Synchronization

/// One generation after the other: what this node does in each, and what queries see meanwhile.
extension Coordinator {
    /// How long rows of committed epochs stay readable for other nodes: of views, and of generations that are over.
    private static let historyNanoseconds: Int64 = 10_000_000_000

    /// All workers of the generation that has begun.
    var group: WorkerGroup {
        guard let part else { preconditionFailure("no generation has begun") }
        return part.group
    }

    private enum Outcome: Sendable {
        case background
        /// Another generation follows, or this life has ended.
        case over
        case driver(CoordinationError?)
    }

    /// Takes part in generations until the task is cancelled or something fails for good.
    func runParts() async throws(CoordinationError) {
        guard cluster != nil else {
            guard state.cluster.lives.isEmpty else {
                throw CoordinationError(
                    .refused, "the log belongs to a cluster of several nodes; run this one with `dataprism node`")
            }
            return try await run(aloneForGood())
        }
        while !Task.isCancelled, seat?.hasLeft != true {
            guard let assignment = seat?.adopted, let own = seat?.own, assignment.contains(own) else {
                // It looks on: what it did is over, and others keep the rows.
                part = nil
                abandonActivations()
                await partBell.wait()
                continue
            }
            try await run(try await makePart(assignment, own: own))
        }
    }

    private func aloneForGood() -> Part {
        let placement = Placement(
            generation: 1, members: [Placement.Member(name: "", workers: configuration.workers)])
        let member = localMember(placement, index: 0)
        return Part(
            placement: placement, member: member, group: WorkerGroup(placement: placement, members: [member]),
            leads: true, exchange: nil)
    }

    private func localMember(_ placement: Placement, index: Int) -> LocalMember {
        let pool = WorkerPool(
            placement, member: index, log: log, files: files, edgeBytesMax: configuration.edgeBytesMax)
        return LocalMember(pool, files: files)
    }

    private func makePart(_ assignment: Assignment, own: NodeID) async throws(CoordinationError) -> Part {
        guard let cluster else { preconditionFailure("a node without a seat has no assignment") }
        let nodes = assignment.nodes
        let placement = Placement(assignment)
        guard let index = nodes.firstIndex(of: own) else { preconditionFailure("\(own) is not in its assignment") }
        let member = localMember(placement, index: index)
        let exchange = RemoteExchange(fabric: member.pool.fabric, nodes: nodes, counters: exchangeCounters) {
            [weak self] reason in
            self?.exchangeBroke(assignment.generation, reason)
        }
        member.pool.fabric.attach(exchange)
        cluster.acceptEdges(exchange)
        let members = nodes.map { node -> any Member in
            if node == own { return member }
            return RemoteMember(node: node, generation: assignment.generation, seat: cluster)
        }
        return Part(
            placement: placement, member: member, group: WorkerGroup(placement: placement, members: members),
            leads: seat?.node.gate.driver == own, exchange: exchange)
    }

    /// From any thread: an edge has ended by itself. What the generation computes can no longer be trusted to be whole.
    private nonisolated func exchangeBroke(_ generation: Int64, _ reason: String) {
        brokenGeneration.withLock { broken in
            if generation > broken.generation { broken = (generation, reason) }
        }
        partBell.ring()
    }

    private func run(_ part: Part) async throws(CoordinationError) {
        begin(part)
        let outcome = await withTaskGroup(of: Outcome.self) { group -> Outcome in
            group.addTask {
                await part.member.pool.service.run()
                return .background
            }
            group.addTask {
                await self.runBuilds()
                return .background
            }
            let board = board
            group.addTask {
                await board.run()
                return .background
            }
            group.addTask { await self.untilOver(part) }
            group.addTask { await self.takePart(part) }
            var decisive = Outcome.background
            for await outcome in group {
                if case .background = outcome { continue }
                decisive = outcome
                break
            }
            await end(part)
            group.cancelAll()
            await group.waitForAll()
            return decisive
        }
        guard case .driver(let error?) = outcome, !Task.isCancelled else { return }
        // A writer that another driver has fenced belongs to a generation that is over, too.
        guard error.code == .superseded || error.code == .stopped, cluster != nil else { throw error }
        logger.warning(
            "the generation cannot go on", metadata: ["generation": "\(part.generation)", "reason": "\(error.message)"])
        feed(.broke(generation: part.generation, reason: error.message))
        while !Task.isCancelled, seat?.adopted?.generation == part.generation, seat?.hasLeft != true {
            await partBell.wait()
        }
    }

    /// Opens this node's edges and, as the driver, drives the epochs.
    private func takePart(_ part: Part) async -> Outcome {
        do throws(CoordinationError) {
            guard part.leads else { return .background }
            // Edges are opened once everybody takes them.
            for remote in part.remotes { try await begin(remote) }
            try await openEdges(of: part)
            for remote in part.remotes { try await remote.connect() }
            try await replay()
            try await drive()
            return .driver(nil)
        } catch {
            return .driver(error)
        }
    }

    /// Opens the edges from this node's workers to all others.
    func openEdges(of part: Part) async throws(CoordinationError) {
        guard let cluster, let exchange = part.exchange, let assignment = seat?.adopted,
            assignment.generation == part.generation
        else { return }
        try await cluster.openEdges(exchange, assignment.nodes)
    }

    /// Waits until another node takes part too; one that cannot be reached, though gossip finds it alive, is given up.
    private func begin(_ remote: RemoteMember) async throws(CoordinationError) {
        var backoff = Backoff(first: .milliseconds(5), most: .milliseconds(200))
        let limit = ContinuousClock.now + configuration.beginLimit
        while true {
            do throws(CoordinationError) {
                return try await remote.begin()
            } catch {
                guard error.code == .superseded, !Task.isCancelled else { throw error }
                if ContinuousClock.now > limit {
                    feed(.unreported(remote.node))
                    throw error
                }
            }
            do {
                try await Task.sleep(for: backoff.next())
            } catch {
                throw CoordinationError(.superseded, "the generation is over")
            }
        }
    }

    private func untilOver(_ part: Part) async -> Outcome {
        guard cluster != nil else { return .background }
        while !Task.isCancelled {
            guard seat?.adopted?.generation == part.generation, seat?.hasLeft != true else { return .over }
            let broken = brokenGeneration.withLock { $0 }
            if broken.generation == part.generation {
                return .driver(CoordinationError(.superseded, broken.reason))
            }
            await partBell.wait()
        }
        return .over
    }

    /// Forgets what an earlier generation knew, but not what queries see.
    private func begin(_ part: Part) {
        self.part = part
        board = NoticeBoard(part.leads ? part.remotes + onlookers(part) : [])
        notice = nil
        isCaughtUp = false
        if serving == nil { phase = .replaying }
        builds = [:]
        mainNodes = []
        activeSince = [:]
        readTopics = []
        pendingSeeds = []
        isEpochForced = false
        clock = EpochClock(limits: Self.limits(configuration), epoch: 0, frontier: Frontier())
        mainStep = 0
        committedEpoch = 0
        committedFrontier = Frontier()
        startEnds = [:]
        replayed = Frontier()
        lastEnds = [:]
        fileStates = [:]
        recordedMarks = [:]
        reports = [:]
        stoppedSources = [:]
        failedBuilds = [:]
        history = []
        now = nil
        committedNow = nil
        lastTick = nil
        if !part.leads { abandonActivations() }
        if cluster != nil {
            logger.info(
                "generation begins",
                metadata: [
                    "generation": "\(part.generation)", "workers": "\(part.placement.workerCount)",
                    "drives": "\(part.leads)",
                ])
        }
    }

    /// Nodes that have no share in the generation but answer queries all the same: drained ones, say.
    private func onlookers(_ part: Part) -> [RemoteMember] {
        guard let cluster, let assignment = seat?.adopted else { return [] }
        return state.cluster.lives.filter { !assignment.contains($0.node) }.map {
            RemoteMember(node: $0.node, generation: part.generation, seat: cluster)
        }
    }

    /// Changes that this node was to make; another one does.
    private func abandonActivations() {
        for version in activationWaiters.keys.sorted() {
            finish(
                version,
                .failure(
                    CoordinationError(
                        .indefinite, "the change is in the control log; another node has become the coordinator")))
        }
        activations = []
        pendingVersions = []
    }

    private func end(_ part: Part) async {
        await part.member.close("generation \(part.generation) is over")
        part.exchange?.close()
        if serving?.group.placement == part.placement {
            retained[part.generation] = Retained(member: part.member, since: MonotonicClock.nanoseconds)
        }
    }

    // MARK: What queries see

    /// Shows the driver's committed epoch to queries here and to the other nodes.
    func publish() {
        guard let part else { return }
        if isCaughtUp {
            serve(
                Serving(
                    group: part.group, epoch: committedEpoch, frontier: committedFrontier, clock: committedNow,
                    activeSince: activeSince))
        }
        guard !board.isEmpty else { return }
        board.post(currentNotice(part))
    }

    func currentNotice(_ part: Part) -> CommitNotice {
        var progress: [String: Progress] = [:]
        for build in builds.values {
            for name in build.names { progress[name] = build.progress(to: clock.frontier) }
        }
        return CommitNotice(
            generation: part.generation, controlVersion: state.version, epoch: committedEpoch,
            frontier: committedFrontier.token, clock: committedNow, activeSince: activeSince, isReady: isCaughtUp,
            replay: replayTotal(),
            builds: progress)
    }

    private func serve(_ next: Serving) {
        let isChanged = serving?.activeSince != next.activeSince
        serving = next
        if phase != .stopped { phase = .ready }
        let oldest = MonotonicClock.nanoseconds - Self.historyNanoseconds
        retained = retained.filter { $0.value.since >= oldest }
        gate.commit(next.frontier, isOpen: true)
        if isChanged { updateConnectors() }
    }

    /// On a node that does not drive: what the driver says is committed.
    func take(_ notice: CommitNotice) async throws(CoordinationError) {
        if notice.controlVersion > state.version { try await foldControl() }
        guard let group = keepers(of: notice.generation) else {
            throw CoordinationError(
                .superseded, "generation \(notice.generation) is not the one that this node takes part in")
        }
        if let known = self.notice, known.generation == notice.generation, known.isReady,
            !notice.isReady || notice.epoch < known.epoch
        {
            return
        }
        self.notice = notice
        guard notice.isReady, let frontier = Frontier(token: notice.frontier) else { return }
        if let before = serving, notice.epoch > before.epoch {
            let records = frontier.partitions.reduce(Int64(0)) { $0 + max(0, frontier[$1] - before.frontier[$1]) }
            meter.record(epochs: notice.epoch - before.epoch, records: records, at: MonotonicClock.nanoseconds)
        }
        configuration.logFields.set(epoch: notice.epoch)
        serve(
            Serving(
                group: group, epoch: notice.epoch, frontier: frontier, clock: notice.clock,
                activeSince: notice.activeSince))
    }

    /// Who keeps the rows of a generation that another node drives, if it is the one that was read back.
    private func keepers(of generation: Int64) -> WorkerGroup? {
        if let part { return part.generation == generation && !part.leads ? part.group : nil }
        guard let cluster, let assignment = seat?.adopted, assignment.generation == generation,
            let own = seat?.own, !assignment.contains(own)
        else { return nil }
        if let serving, serving.group.placement.generation == generation { return serving.group }
        return WorkerGroup(
            placement: Placement(assignment),
            members: assignment.nodes.map {
                RemoteMember(node: $0, generation: generation, seat: cluster)
            })
    }

    /// Notes when an epoch was committed, and forgets what is older than the history but one.
    func noteHistory() {
        let now = MonotonicClock.nanoseconds
        history.append((committedEpoch, now))
        while history.count > 1, history[1].time < now - Self.historyNanoseconds { history.removeFirst() }
    }
}

extension Placement {
    /// An assignment's nodes and workers, numbered through in their order.
    init(_ assignment: Assignment) {
        let members = assignment.nodes.map { node in
            Member(name: node.name.text, workers: assignment.workers.count { $0.node == node })
        }
        self.init(
            generation: assignment.generation, members: members, owners: assignment.owners.map { Int32($0) })
    }
}

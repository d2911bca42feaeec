internal import Actors
internal import Cluster
internal import Dataflow
internal import Log
internal import Logging

/// What all nodes say of themselves, for operators: any node asks the others.
extension Coordinator {
    /// A node that does not answer by then is told of without.
    private static let reportLimit = Duration.seconds(1)

    private struct Report: Sendable {
        /// nil for a node that is alone for good.
        var node: NodeID?
        var answer: Result<NodeReport, CoordinationError>
    }

    /// This node about itself.
    func report() async -> NodeReport {
        let facts = await part?.member.facts() ?? MemberFacts()
        return NodeReport(
            generation: part?.generation ?? 0, drives: part?.leads ?? false,
            isReady: phase == .ready && (isCaughtUp || notice?.isReady == true),
            committedEpoch: serving?.epoch ?? committedEpoch,
            frontier: (serving?.frontier ?? committedFrontier).token, workers: workers(facts.workers),
            connectors: await ownConnectors(), ends: part?.leads == true ? await topicEnds() : [:])
    }

    private func workers(_ loads: [WorkerLoad]) -> [NodeReport.Worker] {
        guard let owners = part?.placement.owners, let first = loads.map(\.worker).min() else { return [] }
        let now = MonotonicClock.nanoseconds
        return loads.sorted { $0.worker < $1.worker }.map { load in
            NodeReport.Worker(
                worker: load.worker - first, vnodes: owners.count { $0 == load.worker },
                busyShare: busyMeter.share(of: load.worker, busy: load.busyNanoseconds, at: now),
                pendingExchangeBytes: load.pendingBytes)
        }
    }

    /// Where topics end now, whether an epoch has looked lately or not; of files, when one looked last.
    private func topicEnds() async -> [String: Int64] {
        var ends = lastEnds
        let now = WallClock.microseconds
        var stored: [TopicPartition] = []
        for topic in state.orderedTopics {
            switch topic.plan.origin {
            case .stored: stored += topic.partitions
            case .generator(let options):
                let events = options.events(created: topic.createdTime, now: now)
                for partition in topic.partitions {
                    ends[partition] = options.end(partition: partition.partition, events: events)
                }
            case .files: continue
            }
        }
        do throws(LogError) {
            for (partition, bounds) in try await log.bounds(stored) { ends[partition] = bounds.end }
        } catch {
            logger.warning("the ends of topics cannot be read", metadata: ["error": "\(error.description)"])
        }
        var named: [String: Int64] = [:]
        for topic in state.orderedTopics {
            for partition in topic.partitions { named[partition.description] = ends[partition] }
        }
        return named
    }

    /// Of all nodes in order of their names, asked at once.
    private func reports(of wanted: Set<NodeID>? = nil) async -> [Report] {
        guard let actors = cluster?.actors, let own = seat?.own else {
            return [Report(node: nil, answer: .success(await report()))]
        }
        let nodes = state.cluster.lives.map(\.node).filter { wanted?.contains($0) ?? true }
        return await withTaskGroup(of: Report.self) { group in
            for node in nodes {
                group.addTask {
                    if node == own { return Report(node: node, answer: .success(await self.report())) }
                    do throws(CoordinationError) {
                        let limit = Self.reportLimit
                        let answer = try await actors.callPort(of: node, within: limit) { try await $0.report() }
                        return Report(node: node, answer: .success(answer))
                    } catch {
                        return Report(node: node, answer: .failure(error))
                    }
                }
            }
            var reports: [Report] = []
            for await report in group { reports.append(report) }
            return reports.sorted { ($0.node?.name.text ?? "") < ($1.node?.name.text ?? "") }
        }
    }

    // MARK: What operators see

    package func workerLines() async -> [WorkerLine] {
        var lines: [WorkerLine] = []
        for report in await reports() {
            let name = report.node?.name.text
            var error: String?
            switch report.answer {
            case .success(let answer) where !answer.workers.isEmpty:
                lines += answer.workers.map {
                    WorkerLine(
                        node: name, worker: $0.worker, vnodes: $0.vnodes, busyShare: $0.busyShare,
                        pendingExchangeBytes: $0.pendingExchangeBytes, error: nil)
                }
                continue
            case .success: error = "takes part in no generation"
            case .failure(let failure): error = "does not answer: \(failure.message)"
            }
            guard let node = report.node, let assignment = state.cluster.assignment else { continue }
            for (index, worker) in assignment.workers.enumerated() where worker.node == node {
                lines.append(
                    WorkerLine(
                        node: name, worker: worker.worker, vnodes: assignment.owners.count { $0 == index },
                        busyShare: nil, pendingExchangeBytes: nil, error: error))
            }
        }
        return lines
    }

    package func connectorLines() async -> [ConnectorLine] {
        let status = await connectorStatus(await connectorsElsewhere())
        return status.sorted { $0.key < $1.key }.map { table, connector in
            ConnectorLine(
                table: table, connector: connector.connector, node: connector.node, state: connector.state,
                records: connector.records, bytes: connector.bytes, restarts: connector.restarts,
                error: connector.lastError)
        }
    }

    package func epochLines() async -> [EpochLine] {
        let reports = await reports()
        let ends = reports.compactMap { report -> [String: Int64]? in
            if case .success(let answer) = report.answer, answer.drives { answer.ends } else { nil }
        }.first
        return reports.map { report in
            switch report.answer {
            case .success(let answer):
                EpochLine(
                    node: report.node?.name.text, generation: answer.generation,
                    committedEpoch: answer.committedEpoch, frontier: answer.frontier,
                    lag: ends.map { lag(of: answer.frontier, $0) }, drives: answer.drives, isReady: answer.isReady,
                    error: nil)
            case .failure(let error):
                EpochLine(
                    node: report.node?.name.text, drives: false, isReady: false,
                    error: "does not answer: \(error.message)")
            }
        }
    }

    private func lag(of token: String, _ ends: [String: Int64]) -> Int64 {
        let frontier = Frontier(token: token) ?? Frontier()
        var lag: Int64 = 0
        for topic in state.orderedTopics where state.isRead(topic) {
            for partition in topic.partitions {
                lag += max(0, (ends[partition.description] ?? 0) - frontier[partition])
            }
        }
        return lag
    }

    /// - Throws: `notReady` if the node that drives the epochs does not answer.
    package func lagLines() async throws(CoordinationError) -> [LagLine] {
        guard let driver = await driverReport() else {
            throw CoordinationError(.notReady, "the node that drives the epochs does not answer")
        }
        let frontier = Frontier(token: driver.frontier) ?? Frontier()
        return state.orderedTopics.flatMap { topic in
            topic.partitions.map { partition in
                let end = driver.ends[partition.description] ?? 0
                let covered = state.isRead(topic) ? frontier[partition] : nil
                return LagLine(
                    topic: topic.plan.name, partition: partition.partition, end: end, covered: covered,
                    lag: covered.map { max(0, end - $0) })
            }
        }
    }

    private func driverReport() async -> NodeReport? {
        var wanted: Set<NodeID>?
        if cluster != nil {
            guard let driver = seat?.node.gate.driver else { return nil }
            wanted = [driver]
        }
        for report in await reports(of: wanted) {
            if case .success(let answer) = report.answer, answer.drives { return answer }
        }
        return nil
    }

    // MARK: Connectors

    /// Of the tasks that this node runs.
    private func ownConnectors() async -> [String: ConnectorStatus] {
        var found: [String: ConnectorStatus] = [:]
        for (name, connector) in connectors {
            var status = await connector.status
            status.node = seat?.own?.name.text
            found[name] = status
        }
        for (name, failure) in connectorFailures where runsTask(of: name) {
            guard case .table(let schema) = state.catalog[name]?.kind else { continue }
            var status = ConnectorStatus(connector: schema.connector, state: .stopped)
            status.node = seat?.own?.name.text
            status.lastError = failure
            found[name] = status
        }
        return found
    }

    /// What other nodes say of the connectors that they run, by table; of a node that does not answer, that it does not.
    func connectorsElsewhere() async -> [String: ConnectorStatus] {
        guard let own = seat?.own, let assignment = state.cluster.assignment else { return [:] }
        let elsewhere = assignment.tasks.filter { $0.node != own }
        guard !elsewhere.isEmpty else { return [:] }
        let reports = await reports(of: Set(elsewhere.map(\.node)))
        var found: [String: ConnectorStatus] = [:]
        for report in reports {
            guard let node = report.node else { continue }
            for task in elsewhere where task.node == node {
                guard case .table(let schema) = state.catalog[task.task]?.kind else { continue }
                var status = ConnectorStatus(connector: schema.connector, state: .starting)
                switch report.answer {
                case .success(let answer): status = answer.connectors[task.task] ?? status
                case .failure(let error):
                    status.state = .waiting
                    status.lastError = "its node does not answer: \(error.message)"
                }
                status.node = node.name.text
                found[task.task] = status
            }
        }
        return found
    }

    /// Of every table with a connector. `others` has what other nodes say of those that they run.
    func connectorStatus(_ others: [String: ConnectorStatus]) async -> [String: ConnectorStatus] {
        let own = await ownConnectors()
        var found: [String: ConnectorStatus] = [:]
        for topic in state.orderedTopics {
            for table in topic.tables where !table.schema.connector.isEmpty {
                let name = table.schema.name
                let state: ConnectorStatus.State = ControlState.hasTask(table.schema) ? .starting : .passive
                found[name] =
                    own[name] ?? others[name] ?? ConnectorStatus(connector: table.schema.connector, state: state)
            }
        }
        return found
    }
}

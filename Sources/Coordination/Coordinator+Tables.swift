internal import Actors
internal import Dataflow
internal import Log
internal import Logging

extension Coordinator {
    /// A replay of tables for one query.
    private struct TableRead: Sendable {
        let lane: LaneID
        var setup = LaneSetup(nodes: [], sources: [])
        /// By table, the view that collects its rows.
        var names: [String: String] = [:]
        var position: [TopicPartition: Int64] = [:]
        var step: Int64 = 0
        var reports: [SourceKey: SourceReport] = [:]
    }

    /// The rows of tables at a frontier, per table: a replay of their records by workers that this node makes for it, so it works on any
    /// node, whichever drives the epochs; of an upsert table the newest row of each key. It ends at the frontier, so it shows what views at
    /// that epoch show.
    ///
    /// - Throws: `tooLarge` once the rows take more than ``CoordinatorConfiguration/tableReadBytesMax``; `timeout` after `deadline` or
    ///   when the task is cancelled; `logBusy`; `sourceFailed`. Either way what it held is let go.
    func replayed(
        _ tables: [String], to frontier: Frontier, before deadline: ContinuousClock.Instant
    ) async throws(CoordinationError) -> [String: [Delta]] {
        guard !tables.isEmpty else { return [:] }
        guard tableReads < configuration.tableReadsMax else {
            throw CoordinationError(
                .logBusy, "\(configuration.tableReadsMax) queries are replaying tables already; try again soon")
        }
        tableReads += 1
        defer { tableReads -= 1 }
        let read = try tableRead(tables, to: frontier)
        let placement = Placement(
            generation: 1, members: [Placement.Member(name: "", workers: configuration.workers)])
        let pool = WorkerPool(placement, member: 0, log: log, files: files, edgeBytesMax: configuration.edgeBytesMax)
        let result = await withTaskGroup(of: Void.self) { group -> Result<[String: [Delta]], CoordinationError> in
            group.addTask { await pool.service.run() }
            let result: Result<[String: [Delta]], CoordinationError>
            do throws(CoordinationError) {
                result = .success(try await run(read, on: pool, to: frontier, before: deadline))
            } catch {
                result = .failure(error)
            }
            await pool.close("the query is over")
            group.cancelAll()
            return result
        }
        await files.close(lane: read.lane)
        return try result.get()
    }

    private func tableRead(_ tables: [String], to frontier: Frontier) throws(CoordinationError) -> TableRead {
        tableReadsMade += 1
        // Readers of files are told apart by lane: these are no lanes of any generation.
        var read = TableRead(lane: LaneID(-tableReadsMade))
        var next = state.catalog.nextOperator
        for table in tables {
            let own = state.nodes(of: table)
            guard let node = state.catalog[table]?.node, let types = own.first(where: { $0.id == node })?.types else {
                throw CoordinationError(.relationUnknown, "there is no table \"\(table)\" any more")
            }
            let name = "\(Self.reservedPrefix)query.\(table)"
            read.setup.nodes += own
            read.setup.nodes.append(
                GraphNode(
                    id: OperatorID(next), kind: .view(.init(name: name, key: [])), inputs: [node], types: types,
                    owner: table))
            next += 1
            read.names[table] = name
        }
        for topic in state.orderedTopics {
            let own = topic.tables.filter { tables.contains($0.schema.name) }
            guard let first = own.first else { continue }
            guard state.isRead(topic) || topic.partitions.contains(where: { frontier[$0] > 0 }) else {
                throw CoordinationError(
                    .refused,
                    "\"\(first.schema.name)\" has no records before a view or sink reads it: create one first")
            }
            read.setup.sources.append(source(topic, tables: own, keepsDeadLetters: { _ in false }))
            for partition in topic.partitions {
                read.position[partition] = own.map { $0.start[partition.partition] ?? 0 }.min() ?? 0
            }
        }
        return read
    }

    private func run(
        _ read: TableRead, on pool: WorkerPool, to frontier: Frontier, before deadline: ContinuousClock.Instant
    ) async throws(CoordinationError) -> [String: [Delta]] {
        var read = read
        await pool.openLane(read.lane)
        let shards: [ShardSet]
        do throws(GraphError) {
            shards = try await pool.install(read.setup, into: read.lane)
        } catch {
            throw CoordinationError(.refused, "the tables cannot be read: \(error)")
        }
        repeat {
            if Task.isCancelled || ContinuousClock.now > deadline {
                throw CoordinationError(.timeout, "the tables' records were not replayed in time")
            }
            try await runStep(&read, on: pool, to: frontier)
            var bytes = 0
            for name in read.names.values {
                for set in shards { bytes += await set.views[name]?.size.bytes ?? 0 }
            }
            guard bytes <= configuration.tableReadBytesMax else {
                throw CoordinationError(
                    .tooLarge,
                    "the rows of \(read.names.keys.sorted().joined(separator: ", ")) take more than \(configuration.tableReadBytesMax) bytes; create a view of what is needed and query that"
                )
            }
        } while read.position.contains { $0.value < frontier[$0.key] }
        var rows: [String: [Delta]] = [:]
        for (table, name) in read.names {
            var found: [Delta] = []
            for set in shards { found += await set.views[name]?.rows(asOf: read.step) ?? [] }
            rows[table] = found
        }
        return rows
    }

    private func runStep(
        _ read: inout TableRead, on pool: WorkerPool, to frontier: Frontier
    ) async throws(CoordinationError) {
        read.step += 1
        var bounds: [TopicPartition: SourceBound] = [:]
        for (partition, position) in read.position {
            let end = min(max(position, frontier[partition]), position + configuration.epochRecordsMax)
            bounds[partition] = SourceBound(end: end, readAheadEnd: max(end, frontier[partition]))
            read.position[partition] = end
        }
        let plan = StepPlan(
            lane: read.lane, step: read.step, epoch: read.step, bounds: bounds, watermarks: watermarks(read.reports),
            forgetBefore: read.step - 1)
        let reports: [StepReport]
        do throws(StepFailure) {
            reports = try await pool.run(plan)
        } catch {
            throw CoordinationError(.sourceFailed, "\(error)")
        }
        for report in reports {
            if let failure = report.failures.values.first(where: \.isShort) {
                throw CoordinationError(.sourceFailed, failure.message)
            }
            for source in report.sources {
                read.reports[SourceKey(table: source.table, partition: source.partition)] = source
            }
        }
    }
}

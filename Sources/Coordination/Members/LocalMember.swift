package import Actors
package import Dataflow

/// This node's workers in one generation.
package actor LocalMember: Member {
    package nonisolated let pool: WorkerPool
    private nonisolated let files: FileThread
    /// Of the main lane, per worker of this node.
    private var shards: [ShardSet]
    /// Of lanes that build aside.
    private var aside: [LaneID: [ShardSet]] = [:]

    package init(_ pool: WorkerPool, files: FileThread) {
        self.pool = pool
        self.files = files
        shards = Array(repeating: ShardSet(), count: pool.local.count)
    }

    package func openLane(_ lane: LaneID) async { await pool.openLane(lane) }

    package func closeLane(_ lane: LaneID) async {
        await pool.closeLane(lane)
        await files.close(lane: lane)
        aside[lane] = nil
    }

    package func openFiles(
        _ name: String, _ options: FileTopicOptions, expected: [Int: FileMark]
    ) async throws(CoordinationError) {
        do throws(ConnectorError) {
            try await files.open(name, options, expected: expected)
        } catch {
            throw CoordinationError(.sourceFailed, error.message)
        }
    }

    package func closeFiles(_ name: String) async { await files.close(name) }

    package func install(_ setup: LaneSetup, into lane: LaneID) async throws(CoordinationError) {
        let made: [ShardSet]
        do throws(GraphError) {
            made = try await pool.install(setup, into: lane)
        } catch {
            throw CoordinationError(.refused, "the graph cannot be installed: \(error)")
        }
        if lane == .main { merge(made) } else { aside[lane] = made }
    }

    private func merge(_ made: [ShardSet]) {
        for index in made.indices { shards[index].merge(made[index]) }
    }

    package func remove(_ names: Set<String>, nodes: Set<OperatorID>) async {
        await pool.remove(names, nodes: nodes)
        for index in shards.indices { shards[index].remove(names) }
    }

    package func adopt(_ nodes: Set<OperatorID>, tables: Set<String>, from lane: LaneID) async {
        await pool.adopt(nodes, tables: tables, from: lane)
        await files.close(lane: lane)
        merge(aside.removeValue(forKey: lane) ?? [])
    }

    package func run(_ plan: StepPlan) async throws(CoordinationError) -> [StepReport] {
        do throws(StepFailure) {
            return try await pool.run(plan)
        } catch {
            throw CoordinationError(error.partition == nil ? .superseded : .sourceFailed, "\(error)")
        }
    }

    package func rows(
        _ kind: ShardSet.Kind, of name: String, asOf epoch: Int64
    ) async throws(CoordinationError) -> [Delta] {
        var rows: [Delta] = []
        for shard in shards.compactMap({ $0.shard(kind, of: name) }) {
            guard let found = await shard.rows(asOf: epoch) else {
                throw CoordinationError(.superseded, "epoch \(epoch) of \(name) is not kept any more")
            }
            rows += found
        }
        return rows
    }

    package func facts() async -> MemberFacts {
        var facts = MemberFacts()
        facts.members = 1
        for set in shards {
            for (name, shard) in set.views {
                facts.views[name, default: ViewShard.Size()] += await shard.size
            }
        }
        facts.sinks = await pool.sinkTotals()
        facts.workers = pool.load
        for part in await pool.statistics() { facts.operators[part.id] = part }
        return facts
    }

    /// The generation is over: steps fail, state goes; rows of the committed epochs can still be read.
    package func close(_ reason: String) async { await pool.close(reason) }
}

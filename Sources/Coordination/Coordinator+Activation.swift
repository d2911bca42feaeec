internal import Actors
internal import Dataflow
internal import Log
internal import Logging

extension Coordinator {
    /// Changes the graph as accepted records and finished builds ask, in their order, between two epochs.
    func applyActivations() async throws(CoordinationError) {
        for id in builds.keys.sorted() where builds[id]?.isEnding == true {
            try await finishBuild(id)
        }
        var position = 0
        while position < activations.count {
            let activation = activations[position]
            let isDone =
                switch activation.change {
                case .deploy(let deploy): try await apply(deploy, activation)
                case .drop(let drop): try await apply(drop, activation)
                }
            if isDone {
                activations.removeAll { $0.version == activation.version }
                updateConnectors()
            } else {
                position += 1
            }
        }
    }

    // MARK: Deploy

    /// What new nodes read from relations that were deployed before.
    private struct Inputs {
        /// Tables whose records must be replayed unless none has been read.
        var tables: Set<String> = []
        /// Views whose rows must be fed in.
        var views: [String: (output: OperatorID, consumers: Set<OperatorID>)] = [:]
        /// Operators of other views between the tables and the new nodes.
        var shared: Set<OperatorID> = []
    }

    /// Installs new relations, or starts to build them aside; false if they must wait for others that are being built.
    private func apply(_ deploy: ControlRecord.Deploy, _ activation: Activation) async throws(CoordinationError) -> Bool
    {
        let nodes = deploy.deployments.flatMap(\.graph.nodes)
        let names = Set(deploy.deployments.map(\.relation.name))
        let version = activation.version
        let inputs = inputs(of: nodes, activation.catalog)
        let missing = activation.catalog.nodes.filter { inputs.shared.contains($0.id) && !mainNodes.contains($0.id) }
        let awaited = inputs.tables.union(inputs.views.keys).filter { activeSince[$0] == nil }
        for name in awaited.union(missing.map(\.owner)) {
            guard let message = failedBuilds[name] else { return false }
            // What it reads could not be built, so neither can it.
            for name in names { failedBuilds[name] = message }
            finish(version, .failure(CoordinationError(.sourceFailed, message)))
            return true
        }
        let newTables = Set(
            deploy.deployments.compactMap { deployment in
                if case .table(let schema) = deployment.relation.kind { return schema.name }
                return nil
            })
        let touched = inputs.tables.union(newTables)
        // What others keep has rows even before the first record: a count of nothing, say.
        if !inputs.shared.isEmpty || state.orderedTopics.contains(where: { mustReplay($0, touched) }) {
            build(nodes, names: names, inputs: inputs, newTables: newTables, activation)
            return true
        }
        var sources: [LaneSetup.Source] = []
        for topic in state.orderedTopics where state.isRead(topic) {
            let isNew = !readTopics.contains(topic.frontierName)
            let tables = topic.tables.filter { isNew || newTables.contains($0.schema.name) }
            guard !tables.isEmpty else { continue }
            sources.append(source(topic, tables: tables, keepsDeadLetters: { _ in true }))
            readTopics.insert(topic.frontierName)
        }
        try await install(LaneSetup(nodes: nodes, sources: sources), into: .main)
        seed(inputs.views)
        activate(names, version: version, atNextEpoch: names != newTables)
        return true
    }

    private func inputs(of nodes: [GraphNode], _ catalog: Catalog) -> Inputs {
        let own = Set(nodes.map(\.id))
        var inputs = Inputs()
        for node in nodes {
            for input in node.inputs where !own.contains(input) {
                guard let source = catalog.nodes.first(where: { $0.id == input }) else {
                    preconditionFailure("the fold accepts no operator \(input.rawValue) that is not there")
                }
                if case .view(let view) = source.kind {
                    inputs.views[view.name, default: (input, [])].consumers.insert(node.id)
                } else {
                    share(source, catalog, &inputs)
                }
            }
        }
        return inputs
    }

    /// Notes a table's operator, or one of another relation and what that reads, down to the tables.
    private func share(_ node: GraphNode, _ catalog: Catalog, _ inputs: inout Inputs) {
        if case .table = catalog[node.owner]?.kind {
            inputs.tables.insert(node.owner)
            return
        }
        guard inputs.shared.insert(node.id).inserted else { return }
        for input in node.inputs {
            guard let source = catalog.nodes.first(where: { $0.id == input }) else {
                preconditionFailure("operator \(node.id.rawValue) reads \(input.rawValue), which is not there")
            }
            share(source, catalog, &inputs)
        }
    }

    /// Whether records of the topic have been read that one of `tables` has to see.
    private func mustReplay(_ topic: ControlState.Topic, _ tables: Set<String>) -> Bool {
        topic.tables.contains { table in
            tables.contains(table.schema.name)
                && topic.partitions.contains { clock.frontier[$0] > (table.start[$0.partition] ?? 0) }
        }
    }

    /// The source that feeds `tables` of a topic.
    func source(
        _ topic: ControlState.Topic, tables: [ControlState.Topic.Table], keepsDeadLetters: (String) -> Bool
    ) -> LaneSetup.Source {
        let setups = tables.map { table in
            LaneSetup.Table(
                schema: table.schema, node: table.node, start: table.start,
                keepsDeadLetters: keepsDeadLetters(table.schema.name))
        }
        return LaneSetup.Source(
            topic: topic.plan, name: topic.frontierName, partitionCount: topic.partitionCount, tables: setups)
    }

    func install(_ setup: LaneSetup, into lane: LaneID) async throws(CoordinationError) {
        try await openFiles(of: setup)
        try await group.install(setup, into: lane)
        if lane == .main { mainNodes.formUnion(setup.nodes.map(\.id)) }
    }

    private func seed(_ views: [String: (output: OperatorID, consumers: Set<OperatorID>)]) {
        for name in views.keys.sorted() {
            guard let view = views[name] else { continue }
            pendingSeeds.append(
                StepPlan.Seed(view: name, output: view.output, consumers: view.consumers, epoch: clock.epoch))
        }
    }

    /// The relations' nodes are in the main lane: from the next epoch on their rows are right, those of tables at once.
    private func activate(_ names: Set<String>, version: Int64, atNextEpoch: Bool) {
        for name in names { activeSince[name] = atNextEpoch ? clock.epoch + 1 : clock.epoch }
        if atNextEpoch {
            isEpochForced = true
        } else {
            publish()
            finish(version, .success(()))
        }
    }

    /// An epoch has been committed: changes that waited for it have taken effect.
    func finishActivations() {
        for version in pendingVersions.sorted() {
            guard !activations.contains(where: { $0.version == version }),
                !builds.values.contains(where: { $0.version == version })
            else { continue }
            finish(version, .success(()))
        }
    }

    // MARK: Drop

    /// Removes relations; false if one of them is being built together with others that stay.
    private func apply(_ drop: ControlRecord.Drop, _ activation: Activation) async throws(CoordinationError) -> Bool {
        let names = Set(drop.names)
        for (id, build) in builds where !build.names.isDisjoint(with: names) {
            guard build.names.isSubset(of: names) else { return false }
            // Others will share what is being built.
            guard build.nodes.isSubset(of: activation.removed) else { return false }
            builds[id]?.isCancelled = true
            buildBell.ring()
            finish(build.version, .failure(CoordinationError(.refused, "dropped while it was being built")))
        }
        for other in activations where other.version < activation.version {
            // A deployment that still waits for its turn comes first.
            if !names.isDisjoint(with: other.names) { return false }
        }
        try await group.remove(names, nodes: activation.removed)
        mainNodes.subtract(activation.removed)
        for name in names {
            activeSince[name] = nil
            failedBuilds[name] = nil
        }
        pendingSeeds = pendingSeeds.compactMap { seed in
            guard !names.contains(seed.view) else { return nil }
            var seed = seed
            seed.consumers.subtract(activation.removed)
            return seed.consumers.isEmpty ? nil : seed
        }
        reports = reports.filter { !names.contains($0.key.table) }
        let kept = Set(state.orderedTopics.map(\.frontierName))
        for name in readTopics.subtracting(kept) {
            stoppedSources[name] = nil
            if fileStates.removeValue(forKey: name) != nil { try await group.closeFiles(name) }
        }
        readTopics.formIntersection(kept)
        publish()
        finish(activation.version, .success(()))
        return true
    }

    // MARK: Building aside

    private func build(
        _ nodes: [GraphNode], names: Set<String>, inputs: Inputs, newTables: Set<String>, _ activation: Activation
    ) {
        var setup = LaneSetup(nodes: [], sources: [])
        // Views that are fed in later stand in as sources without records.
        for node in activation.catalog.nodes {
            if case .view(let view) = node.kind, inputs.views[view.name]?.output == node.id {
                setup.nodes.append(
                    GraphNode(
                        id: node.id, kind: .source(table: view.name), inputs: [], types: node.types, owner: node.owner))
            } else if inputs.tables.contains(node.owner) || inputs.shared.contains(node.id) {
                setup.nodes.append(node)
            }
        }
        setup.nodes += nodes
        var start: [TopicPartition: Int64] = [:]
        let touched = inputs.tables.union(newTables)
        for topic in state.orderedTopics {
            let tables = topic.tables.filter { touched.contains($0.schema.name) }
            guard !tables.isEmpty else { continue }
            setup.sources.append(source(topic, tables: tables, keepsDeadLetters: { newTables.contains($0) }))
            for partition in topic.partitions {
                start[partition] = tables.map { $0.start[partition.partition] ?? 0 }.min() ?? 0
            }
        }
        let lane = LaneID(nextLane)
        nextLane += 1
        builds[lane] = Build(
            lane: lane, version: activation.version, names: names, setup: setup, nodes: Set(nodes.map(\.id)),
            tables: newTables,
            seeds: inputs.views, start: start, position: start)
        buildBell.ring()
    }

    /// Runs the builds that are asked for, until the task is cancelled.
    func runBuilds() async {
        await withDiscardingTaskGroup { group in
            var begun: Set<LaneID> = []
            while !Task.isCancelled {
                for id in builds.keys.sorted() where begun.insert(id).inserted {
                    group.addTask { await self.replayAside(id) }
                }
                await buildBell.wait()
            }
        }
    }

    /// Replays a build's sources until it is at most one epoch behind, then leaves it to the next boundary.
    private func replayAside(_ id: LaneID) async {
        guard let setup = builds[id]?.setup else { return }
        do throws(CoordinationError) {
            try await group.openLane(id)
            try await install(setup, into: id)
            while let build = builds[id], !build.isCancelled, !Task.isCancelled {
                if build.lag(to: clock.frontier) <= configuration.epochRecordsMax { break }
                try await runStep(of: id, to: clock.frontier)
            }
        } catch {
            builds[id]?.failure = error
        }
        builds[id]?.isEnding = true
        bell.ring()
    }

    /// One step of a build, towards `frontier`.
    private func runStep(of id: LaneID, to frontier: Frontier) async throws(CoordinationError) {
        guard var build = builds[id] else { return }
        build.step += 1
        var bounds: [TopicPartition: SourceBound] = [:]
        for (partition, position) in build.position {
            let end = min(max(position, frontier[partition]), position + configuration.epochRecordsMax)
            bounds[partition] = SourceBound(end: end, readAheadEnd: frontier[partition])
            build.position[partition] = end
        }
        // What a view's rows will still meet must not expire before they are fed in.
        let watermarks = build.seeds.isEmpty ? self.watermarks(build.reports) : [:]
        let plan = StepPlan(
            lane: id, step: build.step, epoch: ViewShard.replayEpoch + build.step, bounds: bounds,
            watermarks: watermarks, clock: now,
            forgetBefore: ViewShard.replayEpoch + build.step - 1)
        for report in try await group.run(plan) {
            if let failure = report.failures.values.first(where: \.isShort) {
                throw CoordinationError(.sourceFailed, failure.message)
            }
            for source in report.sources {
                build.reports[SourceKey(table: source.table, partition: source.partition)] = source
            }
        }
        builds[id]?.step = build.step
        builds[id]?.position = build.position
        builds[id]?.reports = build.reports
    }

    /// Gives up a build. A source that cannot be read concerns its relations only: they have no rows, and say why.
    private func endBuild(_ build: Build) async throws(CoordinationError) {
        try await group.closeLane(build.lane)
        builds[build.lane] = nil
        guard let failure = build.failure else { return }
        guard failure.code == .sourceFailed else { throw failure }
        logger.error(
            "relations cannot be built",
            metadata: ["names": "\(build.names.sorted().joined(separator: ", "))", "error": "\(failure.message)"])
        for name in build.names { failedBuilds[name] = failure.message }
        finish(build.version, .failure(failure))
    }

    /// At a boundary: brings the build to the main lane's frontier and hands its nodes over, or ends it if it failed.
    private func finishBuild(_ id: LaneID) async throws(CoordinationError) {
        guard let found = builds[id] else { return }
        if found.isCancelled || found.failure != nil { return try await endBuild(found) }
        do throws(CoordinationError) {
            while let lag = builds[id]?.lag(to: clock.frontier), lag > 0 || builds[id]?.step == 0 {
                try await runStep(of: id, to: clock.frontier)
            }
        } catch {
            var failed = found
            failed.failure = error
            return try await endBuild(failed)
        }
        guard let build = builds[id] else { return }
        try await group.adopt(build.nodes, tables: build.tables, from: id)
        mainNodes.formUnion(build.nodes)
        builds[id] = nil
        for (key, report) in build.reports where build.tables.contains(key.table) || reports[key] == nil {
            reports[key] = report
        }
        for source in build.setup.sources { readTopics.insert(source.name) }
        seed(build.seeds)
        activate(build.names, version: build.version, atNextEpoch: true)
        updateConnectors()
    }
}

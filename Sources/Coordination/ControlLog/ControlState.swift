package import Actors
internal import Cluster
package import Dataflow
package import Log

/// The cluster's state as the control log has it: a pure fold of its records, the same wherever it is computed.
///
/// A record is accepted only if what it expects is so and its author's life is current; the version is the offset of the
/// record accepted last. What is not accepted changes nothing. Two folds of equal ``version`` have equal ``hash``.
package struct ControlState: Sendable {
    /// −1 before the first accepted record.
    package private(set) var version: Int64 = -1
    /// The offset of the deployment or drop accepted last: what the next one must expect. −1 before the first.
    package private(set) var catalogVersion: Int64 = -1
    /// Of all accepted records' effects, in order.
    package private(set) var hash: UInt64 = 0
    /// Nodes, leadership and placement.
    package private(set) var cluster = ClusterState()
    /// The offset of the next record to fold.
    package private(set) var nextOffset: Int64 = 0
    package private(set) var catalog = Catalog()
    /// All nodes deployed, in order of deployment, which is a topological one.
    package var nodes: [GraphNode] { catalog.nodes }
    /// Topics that tables read, by name.
    package private(set) var topics: [String: Topic] = [:]
    /// Where the folded state accepted last is in the log, if one is.
    package private(set) var foldedAt: Int64?
    /// Records below are needed no more: a folded state that was accepted stands for them, and another one behind it. So a reader
    /// that is between the two can go on.
    package private(set) var trimmable: Int64?
    /// Whether every record was of a known kind. A later release may have decided what this fold lacks, so that it must not stand
    /// for the records.
    package private(set) var isComplete = true
    /// Records that were skipped or rejected, newest last, at most ``rejectionsMax``.
    package private(set) var rejections: [Rejection] = []

    /// A topic that at least one table reads.
    package struct Topic: Sendable, Hashable {
        package var plan: TopicPlan
        /// The name in frontiers: the topic's, but of a virtual topic one that no later topic of that name will have.
        package var frontierName: String
        package var partitionCount: Int
        /// Of a virtual file topic: one for each partition.
        package var files: [String] = []
        /// The offset and append time (microseconds since 1970) of the record that made its first table.
        package var createdVersion: Int64
        package var createdTime: Int64
        /// Per table, in order of deployment, where it is read from.
        package var tables: [Table]

        package struct Table: Sendable, Hashable {
            package var schema: TableSchema
            package var node: OperatorID
            package var start: [Int: Int64]
        }

        package var partitions: [TopicPartition] {
            (0..<partitionCount).map { TopicPartition(frontierName, $0) }
        }
    }

    package struct Rejection: Sendable, Hashable, Codable {
        package var offset: Int64
        package var reason: String
    }

    package enum Verdict: Sendable, Equatable {
        case accepted
        /// It was decided at another version.
        case stale(expected: Int64)
        case rejected(String)
    }

    /// Enough to see what went wrong lately.
    package static let rejectionsMax = 100

    package init() {}

    /// Folds the record at `offset`, which must be ``nextOffset`` or later (offsets may have been trimmed).
    package mutating func apply(_ entry: ControlEntry, offset: Int64, appendTime: Int64) -> Verdict {
        precondition(offset >= nextOffset, "control record \(offset) is folded twice")
        nextOffset = offset + 1
        let verdict: Verdict =
            switch entry {
            case .record(.deploy(let deploy)): self.deploy(deploy, offset: offset, appendTime: appendTime)
            case .record(.drop(let drop)): self.drop(drop)
            case .record(.cluster(let record)): cluster.apply(record, offset: offset)
            case .record(.state(let state)): self.adopt(state, offset: offset)
            case .unknown(let kind, let version): skip(kind, version)
            case .malformed(let message): .rejected("malformed: \(message)")
            }
        switch verdict {
        case .accepted: accept(entry, offset: offset)
        case .stale(let expected): note(offset, "it expects \(expected), which is not so any more")
        case .rejected(let reason): note(offset, reason)
        }
        return verdict
    }

    private mutating func skip(_ kind: String, _ version: Int) -> Verdict {
        isComplete = false
        return .rejected("kind \(kind) of version \(version) is not known")
    }

    private mutating func note(_ offset: Int64, _ reason: String) {
        rejections.append(Rejection(offset: offset, reason: reason))
        if rejections.count > Self.rejectionsMax { rejections.removeFirst() }
    }

    private mutating func accept(_ entry: ControlEntry, offset: Int64) {
        version = offset
        var hash = StateHash(self.hash)
        hash.mix(offset)
        if case .record(let record) = entry {
            switch record {
            case .deploy, .drop:
                catalogVersion = offset
                hash.mix(Int64(catalog.nextOperator))
                for relation in catalog.ordered {
                    hash.mix(relation.name)
                    hash.mix(relation.sequence)
                }
            case .cluster(let record):
                cluster.mix(into: &hash)
                switch record {
                case .assign, .place: cluster.mixAssignment(into: &hash)
                default: break
                }
            case .state:
                trimmable = foldedAt
                foldedAt = offset
            }
        }
        self.hash = hash.value
    }

    /// Why a change of the catalog by `author` does not count, if so. Logs that no node has joined name no authors.
    private func refusal(author: Incarnation?) -> Verdict? {
        guard let author else {
            return cluster.lives.isEmpty && cluster.past.isEmpty ? nil : .rejected("it names no author")
        }
        return cluster.life(author) == nil ? .rejected("its author, life \(author), is not current") : nil
    }

    // MARK: Folded states

    /// The fold as it is now, as a record that others can begin from.
    package var folded: FoldedState {
        FoldedState(
            version: version, catalogVersion: catalogVersion, hash: hash, catalog: catalog, nodes: nodes,
            topics: orderedTopics.map(FoldedState.Topic.init), cluster: cluster)
    }

    /// Begins from a folded state if nothing has been folded; otherwise it must be what this fold has arrived at.
    private mutating func adopt(_ state: FoldedState, offset: Int64) -> Verdict {
        guard version == -1, rejections.isEmpty else {
            guard state.version == version else { return .stale(expected: state.version) }
            guard state.hash == hash else { return .rejected("it has another hash than this fold at that version") }
            return .accepted
        }
        guard state.version < offset else { return .rejected("it holds a later version than its offset") }
        var topics: [String: Topic] = [:]
        for folded in state.topics {
            guard let topic = folded.topic else { return .rejected("topic \"\(folded.name)\" has no valid table") }
            topics[folded.name] = topic
        }
        version = state.version
        catalogVersion = state.catalogVersion
        hash = state.hash
        catalog = state.catalog
        catalog.restore(nodes: state.nodes)
        self.topics = topics
        cluster = state.cluster
        return .accepted
    }

    // MARK: Deploy

    private mutating func deploy(_ deploy: ControlRecord.Deploy, offset: Int64, appendTime: Int64) -> Verdict {
        if let refusal = refusal(author: deploy.author) { return refusal }
        guard deploy.after == catalogVersion else { return .stale(expected: deploy.after) }
        guard !deploy.deployments.isEmpty else { return .rejected("nothing to deploy") }
        guard let start = Frontier(token: deploy.start) else { return .rejected("start is not a frontier") }
        var next = self
        for (index, deployment) in deploy.deployments.enumerated() {
            // One record may create up to 65 536 relations, in order.
            let sequence = offset << 16 + Int64(index)
            if let reason = next.add(deployment, deploy, sequence, start: start, offset: offset, appendTime: appendTime)
            {
                return .rejected(reason)
            }
        }
        self = next
        return .accepted
    }

    /// Adds one deployment, or says why it does not fit.
    private mutating func add(
        _ deployment: Deployment, _ deploy: ControlRecord.Deploy, _ sequence: Int64, start: Frontier, offset: Int64,
        appendTime: Int64
    ) -> String? {
        var relation = deployment.relation
        let name = relation.name
        guard catalog[name] == nil else { return "relation \"\(name)\" exists" }
        for dependency in relation.dependencies where catalog[dependency] == nil {
            return "relation \"\(dependency)\", which \"\(name)\" reads, does not exist"
        }
        if let reason = unfit(deployment) { return reason }
        if case .table(let schema) = relation.kind {
            if let reason = add(schema, of: deployment, deploy, start: start, offset: offset, appendTime: appendTime) {
                return reason
            }
        }
        relation.sequence = sequence
        catalog.apply(Deployment(relation: relation, graph: deployment.graph))
        return nil
    }

    /// Why the deployment's nodes do not fit behind those deployed, if so.
    private func unfit(_ deployment: Deployment) -> String? {
        let name = deployment.relation.name
        var own: Set<OperatorID> = []
        let offered = Set(catalog.ordered.compactMap(\.node) + catalog.shareable.map(\.id))
        for node in deployment.graph.nodes {
            guard node.id.rawValue >= catalog.nextOperator, own.insert(node.id).inserted else {
                return "operator \(node.id.rawValue) of \"\(name)\" has been given out before"
            }
            guard node.owner == name else {
                return "operator \(node.id.rawValue) of \"\(name)\" is owned by \(node.owner)"
            }
            for input in node.inputs where !own.contains(input) && !offered.contains(input) {
                return "operator \(node.id.rawValue) of \"\(name)\" reads \(input.rawValue), which no relation offers"
            }
            if case .sink(let sink) = node.kind, sink.connector != "blackhole" {
                return "sink connector \"\(sink.connector)\" is not known (blackhole is)"
            }
        }
        if let node = deployment.relation.node, !own.contains(node) {
            return "\"\(name)\" has no operator \(node.rawValue)"
        }
        return nil
    }

    private mutating func add(
        _ schema: TableSchema, of deployment: Deployment, _ deploy: ControlRecord.Deploy, start: Frontier,
        offset: Int64,
        appendTime: Int64
    ) -> String? {
        let source = deployment.graph.nodes.first { node in
            if case .source(let table) = node.kind { return table == schema.name }
            return false
        }
        guard let source else { return "table \"\(schema.name)\" has no source operator" }
        guard schema.connector.isEmpty || Self.connectors.contains(schema.connector) else {
            return "connector \"\(schema.connector)\" is not known (\(Self.connectors.joined(separator: ", ")) are)"
        }
        let plan: TopicPlan
        do throws(OptionError) {
            plan = try TopicPlan(schema)
        } catch {
            return error.description
        }
        if topics[schema.topic] == nil {
            guard let partitionCount = deploy.partitions[schema.topic], partitionCount > 0 else {
                return "topic \"\(schema.topic)\" has no number of partitions"
            }
            let frontierName = plan.origin.isStored ? schema.topic : "\(schema.topic)@\(offset)"
            topics[schema.topic] = Topic(
                plan: plan, frontierName: frontierName, partitionCount: partitionCount, createdVersion: offset,
                createdTime: appendTime, tables: [])
            topics[schema.topic]?.files = deploy.files[schema.topic] ?? []
        }
        guard var topic = topics[schema.topic] else { preconditionFailure("topic \(schema.topic) was just added") }
        guard topic.plan.origin == plan.origin else {
            return
                "topic \"\(schema.topic)\" is read by \"\(topic.tables.first?.schema.name ?? "")\" with other options"
        }
        if let partitions = plan.partitions, partitions != topic.partitionCount {
            return "topic \"\(schema.topic)\" has \(topic.partitionCount) partitions, not \(partitions)"
        }
        if Self.hasTask(schema), let other = topic.tables.first(where: { Self.hasTask($0.schema) }) {
            return "topic \"\(schema.topic)\" is written by the connector of \"\(other.schema.name)\""
        }
        var starts: [Int: Int64] = [:]
        for partition in 0..<topic.partitionCount {
            let offset = start[TopicPartition(topic.frontierName, partition)]
            if offset > 0 { starts[partition] = offset }
        }
        topic.tables.append(Topic.Table(schema: schema, node: source.id, start: starts))
        topics[schema.topic] = topic
        return nil
    }

    /// What a table may be fed by. `http` and `log`, and none, have no task: records are pushed or inserted.
    package static let connectors = ["file", "generator", "http", "log"]

    /// Whether a connector of the table appends to its topic.
    package static func hasTask(_ schema: TableSchema) -> Bool {
        ["file", "generator"].contains(schema.connector) && (schema.options["storage"] ?? "stored") == "stored"
    }

    // MARK: Drop

    private mutating func drop(_ drop: ControlRecord.Drop) -> Verdict {
        if let refusal = refusal(author: drop.author) { return refusal }
        guard drop.after == catalogVersion else { return .stale(expected: drop.after) }
        guard !drop.names.isEmpty else { return .rejected("nothing to drop") }
        let names = Set(drop.names)
        for name in drop.names {
            guard catalog[name] != nil else { return .rejected("relation \"\(name)\" does not exist") }
            for dependent in catalog.dependents(of: name) where !names.contains(dependent.name) {
                return .rejected("\"\(dependent.name)\" depends on \"\(name)\"")
            }
        }
        for name in drop.names { catalog.remove(name) }
        for (name, var topic) in topics {
            topic.tables.removeAll { names.contains($0.schema.name) }
            topics[name] = topic.tables.isEmpty ? nil : topic
        }
        return .accepted
    }
}

extension ControlState {
    /// The topics in order of name.
    package var orderedTopics: [Topic] { topics.values.sorted { $0.plan.name < $1.plan.name } }

    /// Nodes of a relation.
    package func nodes(of name: String) -> [GraphNode] { nodes.filter { $0.owner == name } }

    /// Whether any relation's operators read those of a table: only then is a generator's virtual topic read.
    package func hasConsumers(_ topic: Topic) -> Bool {
        let names = Set(topic.tables.map(\.schema.name))
        let own = Set(nodes.filter { names.contains($0.owner) }.map(\.id))
        return nodes.contains { !names.contains($0.owner) && $0.inputs.contains { own.contains($0) } }
    }

    /// Whether the epochs read the topic.
    package func isRead(_ topic: Topic) -> Bool {
        if case .generator = topic.plan.origin { return hasConsumers(topic) }
        return true
    }

    /// Maintained views, sinks and their tables that read any table of the topic, directly or not, in order of
    /// creation.
    package func readers(ofTopic name: String) -> [String] {
        var reached = Set((topics[name]?.tables ?? []).map(\.schema.name))
        var readers: [String] = []
        for relation in catalog.ordered where relation.dependencies.contains(where: { reached.contains($0) }) {
            reached.insert(relation.name)
            if !nodes(of: relation.name).isEmpty { readers.append(relation.name) }
        }
        return readers
    }
}

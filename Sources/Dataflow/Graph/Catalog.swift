/// What statements can name: the fold of all deployments and drops, in order.
///
/// The SQL compiler binds against it; the control log's fold keeps it. Names are unique over all kinds.
package struct Catalog: Hashable, Sendable, Codable {
    /// By name, as folded by SQL (lower case unless quoted).
    package private(set) var relations: [String: Relation] = [:]
    /// The next operator id to give out. Ids are never reused, also after a drop.
    package private(set) var nextOperator = 1
    /// All nodes deployed, in order of deployment, which is a topological one. Not part of the coding: see ``restore(nodes:)``.
    package private(set) var nodes: [GraphNode] = []

    private enum CodingKeys: String, CodingKey { case relations, nextOperator }

    package init() {}

    /// Gives a decoded catalog its nodes.
    package mutating func restore(nodes: [GraphNode]) { self.nodes = nodes }

    package subscript(name: String) -> Relation? { relations[name] }

    /// In order of creation.
    package var ordered: [Relation] { relations.values.sorted { $0.sequence < $1.sequence } }

    /// Those that read `name` directly.
    package func dependents(of name: String) -> [Relation] {
        ordered.filter { $0.dependencies.contains(name) }
    }

    package mutating func apply(_ deployment: Deployment) {
        relations[deployment.relation.name] = deployment.relation
        nodes += deployment.graph.nodes
        for node in deployment.graph.nodes { nextOperator = max(nextOperator, node.id.rawValue + 1) }
    }

    /// Takes a relation away, with its nodes; those that others share go over to the first of these.
    package mutating func remove(_ name: String) {
        relations[name] = nil
        var heirs: [OperatorID: String] = [:]
        var kept: [GraphNode] = []
        // From the end, so that a node's consumers have been seen.
        for var node in nodes.reversed() {
            if node.owner == name {
                guard let heir = heirs[node.id] else { continue }
                node.owner = heir
            }
            for input in node.inputs { heirs[input] = node.owner }
            kept.append(node)
        }
        nodes = kept.reversed()
    }

    /// Nodes whose rows replaying tables gives, since no view's rows flow into them, and whether new relations may read them too: if they
    /// keep state or stand on one that does.
    ///
    /// Linear operators over tables cost less than the bookkeeping would.
    package var replayable: [(node: GraphNode, isShareable: Bool)] {
        var keepsState: [OperatorID: Bool] = [:]
        var found: [(node: GraphNode, isShareable: Bool)] = []
        for node in nodes {
            let inputs = node.inputs.compactMap { keepsState[$0] }
            var keeps = inputs.contains(true)
            switch node.kind {
            case .view, .sink, .scan: continue
            case .aggregate, .join, .topN, .session, .over, .temporal: keeps = true
            default: break
            }
            guard inputs.count == node.inputs.count else { continue }
            keepsState[node.id] = keeps
            found.append((node, keeps))
        }
        return found
    }

    /// Operators of views that new relations may read as well.
    package var shareable: [GraphNode] { replayable.filter(\.isShareable).map(\.node) }
}

/// One CREATE statement, compiled: what a control record carries. Nodes execute it and never plan.
package struct Deployment: Hashable, Sendable, Codable {
    package var relation: Relation
    /// The new nodes; empty for an inlined view.
    package var graph: Graph

    package init(relation: Relation, graph: Graph) {
        self.relation = relation
        self.graph = graph
    }
}

/// A table, view or sink.
package struct Relation: Hashable, Sendable, Codable {
    package enum Kind: Hashable, Sendable, Codable {
        case table(TableSchema)
        /// A maintained view.
        case materializedView
        /// A view that is inlined where it is named.
        case view
        case sink
    }

    package var name: String
    package var kind: Kind
    package var columns: [ColumnSchema]
    /// The node whose output are the relation's rows; nil for an inlined view.
    package var node: OperatorID?
    /// Columns that identify a row, if known.
    package var key: [Int]
    /// The rows are only ever added to.
    package var isAppendOnly: Bool
    /// Columns that carry a source's event time unchanged, or a window bound derived from it.
    package var eventTimes: [EventTimeColumn]
    /// The relations that it reads, sorted.
    package var dependencies: [String]
    /// The statement as the user wrote it.
    package var statement: String
    /// Its place in the order of creation: set by the control log's fold.
    package var sequence: Int64

    package init(
        name: String, kind: Kind, columns: [ColumnSchema], node: OperatorID?, key: [Int] = [],
        isAppendOnly: Bool = false,
        eventTimes: [EventTimeColumn] = [], dependencies: [String], statement: String, sequence: Int64 = 0
    ) {
        self.name = name
        self.kind = kind
        self.columns = columns
        self.node = node
        self.key = key
        self.isAppendOnly = isAppendOnly
        self.eventTimes = eventTimes
        self.dependencies = dependencies
        self.statement = statement
        self.sequence = sequence
    }

    /// The relation is kept as rows that queries can scan.
    package var isQueryable: Bool {
        if case .materializedView = kind { return true }
        return false
    }
}

/// A proof about a column: once the watermark of all `sources` has reached a value *t* in it plus `offset`, no more
/// delta of a row with that *t* comes.
package struct EventTimeColumn: Hashable, Sendable, Codable {
    package var column: Int
    /// Microseconds; lateness, plus the window's length for a window's start.
    package var offset: Int64
    package var sources: [String]

    package init(column: Int, offset: Int64, sources: [String]) {
        self.column = column
        self.offset = offset
        self.sources = sources
    }
}

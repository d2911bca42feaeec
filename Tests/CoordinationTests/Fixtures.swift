import Dataflow

/// Hand-made relations for tests: tables of JSON records, and views that pass a table's or view's rows on.
enum Fixture {
    static func table(
        _ name: String, id: Int, topic: String? = nil, connector: String = "http", options: [String: String] = [:],
        eventTime: TableSchema.EventTime? = nil, format: TableSchema.Format = .json,
        columns: [ColumnSchema] = [ColumnSchema(name: "k", type: .bigint), ColumnSchema(name: "v", type: .text)]
    ) -> Deployment {
        let schema = TableSchema(
            name: name, topic: topic ?? name, columns: columns, eventTime: eventTime, format: format,
            connector: connector,
            options: options)
        let all = columns + TableSchema.metadataColumns
        let node = GraphNode(
            id: OperatorID(id), kind: .source(table: name), inputs: [], types: all.map(\.type), owner: name)
        let relation = Relation(
            name: name, kind: .table(schema), columns: all, node: node.id, isAppendOnly: true, dependencies: [],
            statement: "CREATE TABLE \(name)")
        return Deployment(relation: relation, graph: Graph(nodes: [node]))
    }

    /// A view with the rows of `input` spread over the workers by its first column.
    static func view(_ name: String, id: Int, of input: Deployment) -> Deployment {
        guard let node = input.relation.node else { preconditionFailure("\(input.relation.name) has no node") }
        let types = input.relation.columns.map(\.type)
        let exchange = GraphNode(
            id: OperatorID(id), kind: .exchange(key: [0]), inputs: [node], types: types, owner: name)
        let view = GraphNode(
            id: OperatorID(id + 1), kind: .view(OperatorKind.View(name: name, key: [])), inputs: [exchange.id],
            types: types,
            owner: name)
        let relation = Relation(
            name: name, kind: .materializedView, columns: input.relation.columns, node: view.id,
            dependencies: [input.relation.name], statement: "CREATE MATERIALIZED VIEW \(name)")
        return Deployment(relation: relation, graph: Graph(nodes: [exchange, view]))
    }

    /// The number of rows per first column of `input`, as columns `k` and `count`.
    static func count(_ name: String, id: Int, of input: Deployment) -> Deployment {
        guard let node = input.relation.node else { preconditionFailure("\(input.relation.name) has no node") }
        let types = input.relation.columns.map(\.type)
        let exchange = GraphNode(
            id: OperatorID(id), kind: .exchange(key: [0]), inputs: [node], types: types, owner: name)
        let call = AggregateCall(function: .count, argument: nil, type: .bigint)
        let aggregate = GraphNode(
            id: OperatorID(id + 1),
            kind: .aggregate(OperatorKind.Aggregate(groupBy: [0], calls: [call], inputIsAppendOnly: false)),
            inputs: [exchange.id], types: [types[0], .bigint], owner: name)
        let view = GraphNode(
            id: OperatorID(id + 2), kind: .view(OperatorKind.View(name: name, key: [0])), inputs: [aggregate.id],
            types: aggregate.types, owner: name)
        let columns = [input.relation.columns[0], ColumnSchema(name: "count", type: .bigint)]
        let relation = Relation(
            name: name, kind: .materializedView, columns: columns, node: view.id, dependencies: [input.relation.name],
            statement: "CREATE MATERIALIZED VIEW \(name)")
        return Deployment(relation: relation, graph: Graph(nodes: [exchange, aggregate, view]))
    }

    /// The rows of `left` and `right` with equal first columns.
    static func join(_ name: String, id: Int, _ left: Deployment, _ right: Deployment) -> Deployment {
        guard let first = left.relation.node, let second = right.relation.node else {
            preconditionFailure("\(left.relation.name) or \(right.relation.name) has no node")
        }
        let (leftTypes, rightTypes) = (left.relation.columns.map(\.type), right.relation.columns.map(\.type))
        let nodes = [
            GraphNode(id: OperatorID(id), kind: .exchange(key: [0]), inputs: [first], types: leftTypes, owner: name),
            GraphNode(
                id: OperatorID(id + 1), kind: .exchange(key: [0]), inputs: [second], types: rightTypes, owner: name),
            GraphNode(
                id: OperatorID(id + 2), kind: .join(OperatorKind.Join(leftKeys: [0], rightKeys: [0])),
                inputs: [OperatorID(id), OperatorID(id + 1)], types: leftTypes + rightTypes, owner: name),
            GraphNode(
                id: OperatorID(id + 3), kind: .view(OperatorKind.View(name: name, key: [])),
                inputs: [OperatorID(id + 2)],
                types: leftTypes + rightTypes, owner: name),
        ]
        let relation = Relation(
            name: name, kind: .materializedView, columns: left.relation.columns + right.relation.columns,
            node: OperatorID(id + 3), dependencies: [left.relation.name, right.relation.name].sorted(),
            statement: "CREATE MATERIALIZED VIEW \(name)")
        return Deployment(relation: relation, graph: Graph(nodes: nodes))
    }

    static func sink(_ name: String, id: Int, of input: Deployment) -> Deployment {
        guard let node = input.relation.node else { preconditionFailure("\(input.relation.name) has no node") }
        let sink = GraphNode(
            id: OperatorID(id), kind: .sink(OperatorKind.Sink(name: name, connector: "blackhole", options: [:])),
            inputs: [node], types: input.relation.columns.map(\.type), owner: name)
        let relation = Relation(
            name: name, kind: .sink, columns: input.relation.columns, node: nil, dependencies: [input.relation.name],
            statement: "CREATE SINK \(name)")
        return Deployment(relation: relation, graph: Graph(nodes: [sink]))
    }
}

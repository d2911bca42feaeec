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

internal import Dataflow

/// CREATE [MATERIALIZED] VIEW, CREATE SINK and ad-hoc queries: binds, optimises, lowers.
enum ViewBinder {
    // MARK: views

    static func bind(_ create: CreateViewSyntax, _ statement: String, catalog: Catalog) throws(Failure) -> (
        Deployment, Lowering
    ) {
        let name = create.name.text
        let binder = QueryBinder(catalog: catalog, mode: .maintained)
        var query = try binder.bind(create.query, isTop: true)
        guard create.columns.count <= query.columns.count else {
            throw Failure("42601", "CREATE VIEW specifies more column names than columns", at: create.name.location)
        }
        try QueryBinder.rename(&query.columns, create.columns, of: name, at: create.name.location)
        try checkColumns(query.columns)
        try PlanCheck.check(query.visiblePlan, nil)
        let plan = try Optimiser.optimise(query.visiblePlan, for: .maintained)
        let lowering = Lowering(mode: .maintained, owner: name, catalog: catalog)
        var result = try lowering.lower(plan)
        if lowering.usesClock {
            throw .unsupported(
                "now() outside of a filter of a view", at: nil, hint: TemporalFilters.hint)
        }
        let columns = schema(query.columns, result)
        let dependencies = binder.dependencies.sorted()
        guard create.isMaterialized else {
            // The query is bound for its errors; its nodes are made where the view is named.
            lowering.finish(result.id)
            let relation = Relation(
                name: name, kind: .view, columns: columns, node: nil, dependencies: dependencies, statement: statement)
            return (Deployment(relation: relation, graph: Graph()), lowering)
        }
        let key = result.bestKey ?? []
        if !key.isEmpty { result = lowering.placed(result, by: key) }
        let shown = key.map { columns[$0].name }.joined(separator: ", ")
        let node = lowering.node(
            .view(OperatorKind.View(name: name, key: key)), [result.id], result.types,
            "View \(name) (\(columns.map(\.name).joined(separator: ", ")))\(key.isEmpty ? "" : ", key (\(shown))")")
        lowering.finish(node)
        let relation = Relation(
            name: name, kind: .materializedView, columns: columns, node: node, key: key,
            isAppendOnly: result.isAppendOnly,
            eventTimes: result.eventTimes, dependencies: dependencies, statement: statement)
        return (Deployment(relation: relation, graph: Graph(nodes: lowering.nodes)), lowering)
    }

    private static func checkColumns(_ columns: [BoundQuery.Column]) throws(Failure) {
        if columns.isEmpty { throw Failure("42P16", "view must have at least one column") }
        for (index, column) in columns.enumerated() where columns[..<index].contains(where: { $0.name == column.name })
        {
            throw Failure(
                "42701", "column \"\(column.name)\" specified more than once", at: column.location,
                hint: "Give it another name with AS.")
        }
    }

    private static func schema(_ columns: [BoundQuery.Column], _ result: Lowered) -> [ColumnSchema] {
        columns.enumerated().map { index, column in
            ColumnSchema(
                name: column.name, type: column.type, isNullable: column.isNullable && result.isNullable[index])
        }
    }

    // MARK: sinks

    static func bind(_ create: CreateSinkSyntax, _ statement: String, catalog: Catalog) throws(Failure) -> (
        Deployment, Lowering
    ) {
        let name = create.name.text
        let connector = try sinkConnector(create)
        let binder = QueryBinder(catalog: catalog, mode: .maintained)
        let (plan, columns) = try binder.relation(create.input)
        let visible = columns.indices.filter { !columns[$0].isHidden }
        let lowering = Lowering(mode: .maintained, owner: name, catalog: catalog)
        let result = try lowering.lower(try Optimiser.optimise(.selecting(plan, visible), for: .maintained))
        let node = lowering.node(
            .sink(OperatorKind.Sink(name: name, connector: connector, options: [:])), [result.id], result.types,
            "Sink \(name): \(connector)")
        lowering.finish(node)
        let schema = visible.map {
            ColumnSchema(name: columns[$0].name, type: columns[$0].type, isNullable: columns[$0].isNullable)
        }
        let relation = Relation(
            name: name, kind: .sink, columns: schema, node: node, isAppendOnly: result.isAppendOnly,
            dependencies: binder.dependencies.sorted(), statement: statement)
        return (Deployment(relation: relation, graph: Graph(nodes: lowering.nodes)), lowering)
    }

    private static let sinkConnectors = ["blackhole"]
    private static let laterSinkConnectors: Set<String> = ["file", "kafka", "http", "postgres", "print", "log"]

    private static func sinkConnector(_ create: CreateSinkSyntax) throws(Failure) -> String {
        guard let option = create.options.first(where: { $0.name == "connector" }) else {
            throw Failure(
                "22023", "sink \"\(create.name.text)\" needs option \"connector\"", at: create.name.location,
                hint: "WITH (connector = 'blackhole')")
        }
        guard sinkConnectors.contains(option.value) else {
            if laterSinkConnectors.contains(option.value) {
                throw .unsupported(
                    "a sink with connector \"\(option.value)\"", at: option.location, hint: "Only blackhole is.")
            }
            throw Failure(
                "22023", "unknown connector \"\(option.value)\" of sink \"\(create.name.text)\"", at: option.location,
                hint: Suggestion.hint(for: option.value, among: sinkConnectors)
                    ?? "The connector of sinks is blackhole.")
        }
        if let other = create.options.first(where: { $0.name != "connector" }) {
            throw Failure(
                "22023", "connector \"blackhole\" has no option \"\(other.name)\"", at: other.location,
                hint: Suggestion.hint(for: other.name, among: ["connector"]))
        }
        return option.value
    }

    // MARK: ad-hoc queries

    static func bind(_ syntax: QuerySyntax, catalog: Catalog) throws(Failure) -> (
        plan: QueryPlan, relations: [String], Lowering
    ) {
        let binder = QueryBinder(catalog: catalog, mode: .adHoc)
        let query = try binder.bind(syntax, isTop: true)
        try PlanCheck.check(query.plan, nil)
        let lowering = Lowering(mode: .adHoc, owner: "", catalog: catalog)
        let result = try lowering.lower(try Optimiser.optimise(query.plan, for: .adHoc))
        let plan = QueryPlan(
            graph: Graph(nodes: lowering.nodes), output: result.id, columns: schema(query.columns, result),
            orderBy: query.orderBy,
            limit: query.limit, offset: query.offset)
        return (plan, binder.scans.sorted(), lowering)
    }
}

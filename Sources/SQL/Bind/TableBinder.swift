internal import Dataflow

/// CREATE TABLE and CREATE SOURCE.
enum TableBinder {
    static func bind(_ create: CreateTableSyntax, _ statement: String, catalog: Catalog) throws(Failure) -> (
        Deployment, Lowering
    ) {
        let name = create.name.text
        let options = try TableOptions(create.options, table: name)
        var columns = try self.columns(create)
        if options.connector == "generator" { columns = try generatorColumns(columns, options, create) }
        guard !columns.isEmpty else {
            throw Failure("42P16", "table \"\(name)\" has no columns", at: create.name.location)
        }
        let primaryKey = try self.primaryKey(create, &columns)
        let time = try eventTime(options, columns, create)
        // A record without its event time is refused, so no row lacks it; a tombstone does.
        if let time, primaryKey.isEmpty { columns[time.column].isNullable = false }
        let schema = TableSchema(
            name: name, topic: options.topic ?? name, columns: columns, primaryKey: primaryKey, eventTime: time,
            format: options.format, connector: options.connector,
            options: options.options)
        try checkTopic(schema, catalog, create)
        return lower(schema, statement, catalog)
    }

    // MARK: columns

    private static func columns(_ create: CreateTableSyntax) throws(Failure) -> [ColumnSchema] {
        guard create.columns.count <= Limits.columnsMax else {
            throw Failure("54011", "tables can have at most \(Limits.columnsMax) columns", at: create.name.location)
        }
        var columns: [ColumnSchema] = []
        for column in create.columns {
            if columns.contains(where: { $0.name == column.name }) {
                throw Failure("42701", "column \"\(column.name)\" specified more than once", at: column.location)
            }
            if TableSchema.metadataColumns.contains(where: { $0.name == column.name }) {
                throw Failure(
                    "42701", "column name \"\(column.name)\" conflicts with a column that every source has",
                    at: column.location)
            }
            let type = try TypeNames.resolve(column.type)
            columns.append(
                ColumnSchema(name: column.name, type: type.type, modifier: type.modifier, isNullable: !column.isNotNull)
            )
        }
        return columns
    }

    private static func generatorColumns(
        _ columns: [ColumnSchema], _ options: TableOptions, _ create: CreateTableSyntax
    ) throws(Failure) -> [ColumnSchema] {
        let kind = options.options["entity"] ?? ""
        let made = GeneratorColumns.columns(of: kind)
        guard !columns.isEmpty else { return made }
        let isSame =
            columns.count == made.count && zip(columns, made).allSatisfy { $0.name == $1.name && $0.type == $1.type }
        guard isSame else {
            let list = made.map { "\($0.name) \($0.type.name)" }.joined(separator: ", ")
            throw Failure(
                "42P16", "the columns of table \"\(create.name.text)\" are not those of the generator's \(kind)",
                at: create.columns.first?.location, hint: "Leave them out, or declare: \(list).")
        }
        return columns
    }

    private static func primaryKey(_ create: CreateTableSyntax, _ columns: inout [ColumnSchema]) throws(Failure)
        -> [Int]
    {
        var key: [Int] = []
        for (name, location) in create.primaryKey {
            guard let index = columns.firstIndex(where: { $0.name == name }) else {
                throw Failure("42703", "column \"\(name)\" named in key does not exist", at: location)
            }
            if key.contains(index) {
                throw Failure("42701", "column \"\(name)\" appears twice in primary key constraint", at: location)
            }
            key.append(index)
            columns[index].isNullable = false
        }
        return key
    }

    private static func eventTime(
        _ options: TableOptions, _ columns: [ColumnSchema], _ create: CreateTableSyntax
    ) throws(Failure) -> TableSchema.EventTime? {
        guard let (name, location) = options.eventTime else { return nil }
        guard let index = columns.firstIndex(where: { $0.name == name }) else {
            throw Failure(
                "42703", "the event-time column \"\(name)\" does not exist", at: location,
                hint: Suggestion.hint(for: name, among: columns.filter { ClockTypes.all.contains($0.type) }.map(\.name))
            )
        }
        guard ClockTypes.all.contains(columns[index].type) else {
            throw Failure(
                "42804",
                "the event-time column \"\(name)\" must be type \(DataType.timestamp.name) or \(DataType.timestamptz.name), not type \(columns[index].type.name)",
                at: location)
        }
        return TableSchema.EventTime(column: index, lateness: options.lateness, skew: options.skew)
    }

    /// Tables over one topic must agree on what the topic is.
    private static func checkTopic(_ schema: TableSchema, _ catalog: Catalog, _ create: CreateTableSyntax)
        throws(Failure)
    {
        let location = create.options.first { $0.name == "topic" }?.location ?? create.name.location
        for relation in catalog.ordered {
            guard case .table(let other) = relation.kind, other.topic == schema.topic else { continue }
            guard other.connector == schema.connector else {
                throw Failure(
                    "42P16",
                    "topic \"\(schema.topic)\" belongs to connector \"\(other.connector)\" of table \"\(other.name)\"",
                    at: location)
            }
            var (mine, theirs) = (schema.options, other.options)
            mine["entity"] = nil
            theirs["entity"] = nil
            for name in Set(mine.keys).union(theirs.keys).sorted() where mine[name] != theirs[name] {
                throw Failure(
                    "42P16",
                    "option \"\(name)\" of table \"\(schema.name)\" differs from that of table \"\(other.name)\", which reads the same topic",
                    at: create.options.first { $0.name == name }?.location ?? location,
                    hint:
                        "Here it is \(mine[name].map { "'\($0)'" } ?? "left out"), there \(theirs[name].map { "'\($0)'" } ?? "left out")."
                )
            }
        }
    }

    // MARK: graph

    private static func lower(_ schema: TableSchema, _ statement: String, _ catalog: Catalog) -> (Deployment, Lowering)
    {
        let all = schema.columns + TableSchema.metadataColumns
        let lowering = Lowering(mode: .maintained, owner: schema.name, catalog: catalog)
        let source = Lowered(
            id: lowering.node(
                .source(table: schema.name), [], all.map(\.type),
                "Source \(schema.name): \(schema.connector), topic \(schema.topic)"),
            types: all.map(\.type), names: all.map(\.name), isNullable: all.map(\.isNullable),
            isAppendOnly: schema.primaryKey.isEmpty,
            eventTimes: [], keys: [])
        var node = source.id
        var times: [EventTimeColumn] = []
        if schema.primaryKey.isEmpty {
            if let time = schema.eventTime {
                times = [
                    EventTimeColumn(
                        column: time.column, offset: EventTimeProof.offset(lateness: time.lateness),
                        sources: [schema.name])
                ]
            }
        } else {
            let keyed = lowering.exchange(source, schema.primaryKey)
            let key = schema.primaryKey.map { schema.columns[$0].name }.joined(separator: ", ")
            node = lowering.node(
                .upsert(key: schema.primaryKey), [keyed.id], keyed.types, "Upsert by (\(key)); state kept")
        }
        let relation = Relation(
            name: schema.name, kind: .table(schema), columns: schema.columns, node: node, key: schema.primaryKey,
            isAppendOnly: schema.primaryKey.isEmpty, eventTimes: times, dependencies: [], statement: statement)
        return (Deployment(relation: relation, graph: Graph(nodes: lowering.nodes)), lowering)
    }
}

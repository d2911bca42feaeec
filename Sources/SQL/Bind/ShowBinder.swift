package import Dataflow

/// The rows that SHOW gives.
package struct ShowResult: Hashable, Sendable {
    package var columns: [ColumnSchema]
    package var rows: [[Datum]]

    package init(columns: [ColumnSchema], rows: [[Datum]]) {
        self.columns = columns
        self.rows = rows
    }
}

/// SHOW TABLES, SOURCES, VIEWS, SINKS, or the columns of one relation.
enum ShowBinder {
    static func bind(_ name: String, _ location: Int, catalog: Catalog) throws(Failure) -> ShowResult {
        switch name {
        case "tables", "sources":
            return list(catalog, ["name", "connector", "topic", "columns"]) { relation in
                guard case .table(let schema) = relation.kind else { return nil }
                return [schema.connector, schema.topic, columns(relation)]
            }
        case "views":
            return list(catalog, ["name", "kind", "key", "columns"]) { relation in
                let kind: String
                switch relation.kind {
                case .materializedView: kind = "materialized"
                case .view: kind = "inlined"
                case .table, .sink: return nil
                }
                return [
                    kind, relation.key.map { relation.columns[$0].name }.joined(separator: ", "), columns(relation),
                ]
            }
        case "sinks":
            return list(catalog, ["name", "input", "columns"]) { relation in
                guard case .sink = relation.kind else { return nil }
                return [relation.dependencies.joined(separator: ", "), columns(relation)]
            }
        default: break
        }
        guard let relation = catalog[name] else {
            throw Failure(
                "42704", "unrecognized configuration parameter \"\(name)\"", at: nil,
                hint: Suggestion.hint(
                    for: name, among: ["tables", "sources", "views", "sinks"] + catalog.relations.keys)
                    ?? "SHOW TABLES, SHOW SOURCES, SHOW VIEWS, SHOW SINKS, or SHOW and the name of one.")
        }
        return ShowResult(
            columns: [
                ColumnSchema(name: "column", type: .text, isNullable: false),
                ColumnSchema(name: "type", type: .text, isNullable: false),
                ColumnSchema(name: "nullable", type: .boolean, isNullable: false),
                ColumnSchema(name: "key", type: .boolean, isNullable: false),
            ],
            rows: relation.columns.enumerated().map { index, column in
                [
                    .text(column.name), .text(column.typeName), .boolean(column.isNullable),
                    .boolean(relation.key.contains(index)),
                ]
            })
    }

    private static func columns(_ relation: Relation) -> String { relation.columns.map(\.name).joined(separator: ", ") }

    private static func list(_ catalog: Catalog, _ names: [String], _ row: (Relation) -> [String]?) -> ShowResult {
        ShowResult(
            columns: names.map { ColumnSchema(name: $0, type: .text, isNullable: false) },
            rows: catalog.ordered.compactMap { relation in
                row(relation).map { ([relation.name] + $0).map { .text($0) } }
            })
    }
}

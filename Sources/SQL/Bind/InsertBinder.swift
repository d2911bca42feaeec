package import Dataflow

/// Rows to append to a table's topic.
package struct InsertPlan: Hashable, Sendable {
    package var table: String
    /// The declared columns that each row gives, in its order; the others are NULL.
    package var columns: [Int]
    package var rows: [[Datum]]

    package init(table: String, columns: [Int], rows: [[Datum]]) {
        self.table = table
        self.columns = columns
        self.rows = rows
    }
}

/// INSERT INTO t [(columns)] VALUES …
enum InsertBinder {
    static func bind(_ insert: InsertSyntax, catalog: Catalog) throws(Failure) -> InsertPlan {
        let schema = try table(insert.table, catalog)
        let columns = try self.columns(insert, schema)
        let binder = ExpressionBinder(scope: Scope(), clause: "VALUES")
        var rows: [[Datum]] = []
        rows.reserveCapacity(insert.rows.count)
        for row in insert.rows {
            guard row.count <= columns.count else {
                throw Failure(
                    "42601", "INSERT has more expressions than target columns", at: row[columns.count].location)
            }
            guard insert.columns.isEmpty || row.count == columns.count else {
                throw Failure(
                    "42601", "INSERT has more target columns than expressions", at: insert.columns[row.count].location)
            }
            var values: [Datum] = []
            for (syntax, index) in zip(row, columns) {
                values.append(try value(syntax, schema.columns[index], schema.name, binder))
            }
            // Without a column list a short row leaves the last columns NULL.
            for index in columns.dropFirst(row.count) {
                try refuseNull(.null, schema.columns[index], schema.name)
                values.append(.null)
            }
            rows.append(values)
        }
        for (index, column) in schema.columns.enumerated() where !columns.contains(index) {
            try refuseNull(.null, column, schema.name)
        }
        return InsertPlan(table: schema.name, columns: columns, rows: rows)
    }

    private static func table(_ name: NameSyntax, _ catalog: Catalog) throws(Failure) -> TableSchema {
        guard let relation = catalog[name.text] else {
            throw Failure(
                "42P01", "relation \"\(name.text)\" does not exist", at: name.location,
                hint: Suggestion.hint(for: name.text, among: Array(catalog.relations.keys)))
        }
        switch relation.kind {
        case .table(let schema):
            guard schema.connector == "http" else {
                throw .unsupported(
                    "INSERT into table \"\(name.text)\", whose rows come from connector \"\(schema.connector)\",",
                    at: name.location,
                    hint: "INSERT goes to tables with connector 'http'.")
            }
            return schema
        case .materializedView:
            throw Failure("42809", "cannot change materialized view \"\(name.text)\"", at: name.location)
        case .view: throw Failure("55000", "cannot insert into view \"\(name.text)\"", at: name.location)
        case .sink: throw Failure("42809", "cannot insert into sink \"\(name.text)\"", at: name.location)
        }
    }

    private static func columns(_ insert: InsertSyntax, _ schema: TableSchema) throws(Failure) -> [Int] {
        if insert.columns.isEmpty { return Array(schema.columns.indices) }
        var columns: [Int] = []
        for (name, location) in insert.columns {
            guard let index = schema.columns.firstIndex(where: { $0.name == name }) else {
                throw Failure(
                    "42703", "column \"\(name)\" of relation \"\(schema.name)\" does not exist", at: location,
                    hint: Suggestion.hint(for: name, among: schema.columns.map(\.name)))
            }
            guard !columns.contains(index) else {
                throw Failure("42701", "column \"\(name)\" specified more than once", at: location)
            }
            columns.append(index)
        }
        return columns
    }

    /// Of `TIMESTAMP '…'` the constant, where PostgreSQL says that it is.
    private static func start(of syntax: ExpressionSyntax) -> Int {
        if case .cast(let operand, _) = syntax.kind, case .string = operand.kind { return operand.location }
        return syntax.location
    }

    private static func value(
        _ syntax: ExpressionSyntax, _ column: ColumnSchema, _ table: String, _ binder: ExpressionBinder
    ) throws(Failure) -> Datum {
        var datum = Datum.null
        if case .defaultValue = syntax.kind {
            // There are no other defaults.
        } else {
            let bound = try binder.bind(syntax)
            guard
                let assigned = try Coercion.coerce(
                    bound, to: column.type, .assignment, modifier: column.modifier)
            else {
                throw Failure(
                    "42804",
                    "column \"\(column.name)\" is of type \(column.type.name) but expression is of type \(bound.typeName)",
                    at: start(of: syntax), hint: "You will need to rewrite or cast the expression.")
            }
            let fitted = Coercion.applying(column.modifier, to: assigned, isExplicit: false)
            switch ConstantFolding.value(of: fitted) {
            // In a record the JSON value null is SQL's NULL.
            case .success(let value): datum = value.isJSONNull ? .null : value
            case .failure(let error): throw Failure(error.code, error.message, at: syntax.location)
            }
        }
        try refuseNull(datum, column, table)
        return datum
    }

    private static func refuseNull(_ datum: Datum, _ column: ColumnSchema, _ table: String) throws(Failure) {
        guard datum.isNull, !column.isNullable else { return }
        throw Failure(
            "23502", "null value in column \"\(column.name)\" of relation \"\(table)\" violates not-null constraint")
    }
}

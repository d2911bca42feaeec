internal import CPgQuery

extension TreeReader {
    /// Reads one statement; `rewrite` says what the user wrote in its place.
    mutating func statement(_ node: Node, _ rewrite: Rewrite) throws(Failure) -> StatementSyntax {
        let value = node.pointee
        switch value.node_case {
        case PG_QUERY__NODE__NODE_SELECT_STMT: return .query(try query(node))
        case PG_QUERY__NODE__NODE_CREATE_STMT: return try createTable(value.create_stmt.pointee, rewrite)
        case PG_QUERY__NODE__NODE_CREATE_TABLE_AS_STMT: return try createTableAs(value.create_table_as_stmt.pointee)
        case PG_QUERY__NODE__NODE_VIEW_STMT: return try createView(value.view_stmt.pointee)
        case PG_QUERY__NODE__NODE_DROP_STMT: return try drop(value.drop_stmt.pointee, rewrite)
        case PG_QUERY__NODE__NODE_INSERT_STMT: return try insert(value.insert_stmt.pointee)
        case PG_QUERY__NODE__NODE_VARIABLE_SHOW_STMT:
            return .show(name: Self.string(value.variable_show_stmt.pointee.name), location: 0)
        default: throw .unsupported(Self.description(node), at: 0)
        }
    }

    private mutating func createTable(_ create: PgQuery__CreateStmt, _ rewrite: Rewrite) throws(Failure)
        -> StatementSyntax
    {
        guard let relation = create.relation?.pointee else { throw Failure("42601", "a table name is missing") }
        let name = try relationName(relation)
        if create.partspec != nil || create.partbound != nil {
            throw .unsupported("PARTITION BY of a table", at: nil, hint: "Use WITH (partitions = '4').")
        }
        if create.n_inh_relations > 0 { throw .unsupported("INHERITS", at: nil) }
        if create.of_typename != nil { throw .unsupported("a table OF a type", at: nil) }
        if !Self.string(create.tablespacename).isEmpty { throw .unsupported("TABLESPACE", at: nil) }
        let options = try options(Self.list(create.options, create.n_options))
        if case .sink(let input) = rewrite.subject {
            return .createSink(
                CreateSinkSyntax(name: name, ifNotExists: create.if_not_exists != 0, input: input, options: options))
        }
        var table = CreateTableSyntax(
            name: name, ifNotExists: create.if_not_exists != 0, columns: [], primaryKey: [], primaryKeyLocation: -1,
            options: options, isSource: rewrite.subject == .source)
        for element in Self.list(create.table_elts, create.n_table_elts) {
            switch element.pointee.node_case {
            case PG_QUERY__NODE__NODE_COLUMN_DEF: try addColumn(element.pointee.column_def.pointee, to: &table)
            case PG_QUERY__NODE__NODE_CONSTRAINT:
                let constraint = element.pointee.constraint.pointee
                let location = Int(constraint.location)
                guard constraint.contype == PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY else {
                    throw Self.unsupported(constraint)
                }
                try Self.setPrimaryKey(
                    Self.names(constraint.keys, constraint.n_keys).map { ($0, location) }, location, of: &table)
            default: throw .unsupported(Self.description(element), at: nil)
            }
        }
        for node in Self.list(create.constraints, create.n_constraints) {
            throw Self.unsupported(node.pointee.constraint.pointee)
        }
        return .createTable(table)
    }

    private static func setPrimaryKey(
        _ names: [(String, Int)], _ location: Int, of table: inout CreateTableSyntax
    ) throws(Failure) {
        guard table.primaryKey.isEmpty else {
            throw Failure(
                "42P16", "multiple primary keys for table \"\(table.name.name)\" are not allowed", at: location)
        }
        table.primaryKey = names.map { (name: $0.0, location: $0.1) }
        table.primaryKeyLocation = location
    }

    private mutating func addColumn(_ definition: PgQuery__ColumnDef, to table: inout CreateTableSyntax) throws(Failure)
    {
        let location = Int(definition.location)
        guard let type = definition.type_name else { throw Failure("42601", "a column without a type", at: location) }
        if definition.coll_clause != nil {
            throw .unsupported("COLLATE", at: location, hint: "Text compares by its bytes (collation C).")
        }
        var column = ColumnSyntax(
            name: Self.string(definition.colname), type: try self.type(type), isNotNull: definition.is_not_null != 0,
            location: location)
        for node in Self.list(definition.constraints, definition.n_constraints) {
            let constraint = node.pointee.constraint.pointee
            switch constraint.contype {
            case PG_QUERY__CONSTR_TYPE__CONSTR_NOTNULL: column.isNotNull = true
            case PG_QUERY__CONSTR_TYPE__CONSTR_NULL: break
            case PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY:
                try Self.setPrimaryKey([(column.name, location)], Int(constraint.location), of: &table)
            default: throw Self.unsupported(constraint)
            }
        }
        table.columns.append(column)
    }

    private static func unsupported(_ constraint: PgQuery__Constraint) -> Failure {
        let name =
            switch constraint.contype {
            case PG_QUERY__CONSTR_TYPE__CONSTR_DEFAULT: "DEFAULT"
            case PG_QUERY__CONSTR_TYPE__CONSTR_CHECK: "a CHECK constraint"
            case PG_QUERY__CONSTR_TYPE__CONSTR_UNIQUE: "a UNIQUE constraint"
            case PG_QUERY__CONSTR_TYPE__CONSTR_FOREIGN: "a FOREIGN KEY constraint"
            case PG_QUERY__CONSTR_TYPE__CONSTR_IDENTITY, PG_QUERY__CONSTR_TYPE__CONSTR_GENERATED: "a generated column"
            default: "this constraint"
            }
        return .unsupported(name, at: Int(constraint.location))
    }

    /// `WITH (name = value, …)`.
    private func options(_ nodes: [Node]) throws(Failure) -> [OptionSyntax] {
        var options: [OptionSyntax] = []
        for node in nodes where node.pointee.node_case == PG_QUERY__NODE__NODE_DEF_ELEM {
            let element = node.pointee.def_elem.pointee
            let space = Self.string(element.defnamespace)
            let name = (space.isEmpty ? "" : space + ".") + Self.string(element.defname)
            let location = Int(element.location)
            var text = "true"
            if let value = element.arg?.pointee {
                switch value.node_case {
                case PG_QUERY__NODE__NODE_STRING: text = Self.string(value.string.pointee.sval)
                case PG_QUERY__NODE__NODE_INTEGER: text = String(value.integer.pointee.ival)
                case PG_QUERY__NODE__NODE_FLOAT: text = Self.string(value.float_.pointee.fval)
                case PG_QUERY__NODE__NODE_BOOLEAN: text = value.boolean.pointee.boolval != 0 ? "true" : "false"
                case PG_QUERY__NODE__NODE_TYPE_NAME:
                    // A bare word is read as a type's name.
                    let type = value.type_name.pointee
                    text = Self.names(type.names, type.n_names).last ?? ""
                default:
                    throw Failure("22023", "the value of option \"\(name)\" must be a string or a number", at: location)
                }
            }
            if options.contains(where: { $0.name == name }) {
                throw Failure("42601", "option \"\(name)\" is given twice", at: location)
            }
            options.append(OptionSyntax(name: name, value: text, location: location))
        }
        return options
    }

    private mutating func createTableAs(_ create: PgQuery__CreateTableAsStmt) throws(Failure) -> StatementSyntax {
        guard create.objtype == PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW else {
            throw .unsupported("CREATE TABLE AS", at: 0, hint: "Use CREATE MATERIALIZED VIEW … AS.")
        }
        guard let into = create.into?.pointee, let relation = into.rel?.pointee, let query = create.query else {
            throw Failure("42601", "a view needs a name and a query")
        }
        if into.n_options > 0 { throw .unsupported("WITH (…) of a materialized view", at: nil) }
        if into.skip_data != 0 { throw .unsupported("WITH NO DATA", at: nil) }
        return .createView(
            CreateViewSyntax(
                name: try relationName(relation), ifNotExists: create.if_not_exists != 0,
                columns: Self.names(into.col_names, into.n_col_names), query: try self.query(query),
                isMaterialized: true))
    }

    private mutating func createView(_ create: PgQuery__ViewStmt) throws(Failure) -> StatementSyntax {
        guard let relation = create.view?.pointee, let query = create.query else {
            throw Failure("42601", "a view needs a name and a query")
        }
        if create.replace != 0 { throw .unsupported("CREATE OR REPLACE VIEW", at: 0, hint: "Drop the view first.") }
        if create.n_options > 0 { throw .unsupported("WITH (…) of a view", at: nil) }
        if create.with_check_option == PG_QUERY__VIEW_CHECK_OPTION__LOCAL_CHECK_OPTION
            || create.with_check_option == PG_QUERY__VIEW_CHECK_OPTION__CASCADED_CHECK_OPTION
        {
            throw .unsupported("WITH CHECK OPTION", at: nil)
        }
        return .createView(
            CreateViewSyntax(
                name: try relationName(relation), ifNotExists: false,
                columns: Self.names(create.aliases, create.n_aliases), query: try self.query(query),
                isMaterialized: false))
    }

    private func drop(_ drop: PgQuery__DropStmt, _ rewrite: Rewrite) throws(Failure) -> StatementSyntax {
        let kind: DropSyntax.Kind
        switch drop.remove_type {
        case PG_QUERY__OBJECT_TYPE__OBJECT_TABLE:
            kind =
                switch rewrite.subject {
                case .source: .source
                case .sink: .sink
                case .plain: .table
                }
        case PG_QUERY__OBJECT_TYPE__OBJECT_VIEW: kind = .view
        case PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW: kind = .materializedView
        default: throw .unsupported("DROP of this kind of object", at: 0)
        }
        var names: [NameSyntax] = []
        for node in Self.list(drop.objects, drop.n_objects) {
            guard node.pointee.node_case == PG_QUERY__NODE__NODE_LIST else { continue }
            var parts = Self.names(node.pointee.list.pointee.items, node.pointee.list.pointee.n_items)
            if parts.count > 1, parts[0] == "public" { parts.removeFirst() }
            let name = parts.popLast() ?? ""
            names.append(
                NameSyntax(qualifier: parts.isEmpty ? nil : parts.joined(separator: "."), name: name, location: -1))
        }
        return .drop(
            DropSyntax(
                kind: kind, names: names, ifExists: drop.missing_ok != 0,
                cascade: drop.behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE))
    }

    private mutating func insert(_ insert: PgQuery__InsertStmt) throws(Failure) -> StatementSyntax {
        guard let relation = insert.relation?.pointee else { throw Failure("42601", "a table name is missing") }
        if insert.on_conflict_clause != nil {
            throw .unsupported(
                "ON CONFLICT", at: nil, hint: "In a table with a primary key a new row replaces the old one.")
        }
        if insert.n_returning_list > 0 { throw .unsupported("RETURNING", at: nil) }
        if insert.with_clause != nil { throw .unsupported("WITH in INSERT", at: nil) }
        guard let source = insert.select_stmt else { throw .unsupported("DEFAULT VALUES", at: nil) }
        var columns: [(name: String, location: Int)] = []
        for node in Self.list(insert.cols, insert.n_cols) {
            let target = node.pointee.res_target.pointee
            columns.append((Self.string(target.name), Int(target.location)))
        }
        guard case .values(let rows) = try query(source).body else {
            throw .unsupported(
                "INSERT … SELECT", at: Self.location(ofSelect: source.pointee.select_stmt),
                hint: "Use CREATE MATERIALIZED VIEW … AS, or INSERT … VALUES.")
        }
        return .insert(InsertSyntax(table: try relationName(relation), columns: columns, rows: rows))
    }
}

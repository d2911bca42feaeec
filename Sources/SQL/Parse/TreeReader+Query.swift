internal import CPgQuery

extension TreeReader {
    mutating func query(_ node: Node) throws(Failure) -> QuerySyntax {
        guard node.pointee.node_case == PG_QUERY__NODE__NODE_SELECT_STMT else {
            throw .unsupported("\(Self.description(node)) in place of a query", at: nil)
        }
        let select = node.pointee.select_stmt
        return try descend(-1) { (reader) throws(Failure) in try reader.query(select: select) }
    }

    private mutating func query(select pointer: UnsafeMutablePointer<PgQuery__SelectStmt>?) throws(Failure)
        -> QuerySyntax
    {
        guard let select = pointer?.pointee else { throw Failure("42601", "a query is missing") }
        if select.n_locking_clause > 0 { throw .unsupported("FOR UPDATE or FOR SHARE", at: nil) }
        if select.into_clause != nil {
            throw .unsupported("SELECT INTO", at: nil, hint: "Use CREATE MATERIALIZED VIEW … AS.")
        }
        var with: [CommonTableSyntax] = []
        if let clause = select.with_clause?.pointee {
            if clause.recursive != 0 { throw .unsupported("WITH RECURSIVE", at: Int(clause.location)) }
            for item in Self.list(clause.ctes, clause.n_ctes) {
                let table = item.pointee.common_table_expr.pointee
                with.append(
                    CommonTableSyntax(
                        name: Self.string(table.ctename),
                        columns: Self.names(table.aliascolnames, table.n_aliascolnames),
                        query: try query(table.ctequery), location: Int(table.location)))
            }
        }
        return QuerySyntax(
            with: with, body: try body(select), orderBy: try sort(Self.list(select.sort_clause, select.n_sort_clause)),
            limit: try optional(select.limit_count), offset: try optional(select.limit_offset),
            hasTies: select.limit_option == PG_QUERY__LIMIT_OPTION__LIMIT_OPTION_WITH_TIES)
    }

    private mutating func body(_ select: PgQuery__SelectStmt) throws(Failure) -> QuerySyntax.Body {
        switch select.op {
        case PG_QUERY__SET_OPERATION__SETOP_UNION: return try set(.union, select)
        case PG_QUERY__SET_OPERATION__SETOP_INTERSECT: return try set(.intersect, select)
        case PG_QUERY__SET_OPERATION__SETOP_EXCEPT: return try set(.except, select)
        default: break
        }
        if select.n_values_lists > 0 {
            var rows: [[ExpressionSyntax]] = []
            for row in Self.list(select.values_lists, select.n_values_lists) {
                let list = row.pointee.list.pointee
                rows.append(try expressions(Self.list(list.items, list.n_items)))
            }
            return .values(rows)
        }
        var items: [(expression: ExpressionSyntax, alias: String?)] = []
        for node in Self.list(select.target_list, select.n_target_list) {
            let target = node.pointee.res_target.pointee
            let name = Self.string(target.name)
            items.append((try expression(target.val), name.isEmpty ? nil : name))
        }
        var from: [FromSyntax] = []
        for node in Self.list(select.from_clause, select.n_from_clause) { from.append(try source(node)) }
        let (groupBy, groupingSets) = try grouping(Self.list(select.group_clause, select.n_group_clause))
        return .select(
            SelectSyntax(
                isDistinct: select.n_distinct_clause > 0, distinctOn: try distinctOn(select), items: items, from: from,
                condition: try optional(select.where_clause), groupBy: groupBy, groupingSets: groupingSets,
                areSetsDistinct: select.group_distinct != 0,
                having: try optional(select.having_clause),
                windows: try windows(Self.list(select.window_clause, select.n_window_clause))))
    }

    private mutating func set(_ operation: SetOperation, _ select: PgQuery__SelectStmt) throws(Failure)
        -> QuerySyntax.Body
    {
        // A chain of equal UNIONs leans to the left: it is a list here, however long.
        var rights = [select.rarg]
        var left = select.larg
        while operation == .union, let inner = left?.pointee, inner.op == select.op, inner.all == select.all,
            inner.with_clause == nil, inner.n_sort_clause == 0, inner.limit_count == nil, inner.limit_offset == nil,
            inner.n_locking_clause == 0
        {
            rights.append(inner.rarg)
            left = inner.larg
        }
        let all = [left] + rights.reversed()
        return try descend(-1) { (reader) throws(Failure) in
            var queries: [QuerySyntax] = []
            for query in all { queries.append(try reader.query(select: query)) }
            return .set(operation, isAll: select.all != 0, queries)
        }
    }

    /// Where the first column of a query is: set operations have no place of their own in the tree.
    static func location(ofSelect pointer: UnsafeMutablePointer<PgQuery__SelectStmt>?) -> Int? {
        guard let select = pointer?.pointee else { return nil }
        if select.larg != nil { return location(ofSelect: select.larg) }
        guard let first = list(select.target_list, select.n_target_list).first,
            first.pointee.node_case == PG_QUERY__NODE__NODE_RES_TARGET
        else { return nil }
        return Int(first.pointee.res_target.pointee.location)
    }

    /// Where an element of FROM is, as far as the tree says.
    static func location(ofSource node: Node?) -> Int? {
        guard let value = node?.pointee else { return nil }
        switch value.node_case {
        case PG_QUERY__NODE__NODE_RANGE_VAR: return Int(value.range_var.pointee.location)
        case PG_QUERY__NODE__NODE_JOIN_EXPR: return location(ofSource: value.join_expr.pointee.larg)
        case PG_QUERY__NODE__NODE_RANGE_SUBSELECT:
            guard let query = value.range_subselect.pointee.subquery,
                query.pointee.node_case == PG_QUERY__NODE__NODE_SELECT_STMT
            else { return nil }
            return location(ofSelect: query.pointee.select_stmt)
        default: return nil
        }
    }

    /// The expressions of DISTINCT ON. Plain DISTINCT is a list with one empty node.
    private mutating func distinctOn(_ select: PgQuery__SelectStmt) throws(Failure) -> [ExpressionSyntax]? {
        let nodes = Self.list(select.distinct_clause, select.n_distinct_clause).filter {
            $0.pointee.node_case != PG_QUERY__NODE__NODE__NOT_SET
        }
        return nodes.isEmpty ? nil : try expressions(nodes)
    }

    private mutating func source(_ node: Node) throws(Failure) -> FromSyntax {
        let value = node.pointee
        switch value.node_case {
        case PG_QUERY__NODE__NODE_RANGE_VAR:
            let range = value.range_var.pointee
            return .relation(try relationName(range), alias(range.alias))
        case PG_QUERY__NODE__NODE_RANGE_SUBSELECT:
            let range = value.range_subselect.pointee
            return .subquery(try query(range.subquery), alias(range.alias), isLateral: range.lateral != 0)
        case PG_QUERY__NODE__NODE_RANGE_FUNCTION: return try function(value.range_function.pointee)
        case PG_QUERY__NODE__NODE_JOIN_EXPR:
            return try descend(-1) { (reader) throws(Failure) in try reader.join(value.join_expr.pointee) }
        case PG_QUERY__NODE__NODE_RANGE_TABLE_SAMPLE:
            throw .unsupported(
                "TABLESAMPLE", at: Int(value.range_table_sample.pointee.location),
                hint: "A view is a function of the log: nothing in it may be random.")
        default: throw .unsupported("\(Self.description(node)) in FROM", at: nil)
        }
    }

    private mutating func function(_ range: PgQuery__RangeFunction) throws(Failure) -> FromSyntax {
        if range.n_coldeflist > 0 { throw .unsupported("a column definition list", at: nil) }
        var calls: [CallSyntax] = []
        var location = -1
        // Each function is a list of the call and its column definitions. LATERAL says what is so without it.
        for item in Self.list(range.functions, range.n_functions) {
            guard item.pointee.node_case == PG_QUERY__NODE__NODE_LIST,
                let node = Self.list(item.pointee.list.pointee.items, item.pointee.list.pointee.n_items).first,
                node.pointee.node_case == PG_QUERY__NODE__NODE_FUNC_CALL
            else { throw .unsupported("this function in FROM", at: nil) }
            let call = node.pointee.func_call.pointee
            if location < 0 { location = Int(call.location) }
            calls.append(try self.call(call))
        }
        return .function(
            TableFunctionSyntax(calls: calls, hasOrdinality: range.ordinality != 0), alias(range.alias),
            location: location)
    }

    private mutating func join(_ join: PgQuery__JoinExpr) throws(Failure) -> FromSyntax {
        let kind: FromSyntax.JoinKind
        switch join.jointype {
        case PG_QUERY__JOIN_TYPE__JOIN_INNER: kind = .inner
        case PG_QUERY__JOIN_TYPE__JOIN_LEFT: kind = .left
        case PG_QUERY__JOIN_TYPE__JOIN_RIGHT: kind = .right
        case PG_QUERY__JOIN_TYPE__JOIN_FULL: kind = .full
        default: throw .unsupported("this join", at: Self.location(ofSource: join.rarg))
        }
        if join.join_using_alias != nil { throw .unsupported("an alias of USING", at: nil) }
        let condition: FromSyntax.JoinCondition
        if join.is_natural != 0 {
            condition = .natural
        } else if join.n_using_clause > 0 {
            condition = .using(Self.names(join.using_clause, join.n_using_clause))
        } else if let quals = join.quals {
            condition = .on(try expression(quals))
        } else {
            condition = .cross
        }
        return .join(try source(join.larg), try source(join.rarg), kind, condition, alias(join.alias))
    }
}

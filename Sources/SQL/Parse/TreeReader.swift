internal import CPgQuery

/// Reads libpg_query's parse tree into the compiler's own syntax; what is not supported is refused by name.
struct TreeReader {
    typealias Node = UnsafeMutablePointer<PgQuery__Node>

    private var depth = 0
    /// The collations that compare by bytes, as everything here does.
    private static let collations: Set<String> = ["C", "POSIX", "ucs_basic", "default"]

    // MARK: generic access

    static func string(_ pointer: UnsafeMutablePointer<CChar>?) -> String {
        pointer.map { String(cString: $0) } ?? ""
    }

    /// The text of a String node.
    static func name(_ node: Node) -> String? {
        node.pointee.node_case == PG_QUERY__NODE__NODE_STRING ? string(node.pointee.string.pointee.sval) : nil
    }

    static func list(_ items: UnsafeMutablePointer<Node?>?, _ count: Int) -> [Node] {
        guard let items else { return [] }
        return (0..<count).compactMap { items[$0] }
    }

    static func names(_ items: UnsafeMutablePointer<Node?>?, _ count: Int) -> [String] {
        list(items, count).compactMap { name($0) }
    }

    /// Names an unsupported node by what it is in the grammar, e.g. `CREATE FUNCTION`.
    static func description(_ node: Node) -> String {
        guard
            let field = protobuf_c_message_descriptor_get_field(
                node.pointee.base.descriptor, UInt32(node.pointee.node_case.rawValue)),
            let name = field.pointee.name
        else { return "this construct" }
        var words = String(cString: name).split(separator: "_").map { String($0) }
        if words.last == "stmt" { words.removeLast() }
        return words.joined(separator: " ").uppercased()
    }

    /// Counts the levels of the tree.
    mutating func descend<Result>(
        _ location: Int, _ body: (inout TreeReader) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        depth += 1
        defer { depth -= 1 }
        if depth > Limits.depthMax { throw Limits.tooDeep(at: location < 0 ? nil : location) }
        return try body(&self)
    }

    mutating func expressions(_ nodes: [Node]) throws(Failure) -> [ExpressionSyntax] {
        var result: [ExpressionSyntax] = []
        result.reserveCapacity(nodes.count)
        for node in nodes { result.append(try expression(node)) }
        return result
    }

    mutating func optional(_ node: Node?) throws(Failure) -> ExpressionSyntax? {
        guard let node else { return nil }
        return try expression(node)
    }

    // MARK: names and types

    func relationName(_ range: PgQuery__RangeVar) throws(Failure) -> NameSyntax {
        let location = Int(range.location)
        let catalog = Self.string(range.catalogname)
        if !catalog.isEmpty {
            throw Failure(
                "0A000",
                "cross-database references are not implemented: \"\(catalog).\(Self.string(range.schemaname)).\(Self.string(range.relname))\"",
                at: location)
        }
        if Self.string(range.relpersistence) != "p" {
            throw .unsupported("a temporary or unlogged relation", at: location)
        }
        var schema: String? = Self.string(range.schemaname)
        if schema == "" || schema == "public" { schema = nil }
        return NameSyntax(qualifier: schema, name: Self.string(range.relname), location: location)
    }

    func alias(_ alias: UnsafeMutablePointer<PgQuery__Alias>?) -> AliasSyntax? {
        guard let alias else { return nil }
        return AliasSyntax(
            name: Self.string(alias.pointee.aliasname),
            columns: Self.names(alias.pointee.colnames, alias.pointee.n_colnames))
    }

    mutating func type(_ type: UnsafeMutablePointer<PgQuery__TypeName>) throws(Failure) -> TypeSyntax {
        let location = Int(type.pointee.location)
        var names = Self.names(type.pointee.names, type.pointee.n_names)
        if names.count > 1, names[0] == "pg_catalog" { names.removeFirst() }
        if type.pointee.setof != 0 || type.pointee.pct_type != 0 { throw .unsupported("SETOF or %TYPE", at: location) }
        return TypeSyntax(
            name: names.joined(separator: "."),
            modifiers: try expressions(Self.list(type.pointee.typmods, type.pointee.n_typmods)),
            isArray: type.pointee.n_array_bounds > 0, location: location)
    }

    // MARK: expressions

    mutating func expression(_ node: Node) throws(Failure) -> ExpressionSyntax {
        let location = Self.location(node)
        return try descend(location) { (reader) throws(Failure) in
            ExpressionSyntax(kind: try reader.kind(node, location), location: location)
        }
    }

    static func location(_ node: Node) -> Int {
        let value = node.pointee
        let location: Int32 =
            switch value.node_case {
            case PG_QUERY__NODE__NODE_COLUMN_REF: value.column_ref.pointee.location
            case PG_QUERY__NODE__NODE_A_CONST: value.a_const.pointee.location
            case PG_QUERY__NODE__NODE_A_EXPR: value.a_expr.pointee.location
            case PG_QUERY__NODE__NODE_FUNC_CALL: value.func_call.pointee.location
            case PG_QUERY__NODE__NODE_TYPE_CAST:
                // `INTERVAL '…'` has no place of its own.
                value.type_cast.pointee.location >= 0
                    ? value.type_cast.pointee.location : value.type_cast.pointee.type_name?.pointee.location ?? -1
            case PG_QUERY__NODE__NODE_BOOL_EXPR: value.bool_expr.pointee.location
            case PG_QUERY__NODE__NODE_NULL_TEST: value.null_test.pointee.location
            case PG_QUERY__NODE__NODE_BOOLEAN_TEST: value.boolean_test.pointee.location
            case PG_QUERY__NODE__NODE_CASE_EXPR: value.case_expr.pointee.location
            case PG_QUERY__NODE__NODE_COALESCE_EXPR: value.coalesce_expr.pointee.location
            case PG_QUERY__NODE__NODE_MIN_MAX_EXPR: value.min_max_expr.pointee.location
            case PG_QUERY__NODE__NODE_SUB_LINK: value.sub_link.pointee.location
            case PG_QUERY__NODE__NODE_PARAM_REF: value.param_ref.pointee.location
            case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION: value.sqlvalue_function.pointee.location
            case PG_QUERY__NODE__NODE_A_ARRAY_EXPR: value.a_array_expr.pointee.location
            case PG_QUERY__NODE__NODE_A_INDIRECTION: Int32(value.a_indirection.pointee.arg.map(Self.location) ?? -1)
            case PG_QUERY__NODE__NODE_ROW_EXPR: value.row_expr.pointee.location
            case PG_QUERY__NODE__NODE_COLLATE_CLAUSE: value.collate_clause.pointee.location
            case PG_QUERY__NODE__NODE_GROUPING_SET: value.grouping_set.pointee.location
            case PG_QUERY__NODE__NODE_GROUPING_FUNC: value.grouping_func.pointee.location
            case PG_QUERY__NODE__NODE_SET_TO_DEFAULT: value.set_to_default.pointee.location
            default: -1
            }
        return Int(location)
    }

    private mutating func kind(_ node: Node, _ location: Int) throws(Failure) -> ExpressionSyntax.Kind {
        let value = node.pointee
        switch value.node_case {
        case PG_QUERY__NODE__NODE_COLUMN_REF: return try column(value.column_ref.pointee)
        case PG_QUERY__NODE__NODE_A_CONST: return try constant(value.a_const.pointee)
        case PG_QUERY__NODE__NODE_A_EXPR: return try operation(value.a_expr.pointee)
        case PG_QUERY__NODE__NODE_FUNC_CALL: return .call(try call(value.func_call.pointee))
        case PG_QUERY__NODE__NODE_TYPE_CAST:
            let cast = value.type_cast.pointee
            // TRUE and FALSE are casts in older grammars; a cast of a constant stays one.
            return .cast(try expression(cast.arg), try type(cast.type_name))
        case PG_QUERY__NODE__NODE_BOOL_EXPR:
            let operation = value.bool_expr.pointee
            let operands = try expressions(Self.list(operation.args, operation.n_args))
            switch operation.boolop {
            case PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR: return .and(operands)
            case PG_QUERY__BOOL_EXPR_TYPE__OR_EXPR: return .or(operands)
            default: return .not(operands[0])
            }
        case PG_QUERY__NODE__NODE_NULL_TEST:
            let test = value.null_test.pointee
            return .isNull(
                try expression(test.arg), negated: test.nulltesttype == PG_QUERY__NULL_TEST_TYPE__IS_NOT_NULL)
        case PG_QUERY__NODE__NODE_BOOLEAN_TEST:
            let test = value.boolean_test.pointee
            let operand = try expression(test.arg)
            switch test.booltesttype {
            case PG_QUERY__BOOL_TEST_TYPE__IS_TRUE: return .isTruth(operand, true, negated: false)
            case PG_QUERY__BOOL_TEST_TYPE__IS_NOT_TRUE: return .isTruth(operand, true, negated: true)
            case PG_QUERY__BOOL_TEST_TYPE__IS_FALSE: return .isTruth(operand, false, negated: false)
            case PG_QUERY__BOOL_TEST_TYPE__IS_NOT_FALSE: return .isTruth(operand, false, negated: true)
            case PG_QUERY__BOOL_TEST_TYPE__IS_UNKNOWN: return .isTruth(operand, nil, negated: false)
            default: return .isTruth(operand, nil, negated: true)
            }
        case PG_QUERY__NODE__NODE_CASE_EXPR:
            let choice = value.case_expr.pointee
            var branches: [(condition: ExpressionSyntax, value: ExpressionSyntax)] = []
            for item in Self.list(choice.args, choice.n_args) {
                let when = item.pointee.case_when.pointee
                branches.append((try expression(when.expr), try expression(when.result)))
            }
            return .branches(operand: try optional(choice.arg), branches, otherwise: try optional(choice.defresult))
        case PG_QUERY__NODE__NODE_COALESCE_EXPR:
            let call = value.coalesce_expr.pointee
            return .coalesce(try expressions(Self.list(call.args, call.n_args)))
        case PG_QUERY__NODE__NODE_MIN_MAX_EXPR:
            let call = value.min_max_expr.pointee
            return .extreme(
                isGreatest: call.op == PG_QUERY__MIN_MAX_OP__IS_GREATEST,
                try expressions(Self.list(call.args, call.n_args)))
        case PG_QUERY__NODE__NODE_SUB_LINK: return try subquery(value.sub_link.pointee)
        case PG_QUERY__NODE__NODE_SET_TO_DEFAULT: return .defaultValue
        case PG_QUERY__NODE__NODE_PARAM_REF:
            throw Failure("42P02", "there is no parameter $\(value.param_ref.pointee.number)", at: location)
        case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION:
            return try clock(value.sqlvalue_function.pointee, location)
        case PG_QUERY__NODE__NODE_A_ARRAY_EXPR:
            let list = value.a_array_expr.pointee
            return .array(try expressions(Self.list(list.elements, list.n_elements)))
        case PG_QUERY__NODE__NODE_A_INDIRECTION: return try indirection(value.a_indirection.pointee)
        case PG_QUERY__NODE__NODE_ROW_EXPR:
            return .row(try expressions(Self.list(value.row_expr.pointee.args, value.row_expr.pointee.n_args)))
        case PG_QUERY__NODE__NODE_COLLATE_CLAUSE:
            let clause = value.collate_clause.pointee
            let name = Self.names(clause.collname, clause.n_collname).last ?? ""
            guard Self.collations.contains(name), let operand = clause.arg else {
                throw .unsupported(
                    "collation \"\(name)\"", at: location, hint: "Text compares by its bytes (collation \"C\").")
            }
            return .collated(try expression(operand))
        case PG_QUERY__NODE__NODE_GROUPING_FUNC:
            let call = value.grouping_func.pointee
            return .grouping(try expressions(Self.list(call.args, call.n_args)))
        default: throw .unsupported(Self.description(node), at: location)
        }
    }

    /// `current_timestamp`, `localtime(3)` and so on.
    private func clock(
        _ function: PgQuery__SQLValueFunction, _ location: Int
    ) throws(Failure) -> ExpressionSyntax.Kind {
        let (name, type) =
            switch function.op {
            case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_DATE: ("current_date", "date")
            case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP,
                PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP_N:
                ("current_timestamp", "timestamptz")
            case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP,
                PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP_N:
                ("localtimestamp", "timestamp")
            case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIME,
                PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIME_N:
                ("current_time", "time")
            case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIME,
                PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIME_N:
                ("localtime", "time")
            default:
                throw .unsupported(
                    "this name of the current user or database", at: location,
                    hint: "now() and current_timestamp are the clock.")
            }
        let call = ExpressionSyntax.Kind.call(CallSyntax(name: name, arguments: []))
        // −1: no precision is written.
        guard function.typmod >= 0 else { return call }
        let digits = ExpressionSyntax(kind: .integer(function.typmod), location: location)
        return .cast(
            ExpressionSyntax(kind: call, location: location),
            TypeSyntax(name: type, modifiers: [digits], location: location))
    }

    private func column(_ reference: PgQuery__ColumnRef) throws(Failure) -> ExpressionSyntax.Kind {
        let fields = Self.list(reference.fields, reference.n_fields)
        let isStar = fields.last?.pointee.node_case == PG_QUERY__NODE__NODE_A_STAR
        var names = fields.compactMap { Self.name($0) }
        if names.count + (isStar ? 1 : 0) > 2, names[0] == "public" { names.removeFirst() }
        // `orders.dead.reason`: the qualifier is the relation's whole name.
        let name = isStar ? nil : names.popLast()
        let qualifier = names.isEmpty ? nil : names.joined(separator: ".")
        if names.count > 2 {
            throw Failure(
                "42601", "improper qualified name (too many dotted names): \(names.joined(separator: "."))",
                at: Int(reference.location))
        }
        if let name { return .column(qualifier: qualifier, name: name) }
        return .star(qualifier: qualifier)
    }

    private func constant(_ constant: PgQuery__AConst) throws(Failure) -> ExpressionSyntax.Kind {
        if constant.isnull != 0 { return .null }
        switch constant.val_case {
        case PG_QUERY__A__CONST__VAL_IVAL: return .integer(constant.ival.pointee.ival)
        case PG_QUERY__A__CONST__VAL_FVAL: return .number(Self.string(constant.fval.pointee.fval))
        case PG_QUERY__A__CONST__VAL_BOOLVAL: return .boolean(constant.boolval.pointee.boolval != 0)
        case PG_QUERY__A__CONST__VAL_SVAL: return .string(Self.string(constant.sval.pointee.sval))
        default: throw .unsupported("a bit string", at: Int(constant.location))
        }
    }

    private mutating func operation(_ operation: PgQuery__AExpr) throws(Failure) -> ExpressionSyntax.Kind {
        let names = Self.names(operation.name, operation.n_name)
        let symbol = names.last ?? ""
        let location = Int(operation.location)
        if names.count > 1, names[0] != "pg_catalog" { throw .unsupported("an operator with a schema", at: location) }
        guard let right = operation.rexpr else { throw .unsupported("a postfix operator", at: location) }
        switch operation.kind {
        case PG_QUERY__A__EXPR__KIND__AEXPR_OP:
            guard let left = operation.lexpr else { return .unary(symbol, try expression(right)) }
            return .binary(symbol == "!=" ? "<>" : symbol, try expression(left), try expression(right))
        case PG_QUERY__A__EXPR__KIND__AEXPR_LIKE, PG_QUERY__A__EXPR__KIND__AEXPR_ILIKE:
            return .binary(symbol, try expression(operation.lexpr), try expression(right))
        case PG_QUERY__A__EXPR__KIND__AEXPR_DISTINCT, PG_QUERY__A__EXPR__KIND__AEXPR_NOT_DISTINCT:
            let negated = operation.kind == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_DISTINCT
            return .isDistinct(try expression(operation.lexpr), try expression(right), negated: negated)
        case PG_QUERY__A__EXPR__KIND__AEXPR_NULLIF:
            return .nullIf(try expression(operation.lexpr), try expression(right))
        case PG_QUERY__A__EXPR__KIND__AEXPR_IN:
            let items = try expressions(try items(right))
            return .isIn(try expression(operation.lexpr), items, negated: symbol == "<>")
        case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN, PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN,
            PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN_SYM, PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM:
            let bounds = try expressions(try items(right))
            let kind = operation.kind
            return .between(
                try expression(operation.lexpr), bounds[0], bounds[1],
                negated: kind == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN
                    || kind == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM,
                symmetric: kind == PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN_SYM
                    || kind == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM)
        case PG_QUERY__A__EXPR__KIND__AEXPR_SIMILAR:
            // The grammar has wrapped the pattern in similar_to_escape().
            return .binary(symbol, try expression(operation.lexpr), try expression(right))
        case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ANY, PG_QUERY__A__EXPR__KIND__AEXPR_OP_ALL:
            return .arrayQuantified(
                symbol == "!=" ? "<>" : symbol, try expression(operation.lexpr), try expression(right),
                isAll: operation.kind == PG_QUERY__A__EXPR__KIND__AEXPR_OP_ALL)
        default: throw .unsupported("operator \(symbol)", at: location)
        }
    }

    /// What follows an expression: `a[1]`, `a[1:2]`, `(t).column`, `(t).*`.
    private mutating func indirection(_ indirection: PgQuery__AIndirection) throws(Failure) -> ExpressionSyntax.Kind {
        var result = try expression(indirection.arg)
        var subscripts: [ExpressionSyntax.Subscript] = []
        for node in Self.list(indirection.indirection, indirection.n_indirection) {
            if let name = Self.name(node) {
                if !subscripts.isEmpty { result.kind = .element(result, subscripts) }
                subscripts = []
                result.kind = .field(result, name)
                continue
            }
            if node.pointee.node_case == PG_QUERY__NODE__NODE_A_STAR {
                guard subscripts.isEmpty, case .column(nil, let name) = result.kind else {
                    throw .unsupported("the fields of a composite value", at: result.location)
                }
                return .star(qualifier: name)
            }
            guard node.pointee.node_case == PG_QUERY__NODE__NODE_A_INDICES,
                let indices = node.pointee.a_indices?.pointee
            else { throw .unsupported("this after an expression", at: result.location) }
            if indices.is_slice != 0 {
                subscripts.append(.slice(try optional(indices.lidx), try optional(indices.uidx)))
            } else {
                guard let index = indices.uidx else { throw .unsupported("an empty subscript", at: nil) }
                subscripts.append(.index(try expression(index)))
            }
        }
        return subscripts.isEmpty ? result.kind : .element(result, subscripts)
    }

    private func items(_ node: Node) throws(Failure) -> [Node] {
        guard node.pointee.node_case == PG_QUERY__NODE__NODE_LIST else {
            throw .unsupported(Self.description(node), at: nil)
        }
        return Self.list(node.pointee.list.pointee.items, node.pointee.list.pointee.n_items)
    }

    private mutating func subquery(_ link: PgQuery__SubLink) throws(Failure) -> ExpressionSyntax.Kind {
        let location = Int(link.location)
        switch link.sub_link_type {
        case PG_QUERY__SUB_LINK_TYPE__EXPR_SUBLINK: return .subquery(try query(link.subselect))
        case PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK: return .exists(try query(link.subselect))
        case PG_QUERY__SUB_LINK_TYPE__ANY_SUBLINK, PG_QUERY__SUB_LINK_TYPE__ALL_SUBLINK:
            let symbol = Self.names(link.oper_name, link.n_oper_name).last ?? "="
            guard let test = link.testexpr else { throw Failure("42601", "an operand is missing", at: location) }
            return .quantified(
                try expression(test), symbol: symbol, isAll: link.sub_link_type == PG_QUERY__SUB_LINK_TYPE__ALL_SUBLINK,
                try query(link.subselect))
        case PG_QUERY__SUB_LINK_TYPE__ARRAY_SUBLINK: return .arrayOf(try query(link.subselect))
        default: throw .unsupported("this sub-query", at: location)
        }
    }

    mutating func call(_ call: PgQuery__FuncCall) throws(Failure) -> CallSyntax {
        let location = Int(call.location)
        var names = Self.names(call.funcname, call.n_funcname)
        if names.count > 1, names[0] == "pg_catalog" { names.removeFirst() }
        var arguments: [ExpressionSyntax] = []
        var argumentNames: [String?] = []
        for node in Self.list(call.args, call.n_args) {
            guard node.pointee.node_case == PG_QUERY__NODE__NODE_NAMED_ARG_EXPR,
                let named = node.pointee.named_arg_expr?.pointee
            else {
                arguments.append(try expression(node))
                argumentNames.append(nil)
                continue
            }
            guard let value = named.arg else { throw .unsupported("a named argument without a value", at: location) }
            arguments.append(try expression(value))
            argumentNames.append(Self.string(named.name))
        }
        var result = CallSyntax(
            name: names.joined(separator: "."), arguments: arguments, argumentNames: argumentNames,
            isStar: call.agg_star != 0, isDistinct: call.agg_distinct != 0, filter: try optional(call.agg_filter),
            orderBy: try sort(Self.list(call.agg_order, call.n_agg_order)), isWithinGroup: call.agg_within_group != 0)
        result.isVariadic = call.func_variadic != 0
        if let window = call.over?.pointee { result.over = try self.window(window) }
        return result
    }

    mutating func sort(_ nodes: [Node]) throws(Failure) -> [SortSyntax] {
        var result: [SortSyntax] = []
        for node in nodes {
            let sort = node.pointee.sort_by.pointee
            if sort.sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_USING {
                throw .unsupported("ORDER BY … USING", at: Int(sort.location))
            }
            let nullsFirst: Bool? =
                switch sort.sortby_nulls {
                case PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_FIRST: true
                case PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_LAST: false
                default: nil
                }
            result.append(
                SortSyntax(
                    expression: try expression(sort.node),
                    descending: sort.sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_DESC,
                    nullsFirst: nullsFirst))
        }
        return result
    }
}

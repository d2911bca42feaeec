internal import Dataflow

/// Functions in FROM that return sets. Each may name what stands before it, LATERAL written or not.
extension QueryBinder {
    /// A join whose right side is a function.
    func expand(
        _ left: Source, _ syntax: TableFunctionSyntax, _ alias: AliasSyntax?, _ location: Int,
        _ kind: FromSyntax.JoinKind, _ condition: FromSyntax.JoinCondition
    ) throws(Failure) -> Source {
        let before: Source = (.selecting(left.plan, Array(left.scope.columns.indices)), left.scope)
        switch (kind, condition) {
        case (.inner, .cross): return try expand(before, syntax, alias, location, keepsEmpty: false)
        case (.inner, .on(let test)):
            let (plan, scope) = try expand(before, syntax, alias, location, keepsEmpty: false)
            let binder = ExpressionBinder(scope: scope, clause: "JOIN conditions", queries: self)
            return (try filtered(plan, try binder.condition(test, "JOIN/ON"), binder), scope)
        case (.left, .on(let test)) where Self.isTrue(test):
            return try expand(before, syntax, alias, location, keepsEmpty: true)
        default:
            return try lateral(before, kind, condition, at: location) { () throws(Failure) in
                try self.expand((.values([[]], types: []), Scope()), syntax, alias, location, keepsEmpty: false)
            }
        }
    }

    private static func isTrue(_ syntax: ExpressionSyntax) -> Bool {
        switch syntax.kind {
        case .boolean(let value): value
        case .cast(let operand, _): isTrue(operand)
        default: false
        }
    }

    /// `unnest` of several arrays is one of each, in step.
    private static func unnested(_ calls: [CallSyntax]) -> [CallSyntax] {
        calls.flatMap { call in
            guard call.name == "unnest", call.arguments.count > 1 else { return [call] }
            return call.arguments.map { argument in
                var one = call
                one.arguments = [argument]
                return one
            }
        }
    }

    /// The rows of the left side, each with those that the functions give for it.
    private func expand(
        _ left: Source, _ syntax: TableFunctionSyntax, _ alias: AliasSyntax?, _ location: Int, keepsEmpty: Bool
    ) throws(Failure) -> Source {
        let binder = ExpressionBinder(scope: left.scope, clause: "functions in FROM", queries: self)
        var calls: [OperatorKind.Expand.Call] = []
        var columns: [Scope.Column] = []
        let named = Self.unnested(syntax.calls)
        for call in named {
            if let instead = ExpressionBinder.jsonInstead(of: call.name) {
                throw .unsupported(
                    "function \(call.name)()", at: location, hint: "There is no type json: use \(instead)().")
            }
            guard !TableFunctionRegistry.candidates(named: call.name).isEmpty else {
                throw Failure(
                    "42883", "function \(call.name) in FROM does not exist", at: location,
                    hint: Suggestion.hint(for: call.name, among: TableFunctionRegistry.names + Self.windowNames)
                        ?? "Functions in FROM return sets, as generate_series does, or windows, as tumble does.")
            }
            let (function, arguments) = try binder.tableFunction(call, location)
            calls.append(
                OperatorKind.Expand.Call(
                    key: function.key, arguments: arguments, types: function.columns.map(\.type)))
            for column in function.columns {
                // The alias of a function names its column, too, if that has no name of its own.
                let isOnly = function.columns.count == 1 && column.name == function.name
                let name = isOnly ? (named.count == 1 ? alias?.name : nil) ?? call.name : column.name
                columns.append(Scope.Column(name: name, type: column.type, isNullable: true))
            }
        }
        let isWhole = columns.count == 1 && !syntax.hasOrdinality
        if syntax.hasOrdinality {
            columns.append(Scope.Column(name: "ordinality", type: .bigint, isNullable: keepsEmpty))
        }
        var right = try Self.scope(columns, alias, default: syntax.calls.first?.name, at: location)
        if isWhole { right.columns[0].isWhole = true }
        for index in right.columns.indices { right.columns[index].isOptional = keepsEmpty }
        if syntax.hasOrdinality { right.columns[right.columns.count - 1].isFirm = true }
        let (plan, arguments) = try SubqueryPlacement(uses: binder.subqueries) { (expression) throws(Failure) in
            expression
        }.place(left.plan, calls.flatMap(\.arguments))
        var rest = arguments[...]
        for index in calls.indices {
            let count = calls[index].arguments.count
            calls[index].arguments = Array(rest.prefix(count))
            rest = rest.dropFirst(count)
        }
        let expanded = Plan.analytic(
            plan,
            .expand(
                OperatorKind.Expand(functions: calls, keepsEmpty: keepsEmpty, hasOrdinality: syntax.hasOrdinality)))
        let scope = try Self.combine(left.scope, right)
        let own = Array(left.scope.columns.indices) + (plan.types.count..<expanded.types.count).map { $0 }
        return (.selecting(expanded, own), scope)
    }
}

internal import Dataflow

/// Functions in FROM that return sets. Each may name what stands before it, LATERAL written or not.
extension QueryBinder {
    /// A join whose right side is a function.
    func expand(
        _ left: (plan: Plan, scope: Scope), _ syntax: TableFunctionSyntax, _ alias: AliasSyntax?, _ location: Int,
        _ kind: FromSyntax.JoinKind, _ condition: FromSyntax.JoinCondition
    ) throws(Failure) -> (plan: Plan, scope: Scope) {
        guard kind == .inner || kind == .left else {
            throw .unsupported(
                "a RIGHT or FULL join with a function", at: location, hint: "Put the function on the left side.")
        }
        let left = (plan: Plan.selecting(left.plan, Array(left.scope.columns.indices)), scope: left.scope)
        let (plan, scope) = try expand(left, syntax, alias, location, keepsEmpty: kind == .left)
        switch condition {
        case .cross: return (plan, scope)
        case .on(let syntax):
            let binder = ExpressionBinder(scope: scope, clause: "JOIN conditions")
            let test = try binder.condition(syntax, "JOIN/ON")
            if kind == .inner { return (.filtered(plan, [test]), scope) }
            guard test.literalValue == .boolean(true) else {
                throw .unsupported(
                    "a condition of a LEFT JOIN with a function", at: syntax.location,
                    hint: "Join ON true, and put the condition into the function's arguments or a sub-query.")
            }
            return (plan, scope)
        case .using, .natural:
            throw .unsupported("USING or NATURAL with a function", at: location, hint: "Write the condition after ON.")
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
    func expand(
        _ left: (plan: Plan, scope: Scope), _ syntax: TableFunctionSyntax, _ alias: AliasSyntax?, _ location: Int,
        keepsEmpty: Bool
    ) throws(Failure) -> (plan: Plan, scope: Scope) {
        let binder = ExpressionBinder(scope: left.scope, clause: "functions in FROM")
        var calls: [OperatorKind.Expand.Call] = []
        var columns: [Scope.Column] = []
        let named = Self.unnested(syntax.calls)
        for call in named {
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
        if syntax.hasOrdinality {
            columns.append(Scope.Column(name: "ordinality", type: .bigint, isNullable: keepsEmpty))
        }
        let right = try Self.scope(columns, alias, default: syntax.calls.first?.name, at: location)
        let plan = Plan.analytic(
            left.plan,
            .expand(
                OperatorKind.Expand(functions: calls, keepsEmpty: keepsEmpty, hasOrdinality: syntax.hasOrdinality)))
        return (plan, try Self.combine(left.scope, right))
    }
}

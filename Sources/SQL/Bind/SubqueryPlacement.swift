internal import Dataflow

/// Puts sub-queries in: each becomes a join with the rows of the query around it.
///
/// As a condition of its own in WHERE or HAVING, IN and EXISTS are semi and anti joins; elsewhere each sub-query adds columns from which
/// its value is computed.
struct SubqueryPlacement {
    let uses: [SubqueryUse]
    /// What an outer expression is over the rows that the sub-queries are put beside.
    let translate: (Expression) throws(Failure) -> Expression

    /// The rows for which the condition is true.
    func filter(_ plan: Plan, _ condition: Expression) throws(Failure) -> Plan {
        let conjuncts = condition.conjuncts
        var result = Plan.filtered(plan, conjuncts.filter(\.subqueries.isEmpty))
        for conjunct in conjuncts where !conjunct.subqueries.isEmpty {
            if let joined = try match(result, conjunct) {
                result = joined
            } else {
                let (wider, values) = try place(result, [conjunct])
                result = .filtered(wider, values)
            }
        }
        return result
    }

    /// The plan with further columns, and the expressions over them. Those of `except` stay as they are.
    func place(_ plan: Plan, _ expressions: [Expression], except: Set<Int> = []) throws(Failure) -> (
        plan: Plan, expressions: [Expression]
    ) {
        var result = plan
        var values: [Int: Expression] = [:]
        for expression in expressions {
            for number in expression.subqueries where values[number] == nil && !except.contains(number) {
                values[number] = try value(&result, uses[number])
            }
        }
        guard !values.isEmpty else { return (plan, expressions) }
        return (
            result,
            expressions.map { expression in
                expression.rewriting { part in
                    guard let column = part.columnIndex, ExpressionBinder.isSubquery(column) else { return nil }
                    return values[column - ExpressionBinder.subqueryBase]
                }
            }
        )
    }

    /// A sub-query over the rows of `plan`.
    private struct Placed {
        var correlations: [Expression]
        var unnested: Unnested
    }

    private func unnest(_ plan: Plan, _ inner: Plan, _ use: SubqueryUse) throws(Failure) -> Placed {
        let correlations = try translated(use.correlations)
        do throws(Failure) {
            return Placed(
                correlations: correlations,
                unnested: try Unnesting(outer: plan, correlations: correlations).unnest(inner))
        } catch {
            var failure = error
            failure.location = failure.location ?? use.location
            throw failure
        }
    }

    /// What is compared with a sub-query's rows, over the plan, to which the sub-queries in it are added.
    private func operands(_ plan: inout Plan, _ use: SubqueryUse) throws(Failure) -> [Expression] {
        let (wider, operands) = try place(plan, try translated(use.operands))
        plan = wider
        return operands
    }

    /// With the row of an aggregate without groups wherever there is none.
    private func whole(_ placed: Placed, over plan: Plan) -> Unnested {
        guard let empty = placed.unnested.emptyRow else { return placed.unnested }
        return Unnesting(outer: plan, correlations: placed.correlations).materialised(placed.unnested, empty)
    }

    private func translated(_ expressions: [Expression]) throws(Failure) -> [Expression] {
        var result: [Expression] = []
        for expression in expressions { result.append(try translate(expression)) }
        return result
    }

    // MARK: semi and anti joins

    /// A conjunct that is nothing but IN or EXISTS, or its negation; nil for others.
    private func match(_ plan: Plan, _ conjunct: Expression) throws(Failure) -> Plan? {
        var (test, isAnti) = (conjunct, false)
        while case .not(let operand) = test { (test, isAnti) = (operand, !isAnti) }
        guard let column = test.columnIndex, ExpressionBinder.isSubquery(column) else { return nil }
        let use = uses[column - ExpressionBinder.subqueryBase]
        switch use.kind {
        case .exists where !use.correlations.isEmpty: return try partners(plan, use, [], isAnti)
        case .member:
            var plan = plan
            let operands = try self.operands(&plan, use)
            if !isAnti { return try partners(plan, use, operands, false) }
            guard use.isNullable || operands.contains(where: { isNullable($0, in: plan) }) else {
                return try partners(plan, use, operands, true)
            }
            // A NULL on either side may be the equal one: then the row is not known to have none.
            guard operands.count == 1 else { return nil }
            var rest = try partners(plan, use, operands, true)
            let counts = try counted(&rest, use)
            let isEmpty = Expression.isNull(counts.rows)
            let known = Expression.and([
                .not(.isNull(operands[0])), Self.compare("=", counts.rows, counts.values),
            ])
            rest = .filter(rest, .or([isEmpty, Self.compare("=", counts.rows, Self.zero), known]))
            return .selecting(rest, Array(plan.types.indices))
        default: return nil
        }
    }

    /// The rows that have (or have not) a row of the sub-query that belongs to them and equals the operands.
    private func partners(_ plan: Plan, _ use: SubqueryUse, _ operands: [Expression], _ isAnti: Bool) throws(Failure)
        -> Plan
    {
        let width = plan.types.count
        let (core, outputs, conditions) = Self.peel(use.plan)
        let inner = core.outerColumns.isEmpty ? core : use.plan
        var join = Plan.Join(kind: isAnti ? .anti : .semi, location: use.location)
        var tests: [Expression] = []
        let right: Plan
        if core.outerColumns.isEmpty {
            // What remains are conditions between the two: the join's own.
            right = .filtered(inner, conditions.filter(\.outerColumns.isEmpty))
            let correlations = try translated(use.correlations)
            func over(_ expression: Expression) -> Expression {
                expression.rewriting { part in
                    guard case .column(let index, let type) = part else { return nil }
                    if ExpressionBinder.isOuter(index) { return correlations[index - ExpressionBinder.outerBase] }
                    return .column(index + width, type: type)
                }
            }
            tests = conditions.filter { !$0.outerColumns.isEmpty }.map(over)
            for (operand, output) in zip(operands, outputs) {
                tests.append(Unnested.equal(operand, over(output), isStrict: true))
            }
        } else {
            let placed = try unnest(plan, use.plan, use)
            right = placed.unnested.plan
            tests = placed.unnested.conditions(placed.correlations, shift: width)
            for (index, operand) in operands.enumerated() {
                tests.append(
                    Unnested.equal(operand, .column(width + index, type: operand.type), isStrict: true))
            }
            if let empty = placed.unnested.emptyRow {
                // An aggregate without groups has a row for every outer one.
                return partners(
                    plan, placed, empty, operands, isAnti, join.location)
            }
        }
        join.condition = Plan.conjunction(tests) ?? .literal(.boolean(true), type: .boolean)
        return .join(plan, right, join)
    }

    private func partners(
        _ plan: Plan, _ placed: Placed, _ empty: [Expression], _ operands: [Expression], _ isAnti: Bool,
        _ location: Int
    ) -> Plan {
        let whole = Unnesting(outer: plan, correlations: placed.correlations).materialised(placed.unnested, empty)
        let width = plan.types.count
        var tests = whole.conditions(placed.correlations, shift: width)
        for (index, operand) in operands.enumerated() {
            tests.append(Unnested.equal(operand, .column(width + index, type: operand.type), isStrict: true))
        }
        return .join(
            plan, whole.plan,
            Plan.Join(
                kind: isAnti ? .anti : .semi,
                condition: Plan.conjunction(tests) ?? .literal(.boolean(true), type: .boolean), location: location))
    }

    /// A plan without the projections and conditions on top of it: what its columns are, and what must be true, over the core.
    private static func peel(_ plan: Plan) -> (core: Plan, outputs: [Expression], conditions: [Expression]) {
        switch plan {
        case .project(let input, let expressions):
            let (core, outputs, conditions) = peel(input)
            return (core, expressions.map { $0.substituting(outputs) }, conditions)
        case .filter(let input, let condition):
            let (core, outputs, conditions) = peel(input)
            return (core, outputs, conditions + condition.conjuncts.map { $0.substituting(outputs) })
        default: return (plan, plan.columns, [])
        }
    }

    // MARK: values

    /// Adds the columns that a sub-query's value needs, and gives the value over them.
    private func value(_ plan: inout Plan, _ use: SubqueryUse) throws(Failure) -> Expression {
        switch use.kind {
        case .scalar: return try scalar(&plan, use)
        case .exists: return try exists(&plan, use)
        case .member: return try member(&plan, use, try operands(&plan, use))
        case .compared(let symbol, _, let key):
            return try compared(&plan, use, symbol, try operands(&plan, use)[0], key)
        }
    }

    /// Joins the rows of a sub-query, of which each row has at most one, and gives where its columns begin.
    private func attach(_ plan: inout Plan, _ right: Plan, _ conditions: [Expression], isAlways: Bool) -> Int {
        let width = plan.types.count
        if isAlways, conditions.isEmpty {
            plan = .cross(plan, right, location: -1)
        } else {
            plan = .join(
                plan, right,
                Plan.Join(
                    kind: .left, condition: Plan.conjunction(conditions) ?? .literal(.boolean(true), type: .boolean)))
        }
        return width
    }

    /// The value is computed beside the row that it belongs to: so its errors are that row's, and CASE around it hides them.
    private func scalar(_ plan: inout Plan, _ use: SubqueryUse) throws(Failure) -> Expression {
        let (core, outputs) = Self.peelProjections(use.plan)
        let value = outputs[0]
        let placed = try unnest(plan, core, use)
        let columns = value.columnsUsed.filter { !ExpressionBinder.isOuter($0) }.sorted()
        func over(_ values: [Expression]) -> Expression {
            outer(value, placed) { column in columns.firstIndex(of: column).map { values[$0] } }
        }
        if placed.unnested.emptyRow == nil, !core.isAtMostOneRow {
            return single(&plan, placed, columns, value.type) { over($0) }
        }
        var right = placed.unnested
        let (marker, width) = (right.plan.types.count, plan.types.count)
        let types = right.plan.types
        let isAlways = right.plan.isOneRow && right.carried.isEmpty
        let empty = right.emptyRow.map { row in columns.map { outer(row[$0], placed) { _ in nil } } }
        let isPlain = columns.count == 1 && value.columnIndex == columns[0]
        let needsMark = !isAlways && (empty?.contains { $0.literalValue != .null } ?? !isPlain)
        if needsMark {
            right.plan = .project(right.plan, right.plan.columns + [.literal(.boolean(true), type: .boolean)])
        }
        let shift = attach(
            &plan, right.plan, right.conditions(placed.correlations, shift: width), isAlways: right.plan.isOneRow)
        let isMissing = Expression.isNull(.column(shift + marker, type: .boolean))
        let found = columns.map { Expression.column(shift + $0, type: types[$0]) }
        guard needsMark else { return over(found) }
        guard let empty else {
            return .branches(
                [Expression.Branch(condition: isMissing, value: .literal(.null, type: value.type))],
                otherwise: over(found), type: value.type)
        }
        return over(
            zip(found, empty).map { found, empty in
                if empty.literalValue == .null { return found }
                return .branches(
                    [Expression.Branch(condition: isMissing, value: empty)], otherwise: found, type: found.type)
            })
    }

    /// The value of the only row; that there is no second one is asked where the value is.
    private func single(
        _ plan: inout Plan, _ placed: Placed, _ columns: [Int], _ type: DataType, _ value: ([Expression]) -> Expression
    ) -> Expression {
        let groups = SingleRow.groups(
            placed.unnested.plan, by: placed.unnested.carried.map(\.column), values: columns)
        let keyed = Unnested(
            plan: groups.plan, width: 0,
            carried: placed.unnested.carried.enumerated().map {
                Unnested.Carried(outer: $1.outer, column: $0, isStrict: $1.isStrict)
            })
        let width = plan.types.count
        let shift = attach(
            &plan, keyed.plan, keyed.conditions(placed.correlations, shift: width), isAlways: keyed.plan.isOneRow)
        func moved(_ expression: Expression) -> Expression { expression.mappingColumns { $0 + shift } }
        let rows = moved(groups.rows)
        let null = Expression.literal(.null, type: type)
        return .branches(
            [
                Expression.Branch(condition: Self.compare("=", rows, Self.zero), value: null),
                Expression.Branch(
                    condition: SingleRow.check(rows, message: SingleRow.subquery),
                    value: value(groups.values.map(moved))),
            ], otherwise: null, type: type)
    }

    /// An expression of a sub-query over the rows around: correlations as what they are there, other columns as `place` says.
    private func outer(_ expression: Expression, _ placed: Placed, _ place: (Int) -> Expression?) -> Expression {
        expression.rewriting { part in
            guard let column = part.columnIndex else { return nil }
            if ExpressionBinder.isOuter(column) { return placed.correlations[column - ExpressionBinder.outerBase] }
            return place(column)
        }
    }

    /// A plan without the projections on top of it, and what its columns are over the rest.
    private static func peelProjections(_ plan: Plan) -> (core: Plan, outputs: [Expression]) {
        guard case .project(let input, let expressions) = plan else { return (plan, plan.columns) }
        let (core, outputs) = peelProjections(input)
        return (core, expressions.map { ConstantFolding.foldAll($0.substituting(outputs)) })
    }

    private func exists(_ plan: inout Plan, _ use: SubqueryUse) throws(Failure) -> Expression {
        let counts = try counted(&plan, use)
        return .coalesce(
            [Self.compare(">", counts.rows, Self.zero), .literal(.boolean(false), type: .boolean)], type: .boolean)
    }

    /// Adds how many rows belong to each row, and how many of them have a first column that is not NULL: NULL stands for none.
    private func counted(_ plan: inout Plan, _ use: SubqueryUse, extremes: Bool = false) throws(Failure) -> (
        rows: Expression, values: Expression, shift: Int
    ) {
        let placed = try unnest(plan, use.plan, use)
        let unnested = whole(placed, over: plan)
        let types = unnested.plan.types
        let keys = unnested.carried.map(\.column)
        var calls = [AggregateCall(function: .count, argument: nil, type: .bigint)]
        if unnested.width > 0 {
            calls.append(AggregateCall(function: .count, argument: 0, type: .bigint))
            if extremes {
                calls.append(AggregateCall(function: .min, argument: 0, type: types[0]))
                calls.append(AggregateCall(function: .max, argument: 0, type: types[0]))
            }
        }
        let right = Plan.aggregate(unnested.plan, groupBy: keys, calls: calls)
        let grouped = Unnested(
            plan: right, width: 0,
            carried: unnested.carried.enumerated().map {
                Unnested.Carried(outer: $1.outer, column: $0, isStrict: $1.isStrict)
            })
        let width = plan.types.count
        let shift = attach(
            &plan, right, grouped.conditions(placed.correlations, shift: width), isAlways: right.isOneRow)
        let first = shift + keys.count
        return (.column(first, type: .bigint), .column(first + 1, type: .bigint), first)
    }

    private func member(_ plan: inout Plan, _ use: SubqueryUse, _ operands: [Expression]) throws(Failure) -> Expression
    {
        guard operands.count == 1 else {
            return try anyRow(&plan, use) { index, own, other in
                let type = use.operands[index].type.name
                return .call("=(\(type),\(type))", [own, other], type: .boolean)
            }
        }
        let placed = try unnest(plan, use.plan, use)
        let unnested = whole(placed, over: plan)
        // Each value once per outer values, with a mark.
        let columns = [0] + unnested.carried.map(\.column)
        let distinct = Plan.aggregate(
            .selecting(unnested.plan, columns), groupBy: Array(columns.indices), calls: [])
        let right = Plan.project(distinct, distinct.columns + [.literal(.boolean(true), type: .boolean)])
        let keyed = Unnested(
            plan: right, width: 1,
            carried: unnested.carried.enumerated().map {
                Unnested.Carried(outer: $1.outer, column: $0 + 1, isStrict: $1.isStrict)
            })
        let width = plan.types.count
        let equal = Unnested.equal(operands[0], .column(width, type: operands[0].type), isStrict: true)
        let shift = attach(
            &plan, right, keyed.conditions(placed.correlations, shift: width) + [equal], isAlways: false)
        let isFound = Expression.not(.isNull(.column(shift + columns.count, type: .boolean)))
        guard use.isNullable || isNullable(operands[0], in: plan) else { return isFound }
        let counts = try counted(&plan, use)
        return Self.threeValued(isFound, operands[0], counts.rows, counts.values)
    }

    private func compared(
        _ plan: inout Plan, _ use: SubqueryUse, _ symbol: String, _ operand: Expression, _ key: String
    ) throws(Failure) -> Expression {
        guard operand.type != .boolean, Self.ordering.contains(symbol) else {
            return try anyRow(&plan, use) { _, own, other in .call(key, [own, other], type: .boolean) }
        }
        let counts = try counted(&plan, use, extremes: true)
        let (least, greatest) = (
            Expression.column(counts.shift + 2, type: operand.type),
            Expression.column(counts.shift + 3, type: operand.type)
        )
        func test(_ bound: Expression) -> Expression { .call(key, [operand, bound], type: .boolean) }
        let found: Expression
        switch symbol {
        case "<", "<=": found = test(greatest)
        case ">", ">=": found = test(least)
        default: found = .or([test(least), test(greatest)])
        }
        return Self.threeValued(
            .coalesce([found, .literal(.boolean(false), type: .boolean)], type: .boolean), operand, counts.rows,
            counts.values)
    }

    private static let ordering: Set<String> = ["<", "<=", ">", ">=", "<>"]

    /// Whether the comparison of all operands is true of any row; unknown if it may be of one, but for NULLs.
    private func anyRow(
        _ plan: inout Plan, _ use: SubqueryUse, _ compare: (Int, Expression, Expression) -> Expression
    ) throws(Failure) -> Expression {
        guard use.operands.allSatisfy(\.subqueries.isEmpty) else {
            throw .unsupported("a sub-query compared with a sub-query in this place", at: use.location)
        }
        // The operands are read from inside, as the correlations are.
        let first = ExpressionBinder.outerBase + use.correlations.count
        let tests = use.operands.enumerated().map { index, operand in
            compare(index, .column(first + index, type: operand.type), use.plan.columns[index])
        }
        func exists(_ conditions: [Expression], _ plan: inout Plan) throws(Failure) -> Expression {
            var inner = use
            inner.kind = .exists
            inner.correlations += use.operands
            inner.plan = .filtered(use.plan, conditions)
            return try self.exists(&plan, inner)
        }
        let isFound = try exists(tests, &plan)
        let isUnknown = try exists(tests.map { .or([$0, .isNull($0)]) }, &plan)
        let yes = Expression.literal(.boolean(true), type: .boolean)
        return .branches(
            [
                Expression.Branch(condition: isFound, value: yes),
                Expression.Branch(condition: isUnknown, value: .literal(.null, type: .boolean)),
            ], otherwise: .literal(.boolean(false), type: .boolean), type: .boolean)
    }

    // MARK: expressions

    private static let zero = Expression.literal(.bigint(0), type: .bigint)

    private static func compare(_ symbol: String, _ first: Expression, _ second: Expression) -> Expression {
        .call("\(symbol)(bigint,bigint)", [first, second], type: .boolean)
    }

    /// True if found; false of no rows; unknown if a NULL might have been the one; else false.
    private static func threeValued(
        _ isFound: Expression, _ operand: Expression, _ rows: Expression, _ values: Expression
    ) -> Expression {
        let (yes, no) = (
            Expression.literal(.boolean(true), type: .boolean), Expression.literal(.boolean(false), type: .boolean)
        )
        let isEmpty = compare("=", .coalesce([rows, zero], type: .bigint), zero)
        let isUnknown = Expression.or([.isNull(operand), compare(">", rows, values)])
        return .branches(
            [
                Expression.Branch(condition: isFound, value: yes), Expression.Branch(condition: isEmpty, value: no),
                Expression.Branch(condition: isUnknown, value: .literal(.null, type: .boolean)),
            ], otherwise: no, type: .boolean)
    }

    /// Whether an expression over the plan's columns may be NULL, as far as the plan itself says.
    private func isNullable(_ expression: Expression, in plan: Plan) -> Bool {
        switch expression {
        case .column(let index, _): return index >= plan.types.count || plan.isNullable(index)
        case .literal(let datum, _): return datum.isNull
        case .call(let key, let operands, _) where key.hasPrefix("cast_"): return isNullable(operands[0], in: plan)
        default: return true
        }
    }
}

extension Plan {
    /// Whether a column may be NULL, as far as easily seen.
    func isNullable(_ column: Int) -> Bool {
        switch self {
        case .leaf(let leaf): leaf.isNullable[column]
        case .filter(let input, let condition):
            input.isNullable(column)
                && !condition.conjuncts.contains {
                    NullRejection.isNeverTrue($0, whereNull: [column])
                }
        case .project(let input, let expressions):
            switch expressions[column] {
            case .column(let index, _): index >= input.types.count || input.isNullable(index)
            case .literal(let datum, _): datum.isNull
            default: true
            }
        case .shared(let input), .topN(let input, _, _, _, _), .rowNumber(let input, _, _, _):
            column < input.types.count && input.isNullable(column)
        case .cross(let left, let right, _):
            column < left.types.count ? left.isNullable(column) : right.isNullable(column - left.types.count)
        case .join(let left, let right, let join):
            switch join.kind {
            case .full: true
            case .left: column >= left.types.count || left.isNullable(column)
            case .inner:
                column < left.types.count ? left.isNullable(column) : right.isNullable(column - left.types.count)
            case .semi, .anti: left.isNullable(column)
            }
        case .aggregate(let input, let groupBy, let calls):
            column < groupBy.count
                ? input.isNullable(groupBy[column]) : calls[column - groupBy.count].function != .count
        case .unionAll(let inputs): inputs.contains { $0.isNullable(column) }
        case .values(let rows, _): rows.contains { $0[column].isNull }
        case .repeated(let input): input.isNullable(column)
        case .analytic(let input, _): column >= input.types.count || input.isNullable(column)
        }
    }
}

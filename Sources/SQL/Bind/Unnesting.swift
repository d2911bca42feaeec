internal import Dataflow

/// A correlated plan as one that is not: its own columns, then, for each column of the query around that it reads, the value for which a
/// row of it holds.
struct Unnested {
    struct Carried {
        /// The correlation's number.
        var outer: Int
        var column: Int
        /// The rows are those whose column equals the outer value; else NULL is a value like others.
        var isStrict: Bool
    }

    var plan: Plan
    /// How many columns are the plan's own: they come first.
    var width: Int
    var carried: [Carried]
    /// What the one row is where the plan has none, over the correlations: so an aggregate without groups has it.
    var emptyRow: [Expression]?

    func column(of outer: Int) -> Carried? { carried.first { $0.outer == outer } }

    /// The conditions under which a row of the plan, which begins at column `shift`, belongs to an outer row.
    func conditions(_ correlations: [Expression], shift: Int) -> [Expression] {
        let types = plan.types
        return carried.map { carry in
            Self.equal(
                correlations[carry.outer], .column(carry.column + shift, type: types[carry.column]),
                isStrict: carry.isStrict)
        }
    }

    static func equal(_ first: Expression, _ second: Expression, isStrict: Bool) -> Expression {
        let type = first.type.name
        return isStrict
            ? .call("=(\(type),\(type))", [first, second], type: .boolean)
            : .not(.call("is_distinct(\(type),\(type))", [first, second], type: .boolean))
    }
}

/// Takes correlations out of plans, after Neumann and Kemper, "Unnesting Arbitrary Queries": a plan that reads outer values is joined with
/// the set of those values as deep inside as it reads them, and carries them up, grouping and partitioning by them. Where a condition
/// says that a column equals an outer value, the column stands for it and no join is needed.
struct Unnesting {
    /// The rows around, and the values that the sub-query reads of each.
    let outer: Plan
    let correlations: [Expression]

    func unnest(_ plan: Plan) throws(Failure) -> Unnested {
        if plan.outerColumns.isEmpty { return Unnested(plan: plan, width: plan.types.count, carried: []) }
        switch plan {
        case .filter(let input, let condition): return try filter(input, condition)
        case .project(let input, let expressions): return try project(input, expressions)
        case .cross(let left, let right, let location):
            let (first, second) = (try whole(left), try whole(right))
            return product(first, second, [], at: location)
        case .join(let left, let right, let join): return try self.join(left, right, join)
        case .aggregate(let input, let groupBy, let calls): return aggregate(try whole(input), groupBy, calls)
        case .rowNumber(let input, let partitionBy, let orderBy, let location):
            return numbered(try whole(input), input.types.count, addsNumber: true) {
                .rowNumber($0, partitionBy: partitionBy + $1, orderBy: orderBy, location: location)
            }
        case .topN(let input, let partitionBy, let orderBy, let limit, let emitsRowNumber):
            return numbered(try whole(input), input.types.count, addsNumber: emitsRowNumber) {
                .topN(
                    $0, partitionBy: partitionBy + $1, orderBy: orderBy, limit: limit, emitsRowNumber: emitsRowNumber)
            }
        case .unionAll(let inputs): return try union(inputs)
        case .repeated(let input):
            let inner = try whole(input)
            let width = input.types.count
            // The count goes behind what is carried.
            let columns = Array(0..<width - 1) + inner.carried.map(\.column) + [width - 1]
            return Unnested(
                plan: .repeated(.selecting(inner.plan, columns)), width: width - 1,
                carried: inner.carried.enumerated().map {
                    Unnested.Carried(outer: $1.outer, column: width - 1 + $0, isStrict: $1.isStrict)
                })
        case .shared(let input): return try unnest(input)
        case .analytic(let input, let analytic): return try self.analytic(try whole(input), input.types.count, analytic)
        default: throw .unsupported("an outer column in this place of a sub-query", at: nil)
        }
    }

    /// Unnested, with a row of its own wherever the plan has one.
    func whole(_ plan: Plan) throws(Failure) -> Unnested {
        let inner = try unnest(plan)
        guard let empty = inner.emptyRow else { return inner }
        return materialised(inner, empty)
    }

    // MARK: the outer values

    /// The different values of some correlations.
    private func domain(_ outers: [Int]) -> Plan {
        .aggregate(.project(outer, outers.map { correlations[$0] }), groupBy: Array(outers.indices), calls: [])
    }

    /// The plan for each value of the correlations that it does not carry yet.
    private func bound(_ inner: Unnested, to outers: Set<Int>) -> Unnested {
        let missing = outers.filter { inner.column(of: $0) == nil }.sorted()
        guard !missing.isEmpty else { return inner }
        let types = inner.plan.types
        var result = inner
        // What is carried already says which of the outer values belong to a row.
        let known = inner.carried.map(\.outer)
        let same = inner.carried.enumerated().map { place, carry -> Expression in
            let type = types[carry.column]
            return Unnested.equal(
                .column(carry.column, type: type), .column(types.count + place, type: type), isStrict: carry.isStrict)
        }
        result.plan = .filtered(.cross(inner.plan, domain(known + missing), location: Plan.unwritten), same)
        for (index, outer) in missing.enumerated() {
            result.carried.append(
                Unnested.Carried(outer: outer, column: types.count + known.count + index, isStrict: false))
        }
        return result
    }

    /// Without the rows that equal no outer value since theirs is NULL, where NULL is about to be a value like others.
    private func relaxed(_ inner: Unnested, _ outers: Set<Int>? = nil) -> Unnested {
        let types = inner.plan.types
        var result = inner
        var tests: [Expression] = []
        for (index, carry) in inner.carried.enumerated() where carry.isStrict && outers?.contains(carry.outer) ?? true {
            tests.append(.not(.isNull(.column(carry.column, type: types[carry.column]))))
            result.carried[index].isStrict = false
        }
        result.plan = .filtered(inner.plan, tests)
        return result
    }

    /// Outer columns as those carried.
    private func resolve(_ expression: Expression, _ inner: Unnested) -> Expression {
        expression.rewriting { part in
            guard case .column(let index, let type) = part, ExpressionBinder.isOuter(index) else { return nil }
            return inner.column(of: index - ExpressionBinder.outerBase).map { .column($0.column, type: type) }
        }
    }

    private func outers(_ expressions: [Expression]) -> Set<Int> {
        expressions.reduce(into: []) { $0.formUnion($1.outerColumns) }
    }

    /// The plan with its row of no input wherever it has none.
    func materialised(_ inner: Unnested, _ empty: [Expression]) -> Unnested {
        let outers = inner.carried.map(\.outer)
        let width = empty.count
        let isThere = inner.plan.types.count
        let marked = Plan.project(inner.plan, inner.plan.columns + [.literal(.boolean(true), type: .boolean)])
        let conditions = inner.carried.enumerated().map { place, carry in
            Unnested.equal(
                .column(place, type: correlations[carry.outer].type),
                .column(outers.count + carry.column, type: correlations[carry.outer].type), isStrict: carry.isStrict)
        }
        let joined = Plan.join(
            domain(outers), marked,
            Plan.Join(
                kind: .left, condition: Plan.conjunction(conditions) ?? .literal(.boolean(true), type: .boolean)))
        let carried = outers.enumerated().map { Unnested.Carried(outer: $1, column: width + $0, isStrict: false) }
        let isMissing = Expression.isNull(.column(outers.count + isThere, type: .boolean))
        let domainRow = Unnested(
            plan: joined, width: 0,
            carried: outers.enumerated().map { Unnested.Carried(outer: $1, column: $0, isStrict: false) })
        let types = inner.plan.types
        let values = empty.enumerated().map { index, value -> Expression in
            let found = Expression.column(outers.count + index, type: types[index])
            if value.literalValue == .null { return found }
            return .branches(
                [Expression.Branch(condition: isMissing, value: resolve(value, domainRow))], otherwise: found,
                type: types[index])
        }
        return Unnested(
            plan: .project(joined, values + outers.indices.map { .column($0, type: correlations[outers[$0]].type) }),
            width: width, carried: carried)
    }

    // MARK: operators

    private func filter(_ input: Plan, _ condition: Expression) throws(Failure) -> Unnested {
        var inner = try unnest(input)
        var conjuncts = condition.conjuncts
        if let empty = inner.emptyRow {
            // The one row of no input passes or does not; where that depends on the outer row it must be there.
            let test = ConstantFolding.foldAll(condition.substituting(empty))
            switch test.literalValue {
            case .boolean(true): break
            case .boolean, .null: inner.emptyRow = nil
            default: inner = materialised(inner, empty)
            }
        }
        let needed = outers(conjuncts)
        for outer in needed.sorted() where inner.column(of: outer) == nil {
            // `column = outer`: the column stands for the outer value, unless another one prints differently.
            let type = correlations[outer].type
            let isPlain = type != .numeric && type != .interval && type != .double
            let uses = conjuncts.reduce(0) { $0 + $1.uses(of: ExpressionBinder.outerBase + outer) }
            guard isPlain || uses == 1,
                let place = conjuncts.firstIndex(where: { Self.equality($0, outer) != nil }),
                let value = Self.equality(conjuncts[place], outer)
            else { continue }
            conjuncts.remove(at: place)
            let width = inner.plan.types.count
            if let column = value.columnIndex {
                inner.carried.append(Unnested.Carried(outer: outer, column: column, isStrict: true))
            } else {
                inner.plan = .project(inner.plan, inner.plan.columns + [value])
                inner.carried.append(Unnested.Carried(outer: outer, column: width, isStrict: true))
            }
        }
        let ready = bound(inner, to: needed)
        return Unnested(
            plan: .filtered(ready.plan, conjuncts.map { resolve($0, ready) }), width: ready.width,
            carried: ready.carried, emptyRow: ready.emptyRow)
    }

    /// The other side of `expression = outer value`.
    private static func equality(_ condition: Expression, _ outer: Int) -> Expression? {
        guard let (first, second, isNullSafe) = JoinSides.equality(condition), !isNullSafe else { return nil }
        let column = ExpressionBinder.outerBase + outer
        if first.columnIndex == column, second.outerColumns.isEmpty, !second.columnsUsed.isEmpty { return second }
        if second.columnIndex == column, first.outerColumns.isEmpty, !first.columnsUsed.isEmpty { return first }
        return nil
    }

    private func project(_ input: Plan, _ expressions: [Expression]) throws(Failure) -> Unnested {
        var inner = try unnest(input)
        let needed = outers(expressions)
        let empty = inner.emptyRow.map { row in
            expressions.map { ConstantFolding.foldAll($0.substituting(row)) }
        }
        inner = bound(inner, to: needed)
        let types = inner.plan.types
        let carried = inner.carried.enumerated().map { place, carry in
            Unnested.Carried(outer: carry.outer, column: expressions.count + place, isStrict: carry.isStrict)
        }
        return Unnested(
            plan: .project(
                inner.plan,
                expressions.map { resolve($0, inner) }
                    + inner.carried.map { .column($0.column, type: types[$0.column]) }),
            width: expressions.count, carried: carried, emptyRow: empty)
    }

    /// Pairs of two plans that hold for the same outer values: the columns of both, then what either carries.
    private func product(_ left: Unnested, _ right: Unnested, _ conditions: [Expression], at location: Int) -> Unnested
    {
        let (leftTypes, rightTypes) = (left.plan.types, right.plan.types)
        let shift = leftTypes.count
        var same = conditions
        var carried = left.carried
        for carry in right.carried {
            let moved = Unnested.Carried(outer: carry.outer, column: carry.column + shift, isStrict: carry.isStrict)
            guard let index = carried.firstIndex(where: { $0.outer == carry.outer }) else {
                carried.append(moved)
                continue
            }
            let type = rightTypes[carry.column]
            let isStrict = carried[index].isStrict || carry.isStrict
            same.append(
                Unnested.equal(
                    .column(carried[index].column, type: type), .column(moved.column, type: type), isStrict: isStrict))
            carried[index].isStrict = isStrict
        }
        return ordered(
            .filtered(.cross(left.plan, right.plan, location: location), same), carried,
            own: Array(0..<left.width) + (shift..<shift + right.width).map { $0 })
    }

    /// The plan's own columns first, then those carried.
    private func ordered(_ plan: Plan, _ carried: [Unnested.Carried], own: [Int]) -> Unnested {
        Unnested(
            plan: .selecting(plan, own + carried.map(\.column)), width: own.count,
            carried: carried.enumerated().map { place, carry in
                Unnested.Carried(outer: carry.outer, column: own.count + place, isStrict: carry.isStrict)
            })
    }

    private func join(_ left: Plan, _ right: Plan, _ join: Plan.Join) throws(Failure) -> Unnested {
        var (first, second) = (try whole(left), try whole(right))
        let inner = Set(second.carried.map(\.outer))
        let needed = outers(join.condition?.conjuncts ?? [])
        // The side that is kept whole has to know the outer values; of a full join both sides do.
        first = bound(first, to: inner.union(needed))
        if join.kind == .full {
            second = relaxed(bound(second, to: Set(first.carried.map(\.outer))))
            first = relaxed(first)
        }
        let (leftWidth, shift) = (left.types.count, first.plan.types.count)
        var conditions = (join.condition?.conjuncts ?? []).map { condition in
            resolve(
                condition.mappingColumns {
                    !ExpressionBinder.isOuter($0) && $0 >= leftWidth ? $0 - leftWidth + shift : $0
                },
                first)
        }
        let rightTypes = second.plan.types
        for carry in second.carried {
            guard let own = first.column(of: carry.outer) else { continue }
            let type = rightTypes[carry.column]
            conditions.append(
                Unnested.equal(
                    .column(own.column, type: type), .column(carry.column + shift, type: type),
                    isStrict: carry.isStrict || own.isStrict))
        }
        var kept = join
        kept.condition = Plan.conjunction(conditions)
        kept.leftKeys = join.leftKeys
        let joined = Plan.join(first.plan, second.plan, kept)
        let rightWidth = right.types.count
        let own = Array(0..<leftWidth) + (join.kind.isWide ? (shift..<shift + rightWidth).map { $0 } : [])
        guard join.kind == .full else { return ordered(joined, first.carried, own: own) }
        let values = first.carried.map { carry -> Expression in
            let type = correlations[carry.outer].type
            let other = second.column(of: carry.outer)?.column ?? 0
            return .coalesce([.column(carry.column, type: type), .column(other + shift, type: type)], type: type)
        }
        let types = joined.types
        return Unnested(
            plan: .project(joined, own.map { .column($0, type: types[$0]) } + values), width: own.count,
            carried: first.carried.enumerated().map { place, carry in
                Unnested.Carried(outer: carry.outer, column: own.count + place, isStrict: false)
            })
    }

    private func aggregate(_ inner: Unnested, _ groupBy: [Int], _ calls: [AggregateCall]) -> Unnested {
        let keys = groupBy + inner.carried.map(\.column)
        let plan = Plan.aggregate(inner.plan, groupBy: keys, calls: calls)
        let own = Array(groupBy.indices) + calls.indices.map { keys.count + $0 }
        let carried = inner.carried.enumerated().map { place, carry in
            Unnested.Carried(outer: carry.outer, column: groupBy.count + place, isStrict: carry.isStrict)
        }
        var result = ordered(plan, carried, own: own)
        if groupBy.isEmpty, !calls.isEmpty { result.emptyRow = calls.map(\.valueOfNothing) }
        return result
    }

    /// Partitions by what is carried, as well; the arguments of functions read it.
    private func analytic(_ whole: Unnested, _ width: Int, _ analytic: Analytic) throws(Failure) -> Unnested {
        var inner = whole
        var moved = analytic
        switch analytic {
        case .expand(var expand):
            inner = bound(inner, to: outers(expand.functions.flatMap(\.arguments)))
            for index in expand.functions.indices {
                expand.functions[index].arguments = expand.functions[index].arguments.map { resolve($0, inner) }
            }
            moved = .expand(expand)
        case .over(var over):
            over.partitionBy += inner.carried.map(\.column)
            moved = .over(over)
        case .session(var session):
            session.partitionBy += inner.carried.map(\.column)
            moved = .session(session)
        case .top(var top):
            top.partitionBy += inner.carried.map(\.column)
            moved = .top(top)
        case .temporal: throw .unsupported("an outer column in this place of a sub-query", at: nil)
        }
        let plan = Plan.analytic(inner.plan, moved)
        let added = (inner.plan.types.count..<plan.types.count).map { $0 }
        return ordered(plan, inner.carried, own: Array(0..<width) + added)
    }

    private func numbered(
        _ inner: Unnested, _ width: Int, addsNumber: Bool, _ make: (Plan, [Int]) -> Plan
    ) -> Unnested {
        let plan = make(inner.plan, inner.carried.map(\.column))
        let own = Array(0..<width) + (addsNumber ? [inner.plan.types.count] : [])
        return ordered(plan, inner.carried, own: own)
    }

    private func union(_ inputs: [Plan]) throws(Failure) -> Unnested {
        var parts: [Unnested] = []
        for input in inputs { parts.append(try whole(input)) }
        let all = parts.reduce(into: Set<Int>()) { $0.formUnion($1.carried.map(\.outer)) }.sorted()
        let width = inputs[0].types.count
        let isStrict = all.map { outer in parts.allSatisfy { $0.column(of: outer)?.isStrict == true } }
        let mixed = Set(zip(all, isStrict).filter { !$1 }.map(\.0))
        let same = parts.map { part -> Plan in
            let bound = relaxed(bound(part, to: Set(all)), mixed)
            return .selecting(bound.plan, Array(0..<width) + all.compactMap { bound.column(of: $0)?.column })
        }
        return Unnested(
            plan: .unionAll(same), width: width,
            carried: all.enumerated().map {
                Unnested.Carried(outer: $1, column: width + $0, isStrict: isStrict[$0])
            })
    }
}

extension AggregateCall {
    /// The value over no rows.
    var valueOfNothing: Expression {
        function == .count ? .literal(.bigint(0), type: .bigint) : .literal(.null, type: type)
    }
}

extension Expression {
    /// The correlations that it reads.
    var outerColumns: Set<Int> {
        Set(columnsUsed.filter(ExpressionBinder.isOuter).map { $0 - ExpressionBinder.outerBase })
    }

    func uses(of column: Int) -> Int {
        columnIndex == column ? 1 : children.reduce(0) { $0 + $1.uses(of: column) }
    }
}

extension Plan {
    /// The correlations that the plan reads anywhere.
    var outerColumns: Set<Int> {
        var found: Set<Int> = inputs.reduce(into: []) { $0.formUnion($1.outerColumns) }
        switch self {
        case .filter(_, let condition): found.formUnion(condition.outerColumns)
        case .project(_, let expressions): for expression in expressions { found.formUnion(expression.outerColumns) }
        case .join(_, _, let join): found.formUnion(join.condition?.outerColumns ?? [])
        case .analytic(_, .expand(let expand)):
            for argument in expand.functions.flatMap(\.arguments) { found.formUnion(argument.outerColumns) }
        default: break
        }
        return found
    }
}

internal import Dataflow

/// Rule: what is kept, joined or sent holds only the columns that something above needs.
///
/// A top-n keeps all columns of its input: they break its ties.
enum ColumnPruning {
    static func apply(_ plan: Plan) -> Plan {
        let all = Array(plan.types.indices)
        return narrowed(plan, all)
    }

    /// The plan with exactly these columns, in this order.
    private static func narrowed(_ plan: Plan, _ wanted: [Int]) -> Plan {
        let (pruned, place) = prune(plan, Set(wanted))
        return .selecting(pruned, wanted.map { place[$0] ?? $0 })
    }

    /// A plan that has at least the columns needed, and where they are in it.
    private static func prune(_ plan: Plan, _ needed: Set<Int>) -> (plan: Plan, place: [Int: Int]) {
        switch plan {
        case .leaf, .values, .cross: return (plan, identity(plan))
        case .shared(let input):
            // All of its readers need the same columns, so that it stays one.
            return (.shared(narrowed(input, Array(input.types.indices))), identity(plan))
        case .filter(let input, let condition):
            let (pruned, place) = prune(input, needed.union(condition.columnsUsed))
            return (.filter(pruned, condition.mappingColumns { place[$0] ?? $0 }), place)
        case .project(let input, let expressions):
            let kept = expressions.indices.filter { needed.contains($0) }
            let (pruned, place) = prune(input, kept.reduce(into: []) { $0.formUnion(expressions[$1].columnsUsed) })
            return (.project(pruned, kept.map { expressions[$0].mappingColumns { place[$0] ?? $0 } }), places(kept))
        case .join(let left, let right, let join): return self.join(left, right, join, needed)
        case .repeated(let input):
            // The rows' contents may shrink; how often each comes stays.
            let kept = needed.sorted()
            return (.repeated(narrowed(input, kept + [input.types.count - 1])), places(kept))
        case .aggregate(let input, let groupBy, let calls): return aggregate(input, groupBy, calls, needed)
        case .rowNumber(let input, _, _, _), .topN(let input, _, _, _, _):
            let all = Array(input.types.indices)
            let result = plan.with(inputs: [narrowed(input, all)])
            return (result, identity(result))
        case .unionAll(let inputs):
            let kept = needed.sorted()
            return (.unionAll(inputs.map { narrowed($0, kept) }), places(kept))
        case .analytic(let input, let analytic): return self.analytic(input, analytic, needed)
        }
    }

    private static func join(_ left: Plan, _ right: Plan, _ join: Plan.Join, _ needed: Set<Int>)
        -> (plan: Plan, place: [Int: Int])
    {
        let width = left.types.count
        let used = needed.union(join.condition?.columnsUsed ?? [])
        let leftKept = Set(used.filter { $0 < width }).union(join.leftKeys).sorted()
        let rightKept = Set(used.filter { $0 >= width }.map { $0 - width }).union(join.rightKeys).sorted()
        let leftPlace = places(leftKept)
        let rightPlace = places(rightKept)
        var place = leftPlace
        for (column, index) in rightPlace { place[column + width] = index + leftKept.count }
        var kept = join
        kept.leftKeys = join.leftKeys.map { leftPlace[$0] ?? $0 }
        kept.rightKeys = join.rightKeys.map { rightPlace[$0] ?? $0 }
        let known = place
        kept.condition = join.condition?.mappingColumns { known[$0] ?? $0 }
        return (.join(narrowed(left, leftKept), narrowed(right, rightKept), kept), place)
    }

    private static func analytic(_ input: Plan, _ analytic: Analytic, _ needed: Set<Int>)
        -> (plan: Plan, place: [Int: Int])
    {
        let count = input.types.count
        let own = analytic.narrowed(needed, inputCount: count)
        let kept = own.inputsNeeded(needed, inputCount: count)?.sorted() ?? Array(0..<count)
        var place = places(kept)
        let inner = place
        for result in 0..<(own.types(input.types).count - count) { place[count + result] = kept.count + result }
        return (.analytic(narrowed(input, kept), own.mappingColumns { inner[$0] ?? $0 }), place)
    }

    /// All group columns stay: they are what the groups are. Calls that nothing reads go.
    private static func aggregate(
        _ input: Plan, _ groupBy: [Int], _ calls: [AggregateCall], _ needed: Set<Int>
    ) -> (plan: Plan, place: [Int: Int]) {
        var kept = calls.indices.filter { needed.contains(groupBy.count + $0) }
        // Without any call the operator would be DISTINCT, which without group columns has no rows.
        if kept.isEmpty, groupBy.isEmpty, !calls.isEmpty { kept = [0] }
        var wanted = Set(groupBy)
        for call in kept { wanted.formUnion(calls[call].columnsRead) }
        let columns = wanted.sorted()
        let inner = places(columns)
        let narrowCalls = kept.map { calls[$0].mappingColumns { inner[$0] ?? $0 } }
        var place: [Int: Int] = [:]
        for index in groupBy.indices { place[index] = index }
        for (index, call) in kept.enumerated() { place[groupBy.count + call] = groupBy.count + index }
        return (
            .aggregate(narrowed(input, columns), groupBy: groupBy.map { inner[$0] ?? $0 }, calls: narrowCalls), place
        )
    }

    private static func identity(_ plan: Plan) -> [Int: Int] { places(Array(plan.types.indices)) }

    private static func places(_ kept: [Int]) -> [Int: Int] {
        Dictionary(uniqueKeysWithValues: kept.enumerated().map { ($0.element, $0.offset) })
    }
}

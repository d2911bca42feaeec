internal import Dataflow

/// Rule: what a column is compared with, the columns that it equals are compared with too: of `a.id = b.id AND a.id < 9` also
/// `b.id < 9`, so that both sides of the join keep less.
enum PredicateTransitivity {
    static func apply(_ conditions: [Expression]) -> [Expression] {
        var equals: [(Int, Int)] = []
        for condition in conditions {
            guard let (first, second, _) = JoinSides.equality(condition), let a = first.columnIndex,
                let b = second.columnIndex
            else { continue }
            equals += [(a, b), (b, a)]
        }
        guard !equals.isEmpty else { return conditions }
        var result = conditions
        // What is added is looked at in its turn, so whole chains of equal columns get it.
        var position = 0
        while position < result.count {
            let condition = result[position]
            position += 1
            let used = condition.columnsUsed
            guard used.count == 1, let column = used.first, OrFactoring.canMove(condition) else { continue }
            if case .isNull = condition { continue }
            for (first, second) in equals where first == column {
                let copy = condition.mappingColumns { _ in second }
                if !result.contains(copy) { result.append(copy) }
            }
        }
        return result
    }
}

internal import Dataflow

/// What is known of a plan's rows without running it.
extension Plan {
    /// There is never more than one row.
    var isAtMostOneRow: Bool {
        switch self {
        case .values(let rows, _): rows.count <= 1
        case .filter(let input, let condition):
            input.isAtMostOneRow || input.uniqueKeys.contains { $0.allSatisfy(Self.fixed(by: condition).contains) }
        case .project(let input, _), .shared(let input), .rowNumber(let input, _, _, _): input.isAtMostOneRow
        case .aggregate(_, let groupBy, let calls): groupBy.isEmpty && !calls.isEmpty
        case .topN(let input, let partitionBy, _, let limit, _):
            partitionBy.isEmpty && limit == 1 || input.isAtMostOneRow
        case .cross(let left, let right, _): left.isAtMostOneRow && right.isAtMostOneRow
        case .join(let left, let right, let join):
            join.kind.isWide
                ? join.kind != .full && left.isAtMostOneRow && right.isAtMostOneRow : left.isAtMostOneRow
        default: false
        }
    }

    /// There is always one row.
    var isOneRow: Bool {
        switch self {
        case .values(let rows, _): rows.count == 1
        case .project(let input, _), .shared(let input): input.isOneRow
        case .aggregate(_, let groupBy, let calls): groupBy.isEmpty && !calls.isEmpty
        case .cross(let left, let right, _): left.isOneRow && right.isOneRow
        default: false
        }
    }

    /// Sets of columns no two rows agree in, as far as easily seen.
    var uniqueKeys: [[Int]] {
        switch self {
        case .leaf(let leaf): leaf.key.isEmpty ? [] : [leaf.key]
        case .filter(let input, _), .shared(let input): input.uniqueKeys
        case .topN(let input, let partitionBy, _, let limit, _):
            input.uniqueKeys + (limit == 1 ? [partitionBy] : [])
        case .project(let input, let expressions):
            input.uniqueKeys.compactMap { key in
                let moved = key.compactMap { column in expressions.firstIndex { $0.columnIndex == column } }
                return moved.count == key.count ? moved : nil
            }
        case .aggregate(_, let groupBy, _): groupBy.isEmpty ? [] : [Array(groupBy.indices)]
        case .join(let left, let right, let join):
            if !join.kind.isWide
                || join.kind != .full
                    && right.uniqueKeys.contains(where: { Set($0).isSubset(of: join.rightKeys) })
                    && join.nullSafe.isEmpty
            {
                left.uniqueKeys
            } else {
                []
            }
        default: []
        }
    }

    /// The columns that a condition fixes to constants.
    private static func fixed(by condition: Expression) -> Set<Int> {
        Set(
            condition.conjuncts.compactMap { conjunct in
                guard let (first, second, _) = JoinSides.equality(conjunct) else { return nil }
                if let column = first.columnIndex, isFixed(second) { return column }
                if let column = second.columnIndex, isFixed(first) { return column }
                return nil
            })
    }

    /// A constant, also one of the query around.
    private static func isFixed(_ expression: Expression) -> Bool {
        expression.columnsUsed.allSatisfy(ExpressionBinder.isOuter)
    }

    static func conjunction(_ conjuncts: [Expression]) -> Expression? {
        guard let first = conjuncts.first else { return nil }
        return conjuncts.count == 1 ? first : .and(conjuncts)
    }
}

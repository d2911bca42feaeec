internal import Dataflow

/// Rule: three and more relations are joined so that what is kept in between is small, as far as keys and filters tell.
///
/// Greedy: first the two whose join is estimated smallest, then always the relation that adds least; of equal ones the first written.
/// Two relations stay as written.
enum JoinOrder {
    /// The order in which to join, as places in `plans`; `columns` are their columns in the numbering of `conditions`.
    static func ordered(_ plans: [Plan], _ columns: [Range<Int>], _ conditions: [Expression]) -> [Int] {
        let all = Array(plans.indices)
        guard plans.count > 2 else { return all }
        let rows = plans.map { Cardinality.rows($0) }
        /// By how much joining a relation to others multiplies their rows; nil if nothing connects it.
        func factor(_ next: Int, _ placed: [Int]) -> Double? {
            var keys: [Int] = []
            for condition in conditions {
                guard let (first, second, _) = JoinSides.equality(condition) else { continue }
                for (own, other) in [(first, second), (second, first)] {
                    let used = other.columnsUsed
                    guard let column = own.columnIndex, columns[next].contains(column), !used.isEmpty,
                        used.allSatisfy({ column in placed.contains { columns[$0].contains(column) } })
                    else { continue }
                    keys.append(column - columns[next].lowerBound)
                }
            }
            if keys.isEmpty { return plans[next].isAtMostOneRow ? 1 : nil }
            let isUnique = plans[next].uniqueKeys.contains { Set($0).isSubset(of: keys) }
            // A unique key meets at most one row, less what filters have taken; another a few.
            return isUnique
                ? rows[next] / Cardinality.base(plans[next]) : max(1, rows[next] / Cardinality.keysOf(plans[next]))
        }
        var best: (order: [Int], rows: Double)?
        for first in all {
            for second in all where second != first {
                guard let factor = factor(second, [first]) else { continue }
                let size = rows[first] * factor
                if size < (best?.rows ?? .infinity) { best = ([first, second], size) }
            }
        }
        guard var (order, _) = best else { return all }
        while order.count < plans.count {
            var next: (place: Int, factor: Double)?
            for place in all where !order.contains(place) {
                guard let factor = factor(place, order) else { continue }
                if factor < (next?.factor ?? .infinity) { next = (place, factor) }
            }
            guard let place = next?.place ?? all.first(where: { !order.contains($0) }) else { break }
            order.append(place)
        }
        return order
    }
}

/// Rough numbers of rows: only their order counts.
enum Cardinality {
    /// Rows of a relation of which nothing is known.
    private static let unknown = 1_000_000.0

    static func rows(_ plan: Plan) -> Double {
        switch plan {
        case .leaf: unknown
        case .values(let rows, _): Double(max(rows.count, 1))
        case .filter(let input, let condition):
            max(1, rows(input) * condition.conjuncts.reduce(1) { $0 * selectivity($1) })
        case .project(let input, _), .shared(let input), .repeated(let input), .rowNumber(let input, _, _, _):
            rows(input)
        case .cross(let left, let right, _): rows(left) * rows(right)
        case .join(let left, let right, let join):
            join.kind == .semi || join.kind == .anti ? rows(left) / 2 : max(rows(left), rows(right))
        case .aggregate(let input, let groupBy, _): groupBy.isEmpty ? 1 : max(1, rows(input) / 10)
        case .topN(let input, let partitionBy, _, let limit, _):
            partitionBy.isEmpty ? min(Double(limit), rows(input)) : max(1, rows(input) / 10)
        case .unionAll(let inputs): inputs.reduce(0) { $0 + rows($1) }
        case .analytic(let input, let analytic): rows(input) * analytic.rowsPerRow
        }
    }

    /// Rows before conditions.
    static func base(_ plan: Plan) -> Double {
        switch plan {
        case .filter(let input, _), .project(let input, _), .shared(let input): base(input)
        default: rows(plan)
        }
    }

    /// Different values of a column that is no key.
    static func keysOf(_ plan: Plan) -> Double { max(1, base(plan) / 10) }

    private static func selectivity(_ condition: Expression) -> Double {
        switch condition {
        case .call(let key, _, _):
            switch key.prefix(while: { $0 != "(" }) {
            case "=": 0.02
            case "<>": 0.9
            case "<", "<=", ">", ">=": 0.4
            case "~~": 0.1
            default: 0.5
            }
        case .or(let operands): min(0.9, operands.reduce(0) { $0 + selectivity($1) })
        case .and(let operands): operands.reduce(1) { $0 * selectivity($1) }
        case .not(let operand): max(0.1, 1 - selectivity(operand))
        case .isNull: 0.1
        default: 0.5
        }
    }
}

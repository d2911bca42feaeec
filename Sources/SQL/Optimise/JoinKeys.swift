internal import Dataflow

/// Rule: a product with equalities between its sides is an equi-join; the equalities may come from ON, USING or WHERE.
///
/// The relations of a chain of products are joined in the order that ``JoinOrder`` finds best, each with the first that an equality
/// connects it to; conditions on one relation go below, the rest is checked by the first join that has its columns.
enum JoinKeys {
    /// One relation of the product.
    private struct Part {
        var plan: Plan
        /// Its columns in the numbering of the product as written.
        var columns: Range<Int>
        /// Where it is named in the text; −1 if unknown.
        var location = -1
    }

    static func join(_ product: Plan, _ conditions: [Expression]) throws(Failure) -> Plan {
        var conditions = conditions
        var parts: [Part] = []
        flatten(product, 0, &parts, &conditions)
        // Whether there is only one row is asked of the rows around: below the join it would be an error of rows that nobody asks for.
        let checks = conditions.filter { $0.calls(SingleRow.functionKey) }
        conditions = PredicateTransitivity.apply(conditions.filter { !$0.calls(SingleRow.functionKey) })
        var open: [Expression] = []
        var own = [[Expression]](repeating: [], count: parts.count)
        for condition in conditions {
            let used = condition.columnsUsed
            if let index = parts.firstIndex(where: { part in used.allSatisfy { part.columns.contains($0) } }) {
                let shift = parts[index].columns.lowerBound
                own[index].append(condition.mappingColumns { $0 - shift })
            } else {
                open.append(condition)
            }
        }
        for index in parts.indices { parts[index].plan = try FilterPushdown.push(own[index], into: parts[index].plan) }

        var rest = JoinOrder.ordered(parts.map(\.plan), parts.map(\.columns), open).map { parts[$0] }
        let first = rest.removeFirst()
        var plan = first.plan
        // Where each column of the product is in `plan`.
        var place: [Int: Int] = [:]
        for column in first.columns { place[column] = column - first.columns.lowerBound }
        while !rest.isEmpty {
            let connected = rest.firstIndex { part in
                open.contains { Self.isEquality($0, place, part.columns) }
            }
            plan = attach(rest.remove(at: connected ?? 0), to: plan, &place, &open)
        }
        let types = product.types
        return .project(
            .filtered(plan, (open + checks).map { $0.mappingColumns { place[$0] ?? $0 } }),
            types.indices.map { .column(place[$0] ?? $0, type: types[$0]) })
    }

    /// Takes products apart, also those under conditions and plain selections of columns.
    private static func flatten(_ plan: Plan, _ offset: Int, _ parts: inout [Part], _ conditions: inout [Expression]) {
        switch plan {
        case .cross(let left, let right, let location):
            flatten(left, offset, &parts, &conditions)
            let count = parts.count
            flatten(right, offset + left.types.count, &parts, &conditions)
            parts[count].location = location
        case .filter(.cross(let left, let right, let location), let condition):
            conditions.insert(contentsOf: condition.conjuncts.map { $0.mappingColumns { $0 + offset } }, at: 0)
            flatten(.cross(left, right, location: location), offset, &parts, &conditions)
        default:
            parts.append(Part(plan: plan, columns: offset..<offset + plan.types.count))
        }
    }

    /// Joins a part to what is joined already, by all equalities between them. Without any it is a product, which ``ProductRule`` judges.
    private static func attach(_ part: Part, to plan: Plan, _ place: inout [Int: Int], _ open: inout [Expression])
        -> Plan
    {
        var sides = JoinSides(left: plan, right: part.plan)
        let width = plan.types.count
        var known = place
        let shift = part.columns.lowerBound
        for column in part.columns { known[column] = width + column - shift }
        let ready = open.filter { condition in condition.columnsUsed.allSatisfy { known[$0] != nil } }
        open.removeAll { condition in condition.columnsUsed.allSatisfy { known[$0] != nil } }
        var kept: [Expression] = []
        for condition in ready {
            let moved = condition.mappingColumns { known[$0] ?? $0 }
            if !sides.add(moved) { kept.append(moved) }
        }
        let leftPlan = sides.leftPlan(plan)
        let leftCount = leftPlan.types.count
        for column in part.columns { place[column] = leftCount + column - shift }
        var join = Plan.Join(
            kind: .inner, leftKeys: sides.leftKeys, rightKeys: sides.rightKeys, nullSafe: sides.nullSafe,
            location: part.location)
        join.condition = Plan.conjunction(
            kept.map { $0.mappingColumns { $0 < width ? $0 : $0 - width + leftCount } })
        return .join(leftPlan, sides.rightPlan(part.plan), join)
    }

    /// The condition is an equality between columns that are in `place` and those of the part.
    private static func isEquality(_ condition: Expression, _ place: [Int: Int], _ part: Range<Int>) -> Bool {
        guard let (first, second, _) = JoinSides.equality(condition) else { return false }
        let sides = [first.columnsUsed, second.columnsUsed]
        func isPlaced(_ columns: Set<Int>) -> Bool { !columns.isEmpty && columns.allSatisfy { place[$0] != nil } }
        func isPart(_ columns: Set<Int>) -> Bool { !columns.isEmpty && columns.allSatisfy { part.contains($0) } }
        return isPlaced(sides[0]) && isPart(sides[1]) || isPart(sides[0]) && isPlaced(sides[1])
    }
}

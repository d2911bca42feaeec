internal import Dataflow

/// Rule: a product with equalities between its sides is an equi-join; the equalities may come from ON, USING or WHERE.
///
/// The relations of a chain of products are joined in the order written, each with the first that an equality connects
/// it to; conditions on one relation go below, the rest is checked as soon as its columns are there.
enum JoinKeys {
    /// One relation of the product.
    private struct Part {
        var plan: Plan
        /// Its columns in the numbering of the product as written.
        var columns: Range<Int>
        /// Where it is named in the text; −1 if unknown.
        var location = -1
    }

    /// `lhs = rhs`, each over one side.
    private struct Equality {
        var left: Expression
        var right: Expression
    }

    static func join(_ product: Plan, _ conditions: [Expression]) throws(Failure) -> Plan {
        var conditions = conditions
        var parts: [Part] = []
        flatten(product, 0, &parts, &conditions)
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

        var plan = parts[0].plan
        // Where each column of the product is in `plan`.
        var place: [Int: Int] = [:]
        for column in parts[0].columns { place[column] = column }
        var rest = Array(parts.dropFirst())
        while !rest.isEmpty {
            guard
                let index = rest.firstIndex(where: { part in open.contains { equality($0, place, part.columns) != nil }
                })
            else {
                throw .unsupported(
                    "a join without an equality between its sides", at: rest[0].location,
                    hint: "Add a condition such as a.id = b.id to ON or WHERE.")
            }
            let part = rest.remove(at: index)
            plan = attach(part, to: plan, &place, &open)
        }
        let types = product.types
        return .project(
            .filtered(plan, open.map { $0.mappingColumns { place[$0] ?? $0 } }),
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

    /// Joins a part to what is joined already, by all equalities between them.
    private static func attach(_ part: Part, to plan: Plan, _ place: inout [Int: Int], _ open: inout [Expression])
        -> Plan
    {
        var left: [Expression] = plan.columns
        var right: [Expression] = part.plan.columns
        let width = left.count
        var (leftKeys, rightKeys): ([Int], [Int]) = ([], [])
        func column(_ expression: Expression, in list: inout [Expression]) -> Int {
            if let index = list.firstIndex(of: expression) { return index }
            list.append(expression)
            return list.count - 1
        }
        let shift = part.columns.lowerBound
        for condition in open {
            guard let pair = equality(condition, place, part.columns) else { continue }
            let first = column(pair.left.mappingColumns { place[$0] ?? $0 }, in: &left)
            let second = column(pair.right.mappingColumns { $0 - shift }, in: &right)
            guard !zip(leftKeys, rightKeys).contains(where: { $0 == (first, second) }) else { continue }
            leftKeys.append(first)
            rightKeys.append(second)
        }
        open.removeAll { equality($0, place, part.columns) != nil }
        let leftPlan = left.count == width ? plan : .project(plan, left)
        let rightPlan = right.count == part.columns.count ? part.plan : .project(part.plan, right)
        for column in part.columns { place[column] = left.count + column - shift }
        var joined = Plan.join(leftPlan, rightPlan, leftKeys: leftKeys, rightKeys: rightKeys)
        let ready = open.filter { $0.columnsUsed.allSatisfy { place[$0] != nil } }
        open.removeAll { condition in condition.columnsUsed.allSatisfy { place[$0] != nil } }
        let known = place
        joined = .filtered(joined, ready.map { $0.mappingColumns { known[$0] ?? $0 } })
        return joined
    }

    /// The condition as an equality between columns that are in `place` and those of the part.
    private static func equality(_ condition: Expression, _ place: [Int: Int], _ part: Range<Int>) -> Equality? {
        guard case .call(let key, let operands, _) = condition, key.hasPrefix("=("), operands.count == 2,
            operands[0].type == operands[1].type
        else { return nil }
        let (first, second) = (operands[0].columnsUsed, operands[1].columnsUsed)
        guard !first.isEmpty, !second.isEmpty else { return nil }
        func isPlaced(_ columns: Set<Int>) -> Bool { columns.allSatisfy { place[$0] != nil } }
        func isPart(_ columns: Set<Int>) -> Bool { columns.allSatisfy { part.contains($0) } }
        if isPlaced(first), isPart(second) { return Equality(left: operands[0], right: operands[1]) }
        if isPart(first), isPlaced(second) { return Equality(left: operands[1], right: operands[0]) }
        return nil
    }
}

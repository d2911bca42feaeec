package import Dataflow

/// A line of EXPLAIN.
package struct PlanLine: Hashable, Sendable {
    package var text: String
    /// The operator that it is about, the first time that it is named.
    package var id: OperatorID?

    func indented(_ depth: Int) -> PlanLine {
        PlanLine(text: String(repeating: "  ", count: depth) + text, id: id)
    }
}

/// EXPLAIN: the graph as an indented tree, from its end to what it reads.
enum Explanation {
    static func lines(from root: OperatorID, _ lowering: Lowering) -> [PlanLine] {
        let inputs = Dictionary(lowering.nodes.map { ($0.id, $0.inputs) }) { first, _ in first }
        var consumers: [OperatorID: Int] = [:]
        for node in lowering.nodes { for input in node.inputs { consumers[input, default: 0] += 1 } }
        var lines: [PlanLine] = []
        var shown: Set<OperatorID> = []
        func walk(_ id: OperatorID, _ depth: Int) {
            let title = lowering.titles[id] ?? "Read node \(id.rawValue)"
            let indent = String(repeating: "  ", count: depth)
            let own = inputs[id] ?? []
            let isShared = (consumers[id] ?? 0) > 1 && !own.isEmpty
            if isShared, shown.contains(id) {
                lines.append(PlanLine(text: "\(indent)\(title) (shared, see above)"))
                return
            }
            shown.insert(id)
            lines.append(PlanLine(text: "\(indent)\(title)\(isShared ? " (shared)" : "")", id: id))
            for input in own { walk(input, depth + 1) }
        }
        walk(root, 0)
        return lines
    }

    /// What an ad-hoc query does with its result.
    static func presentation(of plan: QueryPlan) -> [String] {
        var parts: [String] = []
        if !plan.orderBy.isEmpty {
            let keys = plan.orderBy.map { key in
                let name = key.column < plan.columns.count ? plan.columns[key.column].name : "column \(key.column + 1)"
                return name + (key.descending ? " DESC" : "")
            }
            parts.append("order by \(keys.joined(separator: ", "))")
        }
        if let limit = plan.limit { parts.append("limit \(limit)") }
        if plan.offset > 0 { parts.append("offset \(plan.offset)") }
        return [
            "Answer (\(plan.columns.map(\.name).joined(separator: ", ")))"
                + (parts.isEmpty ? "" : "; " + parts.joined(separator: ", "))
        ]
    }
}

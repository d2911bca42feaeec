internal import Dataflow

/// Rule: a part of a query that is named once, or that keeps nothing, is a part like others; one that is named more often and keeps
/// state stays whole, so that it is computed and kept once.
enum SharedPlans {
    static func apply(_ plan: Plan) -> Plan {
        var counts: [Plan: Int] = [:]
        count(plan, &counts)
        return counts.isEmpty ? plan : unwrapped(plan, counts)
    }

    private static func count(_ plan: Plan, _ counts: inout [Plan: Int]) {
        if case .shared(let input) = plan {
            counts[input, default: 0] += 1
            // What is inside counts once, however often the whole is named.
            if counts[input] ?? 0 > 1 { return }
        }
        for input in plan.inputs { count(input, &counts) }
    }

    private static func unwrapped(_ plan: Plan, _ counts: [Plan: Int]) -> Plan {
        let rebuilt = plan.with(inputs: plan.inputs.map { unwrapped($0, counts) })
        guard case .shared(let input) = rebuilt, case .shared(let original) = plan else { return rebuilt }
        return counts[original] ?? 0 > 1 && input.keepsState ? rebuilt : input
    }
}

extension Plan {
    /// An operator of it keeps rows.
    var keepsState: Bool {
        switch self {
        case .leaf, .values: false
        case .filter, .project, .unionAll, .repeated, .shared: inputs.contains(where: \.keepsState)
        case .analytic(let input, .expand): input.keepsState
        case .cross, .join, .aggregate, .rowNumber, .topN, .analytic: true
        }
    }
}

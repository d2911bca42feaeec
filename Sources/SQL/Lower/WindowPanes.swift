internal import Dataflow

/// Rule: where only aggregates read what hops into several windows, rows of one pane that agree in the rest are put together before each
/// is copied to its windows. A pane is the time between two starts of windows: all its times are in the same ones.
///
/// The size must be a multiple of the slide, else the windows end within panes.
enum WindowPanes {
    /// The parts of a plan that reads windows: what hops, how, and the columns that are left of the result.
    struct Parts {
        var input: Plan
        var expand: OperatorKind.Expand
        /// The number of the result's column that each column is.
        var columns: [Int]
    }

    /// nil if the plan is another.
    static func parts(of plan: Plan) -> Parts? {
        switch plan {
        case .shared(let input): return parts(of: input)
        case .project(let input, let expressions):
            guard var parts = parts(of: input) else { return nil }
            var columns: [Int] = []
            for expression in expressions {
                // A computation that fails tells of its row, which would be another.
                guard let column = expression.columnIndex else { return nil }
                columns.append(parts.columns[column])
            }
            parts.columns = columns
            return parts
        case .analytic(let input, .expand(let expand)):
            return Parts(input: input, expand: expand, columns: Array(plan.types.indices))
        default: return nil
        }
    }

    /// How rows may be put together before; nil if they may not.
    static func panes(
        _ parts: Parts, isAppendOnly: Bool, _ groupBy: [Int], _ calls: [AggregateCall]
    ) -> OperatorKind.Expand.Panes? {
        let expand = parts.expand
        guard expand.functions.count == 1, !expand.keepsEmpty, !expand.hasOrdinality,
            expand.functions[0].key.hasPrefix("hop_windows("), expand.functions[0].arguments.count == 3
        else { return nil }
        let arguments = expand.functions[0].arguments
        guard let time = arguments[0].columnIndex, case .literal(.interval(let slide), _) = arguments[1],
            case .literal(.interval(let size), _) = arguments[2], slide.months == 0, size.months == 0, slide.span > 0,
            size.span % slide.span == 0, let step = Int64(exactly: slide.span)
        else { return nil }
        let inputTypes = parts.input.types
        let types = inputTypes + expand.functions[0].types
        guard
            let above = RowCombining.combine(
                parts.columns.map { types[$0] }, isAppendOnly: isAppendOnly, groupBy, calls)
        else { return nil }
        var roles = [OperatorKind.Combine.Role](repeating: .ignored, count: inputTypes.count)
        for (column, role) in zip(parts.columns, above.roles) where column < inputTypes.count {
            guard let both = RowCombining.merged(roles[column], role) else { return nil }
            roles[column] = both
        }
        guard roles[time] == .ignored else { return nil }
        roles[time] = .kept
        return OperatorKind.Expand.Panes(time: time, step: step, combine: OperatorKind.Combine(roles: roles))
    }
}

extension Lowering {
    /// What an aggregate reads, with its rows put together by panes where they may be.
    func paned(_ plan: Plan, _ groupBy: [Int], _ calls: [AggregateCall]) throws(Failure) -> Lowered {
        guard let parts = WindowPanes.parts(of: plan) else { return try lower(plan) }
        let input = try lower(parts.input)
        guard let panes = WindowPanes.panes(parts, isAppendOnly: input.isAppendOnly, groupBy, calls) else {
            return try lower(plan)
        }
        var expand = parts.expand
        expand.panes = panes
        let expanded = self.analytic(input, .expand(expand))
        guard parts.columns != Array(expanded.types.indices) else { return expanded }
        return project(expanded, parts.columns.map { Expression.column($0, type: expanded.types[$0]) })
    }
}

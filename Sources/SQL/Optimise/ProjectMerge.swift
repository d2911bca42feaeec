internal import Dataflow

/// Rule: a projection of a projection is one, unless that would compute something twice; one that changes nothing goes.
enum ProjectMerge {
    static func apply(_ plan: Plan) -> Plan {
        let plan = plan.with(inputs: plan.inputs.map(apply))
        guard case .project(let input, let expressions) = plan else { return plan }
        if expressions.map(\.columnIndex) == Array(input.types.indices) { return input }
        guard case .project(let inner, let computed) = input else { return plan }
        var uses = [Int](repeating: 0, count: computed.count)
        for expression in expressions { count(expression, &uses) }
        for (index, expression) in computed.enumerated() where uses[index] > 1 {
            if expression.columnIndex == nil, expression.literalValue == nil { return plan }
        }
        return apply(.project(inner, expressions.map { ConstantFolding.foldAll($0.substituting(computed)) }))
    }

    private static func count(_ expression: Expression, _ uses: inout [Int]) {
        if let index = expression.columnIndex {
            uses[index] += 1
        } else {
            for child in expression.children { count(child, &uses) }
        }
    }
}

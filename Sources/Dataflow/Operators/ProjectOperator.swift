/// One column per expression. Linear: weights pass on; a row in which an expression fails goes to the errors instead.
final class ProjectOperator: Operator {
    private let expressions: [CompiledExpression]

    init(_ expressions: [Expression]) throws(GraphError) {
        var compiled: [CompiledExpression] = []
        for expression in expressions { compiled.append(try CompiledExpression(expression)) }
        self.expressions = compiled
    }

    override func process(_ delta: Delta, port: Int, emit: (Delta) -> Void) {
        var failures: [RowError] = []
        let columns = expressions.map { $0.evaluate(delta.columns, count: delta.count, errors: &failures) }
        let result = Delta(columns: columns, weights: delta.weights, count: delta.count)
        if failures.isEmpty { return emit(result) }
        var first: [Int: RowError] = [:]
        for failure in failures where first[failure.row] == nil { first[failure.row] = failure }
        report(first.values.sorted { $0.row < $1.row }, of: delta)
        let kept = (0..<delta.count).filter { first[$0] == nil }.map { Int32($0) }
        if !kept.isEmpty { kept.withUnsafeBufferPointer { emit(result.gather($0)) } }
    }
}

/// Rows where the condition is true. Linear: weights pass on.
final class FilterOperator: Operator {
    private let condition: CompiledExpression

    init(_ expression: Expression) throws(GraphError) {
        condition = try CompiledExpression(expression)
    }

    override func process(_ delta: Delta, port: Int, emit: (Delta) -> Void) {
        var failures: [RowError] = []
        let isTrue = condition.evaluate(delta.columns, count: delta.count, errors: &failures)
        report(failures, of: delta)
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: delta.count) { kept in
            var count = 0
            isTrue.withValues(as: UInt8.self) { values in
                if let validity = isTrue.validity {
                    for row in 0..<delta.count {
                        kept[count] = Int32(row)
                        count &+= values[row] != 0 && validity.isValid(row) ? 1 : 0
                    }
                } else {
                    for row in 0..<delta.count {
                        kept[count] = Int32(row)
                        count &+= Int(values[row])
                    }
                }
            }
            if count == delta.count {
                emit(delta)
            } else if count > 0 {
                emit(delta.gather(UnsafeBufferPointer(rebasing: kept[0..<count])))
            }
        }
    }
}

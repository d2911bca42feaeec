/// Multiplies each row's weight by its count, a column that goes. Linear.
final class RepeatOperator: Operator {
    private let count: Int

    init(count: Int) { self.count = count }

    override func process(_ delta: Delta, port: Int, emit: (Delta) -> Void) {
        let counts = delta.columns[count]
        var columns = delta.columns
        columns.remove(at: count)
        let weights = counts.withValues(as: Int64.self) { counts in
            Column(type: .bigint, count: delta.count) { (out: UnsafeMutableBufferPointer<Int64>) in
                for row in 0..<delta.count { out[row] = counts[row] * delta.weight(at: row) }
            }
        }
        emit(Delta(columns: columns, weights: weights, count: delta.count))
    }
}

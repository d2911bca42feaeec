/// A columnar batch of rows with a signed weight each: a Z-set.
///
/// A weight of +n inserts the row n times, −n retracts it n times; a row may occur several times, and
/// what counts is the sum. All columns have `count` rows.
package struct Delta: Sendable {
    package var columns: [Column]
    /// A `bigint` column without NULLs, of `count` rows; nil means that every weight is +1.
    package var weights: Column?
    package var count: Int

    package init(columns: [Column], weights: Column? = nil, count: Int) {
        assert(columns.allSatisfy { $0.count == count } && (weights == nil || weights?.count == count))
        self.columns = columns
        self.weights = weights
        self.count = count
    }

    /// The most rows that an operator puts into one batch; 1–8 thousand keep a batch in the cache.
    package static let rowsMax = 4096

    package func weight(at row: Int) -> Int64 {
        guard let weights else { return 1 }
        return weights.withValues(as: Int64.self) { $0[row] }
    }

    /// The rows at `indices`, with their weights.
    package func gather(_ indices: UnsafeBufferPointer<Int32>) -> Delta {
        Delta(columns: columns.map { $0.gather(indices) }, weights: weights?.gather(indices), count: indices.count)
    }

    /// The same rows with every weight negated.
    package func negated() -> Delta {
        let negative = Column(type: .bigint, count: count) { (target: UnsafeMutableBufferPointer<Int64>) in
            if let weights {
                weights.withValues(as: Int64.self) { source in
                    for row in 0..<count { target[row] = -source[row] }
                }
            } else {
                for row in 0..<count { target[row] = -1 }
            }
        }
        return Delta(columns: columns, weights: negative, count: count)
    }

    /// Bytes of memory that the rows take.
    package var byteCount: Int {
        columns.reduce(0) { $0 + $1.byteCount } + (weights == nil ? 0 : count * 8)
    }
}

/// Inner equi-join over two arranged states: bilinear, so each batch is joined with all that the other side has, then kept.
/// NULL keys match nothing and are not kept.
final class JoinOperator: Operator {
    private let spec: OperatorKind.Join
    private let left: Arrangement
    private let right: Arrangement

    init(_ spec: OperatorKind.Join, left: [DataType], right: [DataType]) throws(GraphError) {
        guard spec.leftKeys.count == spec.rightKeys.count,
            zip(spec.leftKeys, spec.rightKeys).allSatisfy({ left[$0] == right[$1] })
        else { throw GraphError("the keys of a join have the same types on both sides") }
        self.spec = spec
        self.left = Arrangement(types: left, key: spec.leftKeys, expiry: spec.leftExpiry)
        self.right = Arrangement(types: right, key: spec.rightKeys, expiry: spec.rightExpiry)
    }

    override func process(_ delta: Delta, port: Int, emit: (Delta) -> Void) {
        let (mine, other) = port == 0 ? (left, right) : (right, left)
        let rows = mine.withoutNullKeys(delta)
        guard rows.count > 0 else { return }
        mine.encode(rows)
        other.match(mine.encoded, until: stop) { deltaRows, stored, storedWeights in
            let a = rows.gather(deltaRows)
            let b = other.rows.gather(stored)
            var weights: Column?
            if a.weights != nil || storedWeights.contains(where: { $0 != 1 }) {
                weights = Column(type: .bigint, count: stored.count) { (out: UnsafeMutableBufferPointer<Int64>) in
                    for row in 0..<stored.count { out[row] = a.weight(at: row) * storedWeights[row] }
                }
            }
            emit(Delta(columns: port == 0 ? a.columns + b : b + a.columns, weights: weights, count: stored.count))
        }
        mine.add(rows)
    }

    override func beginEpoch(watermarks: [String: Int64]) {
        if let limit = Self.expiryLimit(spec.leftExpiry, watermarks) { left.expire(through: limit) }
        if let limit = Self.expiryLimit(spec.rightExpiry, watermarks) { right.expire(through: limit) }
    }

    override var stateEntries: Int { left.rows.count + right.rows.count }
    override var stateBytes: Int { left.byteCount + right.byteCount }
}

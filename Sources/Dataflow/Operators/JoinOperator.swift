/// Joins of all kinds over two arranged states. Each batch meets all that the other side has, then is kept.
///
/// Pairs are bilinear, so they go out at once. What a kept row shows without a partner (or of a semi join: with one) depends on how
/// many it has: a change of that waits for the barrier, so that a partner replaced in one epoch is not seen to go. Until then a row
/// counts as it did at its last change; see ``Arrangement/Tally``.
final class JoinOperator: Operator {
    private let spec: OperatorKind.Join
    private var left: Arrangement
    private var right: Arrangement
    private let condition: CompiledExpression?
    /// The columns of a pair that the condition reads.
    private let conditionColumns: [Int]

    init(_ spec: OperatorKind.Join, left: [DataType], right: [DataType]) throws(GraphError) {
        guard spec.leftKeys.count == spec.rightKeys.count,
            zip(spec.leftKeys, spec.rightKeys).allSatisfy({ left[$0] == right[$1] })
        else { throw GraphError("the keys of a join have the same types on both sides") }
        self.spec = spec
        if let expression = spec.condition {
            condition = try CompiledExpression(expression)
            conditionColumns = expression.columns.sorted()
        } else {
            condition = nil
            conditionColumns = []
        }
        let strict = spec.leftKeys.indices.filter { !spec.nullSafe.contains($0) }
        self.left = Arrangement(
            types: left, key: spec.leftKeys, strict: strict.map { spec.leftKeys[$0] }, expiry: spec.leftExpiry,
            isTallied: spec.kind.tracksLeft)
        self.right = Arrangement(
            types: right, key: spec.rightKeys, strict: strict.map { spec.rightKeys[$0] }, expiry: spec.rightExpiry,
            isTallied: spec.kind.tracksRight)
    }

    /// Pairs of a row of the batch and a stored one, and the stored one's weight.
    private struct Pairs {
        var batch: UnsafeBufferPointer<Int32>
        var stored: UnsafeBufferPointer<Int32>
        var weights: UnsafeBufferPointer<Int64>
    }

    override func process(_ delta: Delta, port: Int, emit: (Delta) -> Void) {
        let (mine, other) = port == 0 ? (left, right) : (right, left)
        let rows = mine.withoutNullKeys(delta)
        if mine.isTallied, rows.count < delta.count { show(mine.withNullKeys(delta), hasPartner: false, port, emit) }
        guard rows.count > 0 else { return }
        // Equal rows are about to be made one: they must show alike.
        if mine.isTallied, rows.weights != nil, !mine.isIndexed { settle(mine, port, emit) }
        mine.encode(rows)
        guard mine.isTallied else {
            meet(rows, mine, other, port, nil, emit)
            return mine.add(rows)
        }
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: rows.count) { partners in
            partners.initialize(repeating: 0)
            meet(rows, mine, other, port, partners.baseAddress, emit)
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: rows.count) { shown in
                mine.add(rows, partners: partners.baseAddress, shown: shown.baseAddress)
                let wanted: UInt8 = spec.kind == .semi ? 1 : 0
                withUnsafeTemporaryAllocation(of: Int32.self, capacity: rows.count) { kept in
                    var count = 0
                    for row in 0..<rows.count where shown[row] == wanted {
                        kept[count] = Int32(truncatingIfNeeded: row)
                        count &+= 1
                    }
                    guard count > 0 else { return }
                    let part =
                        count == rows.count ? rows : rows.gather(UnsafeBufferPointer(rebasing: kept[0..<count]))
                    show(part, hasPartner: spec.kind == .semi, port, emit)
                }
            }
        }
    }

    /// Emits the pairs of a batch and counts partners on both sides, where that is asked for.
    private func meet(
        _ rows: Delta, _ mine: Arrangement, _ other: Arrangement, _ port: Int,
        _ partners: UnsafeMutablePointer<Int64>?, _ emit: (Delta) -> Void
    ) {
        other.match(mine.encoded, until: stop) { batch, stored, weights in
            matching(Pairs(batch: batch, stored: stored, weights: weights), rows, other, port) { pairs in
                if let partners {
                    for index in 0..<pairs.batch.count {
                        partners[Int(pairs.batch[index])] += pairs.weights[index]
                    }
                }
                if other.isTallied { other.tally(pairs.stored) { rows.weight(at: Int(pairs.batch[$0])) } }
                guard spec.kind.isWide else { return }
                let a = rows.gather(pairs.batch)
                let b = other.rows.gather(pairs.stored)
                let product = Self.product(a, pairs.weights)
                emit(
                    Delta(columns: port == 0 ? a.columns + b : b + a.columns, weights: product, count: a.count))
            }
        }
    }

    private static func product(_ batch: Delta, _ stored: UnsafeBufferPointer<Int64>) -> Column? {
        guard batch.weights != nil || stored.contains(where: { $0 != 1 }) else { return nil }
        return Column(type: .bigint, count: stored.count) { (out: UnsafeMutableBufferPointer<Int64>) in
            for row in 0..<stored.count { out[row] = batch.weight(at: row) * stored[row] }
        }
    }

    /// The pairs for which the condition is true.
    private func matching(
        _ pairs: Pairs, _ rows: Delta, _ other: Arrangement, _ port: Int, _ body: (Pairs) -> Void
    ) {
        guard let condition else { return body(pairs) }
        let width = left.types.count
        // Only what the condition reads is gathered; the other places are never looked at.
        var columns = [Column](repeating: Column.bigints([]), count: width + right.types.count)
        for column in conditionColumns {
            let isMine = (column < width) == (port == 0)
            let index = column < width ? column : column - width
            columns[column] =
                isMine ? rows.columns[index].gather(pairs.batch) : other.rows.gather(column: index, pairs.stored)
        }
        var failures: [RowError] = []
        let count = pairs.batch.count
        let isTrue = condition.evaluate(columns, count: count, errors: &failures)
        if !failures.isEmpty { report(failures, pairs, rows, other, port) }
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: 2 * count) { numbers in
            withUnsafeTemporaryAllocation(of: Int64.self, capacity: count) { weights in
                var kept = 0
                isTrue.withValues(as: UInt8.self) { values in
                    for row in 0..<count where values[row] != 0 && !isTrue.isNull(row) {
                        numbers[kept] = pairs.batch[row]
                        numbers[count &+ kept] = pairs.stored[row]
                        weights[kept] = pairs.weights[row]
                        kept &+= 1
                    }
                }
                guard kept > 0 else { return }
                body(
                    Pairs(
                        batch: UnsafeBufferPointer(rebasing: numbers[0..<kept]),
                        stored: UnsafeBufferPointer(rebasing: numbers[count..<count + kept]),
                        weights: UnsafeBufferPointer(rebasing: weights[0..<kept])))
            }
        }
    }

    /// A pair whose condition fails is an error, and no pair.
    private func report(_ failures: [RowError], _ pairs: Pairs, _ rows: Delta, _ other: Arrangement, _ port: Int) {
        let a = rows.gather(pairs.batch)
        let b = other.rows.gather(pairs.stored)
        report(
            failures,
            of: Delta(
                columns: port == 0 ? a.columns + b : b + a.columns, weights: Self.product(a, pairs.weights),
                count: a.count))
    }

    /// Emits rows of one side by themselves, as they are without a partner or of a semi join with one.
    private func show(_ rows: Delta, hasPartner: Bool, _ port: Int, _ emit: (Delta) -> Void) {
        guard rows.count > 0, hasPartner == (spec.kind == .semi) else { return }
        guard spec.kind.isWide else { return emit(rows) }
        let missing = (port == 0 ? right : left).types.map { Column.repeating(.null, type: $0, count: rows.count) }
        emit(
            Delta(
                columns: port == 0 ? rows.columns + missing : missing + rows.columns, weights: rows.weights,
                count: rows.count))
    }

    /// Emits what the changed numbers of partners change.
    private func settle(_ mine: Arrangement, _ port: Int, _ emit: (Delta) -> Void) {
        let isSemi = spec.kind == .semi
        mine.settle { rows, partnerAppeared in
            // One who finds a partner is shown if that is what is wanted, and else no longer.
            let weights = Column(type: .bigint, count: rows.count) { (out: UnsafeMutableBufferPointer<Int64>) in
                for row in 0..<rows.count {
                    out[row] = partnerAppeared[row] == isSemi ? rows.weight(at: row) : -rows.weight(at: row)
                }
            }
            show(Delta(columns: rows.columns, weights: weights, count: rows.count), hasPartner: isSemi, port, emit)
        }
    }

    override func flush(_ emit: (Delta) -> Void) {
        if left.isTallied { settle(left, 0, emit) }
        if right.isTallied { settle(right, 1, emit) }
        // The other side may have rows: each gives back its memory by itself.
        left = left.renewedIfEmpty()
        right = right.renewedIfEmpty()
    }

    override func beginEpoch(watermarks: [String: Int64]) {
        if let limit = Self.expiryLimit(spec.leftExpiry, watermarks) { left.expire(through: limit) }
        if let limit = Self.expiryLimit(spec.rightExpiry, watermarks) { right.expire(through: limit) }
    }

    override var stateEntries: Int { left.rows.count + right.rows.count }
    override var stateBytes: Int { left.byteCount + right.byteCount }
}

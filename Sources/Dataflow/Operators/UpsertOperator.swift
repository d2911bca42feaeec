/// The latest row per key. A row of positive weight replaces its key's row, one of negative weight removes it; per epoch a key
/// emits at most one retraction and one insertion.
final class UpsertOperator: Operator {
    private let key: [Int]
    private let keys: KeyTable
    private let rows: RowStore
    private let encoded = EncodedKeys()
    /// Per slot the number of its row, −1 for none.
    private var current = ContiguousArray<Int32>()
    /// Per slot the number of the row that it had before the epoch in which it was last touched, and that epoch.
    private var before = ContiguousArray<Int32>()
    private var touchedInEpoch = ContiguousArray<Int64>()
    /// Slots touched in this epoch.
    private var touched: [Int32] = []
    private var epoch: Int64 = 1

    init(key: [Int], types: [DataType]) {
        self.key = key
        keys = KeyTable(encoder: KeyEncoder(types: key.map { types[$0] }, equality: .sql))
        rows = RowStore(types: types)
    }

    override func process(_ delta: Delta, port: Int, emit: (Delta) -> Void) {
        keys.encoder.encode(key.map { delta.columns[$0] }, count: delta.count, into: encoded)
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: delta.count * 3) { memory in
            let base = memory.baseAddress.unsafelyUnwrapped
            let (slots, indices, numbers) = (base, base + delta.count, base + 2 * delta.count)
            keys.findOrInsert(encoded, slots)
            if current.count < Int(keys.slotEnd) {
                let extra = max(Int(keys.slotEnd) - current.count, current.count)
                current.append(contentsOf: repeatElement(-1, count: extra))
                before.append(contentsOf: repeatElement(-1, count: extra))
                touchedInEpoch.append(contentsOf: repeatElement(0, count: extra))
            }
            for row in 0..<delta.count { indices[row] = Int32(row) }
            rows.insert(delta.columns, rows: UnsafeBufferPointer(start: indices, count: delta.count), numbers: numbers)
            for row in 0..<delta.count {
                let slot = Int(slots[row])
                keys.noteChange(slots[row])
                if touchedInEpoch[slot] != epoch {
                    touchedInEpoch[slot] = epoch
                    touched.append(slots[row])
                    before[slot] = current[slot]
                } else if current[slot] >= 0, current[slot] != before[slot] {
                    rows.remove(current[slot])
                }
                if delta.weight(at: row) > 0 {
                    current[slot] = numbers[row]
                } else {
                    rows.remove(numbers[row])
                    current[slot] = -1
                }
            }
        }
    }

    override func flush(_ emit: (Delta) -> Void) {
        var retracted: [Int32] = []
        var inserted: [Int32] = []
        for slot in touched {
            let (before, now) = (before[Int(slot)], current[Int(slot)])
            if before >= 0, now >= 0, rows.compareWhole(before, now) == 0 { continue }
            if before >= 0 { retracted.append(before) }
            if now >= 0 { inserted.append(now) }
        }
        if !retracted.isEmpty {
            let columns = retracted.withUnsafeBufferPointer { rows.gather($0) }
            Delta(columns: columns, count: retracted.count).negated().forEachBatch(emit)
        }
        if !inserted.isEmpty {
            let columns = inserted.withUnsafeBufferPointer { rows.gather($0) }
            Delta(columns: columns, count: inserted.count).forEachBatch(emit)
        }
        for slot in touched {
            let before = before[Int(slot)]
            if before >= 0, before != current[Int(slot)] { rows.remove(before) }
            if current[Int(slot)] < 0 { keys.remove(slot) }
        }
        touched.removeAll(keepingCapacity: true)
        epoch += 1
    }

    override var stateEntries: Int { keys.count }
    override var stateBytes: Int { keys.byteCount + rows.byteCount + current.capacity * 16 }
}

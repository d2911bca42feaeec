/// The rows of one view on one worker: a Z-set that can be read as of recent epochs.
///
/// The rows are those of the newest changes; an older epoch is read by taking the changes since back, so changes are kept until
/// ``forget(before:)`` says that nobody will ask.
package final class ViewTable {
    package let types: [DataType]
    /// Columns that identify a row, if known.
    package let key: [Int]
    private var rows: KeyTable
    private var weights = ContiguousArray<Int64>()
    private let encoded = EncodedKeys()
    private var history: [(epoch: Int64, delta: Delta)] = []
    private var historyBytes = 0
    private var rowTotal: Int64 = 0
    /// Bytes that a table without rows may keep for those to come.
    private static let emptyBytesMax = 1 << 20
    /// The newest epoch whose changes are complete.
    package private(set) var finishedEpoch: Int64 = 0

    package init(types: [DataType], key: [Int]) {
        self.types = types
        self.key = key
        rows = KeyTable(encoder: KeyEncoder(types: types, equality: .exact))
    }

    /// Rows, each as often as its weight says.
    package var rowCount: Int { Int(rowTotal) }
    package var byteCount: Int { rows.byteCount + weights.capacity * 8 + historyBytes }

    /// Changes of an epoch, which is not older than those before.
    package func apply(_ delta: Delta, epoch: Int64) {
        guard delta.count > 0 else { return }
        rows.encoder.encode(delta.columns, count: delta.count, into: encoded)
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: delta.count) { memory in
            let slots = memory.baseAddress.unsafelyUnwrapped
            rows.findOrInsert(encoded, slots)
            if weights.count < Int(rows.slotEnd) {
                weights.append(
                    contentsOf: repeatElement(0, count: max(Int(rows.slotEnd) - weights.count, weights.count)))
            }
            var vanished = false
            for row in 0..<delta.count {
                let weight = delta.weight(at: row)
                weights[Int(slots[row])] += weight
                rowTotal += weight
                if weights[Int(slots[row])] == 0 { vanished = true }
            }
            guard vanished else { return }
            for row in 0..<delta.count where weights[Int(slots[row])] == 0 && rows.isLive(slots[row]) {
                rows.remove(slots[row])
            }
        }
        if rows.count == 0, rows.byteCount > Self.emptyBytesMax {
            rows = KeyTable(encoder: rows.encoder)
            weights = []
        }
        history.append((epoch, delta))
        historyBytes += delta.byteCount
    }

    /// The epoch's changes are complete.
    package func finish(epoch: Int64) { finishedEpoch = max(finishedEpoch, epoch) }

    /// No epoch before this one will be read.
    package func forget(before epoch: Int64) {
        guard let first = history.first, first.epoch <= epoch else { return }
        history.removeAll { change in
            guard change.epoch <= epoch else { return false }
            historyBytes -= change.delta.byteCount
            return true
        }
    }

    /// The rows at the end of an epoch that has not been forgotten, consolidated.
    package func rows(asOf epoch: Int64) -> [Delta] {
        let newer = history.filter { $0.epoch > epoch }.map { $0.delta.negated() }
        let current = Consolidation.batches(of: rows.liveSlots(), rows) { weights[Int($0)] }
        return newer.isEmpty ? current : Consolidation.consolidate(current + newer, types: types)
    }

    /// The net changes after epoch `from` up to epoch `to`.
    package func changes(from: Int64, to: Int64) -> [Delta] {
        Consolidation.consolidate(history.filter { $0.epoch > from && $0.epoch <= to }.map(\.delta), types: types)
    }
}

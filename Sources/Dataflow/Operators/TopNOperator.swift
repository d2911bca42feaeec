/// The first rows of each partition. At the barrier a touched partition emits the difference between what it showed and what it shows.
///
/// All rows are kept, since a retraction may bring any of them to the top; of append-only input only the rows shown are.
final class TopNOperator: Operator {
    private let spec: OperatorKind.TopN
    private let types: [DataType]
    private let keys: KeyTable
    private let rows: RowStore
    private let encoded = EncodedKeys()
    private var bags = ContiguousArray<SortedBag<Int32>>()
    private var touchedInEpoch = ContiguousArray<Int64>()
    private var epoch: Int64 = 1
    private var touched: [(slot: Int32, shown: [Shown])] = []
    /// Rows that left a bag in this epoch: kept until the barrier, since they may have to be retracted.
    private var leaving: [Int32] = []
    private var oldest = Int64.max

    /// A row shown at a rank from 1.
    private struct Shown: Hashable {
        var row: Int32
        var rank: Int64
    }

    init(_ spec: OperatorKind.TopN, types: [DataType]) {
        self.spec = spec
        self.types = types
        keys = KeyTable(encoder: KeyEncoder(types: spec.partitionBy.map { types[$0] }, equality: .sql))
        rows = RowStore(types: types)
    }

    /// By the keys of the order, then all columns left to right, then what they print.
    private func order(_ a: Int32, _ b: Int32) -> Int {
        if a == b { return 0 }
        for key in spec.orderBy {
            let result = compare(key, a, b)
            if result != 0 { return result }
        }
        for column in types.indices {
            let result = rows.compare(column: column, a, b)
            if result != 0 { return result }
        }
        for column in types.indices {
            let result = rows.compareEncoding(column: column, a, b)
            if result != 0 { return result }
        }
        return 0
    }

    private func compare(_ key: SortKey, _ a: Int32, _ b: Int32) -> Int {
        let (aNull, bNull) = (rows.isNull(column: key.column, row: a), rows.isNull(column: key.column, row: b))
        if aNull || bNull { return aNull == bNull ? 0 : aNull == key.nullsFirst ? -1 : 1 }
        let result = rows.compare(column: key.column, a, b)
        return key.descending ? -result : result
    }

    override func process(_ delta: Delta, port: Int, emit: (Delta) -> Void) {
        if let expiry = spec.expiry {
            delta.columns[expiry.column].withValues(as: Int64.self) { times in
                for row in 0..<delta.count { oldest = min(oldest, times[row]) }
            }
        }
        keys.encoder.encode(spec.partitionBy.map { delta.columns[$0] }, count: delta.count, into: encoded)
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: delta.count * 3) { memory in
            let base = memory.baseAddress.unsafelyUnwrapped
            let (slots, indices, numbers) = (base, base + delta.count, base + 2 * delta.count)
            keys.findOrInsert(encoded, slots)
            if bags.count < Int(keys.slotEnd) {
                let extra = max(Int(keys.slotEnd) - bags.count, bags.count)
                bags.append(contentsOf: repeatElement(SortedBag(), count: extra))
                touchedInEpoch.append(contentsOf: repeatElement(0, count: extra))
            }
            for row in 0..<delta.count { indices[row] = Int32(row) }
            rows.insert(delta.columns, rows: UnsafeBufferPointer(start: indices, count: delta.count), numbers: numbers)
            for row in 0..<delta.count { add(numbers[row], weight: delta.weight(at: row), to: slots[row]) }
        }
    }

    private func add(_ number: Int32, weight: Int64, to slot: Int32) {
        let bag = Int(slot)
        if spec.inputIsAppendOnly, bags[bag].count >= spec.limit, let last = bags[bag].last, order(number, last.element) >= 0 {
            return rows.remove(number)
        }
        if touchedInEpoch[bag] != epoch {
            touchedInEpoch[bag] = epoch
            touched.append((slot, shown(bags[bag])))
            keys.noteChange(slot)
        }
        switch bags[bag].add(number, weight: weight, order: order) {
        case .inserted: break
        case .merged: rows.remove(number)
        case .removed(let stored):
            leaving.append(stored)
            if stored != number { rows.remove(number) }
        }
        if spec.inputIsAppendOnly {
            while bags[bag].count > spec.limit, let last = bags[bag].last {
                leaving.append(last.element)
                bags[bag].removeLast()
            }
        }
    }

    private func shown(_ bag: SortedBag<Int32>) -> [Shown] {
        var result: [Shown] = []
        bag.forEach { row, weight in
            var copies = weight
            while copies > 0, result.count < spec.limit {
                result.append(Shown(row: row, rank: Int64(result.count + 1)))
                copies -= 1
            }
            return result.count < spec.limit
        }
        return result
    }

    override func flush(_ emit: (Delta) -> Void) {
        var changes: [Shown] = []
        var weights: [Int64] = []
        for (slot, before) in touched {
            var difference: [Shown: Int64] = [:]
            var order: [Shown] = []
            func note(_ list: [Shown], _ weight: Int64) {
                for var shown in list {
                    if !spec.emitsRowNumber { shown.rank = 0 }
                    if difference[shown] == nil { order.append(shown) }
                    difference[shown, default: 0] += weight
                }
            }
            note(before, -1)
            note(self.shown(bags[Int(slot)]), 1)
            for shown in order {
                guard let weight = difference[shown], weight != 0 else { continue }
                changes.append(shown)
                weights.append(weight)
            }
        }
        if !changes.isEmpty {
            var columns = changes.map(\.row).withUnsafeBufferPointer { rows.gather($0) }
            if spec.emitsRowNumber {
                columns.append(
                    Column(type: .bigint, count: changes.count) { (out: UnsafeMutableBufferPointer<Int64>) in
                        for row in 0..<changes.count { out[row] = changes[row].rank }
                    })
            }
            let weightColumn = Column(type: .bigint, count: weights.count) { (out: UnsafeMutableBufferPointer<Int64>) in
                for row in 0..<weights.count { out[row] = weights[row] }
            }
            Delta(columns: columns, weights: weightColumn, count: changes.count).forEachBatch(emit)
        }
        for row in leaving { rows.remove(row) }
        leaving.removeAll(keepingCapacity: true)
        for (slot, _) in touched where bags[Int(slot)].count == 0 { keys.remove(slot) }
        touched.removeAll(keepingCapacity: true)
        epoch += 1
    }

    override func beginEpoch(watermarks: [String: Int64]) {
        guard let expiry = spec.expiry, let limit = Self.expiryLimit(expiry, watermarks), oldest <= limit else { return }
        oldest = .max
        for slot in keys.liveSlots() {
            // The expiry column is part of the partition's key, so one row speaks for all.
            guard let first = bags[Int(slot)].first else { continue }
            let time = rows.timestamp(column: expiry.column, row: first.element)
            if time > limit {
                oldest = min(oldest, time)
                continue
            }
            bags[Int(slot)].forEach { row, _ in
                rows.remove(row)
                return true
            }
            bags[Int(slot)] = SortedBag()
            keys.remove(slot)
        }
    }

    override var stateEntries: Int { rows.count }
    override var stateBytes: Int { rows.byteCount + keys.byteCount + bags.capacity * 16 + rows.count * 16 }
}

/// The first rows of each partition. At the barrier a touched partition emits the difference between what it showed and what it shows.
///
/// All rows are kept, since a retraction may bring any of them to the top; of append-only input only the rows shown are (of ranks, those
/// shown at the last barrier and what may still be).
final class TopNOperator: Operator {
    private let spec: OperatorKind.TopN
    private let keys: KeyTable
    private let rows: RowStore
    private let encoded = EncodedKeys()
    private var bags = ContiguousArray<SortedBag<Int32>>()
    private var touchedInEpoch = ContiguousArray<Int64>()
    /// By slot, of append-only input by ranks: a row behind the last one cannot be shown any more.
    private var isFull = ContiguousArray<Bool>()
    private var epoch: Int64 = 1
    private var touched: [(slot: Int32, shown: Shown)] = []
    /// Rows that left a bag in this epoch: kept until the barrier, since they may have to be retracted.
    private var leaving: [Int32] = []
    private var pace = ExpiryPace()

    /// What a partition shows: the rows in order, and their numbers where these are not 1, 2, ….
    private struct Shown {
        var rows: [Int32] = []
        var numbers: [Int64] = []
        /// Different rows among them.
        var entries = 0
        /// No row behind the last one could be shown.
        var isFull = false
    }

    /// The rows, ranks and weights that the barrier emits.
    private struct Changes {
        var rows: [Int32] = []
        var ranks: [Int64] = []
        var weights: [Int64] = []

        mutating func append(_ row: Int32, _ rank: Int64, _ weight: Int64) {
            rows.append(row)
            ranks.append(rank)
            weights.append(weight)
        }
    }

    init(_ spec: OperatorKind.TopN, types: [DataType]) {
        self.spec = spec
        keys = KeyTable(encoder: KeyEncoder(types: spec.partitionBy.map { types[$0] }, equality: .sql))
        rows = RowStore(types: types)
    }

    /// By the keys of the order, then all columns left to right, then what they print.
    private func order(_ a: Int32, _ b: Int32) -> Int {
        if a == b { return 0 }
        let result = peerOrder(a, b)
        return result != 0 ? result : rows.compareWhole(a, b)
    }

    /// By the keys of the order alone.
    private func peerOrder(_ a: Int32, _ b: Int32) -> Int { rows.compare(by: spec.orderBy, a, b) }

    override func process(_ delta: Delta, port: Int, emit: (Delta) -> Void) {
        if let expiry = spec.expiry {
            pace.note(delta.columns[expiry.column])
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
                isFull.append(contentsOf: repeatElement(false, count: extra))
            }
            for row in 0..<delta.count { indices[row] = Int32(row) }
            rows.insert(delta.columns, rows: UnsafeBufferPointer(start: indices, count: delta.count), numbers: numbers)
            for row in 0..<delta.count { add(numbers[row], weight: delta.weight(at: row), to: slots[row]) }
        }
    }

    private func add(_ number: Int32, weight: Int64, to slot: Int32) {
        let bag = Int(slot)
        if weight == 0 {
            rows.remove(number)
            // The key may be new: the barrier drops it if it has no rows.
            if bags[bag].count == 0 { touch(slot) }
            return
        }
        if spec.inputIsAppendOnly, let last = bags[bag].last {
            let isOut =
                spec.ranking == .rowNumber
                ? bags[bag].count >= spec.limit && order(number, last.element) >= 0
                : isFull[bag] && peerOrder(number, last.element) > 0
            if isOut { return rows.remove(number) }
        }
        touch(slot)
        switch bags[bag].add(number, weight: weight, order: order) {
        case .inserted: break
        case .merged: rows.remove(number)
        case .removed(let stored):
            leaving.append(stored)
            if stored != number { rows.remove(number) }
        }
        if spec.inputIsAppendOnly, spec.ranking == .rowNumber {
            while bags[bag].count > spec.limit, let last = bags[bag].last {
                leaving.append(last.element)
                bags[bag].removeLast()
            }
        }
    }

    /// Notes what a partition shows that is touched for the first time in this epoch.
    private func touch(_ slot: Int32) {
        guard touchedInEpoch[Int(slot)] != epoch else { return }
        touchedInEpoch[Int(slot)] = epoch
        touched.append((slot, shown(bags[Int(slot)])))
        keys.noteChange(slot)
    }

    private func shown(_ bag: SortedBag<Int32>) -> Shown {
        var result = Shown()
        if spec.ranking != .rowNumber { return ranked(bag) }
        bag.forEach { row, weight in
            var copies = weight
            while copies > 0, result.rows.count < spec.limit {
                result.rows.append(row)
                copies -= 1
            }
            return result.rows.count < spec.limit
        }
        return result
    }

    private func ranked(_ bag: SortedBag<Int32>) -> Shown {
        var result = Shown()
        var number: Int64 = 0
        var previous: Int32?
        bag.forEach { row, weight in
            guard weight > 0 else { return true }
            if previous.map({ peerOrder($0, row) != 0 }) ?? true {
                let next = spec.ranking == .rank ? Int64(result.rows.count) + 1 : number + 1
                guard next <= Int64(spec.limit) else {
                    result.isFull = true
                    return false
                }
                number = next
            }
            previous = row
            for _ in 0..<weight {
                result.rows.append(row)
                result.numbers.append(number)
            }
            result.entries += 1
            return true
        }
        let next = spec.ranking == .rank ? Int64(result.rows.count) : number
        if next >= Int64(spec.limit) { result.isFull = true }
        return result
    }

    /// Of append-only input: what is behind the rows shown will never be.
    private func trim(_ slot: Int32, _ shown: Shown) {
        let slot = Int(slot)
        isFull[slot] = shown.isFull
        guard shown.isFull else { return }
        while bags[slot].count > shown.entries, let last = bags[slot].last {
            leaving.append(last.element)
            bags[slot].removeLast()
        }
    }

    override func flush(_ emit: (Delta) -> Void) {
        var changes = Changes()
        for (slot, before) in touched {
            let now = shown(bags[Int(slot)])
            if spec.emitsRowNumber, spec.ranking == .rowNumber {
                compareRanks(before.rows, now.rows, &changes)
            } else {
                merge(before, now, &changes)
            }
            if spec.inputIsAppendOnly, spec.ranking != .rowNumber { trim(slot, now) }
        }
        if !changes.rows.isEmpty {
            var columns = changes.rows.withUnsafeBufferPointer { rows.gather($0) }
            if spec.emitsRowNumber { columns.append(Column.bigints(changes.ranks)) }
            Delta(columns: columns, weights: Column.bigints(changes.weights), count: changes.rows.count).forEachBatch(
                emit)
        }
        for row in leaving { rows.remove(row) }
        leaving.removeAll(keepingCapacity: true)
        for (slot, _) in touched where bags[Int(slot)].count == 0 { keys.remove(slot) }
        touched.removeAll(keepingCapacity: true)
        epoch += 1
    }

    /// A row that keeps its rank is not told.
    private func compareRanks(_ before: [Int32], _ now: [Int32], _ changes: inout Changes) {
        for index in 0..<max(before.count, now.count) {
            if index < before.count, index < now.count, order(before[index], now[index]) == 0 { continue }
            if index < before.count { changes.append(before[index], Int64(index + 1), -1) }
            if index < now.count { changes.append(now[index], Int64(index + 1), 1) }
        }
    }

    /// Both lists are in order, so one pass finds what is in one only.
    private func merge(_ before: Shown, _ now: Shown, _ changes: inout Changes) {
        func number(_ shown: Shown, _ index: Int) -> Int64 { spec.emitsRowNumber ? shown.numbers[index] : 0 }
        var (i, j) = (0, 0)
        while i < before.rows.count || j < now.rows.count {
            let result = i == before.rows.count ? 1 : j == now.rows.count ? -1 : order(before.rows[i], now.rows[j])
            if result != 0 || number(before, i) != number(now, j) {
                if result <= 0 { changes.append(before.rows[i], number(before, i), -1) }
                if result >= 0 { changes.append(now.rows[j], number(now, j), 1) }
            }
            if result <= 0 { i += 1 }
            if result >= 0 { j += 1 }
        }
    }

    override func beginEpoch(watermarks: [String: Int64]) {
        guard let expiry = spec.expiry, let limit = Self.expiryLimit(expiry, watermarks),
            pace.isDue(limit: limit, entries: keys.count)
        else {
            return
        }
        pace.begin()
        for slot in keys.liveSlots() {
            // The expiry column is part of the partition's key, so one row speaks for all.
            guard let first = bags[Int(slot)].first else { continue }
            let time = rows.timestamp(column: expiry.column, row: first.element)
            if time > limit {
                pace.keep(time)
                continue
            }
            bags[Int(slot)].forEach { row, _ in
                rows.remove(row)
                return true
            }
            bags[Int(slot)] = SortedBag()
            isFull[Int(slot)] = false
            keys.remove(slot)
        }
    }

    override var stateEntries: Int { rows.count }
    override var stateBytes: Int { rows.byteCount + keys.byteCount + bags.capacity * 16 + rows.count * 16 }
}

/// Window functions. A barrier computes a touched partition's results as they were and as they are, and tells what differs.
///
/// Where every call sees only a bounded number of neighbours, only the rows near a change are computed.
final class OverOperator: Operator {
    private let spec: OperatorKind.Over
    private let keys: KeyTable
    private let rows: RowStore
    private let encoded = EncodedKeys()
    private let functions: WindowEvaluator
    private var bags = ContiguousArray<SortedBag<Int32>>()
    private var touchedInEpoch = ContiguousArray<Int64>()
    private var epoch: Int64 = 1
    /// Partitions touched in this epoch with the rows that they had before, in order, copies repeated.
    private var touched: [(slot: Int32, rows: [Int32])] = []
    /// Rows that left a bag in this epoch: kept until the barrier, since they have to be retracted.
    private var leaving: [Int32] = []
    private var pace = ExpiryPace()

    init(_ spec: OperatorKind.Over, types: [DataType]) throws(GraphError) {
        self.spec = spec
        keys = KeyTable(encoder: KeyEncoder(types: spec.partitionBy.map { types[$0] }, equality: .sql))
        rows = RowStore(types: types)
        functions = try WindowEvaluator(spec, types: types)
    }

    /// By the sort keys, then all columns left to right, then what they print.
    private func order(_ a: Int32, _ b: Int32) -> Int {
        if a == b { return 0 }
        let result = functions.order(rows, a, b)
        return result != 0 ? result : rows.compareWhole(a, b)
    }

    override func process(_ delta: Delta, port: Int, emit: (Delta) -> Void) {
        if let expiry = spec.expiry { pace.note(delta.columns[expiry.column]) }
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
        if touchedInEpoch[Int(slot)] != epoch {
            touchedInEpoch[Int(slot)] = epoch
            touched.append((slot, listed(bags[Int(slot)])))
            keys.noteChange(slot)
        }
        guard weight != 0 else { return rows.remove(number) }
        switch bags[Int(slot)].add(number, weight: weight, order: order) {
        case .inserted: break
        case .merged: rows.remove(number)
        case .removed(let stored):
            leaving.append(stored)
            if stored != number { rows.remove(number) }
        }
    }

    /// The rows in order, each as often as its weight says.
    private func listed(_ bag: SortedBag<Int32>) -> [Int32] {
        var list: [Int32] = []
        list.reserveCapacity(bag.count)
        bag.forEach { row, weight in
            if weight > 0 { list.append(contentsOf: repeatElement(row, count: Int(weight))) }
            return true
        }
        return list
    }

    // MARK: barrier

    override func flush(_ emit: (Delta) -> Void) {
        for (slot, before) in touched {
            if stop?.isSet == true { break }
            tell(before, listed(bags[Int(slot)]), emit)
            if bags[Int(slot)].count == 0 { keys.remove(slot) }
        }
        for row in leaving { rows.remove(row) }
        leaving.removeAll(keepingCapacity: true)
        touched.removeAll(keepingCapacity: true)
        epoch += 1
    }

    private func tell(_ before: [Int32], _ now: [Int32], _ emit: (Delta) -> Void) {
        let (old, new) = window(before, now)
        if old.isEmpty, new.isEmpty { return }
        var (failedBefore, failedNow): ([RowError], [RowError]) = ([], [])
        let results = functions.results(old, rows, &failedBefore)
        let nowResults = functions.results(new, rows, &failedNow)
        let (hidden, hiddenNow) = (Set(failedBefore.map(\.row)), Set(failedNow.map(\.row)))
        var (retracted, inserted): ([Int32], [Int32]) = ([], [])
        var (errorsGone, errorsNew) = (hidden, hiddenNow)
        var (i, j) = (0, 0)
        while i < old.count || j < new.count {
            let result = i == old.count ? 1 : j == new.count ? -1 : order(old[i], new[j])
            if result == 0 {
                let isSame =
                    hidden.contains(i) == hiddenNow.contains(j)
                    && (hidden.contains(i)
                        || zip(results, nowResults).allSatisfy { RowOrder.isIdentical($0, i, $1, j) })
                if isSame {
                    errorsGone.remove(i)
                    errorsNew.remove(j)
                } else {
                    if !hidden.contains(i) { retracted.append(Int32(i)) }
                    if !hiddenNow.contains(j) { inserted.append(Int32(j)) }
                }
            } else if result < 0 {
                if !hidden.contains(i) { retracted.append(Int32(i)) }
            } else if !hiddenNow.contains(j) {
                inserted.append(Int32(j))
            }
            if result <= 0 { i += 1 }
            if result >= 0 { j += 1 }
        }
        if !retracted.isEmpty { pass(retracted, old, results) { emit($0.negated()) } }
        if !inserted.isEmpty { pass(inserted, new, nowResults, emit) }
        tell(failedBefore.filter { errorsGone.contains($0.row) }, of: old, isGone: true)
        tell(failedNow.filter { errorsNew.contains($0.row) }, of: new, isGone: false)
    }

    private func pass(_ positions: [Int32], _ list: [Int32], _ results: [Column], _ emit: (Delta) -> Void) {
        let numbers = positions.map { list[Int($0)] }
        var columns = numbers.withUnsafeBufferPointer { rows.gather($0) }
        positions.withUnsafeBufferPointer { places in columns += results.map { $0.gather(places) } }
        Delta(columns: columns, count: numbers.count).forEachBatch(emit)
    }

    private func tell(_ failures: [RowError], of list: [Int32], isGone: Bool) {
        guard !failures.isEmpty else { return }
        let columns = list.withUnsafeBufferPointer { rows.gather($0) }
        let delta = Delta(columns: columns, count: list.count)
        report(failures, of: isGone ? delta.negated() : delta)
    }

    /// The parts of both lists whose results can differ, with the neighbours that those see. What is cut off at the borders is the
    /// same on both sides, so results that miss neighbours there are equally wrong, and are not told.
    private func window(_ before: [Int32], _ now: [Int32]) -> ([Int32], [Int32]) {
        guard let reach = functions.reach else { return (before, now) }
        let shorter = min(before.count, now.count)
        var prefix = 0
        while prefix < shorter, before[prefix] == now[prefix] { prefix += 1 }
        if prefix == before.count, prefix == now.count { return ([], []) }
        var suffix = 0
        while suffix < shorter - prefix, before[before.count - 1 - suffix] == now[now.count - 1 - suffix] {
            suffix += 1
        }
        let start = max(0, prefix - reach.before - reach.after)
        func part(_ list: [Int32]) -> [Int32] {
            Array(list[start..<min(list.count, list.count - suffix + reach.before + reach.after)])
        }
        return (part(before), part(now))
    }

    // MARK: expiry

    override func beginEpoch(watermarks: [String: Int64]) {
        guard let expiry = spec.expiry, let limit = Self.expiryLimit(expiry, watermarks),
            pace.isDue(limit: limit, entries: keys.count)
        else { return }
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
            keys.remove(slot)
        }
    }

    override var stateEntries: Int { rows.count }
    override var stateBytes: Int { rows.byteCount + keys.byteCount + bags.capacity * 24 + rows.count * 16 }
}

extension RowOrder {
    /// Whether two values, or NULLs, print alike.
    static func isIdentical(_ a: Column, _ i: Int, _ b: Column, _ j: Int) -> Bool {
        if a.isNull(i) || b.isNull(j) { return a.isNull(i) && b.isNull(j) }
        return compareValues(a, i, b, j) == 0 && compareEncodings(a, i, b, j) == 0
    }
}

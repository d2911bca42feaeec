internal import CXXHash

/// The first rows of each partition of append-only input, by row numbers, where they are few. At the barrier a touched partition emits the
/// difference between what it showed and what it shows.
///
/// A partition is one record of fixed size in a flat buffer, so that millions of them cost neither heap blocks nor chains of pointers.
/// A row that comes after the last place of a full partition is left out by its first sort key, before it is stored.
final class BoundedTopNOperator: Operator {
    private let spec: OperatorKind.TopN
    private let keys: KeyTable
    private let rows: RowStore
    private let encoded = EncodedKeys()
    /// By key slot a ``Head``, then the numbers of the rows shown, in order, copies repeated.
    private var records: UnsafeMutableRawPointer
    private var recordCapacity = 64
    private let recordBytes: Int
    private var epoch: UInt32 = 1
    /// Partitions touched in this epoch, and where in ``captured`` the rows are that each showed before.
    private var touched: [(slot: Int32, start: Int, count: Int32)] = []
    private var captured: [Int32] = []
    /// Rows that left a partition in this epoch: kept until the barrier, since they may have to be retracted.
    private var leaving: [Int32] = []
    private var pace = ExpiryPace()
    /// The first sort key, if its values are 64-bit integers: rows are mostly told apart by it.
    private let leadingKey: SortKey?
    /// A NULL has been seen in it.
    private var hasNullKeys = false

    private struct Head: BitwiseCopyable {
        /// Of the last row of a full partition, as ``normalised(_:)`` makes it; `Int64.max` if the partition is not full or that is NULL.
        var worst: Int64
        var count: Int32
        var touchedInEpoch: UInt32
    }

    /// Places of a partition at most; beyond, most of a record would often be empty.
    private static let limitMax = 16

    static func serves(_ spec: OperatorKind.TopN) -> Bool {
        spec.inputIsAppendOnly && spec.ranking == .rowNumber && (1...limitMax).contains(spec.limit)
    }

    init(_ spec: OperatorKind.TopN, types: [DataType]) {
        self.spec = spec
        keys = KeyTable(encoder: KeyEncoder(types: spec.partitionBy.map { types[$0] }, equality: .sql))
        rows = RowStore(types: types)
        recordBytes = (MemoryLayout<Head>.stride + 4 * spec.limit + 7) & ~7
        leadingKey = spec.orderBy.first.flatMap { types[$0.column].storage == .int64 ? $0 : nil }
        records = StateMemory.growRaw(nil, from: 0, to: 64 * recordBytes)
        for slot in 0..<64 { Self.clear(records + slot * recordBytes) }
    }

    deinit { StateMemory.freeRaw(records, bytes: recordCapacity * recordBytes) }

    // MARK: records

    private func clear(_ slots: Range<Int>) {
        for slot in slots { Self.clear(records + slot * recordBytes) }
    }

    private static func clear(_ record: UnsafeMutableRawPointer) {
        record.storeBytes(of: Head(worst: .max, count: 0, touchedInEpoch: 0), as: Head.self)
    }

    private func grow() {
        guard recordCapacity < Int(keys.slotEnd) else { return }
        let capacity = max(Int(keys.slotEnd), recordCapacity * 2)
        records = StateMemory.growRaw(records, from: recordCapacity * recordBytes, to: capacity * recordBytes)
        clear(recordCapacity..<capacity)
        recordCapacity = capacity
    }

    @inline(__always)
    private func head(_ slot: Int32) -> UnsafeMutablePointer<Head> {
        (records + Int(slot) &* recordBytes).assumingMemoryBound(to: Head.self)
    }

    @inline(__always)
    private func places(_ slot: Int32) -> UnsafeMutablePointer<Int32> {
        (records + Int(slot) &* recordBytes + MemoryLayout<Head>.stride).assumingMemoryBound(to: Int32.self)
    }

    // MARK: order

    /// A key of 64 bits such that the less comes first.
    @inline(__always)
    private func normalised(_ value: Int64) -> Int64 { leadingKey?.descending == true ? ~value : value }

    /// By the keys of the order, then all columns left to right, then what they print.
    private func order(_ a: Int32, _ b: Int32) -> Int {
        if a == b { return 0 }
        if let leadingKey, !hasNullKeys {
            let x = normalised(rows.timestamp(column: leadingKey.column, row: a))
            let y = normalised(rows.timestamp(column: leadingKey.column, row: b))
            if x != y { return x < y ? -1 : 1 }
        }
        let result = rows.compare(by: spec.orderBy, a, b)
        return result != 0 ? result : rows.compareWhole(a, b)
    }

    // MARK: input

    override func process(_ delta: Delta, port: Int, emit: (Delta) -> Void) {
        if let expiry = spec.expiry { pace.note(delta.columns[expiry.column]) }
        if let leadingKey, delta.columns[leadingKey.column].validity != nil { hasNullKeys = true }
        keys.encoder.encode(spec.partitionBy.map { delta.columns[$0] }, count: delta.count, into: encoded)
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: delta.count * 3) { memory in
            let base = memory.baseAddress.unsafelyUnwrapped
            let (slots, chosen, numbers) = (base, base + delta.count, base + 2 * delta.count)
            keys.findOrInsert(encoded, slots)
            grow()
            let count = choose(delta, slots, chosen)
            guard count > 0 else { return }
            rows.insert(delta.columns, rows: UnsafeBufferPointer(start: chosen, count: count), numbers: numbers)
            for index in 0..<count {
                add(numbers[index], weight: delta.weight(at: Int(chosen[index])), to: slots[Int(chosen[index])])
            }
        }
    }

    /// Writes the rows of a batch that may be among the first; returns how many they are.
    private func choose(_ delta: Delta, _ slots: UnsafeMutablePointer<Int32>, _ chosen: UnsafeMutablePointer<Int32>)
        -> Int
    {
        var count = 0
        func pass(_ row: Int) {
            if delta.weight(at: row) == 0 {
                // The key may be new: the barrier drops it if it has no rows.
                if head(slots[row]).pointee.count == 0 { touch(slots[row]) }
                return
            }
            chosen[count] = Int32(truncatingIfNeeded: row)
            count &+= 1
        }
        guard let leadingKey else {
            for row in 0..<delta.count { pass(row) }
            return count
        }
        let column = delta.columns[leadingKey.column]
        column.withValues(as: Int64.self) { values in
            for row in 0..<delta.count {
                if row &+ 8 < delta.count { cache_prefetch(records + Int(slots[row &+ 8]) &* recordBytes) }
                if normalised(values[row]) > head(slots[row]).pointee.worst, !column.isNull(row) { continue }
                pass(row)
            }
        }
        return count
    }

    /// Notes what a partition shows that is touched for the first time in this epoch.
    private func touch(_ slot: Int32) {
        let head = head(slot)
        guard head.pointee.touchedInEpoch != epoch else { return }
        head.pointee.touchedInEpoch = epoch
        touched.append((slot, captured.count, head.pointee.count))
        captured.append(contentsOf: UnsafeBufferPointer(start: places(slot), count: Int(head.pointee.count)))
        keys.noteChange(slot)
    }

    private func add(_ added: Int32, weight: Int64, to slot: Int32) {
        precondition(weight > 0, "append-only input takes nothing back")
        let (head, places) = (head(slot), places(slot))
        let (count, limit) = (Int(head.pointee.count), spec.limit)
        var place = count
        var isEqual = false
        while place > 0 {
            let result = order(added, places[place - 1])
            if result > 0 { break }
            if result == 0 {
                isEqual = true
                break
            }
            place -= 1
        }
        guard place < limit else { return rows.remove(added) }
        touch(slot)
        let number = isEqual ? places[place - 1] : added
        if isEqual { rows.remove(added) }
        let copies = Int(min(weight, Int64(limit - place)))
        // What no longer has a place goes at the barrier; copies of one row are beside each other.
        let kept = min(count, limit - copies)
        var last = kept > place ? places[kept - 1] : number
        for index in max(kept, place)..<max(count, place) where places[index] != last {
            last = places[index]
            leaving.append(last)
        }
        if kept > place { (places + place + copies).update(from: places + place, count: kept - place) }
        for index in place..<place + copies { places[index] = number }
        head.pointee.count = Int32(max(kept, place) + copies)
        guard head.pointee.count == limit, let leadingKey else { return }
        let worst = places[limit - 1]
        head.pointee.worst =
            rows.isNull(column: leadingKey.column, row: worst)
            ? .max : normalised(rows.timestamp(column: leadingKey.column, row: worst))
    }

    // MARK: barrier

    /// The rows, ranks and weights that the barrier emits.
    private struct Changes {
        var rows: [Int32] = []
        var ranks: [Int64] = []
        var weights: [Int64] = []

        mutating func append(_ row: Int32, _ rank: Int, _ weight: Int64) {
            rows.append(row)
            ranks.append(Int64(rank))
            weights.append(weight)
        }
    }

    override func flush(_ emit: (Delta) -> Void) {
        var changes = Changes()
        captured.withUnsafeBufferPointer { captured in
            for (slot, start, count) in touched {
                let before = UnsafeBufferPointer(rebasing: captured[start..<start + Int(count)])
                let now = UnsafeBufferPointer(start: places(slot), count: Int(head(slot).pointee.count))
                if spec.emitsRowNumber { compareRanks(before, now, &changes) } else { merge(before, now, &changes) }
                if changes.rows.count >= Delta.rowsMax { pass(&changes, emit) }
            }
        }
        pass(&changes, emit)
        for row in leaving { rows.remove(row) }
        leaving.removeAll(keepingCapacity: true)
        for (slot, _, _) in touched where head(slot).pointee.count == 0 { remove(slot) }
        touched.removeAll(keepingCapacity: true)
        captured.removeAll(keepingCapacity: true)
        epoch &+= 1
    }

    private func pass(_ changes: inout Changes, _ emit: (Delta) -> Void) {
        guard !changes.rows.isEmpty else { return }
        var columns = changes.rows.withUnsafeBufferPointer { rows.gather($0) }
        if spec.emitsRowNumber { columns.append(Column.bigints(changes.ranks)) }
        Delta(columns: columns, weights: Column.bigints(changes.weights), count: changes.rows.count).forEachBatch(emit)
        changes.rows.removeAll(keepingCapacity: true)
        changes.ranks.removeAll(keepingCapacity: true)
        changes.weights.removeAll(keepingCapacity: true)
    }

    /// A row that keeps its rank is not told.
    private func compareRanks(
        _ before: UnsafeBufferPointer<Int32>, _ now: UnsafeBufferPointer<Int32>, _ changes: inout Changes
    ) {
        for index in 0..<max(before.count, now.count) {
            if index < before.count, index < now.count, order(before[index], now[index]) == 0 { continue }
            if index < before.count { changes.append(before[index], index + 1, -1) }
            if index < now.count { changes.append(now[index], index + 1, 1) }
        }
    }

    /// Both lists are in order, so one pass finds what is in one only.
    private func merge(
        _ before: UnsafeBufferPointer<Int32>, _ now: UnsafeBufferPointer<Int32>, _ changes: inout Changes
    ) {
        var (i, j) = (0, 0)
        while i < before.count || j < now.count {
            let result = i == before.count ? 1 : j == now.count ? -1 : order(before[i], now[j])
            if result < 0 { changes.append(before[i], 0, -1) }
            if result > 0 { changes.append(now[j], 0, 1) }
            if result <= 0 { i += 1 }
            if result >= 0 { j += 1 }
        }
    }

    // MARK: expiry

    private func remove(_ slot: Int32) {
        clear(Int(slot)..<Int(slot) + 1)
        keys.remove(slot)
    }

    override func beginEpoch(watermarks: [String: Int64]) {
        guard let expiry = spec.expiry, let limit = Self.expiryLimit(expiry, watermarks),
            pace.isDue(limit: limit, entries: keys.count)
        else { return }
        pace.begin()
        for slot in keys.liveSlots() {
            // The expiry column is part of the partition's key, so one row speaks for all.
            let (count, places) = (Int(head(slot).pointee.count), places(slot))
            guard count > 0 else { continue }
            let time = rows.timestamp(column: expiry.column, row: places[0])
            if time > limit {
                pace.keep(time)
                continue
            }
            for index in 0..<count where index == 0 || places[index] != places[index - 1] { rows.remove(places[index]) }
            remove(slot)
        }
    }

    override var stateEntries: Int { rows.count }
    override var stateBytes: Int { rows.byteCount + keys.byteCount + recordCapacity * recordBytes }
}

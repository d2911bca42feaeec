internal import CXXHash

/// Rows indexed by key: what a join keeps of one side. Each key has a chain of rows with weights.
final class Arrangement {
    let rows: RowStore
    let encoded = EncodedKeys()
    let types: [DataType]
    private let key: [Int]
    /// Columns of the key that must not be NULL.
    private let strict: [Int]
    private let expiry: Expiry?
    private let keys: KeyTable
    /// Per key slot the first row of its chain, −1 for none.
    private var heads: UnsafeMutablePointer<Int32>
    private var headCapacity = 64
    /// Per row the next and the previous one of its chain (−1 for none), its key's slot and its weight.
    private var links: UnsafeMutablePointer<Link>
    private var linkCapacity = 64
    /// Rows by their full contents: made when the first retraction comes, since insertions do not need it.
    private var index: (table: KeyTable, rowOfSlot: ContiguousArray<Int32>, slotOfRow: ContiguousArray<Int32>)?
    private var pace = ExpiryPace()

    /// Each row's partners on the other side of a join are counted.
    let isTallied: Bool
    private var tallies: UnsafeMutablePointer<Tally>
    /// Rows whose partners have changed since the last ``settle(_:)``; some may be gone or come twice.
    private var touched: [Int32] = []

    /// What a row of a join has on the other side. What it shows downstream is its weight while `isShown` is as it is, so a row may
    /// change its weight or go at any time; only where ``hasPartner`` differs from it something has to be emitted.
    private struct Tally: BitwiseCopyable {
        /// The sum of the partners' weights; within an epoch it may be negative.
        var partners: Int64
        /// The row counts as having a partner.
        var isShown: Bool
        var isTouched: Bool

        init(partners: Int64) {
            self.partners = partners
            isShown = partners > 0
            isTouched = false
        }

        var hasPartner: Bool { partners > 0 }
    }

    private struct Link: BitwiseCopyable {
        var next: Int32
        var previous: Int32
        var slot: Int32
        var weight: Int64
    }

    init(types: [DataType], key: [Int], strict: [Int], expiry: Expiry?, isTallied: Bool) {
        self.types = types
        self.key = key
        self.strict = strict
        self.expiry = expiry
        self.isTallied = isTallied
        tallies = StateMemory.allocate(isTallied ? 64 : 0)
        rows = RowStore(types: types)
        heads = StateMemory.allocate(64)
        heads.initialize(repeating: -1, count: 64)
        links = StateMemory.allocate(64)
        keys = KeyTable(encoder: KeyEncoder(types: key.map { types[$0] }, equality: .sql))
    }

    deinit {
        StateMemory.free(heads, count: headCapacity)
        StateMemory.free(links, count: linkCapacity)
        StateMemory.free(tallies, count: isTallied ? linkCapacity : 0)
    }

    /// Bytes that an arrangement without rows may keep for those to come.
    private static let emptyBytesMax = 1 << 20

    /// This arrangement; or, between epochs, a new one if this one has no rows any more but much room for them.
    func renewedIfEmpty() -> Arrangement {
        guard rows.count == 0, byteCount > Self.emptyBytesMax else { return self }
        return Arrangement(types: types, key: key, strict: strict, expiry: expiry, isTallied: isTallied)
    }

    /// Makes room for all slots and row numbers in use.
    private func grow() {
        if headCapacity < Int(keys.slotEnd) {
            let capacity = max(Int(keys.slotEnd), headCapacity * 2)
            heads = StateMemory.grow(heads, from: headCapacity, to: capacity)
            (heads + headCapacity).initialize(repeating: -1, count: capacity - headCapacity)
            headCapacity = capacity
        }
        if linkCapacity < Int(rows.rowEnd) {
            let capacity = max(Int(rows.rowEnd), linkCapacity * 2)
            links = StateMemory.grow(links, from: linkCapacity, to: capacity)
            if isTallied { tallies = StateMemory.grow(tallies, from: linkCapacity, to: capacity) }
            linkCapacity = capacity
        }
    }

    /// Equal rows have been made one, and stay so.
    var isIndexed: Bool { index != nil }

    var byteCount: Int {
        rows.byteCount + keys.byteCount + headCapacity * 4 + linkCapacity * MemoryLayout<Link>.stride
            + (isTallied ? linkCapacity * MemoryLayout<Tally>.stride : 0)
            + (index.map { $0.table.byteCount + ($0.rowOfSlot.capacity + $0.slotOfRow.capacity) * 4 } ?? 0)
    }

    /// The rows of a batch that can have partners.
    func withoutNullKeys(_ delta: Delta) -> Delta {
        guard strict.contains(where: { delta.columns[$0].validity != nil }) else { return delta }
        let kept = (0..<delta.count).filter { row in strict.allSatisfy { !delta.columns[$0].isNull(row) } }.map {
            Int32($0)
        }
        return kept.count == delta.count ? delta : kept.withUnsafeBufferPointer { delta.gather($0) }
    }

    /// The other rows, which have none whatever comes.
    func withNullKeys(_ delta: Delta) -> Delta {
        let kept = (0..<delta.count).filter { row in strict.contains { delta.columns[$0].isNull(row) } }.map {
            Int32($0)
        }
        return kept.withUnsafeBufferPointer { delta.gather($0) }
    }

    /// Encodes the key columns of a batch into ``encoded``.
    func encode(_ delta: Delta) {
        keys.encoder.encode(key.map { delta.columns[$0] }, count: delta.count, into: encoded)
    }

    /// Finds the stored rows of each key of the other side's batch; calls `body` with pairs (row of the batch, stored row) and the
    /// stored rows' weights, at most ``Delta/rowsMax`` at a time.
    func match(
        _ other: EncodedKeys, until stop: StopFlag?,
        _ body: (UnsafeBufferPointer<Int32>, UnsafeBufferPointer<Int32>, UnsafeBufferPointer<Int64>) -> Void
    ) {
        guard rows.count > 0 else { return }
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: other.count + 2 * Delta.rowsMax) { memory in
            withUnsafeTemporaryAllocation(of: Int64.self, capacity: Delta.rowsMax) { weights in
                let base = memory.baseAddress.unsafelyUnwrapped
                let (batchRows, stored, slots) = (base, base + Delta.rowsMax, base + 2 * Delta.rowsMax)
                keys.find(other, slots)
                var count = 0
                func pass() {
                    body(
                        UnsafeBufferPointer(start: batchRows, count: count),
                        UnsafeBufferPointer(start: stored, count: count),
                        UnsafeBufferPointer(rebasing: weights[0..<count]))
                    count = 0
                }
                let (heads, links, matched) = (heads, links, other.count)
                for row in 0..<matched {
                    // The chain's first link and row are random places in memory: ask for them in two steps.
                    if row &+ 16 < matched, slots[row &+ 16] >= 0 { cache_prefetch(heads + Int(slots[row &+ 16])) }
                    if row &+ 8 < matched, slots[row &+ 8] >= 0 {
                        let next = heads[Int(slots[row &+ 8])]
                        if next >= 0 { cache_prefetch(links + Int(next)) }
                    }
                    guard slots[row] >= 0 else { continue }
                    var current = heads[Int(slots[row])]
                    while current >= 0 {
                        batchRows[count] = Int32(truncatingIfNeeded: row)
                        stored[count] = current
                        weights[count] = links[Int(current)].weight
                        count &+= 1
                        current = links[Int(current)].next
                        if count == Delta.rowsMax {
                            pass()
                            if stop?.isSet == true { return }
                        }
                    }
                }
                if count > 0 { pass() }
            }
        }
    }

    /// Keeps a batch whose keys ``encode(_:)`` has just encoded.
    ///
    /// Of a tallied arrangement `partners` holds the number of each row's partners, and `shown` gets 1 where the row counts as having one.
    /// Every stored row has been settled if the batch has weights.
    func add(
        _ delta: Delta, partners: UnsafeMutablePointer<Int64>? = nil, shown: UnsafeMutablePointer<UInt8>? = nil
    ) {
        if let expiry {
            pace.note(delta.columns[expiry.column])
        }
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: delta.count * 3) { memory in
            let base = memory.baseAddress.unsafelyUnwrapped
            let (slots, indices, numbers) = (base, base + delta.count, base + 2 * delta.count)
            keys.findOrInsert(encoded, slots)
            grow()
            for row in 0..<delta.count { indices[row] = Int32(row) }
            if delta.weights == nil, index == nil {
                rows.insert(
                    delta.columns, rows: UnsafeBufferPointer(start: indices, count: delta.count), numbers: numbers)
                grow()
                chain(numbers, slots, delta.count)
                if let partners, let shown {
                    for row in 0..<delta.count {
                        tallies[Int(numbers[row])] = Tally(partners: partners[row])
                        shown[row] = partners[row] > 0 ? 1 : 0
                    }
                }
                return
            }
            merge(delta, slots, indices, numbers, partners, shown)
        }
        for slot in emptied where keys.isLive(slot) && heads[Int(slot)] < 0 { keys.remove(slot) }
        emptied.removeAll(keepingCapacity: true)
    }

    /// Key slots that lost their last row while a batch was merged.
    private var emptied: [Int32] = []

    private func merge(
        _ delta: Delta, _ slots: UnsafeMutablePointer<Int32>, _ indices: UnsafeMutablePointer<Int32>,
        _ numbers: UnsafeMutablePointer<Int32>, _ partners: UnsafeMutablePointer<Int64>?,
        _ shown: UnsafeMutablePointer<UInt8>?
    ) {
        if index == nil { buildIndex() }
        guard let (table, storedRows, storedSlots) = index else { return }
        index = nil
        var rowOfSlot = storedRows
        var slotOfRow = storedSlots
        let exact = table.encoder.encode(delta.columns, count: delta.count)
        var rowSlots = [Int32](repeating: 0, count: delta.count)
        table.findOrInsert(exact, &rowSlots)
        if rowOfSlot.count < Int(table.slotEnd) {
            rowOfSlot.append(
                contentsOf: repeatElement(-1, count: max(Int(table.slotEnd) - rowOfSlot.count, rowOfSlot.count)))
        }
        // Slots whose row is gone are freed only after the batch: until then other rows of it may name them.
        var vacated: [Int32] = []
        for row in 0..<delta.count {
            let rowSlot = Int(rowSlots[row])
            let weight = delta.weight(at: row)
            let stored = rowOfSlot[rowSlot]
            if weight == 0 {
                if let shown { shown[row] = 2 }
                // Key and contents may be new: they go with the batch unless other rows need them.
                emptied.append(slots[row])
                vacated.append(Int32(rowSlot))
                continue
            }
            if stored >= 0 {
                if let shown { shown[row] = tallies[Int(stored)].isShown ? 1 : 0 }
                links[Int(stored)].weight += weight
                guard links[Int(stored)].weight == 0 else { continue }
                unlink(stored)
                rows.remove(stored)
                rowOfSlot[rowSlot] = -1
                vacated.append(Int32(rowSlot))
                continue
            }
            rows.insert(
                delta.columns, rows: UnsafeBufferPointer(start: indices + row, count: 1), numbers: numbers + row)
            grow()
            link(numbers[row], to: slots[row], weight: weight)
            if let partners, let shown {
                tallies[Int(numbers[row])] = Tally(partners: partners[row])
                shown[row] = partners[row] > 0 ? 1 : 0
            }
            rowOfSlot[rowSlot] = numbers[row]
            while slotOfRow.count <= Int(numbers[row]) { slotOfRow.append(-1) }
            slotOfRow[Int(numbers[row])] = Int32(rowSlot)
        }
        for slot in vacated where table.isLive(slot) && rowOfSlot[Int(slot)] < 0 { table.remove(slot) }
        index = (table, rowOfSlot, slotOfRow)
    }

    /// Indexes all rows by their contents, merging equal ones.
    private func buildIndex() {
        let table = KeyTable(encoder: KeyEncoder(types: types, equality: .exact))
        var rowOfSlot = ContiguousArray<Int32>()
        var slotOfRow = ContiguousArray<Int32>(repeating: -1, count: Int(rows.rowEnd))
        let live = liveRows()
        for start in stride(from: 0, to: live.count, by: Delta.rowsMax) {
            let numbers = Array(live[start..<min(start + Delta.rowsMax, live.count)])
            let columns = numbers.withUnsafeBufferPointer { rows.gather($0) }
            var slots = [Int32](repeating: 0, count: numbers.count)
            table.findOrInsert(table.encoder.encode(columns, count: numbers.count), &slots)
            while rowOfSlot.count < Int(table.slotEnd) { rowOfSlot.append(-1) }
            for (number, slot) in zip(numbers, slots) {
                if rowOfSlot[Int(slot)] >= 0 {
                    links[Int(rowOfSlot[Int(slot)])].weight += links[Int(number)].weight
                    unlink(number)
                    rows.remove(number)
                } else {
                    rowOfSlot[Int(slot)] = number
                    slotOfRow[Int(number)] = slot
                }
            }
        }
        index = (table, rowOfSlot, slotOfRow)
    }

    private func liveRows() -> [Int32] {
        keys.liveSlots().flatMap { slot -> [Int32] in
            var chain: [Int32] = []
            var current = heads[Int(slot)]
            while current >= 0 {
                chain.append(current)
                current = links[Int(current)].next
            }
            return chain
        }
    }

    private func link(_ number: Int32, to slot: Int32, weight: Int64) {
        let head = heads[Int(slot)]
        links[Int(number)] = Link(next: head, previous: -1, slot: slot, weight: weight)
        if head >= 0 { links[Int(head)].previous = number }
        heads[Int(slot)] = number
        keys.noteChange(slot)
    }

    /// Links rows of weight 1.
    private func chain(_ numbers: UnsafeMutablePointer<Int32>, _ slots: UnsafeMutablePointer<Int32>, _ count: Int) {
        let (heads, links) = (heads, links)
        for row in 0..<count {
            if row &+ 8 < count {
                cache_prefetch(heads + Int(slots[row &+ 8]))
            }
            let (number, slot) = (numbers[row], slots[row])
            let head = heads[Int(slot)]
            links[Int(number)] = Link(next: head, previous: -1, slot: slot, weight: 1)
            if head >= 0 { links[Int(head)].previous = number }
            heads[Int(slot)] = number
        }
        keys.noteChanges(UnsafeBufferPointer(start: slots, count: count))
    }

    private func unlink(_ number: Int32) {
        let link = links[Int(number)]
        if link.next >= 0 { links[Int(link.next)].previous = link.previous }
        if link.previous >= 0 { links[Int(link.previous)].next = link.next } else { heads[Int(link.slot)] = link.next }
        links[Int(number)].weight = 0
        keys.noteChange(link.slot)
        if heads[Int(link.slot)] < 0 { emptied.append(link.slot) }
    }

    // MARK: tallies

    /// Notes new partners of stored rows; `weight` gives the weight of the partner at a place of the list.
    func tally(_ stored: UnsafeBufferPointer<Int32>, weight: (Int) -> Int64) {
        for index in 0..<stored.count {
            let number = Int(stored[index])
            tallies[number].partners += weight(index)
            if !tallies[number].isTouched {
                tallies[number].isTouched = true
                touched.append(stored[index])
            }
        }
    }

    /// Passes on the rows that have found a first partner (true) or lost the last one since they were last passed on.
    func settle(_ body: (Delta, UnsafeBufferPointer<Bool>) -> Void) {
        guard !touched.isEmpty else { return }
        var changed: [Int32] = []
        var appeared: [Bool] = []
        for number in touched {
            let hasPartner = tallies[Int(number)].hasPartner
            tallies[Int(number)].isTouched = false
            // The weight of a row that is gone is zero; what reused its number is as it shows.
            guard tallies[Int(number)].isShown != hasPartner, links[Int(number)].weight != 0 else { continue }
            tallies[Int(number)].isShown = hasPartner
            changed.append(number)
            appeared.append(hasPartner)
        }
        touched.removeAll(keepingCapacity: true)
        for start in stride(from: 0, to: changed.count, by: Delta.rowsMax) {
            let end = min(start + Delta.rowsMax, changed.count)
            let columns = changed[start..<end].withUnsafeBufferPointer { rows.gather($0) }
            let weights = Column.bigints(changed[start..<end].map { links[Int($0)].weight })
            appeared[start..<end].withUnsafeBufferPointer {
                body(Delta(columns: columns, weights: weights, count: end - start), $0)
            }
        }
    }

    /// Drops the rows whose expiry column is at or below `limit`.
    func expire(through limit: Int64) {
        guard let expiry, pace.isDue(limit: limit, entries: rows.count) else { return }
        pace.begin()
        for number in liveRows() {
            let time = rows.timestamp(column: expiry.column, row: number)
            if time > limit {
                pace.keep(time)
                continue
            }
            unlink(number)
            rows.remove(number)
            if var current = index {
                index = nil
                let slot = current.slotOfRow[Int(number)]
                current.rowOfSlot[Int(slot)] = -1
                current.table.remove(slot)
                index = current
            }
        }
        for slot in emptied where keys.isLive(slot) && heads[Int(slot)] < 0 { keys.remove(slot) }
        emptied.removeAll(keepingCapacity: true)
    }
}

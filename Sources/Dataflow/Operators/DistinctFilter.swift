/// Which values a group's `DISTINCT` aggregate has: lets only the first insertion and the last retraction of a value through.
///
/// Of values that SQL calls equal the least encoding present counts. Where that matters (the scale of a sum of numerics, the fields
/// of a sum of intervals) all encodings are kept, and a change of the least is a retraction and an insertion.
final class DistinctFilter {
    /// (group slot, value) by SQL's equality.
    private var values: KeyTable
    private var entries = ContiguousArray<Entry>()
    /// Per group slot its first value, −1 for none.
    private var heads = ContiguousArray<Int32>()
    private let encoded = EncodedKeys()
    private let type: DataType
    /// Bytes that a filter without values may keep for those to come.
    private static let emptyBytesMax = 1 << 20
    private var decimals = ContiguousArray<SortedBag<Decimal>>()
    private var intervals = ContiguousArray<SortedBag<Interval>>()

    /// A value of a group, in the list of its group.
    private struct Entry: BitwiseCopyable {
        var weight: Int64 = 0
        var group: Int32 = -1
        var next: Int32 = -1
        var previous: Int32 = -1
    }

    init(_ type: DataType) {
        self.type = type
        values = KeyTable(encoder: KeyEncoder(types: [.integer, type], equality: .sql))
    }

    var count: Int { values.count }

    var byteCount: Int {
        values.byteCount + entries.capacity * MemoryLayout<Entry>.stride + heads.capacity * 4
            + (decimals.capacity + intervals.capacity) * 16
    }

    /// Calls `body` with the values that appear (+1) or disappear (−1).
    func changes(
        _ slots: UnsafeBufferPointer<Int32>, _ argument: Column, _ rowWeights: UnsafeBufferPointer<Int64>?,
        _ body: (UnsafeBufferPointer<Int32>, Column, UnsafeBufferPointer<Int64>?) -> Void
    ) {
        let groups = Column(type: .integer, count: slots.count) { (out: UnsafeMutableBufferPointer<Int32>) in
            for row in 0..<slots.count { out[row] = slots[row] }
        }
        values.encoder.encode([groups, argument], count: slots.count, into: encoded)
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: slots.count) { memory in
            let valueSlots = UnsafeBufferPointer(memory)
            values.findOrInsert(encoded, memory.baseAddress.unsafelyUnwrapped)
            link(slots, valueSlots)
            switch type {
            case .numeric: choose(slots, valueSlots, argument, rowWeights, &decimals, body)
            case .interval: choose(slots, valueSlots, argument, rowWeights, &intervals, body)
            default: count(slots, valueSlots, argument, rowWeights, body)
            }
            for slot in valueSlots where entries[Int(slot)].group >= 0 && isEmpty(Int(slot)) {
                unlink(slot)
                values.remove(slot)
            }
        }
        if values.count == 0, byteCount > Self.emptyBytesMax {
            values = KeyTable(encoder: values.encoder)
            (entries, heads, decimals, intervals) = ([], [], [], [])
        }
    }

    /// Values of one encoding each.
    private func count(
        _ slots: UnsafeBufferPointer<Int32>, _ valueSlots: UnsafeBufferPointer<Int32>, _ argument: Column,
        _ rowWeights: UnsafeBufferPointer<Int64>?,
        _ body: (UnsafeBufferPointer<Int32>, Column, UnsafeBufferPointer<Int64>?) -> Void
    ) {
        var changed: [Int32] = []
        var changedSlots: [Int32] = []
        var signs: [Int64] = []
        for row in 0..<slots.count {
            let slot = Int(valueSlots[row])
            let old = entries[slot].weight
            let new = old + (rowWeights?[row] ?? 1)
            entries[slot].weight = new
            if (old > 0) != (new > 0) {
                changed.append(Int32(row))
                changedSlots.append(slots[row])
                signs.append(new > 0 ? 1 : -1)
            }
        }
        guard !changed.isEmpty else { return }
        let column = changed.withUnsafeBufferPointer { argument.gather($0) }
        changedSlots.withUnsafeBufferPointer { slots in signs.withUnsafeBufferPointer { body(slots, column, $0) } }
    }

    /// Values of several encodings: the least with a positive weight stands for all.
    private func choose<Value: OrderedValue>(
        _ slots: UnsafeBufferPointer<Int32>, _ valueSlots: UnsafeBufferPointer<Int32>, _ argument: Column,
        _ rowWeights: UnsafeBufferPointer<Int64>?, _ bags: inout ContiguousArray<SortedBag<Value>>,
        _ body: (UnsafeBufferPointer<Int32>, Column, UnsafeBufferPointer<Int64>?) -> Void
    ) {
        while bags.count < entries.count { bags.append(SortedBag()) }
        let result = ColumnBuilder(type: type)
        var changedSlots: [Int32] = []
        var signs: [Int64] = []
        func note(_ value: Value, _ slot: Int32, _ sign: Int64) {
            result.append(value)
            changedSlots.append(slot)
            signs.append(sign)
        }
        argument.withValues(as: Value.self) { values in
            for row in 0..<slots.count {
                let slot = Int(valueSlots[row])
                let weight = rowWeights?[row] ?? 1
                let before = Self.least(bags[slot])
                entries[slot].weight += weight
                _ = bags[slot].add(values[row], weight: weight, order: Value.exactOrder)
                let after = Self.least(bags[slot])
                if let before, let after, Value.exactOrder(before, after) == 0 { continue }
                if let before { note(before, slots[row], -1) }
                if let after { note(after, slots[row], 1) }
            }
        }
        guard !signs.isEmpty else { return }
        let column = result.finish()
        changedSlots.withUnsafeBufferPointer { slots in signs.withUnsafeBufferPointer { body(slots, column, $0) } }
    }

    private static func least<Value>(_ bag: SortedBag<Value>) -> Value? {
        var found: Value?
        bag.forEach { value, weight in
            if weight > 0 { found = value }
            return found == nil
        }
        return found
    }

    private func isEmpty(_ slot: Int) -> Bool {
        guard entries[slot].weight == 0 else { return false }
        return switch type {
        case .numeric: decimals[slot].count == 0
        case .interval: intervals[slot].count == 0
        default: true
        }
    }

    private func link(_ groups: UnsafeBufferPointer<Int32>, _ valueSlots: UnsafeBufferPointer<Int32>) {
        let end = Int(values.slotEnd)
        if entries.count < end {
            entries.append(contentsOf: repeatElement(Entry(), count: max(end - entries.count, entries.count)))
        }
        for row in 0..<groups.count where entries[Int(valueSlots[row])].group < 0 {
            let (group, slot) = (Int(groups[row]), valueSlots[row])
            if heads.count <= group {
                heads.append(contentsOf: repeatElement(-1, count: max(group + 1 - heads.count, heads.count)))
            }
            entries[Int(slot)] = Entry(weight: 0, group: Int32(group), next: heads[group], previous: -1)
            if heads[group] >= 0 { entries[Int(heads[group])].previous = slot }
            heads[group] = slot
        }
    }

    private func unlink(_ slot: Int32) {
        let entry = entries[Int(slot)]
        if entry.next >= 0 { entries[Int(entry.next)].previous = entry.previous }
        if entry.previous >= 0 {
            entries[Int(entry.previous)].next = entry.next
        } else {
            heads[Int(entry.group)] = entry.next
        }
        entries[Int(slot)] = Entry()
    }

    /// Forgets a group's values.
    func clear(_ group: Int32) {
        guard Int(group) < heads.count else { return }
        while heads[Int(group)] >= 0 {
            let slot = heads[Int(group)]
            unlink(slot)
            if Int(slot) < decimals.count { decimals[Int(slot)] = SortedBag() }
            if Int(slot) < intervals.count { intervals[Int(slot)] = SortedBag() }
            values.remove(slot)
        }
    }
}

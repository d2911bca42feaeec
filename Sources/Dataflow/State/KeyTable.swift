internal import CXXHash
import Glibc

/// A hash table from encoded keys to dense slot numbers: open addressing over raw buffers, linear probing.
///
/// Slots are reused after removal; whoever keeps values per slot sizes its arrays by ``slotEnd``. Keys of a fixed stride lie at their
/// slot's place; others lie in one arena, which is packed again when more than half of it is dead. Slots changed since a mark can be
/// listed in key order, for snapshots.
package final class KeyTable {
    package let encoder: KeyEncoder
    /// Live keys.
    package private(set) var count = 0
    /// One past the highest slot ever used.
    package private(set) var slotEnd: Int32 = 0

    /// A place of the table: the slot + 1 (0 is empty, −1 a removed entry) and the upper half of the key's hash, so that keys are
    /// compared only when they are very likely equal.
    private struct Place: BitwiseCopyable {
        var slot: Int32
        var tag: UInt32
    }
    private var table: UnsafeMutablePointer<Place>
    private var mask: Int
    private var occupied = 0
    /// Places that a table has at least; a table of which fewer than one in so many places is live gets smaller when it is made anew.
    private static let (placesMin, sparseShare) = (128, 8)

    private struct Entry: BitwiseCopyable {
        var hash: UInt64
        /// The number of ``changeMark`` at the last change.
        var changed: UInt32
        var isLive: Bool
    }
    private var entries: UnsafeMutablePointer<Entry>
    private var entryCapacity: Int
    private var freeSlots: [Int32] = []

    /// Bytes per key, if all are of one length.
    private let stride: Int?
    private var arena: UnsafeMutablePointer<UInt8>
    private var arenaCapacity: Int
    private var arenaUsed = 0
    private var arenaDead = 0
    /// Where the keys of no fixed stride lie in the arena.
    private var spans: UnsafeMutablePointer<Span>

    private struct Span: BitwiseCopyable {
        var offset: Int
        var length: Int
    }

    /// The number given to changes from now on.
    package private(set) var changeMark: UInt32 = 1

    package init(encoder: KeyEncoder) {
        self.encoder = encoder
        stride = encoder.stride
        mask = Self.placesMin - 1
        entryCapacity = 64
        table = StateMemory.allocate(Self.placesMin)
        table.initialize(repeating: Place(slot: 0, tag: 0), count: Self.placesMin)
        entries = StateMemory.allocate(64)
        spans = StateMemory.allocate(encoder.stride == nil ? 64 : 1)
        arenaCapacity = encoder.stride.map { $0 * 64 } ?? 1024
        arena = StateMemory.allocate(max(arenaCapacity, 1))
    }

    deinit {
        StateMemory.free(table, count: mask + 1)
        StateMemory.free(entries, count: entryCapacity)
        StateMemory.free(spans, count: stride == nil ? entryCapacity : 1)
        StateMemory.free(arena, count: arenaCapacity)
    }

    package var byteCount: Int {
        (mask + 1) * MemoryLayout<Place>.stride + entryCapacity * MemoryLayout<Entry>.stride + arenaCapacity
            + (stride == nil ? entryCapacity * MemoryLayout<Span>.stride : 0)
    }

    /// Rows by which the probe runs ahead to ask for the table's cache lines, and half way for the keys'.
    private static var lookAhead: Int { 16 }

    /// Writes the slot of each key, making new ones.
    package func findOrInsert(_ keys: EncodedKeys, _ slots: UnsafeMutablePointer<Int32>) {
        var row = 0
        while row < keys.count {
            // Growing moves everything, so it happens between rows that surely fit.
            let room = (mask + 1) * 5 / 8 - occupied
            if room <= 0 {
                rebuild()
                continue
            }
            let end = min(keys.count, row + room)
            probe(keys, row..<end, slots, inserts: true)
            row = end
        }
    }

    /// Writes the slot of each key, −1 where there is none.
    package func find(_ keys: EncodedKeys, _ slots: UnsafeMutablePointer<Int32>) {
        probe(keys, 0..<keys.count, slots, inserts: false)
    }

    private func probe(_ keys: EncodedKeys, _ rows: Range<Int>, _ slots: UnsafeMutablePointer<Int32>, inserts: Bool) {
        switch stride {
        case 9:
            probe(keys, rows, slots, inserts) {
                $0.loadUnaligned(as: UInt64.self) == $1.loadUnaligned(as: UInt64.self)
                    && $0.load(fromByteOffset: 8, as: UInt8.self) == $1.load(fromByteOffset: 8, as: UInt8.self)
            }
        case 5:
            probe(keys, rows, slots, inserts) {
                $0.loadUnaligned(as: UInt32.self) == $1.loadUnaligned(as: UInt32.self)
                    && $0.load(fromByteOffset: 4, as: UInt8.self) == $1.load(fromByteOffset: 4, as: UInt8.self)
            }
        case let stride?: probe(keys, rows, slots, inserts) { memcmp($0, $1, stride) == 0 }
        case nil: probeText(keys, rows, slots, inserts)
        }
    }

    /// Keys of a fixed stride.
    @inline(__always)
    private func probe(
        _ keys: EncodedKeys, _ rows: Range<Int>, _ slots: UnsafeMutablePointer<Int32>, _ inserts: Bool,
        _ isEqual: (UnsafeRawPointer, UnsafeRawPointer) -> Bool
    ) {
        let stride = stride ?? 0
        let (table, mask, hashes, count) = (table, mask, keys.hashes, keys.count)
        let bytes = UnsafeRawPointer(keys.bytes)
        for row in rows {
            if row &+ Self.lookAhead < count {
                cache_prefetch(table + Int(truncatingIfNeeded: hashes[row &+ Self.lookAhead]) & mask)
                let next = table[Int(truncatingIfNeeded: hashes[row &+ Self.lookAhead / 2]) & mask].slot
                if next > 0 { cache_prefetch(arena + Int(next &- 1) &* stride) }
            }
            let hash = hashes[row]
            let tag = UInt32(truncatingIfNeeded: hash >> 32)
            let key = bytes + row &* stride
            var position = Int(truncatingIfNeeded: hash) & mask
            var reusable = -1
            var found: Int32 = -1
            while true {
                let place = table[position]
                if place.slot == 0 { break }
                if place.slot < 0 {
                    if reusable < 0 { reusable = position }
                } else if place.tag == tag, isEqual(UnsafeRawPointer(arena + Int(place.slot &- 1) &* stride), key) {
                    found = place.slot &- 1
                    break
                }
                position = (position &+ 1) & mask
            }
            if found < 0, inserts { found = insert(hash, keys, row, at: position, reusing: reusable) }
            slots[row] = found
        }
    }

    /// Keys of different lengths.
    private func probeText(
        _ keys: EncodedKeys, _ rows: Range<Int>, _ slots: UnsafeMutablePointer<Int32>, _ inserts: Bool
    ) {
        let (table, mask, hashes, count) = (table, mask, keys.hashes, keys.count)
        for row in rows {
            if row &+ Self.lookAhead < count {
                cache_prefetch(table + Int(truncatingIfNeeded: hashes[row &+ Self.lookAhead]) & mask)
            }
            let hash = hashes[row]
            let tag = UInt32(truncatingIfNeeded: hash >> 32)
            let start = keys.offsets[row]
            let length = keys.offsets[row &+ 1] &- start
            var position = Int(truncatingIfNeeded: hash) & mask
            var reusable = -1
            var found: Int32 = -1
            while true {
                let place = table[position]
                if place.slot == 0 { break }
                if place.slot < 0 {
                    if reusable < 0 { reusable = position }
                } else if place.tag == tag {
                    let span = spans[Int(place.slot &- 1)]
                    if span.length == length, memcmp(arena + span.offset, keys.bytes + start, length) == 0 {
                        found = place.slot &- 1
                        break
                    }
                }
                position = (position &+ 1) & mask
            }
            if found < 0, inserts { found = insert(hash, keys, row, at: position, reusing: reusable) }
            slots[row] = found
        }
    }

    /// Takes a slot for a key that is not there, at the end of its probe.
    @inline(never)
    private func insert(_ hash: UInt64, _ keys: EncodedKeys, _ row: Int, at position: Int, reusing reusable: Int)
        -> Int32
    {
        let start = keys.offsets[row]
        let slot = makeEntry(hash, keys.bytes + start, keys.offsets[row + 1] - start)
        if reusable < 0 { occupied += 1 }
        table[reusable < 0 ? position : reusable] = Place(slot: slot + 1, tag: UInt32(truncatingIfNeeded: hash >> 32))
        count += 1
        return slot
    }

    /// Frees a live slot.
    package func remove(_ slot: Int32) {
        let entry = entries[Int(slot)]
        precondition(slot < slotEnd && entry.isLive, "slot \(slot) is free")
        var position = Int(truncatingIfNeeded: entry.hash) & mask
        while table[position].slot != slot + 1 { position = (position + 1) & mask }
        // An entry before an empty place needs no mark.
        if table[(position + 1) & mask].slot == 0 {
            table[position].slot = 0
            occupied -= 1
        } else {
            table[position].slot = -1
        }
        entries[Int(slot)].isLive = false
        freeSlots.append(slot)
        count -= 1
        if stride == nil {
            arenaDead += spans[Int(slot)].length
            if arenaDead > 4096, arenaDead * 2 > arenaUsed { packArena() }
        }
    }

    package func isLive(_ slot: Int32) -> Bool { slot < slotEnd && entries[Int(slot)].isLive }

    package func hash(of slot: Int32) -> UInt64 { entries[Int(slot)].hash }

    /// The key's bytes, until the table changes.
    package func bytes(of slot: Int32) -> UnsafePointer<UInt8> {
        UnsafePointer(arena + (stride.map { $0 * Int(slot) } ?? spans[Int(slot)].offset))
    }

    private func length(of slot: Int32) -> Int { stride ?? spans[Int(slot)].length }

    /// The keys of live slots as columns.
    package func decode(_ slots: UnsafeBufferPointer<Int32>) -> [Column] {
        encoder.decode(slots.count) { bytes(of: slots[$0]) }
    }

    /// All live slots, ascending.
    package func liveSlots() -> [Int32] {
        var slots: [Int32] = []
        slots.reserveCapacity(count)
        for slot in 0..<slotEnd where entries[Int(slot)].isLive { slots.append(slot) }
        return slots
    }

    /// Notes that the slot's value changed.
    @inline(__always)
    package func noteChange(_ slot: Int32) { entries[Int(slot)].changed = changeMark }

    /// Notes that the values of these slots changed.
    package func noteChanges(_ slots: UnsafeBufferPointer<Int32>) {
        let (entries, mark) = (entries, changeMark)
        for slot in slots { entries[Int(slot)].changed = mark }
    }

    /// Begins a new number for changes and returns it.
    package func advanceMark() -> UInt32 {
        changeMark += 1
        return changeMark
    }

    /// Live slots changed at or after `mark`, ordered by (vnode, key bytes).
    package func changedSlots(since mark: UInt32) -> [Int32] {
        liveSlots().filter { entries[Int($0)].changed >= mark }.sorted { first, second in
            let (a, b) = (entries[Int(first)], entries[Int(second)])
            if a.hash >> 56 != b.hash >> 56 { return a.hash >> 56 < b.hash >> 56 }
            let (x, y) = (length(of: first), length(of: second))
            let order = memcmp(bytes(of: first), bytes(of: second), min(x, y))
            return order != 0 ? order < 0 : x < y
        }
    }

    private func makeEntry(_ hash: UInt64, _ key: UnsafeMutablePointer<UInt8>, _ length: Int) -> Int32 {
        let slot: Int32
        if let free = freeSlots.popLast() {
            slot = free
        } else {
            slot = slotEnd
            slotEnd += 1
            if Int(slotEnd) > entryCapacity { growEntries() }
        }
        entries[Int(slot)] = Entry(hash: hash, changed: changeMark, isLive: true)
        if let stride {
            (arena + Int(slot) * stride).update(from: key, count: stride)
            return slot
        }
        if arenaUsed + length > arenaCapacity { growArena(to: max(arenaCapacity * 2, arenaUsed + length)) }
        (arena + arenaUsed).update(from: key, count: length)
        spans[Int(slot)] = Span(offset: arenaUsed, length: length)
        arenaUsed += length
        return slot
    }

    private func growEntries() {
        entries = StateMemory.grow(entries, from: entryCapacity, to: entryCapacity * 2)
        if let stride {
            arenaUsed = entryCapacity * stride
            growArena(to: entryCapacity * 2 * stride)
        } else {
            spans = StateMemory.grow(spans, from: entryCapacity, to: entryCapacity * 2)
        }
        entryCapacity *= 2
    }

    private func growArena(to capacity: Int) {
        arena = StateMemory.grow(arena, from: arenaCapacity, to: capacity)
        arenaCapacity = capacity
    }

    /// Makes the table anew: twice as large if it is full of live entries, of the same size if of removed ones, smaller if few are live.
    private func rebuild() {
        var capacity = count * 2 > mask + 1 ? (mask + 1) * 2 : mask + 1
        while capacity > Self.placesMin, count * Self.sparseShare < capacity { capacity /= 2 }
        StateMemory.free(table, count: mask + 1)
        table = StateMemory.allocate(capacity)
        table.initialize(repeating: Place(slot: 0, tag: 0), count: capacity)
        mask = capacity - 1
        for slot in 0..<slotEnd where entries[Int(slot)].isLive {
            let hash = entries[Int(slot)].hash
            var position = Int(truncatingIfNeeded: hash) & mask
            while table[position].slot != 0 { position = (position + 1) & mask }
            table[position] = Place(slot: slot + 1, tag: UInt32(truncatingIfNeeded: hash >> 32))
        }
        occupied = count
    }

    private func packArena() {
        let live = arenaUsed - arenaDead
        let capacity = max(live + live / 2, 1024)
        let packed = StateMemory.allocate(capacity, of: UInt8.self)
        var used = 0
        for slot in 0..<slotEnd where entries[Int(slot)].isLive {
            let span = spans[Int(slot)]
            (packed + used).update(from: arena + span.offset, count: span.length)
            spans[Int(slot)].offset = used
            used += span.length
        }
        StateMemory.free(arena, count: arenaCapacity)
        (arena, arenaCapacity) = (packed, capacity)
        arenaUsed = used
        arenaDead = 0
    }
}

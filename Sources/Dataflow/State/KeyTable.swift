import Glibc

/// A hash table from encoded keys to dense slot numbers: open addressing over raw buffers, linear probing.
///
/// Slots are reused after removal; whoever keeps values per slot sizes its arrays by ``slotEnd``. Keys lie in one arena, which is
/// packed again when more than half of it is dead. Slots changed since a mark can be listed in key order, for snapshots.
package final class KeyTable {
    package let encoder: KeyEncoder
    /// Live keys.
    package private(set) var count = 0
    /// One past the highest slot ever used.
    package private(set) var slotEnd: Int32 = 0

    /// Slot + 1; 0 is empty, −1 a removed entry.
    private var table: UnsafeMutablePointer<Int32>
    private var mask: Int
    private var occupied = 0

    private struct Entry: BitwiseCopyable {
        var hash: UInt64
        var offset: Int
        /// −1 for a free slot.
        var length: Int32
        /// The number of ``changeMark`` at the last change.
        var changed: UInt32
    }
    private var entries: UnsafeMutablePointer<Entry>
    private var entryCapacity = 64
    private var freeSlots: [Int32] = []
    private var arena: UnsafeMutablePointer<UInt8>
    private var arenaCapacity = 1024
    private var arenaUsed = 0
    private var arenaDead = 0
    /// The number given to changes from now on.
    package private(set) var changeMark: UInt32 = 1

    package init(encoder: KeyEncoder) {
        self.encoder = encoder
        mask = 127
        table = .allocate(capacity: 128)
        table.initialize(repeating: 0, count: 128)
        entries = .allocate(capacity: entryCapacity)
        arena = .allocate(capacity: arenaCapacity)
    }

    deinit {
        table.deallocate()
        entries.deallocate()
        arena.deallocate()
    }

    package var byteCount: Int { (mask + 1) * 4 + entryCapacity * MemoryLayout<Entry>.stride + arenaCapacity }

    /// Writes the slot of each key, making new ones; `isNew` is called for each slot made, in row order.
    package func findOrInsert(
        _ keys: EncodedKeys, _ slots: UnsafeMutablePointer<Int32>, isNew: (Int32) -> Void = { _ in }
    ) {
        var row = 0
        while row < keys.count {
            // Growing moves everything, so it happens between rows that surely fit.
            let room = (mask + 1) * 5 / 8 - occupied
            if room <= 0 {
                rebuild()
                continue
            }
            let end = min(keys.count, row + room)
            while row < end {
                let ahead = row + 8
                if ahead < keys.count { prefetch(table + Int(truncatingIfNeeded: keys.hashes[ahead]) & mask) }
                let hash = keys.hashes[row]
                let start = keys.offsets[row]
                let length = keys.offsets[row + 1] - start
                let key = keys.bytes + start
                var position = Int(truncatingIfNeeded: hash) & mask
                var reusable = -1
                while true {
                    let found = table[position]
                    if found == 0 { break }
                    if found < 0 {
                        if reusable < 0 { reusable = position }
                    } else if matches(found - 1, hash, key, length) {
                        break
                    }
                    position = (position + 1) & mask
                }
                if table[position] > 0 {
                    slots[row] = table[position] - 1
                } else {
                    if reusable >= 0 { position = reusable } else { occupied += 1 }
                    let slot = makeEntry(hash, key, length)
                    table[position] = slot + 1
                    slots[row] = slot
                    count += 1
                    isNew(slot)
                }
                row += 1
            }
        }
    }

    /// Writes the slot of each key, −1 where there is none.
    package func find(_ keys: EncodedKeys, _ slots: UnsafeMutablePointer<Int32>) {
        for row in 0..<keys.count {
            let ahead = row + 8
            if ahead < keys.count { prefetch(table + Int(truncatingIfNeeded: keys.hashes[ahead]) & mask) }
            let hash = keys.hashes[row]
            let start = keys.offsets[row]
            let length = keys.offsets[row + 1] - start
            var position = Int(truncatingIfNeeded: hash) & mask
            slots[row] = -1
            while true {
                let found = table[position]
                if found == 0 { break }
                if found > 0, matches(found - 1, hash, keys.bytes + start, length) {
                    slots[row] = found - 1
                    break
                }
                position = (position + 1) & mask
            }
        }
    }

    /// Frees a live slot.
    package func remove(_ slot: Int32) {
        let entry = entries[Int(slot)]
        precondition(entry.length >= 0, "slot \(slot) is free")
        var position = Int(truncatingIfNeeded: entry.hash) & mask
        while table[position] != slot + 1 { position = (position + 1) & mask }
        // An entry before an empty position needs no mark.
        if table[(position + 1) & mask] == 0 {
            table[position] = 0
            occupied -= 1
        } else {
            table[position] = -1
        }
        arenaDead += Int(entry.length)
        entries[Int(slot)].length = -1
        freeSlots.append(slot)
        count -= 1
        if arenaDead > 4096, arenaDead * 2 > arenaUsed { packArena() }
    }

    package func isLive(_ slot: Int32) -> Bool { slot < slotEnd && entries[Int(slot)].length >= 0 }

    package func hash(of slot: Int32) -> UInt64 { entries[Int(slot)].hash }

    /// The key's bytes, until the table changes.
    package func bytes(of slot: Int32) -> UnsafePointer<UInt8> { UnsafePointer(arena + entries[Int(slot)].offset) }

    /// The keys of live slots as columns.
    package func decode(_ slots: UnsafeBufferPointer<Int32>) -> [Column] {
        encoder.decode(slots.count) { bytes(of: slots[$0]) }
    }

    /// All live slots, ascending.
    package func liveSlots() -> [Int32] {
        var slots: [Int32] = []
        slots.reserveCapacity(count)
        for slot in 0..<slotEnd where entries[Int(slot)].length >= 0 { slots.append(slot) }
        return slots
    }

    /// Notes that the slot's value changed.
    @inline(__always)
    package func noteChange(_ slot: Int32) { entries[Int(slot)].changed = changeMark }

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
            let order = memcmp(arena + a.offset, arena + b.offset, Int(min(a.length, b.length)))
            return order != 0 ? order < 0 : a.length < b.length
        }
    }

    @inline(__always)
    private func matches(_ slot: Int32, _ hash: UInt64, _ key: UnsafeMutablePointer<UInt8>, _ length: Int) -> Bool {
        let entry = entries[Int(slot)]
        return entry.hash == hash && Int(entry.length) == length && memcmp(arena + entry.offset, key, length) == 0
    }

    /// Touches the cache line so that the probe some rows later finds it there.
    @inline(__always)
    private func prefetch(_ pointer: UnsafeMutablePointer<Int32>) {
        _ = pointer.pointee
    }

    private func makeEntry(_ hash: UInt64, _ key: UnsafeMutablePointer<UInt8>, _ length: Int) -> Int32 {
        if arenaUsed + length > arenaCapacity {
            arenaCapacity = max(arenaCapacity * 2, arenaUsed + length)
            let grown = UnsafeMutablePointer<UInt8>.allocate(capacity: arenaCapacity)
            grown.update(from: arena, count: arenaUsed)
            arena.deallocate()
            arena = grown
        }
        (arena + arenaUsed).update(from: key, count: length)
        let slot: Int32
        if let free = freeSlots.popLast() {
            slot = free
        } else {
            slot = slotEnd
            slotEnd += 1
            if Int(slotEnd) > entryCapacity {
                let grown = UnsafeMutablePointer<Entry>.allocate(capacity: entryCapacity * 2)
                grown.update(from: entries, count: entryCapacity)
                entries.deallocate()
                entries = grown
                entryCapacity *= 2
            }
        }
        entries[Int(slot)] = Entry(hash: hash, offset: arenaUsed, length: Int32(length), changed: changeMark)
        arenaUsed += length
        return slot
    }

    /// Makes the table anew: twice as large if it is full of live entries, of the same size if of removed ones.
    private func rebuild() {
        let capacity = count * 2 > mask + 1 ? (mask + 1) * 2 : mask + 1
        table.deallocate()
        table = .allocate(capacity: capacity)
        table.initialize(repeating: 0, count: capacity)
        mask = capacity - 1
        for slot in 0..<slotEnd where entries[Int(slot)].length >= 0 {
            var position = Int(truncatingIfNeeded: entries[Int(slot)].hash) & mask
            while table[position] != 0 { position = (position + 1) & mask }
            table[position] = slot + 1
        }
        occupied = count
    }

    private func packArena() {
        let live = arenaUsed - arenaDead
        arenaCapacity = max(live + live / 2, 1024)
        let packed = UnsafeMutablePointer<UInt8>.allocate(capacity: arenaCapacity)
        var used = 0
        for slot in 0..<slotEnd where entries[Int(slot)].length >= 0 {
            let entry = entries[Int(slot)]
            (packed + used).update(from: arena + entry.offset, count: Int(entry.length))
            entries[Int(slot)].offset = used
            used += Int(entry.length)
        }
        arena.deallocate()
        arena = packed
        arenaUsed = used
        arenaDead = 0
    }
}

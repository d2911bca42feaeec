/// The sum of Z-sets: each row once, with the sum of its weights; rows whose weights cancel are gone.
package enum Consolidation {
    /// Batches of at most ``Delta/rowsMax`` rows.
    package static func consolidate(_ deltas: [Delta], types: [DataType]) -> [Delta] {
        let table = KeyTable(encoder: KeyEncoder(types: types, equality: .exact))
        var weights = ContiguousArray<Int64>()
        let encoded = EncodedKeys()
        for delta in deltas where delta.count > 0 {
            table.encoder.encode(delta.columns, count: delta.count, into: encoded)
            var slots = [Int32](repeating: 0, count: delta.count)
            table.findOrInsert(encoded, &slots)
            while weights.count < Int(table.slotEnd) { weights.append(0) }
            for row in 0..<delta.count { weights[Int(slots[row])] += delta.weight(at: row) }
        }
        return batches(of: table.liveSlots().filter { weights[Int($0)] != 0 }, table) { weights[Int($0)] }
    }

    /// Slots of a table of whole rows as batches with weights.
    static func batches(of slots: [Int32], _ table: KeyTable, weight: (Int32) -> Int64) -> [Delta] {
        stride(from: 0, to: slots.count, by: Delta.rowsMax).map { start in
            let part = Array(slots[start..<min(start + Delta.rowsMax, slots.count)])
            let columns = part.withUnsafeBufferPointer { table.decode($0) }
            guard part.contains(where: { weight($0) != 1 }) else { return Delta(columns: columns, count: part.count) }
            let weights = Column(type: .bigint, count: part.count) { (out: UnsafeMutableBufferPointer<Int64>) in
                for row in 0..<part.count { out[row] = weight(part[row]) }
            }
            return Delta(columns: columns, weights: weights, count: part.count)
        }
    }
}

/// Puts rows of frequent keys together before an exchange sends them, so that a key that half of all rows have does not make the worker
/// that owns it the slowest; and rows that agree before each is copied to its windows.
///
/// What goes out stands for the same results of the aggregates behind: rows that agree in what must stay become one row
/// with the sum of their weights, and columns of which only sums are asked have the sum in one row of weight 1 and 0 in the rest. It keeps
/// nothing from batch to batch, and where no key is frequent it costs a count per row.
package final class Combiner {
    private let spec: OperatorKind.Combine
    private let types: [DataType]
    /// Of the columns that must stay, and of whether each of the others is NULL.
    private let encoder: KeyEncoder
    private let encoded = EncodedKeys()
    private let kept: [Int]
    private let flagged: [Int]
    private let sums: [Int]
    private let extremes: [Int]
    private var counters = [UInt16](repeating: 0, count: 1024)

    /// Batches of fewer rows go as they are.
    private static let rowsMin = 512
    /// A key is frequent if one in so many rows has it, or shares its counter with those that do.
    private static let share = 16

    package init(_ spec: OperatorKind.Combine, types: [DataType]) {
        self.spec = spec
        self.types = types
        func columns(_ roles: OperatorKind.Combine.Role...) -> [Int] {
            spec.roles.indices.filter { roles.contains(spec.roles[$0]) }
        }
        kept = columns(.kept)
        flagged = columns(.presence, .sum, .least, .greatest)
        sums = columns(.sum)
        extremes = columns(.least, .greatest)
        encoder = KeyEncoder(
            types: kept.map { types[$0] } + flagged.map { _ in DataType.boolean }, equality: .exact)
    }

    /// The same rows, those of frequent keys put together; nil if no key is. `hashes` are those of the exchange's keys.
    package func combined(_ delta: Delta, hashes: UnsafePointer<UInt64>) -> [Delta]? {
        guard delta.count >= Self.rowsMin, delta.count < 1 << 16 else { return nil }
        for index in counters.indices { counters[index] = 0 }
        for row in 0..<delta.count { counters[Int(hashes[row] >> 54)] &+= 1 }
        let least = UInt16(delta.count / Self.share)
        guard counters.contains(where: { $0 >= least }) else { return nil }
        var frequent: [Int32] = []
        var rest: [Int32] = []
        for row in 0..<delta.count {
            if counters[Int(hashes[row] >> 54)] >= least {
                frequent.append(Int32(row))
            } else {
                rest.append(Int32(row))
            }
        }
        let part = frequent.count == delta.count ? delta : frequent.withUnsafeBufferPointer { delta.gather($0) }
        let made = combine(part)
        return rest.isEmpty ? made : [rest.withUnsafeBufferPointer { delta.gather($0) }] + made
    }

    /// The same rows, all that agree put together.
    func combinedAll(_ delta: Delta) -> [Delta] { combine(delta) }

    // MARK: rows that agree

    /// What is known of rows that agree.
    private struct Group {
        /// One of them.
        var row: Int32
        var weight: Int64 = 0
    }

    /// Rows to go out: which row's columns they have, and the values of the summed and extreme ones.
    private struct Output {
        var rows: [Int32] = []
        var weights: [Int64] = []
        var sums: [[Int64]]
        var extremes: [[Int64]]
    }

    private func combine(_ delta: Delta) -> [Delta] {
        let slots = self.slots(delta)
        let slotCount = Int(slots.max() ?? -1) + 1
        var groups: [Group?] = Array(repeating: nil, count: slotCount)
        for row in 0..<delta.count {
            let slot = Int(slots[row])
            if groups[slot] == nil { groups[slot] = Group(row: Int32(row)) }
            groups[slot]?.weight += delta.weight(at: row)
        }
        let values = sums.map { Self.integers(delta.columns[$0]) }
        var totals = sums.map { _ in [Int64](repeating: 0, count: slotCount) }
        var output = Output(sums: sums.map { _ in [] }, extremes: extremes.map { _ in [] })
        let best = extremes.map { column in extreme(delta.columns[column], slots, slotCount, spec.roles[column]) }
        func put(_ row: Int32, _ weight: Int64, _ slot: Int, _ sum: (Int) -> Int64) {
            output.rows.append(row)
            output.weights.append(weight)
            for index in sums.indices { output.sums[index].append(sum(index)) }
            for index in extremes.indices { output.extremes[index].append(best[index][slot]) }
        }
        func isZero(_ slot: Int) -> Bool { totals.allSatisfy { $0[slot] == 0 } }
        /// The sums so far leave in a row of their own.
        func flush(_ slot: Int) {
            guard let group = groups[slot], !isZero(slot) else { return }
            put(group.row, 1, slot) { totals[$0][slot] }
            for index in totals.indices { totals[index][slot] = 0 }
            groups[slot]?.weight -= 1
        }
        if !sums.isEmpty {
            for row in 0..<delta.count {
                let (slot, weight) = (Int(slots[row]), delta.weight(at: row))
                if add(values, row, weight, &totals, slot) { continue }
                flush(slot)
                if add(values, row, weight, &totals, slot) { continue }
                // Not even one row's product fits: it goes as it is.
                put(Int32(row), weight, slot) { values[$0][row] }
                groups[slot]?.weight -= weight
            }
        }
        for slot in 0..<slotCount {
            flush(slot)
            if let group = groups[slot], group.weight != 0 { put(group.row, group.weight, slot) { _ in 0 } }
        }
        return rows(output, delta)
    }

    /// Adds a row's values, so often, to the sums of its group, if all still fit their types.
    private func add(_ values: [[Int64]], _ row: Int, _ weight: Int64, _ totals: inout [[Int64]], _ slot: Int) -> Bool {
        for index in sums.indices {
            let (product, isLarge) = values[index][row].multipliedReportingOverflow(by: weight)
            let (sum, isLarger) = totals[index][slot].addingReportingOverflow(product)
            if isLarge || isLarger || !Self.fits(sum, types[sums[index]]) { return false }
        }
        for index in sums.indices { totals[index][slot] += values[index][row] * weight }
        return true
    }

    private func slots(_ delta: Delta) -> [Int32] {
        let flags = flagged.map { column -> Column in
            Column(type: .boolean, count: delta.count) { (out: UnsafeMutableBufferPointer<UInt8>) in
                for row in 0..<delta.count { out[row] = delta.columns[column].isNull(row) ? 1 : 0 }
            }
        }
        encoder.encode(kept.map { delta.columns[$0] } + flags, count: delta.count, into: encoded)
        let table = KeyTable(encoder: encoder)
        var slots = [Int32](repeating: 0, count: delta.count)
        table.findOrInsert(encoded, &slots)
        return slots
    }

    private func extreme(_ column: Column, _ slots: [Int32], _ slotCount: Int, _ role: OperatorKind.Combine.Role)
        -> [Int64]
    {
        let values = Self.integers(column)
        var best = [Int64](repeating: role == .least ? .max : .min, count: slotCount)
        for row in values.indices {
            let slot = Int(slots[row])
            best[slot] = role == .least ? min(best[slot], values[row]) : max(best[slot], values[row])
        }
        return best
    }

    private func rows(_ output: Output, _ delta: Delta) -> [Delta] {
        guard !output.rows.isEmpty else { return [] }
        let count = output.rows.count
        var columns = output.rows.withUnsafeBufferPointer { rows in delta.columns.map { $0.gather(rows) } }
        for (index, column) in sums.enumerated() {
            columns[column] = Self.column(output.sums[index], like: columns[column])
        }
        for (index, column) in extremes.enumerated() {
            columns[column] = Self.column(output.extremes[index], like: columns[column])
        }
        return [Delta(columns: columns, weights: Column.bigints(output.weights), count: count)]
    }

    // MARK: values

    private static func fits(_ value: Int64, _ type: DataType) -> Bool {
        switch type.storage {
        case .int16: Int16(exactly: value) != nil
        case .int32: Int32(exactly: value) != nil
        default: true
        }
    }

    /// The values as 64 bits; 0 where NULL.
    private static func integers(_ column: Column) -> [Int64] {
        func values<Value: FixedWidthValue & FixedWidthInteger>(_: Value.Type) -> [Int64] {
            column.withValues(as: Value.self) { values in
                (0..<column.count).map { column.isNull($0) ? 0 : Int64(values[$0]) }
            }
        }
        switch column.type.storage {
        case .int16: return values(Int16.self)
        case .int32: return values(Int32.self)
        case .int64: return values(Int64.self)
        default: preconditionFailure("a column of type \(column.type.name) is not summed before an exchange")
        }
    }

    /// These values, in the type and with the NULLs of another column.
    private static func column(_ values: [Int64], like column: Column) -> Column {
        func made<Value: FixedWidthValue & FixedWidthInteger>(_: Value.Type) -> Column {
            Column(type: column.type, count: values.count, validity: column.validity) {
                (out: UnsafeMutableBufferPointer<Value>) in
                for row in values.indices { out[row] = Value(truncatingIfNeeded: values[row]) }
            }
        }
        switch column.type.storage {
        case .int16: return made(Int16.self)
        case .int32: return made(Int32.self)
        default: return made(Int64.self)
        }
    }
}

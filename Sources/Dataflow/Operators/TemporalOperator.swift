/// A filter by the clock. Linear at any one time: each row is seen during one span of time that its own values fix, so a row that
/// comes now is either over, seen or due later, and its changes to come are kept in order of their time.
final class TemporalOperator: Operator {
    private let spec: OperatorKind.Temporal
    private let types: [DataType]
    private let rows: RowStore
    /// Changes to come, the next one first (a binary heap by time, then arrival).
    private var agenda: [Change] = []
    private var arrivals: UInt64 = 0
    /// Changes of negative weight among them: they may cancel others.
    private var retractions = 0
    /// The last tick below the epoch's frontier; before the first one nothing is seen.
    private var now = Int64.min

    private struct Change {
        /// The first time of the clock at which it is in force.
        var time: Int64
        var arrival: UInt64
        var row: Int32
        var weight: Int64

        static func < (a: Change, b: Change) -> Bool { a.time != b.time ? a.time < b.time : a.arrival < b.arrival }
    }

    init(_ spec: OperatorKind.Temporal, types: [DataType]) {
        self.spec = spec
        self.types = types
        rows = RowStore(types: types)
    }

    override func advance(clock: Int64) { now = max(now, clock) }

    // MARK: rows

    override func process(_ delta: Delta, port: Int, emit: (Delta) -> Void) {
        let (starts, ends) = spans(delta)
        var seen: [Int32] = []
        var later: [Int32] = []
        for row in 0..<delta.count where starts[row] < ends[row] && ends[row] > now {
            if starts[row] <= now { seen.append(Int32(row)) }
            // A row that is seen for ever from now on has no change to come.
            if starts[row] > now || ends[row] != .max { later.append(Int32(row)) }
        }
        if !later.isEmpty { keep(later, delta, starts, ends) }
        if seen.count == delta.count {
            emit(delta)
        } else if !seen.isEmpty {
            seen.withUnsafeBufferPointer { emit(delta.gather($0)) }
        }
    }

    /// Per row when it is seen first, and when no more; `Int64.max` is never.
    private func spans(_ delta: Delta) -> (starts: [Int64], ends: [Int64]) {
        // Before the first tick nothing is seen.
        var starts = [Int64](repeating: .min + 1, count: delta.count)
        var ends = [Int64](repeating: .max, count: delta.count)
        for bound in spec.bounds {
            let column = delta.columns[bound.column]
            column.withValues(as: Int64.self) { values in
                for row in 0..<delta.count {
                    guard !column.isNull(row) else {
                        ends[row] = .min
                        continue
                    }
                    let time = Self.moved(values[row], by: bound.offset)
                    switch bound.kind {
                    case .from: starts[row] = max(starts[row], time)
                    case .after: starts[row] = max(starts[row], time == .max ? .max : time + 1)
                    case .before: ends[row] = min(ends[row], time)
                    case .until: ends[row] = min(ends[row], time == .max ? .max : time + 1)
                    }
                }
            }
        }
        return (starts, ends)
    }

    /// Infinite times stay what they are.
    private static func moved(_ time: Int64, by offset: Int64) -> Int64 {
        if time == Timestamp.infinity || time == Timestamp.negativeInfinity { return time }
        let (sum, overflow) = time.addingReportingOverflow(offset)
        return overflow ? (offset > 0 ? .max : .min) : sum
    }

    private func keep(_ later: [Int32], _ delta: Delta, _ starts: [Int64], _ ends: [Int64]) {
        func note(_ comes: Bool) {
            let chosen = later.filter { comes ? starts[Int($0)] > now : ends[Int($0)] != .max }
            var numbers = [Int32](repeating: 0, count: chosen.count)
            chosen.withUnsafeBufferPointer { rows.insert(delta.columns, rows: $0, numbers: &numbers) }
            for (row, number) in zip(chosen, numbers) {
                let weight = delta.weight(at: Int(row))
                push(
                    Change(
                        time: comes ? starts[Int(row)] : ends[Int(row)], arrival: arrivals, row: number,
                        weight: comes ? weight : -weight))
                arrivals += 1
                if weight < 0 { retractions += 1 }
            }
        }
        note(true)
        note(false)
        if retractions > 1024, retractions * 4 > agenda.count { consolidate() }
    }

    // MARK: the clock

    override func flush(_ emit: (Delta) -> Void) {
        var due: [Int32] = []
        var weights: [Int64] = []
        while let first = agenda.first, first.time <= now {
            pop()
            due.append(first.row)
            weights.append(first.weight)
            // What left or came is no longer kept; a full batch goes at once.
            if due.count == Delta.rowsMax { pass(&due, &weights, emit) }
        }
        pass(&due, &weights, emit)
    }

    private func pass(_ due: inout [Int32], _ weights: inout [Int64], _ emit: (Delta) -> Void) {
        guard !due.isEmpty else { return }
        let columns = due.withUnsafeBufferPointer { rows.gather($0) }
        for row in due { rows.remove(row) }
        emit(Delta(columns: columns, weights: Column.bigints(weights), count: due.count))
        due.removeAll(keepingCapacity: true)
        weights.removeAll(keepingCapacity: true)
    }

    // MARK: the agenda

    private func push(_ change: Change) {
        agenda.append(change)
        var index = agenda.count - 1
        while index > 0 {
            let parent = (index - 1) / 2
            guard agenda[index] < agenda[parent] else { break }
            agenda.swapAt(index, parent)
            index = parent
        }
    }

    private func pop() {
        agenda.swapAt(0, agenda.count - 1)
        agenda.removeLast()
        var index = 0
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < agenda.count && agenda[child] < agenda[least] {
                least = child
            }
            if least == index { return }
            agenda.swapAt(index, least)
            index = least
        }
    }

    /// Drops changes that cancel each other: those of one row's insertion and retraction.
    private func consolidate() {
        let table = KeyTable(encoder: KeyEncoder(types: types + [.bigint], equality: .exact))
        var sums: [Int64] = []
        var firsts: [Int] = []
        for start in stride(from: 0, to: agenda.count, by: Delta.rowsMax) {
            let part = agenda[start..<min(start + Delta.rowsMax, agenda.count)]
            let columns = part.map(\.row).withUnsafeBufferPointer { rows.gather($0) }
            var slots = [Int32](repeating: 0, count: part.count)
            table.findOrInsert(
                table.encoder.encode(columns + [Column.bigints(part.map(\.time))], count: part.count), &slots)
            while sums.count < Int(table.slotEnd) {
                sums.append(0)
                firsts.append(-1)
            }
            for (index, slot) in zip(part.indices, slots) {
                sums[Int(slot)] += agenda[index].weight
                if firsts[Int(slot)] < 0 { firsts[Int(slot)] = index } else { rows.remove(agenda[index].row) }
            }
        }
        let old = agenda
        agenda = []
        retractions = 0
        for (first, sum) in zip(firsts, sums) {
            guard sum != 0 else {
                rows.remove(old[first].row)
                continue
            }
            var change = old[first]
            change.weight = sum
            push(change)
        }
    }

    override var stateEntries: Int { agenda.count }
    override var stateBytes: Int { rows.byteCount + agenda.capacity * MemoryLayout<Change>.stride }
}

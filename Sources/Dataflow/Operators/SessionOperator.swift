/// Session windows. A row belongs to the session that its time falls into; a barrier re-tells the rows whose session changed: those
/// that a new row connects, and those that a retraction cuts off.
final class SessionOperator: Operator {
    private let spec: OperatorKind.Session
    private let types: [DataType]
    private let keys: KeyTable
    private let rows: RowStore
    private let encoded = EncodedKeys()
    private var partitions = ContiguousArray<Partition>()
    /// Changes of this epoch, in arrival order.
    private var changes: [Change] = []
    /// Rows that left their bag in this epoch: kept until the barrier, since they have to be retracted.
    private var leaving: [Int32] = []
    /// Net changes by row number, during a barrier.
    private var net = ContiguousArray<Int64>()
    private var pace = ExpiryPace()

    private struct Partition {
        /// By time, then all columns.
        var bag = SortedBag<Int32>()
        /// As told at the last barrier, ascending.
        var sessions: [Session] = []
    }

    /// The times of a session's first and last row.
    private struct Session: Equatable {
        var start: Int64
        var last: Int64
    }

    private struct Change {
        var time: Int64
        var slot: Int32
        var row: Int32
        var weight: Int64
        /// Its place in the order of arrival.
        var number: Int
    }

    /// Rows to emit, with their sessions.
    private struct Output {
        var rows: [Int32] = []
        var starts: [Int64] = []
        var ends: [Int64] = []
        var weights: [Int64] = []

        mutating func append(_ row: Int32, _ session: Session, _ weight: Int64) {
            guard weight != 0 else { return }
            rows.append(row)
            starts.append(session.start)
            ends.append(session.last)
            weights.append(weight)
        }
    }

    init(_ spec: OperatorKind.Session, types: [DataType]) {
        self.spec = spec
        self.types = types
        keys = KeyTable(encoder: KeyEncoder(types: spec.partitionBy.map { types[$0] }, equality: .sql))
        rows = RowStore(types: types)
    }

    /// By time, then all columns left to right, then what they print.
    private func order(_ a: Int32, _ b: Int32) -> Int {
        if a == b { return 0 }
        let (x, y) = (time(a), time(b))
        return x != y ? (x < y ? -1 : 1) : rows.compareWhole(a, b)
    }

    private func time(_ row: Int32) -> Int64 { rows.timestamp(column: spec.time, row: row) }

    // MARK: input

    override func process(_ delta: Delta, port: Int, emit: (Delta) -> Void) {
        let times = delta.columns[spec.time]
        guard times.validity != nil else { return keep(delta) }
        let none = (0..<delta.count).filter { times.isNull($0) }.map { Int32($0) }
        if !none.isEmpty {
            let part = none.withUnsafeBufferPointer { delta.gather($0) }
            let null = Column.repeating(.null, type: types[spec.time], count: part.count)
            let bounds = spec.emitsEnd ? [null, null] : [null]
            emit(Delta(columns: part.columns + bounds, weights: part.weights, count: part.count))
        }
        let timed = (0..<delta.count).filter { !times.isNull($0) }.map { Int32($0) }
        if !timed.isEmpty { keep(timed.withUnsafeBufferPointer { delta.gather($0) }) }
    }

    private func keep(_ delta: Delta) {
        if spec.expiry != nil { pace.note(delta.columns[spec.time]) }
        keys.encoder.encode(spec.partitionBy.map { delta.columns[$0] }, count: delta.count, into: encoded)
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: delta.count * 3) { memory in
            let base = memory.baseAddress.unsafelyUnwrapped
            let (slots, indices, numbers) = (base, base + delta.count, base + 2 * delta.count)
            keys.findOrInsert(encoded, slots)
            if partitions.count < Int(keys.slotEnd) {
                partitions.append(
                    contentsOf: repeatElement(
                        Partition(), count: max(Int(keys.slotEnd) - partitions.count, partitions.count)))
            }
            for row in 0..<delta.count { indices[row] = Int32(row) }
            rows.insert(delta.columns, rows: UnsafeBufferPointer(start: indices, count: delta.count), numbers: numbers)
            delta.columns[spec.time].withValues(as: Int64.self) { times in
                for row in 0..<delta.count {
                    add(numbers[row], at: times[row], weight: delta.weight(at: row), to: slots[row])
                }
            }
        }
    }

    private func add(_ number: Int32, at time: Int64, weight: Int64, to slot: Int32) {
        func note(_ row: Int32) {
            changes.append(Change(time: time, slot: slot, row: row, weight: weight, number: changes.count))
        }
        guard weight != 0 else {
            // The key may be new: the barrier drops it if it has no rows.
            note(number)
            leaving.append(number)
            return
        }
        keys.noteChange(slot)
        switch partitions[Int(slot)].bag.add(number, weight: weight, order: order) {
        case .inserted: note(number)
        case .merged(let stored):
            note(stored)
            rows.remove(number)
        case .removed(let stored):
            note(stored)
            leaving.append(stored)
            if stored != number { rows.remove(number) }
        }
    }

    // MARK: barrier

    override func flush(_ emit: (Delta) -> Void) {
        guard !changes.isEmpty else { return }
        if net.count < Int(rows.rowEnd) {
            net.append(contentsOf: repeatElement(0, count: max(Int(rows.rowEnd) - net.count, net.count)))
        }
        changes.sort { ($0.slot, $0.time, $0.number) < ($1.slot, $1.time, $1.number) }
        let ordered = changes
        for change in ordered { net[Int(change.row)] += change.weight }
        var output = Output()
        var start = 0
        while start < ordered.count {
            var end = start
            while end < ordered.count, ordered[end].slot == ordered[start].slot { end += 1 }
            settle(ordered[start..<end], &output)
            start = end
            if output.rows.count >= Delta.rowsMax { pass(&output, emit) }
        }
        pass(&output, emit)
        for change in ordered { net[Int(change.row)] = 0 }
        for row in leaving { rows.remove(row) }
        leaving.removeAll(keepingCapacity: true)
        for (index, change) in ordered.enumerated()
        where index == 0 || ordered[index - 1].slot != change.slot {
            if partitions[Int(change.slot)].bag.count == 0 { remove(change.slot) }
        }
        changes.removeAll(keepingCapacity: true)
    }

    private func pass(_ output: inout Output, _ emit: (Delta) -> Void) {
        guard !output.rows.isEmpty else { return }
        var columns = output.rows.withUnsafeBufferPointer { rows.gather($0) }
        columns.append(timestamps(output.starts))
        if spec.emitsEnd { columns.append(timestamps(output.ends.map { end(of: $0) })) }
        Delta(columns: columns, weights: Column.bigints(output.weights), count: output.rows.count).forEachBatch(emit)
        output = Output()
    }

    /// The end of a session whose last row has this time; the largest time there is, at most.
    private func end(of last: Int64) -> Int64 {
        let (end, overflow) = last.addingReportingOverflow(spec.gap)
        return overflow ? Timestamp.infinity : end
    }

    private func timestamps(_ values: [Int64]) -> Column {
        Column(type: types[spec.time], count: values.count) { (out: UnsafeMutableBufferPointer<Int64>) in
            for row in values.indices { out[row] = values[row] }
        }
    }

    /// Finds the sessions of one partition anew where its changes (by time) are, and tells the rows whose session is another.
    private func settle(_ changes: ArraySlice<Change>, _ output: inout Output) {
        guard let first = changes.first, let last = changes.last else { return }
        let slot = Int(first.slot)
        let old = partitions[slot].sessions
        // The sessions that a change can touch are those within a gap of the changes.
        let (from, to) = (first.time, last.time)
        let lower = Self.lowerBound(old) { end(of: $0.last) < from }
        let upper = Self.lowerBound(old) { $0.start <= end(of: to) }
        let touched = Array(old[lower..<max(lower, upper)])
        let now = sessions(slot, touched, changes)
        partitions[slot].sessions.replaceSubrange(lower..<max(lower, upper), with: now)
        tell(slot, touched, now, changes, &output)
    }

    /// The number of leading sessions for which `isBefore` holds.
    private static func lowerBound(_ sessions: [Session], _ isBefore: (Session) -> Bool) -> Int {
        var (low, high) = (0, sessions.count)
        while low < high {
            let middle = (low + high) / 2
            if isBefore(sessions[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The sessions of the rows that are in these sessions or changed.
    private func sessions(_ slot: Int, _ touched: [Session], _ changes: ArraySlice<Change>) -> [Session] {
        var pieces: [Session] = []
        var removed = changes.filter { net[Int($0.row)] < 0 }.map(\.time)[...]
        for session in touched {
            while let gone = removed.first, gone < session.start { removed.removeFirst() }
            guard let gone = removed.first, gone <= session.last else {
                pieces.append(session)
                continue
            }
            // A row has gone: what is left may have a hole.
            walk(slot, session.start, session.last) { row, _ in
                let place = time(row)
                if let last = pieces.last, last.start >= session.start, place <= end(of: last.last) {
                    pieces[pieces.count - 1].last = place
                } else {
                    pieces.append(Session(start: place, last: place))
                }
            }
        }
        for change in changes where net[Int(change.row)] > 0 {
            pieces.append(Session(start: change.time, last: change.time))
        }
        pieces.sort { ($0.start, $0.last) < ($1.start, $1.last) }
        var merged: [Session] = []
        for piece in pieces {
            if let last = merged.last, piece.start <= end(of: last.last) {
                merged[merged.count - 1].last = max(last.last, piece.last)
            } else {
                merged.append(piece)
            }
        }
        return merged
    }

    /// Visits the rows of a span of time with their weights.
    private func walk(_ slot: Int, _ from: Int64, _ to: Int64, _ body: (Int32, Int64) -> Void) {
        partitions[slot].bag.forEach(from: { time($0) < from }) { row, weight in
            guard time(row) <= to else { return false }
            body(row, weight)
            return true
        }
    }

    /// Sessions of one start are the same session (if the end is not told, or is the same): of these only what changed is told.
    private func tell(
        _ slot: Int, _ old: [Session], _ now: [Session], _ changes: ArraySlice<Change>, _ output: inout Output
    ) {
        var (i, j) = (0, 0)
        while i < old.count || j < now.count {
            if i < old.count, j < now.count, old[i].start == now[j].start,
                !spec.emitsEnd || old[i].last == now[j].last
            {
                let common = min(old[i].last, now[j].last)
                var previous: Int32 = -1
                for change in within(changes, old[i].start, common).sorted(by: { $0.row < $1.row })
                where change.row != previous {
                    output.append(change.row, now[j], net[Int(change.row)])
                    previous = change.row
                }
                if common < old[i].last { retract(slot, old[i], from: common + 1, changes, &output) }
                if common < now[j].last {
                    walk(slot, common + 1, now[j].last) { output.append($0, now[j], $1) }
                }
                i += 1
                j += 1
            } else if j == now.count || i < old.count && old[i].start <= now[j].start {
                retract(slot, old[i], from: old[i].start, changes, &output)
                i += 1
            } else {
                walk(slot, now[j].start, now[j].last) { output.append($0, now[j], $1) }
                j += 1
            }
        }
    }

    /// Takes back what was told of a session's rows from a time on.
    private func retract(
        _ slot: Int, _ session: Session, from start: Int64, _ changes: ArraySlice<Change>, _ output: inout Output
    ) {
        walk(slot, start, session.last) { output.append($0, session, net[Int($0)] - $1) }
        // Of those that are gone all that was there.
        var previous: Int32 = -1
        for change in within(changes, start, session.last).sorted(by: { $0.row < $1.row })
        where change.row != previous && isGone(change.row, slot) {
            output.append(change.row, session, net[Int(change.row)])
            previous = change.row
        }
    }

    private func isGone(_ row: Int32, _ slot: Int) -> Bool {
        var isThere = false
        partitions[slot].bag.forEach(from: { order($0, row) < 0 }) { found, _ in
            isThere = found == row
            return false
        }
        return !isThere
    }

    private func within(_ changes: ArraySlice<Change>, _ from: Int64, _ to: Int64) -> ArraySlice<Change> {
        var (low, high) = (changes.startIndex, changes.endIndex)
        while low < high {
            let middle = (low + high) / 2
            if changes[middle].time < from { low = middle + 1 } else { high = middle }
        }
        var end = low
        while end < changes.endIndex, changes[end].time <= to { end += 1 }
        return changes[low..<end]
    }

    // MARK: expiry

    private func remove(_ slot: Int32) {
        partitions[Int(slot)] = Partition()
        keys.remove(slot)
    }

    override func beginEpoch(watermarks: [String: Int64]) {
        guard let limit = Self.expiryLimit(spec.expiry, watermarks), pace.isDue(limit: limit, entries: rows.count)
        else {
            return
        }
        pace.begin()
        for slot in keys.liveSlots() {
            let partition = Int(slot)
            // Nothing comes near a session whose last row is this old.
            let closed = Self.lowerBound(partitions[partition].sessions) { $0.last <= limit }
            if closed > 0 {
                let end = partitions[partition].sessions[closed - 1].last
                var gone: [Int32] = []
                partitions[partition].bag.forEach { row, _ in
                    guard time(row) <= end else { return false }
                    gone.append(row)
                    return true
                }
                partitions[partition].bag.removeFirst(gone.count)
                partitions[partition].sessions.removeFirst(closed)
                for row in gone { rows.remove(row) }
            }
            if let oldest = partitions[partition].sessions.first { pace.keep(oldest.last) } else { remove(slot) }
        }
    }

    override var stateEntries: Int { rows.count }
    override var stateBytes: Int {
        rows.byteCount + keys.byteCount + partitions.capacity * MemoryLayout<Partition>.stride + rows.count * 16
    }
}

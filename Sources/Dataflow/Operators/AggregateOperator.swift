/// Grouping: per group the aggregates of its rows. A touched group emits, at the barrier, at most one retraction and one insertion;
/// a group whose rows are all gone vanishes.
///
/// A group column whose equal values may print differently (1.0 and 1.00) shows the least encoding among its group's values: a hidden `min` keeps it.
final class AggregateOperator: Operator {
    private let spec: OperatorKind.Aggregate
    private let inputTypes: [DataType]
    private let keys: KeyTable
    private let encoded = EncodedKeys()
    private var calls: [Call] = []
    /// Hidden minima of group columns with several encodings: (position among the group columns, state).
    private var shown: [(position: Int, state: AggregateState)] = []
    private var groups = ContiguousArray<Group>()
    private var epoch: Int64 = 1
    /// Slots touched in this epoch, in order, and what they showed before it.
    private var touched: [Int32] = []
    private var before: [Before] = []
    /// No row is grouped: one row is shown even if nothing was ever put in. It is the owner of the empty key that does; on other
    /// workers, whose rows are a part of the input, the whole is a group like any other.
    private let keepsGlobalRow: Bool
    private var globalRowDue: Bool
    private var pace = ExpiryPace()

    private struct Call {
        let call: AggregateCall
        /// nil for `count(*)`, which is the group's row count.
        let state: AggregateState?
        let distinct: DistinctFilter?
        /// The arguments, then the sort keys of an ordered aggregate.
        let columns: [Int]
        /// How many of the columns must not be NULL for a row to count.
        let checked: Int
    }

    /// What every slot has: the sum of its rows' weights, and the epoch in which it was last touched.
    private struct Group: BitwiseCopyable {
        var count: Int64 = 0
        var touchedInEpoch: Int64 = 0
    }

    /// Outputs of a run of touched slots as they were before the epoch.
    private struct Before {
        var existed: [Bool]
        var columns: [Column]
        var failures: [RowError]
        var count: Int
    }

    init(_ spec: OperatorKind.Aggregate, inputTypes: [DataType], ownsEmptyKey: Bool) throws(GraphError) {
        self.spec = spec
        self.inputTypes = inputTypes
        let keyTypes = spec.groupBy.map { inputTypes[$0] }
        keys = KeyTable(encoder: KeyEncoder(types: keyTypes, equality: .sql))
        keepsGlobalRow = spec.groupBy.isEmpty && !spec.calls.isEmpty && ownsEmptyKey
        globalRowDue = keepsGlobalRow
        for call in spec.calls {
            let type = call.argument.map { inputTypes[$0] }
            let isRowCount = call.function == .count && call.argument == nil && call.filter == nil
            let state =
                isRowCount
                ? nil : try AggregateState.make(call, inputTypes: inputTypes, isAppendOnly: spec.inputIsAppendOnly)
            // The least and the greatest of distinct values are those of all; an ordered state passes over equals itself.
            let isFiltered =
                call.isDistinct && call.function != .min && call.function != .max && !call.function.isOrdered
            calls.append(
                Call(
                    call: call, state: state, distinct: isFiltered ? type.map { DistinctFilter($0) } : nil,
                    columns: call.arguments + (call.function.isOrdered ? (call.orderBy ?? []).map(\.column) : []),
                    checked: min(call.function.argumentsChecked, call.arguments.count)))
        }
        for (position, type) in keyTypes.enumerated() where type.hasSeveralEncodings {
            shown.append((position, ExtremeState.make(isMax: false, type, isAppendOnly: spec.inputIsAppendOnly)))
        }
    }

    override func process(_ delta: Delta, port: Int, emit: (Delta) -> Void) {
        let keyColumns = spec.groupBy.map { delta.columns[$0] }
        keys.encoder.encode(keyColumns, count: delta.count, into: encoded)
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: delta.count) { memory in
            keys.findOrInsert(encoded, memory.baseAddress.unsafelyUnwrapped)
            update(UnsafeBufferPointer(memory), delta)
        }
        if let expiry = spec.expiry {
            pace.note(delta.columns[expiry.column])
        } else if let expiry = spec.resultExpiry, let argument = spec.calls[expiry.column].argument {
            pace.note(delta.columns[argument])
        }
    }

    private func update(_ slots: UnsafeBufferPointer<Int32>, _ delta: Delta) {
        grow()
        capture(slots)
        withWeights(delta) { weights in
            groups.withUnsafeMutableBufferPointer { groups in
                if let weights {
                    for row in 0..<slots.count { groups[Int(slots[row])].count &+= weights[row] }
                } else {
                    for row in 0..<slots.count { groups[Int(slots[row])].count &+= 1 }
                }
            }
            for (position, state) in shown {
                let column = delta.columns[spec.groupBy[position]]
                if column.validity == nil {
                    state.update(slots, column, weights)
                } else {
                    counted(slots, column, weights, nil) { state.update($0, $1, $2) }
                }
            }
            for call in calls { update(call, slots, delta, weights) }
        }
    }

    private func grow() {
        let end = Int(keys.slotEnd)
        if groups.count < end {
            groups.append(contentsOf: repeatElement(Group(), count: max(end - groups.count, groups.count)))
        }
        for call in calls { call.state?.grow(to: end) }
        for (_, state) in shown { state.grow(to: end) }
    }

    private func rowCount(_ slot: Int32) -> Int64 { groups[Int(slot)].count }

    private func update(
        _ call: Call, _ slots: UnsafeBufferPointer<Int32>, _ delta: Delta, _ weights: UnsafeBufferPointer<Int64>?
    ) {
        guard let state = call.state else { return }
        let filter = call.call.filter.map { delta.columns[$0] }
        if call.columns.count > 1 || call.checked != call.columns.count {
            let columns = call.columns.map { delta.columns[$0] }
            return counted(slots, columns, call.checked, weights, filter) { state.update($0, $1, $2) }
        }
        let argument = call.columns.first.map { delta.columns[$0] }
        if filter == nil, argument?.validity == nil, call.distinct == nil {
            return state.update(slots, argument, weights)
        }
        counted(slots, argument, weights, filter) { slots, argument, weights in
            guard let distinct = call.distinct, let argument else { return state.update(slots, argument, weights) }
            distinct.changes(slots, argument, weights) { slots, argument, weights in
                state.update(slots, argument, weights)
            }
        }
    }

    /// The rows that count: an argument that is not NULL, a filter that is true.
    private func counted(
        _ slots: UnsafeBufferPointer<Int32>, _ argument: Column?, _ weights: UnsafeBufferPointer<Int64>?,
        _ filter: Column?,
        _ body: (UnsafeBufferPointer<Int32>, Column?, UnsafeBufferPointer<Int64>?) -> Void
    ) {
        counted(slots, argument.map { [$0] } ?? [], argument == nil ? 0 : 1, weights, filter) {
            slots, columns, weights in
            body(slots, columns.first, weights)
        }
    }

    /// As above for several columns, of which the first `checked` must not be NULL.
    private func counted(
        _ slots: UnsafeBufferPointer<Int32>, _ columns: [Column], _ checked: Int,
        _ weights: UnsafeBufferPointer<Int64>?, _ filter: Column?,
        _ body: (UnsafeBufferPointer<Int32>, [Column], UnsafeBufferPointer<Int64>?) -> Void
    ) {
        let nullable = columns.prefix(checked).filter { $0.validity != nil }
        if filter == nil, nullable.isEmpty { return body(slots, columns, weights) }
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: slots.count * 2) { memory in
            let rows = UnsafeMutableBufferPointer(rebasing: memory[0..<slots.count])
            let kept = UnsafeMutableBufferPointer(rebasing: memory[slots.count...])
            var count = 0
            for row in 0..<slots.count {
                if nullable.contains(where: { $0.isNull(row) }) { continue }
                if let filter, filter.isNull(row) || filter.withValues(as: UInt8.self, { $0[row] }) == 0 { continue }
                rows[count] = Int32(row)
                kept[count] = slots[row]
                count += 1
            }
            guard count > 0 else { return }
            let picked = UnsafeBufferPointer(rebasing: rows[0..<count])
            let keptSlots = UnsafeBufferPointer(rebasing: kept[0..<count])
            let keptColumns = columns.map { $0.gather(picked) }
            guard let weights else { return body(keptSlots, keptColumns, nil) }
            let keptWeights = picked.map { weights[Int($0)] }
            keptWeights.withUnsafeBufferPointer { body(keptSlots, keptColumns, $0) }
        }
    }

    private func withWeights(_ delta: Delta, _ body: (UnsafeBufferPointer<Int64>?) -> Void) {
        if let weights = delta.weights {
            weights.withValues(as: Int64.self) { body($0) }
        } else {
            body(nil)
        }
    }

    // MARK: emission

    /// Notes what slots show that are touched for the first time in this epoch.
    private func capture(_ slots: UnsafeBufferPointer<Int32>) {
        let start = touched.count
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: slots.count) { first in
            var count = 0
            groups.withUnsafeMutableBufferPointer { groups in
                let epoch = epoch
                for slot in slots where groups[Int(slot)].touchedInEpoch != epoch {
                    groups[Int(slot)].touchedInEpoch = epoch
                    first[count] = slot
                    count &+= 1
                }
            }
            let new = UnsafeBufferPointer(rebasing: first[0..<count])
            touched.append(contentsOf: new)
            keys.noteChanges(new)
        }
        guard touched.count > start else { return }
        let existed = touched[start...].map { rowCount($0) != 0 || keepsGlobalRow && !globalRowDue }
        guard existed.contains(true) else {
            return before.append(Before(existed: existed, columns: [], failures: [], count: existed.count))
        }
        var failures: [RowError] = []
        let columns = touched.withUnsafeBufferPointer {
            outputs(UnsafeBufferPointer(rebasing: $0[start...]), &failures)
        }
        before.append(Before(existed: existed, columns: columns, failures: failures, count: existed.count))
    }

    private func outputs(_ slots: UnsafeBufferPointer<Int32>, _ failures: inout [RowError]) -> [Column] {
        var columns = keys.decode(slots)
        for (position, state) in shown { columns[position] = state.results(slots, &failures) }
        for call in calls { columns.append(call.state?.results(slots, &failures) ?? rowCounts(slots)) }
        return columns
    }

    private func rowCounts(_ slots: UnsafeBufferPointer<Int32>) -> Column {
        Column(type: .bigint, count: slots.count) { (out: UnsafeMutableBufferPointer<Int64>) in
            for row in 0..<slots.count { out[row] = rowCount(slots[row]) }
        }
    }

    override func flush(_ emit: (Delta) -> Void) {
        if globalRowDue, touched.isEmpty {
            // The one row of an empty input.
            keys.encoder.encode([], count: 1, into: encoded)
            var slot: Int32 = 0
            keys.findOrInsert(encoded, &slot)
            grow()
            withUnsafePointer(to: slot) { capture(UnsafeBufferPointer(start: $0, count: 1)) }
        }
        var position = 0
        for run in before {
            for start in stride(from: 0, to: run.count, by: Delta.rowsMax) {
                let end = min(start + Delta.rowsMax, run.count)
                emitRun(run, start..<end, at: position, emit)
            }
            position += run.count
        }
        if !touched.isEmpty { globalRowDue = false }
        for slot in touched where rowCount(slot) == 0 && !keepsGlobalRow { clear(slot) }
        touched.removeAll(keepingCapacity: true)
        before.removeAll(keepingCapacity: true)
        epoch += 1
    }

    /// Forgets a group.
    private func clear(_ slot: Int32) {
        groups[Int(slot)].count = 0
        for call in calls {
            call.state?.clear(slot)
            call.distinct?.clear(slot)
        }
        for (_, state) in shown { state.clear(slot) }
        keys.remove(slot)
    }

    private func emitRun(_ run: Before, _ range: Range<Int>, at position: Int, _ emit: (Delta) -> Void) {
        var failures: [RowError] = []
        let slots = Array(touched[(position + range.lowerBound)..<(position + range.upperBound)])
        let now = slots.withUnsafeBufferPointer { outputs($0, &failures) }
        var failedNow = [Bool](repeating: false, count: range.count)
        var failedBefore = failedNow
        for failure in failures { failedNow[failure.row] = true }
        for failure in run.failures where range.contains(failure.row) {
            failedBefore[failure.row - range.lowerBound] = true
        }
        var isSame = [Bool](repeating: run.existed[range].contains(true), count: range.count)
        for (old, new) in zip(run.columns, now) { new.compareEncodings(with: old, from: range.lowerBound, &isSame) }
        var retracted: [Int32] = []
        var inserted: [Int32] = []
        for row in 0..<range.count {
            let hadRow = run.existed[row + range.lowerBound] && !failedBefore[row]
            let hasRow = (rowCount(slots[row]) != 0 || keepsGlobalRow) && !failedNow[row]
            if hadRow, hasRow, isSame[row] { continue }
            if hadRow { retracted.append(Int32(row + range.lowerBound)) }
            if hasRow { inserted.append(Int32(row)) }
        }
        if !retracted.isEmpty {
            let columns = retracted.withUnsafeBufferPointer { rows in run.columns.map { $0.gather(rows) } }
            emit(Delta(columns: columns, count: retracted.count).negated())
        }
        if !inserted.isEmpty {
            let whole = inserted.count == slots.count
            let columns = whole ? now : inserted.withUnsafeBufferPointer { rows in now.map { $0.gather(rows) } }
            emit(Delta(columns: columns, count: inserted.count))
        }
        reportGroups(run, range, now, failures.filter { rowCount(slots[$0.row]) != 0 || keepsGlobalRow })
    }

    /// Errors of whole groups come and go like rows do.
    private func reportGroups(_ run: Before, _ range: Range<Int>, _ now: [Column], _ failures: [RowError]) {
        let gone = run.failures.filter { range.contains($0.row) && run.existed[$0.row] }
        if !gone.isEmpty {
            report(
                gone,
                of: Delta(
                    columns: run.columns, weights: Column.repeating(.bigint(-1), type: .bigint, count: run.count),
                    count: run.count))
        }
        if !failures.isEmpty { report(failures, of: Delta(columns: now, count: range.count)) }
    }

    // MARK: expiry

    override func beginEpoch(watermarks: [String: Int64]) {
        guard let limit = Self.expiryLimit(spec.expiry ?? spec.resultExpiry, watermarks),
            pace.isDue(limit: limit, entries: keys.count)
        else { return }
        pace.begin()
        let live = keys.liveSlots()
        for start in stride(from: 0, to: live.count, by: Delta.rowsMax) {
            let slots = Array(live[start..<min(start + Delta.rowsMax, live.count)])
            let times = slots.withUnsafeBufferPointer { expiryTimes($0) }
            times.withValues(as: Int64.self) { values in
                for (row, slot) in slots.enumerated() where !times.isNull(row) {
                    guard values[row] <= limit else {
                        pace.keep(values[row])
                        continue
                    }
                    clear(slot)
                }
            }
        }
    }

    /// What decides when a group ends: one of its columns, or one of its results.
    private func expiryTimes(_ slots: UnsafeBufferPointer<Int32>) -> Column {
        if let expiry = spec.expiry, let position = spec.groupBy.firstIndex(of: expiry.column) {
            return keys.decode(slots)[position]
        }
        var failures: [RowError] = []
        guard let expiry = spec.resultExpiry, let state = calls[expiry.column].state else {
            preconditionFailure("an expiry is over a group column or a result")
        }
        return state.results(slots, &failures)
    }

    override var stateEntries: Int { keys.count + calls.reduce(0) { $0 + ($1.distinct?.count ?? 0) } }
    override var stateBytes: Int {
        keys.byteCount + groups.capacity * MemoryLayout<Group>.stride
            + calls.reduce(0) { $0 + ($1.state?.byteCount ?? 0) + ($1.distinct?.byteCount ?? 0) }
    }
}

extension Column {
    /// Clears `isSame[row]` where the row does not print as row `start + row` of `other`, which is of the same type.
    fileprivate func compareEncodings(with other: Column, from start: Int, _ isSame: inout [Bool]) {
        switch type.storage {
        case .uint8: compare(UInt8.self, other, start, &isSame) { $0 == $1 }
        case .int16: compare(Int16.self, other, start, &isSame) { $0 == $1 }
        case .int32: compare(Int32.self, other, start, &isSame) { $0 == $1 }
        case .int64: compare(Int64.self, other, start, &isSame) { $0 == $1 }
        case .float32:
            compare(Float.self, other, start, &isSame) { $0.bitPattern == $1.bitPattern || $0.isNaN && $1.isNaN }
        case .float64:
            compare(Double.self, other, start, &isSame) { $0.bitPattern == $1.bitPattern || $0.isNaN && $1.isNaN }
        case .decimal: compare(Decimal.self, other, start, &isSame) { $0 == $1 }
        case .interval: compare(Interval.self, other, start, &isSame) { $0 == $1 }
        case .uuid: compare(UUIDValue.self, other, start, &isSame) { $0 == $1 }
        case .bytes:
            for row in 0..<count where isSame[row] {
                isSame[row] = RowOrder.isSameText(self, row, other, start + row)
            }
        }
    }

    @inline(__always)
    private func compare<Value: FixedWidthValue>(
        _: Value.Type, _ other: Column, _ start: Int, _ isSame: inout [Bool], _ isEqual: (Value, Value) -> Bool
    ) {
        let hasNulls = validity != nil || other.validity != nil
        withValues(as: Value.self) { mine in
            other.withValues(as: Value.self) { theirs in
                isSame.withUnsafeMutableBufferPointer { isSame in
                    for row in 0..<count where isSame[row] {
                        if hasNulls {
                            let (a, b) = (isNull(row), other.isNull(start &+ row))
                            if a || b {
                                isSame[row] = a == b
                                continue
                            }
                        }
                        isSame[row] = isEqual(mine[row], theirs[start &+ row])
                    }
                }
            }
        }
    }
}

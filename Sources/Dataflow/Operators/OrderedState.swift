/// Aggregates whose result depends on the order of the rows, or on all of them at once: an ordered multiset per group.
///
/// The order is that of the sort keys, then of the arguments; rows that agree in all of these are interchangeable. With DISTINCT
/// rows whose arguments SQL calls equal count once, as the one of the least encoding.
final class OrderedState: AggregateState {
    private let call: AggregateCall
    /// The arguments, then the sort keys.
    private let rows: RowStore
    private let argumentCount: Int
    private let sortKeys: [SortKey]
    private var bags = ContiguousArray<SortedBag<Int32>>()

    init(_ call: AggregateCall, inputTypes: [DataType]) {
        self.call = call
        let keys = call.orderBy ?? []
        argumentCount = call.arguments.count
        rows = RowStore(types: (call.arguments + keys.map(\.column)).map { inputTypes[$0] })
        sortKeys = keys.enumerated().map { [argumentCount] index, key in
            SortKey(column: argumentCount + index, descending: key.descending, nullsFirst: key.nullsFirst)
        }
    }

    private func order(_ a: Int32, _ b: Int32) -> Int {
        if a == b { return 0 }
        let result = rows.compare(by: sortKeys, a, b)
        return result != 0 ? result : rows.compareWhole(a, b, columns: 0..<argumentCount)
    }

    override func grow(to end: Int) {
        if bags.count < end {
            bags.append(contentsOf: repeatElement(SortedBag(), count: max(end - bags.count, bags.count)))
        }
    }

    override func update(
        _ slots: UnsafeBufferPointer<Int32>, _ columns: [Column], _ weights: UnsafeBufferPointer<Int64>?
    ) {
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: slots.count * 2) { memory in
            let base = memory.baseAddress.unsafelyUnwrapped
            let (indices, numbers) = (base, base + slots.count)
            for row in 0..<slots.count { indices[row] = Int32(row) }
            rows.insert(columns, rows: UnsafeBufferPointer(start: indices, count: slots.count), numbers: numbers)
            for row in 0..<slots.count {
                let weight = weights?[row] ?? 1
                guard weight != 0 else {
                    rows.remove(numbers[row])
                    continue
                }
                switch bags[Int(slots[row])].add(numbers[row], weight: weight, order: order) {
                case .inserted: break
                case .merged: rows.remove(numbers[row])
                case .removed(let stored):
                    rows.remove(stored)
                    if stored != numbers[row] { rows.remove(numbers[row]) }
                }
            }
        }
    }

    override func clear(_ slot: Int32) {
        bags[Int(slot)].forEach { row, _ in
            rows.remove(row)
            return true
        }
        bags[Int(slot)] = SortedBag()
    }

    override var byteCount: Int { rows.byteCount + bags.capacity * 24 + rows.count * 16 }

    // MARK: results

    /// The rows of a slot in order, with how often each counts.
    private func elements(_ slot: Int32) -> [(row: Int32, weight: Int64)] {
        var elements: [(row: Int32, weight: Int64)] = []
        bags[Int(slot)].forEach { row, weight in
            guard weight > 0 else { return true }
            if call.isDistinct {
                if let last = elements.last, isEqual(last.row, row) { return true }
                elements.append((row, 1))
            } else {
                elements.append((row, weight))
            }
            return true
        }
        return elements
    }

    private func isEqual(_ a: Int32, _ b: Int32) -> Bool {
        (0..<argumentCount).allSatisfy { rows.compare(column: $0, a, b) == 0 }
    }

    override func results(_ slots: UnsafeBufferPointer<Int32>, _ failures: inout [RowError]) -> Column {
        switch call.function {
        case .firstValue, .lastValue, .mode: return picked(slots)
        case .percentileDisc: return discretePercentiles(slots)
        case .percentileCont: return continuousPercentiles(slots)
        case .stringAgg: return joinedTexts(slots)
        default:
            var numbers: [Int32] = []
            var ends: [Int] = []
            for slot in slots {
                for (row, weight) in elements(slot) {
                    numbers.append(contentsOf: repeatElement(row, count: Int(weight)))
                }
                ends.append(numbers.count)
            }
            let columns = numbers.withUnsafeBufferPointer { numbers in
                (0..<argumentCount).map { rows.gather(column: $0, numbers) }
            }
            return CollectionAggregates.results(call, columns, ends, &failures)
        }
    }

    /// One of the rows, or none.
    private func picked(_ slots: UnsafeBufferPointer<Int32>) -> Column {
        gather(
            slots.map { slot in
                switch call.function {
                case .firstValue: bags[Int(slot)].first?.element
                case .lastValue: bags[Int(slot)].last?.element
                default: mode(slot)
                }
            })
    }

    private func gather(_ picked: [Int32?]) -> Column {
        let some = picked.compactMap { $0 }
        let column = some.withUnsafeBufferPointer { rows.gather(column: 0, $0) }
        if some.count == picked.count { return column }
        let joined = Column.concatenating([column, Column.repeating(.null, type: column.type, count: 1)])
        var next: Int32 = 0
        let places = picked.map { row -> Int32 in
            guard row != nil else { return Int32(some.count) }
            next += 1
            return next - 1
        }
        return places.withUnsafeBufferPointer { joined.gather($0) }
    }

    /// The most frequent value; of several the first in order.
    private func mode(_ slot: Int32) -> Int32? {
        var best: (row: Int32, count: Int64)?
        var current: (row: Int32, count: Int64)?
        bags[Int(slot)].forEach { row, weight in
            if let value = current, isEqual(value.row, row) {
                current = (value.row, value.count + weight)
            } else {
                current = (row, weight)
            }
            if let value = current, value.count > best?.count ?? 0 { best = value }
            return true
        }
        return best?.row
    }

    private func joinedTexts(_ slots: UnsafeBufferPointer<Int32>) -> Column {
        let builder = ColumnBuilder(type: call.type, capacity: slots.count)
        var text: [UInt8] = []
        for slot in slots {
            let elements = elements(slot)
            guard !elements.isEmpty else {
                builder.appendNull()
                continue
            }
            text.removeAll(keepingCapacity: true)
            let numbers = elements.map(\.row)
            let values = numbers.withUnsafeBufferPointer { rows.gather(column: 0, $0) }
            let delimiters = numbers.withUnsafeBufferPointer { rows.gather(column: 1, $0) }
            for (index, element) in elements.enumerated() {
                for copy in 0..<element.weight {
                    if index > 0 || copy > 0, !delimiters.isNull(index) {
                        Kernels.withBytes(delimiters, index) { text.append(contentsOf: $0) }
                    }
                    Kernels.withBytes(values, index) { text.append(contentsOf: $0) }
                }
            }
            text.withUnsafeBufferPointer { builder.append(utf8: $0) }
        }
        return builder.finish()
    }

    // MARK: percentiles

    /// The row at a position among those that count, from 0.
    private func row(at position: Int64, _ elements: [(row: Int32, weight: Int64)]) -> Int32? {
        var left = position
        for (row, weight) in elements {
            if left < weight { return row }
            left -= weight
        }
        return nil
    }

    private func discretePercentiles(_ slots: UnsafeBufferPointer<Int32>) -> Column {
        let fractions = call.fractions ?? []
        var picked: [Int32?] = []
        for slot in slots {
            let elements = elements(slot)
            let count = elements.reduce(0) { $0 + $1.weight }
            for fraction in fractions {
                picked.append(
                    fraction.flatMap { row(at: max(Int64((Double(count) * $0).rounded(.up)), 1) - 1, elements) })
            }
        }
        let values = gather(picked)
        return call.type == values.type ? values : arrays(slots, values)
    }

    private func continuousPercentiles(_ slots: UnsafeBufferPointer<Int32>) -> Column {
        let fractions = call.fractions ?? []
        var (lower, upper): ([Int32?], [Int32?]) = ([], [])
        var shares: [Double] = []
        for slot in slots {
            let elements = elements(slot)
            let count = elements.reduce(0) { $0 + $1.weight }
            for fraction in fractions {
                let place = (fraction ?? 0) * Double(count - 1)
                let isThere = fraction != nil && count > 0
                lower.append(isThere ? row(at: Int64(place.rounded(.down)), elements) : nil)
                upper.append(isThere ? row(at: Int64(place.rounded(.up)), elements) : nil)
                shares.append(place - place.rounded(.down))
            }
        }
        let (low, high) = (gather(lower), gather(upper))
        let builder = ColumnBuilder(type: low.type, capacity: shares.count)
        for row in shares.indices { builder.append(Self.between(low.datum(at: row), high.datum(at: row), shares[row])) }
        let values = builder.finish()
        return call.type == values.type ? values : arrays(slots, values)
    }

    private static func between(_ low: Datum, _ high: Datum, _ share: Double) -> Datum {
        switch (low, high) {
        case (.double(let a), .double(let b)): return .double(a == b ? a : a + (b - a) * share)
        case (.interval(let a), .interval(let b)):
            if RowOrder.compare(a, b) == 0 { return low }
            let difference = Interval(
                months: b.months - a.months, days: b.days - a.days, microseconds: b.microseconds - a.microseconds)
            guard let part = TimeFunctions.scaled(difference, by: share) else { return .null }
            return .interval(
                Interval(
                    months: a.months + part.months, days: a.days + part.days,
                    microseconds: a.microseconds + part.microseconds))
        default: return .null
        }
    }

    /// An array of each slot's percentiles, NULL where there are no rows.
    private func arrays(_ slots: UnsafeBufferPointer<Int32>, _ values: Column) -> Column {
        let width = call.fractions?.count ?? 0
        let ends = slots.indices.map { ($0 + 1) * width }
        return CollectionAggregates.arrays(call.type, values, ends) { bags[Int(slots[$0])].count == 0 }
    }
}

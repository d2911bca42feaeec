import Glibc

/// min and max: the best value only, while input is append-only; else an ordered multiset per group.
enum ExtremeState {
    static func make(isMax: Bool, _ type: DataType, isAppendOnly: Bool) -> AggregateState {
        switch type.storage {
        case .uint8: fixed(UInt8.self, isMax, type, isAppendOnly)
        case .int16: fixed(Int16.self, isMax, type, isAppendOnly)
        case .int32: fixed(Int32.self, isMax, type, isAppendOnly)
        case .int64: fixed(Int64.self, isMax, type, isAppendOnly)
        case .float32: fixed(Float.self, isMax, type, isAppendOnly)
        case .float64: fixed(Double.self, isMax, type, isAppendOnly)
        case .decimal: fixed(Decimal.self, isMax, type, isAppendOnly)
        case .interval: fixed(Interval.self, isMax, type, isAppendOnly)
        case .uuid: fixed(UUIDValue.self, isMax, type, isAppendOnly)
        case .bytes:
            isAppendOnly
                ? AppendOnlyBytesExtremeState(isMax: isMax, type: type)
                : MultisetBytesExtremeState(isMax: isMax, type: type)
        }
    }

    private static func fixed<Value: OrderedValue>(
        _: Value.Type, _ isMax: Bool, _ type: DataType, _ isAppendOnly: Bool
    ) -> AggregateState {
        isAppendOnly
            ? AppendOnlyExtremeState<Value>(isMax: isMax, type: type)
            : MultisetExtremeState<Value>(isMax: isMax, type: type)
    }
}

/// The best value per slot. Among values that SQL calls equal the least encoding stays, for max as for min.
private final class AppendOnlyExtremeState<Value: OrderedValue>: AggregateState {
    private var best = ContiguousArray<Value>()
    private var isSet = ContiguousArray<Bool>()
    private let isMax: Bool
    private let type: DataType

    init(isMax: Bool, type: DataType) {
        self.isMax = isMax
        self.type = type
    }

    override func grow(to end: Int) {
        guard best.count < end else { return }
        let extra = max(end - best.count, best.count)
        // Any value will do where none is set.
        let zero = withUnsafeTemporaryAllocation(
            byteCount: MemoryLayout<Value>.stride, alignment: MemoryLayout<Value>.alignment
        ) {
            $0.initializeMemory(as: UInt8.self, repeating: 0)
            return $0.load(as: Value.self)
        }
        best.append(contentsOf: repeatElement(zero, count: extra))
        isSet.append(contentsOf: repeatElement(false, count: extra))
    }

    // A method of a generic class that is called through its superclass runs unspecialised, unless it is asked for.
    @specialized(where Value == Int32)
    @specialized(where Value == Int64)
    @specialized(where Value == Double)
    @specialized(where Value == Decimal)
    override func update(
        _ slots: UnsafeBufferPointer<Int32>, _ argument: Column?, _ weights: UnsafeBufferPointer<Int64>?
    ) {
        guard let argument else { return }
        let sign = isMax ? -1 : 1
        argument.withValues(as: Value.self) { values in
            best.withUnsafeMutableBufferPointer { best in
                isSet.withUnsafeMutableBufferPointer { isSet in
                    for row in 0..<slots.count {
                        let slot = Int(slots[row])
                        if isSet[slot] {
                            let order = Value.order(values[row], best[slot]) &* sign
                            if order > 0 || order == 0 && Value.encodingOrder(values[row], best[slot]) >= 0 { continue }
                        }
                        best[slot] = values[row]
                        isSet[slot] = true
                    }
                }
            }
        }
    }

    override func results(_ slots: UnsafeBufferPointer<Int32>, _ failures: inout [RowError]) -> Column {
        let allSet = slots.allSatisfy { isSet[Int($0)] }
        let validity = allSet ? nil : Validity(count: slots.count) { isSet[Int(slots[$0])] }
        return Column(type: type, count: slots.count, validity: validity) { (out: UnsafeMutableBufferPointer<Value>) in
            for row in 0..<slots.count { out[row] = best[Int(slots[row])] }
        }
    }

    override func clear(_ slot: Int32) { isSet[Int(slot)] = false }
    override var byteCount: Int { best.capacity * MemoryLayout<Value>.stride + isSet.capacity }
}

/// All values per slot; in order once one was taken back.
private final class MultisetExtremeState<Value: OrderedValue>: AggregateState {
    private var bags = ContiguousArray<LazySortedBag<Value>>()
    private let isMax: Bool
    private let type: DataType
    private var entries = 0

    init(isMax: Bool, type: DataType) {
        self.isMax = isMax
        self.type = type
    }

    override func grow(to end: Int) {
        if bags.count < end {
            bags.append(contentsOf: repeatElement(LazySortedBag(), count: max(end - bags.count, bags.count)))
        }
    }

    @specialized(where Value == Int32)
    @specialized(where Value == Int64)
    @specialized(where Value == Double)
    @specialized(where Value == Decimal)
    override func update(
        _ slots: UnsafeBufferPointer<Int32>, _ argument: Column?, _ weights: UnsafeBufferPointer<Int64>?
    ) {
        guard let argument else { return }
        let sign = isMax ? -1 : 1
        argument.withValues(as: Value.self) { values in
            for row in 0..<slots.count {
                entries += bags[Int(slots[row])].add(
                    values[row], weight: weights?[row] ?? 1,
                    isBetter: {
                        let order = Value.order($0, $1) &* sign
                        return order == 0 ? Value.encodingOrder($0, $1) < 0 : order < 0
                    }, order: Value.exactOrder, size: { _ in 1 })
            }
        }
    }

    override func results(_ slots: UnsafeBufferPointer<Int32>, _ failures: inout [RowError]) -> Column {
        let builder = ColumnBuilder(type: type, capacity: slots.count)
        for slot in slots {
            if let value = bags[Int(slot)].extreme(extreme) { builder.append(value) } else { builder.appendNull() }
        }
        return builder.finish()
    }

    private func extreme(_ bag: SortedBag<Value>) -> Value? {
        guard isMax else { return bag.first?.element }
        // Of the greatest values, which SQL calls equal, the one of the least encoding.
        var result: Value?
        bag.forEachReversed { element, _ in
            if let current = result, Value.order(element, current) != 0 { return false }
            result = element
            return true
        }
        return result
    }

    override func clear(_ slot: Int32) {
        bags[Int(slot)].forEach { _ in entries -= 1 }
        bags[Int(slot)] = LazySortedBag()
    }

    override var byteCount: Int {
        bags.capacity * MemoryLayout<LazySortedBag<Value>>.stride + entries * (MemoryLayout<Value>.stride + 8)
    }
}

/// The order of values of a type of no fixed size.
private struct BytesOrder {
    let type: DataType

    /// SQL's order.
    func order(_ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>) -> Int {
        type == .text
            ? RowOrder.compareBytes(a, b)
            : ValueBytes.compare(type, UnsafeRawBufferPointer(a), UnsafeRawBufferPointer(b))
    }

    /// SQL's order first, then the encoding.
    func exactOrder(_ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>) -> Int {
        let byValue = order(a, b)
        if byValue != 0 || !type.hasSeveralEncodings { return byValue }
        return ValueBytes.compareEncodings(type, UnsafeRawBufferPointer(a), UnsafeRawBufferPointer(b))
    }

    func order(_ a: [UInt8], _ b: [UInt8]) -> Int {
        a.withUnsafeBufferPointer { a in b.withUnsafeBufferPointer { order(a, $0) } }
    }

    func exactOrder(_ a: [UInt8], _ b: [UInt8]) -> Int {
        a.withUnsafeBufferPointer { a in b.withUnsafeBufferPointer { exactOrder(a, $0) } }
    }
}

/// The best value per slot. Among values that SQL calls equal the least encoding stays, for max as for min.
private final class AppendOnlyBytesExtremeState: AggregateState {
    private var best = ContiguousArray<[UInt8]?>()
    private let isMax: Bool
    private let ordering: BytesOrder
    private var bytes = 0

    init(isMax: Bool, type: DataType) {
        self.isMax = isMax
        ordering = BytesOrder(type: type)
    }

    override func grow(to end: Int) {
        if best.count < end { best.append(contentsOf: repeatElement(nil, count: max(end - best.count, best.count))) }
    }

    override func update(
        _ slots: UnsafeBufferPointer<Int32>, _ argument: Column?, _ weights: UnsafeBufferPointer<Int64>?
    ) {
        guard let argument else { return }
        for row in 0..<slots.count {
            let slot = Int(slots[row])
            Kernels.withBytes(argument, row) { value in
                let isKept = best[slot]?.withUnsafeBufferPointer { old in
                    let order = ordering.order(value, old)
                    return order == 0 ? ordering.exactOrder(value, old) >= 0 : (order > 0) != isMax
                }
                if isKept == true { return }
                bytes += value.count - (best[slot]?.count ?? 0)
                best[slot] = Array(value)
            }
        }
    }

    override func results(_ slots: UnsafeBufferPointer<Int32>, _ failures: inout [RowError]) -> Column {
        let builder = ColumnBuilder(type: ordering.type, capacity: slots.count)
        for slot in slots {
            if let value = best[Int(slot)] {
                value.withUnsafeBufferPointer { builder.append(utf8: $0) }
            } else {
                builder.appendNull()
            }
        }
        return builder.finish()
    }

    override func clear(_ slot: Int32) {
        bytes -= best[Int(slot)]?.count ?? 0
        best[Int(slot)] = nil
    }

    override var byteCount: Int { best.capacity * 8 + bytes }
}

/// All values per slot; in order once one was taken back.
private final class MultisetBytesExtremeState: AggregateState {
    private var bags = ContiguousArray<LazySortedBag<[UInt8]>>()
    private let isMax: Bool
    private let ordering: BytesOrder
    private var bytes = 0

    init(isMax: Bool, type: DataType) {
        self.isMax = isMax
        ordering = BytesOrder(type: type)
    }

    override func grow(to end: Int) {
        if bags.count < end {
            bags.append(contentsOf: repeatElement(LazySortedBag(), count: max(end - bags.count, bags.count)))
        }
    }

    override func update(
        _ slots: UnsafeBufferPointer<Int32>, _ argument: Column?, _ weights: UnsafeBufferPointer<Int64>?
    ) {
        guard let argument else { return }
        for row in 0..<slots.count {
            let value = Kernels.withBytes(argument, row) { Array($0) }
            bytes += bags[Int(slots[row])].add(
                value, weight: weights?[row] ?? 1,
                isBetter: {
                    let order = ordering.order($0, $1)
                    return order == 0 ? ordering.exactOrder($0, $1) < 0 : (order > 0) == isMax
                }, order: ordering.exactOrder, size: \.count)
        }
    }

    override func results(_ slots: UnsafeBufferPointer<Int32>, _ failures: inout [RowError]) -> Column {
        let builder = ColumnBuilder(type: ordering.type, capacity: slots.count)
        for slot in slots {
            if let value = bags[Int(slot)].extreme(extreme) {
                value.withUnsafeBufferPointer { builder.append(utf8: $0) }
            } else {
                builder.appendNull()
            }
        }
        return builder.finish()
    }

    private func extreme(_ bag: SortedBag<[UInt8]>) -> [UInt8]? {
        guard isMax, ordering.type.hasSeveralEncodings else { return (isMax ? bag.last : bag.first)?.element }
        // Of the greatest values, which SQL calls equal, the one of the least encoding.
        var result: [UInt8]?
        bag.forEachReversed { element, _ in
            if let current = result, ordering.order(element, current) != 0 { return false }
            result = element
            return true
        }
        return result
    }

    override func clear(_ slot: Int32) {
        bags[Int(slot)].forEach { bytes -= $0.count }
        bags[Int(slot)] = LazySortedBag()
    }

    override var byteCount: Int { bags.capacity * 16 + bytes }
}

/// min and max: the best value only, while input is append-only; else an ordered multiset per group.
enum ExtremeState {
    static func make(isMax: Bool, _ type: DataType, isAppendOnly: Bool) -> AggregateState {
        switch type.storage {
        case .uint8: fixed(UInt8.self, isMax, type, isAppendOnly) { $0 < $1 ? -1 : $0 > $1 ? 1 : 0 }
        case .int16: fixed(Int16.self, isMax, type, isAppendOnly) { $0 < $1 ? -1 : $0 > $1 ? 1 : 0 }
        case .int32: fixed(Int32.self, isMax, type, isAppendOnly) { $0 < $1 ? -1 : $0 > $1 ? 1 : 0 }
        case .int64: fixed(Int64.self, isMax, type, isAppendOnly) { $0 < $1 ? -1 : $0 > $1 ? 1 : 0 }
        case .float64: fixed(Double.self, isMax, type, isAppendOnly) { MultisetValue.order($0, $1) }
        case .decimal: fixed(Decimal.self, isMax, type, isAppendOnly) { MultisetValue.order($0, $1) }
        case .interval: fixed(Interval.self, isMax, type, isAppendOnly) { MultisetValue.order($0, $1) }
        case .bytes: TextExtremeState(isMax: isMax, isAppendOnly: isAppendOnly)
        }
    }

    private static func fixed<Value: FixedWidthValue>(
        _: Value.Type, _ isMax: Bool, _ type: DataType, _ isAppendOnly: Bool, _ order: @escaping (Value, Value) -> Int
    ) -> AggregateState {
        isAppendOnly
            ? AppendOnlyExtremeState(isMax: isMax, type: type, order: order)
            : MultisetExtremeState<Value>(isMax: isMax, type: type, order: order)
    }
}

/// The best value per slot. Among values that SQL calls equal the least encoding stays, for max as for min.
private final class AppendOnlyExtremeState<Value: FixedWidthValue>: AggregateState {
    private struct Best: BitwiseCopyable {
        var value: Value
        var isSet: Bool
    }
    private var best = ContiguousArray<Best>()
    private let isMax: Bool
    private let type: DataType
    private let order: (Value, Value) -> Int
    private let zero: Value

    init(isMax: Bool, type: DataType, order: @escaping (Value, Value) -> Int) {
        self.isMax = isMax
        self.type = type
        self.order = order
        zero = withUnsafeTemporaryAllocation(byteCount: MemoryLayout<Value>.size, alignment: MemoryLayout<Value>.alignment) {
            $0.initializeMemory(as: UInt8.self, repeating: 0)
            return $0.load(as: Value.self)
        }
    }

    override func grow(to end: Int) {
        guard best.count < end else { return }
        best.append(contentsOf: repeatElement(Best(value: zero, isSet: false), count: max(end - best.count, best.count)))
    }

    override func update(_ slots: UnsafeBufferPointer<Int32>, _ argument: Column?, _ weights: UnsafeBufferPointer<Int64>?) {
        guard let argument else { return }
        argument.withValues(as: Value.self) { values in
            best.withUnsafeMutableBufferPointer { best in
                for row in 0..<slots.count {
                    let slot = Int(slots[row])
                    if !best[slot].isSet || isBetter(values[row], best[slot].value) { best[slot] = Best(value: values[row], isSet: true) }
                }
            }
        }
    }

    @inline(__always)
    private func isBetter(_ new: Value, _ old: Value) -> Bool {
        let result = order(new, old)
        guard isMax else { return result < 0 }
        // Greater by value wins; of equal values the lesser encoding: compare by value alone through both orders.
        return result > 0 ? !ExtremeOrder.isEqualBySQL(new, old) : result < 0 && ExtremeOrder.isEqualBySQL(new, old)
    }

    override func results(_ slots: UnsafeBufferPointer<Int32>, _ failures: inout [RowError]) -> Column {
        let validity = Validity(count: slots.count) { best[Int(slots[$0])].isSet }
        return Column(type: type, count: slots.count, validity: validity) { (out: UnsafeMutableBufferPointer<Value>) in
            for row in 0..<slots.count { out[row] = best[Int(slots[row])].value }
        }
    }

    override func clear(_ slot: Int32) { best[Int(slot)] = Best(value: zero, isSet: false) }
    override var byteCount: Int { best.capacity * MemoryLayout<Best>.stride }
}

/// All values per slot, in order.
private final class MultisetExtremeState<Value: FixedWidthValue>: AggregateState {
    private var bags = ContiguousArray<SortedBag<Value>>()
    private let isMax: Bool
    private let type: DataType
    private let order: (Value, Value) -> Int
    private var entries = 0

    init(isMax: Bool, type: DataType, order: @escaping (Value, Value) -> Int) {
        self.isMax = isMax
        self.type = type
        self.order = order
    }

    override func grow(to end: Int) {
        if bags.count < end { bags.append(contentsOf: repeatElement(SortedBag(), count: max(end - bags.count, bags.count))) }
    }

    override func update(_ slots: UnsafeBufferPointer<Int32>, _ argument: Column?, _ weights: UnsafeBufferPointer<Int64>?) {
        guard let argument else { return }
        argument.withValues(as: Value.self) { values in
            for row in 0..<slots.count {
                switch bags[Int(slots[row])].add(values[row], weight: weights?[row] ?? 1, order: order) {
                case .inserted: entries += 1
                case .merged: break
                case .removed: entries -= 1
                }
            }
        }
    }

    override func results(_ slots: UnsafeBufferPointer<Int32>, _ failures: inout [RowError]) -> Column {
        let builder = ColumnBuilder(type: type, capacity: slots.count)
        for slot in slots {
            if let value = extreme(bags[Int(slot)]) { builder.append(value) } else { builder.appendNull() }
        }
        return builder.finish()
    }

    private func extreme(_ bag: SortedBag<Value>) -> Value? {
        guard isMax else { return bag.first?.element }
        // Of the greatest values, which SQL calls equal, the one of the least encoding.
        var result: Value?
        bag.forEachReversed { element, _ in
            guard let current = result else {
                result = element
                return true
            }
            guard ExtremeOrder.isEqualBySQL(element, current) else { return false }
            result = element
            return true
        }
        return result
    }

    override func clear(_ slot: Int32) {
        entries -= bags[Int(slot)].count
        bags[Int(slot)] = SortedBag()
    }

    override var byteCount: Int { bags.capacity * MemoryLayout<SortedBag<Value>>.stride + entries * (MemoryLayout<Value>.stride + 8) }
}

/// Equality by SQL of values whose encodings may differ.
private enum ExtremeOrder {
    static func isEqualBySQL<Value>(_ a: Value, _ b: Value) -> Bool {
        switch (a, b) {
        case (let x as Decimal, let y as Decimal): Decimal.compare(x, y) == 0
        case (let x as Interval, let y as Interval): RowOrder.compare(x, y) == 0
        case (let x as Double, let y as Double): RowOrder.compare(x, y) == 0
        default: false
        }
    }
}

/// min and max of text, by bytes.
private final class TextExtremeState: AggregateState {
    private var bags = ContiguousArray<SortedBag<[UInt8]>>()
    private let isMax: Bool
    private let isAppendOnly: Bool
    private var bytes = 0

    init(isMax: Bool, isAppendOnly: Bool) {
        self.isMax = isMax
        self.isAppendOnly = isAppendOnly
    }

    override func grow(to end: Int) {
        if bags.count < end { bags.append(contentsOf: repeatElement(SortedBag(), count: max(end - bags.count, bags.count))) }
    }

    private static func order(_ a: [UInt8], _ b: [UInt8]) -> Int {
        a.lexicographicallyPrecedes(b) ? -1 : a == b ? 0 : 1
    }

    override func update(_ slots: UnsafeBufferPointer<Int32>, _ argument: Column?, _ weights: UnsafeBufferPointer<Int64>?) {
        guard let argument else { return }
        for row in 0..<slots.count {
            let slot = Int(slots[row])
            let value = Kernels.withBytes(argument, row) { Array($0) }
            if isAppendOnly {
                // One element: the best so far.
                if let best = (isMax ? bags[slot].last : bags[slot].first)?.element {
                    let order = Self.order(value, best)
                    guard isMax ? order > 0 : order < 0 else { continue }
                    bags[slot] = SortedBag()
                    bytes -= best.count
                }
            }
            switch bags[slot].add(value, weight: weights?[row] ?? 1, order: Self.order) {
            case .inserted: bytes += value.count
            case .merged: break
            case .removed: bytes -= value.count
            }
        }
    }

    override func results(_ slots: UnsafeBufferPointer<Int32>, _ failures: inout [RowError]) -> Column {
        let builder = ColumnBuilder(type: .text, capacity: slots.count)
        for slot in slots {
            if let value = (isMax ? bags[Int(slot)].last : bags[Int(slot)].first)?.element {
                value.withUnsafeBufferPointer { builder.append(utf8: $0) }
            } else {
                builder.appendNull()
            }
        }
        return builder.finish()
    }

    override func clear(_ slot: Int32) {
        bags[Int(slot)].forEach { value, _ in
            bytes -= value.count
            return true
        }
        bags[Int(slot)] = SortedBag()
    }

    override var byteCount: Int { bags.capacity * 16 + bytes }
}

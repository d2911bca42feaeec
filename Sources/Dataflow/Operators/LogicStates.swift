/// bool_and and bool_or: how many rows are true and how many are not.
final class BooleanState: AggregateState {
    private struct Counts: BitwiseCopyable {
        var isTrue: Int64 = 0
        var isFalse: Int64 = 0
    }
    private var counts = ContiguousArray<Counts>()
    private let isAnd: Bool

    init(isAnd: Bool) { self.isAnd = isAnd }

    override func grow(to end: Int) {
        if counts.count < end {
            counts.append(contentsOf: repeatElement(Counts(), count: max(end - counts.count, counts.count)))
        }
    }

    override func update(
        _ slots: UnsafeBufferPointer<Int32>, _ argument: Column?, _ weights: UnsafeBufferPointer<Int64>?
    ) {
        guard let argument else { return }
        argument.withValues(as: UInt8.self) { values in
            counts.withUnsafeMutableBufferPointer { counts in
                for row in 0..<slots.count {
                    let weight = weights?[row] ?? 1
                    if values[row] != 0 {
                        counts[Int(slots[row])].isTrue &+= weight
                    } else {
                        counts[Int(slots[row])].isFalse &+= weight
                    }
                }
            }
        }
    }

    override func results(_ slots: UnsafeBufferPointer<Int32>, _ failures: inout [RowError]) -> Column {
        let builder = ColumnBuilder(type: .boolean, capacity: slots.count)
        for slot in slots {
            let count = counts[Int(slot)]
            if count.isTrue == 0, count.isFalse == 0 {
                builder.appendNull()
            } else {
                builder.append((isAnd ? count.isFalse == 0 : count.isTrue != 0) ? 1 as UInt8 : 0)
            }
        }
        return builder.finish()
    }

    override func clear(_ slot: Int32) { counts[Int(slot)] = Counts() }
    override var byteCount: Int { counts.capacity * MemoryLayout<Counts>.stride }
}

/// bit_and, bit_or and bit_xor of integers: for each bit how many rows have it set, so that a retraction takes back exactly that.
final class BitState: AggregateState {
    private let function: AggregateCall.Function
    private let type: DataType
    private let bits: Int
    /// Per slot the count of rows, then one per bit.
    private var counts = ContiguousArray<Int64>()

    /// nil if the type has no bits to speak of.
    init?(_ function: AggregateCall.Function, _ type: DataType) {
        self.function = function
        self.type = type
        switch type {
        case .smallint: bits = 16
        case .integer: bits = 32
        case .bigint: bits = 64
        default: return nil
        }
    }

    override func grow(to end: Int) {
        let wanted = end * (bits + 1)
        if counts.count < wanted {
            counts.append(contentsOf: repeatElement(0, count: max(wanted - counts.count, counts.count)))
        }
    }

    override func update(
        _ slots: UnsafeBufferPointer<Int32>, _ argument: Column?, _ weights: UnsafeBufferPointer<Int64>?
    ) {
        guard let argument else { return }
        switch bits {
        case 16: argument.withValues(as: Int16.self) { update(slots, $0, weights) }
        case 32: argument.withValues(as: Int32.self) { update(slots, $0, weights) }
        default: argument.withValues(as: Int64.self) { update(slots, $0, weights) }
        }
    }

    @inline(__always)
    private func update<Value: FixedWidthInteger>(
        _ slots: UnsafeBufferPointer<Int32>, _ values: UnsafeBufferPointer<Value>,
        _ weights: UnsafeBufferPointer<Int64>?
    ) {
        let stride = bits + 1
        counts.withUnsafeMutableBufferPointer { counts in
            for row in 0..<slots.count {
                let weight = weights?[row] ?? 1
                let start = Int(slots[row]) * stride
                counts[start] &+= weight
                var rest = UInt64(truncatingIfNeeded: values[row]) & (.max >> UInt64(64 - (stride - 1)))
                while rest != 0 {
                    counts[start + 1 + rest.trailingZeroBitCount] &+= weight
                    rest &= rest - 1
                }
            }
        }
    }

    override func results(_ slots: UnsafeBufferPointer<Int32>, _ failures: inout [RowError]) -> Column {
        let builder = ColumnBuilder(type: type, capacity: slots.count)
        for slot in slots {
            let start = Int(slot) * (bits + 1)
            let rows = counts[start]
            guard rows != 0 else {
                builder.appendNull()
                continue
            }
            var value: UInt64 = 0
            for bit in 0..<bits {
                let ones = counts[start + 1 + bit]
                let isSet =
                    switch function {
                    case .bitAnd: ones == rows
                    case .bitOr: ones != 0
                    default: ones & 1 == 1
                    }
                if isSet { value |= 1 << UInt64(bit) }
            }
            switch bits {
            case 16: builder.append(Int16(truncatingIfNeeded: value))
            case 32: builder.append(Int32(truncatingIfNeeded: value))
            default: builder.append(Int64(truncatingIfNeeded: value))
            }
        }
        return builder.finish()
    }

    override func clear(_ slot: Int32) {
        let start = Int(slot) * (bits + 1)
        for index in start...(start + bits) { counts[index] = 0 }
    }

    override var byteCount: Int { counts.capacity * 8 }
}

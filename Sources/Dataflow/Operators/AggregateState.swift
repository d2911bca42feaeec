/// The accumulators of one aggregate call, one per group slot.
///
/// Rows come as slots with an argument column without NULLs and optional weights: rows that do not count (NULL arguments, a false
/// FILTER) have been taken out. A retraction takes back exactly what the insertion gave.
class AggregateState {
    /// Makes room for slots below `end`; new ones are empty.
    func grow(to end: Int) { preconditionFailure("abstract") }

    func update(_ slots: UnsafeBufferPointer<Int32>, _ argument: Column?, _ weights: UnsafeBufferPointer<Int64>?) {
        preconditionFailure("abstract")
    }

    /// The columns of all arguments, then those of an ordered aggregate's sort keys. The argument's alone, if it is not overridden.
    func update(
        _ slots: UnsafeBufferPointer<Int32>, _ columns: [Column], _ weights: UnsafeBufferPointer<Int64>?
    ) {
        update(slots, columns.first, weights)
    }

    /// The results of these slots; a slot whose result is an error is reported by its position.
    func results(_ slots: UnsafeBufferPointer<Int32>, _ failures: inout [RowError]) -> Column {
        preconditionFailure("abstract")
    }

    /// Empties a slot that will be reused.
    func clear(_ slot: Int32) { preconditionFailure("abstract") }

    var byteCount: Int { 0 }
}

/// count(*) and count(x).
final class CountState: AggregateState {
    private var counts = ContiguousArray<Int64>()

    override func grow(to end: Int) {
        if counts.count < end {
            counts.append(contentsOf: repeatElement(0, count: max(end - counts.count, counts.count)))
        }
    }

    override func update(
        _ slots: UnsafeBufferPointer<Int32>, _ argument: Column?, _ weights: UnsafeBufferPointer<Int64>?
    ) {
        counts.withUnsafeMutableBufferPointer { counts in
            if let weights {
                for row in 0..<slots.count { counts[Int(slots[row])] &+= weights[row] }
            } else {
                for row in 0..<slots.count { counts[Int(slots[row])] &+= 1 }
            }
        }
    }

    override func results(_ slots: UnsafeBufferPointer<Int32>, _ failures: inout [RowError]) -> Column {
        Column(type: .bigint, count: slots.count) { (out: UnsafeMutableBufferPointer<Int64>) in
            for row in 0..<slots.count { out[row] = counts[Int(slots[row])] }
        }
    }

    override func clear(_ slot: Int32) { counts[Int(slot)] = 0 }
    override var byteCount: Int { counts.capacity * 8 }
}

/// sum and avg of integers: 128 bits hold every sum of 2^64 weighted 64-bit values.
final class IntegerSumState: AggregateState {
    /// The sum as two words, since arithmetic on `Int128` through generic code is slow.
    private struct Accumulator: BitwiseCopyable {
        var low: UInt64 = 0
        var high: Int64 = 0
        var count: Int64 = 0

        @inline(__always)
        mutating func add(_ value: Int64) {
            let (sum, carry) = low.addingReportingOverflow(UInt64(bitPattern: value))
            low = sum
            high &+= (value >> 63) &+ (carry ? 1 : 0)
            count &+= 1
        }

        @inline(__always)
        mutating func add(_ value: Int64, weight: Int64) {
            let product = value.multipliedFullWidth(by: weight)
            let (sum, carry) = low.addingReportingOverflow(product.low)
            low = sum
            high &+= product.high &+ (carry ? 1 : 0)
            count &+= weight
        }

        var sum: Int128 { unsafeBitCast((low, high), to: Int128.self) }
    }
    private var accumulators = ContiguousArray<Accumulator>()
    private let result: DataType
    private let isAverage: Bool

    init(result: DataType, isAverage: Bool) {
        self.result = result
        self.isAverage = isAverage
    }

    override func grow(to end: Int) {
        guard accumulators.count < end else { return }
        let extra = max(end - accumulators.count, accumulators.count)
        accumulators.append(contentsOf: repeatElement(Accumulator(), count: extra))
    }

    override func update(
        _ slots: UnsafeBufferPointer<Int32>, _ argument: Column?, _ weights: UnsafeBufferPointer<Int64>?
    ) {
        guard let argument else { return }
        switch argument.type.storage {
        case .int16: update(slots, argument, weights) { (value: Int16) in Int64(value) }
        case .int32: update(slots, argument, weights) { (value: Int32) in Int64(value) }
        case .int64: update(slots, argument, weights) { (value: Int64) in value }
        default: preconditionFailure("not an integer: \(argument.type.name)")
        }
    }

    @inline(__always)
    private func update<Value: FixedWidthValue>(
        _ slots: UnsafeBufferPointer<Int32>, _ argument: Column, _ weights: UnsafeBufferPointer<Int64>?,
        _ widen: (Value) -> Int64
    ) {
        argument.withValues(as: Value.self) { values in
            accumulators.withUnsafeMutableBufferPointer { accumulators in
                if let weights {
                    for row in 0..<slots.count {
                        accumulators[Int(slots[row])].add(widen(values[row]), weight: weights[row])
                    }
                } else {
                    for row in 0..<slots.count { accumulators[Int(slots[row])].add(widen(values[row])) }
                }
            }
        }
    }

    override func results(_ slots: UnsafeBufferPointer<Int32>, _ failures: inout [RowError]) -> Column {
        let builder = ColumnBuilder(type: result, capacity: slots.count)
        for (row, slot) in slots.enumerated() {
            let accumulator = accumulators[Int(slot)]
            if accumulator.count == 0 {
                builder.appendNull()
            } else if isAverage {
                let sum = Decimal(mantissa: accumulator.sum, scale: 0)
                if let value = Decimal.divide(sum, Decimal(accumulator.count)) {
                    builder.append(value)
                } else {
                    failures.append(RowError(row: row, code: "22003", message: Kernels.Failure.numericOverflow.message))
                    builder.appendNull()
                }
            } else if result == .numeric {
                builder.append(Decimal(mantissa: accumulator.sum, scale: 0))
            } else if let sum = Int64(exactly: accumulator.sum) {
                builder.append(sum)
            } else {
                failures.append(RowError(row: row, code: "22003", message: "bigint out of range"))
                builder.appendNull()
            }
        }
        return builder.finish()
    }

    override func clear(_ slot: Int32) { accumulators[Int(slot)] = Accumulator() }
    override var byteCount: Int { accumulators.capacity * MemoryLayout<Accumulator>.stride }
}

/// sum and avg of numerics: one exact sum per scale that is present, since the result's scale is the largest present.
final class NumericSumState: AggregateState {
    /// A sum of 192 bits in two's complement: `high × 2^128 + low`.
    private struct Part: BitwiseCopyable {
        var high: Int64 = 0
        var low: UInt128 = 0
        var count: Int64 = 0
        var scale: Int32 = 0

        mutating func add(_ value: Int128, _ weight: Int64) {
            let product = value.multipliedFullWidth(by: Int128(weight))
            let (sum, carry) = low.addingReportingOverflow(product.low)
            low = sum
            high &+= Int64(truncatingIfNeeded: product.high) &+ (carry ? 1 : 0)
            count &+= weight
        }

        /// The sum if it fits a numeric.
        var decimal: Decimal? {
            let value = Int128(bitPattern: low)
            guard high == (value < 0 ? -1 : 0), value.magnitude < UInt128(Decimal.powers[38]) else { return nil }
            return Decimal(mantissa: value, scale: scale)
        }
    }

    private var parts = ContiguousArray<Part>()
    /// Parts of other scales than the slot's first.
    private var others: [Int32: [Part]] = [:]
    private let isAverage: Bool

    init(isAverage: Bool) { self.isAverage = isAverage }

    override func grow(to end: Int) {
        if parts.count < end {
            parts.append(contentsOf: repeatElement(Part(), count: max(end - parts.count, parts.count)))
        }
    }

    override func update(
        _ slots: UnsafeBufferPointer<Int32>, _ argument: Column?, _ weights: UnsafeBufferPointer<Int64>?
    ) {
        guard let argument else { return }
        argument.withValues(as: Decimal.self) { values in
            for row in 0..<slots.count {
                let slot = slots[row]
                let weight = weights?[row] ?? 1
                let value = values[row]
                if parts[Int(slot)].count == 0, others[slot] == nil, parts[Int(slot)].low == 0,
                    parts[Int(slot)].high == 0
                {
                    parts[Int(slot)].scale = value.scale
                }
                if parts[Int(slot)].scale == value.scale {
                    parts[Int(slot)].add(value.mantissa, weight)
                    continue
                }
                var list = others[slot] ?? []
                if let index = list.firstIndex(where: { $0.scale == value.scale }) {
                    list[index].add(value.mantissa, weight)
                } else {
                    var part = Part()
                    part.scale = value.scale
                    part.add(value.mantissa, weight)
                    list.append(part)
                }
                list.removeAll { $0.count == 0 && $0.low == 0 && $0.high == 0 }
                others[slot] = list.isEmpty ? nil : list
            }
        }
    }

    override func results(_ slots: UnsafeBufferPointer<Int32>, _ failures: inout [RowError]) -> Column {
        let builder = ColumnBuilder(type: .numeric, capacity: slots.count)
        for (row, slot) in slots.enumerated() {
            let present = ([parts[Int(slot)]] + (others[slot] ?? [])).filter {
                $0.count != 0 || $0.low != 0 || $0.high != 0
            }
            let count = present.reduce(0) { $0 + $1.count }
            guard count != 0, let scale = present.map(\.scale).max() else {
                builder.appendNull()
                continue
            }
            var total: Decimal? = Decimal(mantissa: 0, scale: scale)
            for part in present {
                total = total.flatMap { total in part.decimal.flatMap { Decimal.add(total, $0) } }
            }
            if isAverage { total = total.flatMap { Decimal.divide($0, Decimal(count)) } }
            if let total {
                builder.append(total)
            } else {
                failures.append(RowError(row: row, code: "22003", message: Kernels.Failure.numericOverflow.message))
                builder.appendNull()
            }
        }
        return builder.finish()
    }

    override func clear(_ slot: Int32) {
        parts[Int(slot)] = Part()
        others[slot] = nil
    }

    override var byteCount: Int { parts.capacity * MemoryLayout<Part>.stride + others.count * 128 }
}

/// sum and avg of doubles, exact until the result is rounded once.
final class DoubleSumState: AggregateState {
    private var sums = ContiguousArray<ExactSum>()
    private var counts = ContiguousArray<Int64>()
    private let isAverage: Bool

    init(isAverage: Bool) { self.isAverage = isAverage }

    override func grow(to end: Int) {
        guard sums.count < end else { return }
        let extra = max(end - sums.count, sums.count)
        sums.append(contentsOf: repeatElement(ExactSum(), count: extra))
        counts.append(contentsOf: repeatElement(0, count: extra))
    }

    override func update(
        _ slots: UnsafeBufferPointer<Int32>, _ argument: Column?, _ weights: UnsafeBufferPointer<Int64>?
    ) {
        guard let argument else { return }
        argument.withValues(as: Double.self) { values in
            sums.withUnsafeMutableBufferPointer { sums in
                counts.withUnsafeMutableBufferPointer { counts in
                    for row in 0..<slots.count {
                        let slot = Int(slots[row])
                        let weight = weights?[row] ?? 1
                        sums[slot].add(values[row], weight: weight)
                        counts[slot] &+= weight
                    }
                }
            }
        }
    }

    override func results(_ slots: UnsafeBufferPointer<Int32>, _ failures: inout [RowError]) -> Column {
        let builder = ColumnBuilder(type: .double, capacity: slots.count)
        for (row, slot) in slots.enumerated() {
            let count = counts[Int(slot)]
            if count == 0 {
                builder.appendNull()
            } else if sums[Int(slot)].isOverflow {
                failures.append(RowError(row: row, code: "22003", message: Kernels.Failure.outOfRange(.double).message))
                builder.appendNull()
            } else {
                let sum = sums[Int(slot)].value
                builder.append(isAverage ? sum / Double(count) : sum)
            }
        }
        return builder.finish()
    }

    override func clear(_ slot: Int32) {
        sums[Int(slot)] = ExactSum()
        counts[Int(slot)] = 0
    }

    override var byteCount: Int { sums.capacity * (MemoryLayout<ExactSum>.stride + 8) }
}

/// sum and avg of intervals, field by field.
final class IntervalSumState: AggregateState {
    private struct Accumulator: BitwiseCopyable {
        var months: Int128 = 0
        var days: Int128 = 0
        var microseconds: Int128 = 0
        var count: Int64 = 0
    }
    private var accumulators = ContiguousArray<Accumulator>()
    private let isAverage: Bool

    init(isAverage: Bool) { self.isAverage = isAverage }

    override func grow(to end: Int) {
        guard accumulators.count < end else { return }
        accumulators.append(
            contentsOf: repeatElement(Accumulator(), count: max(end - accumulators.count, accumulators.count)))
    }

    override func update(
        _ slots: UnsafeBufferPointer<Int32>, _ argument: Column?, _ weights: UnsafeBufferPointer<Int64>?
    ) {
        guard let argument else { return }
        argument.withValues(as: Interval.self) { values in
            for row in 0..<slots.count {
                let weight = weights?[row] ?? 1
                let slot = Int(slots[row])
                accumulators[slot].months += Int128(values[row].months) * Int128(weight)
                accumulators[slot].days += Int128(values[row].days) * Int128(weight)
                accumulators[slot].microseconds += Int128(values[row].microseconds) * Int128(weight)
                accumulators[slot].count += weight
            }
        }
    }

    override func results(_ slots: UnsafeBufferPointer<Int32>, _ failures: inout [RowError]) -> Column {
        let builder = ColumnBuilder(type: .interval, capacity: slots.count)
        for (row, slot) in slots.enumerated() {
            let sum = accumulators[Int(slot)]
            if sum.count == 0 {
                builder.appendNull()
                continue
            }
            if let value = interval(sum) {
                builder.append(value)
            } else {
                failures.append(RowError(row: row, code: "22008", message: "interval out of range"))
                builder.appendNull()
            }
        }
        return builder.finish()
    }

    /// An average spills what is left of months into days (30 a month), of days into the time, as PostgreSQL's division does, and
    /// rounds half a microsecond to even.
    private func interval(_ sum: Accumulator) -> Interval? {
        var (months, days, microseconds) = (sum.months, sum.days, sum.microseconds)
        if isAverage {
            let count = Int128(sum.count)
            let (monthDays, monthRest) = (months % count * 30).quotientAndRemainder(dividingBy: count)
            let (restDays, rest) = (days % count + monthRest).quotientAndRemainder(dividingBy: count)
            months /= count
            days = days / count + monthDays + restDays
            let total = microseconds + rest * Int128(Timestamp.microsecondsPerDay)
            let (quotient, left) = total.quotientAndRemainder(dividingBy: count)
            microseconds = quotient
            let twice = left.magnitude * 2
            if twice > count.magnitude || twice == count.magnitude && quotient % 2 != 0 {
                microseconds += left < 0 ? -1 : 1
            }
        }
        guard let m = Int32(exactly: months), let d = Int32(exactly: days), let u = Int64(exactly: microseconds) else {
            return nil
        }
        return Interval(months: m, days: d, microseconds: u)
    }

    override func clear(_ slot: Int32) { accumulators[Int(slot)] = Accumulator() }
    override var byteCount: Int { accumulators.capacity * MemoryLayout<Accumulator>.stride }
}

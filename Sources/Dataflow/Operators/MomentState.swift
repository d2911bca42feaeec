/// Variances and standard deviations of integers and numerics: exact sums of the values and of their squares, per scale.
final class MomentState: AggregateState {
    /// Sums of one scale, as integers in two's complement, least significant word first.
    private struct Part: BitwiseCopyable {
        var count: Int64 = 0
        var scale: Int32 = 0
        /// 2^63 weighted mantissas of 127 bits.
        var sum: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        /// 2^63 weighted squares of 254 bits.
        var squares: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0)

        mutating func add(_ value: Int128, _ weight: Int64) {
            count &+= weight
            let product = value.multipliedFullWidth(by: Int128(weight))
            add(product.low, product.high)
            addSquare(value.magnitude, weight)
        }

        private mutating func add(_ low: UInt128, _ high: Int128) {
            var carry: UInt64 = 0
            func step(_ word: inout UInt64, _ part: UInt64) {
                let (first, one) = word.addingReportingOverflow(part)
                let (second, two) = first.addingReportingOverflow(carry)
                word = second
                carry = (one ? 1 : 0) &+ (two ? 1 : 0)
            }
            step(&sum.0, UInt64(truncatingIfNeeded: low))
            step(&sum.1, UInt64(truncatingIfNeeded: low >> 64))
            step(&sum.2, UInt64(truncatingIfNeeded: high))
            step(&sum.3, UInt64(truncatingIfNeeded: high >> 64))
        }

        private mutating func addSquare(_ magnitude: UInt128, _ weight: Int64) {
            let square = magnitude.multipliedFullWidth(by: magnitude)
            let factor = UInt128(weight.magnitude)
            let low = square.low.multipliedFullWidth(by: factor)
            let high = square.high.multipliedFullWidth(by: factor)
            let (middle, overflow) = low.high.addingReportingOverflow(high.low)
            let top = UInt64(truncatingIfNeeded: high.high) &+ (overflow ? 1 : 0)
            // Of a negative weight the complement is added, and one.
            let mask: UInt64 = weight < 0 ? .max : 0
            var carry: UInt64 = weight < 0 ? 1 : 0
            func step(_ word: inout UInt64, _ part: UInt64) {
                let (first, one) = word.addingReportingOverflow(part ^ mask)
                let (second, two) = first.addingReportingOverflow(carry)
                word = second
                carry = (one ? 1 : 0) &+ (two ? 1 : 0)
            }
            step(&squares.0, UInt64(truncatingIfNeeded: low.low))
            step(&squares.1, UInt64(truncatingIfNeeded: low.low >> 64))
            step(&squares.2, UInt64(truncatingIfNeeded: middle))
            step(&squares.3, UInt64(truncatingIfNeeded: middle >> 64))
            step(&squares.4, top)
            step(&squares.5, 0)
        }

        var isEmpty: Bool {
            count == 0 && sum.0 | sum.1 | sum.2 | sum.3 == 0
                && squares.0 | squares.1 | squares.2 | squares.3 | squares.4 | squares.5 == 0
        }

        var exactSum: BigInteger { BigInteger(twosComplement: [sum.0, sum.1, sum.2, sum.3]) }
        var exactSquares: BigInteger {
            BigInteger(
                twosComplement: [squares.0, squares.1, squares.2, squares.3, squares.4, squares.5])
        }
    }

    private var parts = ContiguousArray<Part>()
    /// Parts of other scales than the slot's first.
    private var others: [Int32: [Part]] = [:]
    private let function: AggregateCall.Function

    init(_ function: AggregateCall.Function) { self.function = function }

    override func grow(to end: Int) {
        if parts.count < end {
            parts.append(contentsOf: repeatElement(Part(), count: max(end - parts.count, parts.count)))
        }
    }

    override func update(
        _ slots: UnsafeBufferPointer<Int32>, _ argument: Column?, _ weights: UnsafeBufferPointer<Int64>?
    ) {
        guard let argument else { return }
        switch argument.type {
        case .smallint: integers(slots, argument, weights, Int16.self)
        case .integer: integers(slots, argument, weights, Int32.self)
        case .bigint: integers(slots, argument, weights, Int64.self)
        default:
            argument.withValues(as: Decimal.self) { values in
                for row in 0..<slots.count { add(values[row], weights?[row] ?? 1, to: slots[row]) }
            }
        }
    }

    private func integers<Value: FixedWidthValue & FixedWidthInteger>(
        _ slots: UnsafeBufferPointer<Int32>, _ argument: Column, _ weights: UnsafeBufferPointer<Int64>?, _: Value.Type
    ) {
        argument.withValues(as: Value.self) { values in
            parts.withUnsafeMutableBufferPointer { parts in
                for row in 0..<slots.count { parts[Int(slots[row])].add(Int128(values[row]), weights?[row] ?? 1) }
            }
        }
    }

    private func add(_ value: Decimal, _ weight: Int64, to slot: Int32) {
        if parts[Int(slot)].isEmpty, others[slot] == nil { parts[Int(slot)].scale = value.scale }
        if parts[Int(slot)].scale == value.scale { return parts[Int(slot)].add(value.mantissa, weight) }
        var list = others[slot] ?? []
        if let index = list.firstIndex(where: { $0.scale == value.scale }) {
            list[index].add(value.mantissa, weight)
        } else {
            var part = Part()
            part.scale = value.scale
            part.add(value.mantissa, weight)
            list.append(part)
        }
        list.removeAll(where: \.isEmpty)
        others[slot] = list.isEmpty ? nil : list
    }

    override func results(_ slots: UnsafeBufferPointer<Int32>, _ failures: inout [RowError]) -> Column {
        let builder = ColumnBuilder(type: .numeric, capacity: slots.count)
        for (row, slot) in slots.enumerated() {
            let present = ([parts[Int(slot)]] + (others[slot] ?? [])).filter { !$0.isEmpty }
            let count = present.reduce(0) { $0 + $1.count }
            guard count > 0, count > 1 || function == .varPop || function == .stddevPop,
                let scale = present.map({ Int($0.scale) }).max()
            else {
                builder.appendNull()
                continue
            }
            var (sum, squares) = (BigInteger(), BigInteger())
            for part in present {
                let shift = scale - Int(part.scale)
                sum = sum + part.exactSum * BigInteger.power(ofTen: shift)
                squares = squares + part.exactSquares * BigInteger.power(ofTen: 2 * shift)
            }
            if let value = result(sum, squares, scale, count) {
                builder.append(value)
            } else {
                failures.append(RowError(row: row, code: "22003", message: Kernels.Failure.numericOverflow.message))
                builder.appendNull()
            }
        }
        return builder.finish()
    }

    /// With PostgreSQL's scales: (n Σx² − (Σx)²) over n² or n (n − 1), to at least 16 significant digits.
    private func result(_ sum: BigInteger, _ squares: BigInteger, _ scale: Int, _ count: Int64) -> Decimal? {
        let number = BigInteger(count)
        let numerator = number * squares - sum * sum
        if numerator.isZero || numerator.isNegative { return Decimal(0) }
        let isSample = function == .varSamp || function == .stddevSamp
        let denominator = number * (isSample ? BigInteger(count - 1) : number)
        let (weight, digit) = Self.leading(numerator, 2 * scale)
        let (divisorWeight, divisorDigit) = Self.leading(denominator, 0)
        let quotientWeight = weight - divisorWeight - (digit <= divisorDigit ? 1 : 0)
        let resultScale = max(16 - quotientWeight * 4, 2 * scale, 0)
        let shift = resultScale - 2 * scale
        var value = (numerator * BigInteger.power(ofTen: shift)).divided(by: denominator)
        if function == .stddevPop || function == .stddevSamp {
            let (root, rest) = (value * BigInteger.power(ofTen: resultScale)).squareRoot
            value = (rest - root).isZero || (rest - root).isNegative ? root : root + BigInteger(Int64(1))
        }
        guard let mantissa = value.int128, mantissa.magnitude < UInt128(Decimal.powers[38]), resultScale <= 38 else {
            return nil
        }
        return Decimal(mantissa: mantissa, scale: Int32(resultScale))
    }

    /// The position of the first base-10000 digit (0 is that of the units) and its value.
    private static func leading(_ value: BigInteger, _ scale: Int) -> (weight: Int, digit: Int) {
        let digits = value.decimalDigits
        let before = digits.count - scale
        let weight = (before - 1) >> 2
        let size = before - weight * 4
        let digit = (0..<size).reduce(0) { $0 * 10 + ($1 < digits.count ? Int(digits[$1]) : 0) }
        return (weight, digit)
    }

    override func clear(_ slot: Int32) {
        parts[Int(slot)] = Part()
        others[slot] = nil
    }

    override var byteCount: Int { parts.capacity * MemoryLayout<Part>.stride + others.count * 192 }
}

/// Exact second moments of doubles, read once: `n Σab − Σa Σb` as an integer times a power of two.
private enum Moments {
    static func spread(
        _ products: ExactProductSum, _ a: ExactSum, _ b: ExactSum, _ count: Int64
    ) -> (mantissa: BigInteger, exponent: Int) {
        let (squares, power) = products.exact
        let ((x, xPower), (y, yPower)) = (a.exact, b.exact)
        let least = min(power, xPower + yPower)
        let first = (BigInteger(count) * squares).shiftedLeft(by: power - least)
        let second = (x * y).shiftedLeft(by: xPower + yPower - least)
        return (first - second, least)
    }
}

/// Variances and standard deviations of doubles, rounded once.
final class DoubleMomentState: AggregateState {
    private struct Accumulator {
        var count: Int64 = 0
        var sum = ExactSum()
        var squares = ExactProductSum()
    }
    private var accumulators = ContiguousArray<Accumulator>()
    private let function: AggregateCall.Function

    init(_ function: AggregateCall.Function) { self.function = function }

    override func grow(to end: Int) {
        guard accumulators.count < end else { return }
        accumulators.append(
            contentsOf: repeatElement(Accumulator(), count: max(end - accumulators.count, accumulators.count)))
    }

    override func update(
        _ slots: UnsafeBufferPointer<Int32>, _ argument: Column?, _ weights: UnsafeBufferPointer<Int64>?
    ) {
        guard let argument else { return }
        argument.withValues(as: Double.self) { values in
            accumulators.withUnsafeMutableBufferPointer { accumulators in
                for row in 0..<slots.count {
                    let (slot, weight, value) = (Int(slots[row]), weights?[row] ?? 1, values[row])
                    accumulators[slot].count &+= weight
                    accumulators[slot].sum.add(value, weight: weight)
                    if value.isFinite { accumulators[slot].squares.add(value, value, weight: weight) }
                }
            }
        }
    }

    override func results(_ slots: UnsafeBufferPointer<Int32>, _ failures: inout [RowError]) -> Column {
        let builder = ColumnBuilder(type: .double, capacity: slots.count)
        let isSample = function == .varSamp || function == .stddevSamp
        let isRoot = function == .stddevPop || function == .stddevSamp
        for (row, slot) in slots.enumerated() {
            let count = accumulators[Int(slot)].count
            guard count > (isSample ? 1 : 0) else {
                builder.appendNull()
                continue
            }
            let accumulator = accumulators[Int(slot)]
            if accumulator.sum.special != nil {
                builder.append(Double.nan)
                continue
            }
            let (spread, exponent) = Moments.spread(accumulator.squares, accumulator.sum, accumulator.sum, count)
            let divisor = BigInteger(count) * BigInteger(isSample ? count - 1 : count)
            let value = BigInteger.double(spread, over: divisor, exponent: exponent, isRoot: isRoot)
            if value.isInfinite {
                failures.append(RowError(row: row, code: "22003", message: Kernels.Failure.outOfRange(.double).message))
                builder.appendNull()
            } else {
                builder.append(value)
            }
        }
        return builder.finish()
    }

    override func clear(_ slot: Int32) { accumulators[Int(slot)] = Accumulator() }
    override var byteCount: Int { accumulators.capacity * MemoryLayout<Accumulator>.stride }
}

/// Covariance, correlation and linear regression of pairs (y, x) of doubles, from exact sums.
final class RegressionState: AggregateState {
    private struct Accumulator {
        var count: Int64 = 0
        var x = ExactSum()
        var y = ExactSum()
        var xx = ExactProductSum()
        var yy = ExactProductSum()
        var xy = ExactProductSum()
    }
    private var accumulators = ContiguousArray<Accumulator>()
    private let function: AggregateCall.Function

    init(_ function: AggregateCall.Function) { self.function = function }

    override func grow(to end: Int) {
        guard accumulators.count < end else { return }
        accumulators.append(
            contentsOf: repeatElement(Accumulator(), count: max(end - accumulators.count, accumulators.count)))
    }

    override func update(
        _ slots: UnsafeBufferPointer<Int32>, _ columns: [Column], _ weights: UnsafeBufferPointer<Int64>?
    ) {
        columns[0].withValues(as: Double.self) { ys in
            columns[1].withValues(as: Double.self) { xs in
                accumulators.withUnsafeMutableBufferPointer { accumulators in
                    for row in 0..<slots.count {
                        let (slot, weight) = (Int(slots[row]), weights?[row] ?? 1)
                        let (x, y) = (xs[row], ys[row])
                        accumulators[slot].count &+= weight
                        accumulators[slot].x.add(x, weight: weight)
                        accumulators[slot].y.add(y, weight: weight)
                        if x.isFinite { accumulators[slot].xx.add(x, x, weight: weight) }
                        if y.isFinite { accumulators[slot].yy.add(y, y, weight: weight) }
                        if x.isFinite, y.isFinite { accumulators[slot].xy.add(x, y, weight: weight) }
                    }
                }
            }
        }
    }

    override func results(_ slots: UnsafeBufferPointer<Int32>, _ failures: inout [RowError]) -> Column {
        let builder = ColumnBuilder(type: function == .regrCount ? .bigint : .double, capacity: slots.count)
        for slot in slots {
            let accumulator = accumulators[Int(slot)]
            if function == .regrCount {
                builder.append(accumulator.count)
            } else if let value = result(accumulator) {
                builder.append(value)
            } else {
                builder.appendNull()
            }
        }
        return builder.finish()
    }

    /// As PostgreSQL defines each; NULL where it is not defined.
    private func result(_ sums: Accumulator) -> Double? {
        let count = sums.count
        guard count > 0 else { return nil }
        let number = Double(count)
        if function == .regrAvgX { return sums.x.value / number }
        if function == .regrAvgY { return sums.y.value / number }
        if sums.x.special != nil || sums.y.special != nil {
            return function == .covarSamp && count < 2 ? nil : .nan
        }
        let divisor = BigInteger(count)
        func spread(_ products: ExactProductSum, _ a: ExactSum, _ b: ExactSum) -> (BigInteger, Int) {
            Moments.spread(products, a, b, count)
        }
        let (xx, yy) = (spread(sums.xx, sums.x, sums.x), spread(sums.yy, sums.y, sums.y))
        let xy = spread(sums.xy, sums.x, sums.y)
        func ratio(_ a: (BigInteger, Int), _ b: (BigInteger, Int)) -> Double {
            BigInteger.double(a.0, over: b.0, exponent: a.1 - b.1)
        }
        func over(_ value: (BigInteger, Int), _ divisor: BigInteger) -> Double {
            BigInteger.double(value.0, over: divisor, exponent: value.1)
        }
        switch function {
        case .regrSXX: return over(xx, divisor)
        case .regrSYY: return over(yy, divisor)
        case .regrSXY: return over(xy, divisor)
        case .covarPop: return over(xy, divisor * divisor)
        case .covarSamp: return count < 2 ? nil : over(xy, divisor * BigInteger(count - 1))
        case .corr:
            if xx.0.isZero || yy.0.isZero { return nil }
            let square = BigInteger.double(
                xy.0 * xy.0, over: xx.0 * yy.0, exponent: 2 * xy.1 - xx.1 - yy.1, isRoot: true)
            return xy.0.isNegative ? -square : square
        case .regrR2:
            if xx.0.isZero { return nil }
            if yy.0.isZero { return 1 }
            return BigInteger.double(xy.0 * xy.0, over: xx.0 * yy.0, exponent: 2 * xy.1 - xx.1 - yy.1)
        case .regrSlope: return xx.0.isZero ? nil : ratio(xy, xx)
        case .regrIntercept:
            if xx.0.isZero { return nil }
            // (Σy Sxx − Σx Sxy) / (n Sxx)
            let ((y, yPower), (x, xPower)) = (sums.y.exact, sums.x.exact)
            let (first, firstPower) = (y * xx.0, yPower + xx.1)
            let (second, secondPower) = (x * xy.0, xPower + xy.1)
            let least = min(firstPower, secondPower)
            let numerator =
                first.shiftedLeft(by: firstPower - least) - second.shiftedLeft(by: secondPower - least)
            return ratio((numerator, least), (divisor * xx.0, xx.1))
        default: return nil
        }
    }

    override func clear(_ slot: Int32) { accumulators[Int(slot)] = Accumulator() }
    override var byteCount: Int { accumulators.capacity * MemoryLayout<Accumulator>.stride }
}

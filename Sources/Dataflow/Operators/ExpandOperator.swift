/// Rows that functions make of each input row. Linear: weights pass on; a row in which a function fails goes to the errors instead.
final class ExpandOperator: Operator {
    private let spec: OperatorKind.Expand
    private let calls: [Call]
    /// Input rows that the functions are asked about at a time: fewer if each gives many.
    private var step = 256
    private let combiner: Combiner?
    /// Batches that go as they are, since putting rows together has not been worth it.
    private var skipped = 0

    /// A batch is smaller by this factor, or the next ones so many are not tried.
    private static let (combinedShareMin, skippedMax) = (2, 32)

    private struct Call {
        let function: TableFunction
        let arguments: [CompiledExpression]
    }

    init(_ spec: OperatorKind.Expand, types: [DataType]) throws(GraphError) {
        self.spec = spec
        combiner = spec.panes.map { Combiner($0.combine, types: types) }
        var calls: [Call] = []
        for call in spec.functions {
            guard let function = TableFunctionRegistry.function(key: call.key) else {
                throw GraphError("the graph calls \(call.key), which this build does not have")
            }
            var arguments: [CompiledExpression] = []
            for argument in call.arguments { arguments.append(try CompiledExpression(argument)) }
            calls.append(Call(function: function, arguments: arguments))
        }
        self.calls = calls
    }

    override func process(_ delta: Delta, port: Int, emit: (Delta) -> Void) {
        guard let panes = spec.panes, let combiner else { return expandAll(delta, emit) }
        guard skipped == 0 else {
            skipped -= 1
            return expandAll(delta, emit)
        }
        var floored = delta
        floored.columns[panes.time] = Self.floored(delta.columns[panes.time], panes.step)
        let parts = combiner.combinedAll(floored)
        if parts.reduce(0, { $0 + $1.count }) * Self.combinedShareMin > delta.count { skipped = Self.skippedMax }
        for part in parts { expandAll(part, emit) }
    }

    private static func floored(_ times: Column, _ step: Int64) -> Column {
        times.withValues(as: Int64.self) { values in
            Column(type: times.type, count: times.count, validity: times.validity) {
                (out: UnsafeMutableBufferPointer<Int64>) in
                for row in 0..<times.count {
                    let isFinite = Calendar.isFinite(values[row])
                    out[row] = isFinite ? TimeFields.floorToMultiple(values[row], step) : values[row]
                }
            }
        }
    }

    private func expandAll(_ delta: Delta, _ emit: (Delta) -> Void) {
        var start = 0
        while start < delta.count, stop?.isSet != true {
            let count = min(step, delta.count - start)
            let whole = start == 0 && count == delta.count
            let rows = (start..<start + count).map { Int32($0) }
            let part = whole ? delta : rows.withUnsafeBufferPointer { delta.gather($0) }
            let made = expand(part, emit)
            start += count
            // Batches of about the usual size, however many rows each input row gives.
            if made > 2 * Delta.rowsMax, step > 1 { step = max(step / 2, 1) }
            if made < Delta.rowsMax / 2, step < Delta.rowsMax { step *= 2 }
        }
    }

    /// Emits what a batch gives; returns how many rows that is.
    private func expand(_ delta: Delta, _ emit: (Delta) -> Void) -> Int {
        var failures: [RowError] = []
        let results = calls.map { call -> TableFunction.Rows in
            let arguments = call.arguments.map { $0.evaluate(delta.columns, count: delta.count, errors: &failures) }
            var validity: Validity?
            for argument in arguments { validity = Validity.and(validity, argument.validity) }
            return call.function.kernel(arguments, delta.count, validity, &failures)
        }
        var failed = [Bool](repeating: false, count: failures.isEmpty ? 0 : delta.count)
        var first: [RowError] = []
        for failure in failures.sorted(by: { $0.row < $1.row }) where !failed[failure.row] {
            failed[failure.row] = true
            first.append(failure)
        }
        report(first, of: delta)
        let plan = arrange(results, delta.count, failed)
        guard !plan.inputs.isEmpty else { return 0 }
        var columns = plan.inputs.withUnsafeBufferPointer { rows in delta.columns.map { $0.gather(rows) } }
        for (index, result) in results.enumerated() {
            for column in result.columns { columns.append(Self.pick(column, plan.places[index])) }
        }
        if spec.hasOrdinality { columns.append(Self.ordinality(plan.numbers)) }
        let weights = delta.weights.map { weights in plan.inputs.withUnsafeBufferPointer { weights.gather($0) } }
        Delta(columns: columns, weights: weights, count: plan.inputs.count).forEachBatch(emit)
        return plan.inputs.count
    }

    /// Which rows go out: their input rows, their numbers within these (0 for a row kept without any), and for each function the
    /// place of its row, −1 for NULL.
    private struct Arrangement {
        var inputs: [Int32] = []
        var numbers: [Int64] = []
        var places: [[Int32]]
    }

    private func arrange(_ results: [TableFunction.Rows], _ count: Int, _ failed: [Bool]) -> Arrangement {
        var plan = Arrangement(places: results.map { _ in [] })
        var cursors = [Int](repeating: 0, count: results.count)
        for row in 0..<count {
            var ends = cursors
            var most = 0
            for (index, result) in results.enumerated() {
                while ends[index] < result.inputs.count, result.inputs[ends[index]] == Int32(row) { ends[index] += 1 }
                most = max(most, ends[index] - cursors[index])
            }
            if failed.isEmpty || !failed[row] {
                let kept = most == 0 && spec.keepsEmpty ? 1 : most
                for number in 0..<kept {
                    plan.inputs.append(Int32(row))
                    plan.numbers.append(number < most ? Int64(number + 1) : 0)
                    for index in results.indices {
                        let place = cursors[index] + number
                        plan.places[index].append(place < ends[index] ? Int32(place) : -1)
                    }
                }
            }
            cursors = ends
        }
        return plan
    }

    private static func pick(_ column: Column, _ places: [Int32]) -> Column {
        if places.allSatisfy({ $0 >= 0 }) { return places.withUnsafeBufferPointer { column.gather($0) } }
        let null = Column.repeating(.null, type: column.type, count: 1)
        let joined = column.count == 0 ? null : Column.concatenating([column, null])
        let indices = places.map { $0 < 0 ? Int32(column.count) : $0 }
        return indices.withUnsafeBufferPointer { joined.gather($0) }
    }

    private static func ordinality(_ numbers: [Int64]) -> Column {
        guard numbers.contains(0) else { return Column.bigints(numbers) }
        return Column.bigints(numbers).masked(by: Validity(count: numbers.count) { numbers[$0] != 0 })
    }
}

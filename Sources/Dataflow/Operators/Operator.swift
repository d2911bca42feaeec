/// One operator of a worker's graph: takes deltas, emits deltas.
///
/// The law: after any barrier, the sum of what it emitted is a function of the sum of what it took. Within an epoch it may emit
/// rows as they come or hold back until ``flush(_:)``, where it emits its net change. Subclasses override what they need.
package class Operator {
    /// Where row errors go: `rowErrorColumns` with the weight of the row that failed.
    var errors: (any Outlet)?

    /// Set when nobody waits for the answer any more: an operator may then stop within a batch.
    var stop: StopFlag?

    /// A batch on input `port`. `emit` passes batches on at once, in order.
    func process(_ delta: Delta, port: Int, emit: (Delta) -> Void) {
        preconditionFailure("\(Self.self) takes no input")
    }

    /// All inputs have reached the barrier.
    func flush(_ emit: (Delta) -> Void) {}

    /// A new epoch: `watermarks` are those of the tables after the last one.
    func beginEpoch(watermarks: [String: Int64]) {}

    /// The clock at the frontier of the epoch that begins: told before ``beginEpoch(watermarks:)``, where there is one.
    func advance(clock: Int64) {}

    /// Keys or rows kept.
    var stateEntries: Int { 0 }

    /// Bytes that they take.
    var stateBytes: Int { 0 }

    /// Reports failed rows of a batch, as text, with their weights.
    final func report(_ failures: [RowError], of delta: Delta) {
        guard let errors, !failures.isEmpty else { return }
        let (codes, messages, inputs) = (
            ColumnBuilder(type: .text), ColumnBuilder(type: .text), ColumnBuilder(type: .text)
        )
        let weights = ColumnBuilder(type: .bigint)
        var text: [UInt8] = []
        for failure in failures {
            codes.append(failure.code)
            messages.append(failure.message)
            text.removeAll(keepingCapacity: true)
            RowText.append(delta.columns, row: failure.row, to: &text)
            text.withUnsafeBufferPointer { inputs.append(utf8: $0) }
            weights.append(delta.weight(at: failure.row))
        }
        errors.consume(
            Delta(
                columns: [codes.finish(), messages.finish(), inputs.finish()], weights: weights.finish(),
                count: failures.count))
    }

    /// Where state may go: the largest timestamp of a row that can be dropped, given the watermarks; nil if none can.
    /// A row whose time is the watermark less the lateness is still accepted, so it is below that.
    static func expiryLimit(_ expiry: Expiry?, _ watermarks: [String: Int64]) -> Int64? {
        guard let expiry, !expiry.sources.isEmpty else { return nil }
        var watermark = Int64.max
        for source in expiry.sources {
            guard let mark = watermarks[source] else { return nil }
            watermark = min(watermark, mark)
        }
        let (limit, overflow) = watermark.subtractingReportingOverflow(expiry.offset)
        return overflow || limit == .min ? nil : limit - 1
    }
}

/// Says to the operators of one worker that their work is no longer wanted.
final class StopFlag {
    var isSet = false
}

/// Batches of rows cut to ``Delta/rowsMax``.
extension Delta {
    func forEachBatch(_ body: (Delta) -> Void) {
        if count <= Delta.rowsMax {
            if count > 0 { body(self) }
            return
        }
        var start = 0
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: Delta.rowsMax) { indices in
            while start < count {
                let size = min(Delta.rowsMax, count - start)
                for index in 0..<size { indices[index] = Int32(start + index) }
                body(gather(UnsafeBufferPointer(rebasing: indices[0..<size])))
                start += size
            }
        }
    }
}

internal import Dataflow

/// Which computed columns still carry event time.
enum EventTimeProof {
    /// A table's event-time column: once the watermark is at *w*, a record of time *t* is accepted only if *t* ≥ *w* − lateness,
    /// so nothing of *t* comes once *w* ≥ *t* + lateness + 1 µs.
    static func offset(lateness: Int64) -> Int64 { lateness + 1 }

    /// The proof for an expression over `input`; the result's column is meaningless.
    ///
    /// - A window's start *s* of size *n*: its last time is *s* + *n* − 1 µs.
    /// - A column moved by a constant.
    static func derive(_ expression: Expression, from input: Lowered) -> (proof: EventTimeColumn, isWindow: Bool)? {
        if let column = expression.columnIndex {
            guard let proof = input.eventTime(column) else { return nil }
            return (proof, input.windowBounds.contains(column))
        }
        guard case .call(let key, let operands, let type) = expression, operands.count == 2,
            ClockTypes.all.contains(type),
            case .literal(.interval(let interval), _) = operands[1], interval.months == 0,
            let (proof, isWindow) = derive(operands[0], from: input)
        else { return nil }
        let days = Int64(interval.days).multipliedReportingOverflow(by: Timestamp.microsecondsPerDay)
        let size = days.partialValue.addingReportingOverflow(interval.microseconds)
        guard !days.overflow, !size.overflow else { return nil }
        var moved = proof
        let shift: Int64
        // By a zone's calendar a day may have 23 hours.
        if type == .timestamptz, interval.days != 0, !key.hasPrefix("tumble_") { return nil }
        switch key.prefix(while: { $0 != "(" }) {
        case "tumble_start": shift = size.partialValue - 1
        case "tumble_end": shift = -1
        case "+": shift = -size.partialValue
        case "-": shift = size.partialValue
        default: return nil
        }
        let (offset, overflow) = proof.offset.addingReportingOverflow(shift)
        if overflow { return nil }
        moved.offset = offset
        return (moved, isWindow || key.hasPrefix("tumble_"))
    }
}

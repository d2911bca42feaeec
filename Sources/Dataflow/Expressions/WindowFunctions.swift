/// The windows of hop(…): a table function over the time, as the planner makes it.
enum WindowFunctions {
    static let all: [TableFunction] = [hop(.timestamp), hop(.timestamptz)]

    /// The most windows that one row may be in: each is a copy of the row.
    static let hopsMax = 1000

    private static func hop(_ type: DataType) -> TableFunction {
        TableFunction(
            "hop_windows", [type, .interval, .interval], [.init("window_start", type), .init("window_end", type)],
            "The windows of the third argument's size that contain the time; they begin at multiples of the second since 1970-01-01 00:00 (UTC)."
        ) { arguments, count, validity, errors in
            let (starts, ends) = (ColumnBuilder(type: type), ColumnBuilder(type: type))
            var inputs: [Int32] = []
            for row in 0..<count where validity?.isValid(row) ?? true {
                let time = arguments[0].withValues(as: Int64.self) { $0[row] }
                let (slide, size) = (
                    arguments[1].withValues(as: Interval.self) { $0[row] },
                    arguments[2].withValues(as: Interval.self) { $0[row] }
                )
                guard let step = microseconds(slide), let length = microseconds(size), length / step < Int64(hopsMax)
                else {
                    errors.append(
                        RowError(
                            row: row, code: "22023",
                            message:
                                "a window's slide and size must be positive and without months, and a row in at most \(hopsMax) windows"
                        ))
                    continue
                }
                guard Calendar.isFinite(time) else { continue }
                let last = TimeFields.floorToMultiple(time, step)
                // The first window that has not ended at the time.
                var start = last - (length - 1 - (time - last)) / step * step
                if time - last >= length { start = last + step }
                while start <= last {
                    inputs.append(Int32(row))
                    starts.append(start)
                    ends.append(start + length)
                    start += step
                }
            }
            return TableFunction.Rows(inputs: inputs, columns: [starts.finish(), ends.finish()])
        }
    }

    private static func microseconds(_ interval: Interval) -> Int64? {
        guard interval.months == 0, let span = Int64(exactly: interval.span), span > 0, span < 1 << 60 else {
            return nil
        }
        return span
    }
}

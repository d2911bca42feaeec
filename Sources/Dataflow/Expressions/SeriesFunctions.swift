/// generate_series.
enum SeriesFunctions {
    static let all: [TableFunction] =
        integers(.integer, Int32.self) + integers(.bigint, Int64.self) + numerics + [
            times(.timestamp), times(.timestamptz),
        ]

    private static func integers<Value: FixedWidthValue & FixedWidthInteger>(_ type: DataType, _: Value.Type)
        -> [TableFunction]
    {
        let output = [TableFunction.Output("generate_series", type)]
        return [
            TableFunction(
                "generate_series", [type, type], output, "The numbers from the first to the second, by one.",
                kernel: { arguments, count, validity, errors in
                    series(arguments, count, validity, &errors, Value.self, type)
                }),
            TableFunction(
                "generate_series", [type, type, type], output,
                "The numbers from the first to the second, by the third.",
                kernel: { arguments, count, validity, errors in
                    series(arguments, count, validity, &errors, Value.self, type)
                }),
        ]
    }

    private static func series<Value: FixedWidthValue & FixedWidthInteger>(
        _ arguments: [Column], _ count: Int, _ validity: Validity?, _ errors: inout [RowError], _: Value.Type,
        _ type: DataType
    ) -> TableFunction.Rows {
        let values = ColumnBuilder(type: type)
        var inputs: [Int32] = []
        for row in 0..<count where validity?.isValid(row) ?? true {
            func value(_ index: Int) -> Int64 { Int64(arguments[index].withValues(as: Value.self) { $0[row] }) }
            let (first, last, step) = (value(0), value(1), arguments.count > 2 ? value(2) : 1)
            guard step != 0 else {
                errors.append(RowError(row: row, code: "22023", message: "step size cannot equal zero"))
                continue
            }
            if step > 0 ? first > last : first < last { continue }
            let distance = (Int128(last) - Int128(first)).magnitude / UInt128(step.magnitude)
            guard distance < UInt128(TableFunction.rowsMax) else {
                errors.append(TableFunction.tooMany("generate_series", row: row))
                continue
            }
            for index in 0...Int64(distance) {
                inputs.append(Int32(row))
                values.append(Value(truncatingIfNeeded: first &+ index &* step))
            }
        }
        return TableFunction.Rows(inputs: inputs, columns: [values.finish()])
    }

    private static var numerics: [TableFunction] {
        let output = [TableFunction.Output("generate_series", .numeric)]
        return [
            TableFunction(
                "generate_series", [.numeric, .numeric], output, "The numbers from the first to the second, by one.",
                kernel: numbers),
            TableFunction(
                "generate_series", [.numeric, .numeric, .numeric], output,
                "The numbers from the first to the second, by the third.", kernel: numbers),
        ]
    }

    @Sendable
    private static func numbers(
        _ arguments: [Column], _ count: Int, _ validity: Validity?, _ errors: inout [RowError]
    ) -> TableFunction.Rows {
        let values = ColumnBuilder(type: .numeric)
        var inputs: [Int32] = []
        for row in 0..<count where validity?.isValid(row) ?? true {
            func value(_ index: Int) -> Decimal { arguments[index].withValues(as: Decimal.self) { $0[row] } }
            let (last, step) = (value(1), arguments.count > 2 ? value(2) : Decimal(1))
            let direction = Decimal.compare(step, Decimal(0))
            guard direction != 0 else {
                errors.append(RowError(row: row, code: "22023", message: "step size cannot equal zero"))
                continue
            }
            var current: Decimal? = value(0)
            var made: [Decimal] = []
            while let number = current, Decimal.compare(number, last) * direction <= 0 {
                if made.count == TableFunction.rowsMax {
                    errors.append(TableFunction.tooMany("generate_series", row: row))
                    made = []
                    break
                }
                made.append(number)
                current = Decimal.add(number, step)
            }
            for number in made { values.append(number) }
            inputs.append(contentsOf: repeatElement(Int32(row), count: made.count))
        }
        return TableFunction.Rows(inputs: inputs, columns: [values.finish()])
    }

    private static func times(_ type: DataType) -> TableFunction {
        TableFunction(
            "generate_series", [type, type, .interval], [.init("generate_series", type)],
            "The times from the first to the second, by the third."
        ) { arguments, count, validity, errors in
            let values = ColumnBuilder(type: type)
            var inputs: [Int32] = []
            for row in 0..<count where validity?.isValid(row) ?? true {
                let (first, last) = (
                    arguments[0].withValues(as: Int64.self) { $0[row] },
                    arguments[1].withValues(as: Int64.self) { $0[row] }
                )
                let step = arguments[2].withValues(as: Interval.self) { $0[row] }
                let direction = RowOrder.compare(step, Interval())
                guard direction != 0 else {
                    errors.append(RowError(row: row, code: "22023", message: "step size cannot equal zero"))
                    continue
                }
                var made: [Int64] = []
                var current: Int64? = first
                while let time = current, direction > 0 ? time <= last : time >= last {
                    if made.count == TableFunction.rowsMax || time == Timestamp.infinity
                        || time == Timestamp.negativeInfinity
                    {
                        errors.append(TableFunction.tooMany("generate_series", row: row))
                        made = []
                        break
                    }
                    made.append(time)
                    current = Calendar.add(step, to: time)
                }
                for time in made { values.append(time) }
                inputs.append(contentsOf: repeatElement(Int32(row), count: made.count))
            }
            return TableFunction.Rows(inputs: inputs, columns: [values.finish()])
        }
    }
}

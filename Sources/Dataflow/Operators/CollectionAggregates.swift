/// array_agg, jsonb_agg and jsonb_object_agg: results made of the rows of each group in order.
enum CollectionAggregates {
    /// `columns` are the arguments of all groups' rows, one group after another; group *i* ends at `ends[i]`. No rows give NULL.
    static func results(
        _ call: AggregateCall, _ columns: [Column], _ ends: [Int], _ failures: inout [RowError]
    ) -> Column {
        if call.function == .arrayAgg {
            return arrays(call.type, columns[0], ends) { $0 == 0 ? ends[0] == 0 : ends[$0] == ends[$0 - 1] }
        }
        let builder = ColumnBuilder(type: .jsonb, capacity: ends.count)
        var writer = JSONBWriter()
        var start = 0
        for (group, end) in ends.enumerated() {
            defer { start = end }
            guard end > start else {
                builder.appendNull()
                continue
            }
            writer.reset()
            if call.function == .jsonbAgg {
                writer.beginArray()
                for row in start..<end { JSONBValues.append(columns[0], row, to: &writer) }
                writer.endArray()
            } else {
                if (start..<end).contains(where: { columns[0].isNull($0) }) {
                    failures.append(RowError(row: group, code: "22023", message: "field name must not be null"))
                    builder.appendNull()
                    continue
                }
                writer.beginObject()
                for row in start..<end {
                    var key: [UInt8] = []
                    TextFormat.append(columns[0], row: row, to: &key)
                    key.withUnsafeBufferPointer { writer.key($0) }
                    JSONBValues.append(columns[1], row, to: &writer)
                }
                writer.endObject()
            }
            writer.bytes.withUnsafeBufferPointer { builder.append(utf8: $0) }
        }
        return builder.finish()
    }

    /// One array of each group's values.
    static func arrays(_ type: DataType, _ values: Column, _ ends: [Int], isNull: (Int) -> Bool) -> Column {
        let builder = ColumnBuilder(type: type, capacity: ends.count)
        var start = 0
        for (group, end) in ends.enumerated() {
            defer { start = end }
            if isNull(group) {
                builder.appendNull()
                continue
            }
            var writer = ArrayBytes.Writer(element: values.type)
            for row in start..<end {
                if values.isNull(row) { writer.append(nil) } else { values.withRaw(row) { writer.append($0) } }
            }
            writer.finish().withUnsafeBufferPointer { builder.append(utf8: $0) }
        }
        return builder.finish()
    }
}

/// Values as JSON, as PostgreSQL's to_jsonb makes them.
enum JSONBValues {
    static func append(_ column: Column, _ row: Int, to writer: inout JSONBWriter) {
        if column.isNull(row) { return writer.null() }
        column.withRaw(row) { append(column.type, $0, to: &writer) }
    }

    private static func append(_ type: DataType, _ raw: UnsafeRawBufferPointer, to writer: inout JSONBWriter) {
        switch type {
        case .boolean: writer.boolean(ValueBytes.load(raw, as: UInt8.self) != 0)
        case .jsonb: writer.value(JSONB(raw))
        case .array(let element):
            let array = ArrayBytes(raw, element: element.type)
            writer.beginArray()
            for index in 0..<array.count {
                if let value = array.raw(index) { append(element.type, value, to: &writer) } else { writer.null() }
            }
            writer.endArray()
        default: scalar(ValueBytes.datum(type, raw), type, to: &writer)
        }
    }

    private static func scalar(_ datum: Datum, _ type: DataType, to writer: inout JSONBWriter) {
        var text = Array(TextFormat.string(datum).utf8)
        if type.isNumeric, text.allSatisfy({ $0 < 0x41 || $0 == UInt8(ascii: "e") }) {
            var digits: [UInt8] = []
            let isNumber = text.withUnsafeBufferPointer { token in
                do throws(RowFailure) {
                    try JSONBNumber.append(token, to: &digits)
                    return true
                } catch {
                    return false
                }
            }
            if isNumber { return writer.number(digits) }
        }
        if type == .timestamp || type == .timestamptz, let space = text.firstIndex(of: UInt8(ascii: " ")),
            text.first.map({ $0 >= 0x30 && $0 <= 0x39 }) == true
        {
            // ISO 8601; the zone is written in full.
            text[space] = UInt8(ascii: "T")
            if type == .timestamptz, text.suffix(3) == Array("+00".utf8) { text += Array(":00".utf8) }
        }
        text.withUnsafeBufferPointer { writer.string($0) }
    }
}

/// `jsonb` from other values: to_jsonb, jsonb_build_…, jsonb_object.
enum JSONBBuilding {
    private static let texts = DataType.array(of: .text)

    static let all: [ScalarFunction] = [
        object([texts], "An object of a text array's keys and values in turn.") { (row, writer) throws(RowFailure) in
            let array = row.textArray(0)
            if array.count % 2 != 0 { throw RowFailure("2202E", "array must have even number of elements") }
            for index in stride(from: 0, to: array.count, by: 2) {
                try member(array.raw(index), array.raw(index + 1), &writer)
            }
        },
        object([texts, texts], "An object of keys and values.") { (row, writer) throws(RowFailure) in
            let (keys, values) = (row.textArray(0), row.textArray(1))
            if (keys.count == 0) != (values.count == 0) {
                throw RowFailure("2202E", "wrong number of array subscripts")
            }
            if keys.count != values.count { throw RowFailure("2202E", "mismatched array dimensions") }
            for index in 0..<keys.count { try member(keys.raw(index), values.raw(index), &writer) }
        },
        build("jsonb_build_object", []) { (_, _, writer) throws(RowFailure) in
            writer.beginObject()
            writer.endObject()
        },
        build("jsonb_build_array", []) { (_, _, writer) throws(RowFailure) in
            writer.beginArray()
            writer.endArray()
        },
    ]

    static let templates: [FunctionTemplate] = [
        FunctionTemplate("to_jsonb", [.any], result: "jsonb", "The value as JSON.") { types in
            build("to_jsonb", types, isStrict: true) { (columns, row, writer) throws(RowFailure) in
                append(columns[0], row, &writer)
            }
        },
        FunctionTemplate(
            "jsonb_build_array", [.any], variadicMin: 1, result: "jsonb", "An array of the values."
        ) { types in
            build("jsonb_build_array", types) { (columns, row, writer) throws(RowFailure) in
                writer.beginArray()
                for column in columns { append(column, row, &writer) }
                writer.endArray()
            }
        },
        FunctionTemplate(
            "jsonb_build_object", [.any], variadicMin: 1, result: "jsonb", "An object of keys and values in turn."
        ) { types in
            build("jsonb_build_object", types) { (columns, row, writer) throws(RowFailure) in
                if columns.count % 2 != 0 {
                    throw RowFailure("22023", "argument list must have even number of elements")
                }
                writer.beginObject()
                for index in stride(from: 0, to: columns.count, by: 2) {
                    try key(columns[index], row, index + 1, &writer)
                    append(columns[index + 1], row, &writer)
                }
                writer.endObject()
            }
        },
    ]

    private static func build(
        _ name: String, _ types: [DataType], isStrict: Bool = false,
        _ row: @escaping @Sendable ([Column], Int, inout JSONBWriter) throws(RowFailure) -> Void
    ) -> ScalarFunction {
        ScalarFunction(name, types, .jsonb, isStrict: isStrict, "JSON of the values.") {
            columns, count, validity, errors in
            var writer = JSONBWriter()
            return TextKernels.rows(count, validity, count * 32, type: .jsonb, &errors) { (i, out) throws(RowFailure) in
                writer.reset()
                try row(columns, i, &writer)
                out.append(writer.bytes)
            }
        }
    }

    private static func object(
        _ types: [DataType], _ documentation: String,
        _ members: @escaping @Sendable (ArgumentRow, inout JSONBWriter) throws(RowFailure) -> Void
    ) -> ScalarFunction {
        RowKernels.bytes("jsonb_object", types, returns: .jsonb, documentation, state: { JSONBWriter() }) {
            (row, writer, out) throws(RowFailure) in
            writer.reset()
            writer.beginObject()
            try members(row, &writer)
            writer.endObject()
            out.append(writer.bytes)
        }
    }

    private static func member(
        _ key: UnsafeRawBufferPointer?, _ value: UnsafeRawBufferPointer?, _ writer: inout JSONBWriter
    ) throws(RowFailure) {
        guard let key else { throw RowFailure("22004", "null value not allowed for object key") }
        writer.key(key.bindMemory(to: UInt8.self))
        if let value { writer.string(value.bindMemory(to: UInt8.self)) } else { writer.null() }
    }

    private static func key(
        _ column: Column, _ row: Int, _ number: Int, _ writer: inout JSONBWriter
    ) throws(RowFailure) {
        if column.isNull(row) { throw RowFailure("22023", "argument \(number): key must not be null") }
        if column.type == .jsonb || column.type.element != nil {
            throw RowFailure("22023", "key value must be scalar, not array, composite, or json")
        }
        var text: [UInt8] = []
        // As JSON spells it.
        if column.type == .boolean {
            text = Array((column.withValues(as: UInt8.self) { $0[row] } & 1 != 0 ? "true" : "false").utf8)
        } else {
            column.withRaw(row) { plainText(column.type, $0, to: &text) }
        }
        text.withUnsafeBufferPointer { writer.key($0) }
    }

    // MARK: values

    static func append(_ column: Column, _ row: Int, _ writer: inout JSONBWriter) {
        if column.isNull(row) { return writer.null() }
        column.withRaw(row) { append(column.type, $0, &writer) }
    }

    /// A value that lies in memory as ``Column/withRaw(_:_:)`` lends it.
    static func append(_ type: DataType, _ raw: UnsafeRawBufferPointer, _ writer: inout JSONBWriter) {
        switch type {
        case .boolean: writer.boolean(ValueBytes.load(raw, as: UInt8.self) & 1 != 0)
        case .jsonb: writer.value(JSONB(raw))
        case .text, .character: writer.string(ValueBytes.text(raw))
        case .array(let element):
            let array = ArrayBytes(raw, element: element.type)
            writer.beginArray()
            for index in 0..<array.count {
                if let raw = array.raw(index) { append(element.type, raw, &writer) } else { writer.null() }
            }
            writer.endArray()
        case .smallint, .integer, .bigint, .numeric: number(type, raw, &writer)
        case .real:
            ValueBytes.load(raw, as: Float.self).isFinite ? number(type, raw, &writer) : string(type, raw, &writer)
        case .double:
            ValueBytes.load(raw, as: Double.self).isFinite ? number(type, raw, &writer) : string(type, raw, &writer)
        default: string(type, raw, &writer)
        }
    }

    private static func number(_ type: DataType, _ raw: UnsafeRawBufferPointer, _ writer: inout JSONBWriter) {
        var text: [UInt8] = []
        TextFormat.append(type, raw, to: &text)
        var digits: [UInt8] = []
        text.withUnsafeBufferPointer { token in
            do throws(RowFailure) {
                try JSONBNumber.append(token, to: &digits)
            } catch {
                // No number of SQL is too long for one of JSON.
                preconditionFailure("\(error.message)")
            }
        }
        writer.number(digits)
    }

    private static func string(_ type: DataType, _ raw: UnsafeRawBufferPointer, _ writer: inout JSONBWriter) {
        var text: [UInt8] = []
        plainText(type, raw, to: &text)
        text.withUnsafeBufferPointer { writer.string($0) }
    }

    /// The text that JSON has for the value: times as ISO 8601 writes them.
    private static func plainText(_ type: DataType, _ raw: UnsafeRawBufferPointer, to text: inout [UInt8]) {
        let start = text.count
        TextFormat.append(type, raw, to: &text)
        guard type == .timestamp || type == .timestamptz, Calendar.isFinite(ValueBytes.load(raw, as: Int64.self)) else {
            return
        }
        if let blank = text[start...].firstIndex(of: 0x20) { text[blank] = UInt8(ascii: "T") }
        if type == .timestamptz, let zone = text[start...].lastIndex(of: UInt8(ascii: "+")) {
            text.insert(contentsOf: ":00".utf8, at: zone + 3)
        }
    }
}

internal import CSimdJSON

/// Turns the bytes of records into columns, and says of each bad one what is wrong.
protocol RecordParser: AnyObject {
    func begin()
    /// Appends a row, or returns why there is none. `readable` bytes from the record's start may be read.
    func add(_ record: UnsafeRawBufferPointer, readable: Int, isTombstone: Bool) -> String?
    /// The columns of the rows since ``begin()``.
    func finish() -> [Column]
}

/// One JSON object per record, by simdjson.
final class JSONRecordParser: RecordParser {
    private let decoder: OpaquePointer
    private let columns: [ColumnSchema]
    private let reader: JSONValueReader

    init(_ schema: TableSchema) {
        columns = schema.columns
        reader = JSONValueReader(schema.columns)
        let names = schema.columns.map { Array($0.name.utf8.map { CChar(bitPattern: $0) }) }
        let flat = names.flatMap { $0 }
        let context = Unmanaged.passUnretained(reader).toOpaque()
        decoder = flat.withUnsafeBufferPointer { text in
            var position = 0
            let specs = schema.columns.enumerated().map { index, column -> dp_column in
                defer { position += names[index].count }
                let isKey = schema.primaryKey.contains(index)
                return dp_column(
                    name: text.baseAddress.map { $0 + position }, name_length: names[index].count,
                    type: Self.type(column), stride: column.type.storage.stride,
                    is_nullable: column.isNullable && !isKey ? 1 : 0, is_key: isKey ? 1 : 0,
                    precision: Int32(column.numeric?.precision ?? 0), scale: Int32(column.numeric?.scale ?? 0))
            }
            let parseTime: dp_parse_time = { text, length, kind, out in
                guard let text, let out else { return 0 }
                let bytes = UnsafeBufferPointer(
                    start: UnsafeRawPointer(text).assumingMemoryBound(to: UInt8.self), count: length)
                if kind == DP_INTERVAL {
                    guard let value = TimeText.parseInterval(bytes) else { return 0 }
                    out.storeBytes(of: value, as: Interval.self)
                } else {
                    let value =
                        kind == DP_TIMESTAMP ? TimeText.parseTimestamp(bytes) : TimeText.parseZoned(bytes)
                    guard let value else { return 0 }
                    out.storeBytes(of: value, as: Int64.self)
                }
                return 1
            }
            let parseValue: dp_parse_value = { context, column, isString, text, length, out, outLength in
                guard let context, let text, let out, let outLength else { return nil }
                let reader = Unmanaged<JSONValueReader>.fromOpaque(context).takeUnretainedValue()
                let bytes = UnsafeBufferPointer(
                    start: UnsafeRawPointer(text).assumingMemoryBound(to: UInt8.self), count: length)
                if let problem = reader.read(bytes, isString: isString != 0, column: column) { return problem }
                out.pointee = UnsafeRawPointer(reader.bytes)
                outLength.pointee = reader.count
                return nil
            }
            guard let made = dp_decoder_new(specs, specs.count, parseTime, parseValue, context) else {
                preconditionFailure("dp_decoder_new gave nothing")
            }
            return made
        }
    }

    deinit { dp_decoder_free(decoder) }

    /// The types that the decoder reads itself; the others it hands to the reader of values.
    private static func type(_ column: ColumnSchema) -> dp_type {
        // A numeric's modifier is the decoder's if it is an ordinary one.
        let isOrdinary = column.numeric.map { $0.scale >= 0 && $0.scale <= $0.precision } ?? (column.modifier == nil)
        if !isOrdinary { return column.type.storage == .bytes ? DP_BYTES : DP_FIXED }
        return switch column.type {
        case .boolean: DP_BOOLEAN
        case .smallint: DP_INT16
        case .integer: DP_INT32
        case .bigint: DP_INT64
        case .numeric: DP_NUMERIC
        case .real: DP_REAL
        case .double: DP_DOUBLE
        case .text: DP_TEXT
        case .timestamp: DP_TIMESTAMP
        case .timestamptz: DP_TIMESTAMPTZ
        case .interval: DP_INTERVAL
        case .jsonb: DP_JSON
        case .character, .bytea, .array: DP_BYTES
        case .uuid, .date, .time: DP_FIXED
        }
    }

    func begin() { dp_decoder_begin(decoder) }

    func add(_ record: UnsafeRawBufferPointer, readable: Int, isTombstone: Bool) -> String? {
        let start = record.baseAddress?.assumingMemoryBound(to: CChar.self)
        guard let problem = dp_decoder_add(decoder, start, record.count, readable, isTombstone ? 1 : 0) else {
            return nil
        }
        return String(cString: problem)
    }

    func finish() -> [Column] {
        let rows = dp_decoder_rows(decoder)
        return columns.indices.map { index in
            let type = columns[index].type
            var validity: Validity?
            if dp_decoder_has_nulls(decoder, index) != 0, let valid = dp_decoder_valid(decoder, index) {
                validity = Validity(count: rows) { valid[$0] != 0 }
            }
            let stride = type.storage.stride
            let isText = type.storage == .bytes
            let values = ColumnBuffer(capacity: (rows + (isText ? 1 : 0)) * stride)
            if isText { values.base.storeBytes(of: 0, as: UInt32.self) }
            if rows > 0, let source = dp_decoder_values(decoder, index) {
                (values.base + (isText ? 4 : 0)).copyMemory(from: source, byteCount: rows * stride)
            }
            guard isText else { return Column(type: type, count: rows, validity: validity, values: values, bytes: nil) }
            var length = 0
            let text = dp_decoder_text(decoder, index, &length)
            let bytes = ColumnBuffer(capacity: length)
            if let text, length > 0 { bytes.base.copyMemory(from: text, byteCount: length) }
            return Column(type: type, count: rows, validity: validity, values: values, bytes: bytes)
        }
    }
}

/// One line of comma-separated values per record (RFC 4180 quoting), columns in declared order. An unquoted empty field is NULL.
final class CSVRecordParser: RecordParser {
    private let columns: [ColumnSchema]
    private let primaryKey: [Int]
    private var builders: [ColumnBuilder]

    init(_ schema: TableSchema) {
        columns = schema.columns
        primaryKey = schema.primaryKey
        builders = columns.map { ColumnBuilder(type: $0.type) }
    }

    func begin() { builders = columns.map { ColumnBuilder(type: $0.type) } }

    func finish() -> [Column] { builders.map { $0.finish() } }

    func add(_ record: UnsafeRawBufferPointer, readable: Int, isTombstone: Bool) -> String? {
        guard let fields = Self.split(record) else {
            return "a quoted field is not closed, or text follows its closing quote"
        }
        if fields.count != columns.count {
            return "\(fields.count) fields, where the table has \(columns.count) columns"
        }
        var values: [Datum] = []
        for (index, field) in fields.enumerated() {
            let column = columns[index]
            if field.bytes.isEmpty, !field.isQuoted {
                if !column.isNullable || primaryKey.contains(index) {
                    return "column \"\(column.name)\": must not be null"
                }
                values.append(.null)
                continue
            }
            guard String(validating: field.bytes, as: UTF8.self) != nil else {
                return "column \"\(column.name)\": not valid UTF-8"
            }
            if field.bytes.contains(0) { return "column \"\(column.name)\": holds a zero byte, which text cannot" }
            do throws(RowError) {
                let value = try field.bytes.withUnsafeBufferPointer { bytes throws(RowError) -> Datum in
                    try TextFormat.parse(bytes, as: column.type, modifier: column.modifier)
                }
                guard let modifier = column.modifier else {
                    values.append(value)
                    continue
                }
                do throws(RowFailure) {
                    values.append(try modifier.applied(to: value, isExplicit: false))
                } catch {
                    let isNumeric = column.numeric != nil
                    return "column \"\(column.name)\": \(isNumeric ? "out of range" : error.message)"
                }
            } catch {
                return "column \"\(column.name)\": \(error.message)"
            }
        }
        for (builder, value) in zip(builders, values) { builder.append(value) }
        return nil
    }

    /// nil if the quoting is broken.
    static func split(_ record: UnsafeRawBufferPointer) -> [(bytes: [UInt8], isQuoted: Bool)]? {
        var fields: [(bytes: [UInt8], isQuoted: Bool)] = []
        var position = 0
        var end = record.count
        if end > 0, record[end - 1] == 0x0D { end -= 1 }
        while true {
            var field: [UInt8] = []
            let isQuoted = position < end && record[position] == 0x22
            if isQuoted {
                position += 1
                while true {
                    guard position < end else { return nil }
                    if record[position] == 0x22 {
                        guard position + 1 < end, record[position + 1] == 0x22 else {
                            break
                        }
                        position += 1
                    }
                    field.append(record[position])
                    position += 1
                }
                position += 1
                if position < end, record[position] != 0x2C { return nil }
            } else {
                while position < end, record[position] != 0x2C {
                    field.append(record[position])
                    position += 1
                }
            }
            fields.append((field, isQuoted))
            if position >= end { return fields }
            position += 1
        }
    }
}

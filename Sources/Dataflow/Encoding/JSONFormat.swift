/// Rows as JSON objects: integers and numerics as numbers with all digits, reals and doubles as the shortest number that reads back
/// (NaN and infinities as strings), jsonb as it is, arrays as JSON arrays, other types as strings of PostgreSQL's text, NULL as null,
/// keys in column order.
package enum JSONFormat {
    /// Appends `{"name":value,…}` without a newline.
    package static func appendRow(_ names: [String], _ columns: [Column], row: Int, to text: inout [UInt8]) {
        text.append(UInt8(ascii: "{"))
        for (index, column) in columns.enumerated() {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            var name = names[index]
            name.withUTF8 { appendString($0, to: &text) }
            text.append(UInt8(ascii: ":"))
            append(column, row: row, to: &text)
        }
        text.append(UInt8(ascii: "}"))
    }

    package static func append(_ column: Column, row: Int, to text: inout [UInt8]) {
        if column.isNull(row) { return text.append(contentsOf: "null".utf8) }
        column.withRaw(row) { append(column.type, $0, to: &text) }
    }

    private static func append(_ type: DataType, _ raw: UnsafeRawBufferPointer, to text: inout [UInt8]) {
        func quoted() {
            text.append(UInt8(ascii: "\""))
            TextFormat.append(type, raw, to: &text)
            text.append(UInt8(ascii: "\""))
        }
        switch type {
        case .boolean:
            text.append(contentsOf: (ValueBytes.load(raw, as: UInt8.self) != 0 ? "true" : "false").utf8)
        case .smallint, .integer, .bigint, .numeric, .jsonb: TextFormat.append(type, raw, to: &text)
        case .real:
            if ValueBytes.load(raw, as: Float.self).isFinite {
                TextFormat.append(type, raw, to: &text)
            } else {
                quoted()
            }
        case .double:
            if ValueBytes.load(raw, as: Double.self).isFinite {
                TextFormat.append(type, raw, to: &text)
            } else {
                quoted()
            }
        case .uuid, .date, .time, .timestamp, .timestamptz, .interval: quoted()
        case .bytea:
            // Its text begins with a backslash.
            text.append(contentsOf: "\"\\".utf8)
            TextFormat.append(type, raw, to: &text)
            text.append(UInt8(ascii: "\""))
        case .text, .character: appendString(ValueBytes.text(raw), to: &text)
        case .array(let element):
            let array = ArrayBytes(raw, element: element.type)
            text.append(UInt8(ascii: "["))
            for index in 0..<array.count {
                if index > 0 { text.append(UInt8(ascii: ",")) }
                if let raw = array.raw(index) {
                    append(element.type, raw, to: &text)
                } else {
                    text.append(contentsOf: "null".utf8)
                }
            }
            text.append(UInt8(ascii: "]"))
        }
    }

    package static func append(_ datum: Datum, type: DataType, to text: inout [UInt8]) {
        append(Column.repeating(datum, type: type, count: 1), row: 0, to: &text)
    }

    /// Appends a JSON string of UTF-8 bytes, with its quotes.
    package static func appendString(_ bytes: UnsafeBufferPointer<UInt8>, to text: inout [UInt8]) {
        let hexadecimal = Array("0123456789abcdef".utf8)
        text.append(UInt8(ascii: "\""))
        var start = 0
        for (position, byte) in bytes.enumerated() where byte < 0x20 || byte == 0x22 || byte == 0x5C {
            text.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start..<position]))
            start = position + 1
            text.append(UInt8(ascii: "\\"))
            switch byte {
            case 0x22, 0x5C: text.append(byte)
            case 0x0A: text.append(UInt8(ascii: "n"))
            case 0x0D: text.append(UInt8(ascii: "r"))
            case 0x09: text.append(UInt8(ascii: "t"))
            default:
                text.append(contentsOf: "u00".utf8)
                text.append(hexadecimal[Int(byte >> 4)])
                text.append(hexadecimal[Int(byte & 15)])
            }
        }
        text.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start...]))
        text.append(UInt8(ascii: "\""))
    }
}

/// Rows as PostgreSQL prints a record: `(1,abc,"x y",)`.
package enum RowText {
    package static func append(_ columns: [Column], row: Int, to text: inout [UInt8]) {
        text.append(UInt8(ascii: "("))
        var cell: [UInt8] = []
        for (index, column) in columns.enumerated() {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            guard !column.isNull(row) else { continue }
            cell.removeAll(keepingCapacity: true)
            TextFormat.append(column, row: row, to: &cell)
            let needsQuotes =
                cell.isEmpty
                || cell.contains { byte in
                    byte == 0x22 || byte == 0x5C || byte == 0x28 || byte == 0x29 || byte == 0x2C || byte == 0x20
                        || byte >= 9 && byte <= 13
                }
            guard needsQuotes else {
                text.append(contentsOf: cell)
                continue
            }
            text.append(UInt8(ascii: "\""))
            for byte in cell {
                if byte == 0x22 || byte == 0x5C { text.append(byte) }
                text.append(byte)
            }
            text.append(UInt8(ascii: "\""))
        }
        text.append(UInt8(ascii: ")"))
    }
}

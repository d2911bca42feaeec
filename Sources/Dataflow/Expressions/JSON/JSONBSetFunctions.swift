/// jsonb_array_elements and its kin, and jsonb_path_query.
enum JSONBSetFunctions {
    static let all: [TableFunction] =
        [elements("jsonb_array_elements", .jsonb), elements("jsonb_array_elements_text", .text)]
        + [members("jsonb_each", .jsonb), members("jsonb_each_text", .text)]
        + [
            SetFunctions.function(
                "jsonb_object_keys", [.jsonb], [.init("jsonb_object_keys", .text)], "The keys of an object.", state: {}
            ) { (row, _, output) throws(RowFailure) in
                let value = row.jsonb(0)
                guard value.kind == .object else {
                    throw RowFailure(
                        "22023",
                        "cannot call jsonb_object_keys on \(value.kind == .array ? "an array" : "a scalar")")
                }
                for index in 0..<value.count { try output.add(utf8: value.key(index)) }
            }
        ]
        + JSONPathFunctions.signatures.map { types in
            SetFunctions.function(
                "jsonb_path_query", types, [.init("jsonb_path_query", .jsonb)], "The items of the path, a row each.",
                state: { JSONPathFunctions.PathCache() }
            ) { (row, cache, output) throws(RowFailure) in
                var made = output
                try JSONPathFunctions.withItems(row, &cache, isSilent: false) { (items, _) throws(RowFailure) in
                    for item in items { try made.add(utf8: item.bytes) }
                }
                output = made
            }
        }

    /// Appends a value as jsonb, or as text: a string without quotes, JSON's null as SQL's.
    private static func append(_ value: JSONB, to column: ColumnBuilder) {
        if column.type == .jsonb { return column.append(utf8: value.bytes) }
        switch value.kind {
        case .null: column.appendNull()
        case .string: column.append(utf8: value.text)
        default:
            var text: [UInt8] = []
            value.append(to: &text)
            text.withUnsafeBufferPointer { column.append(utf8: $0) }
        }
    }

    private static func elements(_ name: String, _ type: DataType) -> TableFunction {
        SetFunctions.function(
            name, [.jsonb], [.init("value", type)], "The elements of an array\(type == .text ? ", as text" : "").",
            state: {}
        ) { (row, _, output) throws(RowFailure) in
            let value = row.jsonb(0)
            guard value.kind == .array else {
                throw RowFailure(
                    "22023", "cannot extract elements from \(value.kind == .object ? "an object" : "a scalar")")
            }
            for index in 0..<value.count { try output.add { append(value.element(index), to: $0[0]) } }
        }
    }

    private static func members(_ name: String, _ type: DataType) -> TableFunction {
        SetFunctions.function(
            name, [.jsonb], [.init("key", .text), .init("value", type)],
            "The keys and values of an object\(type == .text ? ", these as text" : "").", state: {}
        ) { (row, _, output) throws(RowFailure) in
            let value = row.jsonb(0)
            guard value.kind == .object else {
                throw RowFailure("22023", "cannot call \(name) on a non-object")
            }
            for index in 0..<value.count {
                try output.add { columns in
                    columns[0].append(utf8: value.key(index))
                    append(value.value(index), to: columns[1])
                }
            }
        }
    }
}

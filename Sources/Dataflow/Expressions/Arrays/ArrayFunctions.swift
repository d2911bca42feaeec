/// Functions and operators of one-dimensional arrays, whose indices begin with 1.
enum ArrayFunctions {
    static let templates: [FunctionTemplate] =
        measures + building + searching + conditions + subscripts + ArrayQuantifiers.templates

    // MARK: makers

    /// A function of arrays over one element type; `make` gets it.
    private static func template(
        _ name: String, _ parameters: [FunctionTemplate.Parameter], result: String, _ documentation: String,
        _ make: @escaping @Sendable (_ types: [DataType], _ element: DataType) -> ScalarFunction
    ) -> FunctionTemplate {
        FunctionTemplate(name, parameters, result: result, documentation) { types in
            for (type, parameter) in zip(types, parameters) {
                switch parameter {
                case .array: if let element = type.element { return make(types, element) }
                case .element: return make(types, type)
                default: break
                }
            }
            return nil
        }
    }

    private static func measure(
        _ name: String, _ parameters: [FunctionTemplate.Parameter], _ documentation: String,
        _ row: @escaping @Sendable (ArgumentRow, ArrayBytes) throws(RowFailure) -> Int32?
    ) -> FunctionTemplate {
        template(name, parameters, result: "integer", documentation) { types, element in
            RowKernels.value(name, types, .integer, documentation) { (place) throws(RowFailure) -> Int32? in
                try row(place, place.array(0, of: element))
            }
        }
    }

    /// A function to an array over the same elements: `row` appends them, or gives false for NULL.
    private static func array(
        _ name: String, _ parameters: [FunctionTemplate.Parameter], isStrict: Bool = false, _ documentation: String,
        _ row: @escaping @Sendable ([Column], Int, inout ArrayBytes.Writer) throws(RowFailure) -> Bool
    ) -> FunctionTemplate {
        template(name, parameters, result: "anyarray", documentation) { types, element in
            let type = DataType.array(of: element)
            return ScalarFunction(name, types, type, isStrict: isStrict, documentation) {
                columns, count, validity, errors in
                var writer = ArrayBytes.Writer(element: element)
                var scratch: [UInt8] = []
                return TextKernels.rows(count, validity, count * 32, type: type, &errors) {
                    (i, out) throws(RowFailure) in
                    if writer.count > 0 { _ = writer.finish() }
                    guard try row(columns, i, &writer) else { return out.setNull() }
                    scratch.removeAll(keepingCapacity: true)
                    writer.finish(into: &scratch)
                    out.append(scratch)
                }
            }
        }
    }

    static func elements(_ column: Column, _ row: Int, _ body: (ArrayBytes) throws(RowFailure) -> Void)
        throws(RowFailure)
    {
        guard let element = column.type.element, !column.isNull(row) else { return }
        let offsets = column.values.base.assumingMemoryBound(to: UInt32.self)
        guard let bytes = column.bytes else { return }
        let start = Int(offsets[row])
        let raw = UnsafeRawBufferPointer(start: bytes.base + start, count: Int(offsets[row + 1]) - start)
        try body(ArrayBytes(raw, element: element))
        withExtendedLifetime(column) {}
    }

    private static func appendElements(_ column: Column, _ row: Int, _ writer: inout ArrayBytes.Writer) {
        if column.isNull(row) { return }
        column.withRaw(row) { raw in
            let array = ArrayBytes(raw, element: writer.element)
            for index in 0..<array.count { writer.append(array.raw(index)) }
        }
    }

    private static func appendValue(_ column: Column, _ row: Int, _ writer: inout ArrayBytes.Writer) {
        if column.isNull(row) { writer.append(nil) } else { column.withRaw(row) { writer.append($0) } }
    }

    // MARK: measures

    private static let measures: [FunctionTemplate] = [
        measure(
            "array_length", [.array, .type(.integer)],
            "The number of elements along a dimension; NULL of an empty array."
        ) {
            row, array in
            row.integer(1) == 1 && array.count > 0 ? Int32(array.count) : nil
        },
        measure("cardinality", [.array], "The number of elements.") { _, array in Int32(array.count) },
        measure("array_ndims", [.array], "The number of dimensions: 1, or NULL of an empty array.") { _, array in
            array.count > 0 ? 1 : nil
        },
        measure(
            "array_lower", [.array, .type(.integer)], "The least index of a dimension: 1, or NULL of an empty array."
        ) {
            row, array in
            row.integer(1) == 1 && array.count > 0 ? 1 : nil
        },
        measure(
            "array_upper", [.array, .type(.integer)], "The largest index of a dimension, or NULL of an empty array."
        ) {
            row, array in
            row.integer(1) == 1 && array.count > 0 ? Int32(array.count) : nil
        },
        template("array_dims", [.array], result: "text", "The range of indices, such as [1:3].") { types, element in
            RowKernels.bytes("array_dims", types, "The range of indices.") { row, out in
                let count = row.array(0, of: element).count
                if count == 0 { return out.setNull() }
                out.append(Array("[1:\(count)]".utf8))
            }
        },
        toString(withNulls: false), toString(withNulls: true),
    ]

    private static func toString(withNulls: Bool) -> FunctionTemplate {
        let parameters: [FunctionTemplate.Parameter] = [.array, .type(.text)] + (withNulls ? [.type(.text)] : [])
        let documentation =
            "The elements' texts, joined by the second" + (withNulls ? "; NULL is the third." : "; NULL is left out.")
        return template("array_to_string", parameters, result: "text", documentation) { types, element in
            RowKernels.bytes("array_to_string", types, isStrict: false, documentation) { row, out in
                if row.isNull(0) || row.isNull(1) { return out.setNull() }
                let array = row.array(0, of: element)
                var text: [UInt8] = []
                var isFirst = true
                for index in 0..<array.count {
                    let raw = array.raw(index)
                    if raw == nil, !withNulls || row.isNull(2) { continue }
                    if !isFirst { text.append(contentsOf: row.text(1)) }
                    isFirst = false
                    if let raw {
                        TextFormat.append(element, raw, to: &text)
                    } else {
                        text.append(contentsOf: row.text(2))
                    }
                }
                out.append(text)
            }
        }
    }

    // MARK: building

    private static func check(_ writer: ArrayBytes.Writer) throws(RowFailure) {
        if writer.count > ArrayBytes.countMax {
            throw RowFailure("54000", "array size exceeds the maximum allowed (\(ArrayBytes.countMax))")
        }
    }

    private static let building: [FunctionTemplate] =
        [
            FunctionTemplate(
                "{}", [.element], variadicMin: 0, result: "anyarray", argumentsMax: 10_000,
                "ARRAY[…]: an array of the values."
            ) {
                types in
                guard let element = types.first, element.element == nil else { return nil }
                let type = DataType.array(of: element)
                return ScalarFunction("{}", types, type, isStrict: false, "An array of the values.") {
                    columns, count, validity, errors in
                    var writer = ArrayBytes.Writer(element: element)
                    var scratch: [UInt8] = []
                    return TextKernels.rows(count, validity, count * 32, type: type, &errors) {
                        (i, out) throws(RowFailure) in
                        for column in columns { appendValue(column, i, &writer) }
                        scratch.removeAll(keepingCapacity: true)
                        writer.finish(into: &scratch)
                        out.append(scratch)
                    }
                }
            }
        ]
        + ["array_append", "||"].map { name in
            array(name, [.array, .element], "The array with the value behind it.") { (columns, row, writer) in
                appendElements(columns[0], row, &writer)
                appendValue(columns[1], row, &writer)
                return true
            }
        }
        + ["array_prepend", "||"].map { name in
            array(name, [.element, .array], "The array with the value before it.") { (columns, row, writer) in
                appendValue(columns[0], row, &writer)
                appendElements(columns[1], row, &writer)
                return true
            }
        }
        + ["array_cat", "||"].map { name in
            array(name, [.array, .array], "Both arrays' elements.") { (columns, row, writer) in
                if columns[0].isNull(row), columns[1].isNull(row) { return false }
                appendElements(columns[0], row, &writer)
                appendElements(columns[1], row, &writer)
                return true
            }
        }
        + [
            array("array_remove", [.array, .element], "The array without the elements equal to the value.") {
                (columns, row, writer) throws(RowFailure) in
                if columns[0].isNull(row) { return false }
                try elements(columns[0], row) { array in
                    for index in 0..<array.count where !isSame(array, index, columns[1], row) {
                        writer.append(array.raw(index))
                    }
                }
                return true
            },
            array(
                "array_replace", [.array, .element, .element],
                "The array with the elements equal to the second replaced by the third."
            ) { (columns, row, writer) throws(RowFailure) in
                if columns[0].isNull(row) { return false }
                try elements(columns[0], row) { array in
                    for index in 0..<array.count {
                        if isSame(array, index, columns[1], row) {
                            appendValue(columns[2], row, &writer)
                        } else {
                            writer.append(array.raw(index))
                        }
                    }
                }
                return true
            },
            array("trim_array", [.array, .type(.integer)], isStrict: true, "The array without its last n elements.") {
                (columns, row, writer) throws(RowFailure) in
                let number = Int(columns[1].withValues(as: Int32.self) { $0[row] })
                try elements(columns[0], row) { (array) throws(RowFailure) in
                    guard number >= 0, number <= array.count else {
                        throw RowFailure(
                            "2202E", "number of elements to trim must be between 0 and \(array.count)")
                    }
                    for index in 0..<(array.count - number) { writer.append(array.raw(index)) }
                }
                return true
            },
            array(
                "array_fill", [.element, .type(.array(of: .integer))],
                "An array of as many copies of the value as the second, an array of one number, says."
            ) { (columns, row, writer) throws(RowFailure) in
                if columns[1].isNull(row) {
                    throw RowFailure("22004", "dimension array or low bound array cannot be null")
                }
                try elements(columns[1], row) { (sizes) throws(RowFailure) in
                    if sizes.hasNulls { throw RowFailure("22004", "dimension values cannot be null") }
                    if sizes.count == 0 { return }
                    if sizes.count > 1 {
                        throw RowFailure("0A000", "arrays of several dimensions are not supported")
                    }
                    let number = sizes.raw(0).map { ValueBytes.load($0, as: Int32.self) } ?? 0
                    guard number >= 0, number <= ArrayBytes.countMax else {
                        throw RowFailure(
                            "54000", "array size exceeds the maximum allowed (\(ArrayBytes.countMax))")
                    }
                    for _ in 0..<number { appendValue(columns[0], row, &writer) }
                }
                return true
            },
        ]

    /// Whether an element is not distinct from a row's value.
    private static func isSame(_ array: ArrayBytes, _ index: Int, _ column: Column, _ row: Int) -> Bool {
        guard let raw = array.raw(index) else { return column.isNull(row) }
        if column.isNull(row) { return false }
        return column.withRaw(row) { ValueBytes.compare(array.element, raw, $0) == 0 }
    }

    // MARK: searching

    private static let searching: [FunctionTemplate] =
        [[FunctionTemplate.Parameter.array, .element], [.array, .element, .type(.integer)]].map { parameters in
            template(
                "array_position", parameters, result: "integer",
                "The index of the first element that is the value, from a start on."
            ) { types, _ in
                ScalarFunction("array_position", types, .integer, isStrict: false, "The index of the value.") {
                    columns, count, _, errors in
                    var nulls: [Int] = []
                    let column = Kernels.rows(.integer, count, nil, &errors) { i throws(RowFailure) -> Int32 in
                        var found: Int32?
                        if columns.count > 2, columns[2].isNull(i) {
                            throw RowFailure("22004", "initial position must not be null")
                        }
                        let start = columns.count > 2 ? Int(columns[2].withValues(as: Int32.self) { $0[i] }) : 1
                        try elements(columns[0], i) { array in
                            for index in max(start - 1, 0)..<max(array.count, start - 1, 0)
                            where isSame(array, index, columns[1], i) {
                                found = Int32(index + 1)
                                break
                            }
                        }
                        if found == nil { nulls.append(i) }
                        return found ?? 0
                    }
                    return column.settingNull(nulls)
                }
            }
        }
        + [
            template(
                "array_positions", [.array, .element], result: "integer[]",
                "The indices of all elements that are the value."
            ) { types, _ in
                let result = DataType.array(of: .integer)
                return ScalarFunction("array_positions", types, result, isStrict: false, "The indices of the value.") {
                    columns, count, validity, errors in
                    var writer = ArrayBytes.Writer(element: .integer)
                    return TextKernels.rows(count, validity, count * 16, type: result, &errors) {
                        (i, out) throws(RowFailure) in
                        if columns[0].isNull(i) { return out.setNull() }
                        try elements(columns[0], i) { array in
                            for index in 0..<array.count where isSame(array, index, columns[1], i) {
                                withUnsafeBytes(of: Int32(index + 1)) { writer.append($0) }
                            }
                        }
                        out.append(writer.finish())
                    }
                }
            }
        ]

    // MARK: conditions

    private static let conditions: [FunctionTemplate] = [
        relation("@>", "Whether every element of the second is one of the first.") { contains($0, $1) },
        relation("<@", "Whether every element of the first is one of the second.") { contains($1, $0) },
        relation("&&", "Whether the arrays have an element in common.") { a, b in
            (0..<b.count).contains { index in b.raw(index).map { has(a, $0) } ?? false }
        },
    ]

    private static func relation(
        _ name: String, _ documentation: String, _ test: @escaping @Sendable (ArrayBytes, ArrayBytes) -> Bool
    ) -> FunctionTemplate {
        template(name, [.array, .array], result: "boolean", documentation) { types, element in
            RowKernels.predicate(name, types, documentation) { row in
                test(row.array(0, of: element), row.array(1, of: element))
            }
        }
    }

    private static func has(_ array: ArrayBytes, _ value: UnsafeRawBufferPointer) -> Bool {
        (0..<array.count).contains { index in
            array.raw(index).map { ValueBytes.compare(array.element, $0, value) == 0 } ?? false
        }
    }

    /// NULL equals nothing here.
    private static func contains(_ whole: ArrayBytes, _ part: ArrayBytes) -> Bool {
        (0..<part.count).allSatisfy { index in part.raw(index).map { has(whole, $0) } ?? false }
    }

    // MARK: subscripts

    private static let subscripts: [FunctionTemplate] = [
        template(
            "[]", [.array, .type(.integer)], result: "anyelement",
            "a[i]: the element of an index; NULL if there is none."
        ) {
            types, element in
            ScalarFunction("[]", types, element, "The element of an index.") { columns, count, validity, _ in
                var builder = RawColumnBuilder(type: element, capacity: count)
                columns[1].withValues(as: Int32.self) { indices in
                    for row in 0..<count {
                        guard validity?.isValid(row) ?? true else {
                            builder.append(nil)
                            continue
                        }
                        columns[0].withRaw(row) { raw in
                            let array = ArrayBytes(raw, element: element)
                            let index = Int(indices[row]) - 1
                            builder.append(index >= 0 && index < array.count ? array.raw(index) : nil)
                        }
                    }
                }
                return builder.finish()
            }
        },
        array(
            "[:]", [.array, .type(.integer), .type(.integer)], isStrict: true,
            "a[i:j]: the elements of a range of indices."
        ) {
            (columns, row, writer) throws(RowFailure) in
            let first = max(Int(columns[1].withValues(as: Int32.self) { $0[row] }), 1)
            let last = Int(columns[2].withValues(as: Int32.self) { $0[row] })
            try elements(columns[0], row) { array in
                for index in first..<max(min(last, array.count) + 1, first) { writer.append(array.raw(index - 1)) }
            }
            return true
        },
        template(
            "width_bucket", [.element, .array], result: "integer",
            "The bucket among those that the sorted array's lower bounds make."
        ) {
            types, element in
            RowKernels.value("width_bucket", types, .integer, "The bucket of a value.") {
                (row) throws(RowFailure) -> Int32? in
                let bounds = row.array(1, of: element)
                if bounds.hasNulls { throw RowFailure("22004", "thresholds array must not contain NULLs") }
                return row.withRaw(0, element) { value in
                    var (low, high) = (0, bounds.count)
                    while low < high {
                        let middle = (low + high) / 2
                        let isBelow = bounds.raw(middle).map { ValueBytes.compare(element, value, $0) < 0 } ?? false
                        if isBelow { high = middle } else { low = middle + 1 }
                    }
                    return Int32(low)
                }
            }
        },
    ]
}

extension ArgumentRow {
    /// Lends the bytes of an argument of this type.
    func withRaw<Result>(_ argument: Int, _ type: DataType, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        if type.storage == .bytes { return body(UnsafeRawBufferPointer(text(argument))) }
        return body(raw(argument, stride: type.storage.stride, size: type.storage.size))
    }
}

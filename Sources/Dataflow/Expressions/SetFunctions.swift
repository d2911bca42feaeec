/// Functions that return the parts of an array, a text or a JSON value.
enum SetFunctions {
    static let all: [TableFunction] = arrays + texts + JSONBSetFunctions.all

    /// Takes the rows that a function gives for one input row.
    struct Output {
        private let name: String
        private let columns: [ColumnBuilder]
        private var inputs: [Int32] = []
        private var row: Int32 = 0
        private var start = 0

        fileprivate init(_ name: String, _ types: [DataType]) {
            self.name = name
            columns = types.map { ColumnBuilder(type: $0) }
        }

        fileprivate mutating func begin(_ index: Int) {
            row = Int32(index)
            start = inputs.count
        }

        /// Takes back what the input row has given.
        fileprivate mutating func revert() {
            inputs.removeLast(inputs.count - start)
            for column in columns { column.truncate(to: start) }
        }

        fileprivate consuming func finish() -> TableFunction.Rows {
            TableFunction.Rows(inputs: inputs, columns: columns.map { $0.finish() })
        }

        /// One row more, whose columns `append` fills.
        mutating func add(_ append: ([ColumnBuilder]) -> Void) throws(RowFailure) {
            if inputs.count - start == TableFunction.rowsMax {
                let error = TableFunction.tooMany(name, row: Int(row))
                throw RowFailure(error.code, error.message)
            }
            append(columns)
            inputs.append(row)
        }

        mutating func add(raw: UnsafeRawBufferPointer?) throws(RowFailure) { try add { $0[0].append(raw: raw) } }

        mutating func add(utf8: UnsafeBufferPointer<UInt8>) throws(RowFailure) { try add { $0[0].append(utf8: utf8) } }
    }

    /// A function whose work on one row dwarfs a call. `row` is called for the rows whose arguments are not NULL, or, of a function that
    /// is not strict, for all; it adds rows or fails. What it learns from one row for the next is the batch's `state`.
    static func function<State>(
        _ name: String, _ arguments: [DataType], _ columns: [TableFunction.Output], signature: String? = nil,
        isStrict: Bool = true, _ documentation: String, state makeState: @escaping @Sendable () -> State,
        _ row: @escaping @Sendable (ArgumentRow, inout State, inout Output) throws(RowFailure) -> Void
    ) -> TableFunction {
        TableFunction(name, arguments, columns, signature: signature, documentation) {
            operands, count, validity, errors in
            var output = Output(name, columns.map(\.type))
            ArgumentRow.with(operands) { place in
                var state = makeState()
                for index in 0..<count where !isStrict || validity?.isValid(index) ?? true {
                    place.move(to: index)
                    output.begin(index)
                    do throws(RowFailure) {
                        try row(place, &state, &output)
                    } catch {
                        output.revert()
                        errors.append(RowError(row: index, error))
                    }
                }
            }
            return output.finish()
        }
    }

    // MARK: arrays

    private static let arrays: [TableFunction] = DataType.scalars.flatMap { element -> [TableFunction] in
        let array = DataType.array(of: element)
        return [
            function(
                "unnest", [array], [.init("unnest", element)], signature: "unnest(anyarray) → setof anyelement",
                "The elements, a row each; of several arrays in FROM in step.", state: {}
            ) { (row, _, output) throws(RowFailure) in
                let array = row.array(0, of: element)
                for index in 0..<array.count { try output.add(raw: array.raw(index)) }
            },
            subscripts(element, [array, .integer]), subscripts(element, [array, .integer, .boolean]),
        ]
    }

    private static func subscripts(_ element: DataType, _ arguments: [DataType]) -> TableFunction {
        let rest = arguments.dropFirst().map { ", \($0.name)" }.joined()
        return function(
            "generate_subscripts", arguments, [.init("generate_subscripts", .integer)],
            signature: "generate_subscripts(anyarray\(rest)) → setof integer",
            "The indices along a dimension, the last first if the third is true.", state: {}
        ) { (row, _, output) throws(RowFailure) in
            guard row.integer(1) == 1 else { return }
            let count = row.array(0, of: element).count
            let isReverse = row.count > 2 && row.boolean(2)
            for index in 0..<count {
                let value = Int32(isReverse ? count - index : index + 1)
                try output.add { $0[0].append(value) }
            }
        }
    }

    // MARK: texts

    private static let texts: [TableFunction] = [[DataType.text, .text], [.text, .text, .text]].flatMap { types in
        [
            function(
                "string_to_table", types, [.init("string_to_table", .text)], isStrict: false,
                "The parts between delimiters, or the characters if that is NULL; a part like the third becomes NULL.",
                state: {}
            ) { (row, _, output) throws(RowFailure) in
                if row.isNull(0) { return }
                let null = row.count > 2 && !row.isNull(2) ? row.text(2) : nil
                let delimiter = row.isNull(1) ? nil : row.text(1)
                try TextArrayFunctions.split(row.text(0), delimiter) { (part) throws(RowFailure) in
                    let isNull = null.map { $0.elementsEqual(part) } ?? false
                    try output.add(raw: isNull ? nil : UnsafeRawBufferPointer(part))
                }
            },
            function(
                "regexp_split_to_table", types, [.init("regexp_split_to_table", .text)], "The parts between matches.",
                state: { RegexCache() }
            ) { (row, cache, output) throws(RowFailure) in
                let regex = try RegexFunctions.single("regexp_split_to_table", row, flags: 2, &cache)
                try TextArrayFunctions.split(row.text(0), regex) { (part) throws(RowFailure) in
                    try output.add(utf8: part)
                }
            },
            function(
                "regexp_matches", types, [.init("regexp_matches", .array(of: .text))],
                "The groups of the first match, or with the flag g of each, or all of it if the pattern has none.",
                state: { (RegexCache(), ArrayBytes.Writer(element: .text)) }
            ) { (row, state, output) throws(RowFailure) in
                let regex = try state.0.regex(row.text(1), flags: row.count > 2 ? row.text(2) : nil)
                var writer = state.1
                try regex.forEachMatch(in: row.text(0), from: 0) { (_, spans) throws(RowFailure) in
                    TextArrayFunctions.append(spans, row.text(0), &writer)
                    let bytes = writer.finish()
                    try output.add { columns in bytes.withUnsafeBytes { columns[0].append(raw: $0) } }
                    return regex.isGlobal
                }
                state.1 = writer
            },
        ]
    }
}

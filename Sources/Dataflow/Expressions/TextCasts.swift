/// Casts through the text of types: each to text and character and back, and arrays element by element.
enum TextCasts {
    static let all: [ScalarFunction] =
        DataType.allCases.filter { $0 != .text && $0 != .character }.flatMap { type in
            [output(type, .text), output(type, .character), input(.text, type), input(.character, type)]
        }
        + [
            same(.text, .character),
            ScalarFunction("cast_text", [.character], .text, "The text without the blanks at its end.") {
                arguments, count, validity, errors in
                arguments[0].withText { offsets, bytes in
                    TextKernels.rows(count, validity, Int(offsets[count]), &errors) { (row, out) throws(RowFailure) in
                        out.append(RowOrder.unpadded(TextKernels.slice(offsets, bytes, row)))
                    }
                }
            },
        ]
        + Cast.all.compactMap { cast in
            guard let from = cast.from.element, let to = cast.to.element else { return nil }
            return array(from, to)
        }

    private static func output(_ type: DataType, _ to: DataType) -> ScalarFunction {
        ScalarFunction(Cast.functionName(to: to), [type], to, "The output text.") {
            arguments, count, validity, errors in
            var scratch: [UInt8] = []
            let texts = TextKernels.rows(count, validity, count * 8, &errors) { (row, out) throws(RowFailure) in
                scratch.removeAll(keepingCapacity: true)
                // A boolean's cast spells the word; its output is one letter.
                if type == .boolean {
                    let isTrue = arguments[0].withValues(as: UInt8.self) { $0[row] } & 1 != 0
                    scratch.append(contentsOf: (isTrue ? "true" : "false").utf8)
                } else {
                    TextFormat.append(arguments[0], row: row, to: &scratch)
                }
                out.append(scratch)
            }
            return texts.retyped(to)
        }
    }

    private static func input(_ from: DataType, _ to: DataType) -> ScalarFunction {
        ScalarFunction(Cast.functionName(to: to), [from], to, "Reads the input text.") {
            arguments, count, validity, errors in
            let builder = ColumnBuilder(type: to, capacity: count)
            arguments[0].withText { offsets, bytes in
                for row in 0..<count {
                    if let validity, !validity.isValid(row) {
                        builder.appendNull()
                        continue
                    }
                    let text = TextKernels.slice(offsets, bytes, row)
                    do throws(RowError) {
                        builder.append(try TextFormat.parse(text, as: to))
                    } catch {
                        errors.append(RowError(row: row, code: error.code, message: error.message))
                        builder.appendNull()
                    }
                }
            }
            return builder.finish()
        }
    }

    /// The same bytes.
    private static func same(_ from: DataType, _ to: DataType) -> ScalarFunction {
        ScalarFunction(Cast.functionName(to: to), [from], to, "The same text.") { arguments, _, _, _ in
            arguments[0].retyped(to)
        }
    }

    /// Casts the elements of all rows at once, by the cast of their type.
    private static func array(_ from: DataType, _ to: DataType) -> ScalarFunction {
        let target = DataType.array(of: to)
        let key = FunctionKey.of(Cast.functionName(to: to), [from])
        return ScalarFunction(
            Cast.functionName(to: target), [.array(of: from)], target, "Each element as the type."
        ) { arguments, count, validity, errors in
            guard let function = FunctionRegistry.function(key: key) else {
                preconditionFailure("there is no function \(key)")
            }
            return ArrayKernels.map(arguments[0], to, count, validity, &errors) { elements, _, errors in
                function.kernel([elements], elements.count, elements.validity, &errors).masked(by: elements.validity)
            }
        }
    }
}

/// Makers of kernels over arrays.
enum ArrayKernels {
    /// The arrays of a column with each element mapped: `body` gets the elements of all valid rows in one column, and the row
    /// of each. An element's error is its row's.
    static func map(
        _ arrays: Column, _ element: DataType, _ count: Int, _ validity: Validity?, _ errors: inout [RowError],
        _ body: (Column, _ rows: [Int32], inout [RowError]) -> Column
    ) -> Column {
        guard let from = arrays.type.element else { preconditionFailure("\(arrays.type.name) is no array") }
        let builder = ColumnBuilder(type: from)
        var rows: [Int32] = []
        var lengths = [Int](repeating: -1, count: count)
        Kernels.forEachValid(count, validity) { row in
            arrays.withRaw(row) { raw in
                let array = ArrayBytes(raw, element: from)
                lengths[row] = array.count
                for index in 0..<array.count {
                    builder.append(raw: array.raw(index))
                    rows.append(Int32(row))
                }
            }
        }
        let elements = builder.finish()
        var found: [RowError] = []
        let mapped = body(elements, rows, &found)
        for error in found {
            errors.append(RowError(row: Int(rows[error.row]), code: error.code, message: error.message))
        }
        let results = ColumnBuilder(type: .array(of: element), capacity: count)
        var writer = ArrayBytes.Writer(element: element)
        var scratch: [UInt8] = []
        var position = 0
        for row in 0..<count {
            if lengths[row] < 0 {
                results.appendNull()
                continue
            }
            for _ in 0..<lengths[row] {
                if mapped.isNull(position) {
                    writer.append(nil)
                } else {
                    mapped.withRaw(position) { writer.append($0) }
                }
                position += 1
            }
            scratch.removeAll(keepingCapacity: true)
            writer.finish(into: &scratch)
            scratch.withUnsafeBytes { results.append(raw: $0) }
        }
        return results.finish()
    }
}

extension Column {
    /// The same memory as another type of the same storage.
    func retyped(_ type: DataType) -> Column {
        precondition(type.storage == self.type.storage)
        return Column(type: type, count: count, validity: validity, values: values, bytes: bytes)
    }
}

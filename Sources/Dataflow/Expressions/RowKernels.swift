/// Makers of kernels for functions whose work on one row dwarfs a call: text, patterns, templates, JSON, arrays.
///
/// `row` is called for the valid rows only (of a strict function) and gives the value, nil for NULL, or fails. What it learns from
/// one row for the next (a compiled pattern) is the batch's `state`. Cheap arithmetic belongs to ``Kernels``, whose loops have no
/// calls.
enum RowKernels {
    /// A function to a fixed-stride type.
    static func value<R: FixedWidthValue, State>(
        _ name: String, _ arguments: [DataType], _ result: DataType, isStrict: Bool = true, _ documentation: String,
        state makeState: @escaping @Sendable () -> State,
        _ row: @escaping @Sendable (ArgumentRow, inout State) throws(RowFailure) -> R?
    ) -> ScalarFunction {
        ScalarFunction(name, arguments, result, isStrict: isStrict, documentation) {
            columns, count, validity, errors in
            ArgumentRow.with(columns) { place in
                var state = makeState()
                var nulls: [Int] = []
                let stride = MemoryLayout<R>.stride
                precondition(result.storage.stride == stride)
                let buffer = ColumnBuffer(capacity: count * stride)
                buffer.base.initializeMemory(as: UInt8.self, repeating: 0, count: count * stride)
                let out = buffer.base.assumingMemoryBound(to: R.self)
                Kernels.forEachValid(count, validity) { i in
                    place.move(to: i)
                    do throws(RowFailure) {
                        if let value = try row(place, &state) { out[i] = value } else { nulls.append(i) }
                    } catch {
                        errors.append(RowError(row: i, error))
                    }
                }
                return Column(type: result, count: count, validity: nil, values: buffer, bytes: nil).settingNull(nulls)
            }
        }
    }

    static func value<R: FixedWidthValue>(
        _ name: String, _ arguments: [DataType], _ result: DataType, isStrict: Bool = true, _ documentation: String,
        _ row: @escaping @Sendable (ArgumentRow) throws(RowFailure) -> R?
    ) -> ScalarFunction {
        value(name, arguments, result, isStrict: isStrict, documentation, state: {}) {
            (place, _) throws(RowFailure) -> R? in try row(place)
        }
    }

    /// A condition.
    static func predicate<State>(
        _ name: String, _ arguments: [DataType], isStrict: Bool = true, _ documentation: String,
        state makeState: @escaping @Sendable () -> State,
        _ row: @escaping @Sendable (ArgumentRow, inout State) throws(RowFailure) -> Bool?
    ) -> ScalarFunction {
        value(name, arguments, .boolean, isStrict: isStrict, documentation, state: makeState) {
            (place, state) throws(RowFailure) -> UInt8? in
            try row(place, &state).map { $0 ? 1 : 0 }
        }
    }

    static func predicate(
        _ name: String, _ arguments: [DataType], isStrict: Bool = true, _ documentation: String,
        _ row: @escaping @Sendable (ArgumentRow) throws(RowFailure) -> Bool?
    ) -> ScalarFunction {
        predicate(name, arguments, isStrict: isStrict, documentation, state: {}) {
            (place, _) throws(RowFailure) -> Bool? in try row(place)
        }
    }

    /// A function to text, or to another type whose values are bytes: `row` appends them, or says ``TextWriter/setNull()``.
    static func bytes<State>(
        _ name: String, _ arguments: [DataType], returns result: DataType = .text, isStrict: Bool = true,
        _ documentation: String, state makeState: @escaping @Sendable () -> State,
        _ row: @escaping @Sendable (ArgumentRow, inout State, inout TextWriter) throws(RowFailure) -> Void
    ) -> ScalarFunction {
        ScalarFunction(name, arguments, result, isStrict: isStrict, documentation) {
            columns, count, validity, errors in
            ArgumentRow.with(columns) { place in
                var state = makeState()
                return TextKernels.rows(count, validity, count * 16, type: result, &errors) {
                    (i, out) throws(RowFailure) in
                    place.move(to: i)
                    try row(place, &state, &out)
                }
            }
        }
    }

    static func bytes(
        _ name: String, _ arguments: [DataType], returns result: DataType = .text, isStrict: Bool = true,
        _ documentation: String, _ row: @escaping @Sendable (ArgumentRow, inout TextWriter) throws(RowFailure) -> Void
    ) -> ScalarFunction {
        bytes(name, arguments, returns: result, isStrict: isStrict, documentation, state: {}) {
            (place, _, out) throws(RowFailure) in try row(place, &out)
        }
    }
}

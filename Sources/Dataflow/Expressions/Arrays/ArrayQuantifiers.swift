/// `x op ANY (array)` and `x op ALL (array)`: the operator's own kernel over all elements of a batch, then AND or OR for each row.
enum ArrayQuantifiers {
    /// The operators that can be quantified: those of two operands whose result is boolean.
    static let operators = [
        "=", "<>", "<", "<=", ">", ">=", "~~", "!~~", "~~*", "!~~*", "~", "~*", "!~", "!~*", "@>", "<@", "?", "^@",
    ]

    /// The registry's name of a quantified operator.
    package static func name(_ symbol: String, isAll: Bool) -> String { "\(symbol) \(isAll ? "all" : "any")" }

    static let templates: [FunctionTemplate] = operators.flatMap { symbol in
        [false, true].map { isAll in
            let name = name(symbol, isAll: isAll)
            return FunctionTemplate(
                name, [.any, .any], result: "boolean",
                "Whether the operator holds for \(isAll ? "all elements" : "an element") of the array."
            ) { types in
                guard let element = types[1].element,
                    let function = FunctionRegistry.function(key: FunctionKey.of(symbol, [types[0], element]))
                else { return nil }
                return quantified(name, types, function, isAll)
            }
        }
    }

    private static func quantified(
        _ name: String, _ types: [DataType], _ function: ScalarFunction, _ isAll: Bool
    ) -> ScalarFunction {
        // An empty array decides also for NULL on the left.
        ScalarFunction(name, types, .boolean, isStrict: false, "The operator on the elements.") {
            columns, count, _, errors in
            let (elements, ends) = columns[1].flattened(nil)
            let total = elements.count
            let left = withUnsafeTemporaryAllocation(of: Int32.self, capacity: total) { indices in
                var element = 0
                for row in 0..<count {
                    while element < ends[row] {
                        indices[element] = Int32(row)
                        element += 1
                    }
                }
                return columns[0].gather(UnsafeBufferPointer(indices))
            }
            let validity = Validity.and(left.validity, elements.validity)
            var failures: [RowError] = []
            let results = function.kernel([left, elements], total, validity, &failures).masked(by: validity)
            var failed: [Int: RowError] = [:]
            for failure in failures where failed[failure.row] == nil { failed[failure.row] = failure }
            var nulls: [Int] = []
            let column = Column(type: .boolean, count: count) { (out: UnsafeMutableBufferPointer<UInt8>) in
                var element = 0
                for row in 0..<count {
                    let start = element
                    element = ends[row]
                    out[row] = isAll ? 1 : 0
                    if columns[1].isNull(row) {
                        nulls.append(row)
                        continue
                    }
                    let decision = decide(results, start..<element, isAll, failed)
                    switch decision {
                    case .value(let value): out[row] = value ? 1 : 0
                    case .null: nulls.append(row)
                    case .failure(let failure):
                        errors.append(RowError(row: row, code: failure.code, message: failure.message))
                        nulls.append(row)
                    }
                }
            }
            return column.settingNull(nulls)
        }
    }

    private enum Decision {
        case value(Bool)
        case null
        case failure(RowError)
    }

    /// The first element that decides hides the errors behind it.
    private static func decide(
        _ results: Column, _ range: Range<Int>, _ isAll: Bool, _ failed: [Int: RowError]
    ) -> Decision {
        var hasNull = false
        for element in range {
            if let failure = failed[element] { return .failure(failure) }
            if results.isNull(element) {
                hasNull = true
            } else if (results.withValues(as: UInt8.self) { $0[element] } != 0) != isAll {
                return .value(!isAll)
            }
        }
        return hasNull ? .null : .value(isAll)
    }
}

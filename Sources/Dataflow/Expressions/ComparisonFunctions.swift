import Glibc

/// `= <> < <= > >=` and `is_distinct` (IS DISTINCT FROM) of equal types.
enum ComparisonFunctions {
    static let all: [ScalarFunction] =
        comparable(Int16.self, .smallint) + comparable(Int32.self, .integer) + comparable(Int64.self, .bigint)
        + comparable(Int64.self, .timestamp) + comparable(UInt8.self, .boolean) + doubles + others + distinct

    private static let symbols = ["=", "<>", "<", "<=", ">", ">="]

    @inline(__always)
    private static func comparable<T: FixedWidthValue & Comparable>(_: T.Type, _ type: DataType) -> [ScalarFunction] {
        [
            Kernels.binary("=", type, type, .boolean, "Equal.") { (a: T, b: T) -> UInt8 in a == b ? 1 : 0 },
            Kernels.binary("<>", type, type, .boolean, "Not equal.") { (a: T, b: T) -> UInt8 in a != b ? 1 : 0 },
            Kernels.binary("<", type, type, .boolean, "Less.") { (a: T, b: T) -> UInt8 in a < b ? 1 : 0 },
            Kernels.binary("<=", type, type, .boolean, "Less or equal.") { (a: T, b: T) -> UInt8 in a <= b ? 1 : 0 },
            Kernels.binary(">", type, type, .boolean, "Greater.") { (a: T, b: T) -> UInt8 in a > b ? 1 : 0 },
            Kernels.binary(">=", type, type, .boolean, "Greater or equal.") { (a: T, b: T) -> UInt8 in a >= b ? 1 : 0 },
        ]
    }

    /// NaN equals itself and is above all other values.
    private static let doubles: [ScalarFunction] = [
        Kernels.binary("=", .double, .double, .boolean, "Equal.") { (a: Double, b: Double) -> UInt8 in
            a == b || a.isNaN && b.isNaN ? 1 : 0
        },
        Kernels.binary("<>", .double, .double, .boolean, "Not equal.") { (a: Double, b: Double) -> UInt8 in
            a == b || a.isNaN && b.isNaN ? 0 : 1
        },
        Kernels.binary("<", .double, .double, .boolean, "Less.") { (a: Double, b: Double) -> UInt8 in
            a < b || b.isNaN && !a.isNaN ? 1 : 0
        },
        Kernels.binary("<=", .double, .double, .boolean, "Less or equal.") { (a: Double, b: Double) -> UInt8 in
            a <= b || b.isNaN ? 1 : 0
        },
        Kernels.binary(">", .double, .double, .boolean, "Greater.") { (a: Double, b: Double) -> UInt8 in
            a > b || a.isNaN && !b.isNaN ? 1 : 0
        },
        Kernels.binary(">=", .double, .double, .boolean, "Greater or equal.") { (a: Double, b: Double) -> UInt8 in
            a >= b || a.isNaN ? 1 : 0
        },
    ]

    /// Numeric, interval and text, by ``RowOrder``.
    private static let others: [ScalarFunction] = [DataType.numeric, .interval, .text].flatMap { type in
        symbols.map { symbol in
            ScalarFunction(symbol, [type, type], .boolean, "Comparison.") { arguments, count, _, _ in
                let (a, b) = (arguments[0], arguments[1])
                return Column(type: .boolean, count: count) { (out: UnsafeMutableBufferPointer<UInt8>) in
                    let less: UInt8 = symbol == "<" || symbol == "<=" || symbol == "<>" ? 1 : 0
                    let equal: UInt8 = symbol == "=" || symbol == "<=" || symbol == ">=" ? 1 : 0
                    let greater: UInt8 = symbol == ">" || symbol == ">=" || symbol == "<>" ? 1 : 0
                    RowOrder.forEachComparison(a, b) { row, order in
                        out[row] = order < 0 ? less : order > 0 ? greater : equal
                    }
                }
            }
        }
    }

    private static let distinct: [ScalarFunction] = DataType.allCases.map { type in
        ScalarFunction(
            "is_distinct", [type, type], .boolean, isStrict: false, "Whether the values differ; NULL equals NULL."
        ) {
            arguments, count, _, _ in
            Column(type: .boolean, count: count) { (out: UnsafeMutableBufferPointer<UInt8>) in
                for row in 0..<count { out[row] = RowOrder.compare(arguments[0], row, arguments[1], row) == 0 ? 0 : 1 }
            }
        }
    }
}

import Glibc

/// `= <> < <= > >=` and `is_distinct` (IS DISTINCT FROM) of equal types.
enum ComparisonFunctions {
    static let all: [ScalarFunction] =
        comparable(Int16.self, .smallint) + comparable(Int32.self, .integer) + comparable(Int64.self, .bigint)
        + comparable(Int64.self, .timestamp) + comparable(Int64.self, .timestamptz) + comparable(Int64.self, .time)
        + comparable(Int32.self, .date) + comparable(UInt8.self, .boolean) + doubles
        + ordered(.real) { (a: Float, b: Float) -> Int in RowOrder.compare(a, b) }
        + ordered(.uuid) { (a: UUIDValue, b: UUIDValue) -> Int in UUIDValue.order(a, b) }
        + ordered(.numeric) { (a: Decimal, b: Decimal) -> Int in Decimal.compare(a, b) }
        + ordered(.interval) { (a: Interval, b: Interval) -> Int in RowOrder.compare(a, b) } + texts
        + ([.character, .bytea, .jsonb] + DataType.allCases.filter { $0.element != nil }).flatMap { bytes($0) }
        + distinct

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

    /// NaN equals itself and is above all other values. `x != x` is NaN; `|`, unlike `||`, makes no branch.
    private static let doubles: [ScalarFunction] = [
        Kernels.binary("=", .double, .double, .boolean, "Equal.") { (a: Double, b: Double) -> UInt8 in equal(a, b) },
        Kernels.binary("<>", .double, .double, .boolean, "Not equal.") { (a: Double, b: Double) -> UInt8 in
            equal(a, b) ^ 1
        },
        Kernels.binary("<", .double, .double, .boolean, "Less.") { (a: Double, b: Double) -> UInt8 in less(a, b) },
        Kernels.binary("<=", .double, .double, .boolean, "Less or equal.") { (a: Double, b: Double) -> UInt8 in
            less(b, a) ^ 1
        },
        Kernels.binary(">", .double, .double, .boolean, "Greater.") { (a: Double, b: Double) -> UInt8 in less(b, a) },
        Kernels.binary(">=", .double, .double, .boolean, "Greater or equal.") { (a: Double, b: Double) -> UInt8 in
            less(a, b) ^ 1
        },
    ]

    @inline(__always)
    private static func equal(_ a: Double, _ b: Double) -> UInt8 {
        (a == b ? 1 : 0) | ((a != a ? 1 : 0) & (b != b ? 1 : 0))
    }

    @inline(__always)
    private static func less(_ a: Double, _ b: Double) -> UInt8 {
        (a < b ? 1 : 0) | ((a == a ? 1 : 0) & (b != b ? 1 : 0))
    }

    /// By a three-way comparison, of valid rows.
    @inline(__always)
    private static func ordered<T: FixedWidthValue>(
        _ type: DataType, _ compare: @escaping @Sendable (T, T) -> Int
    ) -> [ScalarFunction] {
        [
            Kernels.rowBinary("=", type, type, .boolean, "Equal.") { (a: T, b: T) throws(RowFailure) -> UInt8 in
                compare(a, b) == 0 ? 1 : 0
            },
            Kernels.rowBinary("<>", type, type, .boolean, "Not equal.") { (a: T, b: T) throws(RowFailure) -> UInt8 in
                compare(a, b) != 0 ? 1 : 0
            },
            Kernels.rowBinary("<", type, type, .boolean, "Less.") { (a: T, b: T) throws(RowFailure) -> UInt8 in
                compare(a, b) < 0 ? 1 : 0
            },
            Kernels.rowBinary("<=", type, type, .boolean, "Less or equal.") {
                (a: T, b: T) throws(RowFailure) -> UInt8 in
                compare(a, b) <= 0 ? 1 : 0
            },
            Kernels.rowBinary(">", type, type, .boolean, "Greater.") { (a: T, b: T) throws(RowFailure) -> UInt8 in
                compare(a, b) > 0 ? 1 : 0
            },
            Kernels.rowBinary(">=", type, type, .boolean, "Greater or equal.") {
                (a: T, b: T) throws(RowFailure) -> UInt8 in
                compare(a, b) >= 0 ? 1 : 0
            },
        ]
    }

    /// By bytes, as PostgreSQL with the locale C; a text of another length is not equal without a look at it.
    private static let texts: [ScalarFunction] = [
        TextKernels.predicate2("=", "Equal.") { a, b in equal(a, b) },
        TextKernels.predicate2("<>", "Not equal.") { a, b in !equal(a, b) },
        TextKernels.predicate2("<", "Less.") { a, b in order(a, b) < 0 },
        TextKernels.predicate2("<=", "Less or equal.") { a, b in order(a, b) <= 0 },
        TextKernels.predicate2(">", "Greater.") { a, b in order(a, b) > 0 },
        TextKernels.predicate2(">=", "Greater or equal.") { a, b in order(a, b) >= 0 },
    ]

    @inline(__always)
    private static func equal(_ a: TextKernels.Bytes, _ b: TextKernels.Bytes) -> Bool {
        guard a.count == b.count else { return false }
        guard let x = a.baseAddress, let y = b.baseAddress else { return true }
        return memcmp(x, y, a.count) == 0
    }

    @inline(__always)
    private static func order(_ a: TextKernels.Bytes, _ b: TextKernels.Bytes) -> Int {
        guard let x = a.baseAddress, let y = b.baseAddress else { return a.count - b.count }
        let order = memcmp(x, y, min(a.count, b.count))
        return order != 0 ? Int(order) : a.count - b.count
    }

    /// Types of no fixed size, by their order.
    private static func bytes(_ type: DataType) -> [ScalarFunction] {
        func function(_ name: String, _ documentation: String, _ test: @escaping @Sendable (Int) -> Bool)
            -> ScalarFunction
        {
            ScalarFunction(name, [type, type], .boolean, documentation) { arguments, count, validity, errors in
                Kernels.rows(.boolean, count, validity, &errors) { row throws(RowFailure) -> UInt8 in
                    test(RowOrder.compareValues(arguments[0], row, arguments[1], row)) ? 1 : 0
                }
            }
        }
        return [
            function("=", "Equal.") { $0 == 0 }, function("<>", "Not equal.") { $0 != 0 },
            function("<", "Less.") { $0 < 0 }, function("<=", "Less or equal.") { $0 <= 0 },
            function(">", "Greater.") { $0 > 0 }, function(">=", "Greater or equal.") { $0 >= 0 },
        ]
    }

    private static let distinct: [ScalarFunction] = DataType.allCases.map { type in
        let equalKey = FunctionKey.of("=", [type, type])
        return ScalarFunction(
            "is_distinct", [type, type], .boolean, isStrict: false, "Whether the values differ; NULL equals NULL."
        ) { arguments, count, _, errors in
            guard let equal = FunctionRegistry.function(key: equalKey) else {
                preconditionFailure("the registry has no \(equalKey)")
            }
            let (a, b) = (arguments[0].validity, arguments[1].validity)
            let both = Validity.and(a, b)
            let same = equal.kernel(arguments, count, both, &errors)
            guard a != nil || b != nil else { return BooleanKernels.not(same, count) }
            // Where both are values: whether they are equal; else: whether both are NULL.
            return BooleanKernels.make(count) { word in
                let (first, second) = (BooleanKernels.word(a, word), BooleanKernels.word(b, word))
                let equal = BooleanKernels.bits(same, word)
                return (~((first & second & equal) | ~(first | second)), ~0)
            }
        }
    }
}

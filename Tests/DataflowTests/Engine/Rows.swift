import Dataflow

/// Rows as the reference implementations see them: plain values, no columns.
typealias Row = [Datum]

/// A Z-set of rows, told apart by what they print.
struct Bag: Equatable, CustomStringConvertible {
    private(set) var entries: [String: (row: Row, weight: Int64)] = [:]

    init() {}

    init(_ rows: [Row]) {
        for row in rows { add(row, 1) }
    }

    mutating func add(_ row: Row, _ weight: Int64) {
        let key = Values.printed(row)
        let sum = (entries[key]?.weight ?? 0) + weight
        entries[key] = sum == 0 ? nil : (row, sum)
    }

    mutating func add(_ deltas: [Delta]) {
        for delta in deltas {
            for row in 0..<delta.count { add(delta.columns.map { $0.datum(at: row) }, delta.weight(at: row)) }
        }
    }

    /// Each row as often as its weight says, in an order that does not matter.
    var rows: [Row] { entries.values.flatMap { entry in (0..<max(entry.weight, 0)).map { _ in entry.row } } }

    static func == (first: Bag, second: Bag) -> Bool {
        first.entries.mapValues(\.weight) == second.entries.mapValues(\.weight)
    }

    var description: String {
        entries.sorted { $0.key < $1.key }.map { "\($0.value.weight) × \($0.key)" }.joined(separator: "\n")
    }

    /// What differs, for messages.
    func difference(from expected: Bag) -> String {
        var lines: [String] = []
        for key in Set(entries.keys).union(expected.entries.keys).sorted() {
            let (mine, theirs) = (entries[key]?.weight ?? 0, expected.entries[key]?.weight ?? 0)
            if mine != theirs { lines.append("\(mine) instead of \(theirs) × \(key)") }
        }
        return lines.prefix(12).joined(separator: "\n")
    }
}

enum Values {
    /// Every scalar type, and arrays of elements of each kind.
    static let types: [DataType] =
        DataType.scalars + [DataType.integer, .text, .numeric, .jsonb].map { DataType.array(of: $0) }

    /// Documents in PostgreSQL's order, ascending; those of a line are equal, the least encoding first.
    static let documents: [[String]] = [
        ["[]"], ["null"], ["\"\""], ["\"a\""], ["\"b\""], ["-2.5", "-2.50"], ["0", "0.0"], ["1", "1.0", "1.00"], ["10"],
        ["false"], ["true"], ["[null]"], ["[1]", "[1.0]"], ["[[1, \"x\"]]"], ["[1, 2]"], ["{}"],
        ["{\"a\": 1}", "{\"a\": 1.0}"], ["{\"aa\": 1}"], ["{\"b\": 0}"], ["{\"a\": 1, \"b\": null}"],
    ]

    private static func rank(_ document: String) -> Int {
        documents.firstIndex { $0.contains(document) } ?? -1
    }

    private static func unpadded(_ text: String) -> String {
        String(text.reversed().drop { $0 == " " }.reversed())
    }

    /// The row's exact contents.
    static func printed(_ row: Row) -> String { row.map(printed).joined(separator: " | ") }

    static func printed(_ datum: Datum) -> String {
        switch datum {
        case .null: "NULL"
        case .boolean(let value): "\(value)"
        case .smallint(let value): "\(value)s"
        case .integer(let value): "\(value)i"
        case .bigint(let value): "\(value)"
        case .numeric(let value): "\(value.mantissa)e-\(value.scale)"
        case .double(let value): value.isNaN ? "NaN" : value.sign == .minus && value == 0 ? "-0.0" : "\(value)"
        case .text(let value): "'\(value)'"
        case .real(let value): value.isNaN ? "NaNr" : value.sign == .minus && value == 0 ? "-0.0r" : "\(value)r"
        case .character(let value): "'\(value)'c"
        case .bytea(let value): "\(value)"
        case .uuid(let value): "u\(value.high)-\(value.low)"
        case .date(let value): "d\(value)"
        case .time(let value): "h\(value)"
        case .timestamp(let value): "t\(value)"
        case .timestamptz(let value): "z\(value)"
        case .jsonb(let value): "j\(value)"
        case .array(let values, let type): "\(type.name){\(values.map { printed($0) }.joined(separator: ","))}"
        case .interval(let value): "\(value.months)mon \(value.days)d \(value.microseconds)us"
        }
    }

    /// One text for all values that SQL calls equal.
    static func key(_ datum: Datum) -> String {
        switch datum {
        case .numeric(var value):
            while value.scale > 0, value.mantissa % 10 == 0 {
                value.mantissa /= 10
                value.scale -= 1
            }
            return "\(value.mantissa)e-\(value.scale)"
        case .double(let value): return value == 0 ? "0.0" : printed(datum)
        case .real(let value): return value == 0 ? "0.0r" : printed(datum)
        case .interval(let value): return "\(span(value))"
        case .character(let value): return printed(.character(unpadded(value)))
        case .jsonb(let value): return "j\(rank(value))"
        case .array(let values, _): return "{\(values.map { key($0) }.joined(separator: ","))}"
        default: return printed(datum)
        }
    }

    static func key(_ row: Row) -> String { row.map { key($0) }.joined(separator: " | ") }

    static func span(_ value: Interval) -> Int128 {
        Int128(value.microseconds) + 86_400_000_000 * (Int128(value.days) + 30 * Int128(value.months))
    }

    /// SQL's order; NULL last.
    static func compare(_ a: Datum, _ b: Datum) -> Int {
        func order<Value: Comparable>(_ x: Value, _ y: Value) -> Int { x < y ? -1 : x > y ? 1 : 0 }
        switch (a, b) {
        case (.null, .null): return 0
        case (.null, _): return 1
        case (_, .null): return -1
        case (.boolean(let x), .boolean(let y)): return order(x ? 1 : 0, y ? 1 : 0)
        case (.smallint(let x), .smallint(let y)): return order(x, y)
        case (.integer(let x), .integer(let y)): return order(x, y)
        case (.bigint(let x), .bigint(let y)): return order(x, y)
        case (.timestamp(let x), .timestamp(let y)), (.timestamptz(let x), .timestamptz(let y)),
            (.time(let x), .time(let y)):
            return order(x, y)
        case (.date(let x), .date(let y)): return order(x, y)
        case (.uuid(let x), .uuid(let y)):
            return x.high != y.high ? order(x.high, y.high) : order(x.low, y.low)
        case (.bytea(let x), .bytea(let y)): return lexicographic(x.map { Int($0) }, y.map { Int($0) })
        case (.character(let x), .character(let y)): return compare(.text(unpadded(x)), .text(unpadded(y)))
        case (.real(let x), .real(let y)): return compare(.double(Double(x)), .double(Double(y)))
        case (.jsonb(let x), .jsonb(let y)): return order(rank(x), rank(y))
        case (.array(let x, _), .array(let y, _)):
            for (p, q) in zip(x, y) {
                let result = compare(p, q)
                if result != 0 { return result }
            }
            return order(x.count, y.count)
        case (.text(let x), .text(let y)): return lexicographic(x.utf8.map { Int($0) }, y.utf8.map { Int($0) })
        case (.double(let x), .double(let y)):
            if x.isNaN || y.isNaN { return order(x.isNaN ? 1 : 0, y.isNaN ? 1 : 0) }
            return order(x, y)
        case (.interval(let x), .interval(let y)): return order(span(x), span(y))
        case (.numeric(let x), .numeric(let y)):
            let scale = max(x.scale, y.scale)
            return order(scaled(x, scale), scaled(y, scale))
        default: preconditionFailure("values of two types")
        }
    }

    private static func lexicographic(_ x: [Int], _ y: [Int]) -> Int {
        x.lexicographicallyPrecedes(y) ? -1 : x == y ? 0 : 1
    }

    static func scaled(_ value: Decimal, _ scale: Int32) -> Int128 {
        (value.scale..<scale).reduce(value.mantissa) { mantissa, _ in mantissa * 10 }
    }

    /// Among values that SQL calls equal, which comes first.
    static func compareEncoding(_ a: Datum, _ b: Datum) -> Int {
        switch (a, b) {
        case (.numeric(let x), .numeric(let y)): return Int((x.scale - y.scale).signum())
        case (.double(let x), .double(let y)):
            if x.isNaN || y.isNaN { return 0 }
            return (x.sign == .minus ? 1 : 0) - (y.sign == .minus ? 1 : 0)
        case (.interval(let x), .interval(let y)):
            let (p, q) = (
                [Int(x.months), Int(x.days), Int(x.microseconds)], [Int(y.months), Int(y.days), Int(y.microseconds)]
            )
            return lexicographic(p, q)
        case (.real(let x), .real(let y)): return compareEncoding(.double(Double(x)), .double(Double(y)))
        case (.character(let x), .character(let y)): return (x.utf8.count - y.utf8.count).signum()
        case (.jsonb(let x), .jsonb(let y)): return (x.utf8.count - y.utf8.count).signum()
        case (.array(let x, _), .array(let y, _)):
            return zip(x, y).map { compareEncoding($0, $1) }.first { $0 != 0 } ?? 0
        default: return 0
        }
    }

    /// The value that shows where several that SQL calls equal are present.
    static func least(_ values: [Datum]) -> Datum? { values.min { compareEncoding($0, $1) < 0 } }

    /// A value of a small domain that is rich in corner cases.
    static func random(_ type: DataType, nulls: Int = 15, using rng: inout EngineRandom) -> Datum {
        if rng.chance(nulls) { return .null }
        switch type {
        case .boolean: return .boolean(rng.chance(50))
        case .smallint: return .smallint(rng.pick([-3, 0, 1, 2, 7]))
        case .integer: return .integer(rng.pick([-3, 0, 1, 2, 7, 100_000]))
        case .bigint: return .bigint(rng.pick([-3, 0, 1, 2, 3, 4, 5, 1 << 40]))
        case .timestamp: return .timestamp(Int64(rng.below(6)) * 1_000_000)
        case .timestamptz: return .timestamptz(rng.pick([Int64.min, -1, 0, 1_000_000, Int64.max]))
        case .time: return .time(rng.pick([0, 1, 43_200_000_000, 86_400_000_000]))
        case .date: return .date(rng.pick([Int32.min, -1, 0, 19_000, Int32.max]))
        case .real: return .real(rng.pick([0.0, -0.0, 1.5, -2.25, 0.1, .nan, .infinity, -.infinity, 3, 3]))
        case .character: return .character(rng.pick(["", "a", "a  ", "ab", "ab ", "b", "ä", "   "]))
        case .bytea: return .bytea(rng.pick([[], [0], [0, 1], [255], [255, 0], [92, 120]]))
        case .uuid:
            return .uuid(
                rng.pick([
                    UUIDValue(high: 0, low: 0), UUIDValue(high: 0, low: .max), UUIDValue(high: .max, low: 0),
                    UUIDValue(high: 1 << 63, low: 5), UUIDValue(high: 1, low: 5),
                ]))
        case .jsonb: return .jsonb(rng.pick(rng.pick(documents)))
        case .array(let element):
            let count = rng.below(4)
            return .array((0..<count).map { _ in random(element.type, using: &rng) }, element.type)
        case .numeric:
            let (mantissa, scale): (Int, Int) = rng.pick([
                (1, 0), (10, 1), (100, 2), (25, 1), (-325, 2), (0, 0), (0, 3), (-5, 1), (7, 4),
            ])
            return .numeric(Decimal(mantissa: Int128(mantissa), scale: Int32(scale)))
        case .double:
            return .double(rng.pick([0.0, -0.0, 1.5, -2.25, 0.1, 1e15, -1e15, .nan, .infinity, -.infinity, 3, 3, 3]))
        case .text: return .text(rng.pick(["", "a", "ab", "b", "ä", "a much longer text that fits no small buffer"]))
        case .interval:
            return .interval(
                rng.pick([
                    Interval(months: 1), Interval(days: 30), Interval(microseconds: 2_592_000_000_000),
                    Interval(days: 1),
                    Interval(months: -1, days: 29), Interval(days: -1, microseconds: 3), Interval(),
                ]))
        }
    }

    /// Columns of rows.
    static func delta(_ rows: [Row], _ types: [DataType], weights: [Int64]? = nil) -> Delta {
        let columns = types.indices.map { index -> Column in
            let builder = ColumnBuilder(type: types[index])
            for row in rows { builder.append(row[index]) }
            return builder.finish()
        }
        guard let weights else { return Delta(columns: columns, count: rows.count) }
        return Delta(
            columns: columns,
            weights: Column(type: .bigint, count: rows.count) { (out: UnsafeMutableBufferPointer<Int64>) in
                for row in rows.indices { out[row] = weights[row] }
            }, count: rows.count)
    }
}

import Dataflow
import Glibc
import PostgresOracle

/// Rows in PostgreSQL's output texts, for comparing bags of them: cells behind one another, each row as often as it occurs, sorted.
///
/// All types compare by their texts. Floating point compares by nine digits, unless `exact`: PostgreSQL's sums depend on their order.
enum RowTexts {
    static let null = "∅"
    static let separator = " │ "

    static func rows(_ deltas: [Delta], ordered: Bool = false, exact: Bool = false) -> [String] {
        var result: [String] = []
        for delta in deltas {
            for row in 0..<delta.count {
                let text = delta.columns.map { cell($0, row, exact) }.joined(separator: separator)
                let weight = delta.weight(at: row)
                result +=
                    weight < 0 ? ["NEGATIVE WEIGHT \(weight): \(text)"] : Array(repeating: text, count: Int(weight))
            }
        }
        return ordered ? result : result.sorted()
    }

    static func rows(_ answer: PostgresRows, ordered: Bool = false, exact: Bool = false) -> [String] {
        let result = answer.rows.map { row in
            zip(row, answer.types).map { text, type in
                guard let text else { return null }
                return !exact && floatTypes.contains(type) ? number(text) : text
            }.joined(separator: separator)
        }
        return ordered ? result : result.sorted()
    }

    /// A row of values, as ``rows(_:ordered:exact:)`` writes it exactly.
    static func row(_ values: [Datum]) -> String {
        values.map { $0.isNull ? null : TextFormat.string($0) }.joined(separator: separator)
    }

    /// `float4` and `float8`.
    private static let floatTypes: Set<UInt32> = [700, 701]

    private static func cell(_ column: Column, _ row: Int, _ exact: Bool) -> String {
        guard !column.isNull(row) else { return null }
        var bytes: [UInt8] = []
        TextFormat.append(column, row: row, to: &bytes)
        let text = String(decoding: bytes, as: UTF8.self)
        return !exact && (column.type == .double || column.type == .real) ? number(text) : text
    }

    private static func number(_ text: String) -> String {
        guard let value = Double(text), value.isFinite else { return text }
        return Canonical.number(value)
    }

    /// Says what of two sorted bags differs; nil if nothing does.
    static func difference(expected: [String], actual: [String]) -> String? {
        guard expected != actual else { return nil }
        var counts: [String: Int] = [:]
        for row in actual { counts[row, default: 0] += 1 }
        var missing: [String] = []
        for row in expected {
            if let count = counts[row], count > 0 { counts[row] = count - 1 } else { missing.append(row) }
        }
        let extra = counts.filter { $0.value > 0 }.keys.sorted()
        return """
            \(missing.count) missing and \(extra.count) extra kinds of \(expected.count) rows
            missing: \(missing.prefix(4))
            extra:   \(extra.prefix(4))
            """
    }
}

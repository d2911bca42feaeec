import Dataflow
import Glibc

/// One text for values that two engines may print differently: numbers to nine significant digits.
enum Canonical {
    static let null = "∅"

    /// The bias keeps a value that ends in a five at the tenth digit from rounding apart by one last bit.
    static func number(_ value: Double) -> String {
        if value == 0 { return "0" }
        if value.rounded() == value, abs(value) < 1e15 { return String(Int64(value)) }
        var buffer = [CChar](repeating: 0, count: 64)
        withVaList([value * (1 + 1e-13)]) { _ = vsnprintf(&buffer, buffer.count, "%.9g", $0) }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    static func text(_ value: String) -> String { "'\(value)'" }

    static func cell(_ datum: Datum) -> String {
        switch datum {
        case .null: null
        case .boolean(let value): value ? "1" : "0"
        case .smallint(let value): number(Double(value))
        case .integer(let value): number(Double(value))
        case .bigint(let value): number(Double(value))
        case .numeric(let value): number(Double(value.mantissa) / pow(10, Double(value.scale)))
        case .double(let value): number(value)
        case .text(let value): text(value)
        case .real(let value): number(Double(value))
        case .date(let value): number(Double(value))
        case .time(let value), .timestamp(let value), .timestamptz(let value): number(Double(value))
        case .character(let value), .jsonb(let value): text(value)
        case .bytea, .uuid: text(TextFormat.string(datum))
        case .array(let values, _): "{\(values.map { cell($0) }.joined(separator: ","))}"
        case .interval(let value): "\(value.months)m\(value.days)d\(value.microseconds)"
        }
    }

    /// The rows of a consolidated Z-set, each as often as its weight says, sorted.
    static func rows(_ deltas: [Delta]) -> [String] {
        var weights: [String: Int64] = [:]
        for delta in deltas {
            for row in 0..<delta.count {
                let text = delta.columns.map { cell($0.datum(at: row)) }.joined(separator: "|")
                weights[text, default: 0] += delta.weight(at: row)
            }
        }
        return weights.flatMap { text, weight in
            weight < 0 ? ["NEGATIVE WEIGHT \(weight): \(text)"] : [String](repeating: text, count: Int(weight))
        }.sorted()
    }
}

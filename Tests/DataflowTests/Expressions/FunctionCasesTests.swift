// Every function of the registry against what PostgreSQL 15 answered (cases.tsv and type_cases.tsv, written by generate_cases.py and
// generate_type_cases.py).
// Catches: a wrong value, scale, rounding, error code or message of any function, cast, operator, input or output text.
import Glibc
import Testing

import Dataflow

@Suite(.timeLimit(.minutes(5)))
struct FunctionCasesTests {
    struct Case {
        let arguments: [String?]
        let expected: String?
    }

    /// By function key, in the file's order.
    static let cases: [(key: String, cases: [Case])] = {
        var order: [String] = []
        var byKey: [String: [Case]] = [:]
        for line in readLines("cases.tsv") + readLines("type_cases.tsv") {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map { unescape($0) }
            let key = fields[0] ?? ""
            if byKey[key] == nil { order.append(key) }
            byKey[key, default: []].append(
                Case(arguments: Array(fields[1..<(fields.count - 1)]), expected: fields[fields.count - 1]))
        }
        return order.map { ($0, byKey[$0] ?? []) }
    }()

    /// Functions without an oracle in PostgreSQL, which have tests of their own.
    static let withoutOracle: Set<String> = [
        "tumble_end(timestamp without time zone,interval)", "tumble_end(timestamp with time zone,interval)",
        "single_row(bigint,text)", "row_check(boolean,text,text)",
    ]

    @Test func answersAreThoseOfPostgreSQL() throws {
        var report: [String] = []
        for (key, cases) in Self.cases {
            guard let function = FunctionRegistry.function(key: key) else {
                report.append("\(key): not in the registry")
                continue
            }
            let wrong = try Self.differences(function, cases)
            report.append(contentsOf: wrong.prefix(Self.shownMax).map { "\(key) \($0)" })
        }
        #expect(report.isEmpty, "\(report.count) differences:\n\(report.joined(separator: "\n"))")
    }

    @Test func everyFunctionHasCases() {
        let covered = Set(Self.cases.map(\.key)).union(Self.withoutOracle)
        let missing = FunctionRegistry.all.filter { !covered.contains($0.key) }.map(\.key)
        #expect(missing.isEmpty)
        let names = Set(Self.cases.map { String($0.key.prefix { $0 != "(" }) })
        let withoutCases = Set(FunctionRegistry.templates.map(\.name)).filter { name in
            !names.contains(name) && !Self.withoutQuantifierCases.contains(name)
        }
        #expect(withoutCases.isEmpty)
    }

    /// A function whose cases all give NULL or fail would be as good as untested.
    @Test func everyFunctionHasAValue() {
        let keys = Set(FunctionRegistry.all.map(\.key))
        let without = Self.cases.filter { entry in
            keys.contains(entry.key)
                && !entry.cases.contains { each in each.expected.map { !$0.hasPrefix("!") } ?? false }
        }
        #expect(without.map(\.key).isEmpty)
    }

    /// Quantified operators whose kernels are those of operators and quantifiers that have cases.
    private static let withoutQuantifierCases: Set<String> = Set(
        ["!~~*", "~*", "!~", "!~*", "@>", "<@", "?", "^@"].flatMap { ["\($0) any", "\($0) all"] })

    private static let shownMax = getenv("CASES_SHOWN").flatMap { Int(String(cString: $0)) } ?? 5

    /// Evaluates all cases as one batch, with a row of NULLs behind it.
    static func differences(_ function: ScalarFunction, _ cases: [Case]) throws -> [String] {
        var columns: [Column] = []
        for (index, type) in function.arguments.enumerated() {
            let builder = ColumnBuilder(type: type)
            for each in cases {
                guard let text = each.arguments[index] else {
                    builder.appendNull()
                    continue
                }
                builder.append(try TextFormat.parse(text, as: type))
            }
            columns.append(builder.finish())
        }
        let arguments = function.arguments.enumerated().map { Expression.column($0.offset, type: $0.element) }
        let compiled = try CompiledExpression(.call(function.key, arguments, type: function.result))
        var errors: [RowError] = []
        let result = compiled.evaluate(columns, count: cases.count, errors: &errors)
        var messages: [Int: String] = [:]
        for error in errors { messages[error.row] = "!\(error.code) \(error.message)" }
        var wrong: [String] = []
        for (row, each) in cases.enumerated() {
            var bytes: [UInt8] = []
            TextFormat.append(result, row: row, to: &bytes)
            let answer = messages[row] ?? (result.isNull(row) ? nil : String(decoding: bytes, as: UTF8.self))
            if messages[row] != nil, !result.isNull(row) { wrong.append("row \(row) is in error but not NULL") }
            if answer == each.expected { continue }
            // An expected error without a message stands for any message; a bare "!" for any error.
            if let answer, let expected = each.expected, expected.hasPrefix("!"), !expected.contains(" "),
                answer.hasPrefix(expected)
            {
                continue
            }
            let shown = each.arguments.map { $0.map { "'\($0)'" } ?? "NULL" }.joined(separator: ", ")
            wrong.append("(\(shown)): \(answer ?? "NULL"), expected \(each.expected ?? "NULL")")
        }
        return wrong
    }

    static func readLines(_ name: String) -> [Substring] {
        let path = String(#filePath.prefix(while: { _ in true }).dropLast("FunctionCasesTests.swift".count)) + name
        guard let file = fopen(path, "r") else { return [] }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            if count == 0 { break }
            bytes.append(contentsOf: chunk[0..<count])
        }
        let text = String(decoding: bytes, as: UTF8.self)
        // By scalar: "\r\n" would be one character.
        return text.unicodeScalars.split(separator: "\n").map { Substring($0) }
    }

    /// As in COPY; nil is `\N`.
    static func unescape(_ field: Substring) -> String? {
        if field == "\\N" { return nil }
        guard field.utf8.contains(UInt8(ascii: "\\")) else { return String(field) }
        var out: [UInt8] = []
        var escaped = false
        for byte in field.utf8 {
            if escaped {
                out.append(byte == UInt8(ascii: "t") ? 9 : byte == UInt8(ascii: "n") ? 10 : byte)
                escaped = false
            } else if byte == UInt8(ascii: "\\") {
                escaped = true
            } else {
                out.append(byte)
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}

// docs/sql.md's function reference is the registry's: WRITE_REFERENCE=1 writes it, and this test fails when it differs.
// Catches: a function without documentation or example, and a reference that has gone stale.
import Glibc
import Testing

import Dataflow

@Suite(.timeLimit(.minutes(2)))
struct FunctionReferenceTests {
    static let begin =
        "<!-- functions: written by FunctionReferenceTests from the registry, with answers of PostgreSQL -->"
    static let end = "<!-- end of functions -->"
    static let path =
        String(#filePath.dropLast("Tests/DataflowTests/Expressions/FunctionReferenceTests.swift".count)) + "docs/sql.md"

    @Test func theReferenceIsTheRegistrys() throws {
        let document = Self.read(Self.path)
        let parts = document.components(Self.begin)
        try #require(parts.count == 2)
        let rest = parts[1].components(Self.end)
        try #require(rest.count == 2)
        let expected = parts[0] + Self.begin + "\n" + Self.reference() + Self.end + rest[1]
        if getenv("WRITE_REFERENCE") != nil { Self.write(expected, to: Self.path) }
        #expect(Self.read(Self.path) == expected, "write it with WRITE_REFERENCE=1 (see docs/sql.md)")
    }

    /// Names that SQL does not call: casts and checks.
    private static func isInternal(_ name: String) -> Bool {
        name.hasPrefix("cast_") || ["numeric_scale", "is_distinct", "single_row", "row_check"].contains(name)
    }

    private struct Entry {
        var name: String
        var signatures: [String]
        var documentation: String
        var example: String?
    }

    static func reference() -> String {
        let cases = Dictionary(uniqueKeysWithValues: FunctionCasesTests.cases.map { ($0.key, $0.cases) })
        var entries: [String: Entry] = [:]
        func add(_ name: String, _ signature: String, _ documentation: String, _ example: String?) {
            let key = "\(name)\u{0}\(documentation)"
            var entry = entries[key] ?? Entry(name: name, signatures: [], documentation: documentation)
            if !entry.signatures.contains(signature) { entry.signatures.append(signature) }
            entries[key] = entry
            if entries[key]?.example == nil { entries[key]?.example = example }
        }
        for function in FunctionRegistry.all where !isInternal(function.name) {
            add(
                function.name, signature(function.name, function.arguments.map(\.name), function.result.name),
                function.documentation, example(function.name, function.arguments, cases[function.key] ?? []))
        }
        for template in FunctionRegistry.templates {
            let parameters = template.parameters.enumerated().map { index, parameter in
                let isLast = template.isVariadic && index == template.parameters.count - 1
                return self.name(parameter) + (isLast ? ", …" : "")
            }
            let found = FunctionCasesTests.cases.first { entry in
                entry.key.hasPrefix(template.name + "(")
                    && FunctionRegistry.function(key: entry.key).map { function in
                        template.function(for: function.arguments)?.key == entry.key
                    } ?? false
            }
            let types = found.flatMap { FunctionRegistry.function(key: $0.key)?.arguments } ?? []
            add(
                template.name, signature(template.name, parameters, template.result), template.documentation,
                example(template.name, types, found?.cases ?? []))
        }
        // What hop() stands for is no function of its own.
        for function in TableFunctionRegistry.all where function.name != "hop_windows" {
            add(function.name, function.signature, function.documentation, nil)
        }
        let rows = entries.values.sorted { a, b in
            let order = (isWord(a.name) ? 1 : 0, a.name, a.documentation)
            return order < (isWord(b.name) ? 1 : 0, b.name, b.documentation)
        }
        var text = "| function | does | example |\n| --- | --- | --- |\n"
        for row in rows {
            let signatures = row.signatures.map { "`\(escaped($0))`" }.joined(separator: "<br>")
            text +=
                "| \(signatures) | \(escaped(row.documentation)) | \(row.example.map { "`\(escaped($0))`" } ?? "") |\n"
        }
        return text
    }

    private static func escaped(_ text: String) -> String {
        text.components("|").joined(separator: "\\|")
    }

    private static func isWord(_ name: String) -> Bool { name.first.map { $0.isLetter } ?? false }

    private static func name(_ parameter: FunctionTemplate.Parameter) -> String {
        switch parameter {
        case .type(let type): type.name
        case .any: "any"
        case .element: "anyelement"
        case .array: "anyarray"
        }
    }

    private static func signature(_ name: String, _ arguments: [String], _ result: String) -> String {
        call(name, arguments) + " → " + result
    }

    private static func call(_ name: String, _ arguments: [String]) -> String {
        switch name {
        case "{}": return "ARRAY[\(arguments.joined(separator: ", "))]"
        case "[]": return "\(arguments[0])[\(arguments[1])]"
        case "[:]": return "\(arguments[0])[\(arguments[1]):\(arguments[2])]"
        default: break
        }
        if name.hasSuffix(" any") || name.hasSuffix(" all") {
            return "\(arguments[0]) \(name.dropLast(3))\(name.suffix(3).uppercased()) (\(arguments[1]))"
        }
        if isWord(name) { return "\(name)(\(arguments.joined(separator: ", ")))" }
        return arguments.count == 1 ? "\(name) \(arguments[0])" : "\(arguments[0]) \(name) \(arguments[1])"
    }

    /// A case that shows something: short, without NULLs, and with an answer that is none of the arguments.
    private static func example(
        _ name: String, _ types: [DataType], _ cases: [FunctionCasesTests.Case]
    ) -> String? {
        func shown(_ each: FunctionCasesTests.Case) -> (text: String, isTelling: Bool)? {
            guard let expected = each.expected, !expected.hasPrefix("!"), expected.utf8.count <= 50 else { return nil }
            var arguments: [String] = []
            for (argument, type) in zip(each.arguments, types) {
                guard let argument else { return nil }
                let isNumber = type.isNumeric && argument.first.map { $0.isNumber || $0 == "-" } ?? false
                arguments.append(isNumber ? argument : "'\(argument)'")
            }
            let text = "\(call(name, arguments)) → \(expected)"
            guard text.utf8.count <= 90, !text.contains("\n"), !text.contains("`") else { return nil }
            let isTelling =
                !each.arguments.contains("") && !each.arguments.contains(expected)
                && !["0", "f", "", "0.0", "{}"].contains(expected)
            return (text, isTelling)
        }
        let all = cases.compactMap(shown)
        return (all.first { $0.isTelling } ?? all.first)?.text
    }

    private static func read(_ path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            if count == 0 { break }
            bytes.append(contentsOf: chunk[0..<count])
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func write(_ text: String, to path: String) {
        guard let file = fopen(path, "w") else { return }
        defer { fclose(file) }
        let bytes = Array(text.utf8)
        _ = fwrite(bytes, 1, bytes.count, file)
    }
}

extension String {
    /// The parts between occurrences of a separator.
    fileprivate func components(_ separator: String) -> [String] {
        let (text, part) = (Array(utf8), Array(separator.utf8))
        var result: [String] = []
        var start = 0
        var index = 0
        while index + part.count <= text.count {
            if text[index] == part[0], text[index..<(index + part.count)].elementsEqual(part) {
                result.append(String(decoding: text[start..<index], as: UTF8.self))
                index += part.count
                start = index
            } else {
                index += 1
            }
        }
        result.append(String(decoding: text[start...], as: UTF8.self))
        return result
    }
}

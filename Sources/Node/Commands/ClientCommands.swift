internal import ArgumentParser
internal import AsyncHTTPClient
internal import CEdit
internal import Foundation
internal import HTTPTypes
internal import NIOCore
internal import NIOHTTP1

/// Asks a running node over HTTP.
struct NodeClient {
    let url: String

    /// Bytes of an answer at most.
    private static let answerBytesMax = 1 << 30

    func request(_ method: String, _ path: String, body: String? = nil) async throws -> (
        status: Int, headers: [String: String], body: String
    ) {
        var request = HTTPClientRequest(url: url + path)
        request.method = HTTPMethod(rawValue: method)
        if let body { request.body = .bytes(ByteBuffer(string: body)) }
        do {
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(330))
            let data = try await response.body.collect(upTo: Self.answerBytesMax)
            var headers: [String: String] = [:]
            for (name, value) in response.headers { headers[name.lowercased()] = value }
            return (Int(response.status.code), headers, String(buffer: data))
        } catch {
            throw CommandFailure("no node answers at \(url) (\(error)); start one with: dataprism dev FILE.sql")
        }
    }

    /// The message of an error's JSON body.
    static func message(_ body: String) -> String {
        guard let row = OrderedRow(body[...]), let message = row["message"] else { return body }
        var text = message
        if let code = row["code"] { text += " [\(code)]" }
        if let position = row["position"] { text += " at character \(position)" }
        if let hint = row["hint"] { text += "\n  hint: \(hint)" }
        return text
    }
}

/// One flat JSON object with its keys in order, as the node writes rows.
struct OrderedRow {
    private(set) var names: [String] = []
    /// nil for null.
    private(set) var values: [String?] = []
    private(set) var isNumber: [Bool] = []

    subscript(name: String) -> String? { names.firstIndex(of: name).flatMap { values[$0] } }

    init?(_ line: Substring) {
        var rest = Substring(line.drop { $0 == " " || $0 == "\n" }).unicodeScalars
        guard rest.popFirst() == "{" else { return nil }
        while let next = rest.first, next != "}" {
            if next == "," { rest.removeFirst() }
            guard let name = Self.string(&rest), rest.popFirst() == ":", let first = rest.first else { return nil }
            names.append(name)
            if first == "\"" {
                guard let value = Self.string(&rest) else { return nil }
                values.append(value)
                isNumber.append(false)
            } else {
                let token = String(rest.prefix { $0 != "," && $0 != "}" })
                rest = rest.dropFirst(token.unicodeScalars.count)
                values.append(token == "null" ? nil : token)
                isNumber.append(first == "-" || first.properties.numericType != nil)
            }
        }
    }

    private static func string(_ rest: inout Substring.UnicodeScalarView) -> String? {
        guard rest.popFirst() == "\"" else { return nil }
        var text = ""
        while let scalar = rest.popFirst() {
            if scalar == "\"" { return text }
            guard scalar == "\\" else {
                text.unicodeScalars.append(scalar)
                continue
            }
            switch rest.popFirst() {
            case "n": text.append("\n")
            case "t": text.append("\t")
            case "r": text.append("\r")
            case "u":
                let digits = String(rest.prefix(4))
                rest = rest.dropFirst(4)
                guard let value = UInt32(digits, radix: 16), let character = Unicode.Scalar(value) else { return nil }
                text.unicodeScalars.append(character)
            case let other?: text.unicodeScalars.append(other)
            case nil: return nil
            }
        }
        return nil
    }
}

struct ClientFlags: ParsableArguments {
    @Option(help: ArgumentHelp("The node (default: http://127.0.0.1:7070, or $DATAPRISM_URL).", valueName: "url"))
    var url: String?

    @Flag(help: "Print the node's JSON as it came.")
    var json = false

    var client: NodeClient {
        var address = url ?? ProcessInfo.processInfo.environment["DATAPRISM_URL"] ?? "http://127.0.0.1:7070"
        if !address.contains("://") { address = "http://" + address }
        while address.hasSuffix("/") { address.removeLast() }
        return NodeClient(url: address)
    }
}

/// `dataprism sql`.
struct SQLCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sql", abstract: "Runs SQL on a node; without -c and -f it is a console.",
        discussion: """
            In the console a statement ends with ';'. \\d lists what there is, \\d NAME its columns, \\q leaves.

            Examples:
              dataprism sql
              dataprism sql -c 'SELECT * FROM revenue ORDER BY total DESC LIMIT 5'
              dataprism sql -f more-views.sql --url http://127.0.0.1:7070
            """)

    @Option(name: .shortAndLong, help: ArgumentHelp("Statements to run.", valueName: "sql"))
    var command: String?

    @Option(name: .shortAndLong, help: ArgumentHelp("A file of statements to run.", valueName: "file"))
    var file: String?

    @OptionGroup var flags: ClientFlags

    func run() async throws {
        if let command {
            guard try await execute(command) else { throw ExitCode(1) }
        } else if let file {
            let text: String
            do {
                text = try String(contentsOfFile: file, encoding: .utf8)
            } catch {
                throw CommandFailure("\(file): cannot be read: \(error.localizedDescription)")
            }
            guard try await execute(text) else { throw ExitCode(1) }
        } else {
            try await console()
        }
    }

    /// Prints the answer; false if the node refused.
    private func execute(_ text: String) async throws -> Bool {
        let started = ContinuousClock.now
        let answer = try await flags.client.request("POST", "/sql", body: text)
        guard answer.status == 200 else {
            FileHandle.standardError.write(Data("dataprism: \(NodeClient.message(answer.body))\n".utf8))
            return false
        }
        if flags.json {
            print(answer.body, terminator: "")
            return true
        }
        let rows = answer.body.split(separator: "\n").compactMap { OrderedRow($0) }
        if let first = rows.first, first.names == ["result"], answer.headers["dataprism-epoch"] == nil {
            for row in rows { print(row["result"] ?? "") }
            return true
        }
        if let first = rows.first {
            let numbers = first.names.indices.map { index in
                rows.allSatisfy { $0.values[index] == nil || $0.isNumber[index] }
            }
            for line in TableText.lines(first.names, rows.map { $0.values.map { $0 ?? "" } }, isNumber: numbers) {
                print(line)
            }
        }
        let milliseconds = Int((ContinuousClock.now - started) / .milliseconds(1))
        let epoch = answer.headers["dataprism-epoch"].map { ", epoch \($0)" } ?? ""
        print("(\(rows.count) row\(rows.count == 1 ? "" : "s"), \(milliseconds) ms\(epoch))")
        return true
    }

    private func console() async throws {
        let editor = LineEditor()
        if editor.isInteractive {
            print("dataprism sql on \(flags.client.url): statements end with ';', \\d lists views, \\q leaves")
        }
        var pending = ""
        while let line = editor.line(isContinued: !pending.isEmpty) {
            let trimmed = line.trimmingCharacters(in: .whitespacesAndNewlines)
            if pending.isEmpty, trimmed.hasPrefix("\\") {
                if trimmed == "\\q" { return }
                if let text = Self.shortcut(trimmed) {
                    _ = try await execute(text)
                } else {
                    print("unknown: \(trimmed); there are \\d, \\d NAME, \\dv, \\dt and \\q")
                }
                continue
            }
            pending += line
            if trimmed.hasSuffix(";") {
                editor.remember(pending)
                _ = try await execute(pending)
                pending = ""
            } else if trimmed.isEmpty, pending.trimmingCharacters(in: .whitespacesAndNewlines).isEmpty {
                pending = ""
            }
        }
        if !pending.trimmingCharacters(in: .whitespacesAndNewlines).isEmpty { _ = try await execute(pending) }
    }

    private static func shortcut(_ text: String) -> String? {
        let words = text.split(separator: " ")
        switch words.first {
        case "\\d" where words.count == 2: return "SHOW \(words[1])"
        case "\\d", "\\dv": return "SHOW VIEWS"
        case "\\dt": return "SHOW TABLES"
        default: return nil
        }
    }
}

/// Lines typed by a person, with editing and history (libedit), or read from a pipe.
struct LineEditor {
    let isInteractive = isatty(STDIN_FILENO) == 1

    /// The next line with its newline; nil at the end of input.
    func line(isContinued: Bool) -> String? {
        guard isInteractive else { return readLine(strippingNewline: false) }
        guard let text = readline(isContinued ? "        -> " : "dataprism=> ") else { return nil }
        defer { free(text) }
        return String(cString: text) + "\n"
    }

    /// Puts a statement into the history, as one line.
    func remember(_ text: String) {
        guard isInteractive else { return }
        add_history(text.split(whereSeparator: \.isNewline).joined(separator: " "))
    }
}

/// `dataprism status`.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Shows what a node is doing.",
        discussion: """
            Examples:
              dataprism status
              dataprism status --json | jq .views
            """)

    @OptionGroup var flags: ClientFlags

    func run() async throws {
        let answer = try await flags.client.request("GET", "/status")
        guard answer.status == 200 else { throw CommandFailure(NodeClient.message(answer.body)) }
        if flags.json { return print(answer.body, terminator: answer.body.hasSuffix("\n") ? "" : "\n") }
        guard let status = try JSONSerialization.jsonObject(with: Data(answer.body.utf8)) as? [String: Any] else {
            return print(answer.body)
        }
        func number(_ value: Any?) -> String { (value as? NSNumber).map { Display.count($0.int64Value) } ?? "–" }
        print(
            "phase \(status["phase"] ?? "?"), epoch \(number(status["committedEpoch"])), \(number(status["recordsPerSecond"])) records/s, \(number((status["memoryBytes"] as? NSNumber).map { NSNumber(value: $0.int64Value >> 20) })) MB"
        )
        func table(_ title: String, _ key: String, _ columns: [(String, ([String: Any]) -> String)]) {
            guard let entries = status[key] as? [String: [String: Any]], !entries.isEmpty else { return }
            print("")
            let cells = entries.sorted { $0.key < $1.key }.map { name, fields in [name] + columns.map { $0.1(fields) } }
            for line in TableText.lines(
                [title] + columns.map(\.0), cells, isNumber: [false] + columns.map { _ in true })
            { print(line) }
        }
        table(
            "view", "views",
            [
                ("rows", { number($0["rows"]) }), ("bytes", { number($0["bytes"]) }),
                ("active", { ($0["isActive"] as? Bool) == true ? "yes" : "building" }),
            ])
        table(
            "source", "sources",
            [
                ("read", "read"), ("applied", "applied"), ("late", "late"), ("skewed", "skewed"),
                ("malformed", "malformed"),
            ].map { title, key in
                (title, { number(($0["counters"] as? [String: Any])?[key]) })
            } + [("lag", { number($0["lag"]) })])
        table(
            "connector", "connectors",
            [
                ("state", { "\($0["state"] ?? "")" }), ("records", { number($0["records"]) }),
                ("restarts", { number($0["restarts"]) }), ("last error", { "\($0["lastError"] ?? "")" }),
            ])
        table("sink", "sinks", [("rows", { number($0["rows"]) })])
    }
}

internal import ArgumentParser
internal import AsyncHTTPClient
internal import Foundation
internal import HTTPTypes
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// Asks a running node over HTTP.
struct NodeClient {
    let url: String

    /// Bytes of an answer at most.
    private static let answerBytesMax = 1 << 30

    /// Tries to connect once: a node that is not there shall be known at once.
    private static let http: HTTPClient = {
        var configuration = HTTPClient.Configuration(timeout: .init(connect: .seconds(5)))
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    func request(_ method: String, _ path: String, body: String? = nil) async throws -> (
        status: Int, headers: [String: String], body: String
    ) {
        var request = HTTPClientRequest(url: url + path)
        request.method = HTTPMethod(rawValue: method)
        if let body { request.body = .bytes(ByteBuffer(string: body)) }
        do {
            let response = try await Self.http.execute(request, timeout: .seconds(330))
            let data = try await response.body.collect(upTo: Self.answerBytesMax)
            var headers: [String: String] = [:]
            for (name, value) in response.headers { headers[name.lowercased()] = value }
            return (Int(response.status.code), headers, String(buffer: data))
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw CommandFailure(
                "no node answers at \(url) (\(Self.reason(error))); start one with: dataprism dev FILE.sql")
        }
    }

    private static func reason(_ error: any Error) -> String {
        if let error = error as? IOError { return String(cString: strerror(error.errnoCode)).lowercased() }
        if let error = error as? NIOConnectionError {
            if let first = error.connectionErrors.first { return reason(first.error) }
            return "the host \(error.host) is not known"
        }
        return "\(error)"
    }

    /// The message of an error's JSON body; with the text that it is about, the line and a mark under the place.
    static func message(_ body: String, about text: String? = nil) -> String {
        guard let row = OrderedRow(body[...]), let message = row["message"] else { return body }
        var lines = message.split(separator: "\n").map { TableText.printable(String($0)) }
        if lines.isEmpty { lines = [""] }
        lines[lines.count - 1] += row["code"].map { " [\(TableText.printable($0))]" } ?? ""
        if let position = row["position"].flatMap({ Int($0) }) {
            if let text, let place = ErrorPlace(position, in: text) {
                lines += place.lines("line \(place.line): ")
            } else {
                lines[lines.count - 1] += " at character \(position)"
            }
        }
        if let hint = row["hint"] { lines.append("  hint: \(TableText.printable(hint))") }
        return lines.joined(separator: "\n")
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
        guard answer.status == 200 else { throw CommandFailure(answer: answer.body) }
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
            let texts: Set<String> = ["node", "state", "stopped", "last error"]
            for line in TableText.lines(
                [title] + columns.map(\.0), cells, isNumber: [false] + columns.map { !texts.contains($0.0) })
            { print(line) }
        }
        table(
            "view", "views",
            [
                ("rows", { number($0["rows"]) }), ("bytes", { number($0["bytes"]) }),
                ("state", Self.state),
            ])
        table(
            "source", "sources",
            [
                ("read", "read"), ("applied", "applied"), ("late", "late"), ("skewed", "skewed"),
                ("malformed", "malformed"),
            ].map { title, key in
                (title, { number(($0["counters"] as? [String: Any])?[key]) })
            } + [("lag", { number($0["lag"]) }), ("stopped", { "\($0["failure"] ?? "")" })])
        table(
            "connector", "connectors",
            [
                ("node", { "\($0["node"] ?? "")" }), ("state", { "\($0["state"] ?? "")" }),
                ("records", { number($0["records"]) }),
                ("restarts", { number($0["restarts"]) }), ("last error", { "\($0["lastError"] ?? "")" }),
            ])
        table("sink", "sinks", [("rows", { number($0["rows"]) })])
    }

    private static func state(_ view: [String: Any]) -> String {
        if let failure = view["failure"] as? String { return failure }
        if (view["isActive"] as? Bool) != true { return "building" }
        let stopped = view["stoppedTables"] as? [String] ?? []
        return stopped.isEmpty ? "active" : "stale: \(stopped.joined(separator: ", ")) stopped"
    }
}

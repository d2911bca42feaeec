internal import Actors
internal import Coordination
internal import Dataflow
internal import Foundation
internal import HTTPTypes
internal import Hummingbird
internal import Log
internal import Logging
internal import NIOCore
internal import SQL

/// The HTTP interface: ingest, SQL, views, health and metrics. `OpenAPIDocument` describes it.
struct HTTPAPI {
    let gateway: Gateway
    let settings: NodeSettings
    var link: ClusterLink?
    var limits = Limits()

    private var coordinator: Coordinator { gateway.coordinator }

    struct Limits: Sendable {
        /// Bytes of a pushed body at most, as sent and decompressed.
        var bodyBytesMax = 64 << 20
        /// How long a client may take to send a body.
        var bodyTime = Duration.seconds(60)
    }

    static let timeoutMax = 300.0

    static let frontierHeader = HTTPField.Name("Dataprism-Frontier")
    static let epochHeader = HTTPField.Name("Dataprism-Epoch")
    /// Names tables that have stopped: the rows say nothing newer of them.
    static let staleHeader = HTTPField.Name("Dataprism-Stale")

    func router() -> Router<NodeRequestContext> {
        let router = Router(context: NodeRequestContext.self)
        router.add(middleware: FailureMiddleware(settings: settings))
        router.post("/sql") { request, _ in try await sql(request) }
        router.post("/topics/{topic}/records") { request, context in
            try await append(request, topic: Self.decoded(context.parameters.require("topic")))
        }
        router.get("/views") { _, _ in try await views() }
        router.get("/views/{view}") { request, context in
            try await view(request, name: Self.decoded(context.parameters.require("view")))
        }
        AdminAPI(coordinator: coordinator).add(to: router)
        router.get("/status") { _, _ in try await status() }
        router.get("/healthz") { _, _ in Self.json("{\"status\":\"ok\"}") }
        router.get("/readyz") { _, _ in try await ready() }
        router.get("/metrics") { _, _ in
            var text = Metrics.text(await coordinator.nodeStatus())
            if let link, let figures = await coordinator.clusterFigures() {
                text += ClusterMetrics.text(figures, link.counts)
            }
            return Response(
                status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
        }
        router.get("/openapi.json") { _, _ in Self.json(OpenAPIDocument.text) }
        return router
    }

    /// A name as a path has it, percent-encoded.
    static func decoded(_ part: String) throws -> String {
        guard let name = part.removingPercentEncoding else {
            throw Failure(.badRequest("path"), "\"\(part.prefix(80))\" is not percent-encoded UTF-8")
        }
        return name
    }

    /// Refuses query parameters that there are not, and a second one where one is possible: a typo must not be a wider question.
    static func check(_ request: Request, single: Set<String>, repeated: Set<String> = ["after"]) throws {
        var seen: Set<Substring> = []
        for (name, _) in request.uri.queryParameters {
            let isRepeated = !seen.insert(name).inserted
            if repeated.contains(String(name)) { continue }
            guard single.contains(String(name)) else {
                throw Failure(
                    .badRequest("parameter"), "there is no parameter \"\(name.prefix(40))\" here",
                    hint: single.union(repeated).isEmpty
                        ? "There are none." : "There are \(single.union(repeated).sorted().joined(separator: ", ")).")
            }
            if isRepeated { throw Failure(.badRequest("parameter"), "\(name) is given twice") }
        }
    }

    // MARK: SQL and views

    private func sql(_ request: Request) async throws -> Response {
        try Self.check(request, single: ["timeout"])
        let body = try await read(request, max: Gateway.statementBytesMax)
        guard let text = String(validating: body, as: UTF8.self) else {
            throw Failure(.badRequest("22021"), "the body is not valid UTF-8")
        }
        return try await answer(text, request)
    }

    private func view(_ request: Request, name: String) async throws -> Response {
        let (catalog, _) = await coordinator.catalog()
        let known = catalog[name].map { $0.isQueryable } ?? name.hasSuffix(".dead")
        guard known else {
            throw Failure(.notFound, "there is no materialized view \"\(name)\"", hint: "GET /views lists them.")
        }
        try Self.check(request, single: ["where", "order", "limit", "timeout"], repeated: ["after", "key"])
        let parameters = request.uri.queryParameters
        var conditions: [String] = []
        let keys = parameters.getAll("key")
        if !keys.isEmpty {
            let columns = catalog[name].map { relation in relation.key.map { relation.columns[$0].name } } ?? []
            guard !columns.isEmpty else {
                throw Failure(.badRequest("key"), "view \"\(name)\" has no known key", hint: "Use where=….")
            }
            guard keys.count == columns.count else {
                throw Failure(
                    .badRequest("key"),
                    "\(keys.count) key values; the key of \"\(name)\" is (\(columns.joined(separator: ", ")))",
                    hint: "Give key=… once per column, in this order.")
            }
            conditions = zip(columns, keys).map {
                "\(Self.quoted($0)) = '\($1.replacingOccurrences(of: "'", with: "''"))'"
            }
        }
        let filter = parameters.get("where")
        if let filter {
            try Self.checkExpression(filter)
            // Last, so that its place is known.
            conditions.append("(\(filter)\n)")
        }
        var text = "SELECT * FROM \(Self.quoted(name))"
        if !conditions.isEmpty { text += " WHERE " + conditions.joined(separator: " AND ") }
        let filterEnd = text.unicodeScalars.count - 2
        if let order = parameters.get("order") { text += " ORDER BY " + (try Self.order(order)) }
        if let limit = parameters.get("limit") {
            guard let number = Int64(limit), number >= 0 else {
                throw Failure(.badRequest("limit"), "limit=\(limit.prefix(40)) is not a whole number from 0")
            }
            text += " LIMIT \(number)"
        }
        do {
            return try await answer(text, request, isOneStatement: true)
        } catch var failure as Failure {
            // Positions are those of what was given, not of the statement made of it.
            let length = filter?.unicodeScalars.count ?? 0
            failure.position = failure.position.flatMap { position in
                let place = position - (filterEnd - length)
                return (1...max(length, 1)).contains(place) && filter != nil ? place : nil
            }
            throw failure
        }
    }

    /// Whether `where` is one expression by itself, and not a way out of its brackets.
    private static func checkExpression(_ text: String) throws {
        let prefix = "SELECT WHERE "
        do throws(SQLError) {
            guard try SQLCompiler.parse(prefix + text).count == 1 else {
                throw SQLError(code: "42601", message: "where holds more than one expression")
            }
        } catch {
            var failure = Failure(error)
            failure.position = failure.position.map { max($0 - prefix.unicodeScalars.count, 1) }
            throw failure
        }
    }

    static func quoted(_ name: String) -> String {
        "\"" + name.replacingOccurrences(of: "\"", with: "\"\"") + "\""
    }

    /// `column [asc|desc], …` as an ORDER BY list.
    private static func order(_ text: String) throws -> String {
        try text.split(separator: ",", omittingEmptySubsequences: false).map { item -> String in
            let words = item.split(separator: " ")
            guard let column = words.first, words.count <= 2 else {
                throw Failure(
                    .badRequest("order"), "order=\(text.prefix(100)) is not a list of columns, each with asc or desc")
            }
            let direction = words.count == 2 ? words[1].lowercased() : "asc"
            guard direction == "asc" || direction == "desc" else {
                throw Failure(.badRequest("order"), "order: \"\(words[1].prefix(40))\" is neither asc nor desc")
            }
            return quoted(String(column)) + " " + direction
        }.joined(separator: ", ")
    }

    private func answer(_ text: String, _ request: Request, isOneStatement: Bool = false) async throws -> Response {
        let answer = try await gateway.execute(text, try options(request))
        if isOneStatement, answer.tags.count != 1 {
            throw Failure(.badRequest("where"), "where holds more than one expression")
        }
        var headers: HTTPFields = [.contentType: "application/x-ndjson"]
        if let epoch = answer.epoch, let name = Self.epochHeader { headers[name] = String(epoch) }
        if let frontier = answer.frontier, let name = Self.frontierHeader { headers[name] = frontier.token }
        if !answer.stoppedTables.isEmpty, let name = Self.staleHeader {
            headers[name] = answer.stoppedTables.map(Self.headerText).joined(separator: ",")
        }
        let result = answer.result
        if result.columns.isEmpty {
            var lines = ""
            for tag in answer.tags { lines += "{\"result\":\(Self.string(tag))}\n" }
            return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: lines)))
        }
        let names = result.columns.map(\.name)
        let body = ResponseBody { writer in
            var bytes: [UInt8] = []
            for batch in result.batches {
                bytes.removeAll(keepingCapacity: true)
                for row in 0..<batch.count {
                    JSONFormat.appendRow(names, batch.columns, row: row, to: &bytes)
                    bytes.append(0x0A)
                }
                try await writer.write(ByteBuffer(bytes: bytes))
            }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: headers, body: body)
    }

    private func options(_ request: Request) throws -> Gateway.Options {
        var options = Gateway.Options()
        for token in request.uri.queryParameters.getAll("after") {
            guard let frontier = Frontier(token: token) else {
                throw Failure(
                    .badRequest("after"), "after=\(token.prefix(60)) is not a frontier token",
                    hint: "Pass a token as it was answered.")
            }
            options.after = options.after.merging(frontier)
        }
        if let text = request.uri.queryParameters.get("timeout") {
            guard let seconds = Double(text), seconds >= 0, seconds <= Self.timeoutMax else {
                throw Failure(
                    .badRequest("timeout"),
                    "timeout=\(text.prefix(40)) is not a number of seconds from 0 to \(Int(Self.timeoutMax))")
            }
            options.timeout = .milliseconds(Int64(seconds * 1000))
        }
        return options
    }

    private func views() async throws -> Response {
        let (catalog, _) = await coordinator.catalog()
        let status = await coordinator.status()
        let lines = catalog.ordered.filter(\.isQueryable).map { relation in
            let columns = relation.columns.map {
                "{\"name\":\(Self.string($0.name)),\"type\":\(Self.string($0.type.name))}"
            }
            let key = relation.key.map { Self.string(relation.columns[$0].name) }
            let view = status.views[relation.name]
            return
                "{\"name\":\(Self.string(relation.name)),\"columns\":[\(columns.joined(separator: ","))],\"key\":[\(key.joined(separator: ","))],"
                + "\"rows\":\(view?.rows ?? 0),\"active\":\(view?.isActive ?? false),\"stale\":\(view?.stoppedTables.isEmpty == false)}"
        }
        return Self.json("[" + lines.joined(separator: ",") + "]")
    }

    // MARK: ingest

    private func append(_ request: Request, topic: String) async throws -> Response {
        guard topic.utf8.count <= 249 else { throw Failure(.notFound, "there is no topic of a name that long") }
        var key: Coordinator.AppendKey?
        let body = try await read(request, max: limits.bodyBytesMax)
        if let name = HTTPField.Name("Idempotency-Key"), let text = request.headers[name] {
            guard (1...128).contains(text.utf8.count) else {
                throw Failure(
                    .badRequest("idempotency_key"),
                    "Idempotency-Key has \(text.utf8.count) bytes; 1 to 128 are possible")
            }
            key = Coordinator.AppendKey(key: text, bodyHash: Ingest.hash(body))
        }
        let (catalog, _) = await coordinator.catalog()
        let tables = catalog.ordered.compactMap { relation -> TableSchema? in
            guard case .table(let schema) = relation.kind, schema.topic == topic else { return nil }
            return schema
        }
        let ingest = Ingest.split(body, tables: tables)
        do throws(CoordinationError) {
            let receipt = try await coordinator.append(topic: topic, records: ingest.records, idempotency: key)
            return Self.json(ingest.answer(receipt))
        } catch {
            throw Failure(error)
        }
    }

    /// Reads a body up to a limit, without reading on past it, within the time that a client may take; decompressed.
    private func read(_ request: Request, max: Int) async throws -> [UInt8] {
        let length = request.headers[.contentLength].flatMap { Int($0) }
        if let length, length > max {
            throw Failure(.tooLarge, "the body has \(length) bytes; the limit is \(max)")
        }
        let encoding = try Self.encoding(request)
        let body = request.body
        let limit = limits.bodyTime
        let bytes = try await withThrowingTaskGroup(of: [UInt8]?.self) { group in
            group.addTask {
                var bytes: [UInt8] = []
                for try await part in body {
                    guard bytes.count + part.readableBytes <= max else {
                        throw Failure(.tooLarge, "the body has more than \(max) bytes")
                    }
                    part.withUnsafeReadableBytes { bytes.append(contentsOf: $0) }
                }
                return bytes
            }
            group.addTask {
                try await Task.sleep(for: limit)
                return nil
            }
            guard let first = try await group.next(), let bytes = first else {
                throw Failure(.requestTimeout, "the body did not come within \(limit)")
            }
            group.cancelAll()
            return bytes
        }
        guard length == nil || length == bytes.count else {
            throw Failure(.badRequest("bad_request"), "the body ended after \(bytes.count) of \(length ?? 0) bytes")
        }
        guard let encoding else { return bytes }
        do throws(InflateError) {
            return try encoding.inflate(bytes, bytesMax: max)
        } catch {
            throw Failure(error.isTooLarge ? .tooLarge : .badRequest("bad_request"), "the body \(error.message)")
        }
    }

    private static func encoding(_ request: Request) throws -> BodyEncoding? {
        guard let text = request.headers[.contentEncoding]?.lowercased(), text != "identity" else { return nil }
        guard let encoding = BodyEncoding(rawValue: text == "x-gzip" ? "gzip" : text) else {
            throw Failure(
                .unsupportedEncoding,
                "Content-Encoding \"\(text.prefix(40))\" is not known (\(BodyEncoding.allCases.map(\.rawValue).joined(separator: ", ")) are)"
            )
        }
        return encoding
    }

    // MARK: operations

    private func status() async throws -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let data = try encoder.encode(await coordinator.status())
        return Response(
            status: .ok, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: data)))
    }

    private func ready() async throws -> Response {
        let status = await coordinator.status()
        guard status.isReady else {
            throw Failure(
                .notReady, "the node replays its log: \(status.replay.done) of \(status.replay.total) records")
        }
        guard await coordinator.findsRows else {
            throw Failure(.notReady, "the rows of another node cannot be reached: the cluster is recovering")
        }
        return Self.json("{\"status\":\"ready\",\"epoch\":\(status.committedEpoch)}")
    }

    static func json(_ text: String) -> Response {
        Response(
            status: .ok, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text + "\n")))
    }

    /// A name as a header may hold it: what is not printable ASCII, and the comma, percent-encoded.
    static func headerText(_ name: String) -> String {
        name.utf8.map { byte in
            let isPlain = (0x21...0x7E).contains(byte) && byte != UInt8(ascii: ",") && byte != UInt8(ascii: "%")
            return isPlain
                ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16).uppercased()
        }.joined()
    }

    /// A JSON string with its quotes.
    static func string(_ text: String) -> String {
        var bytes: [UInt8] = []
        var text = text
        text.withUTF8 { JSONFormat.appendString($0, to: &bytes) }
        return String(decoding: bytes, as: UTF8.self)
    }
}

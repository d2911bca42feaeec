internal import Coordination
internal import Dataflow
internal import Foundation
internal import HTTPTypes
internal import Hummingbird
internal import Log
internal import Logging
internal import NIOCore

/// The HTTP interface: ingest, SQL, views, health and metrics. `OpenAPIDocument` describes it.
struct HTTPAPI {
    let gateway: Gateway
    let settings: NodeSettings

    private var coordinator: Coordinator { gateway.coordinator }

    /// Bytes of a request's body at most, and of one record.
    static let bodyBytesMax = 64 << 20
    static let recordBytesMax = 1 << 20
    /// How long a client may take to send a body.
    static let bodyLimit = Duration.seconds(60)
    static let timeoutDefault = Duration.seconds(30)
    static let timeoutMax = 300.0

    static let frontierHeader = HTTPField.Name("Dataprism-Frontier")
    static let epochHeader = HTTPField.Name("Dataprism-Epoch")

    func router() -> Router<BasicRequestContext> {
        let router = Router()
        router.add(middleware: FailureMiddleware(settings: settings))
        router.post("/sql") { request, _ in try await sql(request) }
        router.post("/topics/{topic}/records") { request, context in
            try await append(request, topic: context.parameters.require("topic"))
        }
        router.get("/views") { _, _ in try await views() }
        router.get("/views/{view}") { request, context in
            try await view(request, name: context.parameters.require("view"))
        }
        router.get("/status") { _, _ in try await status() }
        router.get("/healthz") { _, _ in Self.json("{\"status\":\"ok\"}") }
        router.get("/readyz") { _, _ in try await ready() }
        router.get("/metrics") { _, _ in
            let text = Metrics.text(await coordinator.status())
            return Response(
                status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
        }
        router.get("/openapi.json") { _, _ in Self.json(OpenAPIDocument.text) }
        return router
    }

    // MARK: SQL and views

    private func sql(_ request: Request) async throws -> Response {
        let body = try await read(
            request.body, max: Gateway.statementBytesMax, contentLength: request.headers[.contentLength])
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
        if let filter = parameters.get("where") { conditions.append("(\(filter)\n)") }
        var text = "SELECT * FROM \(Self.quoted(name))"
        if !conditions.isEmpty { text += " WHERE " + conditions.joined(separator: " AND ") }
        if let order = parameters.get("order") { text += " ORDER BY " + (try Self.order(order)) }
        if let limit = parameters.get("limit") {
            guard let number = Int64(limit), number >= 0 else {
                throw Failure(.badRequest("limit"), "limit=\(limit.prefix(40)) is not a whole number from 0")
            }
            text += " LIMIT \(number)"
        }
        return try await answer(text, request, isOneStatement: true)
    }

    private static func quoted(_ name: String) -> String {
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
                + "\"rows\":\(view?.rows ?? 0),\"active\":\(view?.isActive ?? false)}"
        }
        return Self.json("[" + lines.joined(separator: ",") + "]")
    }

    // MARK: ingest

    private func append(_ request: Request, topic: String) async throws -> Response {
        guard topic.utf8.count <= 249 else { throw Failure(.notFound, "there is no topic of a name that long") }
        var key: Coordinator.AppendKey?
        let body = try await read(request.body, max: Self.bodyBytesMax, contentLength: request.headers[.contentLength])
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

    /// Reads a body up to a limit, without reading on past it, within the time that a client may take.
    private func read(_ body: RequestBody, max: Int, contentLength: String?) async throws -> [UInt8] {
        if let contentLength, let length = Int(contentLength), length > max {
            throw Failure(.tooLarge, "the body has \(length) bytes; the limit is \(max)")
        }
        return try await withThrowingTaskGroup(of: [UInt8]?.self) { group in
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
                try await Task.sleep(for: Self.bodyLimit)
                return nil
            }
            guard let first = try await group.next(), let bytes = first else {
                throw Failure(.requestTimeout, "the body did not come within \(Self.bodyLimit)")
            }
            group.cancelAll()
            return bytes
        }
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
        return Self.json("{\"status\":\"ready\",\"epoch\":\(status.committedEpoch)}")
    }

    static func json(_ text: String) -> Response {
        Response(
            status: .ok, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text + "\n")))
    }

    /// A JSON string with its quotes.
    static func string(_ text: String) -> String {
        var bytes: [UInt8] = []
        var text = text
        text.withUTF8 { JSONFormat.appendString($0, to: &bytes) }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Turns failures into JSON bodies, and refuses requests for another host than this one (DNS rebinding).
struct FailureMiddleware: RouterMiddleware {
    let settings: NodeSettings

    func handle(
        _ request: Request, context: BasicRequestContext,
        next: @concurrent (Request, BasicRequestContext) async throws -> Response
    ) async throws -> Response {
        do {
            try checkHost(request)
            return try await next(request, context)
        } catch let failure as Failure {
            return response(failure)
        } catch let error as HTTPError {
            if error.status == .notFound {
                return response(Failure(.notFound, "there is no such path; /openapi.json describes all"))
            }
            return response(
                Failure(.statement("http", Int(error.status.code)), error.body ?? error.status.reasonPhrase))
        } catch is CancellationError {
            return response(Failure(.notReady, "the node is stopping"))
        } catch {
            context.logger.error("request failed", metadata: ["error": "\(error)", "path": "\(request.uri.path)"])
            return response(Failure(.internalError, "the request failed; the node's log says why"))
        }
    }

    private func checkHost(_ request: Request) throws {
        guard !settings.isInsecure, let authority = request.head.authority, !authority.isEmpty else { return }
        var host = authority[...]
        if let colon = host.lastIndex(of: ":"), !host.hasSuffix("]") { host = host[..<colon] }
        guard ["127.0.0.1", "localhost", "[::1]"].contains(String(host).lowercased()) else {
            throw Failure(.misdirected, "this node does not serve the host \"\(authority.prefix(100))\"")
        }
    }

    private func response(_ failure: Failure) -> Response {
        var fields = ["\"code\":\(HTTPAPI.string(failure.code))", "\"message\":\(HTTPAPI.string(failure.message))"]
        if let position = failure.position { fields.append("\"position\":\(position)") }
        if let hint = failure.hint { fields.append("\"hint\":\(HTTPAPI.string(hint))") }
        var response = HTTPAPI.json("{" + fields.joined(separator: ",") + "}")
        response.status = .init(code: failure.status)
        if failure.status == 503 || failure.status == 429 { response.headers[.retryAfter] = "1" }
        if failure.status == 413 || failure.status == 408 { response.headers[.connection] = "close" }
        return response
    }
}

internal import Foundation
internal import HTTPTypes
internal import Hummingbird
internal import Logging
internal import NIOCore
internal import NIOHTTP1

/// What a handler knows of its request beside the request: the connection, to close it where the rest of a body is not wanted.
struct NodeRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
    }
}

/// Turns failures into JSON bodies, and refuses requests for another host than this one (DNS rebinding).
struct FailureMiddleware: RouterMiddleware {
    let settings: NodeSettings

    func handle(
        _ request: Request, context: NodeRequestContext,
        next: @concurrent (Request, NodeRequestContext) async throws -> Response
    ) async throws -> Response {
        do {
            try checkHost(request)
            return try await next(request, context)
        } catch let failure as Failure {
            return response(failure, context)
        } catch let error as HTTPError {
            return response(Self.failure(error, request), context)
        } catch is CancellationError {
            return response(Failure(.notReady, "the node is stopping"), context)
        } catch let error as HTTPParserError {
            // The connection's own answer: the body cannot be read to its end.
            throw error
        } catch {
            context.logger.error("request failed", metadata: ["error": "\(error)", "path": "\(request.uri.path)"])
            return response(Failure(.internalError, "the request failed; the node's log says why"), context)
        }
    }

    private static func failure(_ error: HTTPError, _ request: Request) -> Failure {
        guard error.status == .notFound else {
            return Failure(.statement("http", Int(error.status.code)), error.body ?? error.status.reasonPhrase)
        }
        let methods = OpenAPIDocument.methods(of: request.uri.path)
        guard methods.isEmpty else {
            let method = request.method.rawValue.prefix(20)
            return Failure(
                .methodNotAllowed(methods),
                "\(method) is not possible here; \(methods.joined(separator: ", ")) \(methods.count == 1 ? "is" : "are")"
            )
        }
        return Failure(.notFound, "there is no such path; /openapi.json describes all")
    }

    private func checkHost(_ request: Request) throws {
        guard !settings.isInsecure, let authority = request.head.authority, !authority.isEmpty else { return }
        var host = authority[...]
        if let colon = host.lastIndex(of: ":"), !host.hasSuffix("]") { host = host[..<colon] }
        guard ["127.0.0.1", "localhost", "[::1]"].contains(String(host).lowercased()) else {
            throw Failure(.misdirected, "this node does not serve the host \"\(authority.prefix(100))\"")
        }
    }

    private func response(_ failure: Failure, _ context: NodeRequestContext) -> Response {
        var response = HTTPAPI.json(failure.json)
        response.status = .init(code: failure.status)
        if failure.status == 503 || failure.status == 429 { response.headers[.retryAfter] = "1" }
        if case .methodNotAllowed(let methods) = failure.kind {
            response.headers[.allow] = methods.joined(separator: ", ")
        }
        guard failure.status == 413 || failure.status == 408 else { return response }
        // The rest of the body is not read: the connection ends with this answer.
        response.headers[.connection] = "close"
        let channel = context.channel
        let bytes = ByteBuffer(string: failure.json + "\n")
        response.body = ResponseBody(contentLength: bytes.readableBytes) { writer in
            try await writer.write(bytes)
            try await writer.finish(nil)
            channel.close(mode: .input, promise: nil)
        }
        return response
    }
}

internal import Hummingbird
internal import Logging
internal import NIOCore
internal import NIOHTTP1

/// The HTTP server around the API.
enum HTTPServer {
    /// Bytes of a request's header at most, its target included.
    static let headerBytesMax = 16 << 10

    /// A server for `api`; `listening` learns the port once requests are taken.
    static func application(
        _ api: HTTPAPI, logger: Logger, listening: @escaping @Sendable (Int) async -> Void
    ) -> some ApplicationProtocol {
        Application(
            router: api.router(),
            server: .http1(
                configuration: .init(
                    additionalChannelHandlers: [HeaderLimitHandler()], idleTimeout: .seconds(300),
                    httpDecoderConfiguration: .init(
                        maxHeaderFieldSize: headerBytesMax, maxHeaderListSize: headerBytesMax, maxHeaderFieldCount: 200)
                )
            ),
            configuration: ApplicationConfiguration(
                address: .hostname(api.settings.host, port: api.settings.port), serverName: "dataprism"),
            onServerRunning: { channel in await listening(channel.localAddress?.port ?? api.settings.port) },
            logger: logger)
    }
}

/// Answers a header above the limit with 431; what the decoder refuses otherwise is 400, by the server.
private final class HeaderLimitHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? HTTPParserError, error == .headerOverflow { refuse(context) }
        // Also then: a body that was being read must not seem to have come to its end.
        context.fireErrorCaught(error)
    }

    /// Writes past the encoder, whose message types are another package's.
    private func refuse(_ context: ChannelHandlerContext) {
        let failure = Failure(
            .statement("header_too_large", 431), "the request's header has more than \(HTTPServer.headerBytesMax) bytes"
        )
        let body = failure.json + "\n"
        let head =
            "HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: application/json\r\n"
            + "content-length: \(body.utf8.count)\r\nconnection: close\r\n\r\n"
        let channel = context.channel
        do {
            let encoder = try context.pipeline.syncOperations.context(handlerType: HTTPResponseEncoder.self)
            encoder.writeAndFlush(NIOAny(ByteBuffer(string: head + body))).whenComplete { _ in
                channel.close(promise: nil)
            }
        } catch {
            channel.close(promise: nil)
        }
    }
}

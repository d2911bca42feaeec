import Cluster
import NIOCore
import NIOPosix
import Testing

/// Peers that say nothing, stop in the middle, or never end: each is cut off by its own time-out.
@Suite(.timeLimit(.minutes(2)))
struct TimeLimitTests {
    /// A connection that sends these bytes and then nothing; returns when the other side has closed it.
    private static func silent(_ bytes: [UInt8], to endpoint: Endpoint) async throws {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: endpoint.host, port: endpoint.port).get()
        do {
            try await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
        } catch ChannelError.ioOnClosedChannel {
            // The time was over before this thread had its turn.
        }
        try await channel.closeFuture.get()
    }

    @Test(
        "a peer that does not finish the hand-shake is closed",
        arguments: [
            [], Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8),
            Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0".utf8),
        ] as [[UInt8]])
    func handshake(bytes: [UInt8]) async throws {
        try await TransportFixture.with { fixture in
            let server = try fixture.transport("server") { $0.limits.handshakeTimeout = .milliseconds(300) }
            let endpoint = try await server.start()
            try await Self.silent(bytes, to: endpoint)
            #expect(server.counts.connectionsRefused == 1)
            #expect(fixture.log.contains("hand-shake was not done"))
            await server.shutDown()
        }
    }

    @Test(
        "bytes of other protocols are closed at once",
        arguments: ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "\u{16}\u{3}\u{1}\u{0}\u{5}hello hello hello hello"])
    func garbage(text: String) async throws {
        try await TransportFixture.with { fixture in
            let server = try fixture.transport("server") { $0.limits.handshakeTimeout = .seconds(60) }
            let endpoint = try await server.start()
            try await Self.silent(Array(text.utf8), to: endpoint)
            #expect(server.counts.connectionsAbused == 1)
            #expect(fixture.log.contains("ended for the peer's fault"))
            await server.shutDown()
        }
    }

    @Test("a peer that says nothing at all cannot be connected to for ever")
    func silentServer() async throws {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        try await TransportFixture.with { fixture in
            let client = try fixture.transport("client", listens: false) {
                $0.limits.handshakeTimeout = .milliseconds(300)
            }
            let error = await #expect(throws: CallError.self) {
                try await client.connect(
                    to: Endpoint(host: "127.0.0.1", port: listener.localAddress?.port ?? 0), purpose: .control)
            }
            #expect(error?.status == .refused || error?.status == .deadlineExceeded)
            await client.shutDown()
        }
        try await listener.close().get()
    }

    @Test("an idle connection is closed in order")
    func idle() async throws {
        try await TransportFixture.with { fixture in
            var routes = TransportRoutes()
            routes.call("/echo") { _, body in body }
            try await fixture.withPair(routes: routes, server: { $0.limits.idleTimeout = .milliseconds(100) }) {
                _, connection, endpoint in
                await connection.closed()
                #expect(connection.closeReason?.status != .overloaded)
                await #expect(throws: CallError.self) { try await connection.call("/echo", within: .seconds(1)) }
            }
        }
    }

    @Test("a half-open connection is found by its unanswered ping, at both ends")
    func halfOpen() async throws {
        let change: @Sendable (inout TransportConfiguration) -> Void = {
            $0.limits.keepAliveInterval = .milliseconds(200)
            $0.limits.keepAliveTimeout = .milliseconds(500)
        }
        try await TransportFixture.with { fixture in
            let closed = Waiting<String>()
            let server = try fixture.transport(
                "server", events: TransportEvents(closed: { closed.add("server \($0.closeReason?.message ?? "")") }),
                change)
            let endpoint = try await server.start()
            let proxy = try await SilencingProxy.start(to: endpoint)
            let client = try fixture.transport(
                "client", listens: false,
                events: TransportEvents(closed: { closed.add("client \($0.closeReason?.message ?? "")") }), change)
            let connection = try await client.connect(to: proxy.endpoint, purpose: .control)
            #expect(connection.isUsable)
            proxy.silence()
            let lines = await closed.wait(for: 2)
            #expect(lines.allSatisfy { $0.contains("no answer to a ping") }, "\(lines)")
            #expect(server.counts.connectionsLost == 1 && client.counts.connectionsLost == 1)
            await proxy.stop()
            await client.shutDown()
            await server.shutDown()
        }
    }

    @Test("a served call ends at the node's own limit, whatever its caller asks")
    func servedCall() async throws {
        var routes = TransportRoutes()
        routes.call("/never") { _, _ in
            let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingOldest(1))
            for await _ in stream {}
            withExtendedLifetime(continuation) {}
            return []
        }
        try await TransportFixture.with { fixture in
            try await fixture.withPair(routes: routes, server: { $0.limits.callTimeoutMax = .milliseconds(100) }) {
                _, connection, _ in
                let error = await #expect(throws: CallError.self) {
                    try await connection.call("/never", within: .seconds(60))
                }
                #expect(error?.status == .deadlineExceeded)
            }
        }
    }
}

/// Passes bytes between a client and a server until it is told to keep them: the connection then looks open to both.
private final class SilencingProxy: Sendable {
    let endpoint: Endpoint
    private let listener: any Channel
    private let channels: Waiting<any Channel>

    private init(endpoint: Endpoint, listener: any Channel, channels: Waiting<any Channel>) {
        self.endpoint = endpoint
        self.listener = listener
        self.channels = channels
    }

    static func start(to target: Endpoint) async throws -> SilencingProxy {
        let channels = Waiting<any Channel>()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { inner in
                channels.add(inner)
                // Both ends on one event loop.
                return ClientBootstrap(group: inner.eventLoop)
                    .channelInitializer { outer in
                        channels.add(outer)
                        return outer.pipeline.addHandler(Forward(to: inner))
                    }
                    .connect(host: target.host, port: target.port)
                    .flatMap { outer in inner.pipeline.addHandler(Forward(to: outer)) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return SilencingProxy(
            endpoint: Endpoint(host: "127.0.0.1", port: listener.localAddress?.port ?? 0), listener: listener,
            channels: channels)
    }

    /// Reads nothing any more, from either side.
    func silence() {
        for channel in channels.values { channel.setOption(.autoRead, value: false).whenFailure { _ in } }
    }

    func stop() async {
        for channel in channels.values + [listener] {
            _ = await Result { try await channel.close().get() }
        }
    }

    private final class Forward: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        private let target: any Channel

        init(to target: any Channel) { self.target = target }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            target.writeAndFlush(unwrapInboundIn(data), promise: nil)
        }
    }
}

extension Result where Failure == any Error {
    fileprivate init(_ body: () async throws -> Success) async {
        do {
            self = .success(try await body())
        } catch {
            self = .failure(error)
        }
    }
}

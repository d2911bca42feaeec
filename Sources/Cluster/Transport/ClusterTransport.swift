package import Logging
package import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import Synchronization

/// How a node talks to its peers.
package struct TransportConfiguration: Sendable {
    package var local: HandshakeLocal
    /// Where peers reach this node; port 0 takes a free one; nil only makes connections.
    package var listen: Endpoint?
    package var tls: TLSPaths?
    package var limits: TransportLimits

    package init(
        local: HandshakeLocal, listen: Endpoint? = nil, tls: TLSPaths? = nil,
        limits: TransportLimits = TransportLimits()
    ) {
        self.local = local
        self.listen = listen
        self.tls = tls
        self.limits = limits
    }
}

/// What the transport tells its owner, on event loops: hand on and return.
package struct TransportEvents: Sendable {
    /// A connection has authenticated, made or accepted.
    package var opened: @Sendable (PeerConnection) -> Void
    /// An authenticated connection has ended: a reason to probe the peer now. ``PeerConnection/closeReason`` says why.
    package var closed: @Sendable (PeerConnection) -> Void

    package init(
        opened: @escaping @Sendable (PeerConnection) -> Void = { _ in },
        closed: @escaping @Sendable (PeerConnection) -> Void = { _ in }
    ) {
        self.opened = opened
        self.closed = closed
    }
}

/// The node's end of all connections to its peers: it listens, serves and connects.
///
/// ``start()`` binds, ``run()`` serves until ``shutDown()`` has drained or its task is cancelled. Peers prove themselves by TLS
/// certificate, by the cluster's secret, or both; without either, only loopback addresses are bound or connected to.
package final class ClusterTransport: Sendable {
    private let configuration: TransportConfiguration
    private let group: any EventLoopGroup
    private let shared: TransportShared
    private let incoming: AsyncStream<IncomingCall>
    private let listener = Mutex<(any Channel)?>(nil)
    private let isOver = CancellationSignal()
    private let logger: Logger

    /// How often the TLS files are looked at for a change.
    private static let reloadInterval = Duration.seconds(5)

    /// Reads the TLS files; on a thread that may block.
    ///
    /// - Throws: `invalidArgument` when the files or addresses will not do.
    package init(
        _ configuration: TransportConfiguration, routes: TransportRoutes, events: TransportEvents = TransportEvents(),
        group: any EventLoopGroup, logger: Logger
    ) throws(CallError) {
        self.configuration = configuration
        self.group = group
        self.logger = logger
        var tls: TLSFiles?
        if let paths = configuration.tls { tls = try TLSFiles(paths) }
        if let listen = configuration.listen {
            try Self.checkCredentials(configuration, to: "listen on", listen.host)
        }
        let queueMax = configuration.limits.callQueueMax
        let (stream, continuation) = AsyncStream<IncomingCall>.makeStream(bufferingPolicy: .bufferingOldest(queueMax))
        incoming = stream
        calls = continuation
        shared = TransportShared(
            configuration, routes: routes, events: events, tls: tls, calls: continuation, logger: logger)
    }

    private let calls: AsyncStream<IncomingCall>.Continuation

    private static func checkCredentials(
        _ configuration: TransportConfiguration, to verb: String, _ host: String
    ) throws(CallError) {
        guard configuration.tls == nil, configuration.local.secret == nil, !isLoopback(host) else { return }
        throw CallError(
            .invalidArgument,
            "cannot \(verb) \(host) without credentials: give --tls-cert, --tls-key and --tls-ca, or a cluster secret, or use a loopback address"
        )
    }

    /// Whether only processes of this machine are behind the address.
    package static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "::1" || (host.hasPrefix("127.") && host.allSatisfy { $0.isNumber || $0 == "." })
    }

    /// What has been counted since the transport was made.
    package var counts: TransportCounts { shared.counters.current }

    /// Whether peers' certificates have to carry their node's name; nil without TLS.
    package var checksCertificateNames: Bool? { shared.tls?.checksNames }

    /// What this node says of itself in hand-shakes that begin from now on: its life changes when it joins.
    package func setNode(_ node: NodeID) { shared.local.node = node }

    // MARK: - Serving

    /// Binds and begins to accept. Calls are served once ``run()`` runs.
    ///
    /// - Returns: the address, with the port that was taken.
    /// - Throws: `unavailable` when the address cannot be bound.
    package func start() async throws(CallError) -> Endpoint {
        guard let listen = configuration.listen else {
            throw CallError(.invalidArgument, "this transport has no address to listen on")
        }
        let shared = shared
        do {
            let channel = try await ServerBootstrap(group: group)
                .serverChannelOption(.backlog, value: 256)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .childChannelOption(.recvAllocator, value: HTTP2Handler.reading)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        guard shared.admit() else {
                            channel.close(promise: nil)
                            return
                        }
                        try Self.install(on: channel, shared: shared)
                    }
                }
                .bind(host: listen.host, port: listen.port).get()
            listener.withLock { $0 = channel }
            return Endpoint(host: listen.host, port: channel.localAddress?.port ?? listen.port)
        } catch {
            throw CallError(.unavailable, "cannot listen on \(listen): \(error)")
        }
    }

    private static func install(on channel: any Channel, shared: TransportShared) throws {
        let connection = PeerConnection(
            channel: channel, address: channel.remoteAddress?.description ?? "?", limits: shared.limits)
        if let tls = shared.tls {
            try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls.serverContext))
        }
        let handshake = ServerHandshake(local: shared.local, nonce: nonce())
        shared.began(connection)
        try channel.pipeline.syncOperations.addHandler(
            HTTP2Handler(shared: shared, connection: connection, role: .server(handshake)))
    }

    private static func nonce() -> [UInt8] {
        // The system's generator is cryptographic.
        var generator = SystemRandomNumberGenerator()
        return (0..<HandshakeHello.nonceBytes).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    /// Serves calls until ``shutDown()`` is done or the task is cancelled; then every connection is closed. To be run at high priority:
    /// membership's calls are served at that, others at medium.
    package func run() async {
        let shared = shared
        await withTaskCancellationHandler {
            await withDiscardingTaskGroup { group in
                if let tls = shared.tls { group.addTask { await self.watch(tls) } }
                for await call in incoming {
                    // Who is probed must not seem dead while long answers have the threads.
                    let priority = call.context.purpose == .membership ? TaskPriority.high : .medium
                    group.addTask(priority: priority) { await call.run() }
                }
                group.cancelAll()
            }
        } onCancel: {
            calls.finish()
        }
        closeAll(CallError(.unavailable, "this node stops"))
        await closeListener()
    }

    private func watch(_ tls: TLSFiles) async {
        while !Task.isCancelled {
            do {
                try await Task.sleep(for: Self.reloadInterval)
            } catch {
                return
            }
            await reloadTLS(tls)
        }
    }

    private func reloadTLS(_ tls: TLSFiles) async {
        do {
            let hasChanged = try await NIOThreadPool.singleton.runIfActive { try tls.reload() }
            if hasChanged { logger.info("TLS files have changed and are in use for new connections") }
        } catch {
            logger.error(
                "TLS files have changed and cannot be used: those before stay", metadata: ["error": "\(error)"])
        }
    }

    /// Looks at the TLS files now instead of at the next interval.
    package func reloadTLS() async {
        if let tls = shared.tls { await reloadTLS(tls) }
    }

    /// Ends in order: accepts nothing new, lets calls and streams end within the drain time-out, closes the rest.
    package func shutDown() async {
        shared.stopAccepting()
        await closeListener()
        let connections = shared.live
        for connection in connections { connection.drain(reason: "the node stops") }
        let timeout = shared.limits.drainTimeout
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for connection in connections { await connection.closed() }
            }
            group.addTask {
                do {
                    try await Task.sleep(for: timeout)
                } catch {
                    // Everything has closed before.
                }
            }
            await group.next()
            group.cancelAll()
        }
        closeAll(CallError(.unavailable, "this node stops"))
        calls.finish()
    }

    private func closeAll(_ reason: CallError) {
        for connection in shared.live { connection.close(reason) }
    }

    private func closeListener() async {
        let channel = listener.withLock { channel in
            defer { channel = nil }
            return channel
        }
        do {
            try await channel?.close().get()
        } catch {
            logger.debug("the listener was closed already", metadata: ["error": "\(error)"])
        }
    }

    // MARK: - Connecting

    /// Makes a connection and shakes hands.
    ///
    /// - Throws: `unavailable` when nobody answers, `refused` when the peer and this node do not belong together.
    package func connect(
        to endpoint: Endpoint, purpose: ConnectionPurpose
    ) async throws(CallError) -> PeerConnection {
        try Self.checkCredentials(configuration, to: "connect to", endpoint.host)
        let shared = shared
        let handshake = ClientHandshake(local: shared.local, purpose: purpose, nonce: Self.nonce())
        let address = endpoint.description
        let loop = group.next()
        let opened = loop.makePromise(of: PeerConnection.self)
        do {
            let channel = try await ClientBootstrap(group: loop)
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .channelOption(.recvAllocator, value: HTTP2Handler.reading)
                .connectTimeout(TimeAmount(shared.limits.handshakeTimeout))
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let connection = PeerConnection(channel: channel, address: address, limits: shared.limits)
                        if let tls = shared.tls {
                            try channel.pipeline.syncOperations.addHandler(
                                NIOSSLClientHandler(context: tls.clientContext, serverHostname: nil))
                        }
                        shared.began(connection)
                        try channel.pipeline.syncOperations.addHandler(
                            HTTP2Handler(
                                shared: shared, connection: connection, role: .client(handshake, purpose, opened)))
                    }
                }
                .connect(host: endpoint.host, port: endpoint.port).get()
            return try await withTaskCancellationHandler {
                try await opened.futureResult.get()
            } onCancel: {
                channel.close(promise: nil)
            }
        } catch let error as CallError {
            throw error
        } catch {
            let failure = CallError(.unavailable, "cannot connect to \(endpoint): \(error)")
            opened.fail(failure)
            throw failure
        }
    }
}

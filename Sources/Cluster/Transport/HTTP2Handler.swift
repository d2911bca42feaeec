internal import Logging
internal import NIOCore
internal import NIOSSL

/// The channel handler of one connection, client or server: an ``HTTP2Session`` between a socket and the calls and streams.
///
/// All of it runs on the channel's event loop. What happens to a connection:
/// ```
/// connected ─► hand-shake ─► open ─► draining ─► closed
///                  │           └────────────────►  ▲   fault, time-out, lost peer
///                  └──────── refused ──────────────┘
/// ```
/// Until it is open a server answers nothing but the hand-shake and `/healthz`.
final class HTTP2Handler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Role {
        case server(ServerHandshake)
        case client(ClientHandshake, ConnectionPurpose, EventLoopPromise<PeerConnection>)
    }

    let shared: TransportShared
    let connection: PeerConnection
    var role: Role
    var session: HTTP2Session
    private(set) var context: ChannelHandlerContext?

    /// Set by the end of the hand-shake.
    var peer: PeerIdentity?
    var purpose: ConnectionPurpose?

    var calls: [HTTP2StreamID: ClientCall] = [:]
    var requests: [HTTP2StreamID: ServedRequest] = [:]
    var streams: [HTTP2StreamID: OpenStream] = [:]
    var streamIDs: [ObjectIdentifier: HTTP2StreamID] = [:]
    /// Those who wait for the end of the connection.
    var closeSignals: [CancellationSignal] = []

    private var isDraining = false
    /// Once the answer on this stream is out, the connection ends: a refusal.
    var closesAfter: HTTP2StreamID?
    var closeReason: CallError?
    private var isClosed = false
    private var isFlushing = false

    private var receivedAt: Int64
    private var busyAt: Int64
    private var pingSentAt: Int64?
    private var pingNumber: UInt64 = 0
    private var tick: Scheduled<Void>?
    private var handshakeTimer: Scheduled<Void>?

    /// Bytes gathered from the session for one write, soft by one DATA frame.
    private static let writeBytesMax = 64 * 1024
    /// Bytes that are read from the socket at once. Reads grow to the most only while so much comes.
    static let reading = AdaptiveRecvByteBufferAllocator(minimum: 2 * 1024, initial: 16 * 1024, maximum: 256 * 1024)

    var limits: TransportLimits { shared.limits }
    static var now: Int64 { Int64(clamping: NIODeadline.now().uptimeNanoseconds) }
    var isServer: Bool {
        if case .server = role { return true }
        return false
    }

    init(shared: TransportShared, connection: PeerConnection, role: Role) {
        self.shared = shared
        self.connection = connection
        self.role = role
        let now = Self.now
        receivedAt = now
        busyAt = now
        switch role {
        case .server: session = HTTP2Session(role: .server, limits: shared.limits, now: now)
        case .client: session = HTTP2Session(role: .client, limits: shared.limits, now: now)
        }
    }

    // MARK: - The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        connection.attach(self)
        if context.channel.isActive { begin() }
    }

    func channelActive(context: ChannelHandlerContext) {
        begin()
        context.fireChannelActive()
    }

    private func begin() {
        guard let context, handshakeTimer == nil else { return }
        let loop = context.eventLoop.assumeIsolated()
        handshakeTimer = loop.scheduleTask(in: TimeAmount(limits.handshakeTimeout)) {
            self.refuse(CallError(.refused, "the hand-shake was not done within \(self.limits.handshakeTimeout)"))
        }
        scheduleTick()
        beginHandshake()
        flush()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        receivedAt = Self.now
        pingSentAt = nil
        shared.counters.update { $0.bytesReceived += buffer.readableBytes }
        buffer.withUnsafeReadableBytes { bytes in
            var events: [HTTP2Event] = []
            do throws(CallError) {
                try session.receive(bytes, now: receivedAt, into: &events)
                events.forEach(handle)
            } catch {
                events.forEach(handle)
                flush()
                abuse(error)
            }
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        flush()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        flush()
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish(closeReason ?? CallError(.unavailable, "the peer at \(connection.address) closed the connection"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if peer == nil {
            refuse(CallError(.refused, TLSFiles.explain(error)))
        } else {
            close(CallError(.unavailable, "the connection to \(connection.address) failed: \(error)"))
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        finish(closeReason ?? CallError(.unavailable, "the connection to \(connection.address) ended"))
        self.context = nil
    }

    // MARK: - Output

    /// Writes what the session has, as long as the socket takes it.
    func flush() {
        guard let context, !isFlushing, !isClosed else { return }
        isFlushing = true
        defer { isFlushing = false }
        var events: [HTTP2Event] = []
        repeat {
            do throws(CallError) {
                try write(to: context)
            } catch {
                close(error)
                return
            }
            for (stream, count) in session.takeProgress() { reportProgress(of: stream, count) }
            // Streams that the output ended may lead to more output.
            events = session.takeEvents()
            events.forEach(handle)
        } while !events.isEmpty && !isClosed
        if session.isFinished { sessionEnded() }
    }

    /// Each piece is flushed at once: a socket that takes it all says so within this call, and would not say so later.
    private func write(to context: ChannelHandlerContext) throws(CallError) {
        var written = 0
        while context.channel.isWritable {
            var buffer = context.channel.allocator.buffer(capacity: Self.writeBytesMax + dataFrameBytes)
            while buffer.readableBytes < Self.writeBytesMax {
                guard try session.withOutput({ _ = buffer.writeBytes($0) }) != nil else { break }
            }
            guard buffer.readableBytes > 0 else { break }
            written += buffer.readableBytes
            context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
        }
        guard written > 0 else { return }
        let count = written
        shared.counters.update { $0.bytesSent += count }
    }

    private func sessionEnded() {
        if let fault = session.fault {
            abuse(CallError(.overloaded, fault))
        } else {
            close(closeReason)
        }
    }

    // MARK: - Events

    private func handle(_ event: HTTP2Event) {
        switch event {
        case .headers(let stream, let headers, let isEnd):
            if isServer {
                receiveRequest(headers, on: stream, isEnd: isEnd)
            } else {
                receiveAnswer(headers, on: stream, isEnd: isEnd)
            }
        case .body(let stream, let bytes): receiveBody(bytes, of: stream)
        case .end(let stream): receiveEnd(of: stream)
        case .closed(let stream, let code): streamClosed(stream, code: code)
        case .goAway(_, let code, let reason):
            isDraining = true
            connection.markDraining()
            if code != HTTP2ErrorCode.none {
                let status: CallStatus = code == HTTP2ErrorCode.enhanceYourCalm ? .overloaded : .unavailable
                closeReason = closeReason ?? CallError(status, "the peer ended the connection: code \(code) \(reason)")
            }
        case .pong: pingSentAt = nil
        case .settings: break
        }
    }

    private func receiveBody(_ bytes: UnsafeRawBufferPointer, of stream: HTTP2StreamID) {
        if streams[stream] != nil {
            receiveFrames(bytes, of: stream)
        } else if isServer {
            receiveRequestBody(bytes, of: stream)
        } else {
            receiveAnswerBody(bytes, of: stream)
        }
    }

    private func receiveEnd(of stream: HTTP2StreamID) {
        if streams[stream] != nil {
            streamFinished(stream)
        } else if isServer {
            requestEnded(stream)
        } else {
            answerEnded(stream)
        }
    }

    private func streamClosed(_ stream: HTTP2StreamID, code: UInt32) {
        busyAt = Self.now
        if streams[stream] != nil { byteStreamClosed(stream, code: code) }
        if let call = calls.removeValue(forKey: stream) { callClosed(call, code: code) }
        if let request = requests.removeValue(forKey: stream) { request.running?.cancel() }
        if closesAfter == stream { session.terminate(code: HTTP2ErrorCode.none) }
    }

    // MARK: - The hand-shake

    /// Both sides know and trust each other: the limits are those of an authenticated peer from here on.
    func open(_ peer: PeerIdentity, _ purpose: ConnectionPurpose) {
        self.peer = peer
        self.purpose = purpose
        handshakeTimer?.cancel()
        connection.opened(peer, purpose)
        session.submitSettings(
            streamsMax: isServer ? (purpose == .data ? limits.dataStreamsMax : limits.controlStreamsMax) : 0,
            windowBytes: windowBytes, headerBytesMax: limits.headerBytesMax,
            dataFrameBytes: dataFrameBytes)
        shared.opened(connection, isServer: isServer)
        if case .client(_, _, let promise) = role { promise.succeed(connection) }
    }

    /// The window of a stream on this connection.
    var windowBytes: Int { purpose == .data ? limits.dataWindowBytes : limits.controlWindowBytes }

    private var dataFrameBytes: Int {
        purpose == .data ? limits.dataFrameBytes : TransportLimits.leastDataFrameBytes
    }

    /// The certificate fits the name that the peer gave, where certificates carry names.
    func checkCertificate(of node: NodeID) throws(CallError) {
        guard let tls = shared.tls, let context else { return }
        let certificate: NIOSSLCertificate?
        do {
            certificate = try context.pipeline.syncOperations.nioSSL_peerCertificate()
        } catch {
            throw CallError(.refused, "no certificate of the peer: \(error)")
        }
        try tls.check(certificate, clusterID: shared.local.clusterID, node: node)
    }

    /// Ends a connection that has not authenticated, with a log line.
    func refuse(_ reason: CallError) {
        guard peer == nil, !isClosed, closesAfter == nil else { return }
        shared.refused(connection.address, reason, isServer: isServer)
        close(reason)
    }

    // MARK: - The end

    /// Takes no new streams; closes when those open have ended.
    func drain(reason: String) {
        guard !isClosed, !isDraining else { return }
        isDraining = true
        connection.markDraining()
        session.beginDrain(reason: reason)
    }

    /// The peer broke the protocol or a budget.
    private func abuse(_ reason: CallError) {
        guard !isClosed else { return }
        shared.abused(connection.address, peer, reason)
        close(reason)
    }

    /// Closes the socket; everything under way fails with `reason`.
    func close(_ reason: CallError?) {
        guard !isClosed else { return }
        closeReason = closeReason ?? reason
        let context = context
        finish(closeReason)
        context?.close(promise: nil)
    }

    private func finish(_ reason: CallError?) {
        guard !isClosed else { return }
        isClosed = true
        tick?.cancel()
        handshakeTimer?.cancel()
        let ended = reason ?? CallError(.unavailable, "the connection to \(connection.address) has ended")
        for (_, call) in calls { call.fail(ended) }
        for (_, request) in requests { request.running?.cancel() }
        for (stream, _) in streams { byteStreamFailed(stream, ended) }
        calls = [:]
        requests = [:]
        streams = [:]
        streamIDs = [:]
        let wasOpen = peer != nil
        connection.markClosed(reason)
        if case .client(_, _, let promise) = role, !wasOpen { promise.fail(ended) }
        shared.closed(connection, wasOpen: wasOpen, isServer: isServer)
        for signal in closeSignals { signal.give() }
        closeSignals = []
    }

    // MARK: - Time

    private func scheduleTick() {
        guard let context, !isClosed else { return }
        tick = context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(1)) {
            self.ticked(now: Self.now)
            self.flush()
            self.scheduleTick()
        }
    }

    /// Once a second: keep-alive, idleness, calls that take too long.
    private func ticked(now: Int64) {
        guard peer != nil, !isClosed else { return }
        if session.openStreams > 0 { busyAt = now }
        if now - busyAt > limits.idleTimeout.nanoseconds { drain(reason: "idle") }
        if let sentAt = pingSentAt {
            if now - sentAt > limits.keepAliveTimeout.nanoseconds {
                shared.counters.update { $0.connectionsLost += 1 }
                close(CallError(.unavailable, "no answer to a ping for \(limits.keepAliveTimeout)"))
                return
            }
        } else if now - receivedAt > limits.keepAliveInterval.nanoseconds {
            pingNumber += 1
            pingSentAt = now
            session.ping(pingNumber)
        }
        expireRequests(now: now)
    }
}

extension Duration {
    /// Whole nanoseconds, clamped.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, hasOverflowed) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return hasOverflowed ? .max : product.addingReportingOverflow(attoseconds / 1_000_000_000).partialValue
    }
}

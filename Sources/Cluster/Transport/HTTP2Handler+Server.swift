internal import NIOCore

/// A request that is being read, runs, or whose answer is being sent.
struct ServedRequest {
    enum Kind {
        case hello, proof, health
        case call(TransportRoutes.CallHandler)
        /// Answered already; what still comes is dropped.
        case refused
    }

    let path: String
    var kind: Kind
    var body: [UInt8] = []
    /// Nanoseconds of the clock.
    var expiresAt: Int64
    let timeout: Duration
    var running: IncomingCall?
    var isAnswered = false
}

/// The server's side: the hand-shake, calls, accepting streams.
extension HTTP2Handler {
    func receiveRequest(_ headers: [HTTP2Header], on stream: HTTP2StreamID, isEnd: Bool) {
        guard requests[stream] == nil, streams[stream] == nil else {
            // Trailers; we use none.
            if isEnd { if streams[stream] != nil { streamFinished(stream) } else { requestEnded(stream) } }
            return
        }
        let value: (String) -> String? = { name in headers.first { $0.name == name }?.value }
        let path = value(":path") ?? ""
        let asked = value(WirePath.timeout).flatMap { Int64($0) }.map { Duration.milliseconds(max(0, $0)) }
        let timeout = min(asked ?? limits.callTimeoutMax, limits.callTimeoutMax)
        var request = ServedRequest(
            path: path, kind: .refused, expiresAt: Self.now + limits.callTimeoutMax.nanoseconds, timeout: timeout)
        do throws(CallError) {
            if peer != nil, let acceptor = shared.routes.streams[path] {
                try accept(stream, path, value(WirePath.metadata) ?? "", acceptor, isEnd: isEnd)
                return
            }
            request.kind = try kind(of: path, method: value(":method") ?? "")
            requests[stream] = request
            if isEnd { requestEnded(stream) }
        } catch {
            requests[stream] = request
            answer(stream, .failure(error))
        }
    }

    private func kind(of path: String, method: String) throws(CallError) -> ServedRequest.Kind {
        if path == WirePath.health { return .health }
        guard method == "POST" else {
            throw CallError(.invalidArgument, "the method is \(method.prefix(16)); it must be POST")
        }
        if path == WirePath.hello, peer == nil { return .hello }
        if path == WirePath.proof, peer == nil { return .proof }
        guard peer != nil else { throw CallError(.refused, "the hand-shake comes first") }
        guard let handler = shared.routes.calls[path] else {
            throw CallError(.unknownMethod, "this node does not serve \(path.prefix(128))")
        }
        return .call(handler)
    }

    func receiveRequestBody(_ bytes: UnsafeRawBufferPointer, of stream: HTTP2StreamID) {
        // Only the count is looked at: a copy of the request would share its body, and each piece would copy all before it.
        guard let count = requests[stream]?.body.count else { return }
        session.consume(bytes.count, of: stream)
        if case .refused? = requests[stream]?.kind { return }
        let most = peer == nil ? limits.strangerBodyBytesMax : limits.bodyBytesMax
        guard count + bytes.count <= most else {
            requests[stream]?.kind = .refused
            requests[stream]?.body = []
            answer(stream, .failure(CallError(.tooLarge, "the request exceeds the limit of \(most) bytes")))
            return
        }
        requests[stream]?.body.append(contentsOf: bytes)
    }

    func requestEnded(_ stream: HTTP2StreamID) {
        guard let request = requests[stream] else { return }
        switch request.kind {
        case .refused: break
        case .health: answer(stream, .success([]))
        case .hello:
            advanceHandshake(stream) { (handshake) throws(CallError) in
                try handshake.receiveHello(request.body)
            }
        case .proof:
            advanceHandshake(stream) { (handshake) throws(CallError) in
                try handshake.receiveProof(request.body)
            }
        case .call(let handler): run(request, handler, on: stream)
        }
    }

    private func advanceHandshake(
        _ stream: HTTP2StreamID, _ step: (inout ServerHandshake) throws(CallError) -> ServerHandshake.Answer
    ) {
        guard case .server(var handshake) = role else { return }
        let result: Result<ServerHandshake.Answer, CallError>
        do throws(CallError) {
            let next = try step(&handshake)
            if case .open(_, let peer, _) = next { try checkCertificate(of: peer.node) }
            result = .success(next)
        } catch {
            result = .failure(error)
        }
        role = .server(handshake)
        switch result {
        case .success(.prove(let bytes)): answer(stream, .success(bytes))
        case .success(.open(let bytes, let peer, let purpose)):
            answer(stream, .success(bytes))
            open(peer, purpose)
        case .failure(let error):
            // The peer is told why, then the connection ends.
            shared.refused(connection.address, error, isServer: true)
            closeReason = error
            closesAfter = stream
            answer(stream, .failure(CallError(error.status, handshake.toldReason ?? error.message)))
        }
    }

    private func run(
        _ request: ServedRequest, _ handler: @escaping TransportRoutes.CallHandler, on stream: HTTP2StreamID
    ) {
        guard let peer, let purpose else { return }
        let connection = connection
        let call = IncomingCall(
            context: CallContext(path: request.path, peer: peer, purpose: purpose, timeout: request.timeout),
            body: request.body, handler: handler
        ) { outcome in
            connection.onLoop { $0?.answer(stream, outcome) }
        }
        requests[stream]?.body = []
        requests[stream]?.running = call
        requests[stream]?.expiresAt = Self.now + request.timeout.nanoseconds
        guard shared.enqueue(call) else {
            answer(stream, .failure(CallError(.overloaded, "more than \(limits.callQueueMax) calls wait to be served")))
            return
        }
        shared.counters.update { $0.callsServed += 1 }
    }

    /// Sends the answer of a request, unless it has gone or was answered.
    func answer(_ stream: HTTP2StreamID, _ outcome: OutgoingCall.Outcome) {
        guard requests[stream]?.isAnswered == false else { return }
        requests[stream]?.isAnswered = true
        requests[stream]?.running = nil
        requests[stream]?.expiresAt = Self.now + limits.callTimeoutMax.nanoseconds
        switch outcome {
        case .success(let body) where body.count <= limits.bodyBytesMax:
            let head = [HTTP2Header(":status", "200"), HTTP2Header(WirePath.status, "0")]
            session.submitResponse(head, on: stream, endOfStream: body.isEmpty)
            session.enqueue(body, on: stream)
        case .success(let body):
            submit(CallError(.tooLarge, "an answer of \(body.count) bytes exceeds \(limits.bodyBytesMax)"), on: stream)
        case .failure(let error):
            submit(error, on: stream)
        }
        session.end(stream)
    }

    private func submit(_ error: CallError, on stream: HTTP2StreamID) {
        session.submitResponse(
            [
                HTTP2Header(":status", WirePath.httpStatus(of: error.status)),
                HTTP2Header(WirePath.status, String(error.status.rawValue)),
                HTTP2Header(WirePath.message, WirePath.headerText(error.message)),
            ], on: stream, endOfStream: error.payload.isEmpty)
        session.enqueue(error.payload, on: stream)
    }

    /// Ends requests whose time is over: unread bodies, running handlers, answers that nobody reads.
    func expireRequests(now: Int64) {
        let expired = requests.filter { $0.value.expiresAt < now }.keys.sorted()
        for stream in expired {
            guard let request = requests[stream] else { continue }
            request.running?.cancel()
            if request.isAnswered || request.running == nil {
                requests[stream] = nil
                session.reset(stream, code: HTTP2ErrorCode.cancel)
            } else {
                answer(
                    stream,
                    .failure(CallError(.deadlineExceeded, "\(request.path) took longer than \(request.timeout)")))
            }
        }
    }

    // MARK: - Streams

    private func accept(
        _ id: HTTP2StreamID, _ path: String, _ metadata: String, _ acceptor: TransportRoutes.StreamAcceptor, isEnd: Bool
    ) throws(CallError) {
        guard let metadata = WirePath.bytes(ofHexadecimal: metadata) else {
            throw CallError(.invalidArgument, "the metadata of a stream is not hexadecimal")
        }
        let stream = ByteStream(path: path, connection: connection, sendBytesMax: limits.sendBytesMax)
        let receiver: StreamReceiver
        do throws(CallError) {
            receiver = try acceptor(stream, metadata)
        } catch {
            stream.markClosed()
            throw error
        }
        session.submitResponse(
            [HTTP2Header(":status", "200"), HTTP2Header(WirePath.status, "0")], on: id, endOfStream: false)
        register(stream, id, receiver)
        service(stream)
        if isEnd { streamFinished(id) }
    }
}

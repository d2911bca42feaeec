internal import NIOCore

/// A call of ours whose answer has not come yet.
struct ClientCall {
    let call: OutgoingCall
    let timer: Scheduled<Void>?
    var status: Int?
    var message = ""
    var answer: [UInt8] = []

    func fail(_ error: CallError) {
        timer?.cancel()
        call.finish(.failure(error))
    }
}

/// The client's side: the hand-shake, calls, opening streams.
extension HTTP2Handler {
    func beginHandshake() {
        guard case .client(let handshake, let purpose, _) = role else { return }
        let hello = OutgoingCall(path: WirePath.hello, body: handshake.hello, timeout: limits.handshakeTimeout)
        onLoopCompletion(of: hello) { handler, outcome in
            handler.welcomed(outcome, handshake, purpose)
        }
        send(hello)
    }

    private func welcomed(_ outcome: OutgoingCall.Outcome, _ handshake: ClientHandshake, _ purpose: ConnectionPurpose) {
        do throws(CallError) {
            switch try handshake.receiveWelcome(try outcome.get()) {
            case .open(let peer):
                try checkCertificate(of: peer.node)
                open(peer, purpose)
            case .prove(let proof, let peer):
                try checkCertificate(of: peer.node)
                let call = OutgoingCall(path: WirePath.proof, body: proof, timeout: limits.handshakeTimeout)
                onLoopCompletion(of: call) { handler, outcome in
                    switch outcome {
                    case .success: handler.open(peer, purpose)
                    case .failure(let error): handler.refuse(error)
                    }
                }
                send(call)
            }
        } catch {
            refuse(error)
        }
    }

    /// Runs `body` with the outcome of a call that this handler makes itself; both are on the event loop.
    private func onLoopCompletion(
        of call: OutgoingCall, _ body: @escaping @Sendable (HTTP2Handler, OutgoingCall.Outcome) -> Void
    ) {
        let connection = connection
        call.onCompletion { outcome in
            connection.onLoopNow { handler in
                if let handler { body(handler, outcome) }
            }
        }
    }

    /// Starts a caller's call, on a connection that has to be open.
    func start(_ call: OutgoingCall) {
        guard peer != nil else {
            call.finish(.failure(CallError(.unavailable, "the connection to \(connection.address) is not open yet")))
            return
        }
        guard !isServer else {
            call.finish(.failure(CallError(.invalidArgument, "calls go from the side that made the connection")))
            return
        }
        guard calls.count < limits.callsMax else {
            call.finish(
                .failure(CallError(.overloaded, "\(calls.count) calls wait on the connection to \(connection.address)"))
            )
            return
        }
        shared.counters.update { $0.callsMade += 1 }
        send(call)
    }

    private func send(_ call: OutgoingCall) {
        guard let context, !call.isFinished else { return }
        guard call.body.count <= limits.bodyBytesMax else {
            let size = call.body.count
            call.finish(
                .failure(CallError(.tooLarge, "a call of \(size) bytes exceeds the limit of \(limits.bodyBytesMax)")))
            return
        }
        do throws(CallError) {
            let stream = try session.submitRequest(
                requestHead(call.path) + [HTTP2Header(WirePath.timeout, String(call.timeout.nanoseconds / 1_000_000))],
                endOfStream: call.body.isEmpty)
            session.enqueue(call.body, on: stream)
            session.end(stream)
            call.stream = stream
            let timer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(call.timeout)) {
                self.abandon(
                    call,
                    CallError(.deadlineExceeded, "no answer to \(call.path) from \(self.name) within \(call.timeout)"))
                self.flush()
            }
            calls[stream] = ClientCall(call: call, timer: timer)
        } catch {
            call.finish(.failure(error))
        }
    }

    private var name: String { peer.map { "\($0)" } ?? connection.address }

    private func requestHead(_ path: String) -> [HTTP2Header] {
        [
            HTTP2Header(":method", "POST"), HTTP2Header(":scheme", shared.tls == nil ? "http" : "https"),
            HTTP2Header(":authority", "dataprism"), HTTP2Header(":path", path),
        ]
    }

    /// Gives a call up: its stream is reset, so that the peer stops working for it.
    func abandon(_ call: OutgoingCall, _ reason: CallError) {
        guard let stream = call.stream, let entry = calls.removeValue(forKey: stream) else {
            call.finish(.failure(reason))
            return
        }
        shared.counters.update { $0.callsFailed += 1 }
        entry.fail(reason)
        session.reset(stream, code: HTTP2ErrorCode.cancel)
    }

    // MARK: - Answers

    func receiveAnswer(_ headers: [HTTP2Header], on stream: HTTP2StreamID, isEnd: Bool) {
        let status = headers.first { $0.name == WirePath.status }.flatMap { Int($0.value) }
        let message = headers.first { $0.name == WirePath.message }?.value ?? ""
        if streams[stream] != nil {
            // The head of an accepted stream says nothing more; that of a refused one says why, and ends it.
            if status != 0 {
                let reason = CallError(
                    status.flatMap(CallStatus.init(rawValue:)) ?? .internalFailure,
                    message.isEmpty ? "refused" : message)
                byteStreamFailed(stream, reason)
                session.reset(stream, code: HTTP2ErrorCode.none)
            } else if isEnd {
                streamFinished(stream)
            }
            return
        }
        guard calls[stream] != nil else { return }
        calls[stream]?.status = status
        calls[stream]?.message = message
        if isEnd { answerEnded(stream) }
    }

    func receiveAnswerBody(_ bytes: UnsafeRawBufferPointer, of stream: HTTP2StreamID) {
        // Only the count is looked at: a copy of the call would share its answer, and each piece would copy all before it.
        guard let count = calls[stream]?.answer.count else { return }
        guard count + bytes.count <= limits.bodyBytesMax else {
            if let call = calls[stream]?.call {
                abandon(call, CallError(.tooLarge, "the answer to \(call.path) exceeds \(limits.bodyBytesMax) bytes"))
            }
            return
        }
        calls[stream]?.answer.append(contentsOf: bytes)
        session.consume(bytes.count, of: stream)
    }

    func answerEnded(_ stream: HTTP2StreamID) {
        guard let call = calls.removeValue(forKey: stream) else { return }
        call.timer?.cancel()
        if call.status == 0 {
            call.call.finish(.success(call.answer))
            return
        }
        shared.counters.update { $0.callsFailed += 1 }
        let status = call.status.map { CallStatus(rawValue: $0) ?? .internalFailure } ?? .corrupt
        call.call.finish(.failure(CallError(status, call.message, payload: call.answer)))
    }

    func callClosed(_ call: ClientCall, code: UInt32) {
        shared.counters.update { $0.callsFailed += 1 }
        let status = connection.isUsable ? HTTP2ErrorCode.status(of: code) : .unavailable
        call.fail(CallError(status, "\(name) reset the call of \(call.call.path) with code \(code)"))
    }

    // MARK: - Streams

    func open(_ stream: ByteStream, metadata: [UInt8], receiver: StreamReceiver) {
        let refusal: CallError
        do throws(CallError) {
            guard peer != nil, !isServer else {
                throw CallError(.unavailable, "streams go from the side that made the connection, once it is open")
            }
            let id = try session.submitRequest(
                requestHead(stream.path) + [HTTP2Header(WirePath.metadata, WirePath.hexadecimal(metadata))],
                endOfStream: false)
            register(stream, id, receiver)
            service(stream)
            return
        } catch {
            refusal = error
        }
        stream.markClosed()
        receiver.onClose(refusal)
    }
}

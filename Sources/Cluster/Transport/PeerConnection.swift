internal import NIOCore
internal import Synchronization

/// One connection to a peer, made or accepted. Usable from any thread; the work is done on its event loop.
package final class PeerConnection: Sendable {
    private struct State {
        var peer: PeerIdentity?
        var purpose: ConnectionPurpose?
        var isDraining = false
        var closeReason: CallError?
        var isClosed = false
    }

    /// The peer's address as the socket gives it, for log lines.
    package let address: String
    private let channel: any Channel
    private let handler: NIOLoopBoundBox<HTTP2Handler?>
    private let limits: TransportLimits
    private let state = Mutex(State())

    /// On the channel's event loop.
    init(channel: any Channel, address: String, limits: TransportLimits) {
        self.channel = channel
        self.address = address
        self.limits = limits
        handler = NIOLoopBoundBox.makeEmptyBox(eventLoop: channel.eventLoop)
    }

    /// Who the peer is; nil before the hand-shake has ended.
    package var peer: PeerIdentity? { state.withLock { $0.peer } }

    package var purpose: ConnectionPurpose? { state.withLock { $0.purpose } }

    /// Whether new calls and streams can be tried: authenticated, not closed and not draining.
    package var isUsable: Bool { state.withLock { $0.peer != nil && !$0.isClosed && !$0.isDraining } }

    /// Why the connection ended; nil while it is open or after an orderly end.
    package var closeReason: CallError? { state.withLock { $0.closeReason } }

    /// Makes one call and waits for its answer.
    ///
    /// Cancelling the task, or the deadline, resets the stream, which cancels the work at the peer.
    /// - Throws: the peer's status, or `deadlineExceeded`, `cancelled`, `unavailable`. After the last three the call may or
    ///   may not have run.
    package func call(
        _ path: String, _ body: [UInt8] = [], within timeout: Duration
    ) async throws(CallError) -> [UInt8] {
        let call = OutgoingCall(path: path, body: body, timeout: timeout)
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<OutgoingCall.Outcome, Never>) in
                call.onCompletion { continuation.resume(returning: $0) }
                onLoop { handler in
                    guard let handler else {
                        call.finish(.failure(CallError(.unavailable, "the connection to \(self.address) is closed")))
                        return
                    }
                    handler.start(call)
                }
            }
        } onCancel: {
            onLoop { $0?.abandon(call, CallError(.cancelled, "the caller of \(path) gave up")) }
            call.finish(.failure(CallError(.cancelled, "the caller of \(path) gave up")))
        }
        return try outcome.get()
    }

    /// Opens a stream. It can be sent on at once; if the peer refuses it, `onClose` says why.
    ///
    /// - Parameter metadata: what the peer's acceptor gets; at most a few kilobytes.
    package func openStream(
        _ path: String, metadata: [UInt8] = [], receiver: StreamReceiver
    ) -> ByteStream {
        let stream = ByteStream(path: path, connection: self, sendBytesMax: limits.sendBytesMax)
        onLoop { handler in
            guard let handler else {
                stream.markClosed()
                receiver.onClose(CallError(.unavailable, "the connection to \(self.address) is closed"))
                return
            }
            handler.open(stream, metadata: metadata, receiver: receiver)
        }
        return stream
    }

    /// Takes no new calls and streams, lets those open end, then closes.
    package func drain(reason: String) {
        state.withLock { $0.isDraining = true }
        onLoop { $0?.drain(reason: reason) }
    }

    /// Closes at once; what is under way fails with `reason`.
    package func close(_ reason: CallError) {
        onLoop { $0?.close(reason) }
    }

    /// Returns when the connection has closed, or the task is cancelled.
    package func closed() async {
        let signal = CancellationSignal()
        let isClosed = state.withLock { $0.isClosed }
        guard !isClosed else { return }
        onLoop { handler in
            guard let handler else {
                signal.give()
                return
            }
            handler.closeSignals.append(signal)
        }
        await signal.wait()
    }

    // MARK: - For the event loop

    /// Runs `body` on the event loop, with nil once the connection has closed.
    func onLoop(_ body: @escaping @Sendable (HTTP2Handler?) -> Void) {
        channel.eventLoop.execute {
            let handler = self.handler.value
            body(handler)
            handler?.flush()
        }
    }

    /// As ``onLoop(_:)``, at once when this is the event loop, so that nothing comes between an event and its consequence.
    func onLoopNow(_ body: @escaping @Sendable (HTTP2Handler?) -> Void) {
        guard channel.eventLoop.inEventLoop else {
            onLoop(body)
            return
        }
        body(handler.value)
    }

    func attach(_ handler: HTTP2Handler) { self.handler.value = handler }

    func opened(_ peer: PeerIdentity, _ purpose: ConnectionPurpose) {
        state.withLock { state in
            state.peer = peer
            state.purpose = purpose
        }
    }

    func markDraining() { state.withLock { $0.isDraining = true } }

    func markClosed(_ reason: CallError?) {
        handler.value = nil
        state.withLock { state in
            state.isClosed = true
            state.closeReason = reason
        }
    }
}

internal import Synchronization

/// What a stream tells its owner, on the connection's event loop. These must not block: they hand on and return.
package struct StreamReceiver: Sendable {
    /// A whole frame came. Its credit is given back by ``ByteStream/consumed(_:)`` when it has been processed; until then the
    /// sender may have only the rest of the window under way.
    package var onFrame: @Sendable (ReceivedFrame) -> Void
    /// `send` would be accepted again after it had answered ``ByteStream/SendResult/full``.
    package var onWritable: @Sendable () -> Void
    /// The peer has ended its side in order; we may go on sending.
    package var onFinish: @Sendable () -> Void
    /// The stream is gone, once and last: nil after an orderly end of both sides.
    package var onClose: @Sendable (CallError?) -> Void

    package init(
        onFrame: @escaping @Sendable (ReceivedFrame) -> Void,
        onWritable: @escaping @Sendable () -> Void = {},
        onFinish: @escaping @Sendable () -> Void = {},
        onClose: @escaping @Sendable (CallError?) -> Void
    ) {
        self.onFrame = onFrame
        self.onWritable = onWritable
        self.onFinish = onFinish
        self.onClose = onClose
    }
}

/// A long-lived, ordered, flow-controlled stream of frames between two nodes, both ways.
///
/// Usable from any thread; no method waits. A burst of sends or credits costs one hop to the event loop.
/// Back-pressure: the receiver's unconsumed credit closes the window of this stream only; the sender's queue then fills to
/// ``TransportLimits/sendBytesMax`` and `send` answers `full`.
package final class ByteStream: Sendable {
    package enum SendResult: Sendable, Equatable {
        case accepted
        /// Not taken: `onWritable` says when to try again.
        case full
        /// Not taken: the stream is closed or finished on this side.
        case closed
    }

    private struct State {
        var outbox: [[UInt8]] = []
        /// Bytes accepted and not yet written to the socket.
        var pendingBytes = 0
        var nextNumber: UInt64 = 0
        var credit = 0
        var isScheduled = false
        var isFinishing = false
        var wantsWritable = false
        var isClosed = false
        var resetCode: UInt32?
    }

    /// What the event loop takes over in one go.
    struct Outgoing {
        var chunks: [[UInt8]]
        var credit: Int
        var finishes: Bool
        var resetCode: UInt32?
    }

    /// The path that it was opened with.
    package let path: String
    private let connection: PeerConnection
    private let sendBytesMax: Int
    private let state = Mutex(State())

    init(path: String, connection: PeerConnection, sendBytesMax: Int) {
        self.path = path
        self.connection = connection
        self.sendBytesMax = sendBytesMax
    }

    /// The peer at the other end.
    package var peer: PeerIdentity? { connection.peer }

    /// Bytes accepted by `send` that are not yet on the socket.
    package var pendingBytes: Int { state.withLock { $0.pendingBytes } }

    /// Sends one frame, or says why not.
    ///
    /// - Parameter beyondLimit: take it even when the queue is full, for what must go out whole at a barrier. Its sender
    ///   bounds it; ``pendingBytes`` tells how much waits.
    package func send(_ payload: [UInt8], beyondLimit: Bool = false) -> SendResult {
        let (result, mustSchedule) = state.withLock { state -> (SendResult, Bool) in
            guard !state.isClosed, !state.isFinishing else { return (.closed, false) }
            guard beyondLimit || state.pendingBytes < sendBytesMax else {
                state.wantsWritable = true
                return (.full, false)
            }
            // The checksum is taken under the lock, so that frames are numbered in the order in which they are queued.
            state.outbox.append(FrameFormat.head(of: payload, number: state.nextNumber))
            if !payload.isEmpty { state.outbox.append(payload) }
            state.nextNumber += 1
            state.pendingBytes += FrameFormat.headBytes + payload.count
            return (.accepted, Self.schedule(&state))
        }
        if mustSchedule { wakeLoop() }
        return result
    }

    /// Has `onWritable` say when the queue has fallen to half of its limit, also if no `send` was refused. It is asked at the next write.
    package func notifyWhenWritable() { state.withLock { $0.wantsWritable = true } }

    /// Lets the peer send `credit` more bytes: the receiver has processed frames that held as many.
    package func consumed(_ credit: Int) {
        let mustSchedule = state.withLock { state in
            guard !state.isClosed, credit > 0 else { return false }
            state.credit += credit
            return Self.schedule(&state)
        }
        if mustSchedule { wakeLoop() }
    }

    /// Ends our side after what was sent.
    package func finish() {
        let mustSchedule = state.withLock { state in
            guard !state.isClosed, !state.isFinishing else { return false }
            state.isFinishing = true
            return Self.schedule(&state)
        }
        if mustSchedule { wakeLoop() }
    }

    /// Ends both sides at once, for the reason given; the peer's `onClose` gets it.
    package func reset(_ status: CallStatus) {
        let mustSchedule = state.withLock { state in
            guard !state.isClosed, state.resetCode == nil else { return false }
            state.isFinishing = true
            state.resetCode = HTTP2ErrorCode.of(status)
            return Self.schedule(&state)
        }
        if mustSchedule { wakeLoop() }
    }

    private static func schedule(_ state: inout State) -> Bool {
        guard !state.isScheduled else { return false }
        state.isScheduled = true
        return true
    }

    private func wakeLoop() {
        connection.onLoop { $0?.service(self) }
    }

    // MARK: - For the event loop

    func takeOutgoing() -> Outgoing {
        state.withLock { state in
            state.isScheduled = false
            let outgoing = Outgoing(
                chunks: state.outbox, credit: state.credit, finishes: state.isFinishing, resetCode: state.resetCode)
            state.outbox = []
            state.credit = 0
            return outgoing
        }
    }

    /// `count` bytes are on the socket; whether the owner waits to hear that there is room again.
    func wrote(_ count: Int) -> Bool {
        state.withLock { state in
            state.pendingBytes -= count
            guard state.wantsWritable, state.pendingBytes <= sendBytesMax / 2 else { return false }
            state.wantsWritable = false
            return true
        }
    }

    /// No more is taken; what was queued is dropped.
    func markClosed() {
        state.withLock { state in
            state.isClosed = true
            state.outbox = []
            state.pendingBytes = 0
            state.wantsWritable = false
        }
    }
}

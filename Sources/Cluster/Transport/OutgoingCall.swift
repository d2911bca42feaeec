internal import Synchronization

/// One call as its caller sees it: it ends exactly once, whoever ends it first.
final class OutgoingCall: Sendable {
    typealias Outcome = Result<[UInt8], CallError>

    private struct State {
        var completion: (@Sendable (Outcome) -> Void)?
        var early: Outcome?
        var stream: HTTP2StreamID?
    }

    let path: String
    let body: [UInt8]
    let timeout: Duration
    private let state = Mutex(State())

    init(path: String, body: [UInt8], timeout: Duration) {
        self.path = path
        self.body = body
        self.timeout = timeout
    }

    /// Names who hears of the outcome; at once when it is known already.
    func onCompletion(_ completion: @escaping @Sendable (Outcome) -> Void) {
        let early = state.withLock { state -> Outcome? in
            if state.early == nil { state.completion = completion }
            return state.early
        }
        if let early { completion(early) }
    }

    var isFinished: Bool { state.withLock { $0.early != nil } }

    /// The stream that carries it; set on the event loop.
    var stream: HTTP2StreamID? {
        get { state.withLock { $0.stream } }
        set { state.withLock { $0.stream = newValue } }
    }

    /// Ends the call; false if it had ended before.
    @discardableResult
    func finish(_ outcome: Outcome) -> Bool {
        let (isFirst, completion) = state.withLock { state -> (Bool, (@Sendable (Outcome) -> Void)?) in
            guard state.early == nil else { return (false, nil) }
            state.early = outcome
            defer { state.completion = nil }
            return (true, state.completion)
        }
        completion?(outcome)
        return isFirst
    }
}

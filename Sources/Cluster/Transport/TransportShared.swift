internal import Logging
internal import NIOCore
internal import Synchronization

/// What all connections of one transport share.
final class TransportShared: Sendable {
    private struct State {
        var local: HandshakeLocal
        var live: [ObjectIdentifier: PeerConnection] = [:]
        var accepted = 0
        var strangers = 0
        var isStopping = false
    }

    let limits: TransportLimits
    let routes: TransportRoutes
    let tls: TLSFiles?
    let counters = TransportCounters()
    private let logger: Logger
    private let events: TransportEvents
    private let throttle = LogThrottle()
    private let state: Mutex<State>
    private let calls: AsyncStream<IncomingCall>.Continuation

    init(
        _ configuration: TransportConfiguration, routes: TransportRoutes, events: TransportEvents, tls: TLSFiles?,
        calls: AsyncStream<IncomingCall>.Continuation, logger: Logger
    ) {
        limits = configuration.limits
        self.routes = routes
        self.tls = tls
        self.logger = logger
        self.events = events
        self.calls = calls
        state = Mutex(State(local: configuration.local))
    }

    /// What this node says of itself in the hand-shakes that begin from now on.
    var local: HandshakeLocal {
        get { state.withLock { $0.local } }
        set { state.withLock { $0.local = newValue } }
    }

    /// Hands a call to the tasks that serve; false when too many wait.
    func enqueue(_ call: IncomingCall) -> Bool {
        switch calls.yield(call) {
        case .enqueued: true
        case .dropped, .terminated: false
        @unknown default: false
        }
    }

    // MARK: - Connections

    /// Whether one more connection may be accepted; if so it counts as a stranger until it has opened.
    func admit() -> Bool {
        let reason = state.withLock { state -> String? in
            if state.isStopping { return "the node stops" }
            if state.accepted >= limits.connectionsMax { return "\(state.accepted) connections are open" }
            if state.strangers >= limits.strangersMax { return "\(state.strangers) hand-shakes are under way" }
            state.accepted += 1
            state.strangers += 1
            return nil
        }
        guard let reason else {
            counters.update { $0.connectionsAccepted += 1 }
            return true
        }
        counters.update { $0.connectionsOverLimit += 1 }
        log(.warning, "connection-limit", "connection closed at once: \(reason)", [:])
        return false
    }

    /// A connection exists, hand-shake or not.
    func began(_ connection: PeerConnection) {
        state.withLock { $0.live[ObjectIdentifier(connection)] = connection }
        counters.update { $0.connections += 1 }
    }

    func opened(_ connection: PeerConnection, isServer: Bool) {
        if isServer {
            state.withLock { $0.strangers -= 1 }
        } else {
            counters.update { $0.connectionsMade += 1 }
        }
        events.opened(connection)
    }

    func closed(_ connection: PeerConnection, wasOpen: Bool, isServer: Bool) {
        state.withLock { state in
            state.live[ObjectIdentifier(connection)] = nil
            if isServer {
                state.accepted -= 1
                if !wasOpen { state.strangers -= 1 }
            }
        }
        counters.update { $0.connections -= 1 }
        if wasOpen { events.closed(connection) }
    }

    var live: [PeerConnection] { state.withLock { Array($0.live.values) } }

    func stopAccepting() { state.withLock { $0.isStopping = true } }

    // MARK: - Log

    func refused(_ address: String, _ reason: CallError, isServer: Bool) {
        counters.update { $0.connectionsRefused += 1 }
        log(
            .warning, "refused", isServer ? "connection refused" : "connection to a peer failed",
            ["address": "\(address)", "reason": "\(reason.message)"])
    }

    func abused(_ address: String, _ peer: PeerIdentity?, _ reason: CallError) {
        counters.update { $0.connectionsAbused += 1 }
        log(
            .warning, "abused", "connection ended for the peer's fault",
            [
                "address": "\(address)", "peer": "\(peer.map(\.description) ?? "stranger")",
                "reason": "\(reason.message)",
            ])
    }

    func log(_ level: Logger.Level, _ kind: String, _ message: String, _ metadata: Logger.Metadata) {
        guard let suppressed = throttle.pass(kind, now: HTTP2Handler.now) else { return }
        var metadata = metadata
        if suppressed > 0 { metadata["suppressed"] = "\(suppressed)" }
        logger.log(level: level, "\(message)", metadata: metadata)
    }
}

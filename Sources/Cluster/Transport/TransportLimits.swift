/// The limits of one node's cluster port. Each has a default, a counter or a log line when it is reached, and a test.
package struct TransportLimits: Sendable, Equatable {
    /// A connection must have authenticated by then: TLS, preface and hand-shake together.
    package var handshakeTimeout: Duration = .seconds(5)
    /// A connection without a call or stream for so long is closed gracefully; its owner reconnects when it needs to.
    package var idleTimeout: Duration = .seconds(600)
    /// A ping goes out when nothing was received for so long.
    package var keepAliveInterval: Duration = .seconds(5)
    /// A connection whose ping has no answer by then is lost. It bounds how long a half-open connection looks alive.
    package var keepAliveTimeout: Duration = .seconds(10)
    /// A served call whose request or answer is not through by then is reset.
    package var callTimeoutMax: Duration = .seconds(60)
    /// How long a graceful end waits for running calls and streams.
    package var drainTimeout: Duration = .seconds(10)

    /// Connections accepted and alive; one more is closed at once.
    package var connectionsMax = 1024
    /// Of these, connections that have not authenticated.
    package var strangersMax = 64

    /// Concurrent streams that a peer may open on a connection: before it has authenticated, and by purpose after it.
    package var strangerStreamsMax = 8
    package var controlStreamsMax = 256
    /// An exchange stream per (worker pair, edge): 8 × 8 workers over 64 edges.
    package var dataStreamsMax = 4096

    /// Names and values of one header block with 32 bytes of overhead each, as HTTP/2 counts them.
    package var headerBytesMax = 16 * 1024
    /// One call's request or answer.
    package var bodyBytesMax = 16 * 1024 * 1024
    /// A stranger's request: a hand-shake message is far smaller.
    package var strangerBodyBytesMax = 4096
    /// One frame on a stream. Memory held per stream is at most half a window plus one frame.
    package var frameBytesMax = 16 * 1024 * 1024
    /// What a receiver lets a sender have under way on one stream, by purpose.
    package var controlWindowBytes = 256 * 1024
    package var dataWindowBytes = 1024 * 1024
    /// What one DATA frame of HTTP/2 holds on connections for data: large, so that its costs are few per byte. Nothing waits for a whole
    /// one.
    package var dataFrameBytes = 128 * 1024
    /// What HTTP/2 lets every peer send, and what connections for other purposes stay with.
    static let leastDataFrameBytes = 16 * 1024
    /// The connection's own window. It is reopened at once, so this bounds only what is under way in the network.
    package var connectionWindowBytes = 8 * 1024 * 1024
    /// What a sender queues on one stream before `send` answers that it is full; soft by one frame.
    package var sendBytesMax = 1024 * 1024
    /// Calls that wait for their answer on one connection, as the caller.
    package var callsMax = 1024
    /// Served calls that wait for a task, over all connections.
    package var callQueueMax = 4096

    /// Streams reset by the peer, or by us for the peer's fault, counted together.
    package var resets = RateLimit(burst: 200, perSecond: 33)
    package var settings = RateLimit(burst: 10, perSecond: 10)
    package var pings = RateLimit(burst: 20, perSecond: 10)
    /// Frames that carry nothing: PRIORITY, empty DATA, unknown types.
    package var strayFrames = RateLimit(burst: 200, perSecond: 33)
    /// WINDOW_UPDATE frames. A healthy receiver sends two per window.
    package var windowUpdates = RateLimit(burst: 20_000, perSecond: 20_000)
    /// CONTINUATION frames after one HEADERS frame.
    package var continuationsMax = 8
    /// Entries of one SETTINGS frame.
    package var settingsEntriesMax = 32
    /// Answers to pings and settings that wait for a peer that does not read.
    package var acknowledgementsMax = 1000

    package init() {}
}

/// What a peer may do how often: a burst at once, and so many a second on average.
package struct RateLimit: Sendable, Equatable {
    package var burst: Int
    package var perSecond: Int

    package init(burst: Int, perSecond: Int) {
        precondition(burst > 0 && perSecond > 0)
        self.burst = burst
        self.perSecond = perSecond
    }
}

/// A token bucket over a ``RateLimit``: full at first, refilled with time, never above the burst.
package struct RateBudget: Sendable, Equatable {
    private let limit: RateLimit
    /// Tokens times 10⁹, so that a nanosecond refills a whole number.
    private var scaledTokens: Int64
    private var refilledAt: Int64

    /// - Parameter now: nanoseconds of a monotonic clock.
    package init(_ limit: RateLimit, now: Int64) {
        self.limit = limit
        scaledTokens = Int64(limit.burst) * 1_000_000_000
        refilledAt = now
    }

    /// Takes one token; false when there is none.
    package mutating func take(now: Int64) -> Bool {
        let most = Int64(limit.burst) * 1_000_000_000
        let elapsed = max(0, now - refilledAt)
        refilledAt = max(now, refilledAt)
        let (refill, hasOverflowed) = elapsed.multipliedReportingOverflow(by: Int64(limit.perSecond))
        scaledTokens = hasOverflowed ? most : min(most, scaledTokens &+ min(refill, most))
        guard scaledTokens >= 1_000_000_000 else { return false }
        scaledTokens -= 1_000_000_000
        return true
    }
}

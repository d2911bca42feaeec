internal import Synchronization

/// What the transport has counted since it was made, for metrics. Every field only grows, but for `connections`.
package struct TransportCounts: Sendable, Equatable {
    /// Open now, accepted and made.
    package var connections = 0
    package var connectionsAccepted = 0
    package var connectionsMade = 0
    /// Accepted connections that a limit on connections closed at once.
    package var connectionsOverLimit = 0
    /// Hand-shakes that failed: strangers, other clusters, wrong secrets, certificates, time-outs.
    package var connectionsRefused = 0
    /// Connections ended because the peer broke the protocol or a budget.
    package var connectionsAbused = 0
    /// Connections whose ping was not answered.
    package var connectionsLost = 0
    package var callsMade = 0
    package var callsFailed = 0
    package var callsServed = 0
    package var streamsOpened = 0
    package var framesReceived = 0
    package var bytesReceived = 0
    package var bytesSent = 0

    package init() {}
}

/// The counts as many threads write them.
final class TransportCounters: Sendable {
    private let counts = Mutex(TransportCounts())

    /// Changes counts together; per event or per read of a socket, never per row.
    func update(_ body: (inout TransportCounts) -> Void) {
        counts.withLock { body(&$0) }
    }

    var current: TransportCounts { counts.withLock { $0 } }
}

/// Lets one log line per kind and interval through and counts the others, so that a flood of refusals is a few lines.
final class LogThrottle: Sendable {
    private struct Kind {
        var nextAt: Int64
        var suppressed: Int
    }

    private static let intervalNanoseconds: Int64 = 1_000_000_000
    private let kinds = Mutex<[String: Kind]>([:])

    /// The number of lines of this kind that were held back since the last one; nil when this one is held back too.
    func pass(_ kind: String, now: Int64) -> Int? {
        kinds.withLock { kinds in
            if var known = kinds[kind], now < known.nextAt {
                known.suppressed += 1
                kinds[kind] = known
                return nil
            }
            let suppressed = kinds[kind]?.suppressed ?? 0
            kinds[kind] = Kind(nextAt: now + Self.intervalNanoseconds, suppressed: 0)
            return suppressed
        }
    }
}

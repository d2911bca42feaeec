internal import Synchronization

/// What one node's exchange with other nodes has counted since the process began, for metrics.
package struct ExchangeCounts: Sendable, Equatable {
    package var framesSent = 0
    package var framesReceived = 0
    package var rowsSent = 0
    package var rowsReceived = 0
    /// Bytes of frames, their heads included.
    package var bytesSent = 0
    package var bytesReceived = 0
    /// Streams of another generation, of edges that do not end here, or of a node that does not have the sending worker.
    package var refused = 0
    /// Frames of a generation that was over when they came.
    package var framesFenced = 0
    /// Edges that ended by themselves.
    package var broken = 0
    /// Nanoseconds of coding and decoding frames.
    package var codingNanoseconds: Int64 = 0

    package init() {}
}

/// The counts as many threads write them: per frame, never per row.
package final class ExchangeCounters: Sendable {
    private let counts = Mutex(ExchangeCounts())

    package init() {}

    package var current: ExchangeCounts { counts.withLock { $0 } }

    func update(_ body: (inout ExchangeCounts) -> Void) { counts.withLock { body(&$0) } }
}

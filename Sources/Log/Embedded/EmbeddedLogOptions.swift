import Glibc

/// How an embedded log behaves.
package struct EmbeddedLogOptions: Sendable {
    package enum Synchronous: String, Sendable {
        /// Every commit is synced before it is acknowledged.
        case full
        /// Nothing is synced: for measuring what a sync costs and for proving that tests notice, never for data.
        case off
    }

    package var synchronous: Synchronous
    /// Microseconds since 1970.
    package var now: @Sendable () -> Int64
    /// Appends that may wait; more are refused as busy.
    package var waitingMax: Int
    /// How long a write waits for another process's transaction.
    package var busyMilliseconds: Int
    /// Threads that read.
    package var readers: Int

    package init(
        synchronous: Synchronous = .full, now: @escaping @Sendable () -> Int64 = EmbeddedLogOptions.wallClock,
        waitingMax: Int = 4096,
        busyMilliseconds: Int = 2000, readers: Int = 2
    ) {
        self.synchronous = synchronous
        self.now = now
        self.waitingMax = waitingMax
        self.busyMilliseconds = busyMilliseconds
        self.readers = readers
    }

    package static let wallClock: @Sendable () -> Int64 = {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}

internal import Glibc

/// The system's monotonic clock.
package enum MonotonicClock {
    /// Nanoseconds since some point in the past.
    package static var nanoseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

/// The system's calendar clock. Only shells read it; what is decided gets the time as a parameter.
package enum WallClock {
    /// Microseconds since 1970.
    package static var microseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
    }
}

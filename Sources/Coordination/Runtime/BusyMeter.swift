/// The share of the time that workers' threads worked, over the last seconds before each question.
///
/// Several may ask, each as often as it likes: nobody's question shortens the time that another's answer is about.
struct BusyMeter {
    private struct Sample {
        /// Nanoseconds of the monotonic clock.
        var time: Int64
        /// Nanoseconds that the thread had worked since it began.
        var busy: Int64
    }

    /// How far an answer looks back, if there has been a question that long ago: nanoseconds.
    private static let window: Int64 = 10_000_000_000
    /// Questions closer to each other than this leave one sample: at most 100 in the window.
    private static let spacing: Int64 = 100_000_000

    private let began: Int64
    private var samples: [Int: [Sample]] = [:]

    init(began: Int64) { self.began = began }

    /// 0 to 1; `busy` nanoseconds of work is what the thread of `worker` has done since it began, at `now`.
    mutating func share(of worker: Int, busy: Int64, at now: Int64) -> Double {
        var known = samples[worker] ?? [Sample(time: began, busy: 0)]
        // Another generation's thread has begun anew, some time after the newest sample.
        if let last = known.last, busy < last.busy { known = [Sample(time: last.time, busy: 0)] }
        while known.count > 1, known[1].time <= now - Self.window { known.removeFirst() }
        let first = known[0]
        if let last = known.last, now - last.time >= Self.spacing { known.append(Sample(time: now, busy: busy)) }
        samples[worker] = known
        return min(1, max(0, Double(busy - first.busy) / Double(max(1, now - first.time))))
    }
}

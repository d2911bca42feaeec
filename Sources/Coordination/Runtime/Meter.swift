/// Rates over the last seconds, from counts taken at moments of a monotonic clock in nanoseconds.
struct Meter: Sendable {
    private struct Sample {
        var second: Int64
        var epochs: Int64
        var records: Int64
    }

    /// Seconds that the rates are taken over.
    private static let window: Int64 = 5

    private var samples: [Sample] = []

    mutating func record(epochs: Int64, records: Int64, at now: Int64) {
        let second = now / 1_000_000_000
        if let last = samples.last, last.second == second {
            samples[samples.count - 1].epochs += epochs
            samples[samples.count - 1].records += records
        } else {
            samples.append(Sample(second: second, epochs: epochs, records: records))
            samples.removeAll { $0.second < second - Self.window }
        }
    }

    /// Of the last whole seconds.
    func rates(at now: Int64) -> (epochs: Double, records: Double) {
        let second = now / 1_000_000_000
        let whole = samples.filter { $0.second >= second - Self.window && $0.second < second }
        let epochs = whole.reduce(0) { $0 + $1.epochs }
        let records = whole.reduce(0) { $0 + $1.records }
        return (Double(epochs) / Double(Self.window), Double(records) / Double(Self.window))
    }
}

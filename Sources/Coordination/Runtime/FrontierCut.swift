internal import Log

/// Moves the limits of an epoch to where they cut no atomic append.
///
/// All records of an atomic append have one append time, and a partition's append times never decrease. So "all records with an append time
/// below *t*" is a cut that no append crosses, whatever *t* is: the largest *t* that keeps every limited partition within its
/// limit is taken. If that makes no progress, because one append is larger than the limits, the cut is right behind that append's time.
enum FrontierCut {
    /// `frontier`: what the limits allow; `previous`: the epoch before; `limited`: stored partitions that have more
    /// records than `frontier` takes. Only `stored` partitions are moved.
    static func align(
        _ frontier: Frontier, after previous: Frontier, ends: [TopicPartition: Int64], limited: Set<TopicPartition>,
        stored: Set<TopicPartition>, log: any EventLog
    ) async throws(LogError) -> Frontier {
        var time = Int64.max
        for partition in limited.sorted() {
            time = min(time, try await appendTime(partition, at: frontier[partition], log: log))
        }
        guard time < .max else { return frontier }
        let cut = try await self.cut(frontier, previous, below: time, ends: ends, stored: stored, log: log)
        if cut.hasProgress { return cut.frontier }
        // The first records of the limited partitions are of one append time, or more than the limits take.
        var first = Int64.max
        for partition in stored.sorted() where (ends[partition] ?? 0) > previous[partition] {
            first = min(first, try await appendTime(partition, at: previous[partition], log: log))
        }
        guard first < .max else { return frontier }
        return try await self.cut(frontier, previous, below: first + 1, ends: ends, stored: stored, log: log).frontier
    }

    private static func cut(
        _ frontier: Frontier, _ previous: Frontier, below time: Int64, ends: [TopicPartition: Int64],
        stored: Set<TopicPartition>, log: any EventLog
    ) async throws(LogError) -> (frontier: Frontier, hasProgress: Bool) {
        var next = frontier
        var hasProgress = false
        for partition in stored.sorted() {
            guard let end = ends[partition], end > previous[partition] else { continue }
            let offset = min(end, try await log.offset(partition, atOrAfter: time))
            next[partition] = max(previous[partition], offset)
            if offset > previous[partition] { hasProgress = true }
        }
        return (next, hasProgress)
    }

    private static func appendTime(
        _ partition: TopicPartition, at offset: Int64, log: any EventLog
    ) async throws(LogError) -> Int64 {
        try await log.read(partition, from: offset, bytesMax: 1).first?.appendTime ?? .max
    }
}

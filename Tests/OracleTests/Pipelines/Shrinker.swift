import FoundationEssentials

/// Makes a failing case smaller while it still fails: fewer views, simpler queries, fewer records, fewer columns filled.
struct Shrinker {
    /// Runs of a case that shrinking may take.
    static let runsMax = 300

    private var runs = 0

    static func shrink(seed: UInt64) throws -> Shrunk {
        var shrinker = Shrinker()
        var choices = Choices(seed: seed)
        _ = PipelineOracleTests.pipeline(seed: seed, &choices)
        var record = choices.taken
        var best = PipelineOracleTests.pipeline(seed: seed)
        best = shrinker.withFewerViews(best) ?? best
        shrinker.simplify(&record, &best, seed)
        best = shrinker.withFewerViews(best) ?? best
        shrinker.dropRecords(&best)
        best.reason = try PipelineCheck.run(best).difference ?? "passes when run again"
        return Shrunk(item: best)
    }

    /// Whether it still fails; how, is not compared: any difference is worth a look.
    private mutating func fails(_ item: PipelineCase) -> Bool {
        guard runs < Self.runsMax else { return false }
        runs += 1
        do {
            return try PipelineCheck.run(item).difference != nil
        } catch {
            return false
        }
    }

    /// Only the view that differs and those that it reads.
    private mutating func withFewerViews(_ item: PipelineCase) -> PipelineCase? {
        var smaller = item
        var shrunk = false
        for view in item.views.reversed() {
            var candidate = smaller
            candidate.views.removeAll { $0.name == view.name }
            if !candidate.views.isEmpty, fails(candidate) {
                smaller = candidate
                shrunk = true
            }
        }
        return shrunk ? smaller : nil
    }

    /// Shorter records of choices, then smaller choices.
    private mutating func simplify(_ record: inout [Int], _ best: inout PipelineCase, _ seed: UInt64) {
        let limit = Self.runsMax / 2
        func make(_ candidate: [Int]) -> PipelineCase {
            var choices = Choices(replaying: candidate)
            var item = PipelineOracleTests.pipeline(seed: seed, &choices)
            item.epochs = best.epochs
            return item
        }
        var size = max(record.count / 2, 1)
        while size >= 1, runs < limit {
            var start = 0
            while start < record.count, runs < limit {
                var candidate = record
                candidate.removeSubrange(start..<min(start + size, candidate.count))
                let item = make(candidate)
                if fails(item) {
                    record = candidate
                    best = item
                } else {
                    start += size
                }
            }
            size /= 2
        }
        for index in record.indices where record[index] != 0 && runs < limit {
            var candidate = record
            candidate[index] = 0
            let item = make(candidate)
            if fails(item) {
                record = candidate
                best = item
            }
        }
    }

    private mutating func dropRecords(_ best: inout PipelineCase) {
        for epoch in best.epochs.indices.reversed() {
            var size = max(best.epochs[epoch].count / 2, 1)
            while size >= 1 {
                var start = 0
                while start < best.epochs[epoch].count {
                    var candidate = best
                    candidate.epochs[epoch].removeSubrange(start..<min(start + size, best.epochs[epoch].count))
                    if fails(candidate) { best = candidate } else { start += size }
                }
                size /= 2
            }
        }
    }
}

/// A shrunk case, as people read it and as a file of Tests/Seeds.
struct Shrunk: CustomStringConvertible {
    var item: PipelineCase

    var description: String {
        var lines = item.tables.map { "\($0.stream.declaration);" }
        for (number, epoch) in item.epochs.enumerated() {
            lines.append("-- epoch \(number + 1)")
            for change in epoch {
                let record = change.record(of: item.tables[change.table].stream)
                lines.append("\(record.table)/\(record.partition)\(record.isTombstone ? " delete" : "") \(record.text)")
            }
        }
        for view in item.views {
            lines.append("\(view.isQuery ? "" : "CREATE MATERIALIZED VIEW \(view.name) AS ")\(view.sql);")
        }
        lines.append(item.reason)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        do {
            lines.append(String(decoding: try encoder.encode(item), as: UTF8.self))
        } catch {
            lines.append("\(error)")
        }
        return lines.joined(separator: "\n")
    }
}

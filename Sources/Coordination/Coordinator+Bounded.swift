internal import Actors
internal import Dataflow
internal import Log
internal import Logging

extension Coordinator {
    /// Waits until everything that bounded sources have is in the committed epoch: generators with a count, files that
    /// are read once. False if the node stops before.
    ///
    /// Sources without an end (pushed records, followed files, rates without a count) do not count.
    package func waitUntilDrained() async -> Bool {
        while phase != .stopped {
            if let end = await boundedEnd() {
                return await gate.wait(for: end, atMost: .seconds(Int64.max / 1_000_000_000))
            }
            // A connector is still appending; each commit is a reason to look again.
            var next = committedFrontier
            if let partition = lastEnds.keys.sorted().first { next[partition] += 1 }
            _ = await gate.wait(for: next, atMost: .milliseconds(50))
        }
        return false
    }

    /// The end of all bounded sources; nil while a connector has not finished.
    private func boundedEnd() async -> Frontier? {
        var end = Frontier()
        for topic in state.orderedTopics where readTopics.contains(topic.frontierName) {
            switch topic.plan.origin {
            case .generator(let options):
                guard let count = options.count else { continue }
                for partition in topic.partitions {
                    end[partition] = options.end(partition: partition.partition, events: count)
                }
            case .files(let options):
                guard !options.isFollowed else { continue }
                for partition in topic.partitions { end[partition] = lastEnds[partition] ?? 0 }
            case .stored:
                for table in topic.tables where ControlState.hasTask(table.schema) {
                    guard let connector = connectors[table.schema.name] else { continue }
                    guard await connector.status.state == .finished else { return nil }
                }
                do throws(LogError) {
                    for (partition, bounds) in try await log.bounds(topic.partitions) { end[partition] = bounds.end }
                } catch {
                    logger.warning("the log failed, trying again", metadata: ["error": "\(error.description)"])
                    return nil
                }
            }
        }
        return end
    }
}

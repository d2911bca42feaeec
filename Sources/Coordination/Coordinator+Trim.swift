internal import Dataflow
internal import Log

extension Coordinator {
    /// Deletes a topic's records below `offset`, unless a view needs them from the start to be rebuilt.
    ///
    /// - Throws: ``CoordinationError``: `refused`, naming the views; `topicUnknown`, `log`.
    package func trim(topic: String, partition: Int, below offset: Int64) async throws(CoordinationError) {
        try checkUnneeded(topic)
        do throws(LogError) {
            try await log.trim(TopicPartition(topic, partition), below: offset)
        } catch {
            switch error.code {
            case .topicUnknown, .partitionUnknown: throw CoordinationError(.topicUnknown, error.message)
            case .offsetOutOfRange: throw CoordinationError(.refused, error.message)
            default: throw CoordinationError(error)
            }
        }
    }

    /// Deletes what the topic's retention allows, under the same condition.
    package func applyRetention(topic: String, now: Int64) async throws(CoordinationError) {
        try checkUnneeded(topic)
        do throws(LogError) {
            try await log.applyRetention(topic, now: now, limits: [:])
        } catch {
            throw CoordinationError(error)
        }
    }

    private func checkUnneeded(_ topic: String) throws(CoordinationError) {
        guard !topic.hasPrefix(Self.reservedPrefix) else {
            throw CoordinationError(.refused, "topic \"\(topic)\" belongs to the platform")
        }
        let readers = state.readers(ofTopic: topic)
        guard readers.isEmpty else {
            let names = readers.map { "\"\($0)\"" }.joined(separator: ", ")
            throw CoordinationError(.refused, "topic \"\(topic)\" is needed from the start by \(names)")
        }
    }
}

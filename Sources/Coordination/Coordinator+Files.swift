internal import Actors
internal import Dataflow
internal import Log

/// Virtual file topics: opened when a lane first reads them, and what was read of them recorded.
///
/// The topic `_dataprism.files.<topic>.<version>` keeps, as its last record, a line `bytes records hash` for every partition.
/// After a restart a file must begin with what was read before.
extension Coordinator {
    /// How often a followed file is looked at while nothing else happens.
    private static let filePoll: Duration = .milliseconds(100)

    private func marksTopic(_ topic: ControlState.Topic) -> String {
        Self.reservedPrefix + "files.\(topic.plan.name).\(topic.createdVersion)"
    }

    /// Opens the file topics that the setup reads and that are not open; one whose files are not those read before stops.
    func openFiles(of setup: LaneSetup) async throws(CoordinationError) {
        for source in setup.sources {
            guard case .files(let options) = source.topic.origin, fileStates[source.name] == nil,
                let topic = state.topics[source.topic.name]
            else { continue }
            let marks = try await readMarks(topic)
            let opened = FileTopicOptions(
                files: topic.files, isCSV: options.isCSV, hasHeader: options.hasHeader, isFollowed: options.isFollowed,
                appendTime: topic.createdTime)
            var expected: [Int: FileMark] = [:]
            for (partition, mark) in marks.enumerated() where mark.records > 0 { expected[partition] = mark }
            do throws(CoordinationError) {
                try await group.openFiles(source.name, opened, expected: expected)
            } catch {
                guard error.code == .sourceFailed else { throw error }
                stop(source.name, error.message, isLost: true)
                continue
            }
            recordedMarks[source.name] = marks
            fileStates[source.name] = FileTopicState()
            // What was read before is checked, and counted, before anything is read.
            var scanned = await files.scan(source.name)
            while !expected.isEmpty && scanned.failure == nil && !scanned.isComplete
                && expected.contains(where: { scanned.marks[$0.key].records < $0.value.records })
            {
                scanned = await files.scan(source.name)
            }
            if let failure = scanned.failure { stop(source.name, failure, isLost: true) }
            fileStates[source.name] = scanned
        }
    }

    /// How long to wait for files at most when there is no other input; nil if no file needs looking at.
    func fileWait() -> Duration? {
        var wait: Duration?
        for topic in state.orderedTopics {
            guard case .files(let options) = topic.plan.origin, let state = fileStates[topic.frontierName],
                state.failure == nil
            else { continue }
            if !state.isComplete { return .microseconds(1) }
            if options.isFollowed { wait = Self.filePoll }
        }
        return wait
    }

    /// Records what was read of files, where that is new and its counting has come to a rest.
    func recordMarks() async throws(CoordinationError) {
        for topic in state.orderedTopics {
            guard let state = fileStates[topic.frontierName], state.isComplete, state.failure == nil,
                recordedMarks[topic.frontierName] != state.marks, let epochWriter
            else { continue }
            let name = marksTopic(topic)
            let lines = state.marks.map { "\($0.bytes) \($0.records) \($0.hash)" }.joined(separator: "\n")
            var records = RecordSet()
            records.append(value: Array(lines.utf8))
            let append = PartitionAppend(partition: TopicPartition(name, 0), records: records)
            try await retrying { () async throws(LogError) in
                try await self.log.createTopic(name, TopicConfiguration(partitions: 1))
                _ = try await epochWriter.append([append], idempotency: nil)
            }
            recordedMarks[topic.frontierName] = state.marks
        }
    }

    private func readMarks(_ topic: ControlState.Topic) async throws(CoordinationError) -> [FileMark] {
        let partition = TopicPartition(marksTopic(topic), 0)
        let known = try await retrying { () async throws(LogError) in try await self.log.topics() }
        guard known.contains(where: { $0.name == partition.topic }) else { return [] }
        let batches = try await retrying { () async throws(LogError) -> [RecordBatch] in
            guard let bounds = try await self.log.bounds([partition])[partition], bounds.end > bounds.earliest else {
                return []
            }
            return try await self.log.read(partition, from: bounds.end - 1, bytesMax: 1)
        }
        guard let last = batches.last?.records.records.last?.value else { return [] }
        return String(decoding: last, as: UTF8.self).split(separator: "\n").map { line in
            let fields = line.split(separator: " ")
            guard fields.count == 3, let bytes = Int64(fields[0]), let records = Int64(fields[1]),
                let hash = UInt64(fields[2])
            else { return FileMark() }
            return FileMark(bytes: bytes, records: records, hash: hash)
        }
    }
}

internal import Log

/// The thread that reads files, and the file topics on it.
package actor FileThread {
    private nonisolated let executor: WorkerExecutor
    private var topics: [String: FileTopic] = [:]
    private var cursors: [String: FileCursor] = [:]

    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    package init() {
        executor = WorkerExecutor(index: -1)
    }

    deinit { executor.stop() }

    package func open(
        _ name: String, _ options: FileTopicOptions, expected: [Int: FileMark]
    ) throws(ConnectorError) {
        topics[name] = try FileTopic(options, expected: expected)
    }

    package func close(_ name: String) { topics[name] = nil }

    /// Closes the readers of a lane that is gone.
    package func close(lane: LaneID) {
        for topic in topics.values { topic.close(lane) }
    }

    /// Whether these files can be opened; the first that cannot is named.
    package func check(_ paths: [String]) throws(ConnectorError) {
        for path in paths { _ = try FileStream(path: path) }
    }

    package func scan(_ name: String) -> FileTopicState { topics[name]?.scan() ?? FileTopicState() }

    /// Files are looked for here, as that may wait for the disk.
    package func files(matching path: String) -> [String] { FileTopicOptions.files(matching: path) }

    func read(
        _ partition: TopicPartition, lane: LaneID, from offset: Int64, bytesMax: Int
    ) throws(ConnectorError) -> [RecordBatch] {
        guard let topic = topics[partition.topic] else {
            throw ConnectorError("\(partition) is not open", isFinal: true)
        }
        return try topic.read(
            FileTopic.Reader(lane: lane, partition: partition.partition), from: offset, bytesMax: bytesMax)
    }

    // MARK: Cursors of connectors

    /// What a connector got of one file.
    struct Piece: Sendable {
        var records: RecordSet
        /// After these records.
        var mark: FileMark
    }

    /// Opens a file for a connector at a mark that was recorded before: what comes before it must be what was read then.
    func openCursor(
        _ id: String, path: String, isCSV: Bool, hasHeader: Bool, isFollowed: Bool, at mark: FileMark
    ) throws(ConnectorError) {
        let cursor = try FileCursor(
            path: path, isCSV: isCSV, hasHeader: hasHeader, isFollowed: isFollowed, isHashing: true)
        while cursor.mark.records < mark.records {
            let before = cursor.mark.records
            _ = try cursor.read(bytesMax: 4 << 20, recordsMax: mark.records - before, collecting: false)
            if cursor.mark.records == before {
                throw ConnectorError(
                    "\"\(path)\" has \(before) records, \(mark.records) were read before", isFinal: true)
            }
        }
        guard cursor.mark.records == 0 || cursor.mark.hash == mark.hash else {
            throw ConnectorError(
                "\"\(path)\" has changed: its first \(mark.records) records are not those read before", isFinal: true)
        }
        cursors[id] = cursor
    }

    func readCursor(_ id: String, bytesMax: Int, recordsMax: Int64) throws(ConnectorError) -> Piece {
        guard let cursor = cursors[id] else { preconditionFailure("cursor \(id) is not open") }
        let records = try cursor.read(bytesMax: bytesMax, recordsMax: recordsMax, collecting: true)
        return Piece(records: records, mark: cursor.mark)
    }

    func closeCursors(of prefix: String) {
        cursors = cursors.filter { !$0.key.hasPrefix(prefix) }
    }
}

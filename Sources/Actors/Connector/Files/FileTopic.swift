internal import Log
internal import Glibc

/// How the files of a virtual file topic are read.
package struct FileTopicOptions: Hashable, Sendable, Codable {
    /// One partition each, in this order.
    package var files: [String]
    package var isCSV: Bool
    package var hasHeader: Bool
    package var isFollowed: Bool
    /// Of every record, in microseconds since 1970: when the table was created.
    package var appendTime: Int64

    package init(files: [String], isCSV: Bool, hasHeader: Bool, isFollowed: Bool, appendTime: Int64) {
        self.files = files
        self.isCSV = isCSV
        self.hasHeader = hasHeader
        self.isFollowed = isFollowed
        self.appendTime = appendTime
    }

    /// The files that a path names, sorted: itself, or what matches if its last part has `*` or `?`.
    package static func files(matching path: String) -> [String] {
        guard path.utf8.contains(where: { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") }) else { return [path] }
        var found = glob_t()
        defer { globfree(&found) }
        guard glob(path, 0, nil, &found) == 0, let names = found.gl_pathv else { return [] }
        return (0..<Int(found.gl_pathc)).compactMap { names[$0].map { String(cString: $0) } }.sorted()
    }
}

/// The records of files that only grow, as partitions of a topic: offset = record number.
///
/// An index runs ahead of the readers and counts records, so that an epoch's end is known before it is read; it keeps a mark
/// every few megabytes, from which readers start. What was read before a restart is compared with its recorded mark. For one thread.
final class FileTopic {
    private let options: FileTopicOptions
    private var partitions: [Partition]
    /// Per reader, where it is.
    private var readers: [Reader: FileCursor] = [:]

    struct Reader: Hashable {
        var lane: LaneID
        var partition: Int
    }

    private struct Partition {
        var index: FileCursor
        var marks: [FileMark] = [FileMark()]
        /// Recorded before a restart: the index must pass it with the same hash.
        var expected: FileMark?
        var failure: String?
        /// The end of a file that is not followed has been found.
        var isDone = false
    }

    /// Bytes that the index takes of one file at once; a few milliseconds.
    private static let scanBytes = 32 << 20
    /// Bytes between two marks.
    private static let markBytes: Int64 = 4 << 20

    init(_ options: FileTopicOptions, expected: [Int: FileMark]) throws(ConnectorError) {
        self.options = options
        partitions = []
        for (number, path) in options.files.enumerated() {
            partitions.append(
                Partition(index: try Self.cursor(path, options, isHashing: true), expected: expected[number]))
        }
    }

    private static func cursor(
        _ path: String, _ options: FileTopicOptions, isHashing: Bool, from mark: FileMark = FileMark()
    ) throws(ConnectorError) -> FileCursor {
        try FileCursor(
            path: path, isCSV: options.isCSV, hasHeader: options.hasHeader, isFollowed: options.isFollowed,
            isHashing: isHashing, from: mark)
    }

    /// Counts some more records of every file.
    func scan() -> FileTopicState {
        var state = FileTopicState()
        for number in partitions.indices {
            if partitions[number].failure == nil && !partitions[number].isDone {
                do throws(ConnectorError) {
                    try scan(number)
                } catch {
                    partitions[number].failure = error.message
                }
            }
            let partition = partitions[number]
            // Records up to the recorded mark count only once the file has been found to be the same.
            let isChecked = partition.expected == nil
            state.ends.append(isChecked ? partition.index.mark.records : 0)
            state.marks.append(isChecked ? partition.index.mark : FileMark())
            if let failure = partition.failure { state.failure = failure }
            if partition.failure == nil && (!partition.index.isAtEnd || !isChecked) { state.isComplete = false }
        }
        return state
    }

    private func scan(_ number: Int) throws(ConnectorError) {
        var records = Int64.max
        if let expected = partitions[number].expected {
            records = expected.records - partitions[number].index.mark.records
        }
        let index = partitions[number].index
        if options.isFollowed { try index.checkUnchanged() }
        var left = Self.scanBytes
        while left > 0 && records > 0 {
            let before = index.mark
            _ = try index.read(
                bytesMax: Int(Self.markBytes), recordsMax: min(records, .max - before.records), collecting: false)
            let taken = index.mark.bytes - before.bytes
            if taken == 0 { break }
            left -= Int(taken)
            if records != .max { records -= index.mark.records - before.records }
            partitions[number].marks.append(index.mark)
        }
        guard let expected = partitions[number].expected else {
            partitions[number].isDone = index.isAtEnd && !options.isFollowed
            return
        }
        if index.mark.records == expected.records {
            guard index.mark.hash == expected.hash else {
                throw ConnectorError(
                    "\"\(options.files[number])\" has changed: its first \(expected.records) records are not those read before",
                    isFinal: true)
            }
            partitions[number].expected = nil
        } else if index.isAtEnd {
            throw ConnectorError(
                "\"\(options.files[number])\" has \(index.mark.records) records, \(expected.records) were read before",
                isFinal: true)
        }
    }

    /// Records from `offset` on, about `bytesMax` bytes.
    func read(_ reader: Reader, from offset: Int64, bytesMax: Int) throws(ConnectorError) -> [RecordBatch] {
        let cursor: FileCursor
        if let existing = readers[reader], existing.mark.records <= offset {
            cursor = existing
        } else {
            let path = options.files[reader.partition]
            let isCompressed = partitions[reader.partition].index.isCompressed
            let mark = isCompressed ? nil : partitions[reader.partition].marks.last { $0.records <= offset }
            cursor = try Self.cursor(path, options, isHashing: false, from: mark ?? FileMark())
            readers[reader] = cursor
        }
        while cursor.mark.records < offset {
            let before = cursor.mark.records
            _ = try cursor.read(bytesMax: 1 << 20, recordsMax: offset - before, collecting: false)
            if cursor.mark.records == before {
                throw ConnectorError(
                    "\"\(options.files[reader.partition])\" ends before record \(offset)", isFinal: true)
            }
        }
        let records = try cursor.read(bytesMax: bytesMax, recordsMax: .max - offset, collecting: true)
        guard records.count > 0 else {
            throw ConnectorError("\"\(options.files[reader.partition])\" ends before record \(offset)", isFinal: true)
        }
        return [RecordBatch(firstOffset: offset, appendTime: options.appendTime, records: records)]
    }

    func close(_ lane: LaneID) {
        readers = readers.filter { $0.key.lane != lane }
    }
}

/// How far the index of a file topic is.
package struct FileTopicState: Hashable, Sendable, Codable {
    /// Records counted, per partition.
    package var ends: [Int64] = []
    /// What they are, to record.
    package var marks: [FileMark] = []
    /// Nothing more is to be counted at the moment.
    package var isComplete = true
    /// Why a file is not read on.
    package var failure: String?

    package init() {}
}

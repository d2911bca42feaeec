package import Dataflow
internal import Log

/// Appends the records of files to a stored topic: once, or also what the files grow by and new files.
///
/// The position has a line for every file: its partition, how much of it has been read and a hash of that
/// (``FileMark``), its path. After a restart a file must still begin with what was read.
package struct FileSource: ConnectorSource {
    private let options: FileOptions
    private let topic: String
    private let files: FileThread
    private let schema: TableSchema

    /// Bytes of one file in one append.
    private static let bytesPerAppend = 2 << 20
    /// Records of one file in one append.
    private static let recordsPerAppend: Int64 = 50_000
    /// How often followed files are looked at.
    private static let poll: Duration = .milliseconds(100)

    package init(_ schema: TableSchema, files: FileThread) throws(OptionError) {
        options = try FileOptions(schema)
        topic = schema.topic
        self.schema = schema
        self.files = files
    }

    private struct File {
        var path: String
        var partition: Int
        var mark: FileMark
        var isOpen = false
    }

    package func run(_ writer: ConnectorWriter) async throws(ConnectorError) {
        var known = try Self.decode(await writer.position)
        let placement = schema.primaryKey.isEmpty ? nil : KeyPlacement(schema, partitionCount: writer.partitionCount)
        // Cursors of an earlier try may stand anywhere.
        await files.closeCursors(of: topic + "/")
        while !Task.isCancelled {
            try await findFiles(&known, partitionCount: writer.partitionCount)
            var records: [Int: RecordSet] = [:]
            var isIdle = true
            for index in known.indices {
                let piece = try await read(&known[index])
                guard piece.records.count > 0 else { continue }
                isIdle = false
                known[index].mark = piece.mark
                guard let placement else {
                    records[known[index].partition, default: RecordSet()].append(contentsOf: piece.records)
                    continue
                }
                let placed = placement.place(piece.records)
                for (partition, set) in zip(placed.partitions, placed.sets) {
                    records[partition, default: RecordSet()].append(contentsOf: set)
                }
            }
            if !isIdle {
                try await writer.append(records, position: Self.encode(known))
                continue
            }
            guard options.isFollowed else { return }
            do {
                try await Task.sleep(for: Self.poll)
            } catch {
                return
            }
        }
    }

    private func read(_ file: inout File) async throws(ConnectorError) -> FileThread.Piece {
        let id = topic + "/" + file.path
        if !file.isOpen {
            try await files.openCursor(
                id, path: file.path, isCSV: options.isCSV, hasHeader: options.hasHeader, isFollowed: options.isFollowed,
                at: file.mark)
            file.isOpen = true
        }
        return try await files.readCursor(id, bytesMax: Self.bytesPerAppend, recordsMax: Self.recordsPerAppend)
    }

    /// Adds files that have come, in order of their names, to the partitions in turn.
    private func findFiles(_ known: inout [File], partitionCount: Int) async throws(ConnectorError) {
        let found = await files.files(matching: options.path)
        guard !found.isEmpty || !known.isEmpty || options.isFollowed else {
            throw ConnectorError("no file matches \"\(options.path)\"")
        }
        let paths = Set(known.map(\.path))
        for path in found where !paths.contains(path) {
            guard !path.utf8.contains(0x0A) else {
                throw ConnectorError("a file's name has a line end: \"\(path)\"", isFinal: true)
            }
            known.append(File(path: path, partition: known.count % partitionCount, mark: FileMark()))
        }
    }

    /// A line `partition bytes records hash path` for each file.
    private static func encode(_ known: [File]) -> [UInt8] {
        Array(
            known.map { "\($0.partition) \($0.mark.bytes) \($0.mark.records) \($0.mark.hash) \($0.path)" }
                .joined(separator: "\n").utf8)
    }

    private static func decode(_ bytes: [UInt8]?) throws(ConnectorError) -> [File] {
        guard let bytes else { return [] }
        var files: [File] = []
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let fields = line.split(separator: " ", maxSplits: 4)
            guard fields.count == 5, let partition = Int(fields[0]), let bytes = Int64(fields[1]),
                let records = Int64(fields[2]), let hash = UInt64(fields[3])
            else { throw ConnectorError("the recorded position cannot be read: \(line)", isFinal: true) }
            files.append(
                File(
                    path: String(fields[4]), partition: partition,
                    mark: FileMark(bytes: bytes, records: records, hash: hash)))
        }
        return files
    }
}

extension RecordSet {
    /// Appends all records of another set.
    mutating func append(contentsOf other: RecordSet) {
        self = count == 0 ? other : RecordSet(bytes: bytes + other.bytes, lengths: lengths + other.lengths)
    }
}

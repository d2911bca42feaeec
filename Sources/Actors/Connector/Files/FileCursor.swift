internal import Log
internal import Glibc

/// What was read of a file: to notice, after a restart, that it is not the same one any more.
package struct FileMark: Hashable, Sendable, Codable {
    /// Decompressed bytes up to the end of the last record read.
    package var bytes: Int64 = 0
    package var records: Int64 = 0
    /// Of these bytes (``FileMark/mix(_:)``).
    package var hash: UInt64 = 0

    package init() {}

    package init(bytes: Int64, records: Int64, hash: UInt64) {
        self.bytes = bytes
        self.records = records
        self.hash = hash
    }

    /// Adds one record's bytes with its line end: words of eight bytes multiplied and folded, the rest padded with zeros; a format.
    mutating func mix(_ record: UnsafeRawBufferPointer) {
        var state = hash ^ UInt64(record.count) &* 0x9E37_79B9_7F4A_7C15
        var position = 0
        while position + 8 <= record.count {
            state = Self.fold(state ^ record.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            position += 8
        }
        if position < record.count {
            var word: UInt64 = 0
            for index in position..<record.count { word |= UInt64(record[index]) << UInt64(8 * (index - position)) }
            state = Self.fold(state ^ word)
        }
        hash = state
        bytes += Int64(record.count)
        records += 1
    }

    @inline(__always)
    private static func fold(_ value: UInt64) -> UInt64 {
        let product = value.multipliedFullWidth(by: 0xA076_1D64_78BD_642F)
        return product.high ^ product.low
    }
}

/// Reads the records of one file in order: lines of NDJSON, or of CSV with line ends inside of quotes.
///
/// Empty lines are not records, nor is a CSV header. Of a file that is followed, a last line without a line end waits for
/// it; of another one it is a record. For one thread.
final class FileCursor {
    private let stream: FileStream
    private let isCSV: Bool
    private let isFollowed: Bool
    /// The mark's hash is kept up; a reader behind an index that does so need not.
    private let isHashing: Bool
    private var skipsHeader: Bool
    private(set) var mark: FileMark
    /// Bytes read and not yet given out.
    private var pending: [UInt8] = []
    private var pendingUsed = 0
    private(set) var isAtEnd = false

    /// Bytes read at once.
    private static let chunkBytes = 1 << 20
    /// A record without an end within this many bytes stops the file.
    private static let recordBytesMax = 64 << 20

    /// Starts at `mark`, which must be one of the same file (0 of a compressed one).
    init(
        path: String, isCSV: Bool, hasHeader: Bool, isFollowed: Bool, isHashing: Bool,
        from mark: FileMark = FileMark()
    ) throws(ConnectorError) {
        stream = try FileStream(path: path, isWatched: isHashing)
        self.isCSV = isCSV
        self.isFollowed = isFollowed
        self.isHashing = isHashing
        self.mark = mark
        skipsHeader = hasHeader && mark.bytes == 0
        if mark.bytes > 0 { stream.seek(to: mark.bytes) }
    }

    var isCompressed: Bool { stream.isCompressed }

    /// Of a cursor that hashes: whether what was read still stands in the file (``FileStream/checkUnchanged()``).
    func checkUnchanged() throws(ConnectorError) { try stream.checkUnchanged() }

    /// Reads up to about `bytesMax` bytes or `recordsMax` records; with `collecting` also returns them. Nothing at the
    /// end of what the file has.
    func read(bytesMax: Int, recordsMax: Int64, collecting: Bool) throws(ConnectorError) -> RecordSet {
        var bytes: [UInt8] = []
        var lengths: [RecordSet.Lengths] = []
        if collecting { bytes.reserveCapacity(min(bytesMax, 8 << 20) + Self.chunkBytes) }
        let start = mark
        let limit = start.records + recordsMax
        while mark.records < limit && mark.bytes - start.bytes < Int64(bytesMax) {
            if take(limit: limit, collecting: collecting, bytes: &bytes, lengths: &lengths) { continue }
            let isMore = try fill()
            if !isMore {
                isAtEnd = true
                guard isFollowed || stream.isWhole else {
                    throw ConnectorError(
                        "\"\(stream.path)\" ends within its compressed data, after \(mark.records) records",
                        isFinal: true)
                }
                if !isFollowed { takeLast(limit: limit, collecting: collecting, bytes: &bytes, lengths: &lengths) }
                break
            }
            isAtEnd = false
        }
        return RecordSet(bytes: bytes, lengths: lengths)
    }

    /// Takes the complete records of what is pending; whether the limit was reached before its end.
    private func take(
        limit: Int64, collecting: Bool, bytes: inout [UInt8], lengths: inout [RecordSet.Lengths]
    ) -> Bool {
        var isLimited = false
        pending.withUnsafeBytes { all in
            guard let base = all.baseAddress else { return }
            while pendingUsed < all.count {
                if mark.records >= limit {
                    isLimited = true
                    return
                }
                guard let end = recordEnd(in: all, base: base) else { return }
                accept(UnsafeRawBufferPointer(rebasing: all[pendingUsed...end]), collecting, &bytes, &lengths)
                pendingUsed = end + 1
            }
        }
        return isLimited
    }

    /// Where the line end of the record at `pendingUsed` is.
    @inline(__always)
    private func recordEnd(in all: UnsafeRawBufferPointer, base: UnsafeRawPointer) -> Int? {
        var from = pendingUsed
        var isQuoted = false
        while let found = memchr(base + from, 0x0A, all.count - from) {
            let end = found - UnsafeMutableRawPointer(mutating: base)
            guard isCSV else { return end }
            for index in from..<end where all[index] == UInt8(ascii: "\"") { isQuoted.toggle() }
            if !isQuoted { return end }
            from = end + 1
        }
        return nil
    }

    /// Counts a line with its end, and gives it out without, unless it is empty or the header.
    private func accept(
        _ line: UnsafeRawBufferPointer, _ collecting: Bool, _ bytes: inout [UInt8], _ lengths: inout [RecordSet.Lengths]
    ) {
        var count = line.count
        if count > 0, line[count - 1] == 0x0A { count -= 1 }
        if count > 0, line[count - 1] == 0x0D { count -= 1 }
        if isHashing {
            mark.mix(line)
        } else {
            mark.bytes += Int64(line.count)
            mark.records += 1
        }
        if count == 0 || skipsHeader {
            mark.records -= 1
            if count > 0 { skipsHeader = false }
            return
        }
        guard collecting else { return }
        bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: line[..<count]))
        lengths.append(RecordSet.Lengths(key: -1, value: Int32(count)))
    }

    /// The last line of a file that does not grow needs no line end.
    private func takeLast(
        limit: Int64, collecting: Bool, bytes: inout [UInt8], lengths: inout [RecordSet.Lengths]
    ) {
        guard mark.records < limit, pendingUsed < pending.count else { return }
        pending.withUnsafeBytes { all in
            accept(UnsafeRawBufferPointer(rebasing: all[pendingUsed...]), collecting, &bytes, &lengths)
        }
        pending = []
        pendingUsed = 0
    }

    /// Reads more of the file behind what is pending; whether there was any.
    private func fill() throws(ConnectorError) -> Bool {
        guard pending.count - pendingUsed <= Self.recordBytesMax else {
            throw ConnectorError(
                "\"\(stream.path)\" has no line end within \(Self.recordBytesMax) bytes after byte \(mark.bytes)",
                isFinal: true)
        }
        let rest = pending[pendingUsed...]
        var outcome: Result<Int, ConnectorError> = .success(0)
        pending = [UInt8](unsafeUninitializedCapacity: rest.count + Self.chunkBytes) { target, initialized in
            _ = target.initialize(from: rest)
            let space = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(target)[rest.count...])
            outcome = Result { () throws(ConnectorError) in try stream.read(into: space) }
            initialized = rest.count
            if case .success(let count) = outcome { initialized += count }
        }
        pendingUsed = 0
        return try outcome.get() > 0
    }
}

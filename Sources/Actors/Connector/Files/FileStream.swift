internal import Glibc

/// The bytes of one file from its start on, decompressed if its name ends in `.gz` or `.zst`; also while it grows.
///
/// For one thread. `read` blocks on the disk, so it belongs on a thread of its own (``FileThread``).
final class FileStream {
    let path: String
    private let descriptor: Int32
    private let inflater: (any Inflater)?
    /// Bytes of the file taken so far, as stored.
    private var taken: Int64 = 0
    /// The first and the last of these bytes, kept where the file is watched.
    private var head: [UInt8] = []
    private var tail: [UInt8] = []
    private let isWatched: Bool
    private var lastLook: (size: Int64, seconds: Int, nanoseconds: Int)?
    private var input: [UInt8] = []
    private var inputUsed = 0

    /// Compressed bytes read at once.
    private static let inputBytes = 256 << 10
    /// Bytes at the start and before the position that are compared when a watched file has been written to.
    private static let watchedBytes = 4096

    /// - Parameter isWatched: ``checkUnchanged()`` will be called.
    init(path: String, isWatched: Bool = false) throws(ConnectorError) {
        self.path = path
        self.isWatched = isWatched
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw ConnectorError("cannot open \"\(path)\": \(String(cString: strerror(errno)))")
        }
        if path.hasSuffix(".gz") {
            inflater = GzipInflater()
        } else if path.hasSuffix(".zst") {
            inflater = ZstdInflater()
        } else {
            inflater = nil
        }
    }

    deinit { close(descriptor) }

    var isCompressed: Bool { inflater != nil }

    /// What was read ends where compressed data may end.
    var isWhole: Bool { inflater?.isAtEnd ?? true }

    /// Fills `buffer` as far as the file goes at the moment; 0 at its end.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ConnectorError) -> Int {
        guard let inflater else { return try readRaw(buffer) }
        while true {
            if inputUsed == input.count {
                var outcome: Result<Int, ConnectorError> = .success(0)
                input = [UInt8](unsafeUninitializedCapacity: Self.inputBytes) { target, count in
                    let space = UnsafeMutableRawBufferPointer(target)
                    outcome = Result { () throws(ConnectorError) in try readRaw(space) }
                    if case .success(let read) = outcome { count = read }
                }
                inputUsed = 0
                _ = try outcome.get()
                if input.isEmpty { return 0 }
            }
            let (used, made) = try input.withUnsafeBytes { bytes in
                Result { () throws(InflateError) in
                    try inflater.inflate(UnsafeRawBufferPointer(rebasing: bytes[inputUsed...]), into: buffer)
                }
            }.mapError { ConnectorError("\"\(path)\" \($0.message)", isFinal: true) }.get()
            inputUsed += used
            if made > 0 { return made }
        }
    }

    private func readRaw(_ buffer: UnsafeMutableRawBufferPointer) throws(ConnectorError) -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure("look at") }
        guard Int64(status.st_size) >= taken else {
            throw ConnectorError(
                "\"\(path)\" has been truncated to \(status.st_size) bytes, \(taken) of it were read", isFinal: true)
        }
        while true {
            let count = pread(descriptor, buffer.baseAddress, buffer.count, Int(taken))
            if count >= 0 {
                if isWatched { watch(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count])) }
                taken += Int64(count)
                return count
            }
            if errno != EINTR { throw failure("read") }
        }
    }

    private func watch(_ bytes: UnsafeRawBufferPointer) {
        if head.count < Self.watchedBytes { head += bytes.prefix(Self.watchedBytes - head.count) }
        tail = Array((tail + bytes.suffix(Self.watchedBytes)).suffix(Self.watchedBytes))
    }

    /// Whether what was read of a file that may only grow still stands there, as far as a look tells: the same file at the path, no
    /// shorter, and if it has been written to, the same bytes at its start and before the position. (After a restart all is compared.)
    func checkUnchanged() throws(ConnectorError) {
        precondition(isWatched, "nothing to compare was kept")
        var status = stat()
        var named = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure("look at") }
        guard stat(path, &named) == 0 else {
            guard errno == ENOENT else { throw failure("look at") }
            throw ConnectorError("\"\(path)\" is gone, \(taken) bytes of it were read", isFinal: true)
        }
        guard named.st_ino == status.st_ino, named.st_dev == status.st_dev else {
            throw ConnectorError("\"\(path)\" has been replaced by another file", isFinal: true)
        }
        guard Int64(status.st_size) >= taken else {
            throw ConnectorError(
                "\"\(path)\" has been truncated to \(status.st_size) bytes, \(taken) of it were read", isFinal: true)
        }
        let look = (Int64(status.st_size), status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
        if let lastLook, lastLook == look { return }
        guard try bytes(at: 0, count: head.count) == head,
            try bytes(at: taken - Int64(tail.count), count: tail.count) == tail
        else {
            throw ConnectorError(
                "\"\(path)\" has changed: its first \(taken) bytes are not those read before", isFinal: true)
        }
        lastLook = look
    }

    private func bytes(at offset: Int64, count: Int) throws(ConnectorError) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: count)
        let read = pread(descriptor, &result, count, Int(offset))
        guard read >= 0 else { throw failure("read") }
        return Array(result.prefix(read))
    }

    /// Goes on at a byte of a file that is not compressed.
    func seek(to offset: Int64) {
        precondition(inflater == nil, "a compressed file is read from its start")
        taken = offset
    }

    private func failure(_ verb: String) -> ConnectorError {
        ConnectorError("cannot \(verb) \"\(path)\": \(String(cString: strerror(errno)))")
    }
}

internal import CZlib
internal import CZstd
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
    private var input: [UInt8] = []
    private var inputUsed = 0

    /// Compressed bytes read at once.
    private static let inputBytes = 256 << 10

    init(path: String) throws(ConnectorError) {
        self.path = path
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
                Result { () throws(ConnectorError) in
                    try inflater.inflate(
                        UnsafeRawBufferPointer(rebasing: bytes[inputUsed...]), into: buffer, path: path)
                }
            }.get()
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
                taken += Int64(count)
                return count
            }
            if errno != EINTR { throw failure("read") }
        }
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

/// A decompressor of a stream: takes input, makes output, keeps the rest for the next call.
private protocol Inflater: AnyObject {
    /// Bytes of input used and of output made; either may be 0, but with input left not both.
    func inflate(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, path: String
    ) throws(ConnectorError) -> (used: Int, made: Int)
}

/// gzip, also of several members one after another.
private final class GzipInflater: Inflater {
    private let stream: UnsafeMutablePointer<z_stream>

    init() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // 15 bits of window, plus 16 for the gzip wrapper.
        let result = inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        precondition(result == Z_OK, "zlib cannot start: \(result)")
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    func inflate(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, path: String
    ) throws(ConnectorError) -> (used: Int, made: Int) {
        let bytes = input.bindMemory(to: UInt8.self)
        stream.pointee.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress)
        stream.pointee.avail_in = UInt32(bytes.count)
        stream.pointee.next_out = output.bindMemory(to: UInt8.self).baseAddress
        stream.pointee.avail_out = UInt32(output.count)
        let result = CZlib.inflate(stream, Z_NO_FLUSH)
        let used = bytes.count - Int(stream.pointee.avail_in)
        let made = output.count - Int(stream.pointee.avail_out)
        switch result {
        case Z_STREAM_END: inflateReset(stream)
        case Z_OK, Z_BUF_ERROR: break
        default: throw ConnectorError("\"\(path)\" is not valid gzip: error \(result)", isFinal: true)
        }
        return (used, made)
    }
}

/// Zstandard, also of several frames one after another.
private final class ZstdInflater: Inflater {
    private let stream: OpaquePointer

    init() {
        guard let stream = ZSTD_createDStream() else { preconditionFailure("zstd cannot start") }
        self.stream = stream
    }

    deinit { ZSTD_freeDStream(stream) }

    func inflate(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, path: String
    ) throws(ConnectorError) -> (used: Int, made: Int) {
        var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        let result = ZSTD_decompressStream(stream, &target, &source)
        guard ZSTD_isError(result) == 0 else {
            throw ConnectorError(
                "\"\(path)\" is not valid zstd: \(String(cString: ZSTD_getErrorName(result)))", isFinal: true)
        }
        return (source.pos, target.pos)
    }
}

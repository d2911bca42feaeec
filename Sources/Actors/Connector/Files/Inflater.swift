internal import CZlib
internal import CZstd

/// Why bytes cannot be decompressed.
package struct InflateError: Error, Equatable {
    /// What is wrong, to be put behind the name of what holds them.
    package var message: String
    /// They are valid so far, but make more than was allowed.
    package var isTooLarge = false
}

/// The ways in which a whole body may be compressed, by their names in HTTP.
package enum BodyEncoding: String, CaseIterable, Sendable {
    case gzip, zstd

    /// Bytes made between two looks at the limit.
    private static let stepBytes = 256 << 10

    /// The decompressed bytes; work and memory stop at `bytesMax` of them, whatever the input claims.
    package func inflate(_ bytes: [UInt8], bytesMax: Int) throws(InflateError) -> [UInt8] {
        let inflater: any Inflater =
            switch self {
            case .gzip: GzipInflater()
            case .zstd: ZstdInflater()
            }
        var output: [UInt8] = []
        var used = 0
        while true {
            var progress: Result<(used: Int, made: Int), InflateError> = .success((0, 0))
            let step = [UInt8](unsafeUninitializedCapacity: Self.stepBytes) { target, count in
                progress = bytes.withUnsafeBytes { all in
                    Result { () throws(InflateError) in
                        try inflater.inflate(
                            UnsafeRawBufferPointer(rebasing: all[used...]), into: UnsafeMutableRawBufferPointer(target))
                    }
                }
                if case .success(let done) = progress { count = done.made }
            }
            let done = try progress.get()
            used += done.used
            guard output.count + step.count <= bytesMax else {
                throw InflateError(message: "has more than \(bytesMax) bytes when decompressed", isTooLarge: true)
            }
            output += step
            // Without input left, output that fills its space may go on.
            if used == bytes.count, done.made < Self.stepBytes { break }
            if done.used == 0, done.made == 0 { throw InflateError(message: "is not valid \(rawValue)") }
        }
        guard inflater.isAtEnd else { throw InflateError(message: "ends within its \(rawValue) data") }
        return output
    }
}

/// A decompressor of a stream: takes input, makes output, keeps the rest for the next call.
protocol Inflater: AnyObject {
    /// Between two members or frames, or before the first.
    var isAtEnd: Bool { get }

    /// Bytes of input used and of output made; either may be 0, but with input left not both.
    func inflate(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(InflateError) -> (used: Int, made: Int)
}

/// gzip, also of several members one after another.
final class GzipInflater: Inflater {
    private let stream: UnsafeMutablePointer<z_stream>
    private(set) var isAtEnd = true

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
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(InflateError) -> (used: Int, made: Int) {
        guard !input.isEmpty || !isAtEnd else { return (0, 0) }
        let bytes = input.bindMemory(to: UInt8.self)
        stream.pointee.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress)
        stream.pointee.avail_in = UInt32(bytes.count)
        stream.pointee.next_out = output.bindMemory(to: UInt8.self).baseAddress
        stream.pointee.avail_out = UInt32(output.count)
        let result = CZlib.inflate(stream, Z_NO_FLUSH)
        let used = bytes.count - Int(stream.pointee.avail_in)
        let made = output.count - Int(stream.pointee.avail_out)
        switch result {
        case Z_STREAM_END:
            inflateReset(stream)
            isAtEnd = true
        case Z_OK, Z_BUF_ERROR: isAtEnd = false
        default: throw InflateError(message: "is not valid gzip: error \(result)")
        }
        return (used, made)
    }
}

/// Zstandard, also of several frames one after another.
final class ZstdInflater: Inflater {
    private let stream: OpaquePointer
    private(set) var isAtEnd = true

    init() {
        guard let stream = ZSTD_createDStream() else { preconditionFailure("zstd cannot start") }
        self.stream = stream
    }

    deinit { ZSTD_freeDStream(stream) }

    func inflate(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(InflateError) -> (used: Int, made: Int) {
        guard !input.isEmpty || !isAtEnd else { return (0, 0) }
        var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        let result = ZSTD_decompressStream(stream, &target, &source)
        guard ZSTD_isError(result) == 0 else {
            throw InflateError(message: "is not valid zstd: \(String(cString: ZSTD_getErrorName(result)))")
        }
        isAtEnd = result == 0
        return (source.pos, target.pos)
    }
}

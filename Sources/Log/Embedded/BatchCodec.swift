internal import CXXHash
internal import CZstd

/// A batch of records as a blob.
///
/// Layout, little-endian: byte 0 the format (1), byte 1 the compression (0 none, 1 zstd), bytes 2–9 the XXH3 hash (64 bits, seed 0) of
/// everything after byte 10 and of the batch's place (topic id, partition, first offset, record count, append time), bytes 10–13 the length of the
/// plain content; then the content: for each record two 4-byte lengths (key, value; −1 for none), then the packed keys and values.
enum BatchCodec {
    static let headerBytes = 14
    /// Larger contents are refused: a record of the largest size fits many times.
    static let contentBytesMax = 256 << 20
    private static let compressionLevel: Int32 = 1

    /// The blob without its hash, which needs the first offset: see ``seal(_:_:)``.
    static func encode(_ records: RecordSet) -> [UInt8] {
        let lengthBytes = records.count * 8
        let contentBytes = lengthBytes + records.bytes.count
        let content = [UInt8](unsafeUninitializedCapacity: contentBytes) { buffer, count in
            let target = UnsafeMutableRawBufferPointer(buffer)
            records.lengths.withUnsafeBytes { target.copyMemory(from: $0) }
            records.bytes.withUnsafeBytes {
                UnsafeMutableRawBufferPointer(rebasing: target[lengthBytes...]).copyMemory(from: $0)
            }
            count = contentBytes
        }
        let bound = ZSTD_compressBound(contentBytes)
        return [UInt8](unsafeUninitializedCapacity: headerBytes + bound) { buffer, count in
            guard let base = buffer.baseAddress else { preconditionFailure("a buffer of \(bound) bytes has no memory") }
            let raw = UnsafeMutableRawPointer(base)
            let size = content.withUnsafeBytes {
                ZSTD_compress(raw + headerBytes, bound, $0.baseAddress, contentBytes, compressionLevel)
            }
            let isCompressed = ZSTD_isError(size) == 0 && size < contentBytes
            raw.storeBytes(of: 1, as: UInt8.self)
            raw.storeBytes(of: isCompressed ? 1 : 0, toByteOffset: 1, as: UInt8.self)
            raw.storeBytes(of: UInt32(contentBytes), toByteOffset: 10, as: UInt32.self)
            if isCompressed {
                count = headerBytes + size
            } else {
                content.withUnsafeBytes {
                    (raw + headerBytes).copyMemory(
                        from: $0.baseAddress ?? UnsafeRawPointer(raw), byteCount: contentBytes)
                }
                count = headerBytes + contentBytes
            }
        }
    }

    /// Writes the hash, once the batch's place is known.
    static func seal(_ blob: inout [UInt8], _ place: Place) {
        let hash = blob.withUnsafeBytes { Self.hash($0, place) }
        blob.withUnsafeMutableBytes { $0.storeBytes(of: hash, toByteOffset: 2, as: UInt64.self) }
    }

    /// Where a batch lies: part of the hash, so that a blob in another's row is found out.
    struct Place {
        var topic: Int64
        var partition: Int64
        var firstOffset: Int64
        var count: Int64
        /// Microseconds since 1970.
        var appendTime: Int64
    }

    private static func hash(_ blob: UnsafeRawBufferPointer, _ place: Place) -> UInt64 {
        var place = place
        let seed = withUnsafeBytes(of: &place) { XXH3_64bits($0.baseAddress, $0.count) }
        return XXH3_64bits_withSeed(blob.baseAddress.map { $0 + 10 }, blob.count - 10, seed &+ UInt64(blob[1]))
    }

    /// The length of the plain content as the blob has it, unchecked: to stop reading in time, not to trust.
    static func contentBytes(_ blob: UnsafeRawBufferPointer) -> Int {
        blob.count >= headerBytes ? Int(blob.loadUnaligned(fromByteOffset: 10, as: UInt32.self)) : 0
    }

    /// The records, or nil if the blob is not what was written.
    static func decode(_ blob: UnsafeRawBufferPointer, _ place: Place) -> RecordSet? {
        guard blob.count >= headerBytes, blob[0] == 1, blob[1] <= 1,
            blob.loadUnaligned(fromByteOffset: 2, as: UInt64.self) == hash(blob, place)
        else { return nil }
        let contentBytes = Int(blob.loadUnaligned(fromByteOffset: 10, as: UInt32.self))
        let lengthBytes = Int(place.count) * 8
        guard contentBytes <= contentBytesMax, lengthBytes <= contentBytes else { return nil }
        let stored = UnsafeRawBufferPointer(rebasing: blob[headerBytes...])
        if blob[1] == 0 {
            return stored.count == contentBytes ? split(stored, lengthBytes) : nil
        }
        return withUnsafeTemporaryAllocation(byteCount: max(contentBytes, 1), alignment: 8) { content in
            let size = ZSTD_decompress(content.baseAddress, contentBytes, stored.baseAddress, stored.count)
            guard ZSTD_isError(size) == 0, size == contentBytes else { return nil }
            return split(UnsafeRawBufferPointer(rebasing: content[0..<contentBytes]), lengthBytes)
        }
    }

    private static func split(_ content: UnsafeRawBufferPointer, _ lengthBytes: Int) -> RecordSet? {
        let lengths = [RecordSet.Lengths](unsafeUninitializedCapacity: lengthBytes / 8) { buffer, count in
            UnsafeMutableRawBufferPointer(buffer).copyMemory(
                from: UnsafeRawBufferPointer(rebasing: content[0..<lengthBytes]))
            count = lengthBytes / 8
        }
        var total = 0
        for length in lengths {
            guard length.key >= -1, length.value >= -1 else { return nil }
            total += Int(max(length.key, 0)) + Int(max(length.value, 0))
        }
        guard total == content.count - lengthBytes else { return nil }
        return RecordSet(bytes: Array(content[lengthBytes...]), lengths: lengths)
    }
}

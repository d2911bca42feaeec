package import Dataflow

/// Messages of one exchange edge between workers of two nodes, as one frame of its stream.
///
/// The stream's path names the generation and the two workers; the transport checks the frame's bytes. Little-endian:
/// ```
/// version: u8 = 1 | messages, each:
///     kind: u8 (1 rows, 2 barrier) | lane: i64 | step: i64 | edge: i64 | rows: a delta's bytes (``DeltaCodec``)
/// ```
package enum ExchangeFrame {
    private static let version: UInt8 = 1
    private static let rowsKind: UInt8 = 1
    private static let barrierKind: UInt8 = 2
    private static let headBytes = 25

    /// One message of a frame; of what a worker is told only what other workers may tell it.
    package struct Entry {
        package var lane: LaneID
        package var step: Int64
        package var message: ExchangeMessage

        package init(lane: LaneID, step: Int64, message: ExchangeMessage) {
            self.lane = lane
            self.step = step
            self.message = message
        }
    }

    package static func encode(_ entries: [Entry]) -> [UInt8] {
        var bytes: [UInt8] = [version]
        for entry in entries {
            switch entry.message {
            case .rows(let edge, let delta):
                append(rowsKind, entry, edge, to: &bytes)
                DeltaCodec.encode(delta, to: &bytes)
            case .barrier(let edge):
                append(barrierKind, entry, edge, to: &bytes)
            }
        }
        return bytes
    }

    private static func append(_ kind: UInt8, _ entry: Entry, _ edge: OperatorID, to bytes: inout [UInt8]) {
        bytes.append(kind)
        for number in [Int64(entry.lane.rawValue), entry.step, Int64(edge.rawValue)] {
            withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
        }
    }

    /// - Throws: for bytes that are no frame; nothing of them counts.
    package static func decode(_ bytes: [UInt8]) throws(DeltaCodecError) -> [Entry] {
        guard bytes.first == version else { throw DeltaCodecError("a frame of another version") }
        return try bytes.withUnsafeBytes { buffer -> Result<[Entry], DeltaCodecError> in
            do throws(DeltaCodecError) {
                return .success(try entries(buffer))
            } catch {
                return .failure(error)
            }
        }.get()
    }

    private static func entries(_ buffer: UnsafeRawBufferPointer) throws(DeltaCodecError) -> [Entry] {
        var entries: [Entry] = []
        var position = 1
        while position < buffer.count {
            guard buffer.count - position >= headBytes else { throw DeltaCodecError("a frame is cut") }
            let kind = buffer[position]
            let numbers = (0..<3).map { index in
                Int(
                    Int64(
                        littleEndian: buffer.loadUnaligned(
                            fromByteOffset: position + 1 + 8 * index, as: Int64.self)))
            }
            position += headBytes
            let edge = OperatorID(numbers[2])
            let message: ExchangeMessage
            switch kind {
            case rowsKind: message = .rows(edge: edge, try DeltaCodec.decode(buffer, at: &position))
            case barrierKind: message = .barrier(edge: edge)
            default: throw DeltaCodecError("a message of kind \(kind)")
            }
            entries.append(Entry(lane: LaneID(numbers[0]), step: Int64(numbers[1]), message: message))
        }
        return entries
    }
}

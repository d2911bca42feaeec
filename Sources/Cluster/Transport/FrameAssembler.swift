internal import CXXHash

/// Messages on an ordered byte stream: a length, a checksum, the bytes.
///
/// ```
/// length: u32 LE | checksum: u64 LE, XXH3 of the bytes with the frame's number on the stream as seed | bytes
/// ```
/// The number, from 0, is not sent: a frame that is lost, repeated or out of its place fails its checksum.
package enum FrameFormat {
    package static let headBytes = 12

    /// The head of the frame of that number.
    package static func head(of payload: [UInt8], number: UInt64) -> [UInt8] {
        var head: [UInt8] = []
        head.reserveCapacity(headBytes)
        var length = UInt32(payload.count)
        for _ in 0..<4 {
            head.append(UInt8(truncatingIfNeeded: length))
            length >>= 8
        }
        var sum = checksum(of: payload, number: number)
        for _ in 0..<8 {
            head.append(UInt8(truncatingIfNeeded: sum))
            sum >>= 8
        }
        return head
    }

    static func checksum(of payload: [UInt8], number: UInt64) -> UInt64 {
        payload.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return XXH3_64bits_withSeed(nil, 0, number) }
            return XXH3_64bits_withSeed(base, bytes.count, number)
        }
    }
}

/// One whole message of a stream.
package struct ReceivedFrame: Sendable {
    package let bytes: [UInt8]
    /// What to give back by ``ByteStream/consumed(_:)`` once the frame has been processed.
    package let credit: Int
}

/// Puts the frames of one stream together again from the pieces in which they come.
///
/// Credit: a frame keeps at most half a window until it is consumed; what is longer is given back as it comes, else a frame
/// longer than the window could never become whole. So a stream holds at most half a window of credit and one frame.
package struct FrameAssembler: Sendable {
    private let frameBytesMax: Int
    private let creditMax: Int
    private var number: UInt64 = 0
    private var head: [UInt8] = []
    private var payload: [UInt8] = []
    /// Length and checksum of the frame whose payload is coming.
    private var expected: (length: Int, checksum: UInt64)?
    /// Bytes of the frame that came and were not given back.
    private var held = 0

    /// Memory reserved on the word of a length that has not come yet.
    private static let reservedBytesMax = 1024 * 1024

    package init(frameBytesMax: Int, windowBytes: Int) {
        self.frameBytesMax = frameBytesMax
        creditMax = max(windowBytes / 2, 1)
    }

    /// Whether a frame has begun and not ended: a stream that ends here was cut.
    package var isWithinFrame: Bool { !head.isEmpty || expected != nil }

    /// Takes what came; appends the frames that it completes.
    ///
    /// - Returns: bytes to give back to the stream's window at once.
    /// - Throws: `tooLarge` for a length over the limit, `corrupt` for a checksum. The stream is unusable then.
    package mutating func append(
        _ bytes: UnsafeRawBufferPointer, to frames: inout [ReceivedFrame]
    ) throws(CallError) -> Int {
        var rest = bytes[...]
        var released = 0
        while !rest.isEmpty {
            let wanted: Int
            if let expected {
                wanted = expected.length - payload.count
                payload.append(contentsOf: rest.prefix(wanted))
            } else {
                wanted = FrameFormat.headBytes - head.count
                head.append(contentsOf: rest.prefix(wanted))
            }
            let taken = min(wanted, rest.count)
            rest = rest.dropFirst(taken)
            held += taken
            if expected == nil && head.count == FrameFormat.headBytes { try begin() }
            if held > creditMax {
                released += held - creditMax
                held = creditMax
            }
            if let expected, payload.count == expected.length { frames.append(try finish(expected.checksum)) }
        }
        return released
    }

    private mutating func begin() throws(CallError) {
        var length = 0
        for index in 0..<4 { length |= Int(head[index]) << (8 * index) }
        var checksum: UInt64 = 0
        for index in 0..<8 { checksum |= UInt64(head[4 + index]) << UInt64(8 * index) }
        guard length <= frameBytesMax else {
            throw CallError(.tooLarge, "a frame of \(length) bytes exceeds the limit of \(frameBytesMax)")
        }
        head.removeAll(keepingCapacity: true)
        expected = (length, checksum)
        payload.reserveCapacity(min(length, Self.reservedBytesMax))
    }

    private mutating func finish(_ checksum: UInt64) throws(CallError) -> ReceivedFrame {
        let actual = FrameFormat.checksum(of: payload, number: number)
        guard actual == checksum else {
            throw CallError(.corrupt, "frame \(number) of \(payload.count) bytes fails its checksum")
        }
        let frame = ReceivedFrame(bytes: payload, credit: held)
        payload = []
        expected = nil
        held = 0
        number += 1
        return frame
    }
}

import Cluster
import Testing

/// Frames from pieces of any size; nothing damaged passes, nothing traps.
struct FrameAssemblerTests {
    private static func encode(_ frames: [[UInt8]]) -> [UInt8] {
        frames.enumerated().flatMap { FrameFormat.head(of: $0.element, number: UInt64($0.offset)) + $0.element }
    }

    /// Feeds `bytes` in pieces; the frames, and the bytes given back while they came.
    private static func feed(
        _ bytes: [UInt8], pieces: (inout SplitMix) -> Int, seed: UInt64, max: Int = 1 << 20, window: Int = 1000
    ) throws(CallError) -> (frames: [ReceivedFrame], released: Int, isWithinFrame: Bool, heldMost: Int) {
        var assembler = FrameAssembler(frameBytesMax: max, windowBytes: window)
        var generator = SplitMix(seed: seed)
        var frames: [ReceivedFrame] = []
        var released = 0
        var heldMost = 0
        var start = 0
        while start < bytes.count {
            let piece = Array(bytes[start..<min(start + pieces(&generator), bytes.count)])
            start += piece.count
            let result: Result<Int, CallError> = piece.withUnsafeBytes { piece in
                do throws(CallError) {
                    return .success(try assembler.append(piece, to: &frames))
                } catch {
                    return .failure(error)
                }
            }
            released += try result.get()
            heldMost = Swift.max(heldMost, start - released - frames.reduce(0) { $0 + $1.credit })
        }
        return (frames, released, assembler.isWithinFrame, heldMost)
    }

    @Test("any split gives the same frames, and all credit is accounted for", arguments: 1...20 as ClosedRange<UInt64>)
    func splits(seed: UInt64) throws {
        var generator = SplitMix(seed: seed)
        let frames = (0..<Int.random(in: 1...12, using: &generator)).map { _ in
            (0..<[0, 1, 5, 400, 600, 5000].randomElement(using: &generator)!).map { _ in
                UInt8.random(in: .min ... .max, using: &generator)
            }
        }
        let bytes = Self.encode(frames)
        for most in [1, 3, 100, 10_000] {
            let got = try Self.feed(bytes, pieces: { Int.random(in: 1...most, using: &$0) }, seed: seed)
            #expect(got.frames.map(\.bytes) == frames)
            #expect(!got.isWithinFrame)
            #expect(got.released + got.frames.reduce(0) { $0 + $1.credit } == bytes.count)
            #expect(got.frames.allSatisfy { $0.credit <= 500 })
            // Half a window at most is held back for a frame that is not whole: a longer one always goes on.
            #expect(got.heldMost <= 500)
        }
    }

    @Test("every flipped bit and every truncation is found")
    func damage() throws {
        let frames: [[UInt8]] = [Array(0..<40), [], [7, 7, 7]]
        let bytes = Self.encode(frames)
        for index in bytes.indices {
            for bit in 0..<8 as Range<UInt8> {
                var damaged = bytes
                damaged[index] ^= 1 << bit
                do throws(CallError) {
                    let got = try Self.feed(damaged, pieces: { _ in 17 }, seed: 1)
                    // A length that became larger waits for bytes that do not come.
                    #expect(got.isWithinFrame && got.frames.count < frames.count, "byte \(index) bit \(bit)")
                } catch {
                    #expect(error.status == .corrupt || error.status == .tooLarge)
                }
            }
        }
        for count in 0..<bytes.count {
            let got = try Self.feed(Array(bytes.prefix(count)), pieces: { _ in 9 }, seed: 1)
            #expect(got.frames.count < frames.count)
        }
    }

    @Test("a frame repeated, lost or out of its place is found")
    func order() throws {
        let one = FrameFormat.head(of: [1], number: 0) + [1]
        let two = FrameFormat.head(of: [1], number: 1) + [1]
        #expect(try Self.feed(one + two, pieces: { _ in 5 }, seed: 1).frames.count == 2)
        for bytes in [one + one, two, two + one] {
            let error = #expect(throws: CallError.self) { try Self.feed(bytes, pieces: { _ in 5 }, seed: 1) }
            #expect(error?.status == .corrupt)
        }
    }

    @Test("a length over the limit is refused by its head alone")
    func limit() throws {
        let bytes = Array(FrameFormat.head(of: [UInt8](repeating: 0, count: 101), number: 0))
        let error = #expect(throws: CallError.self) {
            try Self.feed(bytes, pieces: { _ in 12 }, seed: 1, max: 100)
        }
        #expect(error?.status == .tooLarge)
    }

    /// The bytes of version 1; the checksum is that of Python's xxhash.
    @Test("golden bytes")
    func golden() throws {
        let bytes: [UInt8] = FrameFormat.head(of: Array("dataprism".utf8), number: 2)
        #expect(bytes == [0x09, 0x00, 0x00, 0x00, 0x24, 0x4b, 0x88, 0x98, 0x6b, 0x28, 0x9c, 0x6f])
    }
}

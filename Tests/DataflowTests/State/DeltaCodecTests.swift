import Dataflow
import Testing

/// Deltas as bytes: what is read back prints the same, and no damage is a trap. Deltas are random over all types, with NULLs and weights.
@Suite struct DeltaCodecTests {
    private func randomDelta(_ rng: inout EngineRandom, rowsMax: Int = 300) -> Delta {
        let types = (0..<rng.below(6)).map { _ in rng.pick(Values.types) }
        let count = min(rowsMax, rng.pick([0, 1, 2, 63, 64, 65, rng.below(300)]))
        let rows = (0..<count).map { _ in types.map { Values.random($0, using: &rng) } }
        let weights = rng.chance(50) ? (0..<count).map { _ in Int64(rng.below(9)) - 4 } : nil
        return Values.delta(rows, types, weights: weights)
    }

    @Test(arguments: 0..<40) func whatIsReadBackIsTheSame(seed: Int) throws {
        var rng = EngineRandom(seed: UInt64(seed))
        let deltas = (0..<5).map { _ in randomDelta(&rng) }
        var bytes: [UInt8] = []
        for delta in deltas { DeltaCodec.encode(delta, to: &bytes) }
        let read = try DeltaCodec.decodeAll(bytes)
        #expect(read.count == deltas.count)
        for (mine, theirs) in zip(read, deltas) {
            #expect(mine.columns.map(\.type) == theirs.columns.map(\.type))
            #expect(mine.count == theirs.count)
            for row in 0..<mine.count {
                #expect(mine.weight(at: row) == theirs.weight(at: row))
                let pair = zip(mine.columns, theirs.columns)
                #expect(pair.allSatisfy { Values.printed($0.datum(at: row)) == Values.printed($1.datum(at: row)) })
            }
        }
    }

    @Test(arguments: 0..<10) func aCutIsAnError(seed: Int) {
        var rng = EngineRandom(seed: UInt64(1_000 + seed))
        var bytes: [UInt8] = []
        DeltaCodec.encode(randomDelta(&rng, rowsMax: 10), to: &bytes)
        for length in 1..<max(1, bytes.count) {
            #expect(throws: DeltaCodecError.self) { try DeltaCodec.decodeAll(Array(bytes[..<length])) }
        }
    }

    /// A changed byte may give another delta (the transport's checksum is what notices), but never a trap.
    @Test(arguments: 0..<10) func aChangedByteIsNoTrap(seed: Int) {
        var rng = EngineRandom(seed: UInt64(2_000 + seed))
        var bytes: [UInt8] = []
        DeltaCodec.encode(randomDelta(&rng, rowsMax: 10), to: &bytes)
        for position in bytes.indices {
            var damaged = bytes
            damaged[position] ^= UInt8(1 << rng.below(8))
            do {
                for delta in try DeltaCodec.decodeAll(damaged) {
                    #expect(delta.columns.allSatisfy { $0.count == delta.count })
                }
            } catch {
                #expect(!error.message.isEmpty)
            }
        }
    }

    /// The bytes of version 1, for ever.
    @Test func theFormatStays() throws {
        let delta = Values.delta(
            [[.bigint(7), .text("ab")], [.null, .text("")]], [.bigint, .text], weights: [1, -2])
        var bytes: [UInt8] = []
        DeltaCodec.encode(delta, to: &bytes)
        let head: [UInt8] = [
            1, 1, 2, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
        ]
        #expect(Array(bytes.prefix(24)) == head)
        #expect(Array(bytes[24..<31]) == [6] + Array("bigint".utf8))
        let text = Array("text".utf8)
        let tail: [UInt8] = [4] + text + [0, 0, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0] + Array("ab".utf8)
        #expect(Array(bytes.suffix(tail.count)) == tail)
    }
}

import Cluster
import Testing

/// A type with everything that control calls carry.
private struct Everything: Codable, Equatable {
    struct Inner: Codable, Equatable {
        var name: String
        var maybe: Int?
        var deeper: [Inner]
    }
    enum Kind: String, Codable { case one, two }
    enum Payload: Codable, Equatable {
        case none
        case some(Int, label: String)
    }

    var flag = true
    var small: Int8 = -128
    var large: UInt64 = .max
    var least: Int64 = .min
    var wide: [Int128] = [.min, .max, -1, 0, -(1 << 64), -(1 << 64) - 1, 1 << 64, (1 << 64) - 1]
    var widest: Int128 = -5
    var double = -0.1
    var float: Float = 1.5
    var text = "grüße \u{0} 🙂"
    var bytes: [UInt8] = [0, 255]
    var noInts: [Int] = []
    var noBytes: [UInt8] = []
    var ints = [1, -1, 23, 24, 255, 256, 65_535, 65_536, 1 << 40]
    var kind = Kind.two
    var payload = Payload.some(3, label: "x")
    var optionals: [Int?] = [nil, 1]
    var map = ["a": [1], "b": []]
    var inner = Inner(name: "o", maybe: nil, deeper: [Inner(name: "i", maybe: 5, deeper: [])])
    var id = ClusterActorID(node: TransportFixture.node("a", 3), name: "x/y")
}

/// Arguments and results as bytes: everything comes back, and no bytes at all can do harm.
struct CBORTests {
    @Test("what is written is read")
    func roundTrip() throws {
        let bytes = try CBOREncoder().encode(Everything())
        #expect(try CBORDecoder().decode(Everything.self, from: bytes) == Everything())
        for value in [Int?.none, 3] {
            #expect(try CBORDecoder().decode(Int?.self, from: CBOREncoder().encode(value)) == value)
        }
        let nan = try CBORDecoder().decode(Double.self, from: CBOREncoder().encode(Double.nan))
        #expect(nan.isNaN)
    }

    @Test("fields of a later version are ignored, missing ones are named")
    func evolution() throws {
        struct Old: Codable { var a: Int }
        struct New: Codable {
            var a: Int
            var b: [String: [Int]]
        }
        let new = try CBOREncoder().encode(New(a: 1, b: ["x": [1, 2]]))
        #expect(try CBORDecoder().decode(Old.self, from: new).a == 1)
        let error = #expect(throws: CallError.self) {
            try CBORDecoder().decode(New.self, from: CBOREncoder().encode(Old(a: 1)))
        }
        #expect(error == CallError(.invalidArgument, "the field b is missing"))
    }

    @Test("a value of another type is refused by name")
    func mismatch() throws {
        struct Row: Codable { var a: Int8 }
        struct Wide: Codable { var a: Int }
        let error = #expect(throws: CallError.self) {
            try CBORDecoder().decode(Row.self, from: CBOREncoder().encode(Wide(a: 200)))
        }
        #expect(error == CallError(.invalidArgument, "the field a is an integer, not an integer of type Int8"))
        // −2⁶⁴, which no integer of ours holds.
        #expect(throws: CallError.self) {
            try CBORDecoder().decode(Int.self, from: [0x3b] + [UInt8](repeating: 0xff, count: 8))
        }
    }

    @Test(
        "what is malformed or outside of the subset is refused",
        arguments: [
            [], [0xff], [0x1c], [0x5f, 0x41, 0x00, 0xff], [0x9f, 0xff], [0xc0, 0x00], [0xf9, 0x3c, 0x00], [0xf7],
            [0x61, 0xff], [0xa1, 0x01, 0x02], [0xa2, 0x61, 0x61, 0x01, 0x61, 0x61, 0x02], [0x01, 0x01],
            // Lengths of 2⁶⁴ − 1 and of 2³² with nothing behind them.
            [0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            [0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            [0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], [0x7a, 0xff, 0xff, 0xff, 0xff],
        ] as [[UInt8]])
    func malformed(bytes: [UInt8]) {
        #expect(throws: CallError.self) { try CBORValue.decode(bytes) }
    }

    @Test("nesting, items and bytes have limits, on both sides")
    func limits() throws {
        #expect(throws: CallError.self) { try CBORValue.decode([UInt8](repeating: 0x81, count: 100_000) + [0x00]) }
        _ = try CBORValue.decode([UInt8](repeating: 0x81, count: 32) + [0x00])
        #expect(throws: CallError.self) { try CBORValue.decode([UInt8](repeating: 0x81, count: 33) + [0x00]) }
        var limits = CBORValue.Limits()
        limits.itemsMax = 3
        _ = try CBORValue.decode([0x82, 0x00, 0x00], limits: limits)
        #expect(throws: CallError.self) { try CBORValue.decode([0x83, 0x00, 0x00, 0x00], limits: limits) }
        limits.bytesMax = 10
        #expect(throws: CallError.self) { try CBOREncoder(limits: limits).encode("eleven bytes") }
        indirect enum Chain: Codable {
            case end
            case next(Chain)
        }
        var chain = Chain.end
        for _ in 0..<200 { chain = .next(chain) }
        #expect(throws: CallError.self) { try CBOREncoder().encode(chain) }
    }

    @Test("every flipped byte of a message decodes or is refused; none traps", arguments: [1, 2, 3] as [UInt64])
    func noise(seed: UInt64) throws {
        var generator = SplitMix(seed: seed)
        let bytes = try CBOREncoder().encode(Everything())
        for _ in 0..<5_000 {
            var changed = bytes
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                changed[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(
                    in: .min ... .max, using: &generator)
            }
            if Bool.random(using: &generator) {
                changed.removeLast(Int.random(in: 0...changed.count, using: &generator))
            }
            // Whether it throws is the bytes' affair; that it returns is the test.
            _ = Result { try CBORDecoder().decode(Everything.self, from: changed) }
        }
    }

    /// The bytes of version 1, made by Python's cbor2; they must decode for ever.
    @Test("golden bytes of a call")
    func golden() throws {
        let hex =
            "a362746fa2646e6f6465a2646e616d6561616b696e6361726e6174696f6e07646e616d656767726565746572666d6574686f646d"
            + "677265657465722e677265657469617267756d656e7473896178221903e8f5f6fb3ff800000000000042010282011b8000000000"
            + "000000a1616b3b7fffffffffffffff"
        let bytes = stride(from: 0, to: hex.count, by: 2).map { offset in
            let start = hex.index(hex.startIndex, offsetBy: offset)
            return UInt8(hex[start..<hex.index(start, offsetBy: 2)], radix: 16) ?? 0
        }
        let call = try ActorCall.decode(bytes, limits: CBORValue.Limits())
        #expect(call.target == ClusterActorID(node: TransportFixture.node("a", 7), name: "greeter"))
        #expect(call.method == "greeter.greet" && call.arguments.count == 9)
        #expect(try call.encoded(limits: CBORValue.Limits()) == bytes)
    }
}

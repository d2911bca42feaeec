// Exact sums against Python's math.fsum over the same seeded doubles: finds a sum that rounds twice, or that depends on the order.
import Dataflow
import Testing

@Suite struct ExactSumTests {
    /// Seed, least and upper bound of the biased exponents, count, and the bits of `math.fsum`.
    static let vectors: [(UInt64, Int, Int, Int, UInt64)] = [
        (1, 0, 2000, 1000, 0xFCEA8F9042E378EE),
        (2, 1000, 1040, 1000, 0xC111CEDF235EE998),
        (3, 0, 60, 500, 0x03C0207ABE9C4A38),
        (4, 1020, 1026, 1000, 0xC056ECFAEA9093A9),
        (5, 900, 1100, 300, 0x44A1C153EF773BD3),
        (6, 1990, 2040, 40, 0xFF7B8F13D9E255D3),
        (7, 0, 3, 200, 0x8043CF57C7607DA8),
        (8, 1, 2030, 5000, 0xFEB84A7A441A3622),
        (9, 0, 1, 300, 0x80427CF9E755E767),
        (10, 1023, 1024, 4000, 0xC04F26AA20806C89),
    ]

    static func values(_ seed: UInt64, _ low: Int, _ high: Int, _ count: Int) -> [Double] {
        var rng = EngineRandom(seed: seed)
        return (0..<count).map { _ in
            let bits = rng.next()
            let exponent = UInt64(low) + rng.next() % UInt64(high - low)
            return Double(bitPattern: bits & 0x800F_FFFF_FFFF_FFFF | exponent << 52)
        }
    }

    @Test(arguments: vectors)
    func sumsLikeFsum(_ vector: (seed: UInt64, low: Int, high: Int, count: Int, expected: UInt64)) {
        var numbers = Self.values(vector.seed, vector.low, vector.high, vector.count)
        var rng = EngineRandom(seed: vector.seed)
        for _ in 0..<3 {
            var sum = ExactSum()
            for number in numbers { sum.add(number, weight: 1) }
            #expect(sum.value.bitPattern == vector.expected)
            // What is taken back leaves no trace, whatever came between.
            for number in numbers.reversed() { sum.add(number, weight: 3) }
            for number in numbers { sum.add(number, weight: -3) }
            #expect(sum.value.bitPattern == vector.expected)
            for number in numbers { sum.add(number, weight: -1) }
            #expect(sum.value == 0)
            numbers.shuffle(using: &rng)
        }
    }

    @Test(
        arguments: [
            ([1e100, 1, -1e100], 1), ([1e308, 1e308, -1e308], 1e308), ([Double](repeating: 0.1, count: 10), 1),
            ([.leastNonzeroMagnitude, .leastNonzeroMagnitude], 2 * Double.leastNonzeroMagnitude),
            ([.infinity, 1], .infinity),
            ([-.infinity, 1e308, 1e308], -.infinity), ([], 0), ([1, 0x1p-53, 0x1p-106], 1 + 0x1p-52),
            ([1, 0x1p-53], 1),
        ] as [([Double], Double)])
    func knownSums(_ numbers: [Double], _ expected: Double) {
        var sum = ExactSum()
        for number in numbers { sum.add(number, weight: 1) }
        #expect(sum.value == expected && !sum.isOverflow)
    }

    @Test func specialValuesCanBeTakenBack() {
        var sum = ExactSum()
        for value in [2.5, .nan, .infinity, -.infinity] { sum.add(value, weight: 1) }
        #expect(sum.value.isNaN)
        sum.add(.nan, weight: -1)
        #expect(sum.value.isNaN)
        sum.add(-.infinity, weight: -1)
        #expect(sum.value == .infinity)
        sum.add(.infinity, weight: -1)
        #expect(sum.value == 2.5)
        sum.add(.greatestFiniteMagnitude, weight: 2)
        #expect(sum.isOverflow)
        sum.add(.greatestFiniteMagnitude, weight: -1)
        #expect(sum.value == .greatestFiniteMagnitude && !sum.isOverflow)
    }
}

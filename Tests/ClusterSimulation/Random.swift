/// A small generator of which a seed gives the same numbers everywhere.
package struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(_ seed: UInt64) {
        state = seed
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        return Self.mixed(state)
    }

    package static func mixed(_ value: UInt64) -> UInt64 {
        var next = value
        next = (next ^ next >> 30) &* 0xbf58_476d_1ce4_e5b9
        next = (next ^ next >> 27) &* 0x94d0_49bb_1331_11eb
        return next ^ next >> 31
    }

    /// One of several streams of a seed: what one draws does not shift another.
    package static func stream(_ seed: UInt64, _ parts: UInt64...) -> SeededRandom {
        var state = seed
        for part in parts { state = mixed(state ^ mixed(part &+ 0x632b_e59b_d9b4_e019)) }
        return SeededRandom(state)
    }

    package mutating func below(_ limit: Int64) -> Int64 { limit <= 0 ? 0 : Int64(next() % UInt64(limit)) }

    package mutating func below(_ limit: Int) -> Int { limit <= 0 ? 0 : Int(next() % UInt64(limit)) }

    /// True in so many of a thousand.
    package mutating func chance(_ perMille: Int) -> Bool { next() % 1_000 < UInt64(max(0, perMille)) }
}

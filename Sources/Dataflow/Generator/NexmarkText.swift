/// Pseudo-random numbers of one event: SplitMix64 (Steele, Lea, Flood 2014) begun from the seed and the event's number.
struct NexmarkRandom {
    private var state: UInt64

    @inline(__always)
    init(seed: UInt64, number: UInt64) {
        state = seed &+ number &* 0xD134_2543_DE82_EF95
        state = next()
    }

    @inline(__always)
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// Uniform in 0 ..< bound, from the upper half of a word.
    @inline(__always)
    mutating func below(_ bound: Int) -> Int { Int(((next() >> 32) &* UInt64(bound)) >> 32) }
}

/// Writes one text column of a known number of rows into memory for its longest possible contents.
struct NexmarkTextColumn {
    let offsets: ColumnBuffer
    let bytes: ColumnBuffer
    private let offsetBase: UnsafeMutablePointer<UInt32>
    private let base: UnsafeMutablePointer<UInt8>
    private(set) var position = 0
    private var row = 0

    /// `bytesPerRow` is the most that a row writes; words are written whole, so seven more may be touched.
    init(rows: Int, bytesPerRow: Int) {
        offsets = ColumnBuffer(capacity: (rows + 1) * 4)
        bytes = ColumnBuffer(capacity: rows * bytesPerRow + 8)
        offsetBase = offsets.base.assumingMemoryBound(to: UInt32.self)
        base = bytes.base.assumingMemoryBound(to: UInt8.self)
        offsetBase[0] = 0
    }

    @inline(__always)
    mutating func endRow() {
        row &+= 1
        offsetBase[row] = UInt32(truncatingIfNeeded: position)
    }

    @inline(__always)
    mutating func append(_ text: StaticString) {
        (base + position).update(from: text.utf8Start, count: text.utf8CodeUnitCount)
        position &+= text.utf8CodeUnitCount
    }

    @inline(__always)
    mutating func append(byte: UInt8) {
        base[position] = byte
        position &+= 1
    }

    /// Random letters a … z, eight from each word.
    @inline(__always)
    mutating func append(letters count: Int, _ random: inout NexmarkRandom) {
        let end = position &+ count
        while position < end {
            UnsafeMutableRawPointer(base + position).storeBytes(of: Self.letters(random.next()), as: UInt64.self)
            position &+= 8
        }
        position = end
    }

    /// Each byte scaled from 0 … 255 to a letter, four at a time in 16-bit lanes.
    @inline(__always)
    static func letters(_ word: UInt64) -> UInt64 {
        let mask: UInt64 = 0x00FF_00FF_00FF_00FF
        let even = ((word & mask) &* 26) >> 8 & mask
        let odd = ((word >> 8 & mask) &* 26) >> 8 & mask
        return (even | odd << 8) &+ 0x6161_6161_6161_6161
    }

    /// Up to `count` of the letters of a word.
    @inline(__always)
    mutating func append(word: UInt64, count: Int) {
        UnsafeMutableRawPointer(base + position).storeBytes(of: word, as: UInt64.self)
        position &+= count
    }

    @inline(__always)
    mutating func append(number: UInt64) {
        var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
        withUnsafeMutableBytes(of: &digits) { buffer in
            var start = 20
            var rest = number
            repeat {
                start -= 1
                buffer[start] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0
            for index in start..<20 { base[position + index - start] = buffer[index] }
            position &+= 20 - start
        }
    }

    /// Four digits.
    @inline(__always)
    mutating func append(fourDigits value: Int) {
        append(byte: 0x30 + UInt8(value / 1000))
        append(byte: 0x30 + UInt8(value / 100 % 10))
        append(byte: 0x30 + UInt8(value / 10 % 10))
        append(byte: 0x30 + UInt8(value % 10))
    }

    func finish() -> Column {
        Column(type: .text, count: row, validity: nil, values: offsets, bytes: bytes)
    }
}

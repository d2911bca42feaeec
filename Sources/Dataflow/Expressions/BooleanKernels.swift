/// Booleans 64 rows at a time: a column's bytes packed into the bits of a word, as validity has them.
enum BooleanKernels {
    /// Word `index` of a bitmap; nil stands for all valid. Bits past the count are undefined.
    @inline(__always)
    static func word(_ validity: Validity?, _ index: Int) -> UInt64 {
        guard let validity else { return ~0 }
        return validity.words.base.load(fromByteOffset: index &* 8, as: UInt64.self)
    }

    /// The values of rows `64 × index ...` of a boolean column; bits past the count are 0, those of NULL rows undefined.
    @inline(__always)
    static func bits(_ column: Column, _ index: Int) -> UInt64 {
        let start = index &* 64
        let base = column.values.base + start
        var bits: UInt64 = 0
        if column.count &- start >= 64 {
            for group in 0..<8 {
                let bytes = base.load(fromByteOffset: group &* 8, as: UInt64.self) & 0x0101_0101_0101_0101
                // The product brings the lowest bit of byte k to bit 56 + k.
                bits |= ((bytes &* 0x0102_0408_1020_4080) >> 56) << UInt64(group &* 8)
            }
        } else {
            for row in 0..<(column.count &- start) {
                bits |= UInt64(base.load(fromByteOffset: row, as: UInt8.self) & 1) << UInt64(row)
            }
        }
        return bits
    }

    /// A boolean column from words of values and of validity.
    @inline(__always)
    static func make(_ count: Int, isNullable: Bool = false, _ body: (Int) -> (value: UInt64, valid: UInt64)) -> Column
    {
        let values = ColumnBuffer(capacity: (count + 63) / 64 * 64)
        let store = { (index: Int, bits: UInt64) in
            for group in 0..<8 {
                let byte = (bits >> UInt64(group &* 8)) & 0xFF
                // Spread the eight bits over eight bytes, then make each 0 or 1.
                let spread = (byte &* 0x0101_0101_0101_0101) & 0x8040_2010_0804_0201
                let ones = ((spread &+ 0x7F7F_7F7F_7F7F_7F7F) >> 7) & 0x0101_0101_0101_0101
                values.base.storeBytes(of: ones, toByteOffset: index &* 64 &+ group &* 8, as: UInt64.self)
            }
        }
        var validity: Validity?
        let wordCount = (count + 63) / 64
        if isNullable {
            validity = Validity(uninitialized: count) { words in
                for index in 0..<wordCount {
                    let (value, valid) = body(index)
                    store(index, value)
                    words[index] = valid
                }
            }
        } else {
            for index in 0..<wordCount { store(index, body(index).value) }
        }
        return Column(type: .boolean, count: count, validity: validity, values: values, bytes: nil)
    }

    static func not(_ column: Column, _ count: Int) -> Column {
        column.withValues(as: UInt8.self) { source in
            Column(type: .boolean, count: count, validity: column.validity) {
                (out: UnsafeMutableBufferPointer<UInt8>) in
                for row in 0..<count { out[unchecked: row] = source[unchecked: row] ^ 1 }
            }
        }
    }

    /// SQL's AND: false where one is false, true where both are true, else NULL.
    static func and(_ a: Column, _ b: Column, _ count: Int) -> Column {
        if a.validity == nil, b.validity == nil { return bytewise(a, b, count) { $0 & $1 } }
        return make(count, isNullable: true) { index in
            let (x, y) = (bits(a, index), bits(b, index))
            let (validX, validY) = (word(a.validity, index), word(b.validity, index))
            let isTrue = x & validX & y & validY
            return (isTrue, isTrue | (~x & validX) | (~y & validY))
        }
    }

    /// SQL's OR: true where one is true, false where both are false, else NULL.
    static func or(_ a: Column, _ b: Column, _ count: Int) -> Column {
        if a.validity == nil, b.validity == nil { return bytewise(a, b, count) { $0 | $1 } }
        return make(count, isNullable: true) { index in
            let (x, y) = (bits(a, index), bits(b, index))
            let (validX, validY) = (word(a.validity, index), word(b.validity, index))
            let isTrue = (x & validX) | (y & validY)
            return (isTrue, isTrue | (validX & validY))
        }
    }

    @inline(__always)
    private static func bytewise(_ a: Column, _ b: Column, _ count: Int, _ combine: (UInt8, UInt8) -> UInt8) -> Column {
        a.withValues(as: UInt8.self) { x in
            b.withValues(as: UInt8.self) { y in
                Column(type: .boolean, count: count) { (out: UnsafeMutableBufferPointer<UInt8>) in
                    for row in 0..<count { out[unchecked: row] = combine(x[unchecked: row], y[unchecked: row]) }
                }
            }
        }
    }

    /// Where a column is NULL.
    static func isNull(_ column: Column, _ count: Int) -> Column {
        guard let validity = column.validity else { return make(count) { _ in (0, ~0) } }
        return make(count) { (~word(validity, $0), ~0) }
    }
}

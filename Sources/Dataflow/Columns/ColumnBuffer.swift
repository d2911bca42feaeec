/// A block of raw memory, 64-byte aligned, that columns share.
///
/// It is filled by whoever made it and never written again once a ``Column`` holds it.
// SAFETY: the memory is written only before the buffer is shared (by the builder that made it) and is
// immutable from then on, so that threads may read it at once.
package final class ColumnBuffer: @unchecked Sendable {
    package let base: UnsafeMutableRawPointer
    /// Bytes allocated.
    package let capacity: Int

    /// Allocates `capacity` bytes, not initialised.
    package init(capacity: Int) {
        self.capacity = capacity
        base = UnsafeMutableRawPointer.allocate(byteCount: max(capacity, 1), alignment: 64)
    }

    deinit {
        base.deallocate()
    }
}

/// Which rows of a column are not NULL: one bit per row, least significant bit first, 1 = a value.
package struct Validity: Sendable {
    /// `(count + 63) / 64` words; bits past `count` are undefined.
    package let words: ColumnBuffer
    package let count: Int

    /// Makes a bitmap by asking `isValid` for each row.
    package init(count: Int, _ isValid: (Int) -> Bool) {
        self.init(uninitialized: count) { words in
            for word in 0..<words.count {
                var bits: UInt64 = 0
                let start = word * 64
                let end = min(start + 64, count)
                for row in start..<end where isValid(row) {
                    bits |= 1 << UInt64(row - start)
                }
                words[word] = bits
            }
        }
    }

    /// The first `count` bits of `words`.
    init(words: ColumnBuffer, count: Int) {
        self.words = words
        self.count = count
    }

    /// Makes a bitmap whose words `fill` must all write.
    package init(uninitialized count: Int, _ fill: (UnsafeMutableBufferPointer<UInt64>) -> Void) {
        self.count = count
        let wordCount = (count + 63) / 64
        words = ColumnBuffer(capacity: wordCount * 8)
        fill(UnsafeMutableBufferPointer(start: words.base.assumingMemoryBound(to: UInt64.self), count: wordCount))
    }

    package func isValid(_ row: Int) -> Bool {
        let word = words.base.load(fromByteOffset: (row >> 6) &* 8, as: UInt64.self)
        return (word >> UInt64(row & 63)) & 1 == 1
    }

    /// The rows where both are valid; nil stands for all valid, on either side and in the answer.
    package static func and(_ first: Validity?, _ second: Validity?) -> Validity? {
        guard let first else { return second }
        guard let second else { return first }
        precondition(first.count == second.count)
        return Validity(uninitialized: first.count) { words in
            for word in 0..<words.count {
                words[word] =
                    first.words.base.load(fromByteOffset: word &* 8, as: UInt64.self)
                    & second.words.base.load(fromByteOffset: word &* 8, as: UInt64.self)
            }
        }
    }
}

internal import CXXHash

/// A sink that reads every column of every row and keeps a count and a checksum.
///
/// The checksum is the sum over all rows of weight × hash, wrapping at 64 bits, so it does not depend on order, and a retraction takes
/// back what the insertion gave. The hash of a row starts at 0; each column, left to right, makes h = XXH3_64(value, seed: h). The value's
/// bytes, little-endian: boolean 1, smallint 2, integer and date (days since 1970) 4, bigint, time, timestamp and timestamptz
/// (microseconds since midnight or 1970) 8, real 4 and double 8 (one NaN), numeric 16 of mantissa and 4 of scale, interval 4 (months),
/// 4 (days) and 8 (microseconds), uuid 8 of its upper and 8 of its lower half, text and character their UTF-8, bytea its bytes, jsonb
/// and arrays as ``JSONB`` and ``ArrayBytes`` say. NULL is the
/// single byte 0xFF, which no text is.
package final class BlackholeOutlet: Outlet {
    /// The sum of the weights.
    package private(set) var rowCount: Int64 = 0
    package private(set) var checksum: UInt64 = 0
    private var hashes = [UInt64](repeating: 0, count: Delta.rowsMax)

    package init() {}

    package func consume(_ delta: Delta) {
        if hashes.count < delta.count { hashes = [UInt64](repeating: 0, count: delta.count) }
        hashes.withUnsafeMutableBufferPointer { hashes in
            for row in 0..<delta.count { hashes[row] = 0 }
            for column in delta.columns { Self.hash(column, delta.count, hashes) }
            var sum = checksum
            if let weights = delta.weights {
                weights.withValues(as: Int64.self) { weights in
                    for row in 0..<delta.count {
                        sum &+= hashes[row] &* UInt64(bitPattern: weights[row])
                        rowCount += weights[row]
                    }
                }
            } else {
                for row in 0..<delta.count { sum &+= hashes[row] }
                rowCount += Int64(delta.count)
            }
            checksum = sum
        }
    }

    private static func hash(_ column: Column, _ count: Int, _ hashes: UnsafeMutableBufferPointer<UInt64>) {
        let before = column.validity == nil ? [] : Array(hashes[0..<count])
        switch column.type {
        case .text, .character, .bytea, .jsonb, .array:
            column.withText { offsets, bytes in
                for row in 0..<count {
                    let start = Int(offsets[row])
                    hashes[row] = xxh3_inline_seed(bytes + start, Int(offsets[row + 1]) - start, hashes[row])
                }
            }
        case .numeric:
            column.withValues(as: Decimal.self) { values in
                let base = UnsafeRawPointer(values.baseAddress.unsafelyUnwrapped)
                for row in 0..<count {
                    // Mantissa and scale lie side by side.
                    hashes[row] = xxh3_inline_seed(base + row * MemoryLayout<Decimal>.stride, 20, hashes[row])
                }
            }
        case .real:
            column.withValues(as: Float.self) { values in
                for row in 0..<count {
                    var bits = values[row].isNaN ? 0x7FC0_0000 : values[row].bitPattern
                    hashes[row] = xxh3_inline_seed(&bits, 4, hashes[row])
                }
            }
        case .double:
            column.withValues(as: Double.self) { values in
                for row in 0..<count {
                    var bits = values[row].isNaN ? 0x7FF8_0000_0000_0000 : values[row].bitPattern
                    hashes[row] = xxh3_inline_seed(&bits, 8, hashes[row])
                }
            }
        default:
            let stride = column.type.storage.stride
            let base = UnsafeRawPointer(column.values.base)
            for row in 0..<count { hashes[row] = xxh3_inline_seed(base + row &* stride, stride, hashes[row]) }
        }
        guard column.validity != nil else { return }
        var null: UInt8 = 0xFF
        for row in 0..<count where column.isNull(row) { hashes[row] = xxh3_inline_seed(&null, 1, before[row]) }
    }
}

/// Deltas as bytes, for exchange between nodes.
///
/// All numbers are little-endian, as the machines that this runs on have them:
/// ```
/// version: u8 = 1 | flags: u8 (1: weights) | columns: u16 | rows: u32 | weights: i64 × rows, if flagged
/// per column: length: u8, its type's name | flags: u8 (1: validity) | validity words: u64 × ⌈rows / 64⌉, if flagged
///     fixed stride: values; a numeric is its mantissa (16 bytes) and its scale (4)
///     text and its kin: offsets: u32 × (rows + 1) | bytes
/// ```
/// The reader trusts nothing: a length that does not fit, an unknown type or descending offsets are errors, never traps.
package enum DeltaCodec {
    static let version: UInt8 = 1
    /// Columns of one delta; a table has at most 1 600, a join's row two tables'.
    private static let columnsMax = 65_535
    private static let decimalBytes = 20

    /// Appends a delta's bytes.
    package static func encode(_ delta: Delta, to bytes: inout [UInt8]) {
        precondition(delta.columns.count <= columnsMax && delta.count <= UInt32.max)
        let needed = bytes.count + delta.byteCount + 16 * (delta.columns.count + 1)
        // At least double: what stands before is copied seldom, however many deltas follow one another.
        if needed > bytes.capacity { bytes.reserveCapacity(max(needed, 2 * bytes.capacity)) }
        bytes.append(version)
        bytes.append(delta.weights == nil ? 0 : 1)
        append(UInt16(delta.columns.count), to: &bytes)
        append(UInt32(delta.count), to: &bytes)
        if let weights = delta.weights { append(weights.values.base, delta.count * 8, to: &bytes) }
        for column in delta.columns { encode(column, to: &bytes) }
    }

    private static func encode(_ column: Column, to bytes: inout [UInt8]) {
        let name = column.type.name.utf8
        bytes.append(UInt8(name.count))
        bytes.append(contentsOf: name)
        bytes.append(column.validity == nil ? 0 : 1)
        if let validity = column.validity { append(validity.words.base, (column.count + 63) / 64 * 8, to: &bytes) }
        switch column.type.storage {
        case .bytes:
            column.withText { offsets, heap in
                append(column.values.base, offsets.count * 4, to: &bytes)
                append(UnsafeRawPointer(heap), Int(offsets[column.count]), to: &bytes)
            }
        case .decimal:
            column.withValues(as: Decimal.self) { values in
                for value in values {
                    append(value.mantissa, to: &bytes)
                    append(value.scale, to: &bytes)
                }
            }
        default:
            append(column.values.base, column.count * column.type.storage.stride, to: &bytes)
        }
    }

    private static func append(_ number: some FixedWidthInteger, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    private static func append(_ base: UnsafeRawPointer, _ count: Int, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: UnsafeRawBufferPointer(start: base, count: count))
    }

    /// Reads one delta that fills `bytes` from `position` on; `position` moves behind it.
    package static func decode(
        _ bytes: UnsafeRawBufferPointer, at position: inout Int
    ) throws(DeltaCodecError) -> Delta {
        var reader = Reader(bytes: bytes, position: position)
        guard try reader.number(UInt8.self) == version else { throw DeltaCodecError("it has another version") }
        let flags = try reader.number(UInt8.self)
        let columnCount = Int(try reader.number(UInt16.self))
        let rowCount = Int(try reader.number(UInt32.self))
        var weights: Column?
        if flags & 1 != 0 {
            let buffer = try reader.buffer(rowCount * 8)
            weights = Column(type: .bigint, count: rowCount, validity: nil, values: buffer, bytes: nil)
        }
        var columns: [Column] = []
        columns.reserveCapacity(min(columnCount, reader.remaining))
        for _ in 0..<columnCount { columns.append(try column(&reader, rowCount)) }
        position = reader.position
        return Delta(columns: columns, weights: weights, count: rowCount)
    }

    /// Reads deltas that stand one behind the other.
    package static func decodeAll(_ bytes: [UInt8]) throws(DeltaCodecError) -> [Delta] {
        var deltas: [Delta] = []
        var position = 0
        while position < bytes.count {
            let next = bytes.withUnsafeBytes { buffer -> Result<(Delta, Int), DeltaCodecError> in
                var end = position
                do throws(DeltaCodecError) {
                    let delta = try decode(buffer, at: &end)
                    return .success((delta, end))
                } catch {
                    return .failure(error)
                }
            }
            let (delta, end) = try next.get()
            deltas.append(delta)
            position = end
        }
        return deltas
    }

    private static func column(_ reader: inout Reader, _ count: Int) throws(DeltaCodecError) -> Column {
        let name = try reader.text(Int(try reader.number(UInt8.self)))
        guard let type = DataType(name: name) else { throw DeltaCodecError("type \"\(name)\" is not known") }
        var validity: Validity?
        if try reader.number(UInt8.self) & 1 != 0 {
            let words = try reader.slice((count + 63) / 64 * 8)
            validity = Validity(uninitialized: count) { UnsafeMutableRawBufferPointer($0).copyMemory(from: words) }
        }
        switch type.storage {
        case .bytes:
            let offsets = try reader.buffer((count + 1) * 4)
            let values = offsets.base.assumingMemoryBound(to: UInt32.self)
            guard values[0] == 0 else { throw DeltaCodecError("the first offset is \(values[0])") }
            for row in 0..<count where values[row] > values[row + 1] {
                throw DeltaCodecError("offset \(row + 1) is below the one before")
            }
            let heap = try reader.buffer(Int(values[count]))
            return Column(type: type, count: count, validity: validity, values: offsets, bytes: heap)
        case .decimal:
            let source = try reader.slice(count * decimalBytes)
            return Column(type: type, count: count, validity: validity) {
                (out: UnsafeMutableBufferPointer<Decimal>) in
                for row in 0..<count {
                    let mantissa = source.loadUnaligned(fromByteOffset: row * decimalBytes, as: Int128.self)
                    let scale = source.loadUnaligned(fromByteOffset: row * decimalBytes + 16, as: Int32.self)
                    out[row] = Decimal(
                        mantissa: Int128(littleEndian: mantissa), scale: Int32(littleEndian: scale))
                }
            }
        default:
            let values = try reader.buffer(count * type.storage.stride)
            return Column(type: type, count: count, validity: validity, values: values, bytes: nil)
        }
    }

    private struct Reader {
        let bytes: UnsafeRawBufferPointer
        var position: Int

        var remaining: Int { bytes.count - position }

        mutating func slice(_ count: Int) throws(DeltaCodecError) -> UnsafeRawBufferPointer {
            guard count <= remaining else {
                throw DeltaCodecError("it ends after \(bytes.count) bytes, \(count - remaining) too early")
            }
            defer { position += count }
            return UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
        }

        mutating func number<Number: FixedWidthInteger>(_: Number.Type) throws(DeltaCodecError) -> Number {
            Number(littleEndian: try slice(MemoryLayout<Number>.size).loadUnaligned(as: Number.self))
        }

        mutating func text(_ count: Int) throws(DeltaCodecError) -> String {
            String(decoding: try slice(count), as: UTF8.self)
        }

        mutating func buffer(_ count: Int) throws(DeltaCodecError) -> ColumnBuffer {
            let source = try slice(count)
            let buffer = ColumnBuffer(capacity: count)
            UnsafeMutableRawBufferPointer(start: buffer.base, count: count).copyMemory(from: source)
            return buffer
        }
    }
}

/// Bytes that are no delta.
package struct DeltaCodecError: Error, Equatable, CustomStringConvertible {
    package var message: String

    package init(_ message: String) {
        self.message = message
    }

    package var description: String { "not a delta: \(message)" }
}

internal import CXXHash
import Glibc

/// Turns columns of a batch into bytes per row, for hash tables, placement and state on disk. The encoding is part of the format.
///
/// Per column, left to right, one tag byte: 0 for NULL (the value's bytes are then zero), 1 for a value; then the value,
/// little-endian: boolean 1 byte, smallint 2, integer, date and real 4, bigint, time, timestamp, timestamptz and double 8, numeric 17
/// (mantissa, scale), interval and uuid 16; text, character, bytea, jsonb and arrays a 4-byte length and the bytes that a column has.
///
/// - `sql`: values that SQL calls equal have equal bytes: numerics (jsonb's, too) without trailing zeros, −0.0 as 0.0, one NaN,
///   intervals as their span of microseconds (16 bytes; in arrays as days and microseconds), characters without blanks at the end.
/// - `exact`: values that print differently have different bytes.
package struct KeyEncoder: Sendable {
    package enum Equality: Sendable {
        case sql, exact
    }

    package let types: [DataType]
    package let equality: Equality
    /// Bytes per row when all columns have a fixed width.
    package let stride: Int?

    package init(types: [DataType], equality: Equality) {
        self.types = types
        self.equality = equality
        stride = types.contains { $0.storage == .bytes } ? nil : types.reduce(0) { $0 + 1 + Self.width($1) }
    }

    static func width(_ type: DataType) -> Int {
        switch type {
        case .boolean: 1
        case .smallint: 2
        case .integer, .real, .date: 4
        case .bigint, .time, .timestamp, .timestamptz, .double: 8
        case .numeric: 17
        case .interval, .uuid: 16
        case .text, .character, .bytea, .jsonb, .array: 4
        }
    }

    /// The rows' bytes and their hashes.
    package func encode(_ columns: [Column], count: Int) -> EncodedKeys {
        let keys = EncodedKeys(count: count)
        encode(columns, count: count, into: keys)
        return keys
    }

    /// As ``encode(_:count:)``, reusing the memory of `keys`.
    package func encode(_ columns: [Column], count: Int, into keys: EncodedKeys) {
        precondition(columns.count == types.count)
        keys.reset(count: count)
        if let stride {
            keys.reserve(bytes: count * stride)
            let offsets = keys.offsets
            for row in 0...count { offsets[row] = row &* stride }
            var base = keys.bytes
            for (column, type) in zip(columns, types) {
                let start = base
                write(column, type, count) { row in start + row &* stride }
                base += 1 + Self.width(type)
            }
        } else {
            let columns = equality == .sql ? columns.map { $0.normalized() } : columns
            measure(columns, count, keys)
            // Each row's write position moves on from column to column.
            let cursor = keys.cursors
            for row in 0..<count { cursor[row] = keys.offsets[row] }
            for (column, type) in zip(columns, types) {
                if type.storage == .bytes {
                    writeText(column, count, keys.bytes, cursor)
                } else {
                    let size = 1 + Self.width(type)
                    let bytes = keys.bytes
                    write(column, type, count) { row in
                        let at = bytes + cursor[row]
                        cursor[row] += size
                        return at
                    }
                }
            }
        }
        let (hashes, bytes, offsets) = (keys.hashes, keys.bytes, keys.offsets)
        switch stride {
        // Of a constant length the hash becomes a few instructions.
        case 9: for row in 0..<count { hashes[row] = xxh3_inline(bytes + row &* 9, 9) }
        case 5: for row in 0..<count { hashes[row] = xxh3_inline(bytes + row &* 5, 5) }
        default:
            for row in 0..<count { hashes[row] = xxh3_inline(bytes + offsets[row], offsets[row &+ 1] &- offsets[row]) }
        }
    }

    private func measure(_ columns: [Column], _ count: Int, _ keys: EncodedKeys) {
        let fixed = types.reduce(0) { $0 + 1 + Self.width($1) }
        for row in 0..<count { keys.cursors[row] = fixed }
        for column in columns where column.type.storage == .bytes {
            column.withText { offsets, _ in
                for row in 0..<count where !column.isNull(row) {
                    keys.cursors[row] += Int(offsets[row + 1] - offsets[row])
                }
            }
        }
        var total = 0
        keys.offsets[0] = 0
        for row in 0..<count {
            total += keys.cursors[row]
            keys.offsets[row + 1] = total
        }
        keys.reserve(bytes: total)
    }

    private func writeText(
        _ column: Column, _ count: Int, _ bytes: UnsafeMutablePointer<UInt8>, _ cursor: UnsafeMutablePointer<Int>
    ) {
        column.withText { offsets, source in
            for row in 0..<count {
                let at = UnsafeMutableRawPointer(bytes + cursor[row])
                let start = Int(offsets[row])
                let isNull = column.isNull(row)
                let length = isNull ? 0 : Int(offsets[row + 1]) - start
                at.storeBytes(of: isNull ? 0 : 1, as: UInt8.self)
                at.storeBytes(of: UInt32(length), toByteOffset: 1, as: UInt32.self)
                (at + 5).copyMemory(from: source + start, byteCount: length)
                cursor[row] += 5 + length
            }
        }
    }

    @inline(__always)
    private func write(_ column: Column, _ type: DataType, _ count: Int, _ at: (Int) -> UnsafeMutablePointer<UInt8>) {
        switch type {
        case .boolean: writeFixed(column, count, at) { (value: UInt8) in value }
        case .smallint: writeFixed(column, count, at) { (value: Int16) in value }
        case .integer, .date: writeFixed(column, count, at) { (value: Int32) in value }
        case .bigint, .time, .timestamp, .timestamptz: writeFixed(column, count, at) { (value: Int64) in value }
        case .uuid: writeFixed(column, count, at) { (value: UUIDValue) in value }
        case .real:
            let exact = equality == .exact
            writeFixed(column, count, at) { (value: Float) -> UInt32 in
                if value.isNaN { return 0x7FC0_0000 }
                return !exact && value == 0 ? 0 : value.bitPattern
            }
        case .double:
            let exact = equality == .exact
            writeFixed(column, count, at) { (value: Double) -> UInt64 in
                if value.isNaN { return 0x7FF8_0000_0000_0000 }
                return !exact && value == 0 ? 0 : value.bitPattern
            }
        case .numeric:
            let exact = equality == .exact
            writeFixed(column, count, at) { (value: Decimal) -> PackedDecimal in
                let shown = exact ? value : value.normalized
                return PackedDecimal(
                    low: UInt64(truncatingIfNeeded: shown.mantissa),
                    high: Int64(truncatingIfNeeded: shown.mantissa >> 64),
                    scale: UInt8(truncatingIfNeeded: shown.scale))
            }
        case .interval:
            if equality == .exact {
                writeFixed(column, count, at) { (value: Interval) in value }
            } else {
                writeFixed(column, count, at) { (value: Interval) in value.span }
            }
        case .text, .character, .bytea, .jsonb, .array: preconditionFailure("\(type.name) has no fixed width")
        }
    }

    /// 17 bytes, packed by ``writeFixed``.
    private struct PackedDecimal: BitwiseCopyable {
        var low: UInt64
        var high: Int64
        var scale: UInt8
    }

    @inline(__always)
    private func writeFixed<Value: FixedWidthValue, Stored: BitwiseCopyable>(
        _ column: Column, _ count: Int, _ at: (Int) -> UnsafeMutablePointer<UInt8>, _ map: (Value) -> Stored
    ) {
        let size = MemoryLayout<Stored>.size
        column.withValues(as: Value.self) { values in
            if column.validity == nil {
                for row in 0..<count {
                    let target = UnsafeMutableRawPointer(at(row))
                    target.storeBytes(of: 1, as: UInt8.self)
                    withUnsafeBytes(of: map(values[row])) {
                        _ = memcpy(target + 1, $0.baseAddress.unsafelyUnwrapped, size)
                    }
                }
            } else {
                for row in 0..<count {
                    let target = UnsafeMutableRawPointer(at(row))
                    if column.isNull(row) {
                        target.initializeMemory(as: UInt8.self, repeating: 0, count: size + 1)
                    } else {
                        target.storeBytes(of: 1, as: UInt8.self)
                        withUnsafeBytes(of: map(values[row])) {
                            _ = memcpy(target + 1, $0.baseAddress.unsafelyUnwrapped, size)
                        }
                    }
                }
            }
        }
    }

    /// Rows of a fixed stride, column by column.
    private func decodeFixed(_ rows: Int, _ row: (Int) -> UnsafePointer<UInt8>) -> [Column] {
        withUnsafeTemporaryAllocation(of: UnsafeRawPointer.self, capacity: rows) { places in
            for index in 0..<rows { places[index] = UnsafeRawPointer(row(index)) }
            var offset = 0
            return types.map { type in
                defer { offset += 1 + Self.width(type) }
                let starts = UnsafeBufferPointer(places)
                switch type {
                case .boolean: return decode(starts, offset, type) { $0.load(as: UInt8.self) }
                case .smallint: return decode(starts, offset, type) { $0.loadUnaligned(as: Int16.self) }
                case .integer, .date: return decode(starts, offset, type) { $0.loadUnaligned(as: Int32.self) }
                case .real: return decode(starts, offset, type) { $0.loadUnaligned(as: Float.self) }
                case .uuid: return decode(starts, offset, type) { $0.loadUnaligned(as: UUIDValue.self) }
                case .bigint, .time, .timestamp, .timestamptz:
                    return decode(starts, offset, type) { $0.loadUnaligned(as: Int64.self) }
                case .double:
                    return decode(starts, offset, type) { Double(bitPattern: $0.loadUnaligned(as: UInt64.self)) }
                case .numeric:
                    return decode(starts, offset, type) {
                        Decimal(
                            mantissa: $0.loadUnaligned(as: Int128.self),
                            scale: Int32($0.load(fromByteOffset: 16, as: UInt8.self)))
                    }
                case .interval:
                    if equality == .exact {
                        return decode(starts, offset, type) { $0.loadUnaligned(as: Interval.self) }
                    }
                    return decode(starts, offset, type) { Interval(span: $0.loadUnaligned(as: Int128.self)) }
                case .text, .character, .bytea, .jsonb, .array: preconditionFailure("\(type.name) has no fixed width")
                }
            }
        }
    }

    @inline(__always)
    private func decode<Value: FixedWidthValue>(
        _ rows: UnsafeBufferPointer<UnsafeRawPointer>, _ offset: Int, _ type: DataType,
        _ read: (UnsafeRawPointer) -> Value
    ) -> Column {
        var hasNulls = false
        let buffer = ColumnBuffer(capacity: rows.count * MemoryLayout<Value>.stride)
        let values = buffer.base.assumingMemoryBound(to: Value.self)
        for row in 0..<rows.count {
            if rows[row].load(fromByteOffset: offset, as: UInt8.self) == 0 { hasNulls = true }
            values[row] = read(rows[row] + offset + 1)
        }
        let validity =
            hasNulls ? Validity(count: rows.count) { rows[$0].load(fromByteOffset: offset, as: UInt8.self) != 0 } : nil
        return Column(type: type, count: rows.count, validity: validity, values: buffer, bytes: nil)
    }

    /// Reads encoded rows back into columns (of `sql` keys: in the one form that stands for all equal values).
    package func decode(_ rows: Int, _ row: (Int) -> UnsafePointer<UInt8>) -> [Column] {
        if stride != nil { return decodeFixed(rows, row) }
        let builders = types.map { ColumnBuilder(type: $0, capacity: rows) }
        for index in 0..<rows {
            var at = UnsafeRawPointer(row(index))
            for (builder, type) in zip(builders, types) {
                let isNull = at.load(as: UInt8.self) == 0
                let value = at + 1
                at += 1 + Self.width(type)
                if type.storage == .bytes { at += Int(value.loadUnaligned(as: UInt32.self)) }
                if isNull {
                    builder.appendNull()
                    continue
                }
                switch type {
                case .boolean: builder.append(value.load(as: UInt8.self))
                case .smallint: builder.append(value.loadUnaligned(as: Int16.self))
                case .integer, .date: builder.append(value.loadUnaligned(as: Int32.self))
                case .real: builder.append(value.loadUnaligned(as: Float.self))
                case .uuid: builder.append(value.loadUnaligned(as: UUIDValue.self))
                case .bigint, .time, .timestamp, .timestamptz:
                    builder.append(value.loadUnaligned(as: Int64.self))
                case .double: builder.append(Double(bitPattern: value.loadUnaligned(as: UInt64.self)))
                case .numeric:
                    let low = value.loadUnaligned(as: UInt64.self)
                    let high = value.loadUnaligned(fromByteOffset: 8, as: Int64.self)
                    builder.append(
                        Decimal(
                            mantissa: Int128(high) << 64 | Int128(low),
                            scale: Int32(value.load(fromByteOffset: 16, as: UInt8.self))))
                case .interval:
                    if equality == .exact {
                        builder.append(value.loadUnaligned(as: Interval.self))
                    } else {
                        builder.append(Interval(span: value.loadUnaligned(as: Int128.self)))
                    }
                case .text, .character, .bytea, .jsonb, .array:
                    let length = Int(value.loadUnaligned(as: UInt32.self))
                    builder.append(
                        utf8: UnsafeBufferPointer(start: (value + 4).assumingMemoryBound(to: UInt8.self), count: length)
                    )
                }
            }
        }
        return builders.map { $0.finish() }
    }
}

/// Encoded rows: row *i* is `bytes[offsets[i] ..< offsets[i + 1]]`, with its XXH3 hash of 64 bits, seed 0.
package final class EncodedKeys {
    package private(set) var count = 0
    package private(set) var bytes: UnsafeMutablePointer<UInt8>
    package private(set) var offsets: UnsafeMutablePointer<Int>
    package private(set) var hashes: UnsafeMutablePointer<UInt64>
    fileprivate private(set) var cursors: UnsafeMutablePointer<Int>
    private var rowCapacity = 0
    private var byteCapacity = 0

    /// The hash of one row; unlike a pointer taken from ``hashes``, the call keeps the memory alive.
    package func hash(at row: Int) -> UInt64 {
        precondition(row < count)
        return withExtendedLifetime(self) { hashes[row] }
    }

    package init(count: Int = 0) {
        bytes = .allocate(capacity: 1)
        offsets = .allocate(capacity: 1)
        hashes = .allocate(capacity: 1)
        cursors = .allocate(capacity: 1)
        reset(count: count)
    }

    deinit {
        bytes.deallocate()
        offsets.deallocate()
        hashes.deallocate()
        cursors.deallocate()
    }

    fileprivate func reset(count: Int) {
        self.count = count
        guard count + 1 > rowCapacity else { return }
        rowCapacity = max(count + 1, rowCapacity * 2)
        offsets.deallocate()
        hashes.deallocate()
        cursors.deallocate()
        offsets = .allocate(capacity: rowCapacity)
        hashes = .allocate(capacity: rowCapacity)
        cursors = .allocate(capacity: rowCapacity)
    }

    fileprivate func reserve(bytes needed: Int) {
        guard needed > byteCapacity else { return }
        byteCapacity = max(needed, byteCapacity * 2)
        bytes.deallocate()
        bytes = .allocate(capacity: byteCapacity)
    }
}

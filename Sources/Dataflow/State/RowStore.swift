import Glibc

/// Rows kept column by column in growing raw buffers, by number; numbers of removed rows are reused.
package final class RowStore {
    package let types: [DataType]
    /// Live rows.
    package private(set) var count = 0
    /// One past the highest number ever used.
    package private(set) var rowEnd: Int32 = 0
    private var capacity = 0
    private var columns: [Storage]
    private var free: [Int32] = []

    /// One column: values by row number, a byte per row that says whether it is a value, and for types of no fixed size a heap.
    private struct Storage {
        let type: DataType
        let stride: Int
        var values: UnsafeMutableRawPointer
        var valid: UnsafeMutablePointer<UInt8>
        var heap: UnsafeMutablePointer<UInt8>
        var heapCapacity = 0
        var heapUsed = 0
        var heapDead = 0
    }

    /// Where a text value lies in the heap.
    private struct TextPlace: BitwiseCopyable {
        var offset: Int
        var length: Int
    }

    package init(types: [DataType]) {
        self.types = types
        columns = types.map { type in
            Storage(
                type: type, stride: type.storage == .bytes ? MemoryLayout<TextPlace>.stride : type.storage.stride,
                values: StateMemory.growRaw(nil, from: 0, to: 1), valid: StateMemory.allocate(1),
                heap: StateMemory.allocate(1))
        }
    }

    deinit {
        for column in columns {
            StateMemory.freeRaw(column.values, bytes: capacity * column.stride)
            StateMemory.free(column.valid, count: capacity)
            StateMemory.free(column.heap, count: column.heapCapacity)
        }
    }

    package var byteCount: Int { columns.reduce(0) { $0 + capacity * ($1.stride + 1) + $1.heapCapacity } }

    private func reserve(_ rows: Int) {
        guard rows > capacity else { return }
        let newCapacity = max(rows, capacity * 2, 64)
        for index in columns.indices {
            columns[index].values = StateMemory.growRaw(
                columns[index].values, from: capacity * columns[index].stride, to: newCapacity * columns[index].stride)
            columns[index].valid = StateMemory.grow(columns[index].valid, from: capacity, to: newCapacity)
        }
        capacity = newCapacity
    }

    /// Stores rows of a batch and writes their numbers.
    package func insert(_ batch: [Column], rows: UnsafeBufferPointer<Int32>, numbers: UnsafeMutablePointer<Int32>) {
        reserve(Int(rowEnd) + max(rows.count - free.count, 0))
        for index in 0..<rows.count {
            if let reused = free.popLast() {
                numbers[index] = reused
            } else {
                numbers[index] = rowEnd
                rowEnd += 1
            }
        }
        count += rows.count
        for (index, column) in batch.enumerated() {
            switch columns[index].type.storage {
            case .uint8: store(index, column, rows, numbers, UInt8.self)
            case .int16: store(index, column, rows, numbers, Int16.self)
            case .int32: store(index, column, rows, numbers, Int32.self)
            case .int64: store(index, column, rows, numbers, Int64.self)
            case .float32: store(index, column, rows, numbers, Float.self)
            case .float64: store(index, column, rows, numbers, Double.self)
            case .decimal: store(index, column, rows, numbers, Decimal.self)
            case .interval: store(index, column, rows, numbers, Interval.self)
            case .uuid: store(index, column, rows, numbers, UUIDValue.self)
            case .bytes: storeText(index, column, rows, numbers)
            }
        }
    }

    private func store<Value: FixedWidthValue>(
        _ index: Int, _ column: Column, _ rows: UnsafeBufferPointer<Int32>, _ numbers: UnsafeMutablePointer<Int32>,
        _: Value.Type
    ) {
        let target = columns[index].values.assumingMemoryBound(to: Value.self)
        let valid = columns[index].valid
        column.withValues(as: Value.self) { source in
            for position in 0..<rows.count {
                target[Int(numbers[position])] = source[Int(rows[position])]
                valid[Int(numbers[position])] = column.isNull(Int(rows[position])) ? 0 : 1
            }
        }
    }

    private func storeText(
        _ index: Int, _ column: Column, _ rows: UnsafeBufferPointer<Int32>, _ numbers: UnsafeMutablePointer<Int32>
    ) {
        column.withText { offsets, source in
            var needed = 0
            for row in rows { needed += Int(offsets[Int(row) + 1] - offsets[Int(row)]) }
            reserveHeap(index, needed)
            let places = columns[index].values.assumingMemoryBound(to: TextPlace.self)
            let valid = columns[index].valid
            let heap = columns[index].heap
            var used = columns[index].heapUsed
            for position in 0..<rows.count {
                let row = Int(rows[position])
                let start = Int(offsets[row])
                let length = Int(offsets[row + 1]) - start
                memcpy(heap + used, source + start, length)
                places[Int(numbers[position])] = TextPlace(offset: used, length: length)
                valid[Int(numbers[position])] = column.isNull(row) ? 0 : 1
                used += length
            }
            columns[index].heapUsed = used
        }
    }

    private func reserveHeap(_ index: Int, _ needed: Int) {
        guard columns[index].heapUsed + needed > columns[index].heapCapacity else { return }
        let newCapacity = max(columns[index].heapUsed + needed, columns[index].heapCapacity * 2, 1024)
        columns[index].heap = StateMemory.grow(
            columns[index].heap, from: columns[index].heapCapacity, to: newCapacity)
        columns[index].heapCapacity = newCapacity
    }

    /// Frees a live row's number.
    package func remove(_ number: Int32) {
        free.append(number)
        count -= 1
        for index in columns.indices where columns[index].type.storage == .bytes {
            let places = columns[index].values.assumingMemoryBound(to: TextPlace.self)
            columns[index].heapDead += places[Int(number)].length
            places[Int(number)] = TextPlace(offset: 0, length: 0)
            if columns[index].heapDead > 1 << 16, columns[index].heapDead * 2 > columns[index].heapUsed {
                packHeap(index)
            }
        }
    }

    private func packHeap(_ index: Int) {
        let places = columns[index].values.assumingMemoryBound(to: TextPlace.self)
        let live = columns[index].heapUsed - columns[index].heapDead
        let newCapacity = max(live + live / 2, 1024)
        let heap = StateMemory.allocate(newCapacity, of: UInt8.self)
        var used = 0
        for row in 0..<Int(rowEnd) where places[row].length > 0 {
            (heap + used).update(from: columns[index].heap + places[row].offset, count: places[row].length)
            places[row].offset = used
            used += places[row].length
        }
        StateMemory.free(columns[index].heap, count: columns[index].heapCapacity)
        columns[index].heap = heap
        columns[index].heapCapacity = newCapacity
        columns[index].heapUsed = used
        columns[index].heapDead = 0
    }

    /// The rows of these numbers as columns.
    package func gather(_ numbers: UnsafeBufferPointer<Int32>) -> [Column] {
        columns.indices.map { gather(column: $0, numbers) }
    }

    package func gather(column index: Int, _ numbers: UnsafeBufferPointer<Int32>) -> Column {
        let storage = columns[index]
        var allValid = true
        for number in numbers where storage.valid[Int(number)] == 0 {
            allValid = false
            break
        }
        let validity = allValid ? nil : Validity(count: numbers.count) { storage.valid[Int(numbers[$0])] != 0 }
        switch storage.type.storage {
        case .uint8: return gather(storage, numbers, validity, UInt8.self)
        case .int16: return gather(storage, numbers, validity, Int16.self)
        case .int32: return gather(storage, numbers, validity, Int32.self)
        case .int64: return gather(storage, numbers, validity, Int64.self)
        case .float32: return gather(storage, numbers, validity, Float.self)
        case .float64: return gather(storage, numbers, validity, Double.self)
        case .decimal: return gather(storage, numbers, validity, Decimal.self)
        case .interval: return gather(storage, numbers, validity, Interval.self)
        case .uuid: return gather(storage, numbers, validity, UUIDValue.self)
        case .bytes:
            let places = storage.values.assumingMemoryBound(to: TextPlace.self)
            let offsets = ColumnBuffer(capacity: (numbers.count + 1) * 4)
            let target = offsets.base.assumingMemoryBound(to: UInt32.self)
            var total = 0
            target[0] = 0
            for position in 0..<numbers.count {
                total += places[Int(numbers[position])].length
                target[position + 1] = UInt32(total)
            }
            let bytes = ColumnBuffer(capacity: total)
            for position in 0..<numbers.count {
                let place = places[Int(numbers[position])]
                memcpy(bytes.base + Int(target[position]), storage.heap + place.offset, place.length)
            }
            return Column(type: storage.type, count: numbers.count, validity: validity, values: offsets, bytes: bytes)
        }
    }

    private func gather<Value: FixedWidthValue>(
        _ storage: Storage, _ numbers: UnsafeBufferPointer<Int32>, _ validity: Validity?, _: Value.Type
    ) -> Column {
        let source = storage.values.assumingMemoryBound(to: Value.self)
        return Column(type: storage.type, count: numbers.count, validity: validity) {
            (out: UnsafeMutableBufferPointer<Value>) in
            for position in 0..<numbers.count { out[position] = source[Int(numbers[position])] }
        }
    }

    package func isNull(column index: Int, row number: Int32) -> Bool { columns[index].valid[Int(number)] == 0 }

    /// The timestamp in a column of a live row; the largest for NULL, which never expires.
    package func timestamp(column index: Int, row number: Int32) -> Int64 {
        columns[index].valid[Int(number)] == 0
            ? .max : columns[index].values.load(fromByteOffset: Int(number) * 8, as: Int64.self)
    }

    /// SQL's order of two rows' values in a column; NULL is last.
    package func compare(column index: Int, _ a: Int32, _ b: Int32) -> Int {
        let storage = columns[index]
        let (aValid, bValid) = (storage.valid[Int(a)] != 0, storage.valid[Int(b)] != 0)
        if !aValid || !bValid { return aValid == bValid ? 0 : aValid ? -1 : 1 }
        switch storage.type.storage {
        case .uint8: return order(storage, a, b, UInt8.self)
        case .int16: return order(storage, a, b, Int16.self)
        case .int32: return order(storage, a, b, Int32.self)
        case .int64: return order(storage, a, b, Int64.self)
        case .float32: return RowOrder.compare(load(storage, a, Float.self), load(storage, b, Float.self))
        case .float64: return RowOrder.compare(load(storage, a, Double.self), load(storage, b, Double.self))
        case .decimal: return Decimal.compare(load(storage, a, Decimal.self), load(storage, b, Decimal.self))
        case .interval: return RowOrder.compare(load(storage, a, Interval.self), load(storage, b, Interval.self))
        case .uuid: return order(storage, a, b, UUIDValue.self)
        case .bytes:
            guard storage.type == .text || storage.type == .bytea else {
                return ValueBytes.compare(storage.type, raw(storage, a), raw(storage, b))
            }
            let (x, y) = (load(storage, a, TextPlace.self), load(storage, b, TextPlace.self))
            let result = memcmp(storage.heap + x.offset, storage.heap + y.offset, min(x.length, y.length))
            return result != 0 ? (result < 0 ? -1 : 1) : (x.length - y.length).signum()
        }
    }

    /// Tells apart values that SQL calls equal but prints differently: the order of their encodings.
    package func compareEncoding(column index: Int, _ a: Int32, _ b: Int32) -> Int {
        let storage = columns[index]
        guard storage.valid[Int(a)] != 0, storage.valid[Int(b)] != 0 else { return 0 }
        guard storage.type.hasSeveralEncodings else { return 0 }
        return ValueBytes.compareEncodings(storage.type, raw(storage, a), raw(storage, b))
    }

    /// The order of two rows by sort keys alone.
    func compare(by keys: [SortKey], _ a: Int32, _ b: Int32) -> Int {
        for key in keys {
            let (aNull, bNull) = (isNull(column: key.column, row: a), isNull(column: key.column, row: b))
            if aNull || bNull {
                if aNull != bNull { return aNull == key.nullsFirst ? -1 : 1 }
                continue
            }
            let result = compare(column: key.column, a, b)
            if result != 0 { return key.descending ? -result : result }
        }
        return 0
    }

    /// An order in which only rows are equal that are the same: by the columns left to right, then by what they print.
    func compareWhole(_ a: Int32, _ b: Int32, columns: Range<Int>? = nil) -> Int {
        let columns = columns ?? types.indices
        for column in columns {
            let result = compare(column: column, a, b)
            if result != 0 { return result }
        }
        for column in columns {
            let result = compareEncoding(column: column, a, b)
            if result != 0 { return result }
        }
        return 0
    }

    /// The bytes of a value.
    private func raw(_ storage: Storage, _ number: Int32) -> UnsafeRawBufferPointer {
        guard storage.type.storage == .bytes else {
            return UnsafeRawBufferPointer(
                start: storage.values + Int(number) * storage.stride, count: storage.type.storage.size)
        }
        let place = load(storage, number, TextPlace.self)
        return UnsafeRawBufferPointer(start: storage.heap + place.offset, count: place.length)
    }

    @inline(__always)
    private func load<Value: BitwiseCopyable>(_ storage: Storage, _ number: Int32, _: Value.Type) -> Value {
        storage.values.load(fromByteOffset: Int(number) * MemoryLayout<Value>.stride, as: Value.self)
    }

    @inline(__always)
    private func order<Value: FixedWidthValue & Comparable>(_ storage: Storage, _ a: Int32, _ b: Int32, _: Value.Type)
        -> Int
    {
        let (x, y) = (load(storage, a, Value.self), load(storage, b, Value.self))
        return x < y ? -1 : x > y ? 1 : 0
    }
}

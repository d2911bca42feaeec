extension Column {
    /// The rows at `indices`, in that order; an index may repeat.
    package func gather(_ indices: UnsafeBufferPointer<Int32>) -> Column {
        let picked = validity.map { validity in
            Validity(count: indices.count) { validity.isValid(Int(indices[$0])) }
        }
        switch type.storage {
        case .uint8: return gather(indices, picked, as: UInt8.self)
        case .int16: return gather(indices, picked, as: Int16.self)
        case .int32: return gather(indices, picked, as: Int32.self)
        case .int64: return gather(indices, picked, as: Int64.self)
        case .float32: return gather(indices, picked, as: Float.self)
        case .float64: return gather(indices, picked, as: Double.self)
        case .decimal: return gather(indices, picked, as: Decimal.self)
        case .interval: return gather(indices, picked, as: Interval.self)
        case .uuid: return gather(indices, picked, as: UUIDValue.self)
        case .bytes: return gatherText(indices, picked)
        }
    }

    private func gather<Value: FixedWidthValue>(
        _ indices: UnsafeBufferPointer<Int32>, _ picked: Validity?, as: Value.Type
    ) -> Column {
        withValues(as: Value.self) { source in
            Column(type: type, count: indices.count, validity: picked) { (target: UnsafeMutableBufferPointer<Value>) in
                for row in 0..<indices.count {
                    target[row] = source[Int(indices[row])]
                }
            }
        }
    }

    private func gatherText(_ indices: UnsafeBufferPointer<Int32>, _ picked: Validity?) -> Column {
        withText { offsets, source in
            let newOffsets = ColumnBuffer(capacity: (indices.count + 1) * 4)
            let target = newOffsets.base.assumingMemoryBound(to: UInt32.self)
            var total = 0
            target[0] = 0
            for row in 0..<indices.count {
                let index = Int(indices[row])
                total += Int(offsets[index + 1] - offsets[index])
                precondition(total <= UInt32.max, "a text column holds at most 4 GiB")
                target[row + 1] = UInt32(total)
            }
            let heap = ColumnBuffer(capacity: total)
            for row in 0..<indices.count {
                let index = Int(indices[row])
                let length = Int(offsets[index + 1] - offsets[index])
                (heap.base + Int(target[row])).copyMemory(from: source + Int(offsets[index]), byteCount: length)
            }
            return Column(type: type, count: indices.count, validity: picked, values: newOffsets, bytes: heap)
        }
    }

    /// The rows of all `columns`, one after another. All are of one type and there is at least one.
    package static func concatenating(_ columns: [Column]) -> Column {
        precondition(!columns.isEmpty)
        if columns.count == 1 { return columns[0] }
        let type = columns[0].type
        let count = columns.reduce(0) { $0 + $1.count }
        var validity: Validity?
        if columns.contains(where: { $0.validity != nil }) {
            let builder = columns.flatMap { column in (0..<column.count).map { !column.isNull($0) } }
            validity = Validity(count: count) { builder[$0] }
        }
        let stride = type.storage.stride
        if type.storage != .bytes {
            let buffer = ColumnBuffer(capacity: count * stride)
            var position = 0
            for column in columns {
                (buffer.base + position).copyMemory(from: column.values.base, byteCount: column.count * stride)
                position += column.count * stride
            }
            return Column(type: type, count: count, validity: validity, values: buffer, bytes: nil)
        }
        let total = columns.reduce(0) { $0 + $1.withText { offsets, _ in Int(offsets[offsets.count - 1]) } }
        precondition(total <= UInt32.max, "a text column holds at most 4 GiB")
        let newOffsets = ColumnBuffer(capacity: (count + 1) * 4)
        let target = newOffsets.base.assumingMemoryBound(to: UInt32.self)
        target[0] = 0
        let heap = ColumnBuffer(capacity: total)
        var row = 0
        var position = 0
        for column in columns {
            column.withText { offsets, source in
                let length = Int(offsets[column.count])
                (heap.base + position).copyMemory(from: source, byteCount: length)
                for index in 0..<column.count {
                    target[row + 1] = UInt32(position) + offsets[index + 1]
                    row += 1
                }
                position += length
            }
        }
        return Column(type: type, count: count, validity: validity, values: newOffsets, bytes: heap)
    }

    /// A bigint column of these values.
    static func bigints(_ values: [Int64]) -> Column {
        Column(type: .bigint, count: values.count) { (out: UnsafeMutableBufferPointer<Int64>) in
            for row in 0..<values.count { out[row] = values[row] }
        }
    }

    /// A column of `count` times the same value.
    package static func repeating(_ datum: Datum, type: DataType, count: Int) -> Column {
        let builder = ColumnBuilder(type: type, capacity: 1)
        builder.append(datum)
        return withUnsafeTemporaryAllocation(of: Int32.self, capacity: count) { zeros in
            zeros.initialize(repeating: 0)
            return builder.finish().gather(UnsafeBufferPointer(zeros))
        }
    }

    /// The first `count` rows, in the same buffers.
    package func prefix(_ count: Int) -> Column {
        precondition(count <= self.count)
        let valid = validity.map { Validity(words: $0.words, count: count) }
        return Column(type: type, count: count, validity: valid, values: values, bytes: bytes)
    }

    /// Row by row the value of the column chosen: row i of the answer is row i of `columns[choice[i]]`. All are of one type and of
    /// `choice.count` rows, and there is at least one.
    package static func choosing(_ columns: [Column], _ choice: UnsafeBufferPointer<Int32>) -> Column {
        let picked: Validity? =
            columns.contains { $0.validity != nil }
            ? Validity(count: choice.count) { !columns[Int(choice[$0])].isNull($0) } : nil
        switch columns[0].type.storage {
        case .uint8: return choosing(columns, choice, picked, as: UInt8.self)
        case .int16: return choosing(columns, choice, picked, as: Int16.self)
        case .int32: return choosing(columns, choice, picked, as: Int32.self)
        case .int64: return choosing(columns, choice, picked, as: Int64.self)
        case .float32: return choosing(columns, choice, picked, as: Float.self)
        case .float64: return choosing(columns, choice, picked, as: Double.self)
        case .decimal: return choosing(columns, choice, picked, as: Decimal.self)
        case .interval: return choosing(columns, choice, picked, as: Interval.self)
        case .uuid: return choosing(columns, choice, picked, as: UUIDValue.self)
        case .bytes: return choosingText(columns, choice, picked)
        }
    }

    private static func choosing<Value: FixedWidthValue>(
        _ columns: [Column], _ choice: UnsafeBufferPointer<Int32>, _ picked: Validity?, as: Value.Type
    ) -> Column {
        withExtendedLifetime(columns) {
            withUnsafeTemporaryAllocation(of: UnsafePointer<Value>.self, capacity: columns.count) { sources in
                for (number, column) in columns.enumerated() {
                    sources.initializeElement(
                        at: number, to: UnsafePointer(column.values.base.assumingMemoryBound(to: Value.self)))
                }
                return Column(type: columns[0].type, count: choice.count, validity: picked) {
                    (target: UnsafeMutableBufferPointer<Value>) in
                    for row in 0..<choice.count { target[row] = sources[Int(choice[row])][row] }
                }
            }
        }
    }

    private static func choosingText(
        _ columns: [Column], _ choice: UnsafeBufferPointer<Int32>, _ picked: Validity?
    ) -> Column {
        typealias Source = (offsets: UnsafePointer<UInt32>, bytes: UnsafePointer<UInt8>)
        return withExtendedLifetime(columns) {
            withUnsafeTemporaryAllocation(of: Source.self, capacity: columns.count) { sources in
                for (number, column) in columns.enumerated() {
                    column.withText { offsets, bytes in
                        // SAFETY of the unwrap: there is at least one offset.
                        sources.initializeElement(at: number, to: (offsets.baseAddress.unsafelyUnwrapped, bytes))
                    }
                }
                let newOffsets = ColumnBuffer(capacity: (choice.count + 1) * 4)
                let target = newOffsets.base.assumingMemoryBound(to: UInt32.self)
                target[0] = 0
                var total = 0
                for row in 0..<choice.count {
                    let offsets = sources[Int(choice[row])].offsets
                    total += Int(offsets[row + 1] - offsets[row])
                    precondition(total <= UInt32.max, "a text column holds at most 4 GiB")
                    target[row + 1] = UInt32(total)
                }
                let heap = ColumnBuffer(capacity: total)
                for row in 0..<choice.count {
                    let source = sources[Int(choice[row])]
                    let start = Int(source.offsets[row])
                    (heap.base + Int(target[row])).copyMemory(
                        from: source.bytes + start, byteCount: Int(source.offsets[row + 1]) - start)
                }
                return Column(
                    type: columns[0].type, count: choice.count, validity: picked, values: newOffsets, bytes: heap)
            }
        }
    }
}

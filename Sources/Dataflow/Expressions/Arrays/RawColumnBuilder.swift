/// Builds a column of values that are at hand as bytes (``Column/withRaw(_:_:)``, ``ArrayBytes/raw(_:)``), without boxing them.
struct RawColumnBuilder {
    private let type: DataType
    private let stride: Int
    private var values: [UInt8] = []
    private var offsets: [UInt32] = [0]
    private var valid: [Bool] = []
    private var hasNulls = false

    init(type: DataType, capacity: Int) {
        self.type = type
        stride = type.storage == .bytes ? 0 : type.storage.stride
        valid.reserveCapacity(capacity)
        values.reserveCapacity(capacity * max(stride, 8))
    }

    var count: Int { valid.count }

    /// Appends a value; nil is NULL.
    mutating func append(_ raw: UnsafeRawBufferPointer?) {
        if let raw { values.append(contentsOf: raw) }
        if stride > 0 {
            values.append(contentsOf: repeatElement(0, count: stride - (raw?.count ?? 0)))
        } else {
            offsets.append(UInt32(values.count))
        }
        valid.append(raw != nil)
        hasNulls = hasNulls || raw == nil
    }

    func finish() -> Column {
        let validity = hasNulls ? Validity(count: count) { valid[$0] } : nil
        let bytes = Self.buffer(values)
        guard stride == 0 else {
            return Column(type: type, count: count, validity: validity, values: bytes, bytes: nil)
        }
        return Column(type: type, count: count, validity: validity, values: Self.buffer(offsets), bytes: bytes)
    }

    private static func buffer<Element>(_ elements: [Element]) -> ColumnBuffer {
        elements.withUnsafeBytes { source in
            let buffer = ColumnBuffer(capacity: source.count)
            if let base = source.baseAddress { buffer.base.copyMemory(from: base, byteCount: source.count) }
            return buffer
        }
    }
}

extension Column {
    /// The elements of all rows of an array column, one after another, and where each row's end; a NULL row has none.
    func flattened(_ validity: Validity?) -> (elements: Column, ends: [Int]) {
        guard let element = type.element else { preconditionFailure("\(type.name) is no array") }
        var builder = RawColumnBuilder(type: element, capacity: count * 4)
        var ends: [Int] = []
        ends.reserveCapacity(count)
        for row in 0..<count {
            if !isNull(row), validity?.isValid(row) ?? true {
                withRaw(row) { raw in
                    let array = ArrayBytes(raw, element: element)
                    for index in 0..<array.count { builder.append(array.raw(index)) }
                }
            }
            ends.append(builder.count)
        }
        return (builder.finish(), ends)
    }
}

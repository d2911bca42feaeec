/// One value of an array type as it lies in a column: borrowed, valid while the column is.
///
/// The element type is the column's. The bytes are, little-endian and unaligned, with no padding:
/// - `UInt32`: the count, and 1 << 31 if an element is NULL;
/// - if so, a bit per element, least significant first, 1 = a value: `(count + 7) / 8` bytes, the last one filled up with zeros;
/// - of a fixed-stride element type the values, each of the storage's ``DataType/Storage/size`` (zeros where NULL);
/// - of the others a `UInt32` per element, its end in what follows, and then the elements' bytes.
package struct ArrayBytes {
    package let element: DataType
    package let count: Int
    private let validity: UnsafeRawPointer?
    private let values: UnsafeRawPointer
    /// 0 for elements of no fixed size.
    private let size: Int

    private static let nullFlag: UInt32 = 1 << 31

    package init(_ bytes: UnsafeRawBufferPointer, element: DataType) {
        guard let base = bytes.baseAddress else { preconditionFailure("an array has at least its count") }
        self.element = element
        let header = base.loadUnaligned(as: UInt32.self)
        count = Int(header & ~Self.nullFlag)
        let hasNulls = header & Self.nullFlag != 0
        validity = hasNulls ? base + 4 : nil
        values = base + 4 + (hasNulls ? (count + 7) / 8 : 0)
        size = element.storage == .bytes ? 0 : element.storage.size
    }

    package var hasNulls: Bool { validity != nil }

    package func isNull(_ index: Int) -> Bool {
        guard let validity else { return false }
        return (validity + index >> 3).load(as: UInt8.self) >> UInt8(index & 7) & 1 == 0
    }

    /// The bytes of an element, as ``Column/withRaw(_:_:)`` lends those of a row; nil if it is NULL.
    package func raw(_ index: Int) -> UnsafeRawBufferPointer? {
        precondition(index >= 0 && index < count)
        if isNull(index) { return nil }
        if size > 0 { return UnsafeRawBufferPointer(start: values + index * size, count: size) }
        let start = index == 0 ? 0 : Int(values.loadUnaligned(fromByteOffset: (index - 1) * 4, as: UInt32.self))
        let end = Int(values.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self))
        return UnsafeRawBufferPointer(start: values + count * 4 + start, count: end - start)
    }

    package func datum(_ index: Int) -> Datum { raw(index).map { ValueBytes.datum(element, $0) } ?? .null }

    /// −1, 0 or 1 by SQL's order: element by element, NULL above all values, and of a common beginning the shorter first.
    package static func compare(_ a: ArrayBytes, _ b: ArrayBytes) -> Int {
        for index in 0..<min(a.count, b.count) {
            switch (a.raw(index), b.raw(index)) {
            case (nil, nil): continue
            case (nil, _): return 1
            case (_, nil): return -1
            case (let x?, let y?):
                let order = ValueBytes.compare(a.element, x, y)
                if order != 0 { return order }
            }
        }
        return (a.count - b.count).signum()
    }

    /// Elements that an array may have (PostgreSQL's bound is some 134 million, by memory).
    package static let countMax = 1 << 24

    /// Writes arrays one after another; the memory is reused.
    package struct Writer {
        package let element: DataType
        private var values: [UInt8] = []
        private var ends: [UInt32] = []
        private var valid: [Bool] = []
        private var hasNulls = false

        package init(element: DataType) { self.element = element }

        package var count: Int { valid.count }

        /// Appends an element by its bytes, nil for NULL.
        package mutating func append(_ raw: UnsafeRawBufferPointer?) {
            if let raw {
                // One NaN, so that equal arrays have equal bytes.
                if element == .double, ValueBytes.load(raw, as: Double.self).isNaN {
                    withUnsafeBytes(of: Double.nan) { values.append(contentsOf: $0) }
                } else if element == .real, ValueBytes.load(raw, as: Float.self).isNaN {
                    withUnsafeBytes(of: Float.nan) { values.append(contentsOf: $0) }
                } else {
                    values.append(contentsOf: raw)
                }
            } else {
                hasNulls = true
                if element.storage != .bytes {
                    values.append(contentsOf: repeatElement(0, count: element.storage.size))
                }
            }
            valid.append(raw != nil)
            if element.storage == .bytes { ends.append(UInt32(values.count)) }
        }

        package mutating func append(_ datum: Datum) {
            if datum.isNull { return append(nil) }
            ValueBytes.withRaw(of: datum) { append($0) }
        }

        /// Appends the array's bytes and begins the next one.
        package mutating func finish(into bytes: inout [UInt8]) {
            let header = UInt32(valid.count) | (hasNulls ? ArrayBytes.nullFlag : 0)
            withUnsafeBytes(of: header.littleEndian) { bytes.append(contentsOf: $0) }
            if hasNulls {
                for start in stride(from: 0, to: valid.count, by: 8) {
                    var bits: UInt8 = 0
                    for index in start..<min(start + 8, valid.count) where valid[index] {
                        bits |= 1 << UInt8(index - start)
                    }
                    bytes.append(bits)
                }
            }
            ends.withUnsafeBytes { bytes.append(contentsOf: $0) }
            bytes.append(contentsOf: values)
            values.removeAll(keepingCapacity: true)
            ends.removeAll(keepingCapacity: true)
            valid.removeAll(keepingCapacity: true)
            hasNulls = false
        }

        package mutating func finish() -> [UInt8] {
            var bytes: [UInt8] = []
            finish(into: &bytes)
            return bytes
        }
    }
}

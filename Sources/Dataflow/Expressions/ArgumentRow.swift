/// The arguments of one row, read from the raw buffers of their columns.
///
/// Made once for a batch (``forEach(_:_:_:)``), so that reading a value is a load, without reference counting. A NULL row's values
/// are undefined, but readable.
struct ArgumentRow {
    private struct Source {
        let values: UnsafeRawPointer
        let bytes: UnsafePointer<UInt8>?
        let validity: UnsafePointer<UInt64>?
    }

    private let sources: UnsafePointer<Source>
    let count: Int
    /// The row in its batch.
    private(set) var index = 0

    /// Calls `body` with the arguments, placed at row 0; they are valid within it.
    @inline(__always)
    static func with<Result>(_ columns: [Column], _ body: (inout ArgumentRow) -> Result) -> Result {
        withExtendedLifetime(columns) {
            withUnsafeTemporaryAllocation(of: Source.self, capacity: columns.count) { sources in
                for (number, column) in columns.enumerated() {
                    let source = Source(
                        values: UnsafeRawPointer(column.values.base),
                        bytes: column.bytes.map { UnsafePointer($0.base.assumingMemoryBound(to: UInt8.self)) },
                        validity: column.validity.map {
                            UnsafePointer($0.words.base.assumingMemoryBound(to: UInt64.self))
                        })
                    sources.initializeElement(at: number, to: source)
                }
                // SAFETY of the unwrap: an allocation has an address, also of no elements.
                let base = UnsafePointer(sources.baseAddress.unsafelyUnwrapped)
                var row = ArgumentRow(sources: base, count: columns.count)
                return body(&row)
            }
        }
    }

    private init(sources: UnsafePointer<Source>, count: Int) {
        self.sources = sources
        self.count = count
    }

    mutating func move(to row: Int) { index = row }

    @inline(__always)
    func isNull(_ argument: Int) -> Bool {
        guard let words = sources[argument].validity else { return false }
        return words[index >> 6] >> UInt64(index & 63) & 1 == 0
    }

    @inline(__always)
    func value<Value: FixedWidthValue>(_ argument: Int, as: Value.Type = Value.self) -> Value {
        sources[argument].values.load(fromByteOffset: index &* MemoryLayout<Value>.stride, as: Value.self)
    }

    /// The bytes of a text, or of another type that lies in a heap.
    @inline(__always)
    func text(_ argument: Int) -> UnsafeBufferPointer<UInt8> {
        let offsets = sources[argument].values.assumingMemoryBound(to: UInt32.self)
        let start = Int(offsets[index])
        return UnsafeBufferPointer(
            start: sources[argument].bytes.unsafelyUnwrapped + start, count: Int(offsets[index &+ 1]) &- start)
    }

    /// The bytes of a fixed-stride value.
    func raw(_ argument: Int, stride: Int, size: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: sources[argument].values + index * stride, count: size)
    }

    func string(_ argument: Int) -> String { String(decoding: text(argument), as: UTF8.self) }

    /// An `integer`, as the type that Swift counts with.
    @inline(__always)
    func integer(_ argument: Int) -> Int { Int(value(argument, as: Int32.self)) }

    @inline(__always)
    func bigint(_ argument: Int) -> Int64 { value(argument) }

    @inline(__always)
    func double(_ argument: Int) -> Double { value(argument) }

    @inline(__always)
    func numeric(_ argument: Int) -> Decimal { value(argument) }

    @inline(__always)
    func interval(_ argument: Int) -> Interval { value(argument) }

    @inline(__always)
    func boolean(_ argument: Int) -> Bool { value(argument, as: UInt8.self) & 1 != 0 }
}

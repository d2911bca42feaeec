/// Writes one value in the form of ``JSONB``, from left to right: scalars, and containers begun and ended around their contents.
///
/// In an object each value is written after its ``key(_:)``; of equal keys the last one stays, as in PostgreSQL.
package struct JSONBWriter {
    /// The value, once it is complete.
    package private(set) var bytes: [UInt8] = []
    private var frames: [Frame] = []
    private var keys: [UInt8] = []
    private var scratch: [UInt8] = []

    /// A container under way; its values lie at the end of ``bytes``, its keys at the end of ``keys``.
    private struct Frame {
        var start: Int
        var keyStart: Int
        var entries: [Entry] = []
    }

    private struct Entry {
        var key: Range<Int>
        var value: Range<Int>
        var order: Int
    }

    package init() {}

    /// Forgets everything, but keeps the memory.
    package mutating func reset() {
        bytes.removeAll(keepingCapacity: true)
        keys.removeAll(keepingCapacity: true)
        frames.removeAll(keepingCapacity: true)
    }

    /// Containers that are not ended.
    package var depth: Int { frames.count }

    package mutating func null() { scalar(JSONB.Tag.null) }
    package mutating func boolean(_ value: Bool) { scalar(value ? JSONB.Tag.true : JSONB.Tag.false) }
    package mutating func string(_ text: JSONB.Bytes) { scalar(JSONB.Tag.string, text) }

    package mutating func string(_ text: String) {
        var text = text
        text.withUTF8 { string($0) }
    }

    /// A number by the digits that PostgreSQL prints for it (see ``JSONBNumber``).
    package mutating func number(_ digits: JSONB.Bytes) { scalar(JSONB.Tag.number, digits) }

    package mutating func number(_ digits: [UInt8]) { digits.withUnsafeBufferPointer { number($0) } }

    /// A whole value that is in the form already.
    package mutating func value(_ value: JSONB) {
        let start = bytes.count
        bytes.append(contentsOf: value.bytes)
        close(start)
    }

    private mutating func scalar(_ tag: UInt8, _ text: JSONB.Bytes = JSONB.Bytes(start: nil, count: 0)) {
        let start = bytes.count
        bytes.append(tag)
        bytes.append(contentsOf: text)
        close(start)
    }

    /// A value of the container under way ends here.
    private mutating func close(_ start: Int) {
        guard let last = frames.indices.last else { return }
        if frames[last].keyStart >= 0 {
            frames[last].entries[frames[last].entries.count - 1].value = start..<bytes.count
        } else {
            frames[last].entries.append(Entry(key: 0..<0, value: start..<bytes.count, order: 0))
        }
    }

    package mutating func beginArray() { frames.append(Frame(start: bytes.count, keyStart: -1)) }

    package mutating func beginObject() { frames.append(Frame(start: bytes.count, keyStart: keys.count)) }

    package mutating func key(_ text: JSONB.Bytes) {
        let last = frames.count - 1
        let start = keys.count
        keys.append(contentsOf: text)
        frames[last].entries.append(
            Entry(key: start..<keys.count, value: 0..<0, order: frames[last].entries.count))
    }

    package mutating func key(_ text: String) {
        var text = text
        text.withUTF8 { key($0) }
    }

    package mutating func endArray() {
        let frame = frames.removeLast()
        begin(JSONB.Tag.array, frame.entries.count)
        for entry in frame.entries { word(entry.value.upperBound - frame.start) }
        bytes.withUnsafeBufferPointer { scratch.append(contentsOf: $0[frame.start...]) }
        replace(frame)
    }

    package mutating func endObject() {
        var frame = frames.removeLast()
        keys.withUnsafeBufferPointer { keys in
            func text(_ entry: Entry) -> JSONB.Bytes { JSONB.Bytes(rebasing: keys[entry.key]) }
            frame.entries.sort { first, second in
                let order = JSONB.compareKeys(text(first), text(second))
                return order != 0 ? order < 0 : first.order < second.order
            }
            var kept = 0
            for (index, entry) in frame.entries.enumerated() {
                let isLast =
                    index + 1 == frame.entries.count
                    || JSONB.compareKeys(text(entry), text(frame.entries[index + 1])) != 0
                guard isLast else { continue }
                frame.entries[kept] = entry
                kept += 1
            }
            frame.entries.removeLast(frame.entries.count - kept)
        }
        begin(JSONB.Tag.object, frame.entries.count)
        var end = 0
        for entry in frame.entries {
            end += entry.key.count
            word(end)
        }
        end = 0
        for entry in frame.entries {
            end += entry.value.count
            word(end)
        }
        for entry in frame.entries { scratch.append(contentsOf: keys[entry.key]) }
        for entry in frame.entries { scratch.append(contentsOf: bytes[entry.value]) }
        keys.removeLast(keys.count - frame.keyStart)
        replace(frame)
    }

    private mutating func begin(_ tag: UInt8, _ count: Int) {
        scratch.removeAll(keepingCapacity: true)
        scratch.append(tag)
        word(count)
    }

    private mutating func word(_ value: Int) {
        withUnsafeBytes(of: UInt32(value).littleEndian) { scratch.append(contentsOf: $0) }
    }

    private mutating func replace(_ frame: Frame) {
        bytes.removeLast(bytes.count - frame.start)
        bytes.append(contentsOf: scratch)
        close(frame.start)
    }
}

extension JSONB {
    /// Writes the one form that stands for all values that SQL calls equal: numbers without zeros at their fraction's end.
    package func writeNormalized(to writer: inout JSONBWriter) {
        switch kind {
        case .null, .boolean, .string: writer.value(self)
        case .number: writer.number(Bytes(rebasing: text[..<NumberOrder.normalizedCount(text)]))
        case .array:
            writer.beginArray()
            for index in 0..<count { element(index).writeNormalized(to: &writer) }
            writer.endArray()
        case .object:
            writer.beginObject()
            for index in 0..<count {
                writer.key(key(index))
                value(index).writeNormalized(to: &writer)
            }
            writer.endObject()
        }
    }
}

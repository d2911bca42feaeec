import Glibc

/// A value of SQL's `jsonb`, or a part of one, as it lies in memory: borrowed, valid while its column is.
///
/// The form is canonical: values that print equally have equal bytes. A node is one tag byte and
/// - null, false, true: nothing;
/// - string: its UTF-8, to the node's end; number: the digits as PostgreSQL prints the numeric (`-12.50`), to the node's end;
/// - array: the count, the ends of the elements relative to the first one, the elements (nodes);
/// - object: the count, the ends of the keys relative to the first one, the ends of the values relative to the first one, the keys,
///   the values (nodes); keys are distinct and ascend by length, then by bytes.
///
/// Counts and ends are little-endian `UInt32`, unaligned.
package struct JSONB {
    package typealias Bytes = UnsafeBufferPointer<UInt8>

    /// In the order of PostgreSQL's comparison.
    package enum Kind: UInt8, Comparable {
        case null = 0
        case string = 1
        case number = 2
        case boolean = 3
        case array = 5
        case object = 6

        package static func < (first: Kind, second: Kind) -> Bool { first.rawValue < second.rawValue }
    }

    enum Tag {
        static let null: UInt8 = 0
        static let string: UInt8 = 1
        static let number: UInt8 = 2
        static let `false`: UInt8 = 3
        static let `true`: UInt8 = 4
        static let array: UInt8 = 5
        static let object: UInt8 = 6
    }

    /// Exactly one node.
    package let bytes: Bytes

    package init(_ bytes: Bytes) {
        precondition(!bytes.isEmpty)
        self.bytes = bytes
    }

    package init(_ bytes: UnsafeRawBufferPointer) { self.init(bytes.bindMemory(to: UInt8.self)) }

    private var base: UnsafePointer<UInt8> { bytes.baseAddress.unsafelyUnwrapped }

    package var kind: Kind {
        let tag = base[0]
        return Kind(rawValue: tag == Tag.true ? Tag.false : tag).unsafelyUnwrapped
    }

    package var isNull: Bool { base[0] == Tag.null }
    package var isContainer: Bool { base[0] >= Tag.array }
    package var isTrue: Bool { base[0] == Tag.true }

    /// A string's contents, or a number's digits.
    package var text: Bytes { Bytes(start: base + 1, count: bytes.count - 1) }

    @inline(__always)
    private func word(_ index: Int) -> Int {
        Int(UnsafeRawPointer(base).loadUnaligned(fromByteOffset: 1 + index * 4, as: UInt32.self))
    }

    /// Elements of an array or members of an object.
    package var count: Int { word(0) }

    /// The `index`-th element of an array.
    package func element(_ index: Int) -> JSONB {
        let count = count
        precondition(index >= 0 && index < count)
        let data = 1 + 4 + count * 4
        let start = index == 0 ? 0 : word(index)
        return JSONB(Bytes(start: base + data + start, count: word(index + 1) - start))
    }

    /// The key of the `index`-th member of an object.
    package func key(_ index: Int) -> Bytes {
        let count = count
        precondition(index >= 0 && index < count)
        let data = 1 + 4 + count * 8
        let start = index == 0 ? 0 : word(index)
        return Bytes(start: base + data + start, count: word(index + 1) - start)
    }

    /// The value of the `index`-th member of an object.
    package func value(_ index: Int) -> JSONB {
        let count = count
        precondition(index >= 0 && index < count)
        let data = 1 + 4 + count * 8 + word(count)
        let start = index == 0 ? 0 : word(count + index)
        return JSONB(Bytes(start: base + data + start, count: word(count + index + 1) - start))
    }

    /// The place of a key among an object's members.
    package func index(of key: Bytes) -> Int? {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            let order = Self.compareKeys(self.key(middle), key)
            if order == 0 { return middle }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return nil
    }

    /// The value of an object's member.
    package func member(_ key: Bytes) -> JSONB? { index(of: key).map { value($0) } }

    /// The order in which an object keeps its keys: by length, then by bytes.
    static func compareKeys(_ a: Bytes, _ b: Bytes) -> Int {
        if a.count != b.count { return a.count - b.count }
        guard let x = a.baseAddress, let y = b.baseAddress else { return 0 }
        return Int(memcmp(x, y, a.count))
    }

    // MARK: order

    /// −1, 0 or 1 by PostgreSQL's btree order of whole values.
    package static func compare(_ a: JSONB, _ b: JSONB) -> Int {
        // A scalar counts as an array of one element that sorts before others of that length.
        if a.kind == .array, !b.isContainer { return a.count == 0 ? -1 : 1 }
        if b.kind == .array, !a.isContainer { return b.count == 0 ? 1 : -1 }
        return compareNodes(a, b)
    }

    private static func compareNodes(_ a: JSONB, _ b: JSONB) -> Int {
        let (kind, other) = (a.kind, b.kind)
        if kind != other { return kind < other ? -1 : 1 }
        switch kind {
        case .null: return 0
        case .boolean: return (a.isTrue ? 1 : 0) - (b.isTrue ? 1 : 0)
        case .string: return RowOrder.compareBytes(a.text, b.text)
        case .number: return NumberOrder.compare(a.text, b.text)
        case .array:
            let count = a.count
            if count != b.count { return count < b.count ? -1 : 1 }
            for index in 0..<count {
                let order = compareNodes(a.element(index), b.element(index))
                if order != 0 { return order }
            }
            return 0
        case .object:
            let count = a.count
            if count != b.count { return count < b.count ? -1 : 1 }
            for index in 0..<count {
                let byKey = RowOrder.compareBytes(a.key(index), b.key(index))
                if byKey != 0 { return byKey }
                let order = compareNodes(a.value(index), b.value(index))
                if order != 0 { return order }
            }
            return 0
        }
    }

    // MARK: text

    /// Appends the text as PostgreSQL prints it: one blank behind each comma and colon.
    package func append(to text: inout [UInt8]) {
        switch kind {
        case .null: text.append(contentsOf: "null".utf8)
        case .boolean: text.append(contentsOf: (isTrue ? "true" : "false").utf8)
        case .number: text.append(contentsOf: self.text)
        case .string: Self.appendQuoted(self.text, to: &text)
        case .array:
            text.append(UInt8(ascii: "["))
            for index in 0..<count {
                if index > 0 { text.append(contentsOf: ", ".utf8) }
                element(index).append(to: &text)
            }
            text.append(UInt8(ascii: "]"))
        case .object:
            text.append(UInt8(ascii: "{"))
            for index in 0..<count {
                if index > 0 { text.append(contentsOf: ", ".utf8) }
                Self.appendQuoted(key(index), to: &text)
                text.append(contentsOf: ": ".utf8)
                value(index).append(to: &text)
            }
            text.append(UInt8(ascii: "}"))
        }
    }

    /// A string with its quotes and PostgreSQL's escapes.
    package static func appendQuoted(_ bytes: Bytes, to text: inout [UInt8]) {
        text.append(UInt8(ascii: "\""))
        var start = 0
        for position in 0..<bytes.count {
            let byte = bytes[position]
            guard byte < 0x20 || byte == 0x22 || byte == 0x5C else { continue }
            text.append(contentsOf: Bytes(rebasing: bytes[start..<position]))
            start = position + 1
            text.append(0x5C)
            switch byte {
            case 0x22, 0x5C: text.append(byte)
            case 0x08: text.append(UInt8(ascii: "b"))
            case 0x0C: text.append(UInt8(ascii: "f"))
            case 0x0A: text.append(UInt8(ascii: "n"))
            case 0x0D: text.append(UInt8(ascii: "r"))
            case 0x09: text.append(UInt8(ascii: "t"))
            default:
                text.append(contentsOf: "u00".utf8)
                ByteaText.appendHexadecimal(byte, to: &text)
            }
        }
        text.append(contentsOf: Bytes(rebasing: bytes[start...]))
        text.append(UInt8(ascii: "\""))
    }
}

/// Decimal numbers as text without superfluous leading zeros: `-12.50`.
enum NumberOrder {
    /// −1, 0 or 1 by value.
    static func compare(_ a: JSONB.Bytes, _ b: JSONB.Bytes) -> Int {
        let (x, y) = (Parts(a), Parts(b))
        if x.sign != y.sign { return x.sign < y.sign ? -1 : 1 }
        return x.sign * x.compareMagnitude(y)
    }

    /// How many bytes remain without the zeros at the fraction's end.
    static func normalizedCount(_ text: JSONB.Bytes) -> Int {
        guard text.contains(UInt8(ascii: ".")) else { return text.count }
        var end = text.count
        while text[end - 1] == UInt8(ascii: "0") { end -= 1 }
        return text[end - 1] == UInt8(ascii: ".") ? end - 1 : end
    }

    private struct Parts {
        var sign: Int
        var whole: Slice<JSONB.Bytes>
        var fraction: Slice<JSONB.Bytes>

        init(_ text: JSONB.Bytes) {
            let start = text[0] == UInt8(ascii: "-") ? 1 : 0
            let point = text.firstIndex(of: UInt8(ascii: ".")) ?? text.count
            whole = text[start..<point]
            fraction = text[min(point + 1, text.count)...]
            let isZero = whole.allSatisfy { $0 == 0x30 } && fraction.allSatisfy { $0 == 0x30 }
            sign = isZero ? 0 : start == 1 ? -1 : 1
        }

        func compareMagnitude(_ other: Parts) -> Int {
            if whole.count != other.whole.count { return whole.count < other.whole.count ? -1 : 1 }
            for (x, y) in zip(whole, other.whole) where x != y { return x < y ? -1 : 1 }
            for (x, y) in zip(fraction, other.fraction) where x != y { return x < y ? -1 : 1 }
            if fraction.count > other.fraction.count {
                return fraction.dropFirst(other.fraction.count).contains { $0 != 0x30 } ? 1 : 0
            }
            return other.fraction.dropFirst(fraction.count).contains { $0 != 0x30 } ? -1 : 0
        }
    }
}

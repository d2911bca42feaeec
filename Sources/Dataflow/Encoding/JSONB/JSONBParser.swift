/// Reads JSON text (RFC 8259, as strictly as PostgreSQL) into the form of ``JSONB``.
package struct JSONBParser {
    private let text: UnsafeBufferPointer<UInt8>
    private var position = 0
    private var writer: JSONBWriter
    private var scratch: [UInt8] = []

    /// Containers within each other; PostgreSQL's bound is its stack's size, some thousands.
    package static let depthMax = 512

    private init(_ text: UnsafeBufferPointer<UInt8>) {
        self.text = text
        writer = JSONBWriter()
    }

    /// The value in its binary form. The text is UTF-8.
    package static func parse(_ text: UnsafeBufferPointer<UInt8>) throws(RowFailure) -> [UInt8] {
        var parser = JSONBParser(text)
        parser.skipBlanks()
        try parser.value(0)
        parser.skipBlanks()
        guard parser.position == text.count else { throw invalid }
        return parser.writer.bytes
    }

    private static let invalid = RowFailure("22P02", "invalid input syntax for type json")

    private mutating func skipBlanks() {
        while position < text.count, [0x20, 0x0A, 0x0D, 0x09].contains(text[position]) { position += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard position < text.count, text[position] == byte else { return false }
        position += 1
        return true
    }

    private mutating func value(_ depth: Int) throws(RowFailure) {
        guard position < text.count else { throw Self.invalid }
        switch text[position] {
        case UInt8(ascii: "{"): try object(depth + 1)
        case UInt8(ascii: "["): try array(depth + 1)
        case UInt8(ascii: "\""):
            try string()
            scratch.withUnsafeBufferPointer { writer.string($0) }
        case UInt8(ascii: "-"), 0x30...0x39: try number()
        default: try word()
        }
    }

    private func checkDepth(_ depth: Int) throws(RowFailure) {
        guard depth <= Self.depthMax else {
            throw RowFailure("54001", "stack depth limit exceeded: JSON is nested deeper than \(Self.depthMax)")
        }
    }

    private mutating func object(_ depth: Int) throws(RowFailure) {
        try checkDepth(depth)
        position += 1
        writer.beginObject()
        skipBlanks()
        if take(UInt8(ascii: "}")) { return writer.endObject() }
        while true {
            skipBlanks()
            guard position < text.count, text[position] == UInt8(ascii: "\"") else { throw Self.invalid }
            try string()
            scratch.withUnsafeBufferPointer { writer.key($0) }
            skipBlanks()
            guard take(UInt8(ascii: ":")) else { throw Self.invalid }
            skipBlanks()
            try value(depth)
            skipBlanks()
            if take(UInt8(ascii: ",")) { continue }
            guard take(UInt8(ascii: "}")) else { throw Self.invalid }
            return writer.endObject()
        }
    }

    private mutating func array(_ depth: Int) throws(RowFailure) {
        try checkDepth(depth)
        position += 1
        writer.beginArray()
        skipBlanks()
        if take(UInt8(ascii: "]")) { return writer.endArray() }
        while true {
            skipBlanks()
            try value(depth)
            skipBlanks()
            if take(UInt8(ascii: ",")) { continue }
            guard take(UInt8(ascii: "]")) else { throw Self.invalid }
            return writer.endArray()
        }
    }

    private mutating func word() throws(RowFailure) {
        func matches(_ word: StaticString) -> Bool {
            guard text.count - position >= word.utf8CodeUnitCount else { return false }
            for index in 0..<word.utf8CodeUnitCount where text[position + index] != word.utf8Start[index] {
                return false
            }
            return true
        }
        if matches("null") {
            position += 4
            writer.null()
        } else if matches("true") {
            position += 4
            writer.boolean(true)
        } else if matches("false") {
            position += 5
            writer.boolean(false)
        } else {
            throw Self.invalid
        }
    }

    private mutating func number() throws(RowFailure) {
        let start = position
        while position < text.count {
            switch text[position] {
            case 0x30...0x39, UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."), UInt8(ascii: "e"),
                UInt8(ascii: "E"):
                position += 1
                continue
            default: break
            }
            break
        }
        scratch.removeAll(keepingCapacity: true)
        try JSONBNumber.append(UnsafeBufferPointer(rebasing: text[start..<position]), to: &scratch)
        writer.number(scratch)
    }

    /// Puts a string's contents into `scratch`.
    private mutating func string() throws(RowFailure) {
        scratch.removeAll(keepingCapacity: true)
        position += 1
        while position < text.count {
            let byte = text[position]
            position += 1
            if byte == UInt8(ascii: "\"") { return }
            if byte < 0x20 { throw Self.invalid }
            guard byte == UInt8(ascii: "\\") else {
                scratch.append(byte)
                continue
            }
            guard position < text.count else { throw Self.invalid }
            let escaped = text[position]
            position += 1
            switch escaped {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): scratch.append(escaped)
            case UInt8(ascii: "b"): scratch.append(0x08)
            case UInt8(ascii: "f"): scratch.append(0x0C)
            case UInt8(ascii: "n"): scratch.append(0x0A)
            case UInt8(ascii: "r"): scratch.append(0x0D)
            case UInt8(ascii: "t"): scratch.append(0x09)
            case UInt8(ascii: "u"): try codePoint()
            default: throw Self.invalid
            }
        }
        throw Self.invalid
    }

    private mutating func codeUnit() throws(RowFailure) -> UInt32 {
        guard text.count - position >= 4 else { throw Self.invalid }
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = ByteaText.hexadecimal(text[position]) else { throw Self.invalid }
            unit = unit << 4 | UInt32(digit)
            position += 1
        }
        return unit
    }

    private mutating func codePoint() throws(RowFailure) {
        var unit = try codeUnit()
        if unit == 0 { throw RowFailure("22P05", "unsupported Unicode escape sequence") }
        if unit >= 0xD800, unit < 0xDC00 {
            guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else { throw Self.invalid }
            let low = try codeUnit()
            guard low >= 0xDC00, low < 0xE000 else { throw Self.invalid }
            unit = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(unit) else { throw Self.invalid }
        scratch.append(contentsOf: UTF8.encode(scalar).unsafelyUnwrapped)
    }
}

/// A JSON number as the digits that PostgreSQL prints for the numeric it becomes.
package enum JSONBNumber {
    /// PostgreSQL's bounds of a numeric.
    private static let wholeDigitsMax = 131_072
    private static let fractionDigitsMax = 16_383

    /// Appends the digits of a token by JSON's grammar of numbers: exponents written out, trailing zeros kept.
    package static func append(_ token: UnsafeBufferPointer<UInt8>, to text: inout [UInt8]) throws(RowFailure) {
        let invalid = RowFailure("22P02", "invalid input syntax for type json")
        var position = 0
        func isDigit(_ at: Int) -> Bool { at < token.count && token[at] >= 0x30 && token[at] <= 0x39 }
        let negative = !token.isEmpty && token[0] == UInt8(ascii: "-")
        if negative { position = 1 }
        let wholeStart = position
        guard isDigit(position) else { throw invalid }
        while isDigit(position) { position += 1 }
        let whole = wholeStart..<position
        if whole.count > 1, token[wholeStart] == 0x30 { throw invalid }
        var fraction = position..<position
        if position < token.count, token[position] == UInt8(ascii: ".") {
            position += 1
            let start = position
            while isDigit(position) { position += 1 }
            fraction = start..<position
            if fraction.isEmpty { throw invalid }
        }
        var exponent = 0
        if position < token.count, token[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            let isNegative = position < token.count && token[position] == UInt8(ascii: "-")
            if isNegative || position < token.count && token[position] == UInt8(ascii: "+") { position += 1 }
            guard isDigit(position) else { throw invalid }
            while isDigit(position) {
                exponent = min(exponent * 10 + Int(token[position] - 0x30), 1 << 32)
                position += 1
            }
            if isNegative { exponent = -exponent }
        }
        guard position == token.count else { throw invalid }
        var digits = Array(token[whole]) + Array(token[fraction])
        let isZero = digits.allSatisfy { $0 == 0x30 }
        // The value is digits × 10^(exponent − fraction.count).
        let scale = max(fraction.count - exponent, 0)
        var point = whole.count + exponent
        let overflow = RowFailure("22003", "value overflows numeric format")
        guard scale <= fractionDigitsMax else { throw overflow }
        if isZero {
            digits = [0x30]
            point = 1
        }
        let leading = isZero ? 0 : digits.prefix { $0 == 0x30 }.count
        digits.removeFirst(leading)
        point -= leading
        guard point <= wholeDigitsMax else { throw overflow }
        if negative, !isZero { text.append(UInt8(ascii: "-")) }
        if point <= 0 {
            text.append(0x30)
        } else {
            text.append(contentsOf: digits.prefix(point))
            if digits.count < point { text.append(contentsOf: repeatElement(0x30, count: point - digits.count)) }
        }
        guard scale > 0 else { return }
        text.append(UInt8(ascii: "."))
        let start = text.count
        if point < 0 { text.append(contentsOf: repeatElement(0x30, count: min(-point, scale))) }
        text.append(contentsOf: digits.dropFirst(max(point, 0)))
        let missing = scale - (text.count - start)
        if missing > 0 { text.append(contentsOf: repeatElement(0x30, count: missing)) }
    }
}

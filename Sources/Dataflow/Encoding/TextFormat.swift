import Glibc

/// PostgreSQL's text form of every type, out and in.
package enum TextFormat {
    /// Appends the output text of one value; NULL appends nothing.
    package static func append(_ column: Column, row: Int, to text: inout [UInt8]) {
        guard !column.isNull(row) else { return }
        column.withRaw(row) { append(column.type, $0, to: &text) }
    }

    /// Appends the output text of a value that lies in memory as ``Column/withRaw(_:_:)`` lends it.
    package static func append(_ type: DataType, _ raw: UnsafeRawBufferPointer, to text: inout [UInt8]) {
        switch type {
        case .boolean: text.append(UInt8(ascii: ValueBytes.load(raw, as: UInt8.self) != 0 ? "t" : "f"))
        case .smallint: IntegerText.append(Int64(ValueBytes.load(raw, as: Int16.self)), to: &text)
        case .integer: IntegerText.append(Int64(ValueBytes.load(raw, as: Int32.self)), to: &text)
        case .bigint: IntegerText.append(ValueBytes.load(raw, as: Int64.self), to: &text)
        case .numeric: DecimalText.append(ValueBytes.load(raw), to: &text)
        case .real: RealText.append(ValueBytes.load(raw), to: &text)
        case .double: DoubleText.append(ValueBytes.load(raw), to: &text)
        case .text, .character: text.append(contentsOf: raw)
        case .bytea: ByteaText.append(ValueBytes.text(raw), to: &text)
        case .uuid: UUIDText.append(ValueBytes.load(raw), to: &text)
        case .date: TimeText.append(date: ValueBytes.load(raw), to: &text)
        case .time: TimeText.append(time: ValueBytes.load(raw), to: &text)
        case .timestamp: TimeText.append(timestamp: ValueBytes.load(raw), to: &text)
        case .timestamptz: TimeText.append(timestamptz: ValueBytes.load(raw), to: &text)
        case .interval: TimeText.append(interval: ValueBytes.load(raw), to: &text)
        case .jsonb: JSONB(raw).append(to: &text)
        case .array(let element): ArrayText.append(ArrayBytes(raw, element: element.type), to: &text)
        }
    }

    /// The output text of a value; "" for NULL.
    package static func string(_ datum: Datum) -> String {
        var text: [UInt8] = []
        switch datum {
        case .null: break
        case .text(let value), .character(let value), .jsonb(let value): return value
        case .boolean(let value): return value ? "t" : "f"
        case .smallint(let value): IntegerText.append(Int64(value), to: &text)
        case .integer(let value): IntegerText.append(Int64(value), to: &text)
        case .bigint(let value): IntegerText.append(value, to: &text)
        case .numeric(let value): DecimalText.append(value, to: &text)
        case .real(let value): RealText.append(value, to: &text)
        case .double(let value): DoubleText.append(value, to: &text)
        case .bytea(let value): value.withUnsafeBufferPointer { ByteaText.append($0, to: &text) }
        case .uuid(let value): UUIDText.append(value, to: &text)
        case .date(let value): TimeText.append(date: value, to: &text)
        case .time(let value): TimeText.append(time: value, to: &text)
        case .timestamp(let value): TimeText.append(timestamp: value, to: &text)
        case .timestamptz(let value): TimeText.append(timestamptz: value, to: &text)
        case .interval(let value): TimeText.append(interval: value, to: &text)
        case .array(_, let element):
            ValueBytes.withRaw(of: datum) { ArrayText.append(ArrayBytes($0, element: element), to: &text) }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Reads the input text of a type; the error's row is 0. The fields of an interval's modifier say what a number without a unit
    /// counts; no modifier is applied.
    package static func parse(
        _ text: UnsafeBufferPointer<UInt8>, as type: DataType, modifier: TypeModifier? = nil
    ) throws(RowError) -> Datum {
        func invalid(_ code: String = "22P02") -> RowError {
            let shown = String(decoding: text.prefix(200), as: UTF8.self)
            return RowError(row: 0, code: code, message: "invalid input syntax for type \(type.name): \"\(shown)\"")
        }
        let trimmed = trim(text)
        switch type {
        case .boolean:
            guard let value = boolean(trimmed) else { throw invalid() }
            return .boolean(value)
        case .smallint, .integer, .bigint:
            guard let value = integer(trimmed) else { throw invalid() }
            let shown = String(decoding: trimmed, as: UTF8.self)
            let range = RowError(
                row: 0, code: "22003", message: "value \"\(shown)\" is out of range for type \(type.name)")
            guard let value else { throw range }
            if type == .bigint { return .bigint(value) }
            if type == .integer, let small = Int32(exactly: value) { return .integer(small) }
            if type == .smallint, let small = Int16(exactly: value) { return .smallint(small) }
            throw range
        case .numeric:
            guard let value = DecimalText.parse(trimmed) else {
                if looksNumeric(trimmed) {
                    throw RowError(row: 0, code: "22003", message: RowFailure.numericOverflow.message)
                }
                throw invalid()
            }
            return .numeric(value)
        case .double:
            guard let value = double(trimmed) else { throw invalid() }
            let isWord = trimmed.contains { $0 | 0x20 == UInt8(ascii: "n") }
            if value.isInfinite && !isWord || value == 0 && hasNonzeroDigit(trimmed) {
                let shown = String(decoding: trimmed, as: UTF8.self)
                throw RowError(row: 0, code: "22003", message: "\"\(shown)\" is out of range for type double precision")
            }
            return .double(value)
        case .real:
            guard let value = real(trimmed) else { throw invalid() }
            let isWord = trimmed.contains { $0 | 0x20 == UInt8(ascii: "n") }
            if value.isInfinite && !isWord || value == 0 && hasNonzeroDigit(trimmed) {
                let shown = String(decoding: trimmed, as: UTF8.self)
                throw RowError(row: 0, code: "22003", message: "\"\(shown)\" is out of range for type real")
            }
            return .real(value)
        case .text: return .text(String(decoding: text, as: UTF8.self))
        case .character: return .character(String(decoding: text, as: UTF8.self))
        case .bytea: return .bytea(try failing { () throws(RowFailure) in try ByteaText.parse(text) })
        case .uuid:
            guard let value = UUIDText.parse(text) else { throw invalid() }
            return .uuid(value)
        case .jsonb:
            let bytes = try failing { () throws(RowFailure) in try JSONBParser.parse(text) }
            return bytes.withUnsafeBytes { ValueBytes.datum(.jsonb, $0) }
        case .array(let element): return try ArrayText.parse(text, element: element.type)
        case .date:
            do throws(TimeTextError) {
                return .date(try TimestampText.parseDate(text))
            } catch {
                throw RowError(row: 0, error.failure(text, type: "date"))
            }
        case .time:
            do throws(TimeTextError) {
                return .time(try TimestampText.parseTime(text))
            } catch {
                throw RowError(row: 0, error.failure(text, type: "time"))
            }
        case .timestamptz:
            do throws(TimeTextError) {
                return .timestamptz(try TimestampText.parseZoned(text))
            } catch {
                throw RowError(row: 0, error.failure(text, type: "timestamp with time zone"))
            }
        case .timestamp:
            do throws(TimeTextError) {
                return .timestamp(try TimestampText.parse(text))
            } catch {
                throw RowError(row: 0, error.failure(text, type: "timestamp"))
            }
        case .interval:
            let fields: IntervalFields? = if case .fields(let fields) = modifier { fields } else { nil }
            do throws(TimeTextError) {
                return .interval(try IntervalText.parse(text, fields: fields))
            } catch {
                throw RowError(row: 0, error.failure(text, type: "interval"))
            }
        }
    }

    private static func failing<Value>(_ body: () throws(RowFailure) -> Value) throws(RowError) -> Value {
        do throws(RowFailure) {
            return try body()
        } catch {
            throw RowError(row: 0, error)
        }
    }

    package static func parse(_ text: String, as type: DataType) throws(RowError) -> Datum {
        let bytes = Array(text.utf8)
        return try bytes.withUnsafeBufferPointer { buffer throws(RowError) -> Datum in try parse(buffer, as: type) }
    }

    private static func trim(_ text: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        var (start, end) = (0, text.count)
        let isBlank = { (byte: UInt8) in byte == 0x20 || byte >= 9 && byte <= 13 }
        while start < end, isBlank(text[start]) { start += 1 }
        while end > start, isBlank(text[end - 1]) { end -= 1 }
        return UnsafeBufferPointer(rebasing: text[start..<end])
    }

    private static func boolean(_ text: UnsafeBufferPointer<UInt8>) -> Bool? {
        let word = String(decoding: text, as: UTF8.self).lowercased()
        guard !word.isEmpty else { return nil }
        if "true".hasPrefix(word) || "yes".hasPrefix(word) || word == "on" || word == "1" { return true }
        if "false".hasPrefix(word) || "no".hasPrefix(word) || word == "off" || word == "of" || word == "0" {
            return false
        }
        return nil
    }

    /// nil: not an integer; .some(nil): outside 64 bits.
    private static func integer(_ text: UnsafeBufferPointer<UInt8>) -> Int64?? {
        var position = 0
        let negative = !text.isEmpty && text[0] == UInt8(ascii: "-")
        if negative || !text.isEmpty && text[0] == UInt8(ascii: "+") { position = 1 }
        guard position < text.count else { return nil }
        var value: Int64 = 0
        var overflowed = false
        while position < text.count {
            guard text[position] >= 0x30, text[position] <= 0x39 else { return nil }
            let digit = Int64(text[position] - 0x30)
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflowToo) =
                negative ? product.subtractingReportingOverflow(digit) : product.addingReportingOverflow(digit)
            overflowed = overflowed || overflow || overflowToo
            value = sum
            position += 1
        }
        return .some(overflowed ? nil : value)
    }

    /// Whether a number that was read as 0 is not 0: it is too small for a double.
    private static func hasNonzeroDigit(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        for byte in text {
            if byte >= 0x31, byte <= 0x39 { return true }
            if byte | 0x20 == UInt8(ascii: "e") { return false }
        }
        return false
    }

    private static func looksNumeric(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        !text.contains { $0 | 0x20 == UInt8(ascii: "x") } && double(text) != nil
            && text.contains { $0 >= 0x30 && $0 <= 0x39 }
    }

    private static func double(_ text: UnsafeBufferPointer<UInt8>) -> Double? {
        number(text) { strtod($0, $1) }
    }

    private static func real(_ text: UnsafeBufferPointer<UInt8>) -> Float? {
        number(text) { strtof($0, $1) }
    }

    private static func number<Value: BinaryFloatingPoint>(
        _ text: UnsafeBufferPointer<UInt8>,
        _ read: (UnsafePointer<CChar>, UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Value
    ) -> Value? {
        let word = String(decoding: text, as: UTF8.self)
        switch word.lowercased() {
        case "nan", "+nan", "-nan": return .nan
        case "infinity", "inf", "+infinity", "+inf": return .infinity
        case "-infinity", "-inf": return -.infinity
        default: break
        }
        // strtod would also skip blanks and read "nan(…)"; as in PostgreSQL, it reads hexadecimal.
        guard let first = text.first, first >= 0x30 && first <= 0x39 || first == 0x2B || first == 0x2D || first == 0x2E,
            !text.contains(where: { $0 | 0x20 == UInt8(ascii: "n") || $0 == 0 })
        else { return nil }
        return word.withCString { start in
            var end: UnsafeMutablePointer<CChar>?
            let value = read(start, &end)
            guard let end, end.pointee == 0, end != UnsafeMutablePointer(mutating: start) else { return nil }
            return value
        }
    }
}

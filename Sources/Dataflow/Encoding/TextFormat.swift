import Glibc

/// PostgreSQL's text form of every type, out and in.
package enum TextFormat {
    /// Appends the output text of one value; NULL appends nothing.
    package static func append(_ column: Column, row: Int, to text: inout [UInt8]) {
        guard !column.isNull(row) else { return }
        switch column.type {
        case .boolean: text.append(UInt8(ascii: column.withValues(as: UInt8.self) { $0[row] } != 0 ? "t" : "f"))
        case .smallint: IntegerText.append(Int64(column.withValues(as: Int16.self) { $0[row] }), to: &text)
        case .integer: IntegerText.append(Int64(column.withValues(as: Int32.self) { $0[row] }), to: &text)
        case .bigint: IntegerText.append(column.withValues(as: Int64.self) { $0[row] }, to: &text)
        case .numeric: DecimalText.append(column.withValues(as: Decimal.self) { $0[row] }, to: &text)
        case .double: DoubleText.append(column.withValues(as: Double.self) { $0[row] }, to: &text)
        case .timestamp: TimeText.append(timestamp: column.withValues(as: Int64.self) { $0[row] }, to: &text)
        case .interval: TimeText.append(interval: column.withValues(as: Interval.self) { $0[row] }, to: &text)
        case .text: Kernels.withBytes(column, row) { text.append(contentsOf: $0) }
        }
    }

    /// The output text of a value; "" for NULL.
    package static func string(_ datum: Datum) -> String {
        var text: [UInt8] = []
        switch datum {
        case .null: break
        case .boolean(let value): return value ? "t" : "f"
        case .smallint(let value): IntegerText.append(Int64(value), to: &text)
        case .integer(let value): IntegerText.append(Int64(value), to: &text)
        case .bigint(let value): IntegerText.append(value, to: &text)
        case .numeric(let value): DecimalText.append(value, to: &text)
        case .double(let value): DoubleText.append(value, to: &text)
        case .text(let value): return value
        case .timestamp(let value): TimeText.append(timestamp: value, to: &text)
        case .interval(let value): TimeText.append(interval: value, to: &text)
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Reads the input text of a type; the error's row is 0.
    package static func parse(_ text: UnsafeBufferPointer<UInt8>, as type: DataType) throws(RowError) -> Datum {
        func invalid(_ code: String = "22P02") -> RowError {
            let shown = String(decoding: text.prefix(200), as: UTF8.self)
            return RowError(row: 0, code: code, message: "invalid input syntax for type \(type.name): \"\(shown)\"")
        }
        if type == .text { return .text(String(decoding: text, as: UTF8.self)) }
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
        case .timestamp:
            do throws(TimeTextError) {
                return .timestamp(try TimestampText.parse(text))
            } catch {
                throw RowError(row: 0, error.failure(text, type: "timestamp"))
            }
        case .interval:
            do throws(TimeTextError) {
                return .interval(try IntervalText.parse(text))
            } catch {
                throw RowError(row: 0, error.failure(text, type: "interval"))
            }
        case .text:
            return .null
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
            let value = strtod(start, &end)
            guard let end, end.pointee == 0, end != UnsafeMutablePointer(mutating: start) else { return nil }
            return value
        }
    }
}

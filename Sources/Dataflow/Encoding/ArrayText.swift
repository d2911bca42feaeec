/// The text of arrays: `{1,NULL,"a b"}`.
enum ArrayText {
    static func append(_ array: ArrayBytes, to text: inout [UInt8]) {
        text.append(UInt8(ascii: "{"))
        var cell: [UInt8] = []
        for index in 0..<array.count {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            guard let raw = array.raw(index) else {
                text.append(contentsOf: "NULL".utf8)
                continue
            }
            cell.removeAll(keepingCapacity: true)
            TextFormat.append(array.element, raw, to: &cell)
            guard needsQuotes(cell) else {
                text.append(contentsOf: cell)
                continue
            }
            text.append(UInt8(ascii: "\""))
            for byte in cell {
                if byte == 0x22 || byte == 0x5C { text.append(0x5C) }
                text.append(byte)
            }
            text.append(UInt8(ascii: "\""))
        }
        text.append(UInt8(ascii: "}"))
    }

    private static func needsQuotes(_ cell: [UInt8]) -> Bool {
        if cell.isEmpty || isNullWord(cell[...]) { return true }
        return cell.contains { byte in
            isBlank(byte) || byte == 0x22 || byte == 0x5C || byte == 0x7B || byte == 0x7D || byte == 0x2C
        }
    }

    private static func isNullWord(_ cell: ArraySlice<UInt8>) -> Bool {
        cell.count == 4 && zip(cell, "null".utf8).allSatisfy { $0 | 0x20 == $1 }
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte >= 9 && byte <= 13 }

    /// Reads the input text of an array. The error's row is 0.
    static func parse(_ text: UnsafeBufferPointer<UInt8>, element: DataType) throws(RowError) -> Datum {
        var parser = Parser(text: text, element: element)
        return .array(try parser.parse(), element)
    }

    private struct Parser {
        let text: UnsafeBufferPointer<UInt8>
        let element: DataType
        var position = 0

        init(text: UnsafeBufferPointer<UInt8>, element: DataType) {
            self.text = text
            self.element = element
        }

        private var malformed: RowError {
            let shown = String(decoding: text.prefix(200), as: UTF8.self)
            return RowError(row: 0, code: "22P02", message: "malformed array literal: \"\(shown)\"")
        }

        private func refused(_ what: String) -> RowError {
            RowError(row: 0, code: "0A000", message: "\(what) not supported")
        }

        private var peek: UInt8? { position < text.count ? text[position] : nil }

        private mutating func skipBlanks() {
            while let byte = peek, ArrayText.isBlank(byte) { position += 1 }
        }

        mutating func parse() throws(RowError) -> [Datum] {
            skipBlanks()
            if peek == UInt8(ascii: "[") { try bounds() }
            guard peek == UInt8(ascii: "{") else { throw malformed }
            position += 1
            var values: [Datum] = []
            skipBlanks()
            if peek == UInt8(ascii: "}") {
                position += 1
            } else {
                while true {
                    values.append(try self.value())
                    guard values.count <= ArrayBytes.countMax else {
                        throw RowError(
                            row: 0, code: "54000",
                            message: "array size exceeds the maximum allowed (\(ArrayBytes.countMax))")
                    }
                    skipBlanks()
                    let next = peek
                    position += 1
                    if next == UInt8(ascii: ",") { continue }
                    guard next == UInt8(ascii: "}") else { throw malformed }
                    break
                }
            }
            skipBlanks()
            guard position == text.count else { throw malformed }
            return values
        }

        /// `[1:n]=`; the count is left to the elements.
        private mutating func bounds() throws(RowError) {
            position += 1
            func number() -> Int? {
                let start = position
                if peek == UInt8(ascii: "-") || peek == UInt8(ascii: "+") { position += 1 }
                while let byte = peek, byte >= 0x30, byte <= 0x39 { position += 1 }
                return Int(String(decoding: text[start..<position], as: UTF8.self))
            }
            guard var lower = number() else { throw malformed }
            if peek == UInt8(ascii: ":") {
                position += 1
                guard number() != nil else { throw malformed }
            } else {
                lower = 1
            }
            guard peek == UInt8(ascii: "]") else { throw malformed }
            position += 1
            if peek == UInt8(ascii: "[") { throw refused("arrays of several dimensions are") }
            skipBlanks()
            guard peek == UInt8(ascii: "=") else { throw malformed }
            position += 1
            skipBlanks()
            guard lower == 1 else { throw refused("an array whose indices begin with \(lower) is") }
        }

        private mutating func value() throws(RowError) -> Datum {
            skipBlanks()
            var cell: [UInt8] = []
            var isQuoted = false
            // With a backslash anywhere, it is not the word NULL.
            var isEscaped = false
            // Up to here the cell may not be trimmed.
            var kept = 0
            scan: while let byte = peek {
                switch byte {
                case UInt8(ascii: "{"):
                    if cell.isEmpty, !isQuoted { throw refused("arrays of several dimensions are") }
                    throw malformed
                case UInt8(ascii: ","), UInt8(ascii: "}"): break scan
                case UInt8(ascii: "\""):
                    guard !isQuoted, cell.isEmpty else { throw malformed }
                    isQuoted = true
                    position += 1
                    try quoted(&cell)
                    skipBlanks()
                    guard peek == UInt8(ascii: ",") || peek == UInt8(ascii: "}") else { throw malformed }
                case UInt8(ascii: "\\"):
                    position += 1
                    guard let escaped = peek else { throw malformed }
                    cell.append(escaped)
                    position += 1
                    kept = cell.count
                    isEscaped = true
                default:
                    cell.append(byte)
                    position += 1
                    if !ArrayText.isBlank(byte) { kept = cell.count }
                }
            }
            if !isQuoted {
                cell.removeLast(cell.count - kept)
                if cell.isEmpty { throw malformed }
                if !isEscaped, ArrayText.isNullWord(cell[...]) { return .null }
            }
            return try cell.withUnsafeBufferPointer { bytes throws(RowError) in
                try TextFormat.parse(bytes, as: element)
            }
        }

        private mutating func quoted(_ cell: inout [UInt8]) throws(RowError) {
            while let byte = peek {
                position += 1
                if byte == UInt8(ascii: "\"") { return }
                guard byte == UInt8(ascii: "\\") else {
                    cell.append(byte)
                    continue
                }
                guard let escaped = peek else { throw malformed }
                cell.append(escaped)
                position += 1
            }
            throw malformed
        }
    }
}

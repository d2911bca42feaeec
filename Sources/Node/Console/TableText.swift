internal import Dataflow

/// Rows as an aligned table, numbers to the right.
enum TableText {
    static func lines(_ result: QueryResult, rowsMax: Int = .max) -> [String] {
        let names = result.columns.map(\.name)
        var cells: [[String]] = []
        for batch in result.batches {
            for row in 0..<batch.count where cells.count < rowsMax {
                cells.append(batch.columns.map { column in column.isNull(row) ? null : text(column, row) })
            }
        }
        return lines(names, cells, isNumber: result.columns.map { $0.type.isNumeric })
    }

    /// How NULL is shown: not as an empty text is.
    static let null = "NULL"

    static func text(_ column: Column, _ row: Int) -> String {
        var bytes: [UInt8] = []
        TextFormat.append(column, row: row, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    static func lines(_ names: [String], _ cells: [[String]], isNumber: [Bool]) -> [String] {
        let names = names.map(printable)
        let clean = cells.map { $0.map(printable) }
        let widths = names.indices.map { index in max(width(names[index]), clean.map { width($0[index]) }.max() ?? 0) }
        func padded(_ text: String, _ width: Int, right: Bool) -> String {
            let blanks = String(repeating: " ", count: max(width - Self.width(text), 0))
            return right ? blanks + text : text + blanks
        }
        var lines = [names.indices.map { padded(names[$0], widths[$0], right: isNumber[$0]) }.joined(separator: " | ")]
        lines.append(widths.map { String(repeating: "-", count: $0) }.joined(separator: "-+-"))
        for row in clean {
            lines.append(row.indices.map { padded(row[$0], widths[$0], right: isNumber[$0]) }.joined(separator: " | "))
        }
        // No blanks at the ends of lines.
        return lines.map { line in String(line.reversed().drop { $0 == " " }.reversed()) }
    }

    /// Control characters would move the cursor, or worse, and those of direction and line would show another text than there is: they
    /// are shown as signs.
    static func printable(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isUnprintable) else { return text }
        var shown = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x0A: shown.append("⏎")
            case 0x09: shown.append(" ")
            case 0...0x1F: shown.append(Unicode.Scalar(UInt16(0x2400 + scalar.value)) ?? "�")
            default: shown.append(isUnprintable(scalar) ? "�" : scalar)
            }
        }
        return String(shown)
    }

    private static func isUnprintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0...0x1F, 0x7F...0x9F, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }

    /// The columns that a terminal gives a text: two for wide characters (East Asian, emoji), none for marks that combine.
    static func width(_ text: String) -> Int {
        text.utf8.allSatisfy { $0 < 0x80 } ? text.utf8.count : text.reduce(0) { $0 + width($1) }
    }

    private static func width(_ character: Character) -> Int {
        guard let first = character.unicodeScalars.first else { return 0 }
        if character.unicodeScalars.contains(where: { $0.value == 0xFE0F || $0.properties.isEmojiPresentation }) {
            return 2
        }
        switch first.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format, .control: return 0
        default: return wide.contains { $0.contains(first.value) } ? 2 : 1
        }
    }

    /// The blocks of UAX #11's wide and full-width characters.
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
        0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE10...0xFE19, 0xFE30...0xFE6F, 0xFF00...0xFF60,
        0xFFE0...0xFFE6, 0x16FE0...0x18D8F, 0x1AFF0...0x1B2FF, 0x1F300...0x1F64F, 0x1F900...0x1F9FF, 0x20000...0x3FFFD,
    ]
}

internal import Dataflow

/// Rows as an aligned table, numbers to the right.
enum TableText {
    static func lines(_ result: QueryResult, rowsMax: Int = .max) -> [String] {
        let names = result.columns.map(\.name)
        var cells: [[String]] = []
        for batch in result.batches {
            for row in 0..<batch.count where cells.count < rowsMax {
                cells.append(batch.columns.map { column in column.isNull(row) ? "" : text(column, row) })
            }
        }
        return lines(names, cells, isNumber: result.columns.map { $0.type.isNumeric })
    }

    static func text(_ column: Column, _ row: Int) -> String {
        var bytes: [UInt8] = []
        TextFormat.append(column, row: row, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    static func lines(_ names: [String], _ cells: [[String]], isNumber: [Bool]) -> [String] {
        let clean = cells.map {
            $0.map { $0.replacing("\n", with: "⏎").replacing("\t", with: " ").replacing("\u{1B}", with: "␛") }
        }
        let widths = names.indices.map { index in max(names[index].count, clean.map { $0[index].count }.max() ?? 0) }
        func padded(_ text: String, _ width: Int, right: Bool) -> String {
            let blanks = String(repeating: " ", count: max(width - text.count, 0))
            return right ? blanks + text : text + blanks
        }
        var lines = [names.indices.map { padded(names[$0], widths[$0], right: isNumber[$0]) }.joined(separator: " | ")]
        lines.append(widths.map { String(repeating: "-", count: $0) }.joined(separator: "-+-"))
        for row in clean {
            lines.append(row.indices.map { padded(row[$0], widths[$0], right: isNumber[$0]) }.joined(separator: " | "))
        }
        return lines
    }
}

/// Texts from values of any types: concat, concat_ws, format, quote_…, num_nulls.
enum FormatFunctions {
    typealias Bytes = TextKernels.Bytes

    static let all: [ScalarFunction] = [
        RowKernels.bytes("quote_ident", [.text], "The text as an identifier, in double quotes where it needs them.") {
            row, out in
            out.append(identifier(row.text(0)))
        },
        RowKernels.bytes("quote_literal", [.text], "The text as a literal in single quotes.") { row, out in
            out.append(literal(row.text(0)))
        },
        RowKernels.bytes(
            "quote_nullable", [.text], isStrict: false, "The text as a literal; NULL becomes the word NULL."
        ) { row, out in
            out.append(row.isNull(0) ? Array("NULL".utf8) : literal(row.text(0)))
        },
        RowKernels.bytes("format", [.text], "The template, with %% as %.") { (row, out) throws(RowFailure) in
            out.append(try format(row, []))
        },
    ]

    static let templates: [FunctionTemplate] = [
        FunctionTemplate(
            "concat", [.any], variadicMin: 1, result: "text", "All values as text, joined; NULL counts as empty."
        ) { types in
            values("concat", types, isStrict: false) { columns, row, text in
                for column in columns { TextFormat.append(column, row: row, to: &text) }
                return true
            }
        },
        FunctionTemplate(
            "concat_ws", [.type(.text), .any], variadicMin: 1, result: "text",
            "The values that are not NULL as text, joined by the first, the separator."
        ) { types in
            values("concat_ws", types, isStrict: false) { columns, row, text in
                if columns[0].isNull(row) { return false }
                var isFirst = true
                for column in columns.dropFirst() where !column.isNull(row) {
                    if !isFirst { TextFormat.append(columns[0], row: row, to: &text) }
                    isFirst = false
                    TextFormat.append(column, row: row, to: &text)
                }
                return true
            }
        },
        FunctionTemplate(
            "format", [.type(.text), .any], variadicMin: 1, result: "text",
            "The template with `%s` (text), `%I` (identifier), `%L` (literal) and `%%`, each with position `n$`, flag `-` and width, replaced."
        ) { types in
            ScalarFunction("format", types, .text, isStrict: false, "Values put into a template.") {
                columns, count, _, errors in
                ArgumentRow.with(columns) { place in
                    TextKernels.rows(count, nil, count * 16, &errors) { (i, out) throws(RowFailure) in
                        place.move(to: i)
                        if place.isNull(0) { return out.setNull() }
                        out.append(try format(place, Array(columns.dropFirst())))
                    }
                }
            }
        },
        counting("num_nulls", "How many of the values are NULL.", ofNulls: true),
        counting("num_nonnulls", "How many of the values are not NULL.", ofNulls: false),
        quoting("quote_literal", isStrict: true), quoting("quote_nullable", isStrict: false),
    ]

    /// A function of values' texts; `row` says whether the result is a value.
    private static func values(
        _ name: String, _ types: [DataType], isStrict: Bool,
        _ row: @escaping @Sendable ([Column], Int, inout [UInt8]) -> Bool
    ) -> ScalarFunction {
        ScalarFunction(name, types, .text, isStrict: isStrict, "Values as text.") { columns, count, validity, errors in
            var scratch: [UInt8] = []
            return TextKernels.rows(count, validity, count * 16, &errors) { (i, out) throws(RowFailure) in
                scratch.removeAll(keepingCapacity: true)
                if row(columns, i, &scratch) { out.append(scratch) } else { out.setNull() }
            }
        }
    }

    private static func counting(_ name: String, _ documentation: String, ofNulls: Bool) -> FunctionTemplate {
        FunctionTemplate(name, [.any], variadicMin: 1, result: "integer", documentation) { types in
            ScalarFunction(name, types, .integer, isStrict: false, documentation) { columns, count, _, _ in
                Column(type: .integer, count: count) { (out: UnsafeMutableBufferPointer<Int32>) in
                    for i in 0..<count {
                        out[i] = columns.reduce(0) { $0 + ($1.isNull(i) == ofNulls ? 1 : 0) }
                    }
                }
            }
        }
    }

    /// Of values of other types than text.
    private static func quoting(_ name: String, isStrict: Bool) -> FunctionTemplate {
        FunctionTemplate(name, [.any], result: "text", "The value's text as a literal in single quotes.") { types in
            if types == [.text] { return nil }
            return values(name, types, isStrict: isStrict) { columns, row, text in
                if columns[0].isNull(row) {
                    text.append(contentsOf: "NULL".utf8)
                    return true
                }
                // As the cast to text spells it: booleans as words, characters without the blanks at the end.
                var value: [UInt8] = []
                TextFormat.append(columns[0], row: row, to: &value)
                if columns[0].type == .character { value.removeLast(value.reversed().prefix { $0 == 0x20 }.count) }
                if columns[0].type == .boolean { value = Array((value == [0x74] ? "true" : "false").utf8) }
                text.append(contentsOf: value.withUnsafeBufferPointer { literal($0) })
                return true
            }
        }
    }

    // MARK: quoting

    /// PostgreSQL 15's keywords that are not unreserved: such names are quoted.
    private static let keywords: Set<String> = Set(
        """
        all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both case cast char \
        character check coalesce collate collation column concurrently constraint create cross current_catalog current_date \
        current_role current_schema current_time current_timestamp current_user dec decimal default deferrable desc distinct do \
        else end except exists extract false fetch float for foreign freeze from full grant greatest group grouping having ilike \
        in initially inner inout int integer intersect interval into is isnull join lateral leading least left like limit \
        localtime localtimestamp national natural nchar none normalize not notnull null nullif numeric offset on only or order \
        out outer overlaps overlay placing position precision primary real references returning right row select session_user \
        setof similar smallint some substring symmetric table tablesample then time timestamp to trailing treat trim true union \
        unique user using values varchar variadic verbose when where window with xmlattributes xmlconcat xmlelement xmlexists \
        xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable
        """.split(separator: " ").map { String($0) })

    static func identifier(_ name: Bytes) -> [UInt8] {
        let isPlain =
            name.first.map { $0 >= 0x61 && $0 <= 0x7A || $0 == 0x5F } == true
            && name.allSatisfy { $0 >= 0x61 && $0 <= 0x7A || $0 >= 0x30 && $0 <= 0x39 || $0 == 0x5F }
        if isPlain, !keywords.contains(String(decoding: name, as: UTF8.self)) { return Array(name) }
        return quoted(name, UInt8(ascii: "\""))
    }

    /// In single quotes; with backslashes inside as an escape string.
    static func literal(_ text: Bytes) -> [UInt8] {
        let backslash = UInt8(ascii: "\\")
        guard text.contains(backslash) else { return quoted(text, UInt8(ascii: "'")) }
        var result: [UInt8] = [UInt8(ascii: "E"), UInt8(ascii: "'")]
        for byte in text {
            if byte == backslash || byte == UInt8(ascii: "'") { result.append(byte) }
            result.append(byte)
        }
        return result + [UInt8(ascii: "'")]
    }

    private static func quoted(_ text: Bytes, _ quote: UInt8) -> [UInt8] {
        var result = [quote]
        for byte in text {
            if byte == quote { result.append(quote) }
            result.append(byte)
        }
        return result + [quote]
    }

    // MARK: format

    private static func invalid(_ message: String) -> RowFailure { RowFailure("22023", message) }

    /// Reads a template's specifier: digits, which may be followed by `$`.
    private struct Specifier {
        var argument: Int?
        var width: Int?
        /// The width is the value of this argument; 0: of the next one.
        var widthArgument: Int?
        var alignsLeft = false
    }

    private static func format(_ row: ArgumentRow, _ values: [Column]) throws(RowFailure) -> [UInt8] {
        let template = row.text(0)
        var out: [UInt8] = []
        var position = 0
        var next = 0
        while position < template.count {
            guard template[position] == UInt8(ascii: "%") else {
                out.append(template[position])
                position += 1
                continue
            }
            position += 1
            guard position < template.count else { throw unterminated }
            if template[position] == UInt8(ascii: "%") {
                out.append(UInt8(ascii: "%"))
                position += 1
                continue
            }
            var specifier = try self.specifier(template, &position)
            if let argument = specifier.widthArgument {
                let index = argument == 0 ? next : argument - 1
                guard index < values.count else { throw invalid("too few arguments for format()") }
                next = index + 1
                let width = try self.width(values[index], row.index)
                specifier.width = width.magnitude > UInt(Int32.max) ? Int(Int32.max) : abs(width)
                if width < 0 { specifier.alignsLeft = true }
            }
            let index = specifier.argument.map { $0 - 1 } ?? next
            guard index < values.count else { throw invalid("too few arguments for format()") }
            next = index + 1
            let text = try conversion(template[position], values[index], row.index)
            position += 1
            let width = specifier.width ?? 0
            let padding = max(width - text.withUnsafeBufferPointer { TextFunctions.characters($0) }, 0)
            if padding > TextKernels.bytesMax { throw .textTooLong }
            if !specifier.alignsLeft { out.append(contentsOf: repeatElement(0x20, count: padding)) }
            out.append(contentsOf: text)
            if specifier.alignsLeft { out.append(contentsOf: repeatElement(0x20, count: padding)) }
        }
        return out
    }

    private static let unterminated = invalid("unterminated format() type specifier")

    /// `[n$][-][width]`, where the width is a number, `*` or `*n$`; leaves `position` at the conversion's letter.
    private static func specifier(_ template: Bytes, _ position: inout Int) throws(RowFailure) -> Specifier {
        var result = Specifier()
        func byte(_ position: Int) throws(RowFailure) -> UInt8 {
            guard position < template.count else { throw unterminated }
            return template[position]
        }
        func number(_ position: inout Int) throws(RowFailure) -> Int? {
            let start = position
            var value = 0
            while try byte(position) >= 0x30, try byte(position) <= 0x39 {
                value = value * 10 + Int(try byte(position) - 0x30)
                if value > Int(Int32.max) { throw RowFailure("22003", "number is out of range") }
                position += 1
            }
            return position > start ? value : nil
        }
        if let first = try number(&position) {
            guard try byte(position) == UInt8(ascii: "$") else {
                result.width = first
                return result
            }
            if first == 0 { throw invalid("format specifies argument 0, but arguments are numbered from 1") }
            result.argument = first
            position += 1
        }
        while try byte(position) == UInt8(ascii: "-") {
            result.alignsLeft = true
            position += 1
        }
        if try byte(position) == UInt8(ascii: "*") {
            position += 1
            let argument = try number(&position)
            result.widthArgument = argument ?? 0
            if let argument {
                guard try byte(position) == UInt8(ascii: "$") else {
                    throw invalid("width argument position must be ended by \"$\"")
                }
                if argument == 0 { throw invalid("format specifies argument 0, but arguments are numbered from 1") }
                position += 1
            }
        } else {
            result.width = try number(&position)
        }
        _ = try byte(position)
        return result
    }

    private static func width(_ column: Column, _ row: Int) throws(RowFailure) -> Int {
        if column.isNull(row) { return 0 }
        switch column.type {
        case .integer: return Int(column.withValues(as: Int32.self) { $0[row] })
        case .smallint: return Int(column.withValues(as: Int16.self) { $0[row] })
        default:
            var text: [UInt8] = []
            TextFormat.append(column, row: row, to: &text)
            let string = String(decoding: text, as: UTF8.self)
            guard let value = Int32(string) else {
                throw RowFailure("22P02", "invalid input syntax for type integer: \"\(string)\"")
            }
            return Int(value)
        }
    }

    private static func conversion(_ letter: UInt8, _ column: Column, _ row: Int) throws(RowFailure) -> [UInt8] {
        var text: [UInt8] = []
        TextFormat.append(column, row: row, to: &text)
        switch letter {
        case UInt8(ascii: "s"): return text
        case UInt8(ascii: "I"):
            if column.isNull(row) { throw RowFailure("22004", "null values cannot be formatted as an SQL identifier") }
            return text.withUnsafeBufferPointer { identifier($0) }
        case UInt8(ascii: "L"):
            return column.isNull(row) ? Array("NULL".utf8) : text.withUnsafeBufferPointer { literal($0) }
        default:
            let shown = String(decoding: [letter], as: UTF8.self)
            throw invalid("unrecognized format() type specifier \"\(shown)\"")
        }
    }
}

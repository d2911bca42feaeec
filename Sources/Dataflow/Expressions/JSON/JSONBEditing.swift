/// Changed `jsonb` values: `|| - #-`, jsonb_set, jsonb_insert, jsonb_strip_nulls, jsonb_pretty.
enum JSONBEditing {
    private static let texts = DataType.array(of: .text)

    static let all: [ScalarFunction] = [
        edit("||", [.jsonb, .jsonb], "Concatenation: of objects the members, of others the elements.") { row, writer in
            concatenate(row.jsonb(0), row.jsonb(1), &writer)
        },
        edit("-", [.jsonb, .text], "Without the member of this key, or the elements that are this string.") {
            (row, writer) throws(RowFailure) in
            let key = row.text(1)
            try delete(row.jsonb(0), &writer) { $0.elementsEqual(key) }
        },
        edit("-", [.jsonb, texts], "Without the members of these keys, or the elements that are these strings.") {
            (row, writer) throws(RowFailure) in
            let keys = row.textArray(1)
            try delete(row.jsonb(0), &writer) { key in
                (0..<keys.count).contains { keys.raw($0).map { $0.elementsEqual(key) } ?? false }
            }
        },
        edit("-", [.jsonb, .integer], "Without the element of this index.") { (row, writer) throws(RowFailure) in
            let value = row.jsonb(0)
            if value.kind == .object {
                throw RowFailure("22023", "cannot delete from object using integer index")
            }
            guard value.kind == .array else { throw RowFailure("22023", "cannot delete from scalar") }
            let index = row.integer(1) < 0 ? value.count + row.integer(1) : row.integer(1)
            writer.beginArray()
            for place in 0..<value.count where place != index { writer.value(value.element(place)) }
            writer.endArray()
        },
        edit("#-", [.jsonb, texts], "Without what is at the path.") { (row, writer) throws(RowFailure) in
            let (value, path) = (row.jsonb(0), row.textArray(1))
            guard value.isContainer else { throw RowFailure("22023", "cannot delete path in scalar") }
            guard value.count > 0, path.count > 0 else { return writer.value(value) }
            try Editor(path: path, replacement: nil, action: .delete).write(value, 0, &writer)
        },
        set([.jsonb, texts, .jsonb, .boolean]), insert([.jsonb, texts, .jsonb, .boolean]),
        edit("jsonb_strip_nulls", [.jsonb], "Without the members of objects that are null, at any depth.") {
            row, writer in
            stripNulls(row.jsonb(0), &writer)
        },
        RowKernels.bytes("jsonb_pretty", [.jsonb], "The text with a line for each member and element.") { row, out in
            var text: [UInt8] = []
            pretty(row.jsonb(0), 0, &text)
            out.append(text)
        },
    ]

    private static func edit(
        _ name: String, _ types: [DataType], _ documentation: String,
        _ row: @escaping @Sendable (ArgumentRow, inout JSONBWriter) throws(RowFailure) -> Void
    ) -> ScalarFunction {
        RowKernels.bytes(name, types, returns: .jsonb, documentation, state: { JSONBWriter() }) {
            (place, writer, out) throws(RowFailure) in
            writer.reset()
            try row(place, &writer)
            out.append(writer.bytes)
        }
    }

    private static func set(_ types: [DataType]) -> ScalarFunction {
        edit(
            "jsonb_set", types,
            "With another value at the path; what is missing there is added, unless the fourth is false."
        ) { (row, writer) throws(RowFailure) in
            let creates = types.count < 4 || row.boolean(3)
            let (value, path) = (row.jsonb(0), row.textArray(1))
            guard value.isContainer else { throw RowFailure("22023", "cannot set path in scalar") }
            guard path.count > 0, value.count > 0 || creates else { return writer.value(value) }
            let editor = Editor(path: path, replacement: row.jsonb(2), action: creates ? .create : .replace)
            try editor.write(value, 0, &writer)
        }
    }

    private static func insert(_ types: [DataType]) -> ScalarFunction {
        edit(
            "jsonb_insert", types,
            "With a new value before the element at the path, or behind it if the fourth is true."
        ) { (row, writer) throws(RowFailure) in
            let (value, path) = (row.jsonb(0), row.textArray(1))
            guard value.isContainer else { throw RowFailure("22023", "cannot set path in scalar") }
            guard path.count > 0 else { return writer.value(value) }
            let isAfter = types.count > 3 && row.boolean(3)
            let editor = Editor(path: path, replacement: row.jsonb(2), action: isAfter ? .insertAfter : .insertBefore)
            try editor.write(value, 0, &writer)
        }
    }

    // MARK: concatenation and deletion

    private static func concatenate(_ a: JSONB, _ b: JSONB, _ writer: inout JSONBWriter) {
        if a.kind == .object, b.kind == .object {
            writer.beginObject()
            for value in [a, b] { members(value, &writer) }
            return writer.endObject()
        }
        // An empty container of the same kind adds nothing; anything but an array counts as one of one element.
        writer.beginArray()
        for value in [a, b] {
            if value.kind == .array {
                for index in 0..<value.count { writer.value(value.element(index)) }
            } else {
                writer.value(value)
            }
        }
        writer.endArray()
    }

    private static func members(_ object: JSONB, _ writer: inout JSONBWriter) {
        for index in 0..<object.count {
            writer.key(object.key(index))
            writer.value(object.value(index))
        }
    }

    private static func delete(
        _ value: JSONB, _ writer: inout JSONBWriter, _ isDeleted: (JSONB.Bytes) -> Bool
    ) throws(RowFailure) {
        switch value.kind {
        case .object:
            writer.beginObject()
            for index in 0..<value.count where !isDeleted(value.key(index)) {
                writer.key(value.key(index))
                writer.value(value.value(index))
            }
            writer.endObject()
        case .array:
            writer.beginArray()
            for index in 0..<value.count {
                let element = value.element(index)
                if element.kind != .string || !isDeleted(element.text) { writer.value(element) }
            }
            writer.endArray()
        default: throw RowFailure("22023", "cannot delete from scalar")
        }
    }

    private static func stripNulls(_ value: JSONB, _ writer: inout JSONBWriter) {
        switch value.kind {
        case .object:
            writer.beginObject()
            for index in 0..<value.count where !value.value(index).isNull {
                writer.key(value.key(index))
                stripNulls(value.value(index), &writer)
            }
            writer.endObject()
        case .array:
            writer.beginArray()
            for index in 0..<value.count { stripNulls(value.element(index), &writer) }
            writer.endArray()
        default: writer.value(value)
        }
    }

    private static func pretty(_ value: JSONB, _ depth: Int, _ text: inout [UInt8]) {
        guard value.isContainer else { return value.append(to: &text) }
        let isObject = value.kind == .object
        func line(_ depth: Int, _ text: inout [UInt8]) {
            text.append(UInt8(ascii: "\n"))
            text.append(contentsOf: repeatElement(0x20, count: depth * 4))
        }
        text.append(UInt8(ascii: isObject ? "{" : "["))
        for index in 0..<value.count {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            line(depth + 1, &text)
            if isObject {
                JSONB.appendQuoted(value.key(index), to: &text)
                text.append(contentsOf: ": ".utf8)
            }
            pretty(isObject ? value.value(index) : value.element(index), depth + 1, &text)
        }
        line(depth, &text)
        text.append(UInt8(ascii: isObject ? "}" : "]"))
    }

    // MARK: paths

    private enum Action { case delete, replace, create, insertBefore, insertAfter }

    /// Writes a value with a change at a path, as PostgreSQL's setPath does.
    private struct Editor {
        let path: ArrayBytes
        let replacement: JSONB?
        let action: Action

        /// Adds the value where the path's last step is missing.
        private var adds: Bool { action != .delete && action != .replace }

        func write(_ value: JSONB, _ level: Int, _ writer: inout JSONBWriter) throws(RowFailure) {
            guard let raw = path.raw(level) else {
                throw RowFailure("22004", "path element at position \(level + 1) is null")
            }
            guard value.isContainer else { return writer.value(value) }
            let step = raw.bindMemory(to: UInt8.self)
            if value.kind == .object {
                try writeObject(value, step, level, &writer)
            } else {
                try writeArray(value, step, level, &writer)
            }
        }

        private func isLast(_ level: Int) -> Bool { level == path.count - 1 }

        private func writeObject(
            _ value: JSONB, _ key: JSONB.Bytes, _ level: Int, _ writer: inout JSONBWriter
        ) throws(RowFailure) {
            let found = value.index(of: key)
            writer.beginObject()
            for index in 0..<value.count {
                guard index == found else {
                    writer.key(value.key(index))
                    writer.value(value.value(index))
                    continue
                }
                if !isLast(level) {
                    writer.key(key)
                    try write(value.value(index), level + 1, &writer)
                } else if action == .insertBefore || action == .insertAfter {
                    throw RowFailure("22023", "cannot replace existing key")
                } else if let replacement {
                    writer.key(key)
                    writer.value(replacement)
                }
            }
            if found == nil, isLast(level), adds, let replacement {
                writer.key(key)
                writer.value(replacement)
            }
            writer.endObject()
        }

        private func writeArray(
            _ value: JSONB, _ step: JSONB.Bytes, _ level: Int, _ writer: inout JSONBWriter
        ) throws(RowFailure) {
            guard let index = JSONBAccess.index(step) else {
                let shown = String(decoding: step, as: UTF8.self)
                throw RowFailure("22P02", "path element at position \(level + 1) is not an integer: \"\(shown)\"")
            }
            let count = value.count
            // −1: before all others; `count`: behind them.
            let place = index < 0 ? max(count + index, -1) : min(index, count)
            var isDone = false
            writer.beginArray()
            if isLast(level), adds, place < 0 || count == 0, let replacement {
                writer.value(replacement)
                isDone = true
            }
            for position in 0..<count {
                guard position == place else {
                    writer.value(value.element(position))
                    continue
                }
                isDone = true
                if isLast(level) {
                    change(value.element(position), &writer)
                } else {
                    try write(value.element(position), level + 1, &writer)
                }
            }
            if !isDone, isLast(level), adds, let replacement { writer.value(replacement) }
            writer.endArray()
        }

        private func change(_ element: JSONB, _ writer: inout JSONBWriter) {
            switch action {
            case .delete: break
            case .replace, .create: if let replacement { writer.value(replacement) }
            case .insertBefore:
                if let replacement { writer.value(replacement) }
                writer.value(element)
            case .insertAfter:
                writer.value(element)
                if let replacement { writer.value(replacement) }
            }
        }
    }
}

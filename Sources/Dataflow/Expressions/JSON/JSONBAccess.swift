/// Parts of `jsonb` values: `-> ->> #> #>>`, containment, keys, types and lengths.
enum JSONBAccess {
    static let all: [ScalarFunction] = members + tests

    private static let texts = DataType.array(of: .text)

    // MARK: members

    private static let members: [ScalarFunction] = [
        part("->", .text, "The member of an object by its key.") { row in
            let value = row.jsonb(0)
            return value.kind == .object ? value.member(row.text(1)) : nil
        },
        part("->", .integer, "The element of an array by its index from 0, or from −1 at the end.") { row in
            element(row.jsonb(0), row.integer(1))
        },
        partText("->>", .text, "The member of an object by its key, as text.") { row in
            let value = row.jsonb(0)
            return value.kind == .object ? value.member(row.text(1)) : nil
        },
        partText("->>", .integer, "The element of an array by its index, as text.") { row in
            element(row.jsonb(0), row.integer(1))
        },
        part("#>", texts, "The part at a path of keys and indices.") { row in at(row.jsonb(0), row.textArray(1)) },
        partText("#>>", texts, "The part at a path of keys and indices, as text.") { row in
            at(row.jsonb(0), row.textArray(1))
        },
    ]

    static let templates: [FunctionTemplate] = [
        FunctionTemplate(
            "jsonb_extract_path", [.type(.jsonb), .type(.text)], variadicMin: 1, result: "jsonb",
            "The part at a path of keys and indices."
        ) { types in
            RowKernels.bytes("jsonb_extract_path", types, returns: .jsonb, "The part at a path.") { row, out in
                append(at(row), to: &out)
            }
        },
        FunctionTemplate(
            "jsonb_extract_path_text", [.type(.jsonb), .type(.text)], variadicMin: 1, result: "text",
            "The part at a path of keys and indices, as text."
        ) { types in
            RowKernels.bytes("jsonb_extract_path_text", types, "The part at a path, as text.") { row, out in
                appendText(at(row), to: &out)
            }
        },
    ]

    private static func part(
        _ name: String, _ type: DataType, _ documentation: String, _ find: @escaping @Sendable (ArgumentRow) -> JSONB?
    ) -> ScalarFunction {
        RowKernels.bytes(name, [.jsonb, type], returns: .jsonb, documentation) { row, out in append(find(row), to: &out)
        }
    }

    private static func partText(
        _ name: String, _ type: DataType, _ documentation: String, _ find: @escaping @Sendable (ArgumentRow) -> JSONB?
    ) -> ScalarFunction {
        RowKernels.bytes(name, [.jsonb, type], documentation) { row, out in appendText(find(row), to: &out) }
    }

    static func append(_ value: JSONB?, to out: inout TextWriter) {
        if let value { out.append(value.bytes) } else { out.setNull() }
    }

    /// A string without quotes; JSON's null is SQL's.
    static func appendText(_ value: JSONB?, to out: inout TextWriter) {
        guard let value, value.kind != .null else { return out.setNull() }
        if value.kind == .string { return out.append(value.text) }
        var text: [UInt8] = []
        value.append(to: &text)
        out.append(text)
    }

    static func element(_ value: JSONB, _ index: Int) -> JSONB? {
        // A scalar counts as an array of one element.
        if value.kind == .object { return nil }
        if value.kind != .array { return index == 0 || index == -1 ? value : nil }
        let place = index < 0 ? value.count + index : index
        return place >= 0 && place < value.count ? value.element(place) : nil
    }

    private static func at(_ value: JSONB, _ path: ArrayBytes) -> JSONB? {
        if path.hasNulls { return nil }
        var current = value
        for index in 0..<path.count {
            guard let raw = path.raw(index), let next = step(current, raw.bindMemory(to: UInt8.self)) else {
                return nil
            }
            current = next
        }
        return current
    }

    /// The path is the arguments behind the first.
    private static func at(_ row: ArgumentRow) -> JSONB? {
        var current = row.jsonb(0)
        for argument in 1..<max(row.count, 1) {
            guard let next = step(current, row.text(argument)) else { return nil }
            current = next
        }
        return current
    }

    private static func step(_ value: JSONB, _ key: JSONB.Bytes) -> JSONB? {
        switch value.kind {
        case .object: value.member(key)
        case .array: index(key).flatMap { element(value, $0) }
        default: nil
        }
    }

    /// An index as C's strtol reads it; nil if the text is none.
    static func index(_ text: JSONB.Bytes) -> Int? {
        let digits = text.drop { TemplateNode.isBlank($0) }
        return Int32(String(decoding: digits, as: UTF8.self)).map { Int($0) }
    }

    // MARK: tests

    private static let tests: [ScalarFunction] = [
        RowKernels.predicate("@>", [.jsonb, .jsonb], "Whether the first contains the second.") { row in
            contains(row.jsonb(0), row.jsonb(1))
        },
        RowKernels.predicate("<@", [.jsonb, .jsonb], "Whether the second contains the first.") { row in
            contains(row.jsonb(1), row.jsonb(0))
        },
        RowKernels.predicate(
            "?", [.jsonb, .text], "Whether the text is a key of the object or an element of the array."
        ) {
            row in hasKey(row.jsonb(0), row.text(1))
        },
        RowKernels.predicate("?|", [.jsonb, texts], "Whether any of the texts is a key or an element.") { row in
            let (value, keys) = (row.jsonb(0), row.textArray(1))
            return (0..<keys.count).contains { index in
                keys.raw(index).map { hasKey(value, $0.bindMemory(to: UInt8.self)) } ?? false
            }
        },
        RowKernels.predicate("?&", [.jsonb, texts], "Whether all of the texts are keys or elements.") { row in
            let (value, keys) = (row.jsonb(0), row.textArray(1))
            return (0..<keys.count).allSatisfy { index in
                keys.raw(index).map { hasKey(value, $0.bindMemory(to: UInt8.self)) } ?? true
            }
        },
        RowKernels.bytes("jsonb_typeof", [.jsonb], "object, array, string, number, boolean or null.") { row, out in
            out.append(Array(typeName(row.jsonb(0)).utf8))
        },
        RowKernels.value("jsonb_array_length", [.jsonb], .integer, "The number of elements of an array.") {
            (row) throws(RowFailure) -> Int32? in
            let value = row.jsonb(0)
            if value.kind == .object { throw RowFailure("22023", "cannot get array length of a non-array") }
            if value.kind != .array { throw RowFailure("22023", "cannot get array length of a scalar") }
            return Int32(value.count)
        },
    ]

    static func typeName(_ value: JSONB) -> String {
        switch value.kind {
        case .null: "null"
        case .string: "string"
        case .number: "number"
        case .boolean: "boolean"
        case .array: "array"
        case .object: "object"
        }
    }

    private static func hasKey(_ value: JSONB, _ key: JSONB.Bytes) -> Bool {
        switch value.kind {
        case .object: value.index(of: key) != nil
        case .array:
            (0..<value.count).contains { index in
                let element = value.element(index)
                return element.kind == .string && element.text.elementsEqual(key)
            }
        case .string: value.text.elementsEqual(key)
        default: false
        }
    }

    static func isEqual(_ a: JSONB, _ b: JSONB) -> Bool { a.kind == b.kind && JSONB.compare(a, b) == 0 }

    /// `@>`: every member and element of `part` is in `whole`; a whole array also contains a scalar that it has.
    static func contains(_ whole: JSONB, _ part: JSONB) -> Bool {
        if whole.kind == .array, !part.isContainer { return hasElement(whole, part) }
        return containsDeep(whole, part)
    }

    private static func hasElement(_ array: JSONB, _ scalar: JSONB) -> Bool {
        (0..<array.count).contains { isEqual(array.element($0), scalar) }
    }

    private static func containsDeep(_ whole: JSONB, _ part: JSONB) -> Bool {
        guard whole.kind == part.kind else { return false }
        switch part.kind {
        case .object:
            if whole.count < part.count { return false }
            return (0..<part.count).allSatisfy { index in
                whole.member(part.key(index)).map { containsDeep($0, part.value(index)) } ?? false
            }
        case .array:
            return (0..<part.count).allSatisfy { index in
                let wanted = part.element(index)
                if !wanted.isContainer { return hasElement(whole, wanted) }
                return (0..<whole.count).contains { containsDeep(whole.element($0), wanted) }
            }
        default: return isEqual(whole, part)
        }
    }
}

extension ArgumentRow {
    func jsonb(_ argument: Int) -> JSONB { JSONB(text(argument)) }

    func array(_ argument: Int, of element: DataType) -> ArrayBytes {
        ArrayBytes(UnsafeRawBufferPointer(text(argument)), element: element)
    }

    func textArray(_ argument: Int) -> ArrayBytes { array(argument, of: .text) }
}

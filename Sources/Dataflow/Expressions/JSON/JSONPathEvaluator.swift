/// Evaluates a path on one value, in lax mode: arrays are unwrapped where a member is asked for, a value that is no array counts as
/// one of a single element, and what is not there is no error.
struct JSONPathEvaluator {
    let root: JSONB
    let variables: JSONB?
    /// Values that were computed, or come from the path; they must live as long as the results.
    private var owned: [ColumnBuffer] = []
    private var regexes = RegexCache()

    init(root: JSONB, variables: JSONB?) {
        self.root = root
        self.variables = variables
    }

    /// The items of a path; a predicate is one boolean, or null if it is unknown.
    mutating func items(_ path: JSONPath) throws(RowFailure) -> [JSONB] { try items(path.root, root) }

    /// A predicate's value: nil is unknown.
    private typealias Truth = Bool?

    private mutating func items(_ expression: JSONPath.Expression, _ current: JSONB) throws(RowFailure) -> [JSONB] {
        switch expression {
        case .predicate(let predicate):
            var writer = JSONBWriter()
            if let value = try truth(predicate, current) { writer.boolean(value) } else { writer.null() }
            return [own(writer.bytes)]
        case .path(let source, let steps):
            var items = [try start(source, current)]
            for step in steps {
                var next: [JSONB] = []
                for item in items { try apply(step, item, &next, unwraps: true) }
                items = next
                if items.isEmpty { break }
            }
            return items
        }
    }

    private mutating func own(_ bytes: [UInt8]) -> JSONB {
        let buffer = ColumnBuffer(capacity: bytes.count)
        bytes.withUnsafeBytes { buffer.base.copyMemory(from: $0.baseAddress.unsafelyUnwrapped, byteCount: $0.count) }
        owned.append(buffer)
        return JSONB(UnsafeRawBufferPointer(start: buffer.base, count: bytes.count))
    }

    private mutating func start(_ source: JSONPath.Source, _ current: JSONB) throws(RowFailure) -> JSONB {
        switch source {
        case .root: return root
        case .current: return current
        case .literal(let bytes): return own(bytes)
        case .variable(let name):
            var name = name
            let found = name.withUTF8 { key in
                variables.flatMap { $0.kind == .object ? $0.member(key) : nil }
            }
            guard let found else { throw RowFailure("42704", "could not find jsonpath variable \"\(name)\"") }
            return found
        }
    }

    // MARK: steps

    private mutating func apply(
        _ step: JSONPath.Step, _ item: JSONB, _ out: inout [JSONB], unwraps: Bool
    ) throws(RowFailure) {
        func elements(_ body: (JSONB) throws(RowFailure) -> Void) throws(RowFailure) {
            for index in 0..<item.count { try body(item.element(index)) }
        }
        switch step {
        case .anyElement:
            guard item.kind == .array else { return out.append(item) }
            for index in 0..<item.count { out.append(item.element(index)) }
        case .elements(let ranges): select(ranges, item, &out)
        case .size, .type:
            var writer = JSONBWriter()
            if case .type = step {
                writer.string(JSONBAccess.typeName(item))
            } else {
                writer.number(Array(String(item.kind == .array ? item.count : 1).utf8))
            }
            out.append(own(writer.bytes))
        case .member, .anyMember, .filter, .double:
            if item.kind == .array, unwraps {
                for index in 0..<item.count { try apply(step, item.element(index), &out, unwraps: false) }
                return
            }
            try applyUnwrapped(step, item, &out)
        }
    }

    private mutating func applyUnwrapped(
        _ step: JSONPath.Step, _ item: JSONB, _ out: inout [JSONB]
    ) throws(RowFailure) {
        switch step {
        case .member(var name):
            if item.kind == .object, let value = name.withUTF8({ item.member($0) }) { out.append(value) }
        case .anyMember:
            if item.kind == .object { for index in 0..<item.count { out.append(item.value(index)) } }
        case .filter(let predicate):
            if try truth(predicate, item) == true { out.append(item) }
        case .double: out.append(try double(item))
        case .anyElement, .elements, .size, .type: break
        }
    }

    private func select(
        _ ranges: [(from: JSONPath.Subscript, to: JSONPath.Subscript?)], _ item: JSONB, _ out: inout [JSONB]
    ) {
        let count = item.kind == .array ? item.count : 1
        func place(_ index: JSONPath.Subscript) -> Int { index.isFromLast ? count - 1 + index.offset : index.offset }
        for (from, to) in ranges {
            let (first, last) = (max(place(from), 0), min(place(to ?? from), count - 1))
            guard first <= last else { continue }
            for index in first...last { out.append(item.kind == .array ? item.element(index) : item) }
        }
    }

    private mutating func double(_ item: JSONB) throws(RowFailure) -> JSONB {
        guard item.kind == .number || item.kind == .string else {
            throw RowFailure("22036", "jsonpath item method .double() can only be applied to a string or numeric value")
        }
        let value: Double
        do throws(RowError) {
            guard case .double(let read) = try TextFormat.parse(item.text, as: .double) else { return item }
            value = read
        } catch {
            throw RowFailure(
                "22036",
                "\(item.kind == .number ? "numeric" : "string") argument of jsonpath item method .double() is \(item.kind == .number ? "out of range for type double precision" : "not a valid representation of a double precision number")"
            )
        }
        guard value.isFinite else {
            throw RowFailure(
                "22036",
                "string argument of jsonpath item method .double() is not a valid representation of a double precision number"
            )
        }
        if item.kind == .number { return item }
        var text: [UInt8] = []
        DoubleText.append(value, to: &text)
        var digits: [UInt8] = []
        try text.withUnsafeBufferPointer { (token) throws(RowFailure) in try JSONBNumber.append(token, to: &digits) }
        var writer = JSONBWriter()
        writer.number(digits)
        return own(writer.bytes)
    }

    // MARK: predicates

    private mutating func truth(_ predicate: JSONPath.Predicate, _ current: JSONB) throws(RowFailure) -> Truth {
        switch predicate {
        case .and(let first, let second):
            let left = try truth(first, current)
            if left == false { return false }
            let right = try truth(second, current)
            return right == false ? false : left == nil || right == nil ? nil : true
        case .or(let first, let second):
            let left = try truth(first, current)
            if left == true { return true }
            let right = try truth(second, current)
            return right == true ? true : left == nil || right == nil ? nil : false
        case .not(let inner): return try truth(inner, current).map { !$0 }
        case .isUnknown(let inner): return try truth(inner, current) == nil
        case .exists(let path):
            guard let items = try results(path, current) else { return nil }
            return !items.isEmpty
        case .compare(let comparison, let first, let second):
            guard let left = try unwrapped(first, current), let right = try unwrapped(second, current) else {
                return nil
            }
            return any(left) { a in any(right) { b in Self.compare(comparison, a, b) } }
        case .startsWith(let first, let second):
            guard let texts = try unwrapped(first, current), let starts = try results(second, current) else {
                return nil
            }
            return any(texts) { text in
                any(starts) { start in
                    text.kind == .string && start.kind == .string ? text.text.starts(with: start.text) : nil
                }
            }
        case .likeRegex(let path, let pattern, let flags):
            guard let texts = try unwrapped(path, current) else { return nil }
            let regex = try regex(pattern, flags)
            return any(texts) { $0.kind == .string ? regex.matches($0.text) : nil }
        }
    }

    /// True if one is, else unknown if one is.
    private func any(_ items: [JSONB], _ test: (JSONB) -> Truth) -> Truth {
        var isUnknown = false
        for item in items {
            guard let value = test(item) else {
                isUnknown = true
                continue
            }
            if value { return true }
        }
        return isUnknown ? nil : false
    }

    /// nil where the path fails on the data.
    private mutating func results(
        _ path: JSONPath.Expression, _ current: JSONB
    ) throws(RowFailure) -> [JSONB]? {
        do throws(RowFailure) {
            return try items(path, current)
        } catch {
            if error.code.hasPrefix("22") { return nil }
            throw error
        }
    }

    /// The path's items, arrays among them as their elements.
    private mutating func unwrapped(
        _ path: JSONPath.Expression, _ current: JSONB
    ) throws(RowFailure) -> [JSONB]? {
        try results(path, current)?.flatMap { item in
            item.kind == .array ? (0..<item.count).map { item.element($0) } : [item]
        }
    }

    private mutating func regex(_ pattern: String, _ flags: String) throws(RowFailure) -> Regex {
        var options = RegexTranslator.Options()
        options.foldsCase = flags.contains("i")
        options.newlineEndsDot = !flags.contains("s")
        options.newlineEndsAnchor = flags.contains("m")
        options.isLiteral = flags.contains("q")
        return try Array(pattern.utf8).withUnsafeBufferPointer { (bytes) throws(RowFailure) in
            try regexes.regex(bytes, options: options)
        }
    }

    private static func compare(_ comparison: JSONPath.Comparison, _ a: JSONB, _ b: JSONB) -> Truth {
        if a.kind != b.kind {
            // A null differs from everything else; other kinds cannot be compared.
            return a.isNull || b.isNull ? comparison == .notEqual : nil
        }
        if a.isContainer { return nil }
        let order = JSONB.compare(a, b)
        switch comparison {
        case .equal: return order == 0
        case .notEqual: return order != 0
        case .less: return order < 0
        case .lessOrEqual: return order <= 0
        case .greater: return order > 0
        case .greaterOrEqual: return order >= 0
        }
    }
}

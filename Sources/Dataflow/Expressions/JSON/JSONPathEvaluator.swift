import Glibc

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

    /// The items of a path up to its end or to an error; a predicate is one boolean, or null if it is unknown. Of `isFirstOnly` what is
    /// behind the first item is not looked at.
    mutating func found(_ path: JSONPath, isFirstOnly: Bool) -> (items: [JSONB], failure: RowFailure?) {
        var items = Items(isFirstOnly: isFirstOnly)
        do throws(RowFailure) {
            try find(path.root, root, &items)
            return (items.list, nil)
        } catch {
            return (items.list, error)
        }
    }

    /// A predicate's value: nil is unknown.
    private typealias Truth = Bool?

    /// What has been found, in order.
    private struct Items {
        var list: [JSONB] = []
        let isFirstOnly: Bool

        /// True if that is all that is wanted.
        mutating func append(_ item: JSONB) -> Bool {
            list.append(item)
            return isFirstOnly
        }
    }

    private mutating func items(
        _ expression: JSONPath.Expression, _ current: JSONB, isFirstOnly: Bool = false
    ) throws(RowFailure) -> [JSONB] {
        var items = Items(isFirstOnly: isFirstOnly)
        try find(expression, current, &items)
        return items.list
    }

    private mutating func find(
        _ expression: JSONPath.Expression, _ current: JSONB, _ out: inout Items
    ) throws(RowFailure) {
        switch expression {
        case .predicate(let predicate): _ = out.append(try start(.truth(predicate), current))
        case .path(let source, let steps): _ = try follow(steps, 0, try start(source, current), &out)
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
        case .truth(let predicate):
            var writer = JSONBWriter()
            if let value = try truth(predicate, current) { writer.boolean(value) } else { writer.null() }
            return own(writer.bytes)
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

    /// Adds what the steps from `index` on lead to; true if no more is wanted. Each item is followed to its end before the next one,
    /// as in PostgreSQL: an error behind the first item that is found does not count.
    private mutating func follow(
        _ steps: [JSONPath.Step], _ index: Int, _ item: JSONB, _ out: inout Items, unwraps: Bool = true
    ) throws(RowFailure) -> Bool {
        guard index < steps.count else { return out.append(item) }
        switch steps[index] {
        case .anyElement:
            guard item.kind == .array else { return try follow(steps, index + 1, item, &out) }
            return try elements(of: item, steps, index + 1, &out)
        case .elements(let ranges):
            for (from, to) in ranges {
                let count = item.kind == .array ? item.count : 1
                let start = try place(from, item, count)
                let (first, last) = (
                    max(start, 0),
                    min(
                        try to.map { (to) throws(RowFailure) in
                            try place(to, item, count)
                        } ?? start, count - 1)
                )
                guard first <= last else { continue }
                for position in first...last {
                    let element = item.kind == .array ? item.element(position) : item
                    if try follow(steps, index + 1, element, &out) { return true }
                }
            }
            return false
        case .size: return try follow(steps, index + 1, number(item.kind == .array ? item.count : 1), &out)
        case .type:
            var writer = JSONBWriter()
            writer.string(JSONBAccess.typeName(item))
            return try follow(steps, index + 1, own(writer.bytes), &out)
        case .member, .anyMember, .filter, .double:
            if item.kind == .array, unwraps { return try elements(of: item, steps, index, &out, unwraps: false) }
            return try followUnwrapped(steps, index, item, &out)
        }
    }

    private mutating func elements(
        of array: JSONB, _ steps: [JSONPath.Step], _ index: Int, _ out: inout Items, unwraps: Bool = true
    ) throws(RowFailure) -> Bool {
        for position in 0..<array.count {
            if try follow(steps, index, array.element(position), &out, unwraps: unwraps) { return true }
        }
        return false
    }

    private mutating func number(_ value: Int) -> JSONB {
        var writer = JSONBWriter()
        writer.number(Array(String(value).utf8))
        return own(writer.bytes)
    }

    private mutating func followUnwrapped(
        _ steps: [JSONPath.Step], _ index: Int, _ item: JSONB, _ out: inout Items
    ) throws(RowFailure) -> Bool {
        switch steps[index] {
        case .member(var name):
            guard item.kind == .object, let value = name.withUTF8({ item.member($0) }) else { return false }
            return try follow(steps, index + 1, value, &out)
        case .anyMember:
            guard item.kind == .object else { return false }
            for position in 0..<item.count {
                if try follow(steps, index + 1, item.value(position), &out) { return true }
            }
            return false
        case .filter(let predicate):
            guard try truth(predicate, item) == true else { return false }
            return try follow(steps, index + 1, item, &out)
        case .double: return try follow(steps, index + 1, try double(item), &out)
        case .anyElement, .elements, .size, .type: return false
        }
    }

    /// The position that a subscript names among `count` elements; it may be none of them.
    private mutating func place(
        _ position: JSONPath.Subscript, _ current: JSONB, _ count: Int
    ) throws(RowFailure) -> Int {
        switch position {
        case .last(let offset): return count - 1 + offset
        case .index(let index?): return index
        case .index(nil): break
        case .path(let path):
            let items = try items(path, current)
            guard items.count == 1, items[0].kind == .number else {
                throw RowFailure("22033", "jsonpath array subscript is not a single numeric value")
            }
            if let value = Double(String(decoding: items[0].text, as: UTF8.self)), abs(value) < 2_147_483_648 {
                return Int(value)
            }
        }
        throw RowFailure("22033", "jsonpath array subscript is out of integer range")
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
        // The numeric that PostgreSQL makes of it has 15 digits.
        let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
            let length = withVaList([value]) { vsnprintf(buffer.baseAddress, 64, "%.15g", $0) }
            return buffer.prefix(Int(length)).map { UInt8(bitPattern: $0) }
        }
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
            guard let items = try results(path, current, isFirstOnly: true) else { return nil }
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
        case .likeRegex(let path, let pattern):
            guard let texts = try unwrapped(path, current) else { return nil }
            let regex = try pattern.text.withUnsafeBufferPointer { (bytes) throws(RowFailure) in
                try regexes.regex(bytes, options: pattern.options)
            }
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
        _ path: JSONPath.Expression, _ current: JSONB, isFirstOnly: Bool = false
    ) throws(RowFailure) -> [JSONB]? {
        do throws(RowFailure) {
            return try items(path, current, isFirstOnly: isFirstOnly)
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

/// jsonb_path_… and `@?`, `@@`. A path is a text here: PostgreSQL's type jsonpath is none of its own.
enum JSONPathFunctions {
    static let all: [ScalarFunction] =
        signatures.flatMap { types in
            [
                predicate(
                    "jsonb_path_exists", types, isFirstOnly: true, "Whether the path has an item in the value."
                ) { $1 ? nil : !$0.isEmpty },
                predicate("jsonb_path_match", types, "The value of a path that is a predicate.") {
                    (items, _) throws(RowFailure) -> Bool? in try match(items)
                },
                items("jsonb_path_query_array", types, "The items of the path, as an array.") { items in
                    var writer = JSONBWriter()
                    writer.beginArray()
                    for item in items { writer.value(item) }
                    writer.endArray()
                    return writer.bytes
                },
                items("jsonb_path_query_first", types, "The first item of the path.") { items in
                    items.first.map { Array($0.bytes) }
                },
            ]
        }
        + [
            predicate(
                "@?", [.jsonb, .text], isSilent: true, isFirstOnly: true, "Whether the path has an item in the value."
            ) { $1 ? nil : !$0.isEmpty },
            predicate("@@", [.jsonb, .text], isSilent: true, "The value of a path that is a predicate.") {
                (items, _) throws(RowFailure) -> Bool? in try match(items)
            },
        ]

    /// With variables, and with whether errors give NULL.
    static let signatures: [[DataType]] = [[.jsonb, .text, .jsonb, .boolean]]

    /// The path read last.
    struct PathCache {
        private var text: [UInt8] = []
        private var path: JSONPath?

        mutating func path(_ bytes: JSONB.Bytes) throws(RowFailure) -> JSONPath {
            if let path, text.elementsEqual(bytes) { return path }
            let parsed = try JSONPath(bytes)
            (text, path) = (Array(bytes), parsed)
            return parsed
        }
    }

    /// Lends the items of a row's path; if it fails and is to be silent, those before the error.
    static func withItems<Result>(
        _ row: ArgumentRow, _ cache: inout PathCache, isSilent: Bool, isFirstOnly: Bool = false,
        _ body: (_ items: [JSONB], _ hasFailed: Bool) throws(RowFailure) -> Result
    ) throws(RowFailure) -> Result {
        let path = try cache.path(row.text(1))
        let silent = isSilent || row.count > 3 && row.boolean(3)
        let variables = row.count > 2 ? row.jsonb(2) : nil
        if let variables, variables.kind != .object {
            throw RowFailure("22023", "\"vars\" argument is not an object")
        }
        var evaluator = JSONPathEvaluator(root: row.jsonb(0), variables: variables)
        let (items, failure) = evaluator.found(path, isFirstOnly: isFirstOnly)
        // Only errors of the data may be silenced.
        if let failure, !silent || !failure.code.hasPrefix("22") { throw failure }
        // The items may lie in the evaluator's memory.
        defer { withExtendedLifetime(evaluator) {} }
        return try body(items, failure != nil)
    }

    private static func match(_ items: [JSONB]) throws(RowFailure) -> Bool? {
        if items.count == 1 {
            if items[0].kind == .boolean { return items[0].isTrue }
            if items[0].isNull { return nil }
        }
        throw RowFailure("22038", "single boolean result is expected")
    }

    private static func predicate(
        _ name: String, _ types: [DataType], isSilent: Bool = false, isFirstOnly: Bool = false,
        _ documentation: String,
        _ test: @escaping @Sendable (_ items: [JSONB], _ hasFailed: Bool) throws(RowFailure) -> Bool?
    ) -> ScalarFunction {
        RowKernels.predicate(name, types, documentation, state: { PathCache() }) {
            (row, cache) throws(RowFailure) -> Bool? in
            let silent = isSilent || row.count > 3 && row.boolean(3)
            return try withItems(row, &cache, isSilent: isSilent, isFirstOnly: isFirstOnly) {
                (items, hasFailed) throws(RowFailure) -> Bool? in
                do throws(RowFailure) {
                    return try test(items, hasFailed)
                } catch {
                    if silent { return nil }
                    throw error
                }
            }
        }
    }

    private static func items(
        _ name: String, _ types: [DataType], _ documentation: String,
        _ write: @escaping @Sendable ([JSONB]) -> [UInt8]?
    ) -> ScalarFunction {
        RowKernels.bytes(name, types, returns: .jsonb, documentation, state: { PathCache() }) {
            (row, cache, out) throws(RowFailure) in
            let bytes = try withItems(row, &cache, isSilent: false) { (items, _) throws(RowFailure) in write(items) }
            if let bytes { out.append(bytes) } else { out.setNull() }
        }
    }
}

package import Dataflow

/// The options of the `file` connector: `path` (a file, or a pattern with `*` and `?` in its last part), `follow` (go on as the files
/// grow, the default is false) and `header` (the first line of a CSV file names columns).
package struct FileOptions: Hashable, Sendable, Codable {
    package var path: String
    package var isFollowed: Bool
    package var hasHeader: Bool
    package var isCSV: Bool

    package init(_ schema: TableSchema) throws(OptionError) {
        let options = OptionReader(schema)
        guard let path = options.text("path"), !path.isEmpty else {
            throw OptionError(table: schema.name, option: "path", "is required")
        }
        self.path = path
        isFollowed = try options.flag("follow") ?? false
        hasHeader = try options.flag("header") ?? false
        isCSV = schema.format == .csv
    }
}

internal import Foundation
internal import Logging

/// Writes log lines to standard error: as JSON objects, or as text with the message first and metadata behind it.
struct NodeLogHandler: LogHandler {
    let json: Bool
    var logLevel = Logger.Level.warning
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    /// Takes a line with its end.
    var write: @Sendable (String) -> Void = { FileHandle.standardError.write(Data($0.utf8)) }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var all = metadataProvider?.get() ?? [:]
        all.merge(metadata) { $1 }
        all.merge(event.metadata ?? [:]) { $1 }
        var own = Dictionary(uniqueKeysWithValues: all.map { ($0.key, "\($0.value)") })
        // What every line of a node has comes first, in this order.
        let first = Self.common.compactMap { key in own.removeValue(forKey: key).map { (key, $0) } }
        let fields = first + own.sorted { $0.key < $1.key }
        let time = Date().formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        let message = "\(event.message)"
        write(
            (json ? Self.json(time, event.level, message, fields) : Self.text(time, event.level, message, fields))
                + "\n")
    }

    private static let common = ["node", "generation", "epoch"]

    private static func json(
        _ time: String, _ level: Logger.Level, _ message: String, _ fields: [(String, String)]
    ) -> String {
        var parts = [("time", HTTPAPI.string(time)), ("level", HTTPAPI.string(level.rawValue))]
        parts.append(("message", HTTPAPI.string(message)))
        let taken = Set(parts.map(\.0))
        for (key, value) in fields {
            // Numbers of the platform are numbers; all else is text, whatever it looks like.
            let number = key != "node" && common.contains(key) ? Int64(value) : nil
            parts.append((taken.contains(key) ? "_" + key : key, number.map(String.init) ?? HTTPAPI.string(value)))
        }
        return "{" + parts.map { "\(HTTPAPI.string($0)):\($1)" }.joined(separator: ",") + "}"
    }

    private static func text(
        _ time: String, _ level: Logger.Level, _ message: String, _ fields: [(String, String)]
    ) -> String {
        let values = fields.map { "\(TableText.printable($0))=\(quoted($1))" }
        return ([time, level.rawValue, TableText.printable(message)] + values).joined(separator: " ")
    }

    /// A value that a reader can tell from what stands around it.
    private static func quoted(_ value: String) -> String {
        let isPlain =
            !value.isEmpty && value.unicodeScalars.allSatisfy { $0 != " " && $0 != "\"" && $0 != "=" && $0 != "\\" }
        let shown = TableText.printable(value)
        if isPlain, shown == value { return value }
        return "\"" + shown.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
}

extension Logger {
    /// The node's log: to standard error, so that standard output stays the command's answer.
    static func node(json: Bool) -> Logger {
        var logger = Logger(label: "dataprism") { _ in NodeLogHandler(json: json) }
        logger.logLevel =
            ProcessInfo.processInfo.environment["DATAPRISM_LOG_LEVEL"].flatMap { Logger.Level(rawValue: $0) }
            ?? .warning
        return logger
    }
}

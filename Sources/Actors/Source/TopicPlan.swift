package import Dataflow

/// How the records of a topic come, as the options of the tables that read it say.
package struct TopicPlan: Hashable, Sendable, Codable {
    package enum Origin: Hashable, Sendable, Codable {
        /// In the event log.
        case stored
        /// Computed: record *n* is a function of the options and *n*.
        case generator(GeneratorOptions)
        /// Read from files that only grow.
        case files(FileOptions)

        package var isStored: Bool { self == .stored }
    }

    package var name: String
    package var origin: Origin
    /// As the options say; nil where the backend or the files decide.
    package var partitions: Int?

    /// Reads a table's options.
    package init(_ schema: TableSchema) throws(OptionError) {
        name = schema.topic
        let options = OptionReader(schema)
        try Self.checkNames(schema)
        partitions = try options.integer("partitions").map { Int($0) }
        if let partitions, !(1...TopicPlan.partitionsMax).contains(partitions) {
            throw OptionError(
                table: schema.name, option: "partitions", "must lie between 1 and \(TopicPlan.partitionsMax)")
        }
        let storage = schema.options["storage"] ?? "stored"
        switch (storage, schema.connector) {
        case ("stored", _): origin = .stored
        case ("virtual", "generator"): origin = .generator(try GeneratorOptions(schema))
        case ("virtual", "file"): origin = .files(try FileOptions(schema))
        case ("virtual", let connector):
            throw OptionError(
                table: schema.name, option: "storage", "the connector \"\(connector)\" has no virtual topics")
        default:
            throw OptionError(table: schema.name, option: "storage", "must be 'stored' or 'virtual', not '\(storage)'")
        }
        if case .generator(let generator) = origin { partitions = generator.partitions }
    }

    /// A misspelt option must not be taken for none.
    private static func checkNames(_ schema: TableSchema) throws(OptionError) {
        let known = common.union(connectorOptions[schema.connector] ?? [])
        for name in schema.options.keys.sorted() where !known.contains(name) {
            let names = known.sorted().joined(separator: ", ")
            throw OptionError(
                table: schema.name, option: name, "is not known to the connector \"\(schema.connector)\" (\(names) are)"
            )
        }
    }

    private static let common: Set<String> = ["partitions", "storage"]
    private static let connectorOptions: [String: Set<String>] = [
        "file": ["path", "follow", "header"],
        "generator": ["seed", "rate", "count", "event_rate", "base_time", "entity"],
    ]

    /// More partitions than this make an epoch's bookkeeping dear.
    package static let partitionsMax = 1024
}

/// An option of a table that cannot be used.
package struct OptionError: Error, Hashable, Sendable, CustomStringConvertible {
    package var table: String
    package var option: String
    package var message: String

    package init(table: String, option: String, _ message: String) {
        self.table = table
        self.option = option
        self.message = message
    }

    package var description: String { "option \"\(option)\" of \"\(table)\" \(message)" }
}

/// Typed access to a table's options.
struct OptionReader {
    private let schema: TableSchema

    init(_ schema: TableSchema) {
        self.schema = schema
    }

    func text(_ name: String) -> String? { schema.options[name] }

    func integer(_ name: String) throws(OptionError) -> Int64? {
        guard let text = schema.options[name] else { return nil }
        guard let value = Int64(text) else {
            throw OptionError(table: schema.name, option: name, "must be an integer, not '\(text)'")
        }
        return value
    }

    /// Microseconds since 1970, from such a number or a timestamp's text.
    func time(_ name: String) throws(OptionError) -> Int64? {
        guard var text = schema.options[name] else { return nil }
        if let value = Int64(text) { return value }
        let parsed = text.withUTF8 { bytes in
            Result { () throws(RowError) in try TextFormat.parse(bytes, as: .timestamp) }
        }
        guard case .success(.timestamp(let value)) = parsed else {
            throw OptionError(table: schema.name, option: name, "must be a timestamp, not '\(text)'")
        }
        return value
    }

    func number(_ name: String) throws(OptionError) -> Double? {
        guard let text = schema.options[name] else { return nil }
        guard let value = Double(text), value.isFinite else {
            throw OptionError(table: schema.name, option: name, "must be a number, not '\(text)'")
        }
        return value
    }

    func flag(_ name: String) throws(OptionError) -> Bool? {
        switch schema.options[name] {
        case nil: return nil
        case "true", "on", "yes", "1": return true
        case "false", "off", "no", "0": return false
        case .some(let text):
            throw OptionError(table: schema.name, option: name, "must be true or false, not '\(text)'")
        }
    }
}

internal import Configuration
internal import Foundation
internal import SystemPackage

/// What a node is told: by flags, else by the environment (`DATAPRISM_…`), else by the configuration file, else by default.
struct NodeSettings: Sendable {
    var data: String
    /// The log's directory; that of the data by default.
    var log: String
    var host: String
    var port: Int
    var workers: Int
    /// Serving another address than loopback is refused without this, since there is no authentication.
    var isInsecure: Bool

    /// Flags as given, before the other places are asked.
    struct Flags {
        var data: String?
        var log: String?
        var http: String?
        var workers: Int?
        var insecure = false
        var configuration: String?
    }

    static let keys = ["data", "log", "http", "workers", "insecure"]

    static func load(_ flags: Flags) async throws -> NodeSettings {
        var providers: [any ConfigProvider] = [
            EnvironmentVariablesProvider().prefixKeys(with: "dataprism")
        ]
        if let path = flags.configuration ?? ProcessInfo.processInfo.environment["DATAPRISM_CONFIG"] {
            try checkKeys(path)
            do {
                providers.append(try await FileProvider<JSONSnapshot>(filePath: FilePath(path)))
            } catch {
                throw ConfigurationFailure("configuration file \(path): \(error)")
            }
        }
        let reader = ConfigReader(providers: providers)
        let data = flags.data ?? reader.string(forKey: "data") ?? "data"
        let http = flags.http ?? reader.string(forKey: "http") ?? "127.0.0.1:7070"
        let (host, port) = try address(http)
        let workers =
            try flags.workers ?? integer("workers", reader.string(forKey: "workers"))
            ?? ProcessInfo.processInfo.activeProcessorCount
        guard (1...64).contains(workers) else {
            throw ConfigurationFailure("workers: \(workers); 1 to 64 are possible")
        }
        let insecure = try flags.insecure || boolean("insecure", reader.string(forKey: "insecure")) ?? false
        let log = try logDirectory(flags.log ?? reader.string(forKey: "log"), data)
        if !insecure, !["127.0.0.1", "localhost", "::1"].contains(host) {
            throw ConfigurationFailure(
                "http: \(host) is not a loopback address, and there is no authentication; bind to 127.0.0.1, or say --insecure"
            )
        }
        return NodeSettings(data: data, log: log, host: host, port: port, workers: workers, isInsecure: insecure)
    }

    static func address(_ text: String) throws -> (String, Int) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65_535).contains(port),
            colon != text.startIndex
        else { throw ConfigurationFailure("http: \"\(text)\" is not HOST:PORT, such as 127.0.0.1:7070") }
        let host = text[..<colon].trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
        return (host, port)
    }

    private static func logDirectory(_ text: String?, _ data: String) throws -> String {
        guard let text else { return data + "/log" }
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        if parts.count == 2, parts[0] == "embedded", !parts[1].isEmpty { return parts[1] }
        if parts.count == 2, parts[0] == "kafka" {
            throw ConfigurationFailure("log: Kafka is not supported yet; use embedded:DIRECTORY")
        }
        throw ConfigurationFailure("log: \"\(text)\" is not embedded:DIRECTORY")
    }

    private static func integer(_ key: String, _ text: String?) throws -> Int? {
        guard let text else { return nil }
        guard let value = Int(text) else { throw ConfigurationFailure("\(key): \"\(text)\" is not a whole number") }
        return value
    }

    private static func boolean(_ key: String, _ text: String?) throws -> Bool? {
        guard let text else { return nil }
        guard
            let value = ["true": true, "1": true, "yes": true, "false": false, "0": false, "no": false][
                text.lowercased()]
        else {
            throw ConfigurationFailure("\(key): \"\(text)\" is neither true nor false")
        }
        return value
    }

    /// A key that nobody reads is a mistake: it is named, with the nearest one that exists.
    private static func checkKeys(_ path: String) throws {
        let content: Data
        do {
            content = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw ConfigurationFailure("configuration file \(path) cannot be read")
        }
        guard let object = try JSONSerialization.jsonObject(with: content) as? [String: Any] else {
            throw ConfigurationFailure("configuration file \(path) is not a JSON object")
        }
        for key in object.keys.sorted() where !keys.contains(key) {
            let nearest = keys.min { distance($0, key) < distance($1, key) } ?? ""
            throw ConfigurationFailure(
                "configuration file \(path): unknown key \"\(key)\"; did you mean \"\(nearest)\"?")
        }
    }

    /// Levenshtein's distance.
    private static func distance(_ a: String, _ b: String) -> Int {
        var row = Array(0...b.count)
        for (i, x) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, y) in b.enumerated() {
                let above = row[j + 1]
                row[j + 1] = min(above + 1, row[j] + 1, diagonal + (x == y ? 0 : 1))
                diagonal = above
            }
        }
        return row[b.count]
    }
}

/// Something given wrongly at the start: one line, exit code 78.
struct ConfigurationFailure: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}

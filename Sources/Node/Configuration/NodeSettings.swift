internal import Configuration
internal import Foundation

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
    /// nil for a node that is alone for good.
    var cluster: ClusterSettings?

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

    /// Asks the places in their order. What is given wrongly is refused with the place and the key.
    static func load(
        _ flags: Flags, environment: [String: String] = ProcessInfo.processInfo.environment
    ) async throws -> NodeSettings {
        var providers: [any ConfigProvider] = [
            EnvironmentVariablesProvider(environmentVariables: environment).prefixKeys(with: "dataprism")
        ]
        let path = flags.configuration ?? environment["DATAPRISM_CONFIG"]
        if let path { providers.append(try await ConfigurationFile.provider(path, keys: keys)) }
        let reader = ConfigReader(providers: providers)
        /// Which place a key's value is from, for what is said about it.
        func asking<Value>(_ key: String, _ wanted: String, _ value: () async throws -> Value?) async throws -> Value? {
            do {
                return try await value()
            } catch {
                let name = "DATAPRISM_" + key.uppercased()
                let place = environment[name].map { "\(name)=\($0)" } ?? "\(key) in \(path ?? "the configuration")"
                throw ConfigurationFailure("\(place) is not \(wanted)")
            }
        }
        func text(_ key: String) async throws -> String? {
            try await asking(key, "text") { try await reader.fetchString(forKey: ConfigKey(key)) }
        }
        let data = if let given = flags.data { given } else { try await text("data") ?? "data" }
        let http = if let given = flags.http { given } else { try await text("http") ?? "127.0.0.1:7070" }
        let log = if let given = flags.log { given } else { try await text("log") }
        let (host, port) = try address(http)
        let workers =
            if let given = flags.workers {
                given
            } else {
                try await asking("workers", "a whole number") { try await reader.fetchInt(forKey: "workers") }
                    ?? ProcessInfo.processInfo.activeProcessorCount
            }
        guard (1...64).contains(workers) else {
            throw ConfigurationFailure("workers: \(workers); 1 to 64 are possible")
        }
        let insecure =
            if flags.insecure {
                true
            } else {
                try await asking("insecure", "true or false") { try await reader.fetchBool(forKey: "insecure") }
                    ?? false
            }
        if !insecure, !["127.0.0.1", "localhost", "::1"].contains(host) {
            throw ConfigurationFailure(
                "http: \(host) is not a loopback address, and there is no authentication; bind to 127.0.0.1, or say --insecure"
            )
        }
        return NodeSettings(
            data: data, log: try logDirectory(log, data), host: host, port: port, workers: workers,
            isInsecure: insecure)
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
}

/// Something given wrongly at the start: one line, exit code 78.
struct ConfigurationFailure: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}

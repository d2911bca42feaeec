import Foundation
import Testing

@testable import Node

/// Where settings come from, and how wrong ones are refused: one line that names the place, the key, and what to do.
@Suite struct SettingsTests {
    private func load(
        _ flags: NodeSettings.Flags = .init(), _ environment: [String: String] = [:], file: String? = nil,
        name: String = "settings.json"
    ) async throws -> NodeSettings {
        guard let file else { return try await NodeSettings.load(flags, environment: environment) }
        let directory = FileManager.default.temporaryDirectory.path + "/dataprism-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { do { try FileManager.default.removeItem(atPath: directory) } catch { Issue.record("\(error)") } }
        let path = directory + "/" + name
        try Data(file.utf8).write(to: URL(filePath: path))
        var flags = flags
        flags.configuration = path
        return try await NodeSettings.load(flags, environment: environment)
    }

    private func refusal(
        _ flags: NodeSettings.Flags = .init(), _ environment: [String: String] = [:], file: String? = nil,
        name: String = "settings.json"
    ) async -> String {
        do {
            Issue.record("accepted: \(try await load(flags, environment, file: file, name: name))")
            return ""
        } catch {
            #expect(error is ConfigurationFailure)
            #expect(!"\(error)".contains("\n"))
            return "\(error)"
        }
    }

    /// The bug: `--check` says ok, and the node does not start.
    @Test func theFilesOfTLSAreChecked() throws {
        var flags = ClusterSettings.Flags(listen: "127.0.0.1:7701")
        try #require(try ClusterSettings(flags)).check()
        (flags.tlsCert, flags.tlsKey, flags.tlsCA) = ("/nowhere/c.pem", "/nowhere/k.pem", "/nowhere/a.pem")
        let settings = try #require(try ClusterSettings(flags))
        let failure = #expect(throws: ConfigurationFailure.self) { try settings.check() }
        #expect(failure?.description.contains("certificate from /nowhere/c.pem: No such file") == true)
    }

    @Test func defaults() async throws {
        let settings = try await load()
        #expect(settings.data == "data" && settings.log == "data/log")
        #expect(settings.host == "127.0.0.1" && settings.port == 7070 && !settings.isInsecure)
        #expect(settings.workers == min(64, ProcessInfo.processInfo.activeProcessorCount))
    }

    @Test(arguments: [
        ("s.json", #"{"data": "from-file", "http": "127.0.0.1:1", "workers": 3, "log": "embedded:l"}"#),
        ("s.yaml", "# a comment\n---\ndata: from-file\n\"http\": 127.0.0.1:1\nworkers: 3\nlog: embedded:l\n"),
    ]) func flagsComeBeforeTheEnvironmentBeforeTheFile(name: String, file: String) async throws {
        let fromFile = try await load(file: file, name: name)
        #expect(fromFile.data == "from-file" && fromFile.port == 1 && fromFile.workers == 3 && fromFile.log == "l")
        let environment = [
            "DATAPRISM_DATA": "from-environment", "DATAPRISM_HTTP": "127.0.0.1:2", "DATAPRISM_WORKERS": "2",
        ]
        let both = try await load(.init(), environment, file: file, name: name)
        #expect(both.data == "from-environment" && both.port == 2 && both.workers == 2 && both.log == "l")
        let flags = NodeSettings.Flags(data: "from-flag", log: "embedded:m", http: "localhost:3", workers: 1)
        let all = try await load(flags, environment, file: file, name: name)
        #expect(
            all.data == "from-flag" && all.log == "m" && all.host == "localhost" && all.port == 3 && all.workers == 1)
    }

    @Test func theFileMayBeNamedInTheEnvironment() async {
        let refusal = await refusal(.init(), ["DATAPRISM_CONFIG": "/nonexistent/x.json"])
        #expect(refusal == "configuration file /nonexistent/x.json does not exist")
    }

    @Test(arguments: [
        ("s.json", #"{"dta": "x"}"#, "unknown key \"dta\"; did you mean \"data\"?"),
        ("s.json", #"{"worker": 1}"#, "unknown key \"worker\"; did you mean \"workers\"?"),
        ("s.yaml", "htpp: x\n", "unknown key \"htpp\"; did you mean \"http\"?"),
        ("s.json", #"{"workers": "two"}"#, "is not a whole number"),
        ("s.json", #"{"workers": 1.5}"#, "is not a whole number"),
        ("s.json", #"{"workers": [1]}"#, "is not a whole number"),
        ("s.yaml", "workers: two\n", "is not a whole number"),
        ("s.json", #"{"workers": 0}"#, "workers: 0; 1 to 64 are possible"),
        ("s.json", #"{"workers": 65}"#, "workers: 65; 1 to 64 are possible"),
        ("s.json", #"{"insecure": "perhaps"}"#, "is not true or false"),
        ("s.json", #"{"data": 7}"#, "is not text"),
        ("s.json", #"["data"]"#, "is not a JSON object"),
        ("s.json", #"{"data": "x""#, "is not a JSON object"),
        ("s.json", "", "is not a JSON object"),
        ("s.json", #"{"http": "7070"}"#, "http: \"7070\" is not HOST:PORT"),
        ("s.json", #"{"http": "127.0.0.1:65536"}"#, "is not HOST:PORT"),
        ("s.json", #"{"http": "0.0.0.0:7070"}"#, "is not a loopback address"),
        ("s.json", #"{"log": "kafka:broker:9092"}"#, "Kafka"),
        ("s.json", #"{"log": "elsewhere"}"#, "is not embedded:DIRECTORY"),
        ("s.json", "{\"data\": \"" + String(repeating: "x", count: 70_000) + "\"}", "the limit is 65536"),
    ]) func whatIsWrongInAFileIsNamed(name: String, file: String, expected: String) async {
        let refusal = await refusal(file: file, name: name)
        #expect(refusal.contains(expected), "\(refusal)")
    }

    @Test func whatIsWrongInTheEnvironmentIsNamed() async {
        let workers = await refusal(.init(), ["DATAPRISM_WORKERS": "many"])
        #expect(workers == "DATAPRISM_WORKERS=many is not a whole number")
        let insecure = await refusal(.init(), ["DATAPRISM_INSECURE": "maybe"])
        #expect(insecure == "DATAPRISM_INSECURE=maybe is not true or false")
    }

    @Test func otherAddressesNeedToBeAllowed() async throws {
        let refused = await refusal(.init(http: "192.0.2.1:7070"))
        #expect(refused.contains("--insecure"))
        #expect(try await load(.init(http: "192.0.2.1:7070", insecure: true)).isInsecure)
        #expect(try await load(.init(http: "192.0.2.1:7070"), ["DATAPRISM_INSECURE": "true"]).isInsecure)
        #expect(try await load(.init(http: "[::1]:7070")).host == "::1")
    }

    @Test func anEmptyYAMLFileIsNoMistake() async throws {
        #expect(try await load(file: "# nothing yet\n", name: "s.yaml").data == "data")
    }

    @Test func aDataDirectoryBelongsToOneProcess() throws {
        let path = FileManager.default.temporaryDirectory.path + "/dataprism-\(UUID().uuidString)"
        defer { do { try FileManager.default.removeItem(atPath: path) } catch { Issue.record("\(error)") } }
        let first = try DataDirectory(path)
        let second = #expect(throws: ConfigurationFailure.self) { try DataDirectory(path) }
        #expect(second?.description.contains("is in use by process \(getpid())") == true)
        withExtendedLifetime(first) {}
    }
}

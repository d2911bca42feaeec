internal import ArgumentParser
internal import Foundation

@main
struct Dataprism: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dataprism",
        abstract: "Live events in, queryable views out.",
        discussion: """
            Try it:
              dataprism dev examples/auctions.sql      runs a pipeline and shows its views changing
              dataprism sql -c 'SELECT 1 AS one'       asks a running node
              dataprism status                         shows what it is doing
              dataprism cluster up --nodes 3           runs three nodes on this machine

            Settings come from flags, else from the environment (DATAPRISM_DATA, DATAPRISM_HTTP, …), else from a JSON or YAML file (--config).
            """,
        version: build,
        subcommands: [
            DevCommand.self, RunCommand.self, NodeCommand.self, SQLCommand.self, StatusCommand.self,
            ClusterCommand.self,
            AdminCommand.self, LogCommand.self,
        ])

    /// What `--version` prints.
    static let build = "dataprism 0.1.0"

    /// Parses and runs; what goes wrong is one clear line and an exit code that is not zero.
    static func main() async {
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let failure as ConfigurationFailure {
            fail(failure.description, code: 78)
        } catch let failure as CommandFailure {
            fail(failure.description, failure.json, code: 1)
        } catch let failure as Failure {
            fail(failure.description, failure.json, code: 1)
        } catch {
            exit(withError: error)
        }
    }

    /// Says what went wrong; as JSON where that was asked for.
    private static func fail(_ message: String, _ json: String? = nil, code: Int32) -> Never {
        let line =
            CommandLine.arguments.contains("--json")
            ? json ?? "{\"message\":\(HTTPAPI.string(message))}" : "dataprism: \(message)"
        FileHandle.standardError.write(Data((line + "\n").utf8))
        Foundation.exit(code)
    }
}

/// A command that could not do what was asked: one line, exit code 1.
struct CommandFailure: Error, CustomStringConvertible {
    var description: String
    /// What a node has answered, for those who asked for JSON.
    var json: String?

    init(_ description: String) { self.description = description }

    /// What a node refused, with its answer's body; `text` is what was sent.
    init(answer body: String, about text: String? = nil) {
        description = NodeClient.message(body, about: text)
        let line = body.trimmingCharacters(in: .whitespacesAndNewlines)
        if OrderedRow(line[...])?["message"] != nil { json = line }
    }
}

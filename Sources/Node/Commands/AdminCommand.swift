internal import ArgumentParser
internal import Coordination
internal import Foundation

/// `dataprism admin`: runs a cluster, from any of its nodes.
struct AdminCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "admin", abstract: "Runs a cluster, from any of its nodes.",
        discussion: """
            Examples:
              dataprism admin members
              dataprism admin lag                      what the committed epoch does not cover yet
              dataprism admin drain c                  hands what c owns to the others
              dataprism admin remove c --force         ends a node that cannot leave by itself
              dataprism admin history --as-of 12       what had been decided up to offset 12
            """,
        subcommands: [
            Members.self, Assignment.self, Workers.self, Connectors.self, Epochs.self, Lag.self, History.self,
            Drain.self, Undrain.self, Remove.self, Rebalance.self,
            Lead.self, Trim.self,
        ])

    struct Members: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists the nodes.",
            discussion: """
                Example:
                  dataprism admin members --url http://127.0.0.1:7071
                """)
        @OptionGroup var flags: ClientFlags

        func run() async throws {
            guard let status = try await AdminClient(flags).status() else { return }
            print(
                "coordinator \(status.coordinator ?? "none"), term \(status.term), generation \(status.generation), epoch \(Display.count(status.epoch)), \(status.isReady ? "ready" : "catching up")"
            )
            AdminClient.table(
                ["node", "status", "role", "listen", "http", "zone", "workers", "vnodes", "epoch"],
                status.members.map { member in
                    let role = [
                        member.isCoordinator ? "coordinator" : "", member.isDraining ? "draining" : "",
                        member.isAdmitted ? "" : "joining",
                    ].filter { !$0.isEmpty }.joined(separator: ", ")
                    return [
                        "\(member.name)#\(member.incarnation)", member.status, role, member.listen, member.http ?? "",
                        member.zone, "\(member.workers)", "\(member.vnodes)", "\(member.committedEpoch)",
                    ]
                }, numbers: [6, 7, 8])
        }
    }

    struct Assignment: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows who owns what.",
            discussion: """
                Example:
                  dataprism admin assignment
                """)
        @OptionGroup var flags: ClientFlags

        func run() async throws {
            guard let status = try await AdminClient(flags).status() else { return }
            AdminClient.table(
                ["node", "workers", "vnodes", "connector tasks"],
                status.members.map { member in
                    let tasks = status.tasks.filter { $0.value == member.name }.keys.sorted()
                    return [
                        member.name, "\(member.workers)", "\(member.vnodes)", tasks.joined(separator: ", "),
                    ]
                }, numbers: [1, 2])
        }
    }

    struct History: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows who decided what, when and why.",
            discussion: """
                The control log is the audit log. With --as-of it ends at that offset and shows what stood then.

                Examples:
                  dataprism admin history
                  dataprism admin history --as-of 12 --json
                """)
        @OptionGroup var flags: ClientFlags
        @Option(help: ArgumentHelp("The last offset of the control log.", valueName: "offset")) var asOf: Int64?

        func run() async throws {
            let client = AdminClient(flags)
            let body = try await client.get("/admin/v1/history" + (asOf.map { "?as_of=\($0)" } ?? ""))
            guard let body else { return }
            guard let history = try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any],
                let entries = history["entries"] as? [[String: Any]]
            else { return print(body) }
            let format = ISO8601DateFormatter()
            AdminClient.table(
                ["offset", "time", "kind", "who", "what", "why", "refused"],
                entries.map { entry in
                    let time = (entry["time"] as? NSNumber)?.doubleValue ?? 0
                    return [
                        "\(entry["offset"] ?? "")", format.string(from: Date(timeIntervalSince1970: time / 1e6)),
                        entry["kind"] as? String ?? "", entry["who"] as? String ?? "", entry["what"] as? String ?? "",
                        entry["why"] as? String ?? "", entry["refusal"] as? String ?? "",
                    ]
                }, numbers: [0])
            if asOf != nil {
                for key in ["nodes", "relations"] {
                    print("\(key): " + TableText.printable((history[key] as? [String] ?? []).joined(separator: ", ")))
                }
            }
        }
    }

    struct Drain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Hands what a node owns to the others.",
            discussion: """
                Example:
                  dataprism admin drain c --reason 'new disk'
                """)
        @OptionGroup var flags: ClientFlags
        @OptionGroup var target: NodeArgument

        func run() async throws {
            try await AdminClient(flags).post(
                target.path("drain"), target.reason, "draining \(target.node)")
        }
    }

    struct Undrain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lets a drained node own something again.",
            discussion: """
                Example:
                  dataprism admin undrain c
                """)
        @OptionGroup var flags: ClientFlags
        @OptionGroup var target: NodeArgument

        func run() async throws {
            try await AdminClient(flags).post(
                target.path("undrain"), target.reason, "\(target.node) takes part again")
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ends the life of a dead node.",
            discussion: """
                Example:
                  dataprism admin remove c
                """)
        @OptionGroup var flags: ClientFlags
        @OptionGroup var target: NodeArgument
        @Flag(help: "Also if it seems to be alive: it drops its work and joins again.") var force = false

        func run() async throws {
            try await AdminClient(flags).post(
                target.path("remove") + (force ? "?force=true" : ""), target.reason,
                "\(target.node) is removed")
        }
    }

    struct Rebalance: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Gives all nodes equal shares.",
            discussion: """
                Where the shares are equal there is nothing to move, and nothing is done.

                Example:
                  dataprism admin rebalance --reason 'b is back'
                """)
        @OptionGroup var flags: ClientFlags
        @Option(help: "Why, for the history.") var reason: String?

        func run() async throws { try await AdminClient(flags).post("/admin/v1/rebalance", reason, "rebalancing") }
    }

    struct Lead: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a node the coordinator.",
            discussion: """
                Example:
                  dataprism admin lead b
                """)
        @OptionGroup var flags: ClientFlags
        @OptionGroup var target: NodeArgument

        func run() async throws {
            try await AdminClient(flags).post(
                target.path("lead"), target.reason, "\(target.node) becomes the coordinator")
        }
    }
}

extension AdminCommand {
    struct Trim: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Deletes a partition's records below an offset, unless a view needs them.",
            discussion: """
                Example:
                  dataprism admin trim orders --partition 0 --below 100000
                """)
        @OptionGroup var flags: ClientFlags
        @Argument(help: "The topic.") var topic: String
        @Option(help: "The partition.") var partition = 0
        @Option(help: "The first offset that stays.") var below: Int64

        func run() async throws {
            let name = topic.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? topic
            try await AdminClient(flags).post(
                "/admin/v1/topics/\(name)/trim?partition=\(partition)&below=\(below)", nil,
                "topic \(topic)/\(partition) begins at \(below) or later")
        }
    }
}

struct NodeArgument: ParsableArguments {
    @Argument(help: "The node's name.")
    var node: String

    @Option(help: "Why, for the history.")
    var reason: String?

    func path(_ action: String) -> String {
        "/admin/v1/nodes/\(node.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? node)/\(action)"
    }
}

/// Asks a node's operator interface.
struct AdminClient {
    private let flags: ClientFlags

    init(_ flags: ClientFlags) { self.flags = flags }

    /// The body of an answer; nil if it has been printed as JSON.
    func get(_ path: String) async throws -> String? {
        let answer = try await flags.client.request("GET", path)
        guard answer.status == 200 else { throw CommandFailure(answer: answer.body) }
        guard flags.json else { return answer.body }
        print(answer.body, terminator: answer.body.hasSuffix("\n") ? "" : "\n")
        return nil
    }

    func status() async throws -> ClusterStatus? { try await value("/admin/v1/cluster") }

    /// The lines of an answer, which are its one field; nil if it has been printed as JSON.
    func lines<Line: Decodable>(_ path: String, of type: Line.Type = Line.self) async throws -> [Line]? {
        let answer: [String: [Line]]? = try await value(path)
        return answer?.values.first
    }

    private func value<Value: Decodable>(_ path: String) async throws -> Value? {
        guard let body = try await get(path) else { return nil }
        return try JSONDecoder().decode(Value.self, from: Data(body.utf8))
    }

    func post(_ path: String, _ reason: String?, _ said: String) async throws {
        var path = path
        if let reason, let text = reason.addingPercentEncoding(withAllowedCharacters: .alphanumerics) {
            path += (path.contains("?") ? "&" : "?") + "reason=" + text
        }
        let answer = try await flags.client.request("POST", path)
        guard answer.status == 200 else { throw CommandFailure(answer: answer.body) }
        if flags.json { return print(answer.body.trimmingCharacters(in: .newlines)) }
        let result = OrderedRow(answer.body.trimmingCharacters(in: .newlines)[...])?["result"]
        print(result == "nothing to move" ? "nothing to move: all shares are equal" : TableText.printable(said))
    }

    static func table(_ names: [String], _ rows: [[String]], numbers: Set<Int>) {
        for line in TableText.lines(names, rows, isNumber: names.indices.map { numbers.contains($0) }) { print(line) }
    }
}

internal import Actors
internal import ArgumentParser
internal import Coordination
internal import Foundation

/// What `dataprism admin` shows of all nodes at once, whichever of them is asked.
extension AdminCommand {
    struct Workers: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists the workers: what they own, and how busy they are.",
            discussion: """
                busy is the share of the last ten seconds that a worker's thread worked; waiting are bytes that other workers have not
                taken yet.

                Examples:
                  dataprism admin workers
                  dataprism admin workers --json | jq '.workers[] | select(.busyShare > 0.9)'
                """)
        @OptionGroup var flags: ClientFlags

        func run() async throws {
            guard let lines = try await AdminClient(flags).lines("/admin/v1/workers", of: WorkerLine.self) else {
                return
            }
            AdminClient.table(
                ["node", "worker", "vnodes", "busy", "waiting", "error"],
                lines.map { line in
                    [
                        AdminClient.name(line.node), "\(line.worker)", "\(line.vnodes)",
                        line.busyShare.map { "\(Int(($0 * 100).rounded())) %" } ?? "–",
                        line.pendingExchangeBytes.map { Display.count(Int64($0)) } ?? "–", line.error ?? "",
                    ]
                }, numbers: [1, 2, 3, 4])
        }
    }

    struct Connectors: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists the tables' connectors, where they run and what they have done.",
            discussion: """
                A passive one has no task: records are pushed, or every worker reads its own.

                Examples:
                  dataprism admin connectors
                  dataprism admin connectors --url http://127.0.0.1:7072 --json
                """)
        @OptionGroup var flags: ClientFlags

        func run() async throws {
            guard let lines = try await AdminClient(flags).lines("/admin/v1/connectors", of: ConnectorLine.self) else {
                return
            }
            AdminClient.table(
                ["table", "connector", "node", "state", "records", "restarts", "error"],
                lines.map { line in
                    [
                        line.table, line.connector, line.node ?? "", line.state.rawValue, Display.count(line.records),
                        Display.count(line.restarts), line.error ?? "",
                    ]
                }, numbers: [4, 5])
        }
    }

    struct Epochs: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows how far each node is.",
            discussion: """
                lag is the number of records in the log that the node's committed epoch does not cover.

                Examples:
                  dataprism admin epochs
                  dataprism admin epochs --json | jq '.epochs[] | {node, lag}'
                """)
        @OptionGroup var flags: ClientFlags

        func run() async throws {
            guard let lines = try await AdminClient(flags).lines("/admin/v1/epochs", of: EpochLine.self) else { return }
            func number(_ value: Int64?) -> String { value.map { Display.count($0) } ?? "–" }
            AdminClient.table(
                ["node", "generation", "epoch", "lag", "state", "frontier", "error"],
                lines.map { line in
                    let state = [line.drives ? "drives" : "", line.isReady ? "ready" : "catching up"]
                    return [
                        AdminClient.name(line.node), number(line.generation), number(line.committedEpoch),
                        number(line.lag),
                        line.error == nil ? state.filter { !$0.isEmpty }.joined(separator: ", ") : "",
                        line.frontier ?? "", line.error ?? "",
                    ]
                }, numbers: [1, 2, 3])
        }
    }

    struct Lag: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows how far the committed epoch covers each partition.",
            discussion: """
                Examples:
                  dataprism admin lag
                  dataprism admin lag --json | jq '[.partitions[].lag] | add'
                """)
        @OptionGroup var flags: ClientFlags

        func run() async throws {
            guard let lines = try await AdminClient(flags).lines("/admin/v1/lag", of: LagLine.self) else { return }
            AdminClient.table(
                ["topic", "partition", "end", "covered", "lag"],
                lines.map { line in
                    [
                        line.topic, "\(line.partition)", Display.count(line.end),
                        line.covered.map { Display.count($0) } ?? "not read", line.lag.map { Display.count($0) } ?? "–",
                    ]
                }, numbers: [1, 2, 3, 4])
        }
    }
}

extension AdminClient {
    /// A node of a cluster, or the only one there is.
    static func name(_ node: String?) -> String { node ?? "(this one)" }
}

internal import Coordination
internal import Dataflow
internal import Foundation
internal import SQL

/// A pipeline file against what is deployed: which statements are new, changed or missing.
struct Pipeline: Sendable {
    /// The CREATE statements of the file, in order.
    let statements: [(name: String, text: String)]

    /// Reads and binds a file of CREATE statements, each against those before it.
    init(path: String) throws {
        let text: String
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw CommandFailure("\(path): cannot be read: \(error.localizedDescription)")
        }
        do {
            var catalog = Catalog()
            var statements: [(name: String, text: String)] = []
            for parsed in try SQLCompiler.parse(text) {
                guard case .create(let deployment, _) = try SQLCompiler.bind(parsed, catalog: catalog) else {
                    throw SQLError(
                        code: "0A000", message: "a pipeline file holds CREATE statements only",
                        position: parsed.position,
                        hint: "Run other statements with: dataprism sql")
                }
                catalog.apply(deployment)
                statements.append((deployment.relation.name, Self.normalized(parsed.text)))
            }
            self.statements = statements
        } catch let error as SQLError {
            throw CommandFailure(Self.describe(error, path, text))
        }
        guard !statements.isEmpty else { throw CommandFailure("\(path): holds no statement") }
    }

    /// Blanks at the ends do not make a statement another one.
    private static func normalized(_ text: String) -> String {
        text.trimmingCharacters(in: CharacterSet(charactersIn: "; \t\r\n"))
    }

    /// The error with its line and a mark under the place.
    static func describe(_ error: SQLError, _ path: String, _ text: String) -> String {
        var lines = ["\(path): \(error.code): \(error.message)"]
        if let position = error.position, let place = ErrorPlace(position, in: text) {
            lines = ["\(path):\(place.line):\(place.column): \(error.code): \(error.message)"] + place.lines("  ")
        }
        if let detail = error.detail { lines.append("  detail: \(detail)") }
        if let hint = error.hint { lines.append("  hint: \(hint)") }
        return lines.joined(separator: "\n")
    }

    /// What makes what is deployed the file's pipeline.
    struct Change: Equatable {
        /// Dependents first.
        var drops: [DeployedRelation]
        /// The statements of what is missing then, in order.
        var text: String
    }

    /// Keeps what is unchanged and adds what is new. What changed or is missing is dropped and built anew with what depends on it, if
    /// `replacing`.
    ///
    /// - Throws: ``CommandFailure`` with the difference, if something changed or is missing and nothing may be replaced.
    func change(of deployed: [DeployedRelation], replacing: Bool) throws(CommandFailure) -> Change {
        let wanted = Dictionary(statements.map { ($0.name, $0.text) }) { first, _ in first }
        var differences: [String] = []
        var outdated: Set<String> = []
        for relation in deployed {
            let statement = Self.normalized(relation.statement)
            if let text = wanted[relation.name] {
                guard text != statement else { continue }
                differences.append(
                    "  \"\(relation.name)\" is deployed as\n\(Self.indent(statement, "-"))\n  the file has\n\(Self.indent(text, "+"))"
                )
            } else {
                differences.append(
                    "  \"\(relation.name)\" is deployed, but not in the file:\n\(Self.indent(statement, "-"))")
            }
            outdated.insert(relation.name)
        }
        guard outdated.isEmpty || replacing else {
            throw CommandFailure(
                "the data directory runs another pipeline:\n\(differences.joined(separator: "\n"))\n  hint: --replace drops these, with what depends on them, and builds them as the file says; dataprism node, or cluster up without a file, runs what is deployed"
            )
        }
        for relation in deployed where relation.dependencies.contains(where: { outdated.contains($0) }) {
            outdated.insert(relation.name)
        }
        let kept = Set(deployed.map(\.name)).subtracting(outdated)
        let missing = statements.filter { !kept.contains($0.name) }
        return Change(
            drops: deployed.filter { outdated.contains($0.name) }.reversed(),
            text: missing.map { $0.text + ";" }.joined(separator: "\n"))
    }

    /// Makes the node of this process run the file.
    func deploy(to gateway: Gateway, replacing: Bool) async throws {
        let (catalog, version) = await gateway.coordinator.catalog()
        let change = try change(of: DeployedRelation.all(of: catalog), replacing: replacing)
        if !change.drops.isEmpty {
            do throws(CoordinationError) {
                _ = try await gateway.coordinator.drop(change.drops.map(\.name), after: version)
            } catch {
                throw Failure(error)
            }
        }
        if !change.text.isEmpty { _ = try await gateway.execute(change.text) }
    }

    /// Makes the cluster of a node run the file.
    func deploy(to node: NodeClient, replacing: Bool) async throws {
        let deployed = try await node.request("GET", "/admin/v1/pipeline")
        guard deployed.status == 200 else { throw CommandFailure(answer: deployed.body) }
        let relations = try JSONDecoder().decode([String: [DeployedRelation]].self, from: Data(deployed.body.utf8))
        let change = try change(of: relations["relations"] ?? [], replacing: replacing)
        for text in change.drops.map(\.dropText) + [change.text] where !text.isEmpty {
            let answer = try await node.request("POST", "/sql", body: text)
            guard answer.status == 200 else { throw CommandFailure(answer: answer.body, about: text) }
        }
    }

    private static func indent(_ text: String, _ mark: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { "    \(mark) \($0)" }.joined(
            separator: "\n")
    }
}

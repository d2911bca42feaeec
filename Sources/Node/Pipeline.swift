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

    /// Makes the node run the file: keeps what is unchanged and adds what is new. What changed or is missing is refused with the
    /// difference, or with `replacing` dropped and built anew with what depends on it.
    func deploy(to gateway: Gateway, replacing: Bool) async throws {
        let (catalog, version) = await gateway.coordinator.catalog()
        let wanted = Dictionary(statements.map { ($0.name, $0.text) }) { first, _ in first }
        var differences: [String] = []
        var outdated: Set<String> = []
        for relation in catalog.ordered {
            let deployed = Self.normalized(relation.statement)
            if let text = wanted[relation.name] {
                guard text != deployed else { continue }
                differences.append(
                    "  \"\(relation.name)\" is deployed as\n\(Self.indent(deployed, "-"))\n  the file has\n\(Self.indent(text, "+"))"
                )
            } else {
                differences.append(
                    "  \"\(relation.name)\" is deployed, but not in the file:\n\(Self.indent(deployed, "-"))")
            }
            outdated.insert(relation.name)
        }
        if !outdated.isEmpty {
            guard replacing else {
                throw CommandFailure(
                    "the data directory runs another pipeline:\n\(differences.joined(separator: "\n"))\n  hint: --replace drops these, with what depends on them, and builds them as the file says; dataprism node runs what is deployed"
                )
            }
            var dropped = outdated
            for relation in catalog.ordered where relation.dependencies.contains(where: { dropped.contains($0) }) {
                dropped.insert(relation.name)
            }
            let order = catalog.ordered.map(\.name).filter { dropped.contains($0) }.reversed()
            do throws(CoordinationError) {
                _ = try await gateway.coordinator.drop(Array(order), after: version)
            } catch {
                throw Failure(error)
            }
        }
        let (present, _) = await gateway.coordinator.catalog()
        let missing = statements.filter { present[$0.name] == nil }
        guard !missing.isEmpty else { return }
        _ = try await gateway.execute(missing.map { $0.text + ";" }.joined(separator: "\n"))
    }

    private static func indent(_ text: String, _ mark: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { "    \(mark) \($0)" }.joined(
            separator: "\n")
    }
}

internal import Dataflow

/// A relation as the statement that made it, as `GET /admin/v1/pipeline` tells of it.
struct DeployedRelation: Sendable, Equatable, Codable {
    var name: String
    /// As in its CREATE statement: `TABLE`, `MATERIALIZED VIEW`, `VIEW` or `SINK`.
    var kind: String
    var statement: String
    /// The relations that it reads.
    var dependencies: [String]

    /// In the order of creation.
    static func all(of catalog: Catalog) -> [DeployedRelation] {
        catalog.ordered.map { relation in
            DeployedRelation(
                name: relation.name, kind: Gateway.name(relation.kind), statement: relation.statement,
                dependencies: relation.dependencies)
        }
    }

    /// The statement that drops it.
    var dropText: String { "DROP \(kind) \(HTTPAPI.quoted(name))" }
}

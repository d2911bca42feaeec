import Dataflow
import SQL
import Testing

/// The benchmark's queries compile, and those that the plan decides are planned well.
@Suite("Nexmark")
struct NexmarkTests {
    static let queries = [
        "generator", "q0", "q1", "q2", "q3", "q4", "q7", "q8", "q9", "q14", "q15", "q16", "q17", "q18", "q19", "q20",
        "q22",
    ]

    static func pipeline() throws -> Pipeline {
        var pipeline = Pipeline()
        let sources = try #require(Files.read("bench/nexmark/sources.sql"))
        try pipeline.run(
            sources.split(separator: "{events}", omittingEmptySubsequences: false).joined(separator: "1000"))
        return pipeline
    }

    @Test("compile to a graph with a sink", arguments: queries)
    func compiles(query: String) throws {
        var pipeline = try Self.pipeline()
        let results = try pipeline.run(try #require(Files.read("bench/nexmark/\(query).sql")))
        guard case .create(let deployment, _) = results.last, let last = deployment.graph.nodes.last,
            case .sink = last.kind
        else {
            Issue.record("\(query) does not end in a sink")
            return
        }
    }
}

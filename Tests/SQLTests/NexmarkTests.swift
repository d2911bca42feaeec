import Dataflow
import SQL
import Testing

/// The benchmark's queries compile, and those that the plan decides are planned well.
@Suite("Nexmark")
struct NexmarkTests {
    static let queries = [
        "generator", "q0", "q1", "q2", "q3", "q4", "q7", "q8", "q9", "q10", "q12", "q14", "q15", "q16", "q17", "q18",
        "q19", "q20",
        "q21", "q22",
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

    @Test(
        "q3 filters below the join, q7 exchanges only what it needs and forgets closed windows",
        arguments: [
            (
                "q3",
                """
                Sink q3_out: blackhole
                  Project: name, city, state, id
                    Join on seller = id; left state kept, right state kept
                      Exchange by (seller)
                        Project: id, seller
                          Filter: category = 10
                            Read auction
                      Exchange by (id)
                        Project: id, name, city, state
                          Filter: (state = 'OR') OR (state = 'ID') OR (state = 'CA')
                            Read person
                """
            ),
            (
                "q7",
                """
                Sink q7_out: blackhole
                  Project: auction, price, bidder, date_time, extra
                    Join on window_start = window_start AND price = max(price); left state until bid pass window_start + 00:00:10, right state until bid pass window_start + 00:00:10
                      Exchange by (window_start, price)
                        Project: auction, bidder, price, date_time, extra, tumble_start(date_time, '00:00:10')
                          Read bid
                      Exchange by (window_start, max(price))
                        Final aggregate by (window_start): max(max(price)); state until bid pass window_start + 00:00:10
                          Exchange by (window_start)
                            Partial aggregate by (window_start): max(price); state until bid pass window_start + 00:00:10
                              Project: tumble_start(date_time, '00:00:10'), price
                                Read bid
                """
            ),
        ])
    func plan(query: String, plan: String) throws {
        var pipeline = try Self.pipeline()
        let statements = try SQLCompiler.parse(try #require(Files.read("bench/nexmark/\(query).sql")))
        for statement in statements.dropLast() { try pipeline.run(statement.text) }
        #expect(try pipeline.explain(statements[statements.count - 1].text) == plan)
    }

    @Test("the example's pipeline compiles")
    func example() throws {
        var pipeline = Pipeline()
        try pipeline.run(try #require(Files.read("examples/auctions.sql")))
        #expect(pipeline.catalog.ordered.filter(\.isQueryable).count >= 6)
    }
}

import Dataflow
import SQL
import Testing

/// TPC-H's queries compile as maintained views.
@Suite("TPC-H")
struct TPCHTests {
    @Test("compile to a graph", arguments: 1...22)
    func compiles(number: Int) throws {
        var pipeline = Pipeline()
        let tables = try #require(Files.read("bench/tpch/tables.sql"))
        let query = try #require(Files.read("bench/tpch/q\(number).sql"))
        let isPlain = pipeline.error(tables) != nil
        try pipeline.run(isPlain ? Self.plain(tables) : tables)
        try pipeline.run("CREATE MATERIALIZED VIEW q AS \(isPlain ? Self.plain(query) : query)")
        #expect(pipeline.catalog["q"]?.node != nil)
    }

    /// With timestamps for dates and text for characters of a length.
    static func plain(_ text: String) -> String {
        var result = ""
        var rest = text[...]
        while let character = rest.first {
            if rest.hasPrefix("varchar(") || rest.hasPrefix("char("), let end = rest.firstIndex(of: ")") {
                result += "text"
                rest = rest[rest.index(after: end)...]
            } else if rest.hasPrefix("DATE '") || rest.hasPrefix(" date ") {
                result += rest.hasPrefix("D") ? "TIMESTAMP" : " timestamp"
                rest = rest.dropFirst(rest.hasPrefix("D") ? 4 : 5)
            } else {
                result.append(character)
                rest = rest.dropFirst()
            }
        }
        return result
    }
}

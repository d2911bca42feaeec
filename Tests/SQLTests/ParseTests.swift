import Glibc
import Dataflow
import SQL
import Testing

/// Splitting, rewriting and limits: a text that cannot be compiled is an error, whatever it is.
@Suite("Parsing")
struct ParseTests {
    @Test("statements end at semicolons outside of strings, quotes and comments")
    func splits() throws {
        let text = """
            SELECT 'a;b', $$c;d$$, $x$;$y$;$x$, E'\\';', "e;f" FROM (SELECT 1 AS "e;f") t -- g;h
            ; /* i; /* nested; */ */ ;
            SELECT 2;
            """
        let statements = try SQLCompiler.parse(text)
        #expect(statements.count == 2)
        #expect(statements.map(\.position) == [1, text.unicodeScalars.count - 8])
        #expect(statements[1].text == "SELECT 2")
    }

    @Test("nothing is no statement", arguments: ["", " ;; \n;", "-- only a comment", "/* and another */"])
    func empty(text: String) throws { #expect(try SQLCompiler.parse(text).isEmpty) }

    @Test("positions count characters of the whole text")
    func positions() throws {
        let error = Pipeline().error("SELECT 'äöü€𝄞'; SELECT «")
        #expect(error?.position == "SELECT 'äöü€𝄞'; SELECT ".unicodeScalars.count + 1)
    }

    @Test("names fold to lower case unless quoted")
    func folding() throws {
        var pipeline = Pipeline()
        try pipeline.run(
            "CREATE TABLE Orders (Id bigint, \"Total\" bigint); CREATE MATERIALIZED VIEW V AS SELECT ID, \"Total\" FROM ORDERS"
        )
        #expect(pipeline.catalog["v"]?.columns.map(\.name) == ["id", "Total"])
        #expect(pipeline.error("SELECT total FROM v")?.code == "42703")
    }

    @Test(
        "rewritten statements in all their forms",
        arguments: [
            "CREATE SOURCE t (a bigint)", "create source if not exists t(a bigint) with (connector = 'http')",
            "CREATE SOURCE t WITH (connector = generator, kind = bid, rate = 5, seed = 1)",
            "CREATE /* x */ SOURCE \"t\" (a bigint, PRIMARY KEY (a)) WITH (topic = 'x')",
        ])
    func sources(text: String) throws {
        var pipeline = Pipeline()
        try pipeline.run(
            text
                + "; CREATE SINK s FROM public.t WITH (connector = 'blackhole'); CREATE SINK IF NOT EXISTS s FROM \"t\" WITH (connector = blackhole)"
        )
        #expect(pipeline.catalog["s"]?.dependencies == ["t"])
        #expect(pipeline.catalog["t"]?.statement == text)
        try pipeline.run("DROP SINK s; DROP SOURCE IF EXISTS t, u; DROP SINK IF EXISTS s CASCADE")
        #expect(pipeline.catalog.relations.isEmpty)
    }

    @Test("limits are errors, not crashes")
    func limits() {
        let pipeline = Pipeline()
        func nested(_ open: String, _ inner: String, _ close: String, _ count: Int) -> String {
            "SELECT " + String(repeating: open, count: count) + inner + String(repeating: close, count: count)
        }
        for text in [
            nested("(", "1", ")", 10_000), nested("(", "1", ")", 499), nested("- ", "x", "", 9_000),
            nested("- ", "x", "", 600), nested("NOT ", "true", "", 9_000),
            nested("1 + ", "1", "", 9_000), nested("1 + ", "1", "", 600), nested("(SELECT ", "1", ")", 400),
            nested("CASE WHEN true THEN ", "1", " END", 3_000),
            nested("coalesce(1, ", "1", ")", 10_000), nested("[", "1", "]", 10_000),
            nested("1::int", "", "::int", 5_000),
            "SELECT * FROM " + String(repeating: "(SELECT * FROM ", count: 450) + "t"
                + String(repeating: ") a", count: 450),
            "SELECT 1" + String(repeating: " EXCEPT SELECT 1", count: 2_000),
            "SELECT 1" + String(repeating: " UNION ALL SELECT 1", count: 20_000),
            "SELECT 1" + String(repeating: " UNION ALL SELECT 1 UNION SELECT 2", count: 2_000),
            nested("CASE WHEN true AND ", "true", " THEN true END", 3_000),
            "SELECT 1 FROM t" + String(repeating: " JOIN t ON true AND true", count: 9_000),
        ] {
            let error = pipeline.error(text)
            if text.hasPrefix("SELECT ((((") && text.utf8.count < 2_000 {
                #expect(error == nil)
            } else {
                #expect(
                    ["54001", "0A000", "42601", "42P01"].contains(error?.code ?? ""),
                    "\(text.prefix(40)): \(error as Any)")
            }
        }
        for text in [
            "SELECT 1" + String(repeating: " UNION ALL SELECT 1", count: 2_000),
            "SELECT 1" + String(repeating: " UNION SELECT 1", count: 500),
            "SELECT 1 FROM (VALUES (1)) AS t (a) WHERE a = 0" + String(repeating: " OR a = 1", count: 9_000),
            "SELECT 1 FROM (VALUES (1)) AS t (a) WHERE a = 1" + String(repeating: " AND a <> 2", count: 9_000),
        ] {
            #expect(pipeline.error(text) == nil, "\(text.suffix(40))")
        }
        #expect(pipeline.error("SELECT '" + String(repeating: "x", count: 1 << 20) + "'")?.code == "54000")
        #expect(pipeline.error("SELECT " + String(repeating: "1, ", count: 1_700) + "1")?.code == "54011")
        #expect(pipeline.error("SELECT 1\0")?.code == "22021")
    }

    @Test("views that name each other twice do not double the plan for ever")
    func doubling() throws {
        var pipeline = Pipeline()
        var text = "CREATE TABLE t (a bigint); CREATE VIEW v0 AS SELECT a FROM t;"
        for index in 1...8 {
            text += "CREATE VIEW v\(index) AS SELECT x.a FROM v\(index - 1) x JOIN v\(index - 1) y ON x.a = y.a;"
        }
        try pipeline.run(text)
        #expect(pipeline.error("CREATE VIEW v9 AS SELECT x.a FROM v8 x JOIN v8 y ON x.a = y.a")?.code == "54001")
        let tables = (1...40).map { "c\($0) AS (SELECT x.a FROM c\($0 - 1) x JOIN c\($0 - 1) y ON x.a = y.a)" }
        #expect(
            pipeline.error("WITH c0 AS (SELECT 1 AS a), \(tables.joined(separator: ", ")) SELECT * FROM c40")?.code
                == "54001")
    }

    @Test("every truncation and every lost token is parsed or refused")
    func mutations() throws {
        var pipeline = Pipeline()
        try pipeline.run(ErrorTests.setup)
        var tried = 0
        for query in NexmarkTests.queries.dropFirst() {
            let text = try #require(Files.read("bench/nexmark/\(query).sql"))
            let words = text.split(separator: " ", omittingEmptySubsequences: false).map { String($0) }
            for index in words.indices {
                var fewer = words
                fewer.remove(at: index)
                _ = pipeline.error(fewer.joined(separator: " "))
                _ = pipeline.error(words[..<index].joined(separator: " "))
                tried += 2
            }
        }
        var random = SplitMix(state: 20_261)
        let statements = [
            "CREATE SOURCE t (a bigint, b text PRIMARY KEY, c numeric(10, 2)) WITH (event_time = 'a', lateness = '1 s')",
            "CREATE SINK s FROM totals WITH (connector = 'blackhole')",
            "EXPLAIN CREATE MATERIALIZED VIEW v AS SELECT DISTINCT auction FROM bid LIMIT 3",
            "INSERT INTO person (id, name) VALUES (1, 'a'), (2, DEFAULT)", "DROP TABLE IF EXISTS bid, person CASCADE",
            "SELECT CASE n WHEN 1 THEN 'x' ELSE NULL END, extract(hour FROM ts), x IS DISTINCT FROM y FROM a JOIN b USING (c) WHERE z NOT BETWEEN 1 AND 2",
            "SELECT $tag$ text $tag$, E'\\n', U&'\\0041', 1e5, .5, 0x1, x'1f', \"q\"\"q\" /* c */ -- d",
        ]
        for statement in statements {
            let bytes = Array(statement.unicodeScalars)
            for _ in 0..<150 {
                var mutated = bytes
                for _ in 0..<(1 + random.below(3)) where !mutated.isEmpty {
                    let place = random.below(mutated.count)
                    switch random.below(3) {
                    case 0: mutated.remove(at: place)
                    case 1: mutated.insert(mutated[random.below(mutated.count)], at: place)
                    default: mutated.swapAt(place, random.below(mutated.count))
                    }
                }
                var text = String.UnicodeScalarView()
                text.append(contentsOf: mutated)
                _ = pipeline.error(String(text))
                tried += 1
            }
        }
        #expect(tried > 2_000)
    }

    /// SplitMix64, for the mutations; the seed is in the test.
    struct SplitMix {
        var state: UInt64

        mutating func below(_ bound: Int) -> Int {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return Int((mixed ^ (mixed >> 31)) % UInt64(bound))
        }
    }

    /// libpg_query makes a thread-specific key in every thread that parses; a process has 1 024.
    @Test func manyStatementsTakeFewThreadKeys() throws {
        for number in 0..<1_200 { _ = try SQLCompiler.parse("SELECT \(number)") }
        var key = pthread_key_t()
        try #require(pthread_key_create(&key, nil) == 0)
        pthread_key_delete(key)
    }
}

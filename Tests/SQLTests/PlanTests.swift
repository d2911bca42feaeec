import Dataflow
import SQL
import Testing

/// Plans as EXPLAIN shows them, whole: where exchanges are, which columns they carry, which state ends when.
///
/// Change a plan here only if you understand what changed it.
@Suite("Plans")
struct PlanTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var sql: String
        var plan: String

        var testDescription: String { name }
    }

    static let setup = """
        CREATE SOURCE bid (auction bigint, bidder bigint, price bigint, channel text, ts timestamp)
            WITH (event_time = 'ts', lateness = '5 seconds');
        CREATE SOURCE click (bidder bigint, url text, at timestamp) WITH (event_time = 'at');
        CREATE TABLE person (id bigint PRIMARY KEY, name text, city text);
        CREATE MATERIALIZED VIEW totals AS SELECT auction, count(*) AS n FROM bid GROUP BY auction;
        CREATE VIEW dear AS SELECT * FROM bid WHERE price > 100;
        """

    static let cases = [
        Case(name: "source", sql: "CREATE SOURCE s (a bigint)", plan: "Source s: http, topic s"),
        Case(
            name: "upsert table", sql: "CREATE TABLE s (a bigint, b text, PRIMARY KEY (b, a)) WITH (topic = 'x')",
            plan: """
                Upsert by (b, a); state kept
                  Exchange by (b, a)
                    Source s: http, topic x
                """),
        Case(
            name: "filter and projection",
            sql: "CREATE MATERIALIZED VIEW v AS SELECT price * 2 AS p FROM bid WHERE channel = 'x' AND 1 = 1",
            plan: """
                View v (p)
                  Project: price * 2
                    Filter: channel = 'x'
                      Read bid
                """),
        Case(
            name: "a condition goes through a sub-query, a view and a group",
            sql:
                "CREATE MATERIALIZED VIEW v AS SELECT * FROM (SELECT channel AS c, max(price) AS m FROM dear GROUP BY channel) t WHERE c = 'x' AND m > 5",
            plan: """
                View v (c, m), key (c)
                  Filter: max(price) > 5
                    Aggregate by (channel): max(price); state kept
                      Exchange by (channel), frequent keys combined
                        Project: channel, price
                          Filter: (price > 100) AND (channel = 'x')
                            Read bid
                """),
        Case(
            name: "windows are aggregated in two phases, and end",
            sql:
                "CREATE MATERIALIZED VIEW v AS SELECT window_start, window_end, count(*) AS n, max(price) AS m FROM tumble(bid, ts, INTERVAL '10 s') GROUP BY window_start, window_end",
            plan: """
                View v (window_start, window_end, n, m), key (window_start)
                  Project: window_start, window_start + '00:00:10', count(*), max(price)
                    Project: window_start, coalesce(count(*)::bigint, 0), max(price)
                      Final aggregate by (window_start): sum(count(*)), max(max(price)); state until bid pass window_start + 00:00:15
                        Exchange by (window_start)
                          Partial aggregate by (window_start): count(*), max(price); state until bid pass window_start + 00:00:15
                            Project: tumble_start(ts, '00:00:10'), price
                              Read bid
                """),
        Case(
            name: "equal rows of a pane are combined before they are copied to their windows",
            sql:
                "CREATE MATERIALIZED VIEW v AS SELECT auction, window_end, count(*) AS n FROM hop(bid, ts, INTERVAL '2 s', INTERVAL '10 s') GROUP BY auction, window_end",
            plan: """
                View v (auction, window_end, n), key (auction, window_end)
                  Aggregate by (auction, window_end): count(*); state until bid pass window_end + 00:00:05
                    Exchange by (auction, window_end), frequent keys combined
                      Project: auction, window_end
                        Expand: hop_windows(ts, '00:00:02', '00:00:10'), equal rows of a pane combined
                          Project: auction, ts
                            Read bid
                """),
        Case(
            name: "a window with a key is exchanged once, by both",
            sql:
                "CREATE MATERIALIZED VIEW v AS SELECT auction, window_end, count(*) AS n FROM tumble(bid, ts, INTERVAL '10 s') GROUP BY auction, window_end",
            plan: """
                View v (auction, window_end, n), key (auction, window_end)
                  Aggregate by (auction, window_end): count(*); state until bid pass window_end + 00:00:05
                    Exchange by (auction, window_end), frequent keys combined
                      Project: auction, tumble_end(ts, '00:00:10')
                        Read bid
                """),
        Case(
            name: "a table and what it is joined with meet by the key, without a second exchange",
            sql:
                "CREATE MATERIALIZED VIEW v AS SELECT p.city, b.price FROM bid b, person p WHERE b.bidder = p.id AND p.name LIKE 'A%' AND b.price > p.id",
            plan: """
                View v (city, price)
                  Project: city, price
                    Join on bidder = id where price > id; left state kept, right state kept
                      Exchange by (bidder)
                        Project: bidder, price
                          Read bid
                      Project: id, city
                        Filter: name ~~ 'A%'
                          Read person
                """),
        Case(
            name: "a join on windows ends on both sides; what is grouped after it is where it has to be",
            sql: """
                CREATE MATERIALIZED VIEW v AS SELECT b.bidder, b.window_start, count(*) AS n
                FROM tumble(bid, ts, INTERVAL '1 minute') b JOIN tumble(click, at, INTERVAL '1 minute') c
                ON b.bidder = c.bidder AND b.window_start = c.window_start GROUP BY b.bidder, b.window_start
                """,
            plan: """
                View v (bidder, window_start, n), key (bidder, window_start)
                  Aggregate by (bidder, window_start): count(*); state until bid, click pass window_start + 00:01:05
                    Project: bidder, window_start
                      Join on bidder = bidder AND window_start = window_start; left state until click pass window_start + 00:01:00, right state until bid pass window_start + 00:01:05
                        Exchange by (bidder, window_start)
                          Project: bidder, tumble_start(ts, '00:01:00')
                            Read bid
                        Exchange by (bidder, window_start)
                          Project: bidder, tumble_start(at, '00:01:00')
                            Read click
                """),
        Case(
            name: "top-n keeps all columns of its input, ends with its window, and numbers the view's rows",
            sql: """
                CREATE MATERIALIZED VIEW v AS SELECT window_start, price, rn FROM (SELECT window_start, price, bidder,
                row_number() OVER (PARTITION BY window_start ORDER BY price DESC) AS rn FROM tumble(bid, ts, INTERVAL '10 s')) t WHERE rn < 4
                """,
            plan: """
                View v (window_start, price, rn), key (window_start, rn)
                  Project: window_start, price, row_number
                    Top 3 per (window_start) by price DESC; state until bid pass window_start + 00:00:15
                      Exchange by (window_start)
                        Project: tumble_start(ts, '00:00:10'), price, bidder
                          Read bid
                """),
        Case(
            name: "equal parts of a statement are one",
            sql:
                "CREATE MATERIALIZED VIEW v AS SELECT a.bidder, a.n, b.m FROM (SELECT bidder, count(*) AS n FROM bid GROUP BY bidder) a JOIN (SELECT bidder, count(*) AS m FROM bid GROUP BY bidder) b ON a.bidder = b.bidder",
            plan: """
                View v (bidder, n, m), key (bidder)
                  Project: bidder, count(*), count(*)
                    Join on bidder = bidder; left state kept, right state kept
                      Aggregate by (bidder): count(*); state kept (shared)
                        Exchange by (bidder), frequent keys combined
                          Project: bidder
                            Read bid
                      Aggregate by (bidder): count(*); state kept (shared, see above)
                """),
        Case(
            name:
                "a table of WITH that is named twice is computed once, also where each reader wants something else of it",
            sql: """
                CREATE MATERIALIZED VIEW v AS WITH w AS (SELECT bidder, max(price) AS m, count(*) AS n FROM bid GROUP BY bidder)
                SELECT a.bidder, b.n FROM w a JOIN w b ON a.m = b.bidder WHERE b.n > 2
                """,
            plan: """
                View v (bidder, n), key (bidder)
                  Exchange by (bidder)
                    Project: bidder, count(*)
                      Join on max(price) = bidder; left state kept, right state kept
                        Exchange by (max(price))
                          Project: bidder, max(price)
                            Aggregate by (bidder): max(price), count(*); state kept (shared)
                              Exchange by (bidder), frequent keys combined
                                Project: bidder, price
                                  Read bid
                        Project: bidder, count(*)
                          Filter: count(*) > 2
                            Aggregate by (bidder): max(price), count(*); state kept (shared, see above)
                """),
        Case(
            name: "an aggregate that another view keeps is kept once",
            sql:
                "CREATE MATERIALIZED VIEW v AS SELECT auction, count(*) AS c FROM bid GROUP BY auction HAVING count(*) > 9",
            plan: """
                View v (auction, c), key (auction)
                  Filter: count(*) > 9
                    Aggregate by (auction): count(*); state kept (shared with totals)
                """),
        Case(
            name: "conditions on the kept side go below an outer join, those that want the other side make it smaller",
            sql:
                "CREATE MATERIALIZED VIEW v AS SELECT b.price, p.name FROM bid b LEFT JOIN person p ON b.bidder = p.id AND p.city = 'x' AND b.price > 9 WHERE b.channel = 'c'",
            plan: """
                View v (price, name)
                  Project: price, name
                    Left join on bidder = id where price > 9; left state kept, right state kept
                      Exchange by (bidder)
                        Project: bidder, price
                          Filter: channel = 'c'
                            Read bid
                      Project: id, name
                        Filter: city = 'x'
                          Read person
                """),
        Case(
            name: "an outer join whose missing rows are not wanted is an inner one",
            sql:
                "CREATE MATERIALIZED VIEW v AS SELECT b.price, p.name FROM bid b LEFT JOIN person p ON b.bidder = p.id WHERE p.city = 'x'",
            plan: """
                View v (price, name)
                  Project: price, name
                    Join on bidder = id; left state kept, right state kept
                      Exchange by (bidder)
                        Project: bidder, price
                          Read bid
                      Project: id, name
                        Filter: city = 'x'
                          Read person
                """),
        Case(
            name:
                "EXISTS with more than an equality is a semi join with a condition, NOT IN of what is never NULL an anti join",
            sql:
                "CREATE MATERIALIZED VIEW v AS SELECT p.id FROM person p WHERE EXISTS (SELECT 1 FROM bid b WHERE b.bidder = p.id AND b.channel <> p.city) AND p.id NOT IN (SELECT id FROM person WHERE name = 'n')",
            plan: """
                View v (id), key (id)
                  Anti join on id = id; left state kept, right state kept
                    Project: id
                      Semi join on id = bidder where channel <> city; left state kept, right state kept
                        Project: id, city
                          Read person
                        Exchange by (bidder)
                          Project: bidder, channel
                            Read bid
                    Project: id
                      Filter: name = 'n'
                        Read person
                """),
        Case(
            name:
                "a scalar sub-query of all rows is one row sent to all; a correlated one is grouped by what it is joined on",
            sql:
                "CREATE MATERIALIZED VIEW v AS SELECT id FROM person WHERE length(name) > (SELECT count(*) FROM click) AND length(city) < (SELECT min(price) FROM bid WHERE bidder = id)",
            plan: """
                View v (id), key (id)
                  Project: id
                    Product where length(name)::bigint > count(*); left state kept, right state kept
                      Project: id, name
                        Join on bidder = id where length(city)::bigint < min(price); left state kept, right state kept
                          Project: min(price), bidder
                            Aggregate by (bidder): min(price); state kept
                              Exchange by (bidder), frequent keys combined
                                Project: price, bidder
                                  Read bid
                          Project: id, name, city
                            Read person
                      Broadcast to all workers
                        Project: coalesce(count(*)::bigint, 0)
                          Final aggregate: sum(count(*)); state kept
                            Exchange to one worker
                              Partial aggregate: count(*); state kept
                                Project:\u{20}
                                  Read click
                """),
        Case(
            name: "times within a span of each other meet in its windows, and end",
            sql:
                "CREATE MATERIALIZED VIEW v AS SELECT b.auction, c.url FROM bid b JOIN click c ON c.at BETWEEN b.ts AND b.ts + INTERVAL '1 minute'",
            plan: """
                View v (auction, url)
                  Project: auction, url
                    Join on window_start = window_start where (at >= ts) AND (at <= (ts + '00:01:00')); left state until click pass window_start + 00:02:00, right state until bid pass window_start + 00:01:05
                      Exchange by (window_start)
                        Project: auction, ts, tumble_start(ts, '00:01:00')
                          Read bid
                      Exchange by (window_start)
                        Union all
                          Project: url, at, tumble_start(at + '-00:01:00', '00:01:00')
                            Read click
                          Project: url, at, tumble_start(at, '00:01:00')
                            Filter: tumble_start(at + '-00:01:00', '00:01:00') <> tumble_start(at, '00:01:00')
                              Read click
                """),
        Case(
            name: "what all alternatives demand is a key, and what a column equals is compared with its constants",
            sql:
                "CREATE MATERIALIZED VIEW v AS SELECT b.price FROM bid b, person p WHERE (b.bidder = p.id AND p.city = 'x' AND b.bidder < 9) OR (b.bidder = p.id AND b.price > 5 AND b.bidder < 9)",
            plan: """
                View v (price)
                  Project: price
                    Join on bidder = id where (city = 'x') OR (price > 5); left state kept, right state kept
                      Exchange by (bidder)
                        Project: bidder, price
                          Filter: bidder < 9
                            Read bid
                      Project: id, city
                        Filter: id < 9
                          Read person
                """),
        Case(
            name: "a view on a view",
            sql:
                "CREATE MATERIALIZED VIEW v AS SELECT n, count(*) AS auctions, count(DISTINCT auction) AS d FROM totals GROUP BY n",
            plan: """
                View v (n, auctions, d), key (n)
                  Aggregate by (n): count(*), count(DISTINCT auction); state kept
                    Exchange by (n)
                      Project: n, auction
                        Read totals
                """),
        Case(
            name: "grouping by a primary key gives the other columns of its table",
            sql:
                "CREATE MATERIALIZED VIEW v AS SELECT p.name, count(*) AS n FROM person p JOIN bid b ON p.id = b.bidder GROUP BY p.id HAVING p.city <> 'x'",
            plan: """
                View v (name, n)
                  Project: name, count(*)
                    Aggregate by (id, name, city): count(*); state kept
                      Project: id, name, city
                        Join on id = bidder; left state kept, right state kept
                          Project: id, name, city
                            Filter: city <> 'x'
                              Read person
                          Exchange by (bidder)
                            Project: bidder
                              Read bid
                """),
        Case(
            name: "a global aggregate", sql: "CREATE MATERIALIZED VIEW v AS SELECT avg(price) AS a FROM bid",
            plan: """
                View v (a)
                  Aggregate: avg(price); state kept
                    Exchange to one worker, frequent keys combined
                      Project: price
                        Read bid
                """),
        Case(
            name: "a global count is summed over the workers",
            sql: "CREATE MATERIALIZED VIEW v AS SELECT count(*) AS n, max(price) AS m FROM bid",
            plan: """
                View v (n, m)
                  Project: coalesce(count(*)::bigint, 0), max(price)
                    Final aggregate: sum(count(*)), max(max(price)); state kept
                      Exchange to one worker
                        Partial aggregate: count(*), max(price); state kept
                          Project: price
                            Read bid
                """),
        Case(
            name: "limit is a top-n",
            sql: "CREATE MATERIALIZED VIEW v AS SELECT auction, n FROM totals ORDER BY n DESC LIMIT 5",
            plan: """
                View v (auction, n), key (auction)
                  Top 5 by n DESC; state kept
                    Exchange to one worker
                      Read totals
                """),
        Case(
            name: "union",
            sql:
                "CREATE MATERIALIZED VIEW v AS SELECT auction FROM bid UNION ALL SELECT id FROM person WHERE city = 'x'",
            plan: """
                View v (auction)
                  Union all
                    Project: auction
                      Read bid
                    Project: id
                      Filter: city = 'x'
                        Read person
                """),
        Case(
            name: "distinct over what is placed by a part of it",
            sql:
                "CREATE MATERIALIZED VIEW v AS SELECT DISTINCT a, n FROM (SELECT bidder AS a, count(*) AS n FROM bid GROUP BY bidder) t",
            plan: """
                View v (a, n), key (a, n)
                  Distinct (bidder, count(*)); state kept
                    Aggregate by (bidder): count(*); state kept
                      Exchange by (bidder), frequent keys combined
                        Project: bidder
                          Read bid
                """),
        Case(
            name: "a sink", sql: "CREATE SINK s FROM dear WITH (connector = 'blackhole')",
            plan: """
                Sink s: blackhole
                  Project: auction, bidder, price, channel, ts
                    Filter: price > 100
                      Read bid
                """),
        Case(
            name: "an inlined view", sql: "CREATE VIEW v AS SELECT auction FROM bid",
            plan: """
                View v, inlined where it is named
                  Project: auction
                    Read bid
                """),
        Case(
            name: "a query",
            sql:
                "SELECT a.auction, sum(a.n) FROM totals a JOIN totals b USING (auction) WHERE b.n > 2 GROUP BY 1 ORDER BY 2 DESC, a.auction LIMIT 3",
            plan: """
                Answer (auction, sum); order by sum DESC, auction, limit 3
                  Aggregate by (auction): sum(n); state kept
                    Project: auction, n
                      Join on auction = auction; left state kept, right state kept
                        Scan totals
                        Project: auction
                          Filter: n > 2
                            Scan totals
                """),
        Case(
            name: "division by the constant zero stays an error of the rows",
            sql: "CREATE MATERIALIZED VIEW v AS SELECT price / 0 AS x, 6 / 3 AS y, price / (1 - 1) AS z FROM bid",
            plan: """
                View v (x, y, z)
                  Project: price / 0, 2, price / 0
                    Read bid
                """),
    ]

    @Test("golden", arguments: cases)
    func golden(wanted: Case) throws {
        var pipeline = Pipeline()
        try pipeline.run(Self.setup)
        let plan = try pipeline.explain(wanted.sql)
        #expect(plan == wanted.plan, "\(plan)")
    }

    @Test("ids go on from the catalog's, and inputs come before their consumers")
    func ids() throws {
        var pipeline = Pipeline()
        let deployments = try pipeline.run(
            Self.setup + "CREATE MATERIALIZED VIEW v AS SELECT DISTINCT bidder FROM dear"
        ).compactMap { bound -> Deployment? in
            if case .create(let deployment, _) = bound { return deployment }
            return nil
        }
        var seen: Set<OperatorID> = []
        var last = 0
        for node in deployments.flatMap(\.graph.nodes) {
            #expect(node.id.rawValue == last + 1)
            last = node.id.rawValue
            #expect(node.inputs.allSatisfy { seen.contains($0) })
            seen.insert(node.id)
        }
        #expect(pipeline.catalog["v"]?.dependencies == ["dear"])
        #expect(pipeline.catalog["dear"]?.dependencies == ["bid"])
    }

    @Test("a view that is dropped leaves what others share of it to them")
    func shared() throws {
        var pipeline = Pipeline()
        try pipeline.run(Self.setup)
        try pipeline.run("CREATE MATERIALIZED VIEW v AS SELECT auction, count(*) AS c FROM bid GROUP BY auction")
        let before = pipeline.catalog.nodes.filter { $0.owner == "v" }
        let input = try #require(before.first?.inputs.first)
        #expect(before.count == 1 && pipeline.catalog.nodes.first { $0.id == input }?.owner == "totals")
        try pipeline.run("DROP MATERIALIZED VIEW totals")
        let after = pipeline.catalog.nodes
        #expect(after.filter { $0.owner == "totals" }.isEmpty)
        #expect(after.first { $0.id == input }?.owner == "v")
        var seen: Set<OperatorID> = []
        for node in after {
            #expect(node.inputs.allSatisfy { seen.contains($0) })
            seen.insert(node.id)
        }
        try pipeline.run(
            "DROP MATERIALIZED VIEW v; CREATE MATERIALIZED VIEW w AS SELECT auction, count(*) AS c FROM bid GROUP BY auction"
        )
        #expect(pipeline.catalog.nodes.filter { $0.owner == "w" }.count == 4)
    }

    @Test("what is proved of a view's rows")
    func proofs() throws {
        var pipeline = Pipeline()
        try pipeline.run(Self.setup)
        try pipeline.run(
            """
            CREATE MATERIALIZED VIEW plain AS SELECT ts, price, tumble_end(ts, INTERVAL '1 s') AS w FROM bid WHERE price > 1;
            CREATE MATERIALIZED VIEW counted AS SELECT window_start, auction, count(*) AS n FROM tumble(bid, ts, INTERVAL '10 s') GROUP BY window_start, auction;
            CREATE MATERIALIZED VIEW moved AS SELECT window_start + INTERVAL '10 s' AS w, n FROM counted;
            CREATE MATERIALIZED VIEW lost AS SELECT max(ts) AS ts FROM bid;
            CREATE MATERIALIZED VIEW pairs AS SELECT a.name, b.id FROM person a JOIN person b ON a.id = b.id;
            """)
        let plain = try #require(pipeline.catalog["plain"])
        #expect(plain.isAppendOnly && plain.key.isEmpty)
        #expect(plain.eventTimes.map(\.column) == [0, 2])
        #expect(plain.eventTimes.map(\.offset) == [5_000_001, 5_000_000])
        #expect(plain.columns.map(\.isNullable) == [false, true, true])
        let counted = try #require(pipeline.catalog["counted"])
        #expect(!counted.isAppendOnly && counted.key == [0, 1])
        #expect(counted.eventTimes == [EventTimeColumn(column: 0, offset: 15_000_000, sources: ["bid"])])
        #expect(
            pipeline.catalog["moved"]?.eventTimes == [EventTimeColumn(column: 0, offset: 5_000_000, sources: ["bid"])])
        #expect(pipeline.catalog["lost"]?.eventTimes == [])
        #expect(pipeline.catalog["person"]?.eventTimes == [])
        #expect(pipeline.catalog["pairs"]?.key == [1])
    }

    @Test("a drop takes dependents first")
    func drops() throws {
        var pipeline = Pipeline()
        try pipeline.run(
            Self.setup
                + "CREATE MATERIALIZED VIEW v AS SELECT * FROM dear; CREATE SINK s FROM v WITH (connector = 'blackhole')"
        )
        guard case .drop(let names) = try pipeline.run("DROP SOURCE bid CASCADE").first else {
            Issue.record("no drop")
            return
        }
        #expect(names == ["s", "v", "dear", "totals", "bid"])
        guard case .nothing = try pipeline.run("DROP VIEW IF EXISTS dear").first else {
            Issue.record("something was dropped")
            return
        }
    }

    @Test("inserted rows are of the columns' types")
    func inserts() throws {
        var pipeline = Pipeline()
        try pipeline.run("CREATE TABLE t (id bigint NOT NULL, x numeric(6,2), at timestamp, flag boolean)")
        guard
            case .insert(let plan) = try pipeline.run(
                "INSERT INTO t (x, id) VALUES (1.005, '7'), (NULL, 2 * 3), (1e2, 1::smallint)"
            ).last
        else {
            Issue.record("no insert")
            return
        }
        #expect(plan.columns == [1, 0])
        #expect(
            plan.rows == [
                [.numeric(Decimal(mantissa: 101, scale: 2)), .bigint(7)], [.null, .bigint(6)],
                [.numeric(Decimal(mantissa: 10_000, scale: 2)), .bigint(1)],
            ])
        guard case .insert(let short) = try pipeline.run("INSERT INTO t VALUES (1, DEFAULT)").last else {
            Issue.record("no insert")
            return
        }
        #expect(short.columns == [0, 1, 2, 3] && short.rows == [[.bigint(1), .null, .null, .null]])
    }

    @Test("SHOW lists what there is")
    func shows() throws {
        var pipeline = Pipeline()
        let results = try pipeline.run(Self.setup + "SHOW TABLES; SHOW VIEWS; SHOW SINKS; SHOW person")
        let shown = results.compactMap { bound -> [[Datum]]? in
            if case .show(let result) = bound { return result.rows }
            return nil
        }
        #expect(shown.map(\.count) == [3, 2, 0, 3])
        #expect(shown[1][0] == [.text("totals"), .text("materialized"), .text("auction"), .text("auction, n")])
        #expect(shown[3][0] == [.text("id"), .text("bigint"), .boolean(false), .boolean(true)])
    }
}

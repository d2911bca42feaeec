/// Wrong definitions, drops and inserts, for ``ErrorTests``.
enum DefinitionCases {
    typealias Case = ErrorTests.Case

    static let all = tables + sinks + drops + inserts

    static let tables = [
        Case("CREATE TABLE «bid (a bigint)", "42P07", "relation \"bid\" already exists"),
        Case("CREATE MATERIALIZED VIEW «totals AS SELECT 1", "42P07", "relation \"totals\" already exists"),
        Case("CREATE SOURCE t (a bigint, «a text)", "42701", "column \"a\" specified more than once"),
        Case(
            "CREATE TABLE t (a bigint, «_offset text)", "42701",
            "column name \"_offset\" conflicts with a column that every source has"),
        Case("CREATE TABLE t (a «json)", "0A000", "type json is not supported", hint: "Use jsonb."),
        Case("CREATE TABLE t (a «varchar(0))", "22023", "length for type varchar must be at least 1"),
        Case("CREATE TABLE t (a bigint, «PRIMARY KEY (b))", "42703", "column \"b\" named in key does not exist"),
        Case(
            "CREATE TABLE t (a bigint PRIMARY KEY, b bigint «PRIMARY KEY)", "42P16",
            "multiple primary keys for table \"t\" are not allowed"),
        Case("CREATE TABLE t (a bigint «UNIQUE)", "0A000", "a UNIQUE constraint is not supported"),
        Case("CREATE TABLE t (a bigint «DEFAULT 1)", "0A000", "DEFAULT is not supported"),
        Case("CREATE TABLE «t ()", "42P16", "table \"t\" has no columns"),
        Case("CREATE TABLE «x.t (a bigint)", "0A000", "a schema in the name of a new relation is not supported"),
        Case("CREATE TABLE «\"a.dead\" (a bigint)", "42939", "relation name \"a.dead\" is reserved"),
        Case(
            "CREATE TABLE t (a bigint) WITH («conector = 'http')", "22023", "unknown option \"conector\"",
            hint: "Perhaps you meant \"connector\"."),
        Case(
            "CREATE SOURCE t (a bigint) WITH («connector = 'flie')", "22023",
            "unknown connector \"flie\" of table \"t\"", hint: "Perhaps you meant \"file\"."),
        Case("CREATE TABLE t (a bigint) WITH («rate = '5')", "22023", "connector \"http\" has no option \"rate\""),
        Case(
            "CREATE TABLE t (a bigint) WITH («partitions = '0')", "22023",
            "option \"partitions\" is \"0\", but must be an integer from 1 to 1024"),
        Case(
            "CREATE TABLE t (a bigint) WITH («format = 'jsno')", "22023",
            "option \"format\" is \"jsno\", but must be one of json, csv", hint: "Perhaps you meant \"json\"."),
        Case(
            "CREATE TABLE t (a bigint) WITH («lateness = '1 second')", "22023",
            "option \"lateness\" needs option \"event_time\""),
        Case(
            "CREATE TABLE t (a timestamp) WITH (event_time = 'a', «lateness = 'soon')", "22023",
            "option \"lateness\" is \"soon\", but must be an interval such as '5 seconds'"),
        Case(
            "CREATE TABLE t (a timestamp) WITH (event_time = 'a', «skew = '1 month')", "22023",
            "option \"skew\" is \"1 month\", but must be an interval such as '1 hour', or 'none'"),
        Case(
            "CREATE TABLE t (ts timestamp) WITH («event_time = 'st')", "42703",
            "the event-time column \"st\" does not exist", hint: "Perhaps you meant \"ts\"."),
        Case(
            "CREATE TABLE t (a bigint) WITH («event_time = 'a')", "42804",
            "the event-time column \"a\" must be type timestamp without time zone or timestamp with time zone, not type bigint"
        ),
        Case(
            "CREATE TABLE t (a bigint) WITH («storage = 'virtual')", "22023", "connector \"http\" has no virtual topics"
        ),
        Case("CREATE TABLE t (a bigint) WITH («connector = 'file')", "22023", "table \"t\" needs option \"path\""),
        Case(
            "CREATE SOURCE t WITH («connector = 'generator', rate = '1')", "22023", "table \"t\" needs option \"kind\""),
        Case(
            "CREATE SOURCE t WITH (connector = 'generator', kind = 'bid', «rate = '0')", "22023",
            "table \"t\" needs option \"rate\" (events a second) or \"count\""),
        Case(
            "CREATE SOURCE t («a bigint) WITH (connector = 'generator', kind = 'bid', rate = '1')", "42P16",
            "the columns of table \"t\" are not those of the generator's bid"),
        Case(
            "CREATE TABLE t (a bigint) WITH («partitions = '2', topic = 'bid')", "42P16",
            "option \"partitions\" of table \"t\" differs from that of table \"bid\", which reads the same topic"),
        Case("CREATE VIEW v AS SELECT 1 AS a, «2 AS a", "42701", "column \"a\" specified more than once"),
        Case("CREATE VIEW «v (a, b) AS SELECT 1", "42601", "CREATE VIEW specifies more column names than columns"),
        Case(
            "CREATE MATERIALIZED VIEW v AS SELECT * FROM «\"bid.dead\"", "0A000",
            "a view over dead letters is not supported"),
        Case("SELECT * FROM «out", "42809", "\"out\" is a sink: it has no rows to read"),
        Case(
            "CREATE MATERIALIZED VIEW v AS SELECT * FROM tumble(bid, «price, INTERVAL '1 s')", "42804",
            "the time of a window must be type timestamp without time zone or timestamp with time zone, not type bigint"
        ),
        Case(
            "CREATE MATERIALIZED VIEW v AS SELECT * FROM tumble(bid, ts, «INTERVAL '1 month')", "22023",
            "a window's size must be positive and without months"),
        Case(
            "CREATE MATERIALIZED VIEW v AS SELECT * FROM «tumble(bid, ts)", "42883",
            "tumble does not take 2 arguments"),
        Case(
            "CREATE MATERIALIZED VIEW v AS SELECT * FROM «tmuble(bid, ts, INTERVAL '1 s')", "42883",
            "function tmuble in FROM does not exist", hint: "Perhaps you meant \"tumble\"."),
    ]

    static let sinks = [
        Case(
            "CREATE SINK s FROM «nosuch WITH (connector = 'blackhole')", "42P01", "relation \"nosuch\" does not exist"),
        Case(
            "CREATE SINK s FROM totals WITH («connector = 'kafka')", "0A000",
            "a sink with connector \"kafka\" is not supported"),
        Case(
            "CREATE SINK s FROM totals WITH («connector = 'blakhole')", "22023",
            "unknown connector \"blakhole\" of sink \"s\"", hint: "Perhaps you meant \"blackhole\"."),
        Case("CREATE SINK «s FROM totals", "22023", "sink \"s\" needs option \"connector\""),
        Case(
            "CREATE SINK s FROM totals WITH (connector = 'blackhole', «path = 'x')", "22023",
            "connector \"blackhole\" has no option \"path\""),
        Case("CREATE SINK s «AS SELECT 1", "0A000", "CREATE SINK … AS is not supported"),
    ]

    static let drops = [
        Case("DROP TABLE nosuch", "42P01", "table \"nosuch\" does not exist"),
        Case(
            "DROP MATERIALIZED VIEW total", "42P01", "materialized view \"total\" does not exist",
            hint: "Perhaps you meant \"totals\"."),
        Case(
            "DROP TABLE bid", "2BP01", "cannot drop table bid because other objects depend on it",
            hint: "Use DROP ... CASCADE to drop the dependent objects too."),
        Case(
            "DROP MATERIALIZED VIEW totals", "2BP01",
            "cannot drop materialized view totals because other objects depend on it"),
        Case(
            "DROP VIEW totals", "42809", "\"totals\" is not a view",
            hint: "Use DROP MATERIALIZED VIEW to remove a materialized view."),
        Case("DROP SOURCE totals", "42809", "\"totals\" is not a source"),
        Case("DROP SINK bid", "42809", "\"bid\" is not a sink", hint: "Use DROP TABLE to remove a table."),
    ]

    static let inserts = [
        Case("INSERT INTO «nosuch VALUES (1)", "42P01", "relation \"nosuch\" does not exist"),
        Case("INSERT INTO «totals VALUES (1)", "42809", "cannot change materialized view \"totals\""),
        Case(
            "INSERT INTO person («nme) VALUES ('a')", "42703", "column \"nme\" of relation \"person\" does not exist",
            hint: "Perhaps you meant \"name\"."),
        Case("INSERT INTO person (id) VALUES (1, «2)", "42601", "INSERT has more expressions than target columns"),
        Case("INSERT INTO person (id, «name) VALUES (1)", "42601", "INSERT has more target columns than expressions"),
        Case(
            "INSERT INTO person (id) VALUES («true)", "42804",
            "column \"id\" is of type bigint but expression is of type boolean",
            hint: "You will need to rewrite or cast the expression."),
        Case("INSERT INTO person (id) VALUES (1 «/ 0)", "22012", "division by zero"),
        Case("INSERT INTO person (id) VALUES («'x')", "22P02", "invalid input syntax for type bigint: \"x\""),
        Case(
            "INSERT INTO person (name) VALUES ('a')", "23502",
            "null value in column \"id\" of relation \"person\" violates not-null constraint"),
        Case("INSERT INTO bid (price, amount) VALUES (1, «123456789.5)", "22003", "numeric field overflow"),
        Case("INSERT INTO bid (price) VALUES («9223372036854775808)", "22003", "bigint out of range"),
    ]
}

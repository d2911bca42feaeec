import SQL
import Testing

/// Wrong statements and what PostgreSQL says about them: SQLSTATE, message, position in the text as typed, hint.
///
/// Positions are written into the text as «: the error must be at the character that follows.
@Suite("Errors")
struct ErrorTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var sql: String
        var code: String
        var message: String
        var hint: String?

        init(_ sql: String, _ code: String, _ message: String, hint: String? = nil) {
            self.sql = sql
            self.code = code
            self.message = message
            self.hint = hint
        }

        var testDescription: String { sql }
    }

    static let setup = """
        CREATE SOURCE bid (auction bigint, bidder bigint, price bigint NOT NULL, channel text, ts timestamp, amount numeric(10,2))
            WITH (event_time = 'ts', lateness = '5 seconds');
        CREATE TABLE person (id bigint PRIMARY KEY, name text, active boolean, score double precision);
        CREATE MATERIALIZED VIEW totals AS SELECT auction, count(*) AS n, sum(price) AS total FROM bid GROUP BY auction;
        CREATE VIEW cheap AS SELECT * FROM bid WHERE price < 10;
        CREATE MATERIALIZED VIEW top AS SELECT * FROM totals WHERE n > 2;
        CREATE SINK out FROM totals WITH (connector = 'blackhole');
        """

    static let names = [
        Case("SELECT * FROM «nosuch", "42P01", "relation \"nosuch\" does not exist"),
        Case(
            "SELECT * FROM «total", "42P01", "relation \"total\" does not exist", hint: "Perhaps you meant \"totals\"."),
        Case(
            "SELECT «auctoin FROM totals", "42703", "column \"auctoin\" does not exist",
            hint: "Perhaps you meant to reference the column \"totals.auction\"."),
        Case(
            "SELECT «t.nn FROM totals t", "42703", "column t.nn does not exist",
            hint: "Perhaps you meant to reference the column \"t.n\"."),
        Case(
            "SELECT «x.n FROM totals t", "42P01", "missing FROM-clause entry for table \"x\"",
            hint: "Perhaps you meant \"t\"."),
        Case(
            "SELECT «n FROM totals a JOIN top b ON a.auction = b.auction", "42702",
            "column reference \"n\" is ambiguous"),
        Case("SELECT * FROM totals t JOIN top t ON true", "42712", "table name \"t\" specified more than once"),
        Case(
            "SELECT «lenght('a')", "42883", "function lenght(unknown) does not exist",
            hint: "Perhaps you meant \"length\"."),
        Case("SELECT «x.* FROM totals", "42P01", "missing FROM-clause entry for table \"x\""),
        Case("SELECT «*", "42601", "SELECT * with no tables specified is not valid"),
        Case("SELECT «a.b FROM totals ORDER BY 3", "42P01", "missing FROM-clause entry for table \"a\""),
        Case("SELECT n FROM totals ORDER BY «3", "42P10", "ORDER BY position 3 is not in select list"),
        Case("SELECT count(*) FROM totals GROUP BY «2", "42P10", "GROUP BY position 2 is not in select list"),
        Case(
            "SELECT * FROM totals JOIN top USING (nosuch)", "42703",
            "column \"nosuch\" specified in USING clause does not exist in left table"),
        Case(
            "WITH a AS (SELECT 1), «a AS (SELECT 2) SELECT * FROM a", "42712",
            "WITH query name \"a\" specified more than once"),
        Case("SHOW nosuch", "42704", "unrecognized configuration parameter \"nosuch\""),
    ]

    static let types = [
        Case("SELECT n + «'a' FROM totals WHERE true", "22P02", "invalid input syntax for type bigint: \"a\""),
        Case(
            "SELECT n «+ true FROM totals", "42883", "operator does not exist: bigint + boolean",
            hint: "No operator matches the given name and argument types. You might need to add explicit type casts."),
        Case("SELECT * FROM totals WHERE «n", "42804", "argument of WHERE must be type boolean, not type bigint"),
        Case(
            "SELECT * FROM totals WHERE n > 1 AND «n", "42804", "argument of AND must be type boolean, not type bigint"),
        Case("SELECT NOT «n FROM totals", "42804", "argument of NOT must be type boolean, not type bigint"),
        Case(
            "SELECT CASE WHEN true THEN «true ELSE 1 END", "42804", "CASE types integer and boolean cannot be matched"),
        Case("SELECT coalesce(n, «true) FROM totals", "42804", "COALESCE types bigint and boolean cannot be matched"),
        Case("SELECT 1 UNION ALL SELECT «true", "42804", "UNION types integer and boolean cannot be matched"),
        Case("SELECT 1 UNION ALL SELECT «1, 2", "42601", "each UNION query must have the same number of columns"),
        Case("SELECT true«::timestamp", "42846", "cannot cast type boolean to timestamp without time zone"),
        Case("SELECT INTERVAL «'x'", "22007", "invalid input syntax for type interval: \"x\""),
        Case(
            "SELECT TIMESTAMP «'yesterday or so'", "22007",
            "invalid input syntax for type timestamp: \"yesterday or so\""),
        Case("SELECT «'x'::bigint", "22P02", "invalid input syntax for type bigint: \"x\""),
        Case("SELECT 1::«money", "0A000", "type money is not supported", hint: "Use numeric."),
        Case("SELECT 1«::date", "42846", "cannot cast type integer to date"),
        Case("SELECT 1::«nosuch", "42704", "type \"nosuch\" does not exist"),
        Case("SELECT 1::«numeric(0)", "22023", "NUMERIC precision 0 must be between 1 and 1000"),
        Case(
            "SELECT «length(1)", "42883", "function length(integer) does not exist",
            hint: "No function matches the given name and argument types. You might need to add explicit type casts."),
        Case("SELECT n «LIKE 'a' FROM totals", "42883", "operator does not exist: bigint ~~ unknown"),
    ]

    static let grouping = [
        Case(
            "SELECT «extract(foo FROM TIMESTAMP '2024-01-01')", "22023",
            "unit \"foo\" not recognized for type timestamp without time zone"),
        Case(
            "CREATE MATERIALIZED VIEW v AS SELECT «date_trunc('dya', ts) FROM bid", "22023",
            "unit \"dya\" not recognized for type timestamp without time zone"),
        Case(
            "CREATE VIEW v AS SELECT «name FROM person GROUP BY id + 1", "42803",
            "column \"person.name\" must appear in the GROUP BY clause or be used in an aggregate function"),
        Case(
            "SELECT «auction, count(*) FROM totals", "42803",
            "column \"totals.auction\" must appear in the GROUP BY clause or be used in an aggregate function"),
        Case("SELECT * FROM totals WHERE «count(*) > 1", "42803", "aggregate functions are not allowed in WHERE"),
        Case("SELECT sum(«sum(n)) FROM totals", "42803", "aggregate function calls cannot be nested"),
        Case("SELECT 1 FROM totals GROUP BY «count(*)", "42803", "aggregate functions are not allowed in GROUP BY"),
        Case(
            "SELECT auction FROM totals GROUP BY auction HAVING «n > 1", "42803",
            "column \"totals.n\" must appear in the GROUP BY clause or be used in an aggregate function"),
        Case("SELECT «sum(true)", "42883", "function sum(boolean) does not exist"),
        Case("SELECT «min(true)", "42883", "function min(boolean) does not exist"),
        Case("SELECT «sum(*) FROM totals", "42883", "function sum() does not exist"),
        Case(
            "SELECT «count() FROM totals", "42809", "count(*) must be used to call a parameterless aggregate function"),
        Case("SELECT «length(*) FROM totals", "42883", "function length() does not exist"),
        Case(
            "SELECT DISTINCT auction FROM totals ORDER BY «n", "42P10",
            "for SELECT DISTINCT, ORDER BY expressions must appear in select list"),
        Case(
            "SELECT * FROM totals WHERE «row_number() OVER () = 1", "42P20", "window functions are not allowed in WHERE"
        ),
        Case("SELECT «row_number() FROM totals", "42809", "window function row_number requires an OVER clause"),
    ]

    static let unsupported = [
        Case(
            "CREATE MATERIALIZED VIEW v AS SELECT a.n FROM totals a JOIN «top b ON a.n < b.n", "0A000",
            "a join without an equality between its sides is not supported"),
        Case(
            "CREATE MATERIALIZED VIEW v AS SELECT a.n FROM totals a FULL JOIN «top b ON a.n < b.n", "0A000",
            "a join without an equality between its sides is not supported"),
        Case(
            "CREATE MATERIALIZED VIEW v AS SELECT a.n FROM totals a LEFT JOIN «top b ON true", "0A000",
            "a join without an equality between its sides is not supported"),
        Case("SELECT «(SELECT 1, 2)", "42601", "subquery must return only one column"),
        Case("SELECT n FROM totals WHERE n «IN (SELECT 1, 2)", "42601", "subquery has too many columns"),
        Case("SELECT (SELECT «nosuch FROM top)", "42703", "column \"nosuch\" does not exist"),
        Case(
            "SELECT n FROM totals GROUP BY n HAVING EXISTS (SELECT 1 FROM top WHERE top.auction = «totals.auction)",
            "42803",
            "subquery uses ungrouped column \"totals.auction\" from outer query"),
        Case(
            "SELECT DISTINCT ON («n) n, auction FROM totals ORDER BY auction", "42P10",
            "SELECT DISTINCT ON expressions must match initial ORDER BY expressions"),
        Case(
            "SELECT n FROM totals INTERSECT SELECT «n, 1 FROM top", "42601",
            "each INTERSECT query must have the same number of columns"),
        Case(
            "CREATE MATERIALIZED VIEW v AS SELECT (SELECT count(*) FROM top WHERE top.n > totals.n) AS c FROM totals",
            "0A000",
            "a join without an equality between its sides is not supported"),
        Case(
            "SELECT GROUPING(«n) FROM totals GROUP BY auction", "42803",
            "arguments to GROUPING must be grouping expressions of the associated query level"),
        Case(
            "SELECT generate_series(1, 2) «IN (SELECT 1) FROM totals", "42804",
            "row comparison operator must not return a set"),
        Case("SELECT «t FROM totals t", "0A000", "a whole row (t) in this place is not supported"),
        Case("SELECT max(«t.*) FROM totals t", "0A000", "a whole row (t) in this place is not supported"),
        Case(
            "SELECT t «< p FROM totals t JOIN top p ON t.auction = p.auction", "0A000",
            "an order of whole rows is not supported"),
        Case(
            "SELECT count(DISTINCT (n «* INTERVAL '1 s', n)) FROM totals", "0A000",
            "count(DISTINCT …) of rows with a column of type interval is not supported"),
        Case(
            "SELECT (SELECT «sum((SELECT t.n)) FROM top) FROM totals t", "0A000",
            "an aggregate of the outer query's columns in a sub-query is not supported"),
        Case(
            "SELECT format('%s', VARIADIC «string_to_array(name, ',')) FROM person", "0A000",
            "VARIADIC in format() of an array whose length is not known is not supported"),
        Case(
            "SELECT «row_to_json(totals) FROM totals", "0A000", "function row_to_json() is not supported",
            hint: "There is no type json: use to_jsonb()."),
        Case("SELECT * FROM «json_each('{}')", "0A000", "function json_each() is not supported"),
        Case(
            "SELECT t = p FROM totals t JOIN (SELECT auction, n FROM top) p USING (auction)", "42804",
            "cannot compare record types with different numbers of columns"),
        Case(
            "SELECT («n).x FROM totals", "42809",
            "column notation .x applied to type bigint, which is not a composite type"),
        Case(
            "SELECT percentile_cont(n «/ 10.0) WITHIN GROUP (ORDER BY total) FROM totals GROUP BY n", "0A000",
            "a percentile's fraction that is not a constant is not supported"),
        Case(
            "SELECT percentile_cont(«ARRAY[n]) WITHIN GROUP (ORDER BY total) FROM totals GROUP BY n", "0A000",
            "a percentile's fraction that is not a constant is not supported"),
        Case(
            "SELECT count(*) OVER (ORDER BY n ROWS «(SELECT 1) PRECEDING) FROM totals", "0A000",
            "a frame offset that is not a constant is not supported"),
        Case(
            "SELECT generate_series(1, 3), «rank() OVER (ORDER BY generate_series(1, 2)) FROM totals", "0A000",
            "a window over some of several functions that return sets is not supported"),
        Case(
            "CREATE MATERIALIZED VIEW v AS SELECT 1 FROM totals t LEFT JOIN top p ON t.n «IN (SELECT 2)", "0A000",
            "a join without an equality between its sides is not supported"),
        Case("«WITH RECURSIVE a AS (SELECT 1) SELECT * FROM a", "0A000", "WITH RECURSIVE is not supported"),
        Case("SELECT «clock_timestamp()", "0A000", "function clock_timestamp() is not supported"),
        Case(
            "SELECT «current_user", "0A000", "this name of the current user or database is not supported"),
        Case("SELECT 'a' «COLLATE \"en_US\"", "0A000", "collation \"en_US\" is not supported"),
        Case("SELECT «random()", "0A000", "function random() is not supported"),
        Case("SELECT «json_agg(n) FROM totals", "0A000", "aggregate function json_agg is not supported"),
        Case("SELECT «ARRAY[]", "42P18", "cannot determine type of empty array"),
        Case("SELECT 1 «= ANY (2)", "42809", "op ANY/ALL (array) requires array on right side"),
        Case("«DELETE FROM person", "0A000", "DELETE is not supported"),
        Case("«UPDATE person SET name = ''", "0A000", "UPDATE is not supported"),
        Case("«BEGIN", "0A000", "TRANSACTION is not supported"),
        Case("«CREATE INDEX ON person (id)", "0A000", "INDEX is not supported"),
        Case("SELECT «$1", "42P02", "there is no parameter $1"),
        Case(
            "SELECT * FROM «cumulate(totals, ts, INTERVAL '1 s', INTERVAL '2 s')", "0A000",
            "window table function cumulate is not supported"),
        Case("INSERT INTO person SELECT «1", "0A000", "INSERT … SELECT is not supported"),
        Case("«CREATE TABLE t AS SELECT 1", "0A000", "CREATE TABLE AS is not supported"),
        Case("«CREATE OR REPLACE VIEW v AS SELECT 1", "0A000", "CREATE OR REPLACE VIEW is not supported"),
        Case("EXPLAIN «VERBOSE SELECT 1", "0A000", "EXPLAIN with other options than ANALYZE is not supported"),
        Case("EXPLAIN ANALYZE SELECT «nosuch FROM totals", "42703", "column \"nosuch\" does not exist"),
    ]

    static let syntax = [
        Case("SELECT 1 FORM «totals", "42601", "syntax error at or near \"totals\""),
        Case("SELECT 'ä', «FROM totals", "42601", "syntax error at or near \"FROM\""),
        Case("SELECT «'abc", "42601", "unterminated quoted string at or near \"'abc\""),
        Case("SELECT 1 «/* open", "42601", "unterminated /* comment at or near \"/* open\""),
        Case("SELECT (1«", "42601", "syntax error at end of input"),
        Case("SELECT 1; /* ä; */ SELECT 1 FROM«;", "42601", "syntax error at end of input"),
        Case("SELECT «\"\"", "42601", "zero-length delimited identifier at or near \"\"\"\""),
        Case(
            "SELECT 1 AS «\(String(repeating: "a", count: 64))", "42622",
            "identifier \"\(String(repeating: "a", count: 64))\" is too long"),
        Case("CREATE SINK s «TO totals", "42601", "syntax error at or near \"TO\""),
        Case("CREATE SOURCE s («1 bigint)", "42601", "syntax error at or near \"1\""),
        Case("CREATE SOURCE s (a bigint) «WIHT (x = 'y')", "42601", "syntax error at or near \"WIHT\""),
        Case("SELECT 1 «LIMIT 1, 2", "42601", "LIMIT #,# syntax is not supported"),
        Case("SELECT E'«\\u12'", "22025", "invalid Unicode escape"),
        Case("SELECT E'\\uD800«'", "42601", "invalid Unicode surrogate pair at or near \"'\""),
        Case("SELECT U&'«\\zzzz'", "42601", "invalid Unicode escape"),
        Case("SELECT «1a", "42601", "trailing junk after numeric literal at or near \"1a\""),
    ]

    @Test("names", arguments: names) func namesAreRefused(_ wanted: Case) throws { try check(wanted) }
    @Test("types", arguments: types) func typesAreRefused(_ wanted: Case) throws { try check(wanted) }
    @Test("grouping", arguments: grouping) func groupingAreRefused(_ wanted: Case) throws { try check(wanted) }
    @Test("unsupported", arguments: unsupported) func unsupportedAreRefused(_ wanted: Case) throws { try check(wanted) }
    @Test("syntax", arguments: syntax) func syntaxAreRefused(_ wanted: Case) throws { try check(wanted) }
    @Test("definitions", arguments: DefinitionCases.all) func definitionsAreRefused(_ wanted: Case) throws {
        try check(wanted)
    }

    func check(_ wanted: Case) throws {
        var pipeline = Pipeline()
        try pipeline.run(Self.setup)
        var text = wanted.sql
        var position: Int?
        if let mark = text.unicodeScalars.firstIndex(of: "«") {
            position = text.unicodeScalars.distance(from: text.unicodeScalars.startIndex, to: mark) + 1
            text.unicodeScalars.remove(at: mark)
        }
        guard let error = pipeline.error(text) else {
            Issue.record("no error: \(text)")
            return
        }
        #expect(error.code == wanted.code)
        #expect(error.message == wanted.message)
        #expect(error.position == position, "\(error)")
        if let hint = wanted.hint { #expect(error.hint == hint) }
    }
}

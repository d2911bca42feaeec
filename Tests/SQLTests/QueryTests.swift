import Dataflow
import SQL
import Testing

/// Ad-hoc queries, compiled and run: typing and coercions show in the values.
@Suite("Queries")
struct QueryTests {
    /// An expression and its text in PostgreSQL, with the type.
    struct Case: Sendable, CustomTestStringConvertible {
        var sql: String
        var value: String
        var type: DataType

        init(_ sql: String, _ value: String, _ type: DataType) {
            self.sql = sql
            self.value = value
            self.type = type
        }

        var testDescription: String { sql }
    }

    static let expressions = [
        Case("1", "1", .integer), Case("2147483648", "2147483648", .bigint),
        Case("-2147483648", "-2147483648", .integer),
        Case("9223372036854775808", "9223372036854775808", .numeric), Case("1.50", "1.50", .numeric),
        Case("1e3", "1000", .numeric),
        Case("'a'", "a", .text), Case("NULL", "", .text), Case("true", "t", .boolean),
        Case("1 + 2147483648", "2147483649", .bigint), Case("1 + 1.5", "2.5", .numeric),
        Case("1 + 1::float8", "2", .double),
        Case("1e300::float8", "1e+300", .double),
        Case("-1e300::float8 * 1e5::real", "-1.0000000000000001e+305", .double),
        Case("1::smallint + 1", "2", .integer), Case("7 / 2", "3", .integer),
        Case("7 / 2.0", "3.5000000000000000", .numeric),
        Case("- 7 % 3", "-1", .integer), Case("+ 5", "5", .integer), Case("1 + '2'", "3", .integer),
        Case("'1' = 1", "t", .boolean),
        Case("'a' || 'b'", "ab", .text), Case("1 || 'b'", "1b", .text), Case("'b' || 2.50", "b2.50", .text),
        Case("true || 'x'", "truex", .text),
        Case("1 = 1.0", "t", .boolean), Case("1 <> 2", "t", .boolean), Case("1 != 2", "t", .boolean),
        Case("NULL = 1", "", .boolean), Case("NULL IS NULL", "t", .boolean), Case("1 IS NOT NULL", "t", .boolean),
        Case("1 IS DISTINCT FROM NULL", "t", .boolean), Case("NULL IS NOT DISTINCT FROM NULL", "t", .boolean),
        Case("NULL AND false", "f", .boolean), Case("NULL OR true", "t", .boolean), Case("NOT NULL", "", .boolean),
        Case("(NULL::boolean) IS TRUE", "f", .boolean), Case("(NULL::boolean) IS NOT TRUE", "t", .boolean),
        Case("(NULL::boolean) IS UNKNOWN", "t", .boolean), Case("false IS FALSE", "t", .boolean),
        Case("2 BETWEEN 1 AND 3", "t", .boolean), Case("2 NOT BETWEEN 1 AND 3", "f", .boolean),
        Case("2 BETWEEN SYMMETRIC 3 AND 1", "t", .boolean),
        Case("2 IN (1, 2)", "t", .boolean), Case("2 NOT IN (1, 2)", "f", .boolean),
        Case("2 IN (1, NULL)", "", .boolean), Case("3 NOT IN (1, NULL)", "", .boolean),
        Case("'abc' LIKE 'a%'", "t", .boolean), Case("'abc' NOT LIKE '_b_'", "f", .boolean),
        Case("'ABC' ILIKE 'a%'", "t", .boolean),
        Case("CASE WHEN false THEN 1 WHEN true THEN 2.5 END", "2.5", .numeric),
        Case("CASE 2 WHEN 1 THEN 'a' WHEN 2 THEN 'b' ELSE 'c' END", "b", .text),
        Case("CASE WHEN true THEN NULL ELSE 1 END", "", .integer),
        Case("CASE WHEN true THEN 1 ELSE 1 / 0 END", "1", .integer),
        Case("coalesce(NULL, 2, 1 / 0)", "2", .integer), Case("coalesce(NULL, NULL)", "", .text),
        Case("nullif(1, 1)", "", .integer), Case("nullif('a', 'b')", "a", .text),
        Case("greatest(1, 3.5, NULL)", "3.5", .numeric), Case("least(3, 2, 1)", "1", .integer),
        Case("greatest(NULL, 5, NULL)", "5", .integer),
        Case("least(NULL::bigint, NULL)", "", .bigint), Case("greatest('b', 'a')", "b", .text),
        Case("'12'::bigint", "12", .bigint), Case("CAST(1.6 AS integer)", "2", .integer),
        Case("'ab'::char(4) = 'ab  '", "t", .boolean), Case("'ab'::char(4) = 'ab'::text", "t", .boolean),
        Case("'ab'::char(4)", "ab  ", .character), Case("'abcdef'::varchar(3)", "abc", .text),
        Case("'ab'::char(4) || 'c'", "abc", .text), Case("char 'abc'", "abc", .character),
        Case("date '2024-01-02' < timestamp '2024-01-02 00:00:01'", "t", .boolean),
        Case("date '2024-01-02' = timestamptz '2024-01-02 00:00:00+00'", "t", .boolean),
        Case("time '12:34:56.789'::time(1)", "12:34:56.8", .time),
        Case("timestamptz '2024-07-01 12:00 Europe/Berlin'", "2024-07-01 10:00:00+00", .timestamptz),
        Case(
            "timestamp '2024-07-01 12:00' AT TIME ZONE 'America/New_York'", "2024-07-01 16:00:00+00", .timestamptz),
        Case(
            "timestamptz '2024-07-01 12:00+00' AT TIME ZONE 'Asia/Tokyo'", "2024-07-01 21:00:00", .timestamp),
        Case("1.5::real", "1.5", .real), Case("1::real + 1", "2", .double), Case("1::real = 1.0", "t", .boolean),
        Case("'{1,NULL}'::integer[]", "{1,NULL}", .array(of: .integer)),
        Case("'{1,2}'::integer[]::text[]", "{1,2}", .array(of: .text)),
        Case("'{1.005}'::numeric(5,2)[]", "{1.01}", .array(of: .numeric)),
        Case("'{1,2}' < '{1,3}'::integer[]", "t", .boolean),
        Case("'{\"b\": 1, \"aa\": 2}'::jsonb", "{\"b\": 1, \"aa\": 2}", .jsonb),
        Case("'[1.0]'::jsonb = '[1]'", "t", .boolean), Case("'2.5'::jsonb::integer", "3", .integer),
        Case("'\\x41'::bytea", "\\x41", .bytea), Case("greatest(date '2024-01-02', '2023-01-01')", "2024-01-02", .date),
        Case(
            "coalesce(NULL, date '2024-01-02', timestamp '2024-01-01')", "2024-01-02 00:00:00", .timestamp),
        Case(
            "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", .uuid),
        Case("interval '1.5555' second(2)", "00:00:01.56", .interval),
        Case("1.005::numeric(5, 2)", "1.01", .numeric), Case("'t'::boolean", "t", .boolean),
        Case("1::boolean", "t", .boolean), Case("12.5::text", "12.5", .text), Case("1::decimal(4)", "1", .numeric),
        Case("'1'::varchar", "1", .text),
        Case("TIMESTAMP '2024-01-02 03:04:05'", "2024-01-02 03:04:05", .timestamp),
        Case("INTERVAL '90 minutes'", "01:30:00", .interval),
        Case("INTERVAL '10' SECOND", "00:00:10", .interval), Case("INTERVAL '2' DAY", "2 days", .interval),
        Case("TIMESTAMP '2024-01-31' + INTERVAL '1 month'", "2024-02-29 00:00:00", .timestamp),
        Case("TIMESTAMP '2024-01-02' - TIMESTAMP '2024-01-01'", "1 day", .interval),
        Case("TIMESTAMP '2024-01-02' - INTERVAL '1 hour'", "2024-01-01 23:00:00", .timestamp),
        Case("INTERVAL '1 hour' * 2", "02:00:00", .interval),
        Case("extract(hour FROM TIMESTAMP '2024-01-01 13:00')", "13", .numeric),
        Case("date_trunc('day', TIMESTAMP '2024-01-01 13:00')", "2024-01-01 00:00:00", .timestamp),
        Case("TIMESTAMP '2024-01-01' < '2024-01-02'", "t", .boolean),
        Case("length('äö')", "2", .integer), Case("upper('a')", "A", .text),
        Case("substring('hello' FROM 2 FOR 3)", "ell", .text), Case("position('l' IN 'hello')", "3", .integer),
        Case("trim(both 'x' from 'xax')", "a", .text), Case("concat('a', 1, NULL, true)", "a1t", .text),
        Case("round(2.5)", "3", .numeric), Case("abs(-5)", "5", .integer),
        Case("power(2, 10)", "1024", .double), Case("mod(7, 4)", "3", .integer), Case("sqrt(16)", "4", .double),
        Case("tumble_start(TIMESTAMP '2024-01-01 00:00:17', INTERVAL '10 s')", "2024-01-01 00:00:10", .timestamp),
    ]

    /// The special forms of PostgreSQL's grammar, and functions of many signatures.
    static let forms: [Case] = [
        Case("'abc' SIMILAR TO 'a(b|x)_'", "t", .boolean), Case("'a%c' LIKE 'a#%c' ESCAPE '#'", "t", .boolean),
        Case("'abc' NOT SIMILAR TO '%b'", "t", .boolean),
        Case("substring('foobar' SIMILAR '%#\"o_b#\"%' ESCAPE '#')", "oob", .text),
        Case("substring('foobar' FROM 'o(.)b')", "o", .text),
        Case("overlay('Txxxxas' PLACING 'hom' FROM 2 FOR 4)", "Thomas", .text),
        Case("'abc' ~ '^a.c$'", "t", .boolean), Case("regexp_replace('aXbX', 'X', '-', 'g')", "a-b-", .text),
        Case("(DATE '2024-01-01', DATE '2024-01-05') OVERLAPS (DATE '2024-01-04', INTERVAL '3 days')", "t", .boolean),
        Case("make_interval(days => 10, hours => 2)", "10 days 02:00:00", .interval),
        Case("make_interval(1)", "1 year", .interval),
        Case("make_date(year => 2024, month => 2, day => 29)", "2024-02-29", .date),
        Case("format('%s-%L', 1, 'a')", "1-'a'", .text), Case("concat_ws(',', 1, NULL, true)", "1,t", .text),
        Case("num_nonnulls(1, NULL, 'a')", "2", .integer), Case("2 ^ 3", "8", .double),
        Case("2.0 ^ 0.5", "1.4142135623730950", .numeric),
        Case("ARRAY[1, 2, 3]", "{1,2,3}", .array(of: .integer)), Case("ARRAY['1', 2]", "{1,2}", .array(of: .integer)),
        Case("ARRAY[]::text[]", "{}", .array(of: .text)),
        Case("ARRAY['1', '2']::integer[]", "{1,2}", .array(of: .integer)),
        Case("(ARRAY[10, 20, 30])[2]", "20", .integer),
        Case("(ARRAY[10, 20, 30])[2:]", "{20,30}", .array(of: .integer)),
        Case("2 = ANY (ARRAY[1, 2])", "t", .boolean), Case("2 > ALL ('{0,1}')", "t", .boolean),
        Case("2 <> ALL (ARRAY[1, NULL])", "", .boolean), Case("1.5 = ANY (ARRAY[1, 2]::numeric[])", "f", .boolean),
        Case("'abc' LIKE ANY (ARRAY['x%', 'a%'])", "t", .boolean),
        Case("array_append(ARRAY[1], 2::bigint)", "{1,2}", .array(of: .bigint)),
        Case("ARRAY[1] || 2", "{1,2}", .array(of: .integer)), Case("ARRAY[1] || '{2}'", "{1,2}", .array(of: .integer)),
        Case("array_to_string(string_to_array('a,b', ','), '-')", "a-b", .text),
        Case("'{\"a\": {\"b\": 1}}'::jsonb -> 'a' ->> 'b'", "1", .text),
        Case("('{\"a\": [1, 2]}'::jsonb)['a'][1]", "2", .jsonb),
        Case("'{\"a\": 1}'::jsonb || '{\"b\": 2}'", "{\"a\": 1, \"b\": 2}", .jsonb),
        Case("jsonb_set('{\"a\": 1}', '{a}', '2')", "{\"a\": 2}", .jsonb),
        Case("jsonb_build_object('a', 1, 'b', ARRAY[true])", "{\"a\": 1, \"b\": [true]}", .jsonb),
        Case("jsonb_path_query_first('[1, 5]', '$[*] ? (@ > 2)')", "5", .jsonb),
        Case("'[1]'::jsonb @? '$[0]'::jsonpath", "t", .boolean),
        Case("to_char(DATE '2024-02-29', 'FMDay DD')", "Thursday 29", .text),
        Case("to_char(-12.5, 'S99.9')", "-12.5", .text),
        Case("to_date('29 Feb 2024', 'DD Mon YYYY') + 1", "2024-03-01", .date),
        Case(
            "encode(sha256('abc'::bytea), 'hex')", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            .text),
        Case("position('b' IN 'abc')", "2", .integer),
    ]

    @Test("special forms have PostgreSQL's values and types", arguments: forms)
    func form(wanted: Case) throws {
        let result = try run("SELECT \(wanted.sql) AS x", [:])
        #expect(result.rows == [[wanted.value]])
        #expect(result.types == [wanted.type])
    }

    @Test("expressions have PostgreSQL's values and types", arguments: expressions)
    func expression(wanted: Case) throws {
        let result = try run("SELECT \(wanted.sql) AS x", [:])
        #expect(result.rows == [[wanted.value]])
        #expect(result.types == [wanted.type])
    }

    static let data = """
        CREATE TABLE t (id bigint PRIMARY KEY, g text, n integer, ts timestamp);
        CREATE MATERIALIZED VIEW v AS SELECT id, g, n, ts FROM t;
        CREATE MATERIALIZED VIEW w AS SELECT id, g FROM t;
        CREATE VIEW big (key, number) AS SELECT id, n FROM v WHERE n > 10;
        """

    static let queries: [(sql: String, rows: [String])] = [
        ("SELECT * FROM v ORDER BY id DESC LIMIT 2", ["4|b||2024-01-01 00:00:31", "3|b|30|2024-01-01 00:00:12"]),
        ("SELECT id FROM v ORDER BY n DESC NULLS LAST, id LIMIT 2 OFFSET 1", ["2", "1"]),
        ("SELECT id + 1 AS next FROM v WHERE g = 'a' ORDER BY next", ["2", "3"]),
        (
            "SELECT g, count(*), count(n), sum(n), min(n), max(n), avg(n) FROM v GROUP BY g ORDER BY 1",
            ["a|2|2|30|10|20|15.0000000000000000", "b|2|1|30|30|30|30.0000000000000000"]
        ),
        ("SELECT g AS k, count(*) FILTER (WHERE n > 15) FROM v GROUP BY k ORDER BY k", ["a|1", "b|1"]),
        ("SELECT upper(g), sum(n) + 1 FROM v GROUP BY upper(g) HAVING count(n) > 1 ORDER BY 1", ["A|31"]),
        ("SELECT count(DISTINCT g), count(*) FROM v WHERE false", ["0|0"]),
        ("SELECT DISTINCT g FROM v ORDER BY g", ["a", "b"]),
        ("SELECT count(*) FROM v HAVING count(*) > 9", []),
        ("SELECT a.id, b.id FROM v a JOIN w b ON a.g = b.g AND a.id < b.id ORDER BY 1", ["1|2", "3|4"]),
        ("SELECT v.id FROM v, w WHERE v.id = w.id AND w.g = 'b' ORDER BY 1", ["3", "4"]),
        ("SELECT * FROM v JOIN w USING (id) WHERE id = 1", ["1|a|10|2024-01-01 00:00:01|a"]),
        ("SELECT g, id FROM v NATURAL JOIN w ORDER BY id LIMIT 1", ["a|1"]),
        (
            "SELECT a.id, b.id, c.id FROM v a, v b, w c WHERE a.id = c.id AND b.id = c.id + 1 ORDER BY 1",
            ["1|2|1", "2|3|2", "3|4|3"]
        ),
        (
            "SELECT id, rn FROM (SELECT id, row_number() OVER (PARTITION BY g ORDER BY id DESC) AS rn FROM v) t WHERE rn = 1 ORDER BY id",
            ["2|1", "4|1"]
        ),
        (
            "SELECT id FROM (SELECT id, row_number() OVER (ORDER BY n DESC NULLS LAST) AS rn FROM v) t WHERE rn BETWEEN 2 AND 3 ORDER BY id",
            ["1", "2"]
        ),
        ("SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS rn FROM v) t WHERE 3 > rn AND id <> 1", ["2"]),
        (
            "WITH x AS (SELECT g, max(n) AS m FROM v GROUP BY g), y (k) AS (SELECT g FROM x WHERE m > 20) SELECT * FROM y",
            ["b"]
        ),
        ("SELECT * FROM big ORDER BY key", ["2|20", "3|30"]), ("SELECT number FROM big b WHERE b.key = 2", ["20"]),
        ("SELECT x.k FROM (VALUES (1, 'a'), (2, NULL)) AS x (k, l) WHERE l IS NULL", ["2"]),
        (
            "SELECT id FROM v WHERE id < 2 UNION ALL SELECT n FROM v WHERE n = 30 UNION ALL SELECT 7.5 ORDER BY id",
            ["1", "7.5", "30"]
        ),
        ("SELECT NULL AS a UNION ALL SELECT 1 ORDER BY a", ["1", ""]),
        ("VALUES (1), (3), (2) ORDER BY column1 DESC", ["3", "2", "1"]),
        (
            "SELECT window_start, count(*) FROM tumble(v, ts, INTERVAL '10 seconds') GROUP BY window_start, window_end ORDER BY 1",
            ["2024-01-01 00:00:00|2", "2024-01-01 00:00:10|1", "2024-01-01 00:00:30|1"]
        ),
        (
            "SELECT id, window_end FROM tumble((SELECT id, ts FROM v WHERE id = 3), ts, INTERVAL '1 minute') z",
            ["3|2024-01-01 00:01:00"]
        ),
        (
            "SELECT id, row_number() OVER (PARTITION BY g ORDER BY id DESC) AS rn FROM v ORDER BY id",
            ["1|2", "2|1", "3|2", "4|1"]
        ),
        ("SELECT FROM v WHERE id < 3", ["", ""]), ("SELECT count(*) FROM (SELECT FROM v) s", ["4"]),
        ("SELECT id FROM v LIMIT 0", []),
        ("SELECT s.id FROM (SELECT * FROM v ORDER BY n DESC NULLS LAST LIMIT 2) s ORDER BY 1", ["2", "3"]),
        ("SELECT s.id FROM (SELECT id FROM v ORDER BY id LIMIT 2 OFFSET 1) s ORDER BY 1", ["2", "3"]),
        ("SELECT v.id, w.g FROM v LEFT JOIN w ON v.id = w.id + 2 ORDER BY 1", ["1|", "2|", "3|a", "4|a"]),
        ("SELECT v.id, w.id FROM v RIGHT JOIN w ON v.id = w.id + 2 ORDER BY 2", ["3|1", "4|2", "|3", "|4"]),
        (
            "SELECT v.id, w.id FROM v FULL JOIN w ON v.id = w.id + 2 ORDER BY 1, 2",
            ["1|", "2|", "3|1", "4|2", "|3", "|4"]
        ),
        ("SELECT v.id FROM v LEFT JOIN w ON v.id = w.id + 2 WHERE w.id IS NULL ORDER BY 1", ["1", "2"]),
        (
            "SELECT id, v.n FROM v FULL JOIN (SELECT id + 2 AS id FROM w) x USING (id) ORDER BY 1",
            ["1|10", "2|20", "3|30", "4|", "5|", "6|"]
        ),
        (
            "SELECT * FROM (VALUES (1, 2)) a (x, y) RIGHT JOIN (VALUES (2, 3), (5, 4)) b (y, z) USING (y) ORDER BY 1",
            ["2|1|3", "5||4"]
        ),
        (
            "SELECT a.x, b.y FROM (VALUES (1), (2)) a (x) LEFT JOIN (VALUES (1), (1)) b (y) ON a.x < b.y ORDER BY 1",
            ["1|", "2|"]
        ),
        ("SELECT a.id FROM v a JOIN w b ON a.id < b.id ORDER BY 1", ["1", "1", "1", "2", "2", "3"]),
        ("SELECT count(*) FROM v, w", ["16"]),
        ("SELECT id FROM v WHERE n IN (SELECT n FROM v WHERE id < 3) ORDER BY 1", ["1", "2"]),
        ("SELECT id FROM v WHERE n NOT IN (SELECT n FROM v WHERE id < 3) ORDER BY 1", ["3"]),
        ("SELECT id FROM v WHERE id NOT IN (SELECT n FROM v) ORDER BY 1", []),
        ("SELECT id FROM v WHERE n NOT IN (SELECT n FROM v WHERE false) ORDER BY 1", ["1", "2", "3", "4"]),
        ("SELECT id, n IN (SELECT n FROM v WHERE id > 2) AS i FROM v ORDER BY 1", ["1|", "2|", "3|t", "4|"]),
        ("SELECT id, n NOT IN (SELECT n FROM v WHERE id = 3) AS i FROM v ORDER BY 1", ["1|t", "2|t", "3|f", "4|"]),
        ("SELECT id FROM v WHERE (id, g) IN (SELECT id + 1, g FROM w) ORDER BY 1", ["2", "4"]),
        ("SELECT id FROM v a WHERE EXISTS (SELECT 1 FROM v b WHERE b.g = a.g AND b.n > a.n) ORDER BY 1", ["1"]),
        (
            "SELECT id FROM v a WHERE NOT EXISTS (SELECT FROM v b WHERE b.g = a.g AND b.id <> a.id AND b.n IS NULL) ORDER BY 1",
            ["1", "2", "4"]
        ),
        (
            "SELECT id FROM v a WHERE n = 10 OR EXISTS (SELECT 1 FROM w WHERE w.id = a.id AND w.g = 'b') ORDER BY 1",
            ["1", "3", "4"]
        ),
        ("SELECT EXISTS (SELECT 1 FROM v WHERE id > 3), NOT EXISTS (SELECT 1 FROM v)", ["t|f"]),
        ("SELECT id, (SELECT max(n) FROM v) AS m FROM w ORDER BY 1", ["1|30", "2|30", "3|30", "4|30"]),
        (
            "SELECT id, (SELECT count(*) FROM v WHERE v.n > w.id * 5) AS c, (SELECT n FROM v WHERE v.id = w.id) AS n FROM w ORDER BY 1",
            ["1|3|10", "2|2|20", "3|2|30", "4|1|"]
        ),
        (
            "SELECT id, (SELECT count(*) + 1 FROM v WHERE v.g = w.g AND v.id < w.id) FROM w ORDER BY 1",
            ["1|1", "2|2", "3|1", "4|2"]
        ),
        (
            "SELECT id, (SELECT b.id FROM w b WHERE b.id > w.id ORDER BY b.id LIMIT 1) AS next FROM w ORDER BY 1",
            ["1|2", "2|3", "3|4", "4|"]
        ),
        ("SELECT id FROM v WHERE n > ALL (SELECT n FROM v WHERE g = 'a' AND id = 1) ORDER BY 1", ["2", "3"]),
        ("SELECT id FROM v WHERE n >= ANY (SELECT n FROM v b WHERE b.id = 2) ORDER BY 1", ["2", "3"]),
        ("SELECT id FROM v WHERE n <> ALL (SELECT n FROM v b WHERE b.id < 3) ORDER BY 1", ["3"]),
        (
            "SELECT id FROM v WHERE n <= ALL (SELECT n FROM v b WHERE b.g = v.g AND b.n IS NOT NULL) ORDER BY 1",
            ["1", "3"]
        ),
        ("SELECT id, n > ALL (SELECT n FROM v) AS x FROM v ORDER BY 1", ["1|f", "2|f", "3|f", "4|"]),
        (
            "SELECT g, count(*) FROM v GROUP BY g HAVING count(*) > (SELECT count(*) FROM w WHERE w.g = v.g AND w.id > 3) ORDER BY 1",
            ["a|2", "b|2"]
        ),
        ("SELECT sum(CASE WHEN id IN (SELECT id FROM w WHERE g = 'a') THEN 1 ELSE 10 END) FROM v", ["22"]),
        (
            "SELECT a.id FROM v a WHERE EXISTS (SELECT 1 FROM v b WHERE b.g = a.g AND b.id = (SELECT max(c.id) FROM w c WHERE c.g = a.g AND c.id <= b.id)) ORDER BY 1",
            ["1", "2", "3", "4"]
        ),
        (
            "SELECT w.id, s.n FROM w, LATERAL (SELECT n FROM v WHERE v.id = w.id AND n > 10) s ORDER BY 1",
            ["2|20", "3|30"]
        ),
        (
            "SELECT w.id, s.c FROM w LEFT JOIN LATERAL (SELECT count(*) AS c FROM v WHERE v.id < w.id) s ON true ORDER BY 1",
            ["1|0", "2|1", "3|2", "4|3"]
        ),
        (
            "SELECT w.id, s.id FROM w LEFT JOIN LATERAL (SELECT id FROM v WHERE v.g = w.g ORDER BY id DESC LIMIT 1) s ON s.id > w.id ORDER BY 1",
            ["1|2", "2|", "3|4", "4|"]
        ),
        ("SELECT g FROM v UNION SELECT 'c' ORDER BY g", ["a", "b", "c"]),
        ("SELECT g FROM v UNION SELECT g FROM w UNION ALL SELECT 'a' ORDER BY g", ["a", "a", "b"]),
        ("SELECT g FROM v INTERSECT SELECT g FROM w WHERE id < 3", ["a"]),
        ("SELECT g FROM v INTERSECT ALL SELECT g FROM w WHERE id < 4 ORDER BY 1", ["a", "a", "b"]),
        ("SELECT g FROM v EXCEPT SELECT g FROM w WHERE id < 3", ["b"]),
        ("SELECT g FROM v EXCEPT ALL SELECT g FROM w WHERE id < 4", ["b"]),
        ("SELECT n FROM v EXCEPT SELECT 10 ORDER BY 1", ["20", "30", ""]),
        ("SELECT DISTINCT ON (g) g, id FROM v ORDER BY g, id DESC", ["a|2", "b|4"]),
        ("SELECT DISTINCT ON (id % 2) id, n FROM v ORDER BY id % 2, n DESC NULLS LAST", ["2|20", "3|30"]),
        (
            "SELECT g, id, count(*), sum(n), GROUPING(g, id) FROM v GROUP BY ROLLUP (g, id) ORDER BY g, id",
            ["a|1|1|10|0", "a|2|1|20|0", "a||2|30|1", "b|3|1|30|0", "b|4|1||0", "b||2|30|1", "||4|60|3"]
        ),
        (
            "SELECT g, n > 15 AS big, count(*) FROM v GROUP BY CUBE (g, n > 15) HAVING count(*) > 1 ORDER BY 1, 2, 3",
            ["a||2", "b||2", "|t|2", "||4"]
        ),
        ("SELECT g, count(*) FROM v GROUP BY GROUPING SETS ((g), ()) ORDER BY 1", ["a|2", "b|2", "|4"]),
        ("SELECT count(*), GROUPING(g) FROM v WHERE false GROUP BY GROUPING SETS ((), (g))", ["0|1"]),
        ("SELECT s.id FROM (SELECT id FROM v ORDER BY id OFFSET 3) s", ["4"]),
        (
            "SELECT s.id FROM (SELECT id FROM v ORDER BY n DESC NULLS FIRST FETCH FIRST 2 ROWS ONLY) s ORDER BY 1",
            ["3", "4"]
        ),
        (
            "WITH x AS (SELECT g, count(*) AS n FROM v GROUP BY g) SELECT a.g, b.n FROM x a JOIN x b ON a.g = b.g ORDER BY 1",
            ["a|2", "b|2"]
        ),
        ("SELECT j.id FROM (v JOIN w USING (id)) AS j WHERE j.id > 3", ["4"]),
        ("SELECT count(*) FROM (SELECT id FROM v LIMIT 0) s", ["0"]), ("SELECT reason FROM t.dead", ["late"]),
        ("SELECT d.reason FROM \"t.dead\" AS d", ["late"]),
    ]

    @Test("queries have PostgreSQL's rows", arguments: queries.indices)
    func query(index: Int) throws {
        let wanted = Self.queries[index]
        let result = try run(wanted.sql, Self.scans)
        #expect(result.rows.map { $0.joined(separator: "|") } == wanted.rows, "\(wanted.sql)")
    }

    @Test("the names of the clock are of their types")
    func clock() throws {
        let text = "SELECT current_date, localtime, localtimestamp, now(), age(TIMESTAMP '2024-01-01')"
        let statement = try #require(try SQLCompiler.parse(text).first)
        guard case .query(let plan, _) = try SQLCompiler.bind(statement, catalog: Catalog()) else {
            Issue.record("not a query")
            return
        }
        #expect(plan.columns.map(\.type) == [.date, .time, .timestamp, .timestamptz, .interval])
        #expect(plan.columns.map(\.name) == ["current_date", "localtime", "localtimestamp", "now", "age"])
    }

    // MARK: running

    private static var scans: [String: [Delta]] {
        let base: Int64 = 1_704_067_200_000_000
        let rows: [[Datum]] = [
            [.bigint(1), .text("a"), .integer(10), .timestamp(base + 1_000_000)],
            [.bigint(2), .text("a"), .integer(20), .timestamp(base + 9_999_999)],
            [.bigint(3), .text("b"), .integer(30), .timestamp(base + 12_000_000)],
            [.bigint(4), .text("b"), .null, .timestamp(base + 31_000_000)],
        ]
        let dead: [[Datum]] = [
            [.integer(0), .bigint(1), .timestamp(base), .text("t"), .text("late"), .text("m"), .null]
        ]
        return [
            "v": [delta(rows, [.bigint, .text, .integer, .timestamp])],
            "w": [delta(rows.map { Array($0[..<2]) }, [.bigint, .text])],
            "t.dead": [delta(dead, TableSchema.deadLetterColumns.map(\.type))],
        ]
    }

    private static func delta(_ rows: [[Datum]], _ types: [DataType]) -> Delta {
        let columns = types.indices.map { index in
            let builder = ColumnBuilder(type: types[index])
            for row in rows { builder.append(row[index]) }
            return builder.finish()
        }
        return Delta(columns: columns, count: rows.count)
    }

    private func run(_ sql: String, _ scans: [String: [Delta]]) throws -> (rows: [[String]], types: [DataType]) {
        var pipeline = Pipeline()
        guard case .query(let plan, let relations) = try pipeline.run(Self.data + sql).last else { return ([], []) }
        let result = try QueryRunner.run(plan, scans: scans.filter { relations.contains($0.key) })
        var rows: [[String]] = []
        for batch in result.batches {
            for row in 0..<batch.count { rows.append(batch.columns.map { TextFormat.string($0.datum(at: row)) }) }
        }
        return (rows, plan.columns.map(\.type))
    }
}

import Testing

/// Sub-queries in the places where an expression or FROM can have one, over constants, against PostgreSQL: rows, names and SQLSTATE.
/// (As views over changing rows they are templates of ``AnalyticOracleTests``.)
///
/// It finds a place that takes no sub-query, a correlation that is lost or that NULL slips through, an error of rows that nobody asks for,
/// and a column that PostgreSQL names otherwise.
@Suite("Sub-queries against PostgreSQL")
struct SubqueryOracleTests {
    static let queries = [
        "SELECT rank() OVER (ORDER BY (SELECT 1)) FROM (VALUES (1)) v(x)",
        "\(pairs)SELECT id, sum((SELECT max(c) FROM u WHERE u.a=t.a)) OVER () FROM t",
        "\(pairs)SELECT id, sum(id) OVER (PARTITION BY (SELECT max(c) FROM u WHERE u.a=t.a)), rank() OVER (ORDER BY a IN (SELECT a FROM u)), rank() OVER (ORDER BY EXISTS (SELECT 1 FROM u WHERE u.a = t.a)), ntile((SELECT 2)::int) OVER (ORDER BY id), lag(a,(SELECT 1)) OVER (ORDER BY id), sum(a) FILTER (WHERE (SELECT true)) OVER () FROM t ORDER BY id",
        "\(pairs)SELECT a, count(*), rank() OVER (ORDER BY (SELECT max(c) FROM u WHERE u.a = t.a)) FROM t GROUP BY a ORDER BY a",
        "SELECT unnest(array[(SELECT 1),2])",
        "SELECT (SELECT unnest(v.x) LIMIT 1) FROM (VALUES (array[1])) v(x)",
        "WITH t(id,arr) AS (VALUES (1,array[1,2]),(2,array[3]),(3,NULL)) SELECT id FROM t WHERE 3 IN (SELECT unnest(t.arr))",
        "WITH t(id,arr) AS (VALUES (1,array[1,2]),(2,array[3]),(3,NULL)) SELECT (SELECT max(x) FROM (SELECT unnest(t.arr) x) q) FROM t",
        "SELECT (SELECT count(*) FROM (VALUES (1)) a(y) RIGHT JOIN (VALUES (1)) b(z) ON y=z AND y=v.x) FROM (VALUES (1)) v(x)",
        "SELECT x, (SELECT count(y) FROM (VALUES (1),(NULL)) a(y) FULL JOIN (VALUES (1),(3)) b(z) ON y=z AND y=v.x) FROM (VALUES (1),(2),(NULL)) v(x)",
        "SELECT rank() OVER (ORDER BY generate_series(1,2)) FROM (VALUES (1),(2)) u(a)",
        "SELECT generate_series(1,2), rank() OVER (ORDER BY generate_series(1,2)) FROM (VALUES (1),(2)) u(a)",
        "SELECT x, rank() OVER (ORDER BY grouping(x)) FROM (VALUES (1)) v(x) GROUP BY ROLLUP (x)",
        "SELECT x, (SELECT max(c) FROM (VALUES (NULL::int,500),(1,7)) u(a,c) WHERE u.a = v.x GROUP BY GROUPING SETS ((),(u.c)) LIMIT 1) m FROM (VALUES (NULL::int),(1),(2)) v(x)",
        "SELECT x, c, n FROM (VALUES (NULL::int),(1),(2)) v(x), LATERAL (SELECT c, count(*) n FROM (VALUES (NULL::int,500),(1,7)) u(a,c) WHERE u.a = v.x GROUP BY CUBE(u.c)) q",
        "SELECT x, c, n FROM (VALUES (NULL::int),(1),(2)) v(x), LATERAL (SELECT c, count(*) n FROM (VALUES (NULL::int,500),(1,7)) u(a,c) WHERE u.a = v.x GROUP BY ROLLUP(u.c)) q",
        "SELECT x, (SELECT c FROM (VALUES (1,1),(1,2)) u(a,c) WHERE u.a=v.x) FROM (VALUES (2)) v(x)",
        "SELECT x, (SELECT c FROM (VALUES (1,1),(1,2)) u(a,c) WHERE u.a=v.x) FROM (VALUES (1)) v(x)",
        "SELECT CASE WHEN x = 2 THEN 0 ELSE (SELECT c FROM (VALUES (2,1),(2,2)) u(a,c) WHERE u.a=v.x) END FROM (VALUES (2)) v(x)",
        "SELECT CASE WHEN x = 2 THEN 0 ELSE (SELECT 1/(c-1) FROM (VALUES (2,1)) u(a,c) WHERE u.a=v.x) END FROM (VALUES (2)) v(x)",
        "SELECT CASE WHEN x = 2 THEN 0 ELSE (SELECT 1/(count(*)-1) FROM (VALUES (2,1)) u(a,c) WHERE u.a=v.x) END FROM (VALUES (2)) v(x)",
        "SELECT CASE WHEN x = 2 THEN 0 ELSE (SELECT c FROM (VALUES (2,1),(2,2)) u(a,c)) END FROM (VALUES (2)) v(x)",
        "SELECT x, (SELECT 5 FROM (VALUES (1,1)) u(a,c) WHERE u.a=v.x), (SELECT 5 FROM (VALUES (1,1)) u(a,c) WHERE false), (SELECT coalesce(c,0)+x FROM (VALUES (1,NULL::int)) u(a,c) WHERE u.a=v.x), (SELECT count(*) + 10 FROM (VALUES (1,1)) u(a,c) WHERE u.a=v.x) FROM (VALUES (2),(1)) v(x)",
        "SELECT x FROM (VALUES (2),(1)) v(x) WHERE x = (SELECT c FROM (VALUES (1,1),(3,2),(3,4)) u(a,c) WHERE u.a=v.x)",
        "SELECT x FROM (VALUES (2),(1)) v(x) WHERE x = (SELECT c FROM (VALUES (1,1),(3,2),(3,4)) u(a,c))",
        "SELECT x FROM (VALUES (2),(1)) v(x) WHERE false AND x = (SELECT c FROM (VALUES (1,1),(3,2),(3,4)) u(a,c))",
        "SELECT (SELECT 1) IN (SELECT 2), (SELECT 1) = ANY (SELECT 1), (SELECT 3) < ALL (SELECT 4)",
        "SELECT x FROM (VALUES (2),(1)) v(x) WHERE (SELECT x) IN (SELECT 2)",
        "SELECT x FROM (VALUES (2),(1)) v(x) WHERE (SELECT x) NOT IN (SELECT nullif(2,x))",
        "WITH t(id,a,arr,j) AS (VALUES (1,1,array[1,2],'[\"a\",\"b\"]'::jsonb),(2,2,array[3],'[]'),(3,NULL,NULL,NULL)) SELECT id, (SELECT sum(x) FROM unnest(t.arr) x), (SELECT count(*) FROM generate_series(1,t.a)), (SELECT string_agg(e,',') FROM jsonb_array_elements_text(t.j) q(e)) FROM t",
        "\(arrays)SELECT id FROM t WHERE EXISTS (SELECT 1 FROM unnest(t.arr) x WHERE x>2)",
        "\(arrays)SELECT id, m FROM t, LATERAL (SELECT max(v) m FROM unnest(t.arr) v) q",
        "WITH t(id,a,b) AS (VALUES (1,1,3),(2,2,NULL)) SELECT id, x.y FROM t CROSS JOIN LATERAL (VALUES (a),(b)) x(y)",
        "WITH t(id,a,b) AS (VALUES (1,1,3),(2,2,NULL)) SELECT id, (SELECT max(y) FROM (VALUES (a),(b),(2)) x(y)) FROM t",
        "VALUES ((SELECT 1), 2), (3, (SELECT 4))",
        "SELECT v FROM jsonb_array_elements('[1,2]') v",
        "WITH t(id,j) AS (VALUES (1,'[{\"x\":1},{\"x\":\"b\"}]'::jsonb)) SELECT id, e->>'x' FROM t, jsonb_array_elements(j) e WHERE e->>'x' = 'b'",
        "WITH t(id,j) AS (VALUES (1,'[{\"x\":1},{\"x\":\"b\"}]'::jsonb)) SELECT id FROM t WHERE EXISTS (SELECT 1 FROM jsonb_array_elements(j) e WHERE e->>'x' = 'b')",
        "SELECT e FROM jsonb_array_elements('[[1],[2]]') e WHERE EXISTS (SELECT 1 FROM jsonb_array_elements(e) x WHERE x = '2')",
        "SELECT x FROM generate_series(1,(SELECT max(a) FROM (VALUES (1),(3)) u(a))) x",
        "SELECT a, x FROM (VALUES (1),(3)) u(a) LEFT JOIN LATERAL generate_series(1,a) x ON x > 1",
        "SELECT a, x FROM (VALUES (1),(3)) u(a) RIGHT JOIN generate_series(1,2) x ON x = a",
        "SELECT a FROM (VALUES (1),(3)) u(a) JOIN generate_series(1,2) x(a) USING (a)",
        "SELECT unnest(arr), count(*) FROM (VALUES (array[1,2]),(array[2])) t(arr) GROUP BY 1",
        "SELECT unnest(arr) + 1 AS k, count(*), sum(2) FROM (VALUES (array[1,2]),(array[2])) t(arr) GROUP BY k",
        "SELECT (SELECT 1 AS q), EXISTS (SELECT 1), (SELECT a.z FROM (VALUES (1)) a(z)), (SELECT 1)::bigint, grouping(x), array[1], (array[1])[1], (VALUES (3)), CASE WHEN true THEN 1 ELSE 2::int END, 1 IN (SELECT 1), (SELECT * FROM (VALUES (1)) b(w)) FROM (VALUES (1)) v(x) GROUP BY x",
        "SELECT id, (SELECT rank() OVER (ORDER BY c) FROM (VALUES (1,3),(2,4)) u(a,c) WHERE u.a = t.id) FROM (VALUES (1),(2),(3)) t(id)",
        "SELECT id, (SELECT max(r) FROM (SELECT rank() OVER (ORDER BY c) r FROM (VALUES (1,3),(1,4)) u(a,c) WHERE u.a = t.id) q) FROM (VALUES (1),(2),(3)) t(id)",
        "SELECT id, (SELECT sum(c) OVER (PARTITION BY a ORDER BY c + id) FROM (VALUES (1,3),(2,4)) u(a,c) WHERE u.a = t.id) FROM (VALUES (1),(2),(3)) t(id)",
        "SELECT id, (SELECT count(*) FROM (SELECT c FROM (VALUES (1,3),(1,3),(2,4)) u(a,c) WHERE u.a = t.id ORDER BY c FETCH FIRST 1 ROW WITH TIES) q) FROM (VALUES (1),(2),(3)) t(id)",
        "SELECT sum(x) FROM (VALUES (1),(2)) v(x) HAVING sum(x) > (SELECT 1) AND (SELECT 2) IN (SELECT 2)",
        "SELECT id, name FROM (VALUES (1,'a')) t(id,name) GROUP BY id, name HAVING EXISTS (SELECT 1 WHERE id = 1)",
        "SELECT x FROM (VALUES (1),(2)) v(x) ORDER BY (SELECT -x)",
        "SELECT unnest(array[rank() OVER ()]) FROM (VALUES (1)) v(x)",
        "SELECT sum(x) FILTER (WHERE x IN (SELECT 1)), array_agg(x ORDER BY (SELECT -x)), count(DISTINCT (SELECT x)) FROM (VALUES (1),(2)) v(x)",
        "SELECT (SELECT count(*) OVER () FROM (VALUES (1)) a(y) WHERE y = v.x) FROM (VALUES (1),(2)) v(x)",
        "SELECT x FROM (VALUES (1),(2)) v(x) WHERE (x, 1) IN (SELECT 1, 1)",
        "SELECT x FROM (VALUES (1),(2)) v(x) WHERE ((SELECT x), 1) IN (SELECT 1, 1)",
        "SELECT count(*) FROM (VALUES (1),(2)) v(x) JOIN (VALUES (1)) w(y) ON (SELECT x) = (SELECT y)",
        "SELECT (SELECT x FROM (VALUES (1)) w(y) LEFT JOIN LATERAL (SELECT v.x + y AS z) q ON q.z = v.x + 1) FROM (VALUES (1),(2)) v(x)",
        "SELECT ARRAY(SELECT x FROM generate_series(1,3) x)",
        "SELECT ARRAY(SELECT x FROM generate_series(1,3) x ORDER BY x DESC), ARRAY(SELECT x FROM generate_series(1,3) x ORDER BY -x LIMIT 2), ARRAY(SELECT x FROM generate_series(1,5) x ORDER BY -x LIMIT 2 OFFSET 1), ARRAY(SELECT 1 WHERE false)",
        "SELECT a, ARRAY(SELECT x * a FROM generate_series(1,a) x ORDER BY x DESC) FROM (VALUES (1),(2),(NULL)) t(a)",
        "SELECT a, ARRAY(SELECT c FROM (VALUES (1,'x'),(1,'y'),(2,'z')) u(k,c) WHERE k = a ORDER BY c DESC) AS r FROM (VALUES (1),(2),(3)) t(a)",
        "SELECT ARRAY(SELECT 2 UNION ALL SELECT 1 ORDER BY 1), ARRAY(VALUES (1), (2))",
        "SELECT a, (a,b) IN (SELECT * FROM (VALUES (1,2),(3,NULL)) u(c,d)), (a,b) NOT IN (SELECT * FROM (VALUES (1,2),(3,NULL)) u(c,d)) FROM (VALUES (1,2),(3,4),(NULL,2),(5,5),(NULL,9)) t(a,b)",
        "SELECT a FROM (VALUES (1,2),(3,4),(NULL,2),(5,5),(NULL,9)) t(a,b) WHERE (a,b) NOT IN (SELECT * FROM (VALUES (1,2),(3,NULL)) u(c,d))",
        "SELECT a FROM (VALUES (1,2),(3,4),(NULL,2),(5,5),(NULL,9)) t(a,b) WHERE (a,b) IN (SELECT * FROM (VALUES (1,2),(3,NULL)) u(c,d)) OR a = 3",
        "SELECT a, (a,b) IN (SELECT c, d FROM (VALUES (1,2),(3,NULL)) u(c,d) WHERE c = a) FROM (VALUES (1,2),(3,4),(NULL,2),(5,5),(NULL,9)) t(a,b)",
        "SELECT s, s LIKE ANY (SELECT p FROM (VALUES ('a%'),(NULL)) u(p)), s LIKE ALL (SELECT p FROM (VALUES ('a%'),('%b')) u(p)), s NOT LIKE ALL (SELECT 'x'), s ~ ANY (SELECT '^b'), s ILIKE ANY (SELECT 'A%') FROM (VALUES ('ab'),('b'),(NULL)) t(s)",
        "SELECT s FROM (VALUES ('ab'),('b'),(NULL)) t(s) WHERE s LIKE ANY (SELECT p FROM (VALUES ('a%'),(NULL)) u(p))",
        "SELECT b, b > ANY (SELECT false), b >= ALL (SELECT c FROM (VALUES (true),(NULL)) u(c)) FROM (VALUES (true),(false),(NULL)) t(b)",
        "SELECT count(*), max(s) FROM (VALUES ('a')) t(s) GROUP BY s HAVING (s, count(*)) IN (SELECT 'a', 1)",
        "SELECT 1 AS a UNION ALL (SELECT 2 ORDER BY 1 LIMIT 1) UNION ALL SELECT 3 ORDER BY a DESC LIMIT 2",
    ]

    private static let pairs =
        "WITH t(id, a) AS (VALUES (1, 1), (2, 2), (3, NULL)), u(a, c) AS (VALUES (1, 7), (1, 9), (2, 4)) "
    private static let arrays =
        "WITH t(id, a, arr) AS (VALUES (1, 1, ARRAY[1, 2]), (2, 2, ARRAY[3]), (3, NULL, NULL)) "

    @Test("the same rows, names and errors", arguments: queries)
    func equal(sql: String) throws { try SetFunctionOracleTests.compare(sql) }
}

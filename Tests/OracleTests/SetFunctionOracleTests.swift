import Dataflow
import PostgresOracle
import SQL
import Testing

/// Functions that return sets, ties, row values, casts by call, collations and chains of unions, over constants, against PostgreSQL: the rows, the columns' names, and the SQLSTATE of
/// what it refuses. (As views over changing rows they are templates of ``AnalyticOracleTests``.)
///
/// It finds a function that is missing, wrong about NULL, empty values or other dimensions, or that names its columns otherwise, and a
/// place (list, FROM, LATERAL, ROWS FROM, WITH ORDINALITY) that treats one of them otherwise.
@Suite("Functions that return sets against PostgreSQL")
struct SetFunctionOracleTests {
    static let queries = [
        "SELECT * FROM unnest(ARRAY[1, 2, NULL])", "SELECT * FROM unnest(ARRAY[1, 2, NULL]) AS u",
        "SELECT u.u FROM unnest('{a,NULL,\"b c\"}'::text[]) AS u", "SELECT * FROM unnest('{}'::int[])",
        "SELECT * FROM unnest(NULL::int[])", "SELECT unnest(ARRAY[1.50, 2, 3.0])",
        "SELECT * FROM unnest(ARRAY[1, 2], ARRAY['a', 'b', 'c'])",
        "SELECT * FROM unnest(ARRAY[1, 2], ARRAY['a', 'b', 'c']) WITH ORDINALITY",
        "SELECT * FROM unnest(ARRAY[1, 2], ARRAY['a', 'b', 'c']) WITH ORDINALITY AS t(x, y, z)",
        "SELECT unnest(ARRAY[1, 2]), unnest(ARRAY['a', 'b', 'c'])", "SELECT unnest(ARRAY[true, false]) AS b ORDER BY b",
        "SELECT * FROM unnest(ARRAY['1 day'::interval, '2 hours'])",
        "SELECT * FROM unnest(ARRAY['a1b2c3d4-0000-4000-8000-000000000000'::uuid])",
        "SELECT * FROM unnest(ARRAY['2024-01-01'::date, 'infinity'])",
        "SELECT * FROM unnest(ARRAY['\\x01ff'::bytea, '\\x'])",
        "SELECT * FROM unnest(ARRAY['{\"a\": 1}'::jsonb, 'null'])",
        "SELECT unnest('{1,2}')", "SELECT * FROM unnest(1)", "SELECT unnest(ARRAY[1, 2], ARRAY[3])",
        "SELECT * FROM generate_subscripts('{a,b,c}'::text[], 1)",
        "SELECT * FROM generate_subscripts('{a,b,c}'::text[], 1, true) AS i",
        "SELECT * FROM generate_subscripts('{a,b,c}'::text[], 2)", "SELECT * FROM generate_subscripts('{}'::int[], 1)",
        "SELECT * FROM generate_subscripts(NULL::int[], 1)", "SELECT generate_subscripts(ARRAY[5, 6], 1) AS i",
        "SELECT * FROM jsonb_array_elements('[1, \"a\", null, {\"b\": [2]}, [3], 1.50, true]')",
        "SELECT * FROM jsonb_array_elements('[1, \"a\", null]') AS e", "SELECT jsonb_array_elements('[1, \"a\"]')",
        "SELECT * FROM jsonb_array_elements('[1, 2]') WITH ORDINALITY AS e(x, n)",
        "SELECT * FROM jsonb_array_elements('[]')", "SELECT * FROM jsonb_array_elements(NULL)",
        "SELECT * FROM jsonb_array_elements('{\"a\": 1}')", "SELECT * FROM jsonb_array_elements('1')",
        "SELECT jsonb_array_elements('\"x\"')",
        "SELECT * FROM jsonb_array_elements_text('[1, \"a \\\"q\\\"\", null, {\"b\": [2]}, [3], 1.50, true]')",
        "SELECT value FROM jsonb_array_elements_text('[\"x\", \"\"]') AS e",
        "SELECT * FROM jsonb_array_elements_text('{}')",
        "SELECT * FROM jsonb_each('{\"bb\": 1, \"a\": null, \"c\": {\"d\": []}, \"aa\": \"t\"}')",
        "SELECT * FROM jsonb_each('{\"b\": 1, \"a\": 2}') AS e(k, v)",
        "SELECT e.key FROM jsonb_each('{\"b\": 1, \"a\": 2}') WITH ORDINALITY AS e", "SELECT * FROM jsonb_each('{}')",
        "SELECT * FROM jsonb_each('[1]')", "SELECT * FROM jsonb_each('1')", "SELECT * FROM jsonb_each(NULL)",
        "SELECT * FROM jsonb_each_text('{\"bb\": 1.0, \"a\": null, \"c\": {\"d\": []}, \"aa\": \"t\"}')",
        "SELECT * FROM jsonb_each_text('[1]')", "SELECT jsonb_object_keys('{\"b\": 1, \"a\": 2, \"\": 3, \"ab\": 4}')",
        "SELECT * FROM jsonb_object_keys('{\"b\": 1}')", "SELECT * FROM jsonb_object_keys('{\"b\": 1}') AS k",
        "SELECT * FROM jsonb_object_keys('[1]')", "SELECT * FROM jsonb_object_keys('1')",
        "SELECT * FROM regexp_matches('foobarbequebaz', '(bar)(beque)')",
        "SELECT * FROM regexp_matches('foobarbequebazilbarfbonk', '(b[^b]+)(b[^b]+)', 'g')",
        "SELECT regexp_matches('abc', 'x')", "SELECT regexp_matches('aBc', '[A-Z]|c', 'g')",
        "SELECT regexp_matches('aBc', 'b', 'i') AS m", "SELECT regexp_matches('abc', '(x)?b')",
        "SELECT * FROM regexp_matches('abc', '', 'g')", "SELECT * FROM regexp_matches(NULL, 'a')",
        "SELECT * FROM regexp_matches('abc', '(')", "SELECT * FROM regexp_matches('abc', 'a', 'y')",
        "SELECT * FROM regexp_split_to_table('the quick  brown', '\\s+')",
        "SELECT * FROM regexp_split_to_table('the quick', '\\s*') AS p",
        "SELECT * FROM regexp_split_to_table('aXbxc', 'x', 'i')", "SELECT * FROM regexp_split_to_table('', 'x')",
        "SELECT * FROM regexp_split_to_table('abc', 'x', 'g')", "SELECT * FROM regexp_split_to_table(NULL, 'x')",
        "SELECT * FROM string_to_table('xx~^~yy~^~zz', '~^~', 'yy')", "SELECT * FROM string_to_table('a,b,,c', ',')",
        "SELECT string_to_table('abcä', NULL) AS c", "SELECT * FROM string_to_table('abc', '')",
        "SELECT * FROM string_to_table('', ',')", "SELECT * FROM string_to_table(NULL, ',')",
        "SELECT * FROM string_to_table('a,b', ',', NULL) WITH ORDINALITY",
        "SELECT * FROM jsonb_path_query('{\"a\": [1, 2, 3]}', '$.a[*] ? (@ > 1)')",
        "SELECT jsonb_path_query('{\"a\": [1, 2, 3]}', '$.a[*] ? (@ > $x)', '{\"x\": 2}') AS j",
        "SELECT * FROM jsonb_path_query('{\"a\": 1}', '$.b')", "SELECT * FROM jsonb_path_query('[1, 2]', '$[*]') AS p",
        "SELECT * FROM jsonb_path_query('{\"a\": \"x\"}', '$.a.double()')",
        "SELECT * FROM jsonb_path_query('{\"a\": \"x\"}', '$.a.double()', silent => true)",
        "SELECT * FROM jsonb_path_query('{\"a\": 1}', '$.')",
        "SELECT x, y FROM unnest(ARRAY['a,b', 'c']) AS x, LATERAL string_to_table(x, ',') AS y",
        "SELECT a.key, b.value FROM jsonb_each('{\"p\": [1, 2], \"q\": [3]}') AS a, jsonb_array_elements(a.value) AS b",
        "SELECT x, y FROM unnest(ARRAY[1, 2]) AS x LEFT JOIN LATERAL generate_series(2, x) AS y ON true",
        "SELECT * FROM ROWS FROM (unnest(ARRAY[1, 2]), jsonb_each('{\"a\": 5}'), string_to_table('x,y,z', ',')) WITH ORDINALITY",
        "SELECT sum(u) AS s FROM unnest(ARRAY[1, 2, NULL]) AS u",
        "SELECT array_agg(e ORDER BY e) AS a FROM string_to_table('b,a', ',') AS e",
        "SELECT 1 WHERE 2 IN (SELECT unnest(ARRAY[1, 2]))", "SELECT (SELECT count(*) FROM unnest(ARRAY[1, 2])) AS n",
        "SELECT * FROM unnest(ARRAY[3, 1, 2]) AS u ORDER BY u DESC LIMIT 2",
        "SELECT u FROM unnest(ARRAY[3, 1, 2, 2, 3]) AS u ORDER BY u FETCH FIRST 2 ROWS WITH TIES",
        "SELECT u FROM unnest(ARRAY[3, 1, 2, 2, 3]) AS u ORDER BY u OFFSET 1 FETCH FIRST ROW WITH TIES",
        "SELECT u FROM unnest(ARRAY[3, 1]) AS u ORDER BY u FETCH FIRST 0 ROWS WITH TIES",
        "SELECT u FROM unnest(ARRAY[3, 1]) AS u FETCH FIRST 1 ROWS WITH TIES",
        "SELECT (1, 2) < (1, 3), (1, NULL) < (2, 0), (1, NULL) < (1, 0), (2, NULL) <= (1, 0), (1, 2) = (1, NULL), (1, 2) <> (1, NULL)",
        "SELECT ROW(1, 'a') IN ((1, 'b'), (1, 'a')), (1, NULL) NOT IN ((2, 3)), (1, 2) BETWEEN (0, 9) AND (1, 2)",
        "SELECT (NULL, NULL) IS NULL, (1, NULL) IS NULL, (1, NULL) IS NOT NULL, (1, 2) IS NOT NULL",
        "SELECT (1, 2) = (1, 2, 3)", "SELECT (1, 2) < (1, 'x')", "SELECT (1, 2) IN ((1, 2, 3))",
        "SELECT 1 WHERE unnest(ARRAY[true])", "SELECT sum(unnest(ARRAY[1]))",
        "SELECT date('2024-01-02 03:04'::timestamp), text(12), int4('7'), int8(2.5), float8(1), numeric('1.5'), bool('t')",
        "SELECT pg_typeof(1), pg_typeof('a'), pg_typeof(array[1.5]), pg_typeof(now()), pg_typeof(NULL)",
        "SELECT s FROM (VALUES ('b'),('A'),('a')) t(s) ORDER BY s COLLATE \"C\"",
        "SELECT 'a' < 'B' COLLATE \"C\", ('a' COLLATE \"C\") || 'b'",
        "SELECT a FROM (VALUES (1)) t(a) UNION SELECT 2 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION SELECT 3 EXCEPT SELECT 1",
        "(SELECT 1 AS a UNION ALL SELECT 2 LIMIT 1) UNION ALL SELECT 3",
        "SELECT NULL UNION ALL SELECT NULL UNION ALL SELECT 1",
        "SELECT 'a' UNION ALL SELECT 'b' UNION ALL SELECT 'c'",
        "SELECT '1' UNION SELECT 2 UNION SELECT 3",
        "SELECT e FROM jsonb_object_keys('{\"b\": 1}') AS e WHERE e = 'b'",
        "SELECT a.b FROM (VALUES (1)) AS a(b) JOIN unnest(ARRAY[2]) AS b ON true",
    ]

    @Test("the same rows, names and errors", arguments: queries)
    func equal(sql: String) throws { try Self.compare(sql) }

    static func compare(_ sql: String) throws {
        let postgres = try PostgresOracle()
        let expected: String
        do throws(PostgresError) {
            let answer = try postgres.query(sql)
            expected =
                ([answer.columns.joined(separator: RowTexts.separator)]
                + RowTexts.rows(answer, ordered: sql.contains("ORDER BY")))
                .joined(separator: "\n")
        } catch {
            expected = "error \(error.sqlState)"
        }
        #expect(Self.ours(sql) == expected, "\(sql)")
    }

    static func ours(_ sql: String) -> String {
        do {
            guard let statement = try SQLCompiler.parse(sql).first,
                case .query(let plan, _) = try SQLCompiler.bind(statement, catalog: Catalog())
            else { return "not a query" }
            let result = try QueryRunner.run(plan, scans: [:])
            return
                ([result.columns.map(\.name).joined(separator: RowTexts.separator)]
                + RowTexts.rows(result.batches, ordered: sql.contains("ORDER BY"))).joined(separator: "\n")
        } catch let error as SQLError {
            return "error \(error.code)"
        } catch let error as QueryError {
            return "error \(error.code)"
        } catch {
            return "\(error)"
        }
    }
}

/// Query templates for both engines. `{t}` is a table, `{k}` a partition key, `{n}` and `{m}` small numbers.
enum AnalyticQueries {
    /// Ours, and PostgreSQL's where it differs.
    struct Template {
        var sql: String
        var oracle: String?

        init(_ sql: String, oracle: String? = nil) {
            self.sql = sql
            self.oracle = oracle
        }
    }

    static let templates: [Template] = ranks + frames + aggregates + windows + sets + subqueries

    static func make(_ index: Int, using rng: inout SeededGenerator) -> (sql: String, oracle: String) {
        let values = [
            "t": rng.pick(["grown", "keyed"]), "k": rng.pick(["k", "g", "b"]), "n": String(rng.below(4)),
            "m": String(1 + rng.below(3)), "u": rng.pick(["ROWS", "RANGE", "GROUPS"]),
            "x": rng.pick(["", "", " EXCLUDE CURRENT ROW", " EXCLUDE GROUP", " EXCLUDE TIES", " EXCLUDE NO OTHERS"]),
            "o": rng.pick(["v", "v DESC", "v NULLS FIRST", "v DESC NULLS LAST"]),
            // Which of 17 and 17.00 is the greatest is left open (docs/sql.md, difference 8).
            "a": rng.pick([
                "sum(v)", "count(*)", "count(n)", "min(v)", "max(trim_scale(n))", "avg(v)", "sum(n)", "max(g)",
                "sum(d)",
                "bool_or(b)",
                "count(*) FILTER (WHERE b)", "sum(v) FILTER (WHERE g <> 'a')",
            ]),
            "f": "{0.25,0.5,1}", "e": "{0,0.5}", "s": rng.pick(["1 second", "2 seconds", "5 seconds"]),
        ]
        func filled(_ text: String) -> String {
            var result = ""
            var rest = Substring(text)
            while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
                result += rest[..<open] + (values[String(rest[rest.index(after: open)..<close])] ?? "?")
                rest = rest[rest.index(after: close)...]
            }
            return result + rest
        }
        let template = templates[index]
        return (filled(template.sql), WindowRewrite.postgres(filled(template.oracle ?? template.sql)))
    }

    // MARK: window functions

    private static let ranks = [
        Template(
            "SELECT id, {k}, v, rank() OVER (PARTITION BY {k} ORDER BY {o}) AS r, dense_rank() OVER (PARTITION BY {k} ORDER BY {o}) AS dr FROM {t}"
        ),
        Template("SELECT id, row_number() OVER (PARTITION BY {k} ORDER BY {o}, id, ts) AS rn FROM {t}"),
        Template(
            "SELECT id, percent_rank() OVER w AS p, cume_dist() OVER w AS c FROM {t} WINDOW w AS (PARTITION BY {k} ORDER BY {o})"
        ),
        Template(
            "SELECT id, ts, ntile({m}) OVER (PARTITION BY {k} ORDER BY ts, id) AS q, v + ntile(3) OVER (ORDER BY id, ts) AS z FROM {t}"
        ),
        Template(
            "SELECT id, v, lag(v) OVER w AS a, lead(v, {n}) OVER w AS b, lag(g, {m}, 'none') OVER w AS c, lead(n, 2, 0.5) OVER w AS e FROM {t} WINDOW w AS (PARTITION BY {k} ORDER BY id, ts)"
        ),
        Template(
            "SELECT id, v - lag(v, 1, 0) OVER (ORDER BY id, ts) AS difference, rank() OVER (ORDER BY {o}) * 10 AS r FROM {t}"
        ),
        Template(
            "SELECT id, first_value(g) OVER w AS f, last_value(v) OVER w AS l, nth_value(v, {m}) OVER w AS h FROM {t} WINDOW w AS (PARTITION BY {k} ORDER BY id, ts ROWS BETWEEN {n} PRECEDING AND {m} FOLLOWING{x})"
        ),
        Template(
            "SELECT * FROM (SELECT id, k, v, rank() OVER (PARTITION BY k ORDER BY {o}) AS r FROM {t}) s WHERE r <= {m}"),
        Template(
            "SELECT * FROM (SELECT id, k, v, dense_rank() OVER (PARTITION BY k ORDER BY {o}) AS r FROM {t}) s WHERE r = {m} AND k > 0"
        ),
        Template(
            "SELECT k, count(*) AS c, rank() OVER (ORDER BY count(*) DESC) AS r, sum(sum(v)) OVER (ORDER BY count(*)) AS s FROM {t} GROUP BY k"
        ),
        Template("SELECT DISTINCT k, max(v) OVER (PARTITION BY k) AS m FROM {t}"),
        Template(
            "SELECT id, k, v FROM (SELECT id, k, v, rank() OVER (PARTITION BY k ORDER BY {o}) AS r FROM {t}) s WHERE r < {m}"
        ),
        Template(
            "SELECT id, r FROM (SELECT id, dense_rank() OVER (PARTITION BY {k} ORDER BY v DESC, b) AS r FROM {t}) s WHERE r <= {n}"
        ),
        Template("SELECT id, v FROM {t} ORDER BY {o} FETCH FIRST {m} ROWS WITH TIES"),
        Template(
            "SELECT g, max(v) AS v FROM {t} GROUP BY g ORDER BY 2 DESC, 1 OFFSET 1 FETCH FIRST {m} ROWS WITH TIES"),
        Template(
            "SELECT id, (k, v) < (2, {n}) AS l, (v, g, b) >= ({n}, 'a', true) AS m, (k, v) IS DISTINCT FROM (v, k) AS d, (k, g) IN ((1, 'a'), (2, NULL), (0, 'ab')) AS i FROM {t}"
        ),
        Template(
            "SELECT id FROM {t} WHERE (k, v) IN (SELECT k, v FROM keyed WHERE b) AND (g, n) = (g, n) AND (k, v) IS NOT NULL"
        ),
    ]

    private static let frames = [
        Template("SELECT id, {a} OVER (PARTITION BY {k} ORDER BY {o}) AS r FROM {t}"),
        Template("SELECT id, {a} OVER (PARTITION BY {k}) AS r, {a} OVER () AS q FROM {t}"),
        Template(
            "SELECT id, {a} OVER (PARTITION BY {k} ORDER BY id, ts ROWS BETWEEN {n} PRECEDING AND {m} FOLLOWING) AS r FROM {t}"
        ),
        Template(
            "SELECT id, {a} OVER (PARTITION BY {k} ORDER BY id, ts ROWS BETWEEN {m} PRECEDING AND CURRENT ROW{x}) AS r FROM {t}"
        ),
        Template(
            "SELECT id, {a} OVER (PARTITION BY {k} ORDER BY id, ts ROWS BETWEEN {m} FOLLOWING AND UNBOUNDED FOLLOWING{x}) AS r FROM {t}"
        ),
        Template(
            "SELECT id, {a} OVER (PARTITION BY {k} ORDER BY id, ts ROWS BETWEEN 3 PRECEDING AND {n} PRECEDING) AS r FROM {t}"
        ),
        Template(
            "SELECT id, {a} OVER (PARTITION BY {k} ORDER BY {o} RANGE BETWEEN {n} PRECEDING AND {m} FOLLOWING{x}) AS r FROM {t}"
        ),
        Template(
            "SELECT id, {a} OVER (PARTITION BY {k} ORDER BY ts RANGE BETWEEN INTERVAL '{s}' PRECEDING AND INTERVAL '500 ms' FOLLOWING) AS r FROM {t}"
        ),
        Template(
            "SELECT id, {a} OVER (PARTITION BY {k} ORDER BY n DESC RANGE BETWEEN 5.5 PRECEDING AND 2 FOLLOWING) AS r FROM {t}"
        ),
        Template(
            "SELECT id, {a} OVER (ORDER BY d RANGE BETWEEN 4.25 PRECEDING AND UNBOUNDED FOLLOWING{x}) AS r FROM {t}"),
        Template(
            "SELECT id, {a} OVER (PARTITION BY {k} ORDER BY {o} GROUPS BETWEEN {n} PRECEDING AND {m} FOLLOWING{x}) AS r FROM {t}"
        ),
        Template(
            "SELECT id, count(*) OVER (PARTITION BY {k} ORDER BY id, ts {u} BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING{x}) AS r, {a} OVER (w RANGE UNBOUNDED PRECEDING) AS q FROM {t} WINDOW w AS (PARTITION BY b ORDER BY g)"
        ),
        Template(
            "SELECT id, string_agg(g, '-') OVER (PARTITION BY {k} ORDER BY id, ts ROWS BETWEEN {m} PRECEDING AND {n} FOLLOWING) AS r FROM {t}"
        ),
    ]

    // MARK: aggregates

    private static let aggregates = [
        Template("SELECT {k}, bool_and(b) AS r_a, bool_or(b) AS r_o, every(v > 0) AS r_e FROM {t} GROUP BY {k}"),
        Template(
            "SELECT {k}, bit_and(v) AS r_a, bit_or(v) AS r_o, bit_xor(v) AS r_x, bit_xor(k) AS r_y FROM {t} GROUP BY {k}"
        ),
        Template(
            "SELECT {k}, string_agg(g, ',' ORDER BY g, id, ts) AS r_s, string_agg(DISTINCT g, '|') AS r_d, string_agg(g, v::text ORDER BY v DESC NULLS LAST, g, id) AS r_w FROM {t} GROUP BY {k}"
        ),
        Template(
            "SELECT {k}, variance(v) AS r_a, var_pop(v) AS r_b, stddev(v) AS r_c, stddev_pop(k) AS r_e FROM {t} GROUP BY {k}"
        ),
        Template(
            "SELECT {k}, var_samp(n) AS r_a, var_pop(n) AS r_b, stddev_samp(n) AS r_c, stddev_pop(n) AS r_e FROM {t} GROUP BY {k}"
        ),
        Template(
            "SELECT {k}, var_samp(d) AS r_a, var_pop(d) AS r_b, stddev_samp(d) AS r_c, stddev_pop(DISTINCT d) AS r_e FROM {t} GROUP BY {k}"
        ),
        Template(
            "SELECT {k}, corr(d, v) AS r_a, covar_pop(d, v) AS r_b, covar_samp(d, n) AS r_c, regr_count(d, v) AS r_e, regr_r2(d, v) AS r_f FROM {t} GROUP BY {k}"
        ),
        Template(
            "SELECT {k}, regr_slope(d, v) AS r_a, regr_intercept(d, v) AS r_b, regr_sxx(d, v) AS r_c, regr_sxy(d, v) AS r_e, regr_syy(d, v) AS r_f, regr_avgx(d, v) AS r_x, regr_avgy(d, v) AS r_y FROM {t} GROUP BY {k}"
        ),
        Template(
            "SELECT {k}, percentile_cont(0.{m}) WITHIN GROUP (ORDER BY v) AS r_a, percentile_disc(0.5) WITHIN GROUP (ORDER BY v DESC) AS r_b, percentile_disc(1) WITHIN GROUP (ORDER BY g) AS r_c FROM {t} GROUP BY {k}"
        ),
        Template(
            "SELECT {k}, mode() WITHIN GROUP (ORDER BY v) AS r_a, mode() WITHIN GROUP (ORDER BY g DESC) FILTER (WHERE b) AS r_b, percentile_cont(0.5) WITHIN GROUP (ORDER BY d) AS r_c FROM {t} GROUP BY {k}"
        ),
        Template(
            "SELECT {k}, first_value(v ORDER BY id, ts) AS r_f, last_value(g ORDER BY id, ts) AS r_l FROM {t} GROUP BY {k}",
            oracle:
                "SELECT {k}, (array_agg(v ORDER BY id, ts))[1] AS r_f, (array_agg(g ORDER BY id DESC, ts DESC))[1] AS r_l FROM {t} GROUP BY {k}"
        ),
        Template(
            "SELECT {k}, approx_count_distinct(v) AS r_a, count(DISTINCT g) FILTER (WHERE v > 0) AS r_b, sum(DISTINCT v) AS r_c FROM {t} GROUP BY {k}",
            oracle:
                "SELECT {k}, count(DISTINCT v) AS r_a, count(DISTINCT g) FILTER (WHERE v > 0) AS r_b, sum(DISTINCT v) AS r_c FROM {t} GROUP BY {k}"
        ),
        Template(
            "SELECT {k}, array_agg(v ORDER BY v, id) AS r_a, array_agg(DISTINCT g) AS r_b, array_agg(b ORDER BY id, ts) FILTER (WHERE v > 0) AS r_c, array_agg(ts ORDER BY ts DESC) AS r_d FROM {t} GROUP BY {k}"
        ),
        Template(
            "SELECT {k}, jsonb_agg(v ORDER BY id, ts) AS r_a, jsonb_agg(n ORDER BY n, id) AS r_b, jsonb_agg(ts ORDER BY ts) AS r_c, jsonb_object_agg(id, g) AS r_d, jsonb_agg(d ORDER BY id, ts) AS r_e, jsonb_agg(b ORDER BY b) AS r_f FROM {t} GROUP BY {k}"
        ),
        Template(
            "SELECT {k}, avg(d::real) AS r_a, min(ts::date) AS r_b, max(ts::time) AS r_c, stddev(d::real) AS r_d, min(ts::timestamptz) AS r_e FROM {t} GROUP BY {k}"
        ),
        Template(
            "SELECT id, array_agg(v) OVER w AS r, jsonb_agg(g) OVER w AS j FROM {t} WINDOW w AS (PARTITION BY {k} ORDER BY id, ts ROWS BETWEEN 2 PRECEDING AND {n} FOLLOWING)"
        ),
        Template(
            "SELECT sum(i) AS s, max(i) AS m, percentile_cont(0.25) WITHIN GROUP (ORDER BY v * INTERVAL '1 hour') AS r_p FROM (SELECT v, v * INTERVAL '90 minutes' AS i FROM {t}) s"
        ),
    ]

    // MARK: windows

    private static let gaps = "(SELECT *, lag(ts) OVER (PARTITION BY {k} ORDER BY ts, id) AS prev FROM {t})"
    private static let numbered =
        "(SELECT *, sum(CASE WHEN ts - prev <= INTERVAL '{s}' THEN 0 ELSE 1 END) OVER (PARTITION BY {k} ORDER BY ts, id) AS number FROM \(gaps) p)"
    private static let sessions =
        "(SELECT id, k, g, v, n, d, b, ts, min(ts) OVER s AS window_start, max(ts) OVER s + INTERVAL '{s}' AS window_end FROM \(numbered) q WINDOW s AS (PARTITION BY {k}, number))"

    private static let windows = [
        Template(
            "SELECT id, window_start, window_end FROM tumble((SELECT id, ts::timestamptz AS z FROM {t}), z, INTERVAL '{s}')",
            oracle:
                "SELECT id, w AS window_start, w + INTERVAL '{s}' AS window_end FROM (SELECT id, date_bin(INTERVAL '{s}', ts::timestamptz, '1970-01-01 00:00+00'::timestamptz) AS w FROM {t}) x"
        ),
        Template(
            "SELECT window_start, window_end, count(*) AS c, sum(v) AS s FROM tumble((SELECT v, ts::timestamptz AS z FROM {t}), z, INTERVAL '{s}') GROUP BY window_start, window_end",
            oracle:
                "SELECT w, w + INTERVAL '{s}', count(*), sum(v) FROM (SELECT v, date_bin(INTERVAL '{s}', ts::timestamptz, '1970-01-01 00:00+00'::timestamptz) AS w FROM {t}) x GROUP BY w"
        ),
        Template(
            "SELECT window_start, window_end, count(*) AS c FROM hop((SELECT ts::timestamptz AS z FROM {t}), z, INTERVAL '2 seconds', INTERVAL '6 seconds') GROUP BY window_start, window_end",
            oracle:
                "SELECT window_start::timestamptz, window_end::timestamptz, c FROM (SELECT window_start, window_end, count(*) AS c FROM hop({t}, ts, INTERVAL '2 seconds', INTERVAL '6 seconds') GROUP BY window_start, window_end) AS x"
        ),
        Template(
            "SELECT {k}, window_start, window_end, count(*) AS c FROM session((SELECT k, g, b, ts::timestamptz AS z FROM {t}) PARTITION BY {k}, z, INTERVAL '{s}') GROUP BY {k}, window_start, window_end",
            oracle:
                "SELECT {k}, window_start::timestamptz, window_end::timestamptz, count(*) AS c FROM \(sessions) r GROUP BY {k}, window_start, window_end"
        ),
        Template(
            "SELECT id, ts, window_start, window_end FROM session({t} PARTITION BY {k}, ts, INTERVAL '{s}')",
            oracle: "SELECT id, ts, window_start, window_end FROM \(sessions) r"),
        Template(
            "SELECT {k}, window_start, window_end, count(*) AS c, sum(v) AS s FROM session({t} PARTITION BY {k}, ts, INTERVAL '{s}') GROUP BY {k}, window_start, window_end",
            oracle:
                "SELECT {k}, window_start, window_end, count(*) AS c, sum(v) AS s FROM \(sessions) r GROUP BY {k}, window_start, window_end"
        ),
        Template(
            "SELECT {k}, window_start, max(v) AS s FROM session({t} PARTITION BY {k}, ts, INTERVAL '{s}') GROUP BY {k}, window_start",
            oracle: "SELECT {k}, window_start, max(v) AS s FROM \(sessions) r GROUP BY {k}, window_start"),
        Template(
            "SELECT {k}, window_end, count(*) AS c FROM session({t} PARTITION BY {k}, ts, INTERVAL '{s}') WHERE v > 0 GROUP BY {k}, window_start, window_end",
            oracle:
                "SELECT {k}, window_end, count(*) AS c FROM \(sessions) r WHERE v > 0 GROUP BY {k}, window_start, window_end"
        ),
        Template(
            "SELECT window_start, window_end, count(*) AS c, sum(v) AS s, min(g) AS g FROM hop({t}, ts, INTERVAL '{m} seconds', INTERVAL '5 seconds') GROUP BY window_start, window_end"
        ),
        Template(
            "SELECT {k}, window_start, window_end, max(v) AS c FROM hop({t}, ts, INTERVAL '2 seconds', INTERVAL '6 seconds') WHERE v > 0 GROUP BY {k}, window_start, window_end"
        ),
        Template(
            "SELECT window_start, id, rank() OVER (PARTITION BY window_start ORDER BY {o}) AS r FROM tumble({t}, ts, INTERVAL '{s}')"
        ),
        Template(
            "SELECT window_start, window_end, count(*) AS c FROM tumble({t}, ts, INTERVAL '{s}', INTERVAL '300 ms') GROUP BY window_start, window_end",
            oracle:
                "SELECT date_bin(INTERVAL '{s}', ts, TIMESTAMP '1970-01-01 00:00:00.3') AS window_start, date_bin(INTERVAL '{s}', ts, TIMESTAMP '1970-01-01 00:00:00.3') + INTERVAL '{s}' AS window_end, count(*) AS c FROM {t} GROUP BY 1, 2"
        ),
    ]

    // MARK: sets

    private static let sets = [
        Template("SELECT id, x FROM {t}, generate_series(1, v) AS x"),
        Template(
            "SELECT id, x, ordinality FROM {t} CROSS JOIN LATERAL generate_series(v, v + k, {m}) WITH ORDINALITY AS s(x, ordinality) WHERE x > 0"
        ),
        Template("SELECT id, generate_series(1, k) AS x, generate_series(v, 0, -{m}) AS y FROM {t}"),
        Template("SELECT x, count(*) AS c FROM {t} JOIN generate_series(0, {m}) AS x ON k = x GROUP BY x"),
        Template("SELECT id, x FROM {t}, generate_series(ts, ts + INTERVAL '{s}', INTERVAL '700 ms') AS x"),
        Template(
            "SELECT id, x, y, ordinality FROM {t}, ROWS FROM (generate_series(1, k), generate_series(1.5, n, 3)) WITH ORDINALITY AS s(x, y)"
        ),
        Template("SELECT id, u FROM {t}, unnest(ARRAY[v, k, NULL]) AS u"),
        Template(
            "SELECT id, x, y, ordinality FROM {t} CROSS JOIN LATERAL unnest(ARRAY[g, 'x'], ARRAY[n, v, k]) WITH ORDINALITY AS s(x, y)"
        ),
        Template("SELECT id, unnest(ARRAY[b, NOT b]) AS u, generate_series(1, k) AS x FROM {t}"),
        Template(
            "SELECT value, count(*) AS c FROM {t}, jsonb_array_elements(jsonb_build_array(v, g, b, NULL)) AS e GROUP BY value"
        ),
        Template(
            "SELECT id, value FROM {t}, jsonb_array_elements_text(jsonb_build_array(v, g, b, n, jsonb_build_object('k', k)))"
        ),
        Template(
            "SELECT id, key, value FROM {t}, jsonb_each(jsonb_build_object('v', v, 'g', g, 'long', jsonb_build_array(k)))"
        ),
        Template(
            "SELECT id, s.key, s.value FROM {t} LEFT JOIN LATERAL jsonb_each_text(CASE WHEN k > {m} THEN NULL ELSE jsonb_build_object('b', b, 'd', k) END) AS s ON true"
        ),
        Template("SELECT id, jsonb_object_keys(jsonb_build_object(coalesce(g, 'none'), k, 'z', v)) AS o FROM {t}"),
        Template(
            "SELECT id, m, x FROM {t}, regexp_matches(g || k::text, '([a-z])|(\\d)', 'g') WITH ORDINALITY AS r(m, x)"),
        Template("SELECT id, regexp_matches(g, '^a(b?)') AS m FROM {t}"),
        Template(
            "SELECT id, p FROM {t}, regexp_split_to_table(g || ',' || v::text || ';' || coalesce(k::text, ''), '[,;]+') AS p"
        ),
        Template("SELECT p, count(*) AS c FROM {t}, string_to_table(g || 'b' || v::text, 'b', '') AS p GROUP BY p"),
        Template("SELECT id, string_to_table(g, NULL) AS c FROM {t}"),
        Template(
            "SELECT id, i, (ARRAY[v, k, 7])[i] AS e FROM {t}, generate_subscripts(ARRAY[v, k, 7], 1, b) AS i"),
        Template(
            "SELECT id, j FROM {t}, jsonb_path_query(jsonb_build_object('a', jsonb_build_array(v, k, {n})), '$.a[*] ? (@ > {m})') AS j"
        ),
    ]

    // MARK: sub-queries

    private static let subqueries = [
        Template(
            "SELECT id, rank() OVER (PARTITION BY {k} ORDER BY (SELECT count(*) FROM keyed u WHERE u.k = {t}.k AND u.v > {n})) AS r FROM {t}"
        ),
        Template(
            "SELECT id, sum((SELECT max(v) FROM keyed u WHERE u.g = {t}.g)) OVER (PARTITION BY k IN (SELECT k FROM keyed WHERE b)) AS s FROM {t}"
        ),
        Template(
            "SELECT k, rank() OVER (ORDER BY (SELECT max(v) FROM keyed u WHERE u.k = {t}.k), count(*)) AS r FROM {t} GROUP BY k"
        ),
        Template(
            "SELECT id, (SELECT sum(x) FROM unnest(ARRAY[k::bigint, v]) AS x WHERE x > {n}) AS s, EXISTS (SELECT 1 FROM generate_series(1, k) AS y WHERE y = v) AS e FROM {t}"
        ),
        Template(
            "SELECT id, m, c FROM {t}, LATERAL (SELECT max(x) AS m, count(*) AS c FROM generate_series({n}, v) AS x) AS q"
        ),
        Template(
            "SELECT id, x, y FROM {t} LEFT JOIN LATERAL unnest(ARRAY[k::bigint, v]) WITH ORDINALITY AS u(x, y) ON x > {n}"
        ),
        Template("SELECT id, x FROM {t} CROSS JOIN LATERAL (VALUES (v), (k::bigint), (NULL)) AS q(x)"),
        Template(
            "SELECT id, e->>'k' AS e FROM {t}, jsonb_array_elements(jsonb_build_array(jsonb_build_object('k', k), v)) AS e WHERE EXISTS (SELECT 1 FROM jsonb_each_text(jsonb_build_object('g', g)) AS p WHERE p.value = 'a') OR e = '2'"
        ),
        Template(
            "SELECT id, (SELECT max(c) FROM (SELECT u.v, count(*) AS c FROM keyed u WHERE u.k = {t}.k GROUP BY ROLLUP (u.v)) AS q) AS m FROM {t}"
        ),
        Template(
            "SELECT id, q.g, c FROM {t}, LATERAL (SELECT u.g, count(*) AS c FROM keyed u WHERE u.k = {t}.k GROUP BY CUBE (u.g)) AS q"
        ),
        Template(
            "SELECT id, (SELECT max(r) FROM (SELECT rank() OVER (ORDER BY u.v) AS r FROM keyed u WHERE u.k = {t}.k) AS q) AS m FROM {t}"
        ),
        Template(
            "SELECT id, CASE WHEN 1 = (SELECT count(*) FROM keyed u WHERE u.k = {t}.k) THEN (SELECT u.v FROM keyed u WHERE u.k = {t}.k) ELSE -1 END AS s FROM {t}"
        ),
        Template(
            "SELECT id, (SELECT 10 / nullif(u.v, 0) + {n} FROM keyed u WHERE u.id = {t}.v) AS s, (SELECT 100 + count(*) FROM keyed u WHERE u.k = {t}.k) AS c FROM {t}"
        ),
        Template("SELECT unnest(ARRAY[k::bigint, v]) AS x, count(*) AS c FROM {t} GROUP BY 1"),
        Template(
            "SELECT id, ARRAY(SELECT u.v FROM keyed u WHERE u.k = {t}.k AND u.v > {n} ORDER BY u.v DESC, u.id) AS l FROM {t}"
        ),
        Template(
            "SELECT id, g LIKE ANY (SELECT u.g || '%' FROM keyed u WHERE u.k = {t}.k) AS l, (k, g) NOT IN (SELECT u.k, u.g FROM keyed u WHERE u.k = {t}.k) AS i FROM {t}"
        ),
        Template("SELECT id, rank() OVER (PARTITION BY {k} ORDER BY generate_series(1, k)) AS r FROM {t}"),
        Template("SELECT (SELECT max(u.v) FROM keyed u WHERE u.k = {t}.k) AS m, count(*) AS c FROM {t} GROUP BY 1"),
        Template(
            "SELECT {t}.id, u.id AS uid FROM {t} LEFT JOIN keyed u ON u.k = {t}.k AND {t}.v IN (SELECT w.v FROM keyed w WHERE w.k = u.v)"
        ),
        Template(
            "SELECT {t}.id, u.id AS uid FROM {t} FULL JOIN keyed u ON u.k = {t}.k AND EXISTS (SELECT 1 FROM keyed w WHERE w.v = {t}.v AND w.k = u.k)"
        ),
        Template(
            "SELECT id, v FROM {t} ORDER BY {o}, id LIMIT (SELECT count(*) / 2 FROM keyed) OFFSET (SELECT count(*) FROM keyed WHERE v = {n})"
        ),
        Template(
            "SELECT id, v FROM {t} ORDER BY {o} FETCH FIRST (SELECT count(*) FROM keyed WHERE b) ROWS WITH TIES"
        ),
        Template(
            "SELECT k, (SELECT sum({t}.v) + max(u.v) FROM keyed u WHERE u.k = {t}.k) AS s FROM {t} GROUP BY k HAVING EXISTS (SELECT 1 FROM keyed u WHERE u.k = {t}.k AND u.v > min({t}.v))"
        ),
        Template(
            "SELECT {t}.id, count(u) AS c, count(DISTINCT u) AS d, jsonb_agg(u ORDER BY u.id) AS j FROM {t} LEFT JOIN keyed u ON u.k = {t}.k AND u.v > {n} GROUP BY {t}.id"
        ),
        Template(
            "SELECT u.id, u = w AS s, u IS DISTINCT FROM w AS d, u IS NULL AS n, to_jsonb(w) AS j FROM keyed u LEFT JOIN keyed w ON w.id = u.k"
        ),
        Template(
            "SELECT id, rank() OVER (PARTITION BY {k} ORDER BY {o}) IN (SELECT u.v FROM keyed u WHERE u.k = {t}.k) AS i, lag(v) OVER (ORDER BY id) > ALL (SELECT u.v FROM keyed u WHERE u.b) AS a FROM {t}"
        ),
    ]
}

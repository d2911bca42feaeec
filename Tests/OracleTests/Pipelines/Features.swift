/// What pipelines must exercise: a generator that lost one of them would let its defects pass.
enum Features {
    static let all: [String] = operators + joins + conditions + windows + aggregates

    static let operators = [
        "projection", "group by", "global aggregate", "having", "rollup", "cube", "grouping sets", "grouping()",
        "filter clause", "distinct", "distinct on", "limit", "offset", "union", "union all", "intersect",
        "intersect all",
        "except", "except all", "tumble", "hop", "values", "generate_series",
        "sub-query in FROM", "view on view", "ad-hoc query", "top-n by row_number", "top-n by rank",
        "top-n by dense_rank",
    ]

    static let joins = [
        "join", "left join", "right join", "full join", "join on two keys", "join with a condition",
        "left join with a condition", "right join with a condition", "cross join with one row",
    ]

    static let conditions =
        ["exists", "not exists", "in", "not in"].flatMap { [$0, "correlated \($0)"] }
        + ["< any", ">= any", "= any", "<> any", "< all", ">= all", "= all", "<> all"]
        + [
            "scalar sub-query in where", "scalar sub-query in the list", "exists or", "and", "or", "is null", "in list",
            "between", "is distinct from", "like", "=", "<>", "<", "<=", ">", ">=", "case", "coalesce", "nullif",
        ]

    static let windows =
        [
            "row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "lag", "lead", "first_value",
            "last_value", "nth_value", "count", "sum", "avg", "min", "max",
        ].map { "over \($0)" } + ["frame rows", "frame range", "frame groups", "exclude"]

    static let aggregates =
        [
            "count", "sum", "avg", "min", "max", "bool_and", "bool_or", "every", "stddev", "variance", "stddev_pop",
            "stddev_samp", "var_pop", "var_samp", "string_agg", "array_agg", "jsonb_agg", "jsonb_object_agg",
            "percentile_cont", "percentile_disc", "mode",
        ].map { "aggregate \($0)" } + ["count distinct", "sum distinct", "avg distinct"]
}

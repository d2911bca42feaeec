#!/usr/bin/env python3
"""The NDJSON job as one DuckDB query over the files: duckdb_job.py DIR. Prints the number of groups and the sum of their totals."""

import sys

import duckdb

connection = duckdb.connect(config={"threads": 2})
groups, total = connection.execute(
    """
    SELECT count(*), sum(total) FROM (
        SELECT ts // 10000 AS w, item, count(*) AS events, sum(amount) AS total
        FROM read_json(?, format = 'newline_delimited', columns = {user: 'BIGINT', item: 'BIGINT', amount: 'DOUBLE', ts: 'BIGINT'})
        WHERE amount > 10 GROUP BY ALL)
    """, [sys.argv[1] + "/*.json"]).fetchone()
print(f"{groups} groups, {total:.2f}")

#!/usr/bin/env python3
"""What many keys, one hot key and retractions cost each operator: whole-process CPU per event.

  bench/degrade.py [--events 24000000] [--keys 10000 10000000] [--only group-by …]

Three tables:
  many keys    each operator with few and with many live keys; at most 3 times the CPU per event. The operator's own share is what is
               left without the same pipeline that does not have it
  a hot key    half of all events on one key, 2 workers, against an even spread; at least 0.8 of the events a second for aggregates,
               0.5 for joins and top-n
  retraction   all rows inserted, then all deleted again; at most 2.5 times the CPU of inserting, and memory as before: a second
               after the last answer the resident memory is at most 1.2 times what it was before the first row
"""

import argparse
import os
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "bench"))
sys.path.insert(0, os.path.join(ROOT, "chaos"))

import importlib.machinery  # noqa: E402
import importlib.util  # noqa: E402

loader = importlib.machinery.SourceFileLoader("bench_run", os.path.join(ROOT, "bench", "run"))
run = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench_run", loader))
loader.exec_module(run)

from node import Node, free_port  # noqa: E402

# Records of both partitions numbered through; each is an event, nine in ten of which are bids.
NUMBER = "(_offset * 2 + _partition)"
# {k} is the key of a bid.
OPERATORS = {
    "group-by": "SELECT {k} AS k, count(*) AS n, sum(price) AS total FROM bid GROUP BY {k}",
    "distinct": "SELECT DISTINCT {k} AS k FROM bid",
    "join": "SELECT b.price, s.k FROM (SELECT {k} AS k, price FROM bid) AS b JOIN side AS s ON b.k = s.k",
    "top-n": "SELECT k, price FROM (SELECT k, price, row_number() OVER (PARTITION BY k ORDER BY price DESC, n) AS place "
             "FROM (SELECT {k} AS k, price, {n} AS n FROM bid) AS keyed) AS ranked WHERE place <= 3",
    "session": "SELECT k, window_start, count(*) AS n FROM session((SELECT {k} AS k, date_time FROM bid) PARTITION BY k, date_time, "
               "INTERVAL '10 seconds') GROUP BY k, window_start",
}
# The same pipeline without the operator.
WITHOUT = "SELECT {k} AS k, price FROM bid"
# One call makes a million rows at most.
SIDE = ("CREATE VIEW side AS SELECT s.k FROM generate_series(0, {last} / 1000000) AS a (i), "
        "generate_series(a.i * 1000000, least(a.i * 1000000 + 999999, {last})) AS s (k);\n")
LIMITS = {"keys": 3.0, "retract": 2.5, "memory": 1.2}
HOT_LEAST = {"group-by": 0.8, "distinct": 0.8, "session": 0.8, "join": 0.5, "top-n": 0.5}
RETRACTED_ROWS = 1_000_000
BATCH_ROWS = 10_000
SETTLED_SECONDS = 1
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


def pipeline(operator, key, keys, events, body=None):
    with open(os.path.join(run.NEXMARK, "sources.sql"), encoding="utf-8") as handle:
        sql = handle.read().replace("{events}", str(events))
    if operator == "join":
        sql += SIDE.format(last=keys - 1)
    body = (body or OPERATORS[operator]).replace("{k}", key).replace("{n}", NUMBER)
    return sql + f"CREATE VIEW job AS {body};\nCREATE SINK out FROM job WITH (connector = 'blackhole');\n"


def many_keys(operators, keys, events):
    rows, worst = [], 0
    for operator in operators:
        cells, costs = [operator], []
        for count in keys:
            key = f"{NUMBER} % {count}"
            summary, _, cpu, peak = run.run_pipeline(pipeline(operator, key, count, events), run.WORKERS)
            system = run.last_usage.ru_stime / cpu
            _, _, without, _ = run.run_pipeline(pipeline(operator, key, count, events, WITHOUT), run.WORKERS)
            costs.append(cpu / events * 1e9)
            cells += [f"{costs[-1]:,.0f}", f"{max(0, cpu - without) / events * 1e9:,.0f}", f"{system:.0%}", f"{peak:,.0f}",
                      f"{summary['sinks'][0]['rows']:,}"]
        rows.append(cells + [f"{costs[-1] / costs[0]:.2f}x"])
        worst = max(worst, costs[-1] / costs[0])
    header = ["operator"]
    for count in keys:
        header += [f"{count:,} keys: ns/event", "its own", "in the kernel", "MB", "rows"]
    run.table(f"Many keys, {events / 1e6:.0f} M events, {run.WORKERS} workers (to reach: {LIMITS['keys']}x)", header + ["ratio"], rows)
    return worst <= LIMITS["keys"]


def hot_key(operators, keys, events):
    rows, good = [], True
    for operator in operators:
        speeds = []
        for key in (f"{NUMBER} % {keys}", f"CASE WHEN {NUMBER} % 2 = 0 THEN 0 ELSE {NUMBER} % {keys} END"):
            _, wall, _, _ = run.run_pipeline(pipeline(operator, key, keys, events), run.WORKERS)
            speeds.append(events / wall)
        share = speeds[1] / speeds[0]
        good = good and share >= HOT_LEAST[operator]
        rows.append([operator, run.thousands(speeds[0]), run.thousands(speeds[1]), f"{share:.2f}", f"{HOT_LEAST[operator]}"])
    run.table(f"Half of all events on one key, {keys:,} keys, {events / 1e6:.0f} M events", ["operator", "even, events/s", "hot, events/s",
              "share", "to reach"], rows)
    return good


def cpu_and_memory(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as handle:
        fields = handle.read().rsplit(")", 1)[1].split()
    with open(f"/proc/{pid}/status", encoding="ascii") as handle:
        memory = next(line for line in handle if line.startswith("VmRSS"))
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS, int(memory.split()[1]) / 1024


VIEWS = {
    "group-by": "SELECT k, count(*) AS n, sum(v) AS total FROM rows GROUP BY k",
    "distinct": "SELECT DISTINCT k FROM rows",
    "join": "SELECT a.id, b.v FROM rows AS a JOIN rows AS b ON a.id = b.id",
    "top-n": "SELECT k, v FROM (SELECT k, v, row_number() OVER (PARTITION BY k ORDER BY v DESC, id) AS place FROM rows) AS r WHERE place <= 3",
    "session": "SELECT k, window_start, count(*) AS n FROM session(rows PARTITION BY k, at, INTERVAL '10 seconds') GROUP BY k, window_start",
}


def push(node, rows_count, first, last, deleted):
    """Appends the rows of these numbers, or their deletions, and returns the count that the view shows then."""
    for start in range(first, last, BATCH_ROWS):
        token = node.append("rows", [
            {"id": number, "_deleted": True} if deleted else
            {"id": number, "k": number % (rows_count // 4), "v": number * 7919 % 1000003, "at": number * 10}
            for number in range(start, min(start + BATCH_ROWS, last))])["token"]
    return node.sql("SELECT n FROM job", after=token)[0]["n"]


def retraction(operators, rows_count):
    table, good = [], True
    for operator in operators:
        with tempfile.TemporaryDirectory(prefix="dataprism-degrade-") as folder:
            job = os.path.join(folder, "job.sql")
            with open(job, "w", encoding="utf-8") as handle:
                handle.write("CREATE TABLE rows (id bigint PRIMARY KEY, k bigint, v bigint, at timestamp) WITH (connector = 'http', partitions = 2);\n"
                             f"CREATE MATERIALIZED VIEW job AS SELECT count(*) AS n FROM ({VIEWS[operator]}) AS j;\n")
            node = Node(os.path.join(folder, "data"), job, port=free_port(), workers=run.WORKERS).start()
            try:
                time.sleep(SETTLED_SECONDS)
                phases = [cpu_and_memory(node.process.pid)]
                for deleted in (False, True):
                    left = push(node, rows_count, 0, rows_count, deleted)
                    if deleted and left != 0:
                        sys.exit(f"degrade: {operator}: {left} rows are left after everything was deleted")
                    time.sleep(SETTLED_SECONDS)
                    phases.append(cpu_and_memory(node.process.pid))
            finally:
                node.stop()
        inserting, both = phases[1][0] - phases[0][0], phases[2][0] - phases[0][0]
        grown = phases[2][1] / phases[0][1]
        good = good and both / inserting <= LIMITS["retract"] and grown <= LIMITS["memory"]
        table.append([operator, f"{inserting:.2f}", f"{both:.2f}", f"{both / inserting:.2f}x"] +
                     [f"{phase[1]:,.0f}" for phase in phases] + [f"{grown:.2f}x"])
    run.table(f"{rows_count / 1e6:.0f} M rows inserted, then deleted (to reach: {LIMITS['retract']}x, memory {LIMITS['memory']}x)",
              ["operator", "inserting, CPU s", "and deleting", "ratio", "MB before", "with rows", "after", "ratio"], table)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=24_000_000)
    parser.add_argument("--keys", type=int, nargs=2, default=[10_000, 10_000_000])
    parser.add_argument("--only", nargs="*", choices=list(OPERATORS), help="these operators")
    parser.add_argument("--tables", nargs="*", choices=["keys", "hot", "retraction"], default=["keys", "hot", "retraction"])
    arguments = parser.parse_args()
    operators = arguments.only or list(OPERATORS)
    good = True
    if "keys" in arguments.tables:
        good = many_keys(operators, arguments.keys, arguments.events) and good
    if "hot" in arguments.tables:
        good = hot_key(operators, arguments.keys[0], arguments.events // 4) and good
    if "retraction" in arguments.tables:
        good = retraction(operators, RETRACTED_ROWS) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

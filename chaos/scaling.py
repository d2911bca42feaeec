#!/usr/bin/env python3
"""What it costs that two workers are two processes: the throughput and CPU of 2 nodes × 1 worker against 1 node × 2 workers, for Nexmark's q3
and q7 and the NDJSON job.

  chaos/scaling.py [--scale 1] [--runs 3]

Counted are the rows that crossed the wire, and their share of all that were exchanged before the join or aggregate, their bytes, and what a row costs
on the wire: coding alone, and all that the two nodes need more CPU than the one, whose exchange is in memory.
"""

import argparse
import json
import os
import random
import re
import statistics
import tempfile
import time

from cluster import until
from figures import cpu_seconds
from live import Live

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def text(*path):
    with open(os.path.join(ROOT, "bench", *path), encoding="utf-8") as handle:
        return handle.read()


def ndjson(folder, events):
    generator = random.Random(1)
    for part in range(2):
        with open(os.path.join(folder, f"part-{part}.ndjson"), "w", encoding="utf-8") as out:
            for number in range(part, events, 2):
                seconds = number // 1000
                out.write(f'{{"item":{generator.randrange(10_000)},"amount":{generator.random() * 100:.2f},'
                          f'"ts":"2026-01-01 {seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"}}\n')


def metrics(member):
    found = {}
    for line in member.request("GET", "/metrics")[2].decode().splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            found[name.removeprefix("dataprism_")] = float(value)
    return found


def run(sql, nodes, workers, records=0):
    """A run's figures: seconds, CPU seconds, rows and bytes sent to the other node, nanoseconds of coding; and rows exchanged in all.

    It ends when what is known of the sources is covered, and so many records: how many a file has shows only when it was read.
    """
    with Live("scaling", nodes, 1, pipeline=None, workers=workers) as live:
        before = sum(cpu_seconds(member.pid) for member in live.alive)
        began = time.monotonic()
        live.alive[0].sql(sql)

        def is_done():
            status = json.loads(live.alive[0].request("GET", "/status")[2])
            sources = status["sources"].values()
            return sources and all(s["lag"] == 0 and s["counters"]["read"] >= max(1, records) for s in sources)
        until("all events to be covered", 600, is_done)
        figures = {"seconds": time.monotonic() - began, "cpu": sum(cpu_seconds(member.pid) for member in live.alive) - before}
        sums = [metrics(member) for member in live.alive]
        for key, name in (("rows", 'exchange_rows_total{direction="sent"}'), ("bytes", 'exchange_bytes_total{direction="sent"}'),
                          ("coding", "exchange_coding_nanoseconds_total")):
            figures[key] = sum(found.get(name, 0) for found in sums)
        if "MATERIALIZED" in sql:
            view = re.search(r"CREATE MATERIALIZED VIEW (\w+)", sql)[1]
            plan = json.dumps(live.alive[0].sql(f"EXPLAIN ANALYZE SELECT * FROM {view} LIMIT 1"))
            found = re.findall(r"exchange: rows in [0-9]+, out ([0-9]+)", plan)
            if not found:
                live.fail(f"no exchange in {plan}")
            figures["exchanged"] = sum(map(int, found))
        return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1, help="of the numbers of events")
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    print("| job | events | 1 × 2 workers, s | 2 × 1 worker, s | throughput ratio | rows over the wire | share of the exchanged | bytes a row | "
          "coding, ns a row | CPU more, ns a row |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory(prefix="dataprism-scaling-") as folder:
        # So that a run takes seconds and not the time it takes to begin.
        sizes = {"q3": 120_000_000, "q7": 20_000_000, "ndjson": 10_000_000}
        for name, size in sizes.items():
            events = int(size * arguments.scale)
            records = events if name == "ndjson" else 0
            if name == "ndjson":
                ndjson(folder, events)
                sql = text("ndjson.sql").replace("{path}", os.path.join(folder, "*.ndjson")).replace("{storage}", "virtual")
            else:
                sql = text("nexmark", "sources.sql").replace("{events}", str(events)) + text("nexmark", name + ".sql")
            # What crosses the wire is counted once, with the view's rows kept: its operators say what they have seen.
            counted = run(re.sub(r"CREATE VIEW (?=totals|q[37] )", "CREATE MATERIALIZED VIEW ", sql), 2, 1, records)
            share = counted["rows"] / counted["exchanged"]
            runs = [(run(sql, 1, 2, records), run(sql, 2, 1, records)) for _ in range(arguments.runs)]
            median = lambda node, key: statistics.median(pair[node][key] for pair in runs)
            rows = max(1, median(1, "rows"))
            ratio = statistics.median(alone["seconds"] / two["seconds"] for alone, two in runs)
            print(f"| {name} | {events:,} | {median(0, 'seconds'):.2f} | {median(1, 'seconds'):.2f} | {ratio:.2f} | {rows:,.0f} | {share:.0%} | "
                  f"{median(1, 'bytes') / rows:.0f} | {median(1, 'coding') / rows:.0f} | "
                  f"{(median(1, 'cpu') - median(0, 'cpu')) / rows * 1e9:.0f} |", flush=True)


if __name__ == "__main__":
    main()

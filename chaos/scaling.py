#!/usr/bin/env python3
"""What it costs that two workers are two processes: the throughput of 2 nodes × 1 worker against 1 node × 2 workers, for Nexmark's q3 and
q7 and the NDJSON job, with the rows that crossed the wire, their bytes and the time to code them.

  chaos/scaling.py [--events 2000000] [--runs 3]
"""

import argparse
import json
import os
import random
import statistics
import tempfile
import time

from cluster import until
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


def run(sql, nodes, workers):
    """(seconds, rows and bytes sent to the other node, nanoseconds of coding)"""
    with Live("scaling", nodes, 1, pipeline=None, workers=workers) as live:
        began = time.monotonic()
        live.alive[0].sql(sql)

        def is_done():
            status = json.loads(live.alive[0].request("GET", "/status")[2])
            sources = status["sources"].values()
            return sources and all(s["lag"] == 0 and s["counters"]["read"] > 0 for s in sources)
        until("all events to be covered", 600, is_done)
        seconds = time.monotonic() - began
        sums = [metrics(member) for member in live.alive]
        total = lambda name: sum(found.get(name, 0) for found in sums)
        return (seconds, total('exchange_rows_total{direction="sent"}'), total('exchange_bytes_total{direction="sent"}'),
                total("exchange_coding_nanoseconds_total"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    print("| job | events | 1 × 2 workers, s | 2 × 1 worker, s | ratio | rows over the wire | per event | bytes a row | coding ns a row |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory(prefix="dataprism-scaling-") as folder:
        ndjson(folder, arguments.events)
        jobs = {query: text("nexmark", "sources.sql").replace("{events}", str(arguments.events)) + text("nexmark", query + ".sql")
                for query in ("q3", "q7")}
        jobs["ndjson"] = text("ndjson.sql").replace("{path}", os.path.join(folder, "*.ndjson")).replace("{storage}", "virtual")
        for name, sql in jobs.items():
            alone = statistics.median(run(sql, 1, 2)[0] for _ in range(arguments.runs))
            pairs = sorted(run(sql, 2, 1) for _ in range(arguments.runs))
            seconds, rows, size, coding = pairs[len(pairs) // 2]
            print(f"| {name} | {arguments.events:,} | {alone:.2f} | {seconds:.2f} | {alone / seconds:.2f} | {rows:,.0f} | "
                  f"{rows / arguments.events:.2f} | {size / max(1, rows):.1f} | {coding / max(1, rows):.0f} |", flush=True)


if __name__ == "__main__":
    main()

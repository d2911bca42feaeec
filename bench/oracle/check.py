#!/usr/bin/env python3
"""What the benchmark's sinks must count, computed by SQLite from the same events.

  bench/oracle/check.py [--events 20000] [q0 q1 …]

The events are read over HTTP from a node that keeps all of them in views; SQLite runs the queries of queries.py over them; the rows are
hashed as Sources/Dataflow/Operators/BlackholeOutlet.swift says, here in Python around libxxhash. `dataprism run` must report the same
number of rows and the same checksum. Prints both; ends with 1 if they differ.
"""

import argparse
import ctypes
import ctypes.util
import datetime
import http.client
import json
import os
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "chaos"))
sys.path.insert(0, os.path.join(ROOT, "bench", "oracle"))

from node import Node, binary  # noqa: E402
from queries import FUNCTIONS, QUERIES  # noqa: E402

NEXMARK = os.path.join(ROOT, "bench", "nexmark")
TABLES = {
    "person": ["id", "name", "email_address", "credit_card", "city", "state", "date_time", "extra"],
    "auction": ["id", "item_name", "description", "initial_bid", "reserve", "date_time", "expires", "seller", "category", "extra"],
    "bid": ["auction", "bidder", "price", "channel", "url", "date_time", "extra"],
}
TIMES = {"date_time", "expires"}
EPOCH = datetime.datetime(1970, 1, 1)
MASK = (1 << 64) - 1


def microseconds(text):
    whole, _, fraction = text.partition(".")
    seconds = (datetime.datetime.strptime(whole, "%Y-%m-%d %H:%M:%S") - EPOCH) // datetime.timedelta(seconds=1)
    return seconds * 1_000_000 + int((fraction or "0").ljust(6, "0"))


class RowHash:
    """A row's hash starts at 0; each column makes h = XXH3_64(value, seed: h)."""

    def __init__(self):
        path = ctypes.util.find_library("xxhash")
        if path is None:
            sys.exit("oracle: libxxhash is not there; run scripts/setup")
        self.function = ctypes.CDLL(path).XXH3_64bits_withSeed
        self.function.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64]
        self.function.restype = ctypes.c_uint64

    @staticmethod
    def encode(value, kind):
        if value is None:
            return b"\xff"
        if kind in ("bigint", "timestamp"):
            return struct.pack("<q", value)
        if kind == "integer":
            return struct.pack("<i", value)
        if kind == "average":
            mantissa, scale = value.split("/")
            return RowHash.encode(int(mantissa), f"numeric:{scale}")
        if kind == "text":
            return value.encode("utf-8")
        if kind.startswith("numeric:"):
            return value.to_bytes(16, "little", signed=True) + struct.pack("<i", int(kind[8:]))
        raise ValueError(f"no bytes are known for {kind}")

    def checksum(self, rows, kinds):
        count, total = 0, 0
        for row in rows:
            value_hash = 0
            for value, kind in zip(row, kinds):
                data = self.encode(value, kind)
                value_hash = self.function(data, len(data), value_hash)
            total = (total + value_hash) & MASK
            count += 1
        return count, f"{total:016x}"


def sources(events):
    with open(os.path.join(NEXMARK, "sources.sql"), encoding="utf-8") as handle:
        return handle.read().replace("{events}", str(events))


def rows_of(port, view):
    """A view's rows in JSON, one by one."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request("POST", "/sql", body=f"SELECT * FROM {view}")
    answer = connection.getresponse()
    if answer.status != 200:
        sys.exit(f"oracle: {view}: {answer.status} {answer.read()[:300]!r}")
    for line in answer:
        yield json.loads(line)
    connection.close()


def load(events):
    """The events in SQLite, as the node's views have them."""
    database = sqlite3.connect(":memory:")
    for function in FUNCTIONS:
        database.create_function(function.__name__, function.__code__.co_argcount, function, deterministic=True)
    with tempfile.TemporaryDirectory(prefix="dataprism-oracle-") as folder:
        pipeline = os.path.join(folder, "events.sql")
        with open(pipeline, "w", encoding="utf-8") as handle:
            handle.write(sources(events))
            for table, columns in TABLES.items():
                handle.write(f"CREATE MATERIALIZED VIEW all_{table} AS SELECT {', '.join(columns)} FROM {table};\n")
        node = Node(os.path.join(folder, "data"), pipeline).start()
        try:
            end = time.monotonic() + 120
            while True:
                views = json.loads(node.request("GET", "/status")[2])["views"]
                if sum(views.get(f"all_{table}", {}).get("rows", 0) for table in TABLES) == events:
                    break
                if time.monotonic() > end:
                    sys.exit(f"oracle: the node has not read {events} events in 120 s: {views}")
                time.sleep(0.1)
            for table, columns in TABLES.items():
                database.execute(f"CREATE TABLE {table} ({', '.join(columns)})")
                database.executemany(
                    f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})",
                    ([microseconds(row[column]) if column in TIMES else row[column] for column in columns]
                     for row in rows_of(node.port, f"all_{table}")))
        finally:
            node.stop()
    return database


def expected(events, queries):
    """Per query the number of rows and the checksum that SQLite's rows give."""
    database, hashing = load(events), RowHash()
    return {query: hashing.checksum(database.execute(QUERIES[query][0]), QUERIES[query][1]) for query in queries}


def reported(events, query, workers):
    """What the sink of bench/nexmark counts in a run of its own."""
    with tempfile.TemporaryDirectory(prefix="dataprism-oracle-") as folder:
        job = os.path.join(folder, "job.sql")
        with open(job, "w", encoding="utf-8") as handle, open(os.path.join(NEXMARK, f"{query}.sql"), encoding="utf-8") as body:
            handle.write(sources(events) + "\n" + body.read())
        out = subprocess.run(
            [binary(), "run", job, "--data", os.path.join(folder, "data"), "--workers", str(workers), "--json"],
            check=True, stdout=subprocess.PIPE, text=True, env=dict(os.environ, SWIFT_BACKTRACE="enable=no")).stdout
    sink = json.loads(out.strip().split("\n")[-1])["sinks"][0]
    return sink["rows"], sink["checksum"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("queries", nargs="*", help="the queries (default: all that SQLite's SQL is written for)")
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    queries = arguments.queries or list(QUERIES)
    wanted = expected(arguments.events, queries)
    wrong = 0
    for query in queries:
        ours = reported(arguments.events, query, arguments.workers)
        same = ours == wanted[query] and ours[0] > 0
        wrong += not same
        print(f"{query:4} SQLite {wanted[query][0]:>9,} rows {wanted[query][1]}   dataprism {ours[0]:>9,} rows {ours[1]}   "
              f"{'equal' if same else 'DIFFERENT'}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

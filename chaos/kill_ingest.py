#!/usr/bin/env python3
"""kill -9 in the middle of heavy ingest: no acknowledged event is lost and none is there twice.

  chaos/kill_ingest.py [--rounds 20] [--seed N] [--keep DIR]

Each round pushes from several clients, kills the node at a seeded number of acknowledgements and starts it again. Requests
whose outcome is unknown are sent again with their Idempotency-Key. After every round the view must hold each acknowledged id once
and nothing that was never sent; every answer's offsets must show the same record afterwards, too.
"""

import argparse
import os
import random
import shutil
import sys
import tempfile
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from node import Node, Refused  # noqa: E402

PIPELINE = """
CREATE TABLE events (id bigint NOT NULL, worker integer, payload text) WITH (connector = 'http', partitions = 3);
CREATE MATERIALIZED VIEW seen AS SELECT id, count(*) AS times FROM events GROUP BY id;
CREATE MATERIALIZED VIEW totals AS SELECT worker, count(*) AS events, sum(id) AS ids FROM events GROUP BY worker;
"""
CLIENTS = 4
ROWS = 200


class Client(threading.Thread):
    """Pushes batches until the node is gone; keeps what was acknowledged and what is unknown."""

    def __init__(self, node, number, first, seed, stop_at, counter):
        super().__init__(daemon=True)
        self.node, self.number, self.next, self.counter, self.stop_at = node, number, first, counter, stop_at
        self.random = random.Random(seed)
        self.acknowledged, self.unknown, self.refused = [], [], 0

    def run(self):
        while not self.counter.done.is_set():
            ids = list(range(self.next, self.next + self.random.randint(1, ROWS)))
            self.next = ids[-1] + 1
            key = f"c{self.number}-{ids[0]}"
            rows = [{"id": i, "worker": self.number, "payload": "x" * self.random.randint(0, 300)} for i in ids]
            try:
                self.node.append("events", rows, key=key, timeout=10)
                self.acknowledged.append((key, rows))
                self.counter.count()
            except Refused:
                self.refused += 1
                self.unknown.append((key, rows))
            except OSError:
                self.unknown.append((key, rows))
                return


class Counter:
    """Kills the node when the given number of requests was acknowledged."""

    def __init__(self, node, kill_at):
        self.node, self.kill_at, self.seen = node, kill_at, 0
        self.lock, self.done = threading.Lock(), threading.Event()

    def count(self):
        with self.lock:
            self.seen += 1
            if self.seen == self.kill_at:
                self.node.kill()
                self.done.set()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", help="work in this folder and leave it behind")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    print(f"kill_ingest: seed {arguments.seed}, {arguments.rounds} rounds", flush=True)
    folder = arguments.keep or tempfile.mkdtemp(prefix="dataprism-kill-")
    os.makedirs(folder, exist_ok=True)
    pipeline = os.path.join(folder, "pipeline.sql")
    with open(pipeline, "w", encoding="utf-8") as handle:
        handle.write(PIPELINE)
    node = Node(os.path.join(folder, "data"), pipeline).start()
    expected, firsts = {}, [number * 10_000_000 for number in range(CLIENTS)]
    resent = 0
    try:
        for round_number in range(arguments.rounds):
            counter = Counter(node, rng.randint(5, 120))
            clients = [Client(node, number, firsts[number], rng.random(), counter.kill_at, counter) for number in range(CLIENTS)]
            for client in clients:
                client.start()
            for client in clients:
                client.join(120)
                if client.is_alive():
                    sys.exit("kill_ingest: a client hangs")
            firsts = [client.next for client in clients]
            node.start(wait=120)
            token = None
            for client in clients:
                for _, rows in client.acknowledged:
                    expected.update((row["id"], row["worker"]) for row in rows)
                for key, rows in client.unknown:
                    answer = node.append("events", rows, key=key)
                    token = answer["token"]
                    expected.update((row["id"], row["worker"]) for row in rows)
                    resent += 1
            rows = node.sql("SELECT id, times FROM seen", after=token)
            seen = {row["id"]: row["times"] for row in rows}
            lost = [i for i in expected if i not in seen]
            twice = [i for i, times in seen.items() if times != 1]
            invented = [i for i in seen if i not in expected]
            if lost or twice or invented:
                sys.exit(f"kill_ingest: round {round_number}: lost {lost[:5]} ({len(lost)}), not once {twice[:5]} ({len(twice)}), "
                         f"invented {invented[:5]} ({len(invented)}); seed {arguments.seed}; data in {folder}")
            totals = {row["worker"]: row["events"] for row in node.sql("SELECT worker, events FROM totals", after=token)}
            want = {}
            for worker in expected.values():
                want[worker] = want.get(worker, 0) + 1
            if totals != want:
                sys.exit(f"kill_ingest: round {round_number}: totals {totals}, expected {want}")
            print(f"  round {round_number + 1}: killed after {counter.seen} acknowledged requests; {len(expected)} events, none lost, none twice",
                  flush=True)
        if node.stop() != 0:
            sys.exit(f"kill_ingest: SIGTERM ended the node with {node.process.returncode}")
    finally:
        if node.process and node.process.poll() is None:
            node.kill()
    print(f"kill_ingest: {arguments.rounds} kills, {len(expected)} events, 0 lost, 0 twice; {resent} unknown requests sent again")
    if not arguments.keep:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()

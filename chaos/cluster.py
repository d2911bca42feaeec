#!/usr/bin/env python3
"""A cluster of real processes under kills, joins and drains: every acknowledged event is in the views once, and every answer is of
one epoch, on whichever node it is asked for.

  chaos/cluster.py [--nodes 3] [--kills 5] [--seed N] [--keep DIR]

Clients push batches with idempotency keys to any node; each round kills one node (also the coordinator), waits until the others
process again, and starts it anew. Then a node is added and another one drained. After each round the views of every node must equal
what SQLite makes of the acknowledged events. The times from a kill to its removal, and to new events in a view, are printed; nothing depends on them.
"""

import argparse
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from node import Node, Refused, binary, free_port  # noqa: E402

PIPELINE = """
CREATE TABLE events (id bigint NOT NULL, grp integer, amount bigint) WITH (connector = 'http', partitions = 4);
CREATE MATERIALIZED VIEW seen AS SELECT id, count(*) AS times FROM events GROUP BY id;
CREATE MATERIALIZED VIEW totals AS SELECT grp, count(*) AS events, sum(amount) AS amount FROM events GROUP BY grp;
CREATE MATERIALIZED VIEW positive AS SELECT grp, amount FROM
  (SELECT grp, count(*) AS events, sum(amount) AS amount FROM events GROUP BY grp) t WHERE amount > 0;
CREATE MATERIALIZED VIEW largest AS SELECT t.grp, t.amount, count(*) AS equals
  FROM totals t JOIN totals u ON t.amount = u.amount GROUP BY t.grp, t.amount;
"""


class Member(Node):
    """A node of the cluster, started by itself rather than by `cluster up`."""

    def __init__(self, folder, name, http, listen, pid=None):
        super().__init__(os.path.join(folder, name), None, port=http, workers=1, log=os.path.join(folder, name + ".log"))
        self.name, self.listen, self.folder, self.pid, self.extra = name, listen, folder, pid, []

    def start(self, join=None, wait=0):
        arguments = [binary(), "node", "--name", self.name, "--listen", self.listen, "--http", f"127.0.0.1:{self.port}", "--data",
                     self.data, "--log", f"embedded:{self.folder}/log", "--workers", str(self.workers), "--json"]
        if join:
            arguments += ["--join", join]
        arguments += self.extra
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment)
        self.pid = self.process.pid
        return self

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)
        if self.process:
            self.process.wait()

    def cluster(self):
        status, _, body = self.request("GET", "/admin/v1/cluster", timeout=5)
        if status != 200:
            raise Refused(status, body)
        return json.loads(body)


class Pusher(threading.Thread):
    """Pushes batches to any node until told to stop; a batch whose outcome is unknown goes out again with its key."""

    def __init__(self, number, members, seed):
        super().__init__(daemon=True)
        self.number, self.members, self.random = number, members, random.Random(seed)
        self.stop, self.acknowledged, self.retries, self.failure = threading.Event(), [], 0, None
        # Held while nothing may be under way.
        self.turn = threading.Lock()

    def run(self):
        next_id = self.number * 10_000_000
        try:
            while not self.stop.is_set():
                rows = [{"id": next_id + i, "grp": (next_id + i) % 17, "amount": self.random.randint(-1000, 1000)}
                        for i in range(self.random.randint(1, 50))]
                with self.turn:
                    self.push(f"p{self.number}-{next_id}", rows)
                next_id += len(rows)
                time.sleep(0.01)
        except Exception as error:  # pylint: disable=broad-except
            self.failure = error

    def push(self, key, rows):
        end = time.monotonic() + 120
        while True:
            try:
                answer = self.random.choice(self.members()).append("events", rows, key=key, timeout=10)
                self.acknowledged.append((rows, answer["token"]))
                return
            except Refused as error:
                if error.status not in (503, 507, 429, 504):
                    raise
            except OSError:
                pass
            if time.monotonic() > end:
                raise RuntimeError(f"the batch {key} was not taken within 120 s")
            self.retries += 1
            time.sleep(0.05)


def until(what, seconds, test):
    end = time.monotonic() + seconds
    last = None
    while time.monotonic() < end:
        try:
            found = test()
            if found:
                return found
        except (OSError, Refused) as error:
            last = error
        time.sleep(0.02)
    sys.exit(f"cluster: {what} did not happen within {seconds} s; last: {last}")


def expected(batches):
    """What SQLite makes of the acknowledged events."""
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE events (id INTEGER, grp INTEGER, amount INTEGER)")
    for rows, _ in batches:
        database.executemany("INSERT INTO events VALUES (:id, :grp, :amount)", rows)
    database.execute("CREATE TABLE totals AS SELECT grp, count(*) AS events, sum(amount) AS amount FROM events GROUP BY grp")
    totals = sorted(database.execute("SELECT grp, events, amount FROM totals"))
    largest = sorted(database.execute("SELECT t.grp, t.amount, count(*) FROM totals t JOIN totals u ON t.amount = u.amount GROUP BY t.grp, t.amount"))
    count = database.execute("SELECT count(*), count(DISTINCT id) FROM events").fetchone()
    return totals, largest, count


def check(members, batches, label):
    """The views on every node against SQLite, at an epoch that covers all tokens."""
    totals, largest, (count, distinct) = expected(batches)
    tokens = {}
    for _, token in batches:
        for part in token.split("~")[1:]:
            topic, partition, offset = part.rsplit(".", 2)
            tokens[topic, partition] = max(tokens.get((topic, partition), 0), int(offset))
    token = "f1" + "".join(f"~{t}.{p}.{o}" for (t, p), o in sorted(tokens.items()))
    for member in members:
        def read(text):
            return until(f"{label}: a read of {member.name}", 120, lambda: member.sql(text, after=token) or [None])
        got = sorted((row["grp"], row["events"], row["amount"]) for row in read("SELECT grp, events, amount FROM totals"))
        if got != totals:
            sys.exit(f"cluster: {label}: totals on {member.name} are {got}, not {totals}")
        got = sorted((row["grp"], row["amount"]) for row in read("SELECT grp, amount FROM positive UNION ALL SELECT -1, 0"))
        if got != [(-1, 0)] + [(grp, amount) for grp, _, amount in totals if amount > 0]:
            sys.exit(f"cluster: {label}: positive, which shares totals' sums, on {member.name} is {got}")
        got = sorted((row["grp"], row["amount"], row["equals"]) for row in read("SELECT grp, amount, equals FROM largest"))
        if got != largest:
            sys.exit(f"cluster: {label}: largest on {member.name} is {got}, not {largest}")
        row = read("SELECT count(*) AS events, count(DISTINCT id) AS ids FROM events")[0]
        if (row["ids"], row["events"]) != (distinct, count):
            sys.exit(f"cluster: {label}: the table itself on {member.name} has {row}, not {distinct} ids, {count} events")
        row = read("SELECT count(*) AS ids, sum(times) AS times, max(times) AS most FROM seen")[0]
        if (row["ids"], row["times"], row["most"]) != (distinct, count, 1):
            sys.exit(f"cluster: {label}: seen on {member.name} is {row}, not {distinct} ids, {count} events, each once")
    print(f"  {label}: {count} events, right on {', '.join(m.name for m in members)}", flush=True)


class Reader(threading.Thread):
    """Reads two views and their table in one statement on any node: all must be of one prefix of the log, and no node may go back."""

    QUERY = (b"SELECT count(*) AS n FROM seen UNION ALL SELECT coalesce(sum(events), 0) AS n FROM totals"
             b" UNION ALL SELECT count(*) AS n FROM events")

    def __init__(self, members, seed):
        super().__init__(daemon=True)
        self.members, self.random = members, random.Random(seed)
        self.stop, self.reads, self.refused, self.failure = threading.Event(), 0, 0, None

    def run(self):
        newest = {}
        while not self.stop.is_set():
            member = self.random.choice(self.members())
            try:
                status, headers, answer = member.request("POST", "/sql", self.QUERY, {"Content-Type": "application/sql"}, timeout=10)
                if status != 200:
                    raise Refused(status, answer)
                counts = [json.loads(line)["n"] for line in answer.splitlines()]
                if len(counts) != 3 or len(set(counts)) != 1:
                    self.failure = f"one answer of {member.name} mixes prefixes: {counts}"
                    return
                # A node that was killed comes back with what it had shown, so it goes by its name.
                now = (int(headers["dataprism-epoch"]), counts[0])
                before = newest.get(member.name, (0, 0))
                if now[0] < before[0] or now[1] < before[1]:
                    self.failure = f"{member.name} went back from epoch {before[0]}, {before[1]} events to epoch {now[0]}, {now[1]} events"
                    return
                newest[member.name] = now
                self.reads += 1
            except (Refused, OSError):
                self.refused += 1
            time.sleep(0.02)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", help="work in this folder and leave it behind")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    folder = arguments.keep or tempfile.mkdtemp(prefix="dataprism-cluster-")
    os.makedirs(folder, exist_ok=True)
    print(f"cluster: seed {arguments.seed}, {arguments.nodes} nodes, {arguments.kills} kills", flush=True)
    started = time.monotonic()
    up = subprocess.Popen([binary(), "cluster", "up", "--nodes", str(arguments.nodes), "--workers", "1", "--http", str(free_port()),
                           "--data", folder, "--json"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          env=dict(os.environ, SWIFT_BACKTRACE="enable=no", DATAPRISM_LOG_LEVEL="info"))
    members, pushers, reader = [], [], None
    try:
        line = up.stdout.readline()
        if not line:
            sys.exit(f"cluster: `cluster up` ended with {up.wait()}; logs in {folder}")
        print(f"  {arguments.nodes} nodes ready in {time.monotonic() - started:.2f} s", flush=True)
        for entry in json.loads(line)["nodes"]:
            members.append(Member(folder, entry["name"], int(entry["http"].rsplit(":", 1)[1]), entry["listen"], entry["pid"]))
        os.environ["DATAPRISM_LOG_LEVEL"] = "info"
        members[-1].sql(PIPELINE)
        alive = list(members)
        pushers = [Pusher(n, lambda: list(alive), rng.random()) for n in range(1, 4)]
        reader = Reader(lambda: list(alive), rng.random())
        for thread in pushers + [reader]:
            thread.start()

        def check_all(members, label):
            for pusher in pushers:
                pusher.turn.acquire()
            try:
                check(members, batches(), label)
            finally:
                for pusher in pushers:
                    pusher.turn.release()

        def batches():
            for thread in pushers + [reader]:
                if thread.failure:
                    sys.exit(f"cluster: {thread.failure}")
            return [batch for pusher in pushers for batch in list(pusher.acknowledged)]

        time.sleep(1)
        removed_times, healed_times = [], []
        for number in range(arguments.kills):
            status = until("a status", 60, alive[0].cluster)
            # Every other time the coordinator.
            name = status["coordinator"] if number % 2 == 0 else rng.choice(alive).name
            victim = next(m for m in alive if m.name == name)
            incarnation = next(m["incarnation"] for m in status["members"] if m["name"] == name)
            alive.remove(victim)
            killed = time.monotonic()
            victim.kill()
            until(f"the removal of {name}", 120, lambda: incarnation not in [m["incarnation"] for m in alive[0].cluster()["members"]])
            removed_times.append(time.monotonic() - killed)
            mark = [{"id": -number - 1, "grp": 99, "amount": 0}]
            with pushers[0].turn:
                pushers[0].push(f"mark-{number}", mark)
                token = pushers[0].acknowledged[-1][1]
            until("new events in a view", 180, lambda: any(r for r in alive[-1].sql(f"SELECT times FROM seen WHERE id = {-number - 1}", after=token)))
            healed_times.append(time.monotonic() - killed)
            check_all(alive, f"kill {number + 1} ({name}{', the coordinator' if number % 2 == 0 else ''})")
            victim.start(join=alive[0].listen)
            until(f"{name} to own something again", 120, lambda: any(
                m["name"] == name and m["vnodes"] > 0 for m in alive[0].cluster()["members"]) and victim.cluster()["isReady"])
            alive.append(victim)
        fresh = Member(folder, "extra", free_port(), f"127.0.0.1:{free_port()}").start(join=alive[0].listen)
        members.append(fresh)
        until("the new node to own something", 120, lambda: any(
            m["name"] == "extra" and m["vnodes"] > 0 for m in alive[0].cluster()["members"]) and fresh.cluster()["isReady"])
        alive.append(fresh)
        check_all(alive, "one node more")
        # A source with a connector moves nothing: its task is placed in the generation that is there.
        before = alive[0].cluster()["generation"]
        alive[0].sql("CREATE SOURCE made WITH (connector = 'generator', kind = 'bid', storage = 'stored', rate = '2000', "
                     "count = '1000');\nCREATE MATERIALIZED VIEW counted AS SELECT count(*) AS n FROM made;")
        until("the connector to have appended all", 60, lambda: alive[-1].sql("SELECT n FROM counted")[0]["n"] == 920)
        if alive[0].cluster()["generation"] != before:
            sys.exit(f"cluster: a new source moved generation {before} to {alive[0].cluster()['generation']}")
        drained = alive[0]
        status, _, body = alive[1].request("POST", f"/admin/v1/nodes/{drained.name}/drain")
        if status != 200:
            sys.exit(f"cluster: drain answered {status}: {body!r}")
        until(f"{drained.name} to be drained", 120, lambda: any(
            m["name"] == drained.name and m["vnodes"] == 0 for m in alive[1].cluster()["members"]) and alive[1].cluster()["isReady"])
        for thread in pushers + [reader]:
            thread.stop.set()
        for thread in pushers + [reader]:
            thread.join(120)
        check(alive[1:], batches(), f"{drained.name} drained")
        for member in alive[1:]:
            plan = [row["QUERY PLAN"] for row in member.sql("EXPLAIN ANALYZE SELECT grp FROM totals")]
            if not any(line.startswith(f"Maintaining totals on {len(alive) - 1} of {len(alive) - 1} nodes") for line in plan):
                sys.exit(f"cluster: EXPLAIN ANALYZE on {member.name} says {plan}")
        hashes = {m.name: (m.cluster()["controlVersion"], m.cluster()["controlHash"]) for m in alive}
        by_version = {}
        for version, value in hashes.values():
            by_version.setdefault(version, set()).add(value)
        if any(len(values) > 1 for values in by_version.values()):
            sys.exit(f"cluster: the nodes' folds differ: {hashes}")
        if reader.reads == 0:
            sys.exit("cluster: no read was answered")
        removed_times.sort()
        healed_times.sort()
        if removed_times:
            print(f"  kill to removal: median {removed_times[len(removed_times) // 2]:.2f} s, slowest {removed_times[-1]:.2f} s; "
                  f"kill to new events in a view: median {healed_times[len(healed_times) // 2]:.2f} s, slowest {healed_times[-1]:.2f} s")
        print(f"cluster: {arguments.kills} kills, a join and a drain: every acknowledged event once; {reader.reads} reads of one prefix each, "
              f"{reader.refused} refused meanwhile; {sum(p.retries for p in pushers)} requests sent again")
    finally:
        for thread in pushers + ([reader] if reader else []):
            thread.stop.set()
        for member in members:
            try:
                os.kill(member.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        up.send_signal(signal.SIGTERM)
        try:
            up.wait(30)
        except subprocess.TimeoutExpired:
            up.kill()
    if not arguments.keep:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()

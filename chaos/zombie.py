#!/usr/bin/env python3
"""A node that stands still for longer than the others wait (SIGSTOP, then SIGCONT) writes nothing of its old life, goes on answering
nothing stale, and joins again by itself.

  chaos/zombie.py [--seconds 60] [--nodes 3] [--seed N]

The coordinator stands still first, then another node. While it does the others must remove it and process on; clients keep sending to
it too, so that requests wait in its sockets. Afterwards no record of its old life may count in the control log, the epochs' writer of
the old term must be fenced, no read on any node may go back or mix prefixes, and every view of every node equals SQLite's.
"""

import argparse
import http.client
import os
import signal
import sqlite3
import time

from cluster import until
from live import Live


def stop(live, victim):
    """Stops the process, but not while it holds the write lock of the embedded log: all nodes share that file, and nobody could append
    then. That is a limit of this log, which names the holder; a log of its own process has no such lock."""
    path = os.path.join(live.folder, "log", "log.sqlite")
    for _ in range(50):
        os.kill(victim.pid, signal.SIGSTOP)
        log = sqlite3.connect(path, timeout=1.5, isolation_level=None)
        try:
            log.execute("BEGIN IMMEDIATE")
            log.execute("ROLLBACK")
            return
        except sqlite3.OperationalError:
            os.kill(victim.pid, signal.SIGCONT)
            time.sleep(live.random.random() * 0.05)
        finally:
            log.close()
    live.fail(f"{victim.name} holds the log's write lock whenever it is stopped")


def freeze(live, victim, seconds, what):
    old = live.incarnation(victim.name)
    stop(live, victim)
    stopped = time.monotonic()
    others = [m for m in live.alive if m is not victim]
    until(f"the removal of {victim.name}", 60, lambda: old not in [m["incarnation"] for m in others[0].cluster()["members"]])
    removed = time.monotonic() - stopped
    for member in others:
        until(f"{member.name} to process without it", 120, lambda: member.cluster()["isReady"])
    end = max((e["offset"] for e in live.history(others[0])), default=-1)
    # What it answers to a request that has waited in its socket must not be from before: it shows this event, or is refused.
    number = -live.random.randint(1, 1 << 40)
    live.alive.remove(victim)
    live.pushers[0].push(f"zombie{number}", [{"id": number, "grp": 99, "amount": 0}])
    live.alive.append(victim)
    text = f"SELECT times FROM seen WHERE id = {number}".encode()
    waiting = []
    for _ in range(8):
        connection = http.client.HTTPConnection("127.0.0.1", victim.port, timeout=60)
        connection.request("POST", "/sql", body=text, headers={"Content-Type": "application/sql"})
        waiting.append(connection)
    time.sleep(max(0, seconds - (time.monotonic() - stopped)))
    os.kill(victim.pid, signal.SIGCONT)
    woken = time.monotonic()
    refused = 0
    for connection in waiting:
        try:
            answer = connection.getresponse()
            body = answer.read()
            if answer.status == 200 and not body.strip():
                live.fail(f"{victim.name} answered from before it stood still: {answer.getheaders()}")
            refused += answer.status != 200
        except (OSError, http.client.HTTPException):
            refused += 1
        connection.close()
    until(f"{victim.name} to own something in a new life", 60, lambda: any(
        m["name"] == victim.name and m["incarnation"] > old and m["vnodes"] > 0 for m in others[0].cluster()["members"]))
    until(f"{victim.name} to be ready", 120, lambda: victim.cluster()["isReady"])
    rejoined = time.monotonic() - woken
    author = f"{victim.name}#{old}"
    written = [e for e in live.history(others[0]) if e["offset"] > end and e.get("who") == author and not e.get("refusal")]
    if written:
        live.fail(f"{author} wrote after its removal: {written}")
    if victim.process.poll() is not None:
        live.fail(f"{victim.name} ended with {victim.process.returncode}")
    live.check(f"{what} ({victim.name}) stood still for {seconds:.0f} s: removed after {removed:.1f} s, back {rejoined:.1f} s after it went on, "
               f"{refused} of {len(waiting)} waiting requests refused, the others answered anew")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    print(f"zombie: seed {arguments.seed}, {arguments.nodes} nodes, {arguments.seconds:.0f} s", flush=True)
    with Live("zombie", arguments.nodes, arguments.seed) as live:
        live.push()
        time.sleep(1)
        freeze(live, live.coordinator(), arguments.seconds, "the coordinator")
        lead = live.coordinator()
        freeze(live, next(m for m in live.alive if m is not lead), arguments.seconds, "another node")
        live.finish("all")
        reader = live.threads[-1]
        if reader.reads == 0:
            live.fail("no read was answered")
        print(f"zombie: nothing was written in an old life; {reader.reads} reads of one prefix each, {reader.refused} refused meanwhile")


if __name__ == "__main__":
    main()

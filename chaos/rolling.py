#!/usr/bin/env python3
"""All nodes are restarted one after the other with the pipeline running: SIGTERM drains a node, it leaves and ends with 0, and comes back.

  chaos/rolling.py [--nodes 3] [--rounds 1] [--seed N] [--mixed]

Clients push and read all the time; after each restart every node's views must equal SQLite's, in the end every acknowledged event is
there once, and every life that ended has left by itself. With --mixed the nodes change to the next wire version and back to the first,
one by one, the coordinator first and then last: a field and a record kind that the others do not know must change nothing.
"""

import argparse
import os
import time

from cluster import until
from live import Live

NEXT = ("--wire-version", "2")


def restart(live, member, arguments, label):
    old = live.incarnation(member.name)
    live.alive.remove(member)
    began = time.monotonic()
    code = member.stop(60)
    stopped = time.monotonic() - began
    if code != 0:
        live.fail(f"SIGTERM ended {member.name} with {code}:\n{member.tail()}")
    author = f"{member.name}#{old}"
    ends = [e for e in live.history() if not e.get("refusal") and e["kind"] in ("leave", "remove") and author in (e["who"], e["what"])]
    if not any(e["kind"] == "leave" and e["who"] == author for e in ends):
        live.fail(f"{author} did not leave: {ends}")
    for other in live.alive:
        until(f"{other.name} to process on", 120, lambda: other.cluster()["isReady"])
    member.extra = list(arguments)
    live.start(member)
    live.ready([member])
    live.alive.append(member)
    live.check(f"{label}{member.name} restarted: stopped in {stopped:.1f} s, back after {time.monotonic() - began:.1f} s")


def plain(arguments):
    with Live("rolling", arguments.nodes, arguments.seed) as live:
        live.push()
        time.sleep(1)
        for number in range(arguments.rounds):
            for member in list(live.members):
                restart(live, member, (), f"round {number + 1}: " if arguments.rounds > 1 else "")
        live.finish("all")
        reader = live.threads[-1]
        print(f"rolling: {arguments.rounds * arguments.nodes} restarts, every acknowledged event once; {reader.reads} reads of one prefix each, "
              f"{reader.refused} refused meanwhile; {sum(p.retries for p in live.pushers)} requests sent again")


def mixed(arguments):
    os.environ["DATAPRISM_TEST_UPGRADE"] = "1"
    with Live("mixed", arguments.nodes, arguments.seed) as live:
        live.push()
        time.sleep(1)
        for leader_first in (True, False):
            for version, flags in ((2, NEXT), (1, ())):
                lead = live.coordinator()
                order = [m for m in live.members if m is not lead]
                order = [lead] + order if leader_first else order + [lead]
                for member in order:
                    restart(live, member, flags, f"version {version}, the coordinator {'first' if leader_first else 'last'}: ")
        live.finish("all")
        kinds = {entry["kind"] for entry in live.history()}
        if "hint" not in kinds:
            live.fail(f"no record of the next version's kind was written: {sorted(kinds)}")
        hashes = {}
        for member in live.alive:
            status = member.cluster()
            hashes.setdefault(status["controlVersion"], set()).add(status["controlHash"])
        if any(len(found) > 1 for found in hashes.values()):
            live.fail(f"the nodes' folds differ: {hashes}")
        print("mixed: nodes of both wire versions ran together in both orders, every acknowledged event once")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mixed", action="store_true")
    arguments = parser.parse_args()
    print(f"{'mixed' if arguments.mixed else 'rolling'}: seed {arguments.seed}, {arguments.nodes} nodes", flush=True)
    mixed(arguments) if arguments.mixed else plain(arguments)


if __name__ == "__main__":
    main()

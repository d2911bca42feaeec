#!/usr/bin/env python3
"""A full disk fails the append with a clear error, loses nothing acknowledged, and the node recovers when space returns.

  chaos/disk_full.py [--megabytes 48]

The data directory lies on a small tmpfs. Needs the right to mount one; says so and passes where that is not allowed.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from node import Node, Refused  # noqa: E402

PIPELINE = """
CREATE TABLE events (id bigint NOT NULL, payload text) WITH (connector = 'http', partitions = 1);
CREATE MATERIALIZED VIEW seen AS SELECT id, count(*) AS times FROM events GROUP BY id;
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=48)
    arguments = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="dataprism-full-")
    disk = os.path.join(folder, "disk")
    os.mkdir(disk)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={arguments.megabytes}m", "tmpfs", disk], capture_output=True, text=True)
    if mounted.returncode != 0:
        print(f"disk_full: skipped: a tmpfs cannot be mounted here: {mounted.stderr.strip()}")
        return
    pipeline = os.path.join(folder, "pipeline.sql")
    with open(pipeline, "w", encoding="utf-8") as handle:
        handle.write(PIPELINE)
    node = Node(os.path.join(disk, "data"), pipeline, log=os.path.join(folder, "node.log"))
    noise = random.Random(7)
    payload = lambda: "".join(noise.choice("0123456789abcdefghijklmnopqrstuvwxyz") for _ in range(2000))
    try:
        node.start()
        ballast = os.path.join(disk, "ballast")
        acknowledged, unknown, refused = set(), {}, None
        for batch in range(4000):
            rows = [{"id": batch * 100 + i, "payload": payload()} for i in range(100)]
            try:
                node.append("events", rows, key=f"b{batch}")
                acknowledged.update(row["id"] for row in rows)
            except Refused as answer:
                refused = answer
                unknown[f"b{batch}"] = rows
                break
            if batch == 5:  # fill what is left but a few megabytes, so that the disk is soon full
                free = os.statvfs(disk).f_bavail * 4096
                with open(ballast, "wb") as handle:
                    handle.write(b"\0" * max(0, free - 6_000_000))
        if refused is None:
            sys.exit("disk_full: the disk never filled up")
        if refused.status != 507:
            sys.exit(f"disk_full: a full disk answered {refused.status}, expected 507: {refused.body!r}")
        print(f"disk_full: {len(acknowledged)} events acknowledged, then 507: {refused.body.decode()[:160]}")
        rows = node.sql("SELECT count(*) AS events FROM seen")
        if node.process.poll() is not None:
            sys.exit("disk_full: the node ended")
        os.unlink(ballast)
        end = time.monotonic() + 30
        while True:
            try:
                for key, lines in unknown.items():
                    token = node.append("events", lines, key=key)["token"]
                    acknowledged.update(row["id"] for row in lines)
                break
            except Refused:
                if time.monotonic() > end:
                    sys.exit("disk_full: the node did not recover within 30 s after space returned")
                time.sleep(0.1)
        seen = {row["id"]: row["times"] for row in node.sql("SELECT id, times FROM seen", after=token)}
        if set(seen) != acknowledged or set(seen.values()) != {1}:
            sys.exit(f"disk_full: {len(acknowledged - set(seen))} lost, {len(set(seen) - acknowledged)} invented")
        node.kill()
        node.start()
        seen = {row["id"] for row in node.sql("SELECT id, times FROM seen", after=token)}
        if seen != acknowledged:
            sys.exit(f"disk_full: after kill -9: {len(acknowledged - seen)} lost, {len(seen - acknowledged)} invented")
        node.stop()
        print(f"disk_full: space returned, the node went on; {len(acknowledged)} events, none lost, also after kill -9")
    finally:
        if node.process and node.process.poll() is None:
            node.kill()
        subprocess.run(["umount", disk], check=False)


if __name__ == "__main__":
    main()

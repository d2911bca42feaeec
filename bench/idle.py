#!/usr/bin/env python3
"""CPU of an idle node: bench/idle.py BINARY [SECONDS]. One http table, one view, nothing arriving."""

import os
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "chaos"))


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as handle:
        fields = handle.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    os.environ["DATAPRISM"] = sys.argv[1]
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 10
    from node import Node
    with tempfile.TemporaryDirectory(prefix="dataprism-idle-") as folder:
        pipeline = os.path.join(folder, "pipeline.sql")
        with open(pipeline, "w", encoding="utf-8") as handle:
            handle.write("CREATE TABLE events (id bigint) WITH (connector = 'http');\n"
                         "CREATE MATERIALIZED VIEW counts AS SELECT count(*) AS events FROM events;\n")
        node = Node(os.path.join(folder, "data"), pipeline).start()
        node.append("events", [{"id": 1}])
        time.sleep(1)
        before, started = cpu_seconds(node.process.pid), time.monotonic()
        time.sleep(seconds)
        used = (cpu_seconds(node.process.pid) - before) / (time.monotonic() - started)
        node.stop()
    print(f"\nAn idle node uses {used * 100:.2f} % of a core over {seconds:.0f} s (to reach: under 1 %)")


if __name__ == "__main__":
    main()

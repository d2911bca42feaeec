#!/usr/bin/env python3
"""Time from append to queryable at 10 000 events a second: push, then ask for the token of the answer.

  bench/latency.py BINARY [SECONDS]

Pushes 100 events every 10 ms through HTTP into a durable topic. After each append a reader asks the view with `after` = the
append's token; the time from sending the append to having the view's answer is one sample.
"""

import json
import os
import sys
import tempfile
import threading
import time
import http.client

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "chaos"))

PIPELINE = """
CREATE TABLE events (id bigint, k integer, sent bigint) WITH (connector = 'http', partitions = 2);
CREATE MATERIALIZED VIEW counts AS SELECT k, count(*) AS events, max(id) AS newest FROM events GROUP BY k;
"""
RATE, BATCH = 10_000, 100


def main():
    os.environ["DATAPRISM"] = sys.argv[1]
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 10
    from node import Node
    with tempfile.TemporaryDirectory(prefix="dataprism-latency-") as folder:
        pipeline = os.path.join(folder, "pipeline.sql")
        with open(pipeline, "w", encoding="utf-8") as handle:
            handle.write(PIPELINE)
        node = Node(os.path.join(folder, "data"), pipeline).start()
        samples, appends, late = [], [], [0]
        lock = threading.Lock()
        clients = 4
        rounds = int(seconds * RATE / BATCH / clients)
        begin = time.monotonic() + 0.2

        def client(number):
            connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=30)
            for index in range(rounds):
                due = begin + (index * clients + number) * BATCH / RATE
                wait = due - time.monotonic()
                if wait > 0:
                    time.sleep(wait)
                else:
                    late[0] += 1
                first = (index * clients + number) * BATCH
                body = "".join(f'{{"id":{first + i},"k":{i % 10},"sent":{first}}}\n' for i in range(BATCH))
                sent = time.monotonic()
                connection.request("POST", "/topics/events/records", body, {"Content-Type": "application/x-ndjson"})
                answer = connection.getresponse()
                token = json.loads(answer.read())["token"]
                appended = time.monotonic()
                connection.request("GET", f"/views/counts?limit=1&after={token}")
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    raise SystemExit(f"latency: the view answered {answer.status}")
                with lock:
                    samples.append((time.monotonic() - sent) * 1000)
                    appends.append((appended - sent) * 1000)

        threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.monotonic() - begin
        node.stop()
        samples.sort()
        appends.sort()
        at = lambda values, share: values[min(len(values) - 1, int(len(values) * share))]
        print(f"\nAppend to queryable at {len(samples) * BATCH / took:,.0f} events/s ({len(samples)} requests of {BATCH}, {late[0]} sent late)")
        print(f"  append acknowledged  p50 {at(appends, .5):6.1f} ms  p99 {at(appends, .99):6.1f} ms  max {appends[-1]:6.1f} ms")
        print(f"  seen in the view     p50 {at(samples, .5):6.1f} ms  p99 {at(samples, .99):6.1f} ms  max {samples[-1]:6.1f} ms  (to reach: p99 < 50 ms)")


if __name__ == "__main__":
    main()

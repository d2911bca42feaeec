#!/usr/bin/env python3
"""The NDJSON job's events: gen.py DIR [EVENTS] [FILES]. The same arguments give the same bytes.

{"user":0…999999,"item":0…99999,"amount":0.00…99.99,"ts":epoch milliseconds}; 100 000 events a second of event time, out of order by
at most 500 ms; event i goes to file i modulo FILES, so that all files move through the same times.
"""

import os
import random
import sys

BASE = 1_700_000_000_000
CHUNK = 50_000


def main():
    folder = sys.argv[1]
    events = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000_000
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 2
    os.makedirs(folder, exist_ok=True)
    files = [open(os.path.join(folder, f"part-{number}.json"), "w", buffering=1 << 20) for number in range(count)]
    draw = random.Random(42).getrandbits
    start = 0
    while start < events:
        lines = [[] for _ in files]
        for index in range(start, min(start + CHUNK * count, events)):
            bits = draw(64)
            cents = (bits >> 50 & 0x3FFF) % 10_000
            lines[index % count].append(
                f'{{"user":{(bits & 0xFFFFFFF) % 1_000_000},"item":{(bits >> 28 & 0x3FFFFF) % 100_000},'
                f'"amount":{cents // 100}.{cents % 100:02d},"ts":{BASE + index // 100 + bits % 500}}}\n')
        for file, part in zip(files, lines):
            file.write("".join(part))
        start += CHUNK * count
    for file in files:
        file.close()


if __name__ == "__main__":
    main()

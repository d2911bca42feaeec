#!/usr/bin/env python3
"""The embedded log's figures: bench/log.py BINARY. LogStress lies beside the binary.

Durable append of 100-byte NDJSON records (batches of 1 000, 16 in flight, synchronous=FULL), reading them back with decompression and
checksums, the delay to a reader at the tail in another process, and the cost of waiting for appends.
"""

import os
import subprocess
import sys
import tempfile

RECORDS = 5_000_000
RUNS = 3


def stress(*words):
    binary = os.path.join(os.path.dirname(sys.argv[1]), "LogStress")
    result = subprocess.run([binary, "bench", *words], check=True, capture_output=True, text=True)
    fields = result.stdout.split("(")[0].split()[1:]
    return {fields[i]: float(fields[i + 1]) for i in range(0, len(fields) - 1, 2)}


def main():
    binary = os.path.join(os.path.dirname(sys.argv[1]), "LogStress")
    if not os.path.exists(binary):
        root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        subprocess.run(["swift", "build", "-c", "release", "--product", "LogStress"], cwd=root, check=True)
    appends, reads = [], []
    for _ in range(RUNS):
        # Beside the package, not in /tmp, which may be memory.
        with tempfile.TemporaryDirectory(prefix="log-bench-", dir=os.path.dirname(sys.argv[1])) as folder:
            appends.append(stress("append", folder, "--records", str(RECORDS)))
            reads.append(stress("read", folder))
    appends.sort(key=lambda run: run["records_per_second"])
    reads.sort(key=lambda run: run["records_per_second"])
    append, read = appends[RUNS // 2], reads[RUNS // 2]
    with tempfile.TemporaryDirectory(prefix="log-bench-", dir=os.path.dirname(sys.argv[1])) as folder:
        tail, idle = stress("tail", folder), stress("idle", folder)
    print(f"\nEmbedded log, {RECORDS / 1e6:.0f} M records of 100 bytes (zstd {append['zstd_ratio']:.2f}:1), median of {RUNS}")
    print(f"  durable append   {append['records_per_second'] / 1e6:5.2f} M records/s   {append['syncs']:.0f} syncs, "
          f"{append['cpu_seconds']:.1f} CPU s, 16 in flight (to reach: 1.0)")
    print(f"  checked read     {read['records_per_second'] / 1e6:5.2f} M records/s   {read['cpu_seconds']:.1f} CPU s (to reach: 5.0)")
    print(f"  tail, 2 processes p50 {tail['p50_ms']:.2f} ms, p99 {tail['p99_ms']:.2f} ms, append with sync to record in hand (to reach: 10 ms)")
    print(f"  idle             {idle['cpu_percent']:.3f} % of a core")


if __name__ == "__main__":
    main()

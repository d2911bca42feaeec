#!/usr/bin/env python3
"""Whoever has no business at a cluster's port is refused with a clear log line, and the cluster goes on: another cluster's node, a
wrong secret or none, an expired certificate or one of another authority, a peer of another version, garbage, oversized frames,
half-open and silent connections, readers that read nothing.

  chaos/strangers.py [--seed N]

The first cluster runs with a secret, the second with TLS. While strangers come, clients push and read, no node may be removed, and in
the end the views equal SQLite's.
"""

import argparse
import os
import random
import socket
import struct
import subprocess
import sys
import tempfile
import time

from cluster import Member, until
from live import Live
from node import free_port

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"


def hello(cluster, name="stranger", versions=(1, 1), secret=False):
    text = lambda value: struct.pack("<H", len(value)) + value.encode()
    return (b"DPH1" + text(cluster) + text(name) + struct.pack("<q", 0) + struct.pack("<HH", *versions)
            + bytes([1, int(secret)]) + struct.pack("<H", 32) + os.urandom(32))


def shake(port, body):
    """A hand-shake by hand, over plain HTTP/2; what came back."""
    literal = lambda name, value: b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
    fields = (literal(":method", "POST") + literal(":scheme", "http") + literal(":authority", "x")
              + literal(":path", "/dataprism/hello"))
    frame = lambda kind, flags, payload: struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", 1) + payload
    with socket.create_connection(("127.0.0.1", port), timeout=10) as link:
        link.sendall(PREFACE + frame(1, 4, fields) + frame(0, 1, body))
        data = b""
        link.settimeout(1)
        try:
            while part := link.recv(65536):
                data += part
        except (TimeoutError, ConnectionResetError):
            pass
    return data


class Lines:
    """What a node logs from now on."""

    def __init__(self, member):
        self.path, self.start = member.log_path, os.path.getsize(member.log_path)

    def text(self):
        with open(self.path, "rb") as handle:
            handle.seek(self.start)
            return handle.read().decode(errors="replace")


def expect(lines, what, *words, again=lambda: None):
    """Lines of one kind are rare on purpose, so that strangers cannot fill the disk: the stranger may have to come again."""
    def is_there():
        if all(word in lines.text() for word in words):
            return True
        again()
        time.sleep(0.3)
        return False
    until(f"a log line about {what} ({', '.join(words)})", 30, is_there)
    print(f"  {what}: refused, and said so", flush=True)


def refused(live, what, member, *words):
    """The process must end by itself, saying why."""
    try:
        code = member.process.wait(60)
    except subprocess.TimeoutExpired:
        live.fail(f"{what} was not refused:\n{member.tail()}")
    text = member.tail()
    if code == 0 or not all(word in text for word in words):
        live.fail(f"{what} ended with {code} and said:\n{text}")
    print(f"  {what}: refused, exit {code}: {text.strip().splitlines()[-1][:200]}", flush=True)


def stranger(live, name, *arguments, folder=None):
    member = Member(folder or live.folder, name, free_port(), f"127.0.0.1:{free_port()}")
    member.extra = list(arguments)
    live.members.append(member)
    member.start(join=live.members[0].listen)
    return member


def noise(live, port, generator):
    """Garbage, half-open connections, frames that claim too much, and readers that read nothing."""
    held = []
    for number in range(120):
        try:
            link = socket.create_connection(("127.0.0.1", port), timeout=10)
        except OSError:
            continue
        try:
            if number % 4 == 0:
                link.sendall(generator.randbytes(generator.randrange(1, 4000)))
            elif number % 4 == 1:
                link.sendall(PREFACE + generator.randbytes(generator.randrange(1, 4000)))
            elif number % 4 == 2:
                # A frame of 16 MB, of which little comes.
                link.sendall(PREFACE + b"\xff\xff\xff\0\0\0\0\0\1" + b"x" * 1000)
        except OSError:
            pass
        # Nobody closes them: the node must.
        held.append(link)
    for _ in range(20):
        link = socket.create_connection(("127.0.0.1", port), timeout=10)
        try:
            for _ in range(200):
                link.sendall((b"\0\0\x08\6\0\0\0\0\0" + b"x" * 8) * 20)
        except OSError:
            pass
        held.append(link)
    return held


def lives(live):
    return sorted((m["name"], m["incarnation"]) for m in live.alive[0].cluster()["members"] if m["name"] in {a.name for a in live.alive})


def with_secret(seed):
    generator = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="dataprism-secret-") as folder:
        right, wrong = os.path.join(folder, "right"), os.path.join(folder, "wrong")
        for path, text in ((right, "a secret of many letters"), (wrong, "another secret of letters")):
            with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w") as handle:
                handle.write(text)
        flags = lambda _: ("--cluster-secret-file", right)
        with Live("strangers", 2, seed, each=flags) as live:
            live.push()
            before = lives(live)
            first = live.alive[0]
            port = int(first.listen.rsplit(":", 1)[1])
            cluster = first.cluster()["id"]

            lines = Lines(first)
            refused(live, "a node with another secret", stranger(live, "mallory", "--cluster-secret-file", wrong), "another cluster secret")
            refused(live, "a node without a secret", stranger(live, "naked"), "this node has no cluster secret")
            expect(lines, "a node without a secret, on the other side", "has no cluster secret and this node asks for one",
                   again=lambda: shake(port, hello(cluster, "naked")))

            lines = Lines(first)
            expect(lines, "a peer of another version", "future", "speaks wire versions 9", "this node 1",
                   again=lambda: shake(port, hello(cluster, "future", versions=(9, 9), secret=True)))

            other = os.path.join(live.folder, "other")
            os.makedirs(other)
            lines = Lines(first)
            refused(live, "a node of another cluster", stranger(live, "foreign", "--cluster-secret-file", right, folder=other), "belongs to another cluster")
            expect(lines, "a node of another cluster, on the other side", "belongs to another cluster",
                   again=lambda: shake(port, hello("another", "foreign", secret=True)))

            lines = Lines(first)
            held = noise(live, port, generator)
            expect(lines, "garbage on 120 connections, and 20 that read no answers", "reason")
            time.sleep(7)
            # Silent ones are closed by the node in time.
            open_ones = 0
            for link in held:
                link.settimeout(0.01)
                try:
                    while link.recv(65536):
                        pass
                except TimeoutError:
                    open_ones += 1
                except OSError:
                    pass
                link.close()
            if open_ones:
                live.fail(f"{open_ones} of {len(held)} strangers are still connected after 7 s")
            print(f"  {len(held)} strangers: all closed by the node", flush=True)
            if lives(live) != before:
                live.fail(f"the members were {before} and are {lives(live)}")
            live.finish("a cluster with a secret, after strangers")

            # A process of another cluster at the address of a node that has died.
            second = live.alive.pop()
            second.kill()
            with Live("neighbours", 1, seed + 1, each=flags) as neighbours:
                usurper = Member(neighbours.folder, "usurper", free_port(), second.listen)
                usurper.extra = list(flags(1))
                neighbours.members.append(usurper)
                neighbours.start(usurper)
                neighbours.ready(neighbours.members)
                until("the dead node's removal", 60, lambda: second.name not in [m["name"] for m in first.cluster()["members"]])
                until("the node that is left to process", 60, lambda: first.cluster()["isReady"])
                names = {m["name"] for m in first.cluster()["members"]}
                theirs = {m["name"] for m in usurper.cluster()["members"]}
                if names != {first.name} or theirs != {"n1", "usurper"}:
                    live.fail(f"two clusters mix: {names} and {theirs}")
            live.check("two clusters on one machine, one at the other's old address")


def with_tls(seed):
    with tempfile.TemporaryDirectory(prefix="dataprism-tls-") as folder:
        def openssl(arguments):
            subprocess.run(["openssl"] + arguments.split(), cwd=folder, check=True, capture_output=True)

        def issue(name, authority="ca", days=2):
            openssl(f"req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {name}.key -out {name}.csr -subj /CN={name}")
            with open(os.path.join(folder, name + ".ext"), "w") as handle:
                handle.write("subjectAltName=DNS:localhost\n")
            openssl(f"x509 -req -in {name}.csr -CA {authority}.pem -CAkey {authority}.key -CAcreateserial -days {days} "
                    f"-extfile {name}.ext -out {name}.pem")

        def flags(name, authority="ca"):
            path = os.path.join(folder, name)
            return ("--tls-cert", path + ".pem", "--tls-key", path + ".key", "--tls-ca", os.path.join(folder, authority + ".pem"))

        for authority in ("ca", "strange"):
            openssl(f"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {authority}.key -out {authority}.pem -days 2 -subj /CN={authority}")
        issue("good")
        issue("expired", days=-1)
        issue("foreign", "strange")
        with Live("strangers-tls", 2, seed, each=lambda _: flags("good")) as live:
            live.push()
            before = lives(live)
            first = live.alive[0]
            lines = Lines(first)
            refused(live, "an expired certificate", stranger(live, "late", *flags("expired")), "expired")
            expect(lines, "an expired certificate, on the other side", "has expired")
            lines = Lines(first)
            refused(live, "a certificate of another authority", stranger(live, "fake", *flags("foreign")), "cannot join", "authority")
            lines = Lines(first)
            refused(live, "a node without TLS", stranger(live, "plain"), "cannot join")
            if lives(live) != before:
                live.fail(f"the members were {before} and are {lives(live)}")
            live.finish("a cluster with TLS, after strangers")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    print(f"strangers: seed {arguments.seed}", flush=True)
    with_secret(arguments.seed)
    with_tls(arguments.seed)
    print("strangers: all were refused, and the clusters went on")


if __name__ == "__main__":
    sys.exit(main())

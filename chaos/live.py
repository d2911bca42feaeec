"""A cluster under load for chaos tests: nodes started one by one, clients that push and read on any of them, and the check of every
node's views against SQLite."""

import contextlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cluster import PIPELINE, Member, Pusher, Reader, check, until  # noqa: E402
from node import Refused, free_port  # noqa: E402


class Live:
    """A started cluster. Nodes in `alive` serve the clients; all that were started end with it."""

    def __init__(self, title, nodes, seed, pipeline=PIPELINE, extra=(), each=None, workers=1):
        self.title, self.random, self.workers = title, random.Random(seed), workers
        self.folder = tempfile.mkdtemp(prefix=f"dataprism-{title}-")
        self.members, self.alive, self.threads, self.pushers = [], [], [], []
        os.environ.setdefault("DATAPRISM_LOG_LEVEL", "info")
        started = time.monotonic()
        for index in range(nodes):
            self.add(f"n{index + 1}", *extra, *(each(index) if each else ()))
        self.ready(self.members)
        self.boot_seconds = time.monotonic() - started
        self.alive = list(self.members)
        if pipeline:
            self.members[0].sql(pipeline)

    def add(self, name, *arguments):
        member = Member(self.folder, name, free_port(), f"127.0.0.1:{free_port()}")
        member.extra, member.workers = list(arguments), self.workers
        self.members.append(member)
        self.start(member)
        return member

    def start(self, member):
        others = [m for m in self.members if m is not member]
        member.start(join=others[0].listen if others else None)

    def ready(self, members, seconds=120):
        names = {member.name for member in members}
        for member in members:
            def is_ready():
                status = member.cluster()
                owners = {entry["name"] for entry in status["members"] if entry["vnodes"] > 0}
                return status["isReady"] and names <= owners
            until(f"{member.name} to be ready with {', '.join(sorted(names))}", seconds, is_ready)

    def push(self, count=3, reader=True):
        self.pushers = [Pusher(n, lambda: list(self.alive), self.random.random()) for n in range(1, count + 1)]
        self.threads = self.pushers + ([Reader(lambda: list(self.alive), self.random.random())] if reader else [])
        for thread in self.threads:
            thread.start()

    def batches(self):
        for thread in self.threads:
            if thread.failure:
                self.fail(thread.failure)
        return [batch for pusher in self.pushers for batch in list(pusher.acknowledged)]

    def check(self, label, members=None):
        """Holds the clients still, and compares every node's views with SQLite."""
        with contextlib.ExitStack() as stack:
            for pusher in self.pushers:
                stack.enter_context(pusher.turn)
            check(members or self.alive, self.batches(), label)

    def finish(self, label, members=None):
        """Stops the clients and checks a last time."""
        for thread in self.threads:
            thread.stop.set()
        for thread in self.threads:
            thread.join(150)
        check(members or self.alive, self.batches(), label)

    def mark(self, key):
        """An event of its own, and the seconds until a view of a node that lives shows it."""
        number = -self.random.randint(1, 1 << 40)
        self.pushers[0].push(key, [{"id": number, "grp": 99, "amount": 0}])
        token = self.pushers[0].acknowledged[-1][1]
        until("new events in a view", 180, lambda: self.alive[-1].sql(f"SELECT times FROM seen WHERE id = {number}", after=token))

    def history(self, member=None):
        status, _, body = (member or self.alive[0]).request("GET", "/admin/v1/history")
        if status != 200:
            raise Refused(status, body)
        return json.loads(body)["entries"]

    def post(self, path, member=None):
        status, _, body = (member or self.alive[0]).request("POST", path)
        if status != 200:
            self.fail(f"{path} answered {status}: {body!r}")

    def incarnation(self, name, member=None):
        return next((m["incarnation"] for m in (member or self.alive[0]).cluster()["members"] if m["name"] == name), None)

    def coordinator(self):
        name = until("a coordinator", 60, lambda: self.alive[0].cluster()["coordinator"])
        return next(m for m in self.members if m.name == name)

    def fail(self, message):
        sys.exit(f"{self.title}: {message}; seed and logs: {self.folder}")

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        for thread in self.threads:
            thread.stop.set()
        for member in self.members:
            with contextlib.suppress(ProcessLookupError):
                os.kill(member.pid, signal.SIGCONT)
                os.kill(member.pid, signal.SIGKILL)
            if member.process:
                member.process.wait()
        if kind is None:
            shutil.rmtree(self.folder)
        else:
            print(f"{self.title}: the nodes' logs are left in {self.folder}", file=sys.stderr)

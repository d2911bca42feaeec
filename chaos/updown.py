#!/usr/bin/env python3
"""`dataprism cluster up` and `cluster down`, with a pipeline that changes, crashes in between, and what operators are told meanwhile.

  chaos/updown.py

`up` refuses a changed pipeline with the difference and builds it with --replace; `down` ends every node that `up` has started, also when
`up` was killed or has just begun, and no other process; nodes that end by themselves are told of.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from node import Node, binary, free_port  # noqa: E402

SOURCE = """
CREATE SOURCE first WITH (connector = 'generator', kind = 'bid', storage = 'stored', rate = '2000', count = '1000');
CREATE SOURCE second WITH (connector = 'generator', kind = 'bid', storage = 'stored', rate = '2000', count = '1000');
CREATE TABLE pushed (id bigint) WITH (connector = 'http', partitions = 1);
"""
VIEWS = "CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS n FROM first;\nCREATE MATERIALIZED VIEW other AS SELECT count(*) AS n FROM second;\n"
CHANGED = VIEWS.replace("count(*) AS n FROM first", "count(*) AS number FROM first") + "CREATE MATERIALIZED VIEW more AS SELECT n FROM other;\n"
ENVIRONMENT = dict(os.environ, SWIFT_BACKTRACE="enable=no")


def fail(text):
    sys.exit(f"updown: {text}")


def until(what, test, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := test():
            return found
        time.sleep(0.05)
    fail(f"waited {seconds} s for {what}")


def lives(pid):
    """Whether it runs; one that has ended and waits for its parent does not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as handle:
            return handle.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def run(*arguments, code=0):
    """A command that ends by itself; its output and error output."""
    done = subprocess.run([binary(), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, env=ENVIRONMENT,
                          check=False)
    if done.returncode != code:
        fail(f"{' '.join(arguments)} ended with {done.returncode}, not {code}: {done.stdout}{done.stderr}")
    return done.stdout + done.stderr


class Up:
    def __init__(self, data, *arguments, nodes=2):
        self.process = subprocess.Popen([binary(), "cluster", "up", "--nodes", str(nodes), "--http", str(free_port()), "--data", data, "--json",
                                         *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env=ENVIRONMENT)
        self.data, self.nodes = data, []

    def ready(self):
        line = self.process.stdout.readline()
        if not line:
            fail(f"`cluster up` ended with {self.process.wait()}: {self.process.stderr.read()}")
        self.nodes = json.loads(line)["nodes"]
        return self

    def node(self, index):
        return Node(os.path.join(self.data, self.nodes[index]["name"]), None, port=int(self.nodes[index]["http"].rsplit(":", 1)[1]))

    def ended(self, code):
        """It must have ended, and all of its nodes."""
        found = self.process.wait(60)
        if found != code:
            fail(f"`cluster up` ended with {found}, not {code}: {self.process.stderr.read()}")
        self.gone()

    def gone(self):
        left = [node for node in self.nodes if lives(node["pid"])]
        if left:
            fail(f"still running: {left}")


def pipeline(folder, data):
    """A changed pipeline is refused with the difference, and built with --replace."""
    path = os.path.join(folder, "p.sql")

    def write(text):
        with open(path, "w", encoding="utf-8") as handle:
            handle.write(text)

    write(SOURCE + VIEWS)
    up = Up(data, path).ready()
    reports(up)
    # A second one takes nothing of the first away.
    text = run("cluster", "up", "--data", data, code=1)
    if f"by process {up.process.pid}" not in text or "cluster down" not in text:
        fail(f"a second `cluster up` said {text}")
    down = json.loads(run("cluster", "down", "--data", data, "--json"))
    if sorted(node["pid"] for node in down["stopped"]) != sorted(node["pid"] for node in up.nodes):
        fail(f"`cluster down --json` said {down}; there were {up.nodes}")
    up.ended(0)
    write(SOURCE + CHANGED)
    text = run("cluster", "up", "--nodes", "2", "--http", str(free_port()), "--data", data, path, code=1)
    for word in ('"counted" is deployed as', "- CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS n FROM first",
                 "+ CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS number FROM first", "--replace"):
        if word not in text:
            fail(f"a changed pipeline was refused without {word}: {text}")
    up = Up(data, "--replace", path).ready()
    rows = until("the view built anew", lambda: [row for row in up.node(1).sql("SELECT number FROM counted") if row["number"] == 920])
    if up.node(0).sql("SELECT n FROM more") != [{"n": 920}]:
        fail("the new view is not there")
    print(f"  a changed pipeline: refused with the difference, then built anew: {rows}", flush=True)
    return up


def reports(up):
    """What operators are told is the same on every node, also of connectors that run elsewhere."""
    for index in range(len(up.nodes)):
        url = up.nodes[index]["http"]
        admin = lambda what: json.loads(run("admin", what, "--json", "--url", url))

        def connectors():
            found = {c["table"]: c for c in admin("connectors")["connectors"]}
            return found if all(found[name]["records"] == 920 for name in ("first", "second")) else None
        found = until("the connectors' records", connectors)
        if {found["first"]["node"], found["second"]["node"]} != {"a", "b"} or found["pushed"].get("node"):
            fail(f"the connectors are {found}")
        status = json.loads(run("status", "--json", "--url", url))
        if {name: c.get("node") for name, c in status["connectors"].items()} != {name: c.get("node") for name, c in found.items()}:
            fail(f"the status has {status['connectors']}, admin connectors {found}")
        cluster = admin("members")
        if status["term"] != cluster["term"] or status["term"] < 1:
            fail(f"the status has term {status['term']}, the cluster {cluster['term']}")

        def agreed():
            """Each node knows its own newest epoch at once, and another's by gossip."""
            told = [json.loads(run("admin", "members", "--json", "--url", node["http"]))["members"] for node in up.nodes]
            return len({json.dumps([(m["name"], m["committedEpoch"]) for m in members]) for members in told}) == 1
        until("both nodes to tell the same epochs", agreed)
        workers = admin("workers")["workers"]
        if [w["node"] for w in workers] != ["a", "b"] or sum(w["vnodes"] for w in workers) != 256 or any("busyShare" not in w for w in workers):
            fail(f"the workers are {workers}")
        epochs = until("no lag", lambda: (lambda lines: lines if all(e.get("lag") == 0 for e in lines) else None)(admin("epochs")["epochs"]))
        if [e["node"] for e in epochs] != ["a", "b"] or [e["drives"] for e in epochs].count(True) != 1:
            fail(f"the epochs are {epochs}")
        lag = [p for p in admin("lag")["partitions"] if p["topic"] in ("first", "second")]
        if not lag or any(p["lag"] != 0 for p in lag) or sum(p["end"] for p in lag) != 1840:
            fail(f"the lag is {lag}")
        for what, column in (("workers", "vnodes"), ("connectors", "second"), ("epochs", "drives"), ("lag", "covered")):
            if column not in run("admin", what, "--url", url):
                fail(f"admin {what} has no {column}")
    url = up.nodes[0]["http"]
    refused = json.loads(run("admin", "drain", "zz", "--json", "--url", url, code=1))
    if refused.get("code") != "not_found" or "[not_found]" in refused["message"]:
        fail(f"the error is {refused}")
    if "nothing to move" not in run("admin", "rebalance", "--url", url):
        fail("equal shares were made anew")
    print("  workers, connectors, epochs and lag: the same on every node", flush=True)


def unserved(up):
    """A node that cannot serve does not join: the others would move work to it, and back."""
    text = run("node", "--name", "x", "--listen", f"127.0.0.1:{free_port()}", "--http", up.nodes[1]["http"].removeprefix("http://"), "--join",
               up.nodes[0]["listen"], "--data", os.path.join(up.data, "x"), "--log", f"embedded:{up.data}/log", code=1)
    history = json.loads(run("admin", "history", "--json", "--url", up.nodes[0]["http"]))
    if "the port is in use" not in text or "x#" in json.dumps(history):
        fail(f"a node whose port was taken said {text}, and the history is {history}")
    print("  a node that cannot serve did not join", flush=True)


def deaths(up):
    """A node that ends is told of, the others go on; with the last one `up` ends."""
    for index, node in enumerate(reversed(up.nodes)):
        os.kill(node["pid"], signal.SIGKILL)
        line = json.loads(up.process.stderr.readline())
        if (line["event"], line["node"], line["signal"]) != ("ended", node["name"], 9):
            fail(f"`cluster up` said {line}")
        if index == 0:
            until("the other node", lambda: [m["name"] for m in json.loads(run(
                "admin", "members", "--json", "--url", up.nodes[0]["http"]))["members"]] == ["a"])
    up.ended(1)
    for node in up.nodes:
        with open(os.path.join(up.data, node["name"] + ".log"), encoding="utf-8") as log:
            lines = [json.loads(line) for line in log]
        if not all("event" in line or "level" in line for line in lines) or (node["name"] == "a" and not lines):
            fail(f"the log of {node['name']} with --json is {lines}")
    print("  nodes that end by themselves are told of", flush=True)


def check(data):
    """Settings that no node could begin with are found by --check."""
    text = run("node", "--check", "--data", data, "--listen", f"127.0.0.1:{free_port()}", "--tls-cert", "/nowhere/c.pem", "--tls-key",
               "/nowhere/k.pem", "--tls-ca", "/nowhere/a.pem", code=78)
    if "/nowhere/c.pem" not in text:
        fail(f"--check said {text}")


# What every node that has begun says.
BEGIN = '"event":"ready"'


def logs(data, up):
    texts = {}
    for node in up.nodes:
        with open(os.path.join(data, node["name"] + ".log"), encoding="utf-8") as log:
            texts[node["name"]] = log.read()
    return texts


def crashes(data):
    """`down` ends what a killed `up` has left, and `up` says what is in its way."""
    up = Up(data).ready()
    up.process.kill()
    up.process.wait()
    # Each node says so itself, perhaps a moment after `up` has found it ready.
    until("every node's log to say that it is ready", lambda: all(BEGIN in text for text in logs(data, up).values()))
    before = logs(data, up)
    text = run("cluster", "up", "--nodes", "2", "--data", data, code=1)
    if "still run" not in text or "cluster down" not in text:
        fail(f"`cluster up` beside nodes of a killed one said {text}")
    after = logs(data, up)
    # The nodes may have said something meanwhile; nobody else has begun.
    if any(not after[name].startswith(text) or after[name].count(BEGIN) != text.count(BEGIN) for name, text in before.items()):
        fail(f"a refused `cluster up` has changed the running nodes' logs from {before} to {after}")
    text = run("cluster", "down", "--data", data)
    if not all(f"{node['name']} (pid {node['pid']})" in text for node in up.nodes):
        fail(f"`cluster down` said {text}")
    up.gone()
    print("  a killed `cluster up`: its nodes are found and stopped", flush=True)
    # What was left behind, with the number of a process that has nothing to do with it.
    innocent = subprocess.Popen(["sleep", "100"])
    try:
        for name in ("cluster.pid", "cluster.lock", "a/lock", "cluster.nodes"):
            with open(os.path.join(data, name), "w", encoding="utf-8") as handle:
                handle.write("a\n" if name == "cluster.nodes" else f"{innocent.pid}\n")
        if "no cluster runs" not in run("cluster", "down", "--data", data, code=1) or innocent.poll() is not None:
            fail("`cluster down` believed a file that was left behind")
    finally:
        innocent.kill()
        innocent.wait()
    os.remove(os.path.join(data, "cluster.nodes"))
    for delay in (0.05, 0.25, 0.6):
        up = Up(data)
        until("the lock", lambda: os.path.exists(os.path.join(data, "cluster.nodes")))
        time.sleep(delay)
        run("cluster", "down", "--data", data)
        up.ended(0)
        left = [pid for pid in os.listdir("/proc") if pid.isdigit() and lives(pid) and data in command(pid)]
        if left:
            fail(f"{delay} s after its start `cluster up` was stopped, and left {[command(pid) for pid in left]}")
    print("  `cluster down` right after `cluster up`: nothing is left", flush=True)


def command(pid):
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as handle:
            return handle.read().replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def main():
    folder = tempfile.mkdtemp(prefix="dataprism-updown-")
    data = os.path.join(folder, "cluster")
    try:
        check(data)
        up = pipeline(folder, data)
        unserved(up)
        deaths(up)
        crashes(data)
    finally:
        for pid in os.listdir("/proc"):
            if pid.isdigit() and int(pid) != os.getpid() and folder in command(pid):
                os.kill(int(pid), signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)
    print("updown: up, down, crashes in between, and what operators are told")


if __name__ == "__main__":
    main()

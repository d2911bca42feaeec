"""One node process for tests that treat Dataprism as a black box: HTTP and signals only."""

import http.client
import json
import os
import signal
import socket
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def binary():
    """The release build's dataprism; $DATAPRISM names another."""
    if os.environ.get("DATAPRISM"):
        return os.environ["DATAPRISM"]
    path = subprocess.run(["swift", "build", "-c", "release", "--show-bin-path"], cwd=ROOT, capture_output=True, text=True,
                          check=True).stdout.strip()
    return os.path.join(path, "dataprism")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Refused(Exception):
    """An answer that is not 2xx."""

    def __init__(self, status, body):
        super().__init__(f"{status}: {body[:300]!r}")
        self.status = status
        self.body = body


class Node:
    def __init__(self, data, pipeline, port=None, workers=2, environment=None, log=None):
        self.data, self.pipeline, self.workers = data, pipeline, workers
        self.port = port or free_port()
        self.environment = dict(os.environ, SWIFT_BACKTRACE="enable=no", **(environment or {}))
        self.log_path = log or os.path.join(os.path.dirname(os.path.abspath(data)), "node.log")
        self.process = None

    def start(self, wait=60.0):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [binary(), "dev", self.pipeline, "--data", self.data, "--http", f"127.0.0.1:{self.port}", "--workers",
                 str(self.workers)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment)
        if wait:
            self.wait_ready(wait)
        return self

    def wait_ready(self, seconds=60.0):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError(f"the node ended with {self.process.returncode}; see {self.log_path}:\n{self.tail()}")
            try:
                status, _, _ = self.request("GET", "/readyz", timeout=2)
                if status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise RuntimeError(f"not ready after {seconds} s; see {self.log_path}:\n{self.tail()}")

    def tail(self):
        with open(self.log_path, "rb") as log:
            return log.read()[-2000:].decode(errors="replace")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, seconds=30.0):
        """SIGTERM; returns the exit code."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
                raise RuntimeError(f"SIGTERM did not end the node within {seconds} s:\n{self.tail()}") from None
        return self.process.returncode if self.process else None

    def request(self, method, path, body=None, headers=None, timeout=30.0):
        """(status, headers, body bytes) of one request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        except http.client.HTTPException as error:
            raise OSError(str(error)) from error
        finally:
            connection.close()

    def append(self, topic, rows, key=None, timeout=30.0):
        """Appends NDJSON; the answer's JSON. Raises Refused, or OSError when the outcome is unknown."""
        body = "".join(json.dumps(row) + "\n" for row in rows).encode()
        headers = {"Content-Type": "application/x-ndjson"}
        if key:
            headers["Idempotency-Key"] = key
        status, _, answer = self.request("POST", f"/topics/{topic}/records", body, headers, timeout)
        if status // 100 != 2:
            raise Refused(status, answer)
        return json.loads(answer)

    def sql(self, text, after=None, timeout=60.0):
        """The rows of a query as objects."""
        path = "/sql" + (f"?after={after}" if after else "")
        status, _, answer = self.request("POST", path, text.encode(), {"Content-Type": "application/sql"}, timeout)
        if status // 100 != 2:
            raise Refused(status, answer)
        return [json.loads(line) for line in answer.splitlines() if line]

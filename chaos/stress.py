"""Runs LogStress (Tests/LogStress) beside a preloaded shim, collects what it acknowledges and lets it verify a log."""

import os
import signal
import subprocess
import sys
import threading

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WAIT_SECONDS = 60
BINARY = []


def binary():
    """The release build's LogStress; $LOGSTRESS names another."""
    if os.environ.get("LOGSTRESS"):
        return os.environ["LOGSTRESS"]
    if not BINARY:
        folder = subprocess.run(["swift", "build", "-c", "release", "--show-bin-path"], cwd=ROOT, capture_output=True, text=True,
                                check=True).stdout.strip()
        BINARY.append(os.path.join(folder, "LogStress"))
        if not os.path.exists(BINARY[0]):
            subprocess.run(["swift", "build", "-c", "release", "--product", "LogStress"], cwd=ROOT, check=True)
    return BINARY[0]


def build_shim(folder):
    target = os.path.join(folder, "sync-shim.so")
    source = os.path.join(ROOT, "chaos", "sync-shim", "shim.c")
    subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", target, source, "-ldl", "-lpthread"], check=True)
    return target


class Stress:
    """One process that appends. `acknowledgements` are its whole lines so far."""

    def __init__(self, log, shim, options):
        environment = dict(os.environ, SWIFT_BACKTRACE="enable=no", LD_PRELOAD=shim)
        self.process = subprocess.Popen([binary(), "append", log] + options, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env=environment)
        self.acknowledgements, self.enough, self.wanted = [], threading.Event(), None
        self.error = b""
        self.threads = [threading.Thread(target=self._lines, daemon=True), threading.Thread(target=self._errors, daemon=True)]
        for thread in self.threads:
            thread.start()

    def _lines(self):
        for line in self.process.stdout:
            if line.endswith(b"\n"):
                self.acknowledgements.append(line)
            if self.wanted is not None and len(self.acknowledgements) >= self.wanted:
                self.enough.set()
        self.enough.set()

    def _errors(self):
        self.error = self.process.stderr.read()

    def wait_for(self, count):
        """Until so many are acknowledged; ends the script if the process ended first."""
        self.wanted = count
        if len(self.acknowledgements) >= count:
            return
        if not self.enough.wait(WAIT_SECONDS) or len(self.acknowledgements) < count:
            self.kill()
            sys.exit(f"LogStress acknowledged {len(self.acknowledgements)} of {count}: {self.error.decode()}")

    def kill(self):
        """kill -9. What was in the pipe by then is read; a violation ends the script."""
        self.process.send_signal(signal.SIGKILL)
        self.finish()
        if b"VIOLATION" in self.error:
            sys.exit(self.error.decode())

    def finish(self):
        """(exit code, standard error) once the process has ended."""
        code = self.process.wait(WAIT_SECONDS)
        for thread in self.threads:
            thread.join(WAIT_SECONDS)
        return code, self.error.decode().strip()

    @staticmethod
    def verify(log, acknowledgements, name, must_hold=True):
        """LogStress's comparison of the log with the acknowledgements, as a dictionary of its figures."""
        result = subprocess.run([binary(), "verify", log], input=b"".join(acknowledgements), capture_output=True)
        words = result.stdout.decode().split()
        figures = {words[i]: int(words[i + 1]) for i in range(0, len(words) - 1, 2)}
        if "lost" not in figures or (must_hold and (result.returncode != 0 or figures["lost"] or figures["twice"])):
            sys.exit(f"{name}: {result.stdout.decode()}{result.stderr.decode()} (exit {result.returncode}; log kept in {log})")
        return figures

#!/usr/bin/env python3
"""Peers that are not ours against the cluster port. Prints a line per check; exits 1 if one fails."""

import json
import os
import random
import re
import resource
import shutil
import socket
import struct
import subprocess
import sys
import time

BINARY = sys.argv[1]
failures = []


def check(name, good, detail=""):
    print(f"{'ok  ' if good else 'FAIL'} {name}{': ' + str(detail) if detail != '' else ''}", flush=True)
    if not good:
        failures.append(name)


class Peer:
    """The process under test."""

    def __init__(self, handshake_seconds=5):
        self.log = open(os.devnull, "wb")
        self.process = subprocess.Popen([BINARY, str(handshake_seconds)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.log, env={**os.environ, "SWIFT_BACKTRACE": "enable=no"})
        self.port = int(self.process.stdout.readline().split()[1])

    def memory(self):
        """Resident bytes."""
        with open(f"/proc/{self.process.pid}/statm") as handle:
            return int(handle.read().split()[1]) * resource.getpagesize()

    def is_alive(self):
        return self.process.poll() is None

    def stop(self):
        self.process.stdin.close()
        counts = json.loads(self.process.stdout.read())
        self.process.wait(timeout=30)
        self.log.close()
        return counts


def connect(peer):
    link = socket.create_connection(("127.0.0.1", peer.port), timeout=20)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return link


def hello(name="stranger", cluster="c-peer", purpose=2):
    text = lambda value: struct.pack("<H", len(value)) + value.encode()
    return (b"DPH1" + text(cluster) + text(name) + struct.pack("<q", 1) + struct.pack("<HH", 1, 1)
            + bytes([purpose, 0]) + struct.pack("<H", 32) + random.randbytes(32))


def nghttp_and_h2load(peer):
    if not shutil.which("nghttp") or not shutil.which("h2load"):
        print("skip nghttp and h2load: the package nghttp2-client is not installed")
        return
    url = f"http://127.0.0.1:{peer.port}"
    out = subprocess.run(["nghttp", "-nv", f"{url}/healthz"], capture_output=True, text=True, timeout=60).stdout
    check("nghttp gets /healthz before any hand-shake", ":status: 200" in out)
    out = subprocess.run(["nghttp", "-nv", "-H:method: POST", f"{url}/echo"], capture_output=True, text=True, timeout=60).stdout
    check("nghttp is refused a call before the hand-shake", ":status: 403" in out and "the hand-shake comes first" in out)
    path = f"/tmp/hello-{os.getpid()}"
    with open(path, "wb") as handle:
        handle.write(hello())
    try:
        out = subprocess.run(["nghttp", "-v", "-d", path, f"{url}/dataprism/hello"], capture_output=True, timeout=60).stdout
    finally:
        os.unlink(path)
    check("nghttp shakes hands by hand", b":status: 200" in out and b"DPW1" in out)
    out = subprocess.run(["h2load", "-n", "20000", "-c", "10", "-m", "8", f"{url}/healthz"],
                         capture_output=True, text=True, timeout=120).stdout
    done = re.search(r"requests: .* (\d+) succeeded, (\d+) failed", out)
    rate = re.search(r"finished in .*", out)
    check("h2load: 20 000 requests on 10 connections", bool(done) and done.groups() == ("20000", "0"),
          rate.group(0) if rate else out[-300:])


def client(peer, initial_window=None):
    """An h2 connection that has shaken hands."""
    import h2.config
    import h2.connection
    import h2.events
    import h2.settings
    link = connect(peer)
    h2c = h2.connection.H2Connection(config=h2.config.H2Configuration(client_side=True))
    if initial_window is not None:
        h2c.local_settings = h2.settings.Settings(client=True, initial_values={
            h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: initial_window, h2.settings.SettingCodes.ENABLE_PUSH: 0})
    h2c.initiate_connection()
    link.sendall(h2c.data_to_send())
    return link, h2c


def post(h2c, path, body, end=True):
    stream = h2c.get_next_available_stream_id()
    h2c.send_headers(stream, [(":method", "POST"), (":scheme", "http"), (":authority", "x"), (":path", path)],
                     end_stream=end and not body)
    if body:
        # In frames of the largest size that is allowed unasked.
        for start in range(0, len(body), 16384):
            h2c.send_data(stream, body[start:start + 16384], end_stream=end and start + 16384 >= len(body))
    return stream


def pump(link, h2c, until, seconds=20):
    """Reads until `until(event)` is true; the events."""
    import h2.events
    events = []
    deadline = time.monotonic() + seconds
    link.sendall(h2c.data_to_send())
    while time.monotonic() < deadline:
        link.settimeout(max(0.05, deadline - time.monotonic()))
        try:
            data = link.recv(65536)
        except (TimeoutError, ConnectionResetError):
            return events
        if not data:
            return events
        for event in h2c.receive_data(data):
            events.append(event)
            if isinstance(event, h2.events.DataReceived):
                h2c.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        link.sendall(h2c.data_to_send())
        if any(until(event) for event in events):
            return events
    return events


def shaken(peer, name="stranger", **options):
    import h2.events
    link, h2c = client(peer, **options)
    stream = post(h2c, "/dataprism/hello", hello(name))
    events = pump(link, h2c, lambda event: isinstance(event, h2.events.StreamEnded) and event.stream_id == stream)
    assert any(isinstance(event, h2.events.StreamEnded) for event in events), events
    return link, h2c


def with_python(peer):
    try:
        import h2.events
        import h2.exceptions
        import xxhash
    except ImportError:
        print("skip frames with Python's h2: h2 and xxhash are not installed and PyPI cannot be reached")
        return
    ended = lambda stream: lambda event: isinstance(event, h2.events.StreamEnded) and event.stream_id == stream
    link, h2c = shaken(peer)
    body = random.randbytes(40_000)
    stream = post(h2c, "/echo", body)
    events = pump(link, h2c, ended(stream))
    answer = b"".join(event.data for event in events if isinstance(event, h2.events.DataReceived))
    check("h2 makes a call", answer == body)

    stream = post(h2c, "/frames", b"", end=False)
    frame = lambda number, payload: struct.pack("<IQ", len(payload), xxhash.xxh3_64_intdigest(payload, seed=number)) + payload
    h2c.send_data(stream, frame(0, b"one") + frame(1, b"") + frame(2, b"three" * 1000), end_stream=True)
    events = pump(link, h2c, ended(stream))
    check("h2 sends frames with an independent checksum", any(ended(stream)(event) for event in events))

    stream = post(h2c, "/frames", b"", end=False)
    h2c.send_data(stream, frame(7, b"out of place"))
    reset = lambda event: isinstance(event, h2.events.StreamReset) and event.stream_id == stream
    events = pump(link, h2c, reset)
    codes = [int(event.error_code) for event in events if reset(event)]
    check("a frame out of its place resets its stream with our code", codes == [0x1000 + 12], codes)
    stream = post(h2c, "/echo", b"still here")
    check("and the connection goes on", any(ended(stream)(event) for event in pump(link, h2c, ended(stream))))
    link.close()

    # Rapid reset on an authenticated connection.
    link, h2c = shaken(peer)
    gone = False
    try:
        for _ in range(2000):
            stream = post(h2c, "/echo", b"", end=False)
            h2c.reset_stream(stream, 8)
            link.sendall(h2c.data_to_send())
    except (BrokenPipeError, ConnectionResetError, h2.exceptions.ProtocolError):
        gone = True
    terminated = [event for event in ([] if gone else pump(link, h2c, lambda event: isinstance(event, h2.events.ConnectionTerminated), 10))
                  if isinstance(event, h2.events.ConnectionTerminated)]
    check("rapid reset is cut off", gone or (terminated and int(terminated[0].error_code) == 11))
    link.close()

    # A reader that opens no window: its answer waits, others are served.
    slow, slow_h2 = shaken(peer, "slow", initial_window=64)
    stalled = post(slow_h2, "/echo", random.randbytes(60_000))
    slow.sendall(slow_h2.data_to_send())
    link, h2c = shaken(peer, "quick")
    started = time.monotonic()
    for _ in range(200):
        stream = post(h2c, "/echo", b"x" * 1000)
        if not any(ended(stream)(event) for event in pump(link, h2c, ended(stream))):
            break
    else:
        check("a reader without a window delays nobody", True, f"200 calls in {time.monotonic() - started:.2f} s")
    slow.close()
    link.close()
    return stalled


def abuse(peer):
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
    before = peer.memory()
    generator = random.Random(7)
    for number in range(300):
        try:
            with connect(peer) as link:
                data = generator.randbytes(generator.randrange(1, 2000))
                link.sendall(data if number % 2 else preface + data)
                link.shutdown(socket.SHUT_WR)
                link.settimeout(10)
                while link.recv(65536):
                    pass
        except (ConnectionResetError, BrokenPipeError):
            pass
    check("300 connections of garbage leave it alive", peer.is_alive())
    flood = preface + b"\0\0\x08\6\0\0\0\0\0" + b"x" * 8
    link = connect(peer)
    cut = False
    try:
        link.sendall(flood)
        for _ in range(2000):
            link.sendall((b"\0\0\x08\6\0\0\0\0\0" + b"x" * 8) * 100)
        while link.recv(65536):
            pass
        cut = True
    except (BrokenPipeError, ConnectionResetError):
        cut = True
    link.close()
    check("a flood of pings that reads no answers is cut off", cut)
    links = []
    for _ in range(90):
        links.append(connect(peer))
    closed = 0
    for link in links:
        link.settimeout(0.2)
        try:
            # A stranger that is let in hears the settings; one over the limit hears the end.
            while data := link.recv(1):
                break
            closed += not data
        except TimeoutError:
            pass
        except ConnectionResetError:
            closed += 1
    check("of 90 silent strangers those over 64 are closed", closed >= 90 - 64, closed)
    for link in links:
        link.close()
    grown = peer.memory() - before
    check("memory grew by less than 64 MB", grown < 64 << 20, f"{grown / 1e6:.1f} MB")


def main():
    peer = Peer()
    nghttp_and_h2load(peer)
    with_python(peer)
    abuse(peer)
    time.sleep(0.2)
    counts = peer.stop()
    check("all connections are gone at the end", counts["open"] == 0, counts)
    check("abuse and refusals were counted", counts["abused"] > 100 and counts["overLimit"] >= 26)
    print(f"{len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

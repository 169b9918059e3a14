#!/usr/bin/python3
"""daemon_under_load BINARY [SECONDS]: runs the daemon with many targets on loopback while clients scrape it in every form,
have it measure what they name, leave in the middle of replies and send nonsense, and while its configuration is another one every half second; then ends it. Fails on a report of a sanitizer, on a wrong exit
code, or when something that was asked for never came. Meant for a binary built with ThreadSanitizer.
"""

import gzip
import json
import os
import pathlib
import random
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

TARGETS = 200
CLIENTS = 4
WORKERS = 4
PATIENCE_SECONDS = 120
REPORT = re.compile(r"(Thread|Address|UndefinedBehavior|Leak)Sanitizer|runtime error:")
FAULT = re.compile(r"cannot be (opened|added|removed|relabelled)")

HEAD = """
agent: {{ name = "load"; workers = {workers}; labels = {{ site = "lab"; }}; }};
web: {{ listen = [ "127.0.0.1:0", "[::1]:0" ]; }};
probes: {{
  fast: {{ type = "ping"; interval = 0.1; timeout = 0.08; }};
  burst: {{ type = "ping"; interval = 0.5; timeout = 0.4; count = 5; spacing = 0.02; }};
  long: {{ type = "ping"; interval = 60; timeout = 50; count = 100; spacing = 0.2; }};
}};
probe_endpoint: {{ allow = [ "127.0.0.0/8", "::1" ]; deny = [ "127.0.1.{denied}" ]; history = {history}; max_concurrent = 100; }};
influx: (
  {{ name = "one"; path = "{folder}/one"; rotate_size = "64KiB"; keep = 2; }},
  {{ name = "two"; path = "{folder}/two"; }}
);
"""

PATHS = (
    "/metrics",
    "/metrics?shard=0/2",
    "/metrics?shard=1/2",
    "/config",
    "/-/healthy",
    "/-/ready",
    "/",
    "/api/v1/latest",
    "/api/v1/latest?target=t3",
    "/api/v1/results?target=t1&probe=fast&limit=1000",
    "/api/v1/results?target=t2&probe=burst&format=csv",
)
REFUSED = (
    "/none",
    "/metrics?shard=2/2",
    "/metrics?shard=x",
    "/api/v1/latest?target=none",
    "/api/v1/results?target=t1",
    "/api/v1/results?target=none",
)
LEFT = (
    "/metrics",
    "/api/v1/latest",
    "/api/v1/results?target=t1&probe=fast&limit=1000",
    "/probe?target=127.0.1.1&module=long",
    "/probe?target=127.0.1.2&module=fast",
)
ACCEPT = ("", "application/openmetrics-text; version=1.0.0", "text/plain")
NONSENSE = (
    b"\r\n\r\n",
    b"GET\r\n\r\n",
    b"GET /metrics HTTP/9.9\r\n\r\n",
    b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 10000,
    bytes(range(256)) * 20,
)


def make_target(i, version):
    """Some come and go, some have other labels, another address or other settings each time, most are the same."""
    label = version if i % 5 == 1 else 0
    address = address_of(i + version) if i % 5 == 2 else address_of(i)
    more = f"size = {56 + version % 100};" if i % 5 == 3 else ""
    return (f'{{ name = "t{i}"; address = "{address}"; probes = [ "fast", "burst" ]; labels = {{ n = "{label}"; }}; '
            f"{more} }}")


def make_configuration(folder, version=0):
    targets = ", ".join(make_target(i, version) for i in range(TARGETS) if i % 5 or (i + version) % 3)
    file, new = pathlib.Path(folder, "load.conf"), pathlib.Path(folder, "load.conf.new")
    bad = "nonsense" if version % 4 == 3 else ""
    head = HEAD.format(workers=WORKERS, folder=folder, denied=version % 5, history=version % 3 * 10)
    new.write_text(head + f"targets: ( {targets} );\n{bad}")
    new.rename(file)
    return file


def address_of(i):
    """Most of them answer; some names never resolve."""
    if i % 20 == 19:
        return f"no-such-host-{i}.invalid"
    return "::1" if i % 2 else f"127.0.1.{i % 250 + 1}"


class Load:
    def __init__(self, port):
        self.port = port
        self.end = threading.Event()
        self.problems = []
        self.scrapes = 0
        self.measured = 0

    def fetch(self, path, **headers):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as reply:
            body = reply.read()
            return gzip.decompress(body) if reply.headers.get("Content-Encoding") == "gzip" else body

    def scrape(self, chance):
        headers = {"Accept": chance.choice(ACCEPT)}
        if chance.random() < 0.5:
            headers["Accept-Encoding"] = "gzip"
        path = chance.choice(PATHS)
        body = self.fetch(path, **headers)
        if path == "/metrics" and b"netsonde_build" not in body:
            self.problems.append(f"/metrics of {len(body)} bytes is not whole")
        if path == "/api/v1/latest" and len(json.loads(body)["targets"]) < TARGETS:
            self.problems.append(f"{path} of {len(body)} bytes is not whole")
        self.scrapes += 1

    def measure(self, chance):
        """What is forbidden by some of the configurations may be refused; all else must be good."""
        address = f"127.0.1.{chance.randrange(10)}"
        debug = chance.choice(("", "&debug=true"))
        try:
            body = self.fetch(f"/probe?target={address}&module={chance.choice(('fast', 'burst'))}{debug}")
        except urllib.error.HTTPError as error:
            if error.code not in (403, 503):
                self.problems.append(f"/probe: status {error.code}")
            return
        if b"\nprobe_success 1\n" in body:
            self.measured += 1
        elif b"probe_success" not in body:
            self.problems.append(f"/probe of {len(body)} bytes is not whole")

    def look_back(self, chance):
        try:
            self.fetch(f"/logs?id={chance.randrange(1, self.measured + 2)}")
        except urllib.error.HTTPError as error:
            if error.code != 404:
                self.problems.append(f"/logs: status {error.code}")

    def refuse(self, chance):
        path = chance.choice(REFUSED)
        try:
            self.fetch(path)
            self.problems.append(f"{path} was answered with success")
        except urllib.error.HTTPError as error:
            if not 400 <= error.code < 500:
                self.problems.append(f"{path}: status {error.code}")

    def leave(self, chance):
        """Reads a little of a reply, or nothing, and goes."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE_SECONDS) as client:
            path = chance.choice(LEFT)
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            if chance.random() < 0.5 and "module=long" not in path:
                client.recv(chance.randrange(1, 2000))
            if chance.random() < 0.5:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def talk_nonsense(self, chance):
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE_SECONDS) as client:
            try:
                client.sendall(chance.choice(NONSENSE))
                client.settimeout(0.2)
                client.recv(1000)
            except OSError:
                pass

    def run(self, seed):
        chance = random.Random(seed)
        acts = [self.scrape] * 6 + [self.measure] * 6 + [self.look_back, self.refuse, self.leave, self.talk_nonsense]
        while not self.end.is_set():
            try:
                chance.choice(acts)(chance)
            except Exception as error:  # pylint: disable=broad-except
                self.problems.append(f"client {seed}: {error!r}")
                return


def wait_for_port(log, process):
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end and process.poll() is None:
        found = re.search(r"http://127\.0\.0\.1:(\d+)/metrics", log.read_text())
        if found:
            return int(found.group(1))
        time.sleep(0.1)
    raise SystemExit(f"the daemon did not start:\n{log.read_text()}")


def press(process, port, seconds, folder):
    """What went wrong."""
    load = Load(port)
    clients = [threading.Thread(target=load.run, args=(seed,)) for seed in range(CLIENTS)]
    for client in clients:
        client.start()
    end = time.monotonic() + seconds
    version = 0
    while time.monotonic() < end and process.poll() is None:
        time.sleep(0.5)
        version += 1
        make_configuration(folder, version)
        for _ in range(version % 3 + 1):
            process.send_signal(signal.SIGHUP)
    load.end.set()
    for client in clients:
        client.join()
    if load.scrapes == 0:
        load.problems.append("nothing was scraped")
    if load.measured == 0:
        load.problems.append("nothing was measured for others")
    return load.problems, load.scrapes


def finish(process):
    process.send_signal(signal.SIGTERM)
    try:
        return process.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return "none: it had to be killed"


def main(binary, seconds):
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder, "log")
        options = {"TSAN_OPTIONS": "second_deadlock_stack=1", "UBSAN_OPTIONS": "print_stacktrace=1", **os.environ}
        with log.open("w", encoding="utf-8") as sink:
            process = subprocess.Popen(
                [binary, "run", "--config", str(make_configuration(folder))], stderr=sink, env=options
            )
        port = wait_for_port(log, process)
        problems, scrapes = press(process, port, seconds, folder)
        code = finish(process)
        lines = sum(1 for line in pathlib.Path(folder, "two").open(encoding="utf-8"))
        text = log.read_text(errors="replace")
    if code != 0:
        problems.append(f"exit code {code}")
    if "reloaded: " not in text or "refused: " not in text or FAULT.search(text):
        problems.append("the configuration did not change as it should")
    if lines == 0:
        problems.append("no line was written")
    if REPORT.search(text):
        problems.append("a sanitizer has something to report")
    print(f"{scrapes} scrapes, {lines} lines, {len(problems)} problems")
    for problem in problems:
        print(f"PROBLEM {problem}")
    if problems:
        print(text[-20000:])
    return 1 if problems else 0


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    sys.exit(main(sys.argv[1], float(sys.argv[2]) if len(sys.argv) == 3 else 10))

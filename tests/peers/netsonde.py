"""Runs the real daemon for tests: its binary, its configuration, its log."""

import os
import pathlib
import re
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request

TOP = pathlib.Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 60  # how long something that must happen may take on a busy machine


def find_binary():
    """NETSONDE_BINARY, else netsonde in the folder NETSONDE_BUILD, else that of the release build."""
    folder = os.environ.get("NETSONDE_BUILD", TOP / "build" / "release")
    binary = pathlib.Path(os.environ.get("NETSONDE_BINARY", pathlib.Path(folder, "netsonde")))
    assert os.access(binary, os.X_OK), f"{binary} is missing: build it, or set NETSONDE_BINARY"
    return str(binary.resolve())


def wait_until(condition, what, seconds=PATIENCE_SECONDS):
    """The first true value of condition()."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {seconds} s")


# The filter of system calls that all tests run the daemon with: scripts/test sets it (docs/testing.md).
KEPT_VARIABLES = ("NETSONDE_AGENT_SECCOMP",)


def environment():
    """Without what may change a configuration."""
    return {
        name: value for name, value in os.environ.items()
        if name in KEPT_VARIABLES or not name.startswith("NETSONDE_")
    }


def run(binary, *arguments, timeout=PATIENCE_SECONDS, **extra):
    """A command to its end."""
    variables = {**environment(), **extra}
    return subprocess.run(
        [binary, *map(str, arguments)], env=variables, timeout=timeout, capture_output=True, text=True, check=False
    )


class Daemon:
    """netsonde run, with the configuration in a file of folder. web.listen must have the port 0."""

    def __init__(self, binary, folder, configuration, **extra):
        self.file = pathlib.Path(folder, "netsonde.conf")
        self.file.write_text(configuration)
        self.lines = []
        self.process = subprocess.Popen(
            [binary, "run", "--config", str(self.file)],
            stderr=subprocess.PIPE,
            env={**environment(), **extra},
            text=True,
            cwd=folder,
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))

    def log(self):
        return "\n".join(self.lines)

    def url(self):
        """http://HOST:PORT of the first listener, once it is there and the daemon is ready."""

        def find():
            assert self.process.poll() is None, f"the daemon ended: {self.log()}"
            return re.search(r"what=web .*why=\"?(http://[^ /]+)/metrics", self.log())

        base = wait_until(find, "a listener in the log").group(1)
        wait_until(lambda: self._status(base + "/-/ready") == 200, "/-/ready")
        return base

    @staticmethod
    def _status(url):
        try:
            with urllib.request.urlopen(url, timeout=10) as reply:
                return reply.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return None

    def get(self, path, **headers):
        request = urllib.request.Request(self.url() + path, headers=headers)
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as reply:
            return reply.read().decode()

    def stop(self, number=signal.SIGTERM):
        """The exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            code = self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self.reader.join(PATIENCE_SECONDS)
        return code

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


LOOPBACK = """
agent: { name = "tester"; workers = 2; labels = { site = "lab"; }; };
web: { listen = [ "127.0.0.1:0" ]; };
probes: { fast: { type = "ping"; interval = 0.2; timeout = 0.15; }; };
targets: (
  { name = "lo4"; address = "127.0.0.1"; probes = [ "fast" ]; labels = { family = "ipv4"; }; },
  { name = "lo6"; address = "::1"; probes = [ "fast" ]; labels = { family = "ipv6"; }; }
);
"""

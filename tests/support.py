"""What all system tests share: the daemon as a thing to start, ask and stop; its configuration, figures and lines.

The daemon under test is $NETSONDE_BUILD/netsonde, by default that of build/release.
"""

import gzip
import http.client
import os
import pathlib
import re
import signal
import subprocess
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("NETSONDE_BUILD", TOP / "build" / "release"))
BINARY = BUILD / "netsonde"

# How long anything that must happen may take on a busy machine; nothing is measured by it.
PATIENCE_SECONDS = 60


# A shell has those that it starts in the background ignore these, and whoever they start.
for number in (signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)


def wait_for(condition, what="it", patience=PATIENCE_SECONDS):
    """Asks again and again until condition() is true, and returns what it said."""
    end = time.monotonic() + patience
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < end, f"waited {patience} s in vain for {what}"
        time.sleep(0.05)


# The filter of system calls that all tests run the daemon with: scripts/test sets it (docs/testing.md).
KEPT_VARIABLES = ("NETSONDE_AGENT_SECCOMP",)


def clean_environment():
    """Options may come from the environment: none but those of the test."""
    return {
        name: value for name, value in os.environ.items()
        if name in KEPT_VARIABLES or not name.startswith("NETSONDE_")
    }


# --- the configuration ---------------------------------------------------------------------------------------------


def to_libconfig(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, dict):
        return "{ " + " ".join(f"{key} = {to_libconfig(one)};" for key, one in value.items()) + " }"
    if value and isinstance(value[0], dict):
        return "(\n  " + ",\n  ".join(map(to_libconfig, value)) + "\n)"
    return "[ " + ", ".join(map(to_libconfig, value)) + " ]"


def make_config(targets, probes=None, agent=None, web=None, influx=None):
    """A configuration: targets are (name, address) pairs or whole groups; probes default to one fast ping."""
    probes = probes or {"ping": {"type": "ping", "interval": 0.2, "timeout": 0.19}}
    groups = []
    for target in targets:
        group = target if isinstance(target, dict) else {"name": target[0], "address": target[1]}
        groups.append({"probes": list(probes)[:1], **group})
    sections = {
        "agent": {"name": "test", "workers": 1, "state_dir": "state", **(agent or {})},
        "web": {"listen": ["127.0.0.1:0"], **(web or {})},
        "probes": probes,
        "targets": groups,
        "influx": [{"name": "file", "path": "lines"}] if influx is None else influx,
    }
    return "".join(f"{name}: {to_libconfig(value)};\n" for name, value in sections.items() if value)


# --- figures -------------------------------------------------------------------------------------------------------

SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')


class Metrics:
    """The samples of a scrape. Labels that are not asked for do not matter, but the answer must be unique."""

    def __init__(self, text):
        self.text = text
        self.samples = {}
        for line in text.split("\n"):  # a carriage return may be in a value
            if line.startswith("#") or not line:
                continue
            name, labels, value = SAMPLE.match(line).groups()
            found = LABEL.findall(labels or "")
            assert ",".join(f'{k}="{v}"' for k, v in found) == (labels or "").rstrip(","), f"labels of {line}"
            one = frozenset(found)
            rows = self.samples.setdefault(name, {})
            assert one not in rows, f"twice: {line}"
            rows[one] = float(value)

    def all(self, metric, /, **labels):
        wanted = set(labels.items())
        return {row: value for row, value in self.samples.get(metric, {}).items() if wanted <= row}

    def get(self, metric, /, **labels):
        """The value, or None when there is no such series."""
        found = self.all(metric, **labels)
        assert len(found) <= 1, f"{metric}{labels} is not unique: {found}"
        return next(iter(found.values()), None)

    def sum(self, metric, /, **labels):
        return sum(self.all(metric, **labels).values())

    def failures(self, target):
        """Reasons why runs failed, with how often."""
        rows = self.all("netsonde_probe_failures_total", target=target)
        return {dict(row)["reason"]: value for row, value in rows.items() if value}


class Line:
    """One line of line protocol."""

    PART = re.compile(r'((?:[^,= \\]|\\.)+)=("(?:[^"\\]|\\.)*"|(?:[^,= \\]|\\.)+)')
    SHAPE = re.compile(
        r'^((?:[^, \\]|\\.)+)((?:,(?:[^,= \\]|\\.)+=(?:[^,= \\]|\\.)+)*) '
        r'((?:[^,= \\]|\\.)+=(?:"(?:[^"\\]|\\.)*"|[^," ]+)(?:,(?:[^,= \\]|\\.)+=(?:"(?:[^"\\]|\\.)*"|[^," ]+))*) (\d+)$'
    )

    def __init__(self, text):
        match = self.SHAPE.match(text)
        assert match, f"not line protocol: {text!r}"
        self.measurement = match[1]
        self.tags = dict(self.PART.findall(match[2]))
        self.fields = {name: self.read_value(value) for name, value in self.PART.findall(match[3])}
        self.stamp_ns = int(match[4])

    @staticmethod
    def read_value(text):
        if text[0] == '"':
            return re.sub(r"\\(.)", r"\1", text[1:-1])
        if text[-1] == "i":
            return int(text[:-1])
        if text in ("t", "true", "T", "True", "TRUE", "f", "false", "F", "False", "FALSE"):
            return text[0] in "tT"
        return float(text)


# --- the daemon ----------------------------------------------------------------------------------------------------


class Daemon:
    """A running "netsonde run" in a folder of its own. config: text; prefix: a command to run it by."""

    def __init__(self, folder, config, prefix=(), environment=None, arguments=(), client=None):
        """client: an ssl.SSLContext, where the pages are there with TLS only; fields: sent with each request."""
        self.client = client
        self.fields = {}
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "netsonde.conf").write_text(config)
        self.log_file = open(self.folder / "log", "a+b")
        self.process = subprocess.Popen(
            [*prefix, str(BINARY), "run", "--config", "netsonde.conf", *arguments],
            cwd=self.folder, env={**clean_environment(), **(environment or {})},
            stdin=subprocess.DEVNULL, stdout=self.log_file, stderr=self.log_file,
        )
        self.address = None

    @property
    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def wait_ready(self):
        """Until it says where /metrics is and that it is ready."""

        def is_ready():
            assert self.process.poll() is None, f"the daemon ended with {self.process.returncode}:\n{self.log}"
            # The last one: the log of a daemon that ran in this folder before is there, too.
            found = re.findall(r"https?://(127\.0\.0\.1:\d+)/metrics", self.log)
            if not found:
                return False
            self.address = found[-1]
            try:
                return self.get("/-/ready")[0] == 200
            except OSError:
                return False

        wait_for(is_ready, f"the daemon to be ready:\n{self.log}")
        return self

    def connect(self):
        if self.client:
            return http.client.HTTPSConnection(self.address, timeout=PATIENCE_SECONDS, context=self.client)
        return http.client.HTTPConnection(self.address, timeout=PATIENCE_SECONDS)

    def get(self, path, headers=None, method="GET"):
        """(status, headers, body as bytes)"""
        connection = self.connect()
        try:
            connection.request(method, path, headers={**self.fields, **(headers or {})})
            response = connection.getresponse()
            body = response.read()
            if response.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            return response.status, response.headers, body
        finally:
            connection.close()

    def metrics(self):
        status, _, body = self.get("/metrics")
        assert status == 200, body
        return Metrics(body.decode())

    def wait_metrics(self, condition, what="the figures"):
        """Scrapes until condition(metrics) is true; returns these metrics."""
        last = None

        def ask():
            nonlocal last
            assert self.process.poll() is None, f"the daemon ended with {self.process.returncode}:\n{self.log}"
            last = self.metrics()
            return condition(last)

        try:
            wait_for(ask, what)
        except AssertionError as error:
            shown = "\n".join(line for line in last.text.splitlines() if "target=" in line and "bucket" not in line)
            raise AssertionError(f"{error}\n{shown}\n{self.log}") from None
        return last

    def wait_runs(self, target, runs):
        """Until that many runs of a target have ended."""
        return self.wait_metrics(
            lambda m: (m.get("netsonde_probe_runs_total", target=target) or 0) >= runs, f"{runs} runs of {target}"
        )

    def lines(self, measurement=None, **tags):
        """All whole lines so far, oldest first, as far as they are of that measurement and have these tags."""
        try:
            text = (self.folder / "lines").read_text()
        except FileNotFoundError:
            return []
        whole = [Line(line) for line in text.split("\n")[:-1]]
        return [
            line for line in whole
            if measurement in (None, line.measurement) and tags.items() <= line.tags.items()
        ]

    def stop(self):
        """Asks it to end; it must do so cleanly. A sanitizer's report would show in the exit code or the log."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=PATIENCE_SECONDS)
        self.log_file.close()
        assert code == 0, f"exit code {code}:\n{self.log}"
        assert "Sanitizer" not in self.log and "runtime error" not in self.log, self.log

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.log_file.close()

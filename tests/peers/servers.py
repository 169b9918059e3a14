"""Real servers that the tests start: InfluxDB 1 and VictoriaMetrics, on loopback."""

import json
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

CONFIG = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  query-log-enabled = false
[http]
  bind-address = "127.0.0.1:{http}"
  log-enabled = false
  max-row-limit = 0
[monitor]
  store-enabled = false
"""


def free_ports(n):
    sockets = [socket.socket() for _ in range(n)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Server:
    """A server of the test's own, on a port that stays when it is stopped and started."""

    def __init__(self, folder, command):
        self.command = command
        self.log = folder / "log"
        self.process = None
        self.start()

    def start(self):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)

    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def close(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def request(self, path, body=None, **query):
        """Status and body."""
        url = f"{self.url()}{path}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=60) as reply:
                return reply.status, reply.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def wait(self):
        for _ in range(600):
            assert self.process.poll() is None, self.log.read_text()
            try:
                if self.request(self.health)[0] < 300:
                    return self
            except OSError:
                pass
            time.sleep(0.1)
        raise AssertionError("the server does not answer:\n" + self.log.read_text())


class Influx(Server):
    """InfluxDB 1."""

    health = "/ping"

    def __init__(self, binary, folder):
        rpc, self.port = free_ports(2)
        config = folder / "influxdb.conf"
        config.write_text(CONFIG.format(rpc=rpc, http=self.port, folder=folder))
        super().__init__(folder, [binary, "-config", str(config)])

    def query(self, text, database=""):
        status, body = self.request("/query", body=b"", q=text, db=database, epoch="ns")
        assert status == 200, body
        result = json.loads(body)["results"][0]
        assert "error" not in result, result
        assert "partial" not in result
        return result.get("series", [])

    def write(self, database, lines):
        return self.request("/write", body=lines, db=database, precision="ns")

    def fresh(self, database):
        self.query(f'DROP DATABASE "{database}"')
        self.query(f'CREATE DATABASE "{database}"')
        return database

    def points(self, database, measurement):
        """(tags, fields, time) by the tag "case"."""
        found = {}
        for series in self.query(f'SELECT * FROM "{measurement}" GROUP BY *', database):
            tags = {key: value for key, value in series["tags"].items() if value != ""}
            for values in series["values"]:
                row = dict(zip(series["columns"], values))
                stamp = row.pop("time")
                assert tags["case"] not in found, "a point came twice"
                found[tags["case"]] = (tags, {key: value for key, value in row.items() if value is not None}, stamp)
        return found


class Victoria(Server):
    """VictoriaMetrics. It keeps milliseconds, and no texts."""

    health = "/health"

    def __init__(self, binary, folder):
        (self.port,) = free_ports(1)
        super().__init__(
            folder,
            [
                binary,
                f"-storageDataPath={folder}/data",
                f"-httpListenAddr=127.0.0.1:{self.port}",
                "-retentionPeriod=100y",
                "-memory.allowedBytes=256MiB",
            ],
        )

    def samples(self, name):
        """Of one series name: list of (labels, {stamp in ms: value})."""
        self.request("/internal/force_flush")
        status, body = self.request("/api/v1/export", **{"match[]": f'{{__name__="{name}"}}'})
        assert status == 200, body
        found = []
        for line in body.decode().splitlines():
            series = json.loads(line)
            found.append((series["metric"], dict(zip(series["timestamps"], series["values"]))))
        return found


class Prometheus:
    """target: what to scrape, with what a scrape configuration has besides (scrape), such as "scheme: https"; or a whole
    configuration."""

    def __init__(self, folder, target=None, scrape="", configuration=None):
        self.url = f"http://127.0.0.1:{free_ports(1)[0]}"
        file = folder / "prometheus.yml"
        file.write_text(configuration or (
            "global: { scrape_interval: 1s }\n"
            f"scrape_configs: [ {{ job_name: netsonde, static_configs: [ {{ targets: ['{target}'] }} ], {scrape} }} ]\n"
        ))
        self.log = open(folder / "prometheus.log", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [
                shutil.which("prometheus"),
                f"--config.file={file}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={self.url[len('http://'):]}",
                # Alerts that fire before Alertmanager is known would be told again after a minute only.
                "--rules.alert.resend-delay=5s",
            ],
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )

    def query(self, expression, **more):
        """[(labels, value)], or [] while the server does not answer. more: such as the time to answer for."""
        assert self.process.poll() is None, (self.log.seek(0), self.log.read())[1]
        query = urllib.parse.urlencode({"query": expression, **more})
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/query?{query}", timeout=10) as reply:
                found = json.load(reply)
        except OSError:
            return []
        assert found["status"] == "success"
        return [(row["metric"], float(row["value"][1])) for row in found["data"]["result"]]

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

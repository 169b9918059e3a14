"""VictoriaMetrics and InfluxDB 1, each running in a folder of its own, with a database called bench."""

import urllib.error
import urllib.parse
import urllib.request

from lib.process import Program, wait_for

INFLUX_CONFIG = """
reporting-disabled = true
bind-address = "127.0.0.1:8088"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  query-log-enabled = false
[http]
  bind-address = "127.0.0.1:8086"
  log-enabled = false
[monitor]
  store-enabled = false
"""


def ask(url, data=None):
    """The status of the answer; None if there is none."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=data), timeout=60) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


class Sink(Program):
    def __init__(self, name, url, command, folder, health):
        self.name, self.url = name, url
        super().__init__(command, log=folder / "log")
        wait_for(lambda: self.is_healthy(health), f"{name} to answer")

    def is_healthy(self, path):
        self.check_alive()
        return (ask(self.url + path) or 500) < 300


def victoria(path, folder):
    folder.mkdir()
    return Sink("VictoriaMetrics", "http://127.0.0.1:8428",
                [path, f"-storageDataPath={folder}/data", "-httpListenAddr=127.0.0.1:8428"], folder, "/health")


def influx(path, folder):
    folder.mkdir()
    config = folder / "influxdb.conf"
    config.write_text(INFLUX_CONFIG.format(folder=folder))
    sink = Sink("InfluxDB", "http://127.0.0.1:8086", [path, "-config", config], folder, "/ping")
    query = urllib.parse.urlencode({"q": "CREATE DATABASE bench"})
    wait_for(lambda: ask(f"{sink.url}/query?{query}", b"") == 200, "a database")
    return sink

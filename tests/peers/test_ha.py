"""High availability without containers: HAProxy with the configuration that is shipped, two InfluxDBs, and the daemon. One server
ends and comes back: nothing is missing on either, and reads have moved meanwhile."""

import json
import re
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from netsonde import Daemon, wait_until
from servers import Influx, free_ports

CONFIGURATION = Path(__file__).resolve().parents[2] / "deploy" / "ha" / "haproxy.cfg"


class Haproxy:
    """The file as it is, with ports of this machine in the place of the names of containers."""

    def __init__(self, folder, influxes):
        ports = dict(zip(("8086", "9090", "9093", "3000", "8404"), free_ports(5)))
        text = CONFIGURATION.read_text()
        text = re.sub(r"(?s)resolvers names\n.*?\n\n", "", text).replace(" resolvers names", "")
        text = re.sub(r"bind :(\d+)", lambda found: f"bind 127.0.0.1:{ports[found[1]]}", text)
        for name, influx in zip(("influxdb1", "influxdb2"), influxes):
            text = text.replace(f"{name}:8086", f"127.0.0.1:{influx.port}")
        file = folder / "haproxy.cfg"
        file.write_text(text)
        self.url = f"http://127.0.0.1:{ports['8086']}"
        self.figures = f"http://127.0.0.1:{ports['8404']}/metrics"
        self.log = open(folder / "haproxy.log", "w", encoding="utf-8")
        self.process = subprocess.Popen([shutil.which("haproxy") or "/usr/sbin/haproxy", "-db", "-f", file], stdout=self.log, stderr=self.log)

    def query(self, text, database):
        """Rows through HAProxy; None while it has nobody to ask."""
        query = urllib.parse.urlencode({"q": text, "db": database})
        try:
            with urllib.request.urlopen(f"{self.url}/query?{query}", timeout=10) as reply:
                return json.load(reply)["results"][0].get("series")
        except OSError:
            return None

    def server(self):
        """The server that reads go to."""
        with urllib.request.urlopen(self.figures, timeout=10) as reply:
            text = reply.read().decode()
        counts = re.findall(r'haproxy_server_http_responses_total\{proxy="influxdb",server="(\w+)",code="2xx"\} (\d+)', text)
        return {name: int(count) for name, count in counts}

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
        self.log.close()


@pytest.fixture
def influxes(tmp_path):
    binary = shutil.which("influxd")
    made = []
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        made.append(Influx(binary, folder).wait())
        made[-1].fresh("netsonde")
    yield made
    for influx in made:
        if influx.process.poll() is None:
            influx.close()


def runs(influx):
    """The numbers of the runs that this server has."""
    series = influx.query('SELECT "run" FROM "ping"', "netsonde")
    return [int(row[1]) for row in series[0]["values"]] if series else []


def tell(what, influxes, haproxy):
    """For pytest -s."""
    counts = " and ".join(f"{len(runs(one))} runs" if one.process.poll() is None else "gone" for one in influxes)
    print(f"{what}: the two servers have {counts}; answers to reads through HAProxy: {haproxy.server()}")


def test_a_server_that_ends_and_comes_back(binary, influxes, tmp_path):
    configuration = f"""
agent: {{ name = "ha"; state_dir = "state"; }};
web: {{ listen = [ "127.0.0.1:0" ]; }};
disk_log: {{ path = "log"; }};
probes: {{ fast: {{ type = "ping"; interval = 0.1; timeout = 0.09; }}; }};
targets: ( {{ name = "lo"; address = "127.0.0.1"; probes = [ "fast" ]; }} );
influx: (
  {{ name = "first"; url = "{influxes[0].url()}"; database = "netsonde"; }},
  {{ name = "second"; url = "{influxes[1].url()}"; database = "netsonde"; }}
);
"""
    haproxy = Haproxy(tmp_path, influxes)
    try:
        with Daemon(binary, tmp_path, configuration) as daemon:
            wait_until(lambda: all(len(runs(influx)) > 10 for influx in influxes), "lines on both servers")
            wait_until(lambda: haproxy.query('SELECT count("run") FROM "ping"', "netsonde"), "rows through HAProxy")
            before = haproxy.server()
            assert before["influxdb1"] > 0 and before["influxdb2"] == 0, "reads go to the first server"

            tell("both are there", influxes, haproxy)

            # Writes never go this way: one server only would have them.
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(f"{haproxy.url}/write?db=netsonde", data=b"a b=1")
            assert refused.value.code == 405

            influxes[0].close(signal.SIGKILL)
            at_the_kill = len(runs(influxes[1]))
            wait_until(lambda: haproxy.query('SELECT count("run") FROM "ping"', "netsonde"), "reads that have moved")
            assert haproxy.server()["influxdb2"] > 0
            wait_until(lambda: len(runs(influxes[1])) > at_the_kill + 30, "what was measured meanwhile, on the other server")
            tell("the first was killed", influxes, haproxy)

            influxes[0].start()
            influxes[0].wait()
            wait_until(lambda: len(runs(influxes[0])) > at_the_kill + 30, "what the first server has missed")
            tell("it is back", influxes, haproxy)
            time.sleep(1)
            assert daemon.stop() == 0
        # The end writes what was left to both.
        first, second = runs(influxes[0]), runs(influxes[1])
        assert first == second == list(range(1, len(first) + 1)), "runs are missing, or came twice"
        wait_until(lambda: haproxy.query('SELECT count("run") FROM "ping"', "netsonde"), "reads at the end")
        tell("the agent has ended", influxes, haproxy)
    finally:
        haproxy.stop()

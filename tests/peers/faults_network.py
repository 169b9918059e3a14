"""Faults of networks, name servers and pages: what is played, the alerts that it must bring, the panels that must show it."""

import json
import subprocess
import sys
from pathlib import Path

import live
from netsonde import Daemon
from played_network import AGENTS, PlayedNetwork

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests"))

from certificates import Authority  # noqa: E402

# By probe. Those that are called steady have no fault.
TARGETS = {
    "steady": "ping", "gone": "ping", "half": "ping", "lossy": "ping", "slow": "ping", "shaky": "ping",
    "steady-path": "path", "rerouted": "path", "flapping": "path", "bottleneck": "path", "leaky": "path", "narrow": "mtu",
    "steady-names": "names", "moved": "names", "servfail": "names", "mute": "names",
    "steady-page": "page", "thinking": "page", "distant": "page", "thin": "page", "broken": "page", "steady-port": "tcp",
}
SEEN_BY_BOTH = ("steady", "gone", "half")


class World(live.World):
    def __init__(self, binary, folder):
        self.folder = folder
        self.closers = []
        self.addresses = {name: f"10.9.0.{n}" for n, name in enumerate(TARGETS, 1)}
        authority = Authority(folder, days=90)
        pages = [self.addresses[name] for name in self.having("page", "tcp")]
        certificate = authority.issue("page", ",".join(f"IP:{address}" for address in pages), days=90)
        self.network = PlayedNetwork(
            [self.addresses[name] for name in self.having("names")], pages, certificate, certificate.with_suffix(".key"))
        self.closers.append(self.network.close)
        self.hook = live.serve(live.http.server.ThreadingHTTPServer(("127.0.0.1", 0), live.Webhook))
        self.hook.alerts = []
        self.agents = {name: self.start_agent(binary, name, address) for name, address in zip(("frankfurt", "lima"), AGENTS)}
        self.alertmanager = self.start_alertmanager()
        self.prometheus = self.start_prometheus(**{name: agent.url() for name, agent in self.agents.items()})
        self.closers.append(self.prometheus.stop)

    @staticmethod
    def having(*probes):
        return [name for name, probe in TARGETS.items() if probe in probes]

    def start_agent(self, binary, name, source):
        folder = self.folder / name
        folder.mkdir()
        agent = Daemon(binary, folder, self.configuration(name, source))
        self.closers.append(agent.stop)
        return agent

    def place(self):
        database = self.folder / "city.mmdb"
        networks = json.dumps([["10.9.0.0/16", {**live.PLACE, "autonomous_system_number": 64496, "autonomous_system_organization": "Example"}]])
        subprocess.run([TOP / "tests" / "mmdb" / "write.pl", database, "Test-City"], input=networks.encode(), check=True)
        return database

    def target(self, name, probe):
        address = self.addresses[name]
        port = self.network.ports.get(address)
        where = {"page": f"https://{address}:{port}/", "tcp": f"{address}:{port}", "names": f"{address}:{port}"}.get(probe, address)
        return f'{{ name = "{name}"; address = "{where}"; probes = [ "{probe}" ]; }}'

    def configuration(self, agent, source):
        targets = ",\n".join(
            self.target(name, probe) for name, probe in TARGETS.items() if agent == "frankfurt" or name in SEEN_BY_BOTH
        )
        common = f'interval = 1; timeout = 0.9; source = "{source}";'
        return f"""
agent: {{ name = "{agent}"; state_dir = "state"; latitude = 50.11; longitude = 8.68; }};
web: {{ listen = [ "127.0.0.1:0" ]; }};
geo: {{ databases = [ "{self.place()}" ]; }};
qos: {{ window_seconds = 5; throughput_min_size = "100KiB"; objectives: {{ loss = 0.02; jitter = 0.03; delay = 0.1; score = 70.0; }}; }};
probes: {{
  ping: {{ type = "ping"; count = 5; spacing = 0.05; {common} }};
  path: {{ type = "traceroute"; attempts = 2; spacing = 0.05; wait = 0.3; hop_address = true; {common} }};
  mtu: {{ type = "traceroute"; attempts = 1; wait = 0.3; mtu = true; interval = 2; timeout = 1.8; source = "{source}"; }};
  names: {{ type = "dns"; query_name = "example.com"; answer_addresses = true; {common} }};
  page: {{ type = "http"; tls_ca_file = "{self.folder / 'ca.pem'}"; {common} }};
  tcp: {{ type = "tcp"; {common} }};
}};
targets: (
{targets}
);
"""

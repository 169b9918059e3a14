"""Faults of networks, name servers and pages: what is played, the alerts that it must bring, the panels that must show it."""

import json
import subprocess
import sys
from pathlib import Path

import live
from fault_player import Fault, changed, fewer, over, there, under
from netsonde import Daemon
from played_network import AGENTS, HEALTHY, PlayedNetwork

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests"))

from certificates import Authority  # noqa: E402

# By probe. Those that are called steady have no fault.
TARGETS = {
    "steady": "ping", "gone": "ping", "half": "ping", "lossy": "ping", "slow": "ping", "shaky": "ping", "odd": "ping",
    "steady-path": "trace", "rerouted": "trace", "narrowed": "trace", "leaky": "trace", "unreached": "trace",
    "steady-single": "single", "flapping": "single", "steady-size": "mtu", "hole": "mtu",
    "steady-names": "names", "hijacked": "names", "servfail": "names", "mute": "names", "sluggish": "names",
    "poisoned": "names", "forged": "names",
    "steady-page": "page", "thinking": "page", "distant": "page", "thin": "page", "patchy": "page", "broken": "page",
    "defaced": "page",
    "steady-port": "port", "far-port": "port",
}
SEEN_BY_BOTH = ("steady", "gone", "half")
OBJECTIVES = {"steady": "loss = 0.2", "lossy": "loss = 0.02", "slow": "delay = 0.1", "shaky": "jitter = 0.03"}


class World(live.World):
    def __init__(self, binary, folder):
        self.folder = folder
        self.closers = []
        try:
            self.start(binary, folder)
        except BaseException:
            self.close()
            raise

    def start(self, binary, folder):
        self.addresses = {name: f"10.9.0.{n}" for n, name in enumerate(TARGETS, 1)}
        authority = Authority(folder, days=90)
        pages = [self.addresses[name] for name in self.having("page", "port")]
        certificate = authority.issue("page", ",".join(f"IP:{address}" for address in pages), days=90)
        self.network = PlayedNetwork(
            [self.addresses[name] for name in self.having("names")], pages, certificate, certificate.with_suffix(".key"))
        self.closers.append(self.network.close)
        self.hook = live.serve(live.http.server.ThreadingHTTPServer(("127.0.0.1", 0), live.Webhook))
        self.hook.alerts = []
        self.write_places()
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

    def write_places(self):
        place = {**live.PLACE, "autonomous_system_number": 64496, "autonomous_system_organization": "Example"}
        other = {**place, "autonomous_system_number": 64497}
        networks = json.dumps([["10.7.0.0/29", place], ["10.7.0.8/29", other], ["10.9.0.0/16", place]])
        subprocess.run(
            [TOP / "tests" / "mmdb" / "write.pl", self.folder / "city.mmdb", "Test-City"], input=networks.encode(), check=True
        )

    def target(self, name, probe):
        address = self.addresses[name]
        port = self.network.ports.get(address)
        where = {"page": f"https://{address}:{port}/", "port": f"{address}:{port}", "names": f"{address}:{port}"}.get(probe, address)
        wishes = f"objectives: {{ {OBJECTIVES[name]}; }};" if name in OBJECTIVES else ""
        return f'{{ name = "{name}"; address = "{where}"; probes = [ "{probe}" ]; {wishes} }}'

    def configuration(self, agent, source):
        targets = ",\n".join(
            self.target(name, probe) for name, probe in TARGETS.items() if agent == "frankfurt" or name in SEEN_BY_BOTH
        )
        common = f'interval = 1; timeout = 0.9; source = "{source}";'
        slow = f'interval = 2; timeout = 1.9; source = "{source}";'
        return f"""
agent: {{ name = "{agent}"; state_dir = "state"; latitude = 50.11; longitude = 8.68; }};
web: {{ listen = [ "127.0.0.1:0" ]; }};
geo: {{ databases = [ "{self.folder / 'city.mmdb'}" ]; }};
qos: {{ window_seconds = 5; buffer_min = 0.2; buffer_max = 0.4; throughput_min_size = "50KiB"; }};
probes: {{
  ping: {{ type = "ping"; count = 5; spacing = 0.05; {common} }};
  trace: {{ type = "traceroute"; attempts = 2; spacing = 0.05; wait = 0.3; hop_address = true; {common} }};
  # Routers that a trace has seen side by side share the load: to take turns is no change of the path then.
  single: {{ type = "traceroute"; attempts = 1; wait = 0.3; {common} }};
  mtu: {{ type = "traceroute"; attempts = 1; wait = 0.3; mtu = true; {slow} }};
  names: {{ type = "dns"; query_name = "example.com"; answer_addresses = true; authentic_data = true;
           fail_if_answer_matches = [ "203\\.0\\.113\\." ]; {common} }};
  page: {{ type = "http"; tls_ca_file = "{self.folder / 'ca.pem'}"; fail_if_header_matches = [ "X-Defaced?: yes" ]; {slow} }};
  port: {{ type = "tcp"; {common} }};
}};
targets: (
{targets}
);
"""

    def play(self, name, fate):
        self.network.play({self.addresses[name]: fate})

    def has_past(self):
        """Enough of it that what is now is not yet the median."""
        found = self.prometheus.query("min(count_over_time(probe:netsonde_traceroute_bottleneck_step_seconds:avg10m[1h]))")
        return found and found[0][1] >= 20


def broken(what, target, fate, alerts, panels, also=(), ends=True):
    """A fault of one target, next to the steady one of its probe."""
    well = next(name for name, probe in TARGETS.items() if probe == TARGETS[target])
    return Fault(
        f"{target}: {what}", {"target": target}, {"target": well}, tuple(alerts), tuple(panels), also=also,
        play=lambda world: world.play(target, fate), end=(lambda world: world.play(target, HEALTHY)) if ends else None,
    )


# Queries that no fault of those that are played changes, and why.
WITHOUT = {
    ("availability/Known", 0): "grows with the time that the agent runs",
    ("availability/Longest without a break", 0): "how long it has been as it is, be that good or bad",
    ("dns/Queries and answers", 0): "how often it asks",
    ("dns/Retried over TCP", 0): "of answers that are too long for UDP, which is no fault",
    ("dns/Serial of zones", 0): "of queries for SOA: no fault, but a zone that has changed",
    ("geo/By country", 0): "how many there are",
    ("geo/By network", 0): "how many there are",
    ("geo/Detours", 0): "from the shortest time ever: where it is, not how it does",
    ("geo/Longest detour", 0): "from the shortest time ever: where it is, not how it does",
    ("geo/Placed", 0): "how many there are",
    ("geo/Targets", 2): "where the agents are",
    ("geo/Targets", 4): "where the agents and targets are",
    ("geo/Distance", 0): "where it is",
    ("geo/Cannot be there", 0): "a fault of a database",
    ("geo/Faster than light", 0): "a fault of a database",
    ("http/Redirects", 0): "no fault, but how a page is made",
    ("http/Versions and ciphers", 0): "what servers speak",
    ("path/Paths side by side", 0): "how routers share the load",
    ("path/Way in kilometres", 0): "where the hops are",
    ("response/UDP: answers", 0): "no probe of dialogues in UDP here",
    ("target/For", 0): "how long it has been as it is, be that good or bad",
    ("target/Odd replies", 3): "what this machine itself could not send",
    ("target/About it", 0): "its labels",
}
# Steps of the way when the last of them takes a fifth of a second longer.
FAR = {"steps": [0.004, 0.008, 0.016, 0.212]}
# Ten minutes are 5 s here, but states and scores are told every ten seconds as in life: by one agent after the other, too.
BEFORE_IT_IS_KNOWN = ("NetsondeLossHigh", "NetsondeScoreLow")
# Those of the whole error budget are another table's.
BUDGET = ("NetsondeErrorBudgetBurnsFast", "NetsondeErrorBudgetBurnsSlowly")
# What a busy machine brings by itself: packets that wait to be read have come late to a call.
BUSY = ("NetsondeScoreLow", "NetsondeAgentLate")


def is_busy(labels):
    """TLS is work for its two ends, too."""
    return labels["alertname"] in BUSY or labels.get("phase") == "tls"


DOWN = (
    ("target/State", under(1)),
    ("target/Runs", under(1)),
    ("target/Availability, 24 hours", under(0.98)),
    ("target/Availability, 30 days", under(0.98)),
)
PHASES = ("connect", "TLS", "processing", "transfer")


def phase(n, least):
    """What shows the n-th phase of HTTP."""
    return (
        ("http/Phases", over(least), n),
        ("response/Phases of HTTP requests", over(least), n),
        (f"response/HTTP: {PHASES[n]}", over(least)),
        ("response/HTTP by target", over(least), n),
    )


FAULTS = (
    broken(
        "nothing comes back, to any agent", "gone", {"plan": "x"}, ["NetsondeTargetDown"], [
            *DOWN,
            *((f"availability/{window}", under(0.98)) for window in ("1 hour", "24 hours", "7 days", "30 days")),
            ("availability/Outages", over(0)),
            ("availability/Down", over(0)),
            ("availability/Down now", there),
            ("geo/Down", over(0)),
            ("geo/Targets", there, 1),
            ("geo/Targets", under(1), 3, {"target": "{latitude},{longitude}".format(**live.PLACE["location"])}),
            ("overview/Down", over(0)),
            ("overview/Down now", there),
            ("overview/Alerts", over(0)),
            ("overview/Alerts that fire", there, 0, {"alertname": "NetsondeTargetDown"}),
            ("availability/Up and down", under(1)),
            *(("availability/Availability", under(0.98), n) for n in range(4)),
            ("availability/Availability", over(0), 4),
            ("availability/Availability", over(0), 5),
            ("availability/Availability", there, 6),
            ("availability/Availability", there, 7),
            ("availability/Outages that began", over(0)),
            ("overview/Up", under(0.9)),
            ("overview/Up, by agent", under(0.9)),
            ("overview/Loss, by agent", over(0.9)),
            ("overview/Targets that do worst", under(0.9), 0),
            ("target/Failures by reason", there, 0, {"reason": "timeout"}),
            ("target/How long runs take", over(0.6)),
        ], also=(*BEFORE_IT_IS_KNOWN, "NetsondeTargetDownForSome"),
    ),
    broken(
        "nothing comes back to one of two agents", "half", {"cut": [AGENTS[1]]}, ["NetsondeTargetDownForSome"], [
            ("target/State", under(1), 0, {"instance": "lima"}),
            ("overview/Up, by agent", under(1), 0, {"instance": "lima"}),
            ("overview/Up", under(0.9)),
        ], also=BEFORE_IT_IS_KNOWN,
    ),
    broken(
        "two packets of five are lost, in pairs", "lossy", {"plan": "..xx."},
        ["NetsondeLossHigh", ("NetsondeScoreLow", {"use": "voice"}), ("NetsondeObjectiveMissed", {"objective": "loss"})], [
            ("overview/Loss", over(0.2)),
            ("overview/Losing", over(0)),
            ("overview/Most loss", over(0.2)),
            ("overview/Targets that do worst", over(0.2), 1),
            ("overview/Voice", under(60)),
            ("overview/Worst for calls", under(60)),
            ("target/Loss", over(0.2)),
            ("target/Voice", under(60)),
            ("target/Scores", under(50)),
            ("quality/Loss", over(0.2)),
            ("quality/Bursts of loss", over(1.05)),
            ("quality/Calls", under(60)),
            ("quality/Video meetings", under(50)),
            ("quality/Films", under(50)),
            ("quality/Games", fewer(1)),
            ("quality/Score by use", under(50)),
            ("quality/Worst targets by use", under(50)),
            ("quality/MOS by codec", under(3)),
            ("quality/R factor", under(60)),
            ("quality/Objectives missed", over(0), 0, {"objective": "loss"}),
            ("quality/What TCP could reach", under(1e8)),
            ("bandwidth/Ceiling", under(1e8)),
            ("bandwidth/What the path would allow", under(1e8)),
        ],
    ),
    broken(
        "each packet takes a fifth of a second longer", "slow", FAR,
        ["NetsondeLatencyAbovePast", ("NetsondeObjectiveMissed", {"objective": "delay"})], [
            ("overview/Round trip", over(0.12)),
            ("overview/Longest round trips", over(0.12)),
            ("overview/Targets that do worst", over(0.12), 2),
            ("target/Round trips", under(1), 0, {"le": "0.1024"}),
            *(("target/Round trips of each run", over(0.12), n) for n in range(3)),
            *(("quality/Round trips", over(0.12), n) for n in range(3)),
            ("geo/Targets", over(0.12)),
            ("geo/By country", over(0.12), 1),
            ("geo/By network", over(0.12), 1),
        ],
    ),
    broken(
        "two packets of three are late by 0.3 s, one of 25 by 0.6 s", "shaky", {"jitter": [*([0, 0.3, 0.3] * 8), 0.6]},
        ["NetsondeJitterHigh", ("NetsondeObjectiveMissed", {"objective": "jitter"})], [
            ("overview/Targets that do worst", over(0.03), 3),
            ("target/Jitter", over(0.03)),
            ("quality/Jitter", over(0.03)),
            *(("quality/Variation of delay", over(0.12), n) for n in range(3)),
            ("quality/Buffer of calls", over(0.25)),
            ("quality/Late packets", over(0)),
            ("target/Odd replies", over(0), 2),
        ], also=("NetsondeLatencyAbovePast", "NetsondeScoreLow"),
    ),
    broken(
        "one router is replaced by two others", "rerouted",
        {"routers": ["10.7.0.1", "10.7.0.9", "10.7.0.8", "10.7.0.3"], "steps": [0.004, 0.004, 0.004, 0.016, 0.012]},
        ["NetsondePathChanged"], [
            ("path/Paths", changed),
            ("path/Hops", over(4.5), 0),
            ("path/Hops", there, 1, {"hop_address": "10.7.0.9"}),
            ("nodes/Hops", over(4.5)),
            ("nodes/Paths", there, 0, {"target": "10.7.0.9"}),  # where an edge leads
            ("path/Networks on the path", changed),
        ],
    ),
    broken(
        "two routers take turns", "flapping", {"flaps": 0.7}, ["NetsondePathFlapping", "NetsondePathChanged"], [
            ("path/Changes in an hour", over(6)),
            ("path/Changes of the path", over(100)),
            ("nodes/Changes in an hour", over(100)),
            ("nodes/Changes of paths", over(6)),
        ], ends=False,  # the hour in which it has changed so often takes half a minute to pass
    ),
    broken(
        "the second hop takes 0.1 s longer", "narrowed", {"steps": [0.004, 0.108, 0.016, 0.012]}, ["NetsondeHopBottleneck"], [
            ("path/Bottleneck", over(0.06)),
            ("nodes/Bottleneck", over(0.06)),
            ("path/Round trip by hop", over(0.06)),
            *(("path/Hops", over(0.06), n) for n in (1, 2, 3)),
            ("nodes/Paths", over(60), 3),
        ],
    ),
    broken(
        "every other packet is lost from the second hop on", "leaky", {"plan": "x.", "lossy": 2},
        [("NetsondeHopLoss", {"hop": hop}) for hop in "234"], [
            ("path/First hop that loses", there),
            ("path/Loss at the target", over(0.2)),
            ("nodes/Losing", over(0)),
            ("nodes/Paths", over(0.2), 1),
            ("nodes/Paths", under(0.8), 2),
            ("path/Loss from a hop on", over(0.2)),
            ("path/Hops", over(0.2), 4),
            ("path/Hops", over(0.2), 5),
        ],
    ),
    broken(
        "a trace gets as far as the last router only", "unreached", {"plan": "x", "lossy": 4}, ["NetsondeTargetDown"], [
            *DOWN,
            ("path/Reached", under(1)),
            ("nodes/Not reached", over(0)),
        ], also=("NetsondeHopLoss", "NetsondePathChanged"),
    ),
    broken(
        "packets come twice, one of 25 too late, and have come a longer way back", "odd",
        {"copies": 2, "jitter": [*([0] * 24), 0.95], "ttl": 50}, [], [
            ("target/Odd replies", over(0), 0),
            ("target/Odd replies", over(0), 1),
            ("target/Hop limit of replies", under(60)),
        ], also=("NetsondeLossHigh", "NetsondeJitterHigh", "NetsondeLatencyAbovePast"),
    ),
    broken(
        "packets above 1400 bytes vanish", "hole", {"mtu": 1400}, ["NetsondeMtuBlackHole"], [
            ("path/Path MTU", under(1450)),
        ],
    ),
    broken(
        "a name server gives other addresses, and has not checked them", "hijacked",
        {"answer": ["198.51.100.7", "198.51.100.8"], "signed": False}, ["NetsondeDnsAnswerChanged"], [
            ("dns/Addresses in answers", there, 0, {"address": "198.51.100.7"}),
            ("dns/Records in answers", over(1.5)),
            ("dns/Signed and checked", under(1)),
        ],
    ),
    broken(
        "a name server says SERVFAIL", "servfail", {"rcode": 2}, ["NetsondeTargetDown"], [
            *DOWN,
            ("dns/Response codes", over(1.5)),
            ("dns/Failures by reason", there, 0, {"reason": "rcode"}),
            ("target/Failures by reason", there, 0, {"reason": "rcode"}),
        ],
    ),
    broken(
        "a name server is silent", "mute", {"plan": "x"}, ["NetsondeTargetDown"], [
            *DOWN,
            ("dns/Answered", under(1)),
            ("dns/Queries and answers", under(0.5), 1),
            ("dns/Shortest TTL", fewer(1)),
        ],
    ),
    broken(
        "a name server gives an address that a rule forbids", "poisoned", {"answer": ["203.0.113.5"]}, ["NetsondeTargetDown"], [
            *DOWN,
            ("dns/Rules broken", over(0)),
        ], also=("NetsondeDnsAnswerChanged",),
    ),
    broken(
        "a name server answers a fifth of a second later", "sluggish", FAR, [], [
            ("dns/Time", over(0.12)),
            ("dns/Time of answers", over(0.12)),
            ("dns/Answers by time", under(1), 0, {"le": "0.1024"}),
            ("response/DNS", over(0.12)),
            ("response/Slowest DNS", over(0.12)),
            ("response/DNS queries", over(0.12)),
        ],
    ),
    broken(
        "somebody answers before the name server, but another question", "forged", {"forged": True}, [], [
            ("dns/Forged", over(0)),
        ],
    ),
    broken(
        "a page takes 0.5 s to begin", "thinking", {"think": 0.5}, [("NetsondeHttpPhaseAbovePast", {"phase": "processing"})], [
            ("http/Time to first byte", over(0.3)),
            ("response/First byte", over(0.3)),
            ("response/Slowest first byte", over(0.3)),
            ("response/Against the week", over(4)),
            ("quality/Pages", under(95)),
            ("quality/Pages and queries", over(0.5)),
            ("quality/Apdex", under(0.9)),
            ("http/Answers by time", under(1), 0, {"le": "0.4096"}),
            *phase(2, 0.3),
        ],
    ),
    broken(
        "the way to a page takes a fifth of a second longer", "distant", FAR,
        [("NetsondeHttpPhaseAbovePast", {"phase": "connect"})], [
            *phase(0, 0.12),
            *phase(1, 0.12),
            ("response/Round trips inside connections", over(0.12)),
            ("bandwidth/Delivered by TCP", under(2e5)),
            ("bandwidth/Delivery rate", under(2e5)),
        ], also=("NetsondeBandwidthBelowPast", "NetsondeScoreLow"),
    ),
    broken(
        "a page comes with 0.2 MB/s instead of up to 4", "thin", {"rate": 2e5}, ["NetsondeBandwidthBelowPast"], [
            ("bandwidth/Transfers", under(4e6)),
            ("bandwidth/HTTP transfers", under(4e6)),
            ("bandwidth/Slowest transfers", under(4e6)),
            ("bandwidth/Slowest transfer", under(4e6)),
            ("bandwidth/Against the week", under(0.4)),
            *phase(3, 0.25),
        ], also=("NetsondeHttpPhaseAbovePast", "NetsondeScoreLow"),
    ),
    broken(
        "one packet of seven to a page is lost", "patchy", {"plan": ".....x."}, [], [
            ("bandwidth/Retransmitting", over(0)),
            ("bandwidth/Most retransmissions", over(0)),
        ], also=("NetsondeHttpPhaseAbovePast", "NetsondeBandwidthBelowPast", "NetsondeTargetDown", "NetsondeScoreLow"),
    ),
    broken(
        "a page says 503, with few words", "broken", {"status": "503 Service Unavailable", "size": 100}, ["NetsondeTargetDown"], [
            *DOWN,
            ("http/Succeed", under(1)),
            ("http/Status codes", over(500)),
            ("response/HTTP by target", over(500), 4),
            ("bandwidth/Bytes received", under(1000)),
            ("http/Bodies", under(1000)),
            ("target/Failures by reason", there, 0, {"reason": "status"}),
        ], also=("NetsondeBandwidthBelowPast", "NetsondeScoreLow"),
    ),
    broken(
        "a page has a field that a rule forbids", "defaced", {"fields": ["X-Defaced: yes"]}, ["NetsondeTargetDown"], [
            *DOWN,
            ("http/Rules", over(0)),
        ], also=("NetsondeScoreLow",),
    ),
    broken(
        "a port takes a fifth of a second longer", "far-port", FAR, [], [
            ("response/TCP: connecting", over(0.12)),
            ("response/TCP", over(0.12)),
            ("response/Round trips inside connections", over(0.12), 1),
        ],
    ),
)

"""Faults of routers, certificates, objectives, agents and their outputs: what is played, which alerts that must bring, which
panels must show it."""

import http.server
import itertools
import json
import resource
import signal
import ssl
import struct
import subprocess
import sys
import time
from pathlib import Path

import live
from fault_player import Fault, fewer, just, over, under
from netsonde import Daemon, wait_until
from simulator import Simulator

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests"))

from certificates import Authority  # noqa: E402

DAY = 86400
PAGES = ("shop", "month", "week", "yesterday", "flaky")
OUTPUTS = ("well", "away", "tiny", "strict")
FEW, MANY = 5, 60  # targets of the agent that has faults
SETS = ("bgp", "bgp_configured", "ppp_sessions", "health", "queue_tree", "firewall", "firewall_drops", "ethernet_counters")
CONFLICT = json.dumps({"code": "unprocessable entity", "message": "failure writing points: partial write: field type conflict dropped=5"})


class Page(live.Page):
    def do_GET(self):
        if self.server.is_flaky and next(self.server.turns) % 2:
            self.send_error(503)
        else:
            super().do_GET()


class Sink(http.server.BaseHTTPRequestHandler):
    """Takes lines as InfluxDB 2 does, as long as its status is 204."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = CONFLICT.encode() if self.server.status == 422 else b""
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        if self.server.status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve(handler, **values):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    vars(server).update(values)
    return server


class World(live.World):
    """Two agents: "sound", which looks at routers and pages, some of which will have faults; and "sick", which will have its
    own. Each router has the same address, and so does each page."""

    def __init__(self, binary, folder):
        self.folder = folder
        self.closers = []
        self.risen = {}
        self.stalled = 0
        self.authority = Authority(folder, days=3650)
        self.pages = {name: self.start_page(name) for name in PAGES}
        self.hook = live.serve(serve(live.Webhook, alerts=[]))
        self.sinks = {name: live.serve(serve(Sink, status=204)) for name in OUTPUTS}
        self.routers = {name: self.start_router() for name in ("gw1", "gw2", "gw3")}
        (folder / "password").write_text("secret")
        self.agents = {"sound": self.start_agent(binary, "sound"), "sick": self.start_agent(binary, "sick")}
        self.alertmanager = self.start_alertmanager()
        self.prometheus = self.start_prometheus(**{name: agent.url() for name, agent in self.agents.items()})
        self.closers.append(self.prometheus.stop)

    # --- what is looked at ---

    def certify(self, name, days):
        file = self.authority.issue(name, "IP:127.0.0.1", days)
        return file, file.with_suffix(".key")

    def start_page(self, name):
        server = serve(Page, is_flaky=False, turns=itertools.count(), context=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        server.context.load_cert_chain(*self.certify(name, 90))
        server.socket = server.context.wrap_socket(server.socket, server_side=True)
        return live.serve(server)

    def renew(self, name, days):
        """From now on the page shows a certificate that ends in so many days."""
        self.pages[name].context.load_cert_chain(*self.certify(name, days))

    def start_router(self, **options):
        router = Simulator(profile="7.18", pace="0.05", rows=["ppp=60"], **options)
        self.closers.append(router.stop)
        router.change("/routing/bgp/session", "upstream-2", established="true", stopped="false")
        return router

    def rise(self, path, row, counters):
        """Counters of gw1 that rise: where from, and how much a second. Called again and again: they do so only then."""
        began = self.risen.setdefault((path, row), time.monotonic())
        seconds = time.monotonic() - began
        values = {name: str(int(start + rate * seconds)) for name, (start, rate) in counters.items()}
        self.routers["gw1"].change(path, row, **values)

    # --- agents ---

    def start_agent(self, binary, name):
        folder = self.folder / name
        folder.mkdir()
        self.write_database(name, time.time())
        agent = Daemon(binary, folder, self.configuration(name, FEW))
        self.closers.append(agent.stop)
        return agent

    def write_database(self, agent, built):
        """A geo database that was built then takes the place of the one before."""
        file = self.folder / agent / "city.mmdb"
        fresh = file.with_suffix(".new")
        networks = json.dumps([["127.0.0.0/8", live.PLACE]])
        subprocess.run([TOP / "tests" / "mmdb" / "write.pl", fresh, "Test-City"], input=networks.encode(), check=True)
        data = fresh.read_bytes()
        # The name, then the type (9, beyond 7) and the size of the number, then the number.
        at = data.rindex(b"build_epoch") + len(b"build_epoch")
        size = data[at]
        assert data[at + 1] == 9 - 7 and size == 4
        fresh.write_bytes(data[:at + 2] + struct.pack("!I", int(built)) + data[at + 6:])
        fresh.rename(file)

    def configuration(self, agent, number):
        outputs = OUTPUTS if agent == "sick" else ("well",)
        influx = ", ".join(
            f'{{ name = "{name}"; url = "http://127.0.0.1:{self.sinks[name].server_port}"; org = "o"; bucket = "b"; token = "t";'
            f' flush_interval = 0.2; {"queue_size = 1048576;" if name == "tiny" else ""} }}' for name in outputs
        )
        targets = [f'{{ name = "lo{n}"; address = "127.0.1.{n}"; probes = [ "ping" ]; }}' for n in range(1, number + 1)]
        if agent == "sound":
            targets = [
                f'{{ name = "{name}"; address = "https://127.0.0.1:{page.server_port}/"; probes = [ "page" ]; }}'
                for name, page in self.pages.items()
            ] + [
                f'{{ name = "{name}"; address = "127.0.0.1"; port = {router.port}; probes = [ "routers" ]; }}'
                for name, router in self.routers.items()
            ]
        sets = ", ".join(f'"{name}=realtime"' for name in SETS)
        return f"""
agent: {{ name = "{agent}"; state_dir = "state"; }};
web: {{ listen = [ "127.0.0.1:0" ]; {"max_series = 1000;" if agent == "sick" else ""} }};
geo: {{ databases = [ "{self.folder / agent / 'city.mmdb'}" ]; check_interval = 0.5; }};
disk_log: {{ segment_size = "64KiB"; compress = false; }};
probes: {{
  ping: {{ type = "ping"; interval = 0.1; timeout = 0.09; }};
  page: {{ type = "http"; interval = 1; timeout = 0.9; tls_ca_file = "{self.folder / 'ca.pem'}"; }};
  routers: {{ type = "routeros"; username = "netsonde"; password_file = "{self.folder / 'password'}"; realtime = 1;
             sets = [ {sets} ]; }};
}};
targets: (
  {", ".join(targets)}
);
influx: ( {influx} );
"""

    def reload(self, text):
        """The agent that is sick is to have this configuration; whether it takes it is another matter."""
        agent = self.agents["sick"]
        agent.file.write_text(text)
        agent.process.send_signal(signal.SIGHUP)

    def grow(self):
        """More targets than there may be series of."""
        self.reload(self.configuration("sick", MANY))
        wait_until(lambda: f"netsonde_config_targets {MANY}" in self.agents["sick"].get("/metrics"), "a reload")

    def stall(self):
        """The process does not run for more than half a second, but answers Prometheus within one; and so again after a
        while, since each time is seen for ten seconds."""
        if time.monotonic() < self.stalled + 4:
            return
        process = self.agents["sick"].process
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.75)
        process.send_signal(signal.SIGCONT)
        self.stalled = time.monotonic()

    def fill_disk(self):
        """Hardly any file of the agent can grow any more; but that of places, which another fault needs, is small."""
        self.limit_files(1 << 14)

    def limit_files(self, size):
        resource.prlimit(self.agents["sick"].process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def forget_agents(self):
        """Prometheus is told of no agent any more."""
        file = self.folder / "prometheus.yml"
        lines = [line for line in file.read_text().splitlines() if not line.startswith("scrape_configs:")]
        file.write_text("\n".join([*lines, "scrape_configs: [ { job_name: netsonde } ]", ""]))
        self.prometheus.process.send_signal(signal.SIGHUP)

    def has_history(self):
        """Rules that compare with the past need one."""
        return self.prometheus.query('router:netsonde_routeros_firewall_drops:rate5m{target="gw1"} offset 8s')


def answer(world, output, status):
    world.sinks[output].status = status


def hang_up(world):
    """Most PPPoE users of gw1 go; those of other services stay."""
    for n in range(48):
        if n % 6 < 3:
            world.routers["gw1"].remove("/ppp/active", f"user{n:04d}")


def set_rows(path, row, **values):
    return lambda world: world.routers["gw1"].change(path, row, **values)


def rise(path, row, **counters):
    """counters: where each begins, above what it has been, and how much it rises a second."""

    def go_on(world):
        world.rise(path, row, counters)

    return {"play": go_on, "again": go_on}


def of_router(name, alerts, panels, more=None, **what):
    more = more or {}
    return Fault(name, {"target": "gw1", **more}, {"target": "gw3", **more}, alerts, panels, **what)


def of_page(name, target, alerts, panels, **what):
    return Fault(name, {"target": target}, {"target": "shop"}, alerts, panels, **what)


def of_agent(name, alerts, panels, output=None, **what):
    more, well = ({"name": output}, {"name": "well"}) if output else ({}, {})
    return Fault(name, {"instance": "sick", **more}, {"instance": "sound", **well}, alerts, panels, **what)


ROUTERS = (
    Fault(
        "a router does not answer", {"target": "gw2"}, {"target": "gw3"}, ("NetsondeRouterUnreachable",),
        (("router/State", under(1)), ("routers/Answer", under(1)), ("routers/Up and down", under(1)), ("routers/Routers", under(1), 1)),
        play=lambda world: world.routers["gw2"].stop(),
    ),
    of_router(
        "the CPU of a router is busy", ("NetsondeRouterCpuHigh",),
        (("router-cpu/Load", over(0.9)), ("router-cpu/Busiest", over(0.9)), ("router/CPU", over(0.9)), ("routers/Routers", over(0.9), 3)),
        play=set_rows("/system/resource", "0", cpu_load="97"), end=set_rows("/system/resource", "0", cpu_load="20"),
    ),
    of_router(
        "a router has no memory left", ("NetsondeRouterMemoryLow",),
        (("router-memory/Memory free", under(4e8)), ("router-memory/Routers", under(4e8)), ("router/Memory free", under(4e8))),
        play=set_rows("/system/resource", "0", free_memory="300000000"),
        end=set_rows("/system/resource", "0", free_memory="3000000000"),
    ),
    of_router(
        "a router is hot", ("NetsondeRouterHot",),
        (("router-health/Temperature", over(75)), ("router/Temperature", over(75)), ("routers/Routers", over(75), 4)),
        {"sensor": "cpu-temperature"},
        play=set_rows("/system/health", "cpu-temperature", value="91"),
        end=set_rows("/system/health", "cpu-temperature", value="50"),
    ),
    of_router(
        "a BGP session is gone, as RouterOS 7 has it", ("NetsondeRouterBgpDown",),
        (("router-bgp/Prefixes", fewer(1)), ("router-bgp/Sessions", fewer(1)), ("routers/BGP sessions", under(2)),
         ("router/BGP sessions", fewer(2))),
        {"remote_address": "192.0.2.254"},
        play=lambda world: world.routers["gw1"].remove("/routing/bgp/session", "upstream-1"),
    ),
    of_router(
        "a BGP session is there, but not established", ("NetsondeRouterBgpDown",), (("router-bgp/Sessions", under(1)), ),
        {"remote_address": "192.0.2.253"},
        play=set_rows("/routing/bgp/session", "upstream-2", established="false"),
        end=set_rows("/routing/bgp/session", "upstream-2", established="true"),
    ),
    of_router(
        "PPPoE users go", ("NetsondeRouterPppoeDrop",),
        (("router-pppoe/PPPoE sessions", under(10)), ("router-pppoe/By kind", under(10)), ("router/Users", under(10)),
         ("routers/PPPoE users", under(10))),
        {"service": "pppoe"}, play=hang_up,
    ),
    of_router(
        "a queue drops packets", ("NetsondeRouterQueueDrops",), (("router-queues/Tree: drops", over(10)),), {"name": "class1"},
        **rise("/queue/tree", "class1", dropped=(200, 30)),
    ),
    of_router(
        "a firewall drops a flood", ("NetsondeRouterFirewallDrops",),
        (("router-firewall/Packets dropped", over(5000)), ("router-firewall/Bytes dropped", over(8e7)), ("router-firewall/Drops by router", over(5000)),
         ("router-firewall/Rules", over(5000))),
        **rise("/ip/firewall/filter", "1", packets=(2003000, 50000), bytes=(2003000000, 50000000)),
    ),
    of_router(
        "an interface damages and drops packets", (),
        (("router-errors/Errors in", over(10)), ("router-errors/Errors out", over(10)), ("router-errors/Drops in", over(10)),
         ("router-errors/Drops out", over(10)), ("router-errors/Drops of the interface's queue", over(10)),
         ("router-errors/Links that went down", over(100)), *(("router/Errors and drops", over(10), n) for n in range(5))),
        {"name": "ether1"},
        **rise("/interface", "ether1", rx_error=(0, 20), tx_error=(0, 20), rx_drop=(50, 20), tx_drop=(0, 20),
               tx_queue_drop=(200, 20), link_downs=(0, 1)),
    ),
    of_router(
        "frames arrive damaged", (), (("router-errors/Damaged frames", over(10)),), {"name": "ether1"},
        **rise("/interface/ethernet", "ether1", rx_fcs_error=(0, 20)),
    ),
)


def expires(within):
    return ("http/Next to expire", under(within * DAY)), ("http/Certificates", under(within * DAY))


PAGES_AND_OBJECTIVES = (
    of_page(
        "a certificate has 20 days left", "month", ("NetsondeCertificateExpiresIn21Days",), expires(21),
        play=lambda world: world.renew("month", 20), end=lambda world: world.renew("month", 90),
    ),
    of_page(
        "a certificate has 3 days left", "week", ("NetsondeCertificateExpiresIn7Days",), expires(7),
        play=lambda world: world.renew("week", 3), end=lambda world: world.renew("week", 90),
    ),
    of_page(
        "a certificate has expired", "yesterday", ("NetsondeCertificateExpired",),
        (*expires(0), ("http/Not verified", under(1)), ("http/Succeed", under(1)), ("slo/Least budget left", under(0)),
         ("slo/Objectives missed", over(0)), ("slo/Budgets", under(0))),
        play=lambda world: world.renew("yesterday", -1),
    ),
    of_page(
        "a page fails every other time", "flaky", ("NetsondeErrorBudgetBurnsFast", "NetsondeErrorBudgetBurnsSlowly"),
        (("slo/Burn rate, 1h", over(14.4)), ("slo/Burn rate, 1d", over(1)), ("slo/Burn rate", over(14.4)),
         *(("slo/Budgets", over(0.01), n) for n in range(1, 6)), *(("slo/Errors", over(0.01), n) for n in range(7)),
         ("http/Succeed", under(1))),
        play=lambda world: setattr(world.pages["flaky"], "is_flaky", True),
    ),
)

AGENTS = (
    of_agent(
        "an agent has more series than it may", ("NetsondeSeriesRefused",), (("daemon/Series", just(1000)),), play=World.grow,
    ),
    of_agent(
        "a reload fails", ("NetsondeReloadFailed",), (("daemon/Last reload", under(1)),),
        play=lambda world: world.reload("nonsense"),
        end=lambda world: world.reload(world.configuration("sick", MANY)),
    ),
    of_agent(
        "an agent gets no CPU", ("NetsondeAgentLate",),
        (("daemon/Largest lag", over(0.5)), ("daemon/Lag", over(0.5)), ("daemon/Runs skipped", over(0))),
        play=World.stall, again=World.stall,
    ),
    of_agent(
        "a geo database is old", ("NetsondeGeoDatabaseOld",), (("daemon/Geo databases", over(30 * DAY)),),
        play=lambda world: world.write_database("sick", time.time() - 40 * DAY),
        end=lambda world: world.write_database("sick", time.time()),
    ),
    of_agent(
        "an output is away", ("NetsondeOutputGrowing",),
        (("daemon/Age of the oldest line", over(2.5)), ("daemon/Oldest line", over(2.5)), ("daemon/Lines that wait", over(1000))),
        "away", play=lambda world: answer(world, "away", 503),
    ),
    of_agent(
        "an output is away for longer than its queue lasts", ("NetsondeOutputDropping",),
        (("daemon/Lines lost", over(0)), ("daemon/Lines lost or refused", over(0))),
        "tiny", play=lambda world: answer(world, "tiny", 503),
    ),
    of_agent(
        "an output does not take some lines", ("NetsondeOutputRejected",), (("daemon/Lines lost or refused", over(0), 1),),
        "strict", play=lambda world: answer(world, "strict", 422), end=lambda world: answer(world, "strict", 204),
    ),
    of_agent("a disk is full", ("NetsondeDiskLogFailing",), (), play=World.fill_disk),
)

FAULTS = (*ROUTERS, *PAGES_AND_OBJECTIVES, *AGENTS)
# To be played when all is said about the others.
DEATH = of_agent(
    "an agent dies", ("NetsondeAgentDown",), (("daemon/Probes", fewer(1)), ("overview/Up, by agent", fewer(1))),
    play=lambda world: world.agents["sick"].process.kill(),
)
ABSENCE = Fault("no agent is known", {"job": "netsonde"}, {}, ("NetsondeAgentsMissing",), (), play=World.forget_agents)

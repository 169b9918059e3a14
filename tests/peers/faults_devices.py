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
from fault_player import Fault, fewer, just, over, there, under
from netsonde import Daemon, wait_until
from simulator import Simulator

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests"))

from certificates import Authority  # noqa: E402

DAY = 86400
PAGES = ("shop", "month", "week", "yesterday", "flaky")
OUTPUTS = ("well", "away", "tiny", "strict")
FEW, MANY = 5, 60  # targets of the agent that has faults
SETS = (
    "bgp", "bgp_configured", "cpu", "dhcp_leases", "ethernet_counters", "firewall", "firewall_drops", "health", "netwatch", "pool_used",
    "ppp_sessions", "pppoe_server", "queue_simple", "queue_tree", "routing_process",
)
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
        self.routers = {name: self.start_router() for name in ("gw1", "gw2", "gw3", "gw4", "gw5")}
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
        router.change("/system/health", "psu2-state", value="ok")
        return router

    def rise(self, path, row, counters):
        """Counters of gw1 that rise: where from, and how much a second. Called again and again: they do so only then. Two
        that are told in one word have two numbers for either."""
        began = self.risen.setdefault((path, row), time.monotonic())
        seconds = time.monotonic() - began
        values = {
            name: "/".join(str(int(start + rate * seconds)) for start, rate in zip(found[::2], found[1::2]))
            for name, found in counters.items()
        }
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
        """When some lines wait on it, there is no room for more; what is small, such as a database of places, gets on."""
        if self.prometheus.query('netsonde_disk_log_bytes{instance="sick"} > 2e6'):
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
            world.routers["gw1"].remove("/interface/pppoe-server", f"<pppoe-user{n:04d}>")


def lose_leases(world):
    """Those of one DHCP server have ended."""
    for n in range(40):
        if n % 3:
            world.routers["gw1"].change("/ip/dhcp-server/lease", str(n), status="waiting")


def use_addresses(world):
    for _ in range(100):
        world.routers["gw1"].add("/ip/pool/used", pool="dhcp")


def set_rows(path, *rows, **values):
    def change(world):
        for row in rows:
            world.routers["gw1"].change(path, row, **values)

    return change


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
        (("router/State", under(1)), ("routers/Answer", under(1)), ("routers/Up and down", under(1)), ("routers/Routers", under(1), 1),
         ("router-latency/Do not answer", over(0))),
        play=lambda world: world.routers["gw2"].stop(),
    ),
    of_router(
        "the CPU of a router is busy, and slower than it can be", ("NetsondeRouterCpuHigh",),
        (("router-cpu/Load", over(0.9)), ("router-cpu/Busiest", over(0.9)), ("router/CPU", over(0.9)), ("routers/Routers", over(0.9), 3),
         ("router-cpu/Clock", under(1e9)), ("router-cpu/Highest", over(0.9)), ("router-cpu/Mean", over(0.9)), ("router-cpu/Overloaded", over(0))),
        play=set_rows("/system/resource", "0", cpu_load="97", cpu_frequency="600"),
        end=set_rows("/system/resource", "0", cpu_load="20", cpu_frequency="1700"),
    ),
    of_router(
        "one core of a router is busy with interrupts", (),
        (("router-cpu/By core", over(0.9)), ("router-cpu/Interrupts", over(0.9)), ("router/CPU by core", over(0.9))),
        play=set_rows("/system/resource/cpu", "0", load="100", irq="95"),
    ),
    of_router(
        "a router has no memory left, and no storage", ("NetsondeRouterMemoryLow",),
        (*(("router-memory/Memory free", under(4e8), n) for n in range(2)), ("router-memory/Least memory", under(0.1)),
         ("router-memory/Routers", under(4e8)), ("router/Memory free", under(4e8)),
         ("router-memory/Storage free", under(2e6)), ("router-memory/Routers", under(2e6), 2)),
        play=set_rows("/system/resource", "0", free_memory="300000000", free_hdd_space="1000000"),
        end=set_rows("/system/resource", "0", free_memory="3000000000", free_hdd_space="94371840"),
    ),
    of_router(
        "a routing process takes much memory", (), (("router-memory/Memory of routing processes", over(4e8)),),
        play=set_rows("/routing/stats/process", "0", private_mem_blocks="524288000"),
    ),
    of_router(
        "a router is hot", ("NetsondeRouterHot",),
        (("router-health/Hottest", over(75)), ("router-health/Too hot", over(0)), ("router-health/Temperature", over(75)), ("router/Temperature", over(75)), ("routers/Routers", over(75), 4),
         ("router-health/Health", under(60)), ("router/Health", under(60)), ("routers/Routers", under(60), 2)),
        {"sensor": "cpu-temperature"},
        play=set_rows("/system/health", "cpu-temperature", value="91"),
        end=set_rows("/system/health", "cpu-temperature", value="50"),
    ),
    of_router(
        "the power supply of a router fails", (),
        (("router-health/Voltage", under(12), 0, {"sensor": "voltage"}), ("router-health/Fans", under(1000), 0, {"sensor": "fan1-speed"}),
         ("router-health/Power", over(50), 0, {"sensor": "power-consumption"})),
        play=lambda world: [
            world.routers["gw1"].change("/system/health", sensor, value=value)
            for sensor, value in (("voltage", "9.7"), ("fan1-speed", "0"), ("power-consumption", "70"))
        ],
    ),
    Fault(
        "a router has started anew", {"target": "gw4"}, {"target": "gw3"}, (),
        (("router/Up for", under(1000)), ("routers/Routers", under(1000), 6)), play=lambda world: world.routers["gw4"].reboot(),
    ),
    Fault(
        "a router answers slowly", {"target": "gw5"}, {"target": "gw3"}, (),
        (("router-latency/API", over(0.3)), ("router/Time of collecting", over(0.3))),
        play=lambda world: world.routers["gw5"].fault("delay=0.4"),
    ),
    of_router(
        "a host that a router watches is lost", (),
        (("router-latency/Netwatch", under(1)), ("router-latency/Netwatch: loss", over(0.5)),
         ("router-latency/Netwatch: round trips", over(0.5))),
        {"host": "198.51.100.1"}, play=set_rows("/tool/netwatch", "upstream", status="down", loss_percent="80", rtt_avg="900ms"),
    ),
    of_router(
        "a BGP session is gone, as RouterOS 7 has it", ("NetsondeRouterBgpDown",),
        (("router-bgp/Prefixes", under(1)), ("router-bgp/Prefixes", fewer(1), 1), *(("router-bgp/Sessions", fewer(1), n) for n in range(4)), ("router-bgp/Established", under(2)), ("router-bgp/Down", over(0)), ("routers/BGP sessions", under(2)),
         ("router/BGP sessions", fewer(2))),
        {"remote_address": "192.0.2.254"},
        play=lambda world: world.routers["gw1"].remove("/routing/bgp/session", "upstream-1"),
    ),
    of_router(
        "a BGP session is there, but not established", ("NetsondeRouterBgpDown",), (("router-bgp/Sessions", under(1)), ("router-bgp/Down", over(0))),
        {"remote_address": "192.0.2.253"},
        play=set_rows("/routing/bgp/session", "upstream-2", established="false"),
        end=set_rows("/routing/bgp/session", "upstream-2", established="true"),
    ),
    of_router(
        "PPPoE users go", ("NetsondeRouterPppoeDrop",),
        (("router-pppoe/Fewest", under(10)), ("router-pppoe/All services", under(45)), ("router-pppoe/PPPoE users", under(10)),
         ("router-pppoe/PPPoE sessions", under(10)), ("router-pppoe/By kind", under(10)), ("router/Users", under(10)),
         ("routers/PPPoE users", under(10)), ("router-pppoe/By server", under(40), 0, {"service": "isp"})),
        {"service": "pppoe"}, play=hang_up,
    ),
    of_router(
        "leases end", (),
        (("router-dhcp/Leases", fewer(1), 0, {"status": "bound"}), ("router-dhcp/Servers", fewer(1)), ("router-dhcp/Servers", over(20), 1),
         ("routers/DHCP leases", under(15))),
        {"server": "defconf"}, play=lose_leases,
    ),
    of_router(
        "a pool of addresses is used up", (), (("router-dhcp/Addresses in use", over(120)),), {"pool": "dhcp"}, play=use_addresses,
    ),
    of_router(
        "connections are tracked that are too many", (),
        (("router-connections/Entries", over(8e5)), ("router-connections/Most", over(8e5)), ("router/Connections tracked", over(8e5)),
         ("routers/Routers", over(8e5), 5), *(("router-connections/IPv4 and IPv6", over(3e5), n) for n in range(2))),
        play=set_rows("/ip/firewall/connection/tracking", "0", **{
            "total_entries": "900000", "total_ip4_entries": "500000", "total_ip6_entries": "400000"}),
    ),
    of_router(
        "a queue drops packets", ("NetsondeRouterQueueDrops",),
        (("router-queues/Tree: drops", over(10)), ("router-queues/Tree: rate", over(2e8)), ("router-queues/Tree: waiting", over(1e6))),
        {"name": "class1"}, **rise("/queue/tree", "class1", dropped=(200, 30), bytes=(1.02e9, 5e7), queued_bytes=(2e6, 1)),
    ),
    of_router(
        "the queue of a user is full", (),
        (("router-queues/Simple queues: download", over(1e8)), ("router-queues/Simple queues: upload", over(1e8)),
         *(("router-queues/Simple queues: drops", over(10), n) for n in range(2))),
        {"name": "user0001"},
        **rise("/queue/simple", "user0001", bytes=(1.1e7, 3e7, 1.1e8, 3e7), dropped=(100, 30, 200, 30)),
    ),
    of_router(
        "an interface is flooded", (),
        (*((f"router{board}", over(5e9)) for board in (
            "-interfaces/Received", "-interfaces/Sent", "-interfaces/Busiest, in", "-interfaces/Busiest, out", "/Received", "/Sent", "s/Traffic in")),
         ("router-interfaces/Packets received", over(5e5)), ("router-interfaces/Packets sent", over(5e5))),
        {"name": "ether3"},
        **rise("/interface", "ether3", rx_byte=(1.001e12, 2e9), tx_byte=(2.01e11, 2e9), rx_packet=(1.001e9, 1e6), tx_packet=(5.01e8, 1e6)),
    ),
    of_router(
        "a link is down", (), (("router-interfaces/Links", under(1)), ("router/Links", under(1))), {"name": "ether2"},
        play=set_rows("/interface", "ether2", running="false"),
    ),
    of_router(
        "a rule of a firewall cannot be used", (), (("router-firewall/Rules that are wrong", over(0)),),
        play=set_rows("/ip/firewall/filter", "2", invalid="true"),
    ),
    of_router(
        "a firewall drops a flood", ("NetsondeRouterFirewallDrops",),
        (("router-firewall/Dropped", over(5000)), ("router-firewall/Packets dropped", over(5000)), ("router-firewall/Bytes dropped", over(8e7)), ("router-firewall/Drops by router", over(5000)),
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
    return tuple((f"http/{title}", under(within * DAY)) for title in ("Next to expire", "Certificates", "Chains"))


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
        "a page fails every other time", "flaky", ("NetsondeErrorBudgetBurnsFast",),
        (("slo/Burn rate, 1h", over(14.4)), ("slo/Burn rate, 1d", over(1)), ("slo/Burn rate", over(14.4)),
         *(("slo/Budgets", over(0.01), n) for n in range(1, 6)), *(("slo/Errors", over(0.01), n) for n in range(7)),
         ("http/Succeed", under(1)), ("target/Runs", under(1))),
        play=lambda world: setattr(world.pages["flaky"], "is_flaky", True),
    ),
    Fault(
        "that page, as its agent has it", {"instance": "sound"}, {"instance": "sick"}, (),
        (("daemon/Failures by reason", there, 0, {"reason": "status"}),), play=lambda _: None,
    ),
)

AGENTS = (
    of_agent(
        "an agent has more series than it may", ("NetsondeSeriesRefused",), (("daemon/Series", just(1000)), ("daemon/Runs", over(200)), ("daemon/Runs a second", over(200))), play=World.grow,
    ),
    of_agent(
        "a reload fails", ("NetsondeReloadFailed",), (("daemon/Last reload", under(1)),),
        play=lambda world: world.reload("nonsense"),
        end=lambda world: world.reload(world.configuration("sick", MANY)),
    ),
    of_agent(
        "an agent gets no CPU", ("NetsondeAgentLate",),
        (("daemon/Largest lag", over(0.5)), ("daemon/Lag", over(0.5)), ("daemon/Runs skipped", over(0))),
        # A busy machine may leave the other one late as well.
        play=World.stall, again=World.stall, also=("NetsondeAgentLate",),
    ),
    of_agent(
        "a geo database is old", ("NetsondeGeoDatabaseOld",), (("daemon/Geo databases", over(30 * DAY)),),
        play=lambda world: world.write_database("sick", time.time() - 40 * DAY),
        end=lambda world: world.write_database("sick", time.time()),
    ),
    of_agent(
        "an output is away", ("NetsondeOutputGrowing",),
        (("daemon/Age of the oldest line", over(2.5)), ("daemon/Oldest line", over(2.5)), ("daemon/Lines that wait", over(1000)),
         ("daemon/Lines written", under(1))),
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
    of_agent(
        "a disk fills up", ("NetsondeDiskLogFailing",), (("daemon/Disk log", over(1.5e6)),), play=World.fill_disk, again=World.fill_disk,
    ),
)

FAULTS = (*ROUTERS, *PAGES_AND_OBJECTIVES, *AGENTS)
# To be played when all is said about the others.
DEATH = of_agent(
    "an agent dies", ("NetsondeAgentDown",), (("daemon/Probes", fewer(1)), ("daemon/Answer", under(1)), ("overview/Up, by agent", fewer(1)), ("overview/Agents down", over(0))),
    play=lambda world: world.agents["sick"].process.kill(),
)
ABSENCE = Fault("no agent is known", {"job": "netsonde"}, {}, ("NetsondeAgentsMissing",), (), play=World.forget_agents)
# While it burns fast, that is what is told; afterwards the days before are still bad.
AFTERMATH = of_page(
    "the page no longer fails, after much of it has", "flaky", ("NetsondeErrorBudgetBurnsSlowly",), (),
    play=lambda world: setattr(world.pages["flaky"], "is_flaky", False),
)
LAST = (AFTERMATH, DEATH, ABSENCE)

# Queries of their boards that no fault of those that are played changes, and why.
WITHOUT = {
    ("daemon/CPU", 0): "what it takes is another thing on each machine",
    ("daemon/Memory", 0): "what it takes is another thing on each machine",
    ("daemon/Descriptors", 0): "what it takes: no fault",
    ("daemon/Scrapes", 0): "what it takes is another thing on each machine",
    ("daemon/Packets dropped here", 0): "buffers of the kernel that overflow: not to be had at will",
    ("daemon/Packets dropped here", 1): "buffers of the kernel that overflow: not to be had at will",
    ("router-bgp/Updates received", 0): "of RouterOS 6 only, and no fault",
    ("router-connections/Room", 0): "how many there can be",
    ("router-health/Optical modules: received", 0): "modules of the simulated router do not fail",
    ("router-health/Optical modules: temperature", 0): "modules of the simulated router do not fail",
    ("router-latency/Pings to routers", 0): "a ping as in target/Round trips of each run",
    ("router-latency/Loss", 0): "a ping as in target/Loss",
    ("router-latency/Loss to routers", 0): "a ping as in target/Loss",
    ("router-memory/Routers", 1): "how much there is",
    ("router-memory/Routers", 3): "how much there is",
    ("routers/Routers", 0): "how many there are",
}

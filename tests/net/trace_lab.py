"""A chain of ten namespaces to trace through, built once for a module. Ours is the first.

	ours - r1 - r2 - ra - r3 - r4 - r5 - r6 - r7        hop 1: r1 ... hop 7: r6, hop 8: an address that r7 owns
	              \\- rb -/                               link i between two of them: 10.91.i.0/24, fd91:i::/64

What is traced is 10.90.N.0/24 and fd90:N::/64, each N with a fate of its own (see below); from 32 on they lead to a player
behind r3 (trace_player.py). No router limits its answers unless a test wants it to.
"""

import os
import pathlib
import subprocess
import sys

from network import FAMILIES, run, set_sysctl
from support import wait_for

PLAYER = pathlib.Path(__file__).resolve().parent / "trace_player.py"
ROUTERS = ("r1", "r2", "ra", "rb", "r3", "r4", "r5", "r6", "r7")
LINKS = {1: ("ours", "r1"), 2: ("r1", "r2"), 3: ("r2", "ra"), 4: ("r2", "rb"), 5: ("ra", "r3"), 6: ("rb", "r3"),
         7: ("r3", "r4"), 8: ("r4", "r5"), 9: ("r5", "r6"), 10: ("r6", "r7"), 11: ("r5", "r6")}
# Where each of them sends what it does not know, and what is to be traced: link numbers.
HOME = {"r1": 1, "r2": 2, "ra": 3, "rb": 4, "r3": 5, "r4": 7, "r5": 8, "r6": 9, "r7": 10}
AWAY = {"ours": 1, "r1": 2, "r2": 3, "ra": 5, "rb": 6, "r3": 7, "r4": 8, "r5": 9, "r6": 10}

PLAIN, UNREACHABLE, PROHIBITED, BLACKHOLE, NO_NEIGHBOUR, CHANGING, GROWING, TRANSLATED, NARROW, SWALLOWED = range(10)
DIAMOND, PLAYED = 16, 32
OWNED = (PLAIN, CHANGING, GROWING, TRANSLATED, NARROW, SWALLOWED, DIAMOND)
NARROW_BYTES = 1400

# Router solicitations and the like would only take time.
QUIET = """
net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 net.ipv4.ip_forward=1
net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.forwarding=1
net.ipv4.icmp_ratelimit=0 net.ipv4.icmp_ratemask=0 net.ipv6.icmp.ratelimit=0
net.ipv6.icmp.ratemask=2 net.ipv4.icmp_msgs_per_sec=1000000 net.ipv4.icmp_msgs_burst=100000
net.ipv4.fib_multipath_hash_policy=1 net.ipv6.fib_multipath_hash_policy=1
""".split()


def target(family, network, n=1):
    """An address of one of the networks that are traced."""
    return f"10.90.{network}.{n}" if family == "ipv4" else f"fd90:{network}::{n:x}"


def network(family, n):
    return f"10.90.{n}.0/24" if family == "ipv4" else f"fd90:{n}::/64"


def near(family, link):
    return f"10.91.{link}.1" if family == "ipv4" else f"fd91:{link}::1"


def far(family, link):
    return f"10.91.{link}.2" if family == "ipv4" else f"fd91:{link}::2"


# Who answers for hop 1 to 7, by the address that it has towards us.
def hops(family, n, third=3):
    """The first n hops of the chain, by way of ra or rb (third=4). r3 answers from where it sends its answers to; in
    IPv6, from where the packet came in."""
    fourth = 6 if family == "ipv6" and third == 4 else 5
    return [far(family, link) for link in (1, 2, third, fourth, 7, 8, 9)][:n]


def path(family, to=PLAIN, third=3):
    """All eight hops to an address of r7."""
    return [*hops(family, 7, third), target(family, to)]


class Place:
    """A namespace, as long as this process lives; pid None: ours."""

    def __init__(self, is_ours=False):
        self.holder = None if is_ours else subprocess.Popen(
            ["unshare", "-n", "cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self.enter = [] if is_ours else ["nsenter", "-t", str(self.holder.pid), "-n"]

    def is_there(self):
        try:
            return os.readlink(f"/proc/{self.holder.pid}/ns/net") != os.readlink("/proc/self/ns/net")
        except OSError:
            return False

    def run(self, *command):
        return run(*self.enter, *command)

    def batch(self, lines):
        done = subprocess.run([*self.enter, "ip", "-batch", "-"], input="\n".join(lines) + "\n", capture_output=True, text=True)
        assert done.returncode == 0, f"{done.stderr}: {lines}"

    def sysctl(self, *settings):
        self.run("sysctl", "-eqw", *settings)

    def route(self, family, n, *words):
        """The route to one of the networks that are traced, made or replaced."""
        self.run("ip", "-4" if family == "ipv4" else "-6", "route", "replace", network(family, n), *words)


class Chain:
    def __init__(self):
        self.places = {"ours": Place(is_ours=True), **{name: Place() for name in ROUTERS}}
        self.helpers = []
        self.sources = 2
        for name in ROUTERS:
            wait_for(self.places[name].is_there, "a namespace")
            self.places[name].sysctl(*QUIET)
        for name in ("all", "default"):
            set_sysctl(f"net.ipv4.conf.{name}.rp_filter", 0)
        set_sysctl("net.ipv6.conf.default.accept_dad", 0)
        self.link()
        for name in self.places:
            self.places[name].batch(self.addresses(name) + self.routes(name))
        self.make_stub()
        self.listen()
        self.play()
        for family in FAMILIES:
            for to in (target(family, PLAIN), target(family, PLAYED, 99)):
                wait_for(lambda to=to: run("ping", "-c1", "-W1", to, check=False).returncode == 0, f"the way to {to}")

    def __getattr__(self, name):
        return self.places[name]

    def link(self):
        for n, (one, other) in LINKS.items():
            # Number 11 takes large packets, and loses them at its far end.
            mtu = ["mtu", str(NARROW_BYTES)] if n == 11 else []
            self.places[one].run("ip", "link", "add", f"n{n}", "type", "veth", "peer", "name", f"f{n}", *mtu,
                                 "netns", self.places[other].enter[2])

    def addresses(self, name):
        lines = ["link set lo up"]
        # Whole networks are local to r7, but ICMPv6 errors come from addresses only.
        owned = {"r5": [target(family, GROWING) for family in FAMILIES],
                 "r7": [target("ipv6", to, n) for to in OWNED for n in range(1, 9)]}
        lines += [f"addr add {address}/{128 if ':' in address else 32} dev lo" for address in owned.get(name, [])]
        for n, ends in LINKS.items():
            for end, interface, address in zip(ends, (f"n{n}", f"f{n}"), (near, far)):
                if end == name:
                    lines += [f"addr add {address('ipv4', n)}/24 dev {interface}",
                              f"addr add {address('ipv6', n)}/64 dev {interface} nodad",
                              f"link set {interface} up"]
        return lines

    def routes(self, name):
        lines = []
        for family, everything in (("ipv4", "10.90.0.0/16"), ("ipv6", "fd90::/16")):
            if name in HOME:
                lines.append(f"route add {'0.0.0.0/0' if family == 'ipv4' else '::/0'} via {near(family, HOME[name])}")
            if name in AWAY:
                lines.append(f"route add {everything} via {far(family, AWAY[name])}")
            lines += [f"route add {line}" for line in self.fates(name, family)]
        return lines

    def fates(self, name, family):
        if name == "r2":
            yield f"{network(family, DIAMOND)} nexthop via {far(family, 3)} nexthop via {far(family, 4)}"
        if name == "r5":
            yield f"{network(family, NARROW)} via {far(family, 9)} mtu {NARROW_BYTES}"
            yield f"{network(family, SWALLOWED)} via {far(family, 11)}"
        if name == "r6":
            for kind, n in (("unreachable", UNREACHABLE), ("prohibit", PROHIBITED), ("blackhole", BLACKHOLE)):
                yield f"{kind} {network(family, n)}"
        if name == "r7":
            yield f"local {'10.90.0.0/16' if family == 'ipv4' else 'fd90::/16'} dev lo"

    def make_stub(self):
        """A link of r6 with nobody on it: it takes a tenth of a second to learn so."""
        self.r6.batch(["link add stub type veth peer name stubs", "link set stub up", "link set stubs up",
                       f"route add {network('ipv4', NO_NEIGHBOUR)} dev stub",
                       f"route add {network('ipv6', NO_NEIGHBOUR)} dev stub"])
        self.r6.sysctl("net.ipv4.neigh.stub.mcast_solicit=1", "net.ipv4.neigh.stub.retrans_time_ms=100",
                       "net.ipv6.neigh.stub.mcast_solicit=1", "net.ipv6.neigh.stub.retrans_time_ms=100")

    def new_source(self, family):
        """One more address of ours: routers limit some of their answers by address, for which there is no switch."""
        self.sources += 1
        address = f"10.91.1.{self.sources}" if family == "ipv4" else f"fd91:1::{self.sources:x}"
        self.ours.batch([f"addr add {address}/24 dev n1" if family == "ipv4" else f"addr add {address}/64 dev n1 nodad"])
        return address

    def start(self, place, *command):
        helper = subprocess.Popen([*place.enter, sys.executable, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert helper.stdout.readline() == b"ready\n", f"{command} did not get ready"
        self.helpers.append(helper)

    def listen(self):
        """Port 8080 of r7 takes connections; all others refuse them."""
        self.start(self.r7, "-c", "import socket, sys; s = socket.create_server(('::', 8080), family=socket.AF_INET6, "
                   "dualstack_ipv6=True); print('ready', flush=True); sys.stdin.read()")

    def play(self):
        self.start(self.r3, str(PLAYER), "played")
        self.r3.batch(["link set played up", f"route add 10.90.{PLAYED}.0/24 dev played",
                       f"route add fd90:{PLAYED}::/64 dev played"])

    def close(self):
        for process in [*self.helpers, *(place.holder for place in self.places.values() if place.holder)]:
            process.stdin.close()
            process.wait()
        run("ip", "link", "del", "n1", check=False)

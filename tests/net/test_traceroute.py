"""Traceroute through a chain of ten namespaces (trace_lab.py), hop by hop, next to traceroute, mtr and scamper."""

import concurrent.futures
import ipaddress
import json
import os
import re
import shutil
import subprocess
import threading

import pytest

import trace_lab as lab
from network import FAMILIES, run, set_sysctl
from support import BINARY, PATIENCE_SECONDS, Metrics, clean_environment, make_config, to_libconfig, wait_for
from test_geo import put
from test_rights import POWERLESS
from trace_lab import far, hops, path, target

TRANSPORTS = ("icmp", "udp", "tcp")
TRACE = {"type": "traceroute", "interval": 0.5, "attempts": 1, "wait": 0.3}


@pytest.fixture(scope="module")
def chain(loopback):
    set_sysctl("net.ipv4.ping_group_range", "1 0")
    one = lab.Chain()
    yield one
    one.close()


@pytest.fixture(params=TRANSPORTS)
def transport(request):
    return request.param


# --- what one run says ----------------------------------------------------------------------------------------------


class Trace:
    """netsonde probe traceroute, run once."""

    def __init__(self, to, prefix=(), code=None, **options):
        options = {"attempts": 1, "wait": 0.3, "reverse_names": False, **options}
        words = [f"--{name}={str(value).lower()}" for name, value in options.items()]
        done = subprocess.run([*prefix, str(BINARY), "probe", "traceroute", to, "--json", *words], capture_output=True,
                              text=True, env=clean_environment(), timeout=PATIENCE_SECONDS)
        self.code, self.error = done.returncode, done.stderr
        assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr, done.stderr
        assert code is None or done.returncode == code, f"{done.returncode}: {done.stdout}{done.stderr}"
        if not done.stdout:
            return
        self.all = json.loads(done.stdout)
        self.reason = self.all["reason"]
        self.row = self.all["traceroute"][0] if self.all.get("traceroute") else {}
        self.rows = self.all.get("traceroute_hop", [])
        self.edges = self.all.get("traceroute_edge", [])

    def hop(self, n, flow=None):
        found = [row for row in self.rows if row["hop"] == str(n) and (flow is None or row["flow"] == str(flow))]
        assert len(found) == 1, f"hop {n}: {found} of {self.rows}"
        return found[0]

    def path(self, flow=None):
        """Addresses by hop, None for a silent one."""
        rows = [row for row in self.rows if flow is None or row["flow"] == str(flow)]
        assert [row["hop"] for row in rows] == [str(n) for n in range(1, len(rows) + 1)]
        return [row.get("address") for row in rows]


def as_addresses(texts):
    return [text and str(ipaddress.ip_address(text)) for text in texts]


def expect_path(trace, wanted, end="reached", reason="ok"):
    assert trace.path() == as_addresses(wanted), trace.all
    assert trace.row["end"] == end and trace.reason == reason, trace.all
    assert trace.row["reached"] == (end == "reached") and trace.code == (end != "reached")
    assert trace.row["path"] == " > ".join(one or "*" for one in as_addresses(wanted))


# --- peers ----------------------------------------------------------------------------------------------------------


def said_by_traceroute(to, transport):
    flag = {"icmp": "-I", "udp": "-U", "tcp": "-T"}[transport]
    lines = run("traceroute", "-n", flag, "-q", "1", "-w", "1", to).stdout.splitlines()[1:]
    return [None if line.split()[1] == "*" else line.split()[1] for line in lines]


def said_by_mtr(to, transport):
    more = {"icmp": [], "udp": ["-u"], "tcp": ["-T"]}[transport]
    done = run("mtr", "-n", "--json", "-c", "1", "-i", "0.1", "-G", "0.5", "-U", "9", *more, to)
    return [None if hub["host"] == "???" else hub["host"] for hub in json.loads(done.stdout)["report"]["hubs"]]


def said_by_scamper(to, transport):
    method = {"icmp": "icmp-paris", "udp": "udp", "tcp": "tcp"}[transport]
    # On a busy machine it now and then hears nobody, not even the first hop: then it may try again.
    for _ in range(3):
        done = run("scamper", "-O", "json", "-p", "1000", "-c", f"trace -P {method} -q 1 -w 1", "-i", to)
        one = next(one for one in map(json.loads, done.stdout.splitlines()) if one["type"] == "trace")
        found = {hop["probe_ttl"]: hop["addr"] for hop in one.get("hops", [])}
        if found:
            break
    return [found.get(n) for n in range(1, max(found, default=0) + 1)]


PEERS = {"traceroute": said_by_traceroute, "mtr": said_by_mtr, "scamper": said_by_scamper}


def said_by_others(to, transport):
    """{program: path} of those that are installed, all at the same time: some wait a second for nothing."""
    there = {name: say for name, say in PEERS.items() if shutil.which(name)}
    if not there:
        pytest.skip("no other program that traces is installed")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        asked = {name: pool.submit(say, to, transport) for name, say in there.items()}
        return {name: as_addresses(said.result()) for name, said in asked.items()}


@pytest.mark.parametrize("net, n", [(lab.PLAIN, 1), (lab.PLAYED, 99)], ids=["routers", "player"])
def test_it_says_the_same_as_others(chain, family, transport, net, n):
    to = target(family, net, n)
    own = Trace(to, code=0, transport=transport).path()
    others = said_by_others(to, transport)
    assert others == dict.fromkeys(others, own)


# --- a path, by every transport -------------------------------------------------------------------------------------


def test_a_path(chain, family, transport):
    trace = Trace(target(family, lab.PLAIN), code=0, transport=transport, attempts=3, spacing=0.01)
    expect_path(trace, path(family))
    assert trace.row["hops"] == 8 and trace.row["silent_hops"] == 0 and trace.row["loss_ratio"] == 0
    assert trace.row["sent_total"] == trace.row["received_total"] == 3
    assert "first_lossy_hop" not in trace.row and "nat_hop" not in trace.row
    assert 0 < trace.row["rtt_min_seconds"] <= trace.row["rtt_avg_seconds"] <= trace.row["rtt_max_seconds"] < 1
    for n in range(1, 9):
        row = trace.hop(n)
        assert (row["sent_total"], row["received_total"], row["loss_ratio"], row["forward_loss_ratio"]) == (3, 3, 0, 0), n
        assert 0 < row["rtt_min_seconds"] <= row["rtt_avg_seconds"] <= row["rtt_max_seconds"]
        assert "flow" not in row and "hop_address" not in row and "mpls" not in row and "is_nat" not in row
        # Hop n's answer has passed n-1 routers.
        assert row["reply_hop_limit"] == 65 - n
    assert {trace.hop(n)["reply"] for n in range(1, 8)} == {"ttl_exceeded"}
    assert trace.hop(8)["reply"] == {"icmp": "echo_reply", "udp": "port_unreachable", "tcp": "reset"}[transport]


def test_edges(chain, family):
    trace = Trace(target(family, lab.PLAYED, 4), code=0, max_silent=3)
    nodes = ["agent", *hops(family, 4), f"hop 5 of {trace.all['target']}", player(family, 2), target(family, lab.PLAYED, 4)]
    nodes = [node if node.startswith(("agent", "hop")) else str(ipaddress.ip_address(node)) for node in nodes]
    assert [(edge["source"], edge["destination"]) for edge in trace.edges] == list(zip(nodes, nodes[1:]))
    assert len({edge["id"] for edge in trace.edges}) == 7


def test_a_connection_that_would_be_taken(chain, family):
    trace = Trace(target(family, lab.PLAIN), code=0, transport="tcp", port=8080)
    expect_path(trace, path(family))
    assert trace.hop(8)["reply"] == "syn_ack"


def test_the_target_answers_from_another_address(chain):
    """As many routers do: no port there means that the packet has arrived."""
    trace = Trace(target("ipv6", lab.PLAIN, 0x99), code=0, transport="udp")
    assert trace.path() == as_addresses([*hops("ipv6", 7), far("ipv6", 10)]) and trace.row["reached"] == 1


def test_the_target_is_the_first_hop(chain, family, transport):
    expect_path(Trace(far(family, 1), code=0, transport=transport), [far(family, 1)])


def test_part_of_a_path(chain, family, transport):
    trace = Trace(target(family, lab.PLAIN), code=1, transport=transport, first_hop=3, max_hops=5)
    assert trace.row["end"] == "max_hops" and trace.reason == "ttl_exceeded" and trace.row["hops"] == 5
    assert [row["hop"] for row in trace.rows] == ["3", "4", "5"]
    assert [row["address"] for row in trace.rows] == as_addresses(hops(family, 5)[2:])


def test_shapes_of_packets(chain, family, transport):
    options = {"size": 900, "dscp": 8, "window": 1, "source": lab.near(family, 1), "interface": "n1"}
    expect_path(Trace(target(family, lab.PLAIN), code=0, transport=transport, **options), path(family))


# --- several ways ---------------------------------------------------------------------------------------------------


def test_one_flow_sees_one_branch(chain, family, transport):
    for _ in range(3):
        trace = Trace(target(family, lab.DIAMOND), code=0, transport=transport, attempts=8, spacing=0.002)
        third = trace.hop(3)
        assert third["address"] in as_addresses([far(family, 3), far(family, 4)])
        assert "addresses" not in third or third["addresses"] == third["address"]
        assert trace.row.get("paths", 1) == 1 and trace.row["loss_ratio"] == 0


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_many_flows_see_both_branches(chain, family, transport):
    """Linux chooses by ports, so echo requests all go one way. That 16 flows go the same way: once in 32,768 times."""
    trace = Trace(target(family, lab.DIAMOND), code=0, transport=transport, flows=16, attempts=2, spacing=0.002)
    ways = {tuple(trace.path(flow)) for flow in range(16)}
    assert ways == {tuple(as_addresses(path(family, lab.DIAMOND, third))) for third in (3, 4)}
    assert trace.row["paths"] == 2
    assert all(row["loss_ratio"] == 0 for row in trace.rows)
    assert "addresses" not in trace.hop(3, 0) or trace.hop(3, 0)["addresses"] == trace.hop(3, 0)["address"]


# --- hops that say little or nothing --------------------------------------------------------------------------------


def limit(place, ipv4_ms, ipv6_ms):
    """A router's time between errors to one address; 0: none, not even for all addresses together."""
    place.sysctl(f"net.ipv4.icmp_ratelimit={ipv4_ms}", f"net.ipv6.icmp.ratelimit={ipv6_ms}",
                 f"net.ipv4.icmp_ratemask={6168 if ipv4_ms else 0}", f"net.ipv6.icmp.ratemask={'0-1,3-127' if ipv6_ms else '2'}")


@pytest.fixture
def silent(chain):
    """r4, hop 5, says no word of its own: its first answer is due in a day."""
    limit(chain.r4, 86400000, 86400000)
    yield
    limit(chain.r4, 0, 0)


def test_a_silent_hop(chain, silent, family, transport):
    trace = Trace(target(family, lab.PLAIN), code=0, transport=transport, attempts=2, spacing=0.01)
    wanted = path(family)
    wanted[4] = None
    expect_path(trace, wanted)
    assert trace.row["silent_hops"] == 1 and trace.row["loss_ratio"] == 0 and "first_lossy_hop" not in trace.row
    row = trace.hop(5)
    assert (row["sent_total"], row["received_total"], row["loss_ratio"], row["forward_loss_ratio"]) == (2, 0, 1, 0)
    assert "rtt_min_seconds" not in row and "reply" not in row and "mpls" not in row
    # Not that of the path without silence, but the same again.
    assert Trace(target(family, lab.PLAIN), transport=transport).row["path_hash"] == trace.row["path_hash"]


def test_a_silent_hop_by_others(chain, silent, family):
    to = target(family, lab.PLAIN)
    own = Trace(to, code=0).path()
    others = said_by_others(to, "icmp")
    assert own[4] is None and others == dict.fromkeys(others, own)


@pytest.fixture
def limited(chain, family):
    """r5, hop 6, answers a few times and then one packet in three seconds, by address: a source it has not seen yet."""
    # In IPv6 a router's limit is a 16th of it for those behind the default route.
    limit(chain.r5, 3000, 48000)
    yield chain.new_source(family)
    limit(chain.r5, 0, 0)


def test_a_hop_that_limits_its_answers_is_no_loss(chain, limited, family):
    trace = Trace(target(family, lab.PLAIN), code=0, attempts=20, spacing=0.005, source=limited)
    row = trace.hop(6)
    assert row["address"] == str(ipaddress.ip_address(far(family, 8))) and row["sent_total"] == 20
    assert 1 <= row["received_total"] <= 10 and row["loss_ratio"] == pytest.approx(1 - row["received_total"] / 20)
    assert row["forward_loss_ratio"] == 0
    assert trace.row["loss_ratio"] == 0 and "first_lossy_hop" not in trace.row
    assert [trace.hop(n)["loss_ratio"] for n in (1, 2, 3, 4, 5, 7, 8)] == [0] * 7


def test_loss_that_goes_on_to_the_end(chain, family, transport):
    """Of the player, every other packet is lost from its second router on."""
    trace = Trace(target(family, lab.PLAYED, 8), transport=transport, attempts=4, spacing=0.01)
    assert [trace.hop(n)["loss_ratio"] for n in range(1, 8)] == [0, 0, 0, 0, 0, 0.5, 0.5]
    assert [trace.hop(n)["forward_loss_ratio"] for n in range(1, 8)] == [0, 0, 0, 0, 0, 0.5, 0.5]
    assert trace.row["first_lossy_hop"] == 6 and trace.row["loss_ratio"] == 0.5


def test_until_answered(chain, family):
    trace = Trace(target(family, lab.PLAYED, 8), code=0, attempts=4, until_answered=True)
    assert [trace.hop(n)["received_total"] for n in range(1, 8)] == [1] * 7
    assert [trace.hop(n)["sent_total"] for n in range(1, 6)] == [1] * 5


# --- the end --------------------------------------------------------------------------------------------------------

ENDS = {
    lab.UNREACHABLE: {"ipv4": "unreachable_host", "ipv6": ("unreachable_net", "unreachable_host")},
    lab.PROHIBITED: {"ipv4": "unreachable_admin", "ipv6": "unreachable_admin"},
    lab.NO_NEIGHBOUR: {"ipv4": "unreachable_host", "ipv6": "unreachable_host"},
}


@pytest.mark.parametrize("fate", ENDS)
def test_unreachable(chain, family, transport, fate):
    """The router that has no way on says so, also of packets that would have ended at it."""
    wanted = ENDS[fate][family]
    trace = Trace(target(family, fate), code=1, transport=transport, wait=4, source=chain.new_source(family))
    assert trace.reason in (wanted if isinstance(wanted, tuple) else (wanted,)), trace.all
    assert trace.row["end"] == trace.reason and trace.row["reached"] == 0 and trace.row["loss_ratio"] == 1
    assert trace.path()[:7] == as_addresses(hops(family, 7))
    assert trace.row["hops"] == (8 if fate == lab.NO_NEIGHBOUR else 7)
    if fate == lab.NO_NEIGHBOUR:
        assert trace.path()[7:] == as_addresses([far(family, 9)])


def test_nothing_comes_from_behind(chain, family, transport):
    trace = Trace(target(family, lab.BLACKHOLE), code=1, transport=transport, max_silent=3, wait=0.2)
    assert trace.row["end"] == "max_silent" and trace.reason == "timeout" and trace.row["hops"] == 6
    assert trace.path()[:6] == as_addresses(hops(family, 6)) and set(trace.path()[6:]) <= {None}
    assert len(trace.path()) <= 9


def test_the_time_is_up(chain, family):
    trace = Trace(target(family, lab.BLACKHOLE), code=1, max_silent=20, wait=5, timeout=0.5)
    assert trace.row["end"] == "timeout" and trace.reason == "timeout"
    assert trace.path()[:6] == as_addresses(hops(family, 6))


def test_no_way_from_here(chain, family):
    trace = Trace("10.200.0.1" if family == "ipv4" else "fd77::1", code=1)
    assert trace.reason in ("local", "unreachable_net"), trace.all


# --- played routers -------------------------------------------------------------------------------------------------


def player(family, n):
    return f"10.99.{n}.1" if family == "ipv4" else f"fd99:{n}::1"


def played(family, n, third=3):
    return [*hops(family, 4, third), player(family, 1), player(family, 2), target(family, lab.PLAYED, n)]


@pytest.mark.parametrize("kind, hop", [(1, 5), (10, 6)], ids=["with a length", "without a length"])
def test_labels(chain, family, transport, kind, hop):
    trace = Trace(target(family, lab.PLAYED, kind), code=0, transport=transport)
    expect_path(trace, played(family, kind))
    assert trace.hop(hop)["mpls"] == "16001/5/0/1 24/0/1/254"
    assert not any("mpls" in trace.hop(n) for n in range(1, 8) if n != hop)


def test_short_quotes(chain, family, transport):
    """Eight bytes of what was sent, as RFC 792 has it."""
    trace = Trace(target(family, lab.PLAYED, 2), code=0, transport=transport, attempts=3, spacing=0.01)
    expect_path(trace, played(family, 2))
    assert [trace.hop(n)["received_total"] for n in range(1, 8)] == [3] * 7


def test_translation_that_shows(chain, transport):
    trace = Trace(target("ipv4", lab.PLAYED, 3), code=0, transport=transport)
    expect_path(trace, played("ipv4", 3))
    assert trace.row["nat_hop"] == 6 and trace.hop(6)["is_nat"] == 1
    assert not any("is_nat" in trace.hop(n) for n in range(1, 6))


def test_others_answers_are_not_believed(chain, family, transport):
    trace = Trace(target(family, lab.PLAYED, 4), code=0, transport=transport, attempts=2, spacing=0.01)
    wanted = played(family, 4)
    wanted[4] = None
    expect_path(trace, wanted)
    assert trace.hop(5)["received_total"] == 0 and trace.hop(6)["received_total"] == 2


def test_garbage(chain, family, transport):
    trace = Trace(target(family, lab.PLAYED, 5), code=0, transport=transport, attempts=2, spacing=0.01)
    expect_path(trace, played(family, 5))
    assert [trace.hop(n)["received_total"] for n in range(1, 8)] == [2] * 7


def test_duplicates_count_once(chain, family, transport):
    trace = Trace(target(family, lab.PLAYED, 6), code=0, transport=transport, attempts=2, spacing=0.01)
    expect_path(trace, played(family, 6))
    assert [trace.hop(n)["received_total"] for n in range(1, 8)] == [2] * 7


def test_a_target_that_says_nothing(chain, family, transport):
    trace = Trace(target(family, lab.PLAYED, 7), code=1, transport=transport, max_silent=2, wait=0.2)
    assert trace.row["end"] == "max_silent" and trace.row["hops"] == 6
    assert trace.path()[:6] == as_addresses(played(family, 7)[:6])


def test_a_circle(chain, family, transport):
    trace = Trace(target(family, lab.PLAYED, 9), code=1, transport=transport, max_hops=20)
    assert trace.reason == "ttl_exceeded" and len(trace.path()) <= 20
    assert trace.path()[4:8] == as_addresses([player(family, n) for n in (2, 1, 2, 1)])


# --- a translator ---------------------------------------------------------------------------------------------------


@pytest.fixture
def translator(chain):
    if not shutil.which("nft") or subprocess.run([*chain.r4.enter, "nft", "list", "ruleset"], capture_output=True).returncode:
        pytest.skip("no nftables here")
    chain.r4.run("nft", "add table ip nat; add chain ip nat out { type nat hook postrouting priority 100; }; "
                 f"add rule ip nat out oifname n8 ip daddr {lab.network('ipv4', lab.TRANSLATED)} masquerade")
    yield
    chain.r4.run("nft", "delete table ip nat")


def test_a_translator_in_the_middle(chain, translator, transport):
    trace = Trace(target("ipv4", lab.TRANSLATED), code=0, transport=transport, attempts=2, spacing=0.01)
    expect_path(trace, path("ipv4", lab.TRANSLATED))
    assert [trace.hop(n)["received_total"] for n in range(1, 9)] == [2] * 8


# --- path MTU -------------------------------------------------------------------------------------------------------


def test_a_narrow_link(chain, family, transport):
    """r5, hop 6, says what its next link takes."""
    trace = Trace(target(family, lab.NARROW), code=0, transport=transport, mtu=True, wait=0.2)
    expect_path(trace, path(family, lab.NARROW))
    assert (trace.row["mtu_bytes"], trace.row["mtu_black_hole"], trace.row["mtu_hop"]) == (lab.NARROW_BYTES, 0, 6), trace.row


def test_a_black_hole(chain, family):
    """Behind r5 large packets vanish. The kernel lets four bytes more pass than the interface says."""
    trace = Trace(target(family, lab.SWALLOWED), code=0, mtu=True, wait=0.2)
    assert lab.NARROW_BYTES <= trace.row["mtu_bytes"] <= lab.NARROW_BYTES + 4, trace.row
    assert (trace.row["mtu_black_hole"], trace.row["mtu_hop"]) == (1, 6), trace.row


def test_a_wide_path(chain, family):
    trace = Trace(target(family, lab.PLAIN), code=0, mtu=True, wait=0.2)
    assert (trace.row["mtu_bytes"], trace.row["mtu_black_hole"]) == (1500, 0), trace.row


# --- without rights -------------------------------------------------------------------------------------------------


@pytest.fixture
def pingable():
    set_sysctl("net.ipv4.ping_group_range", f"{os.getgid()} {os.getgid()}")
    yield
    set_sysctl("net.ipv4.ping_group_range", "1 0")


@pytest.mark.parametrize("transport", ["icmp", "udp"])
class TestWithoutRights:
    def test_a_path(self, chain, pingable, family, transport):
        trace = Trace(target(family, lab.PLAIN), POWERLESS, code=0, transport=transport, attempts=3, spacing=0.01)
        expect_path(trace, path(family))
        assert [trace.hop(n)["received_total"] for n in range(1, 9)] == [3] * 8
        assert all(trace.hop(n)["rtt_min_seconds"] > 0 for n in range(1, 9))

    def test_silence(self, chain, pingable, silent, family, transport):
        wanted = path(family)
        wanted[4] = None
        expect_path(Trace(target(family, lab.PLAIN), POWERLESS, code=0, transport=transport), wanted)

    def test_unreachable(self, chain, pingable, family, transport):
        trace = Trace(target(family, lab.PROHIBITED), POWERLESS, code=1, transport=transport, source=chain.new_source(family))
        assert trace.row["end"] == "unreachable_admin" and trace.path() == as_addresses(hops(family, 7))

    @pytest.mark.parametrize("kind", [1, 2, 4, 5, 6])
    def test_played(self, chain, pingable, family, transport, kind):
        trace = Trace(target(family, lab.PLAYED, kind), POWERLESS, code=0, transport=transport, attempts=2, spacing=0.01)
        wanted = played(family, kind)
        wanted[4] = None if kind == 4 else wanted[4]
        expect_path(trace, wanted)
        assert [trace.hop(n)["received_total"] for n in range(1, 8)] == [2, 2, 2, 2, 0 if kind == 4 else 2, 2, 2]


@pytest.mark.parametrize("transport", ["icmp", "udp"])
def test_path_mtu_without_rights(chain, pingable, family, transport):
    trace = Trace(target(family, lab.NARROW), POWERLESS, code=0, transport=transport, mtu=True, wait=0.2)
    assert (trace.row["mtu_bytes"], trace.row["mtu_black_hole"], trace.row["mtu_hop"]) == (lab.NARROW_BYTES, 0, 6), trace.row


def test_two_branches_without_rights(chain, family):
    trace = Trace(target(family, lab.DIAMOND), POWERLESS, code=0, transport="udp", flows=16)
    assert trace.row["paths"] == 2
    assert {tuple(trace.path(flow)) for flow in range(16)} == {
        tuple(as_addresses(path(family, lab.DIAMOND, third))) for third in (3, 4)}


def test_what_needs_a_right_says_so(chain, family):
    trace = Trace(target(family, lab.PLAIN), POWERLESS, transport="tcp")
    assert trace.code != 0 and "cap_net_raw" in trace.error.lower(), trace.error
    trace = Trace(target(family, lab.PLAIN), POWERLESS, transport="icmp")
    assert trace.code != 0 and "ping_group_range" in trace.error, trace.error


# --- the daemon -----------------------------------------------------------------------------------------------------


def last_path(daemon, probe, name):
    """Of the last line: the path."""
    lines = daemon.lines("traceroute", target=name, probe=probe)
    return lines[-1].fields["path"] if lines else None


def every_transport(**more):
    return {transport: {**TRACE, "transport": transport, **more} for transport in TRANSPORTS}


def test_pages_and_lines(chain, family, start_daemon):
    to = target(family, lab.PLAIN)
    daemon = start_daemon(make_config([{"name": "a", "address": to, "probes": list(TRANSPORTS)}], every_transport()))
    metrics = daemon.wait_metrics(
        lambda m: all((m.get("netsonde_probe_runs_total", target="a", probe=one) or 0) >= 2 for one in TRANSPORTS), "runs")
    wanted = as_addresses(path(family))
    for probe in TRANSPORTS:
        labels = {"target": "a", "probe": probe}
        assert metrics.get("netsonde_probe_success", **labels) == 1
        assert metrics.get("netsonde_traceroute_reached", **labels) == 1
        assert metrics.get("netsonde_traceroute_hops", **labels) == 8
        assert metrics.get("netsonde_traceroute_path_changes_total", **labels) == 0
        rows = metrics.all("netsonde_traceroute_hop_loss_ratio", **labels)
        assert {dict(row)["hop"] for row in rows} == {str(n) for n in range(1, 9)} and set(rows.values()) == {0}
        assert not any("hop_address" in dict(row) or "flow" in dict(row) for row in rows)
    daemon.stop()
    for probe in TRANSPORTS:
        runs = daemon.lines("traceroute", probe=probe)
        assert len(runs) >= 2
        for line in runs:
            assert line.fields["path"] == " > ".join(wanted) and line.fields["success"] == 1 and line.fields["end"] == "reached"
        assert len({line.fields["path_hash"] for line in runs}) == 1
        found = daemon.lines("traceroute_hop", probe=probe)
        assert [line.fields["address"] for line in found[:8]] == wanted
        assert [line.tags["hop"] for line in found[:8]] == [str(n) for n in range(1, 9)]
        # Counters are of all runs.
        last = [line.fields["sent_total"] for line in found if line.tags["hop"] == "3"]
        assert last == list(range(1, len(runs) + 1))
        assert [line.fields["destination"] for line in daemon.lines("traceroute_edge", probe=probe)[:8]] == wanted


def test_hop_address_is_a_label_by_option(chain, start_daemon):
    daemon = start_daemon(make_config([("a", target("ipv4", lab.PLAIN))], {"trace": {**TRACE, "hop_address": True}}))
    metrics = daemon.wait_runs("a", 1)
    rows = map(dict, metrics.all("netsonde_traceroute_hop_loss_ratio"))
    assert {(int(row["hop"]), row["hop_address"]) for row in rows} == set(enumerate(path("ipv4"), 1))
    edges = sorted(map(dict, metrics.all("netsonde_traceroute_edge_info")), key=lambda row: int(row["hop"]))
    nodes = ["agent", *path("ipv4")]
    assert [(row["hop_before"], row["hop_address"]) for row in edges] == list(zip(nodes, nodes[1:]))


def test_a_path_that_changes(chain, family, start_daemon):
    to = target(family, lab.CHANGING)
    probes = every_transport(interval=0.3)
    daemon = start_daemon(make_config([{"name": "a", "address": to, "probes": list(TRANSPORTS)}], probes))
    before, after = (" > ".join(as_addresses(path(family, lab.CHANGING, third))) for third in (3, 4))
    try:
        wait_for(lambda: all(last_path(daemon, probe, "a") == before for probe in TRANSPORTS), "the first path")
        chain.r2.route(family, lab.CHANGING, "via", far(family, 4))
        wait_for(lambda: all(last_path(daemon, probe, "a") == after for probe in TRANSPORTS), "the other path")
        metrics = daemon.wait_metrics(lambda m: m.sum("netsonde_traceroute_path_changes_total", target="a") >= 3, "changes")
    finally:
        chain.r2.route(family, lab.CHANGING, "via", far(family, 3))
    wait_for(lambda: all(last_path(daemon, probe, "a") == before for probe in TRANSPORTS), "the first path again")
    assert before in daemon.log and after in daemon.log, "a change is logged with both paths"
    assert metrics.failures("a") == {}
    daemon.stop()
    for probe in TRANSPORTS:
        lines = [line.fields for line in daemon.lines("traceroute", probe=probe)]
        assert max(line["path_changes_total"] for line in lines) <= 4
        hashes = {line["path"]: line["path_hash"] for line in lines}
        assert hashes[before] != hashes[after]
        assert all(line["path_hash"] == hashes[line["path"]] for line in lines)


@pytest.fixture
def grow(chain, family):
    """grow(): r5, hop 6, no longer owns the target: it lies two hops farther away."""
    address = f"{target(family, lab.GROWING)}/{32 if family == 'ipv4' else 128}"
    yield lambda: chain.r5.run("ip", "addr", "del", address, "dev", "lo")
    chain.r5.run("ip", "addr", "replace", address, "dev", "lo")


def test_a_path_that_grows_during_a_run_is_no_loss(chain, family, grow):
    found = []
    trace = threading.Thread(target=lambda: found.append(Trace(target(family, lab.GROWING), attempts=12, spacing=0.1)))
    before = packets_at_r1(chain)
    trace.start()
    try:
        wait_for(lambda: packets_at_r1(chain) > before + 30, "some packets")
        grow()
    finally:
        trace.join()
    assert found[0].row["reached"] == 1 and found[0].row["hops"] == 8, found[0].all
    assert found[0].row["loss_ratio"] == 0 and "first_lossy_hop" not in found[0].row, found[0].all
    assert all(row["loss_ratio"] == 0 for row in found[0].rows), found[0].rows


def packets_at_r1(chain):
    """Packets that r1 has got from us."""
    return json.loads(chain.r1.run("ip", "-s", "-j", "link", "show", "f1").stdout)[0]["stats64"]["rx"]["packets"]


def test_a_path_that_grows_between_runs(chain, family, grow, start_daemon):
    to = target(family, lab.GROWING)
    daemon = start_daemon(make_config([{"name": "a", "address": to, "probes": list(TRANSPORTS)}], every_transport(interval=0.3)))
    short = " > ".join(as_addresses([*hops(family, 5), to]))
    grown = " > ".join(as_addresses(path(family, lab.GROWING)))
    wait_for(lambda: all(last_path(daemon, probe, "a") == short for probe in TRANSPORTS), "the short path")
    grow()
    wait_for(lambda: all(last_path(daemon, probe, "a") == grown for probe in TRANSPORTS), "the path that has grown")
    assert daemon.metrics().failures("a") == {}
    daemon.stop()
    assert all(line.fields["loss_ratio"] == 0 for line in daemon.lines("traceroute"))


def least_runs(daemon):
    """Of all probes. Without reading the rest of the page, which is long."""
    page = daemon.get("/metrics")[2].decode()
    return min((int(n) for n in re.findall(r"^netsonde_probe_runs_total{.*} (\d+)$", page, re.M)), default=0)


def test_many_at_once_do_not_mix_up_their_answers(chain, start_daemon):
    """Two workers, three transports, both families, several flows; and another daemon that does the same."""
    places = [*((lab.PLAIN, n) for n in range(2, 6)), (lab.PLAYED, 98), (lab.PLAYED, 6)]
    wanted = {target(family, net, n): " > ".join(as_addresses(
        [*(path(family) if net == lab.PLAIN else played(family, n))[:-1], target(family, net, n)]))
        for family in FAMILIES for net, n in places}
    targets = [{"name": address, "address": address, "probes": list(TRANSPORTS)} for address in wanted]
    config = make_config(targets, every_transport(flows=2, attempts=2, spacing=0.005), agent={"workers": 2})
    daemons = [start_daemon(config) for _ in range(2)]
    for daemon in daemons:
        wait_for(lambda: least_runs(daemon) >= 3, "three runs of each probe")
    for daemon in daemons:
        daemon.stop()
        lines = daemon.lines()
        runs = [line for line in lines if line.measurement == "traceroute"]
        assert {line.tags["target"] for line in runs} == set(wanted)
        for line in runs:
            assert line.fields["path"] == wanted[line.tags["target"]] and line.fields["success"] == 1
            assert line.fields["loss_ratio"] == 0 and line.fields["paths"] == 1
        assert {line.fields["loss_ratio"] for line in lines if line.measurement == "traceroute_hop"} == {0}


def test_daemon_without_rights(chain, pingable, start_daemon):
    probes = {name: probe for name, probe in every_transport().items() if name != "tcp"}
    targets = [{"name": family, "address": target(family, lab.PLAIN), "probes": list(probes)} for family in FAMILIES]
    daemon = start_daemon(make_config(targets, probes), prefix=POWERLESS)
    for probe in probes:
        for family in FAMILIES:
            wanted = " > ".join(as_addresses(path(family)))
            wait_for(lambda: last_path(daemon, probe, family) == wanted, f"the path by {probe}")


def test_probe_page(chain, family, start_daemon):
    probes = {"traceroute": {**TRACE, "interval": 60}}
    endpoint = f"probe_endpoint: {to_libconfig({'allow': ['10.90.0.0/16', 'fd90::/16']})};\n"
    daemon = start_daemon(make_config([], probes, influx=[]) + endpoint)
    to = target(family, lab.PLAIN)
    status, _, body = daemon.get(f"/probe?module=traceroute&target={f'[{to}]' if family == 'ipv6' else to}")
    assert status == 200, body
    metrics = Metrics(body.decode())
    assert metrics.get("probe_success") == 1
    assert any("hop" in name for name in metrics.samples), "the hops are told of"


# --- places ---------------------------------------------------------------------------------------------------------


def test_places(chain, family, start_daemon, tmp_path):
    """A path through two networks and three towns, one of which it cannot have gone through."""
    def at(network, latitude, longitude, country, name, asn):
        location = {"latitude": latitude, "longitude": longitude, "accuracy_radius": 5}
        return [network, {"country": {"iso_code": country}, "city": {"names": {"en": name}}, "location": location,
                          "autonomous_system_number": asn}]

    one, two, three, *_ = hops(family, 3)
    to = target(family, lab.PLAIN)
    width = "/32" if family == "ipv4" else "/128"
    put(tmp_path, "city", [
        at(one + width, 50.1109, 8.6821, "DE", "Frankfurt", 64496),
        at(two + width, 1.3521, 103.8198, "SG", "Singapore", 64496),
        at(three + width, 50.0956, 8.7761, "DE", "Offenbach", 64497),
        at(to + width, 50.1109, 8.6821, "DE", "Frankfurt", 64497),
    ])
    agent = {"latitude": 50.1109, "longitude": 8.6821}
    daemon = start_daemon(make_config([("a", to)], {"trace": TRACE}, agent=agent) +
                          f"geo: {to_libconfig({'databases': [str(tmp_path / 'city')]})};\n")

    def timed():
        """A run of whose hops each has a time: on a busy machine some have none."""
        for run in daemon.lines("traceroute", target="a"):
            rows = [row for row in daemon.lines("traceroute_hop", target="a") if row.stamp_ns == run.stamp_ns]
            if len(rows) == 8 and all("rtt_avg_seconds" in row.fields for row in rows):
                return run, {row.tags["hop"]: row.fields for row in rows}

    line, found = wait_for(timed, "a trace")
    assert [found[n].get("city") for n in "1234"] == ["Frankfurt", "Singapore", "Offenbach", None]
    assert [found[n].get("asn") for n in "1238"] == ["64496", "64496", "64497", "64497"]
    assert [found[n].get("country") for n in "1238"] == ["DE", "SG", "DE", "DE"]
    assert [found[n].get("is_implausible") for n in "12348"] == [0, 1, 0, None, 0]
    assert line.fields["as_path"] == "64496 64497"
    # To Offenbach and back: some 7 km each way.
    assert 13e3 < line.fields["path_meters"] < 15e3
    metrics = daemon.wait_runs("a", 1)
    assert metrics.get("netsonde_traceroute_as_path_hash", target="a") > 0
    assert metrics.get("netsonde_traceroute_hop_is_implausible", target="a", hop="2") == 1

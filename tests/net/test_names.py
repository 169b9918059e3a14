"""Targets that are names: families, several addresses, names that stop resolving. The DNS server is a few lines here."""

import socket
import struct
import threading

import pytest

from network import host
from support import make_config

PING = {"type": "ping", "interval": 0.3, "timeout": 0.25}
TYPES = {1: "ipv4", 28: "ipv6"}


class Dns:
    """Answers from a table name -> {"ipv4": [...], "ipv6": [...]}; unknown names do not exist. TTL: a second."""

    def __init__(self, names):
        self.names = names
        self.asked = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                query, client = self.socket.recvfrom(4096)
            except OSError:
                return
            if not query:
                return
            self.socket.sendto(self.answer(query), client)

    def answer(self, query):
        at, labels = 12, []
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode())
            at += 1 + query[at]
        kind = struct.unpack("!H", query[at + 1 : at + 3])[0]
        question = query[12 : at + 5]
        name = ".".join(labels).lower()
        self.asked.append((name, TYPES.get(kind)))
        known = self.names.get(name)
        addresses = known.get(TYPES.get(kind), []) if known else []
        family = socket.AF_INET if kind == 1 else socket.AF_INET6
        records = b"".join(
            b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 1, 4 if kind == 1 else 16) + socket.inet_pton(family, one)
            for one in addresses
        )
        flags = 0x8580 | (0 if known is not None else 3)
        return query[:2] + struct.pack("!HHHHH", flags, 1, len(addresses), 0, 0) + question + records

    def close(self):
        self.socket.sendto(b"", self.socket.getsockname())


@pytest.fixture
def dns():
    servers = []

    def serve(names):
        servers.append(Dns(names))
        return servers[-1]

    yield serve
    for server in servers:
        server.close()


def config(dns, targets, **options):
    return make_config(targets, {"ping": {**PING, **options}}, agent={"resolver": dns.address})


def addresses_of(metrics, target):
    return {dict(row)["address"] for row in metrics.all("netsonde_target_info", target=target)}


@pytest.mark.parametrize("family, expected", [
    ("prefer_ipv4", {"both": "ipv4", "four": "ipv4", "six": "ipv6"}),
    ("prefer_ipv6", {"both": "ipv6", "four": "ipv4", "six": "ipv6"}),
    ("only_ipv4", {"both": "ipv4", "four": "ipv4", "six": None}),
    ("only_ipv6", {"both": "ipv6", "four": None, "six": "ipv6"}),
])
def test_families(net, dns, sockets, start_daemon, family, expected):
    names = {
        "both.test": {"ipv4": [host("ipv4", 1)], "ipv6": [host("ipv6", 1)]},
        "four.test": {"ipv4": [host("ipv4", 2)]},
        "six.test": {"ipv6": [host("ipv6", 3)]},
    }
    net.play()
    daemon = start_daemon(config(dns(names), [(name, f"{name}.test") for name in expected], family=family))
    for name, wanted in expected.items():
        metrics = daemon.wait_runs(name, 3)
        if wanted is None:
            assert set(metrics.failures(name)) == {"resolve"}, name
        else:
            assert metrics.failures(name) == {}, name
            assert addresses_of(metrics, name) == set(names[f"{name}.test"][wanted])


def test_a_name_that_does_not_exist(net, dns, start_daemon):
    net.play()
    daemon = start_daemon(config(dns({}), [("a", "nowhere.test")]))
    metrics = daemon.wait_runs("a", 3)
    assert set(metrics.failures("a")) == {"resolve"}
    assert metrics.get("netsonde_probe_success", target="a") == 0
    daemon.stop()
    assert {line.fields["reason"] for line in daemon.lines("ping", target="a")} == {"resolve"}


def test_a_name_that_comes_later(net, dns, start_daemon):
    names = {}
    net.play()
    daemon = start_daemon(config(dns(names), [("a", "late.test")]))
    daemon.wait_runs("a", 2)
    names["late.test"] = {"ipv4": [host("ipv4", 4)]}
    daemon.wait_metrics(lambda m: m.get("netsonde_probe_success", target="a") == 1, "success once there is an address")


def test_a_name_that_moves(net, dns, start_daemon):
    names = {"moving.test": {"ipv4": [host("ipv4", 5)]}}
    net.play()
    daemon = start_daemon(config(dns(names), [("a", "moving.test")]))
    daemon.wait_metrics(lambda m: addresses_of(m, "a") == {host("ipv4", 5)}, "the first address")
    names["moving.test"] = {"ipv4": [host("ipv4", 6)]}
    daemon.wait_metrics(lambda m: addresses_of(m, "a") == {host("ipv4", 6)}, "the second address")
    metrics = daemon.metrics()
    assert metrics.get("netsonde_probe_success", target="a") == 1
    assert len(metrics.all("netsonde_target_info", target="a")) == 1


@pytest.mark.parametrize("keep", [True, False])
def test_a_name_that_stops_resolving(net, dns, start_daemon, keep):
    names = {"gone.test": {"ipv4": [host("ipv4", 7)]}}
    server = dns(names)
    net.play()
    daemon = start_daemon(config(server, [("a", "gone.test")], keep_address=keep))
    daemon.wait_metrics(lambda m: m.get("netsonde_probe_success", target="a") == 1, "the first success")
    del names["gone.test"]
    if keep:
        asked = len(server.asked)
        runs = daemon.metrics().get("netsonde_probe_runs_total", target="a")
        metrics = daemon.wait_metrics(
            lambda m: len(server.asked) > asked + 1 and m.get("netsonde_probe_runs_total", target="a") > runs + 8,
            "runs after the name is gone",
        )
        assert metrics.failures("a") == {}
    else:
        metrics = daemon.wait_metrics(lambda m: m.failures("a"), "a failure")
        assert set(metrics.failures("a")) == {"resolve"}


def test_all_addresses(net, dns, sockets, start_daemon):
    four, six = [host("ipv4", n) for n in (10, 11)], [host("ipv6", n) for n in (10, 11)]
    net.play(f"{four[1]} delay=20ms", "default")
    daemon = start_daemon(config(dns({"many.test": {"ipv4": four, "ipv6": six}}), [("a", "many.test")], all_addresses=True))
    metrics = daemon.wait_runs("a", 3)
    assert metrics.failures("a") == {}
    for address in four + six:
        assert metrics.get("netsonde_ping_address_received_total", target="a", address=address) >= 3
        assert metrics.get("netsonde_ping_address_loss_ratio", target="a", address=address) == 0
    # A request whose moment of leaving nobody knows has no time: on a busy machine, that may be the last run's.
    metrics = daemon.wait_metrics(
        lambda m: m.get("netsonde_ping_address_rtt_min_seconds", target="a", address=four[1]) is not None, "a time")
    assert metrics.get("netsonde_ping_address_rtt_min_seconds", target="a", address=four[1]) >= 0.02
    assert metrics.get("netsonde_ping_sent_total", target="a") == metrics.sum(
        "netsonde_ping_address_sent_total", target="a")
    # One of four is silent: the run fails, and it can be seen whose fault it is.
    net.play(f"{six[0]} plan=x", "default")
    metrics = daemon.wait_metrics(
        lambda m: m.get("netsonde_ping_address_loss_ratio", target="a", address=six[0]) == 1
        and m.get("netsonde_probe_success", target="a") == 0, "the failure of one address")
    assert set(metrics.failures("a")) == {"timeout"}
    assert metrics.get("netsonde_ping_address_loss_ratio", target="a", address=four[0]) == 0


def test_the_dns_server_is_gone(net, dns, start_daemon):
    """Nobody listens: the run fails with resolve, and other targets do not wait for it."""
    net.play()
    daemon = start_daemon(make_config(
        [("name", "some.test"), ("literal", host("ipv4", 12))], {"ping": PING}, agent={"resolver": "127.0.0.1:9"}))
    metrics = daemon.wait_runs("literal", 5)
    assert metrics.failures("literal") == {}
    metrics = daemon.wait_runs("name", 2)
    assert set(metrics.failures("name")) <= {"resolve", "timeout"} and metrics.failures("name")

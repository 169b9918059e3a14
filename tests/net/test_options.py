"""What the options of ping make of the packets, as the far side sees them."""

import pytest

from network import IPV4, IPV6, host, run
from support import make_config


def ping(**options):
    return {"ping": {"type": "ping", "interval": 0.2, "timeout": 0.19, **options}}


def test_defaults(net, sockets, family, start_daemon):
    target = host(family, 1)
    net.play()
    daemon = start_daemon(make_config([("a", target)], ping()))
    daemon.wait_runs("a", 2)
    last = net.seen(target)["last"]
    assert last["source"] == (IPV4 if family == "ipv4" else IPV6)
    assert last["hop_limit"] == 64 and last["class"] == 0
    assert last["icmp_bytes"] == 64, "56 bytes of payload"


def test_options_on_the_wire(net, sockets, family, start_daemon):
    """Each target has options of its own: all share one socket."""
    targets = {
        "ttl": {"ttl": 7}, "dscp": {"dscp": 46}, "both": {"ttl": 9, "dscp": 10}, "size": {"size": 100},
        "plain": {}, "unfragmented": {"dont_fragment": True},
    }
    addresses = {name: host(family, 10 + n) for n, name in enumerate(targets)}
    net.play()
    daemon = start_daemon(make_config(
        [{"name": name, "address": addresses[name], **options} for name, options in targets.items()], ping()))
    for name in targets:
        metrics = daemon.wait_runs(name, 3)
        assert metrics.failures(name) == {}, name
    seen = {name: net.seen(address)["last"] for name, address in addresses.items()}
    assert {name: one["hop_limit"] for name, one in seen.items()} == {
        "ttl": 7, "dscp": 64, "both": 9, "size": 64, "plain": 64, "unfragmented": 64}
    assert {name: one["class"] for name, one in seen.items()} == {
        "ttl": 0, "dscp": 46 << 2, "both": 10 << 2, "size": 0, "plain": 0, "unfragmented": 0}
    assert {name: one["icmp_bytes"] for name, one in seen.items()} == {
        "ttl": 64, "dscp": 64, "both": 64, "size": 108, "plain": 64, "unfragmented": 64}
    assert seen["unfragmented"]["dont_fragment"]


def test_source(net, sockets, family, start_daemon):
    target, second = host(family, 20), ("10.9.249.7" if family == "ipv4" else "fd09::7")
    run("ip", "addr", "add", f"{second}/{32 if family == 'ipv4' else 128}", "dev", "va",
        *([] if family == "ipv4" else ["nodad"]))
    net.play()
    daemon = start_daemon(make_config([("a", target)], ping(source=second)))
    assert daemon.wait_runs("a", 3).failures("a") == {}
    assert net.seen(target)["last"]["source"] == second


def test_a_source_that_this_host_does_not_have(net, sockets, family, start_daemon):
    target, other = host(family, 21), host(family, 22)
    net.play()
    daemon = start_daemon(make_config([("a", target), {"name": "b", "address": target, "source": other}], ping()))
    assert set(daemon.wait_runs("b", 3).failures("b")) == {"local"}
    assert daemon.wait_runs("a", 3).failures("a") == {}


def test_interface(net, sockets, family, start_daemon):
    """The best route leads to an interface where nobody is; the option leads elsewhere."""
    prefix, target = ("10.66.0.0/16", "10.66.0.1") if family == "ipv4" else ("fd66::/64", "fd66::1")
    net.play()
    with net.dead_end("vx"):
        run("ip", "route", "add", prefix, "dev", "va", "metric", "50")
        run("ip", "route", "add", prefix, "dev", "vx", "metric", "5")
        daemon = start_daemon(make_config(
            [{"name": "bound", "address": target, "interface": "va"}, ("free", target)], ping()))
        assert daemon.wait_runs("bound", 3).failures("bound") == {}
        metrics = daemon.wait_runs("free", 3)
        assert metrics.get("netsonde_ping_received_total", target="free") == 0


def test_fwmark(net, sockets, family, start_daemon):
    """Policy routing: only marked requests have a route."""
    flag, far = ("-4", "10.88.0.1") if family == "ipv4" else ("-6", "fd88::1")
    run("ip", flag, "rule", "add", "fwmark", "7", "table", "88")
    try:
        run("ip", flag, "route", "add", far, "via", host(family, 1), "dev", "va", "table", "88")
        net.play()
        daemon = start_daemon(make_config(
            [{"name": "marked", "address": far, "fwmark": 7}, ("plain", far)], ping()))
        metrics = daemon.wait_runs("marked", 3)
        assert metrics.failures("marked") == {}
        metrics = daemon.wait_runs("plain", 3)
        assert set(metrics.failures("plain")) <= {"local", "unreachable_net"} and metrics.failures("plain")
    finally:
        run("ip", flag, "rule", "del", "fwmark", "7", "table", "88")


def test_count_and_spacing(net, sockets, start_daemon):
    target = host("ipv4", 30)
    net.play()
    daemon = start_daemon(make_config([("a", target)], ping(interval=1.0, timeout=0.9, count=3, spacing=0.2)))
    daemon.wait_runs("a", 2)
    daemon.stop()
    for n, line in enumerate(daemon.lines("ping", target="a"), 1):
        assert line.fields["sent_total"] == 3 * n
        # A first request that leaves late on a busy machine comes nearer to the others: half of the time is certain.
        assert line.fields["duration_seconds"] >= 0.2
    stamps = net.seen(target)["stamps_ns"]
    assert stamps[2] - stamps[0] >= 200_000_000


def test_sequences_and_identifiers(net, sockets, start_daemon):
    """No two requests on the way look alike, and firewalls see one flow a target, or new ones: never a repeat."""
    target = host("ipv4", 31)
    net.play()
    daemon = start_daemon(make_config([("a", target)], ping(interval=0.1, timeout=0.09, count=4, spacing=0.01)))
    daemon.wait_runs("a", 8)
    seen = net.seen(target)
    pairs = list(zip(seen["ids"], seen["sequences"]))
    assert len(pairs) >= 32 and len(set(pairs)) == len(pairs)


@pytest.mark.parametrize("options, what", [
    ({"interval": 1.0, "timeout": 2.0}, "timeout"),
    ({"count": 100, "spacing": 0.1}, "100 requests"),
    ({"family": "ipv5"}, "family"),
    ({"intervall": 1.0}, "interval"),
    ({"dscp": 64}, "dscp"),
    ({"source": "nowhere"}, "source"),
])
def test_nonsense_is_refused_with_the_line(start_daemon, options, what):
    daemon = start_daemon(make_config([("a", "127.0.0.1")], ping(**options)), is_ready=False)
    assert daemon.process.wait(timeout=60) == 1
    assert "netsonde.conf:3:" in daemon.log and what in daemon.log, daemon.log

"""Who says that a target cannot be reached, and why: every kind becomes its reason, and hurts nobody else."""

import pytest

from network import IPV4, host, run
from support import make_config

# What the player sends, and the reason it must become. None: the family has no such error.
KINDS = {
    "net": ("unreachable_net", "unreachable_net"),
    "host": ("unreachable_host", "unreachable_host"),
    "port": ("unreachable_port", "unreachable_port"),
    "net_unknown": ("unreachable_net", None),
    "host_unknown": ("unreachable_host", None),
    "net_admin": ("unreachable_admin", None),
    "host_admin": ("unreachable_admin", None),
    "admin": ("unreachable_admin", "unreachable_admin"),
    "policy": (None, "unreachable_admin"),
    "reject": (None, "unreachable_admin"),
    "ttl": ("ttl_exceeded", "ttl_exceeded"),
}


def all_kinds(family):
    """(kind, reason, address) of every error of the family."""
    column = 0 if family == "ipv4" else 1
    return [
        (kind, reasons[column], host(family, 20 + n))
        for n, (kind, reasons) in enumerate(KINDS.items()) if reasons[column]
    ]


@pytest.mark.parametrize("quote", ["", "quote=8"])
@pytest.mark.parametrize("sender", ["target", "router"])
def test_every_kind_becomes_its_reason(net, sockets, family, start_daemon, quote, sender):
    kinds = all_kinds(family)
    router = f"router={host(family, 1)}" if sender == "router" else ""
    net.play(*(f"{address} plan=e error={kind} {router} {quote}" for kind, _, address in kinds), "default")
    daemon = start_daemon(make_config(
        [(kind, address) for kind, _, address in kinds],
        {"ping": {"type": "ping", "interval": 2.0, "timeout": 1.9}},
    ))
    for kind, _, _ in kinds:
        daemon.wait_runs(kind, 1)
    metrics = daemon.metrics()
    got = {kind: metrics.failures(kind) for kind, _, _ in kinds}
    assert {kind: set(reasons) for kind, reasons in got.items()} == {kind: {reason} for kind, reason, _ in kinds}
    daemon.stop()
    for kind, reason, _ in kinds:
        for line in daemon.lines("ping", target=kind):
            assert line.fields["reason"] == reason and line.fields["success"] == 0
            assert line.fields["duration_seconds"] < 1.9, "the run ends with the error, not with its timeout"


def test_an_error_and_then_an_answer(net, sockets, family, start_daemon):
    target = host(family, 40)
    net.play(f"{target} plan=e. error=host")
    daemon = start_daemon(make_config([("a", target)], {
        "ping": {"type": "ping", "interval": 0.2, "timeout": 0.19, "count": 2, "spacing": 0.01}}))
    daemon.wait_runs("a", 3)
    daemon.stop()
    for line in daemon.lines("ping", target="a"):
        assert line.fields["success"] == 1 and line.fields["loss_ratio"] == 0.5


def test_too_short_a_quote_proves_nothing(net, sockets, start_daemon):
    target = host("ipv4", 41)
    net.play(f"{target} plan=e error=host quote=4")
    daemon = start_daemon(make_config([("a", target)]))
    assert set(daemon.wait_runs("a", 3).failures("a")) == {"timeout"}


def test_an_error_about_somebody_else(net, sockets, family, start_daemon):
    """It quotes a request to another address, so it says nothing about this one - nor about that one."""
    target, other = host(family, 42), host(family, 43)
    net.play(f"{target} plan=S spoof=quote error=host other={other}", "default")
    daemon = start_daemon(make_config([("a", target), ("b", other)]))
    daemon.wait_runs("a", 4)
    metrics = daemon.wait_runs("b", 4)
    assert net.seen(target)["lies"] >= 4
    for name in "ab":
        assert metrics.failures(name) == {}, name
        assert metrics.get("netsonde_ping_loss_ratio", target=name) == 0


def test_unreachable_targets_do_not_hurt_the_others(net, sockets, start_daemon):
    """Errors come back on the socket that all share: by ICMP, by neighbour discovery, and from sending itself."""
    good = [(f"good{n}", host("ipv4" if n % 2 else "ipv6", 100 + n)) for n in range(50)]
    bad = {
        "host4": host("ipv4", 300), "host6": host("ipv6", 300), "port4": host("ipv4", 301),
        "silent4": host("ipv4", 302), "silent6": host("ipv6", 302), "noroute4": "203.0.113.1", "noroute6": "2001:db8::1",
    }
    net.play(
        f"{bad['host4']} plan=e error=host", f"{bad['host6']} plan=e error=host", f"{bad['port4']} plan=e error=port",
        f"{bad['silent4']} silent=1", f"{bad['silent6']} silent=1", "default",
    )
    fast = {"ping": {"type": "ping", "interval": 0.1, "timeout": 0.09, "count": 2, "spacing": 0.02},
            "slow": {"type": "ping", "interval": 1.0, "timeout": 0.9}}
    targets = [*good, *({"name": name, "address": address, "probes": ["slow" if "silent" in name else "ping"]}
                        for name, address in bad.items())]
    daemon = start_daemon(make_config(targets, fast))
    for name, _ in good:
        daemon.wait_runs(name, 10)
    daemon.wait_metrics(lambda m: all(m.failures(name) for name in bad), "a failure of each bad target")
    metrics = daemon.metrics()
    for name, _ in good:
        assert metrics.failures(name) == {}, name
        assert metrics.get("netsonde_ping_loss_ratio", target=name) == 0, name
    reasons = {name: set(metrics.failures(name)) for name in bad}
    assert reasons["host4"] == reasons["host6"] == {"unreachable_host"}
    assert reasons["port4"] == {"unreachable_port"}
    assert reasons["silent4"] <= {"unreachable_host", "local"} and reasons["silent6"] <= {"unreachable_host", "local"}
    assert reasons["noroute4"] <= {"local", "unreachable_net"} and reasons["noroute6"] <= {"local", "unreachable_net"}
    daemon.stop()
    for name in bad:
        for line in daemon.lines("ping", target=name):
            made_up = {"reply_hop_limit", "rtt_avg_seconds", "jitter_seconds"} & set(line.fields)
            assert made_up == set(), f"{name}: nobody replied"


# --- size --------------------------------------------------------------------------------------------------------


def ping(**options):
    return {"ping": {"type": "ping", "interval": 0.2, "timeout": 0.19, **options}}


def test_too_big_for_the_path(net, sockets, family, start_daemon):
    target = host(family, 50)
    net.play(f"{target} mtu=1300 router={host(family, 1)}")
    daemon = start_daemon(make_config([("a", target)], ping(size=1400, dont_fragment=True)))
    metrics = daemon.wait_runs("a", 4)
    assert set(metrics.failures("a")) == {"too_big"}
    seen = net.seen(target)
    assert seen["too_big"] >= 4, "the path is tried anew every time, whatever the kernel has learned"
    assert seen["last"]["dont_fragment"]


def test_too_big_for_the_interface(net, sockets, family, start_daemon):
    target = host(family, 51)
    net.play()
    daemon = start_daemon(make_config([("a", target)], ping(size=2000, dont_fragment=True)))
    assert set(daemon.wait_runs("a", 3).failures("a")) == {"too_big"}
    assert net.seen(target)["requests"] == 0


def test_dont_fragment_and_small_enough(net, sockets, family, start_daemon):
    target = host(family, 52)
    net.play(f"{target} mtu=1300")
    daemon = start_daemon(make_config([("a", target)], ping(size=1200, dont_fragment=True)))
    assert daemon.wait_runs("a", 3).failures("a") == {}
    assert net.seen(target)["last"]["dont_fragment"]


def test_without_dont_fragment_size_is_no_fault(net, sockets, family, start_daemon):
    target = host(family, 53)
    net.play(f"{target} mtu=1300")
    daemon = start_daemon(make_config([("a", target)], ping(size=1400)))
    daemon.wait_metrics(lambda m: m.get("netsonde_probe_success", target="a") == 1, "a success")
    metrics = daemon.wait_runs("a", 5)
    assert metrics.get("netsonde_probe_success", target="a") == 1
    if family == "ipv4":  # routers may cut
        assert metrics.failures("a") == {}
        assert not net.seen(target)["last"]["dont_fragment"]
    else:  # routers never do: this host has to learn first, and cuts
        assert set(metrics.failures("a")) <= {"too_big"}
        assert net.seen(target)["last"]["fragmented"]


def test_without_dont_fragment_the_kernel_cuts_for_the_interface(net, sockets, family, start_daemon):
    target = host(family, 54)
    net.play()
    daemon = start_daemon(make_config([("a", target)], ping(size=2000)))
    assert daemon.wait_runs("a", 3).failures("a") == {}
    assert net.seen(target)["last"]["fragmented"]


def test_time_to_live(net, sockets, family, start_daemon):
    far = "10.77.0.1" if family == "ipv4" else "fd77::1"
    net.play(f"{far} plan=e error=ttl router={host(family, 1)}", "default")
    run("ip", "route", "add", f"{far}", "via", host(family, 1), "dev", "va")
    daemon = start_daemon(make_config([("a", far)], ping(ttl=1, source=IPV4) if family == "ipv4" else ping(ttl=1)))
    assert set(daemon.wait_runs("a", 3).failures("a")) == {"ttl_exceeded"}
    assert net.seen(far)["last"]["hop_limit"] == 1

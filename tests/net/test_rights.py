"""Who may ping: root, a group of ping_group_range, a binary with CAP_NET_RAW - or nobody, and then it says what to do."""

import os

import pytest

from network import host, set_sysctl
from support import make_config

# Root in name only: no capability, and none to be had by exec.
POWERLESS = ["setpriv", "--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all",
             "--securebits=+noroot,+noroot_locked,+no_setuid_fixup,+no_setuid_fixup_locked"]


@pytest.fixture
def no_datagram():
    set_sysctl("net.ipv4.ping_group_range", "1 0")


def test_neither_kind_of_socket_is_allowed(no_datagram, start_daemon):
    daemon = start_daemon(make_config([("a", "127.0.0.1")]), prefix=POWERLESS, is_ready=False)
    assert daemon.process.wait(timeout=60) == 1, daemon.log
    assert "ping_group_range" in daemon.log and "cap_net_raw" in daemon.log.lower(), daemon.log
    assert "Sanitizer" not in daemon.log


def test_powerless_with_datagram_sockets(net, family, start_daemon):
    set_sysctl("net.ipv4.ping_group_range", f"{os.getgid()} {os.getgid()}")
    target = host(family, 1)
    net.play(f"{target} plan=.e error=host", "default")
    daemon = start_daemon(make_config([("a", target)], {
        "ping": {"type": "ping", "interval": 0.2, "timeout": 0.19, "count": 2, "spacing": 0.01, "ttl": 9, "dscp": 8,
                 "dont_fragment": True}}), prefix=POWERLESS)
    assert "datagram sockets" in daemon.log
    daemon.wait_runs("a", 3)
    daemon.stop()
    for line in daemon.lines("ping", target="a"):
        assert line.fields["success"] == 1 and line.fields["loss_ratio"] == 0.5
    assert net.seen(target)["last"]["hop_limit"] == 9
    set_sysctl("net.ipv4.ping_group_range", "1 0")


def test_only_the_capability_to_use_raw_sockets(net, no_datagram, family, start_daemon):
    """As with setcap cap_net_raw: one capability and nothing else."""
    target = host(family, 2)
    net.play()
    only_raw = ["setpriv", "--inh-caps=-all,+net_raw", "--ambient-caps=-all,+net_raw", "--bounding-set=-all,+net_raw",
                "--securebits=+noroot,+noroot_locked"]
    daemon = start_daemon(make_config([("a", target)]), prefix=only_raw)
    assert "raw sockets" in daemon.log
    assert daemon.wait_runs("a", 3).failures("a") == {}


def test_a_mark_needs_a_right(net, start_daemon):
    """Refused at start or failing as "local": but not silently sent without the mark."""
    set_sysctl("net.ipv4.ping_group_range", f"{os.getgid()} {os.getgid()}")
    target = host("ipv4", 3)
    net.play()
    daemon = start_daemon(
        make_config([{"name": "a", "address": target, "fwmark": 9}]), prefix=POWERLESS, is_ready=False)
    try:
        daemon.wait_ready()
    except AssertionError:
        assert daemon.process.wait() == 1 and "mark" in daemon.log.lower(), daemon.log
    else:
        assert set(daemon.wait_runs("a", 2).failures("a")) == {"local"}
    assert net.seen(target)["requests"] == 0
    set_sysctl("net.ipv4.ping_group_range", "1 0")

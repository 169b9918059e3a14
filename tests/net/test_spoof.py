"""Packets that pretend to be the reply: none of them may count."""

import pytest

from network import host
from support import make_config

PING = {"ping": {"type": "ping", "interval": 0.2, "timeout": 0.19}}
LIES = ["id", "sequence", "payload", "source", "checksum", "request", "empty"]


def rule(target, family, lie, plan):
    return f"{target} plan={plan} spoof={lie} other={host(family, 999)}"


def test_a_lie_alone_is_no_reply(net, sockets, family, start_daemon):
    targets = {lie: host(family, 10 + n) for n, lie in enumerate(LIES)}
    net.play(*(rule(address, family, lie, "s") for lie, address in targets.items()), "default")
    daemon = start_daemon(make_config(targets.items(), PING))
    for lie in LIES:
        metrics = daemon.wait_runs(lie, 4)
    for lie, address in targets.items():
        assert net.seen(address)["lies"] >= 4
        assert set(metrics.failures(lie)) == {"timeout"}, lie
        assert metrics.get("netsonde_ping_received_total", target=lie) == 0, lie
        assert metrics.get("netsonde_ping_duplicates_total", target=lie) == 0, lie
        assert metrics.get("netsonde_ping_late_total", target=lie) == 0, lie


def test_the_truth_counts_beside_a_lie(net, sockets, family, start_daemon):
    targets = {lie: host(family, 30 + n) for n, lie in enumerate(LIES)}
    net.play(*(rule(address, family, lie, "S") for lie, address in targets.items()), "default")
    daemon = start_daemon(make_config(targets.items(), PING))
    for lie in LIES:
        daemon.wait_runs(lie, 4)
    metrics = daemon.metrics()
    for lie in LIES:
        assert metrics.failures(lie) == {}, lie
        assert metrics.get("netsonde_ping_loss_ratio", target=lie) == 0, lie
        assert metrics.get("netsonde_ping_duplicates_total", target=lie) == 0, lie


def test_a_spoofed_source_is_not_believed_by_its_owner_either(net, sockets, family, start_daemon):
    """a's replies come from b's address: b has sent other requests, and its figures stay clean."""
    a, b = host(family, 50), host(family, 51)
    net.play(f"{a} plan=s spoof=source other={b}", "default")
    daemon = start_daemon(make_config([("a", a), ("b", b)], PING))
    daemon.wait_runs("a", 5)
    metrics = daemon.wait_runs("b", 5)
    assert metrics.get("netsonde_ping_received_total", target="a") == 0
    assert metrics.failures("b") == {}
    assert metrics.get("netsonde_ping_duplicates_total", target="b") == 0
    assert metrics.get("netsonde_ping_received_total", target="b") <= metrics.get("netsonde_ping_sent_total", target="b")


@pytest.mark.parametrize("size", [1, 4, 7, 8, 9, 12, 15])
def test_truncated_replies(net, sockets, family, start_daemon, size):
    """Less than the header and the secret: not the reply. Down to a single byte."""
    target = host(family, 60)
    net.play(f"{target} plan=t truncate={size}")
    daemon = start_daemon(make_config([("a", target)], PING))
    metrics = daemon.wait_runs("a", 4)
    assert set(metrics.failures("a")) == {"timeout"}
    assert metrics.get("netsonde_ping_received_total", target="a") == 0


def test_garbage(net, sockets, family, start_daemon):
    """Junk of many lengths, also as errors that quote junk; a good target beside it notices nothing."""
    lengths = [4, 8, 9, 16, 28, 36, 48, 64, 100, 1000]
    targets = {f"junk{length}": host(family, 70 + n) for n, length in enumerate(lengths)}
    net.play(*(f"{address} plan=g garbage={name[4:]}" for name, address in targets.items()), "default")
    fast = {"ping": {"type": "ping", "interval": 0.05, "timeout": 0.045}}
    daemon = start_daemon(make_config([*targets.items(), ("good", host(family, 99))], fast))
    for name in targets:
        metrics = daemon.wait_runs(name, 20)
        assert metrics.get("netsonde_ping_received_total", target=name) == 0
    assert metrics.failures("good") == {}
    assert metrics.get("netsonde_ping_loss_ratio", target="good") == 0
